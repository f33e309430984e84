//! Ticks of a machine as steps of a trace's time.
//!
//! A step is the largest of 1, 10 or 100 fs, ps, ns, … of which a tick is a whole number, so every instant
//! stands where it is. Where there is none (a third of a nanosecond) a step is a femtosecond and every
//! instant is rounded down to one by itself: nothing drifts, and no two instants meet. Where ticks are
//! shorter than a femtosecond, steps count ticks.

use tina_engine::{Blueprint, Tick, Timebase};
use tina_viz::write::{TimeUnit, Timescale};

/// How ticks are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeAxis {
    /// What a step stands for.
    pub timescale: Timescale,
    /// Whether every instant is written exactly.
    pub is_exact: bool,
    /// Steps of a tick, as a fraction.
    steps: (u64, u64),
    /// Ticks of each domain's period.
    pub period_ticks: Vec<u64>,
}

/// Powers of ten of a femtosecond that formats know, at most 100 s.
const POWERS: u32 = 18;

impl TimeAxis {
    /// The axis of a machine; with `halves`, half a tick is a whole number of steps too.
    #[must_use]
    pub fn of(blueprint: &Blueprint, halves: bool) -> Self {
        let base = Timebase::of(&blueprint.domains).unwrap_or_else(|_| Timebase::single());
        let (numerator, denominator) = base.tick_picoseconds;
        // 1000 fs each, below 2^74.
        let (femtoseconds, per) = (u128::from(numerator) * 1000, u128::from(denominator));
        let parts = if halves { 2 * per } else { per };
        let exact = |power: &u32| femtoseconds.is_multiple_of(parts * 10u128.pow(*power));
        let (timescale, steps, is_exact) = match (0..POWERS).rev().find(exact) {
            Some(power) => {
                let steps = femtoseconds / (per * 10u128.pow(power));
                (
                    scale(power),
                    u64::try_from(steps).ok().map(|steps| (steps, 1)),
                    true,
                )
            }
            None if femtoseconds >= parts => {
                let steps = u64::try_from(femtoseconds)
                    .ok()
                    .zip(u64::try_from(per).ok());
                (scale(0), steps, false)
            }
            None => (scale(0), None, false),
        };
        let counts_ticks = (if halves { 2 } else { 1 }, 1);
        Self {
            timescale,
            is_exact: is_exact && steps.is_some(),
            steps: steps.unwrap_or(counts_ticks),
            period_ticks: base.period_ticks,
        }
    }

    /// The step of an instant.
    #[must_use]
    pub fn at(&self, tick: Tick) -> u64 {
        self.at_part(tick, 1)
    }

    /// The step of `numerator / parts` of a tick.
    pub(super) fn at_part(&self, numerator: u64, parts: u64) -> u64 {
        let (steps, per) = self.steps;
        if per == 1 && parts == 1 {
            return numerator.saturating_mul(steps);
        }
        let step =
            u128::from(numerator) * u128::from(steps) / (u128::from(per) * u128::from(parts));
        u64::try_from(step).unwrap_or(u64::MAX)
    }

    /// The tick at which a base-clock cycle begins.
    pub(super) fn cycles(&self, cycle: u64) -> Tick {
        cycle.saturating_mul(self.period_ticks[0])
    }
}

/// That power of ten of a femtosecond.
fn scale(power: u32) -> Timescale {
    let unit = TimeUnit::ALL[(power / 3) as usize];
    let value = 10u8.pow(power % 3);
    Timescale::new(value, unit).expect("1, 10 or 100 of a unit")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;
    use tina_engine::{Domain, Resources};

    fn check(periods: &[(u64, u64)], halves: bool, expected: &str) {
        let domain = |&(period_numerator, period_denominator): &(u64, u64)| Domain {
            name: String::new(),
            period_numerator,
            period_denominator,
        };
        let blueprint = Blueprint {
            domains: periods.iter().map(domain).collect(),
            instances: Vec::new(),
            wires: Vec::new(),
            epoch_cycles: 1,
            seed: 0,
            resources: Resources::default(),
        };
        let axis = TimeAxis::of(&blueprint, halves);
        let mut text = format!("{}", axis.timescale);
        for tick in 1..4 {
            write!(text, " {}", axis.at(tick)).unwrap();
        }
        assert_eq!(text, expected, "{periods:?}");
    }

    #[test]
    fn steps_are_as_coarse_as_is_exact() {
        check(&[(1000, 1)], false, "1 ns 1 2 3");
        check(&[(1000, 1)], true, "100 ps 10 20 30");
        check(&[(1500, 1)], false, "100 ps 15 30 45");
        check(&[(1000, 1), (1000, 4)], false, "10 ps 25 50 75");
        check(&[(1, 8)], false, "1 fs 125 250 375");
        check(&[(10_000_000_000, 1)], false, "10 ms 1 2 3");
    }

    #[test]
    fn thirds_are_rounded_each_by_itself() {
        check(&[(1000, 3), (1000, 1)], false, "1 fs 333333 666666 1000000");
        check(&[(1, 7001)], false, "1 fs 1 2 3");
    }
}
