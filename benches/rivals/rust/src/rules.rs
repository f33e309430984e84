//! The arithmetic of the workloads, all modulo 2⁶⁴.

/// Multiplier of the generator and of a W1 stage.
pub const FACTOR: u64 = 6_364_136_223_846_793_005;
/// Addend of the generator.
const ADDEND: u64 = 1_442_695_040_888_963_407;
/// Distance between the first states of two generators.
const SEED_STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// W1: what a stage makes of an item.
#[inline(always)]
#[must_use]
pub fn stage(item: u64) -> u64 {
    item.wrapping_mul(FACTOR).wrapping_add(1)
}

/// The first state of a generator.
#[must_use]
pub fn first_state(number: usize) -> u64 {
    (number as u64 + 1).wrapping_mul(SEED_STEP)
}

/// The next state of a generator.
#[inline(always)]
#[must_use]
pub fn step(state: u64) -> u64 {
    state.wrapping_mul(FACTOR).wrapping_add(ADDEND)
}

/// W3: what a source sends in a state.
#[inline(always)]
#[must_use]
pub fn operand(state: u64) -> u64 {
    ((state as i64) >> 32) as u64
}

/// W2: how packets are made.
#[derive(Clone, Copy, Debug)]
pub struct Traffic {
    node_bits: u32,
    other_count: u64,
    /// A draw below it makes a packet.
    threshold: u64,
}

impl Traffic {
    /// On a mesh of `side`² nodes.
    #[must_use]
    pub fn new(side: usize, rate: f64) -> Self {
        Self {
            node_bits: if side <= 16 { 8 } else { 12 },
            other_count: (side * side) as u64 - 1,
            threshold: (rate * f64::from(1u32 << 31)) as u64,
        }
    }

    /// Draws; makes a packet or not.
    #[inline(always)]
    #[must_use]
    pub fn draw(&self, state: &mut u64, node: usize, cycle: u64) -> Option<u64> {
        *state = step(*state);
        if *state >> 33 >= self.threshold {
            return None;
        }
        *state = step(*state);
        let mut destination = ((*state >> 33) * self.other_count) >> 31;
        if destination >= node as u64 {
            destination += 1;
        }
        Some(destination | (node as u64) << self.node_bits | cycle << (2 * self.node_bits))
    }

    /// The node a packet is for.
    #[inline(always)]
    #[must_use]
    pub fn destination(&self, packet: u64) -> usize {
        packet as usize & ((1 << self.node_bits) - 1)
    }

    /// The cycle it was made in.
    #[inline(always)]
    #[must_use]
    pub fn birth(&self, packet: u64) -> u64 {
        packet >> (2 * self.node_bits)
    }
}
