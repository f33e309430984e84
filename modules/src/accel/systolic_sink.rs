//! `accel.systolic_sink`: takes what leaves an edge of a systolic array.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `in` | in | i64 | needed |
//!
//! Pops whenever there is an item. Results: `drained`, and `check`, the xor of the items.
//!
//! Latency: none. Throughput: one item per cycle.

use tina_engine::{BuildError, Cycle, Effect, In, Module, Results, Wiring};

/// The end of a row or a column.
pub struct SystolicSink {
    input: In<i64>,
    drained: u64,
    check: i64,
}

impl Module for SystolicSink {
    const KIND: &'static str = "accel.systolic_sink";
    const SUMMARY: &'static str = "takes operands that leave the array, results drained, check: in";
    type Params = ();

    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            input: wiring.input("in")?,
            drained: 0,
            check: 0,
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if let Some(item) = self.input.try_pop() {
            self.drained += 1;
            self.check ^= item;
        }
        Effect::Receive
    }

    fn report(&self, results: &mut Results) {
        results.count("drained", self.drained);
        results.check("check", self.check as u64);
    }
}
