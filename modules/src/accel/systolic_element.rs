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

use tina_engine::{BuildError, Element, Lane, Place, Results};

/// Multiplies, accumulates, passes on.
pub struct SystolicElement;

impl Element<2, 2, 1> for SystolicElement {
    const KIND: &'static str = "accel.systolic_element";
    const SUMMARY: &'static str =
        "multiplies and accumulates, results sum, firings: west, north; east, south";
    const INPUTS: [&'static str; 2] = ["west", "north"];
    const OUTPUTS: [&'static str; 2] = ["east", "south"];
    type Params = ();
    type Signal = i64;

    fn state((): &(), _place: Place<'_>) -> Result<[u64; 1], BuildError> {
        Ok([0])
    }

    #[inline(always)]
    fn fire<L: Lane>([sum]: &mut [L; 1], [a, b]: [L; 2]) -> [L; 2] {
        *sum = *sum + a * b;
        [a, b]
    }

    fn report(&[sum]: &[u64; 1], firings: u64, results: &mut Results) {
        results
            .check("sum", sum)
            .described("", "sum of all products");
        results
            .count("firings", firings)
            .described("products", "multiplied and accumulated");
    }
}
