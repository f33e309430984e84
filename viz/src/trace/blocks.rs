//! Looks over a file before it is read: is all of it there, and are its sizes believable?
//!
//! An FST file is a row of blocks, each a byte that says which kind, then its length in 8 bytes, big end
//! first, itself included. Sizes of what a block unpacks to are checked against what compression can do,
//! because a reader takes that much memory without asking.

use std::io::{self, Read, Seek, SeekFrom};

/// What is wrong with a file, in words; or what it says.
type Checked<T> = Result<T, String>;

/// zlib unpacks a byte to at most 1,032; LZ4 to 255, once more where it is used twice.
const UNPACKED_MAX: u64 = 255 * 255;
/// Small blocks may say what they like.
const UNPACKED_ALWAYS: u64 = 1 << 16;

const HEADER: u8 = 0;
const VALUES: [u8; 3] = [1, 5, 8];
const GEOMETRY: u8 = 3;
const HIERARCHY: [u8; 3] = [4, 6, 7];
const PACKED: u8 = 254;
const SKIPPED: u8 = 255;
/// All of a header, without the byte before it.
const HEADER_BYTES: u64 = 329;
/// Where in a header the number of blocks of values stands: behind its kind and eight other numbers.
const BLOCK_COUNT_AT: u64 = 1 + 8 * 8;

/// Walks over the blocks of an FST file.
pub(super) fn check_fst(file: &mut (impl Read + Seek), length: u64) -> io::Result<Checked<()>> {
    let mut at = 0;
    let mut has_geometry = false;
    let mut has_hierarchy = false;
    let (mut block_count, mut blocks_expected) = (0, 0);
    while at < length {
        let cut_off = |what: &str, needed: u64| {
            format!(
                "it is cut off: {what} starts at byte {at} and needs {needed} bytes, the file has {length}"
            )
        };
        if length - at < 9 {
            return Ok(Err(cut_off("a block", 9)));
        }
        file.seek(SeekFrom::Start(at))?;
        let mut kind = [0];
        file.read_exact(&mut kind)?;
        let [kind] = kind;
        let size = number(file)?;
        let name = match kind {
            HEADER => "the header",
            GEOMETRY => "the table of widths",
            PACKED => "a packed file",
            SKIPPED => "an unused block",
            _ if HIERARCHY.contains(&kind) => "the hierarchy",
            _ if VALUES.contains(&kind) => "a block of values",
            2 => "a table of blackouts",
            _ => {
                return Ok(Err(format!(
                    "there is no block of kind {kind}, as at byte {at}"
                )));
            }
        };
        if at == 0 && kind == SKIPPED {
            return Ok(Err("whoever wrote it has not come to its end".to_owned()));
        }
        if size < 8 || (kind == HEADER && size != HEADER_BYTES) {
            return Ok(Err(format!(
                "{name} at byte {at} says that it is {size} bytes long"
            )));
        }
        if size > length - at - 1 {
            return Ok(Err(cut_off(name, size)));
        }
        has_geometry |= kind == GEOMETRY || kind == PACKED;
        has_hierarchy |= HIERARCHY.contains(&kind) || kind == PACKED;
        let amount = amount(file, (kind, at, size))?;
        if let Some((claimed, what)) = amount.filter(|(claimed, _)| !is_believable(*claimed, size))
        {
            return Ok(Err(format!(
                "{name} at byte {at} says that it holds {claimed} {what}"
            )));
        }
        if kind == HEADER {
            file.seek(SeekFrom::Start(at + BLOCK_COUNT_AT))?;
            blocks_expected = number(file)?;
        }
        block_count += u64::from(VALUES.contains(&kind));
        at += 1 + size;
    }
    if block_count < blocks_expected {
        let reason =
            format!("it is cut off: {block_count} of {blocks_expected} blocks of values are there");
        return Ok(Err(reason));
    }
    if !has_geometry || !has_hierarchy {
        return Ok(Err(
            "it is cut off: the hierarchy of its signals is missing".to_owned(),
        ));
    }
    Ok(Ok(()))
}

