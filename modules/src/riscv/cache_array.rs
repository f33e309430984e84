//! HOT. The sets, ways and lines of a cache, apart from any protocol.
//!
//! ```text
//!   address   | tag ............. | set ... | byte: 5 |
//!   slot = set × ways + way         one tag word and one line per slot
//!   tag word  = line address | rights of the line (0: the slot is empty)
//! ```
//!
//! Replacement: an empty way first, else the first way that was not used since all the others were
//! (one bit per way; exact least-recently-used for two ways). Knows nothing of who holds a line
//! elsewhere, nor what its bytes mean.

use super::coherence::{LINE_BYTES, Line, line_address};
use serde::{Deserialize, Serialize};
use tina_engine::{BuildError, Memory, State, Wiring};

/// What a cache may do with a line; the numbers are part of the tag word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Rights {
    /// Nothing: the line is not here.
    Nothing = 0,
    /// Read it.
    Shared = 1,
    /// Read and write it; memory has the same contents.
    OwnedClean = 2,
    /// Read and write it; memory is out of date.
    OwnedDirty = 3,
}

const RIGHTS_MASK: u32 = 3;

impl Rights {
    const fn of(tag: u32) -> Self {
        match tag & RIGHTS_MASK {
            0 => Self::Nothing,
            1 => Self::Shared,
            2 => Self::OwnedClean,
            _ => Self::OwnedDirty,
        }
    }
}

/// The most ways of a set: one bit each in a byte.
pub const WAYS_MAX: u32 = 8;

/// The most bytes of a cache.
pub const CACHE_BYTES_MAX: u32 = 16 << 20;

/// Index of a line's place in a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotIndex(u32);

impl SlotIndex {
    #[inline(always)]
    const fn at(self) -> usize {
        self.0 as usize
    }
}

/// Tags, replacement bits and lines of one cache.
pub struct CacheArray {
    set_mask: u32,
    ways: u32,
    tags: Memory<u32>,
    /// Per set: a bit per way, set when the way is used, all others cleared when all are set.
    used: Memory<u8>,
    lines: Memory<Line>,
}

impl CacheArray {
    /// An empty cache of `bytes` bytes in sets of `ways` lines.
    ///
    /// # Errors
    /// When the sizes are out of range, or the number of sets is no power of two.
    pub fn build(bytes: u32, ways: u32, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        if ways == 0 || ways > WAYS_MAX {
            return Err(BuildError::param(
                "ways",
                format!("{ways}; a cache has 1 to {WAYS_MAX} ways"),
            ));
        }
        let sets = bytes / (ways * LINE_BYTES);
        if bytes > CACHE_BYTES_MAX || !sets.is_power_of_two() || bytes != sets * ways * LINE_BYTES {
            return Err(BuildError::param(
                "bytes",
                format!(
                    "{bytes}; a cache of {ways} ways has {ways} × {LINE_BYTES} bytes times a power of two, \
                     at most {CACHE_BYTES_MAX}"
                ),
            ));
        }
        let slots = (sets * ways) as usize;
        Ok(Self {
            set_mask: sets - 1,
            ways,
            tags: wiring.memory(slots)?,
            used: wiring.memory(sets as usize)?,
            lines: wiring.memory(slots)?,
        })
    }

    /// Visits what is in it.
    pub fn state(&mut self, state: &mut State<'_>) {
        state
            .memory(&mut self.tags)
            .memory(&mut self.used)
            .memory(&mut self.lines);
    }

    #[inline(always)]
    const fn set(&self, address: u32) -> u32 {
        (address / LINE_BYTES) & self.set_mask
    }

    /// Where the line of `address` is, if it is here.
    #[inline(always)]
    #[must_use]
    pub fn find(&self, address: u32) -> Option<SlotIndex> {
        let first = self.set(address) * self.ways;
        let line = line_address(address);
        (first..first + self.ways)
            // Same line and rights of 1 to 3: the difference of the words is the rights.
            .find(|&slot| (self.tags[slot as usize] ^ line).wrapping_sub(1) < RIGHTS_MASK)
            .map(SlotIndex)
    }

    /// What may be done with the line in `slot`.
    #[inline(always)]
    #[must_use]
    pub fn rights(&self, slot: SlotIndex) -> Rights {
        Rights::of(self.tags[slot.at()])
    }

    /// Changes what may be done with the line in `slot`.
    #[inline(always)]
    pub fn set_rights(&mut self, slot: SlotIndex, rights: Rights) {
        let tag = &mut self.tags[slot.at()];
        *tag = *tag & !RIGHTS_MASK | rights as u32;
    }

    /// Address of the line in `slot`.
    #[must_use]
    pub fn address(&self, slot: SlotIndex) -> u32 {
        line_address(self.tags[slot.at()])
    }

    /// The contents of `slot`.
    #[inline(always)]
    #[must_use]
    pub fn line(&self, slot: SlotIndex) -> &Line {
        &self.lines[slot.at()]
    }

    /// The contents of `slot`, to be written.
    #[inline(always)]
    pub fn line_mut(&mut self, slot: SlotIndex) -> &mut Line {
        &mut self.lines[slot.at()]
    }

    /// Notes that `slot`, where the line of `address` is, was used.
    #[inline(always)]
    pub fn touch(&mut self, address: u32, slot: SlotIndex) {
        let set = self.set(address);
        let bit = 1 << (slot.0 - set * self.ways);
        let used = &mut self.used[set as usize];
        // Most uses are of the way used last: then there is nothing to store.
        if *used & bit == 0 {
            *used |= bit;
            if u32::from(*used) == (1 << self.ways) - 1 {
                *used = bit;
            }
        }
    }

    /// The slot that the line of `address` would take: its own if it is here, else an empty one,
    /// else that of the line to evict.
    #[must_use]
    pub fn place_for(&self, address: u32) -> SlotIndex {
        if let Some(slot) = self.find(address) {
            return slot;
        }
        let set = self.set(address);
        let first = set * self.ways;
        let empty =
            (first..first + self.ways).find(|&slot| self.tags[slot as usize] & RIGHTS_MASK == 0);
        let unused = || first + self.used[set as usize].trailing_ones() % self.ways;
        SlotIndex(empty.unwrap_or_else(unused))
    }

    /// Puts a line into `slot`.
    pub fn install(&mut self, slot: SlotIndex, address: u32, rights: Rights, line: &Line) {
        debug_assert_eq!(
            slot.0 / self.ways,
            self.set(address),
            "a line belongs into its set"
        );
        self.tags[slot.at()] = line_address(address) | rights as u32;
        self.lines[slot.at()] = *line;
    }

    /// Empties every slot.
    pub fn clear(&mut self) {
        self.tags.fill(0);
    }
}
