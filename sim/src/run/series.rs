//! Counts over time: what instances and totals had come to at some ends of epochs, in bounded memory.
//!
//! Counts are cumulative, so that every second sample may be dropped when the table is full; what came in
//! between is still known. Cycles of samples depend on the length of the run alone: two equal runs have
//! equal series, whatever the host did.

use super::hart::Hart;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tina_engine::ResultValue;

/// Number of the form of the file.
pub const SCHEMA: u32 = 1;

/// Samples that are kept, the first and the last apart: 256 points are a curve.
const SAMPLES_MAX: usize = 256;
/// Instances that have a curve of their own.
const INSTANCES_MAX: usize = 256;

/// What came when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// Number of its form.
    pub schema: u32,
    /// Name of the netlist.
    pub netlist: String,
    /// Base-clock cycles that had been run at each sample, in ascending order.
    pub cycles: Vec<u64>,
    /// What had been counted by then.
    pub curves: Vec<Curve>,
    /// Instances with instructions that have no curve, for there are too many.
    pub left_out: usize,
}

impl Series {
    /// As a file: a line for each curve.
    #[must_use]
    pub fn to_json(&self) -> String {
        let curves: Vec<String> = self.curves.iter().map(|it| json!(it).to_string()).collect();
        format!(
            "{{\"schema\":{},\"netlist\":{},\"left_out\":{},\n\"cycles\":{},\n\"curves\":[\n{}\n]}}\n",
            self.schema,
            json!(self.netlist),
            self.left_out,
            json!(self.cycles),
            curves.join(",\n")
        )
    }

    /// Reads what [`to_json`](Self::to_json) writes.
    ///
    /// # Errors
    /// When it is something else.
    pub fn read(text: &str) -> Result<Self, String> {
        let series: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if series.schema != SCHEMA {
            return Err(format!("it is of schema {}, not {SCHEMA}", series.schema));
        }
        let count = series.cycles.len();
        if !series.cycles.is_sorted_by(|a, b| a < b) {
            return Err("its cycles do not ascend".to_owned());
        }
        match series
            .curves
            .iter()
            .find(|curve| curve.values.len() != count)
        {
            Some(curve) => Err(format!(
                "`{}` has {} values for {count} cycles",
                curve.name,
                curve.values.len()
            )),
            None => Ok(series),
        }
    }
}

/// A count over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Curve {
    /// Path of the instance; nothing for a total of the netlist, or of all harts.
    pub path: String,
    /// What is counted.
    pub name: String,
    /// How much of it since boot, at each sample.
    pub values: Vec<u64>,
}

struct Sample {
    cycle: u64,
    /// Of all harts together, of each, and the totals that are counts.
    all: u64,
    instructions: Vec<u64>,
    totals: Vec<Option<u64>>,
}

/// Takes samples while a machine runs.
pub(super) struct SeriesTaker {
    epoch_cycles: u64,
    /// Epochs between two samples.
    stride: u64,
    samples: Vec<Sample>,
    samples_max: usize,
    next: u64,
}

impl SeriesTaker {
    pub(super) fn new(is_wanted: bool, epoch_cycles: u64) -> Self {
        Self::with_limit(is_wanted, epoch_cycles, SAMPLES_MAX)
    }

    fn with_limit(is_wanted: bool, epoch_cycles: u64, samples_max: usize) -> Self {
        Self {
            epoch_cycles,
            stride: 1,
            samples: Vec::new(),
            samples_max,
            next: if is_wanted { 0 } else { u64::MAX },
        }
    }

    /// The cycle at which the next sample is to be taken.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// What the machine has come to by this cycle. A sample that is not due is taken, too, so that the end
    /// of the run is there.
    pub(super) fn take(&mut self, cycle: u64, harts: &[Hart], totals: &[(String, ResultValue)]) {
        if self.next == u64::MAX || self.samples.last().is_some_and(|last| last.cycle == cycle) {
            return;
        }
        if self.samples.len() > self.samples_max {
            self.stride *= 2;
            let step = self.step();
            let first = self.samples[0].cycle;
            self.samples
                .retain(|sample| sample.cycle.is_multiple_of(step) || sample.cycle == first);
        }
        let count = |total: &(String, ResultValue)| match total.1 {
            ResultValue::Count(count) => Some(count),
            ResultValue::Check(_) => None,
        };
        self.samples.push(Sample {
            cycle,
            all: harts.iter().map(|hart| hart.instructions).sum(),
            instructions: harts
                .iter()
                .take(INSTANCES_MAX)
                .map(|hart| hart.instructions)
                .collect(),
            totals: totals.iter().map(count).collect(),
        });
        self.next = (cycle / self.step() + 1).saturating_mul(self.step());
    }

