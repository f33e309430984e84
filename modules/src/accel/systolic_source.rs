//! `accel.systolic_source`: operands for a row or a column of a systolic array.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `out` | out | i64 | needed |
//!
//! Whenever there is room it steps its generator, s := next(s) of [`lcg`], and pushes s as a signed
//! number shifted right by 32, so that products fit 64 bits. Number `first` + index of the instance
//! in its array picks the first state.
//!
//! Latency: first item at edge 0. Throughput: one item per cycle.

use crate::math::lcg;
use serde::Deserialize;
use tina_engine::{BuildError, Cycle, Effect, Module, Out, Wiring};

/// Parameters of [`SystolicSource`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SystolicSourceParams {
    /// Number of the source with index 0.
    pub first: u32,
}

/// A stream of operands.
pub struct SystolicSource {
    out: Out<i64>,
    state: u64,
}

impl Module for SystolicSource {
    const KIND: &'static str = "accel.systolic_source";
    const SUMMARY: &'static str = "pseudo-random operands, sequence number `first` + index: out";
    type Params = SystolicSourceParams;

    fn build(params: SystolicSourceParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
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
            room.push(self.state as i64 >> 32);
        }
        Effect::Receive
    }
}
