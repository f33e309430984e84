//! The run: builds all servers, then measures each of them once in every round, beginning with another one each
//! time.

use super::contestants::{CONTESTANTS, Contestant, Places};
use super::cores::{Cores, processor_nanos};
use super::load::{self, Plan};
use super::options::Measured;
use super::report::{Report, Sample, ServerReport};
use crate::compare::host::host;
use std::cell::Cell;
use std::path::Path;

/// Measures what was asked for; says what it does through `progress`.
///
/// # Errors
/// The host has too few cores.
pub fn run(
    options: &Measured,
    target: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Report, String> {
    let host = host(None);
    let cores = Cores::share(options.cores)?;
    let places = Places::below(target);
    let wanted = CONTESTANTS
        .iter()
        .filter(|it| options.wants(it.wire, it.name));
    let mut servers: Vec<(&Contestant, ServerReport)> =
        wanted.map(|it| (it, report_of(it))).collect();
    for (contestant, report) in &mut servers {
        progress(&format!("building {}", contestant.label));
        match contestant.build(&places) {
            Ok(version) => report.version = version,
            Err(error) => report.error = Some(error),
        }
    }
    for round in 0..usize::from(options.rounds) {
        for step in 0..servers.len() {
            let index = (round + step) % servers.len();
            let (contestant, report) = &mut servers[index];
            if report.error.is_some() {
                continue;
            }
            progress(&format!("round {}: {}", round + 1, contestant.label));
            match measure(contestant, options, (&places, &cores), round) {
                Ok(sample) => report.samples.push(sample),
                Err(error) => report.error = Some(error),
            }
        }
    }
    Ok(Report {
        host,
        server_cores: cores.server,
        load_cores: cores.load,
        connections: usize::from(options.connections),
        seconds: options.seconds,
        servers: servers.into_iter().map(|(_, report)| report).collect(),
    })
}

fn report_of(contestant: &Contestant) -> ServerReport {
    ServerReport {
        name: contestant.name.to_owned(),
        label: contestant.label.to_owned(),
        wire: contestant.wire,
        version: None,
        samples: Vec::new(),
        error: None,
    }
}

fn measure(
    contestant: &Contestant,
    options: &Measured,
    (places, cores): (&Places, &Cores),
    round: usize,
) -> Result<Sample, String> {
    let running = contestant.start(places, &cores.server)?;
    let plan = Plan {
        wire: contestant.wire,
        address: running.address,
        connections: usize::from(options.connections),
        warm_up: options.seconds / 4.0,
        seconds: options.seconds,
        cores: cores.load.clone(),
    };
    let used = || processor_nanos(running.process());
    let (before, after) = (Cell::new(None), Cell::new(None));
    let latency = load::run(&plan, || before.set(used()), || after.set(used()))?;
    if latency.count() == 0 {
        return Err("it answered nothing".to_owned());
    }
    let used = after.get().zip(before.get());
    let used = used.map(|(after, before)| after.saturating_sub(before) as f64);
    let micros = |nanos: u64| nanos as f64 / 1e3;
    Ok(Sample {
        round,
        per_second: latency.count() as f64 / options.seconds,
        p50_micros: micros(latency.quantile(0.5)),
        p99_micros: micros(latency.quantile(0.99)),
        max_micros: micros(latency.maximum()),
        processor_micros: used.map(|nanos| nanos / 1e3 / latency.count() as f64),
        busy: used.map(|nanos| nanos / 1e9 / options.seconds / cores.server.len() as f64),
    })
}
