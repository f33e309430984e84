//! One run of a design from cycle 0 to its end.

use super::boot::{Booted, RunError, boot};
use super::report::{Hart, HostReport, RunReport};
use super::stopwatch::Stopwatch;
use crate::design::{Design, Total};
use tina_engine::{Catalogue, HostOptions, InstanceResults, Limits, Observer, ResultValue};

/// How a design is run. Only `limits` can change a result.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Shards, 1 to 255.
    pub shard_count: usize,
    /// Threads, sleeping, pinning.
    pub host: HostOptions,
    /// When it ends by itself.
    pub limits: Limits,
}

impl Default for RunOptions {
    /// One shard, no limit.
    fn default() -> Self {
        Self {
            shard_count: 1,
            host: HostOptions::default(),
            limits: Limits::default(),
        }
    }
}

/// Runs a design and collects everything there is to know.
///
/// # Errors
/// When it cannot be placed, booted or summed up; how the run itself ended is in the report.
pub fn execute(
    design: &Design,
    catalogue: &Catalogue,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<RunReport, RunError> {
    let boot_time = Stopwatch::start();
    let Booted {
        mut machine,
        placement,
    } = boot(design, catalogue, options.shard_count, &options.host)?;
    let boot_seconds = boot_time.seconds();
    // A total that nothing can be summed up for is found before the run, not after it.
    totals(design, &machine.results())?;

    let run_time = Stopwatch::start();
    let report = machine.run(&options.limits, observer);
    let wall_seconds = run_time.seconds();

    let instances = machine.results();
    Ok(RunReport {
        outcome: report.outcome,
        cycles: report.cycles,
        digest: report.digest,
        totals: totals(design, &instances)?,
        harts: harts(design, &instances),
        instances,
        host: HostReport {
            shard_count: report.shard_count,
            joined_count: report.joined_count,
            thread_count: report.thread_count,
            boot_seconds,
            wall_seconds,
            clock_count: report.clock_count,
            cut_wire_count: placement.cut_wire_count(),
        },
    })
}

fn totals(
    design: &Design,
    instances: &[InstanceResults],
) -> Result<Vec<(String, ResultValue)>, RunError> {
    let evaluate = |total: &Total| match total.evaluate(instances) {
        Ok(value) => Ok((total.name.clone(), value)),
        Err(reason) => Err(RunError::Total(reason)),
    };
    design.totals.iter().map(evaluate).collect()
}

fn harts(design: &Design, instances: &[InstanceResults]) -> Vec<Hart> {
    let hart = |results: &InstanceResults| {
        let named = |name: &str| {
            let entry = results.entries.iter().find(|(entry, _)| *entry == name);
            entry.map(|(_, value)| value.number())
        };
        Some(Hart {
            path: design.blueprint.instances[results.instance as usize]
                .path
                .clone(),
            instructions: named("instructions")?,
            cycles: named("cycles")?,
        })
    };
    instances.iter().filter_map(hart).collect()
}
