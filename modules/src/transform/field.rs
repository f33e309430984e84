//! Arithmetic modulo the prime 998,244,353 = 119 · 2²³ + 1, which has roots of unity of every order
//! 2ᵏ up to 2²³. Every number is kept below the prime. What butterflies compute is written for lanes,
//! without a branch.

use tina_engine::Lane;

/// The prime.
pub const PRIME: u32 = 998_244_353;

/// A generator of all numbers but 0.
pub const GENERATOR: u32 = 3;

/// The largest k for which there are roots of unity of order 2ᵏ.
pub const ORDER_LOG2_MAX: u32 = 23;

const _: () = assert!(PRIME == 119 << ORDER_LOG2_MAX | 1);

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
///
/// # Panics
/// When the factor is not below the prime.
#[must_use]
pub const fn prepared(factor: u32) -> [u64; 2] {
    assert!(factor < PRIME, "every number is kept below the prime");
    let factor = factor as u64;
    [factor, (factor << 32) / PRIME as u64]
}

/// a + b.
#[inline(always)]
#[must_use]
pub fn add<L: Lane>(a: L, b: L) -> L {
    reduced(a + b)
}

/// (a − b) · factor, the factor [`prepared`].
#[inline(always)]
#[must_use]
pub fn subtract_and_multiply<L: Lane>(a: L, b: L, [factor, scaled]: [L; 2]) -> L {
    // Said of every operand, that its upper half is 0: the product of halves is an instruction of its
    // own. The difference need only be positive and below 2³².
    let low = L::splat(u64::from(u32::MAX));
    let difference = (a + L::splat(u64::from(PRIME)) - b) & low;
    let quotient = ((scaled & low) * difference).shift_right(32);
    // The quotient is right or one too small, so this lies below twice the prime.
    reduced((factor & low) * difference - quotient * L::splat(u64::from(PRIME)))
}

/// A number below twice the prime, modulo the prime.
#[inline(always)]
fn reduced<L: Lane>(number: L) -> L {
    let prime = L::splat(u64::from(PRIME));
    let less = number - prime;
    // All ones where that went below zero.
    less + (less.shift_right_signed(63) & prime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_have_the_order_they_are_called_after() {
        for order_log2 in 1..=ORDER_LOG2_MAX {
            assert_eq!(power(root(order_log2), 1 << (order_log2 - 1)), PRIME - 1);
        }
    }
}
