//! `accel.systolic_sink`: takes what leaves an edge of a systolic array.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `in` | in | i64 | needed |
//!
//! Pops whenever there is an item. Results: `drained`, and `check`, the xor of the items.
//!
//! Latency: none. Throughput: one item per cycle.

use tina_engine::{BuildError, Element, Lane, Place, Results};

/// The end of a row or a column.
pub struct SystolicSink;

impl Element<1, 0, 1> for SystolicSink {
    const KIND: &'static str = "accel.systolic_sink";
    const SUMMARY: &'static str = "takes operands that leave the array, results drained, check: in";
    const INPUTS: [&'static str; 1] = ["in"];
    const OUTPUTS: [&'static str; 0] = [];
    type Params = ();
    type Signal = i64;

    fn state((): &(), _place: Place<'_>) -> Result<[u64; 1], BuildError> {
        Ok([0])
    }

    #[inline(always)]
    fn fire<L: Lane>([check]: &mut [L; 1], [item]: [L; 1]) -> [L; 0] {
        *check = *check ^ item;
        []
    }

    fn report(&[check]: &[u64; 1], firings: u64, results: &mut Results) {
        results
            .count("drained", firings)
            .described("operands", "that left the array");
        results
            .check("check", check)
            .described("", "xor of all operands");
    }
}
