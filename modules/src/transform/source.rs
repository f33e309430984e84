//! `transform.source`: one coefficient of each of an endless row of polynomials.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `out` | out | u64 below the prime | needed |
//!
//! Whenever there is room it steps its generator, s := next(s) of [`lcg`], and pushes
//! ((s >> 32) · prime) >> 32. The index of the instance in its array, plus `first`, picks the first
//! state.
//!
//! Latency: first item at edge 0. Throughput: one item per cycle.

use super::field::PRIME;
use crate::math::lcg;
use serde::Deserialize;
use tina_engine::{BuildError, Element, Lane, Place};

/// Parameters of [`TransformSource`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransformSourceParams {
    /// Number of the source with index 0.
    pub first: u32,
}

/// A lane of polynomials.
pub struct TransformSource;

impl Element<0, 1, 1> for TransformSource {
    const KIND: &'static str = "transform.source";
    const SUMMARY: &'static str =
        "pseudo-random coefficients, sequence number `first` + index: out";
    const INPUTS: [&'static str; 0] = [];
    const OUTPUTS: [&'static str; 1] = ["out"];
    type Params = TransformSourceParams;
    type Signal = u64;

    fn state(params: &TransformSourceParams, place: Place<'_>) -> Result<[u64; 1], BuildError> {
        let number = u64::from(params.first) + u64::from(place.index[0]);
        Ok([lcg::first_state(number)])
    }

    #[inline(always)]
    fn fire<L: Lane>([state]: &mut [L; 1], []: [L; 0]) -> [L; 1] {
        *state = *state * L::splat(lcg::MULTIPLIER) + L::splat(lcg::INCREMENT);
        // Below the prime, as the upper half of the state is below 2³².
        [(state.shift_right(32) * L::splat(u64::from(PRIME))).shift_right(32)]
    }
}