/// The largest number of things that a block says it holds.
fn amount(
    file: &mut (impl Read + Seek),
    (kind, at, size): (u8, u64, u64),
) -> io::Result<Option<(u64, &'static str)>> {
    if VALUES.contains(&kind) && size >= 4 * 8 {
        // At the end of a block of values: bytes of its times, unpacked and packed, and how many times.
        file.seek(SeekFrom::Start(at + 1 + size - 3 * 8))?;
        let bytes = number(file)?;
        number(file)?;
        return Ok(Some((bytes.max(number(file)?), "times")));
    }
    let is_packed = kind == GEOMETRY || kind == PACKED || HIERARCHY.contains(&kind);
    if !is_packed || size < 3 * 8 {
        return Ok(None);
    }
    let bytes = number(file)?;
    if kind == GEOMETRY {
        // A byte at least for each signal.
        let signals = number(file)?;
        return Ok(Some(if signals > bytes {
            (signals, "signals")
        } else {
            (bytes, "bytes")
        }));
    }
    Ok(Some((bytes, "bytes")))
}

/// Whether compression can have made it as small as it is.
fn is_believable(claimed: u64, size: u64) -> bool {
    claimed <= UNPACKED_ALWAYS || claimed / UNPACKED_MAX <= size
}

fn number(file: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    file.read_exact(&mut bytes)?;
    Ok(u64::from_be_bytes(bytes))
}

/// Looks for the end of the declarations and at the end of the file; what can be read all the same is
/// worth a warning.
pub(super) fn check_vcd(
    file: &mut (impl Read + Seek),
    length: u64,
) -> io::Result<Checked<Option<String>>> {
    const END: &[u8] = b"$enddefinitions";
    file.seek(SeekFrom::Start(0))?;
    let mut window = Vec::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            let reason =
                "it is cut off: `$enddefinitions`, the end of its declarations, is missing";
            return Ok(Err(reason.to_owned()));
        }
        window.extend_from_slice(&chunk[..count]);
        if window.windows(END.len()).any(|part| part == END) {
            break;
        }
        let surplus = window.len().saturating_sub(END.len());
        window.drain(..surplus);
    }
    let is_ours = {
        let mut start = vec![0; (length as usize).min(64)];
        file.seek(SeekFrom::Start(0))?;
        file.read_exact(&mut start)?;
        start.trim_ascii_start().starts_with(OURS)
    };
    let tail_bytes = length.min(TAIL_BYTES);
    file.seek(SeekFrom::Start(length - tail_bytes))?;
    let mut tail = Vec::new();
    file.take(tail_bytes).read_to_end(&mut tail)?;
    Ok(Ok(cut_off(&tail, is_ours)))
}

/// How files of this crate's own simulator begin.
const OURS: &[u8] = b"$version tina-hw";

/// Bytes at the end of a file that are looked at.
const TAIL_BYTES: u64 = 1 << 20;

/// What stands between changes, up to an `$end` (IEEE 1364, 18.2.3).
const SECTIONS: [&str; 5] = ["$dumpvars", "$dumpall", "$dumpon", "$dumpoff", "$comment"];

/// How the end of a VCD file shows that there was more, where it does: a file that is cut between two changes
/// looks whole, unless it is one of ours, which end with a time.
fn cut_off(tail: &[u8], is_ours: bool) -> Option<String> {
    let lines = tail.split(|&byte| byte == b'\n');
    let lines: Vec<&[u8]> = lines.collect();
    let Some((&[], lines)) = lines.split_last() else {
        let warning = "the file ends in the middle of a line; it may have been cut off";
        return Some(warning.to_owned());
    };
    // `$` alone or with letters behind it may also be the identifier of a signal, behind its value.
    let section = |line: &[u8]| {
        let word = line.split(u8::is_ascii_whitespace).next()?;
        SECTIONS.iter().find(|section| section.as_bytes() == word)
    };
    let mut opened = lines.iter().enumerate().rev();
    let opened = opened.find_map(|(number, line)| Some((number, section(line)?)));
    if let Some((number, section)) = opened {
        let mut words = lines[number..]
            .iter()
            .flat_map(|line| line.split(u8::is_ascii_whitespace));
        if !words.any(|word| word == b"$end") {
            return Some(format!("the file ends within `{section}`: it was cut off"));
        }
    }
    let last = lines.last().map_or(&[][..], |line| line.trim_ascii());
    let is_time = last.starts_with(b"#");
    (is_ours && !is_time)
        .then(|| "the file ends without the time of its end: it was cut off".to_owned())
}
