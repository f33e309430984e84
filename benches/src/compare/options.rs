//! The command line of `compare`.

use clap::Parser;
use std::path::PathBuf;

/// Measures tina-hw beside plain loops and other simulators, on the same work, in one run.
#[derive(Clone, Debug, Parser)]
#[command(name = "compare")]
pub struct Options {
    /// Rounds; in each, every form of a workload runs once
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: u16,
    /// Run time after which a form takes part in no further round of a workload
    #[arg(long, value_name = "SECONDS", default_value_t = 4.0)]
    pub budget: f64,
    /// Workloads: names, or patterns with `*`
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Forms: names, or patterns with `*` (`plain`, `tuned`, `shards-1`, `scalar-1`, `go`, …)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub forms: Vec<String>,
    /// Shard counts of tina-hw
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    pub shards: Vec<u8>,
    /// Run fewer (or more) cycles than the workloads say
    #[arg(long)]
    pub cycles: Option<u64>,
    /// Measure also what is said about tina-hw alone: eight shards, a busy core, `--shards auto`, the
    /// RISC-V machines
    #[arg(long)]
    pub witnesses: bool,
    /// Write what was measured
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Draw it
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Write the table that is printed
    #[arg(long, value_name = "FILE")]
    pub text: Option<PathBuf>,
    /// The date to note in the JSON
    #[arg(long)]
    pub date: Option<String>,
    /// What to note of the machine beside what it says itself
    #[arg(long, value_name = "TEXT")]
    pub remark: Option<String>,
    /// Measure nothing; build the others, which takes longer than to measure them
    #[arg(long)]
    pub build: bool,
    /// With witnesses, and into the repository: JSON, chart and the section of the README
    #[arg(long)]
    pub record: bool,
    /// Measure nothing; make chart and section of the README anew from the JSON of the repository
    #[arg(long)]
    pub readme: bool,
}

impl Options {
    /// Whether a workload was asked for.
    #[must_use]
    pub fn wants_subject(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|pattern| matches(pattern, name))
    }

    /// Whether a form was asked for. The plain loop and one shard are what others are related to,
    /// and run unless forms are named.
    #[must_use]
    pub fn wants_form(&self, name: &str) -> bool {
        self.forms.is_empty() || self.forms.iter().any(|pattern| matches(pattern, name))
    }

    /// Whether it measures witnesses.
    #[must_use]
    pub fn wants_witnesses(&self) -> bool {
        self.witnesses || self.record
    }
}

/// Whether `pattern`, in which `*` stands for anything, is all of `name`.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(rest) = name.strip_prefix(head) else {
        return false;
    };
    (0..=rest.len())
        .filter(|&at| rest.is_char_boundary(at))
        .any(|at| matches(tail, &rest[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name) in [
            ("w2*", "w2-light"),
            ("*-2", "shards-2"),
            ("*", ""),
            ("w1", "w1"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("w2", "w2-light"), ("*-2", "shards-1"), ("a*b*c", "acb")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn the_arguments_fit_together() {
        use clap::CommandFactory;
        Options::command().debug_assert();
    }
}
