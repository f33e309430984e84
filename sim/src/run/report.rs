//! What is known after a run, as data, as text and as JSON.

use super::choice::Choice;
use super::hart::Hart;
use super::keep::Kept;
use super::number::{duration, hexadecimal, ratio, result, thousands};
use super::outcome::{describe, exit_code, word};
use super::phases::Measured;
use super::series::Series;
use super::stalls::StallReport;
use super::threads::thread_json;
use super::timeline::timeline;
use crate::design::Design;
use crate::partition::Summary;
use crate::profile::Profile;
use crate::trace::Written;
use serde_json::{Value, json};
use std::fmt::Write;
use tina_engine::{Catalogue, InstanceResults, Outcome, ResultValue, ShardTimeline, ThreadTimes};
use tina_viz::timeline::Timeline;

/// What the host did; everything else in a report is the same at every shard count.
#[derive(Clone, Debug)]
pub struct HostReport {
    /// Shards of the placement.
    pub shard_count: usize,
    /// Shards that were run: those that shared a thread were joined.
    pub joined_count: usize,
    /// Threads that hosted them.
    pub thread_count: usize,
    /// Seconds for placement and boot.
    pub boot_seconds: f64,
    /// The first cycle that was run: not 0 where the run went on from a checkpoint.
    pub first_cycle: u64,
    /// Seconds from the first cycle to the last.
    pub wall_seconds: f64,
    /// How often modules were clocked.
    pub clock_count: u64,
    /// How instances were placed.
    pub placement: Summary,
    /// Bytes used in the arenas of all shards.
    pub memory_bytes: usize,
    /// How each thread spent its time.
    pub threads: Vec<ThreadTimes>,
    /// What every shard did with its time, where that was asked for.
    pub timeline: Vec<ShardTimeline>,
    /// How `--shards auto` came to its number.
    pub choice: Option<Choice>,
}

/// Everything that is known after a run.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// How it ended.
    pub outcome: Outcome,
    /// Base-clock cycles executed.
    pub cycles: u64,
    /// The cycle of what ended the run, where something did.
    pub end_cycle: Option<u64>,
    /// Digest of every transfer.
    pub digest: u64,
    /// The totals the netlist declares.
    pub totals: Vec<(String, ResultValue)>,
    /// Results of all instances that report any, in netlist order.
    pub instances: Vec<InstanceResults>,
    /// Instances that execute instructions.
    pub harts: Vec<Hart>,
    /// What came in the part of the run that was to be measured.
    pub measured: Option<Measured>,
    /// What became of the checkpoints that were asked for.
    pub kept: Kept,
    /// Why ports did not move, where that was counted: in the part that was measured, or else in all.
    pub stalls: Option<StallReport>,
    /// What was measured, where that was asked for.
    pub profile: Option<Profile>,
    /// The trace that was written, or why it was not.
    pub trace: Option<Result<Written, String>>,
    /// Counts over time, where that was asked for.
    pub series: Option<Series>,
    /// What the host did.
    pub host: HostReport,
}

