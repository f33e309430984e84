//! All statistics of a run, as JSON and as CSV.
//!
//! Names are those that users of other simulators search for. Everything that depends on the host
//! stands under `host`: two files of equal runs are equal but for it.

use super::number::{hexadecimal, ratio};
use super::outcome::{describe, word};
use super::phases::Measured;
use super::report::{RunReport, results_json};
use super::stalls::StallReport;
use crate::design::Design;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use tina_engine::{
    Catalogue, Cause, Histogram, InstanceResults, ResultValue, Statistic, StatisticValue, Timebase,
};

/// Number of the form of these files.
pub const SCHEMA: u32 = 3;

impl RunReport {
    /// The object written to the JSON file of `--stats`.
    #[must_use]
    pub fn to_stats_json(&self, design: &Design, catalogue: &Catalogue) -> Value {
        let mut instances = Map::new();
        for results in &self.instances {
            let path = design.blueprint.instances[results.instance as usize]
                .path
                .clone();
            let entries = results.entries.iter().copied();
            instances.insert(path, results_json(entries));
        }
        let totals = |totals: &[(String, ResultValue)]| {
            results_json(totals.iter().map(|(name, value)| (name.as_str(), *value)))
        };
        let mut object = json!({
            "schema": SCHEMA,
            "netlist": design.name,
            "seed": design.blueprint.seed,
            "outcome": word(&self.outcome),
            "story": describe(&self.outcome, &design.blueprint, catalogue),
            "cycles": self.cycles,
            "end_cycle": self.end_cycle,
            "digest": hexadecimal(self.digest),
        });
        let fields = object.as_object_mut().expect("made as an object");
        for (name, _, value, _) in self.simulated(design) {
            fields.insert(name.to_owned(), value);
        }
        fields.insert("results".to_owned(), totals(&self.totals));
        let phases = self.measured.as_ref().map(|measured| {
            json!({
                "warmup": { "cycles": [0, measured.from] },
                "measure": {
                    "cycles": [measured.from, measured.until],
                    "results": totals(&measured.totals),
                },
                "drain": { "cycles": [measured.until, self.cycles] },
            })
        });
        fields.insert("phases".to_owned(), json!(phases));
        fields.insert("instances".to_owned(), Value::Object(instances));
        let statistics = self.statistics(design).map(|(path, statistic, measured)| {
            let mut entry = json!({
                "path": path,
                "name": statistic.name,
                "type": kind(&statistic.value),
                "unit": statistic.unit,
                "description": statistic.description,
                "value": value_json(&statistic.value),
            });
            if let Some(measured) = measured {
                entry["measured"] = value_json(&measured.value);
            }
            entry
        });
        fields.insert("statistics".to_owned(), statistics.collect());
        fields.insert(
            "stalls".to_owned(),
            json!(self.stalls.as_ref().map(StallReport::to_json)),
        );
        fields.insert("host".to_owned(), self.host_json());
        object
    }

    /// The text written to the CSV file of `--stats`: one row for each number.
    #[must_use]
    pub fn to_stats_csv(&self, design: &Design) -> String {
        let mut table = Table::default();
        for (name, unit, value, description) in self.simulated(design) {
            let value = value.to_string();
            table.row(["sim", name, "number", unit, description, &value, ""]);
        }
        let outcome = word(&self.outcome);
        table.row([
            "sim",
            "outcome",
            "text",
            "",
            "how the run ended",
            outcome,
            "",
        ]);
        let digest = hexadecimal(self.digest);
        table.row([
            "sim",
            "digest",
            "check",
            "",
            "of every transfer",
            &digest,
            "",
        ]);
        for (name, value) in &self.totals {
            let measured = self.measured.as_ref().and_then(|measured| {
                let mut totals = measured.totals.iter();
                totals.find(|(other, _)| other == name)
            });
            let measured = measured.map_or_else(String::new, |(_, value)| plain(*value));
            let kind = match value {
                ResultValue::Count(_) => "count",
                ResultValue::Check(_) => "check",
            };
            table.row([
                "results",
                name,
                kind,
                "",
                "total",
                &plain(*value),
                &measured,
            ]);
        }
        for (path, statistic, measured) in self.statistics(design) {
            table.statistic(path, statistic, measured);
        }
        if let Some(stalls) = &self.stalls {
            table.stalls(stalls);
        }
        for (name, value) in flattened("", &self.host_json()) {
            let kind = if value.parse::<f64>().is_ok() {
                "number"
            } else {
                "text"
            };
            table.row(["host", &name, kind, "", "", &value, ""]);
        }
        table.text
    }

