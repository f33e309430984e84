//! Guest programs: an ELF file's loadable segments, entry and symbols.
//!
//! Segments are placed by their *physical* address (`p_paddr`), as a boot ROM would: start-up
//! code that copies its initialised data from load to run address finds them where they were
//! linked to be loaded. Bytes that no segment loads read as zero. Every number of the file is
//! checked before it is used, so no file makes loading panic or take more memory than the limits
//! below allow.
//!
//! Knows nothing of the machine's memory map: [`Image::check_within`] is told.

mod error;
mod load;

pub use error::{ImageError, SegmentRange};

/// The largest file accepted, in bytes.
pub const FILE_BYTES_MAX: usize = 64 << 20;

/// The most bytes that all segments together may load: segments may share bytes of the file.
pub const CONTENT_BYTES_MAX: usize = FILE_BYTES_MAX;

/// The most symbols a file may have.
pub const SYMBOLS_MAX: usize = 1 << 18;

/// The longest name a symbol is kept under, in bytes; symbols with longer ones are left out.
pub const NAME_BYTES_MAX: usize = 255;

/// The most loadable segments a file may have.
pub const SEGMENTS_MAX: usize = 256;

/// A loadable segment: file bytes, then zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Number of its program header in the file, from 0.
    pub number: usize,
    /// Physical address of its first byte.
    pub address: u32,
    /// Bytes it takes in memory.
    pub memory_bytes: u32,
    /// Content of its first bytes; the others are zero.
    pub content: Vec<u8>,
}

impl Segment {
    /// The first address behind it; 2^32 if it ends the address space.
    #[must_use]
    pub fn end(&self) -> u64 {
        u64::from(self.address) + u64::from(self.memory_bytes)
    }
}

/// A symbol with an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Symbol {
    name: String,
    /// Global names win over local ones of the same spelling.
    is_local: bool,
    address: u32,
}

/// A program, checked and ready to be copied into memories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    entry: u32,
    segments: Vec<Segment>,
    symbols: Vec<Symbol>,
}

impl Image {
    /// Reads an ELF file from its bytes.
    ///
    /// # Errors
    /// Every way in which the file is no program for an RV32IMA machine, see [`ImageError`].
    pub fn from_elf(file: &[u8]) -> Result<Self, ImageError> {
        load::load(file)
    }

    /// Address of the first instruction.
    #[must_use]
    pub fn entry(&self) -> u32 {
        self.entry
    }

    /// Loadable segments, by rising address; none is empty, none overlaps another.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Address of a symbol.
    #[must_use]
    pub fn symbol(&self, name: &str) -> Option<u32> {
        let first = self
            .symbols
            .partition_point(|symbol| symbol.name.as_str() < name);
        self.symbols
            .get(first)
            .filter(|symbol| symbol.name == name)
            .map(|symbol| symbol.address)
    }

    /// Checks that every segment lies within a memory.
    ///
    /// # Errors
    /// [`ImageError::OutOfRange`] for the first segment that does not.
    pub fn check_within(&self, memory_start: u32, memory_bytes: u32) -> Result<(), ImageError> {
        let memory_start = u64::from(memory_start);
        let memory_end = memory_start + u64::from(memory_bytes);
        let outside = |segment: &&Segment| {
            u64::from(segment.address) < memory_start || segment.end() > memory_end
        };
        match self.segments.iter().find(outside) {
            None => Ok(()),
            Some(segment) => Err(ImageError::OutOfRange {
                segment: segment.into(),
                memory_start,
                memory_end,
            }),
        }
    }

    /// The little-endian word at a 4-byte aligned address; bytes that nothing loads are zero.
    #[must_use]
    pub fn read_word(&self, address: u32) -> u32 {
        let mut word = [0];
        self.copy_words(address, &mut word);
        word[0]
    }

    /// Fills `words` with the memory content from a 4-byte aligned address on; bytes that nothing
    /// loads become zero.
    pub fn copy_words(&self, start: u32, words: &mut [u32]) {
        assert!(
            start.is_multiple_of(4),
            "words are read from aligned addresses, not from {start:#x}"
        );
        words.fill(0);
        let (start, end) = (u64::from(start), u64::from(start) + 4 * words.len() as u64);
        for segment in &self.segments {
            let address = u64::from(segment.address);
            let content_end = address + segment.content.len() as u64;
            let (low, high) = (start.max(address), end.min(content_end));
            if low < high {
                let content = &segment.content[(low - address) as usize..(high - address) as usize];
                place(words, (low - start) as usize, content);
            }
        }
    }

    /// Fills the memory of one of several interleaved banks: `words` takes `unit_words` words from
    /// `start`, then as many from `stride_bytes` further on, and so forth.
    pub fn copy_interleaved(
        &self,
        start: u32,
        unit_words: usize,
        stride_bytes: u32,
        words: &mut [u32],
    ) {
        assert!(unit_words > 0, "an interleaved unit holds at least a word");
        let mut address = start;
        for unit in words.chunks_mut(unit_words) {
            self.copy_words(address, unit);
            // Past the end of the address space nothing is loaded that a wrapped read could find
            // unless the memory itself wraps, which no machine is built with.
            address = address.wrapping_add(stride_bytes);
        }
    }
}

/// Puts `content` into little-endian words, beginning at byte `first` of them.
fn place(words: &mut [u32], first: usize, content: &[u8]) {
    let head = content.len().min(first.wrapping_neg() % 4);
    let (ragged, aligned) = content.split_at(head);
    let mut put_byte = |at: usize, byte: u8| words[at / 4] |= u32::from(byte) << (8 * (at % 4));
    for (offset, &byte) in ragged.iter().enumerate() {
        put_byte(first + offset, byte);
    }
    let body = first + head;
    let whole = aligned.chunks_exact(4);
    for (offset, &byte) in whole.remainder().iter().enumerate() {
        put_byte(body + aligned.len() / 4 * 4 + offset, byte);
    }
    for (word, bytes) in words[body.div_ceil(4)..].iter_mut().zip(whole) {
        *word = u32::from_le_bytes(bytes.try_into().expect("chunks of four bytes"));
    }
}

#[cfg(test)]
mod tests;
