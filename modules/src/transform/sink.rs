//! `transform.sink`: takes one lane of the transforms and keeps a checksum.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `in` | in | u64 | needed |
//!
//! Pops number x whenever there is one: check := next(check xor x) of [`lcg`], beginning with the
//! first state that the index of the instance in its array, plus `first`, picks. So it depends on
//! the lane, on every number and on their order. Results: `count`, `check`.
//!
//! Latency: none. Throughput: one item per cycle.

use crate::math::lcg;
use serde::Deserialize;
use tina_engine::{BuildError, Element, Lane, Place, Results};

/// Parameters of [`TransformSink`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransformSinkParams {
    /// Number of the sink with index 0.
    pub first: u32,
}

/// The end of a lane.
pub struct TransformSink;

impl Element<1, 0, 1> for TransformSink {
    const KIND: &'static str = "transform.sink";
    const SUMMARY: &'static str =
        "checksum of one lane, sequence number `first` + index, results count, check: in";
    const INPUTS: [&'static str; 1] = ["in"];
    const OUTPUTS: [&'static str; 0] = [];
    type Params = TransformSinkParams;
    type Signal = u64;

    fn state(params: &TransformSinkParams, place: Place<'_>) -> Result<[u64; 1], BuildError> {
        let number = u64::from(params.first) + u64::from(place.index[0]);
        Ok([lcg::first_state(number)])
    }

    #[inline(always)]
    fn fire<L: Lane>([check]: &mut [L; 1], [item]: [L; 1]) -> [L; 0] {
        *check = (*check ^ item) * L::splat(lcg::MULTIPLIER) + L::splat(lcg::INCREMENT);
        []
    }

    fn report(&[check]: &[u64; 1], firings: u64, results: &mut Results) {
        results
            .count("count", firings)
            .described("points", "taken so far");
        results
            .check("check", check)
            .described("", "digest of all points in order");
    }
}