    /// Name, unit, value and meaning of what is known of the whole.
    fn simulated(&self, design: &Design) -> [(&'static str, &'static str, Value, &'static str); 4] {
        let base = Timebase::of(&design.blueprint.domains).unwrap_or_else(|_| Timebase::single());
        let ticks = self.cycles.saturating_mul(base.period_ticks[0]);
        let (picoseconds, parts) = base.tick_picoseconds;
        let seconds = ticks as f64 * (picoseconds as f64 / parts as f64) * 1e-12;
        [
            (
                "simCycles",
                "cycles",
                json!(self.cycles),
                "of the base clock",
            ),
            ("simTicks", "ticks", json!(ticks), "simulated"),
            ("simSeconds", "seconds", json!(seconds), "simulated"),
            (
                "simInsts",
                "instructions",
                json!(self.instructions()),
                "completed by all harts",
            ),
        ]
    }

    /// All statistics in netlist order, with the part of each that was measured.
    fn statistics<'a>(
        &'a self,
        design: &'a Design,
    ) -> impl Iterator<Item = (&'a str, &'a Statistic, Option<&'a Statistic>)> {
        let of_instance = move |results: &'a InstanceResults| {
            let number = results.instance;
            let path = design.blueprint.instances[number as usize].path.as_str();
            results.statistics.iter().map(move |statistic| {
                let part = |it: &'a Measured| it.statistic(number, statistic.name);
                let measured = self.measured.as_ref().and_then(part);
                (path, statistic, measured)
            })
        };
        self.instances.iter().flat_map(of_instance)
    }

    /// What other simulators call the speed of a run.
    pub(super) fn host_names(&self) -> [(&'static str, Value); 4] {
        let seconds = self.host.wall_seconds;
        [
            ("hostSeconds", json!(seconds)),
            ("hostInstRate", json!(self.mips() * 1e6)),
            ("hostCycleRate", json!(self.megahertz() * 1e6)),
            ("hostMemory", json!(self.host.memory_bytes)),
        ]
    }
}

const fn kind(value: &StatisticValue) -> &'static str {
    match value {
        StatisticValue::Count(_) => "count",
        StatisticValue::Check(_) => "check",
        StatisticValue::Histogram(_) => "histogram",
    }
}

fn value_json(value: &StatisticValue) -> Value {
    match value {
        StatisticValue::Count(count) => json!(count),
        StatisticValue::Check(check) => json!(hexadecimal(*check)),
        StatisticValue::Histogram(histogram) => {
            let buckets: Vec<_> = histogram.buckets().collect();
            json!({
                "count": histogram.count(),
                "sum": histogram.sum(),
                "mean": mean(histogram),
                "buckets": buckets,
            })
        }
    }
}

fn mean(histogram: &Histogram) -> f64 {
    ratio(histogram.sum() as f64, histogram.count() as f64)
}

fn plain(value: ResultValue) -> String {
    match value {
        ResultValue::Count(count) => count.to_string(),
        ResultValue::Check(check) => hexadecimal(check),
    }
}

/// The numbers and texts in an object, by their names joined with `::`.
fn flattened(prefix: &str, value: &Value) -> Vec<(String, String)> {
    let inner = |name: &str, value: &Value| {
        let name = if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}::{name}")
        };
        flattened(&name, value)
    };
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, it)| inner(name, it))
            .collect(),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .flat_map(|(index, it)| inner(&index.to_string(), it))
                .collect()
        }
        Value::Null => Vec::new(),
        Value::String(text) => vec![(prefix.to_owned(), text.clone())],
        Value::Bool(_) | Value::Number(_) => vec![(prefix.to_owned(), value.to_string())],
    }
}

struct Table {
    text: String,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            text: "schema,path,name,type,unit,description,value,measured\n".to_owned(),
        }
    }
}

impl Table {
    fn row(&mut self, fields: [&str; 7]) {
        write!(self.text, "{SCHEMA}").expect("a string takes it");
        for field in fields {
            self.text.push(',');
            if field.contains([',', '"', '\n', '\r']) {
                let quoted = field.replace('"', "\"\"");
                write!(self.text, "\"{quoted}\"").expect("a string takes it");
            } else {
                self.text.push_str(field);
            }
        }
        self.text.push('\n');
    }

    /// A row for each cause that there was, of each port.
    fn stalls(&mut self, stalls: &StallReport) {
        for port in stalls.listed() {
            let (path, name) = stalls.row_name(port);
            for (cause, &count) in Cause::NAMES.into_iter().zip(&port.counts) {
                if count > 0 {
                    let name = format!("{name}::{cause}");
                    let value = count.to_string();
                    let meaning = "of those that were looked at";
                    self.row([path, &name, "count", "edges", meaning, &value, ""]);
                }
            }
        }
    }

    fn statistic(&mut self, path: &str, statistic: &Statistic, measured: Option<&Statistic>) {
        let Statistic {
            name,
            unit,
            description,
            value,
        } = statistic;
        let parts = parts(value);
        let measured = measured.map(|statistic| self::parts(&statistic.value));
        for (part, value) in &parts {
            let measured = measured.iter().flatten().find(|(other, _)| other == part);
            let measured = measured.map_or("", |(_, value)| value.as_str());
            let name = format!("{name}{part}");
            self.row([
                path,
                &name,
                kind(&statistic.value),
                unit,
                description,
                value,
                measured,
            ]);
        }
    }
}

/// The numbers that a statistic consists of, and what is added to its name for each.
fn parts(value: &StatisticValue) -> Vec<(String, String)> {
    match value {
        StatisticValue::Count(count) => vec![(String::new(), count.to_string())],
        StatisticValue::Check(check) => vec![(String::new(), hexadecimal(*check))],
        StatisticValue::Histogram(histogram) => {
            let mut parts = vec![
                ("::count".to_owned(), histogram.count().to_string()),
                ("::sum".to_owned(), histogram.sum().to_string()),
                ("::mean".to_owned(), mean(histogram).to_string()),
            ];
            let bucket = |(low, high, count): (u64, Option<u64>, u64)| {
                let range = match high {
                    Some(high) if high == low => low.to_string(),
                    Some(high) => format!("{low}-{high}"),
                    None => format!("{low}-"),
                };
                (format!("::{range}"), count.to_string())
            };
            parts.extend(histogram.buckets().map(bucket));
            parts
        }
    }
}