    fn step(&self) -> u64 {
        self.epoch_cycles.saturating_mul(self.stride)
    }

    /// All samples as curves; `None` if none were wanted.
    pub(super) fn finish(
        self,
        netlist: &str,
        harts: &[Hart],
        totals: &[(String, ResultValue)],
    ) -> Option<Series> {
        if self.next == u64::MAX {
            return None;
        }
        let curve = |path: &str, name: &str, value: &dyn Fn(&Sample) -> u64| Curve {
            path: path.to_owned(),
            name: name.to_owned(),
            values: self.samples.iter().map(value).collect(),
        };
        let mut curves = Vec::new();
        if !harts.is_empty() {
            curves.push(curve("", "instructions", &|sample| sample.all));
        }
        for (number, hart) in harts.iter().take(INSTANCES_MAX).enumerate() {
            let value = |sample: &Sample| sample.instructions[number];
            curves.push(curve(&hart.path, "instructions", &value));
        }
        for (number, (name, value)) in totals.iter().enumerate() {
            let is_told = name == "instructions" && !harts.is_empty();
            if matches!(value, ResultValue::Count(_)) && !is_told {
                let value = |sample: &Sample| sample.totals[number].unwrap_or(0);
                curves.push(curve("", name, &value));
            }
        }
        Some(Series {
            schema: SCHEMA,
            netlist: netlist.to_owned(),
            cycles: self.samples.iter().map(|sample| sample.cycle).collect(),
            curves,
            left_out: harts.len().saturating_sub(INSTANCES_MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of so many epochs of 10 cycles that counts a thing a cycle, and its samples.
    fn series(samples_max: usize, start: u64, end: u64) -> Series {
        let mut taker = SeriesTaker::with_limit(true, 10, samples_max);
        let totals = |cycle| {
            [
                ("things".to_owned(), ResultValue::Count(3 * cycle)),
                ("check".to_owned(), ResultValue::Check(cycle)),
            ]
        };
        let mut cycle = start;
        loop {
            if cycle >= taker.next() {
                taker.take(cycle, &[], &totals(cycle));
            }
            if cycle == end {
                break;
            }
            cycle = (cycle / 10 * 10 + 10).min(end);
        }
        taker.take(end, &[], &totals(end));
        taker.finish("n", &[], &totals(end)).unwrap()
    }

    #[test]
    fn the_table_is_thinned_and_the_ends_stay() {
        let short = series(8, 0, 45);
        assert_eq!(short.cycles, [0, 10, 20, 30, 40, 45]);
        assert_eq!(short.curves.len(), 1, "a check is no amount");
        assert_eq!(short.curves[0].values, [0, 30, 60, 90, 120, 135]);
        let long = series(8, 0, 333);
        assert_eq!(long.cycles, [0, 80, 160, 240, 320, 333]);
        let later = series(8, 130, 333);
        assert_eq!(later.cycles, [130, 160, 200, 240, 280, 300, 320, 333]);
        assert_eq!(Series::read(&long.to_json()), Ok(long.clone()));
        let broken = |change: fn(&mut Series)| {
            let mut series = long.clone();
            change(&mut series);
            Series::read(&series.to_json()).unwrap_err()
        };
        assert_eq!(broken(|it| it.schema = 9), "it is of schema 9, not 1");
        assert_eq!(broken(|it| it.cycles[1] = 0), "its cycles do not ascend");
        assert_eq!(
            broken(|it| _ = it.curves[0].values.pop()),
            "`things` has 5 values for 6 cycles"
        );
        for taken in [long, later] {
            let expected: Vec<u64> = taken.cycles.iter().map(|cycle| 3 * cycle).collect();
            assert_eq!(taken.curves[0].values, expected);
        }
        let unwanted = SeriesTaker::new(false, 10);
        assert_eq!(unwanted.next(), u64::MAX);
        assert!(unwanted.finish("n", &[], &[]).is_none());
    }
}
