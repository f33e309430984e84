//! The workloads as plain hand-written loops over arrays: what a careful programmer writes for one
//! design and one thread, with the same law of time as the engine, and nothing else. No netlist, no
//! kinds, no sleeping, no shards, no digests.
//!
//! All arithmetic is modulo 2⁶⁴. The results they must have, and so every simulator of the
//! same designs:
//!
//! | workload | cycles | results |
//! |---|---|---|
//! | W1 | 2,000 | count 975, check `76c71b5f94811fcf` |
//! | W1 | 20,000 | count 18,975, check `bfeac04d7a70661f` |
//! | W2, rate 0.25 | 2,000 | delivered 98,205, latency sum 4,039,008, check `05e2b017c9f744d8` |
//! | W2, rate 0.01 | 20,000 | delivered 51,392, latency sum 653,509, check `1eb74bbb98a96511` |
//! | W2, rate 0.05 (light) | 20,000 | delivered 255,977, latency sum 3,321,417, check `98aa4f22fb404e79` |
//! | W2, rate 0.25 (heavy) | 20,000 | delivered 995,098, latency sum 42,379,778, check `518a2637c6d6b9fd` |
//! | W3 | 2,000 | sum `5a51bf1ca4660458`, firings 2,015,232, drained 124,896 |
//! | W3 | 20,000 | sum `0b270ed4942c4d7b`, firings 20,447,232, drained 1,276,896 |

mod fifo;
mod pipeline;
mod mesh;
mod systolic;

pub use mesh::{Mesh, MeshResults};
pub use pipeline::{Pipeline, PipelineResults};
pub use systolic::{Systolic, SystolicResults};

/// Multiplier of the linear congruential generator that all workloads draw from.
pub(crate) const FACTOR: u64 = 6_364_136_223_846_793_005;
/// Its addend.
const ADDEND: u64 = 1_442_695_040_888_963_407;
/// Distance between the first states of two generators.
pub(crate) const SEED_STEP: u64 = 0x9E37_79B9_7F4A_7C15;

pub(crate) fn step(state: u64) -> u64 {
    state.wrapping_mul(FACTOR).wrapping_add(ADDEND)
}
