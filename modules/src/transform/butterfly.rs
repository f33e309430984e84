//! `transform.butterfly`: two points of one stage of a number-theoretic transform.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `in[0]`, `in[1]` | in | u64 below the prime | needed |
//! | `out[0]`, `out[1]` | out | u64 below the prime | needed |
//!
//! When both inputs have a number and both outputs have room, it takes a and b and pushes a + b and
//! (a − b) · w modulo the prime of [`field`](super::field): the butterfly of decimation in frequency
//! (Gentleman and Sande 1966).
//!
//! Butterfly number b (second index) of stage s (first index) of a transform of `points` points
//! stands between lanes that are h = points / 2^(s + 1) apart, lane ⌊b / h⌋·2h + b mod h and the one h
//! further, and w = r^(b mod h) with r the [root](super::field::root) of order 2h.
//!
//! Latency: none of its own. Throughput: one pair per cycle.

use super::field;
use serde::Deserialize;
use tina_engine::{BuildError, Element, Lane, Place, Results};

/// The most points of a transform.
pub const POINTS_MAX: u32 = 1 << 16;

/// Parameters of [`Butterfly`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ButterflyParams {
    /// Points of the transform, a power of two from 2 to [`POINTS_MAX`].
    pub points: u32,
}

/// Sum and weighted difference.
pub struct Butterfly;

impl Element<2, 2, 2> for Butterfly {
    const KIND: &'static str = "transform.butterfly";
    const SUMMARY: &'static str = "two points of a stage of a transform, index [stage][number], result count: in[0..2]; out[0..2]";
    const COST_NS: f64 = 1.5;
    const INPUTS: [&'static str; 2] = ["in[0]", "in[1]"];
    const OUTPUTS: [&'static str; 2] = ["out[0]", "out[1]"];
    /// The factor.
    const CONSTANT_WORDS: usize = 2;
    type Params = ButterflyParams;
    type Signal = u64;

    fn state(params: &ButterflyParams, place: Place<'_>) -> Result<[u64; 2], BuildError> {
        let points = checked(params.points)?;
        let [stage, number, _] = place.index;
        let stages = points.ilog2();
        if stage >= stages || number >= points / 2 {
            return Err(BuildError::new(format!(
                "stands at [{stage}][{number}]; {points} points have {stages} stages of {} butterflies",
                points / 2
            )));
        }
        let order_log2 = stages - stage;
        let exponent = number % (1 << (order_log2 - 1));
        let [factor, scaled] = field::prepared(field::power(field::root(order_log2), exponent));
        Ok([factor, scaled])
    }

    #[inline(always)]
    fn fire<L: Lane>([factor, scaled]: &mut [L; 2], [a, b]: [L; 2]) -> [L; 2] {
        [
            field::add(a, b),
            field::subtract_and_multiply(a, b, [*factor, *scaled]),
        ]
    }

    fn report(_state: &[u64; 2], firings: u64, results: &mut Results) {
        results
            .count("count", firings)
            .described("pairs", "of points that were transformed");
    }
}

/// A number of points.
fn checked(points: u32) -> Result<u32, BuildError> {
    if points.is_power_of_two() && (2..=POINTS_MAX).contains(&points) {
        Ok(points)
    } else {
        let message = format!("{points}; it is a power of two from 2 to {POINTS_MAX}");
        Err(BuildError::param("points", message))
    }
}
