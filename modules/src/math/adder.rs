//! `math.adder`: adds two streams.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `a`, `b` | in | u64 | needed |
//! | `sum` | out | u64 | needed |
//!
//! When both inputs have an item and there is room, it pops both and pushes their sum modulo 2⁶⁴.
//!
//! Latency: none of its own. Throughput: one result per cycle.

use tina_engine::{BuildError, Cycle, Effect, In, Module, Out, Wiring};

/// An adder.
pub struct Adder {
    a: In<u64>,
    b: In<u64>,
    sum: Out<u64>,
}

impl Module for Adder {
    const KIND: &'static str = "math.adder";
    const SUMMARY: &'static str = "adds two streams: a, b; sum";
    type Params = ();

    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            a: wiring.input("a")?,
            b: wiring.input("b")?,
            sum: wiring.output("sum")?,
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if let Some(a) = self.a.item()
            && let Some(b) = self.b.item()
            && let Some(sum) = self.sum.room()
        {
            sum.push(a.take().wrapping_add(b.take()));
        }
        Effect::Receive
    }
}
