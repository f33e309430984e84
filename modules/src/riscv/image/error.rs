//! What can be wrong with a program file, in words for its user. The caller adds the path.

use super::{CONTENT_BYTES_MAX, FILE_BYTES_MAX, SEGMENTS_MAX, SYMBOLS_MAX, Segment};
use elf::abi::{EM_RISCV, ET_EXEC};
use std::fmt;

/// Why a file is no program for this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// The file is larger than [`FILE_BYTES_MAX`].
    FileTooLarge {
        /// Size of the file.
        bytes: usize,
    },
    /// The file does not start with the ELF magic bytes.
    NotElf,
    /// A 64-bit file, or a class that does not exist.
    WrongClass {
        /// The byte `EI_CLASS`.
        class: u8,
    },
    /// A big-endian file, or a byte order that does not exist.
    WrongByteOrder {
        /// The byte `EI_DATA`.
        data: u8,
    },
    /// Code for another processor.
    WrongMachine {
        /// The field `e_machine`.
        machine: u16,
    },
    /// An object or a shared library instead of an executable.
    NotExecutable {
        /// The field `e_type`.
        file_type: u16,
    },
    /// Compiled for the C extension.
    CompressedCode,
    /// Compiled for registers of the F, D or Q extension.
    FloatAbi,
    /// The file ends before what its headers speak of.
    Truncated {
        /// Size of the file.
        bytes: usize,
        /// The size it should at least have.
        needed: u64,
    },
    /// The headers contradict themselves.
    Malformed {
        /// What is wrong.
        detail: String,
    },
    /// No segment has a byte to load.
    NothingToLoad,
    /// More than [`SEGMENTS_MAX`] loadable segments.
    TooManySegments {
        /// How many there are.
        count: usize,
    },
    /// The segments load more than [`CONTENT_BYTES_MAX`] together.
    ContentTooLarge {
        /// How many bytes they load.
        bytes: u64,
    },
    /// More than [`SYMBOLS_MAX`] symbols.
    TooManySymbols {
        /// How many there are.
        count: usize,
    },
    /// A segment goes beyond the 32-bit address space.
    AddressOverflow {
        /// Number of the segment.
        segment: usize,
        /// First address.
        address: u64,
        /// Bytes in memory.
        bytes: u64,
    },
    /// Two segments claim the same bytes.
    Overlap {
        /// The segment with the lower address.
        first: SegmentRange,
        /// The other.
        second: SegmentRange,
    },
    /// The entry lies in no segment, or between instructions.
    BadEntry {
        /// The entry address.
        entry: u32,
    },
    /// A segment lies, at least in part, outside the machine's memory.
    OutOfRange {
        /// The segment.
        segment: SegmentRange,
        /// First address of the memory.
        memory_start: u64,
        /// First address behind the memory.
        memory_end: u64,
    },
}

/// A segment in an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentRange {
    /// Number of its program header.
    pub number: usize,
    /// First address.
    pub start: u64,
    /// First address behind it.
    pub end: u64,
}

impl fmt::Display for SegmentRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "segment {} ({:#010x}..{:#010x})",
            self.number, self.start, self.end
        )
    }
}

impl From<&Segment> for SegmentRange {
    fn from(segment: &Segment) -> Self {
        Self {
            number: segment.number,
            start: u64::from(segment.address),
            end: segment.end(),
        }
    }
}

impl fmt::Display for ImageError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileTooLarge { bytes } => {
                write!(out, "file too large: {bytes} bytes, the limit is {FILE_BYTES_MAX}")
            }
            Self::NotElf => out.write_str("not an ELF file: it does not start with 0x7f 'E' 'L' 'F'"),
            Self::WrongClass { class: 2 } => {
                out.write_str("wrong class: a 64-bit program, this machine runs 32-bit RISC-V (RV32IMA)")
            }
            Self::WrongClass { class } => write!(out, "wrong class: EI_CLASS is {class}, expected 1 (32-bit)"),
            Self::WrongByteOrder { data: 2 } => {
                out.write_str("wrong byte order: a big-endian program, this machine is little-endian")
            }
            Self::WrongByteOrder { data } => {
                write!(out, "wrong byte order: EI_DATA is {data}, expected 1 (little-endian)")
            }
            Self::WrongMachine { machine } => write!(
                out,
                "wrong architecture: {} (machine {machine}), expected RISC-V (machine {EM_RISCV})",
                machine_name(*machine)
            ),
            Self::NotExecutable { file_type } => {
                let name = match file_type {
                    1 => "a relocatable object, not yet linked",
                    3 => "a shared object or position-independent program",
                    4 => "a core dump",
                    _ => "no executable",
                };
                write!(out, "not an executable: {name} (type {file_type}), expected type {ET_EXEC}")
            }
            Self::CompressedCode => out.write_str(
                "compiled for compressed instructions (extension C), which this machine lacks: use -march=rv32ima",
            ),
            Self::FloatAbi => out.write_str(
                "compiled for floating-point registers, which this machine lacks: use -march=rv32ima -mabi=ilp32",
            ),
            Self::Truncated { bytes, needed } => {
                write!(out, "file truncated: {bytes} bytes, its headers speak of at least {needed}")
            }
            Self::Malformed { detail } => write!(out, "malformed ELF file: {detail}"),
            Self::NothingToLoad => out.write_str("no loadable segment"),
            Self::TooManySegments { count } => {
                write!(out, "too many loadable segments: {count}, the limit is {SEGMENTS_MAX}")
            }
            Self::ContentTooLarge { bytes } => {
                write!(out, "too large: the segments load {bytes} bytes, the limit is {CONTENT_BYTES_MAX}")
            }
            Self::TooManySymbols { count } => write!(out, "too many symbols: {count}, the limit is {SYMBOLS_MAX}"),
            Self::AddressOverflow { segment, address, bytes } => write!(
                out,
                "segment {segment} at {address:#010x} with {bytes} bytes goes beyond the 32-bit address space"
            ),
            Self::Overlap { first, second } => write!(out, "{first} and {second} overlap"),
            Self::BadEntry { entry } => {
                write!(out, "entry {entry:#010x} is no 4-byte aligned address within a loaded segment")
            }
            Self::OutOfRange { segment, memory_start, memory_end } => {
                let what = if segment.start < *memory_start || segment.start >= *memory_end {
                    "out of range"
                } else {
                    "too large"
                };
                write!(
                    out,
                    "program {what}: {segment} does not lie within the memory \
                     ({memory_start:#010x}..{memory_end:#010x}, {} KiB)",
                    (memory_end - memory_start) / 1024
                )
            }
        }
    }
}

impl std::error::Error for ImageError {}

/// Names for the machines a user is most likely to have compiled for by mistake.
fn machine_name(machine: u16) -> &'static str {
    match machine {
        elf::abi::EM_386 => "x86",
        elf::abi::EM_X86_64 => "x86-64",
        elf::abi::EM_ARM => "Arm",
        elf::abi::EM_AARCH64 => "AArch64",
        elf::abi::EM_MIPS => "MIPS",
        elf::abi::EM_PPC => "PowerPC",
        elf::abi::EM_PPC64 => "PowerPC 64",
        _ => "another processor",
    }
}
