//! Who holds each line of a bank: one word per line.
//!
//! ```text
//!   bit 63 = 1   bits 0..14: the one data cache that owns the line
//!   bit 63 = 0   bit g: some data cache of group g may hold the line shared (0: nobody does)
//! ```
//!
//! A machine of up to 63 tiles has groups of one, so the directory is exact up to silent evictions; larger
//! ones have up to 63 groups of equal size, and invalidations go to a whole group (a coarse vector,
//! Gupta, Weber and Mowry 1990). A directory that names too many is slower, never wrong.
//!
//! Knows nothing of messages.

use super::coherence::NODES_MAX;
use tina_engine::{BuildError, Memory, State, Wiring};

const OWNED: u64 = 1 << 63;
const GROUPS_MAX: u32 = 63;

/// A set of groups of tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sharers(u64);

impl Sharers {
    /// Whether no tile holds the line.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Who holds a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holders {
    /// One data cache, which may write it.
    Owner(u32),
    /// Data caches that may read it.
    Sharers(Sharers),
}

/// The directory of a bank.
pub struct Directory {
    entries: Memory<u64>,
    tiles: u32,
    group_tiles: u32,
}

impl Directory {
    /// A directory of `line_count` lines that nobody holds.
    ///
    /// # Errors
    /// When the number of tiles is out of range.
    pub fn build(
        tiles: u32,
        line_count: usize,
        wiring: &mut Wiring<'_>,
    ) -> Result<Self, BuildError> {
        if tiles == 0 || tiles > NODES_MAX {
            return Err(BuildError::param(
                "tiles",
                format!("{tiles}; a machine has 1 to {NODES_MAX} tiles"),
            ));
        }
        Ok(Self {
            entries: wiring.memory(line_count)?,
            tiles,
            group_tiles: tiles.div_ceil(GROUPS_MAX),
        })
    }

    /// Visits what is in it.
    pub fn state(&mut self, state: &mut State<'_>) {
        state.memory(&mut self.entries);
    }

    /// Who holds `line`.
    #[must_use]
    pub fn holders(&self, line: usize) -> Holders {
        let entry = self.entries[line];
        if entry & OWNED != 0 {
            Holders::Owner(entry as u32)
        } else {
            Holders::Sharers(Sharers(entry))
        }
    }

    /// The first tile from `first` on that may hold a line shared by `sharers`, `except` left out.
    #[must_use]
    pub fn next_sharer(&self, sharers: Sharers, first: u32, except: u32) -> Option<u32> {
        next_sharer(self.tiles, self.group_tiles, sharers, first, except)
    }

    /// `tile` holds `line` shared, too.
    ///
    /// # Panics
    /// When the line has an owner.
    pub fn add_sharer(&mut self, line: usize, tile: u32) {
        assert!(tile < self.tiles, "tile {tile} of {}", self.tiles);
        let entry = &mut self.entries[line];
        assert!(
            *entry & OWNED == 0,
            "line {line} has an owner and would be shared"
        );
        *entry |= 1 << (tile / self.group_tiles);
    }

    /// `tile` alone holds `line`.
    ///
    /// # Panics
    /// When the line has an owner already.
    pub fn set_owner(&mut self, line: usize, tile: u32) {
        assert!(tile < self.tiles, "tile {tile} of {}", self.tiles);
        let entry = &mut self.entries[line];
        assert!(*entry & OWNED == 0, "line {line} would have two owners");
        *entry = OWNED | u64::from(tile);
    }

    /// Nobody holds `line`.
    pub fn clear(&mut self, line: usize) {
        self.entries[line] = 0;
    }
}

fn next_sharer(
    tiles: u32,
    group_tiles: u32,
    sharers: Sharers,
    first: u32,
    except: u32,
) -> Option<u32> {
    let mut tile = first;
    while tile < tiles {
        let group = tile / group_tiles;
        let groups_left = sharers.0 >> group;
        if groups_left == 0 {
            return None;
        }
        let empty_groups = groups_left.trailing_zeros();
        if empty_groups > 0 {
            tile = (group + empty_groups) * group_tiles;
        } else if tile == except {
            tile += 1;
        } else {
            return Some(tile);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        /// The directory names every tile that was added (with its group), in order, and no other
        /// but the one left out.
        #[test]
        fn sharers_are_enumerated(
            tiles in prop_oneof![1..64u32, 64..1000u32],
            picks in prop::collection::vec(0..1000u32, 0..12),
            except in 0..1000u32,
        ) {
            let group_tiles = tiles.div_ceil(GROUPS_MAX);
            let picks: BTreeSet<u32> = picks.iter().map(|pick| pick % tiles).collect();
            let sharers = Sharers(picks.iter().fold(0, |mask, tile| mask | 1 << (tile / group_tiles)));
            let groups: BTreeSet<u32> = picks.iter().map(|tile| tile / group_tiles).collect();
            let expected: Vec<u32> = (0..tiles)
                .filter(|tile| groups.contains(&(tile / group_tiles)) && *tile != except)
                .collect();
            let mut found = Vec::new();
            let mut next = next_sharer(tiles, group_tiles, sharers, 0, except);
            while let Some(tile) = next {
                found.push(tile);
                next = next_sharer(tiles, group_tiles, sharers, tile + 1, except);
            }
            prop_assert_eq!(found, expected);
        }
    }
}
