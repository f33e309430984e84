//! HOT. `transform.butterfly`: two points of one stage of a number-theoretic transform.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `in[0]`, `in[1]` | in | u32 below the prime | needed |
//! | `out[0]`, `out[1]` | out | u32 below the prime | needed |
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

use super::field::{self, Factor, add, subtract};
use serde::Deserialize;
use tina_engine::{BuildError, Cycle, Effect, In, Module, Out, Results, Wiring};

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
pub struct Butterfly {
    a: In<u32>,
    b: In<u32>,
    sum: Out<u32>,
    difference: Out<u32>,
    factor: Factor,
    count: u64,
}

impl Module for Butterfly {
    const KIND: &'static str = "transform.butterfly";
    const SUMMARY: &'static str = "two points of a stage of a transform, index [stage][number], result count: in[0..2]; out[0..2]";
    const COST_NS: f64 = 6.0;
    type Params = ButterflyParams;

    fn build(params: ButterflyParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let points = checked(params.points)?;
        let [stage, number, _] = wiring.index();
        let stages = points.ilog2();
        if stage >= stages || number >= points / 2 {
            return Err(BuildError::new(format!(
                "stands at [{stage}][{number}]; {points} points have {stages} stages of {} butterflies",
                points / 2
            )));
        }
        let order_log2 = stages - stage;
        let exponent = number % (1 << (order_log2 - 1));
        Ok(Self {
            a: wiring.input("in[0]")?,
            b: wiring.input("in[1]")?,
            sum: wiring.output("out[0]")?,
            difference: wiring.output("out[1]")?,
            factor: Factor::new(field::power(field::root(order_log2), exponent)),
            count: 0,
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if let Some(a) = self.a.item()
            && let Some(b) = self.b.item()
            && let Some(sum) = self.sum.room()
            && let Some(difference) = self.difference.room()
        {
            let (a, b) = (a.take(), b.take());
            sum.push(add(a, b));
            difference.push(self.factor.times(subtract(a, b)));
            self.count += 1;
        }
        Effect::Receive
    }

    fn report(&self, results: &mut Results) {
        results.count("count", self.count);
    }
}

/// A number of points.
pub(super) fn checked(points: u32) -> Result<u32, BuildError> {
    if points.is_power_of_two() && (2..=POINTS_MAX).contains(&points) {
        Ok(points)
    } else {
        let message = format!("{points}; it is a power of two from 2 to {POINTS_MAX}");
        Err(BuildError::param("points", message))
    }
}
