//! `accel.systolic_source`: operands for a row or a column of a systolic array.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `out` | out | i64 | needed |
//!
//! Whenever there is room it steps its generator, s := next(s) of [`lcg`], and pushes s as a signed
//! number shifted right by 32, so that products fit 64 bits. Number `first` + index of the instance
//! in its array picks the first state.
//!
//! Latency: first item at edge 0. Throughput: one item per cycle.

use crate::math::lcg;
use serde::Deserialize;
use tina_engine::{BuildError, Element, Lane, Place};

/// Parameters of [`SystolicSource`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SystolicSourceParams {
    /// Number of the source with index 0.
    pub first: u32,
}

/// A stream of operands.
pub struct SystolicSource;

impl Element<0, 1, 1> for SystolicSource {
    const KIND: &'static str = "accel.systolic_source";
    const SUMMARY: &'static str = "pseudo-random operands, sequence number `first` + index: out";
    const INPUTS: [&'static str; 0] = [];
    const OUTPUTS: [&'static str; 1] = ["out"];
    type Params = SystolicSourceParams;
    type Signal = i64;

    fn state(params: &SystolicSourceParams, place: Place<'_>) -> Result<[u64; 1], BuildError> {
        let number = u64::from(params.first) + u64::from(place.index[0]);
        Ok([lcg::first_state(number)])
    }

    #[inline(always)]
    fn fire<L: Lane>([state]: &mut [L; 1], []: [L; 0]) -> [L; 1] {
        *state = *state * L::splat(lcg::MULTIPLIER) + L::splat(lcg::INCREMENT);
        [state.shift_right_signed(32)]
    }
}
