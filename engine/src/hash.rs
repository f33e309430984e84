//! The mixing functions behind digests and keyed randomness. Their values are part of what a
//! netlist's head comment promises, so they never change.

/// Odd multiplier with well spread bits (the 64-bit golden ratio, as in SplitMix64).
pub const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The output function of SplitMix64 (Steele, Lea, Flood 2014): a bijection on 64 bits in which
/// every input bit reaches every output bit.
#[inline]
#[must_use]
pub const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// Takes one word into a running digest: one rotate, one xor, one multiply, so that the digest of
/// a wire costs less than moving the item. A bijection in each argument; [`mix`] finishes it.
#[inline]
#[must_use]
pub const fn absorb(digest: u64, word: u64) -> u64 {
    (digest.rotate_left(29) ^ word).wrapping_mul(GOLDEN)
}

/// Hash of a text, for instance paths. Not for tables: collisions only weaken randomness.
#[must_use]
pub fn of_text(text: &str) -> u64 {
    mix(text.bytes().fold(text.len() as u64, |digest, byte| {
        absorb(digest, u64::from(byte))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_fixed_for_ever() {
        assert_eq!(mix(1), 0x5692_161d_100b_05e5);
        assert_eq!(absorb(1, 2), 0x20000002u64.wrapping_mul(GOLDEN));
        assert_ne!(of_text("core[0]"), of_text("core[1]"));
    }
}
