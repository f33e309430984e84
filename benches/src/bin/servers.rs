//! Measures servers on the runtime beside those of other libraries, on the same work, in one run.
//!
//! `servers --help` tells the options. Tables go to standard output, progress to standard error. Exit code 1 if a
//! server of our own failed, or nothing could be measured.
#![forbid(unsafe_code)]

use clap::Parser;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use tina_benches::servers::cores::Cores;
use tina_benches::servers::load::{self, Plan};
use tina_benches::servers::options::{Command, Load, Measured, Options};
use tina_benches::servers::{ours, rounds};

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match &options.command {
        None => measure(&options.measured),
        Some(Command::Serve(serve)) => ours::serve(serve).map(|()| ExitCode::SUCCESS),
        Some(Command::Load(load)) => ask(load).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

fn measure(options: &Measured) -> Result<ExitCode, Box<dyn Error>> {
    let report = rounds::run(options, &target_directory(), &mut |said| {
        eprintln!("{said}")
    })?;
    print!("{}", report.text());
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    let mut ours = report
        .servers
        .iter()
        .filter(|server| server.name.starts_with("tina"));
    Ok(match ours.any(|server| server.error.is_some()) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn ask(options: &Load) -> Result<(), Box<dyn Error>> {
    let plan = Plan {
        wire: options.wire,
        address: options.address,
        connections: usize::from(options.connections),
        warm_up: options.seconds / 4.0,
        seconds: options.seconds,
        cores: Cores::share(None)?.load,
    };
    let latency = load::run(&plan, || {}, || {})?;
    println!(
        "{:.0} requests/s, p50 {} us, p99 {} us, max {} us",
        latency.count() as f64 / options.seconds,
        latency.quantile(0.5) / 1000,
        latency.quantile(0.99) / 1000,
        latency.maximum() / 1000
    );
    Ok(())
}

/// Where cargo put this program, whose directory is `release` or `debug` of that one.
fn target_directory() -> PathBuf {
    let program = std::env::current_exe().ok();
    let target = program
        .as_deref()
        .and_then(|program| program.ancestors().nth(2));
    target.map_or_else(|| PathBuf::from("target"), PathBuf::from)
}
