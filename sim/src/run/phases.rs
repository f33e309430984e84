//! Warm-up, measurement and drain: what statistics came between two cycles of a run.

use crate::design::Design;
use tina_engine::{InstanceResults, Machine, ResultValue, Stalls, Statistic, StatisticValue};

/// Which part of a run is measured; its ends are moved to ends of epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phases {
    /// Cycles before the measurement.
    pub warmup: u64,
    /// Cycles of the measurement; without it the rest of the run.
    pub measure: Option<u64>,
}

/// What came in the part of a run that was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Cycles that had been run at its beginning,
    pub from: u64,
    /// and at its end.
    pub until: u64,
    /// Counts and histograms of that part; check values have none.
    pub instances: Vec<InstanceResults>,
    /// The totals of the netlist over these counts.
    pub totals: Vec<(String, ResultValue)>,
    /// What was counted of stalls in that part, in a machine that counts them.
    pub stalls: Option<Stalls>,
}

impl Measured {
    /// Statistic `name` of an instance.
    #[must_use]
    pub fn statistic(&self, instance: u32, name: &str) -> Option<&Statistic> {
        let found = self
            .instances
            .binary_search_by_key(&instance, |results| results.instance)
            .ok()?;
        let mut statistics = self.instances[found].statistics.iter();
        statistics.find(|statistic| statistic.name == name)
    }
}

/// Where a machine stood: cycle, results, and what had been counted of stalls.
struct Standing {
    cycle: u64,
    results: Vec<InstanceResults>,
    stalls: Option<Stalls>,
}

impl Standing {
    fn of(machine: &Machine) -> Self {
        Self {
            cycle: machine.cycle(),
            results: machine.results(),
            stalls: machine.stalls(),
        }
    }
}

/// Takes the statistics at the ends of the part that is measured.
pub(super) struct Gauge {
    phases: Option<Phases>,
    start: Option<Standing>,
    end: Option<Standing>,
}

impl Gauge {
    pub(super) fn new(phases: Option<Phases>) -> Self {
        Self {
            phases,
            start: None,
            end: None,
        }
    }

    /// The cycle at which to look at the machine next.
    pub(super) fn next(&self) -> u64 {
        match (self.phases, &self.start, &self.end) {
            (Some(phases), None, _) => phases.warmup,
            (Some(phases), Some(start), None) => phases
                .measure
                .map_or(u64::MAX, |cycles| start.cycle.saturating_add(cycles)),
            (Some(_), Some(_), Some(_)) | (None, ..) => u64::MAX,
        }
    }

    /// The machine pauses: is this one of the ends?
    pub(super) fn look(&mut self, machine: &Machine) {
        let cycle = machine.cycle();
        if cycle < self.next() {
            return;
        }
        let standing = Some(Standing::of(machine));
        if self.start.is_none() {
            self.start = standing;
        } else {
            self.end = standing;
        }
    }

    /// The run is over; `None` if the measurement has not begun.
    pub(super) fn finish(self, machine: &Machine, design: &Design) -> Option<Measured> {
        let before = self.start?;
        let after = self.end.unwrap_or_else(|| Standing::of(machine));
        let stalls = after.stalls.as_ref().zip(before.stalls.as_ref());
        let stalls = stalls.map(|(after, before)| after.since(before));
        let instances: Vec<InstanceResults> = after
            .results
            .into_iter()
            .map(|results| {
                let earlier = &before.results;
                let found = earlier.binary_search_by_key(&results.instance, |it| it.instance);
                match found {
                    Ok(position) => since(results, &earlier[position]),
                    Err(_) => results,
                }
            })
            .collect();
        let total = |total: &crate::design::Total| {
            let value = total.evaluate(&instances).ok()?;
            Some((total.name.clone(), value))
        };
        Some(Measured {
            from: before.cycle,
            until: after.cycle,
            stalls,
            totals: design.totals.iter().filter_map(total).collect(),
            instances,
        })
    }
}

/// What came to the counts and histograms of an instance; what grew smaller is no count.
fn since(results: InstanceResults, before: &InstanceResults) -> InstanceResults {
    let earlier = |name: &str| before.statistics.iter().find(|it| it.name == name);
    let statistics: Vec<Statistic> = results
        .statistics
        .into_iter()
        .filter_map(|statistic| {
            let before = earlier(statistic.name).map(|statistic| &statistic.value);
            let value = match (statistic.value, before) {
                (StatisticValue::Count(after), Some(StatisticValue::Count(before))) => {
                    StatisticValue::Count(after.checked_sub(*before)?)
                }
                (StatisticValue::Histogram(after), Some(StatisticValue::Histogram(before))) => {
                    StatisticValue::Histogram(Box::new(after.since(before)))
                }
                (StatisticValue::Check(_), _) => return None,
                (value, _) => value,
            };
            Some(Statistic { value, ..statistic })
        })
        .collect();
    let entry = |statistic: &Statistic| match statistic.value {
        StatisticValue::Count(count) => Some((statistic.name, ResultValue::Count(count))),
        StatisticValue::Check(_) | StatisticValue::Histogram(_) => None,
    };
    InstanceResults {
        instance: results.instance,
        entries: statistics.iter().filter_map(entry).collect(),
        statistics,
    }
}
