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

impl Element<1, 0, 2> for SystolicSink {
    const KIND: &'static str = "accel.systolic_sink";
    const SUMMARY: &'static str =
        "takes operands that leave the array, results drained, check: in";
    const INPUTS: [&'static str; 1] = ["in"];
    const OUTPUTS: [&'static str; 0] = [];
    type Params = ();
    type Signal = i64;

    fn state((): &(), _place: Place<'_>) -> Result<[u64; 2], BuildError> {
        Ok([0, 0])
    }

    #[inline(always)]
    fn fire<L: Lane>([drained, check]: &mut [L; 2], [item]: [L; 1]) -> [L; 0] {
        *drained = *drained + L::splat(1);
        *check = *check ^ item;
        []
    }

    fn report(&[drained, check]: &[u64; 2], results: &mut Results) {
        results.count("drained", drained);
        results.check("check", check);
    }
}
