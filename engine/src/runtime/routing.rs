//! Which shard a key belongs to.

use crate::hash::{GOLDEN, mix};

/// The shard of a key: the same for every caller, spread evenly whatever keys look like.
///
/// The key is mixed as by SplitMix64 and its range divided by multiply-shift.
///
/// # Panics
/// When there are no shards.
#[must_use]
pub const fn key_to_shard(key: u64, shard_count: usize) -> usize {
    assert!(shard_count > 0, "keys belong to shards");
    let mixed = mix(key.wrapping_add(GOLDEN));
    ((mixed as u128 * shard_count as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_a_row_spread_evenly() {
        let mut counts = [0; 7];
        for key in 0..70_000 {
            counts[key_to_shard(key, 7)] += 1;
        }
        let even = counts.iter().all(|count| (9_500..10_500).contains(count));
        assert!(even, "{counts:?}");
    }
}
