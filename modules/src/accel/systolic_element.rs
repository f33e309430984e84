//! `accel.systolic_element`: one multiplier of an output-stationary systolic array.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `west`, `north` | in | i64 | needed |
//! | `east`, `south` | out | i64 | needed |
//!
//! When both inputs have an item and both outputs have room it fires: a from the west, b from the
//! north; adds a·b to its accumulator, modulo 2⁶⁴, and passes a on to the east and b to the south.
//! Results: `sum`, the accumulator, and `firings`.
//!
//! Latency: none of its own. Throughput: one firing per cycle.

use tina_engine::{BuildError, Cycle, Effect, In, Module, Out, Results, Wiring};

/// Multiplies, accumulates, passes on.
pub struct SystolicElement {
    west: In<i64>,
    north: In<i64>,
    east: Out<i64>,
    south: Out<i64>,
    sum: i64,
    firings: u64,
}

impl Module for SystolicElement {
    const KIND: &'static str = "accel.systolic_element";
    const SUMMARY: &'static str =
        "multiplies and accumulates, results sum, firings: west, north; east, south";
    const COST_NS: f64 = 6.0;
    type Params = ();

    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            west: wiring.input("west")?,
            north: wiring.input("north")?,
            east: wiring.output("east")?,
            south: wiring.output("south")?,
            sum: 0,
            firings: 0,
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if let Some(a) = self.west.item()
            && let Some(b) = self.north.item()
            && let Some(east) = self.east.room()
            && let Some(south) = self.south.room()
        {
            let (a, b) = (a.take(), b.take());
            self.sum = self.sum.wrapping_add(a.wrapping_mul(b));
            self.firings += 1;
            east.push(a);
            south.push(b);
        }
        Effect::Receive
    }

    fn report(&self, results: &mut Results) {
        results.check("sum", self.sum as u64);
        results.count("firings", self.firings);
    }
}
