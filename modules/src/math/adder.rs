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

use tina_engine::{BuildError, Element, Lane, Place};

/// An adder.
pub struct Adder;

impl Element<2, 1, 0> for Adder {
    const KIND: &'static str = "math.adder";
    const SUMMARY: &'static str = "adds two streams: a, b; sum";
    const INPUTS: [&'static str; 2] = ["a", "b"];
    const OUTPUTS: [&'static str; 1] = ["sum"];
    type Params = ();
    type Signal = u64;

    fn state((): &(), _place: Place<'_>) -> Result<[u64; 0], BuildError> {
        Ok([])
    }

    #[inline(always)]
    fn fire<L: Lane>(_state: &mut [L; 0], [a, b]: [L; 2]) -> [L; 1] {
        [a + b]
    }
}
