//! Offers the runtime many times what it can take, and checks what is promised for such times.
//!
//! `overload --help` tells the options. Exit code 1 if something does not hold. An allocator ends the process if a
//! shard's thread takes memory.
#![forbid(unsafe_code)]

use clap::Parser;
use std::error::Error;
use std::process::ExitCode;
use tina_benches::overload::options::Options;
use tina_benches::overload::trial::{self, Seen};
use tina_benches::servers::histogram::Histogram;
use tina_engine::SealedAllocator;

#[global_allocator]
static ALLOCATOR: SealedAllocator = SealedAllocator;

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(violations) if violations.is_empty() => ExitCode::SUCCESS,
        Ok(violations) => {
            violations
                .iter()
                .for_each(|violation| println!("violated: {violation}"));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<Vec<String>, Box<dyn Error>> {
    let seen = trial::run(options, &mut |said| eprintln!("{said}"))?;
    print(options, &seen);
    let mut violations = seen.miscounted(options);
    violations.extend(seen.exceeded());
    Ok(violations)
}

fn print(options: &Options, seen: &Seen) {
    let (given, taken, crowd) = (&seen.given, &seen.taken, &seen.crowd);
    println!(
        "messages and questions: {} offered = {} handled + {} refused at once + {} come back; {:.1} times",
        given.offered,
        taken.handled,
        given.refused,
        given.returned,
        given.offered as f64 / taken.handled.max(1) as f64
    );
    println!(
        "of these, questions: {} offered, {} answered; without an end: {}",
        given.questions, given.answered, given.lost
    );
    println!(
        "accepted work waited: {}; bound: {} places at a mean of {:.1} us = {:.0} us, and the longest pause, {:.0} us",
        micros(&taken.latency),
        options.mailbox + 1,
        taken.gap_sum as f64 / taken.gap_count.max(1) as f64 / 1e3,
        seen.bound_nanos / 1e3,
        taken.gap_max as f64 / 1e3
    );
    println!(
        "connections: {} came = {} served + {} turned away; {} cut; an echo took {}",
        crowd.connected,
        crowd.served,
        crowd.turned_away,
        crowd.cut,
        micros(&crowd.latency)
    );
    match seen.resident {
        Some((before, after)) => println!(
            "memory: {} KiB anonymous when warm, {} KiB at the end (with files {} and {}); planned at boot: {} KiB",
            before.anonymous,
            after.anonymous,
            before.all,
            after.all,
            seen.planned_bytes >> 10
        ),
        None => println!("memory: this host does not say what is resident"),
    }
}

fn micros(latency: &Histogram) -> String {
    let micros = |nanos: u64| nanos as f64 / 1e3;
    format!(
        "p50 {:.0} us, p99 {:.0} us, max {:.0} us",
        micros(latency.quantile(0.5)),
        micros(latency.quantile(0.99)),
        micros(latency.maximum())
    )
}
