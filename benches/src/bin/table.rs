//! Prints how fast the workloads run as ratios to their plain loops.
//!
//! `table [ROUNDS] [NAME…]`: in each round every form of a workload runs once, one after the other,
//! so that whatever else the host does falls on all of them; a row gives the medians of
//! all rounds (default 9).
#![forbid(unsafe_code)]

use tina_benches::subjects::{CYCLES, SUBJECTS, Subject};
use tina_sim::run::Stopwatch;

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    let rounds = arguments.peek().and_then(|first| first.parse().ok());
    if rounds.is_some() {
        arguments.next();
    }
    let rounds: usize = rounds.unwrap_or(9).max(1);
    let names: Vec<String> = arguments.collect();
    println!(
        "{:<16}{:>11}{:>13}{:>14}{:>14}{:>12}",
        "workload", "plain kHz", "1 shard kHz", "time ÷ plain", "2 shards kHz", "2 ÷ 1 shard"
    );
    for subject in &SUBJECTS {
        if names.is_empty()
            || names
                .iter()
                .any(|name| subject.name.contains(name.as_str()))
        {
            print_row(subject, rounds);
        }
    }
}

fn print_row(subject: &Subject, rounds: usize) {
    let mut seconds = [const { Vec::new() }; 3];
    for _ in 0..rounds {
        let forms = [subject.plain(), subject.machine(1), subject.machine(2)];
        for (run, seconds) in forms.into_iter().zip(&mut seconds) {
            let stopwatch = Stopwatch::start();
            run();
            seconds.push(stopwatch.seconds());
        }
    }
    let [plain, one, two] = seconds.map(median);
    let khz = |seconds: f64| CYCLES as f64 / seconds / 1e3;
    println!(
        "{:<16}{:>11.0}{:>13.0}{:>14.2}{:>14.0}{:>12.2}",
        subject.name,
        khz(plain),
        khz(one),
        one / plain,
        khz(two),
        one / two
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
