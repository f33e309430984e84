//! Crashes and hardware faults by the thousand, under load.
//!
//! `cargo run --release -p tina-benches --bin chaos` checks that whoever has nothing to do with them never
//! misses a beat, that every sum adds up, that budgets are kept, and that nothing is leaked; see
//! [`tina_benches::chaos`]. Ends with 1 if anything of it does not hold.
#![forbid(unsafe_code)]

use clap::{Parser, ValueEnum};
use std::process::ExitCode;
use tina_benches::chaos::{Storm, run};
use tina_engine::io::IoChoice;
use tina_sim::run::Stopwatch;

/// Crashes and hardware faults by the thousand, under load
#[derive(Parser)]
struct Options {
    /// Crashes of isolates: crash effects and panics
    #[arg(long, default_value_t = 10_000)]
    crashes: u64,
    /// Hardware faults of isolates, of every kind
    #[arg(long, default_value_t = 1_000)]
    faults: u64,
    /// What serves files and sockets
    #[arg(long, value_enum, default_value_t = BackEnd::Auto)]
    io: BackEnd,
}

#[derive(Clone, Copy, ValueEnum)]
enum BackEnd {
    Auto,
    Uring,
    Portable,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let watch = Stopwatch::start();
    let report = run(&Storm {
        crashes: options.crashes,
        faults: options.faults,
        io: match options.io {
            BackEnd::Auto => IoChoice::Auto,
            BackEnd::Uring => IoChoice::Uring,
            BackEnd::Portable => IoChoice::Portable,
        },
        before_panic: || {},
    });
    print!("{report}");
    println!("{:.1} s", watch.seconds());
    if report.failures.is_empty() {
        println!("everything held");
        return ExitCode::SUCCESS;
    }
    println!("{} things did not hold", report.failures.len());
    ExitCode::FAILURE
}
