//! What a run gives, and the line of JSON that says it.

use crate::arguments::{Arguments, Workload};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The results of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Results {
    /// W1.
    Pipeline {
        /// Items the sink took.
        count: u64,
        /// Their xor.
        check: u64,
    },
    /// W2.
    Mesh {
        /// Packets the sinks took.
        delivered: u64,
        /// Sum of the cycles they were under way.
        latency_sum: u64,
        /// Sum of packet xor (cycle << 32).
        check: u64,
    },
    /// W3.
    Systolic {
        /// Of all accumulators.
        sum: u64,
        /// Of all elements.
        firings: u64,
        /// Items the sinks took.
        drained: u64,
    },
}

/// A run that is over.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Without set-up.
    pub elapsed: Duration,
    /// What it computed.
    pub results: Results,
}

impl Run {
    /// Runs and times it.
    #[allow(
        clippy::disallowed_methods,
        reason = "a rival knows nothing of tina-hw, and so has no use for its stopwatch"
    )]
    pub fn of(work: impl FnOnce() -> Results) -> Self {
        let start = Instant::now();
        let results = work();
        Self {
            elapsed: start.elapsed(),
            results,
        }
    }
}

/// The whole of a rival's `main`: reads the command line, runs, prints.
///
/// `rival` returns `None` where it does not do that workload.
pub fn main(name: &str, rival: impl FnOnce(Arguments) -> Option<Run>) -> ExitCode {
    let arguments = match Arguments::of_process() {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("{name}: {message}");
            return ExitCode::from(2);
        }
    };
    let Some(run) = rival(arguments) else {
        eprintln!("{name} does not run {:?}", arguments.workload);
        return ExitCode::from(2);
    };
    println!("{}", line(name, arguments, run));
    ExitCode::SUCCESS
}

fn line(name: &str, arguments: Arguments, run: Run) -> String {
    let (workload, results) = match run.results {
        Results::Pipeline { count, check } => {
            ("w1", format!(r#""count":{count},"check":"{check:#018x}""#))
        }
        Results::Mesh {
            delivered,
            latency_sum,
            check,
        } => (
            "w2",
            format!(
                r#""delivered":{delivered},"latency_sum":{latency_sum},"check":"{check:#018x}""#
            ),
        ),
        Results::Systolic {
            sum,
            firings,
            drained,
        } => (
            "w3",
            format!(r#""sum":"{sum:#018x}","firings":{firings},"drained":{drained}"#),
        ),
    };
    let head = format!(r#""rival":"{name}","workload":"{workload}""#);
    let cycles = arguments.cycles;
    let seconds = run.elapsed.as_secs_f64();
    let transfers = transfers(arguments.workload, run.results);
    format!(
        r#"{{{head},"cycles":{cycles},"seconds":{seconds:.6},"transfers":{transfers},"results":{{{results}}}}}"#
    )
}

/// Items taken out of FIFOs, as far as the results say: what the sink took passed every FIFO of a chain.
fn transfers(workload: Workload, results: Results) -> u64 {
    match (workload, results) {
        (Workload::Pipeline { stages }, Results::Pipeline { count, .. }) => {
            count * (stages as u64 + 1)
        }
        (
            _,
            Results::Systolic {
                firings, drained, ..
            },
        ) => 2 * firings + drained,
        (Workload::Pipeline { .. } | Workload::Mesh { .. } | Workload::Systolic { .. }, _) => 0,
    }
}
