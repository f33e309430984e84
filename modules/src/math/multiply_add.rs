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
use tina_engine::{BuildError, Cycle, Effect, In, Module, Out, Wiring};

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
pub struct MultiplyAdd {
    input: In<u64>,
    out: Out<u64>,
    factor: u64,
    addend: u64,
}

impl Module for MultiplyAdd {
    const KIND: &'static str = "math.multiply_add";
    const SUMMARY: &'static str = "multiplies by `factor`, adds `addend`: in; out";
    type Params = MultiplyAddParams;

    fn build(params: MultiplyAddParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            input: wiring.input("in")?,
            out: wiring.output("out")?,
            factor: params.factor,
            addend: params.addend,
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if let Some(item) = self.input.item()
            && let Some(room) = self.out.room()
        {
            room.push(
                item.take()
                    .wrapping_mul(self.factor)
                    .wrapping_add(self.addend),
            );
        }
        Effect::Receive
    }
}
