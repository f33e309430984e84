//! `flow.sink`: takes what comes.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `in` | in | u64 | needed |
//!
//! Pops whenever there is an item. Results: `count`, and `check`, the xor of all items, which does
//! not depend on their order. With `limit`, it ends the run with exit code 0 when it has
//! taken that many, and takes no more.
//!
//! Latency: none. Throughput: one item per cycle.

use serde::Deserialize;
use tina_engine::{BuildError, Cycle, Effect, Finish, In, Module, Results, State, Wiring};

/// Parameters of [`Sink`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SinkParams {
    /// Items after which the run ends, at least 1; without it the sink never ends the run.
    pub limit: Option<u64>,
}

/// A sink that counts.
pub struct Sink {
    input: In<u64>,
    count: u64,
    check: u64,
    limit: u64,
    finish: Option<Finish>,
}

impl Module for Sink {
    const KIND: &'static str = "flow.sink";
    const SUMMARY: &'static str =
        "takes items, `limit` of them end the run; results count, check: in";
    type Params = SinkParams;

    fn build(params: SinkParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        if params.limit == Some(0) {
            return Err(BuildError::param("limit", "0 items; a limit is at least 1"));
        }
        Ok(Self {
            input: wiring.input("in")?,
            count: 0,
            check: 0,
            limit: params.limit.unwrap_or(u64::MAX),
            finish: params.limit.map(|_| wiring.finish()),
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if let Some(item) = self.input.try_pop() {
            self.count += 1;
            self.check ^= item;
            if self.count == self.limit {
                if let Some(finish) = &mut self.finish {
                    finish.raise(0);
                }
                return Effect::Done;
            }
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        state.value(&mut self.count).value(&mut self.check);
    }

    fn report(&self, results: &mut Results) {
        results
            .count("count", self.count)
            .described("items", "taken so far");
        results
            .check("check", self.check)
            .described("", "xor of all items");
    }
}
