//! How many instructions a run executes: a measure of speed that is the same on every quiet or busy
//! host, so that it can guard what was reached.
//!
//! A case runs twice on one shard under callgrind, for a few cycles and for more; the difference is
//! that of the cycles between, without start-up. Only what stands in this program counts: the C library
//! takes other versions of its functions on other processors. The committed counts hold for one version
//! of the Rust compiler; with another one nothing is judged.

use crate::compare::host::first_line;
use crate::subjects::{SUBJECTS, design, machine};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The committed counts, from the root of the repository.
pub const COUNTS: &str = "benches/results/instructions.json";

/// How far a count may be from the committed one, in percent.
pub const TOLERANCE_PERCENT: u64 = 3;

/// A workload and the cycles that are counted.
pub struct Case {
    /// The workload.
    pub subject: &'static str,
    /// Cycles of the short run: by then a pipeline is full, a mesh settled.
    pub from: u64,
    /// Cycles of the long run.
    pub to: u64,
}

/// What is guarded.
pub const CASES: &[Case] = &[
    case("w1", 1_500, 2_500),
    case("w2-light", 500, 2_000),
    case("w2-heavy", 500, 1_500),
    case("w3", 200, 1_200),
    case("w4", 100, 200),
    case("cpu1", 50_000, 150_000),
];

const fn case(subject: &'static str, from: u64, to: u64) -> Case {
    Case { subject, from, to }
}

/// Counts and what they were made with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Version of the compiler.
    pub rustc: String,
    /// Vector instructions the program could choose when it ran.
    pub vectors: String,
    /// One entry for each case.
    pub cases: Vec<Count>,
}

/// A count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// The workload.
    pub subject: String,
    /// Cycles of the short run.
    pub from: u64,
    /// Cycles of the long run.
    pub to: u64,
    /// Instructions of the cycles between.
    pub instructions: u64,
}

impl Count {
    /// Instructions of a cycle.
    #[must_use]
    pub fn per_cycle(&self) -> f64 {
        self.instructions as f64 / (self.to - self.from) as f64
    }
}

/// What a count says beside the committed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Nothing of this workload and these cycles is committed.
    Unknown,
    /// Within the tolerance.
    Same,
    /// Fewer instructions than the tolerance allows: the committed count is out of date.
    Faster,
    /// More.
    Slower,
}

/// Compares a count with the committed ones; the change is in percent.
#[must_use]
pub fn judge(count: &Count, committed: &Counts) -> (Judgement, f64) {
    let same_case = |other: &&Count| {
        other.subject == count.subject && other.from == count.from && other.to == count.to
    };
    let Some(other) = committed.cases.iter().find(same_case) else {
        return (Judgement::Unknown, 0.0);
    };
    let change = (count.instructions as f64 / other.instructions as f64 - 1.0) * 100.0;
    let hundredfold = u128::from(count.instructions) * 100;
    let percent = |percent: u64| u128::from(other.instructions) * u128::from(percent);
    let judgement = if hundredfold > percent(100 + TOLERANCE_PERCENT) {
        Judgement::Slower
    } else if hundredfold < percent(100 - TOLERANCE_PERCENT) {
        Judgement::Faster
    } else {
        Judgement::Same
    };
    (judgement, change)
}

/// The version of the compiler that is there.
#[must_use]
pub fn compiler() -> String {
    let version = first_line(&["rustc", "--version"], Path::new("."));
    version.unwrap_or_else(|| "unknown".to_owned())
}

/// The vector instructions of this processor that callgrind knows: programs choose among them when
/// they run.
#[must_use]
pub fn vectors() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        return "avx2";
    }
    "none beyond the architecture's own"
}

/// What the program does under callgrind: `cycles` of a workload on one shard.
///
/// # Errors
/// When there is no such workload, or it fails.
pub fn child(subject: &str, cycles: u64) -> Result<(), String> {
    let mut subjects = SUBJECTS.iter();
    let subject = subjects
        .find(|other| other.name == subject)
        .ok_or_else(|| format!("no workload is called `{subject}`"))?;
    let design = design(subject.netlist, subject.set)?;
    machine(&design, 1, Some(cycles))?().map(|_| ())
}

/// Counts a case.
///
/// # Errors
/// When valgrind is missing or fails.
pub fn count(case: &Case) -> Result<Count, String> {
    let short = count_run(case.subject, case.from)?;
    let long = count_run(case.subject, case.to)?;
    let instructions = long
        .checked_sub(short)
        .ok_or_else(|| format!("{}: the longer run took fewer instructions", case.subject))?;
    Ok(Count {
        subject: case.subject.to_owned(),
        from: case.from,
        to: case.to,
        instructions,
    })
}

/// Instructions of this program in a run of `cycles`, start-up included.
fn count_run(subject: &str, cycles: u64) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let profile = profile_file(&program, subject);
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--compress-strings=no",
            "--compress-pos=no",
        ])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(&program)
        .args(["--child", subject, "--child-cycles", &cycles.to_string()])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "{subject} under valgrind ended with {}:\n{said}",
            output.status
        ));
    }
    let text =
        fs::read_to_string(&profile).map_err(|error| format!("{}: {error}", profile.display()))?;
    // It is of no use any more; a file that stays does no harm.
    let _ = fs::remove_file(&profile);
    Ok(own_instructions(&text, &program.to_string_lossy()))
}

fn profile_file(program: &Path, subject: &str) -> PathBuf {
    program.with_file_name(format!("callgrind.{}.{subject}", std::process::id()))
}

/// The sum of a profile over the functions of one program, without what they call.
///
/// In a profile `ob=` names the program or library of the lines behind it. A line of two numbers
/// is a place and its instructions; behind `calls=` stands one with those of the function called.
fn own_instructions(profile: &str, program: &str) -> u64 {
    let mut own = false;
    let mut is_call = false;
    let mut sum = 0;
    for line in profile.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            own = object == program;
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            let cost = line
                .split(' ')
                .nth(1)
                .and_then(|cost| cost.parse::<u64>().ok());
            if own && !is_call {
                sum += cost.unwrap_or(0);
            }
            is_call = false;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_functions_count_without_what_they_call() {
        let profile = "events: Ir\n\nob=/bin/it\nfl=a.rs\nfn=main\n1 10\ncob=/lib/c\ncfn=memcpy\n\
                       calls=2 0\n1 500\n2 5\n\nob=/lib/c\nfn=memcpy\n0 500\n\nob=/bin/it\nfn=f\n7 1\ntotals: 516\n";
        assert_eq!(own_instructions(profile, "/bin/it"), 16);
    }

    #[test]
    fn a_count_is_judged_within_three_percent() {
        let count = |instructions| Count {
            subject: "w1".to_owned(),
            from: 1,
            to: 2,
            instructions,
        };
        let committed = Counts {
            rustc: String::new(),
            vectors: String::new(),
            cases: vec![count(1_000)],
        };
        for (instructions, judgement) in [
            (1_030, Judgement::Same),
            (970, Judgement::Same),
            (1_031, Judgement::Slower),
            (969, Judgement::Faster),
        ] {
            assert_eq!(
                judge(&count(instructions), &committed).0,
                judgement,
                "{instructions}"
            );
        }
        let other = Count {
            to: 3,
            ..count(1_000)
        };
        assert_eq!(judge(&other, &committed).0, Judgement::Unknown);
    }

    #[test]
    fn every_case_is_a_workload() {
        for case in CASES {
            assert!(SUBJECTS.iter().any(|subject| subject.name == case.subject));
            assert!(case.from < case.to);
        }
    }
}
