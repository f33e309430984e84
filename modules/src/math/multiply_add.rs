//! `math.multiply_add`: x becomes x·`factor` + `addend`, modulo 2⁶⁴.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `in` | in | u64 | needed |
//! | `out` | out | u64 | needed |
//!
//! Moves an item whenever there is one and there is room.
//!
//! Latency: none of its own. Throughput: one item per cycle.

use serde::Deserialize;
use tina_engine::{BuildError, Element, Lane, Place};

/// Parameters of [`MultiplyAdd`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiplyAddParams {
    /// What items are multiplied by.
    pub factor: u64,
    /// What is added then.
    #[serde(default)]
    pub addend: u64,
}

/// A stage that multiplies and adds.
pub struct MultiplyAdd;

impl Element<1, 1, 2> for MultiplyAdd {
    const KIND: &'static str = "math.multiply_add";
    const SUMMARY: &'static str = "multiplies by `factor`, adds `addend`: in; out";
    const INPUTS: [&'static str; 1] = ["in"];
    const OUTPUTS: [&'static str; 1] = ["out"];
    const CONSTANT_WORDS: usize = 2;
    type Params = MultiplyAddParams;
    type Signal = u64;

    fn state(params: &MultiplyAddParams, _place: Place<'_>) -> Result<[u64; 2], BuildError> {
        Ok([params.factor, params.addend])
    }

    #[inline(always)]
    fn fire<L: Lane>([factor, addend]: &mut [L; 2], [item]: [L; 1]) -> [L; 1] {
        [item * *factor + *addend]
    }
}
