//! Keyed randomness: a counter-based generator whose stream depends on (seed, instance path,
//! stream number) and on nothing else, so that a module added elsewhere, another shard or another
//! thread changes no draw.

use crate::hash::{GOLDEN, mix};
use serde::{Deserialize, Serialize};

/// One stream of pseudo-random numbers. Draw `n` is a pure function of the key and `n`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Random {
    key: u64,
    draw_count: u64,
}

impl Random {
    /// The stream `stream` of the instance whose path hashes to `path_hash`.
    #[must_use]
    pub const fn keyed(seed: u64, path_hash: u64, stream: u64) -> Self {
        let key = mix(mix(mix(seed ^ GOLDEN) ^ path_hash) ^ stream.wrapping_mul(GOLDEN));
        Self { key, draw_count: 0 }
    }

    /// The next 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.draw_count += 1;
        mix(self.key.wrapping_add(self.draw_count.wrapping_mul(GOLDEN)))
    }

    /// A number in `0..limit`, by multiply-shift (bias below `limit`/2⁶⁴).
    ///
    /// # Panics
    /// When `limit` is 0.
    #[inline]
    pub fn below(&mut self, limit: u64) -> u64 {
        assert!(limit > 0, "a random number below 0 was asked for");
        ((u128::from(self.bits()) * u128::from(limit)) >> 64) as u64
    }

    /// True `numerator` times out of `denominator`.
    ///
    /// # Panics
    /// When `denominator` is 0.
    #[inline]
    pub fn chance(&mut self, numerator: u64, denominator: u64) -> bool {
        self.below(denominator) < numerator
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_and_repeat() {
        let mut a = Random::keyed(1, 2, 3);
        let mut b = Random::keyed(1, 2, 4);
        let first = a.bits();
        assert_ne!(first, b.bits());
        assert_eq!(first, Random::keyed(1, 2, 3).bits());
    }

    #[test]
    fn below_stays_below_and_reaches_all() {
        let mut random = Random::keyed(7, 7, 7);
        let mut seen = [0u32; 5];
        for _ in 0..10_000 {
            seen[usize::try_from(random.below(5)).unwrap()] += 1;
        }
        assert!(
            seen.iter().all(|&count| (1_800..2_200).contains(&count)),
            "{seen:?}"
        );
    }
}