impl RunReport {
    /// The exit code of the program.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        exit_code(&self.outcome)
    }

    /// Instructions of all harts.
    #[must_use]
    pub fn instructions(&self) -> u64 {
        self.harts.iter().map(|hart| hart.instructions).sum()
    }

    /// Simulated base-clock cycles per host second, in millions.
    #[must_use]
    pub fn megahertz(&self) -> f64 {
        let cycles = self.cycles - self.host.first_cycle;
        ratio(cycles as f64 / 1e6, self.host.wall_seconds)
    }

    /// Simulated instructions per host second, in millions; 0 for a run that went on from a checkpoint,
    /// whose counts begin before it.
    #[must_use]
    pub fn mips(&self) -> f64 {
        if self.host.first_cycle > 0 {
            return 0.0;
        }
        ratio(self.instructions() as f64 / 1e6, self.host.wall_seconds)
    }

    /// The report for people, one thing a line.
    #[must_use]
    pub fn text(&self, design: &Design, catalogue: &Catalogue) -> String {
        let mut lines: Vec<(&str, String)> = Vec::new();
        let story = match &self.outcome {
            // These are long and stand on standard error.
            Outcome::Deadlock(_) => "deadlock".to_owned(),
            Outcome::Faulted(_) => "a module faulted".to_owned(),
            outcome => describe(outcome, &design.blueprint, catalogue),
        };
        lines.push(("outcome", story));
        lines.push(("cycles", thousands(self.cycles)));
        lines.extend(
            self.hart_lines()
                .into_iter()
                .map(|line| ("instructions", line)),
        );
        for (name, value) in &self.totals {
            lines.push(("result", format!("{name} = {}", result(*value))));
        }
        if let Some(measured) = &self.measured {
            let (from, until) = (thousands(measured.from), thousands(measured.until));
            lines.push(("measured", format!("cycles {from} to {until}")));
            for (name, value) in &measured.totals {
                lines.push(("measured", format!("{name} = {}", result(*value))));
            }
        }
        lines.push(("digest", hexadecimal(self.digest)));
        if let Some(Ok(written)) = &self.trace {
            lines.push(("trace", written.to_string()));
        }
        lines.push(("speed", self.speed_line()));
        if let Some(choice) = &self.host.choice {
            lines.push(("shards", choice.reason()));
            lines.extend(
                choice
                    .shard_lines()
                    .into_iter()
                    .map(|line| ("shards", line)),
            );
        }
        let mut text = String::new();
        let mut last = "";
        for (label, line) in lines {
            let label_shown = if label == last { "" } else { label };
            writeln!(text, "{label_shown:<12}  {line}").expect("writing to a string succeeds");
            last = label;
        }
        text
    }

    /// What every shard did with its time, to be looked at.
    #[must_use]
    pub fn timeline(&self, design: &Design) -> Timeline {
        timeline(&design.name, &self.host.timeline)
    }

    fn hart_lines(&self) -> Vec<String> {
        let width = self
            .harts
            .iter()
            .map(|hart| hart.path.len())
            .max()
            .unwrap_or(0);
        let line = |name: &str, instructions: u64, per_cycle: f64| {
            format!(
                "{name:<width$}  {:>15}  {per_cycle:.3} per cycle",
                thousands(instructions)
            )
        };
        let mut lines: Vec<String> = self
            .harts
            .iter()
            .map(|hart| line(&hart.path, hart.instructions, hart.instructions_per_cycle()))
            .collect();
        if self.harts.len() > 1 {
            let per_cycle = ratio(self.instructions() as f64, self.cycles as f64);
            lines.push(line("all", self.instructions(), per_cycle));
        }
        lines
    }

    fn speed_line(&self) -> String {
        let mips = if self.harts.is_empty() || self.host.first_cycle > 0 {
            String::new()
        } else {
            format!(", {:.2} MIPS", self.mips())
        };
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let (shards, threads) = (self.host.shard_count, self.host.thread_count);
        let joined = if self.host.joined_count < shards {
            format!(", joined to {},", self.host.joined_count)
        } else {
            String::new()
        };
        format!(
            "{:.3} MHz simulated{mips}; {} on {shards} shard{}{joined} and {threads} thread{}",
            self.megahertz(),
            duration(self.host.wall_seconds),
            plural(shards),
            plural(threads),
        )
    }

    /// The object `--json` prints.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = json!({
            "outcome": word(&self.outcome),
            "cycles": self.cycles,
            "end_cycle": self.end_cycle,
            "digest": hexadecimal(self.digest),
            "results": results_json(self.totals.iter().map(|(name, value)| (name.as_str(), *value))),
            "host": self.host_json(),
        });
        if let Some(stalls) = &self.stalls {
            object["stalls"] = stalls.summary_json();
        }
        object
    }

    pub(super) fn host_json(&self) -> Value {
        let mut host = json!({
            "shards": self.host.shard_count,
            "joined_shards": self.host.joined_count,
            "threads": self.host.thread_count,
            "placement": placement_json(&self.host.placement),
            "cut_wires": self.host.placement.cut_wire_count(),
            "boot_seconds": self.host.boot_seconds,
            "wall_seconds": self.host.wall_seconds,
            "megahertz": self.megahertz(),
            "mips": self.mips(),
            "module_clocks": self.host.clock_count,
            "auto": self.host.choice.as_ref().map(Choice::to_json),
            "threads_spent": self.host.threads.iter().map(thread_json).collect::<Vec<_>>(),
        });
        for (name, value) in self.host_names() {
            host[name] = value;
        }
        host
    }
}

/// How a design was placed, in short.
fn placement_json(placement: &Summary) -> Value {
    let instances = placement.shards.iter().map(|shard| shard.instance_count);
    json!({
        "method": placement.method.to_string(),
        "instances": instances.collect::<Vec<_>>(),
        "balance_permille": placement.balance_permille(),
        "links": placement.links.len(),
    })
}

/// Counts as numbers, checks as text: JSON readers lose the low bits of large numbers.
pub(super) fn results_json<'a>(results: impl Iterator<Item = (&'a str, ResultValue)>) -> Value {
    let entry = |(name, value): (&str, ResultValue)| {
        let value = match value {
            ResultValue::Count(count) => json!(count),
            ResultValue::Check(check) => json!(hexadecimal(check)),
        };
        (name.to_owned(), value)
    };
    Value::Object(results.map(entry).collect())
}
