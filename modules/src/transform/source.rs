//! HOT. `transform.source`: one coefficient of each of an endless row of polynomials.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `out` | out | u32 below the prime | needed |
//!
//! Whenever there is room it steps its generator, s := next(s) of [`lcg`], and pushes
//! ((s >> 32) · prime) >> 32. The index of the instance in its array, plus `first`, picks the first
//! state.
//!
//! Latency: first item at edge 0. Throughput: one item per cycle.

use super::field::PRIME;
use crate::math::lcg;
use serde::Deserialize;
use tina_engine::{BuildError, Cycle, Effect, Module, Out, Wiring};

/// Parameters of [`TransformSource`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransformSourceParams {
    /// Number of the source with index 0.
    pub first: u32,
}

/// A lane of polynomials.
pub struct TransformSource {
    out: Out<u32>,
    state: u64,
}

impl Module for TransformSource {
    const KIND: &'static str = "transform.source";
    const SUMMARY: &'static str =
        "pseudo-random coefficients, sequence number `first` + index: out";
    type Params = TransformSourceParams;

    fn build(params: TransformSourceParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let number = u64::from(params.first) + u64::from(wiring.index()[0]);
        Ok(Self {
            out: wiring.output("out")?,
            state: lcg::first_state(number),
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if let Some(room) = self.out.room() {
            self.state = lcg::next(self.state);
            // Below the prime, as the upper half of the state is below 2³².
            room.push((((self.state >> 32) * u64::from(PRIME)) >> 32) as u32);
        }
        Effect::Receive
    }
}
