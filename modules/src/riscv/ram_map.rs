//! Where a line of RAM lives: interleaving over banks.
//!
//! Line n (from the start of RAM) lies in bank n mod `banks`, at place n div `banks`; bank b
//! stands at node b of the network.

use super::coherence::{LINE_BYTES, NODES_MAX};
use super::platform::RAM_BASE;
use tina_engine::BuildError;

/// The most bytes of RAM: up to the end of the address space.
pub const RAM_BYTES_MAX: u32 = RAM_BASE.wrapping_neg();

/// What all caches and banks of a machine must be told alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RamParams {
    /// Bytes of RAM, a multiple of the line size.
    pub ram_bytes: u32,
    /// Banks over which it is interleaved.
    pub banks: u32,
}

/// The RAM of a machine and its banks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RamMap {
    ram_bytes: u32,
    banks: u32,
}

impl RamMap {
    /// Checks sizes.
    ///
    /// # Errors
    /// When RAM is empty, too large or no whole number of lines, or there are no banks or too many.
    pub fn build(params: RamParams) -> Result<Self, BuildError> {
        let RamParams { ram_bytes, banks } = params;
        if ram_bytes == 0 || ram_bytes > RAM_BYTES_MAX || !ram_bytes.is_multiple_of(LINE_BYTES) {
            return Err(BuildError::param(
                "ram_bytes",
                format!(
                    "{ram_bytes}; RAM is a multiple of {LINE_BYTES} bytes, at most {RAM_BYTES_MAX}"
                ),
            ));
        }
        if banks == 0 || banks > NODES_MAX.min(ram_bytes / LINE_BYTES) {
            return Err(BuildError::param(
                "banks",
                format!("{banks}; at least 1, at most {NODES_MAX}, and a line for each"),
            ));
        }
        Ok(Self { ram_bytes, banks })
    }

    /// Whether `address` lies in RAM.
    #[inline(always)]
    #[must_use]
    pub const fn holds(&self, address: u32) -> bool {
        address.wrapping_sub(RAM_BASE) < self.ram_bytes
    }

    /// The bank of `address`, and the place of its line in it.
    ///
    /// # Panics
    /// When the address is not in RAM.
    #[must_use]
    pub fn place(&self, address: u32) -> (u32, usize) {
        assert!(
            self.holds(address),
            "{address:#010x} lies outside the RAM of {} bytes",
            self.ram_bytes
        );
        let line = (address - RAM_BASE) / LINE_BYTES;
        (line % self.banks, (line / self.banks) as usize)
    }

    /// How many lines bank `bank` holds.
    #[must_use]
    pub const fn lines_of_bank(&self, bank: u32) -> usize {
        ((self.ram_bytes / LINE_BYTES - bank).div_ceil(self.banks)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_a_place_of_its_own() {
        for banks in [1, 2, 3, 8, 9] {
            let map = RamMap::build(RamParams {
                ram_bytes: 100 * LINE_BYTES,
                banks,
            })
            .unwrap();
            let mut places = Vec::new();
            for line in 0..100 {
                let (bank, place) = map.place(RAM_BASE + line * LINE_BYTES + 5);
                assert!(place < map.lines_of_bank(bank), "{line} of {banks} banks");
                places.push((bank, place));
            }
            places.sort_unstable();
            places.dedup();
            assert_eq!(places.len(), 100);
            assert_eq!(
                (0..banks)
                    .map(|bank| map.lines_of_bank(bank))
                    .sum::<usize>(),
                100
            );
        }
    }

    #[test]
    fn sizes_are_checked() {
        for (ram_bytes, banks, param) in [
            (0, 1, "ram_bytes"),
            (100, 1, "ram_bytes"),
            (0x8000_0020, 1, "ram_bytes"),
            (64, 0, "banks"),
            (64, 3, "banks"),
        ] {
            let error = RamMap::build(RamParams { ram_bytes, banks }).unwrap_err();
            assert_eq!(error.param, Some(param));
        }
    }
}
