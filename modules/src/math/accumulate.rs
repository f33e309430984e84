//! `math.accumulate`: the running sum of a stream.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `in` | in | u64 | needed |
//! | `out` | out | u64 | needed |
//!
//! Adds items modulo 2⁶⁴. Every `every`-th item (default: each) the sum so far is pushed at the edge
//! at which that item is popped; that item waits for room, the others do not. With `restart: true` the
//! sum begins anew behind each push: sums of blocks. Result: `total`, the sum as it stands.
//!
//! Latency: none of its own. Throughput: one item per cycle.

use serde::Deserialize;
use tina_engine::{BuildError, Cycle, Effect, In, Module, Out, Results, State, Wiring};

/// Parameters of [`Accumulate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccumulateParams {
    /// Items per push, at least 1.
    pub every: u64,
    /// Whether the sum begins anew behind each push.
    pub restart: bool,
}

impl Default for AccumulateParams {
    fn default() -> Self {
        Self {
            every: 1,
            restart: false,
        }
    }
}

/// A running sum.
pub struct Accumulate {
    input: In<u64>,
    out: Out<u64>,
    total: u64,
    /// Items that are added before the one that is pushed with.
    left: u64,
    every: u64,
    restart: bool,
}

impl Module for Accumulate {
    const KIND: &'static str = "math.accumulate";
    const SUMMARY: &'static str =
        "running sum, pushed `every` so many items, or sums of blocks with `restart`: in; out";
    type Params = AccumulateParams;

    fn build(params: AccumulateParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let AccumulateParams { every, restart } = params;
        if every == 0 {
            return Err(BuildError::param("every", "0 items; at least 1 is needed"));
        }
        Ok(Self {
            input: wiring.input("in")?,
            out: wiring.output("out")?,
            total: 0,
            left: every - 1,
            every,
            restart,
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if self.left == 0 && !self.out.has_room() {
            return Effect::Receive;
        }
        if let Some(item) = self.input.try_pop() {
            self.total = self.total.wrapping_add(item);
            if self.left > 0 {
                self.left -= 1;
            } else {
                self.out.push(self.total);
                self.left = self.every - 1;
                if self.restart {
                    self.total = 0;
                }
            }
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        state.value(&mut self.total).value(&mut self.left);
    }

    fn report(&self, results: &mut Results) {
        results
            .check("total", self.total)
            .described("", "the sum as it stands");
    }
}
