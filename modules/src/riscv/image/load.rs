//! Reading an ELF file: everything that can go wrong goes wrong here.

use super::{
    CONTENT_BYTES_MAX, FILE_BYTES_MAX, Image, ImageError, NAME_BYTES_MAX, SEGMENTS_MAX,
    SYMBOLS_MAX, Segment, Symbol,
};
use elf::abi::{
    EF_RISCV_FLOAT_ABI_MASK, EF_RISCV_RVC, EM_RISCV, ET_EXEC, PT_LOAD, SHN_UNDEF, SHT_SYMTAB,
};
use elf::abi::{STB_LOCAL, STT_FUNC, STT_NOTYPE, STT_OBJECT};
use elf::endian::LittleEndian;
use elf::segment::ProgramHeader;
use elf::{ElfBytes, ParseError};

pub(super) fn load(file: &[u8]) -> Result<Image, ImageError> {
    check_identification(file)?;
    let elf =
        ElfBytes::<LittleEndian>::minimal_parse(file).map_err(|error| parse_error(file, &error))?;
    check_header(&elf)?;
    let segments = load_segments(file, &elf)?;
    let entry = elf.ehdr.e_entry as u32; // a 32-bit field of the file
    let holds_entry =
        |segment: &Segment| segment.address <= entry && u64::from(entry) + 4 <= segment.end();
    if !entry.is_multiple_of(4) || !segments.iter().any(holds_entry) {
        return Err(ImageError::BadEntry { entry });
    }
    let symbols = load_symbols(file, &elf)?;
    Ok(Image {
        entry,
        segments,
        symbols,
    })
}

fn check_identification(file: &[u8]) -> Result<(), ImageError> {
    if file.len() > FILE_BYTES_MAX {
        return Err(ImageError::FileTooLarge { bytes: file.len() });
    }
    if !file.starts_with(b"\x7fELF") {
        return Err(ImageError::NotElf);
    }
    let &[class, data] =
        file.get(4..6)
            .and_then(|pair| pair.first_chunk())
            .ok_or(ImageError::Truncated {
                bytes: file.len(),
                needed: HEADER_BYTES,
            })?;
    if class != elf::abi::ELFCLASS32 {
        return Err(ImageError::WrongClass { class });
    }
    if data != elf::abi::ELFDATA2LSB {
        return Err(ImageError::WrongByteOrder { data });
    }
    Ok(())
}

/// Bytes of the header of a 32-bit ELF file.
const HEADER_BYTES: u64 = 52;

fn check_header(elf: &ElfBytes<'_, LittleEndian>) -> Result<(), ImageError> {
    let header = &elf.ehdr;
    if header.e_machine != EM_RISCV {
        return Err(ImageError::WrongMachine {
            machine: header.e_machine,
        });
    }
    if header.e_type != ET_EXEC {
        return Err(ImageError::NotExecutable {
            file_type: header.e_type,
        });
    }
    if header.e_flags & EF_RISCV_RVC != 0 {
        return Err(ImageError::CompressedCode);
    }
    if header.e_flags & EF_RISCV_FLOAT_ABI_MASK != 0 {
        return Err(ImageError::FloatAbi);
    }
    Ok(())
}

fn parse_error(file: &[u8], error: &ParseError) -> ImageError {
    match error {
        ParseError::SliceReadError((_, end)) => ImageError::Truncated {
            bytes: file.len(),
            needed: *end as u64,
        },
        other => ImageError::Malformed {
            detail: other.to_string(),
        },
    }
}

