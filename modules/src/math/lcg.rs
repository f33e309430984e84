//! The linear congruential generator behind the traffic and the operands of the workloads: a fixed
//! sequence that other simulators can repeat. It is no source of keyed randomness.

/// Multiplier of [`next`].
pub const MULTIPLIER: u64 = 6_364_136_223_846_793_005;

/// Addend of [`next`].
pub const INCREMENT: u64 = 1_442_695_040_888_963_407;

/// Distance between the first states of neighbouring generators.
pub const SEED_STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The state after `state`.
#[inline(always)]
#[must_use]
pub const fn next(state: u64) -> u64 {
    state.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT)
}

/// The first state of generator `number`.
#[inline]
#[must_use]
pub const fn first_state(number: u64) -> u64 {
    (number + 1).wrapping_mul(SEED_STEP)
}
