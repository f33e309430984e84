//! HOT. `transform.sink`: takes one lane of the transforms and keeps a checksum.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `in` | in | u32 | needed |
//!
//! Pops number x whenever there is one: check := next(check xor x) of [`lcg`], beginning with the
//! first state that the index of the instance in its array, plus `first`, picks. So it depends on
//! the lane, on every number and on their order. Results: `count`, `check`.
//!
//! Latency: none. Throughput: one item per cycle.

use crate::math::lcg;
use serde::Deserialize;
use tina_engine::{BuildError, Cycle, Effect, In, Module, Results, Wiring};

/// Parameters of [`TransformSink`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransformSinkParams {
    /// Number of the sink with index 0.
    pub first: u32,
}

/// The end of a lane.
pub struct TransformSink {
    input: In<u32>,
    count: u64,
    check: u64,
}

impl Module for TransformSink {
    const KIND: &'static str = "transform.sink";
    const SUMMARY: &'static str =
        "checksum of one lane, sequence number `first` + index, results count, check: in";
    type Params = TransformSinkParams;

    fn build(params: TransformSinkParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let number = u64::from(params.first) + u64::from(wiring.index()[0]);
        Ok(Self {
            input: wiring.input("in")?,
            count: 0,
            check: lcg::first_state(number),
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if let Some(item) = self.input.try_pop() {
            self.count += 1;
            self.check = lcg::next(self.check ^ u64::from(item));
        }
        Effect::Receive
    }

    fn report(&self, results: &mut Results) {
        results.count("count", self.count);
        results.check("check", self.check);
    }
}