fn load_segments(
    file: &[u8],
    elf: &ElfBytes<'_, LittleEndian>,
) -> Result<Vec<Segment>, ImageError> {
    let headers = elf
        .segments()
        .into_iter()
        .flat_map(|table| table.iter())
        .enumerate();
    let loadable: Vec<(usize, ProgramHeader)> = headers
        .filter(|(_, header)| header.p_type == PT_LOAD && header.p_memsz > 0)
        .collect();
    if loadable.is_empty() {
        return Err(ImageError::NothingToLoad);
    }
    if loadable.len() > SEGMENTS_MAX {
        return Err(ImageError::TooManySegments {
            count: loadable.len(),
        });
    }
    // 32-bit fields and few segments: the sum cannot overflow.
    let bytes: u64 = loadable.iter().map(|(_, header)| header.p_filesz).sum();
    if bytes > CONTENT_BYTES_MAX as u64 {
        return Err(ImageError::ContentTooLarge { bytes });
    }
    let mut segments = Vec::with_capacity(loadable.len());
    for (number, header) in &loadable {
        segments.push(load_segment(file, elf, *number, header)?);
    }
    segments.sort_by_key(|segment| segment.address);
    for pair in segments.windows(2) {
        if pair[0].end() > u64::from(pair[1].address) {
            return Err(ImageError::Overlap {
                first: (&pair[0]).into(),
                second: (&pair[1]).into(),
            });
        }
    }
    Ok(segments)
}

fn load_segment(
    file: &[u8],
    elf: &ElfBytes<'_, LittleEndian>,
    number: usize,
    header: &ProgramHeader,
) -> Result<Segment, ImageError> {
    let (address, file_bytes, memory_bytes) = (header.p_paddr, header.p_filesz, header.p_memsz);
    if file_bytes > memory_bytes {
        let detail = format!(
            "segment {number} has {file_bytes} bytes in the file but {memory_bytes} in memory"
        );
        return Err(ImageError::Malformed { detail });
    }
    if address + memory_bytes > 1 << 32 {
        return Err(ImageError::AddressOverflow {
            segment: number,
            address,
            bytes: memory_bytes,
        });
    }
    let truncated = |_| ImageError::Truncated {
        bytes: file.len(),
        needed: header.p_offset + file_bytes,
    };
    let content = elf.segment_data(header).map_err(truncated)?.to_vec();
    // Both are 32-bit fields of the file, and the sum was just checked: 2^32 bytes at 0 are
    // beyond a 32-bit field, so the casts lose nothing.
    Ok(Segment {
        number,
        address: address as u32,
        memory_bytes: memory_bytes as u32,
        content,
    })
}

/// Named addresses, sorted so that of equal names a global one comes first. A file without a symbol
/// table has none.
fn load_symbols(file: &[u8], elf: &ElfBytes<'_, LittleEndian>) -> Result<Vec<Symbol>, ImageError> {
    let parse = |error: ParseError| parse_error(file, &error);
    let Some(sections) = elf.section_headers() else {
        return Ok(Vec::new());
    };
    let Some(table_header) = sections
        .iter()
        .find(|section| section.sh_type == SHT_SYMTAB)
    else {
        return Ok(Vec::new());
    };
    let names_header = sections.get(table_header.sh_link as usize).map_err(parse)?;
    let (names, _) = elf.section_data(&names_header).map_err(parse)?;
    let Some((table, _)) = elf.symbol_table().map_err(parse)? else {
        return Ok(Vec::new());
    };
    if table.len() > SYMBOLS_MAX {
        return Err(ImageError::TooManySymbols { count: table.len() });
    }
    let named = table.iter().filter(|symbol| {
        symbol.st_shndx != SHN_UNDEF
            && matches!(symbol.st_symtype(), STT_NOTYPE | STT_OBJECT | STT_FUNC)
    });
    let mut symbols: Vec<Symbol> = named
        .filter_map(|symbol| {
            let name = name_at(names, symbol.st_name as usize)?.to_owned();
            Some(Symbol {
                name,
                is_local: symbol.st_bind() == STB_LOCAL,
                address: symbol.st_value as u32,
            })
        })
        .collect();
    symbols.sort();
    Ok(symbols)
}

/// The name at an offset of a string table, if it is one of at most [`NAME_BYTES_MAX`] bytes. Looks no
/// further, so that many symbols with one endless name cost no more than others.
fn name_at(names: &[u8], offset: usize) -> Option<&str> {
    let tail = names.get(offset..)?;
    let length = tail
        .iter()
        .take(NAME_BYTES_MAX + 1)
        .position(|&byte| byte == 0)?;
    std::str::from_utf8(&tail[..length])
        .ok()
        .filter(|name| !name.is_empty())
}
