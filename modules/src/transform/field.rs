//! Arithmetic modulo the prime 998,244,353 = 119 · 2²³ + 1, which has roots of unity of every order
//! 2ᵏ up to 2²³. Every number is kept below the prime.

/// The prime.
pub const PRIME: u32 = 998_244_353;

/// A generator of all numbers but 0.
pub const GENERATOR: u32 = 3;

/// The largest k for which there are roots of unity of order 2ᵏ.
pub const ORDER_LOG2_MAX: u32 = 23;

const _: () = assert!(PRIME == 119 << ORDER_LOG2_MAX | 1);

/// a + b.
#[inline(always)]
#[must_use]
pub const fn add(a: u32, b: u32) -> u32 {
    // Both are below 2³⁰, so the sum fits; the smaller of the two candidates is the one in range.
    let sum = a + b;
    let reduced = sum.wrapping_sub(PRIME);
    if reduced < sum { reduced } else { sum }
}

/// a − b.
#[inline(always)]
#[must_use]
pub const fn subtract(a: u32, b: u32) -> u32 {
    let difference = a.wrapping_sub(b);
    let raised = difference.wrapping_add(PRIME);
    if raised < difference {
        raised
    } else {
        difference
    }
}

/// a · b.
#[inline]
#[must_use]
pub const fn multiply(a: u32, b: u32) -> u32 {
    (a as u64 * b as u64 % PRIME as u64) as u32
}

/// base to the power of `exponent`.
#[must_use]
pub const fn power(base: u32, exponent: u32) -> u32 {
    let (mut result, mut square, mut rest) = (1, base, exponent);
    while rest > 0 {
        if rest & 1 == 1 {
            result = multiply(result, square);
        }
        square = multiply(square, square);
        rest >>= 1;
    }
    result
}

/// The root of unity of order 2^`order_log2` that all transforms here use.
///
/// # Panics
/// When there is none.
#[must_use]
pub const fn root(order_log2: u32) -> u32 {
    assert!(order_log2 <= ORDER_LOG2_MAX, "the field has no such root");
    power(GENERATOR, (PRIME - 1) >> order_log2)
}

/// A factor that is multiplied with often, and ⌊factor · 2³² / prime⌋: a product then costs no
/// division (Shoup; Harvey, "Faster arithmetic for number-theoretic transforms", 2014, algorithm 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    value: u32,
    scaled: u32,
}

impl Factor {
    /// Prepares a factor.
    #[must_use]
    pub const fn new(value: u32) -> Self {
        assert!(value < PRIME);
        Self {
            value,
            scaled: (((value as u64) << 32) / PRIME as u64) as u32, // below 2³², as value < prime
        }
    }

    /// factor · a.
    #[inline(always)]
    #[must_use]
    pub const fn times(self, a: u32) -> u32 {
        let quotient = ((self.scaled as u64 * a as u64) >> 32) as u32;
        // The quotient is right or one too small, so this lies below twice the prime.
        let rest = self
            .value
            .wrapping_mul(a)
            .wrapping_sub(quotient.wrapping_mul(PRIME));
        let reduced = rest.wrapping_sub(PRIME);
        if reduced < rest { reduced } else { rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: [u32; 9] = [
        0,
        1,
        2,
        3,
        0xffff,
        PRIME / 2,
        PRIME / 2 + 1,
        PRIME - 2,
        PRIME - 1,
    ];

    #[test]
    fn sums_differences_and_products_are_right_at_the_edges() {
        let prime = u64::from(PRIME);
        for a in NUMBERS {
            for b in NUMBERS {
                let (wide_a, wide_b) = (u64::from(a), u64::from(b));
                assert_eq!(u64::from(add(a, b)), (wide_a + wide_b) % prime);
                assert_eq!(u64::from(subtract(a, b)), (wide_a + prime - wide_b) % prime);
                assert_eq!(u64::from(multiply(a, b)), wide_a * wide_b % prime);
                assert_eq!(Factor::new(a).times(b), multiply(a, b), "{a} {b}");
            }
        }
    }

    #[test]
    fn roots_have_the_order_they_are_called_after() {
        for order_log2 in 1..=ORDER_LOG2_MAX {
            assert_eq!(power(root(order_log2), 1 << (order_log2 - 1)), PRIME - 1);
        }
    }
}
