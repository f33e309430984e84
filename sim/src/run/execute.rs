//! One run of a design, from cycle 0 or a checkpoint to its end.

use super::auto::{Task, choose};
use super::boot::{RunError, boot_by};
use super::choice::Choice;
use super::keep::{Keep, Keeper};
use super::measure::measured;
use super::outcome::end_cycle;
use super::phases::{Gauge, Phases};
use super::report::{Hart, HostReport, RunReport};
use super::stopwatch::Stopwatch;
use crate::design::{Design, Total};
use crate::profile::Profile;
use std::sync::Arc;
use tina_engine::{
    Catalogue, HostOptions, InstanceResults, Limits, Machine, Observer, Report, ResultValue,
    Snapshot,
};

/// How a design is run. Only `limits` can change a result.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Shards, 1 to 255; with `auto`, the most.
    pub shard_count: usize,
    /// Measures at the start of the run how many shards it is worth.
    pub auto: bool,
    /// What was measured of the design before, for its placement.
    pub profile: Option<Profile>,
    /// Measures it throughout the run.
    pub measure: bool,
    /// Threads, sleeping, pinning.
    pub host: HostOptions,
    /// When it ends by itself.
    pub limits: Limits,
    /// Where it goes on from, instead of cycle 0.
    pub start: Option<Arc<Snapshot>>,
    /// Which checkpoints are kept of it.
    pub keep: Option<Keep>,
    /// Which part of it is measured.
    pub phases: Option<Phases>,
}

impl Default for RunOptions {
    /// One shard, no limit.
    fn default() -> Self {
        Self {
            shard_count: 1,
            auto: false,
            profile: None,
            measure: false,
            host: HostOptions::default(),
            limits: Limits::default(),
            start: None,
            keep: None,
            phases: None,
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
    let shard_count = if options.auto { 1 } else { options.shard_count };
    let profile = options.profile.as_ref();
    let start = options.start.as_ref();
    let booted = boot_by(design, catalogue, profile, shard_count, &options.host)?;
    let mut booted = booted.at(start)?;
    let boot_seconds = boot_time.seconds();
    // A total that nothing can be summed up for is found before the run, not after it.
    totals(design, &booted.machine.results())?;
    let mut keeper = Keeper::new(options.keep.as_ref(), design, &mut booted.machine)?;

    let run_time = Stopwatch::start();
    let limits = &options.limits;
    let (mut machine, placement, choice, ended) = if options.auto {
        let task = Task {
            design,
            catalogue,
            host: &options.host,
            limits,
            shard_count_max: options.shard_count,
            boot_seconds,
            start,
        };
        let chosen = choose(booted, &task, observer)?;
        (
            chosen.machine,
            chosen.placement,
            Some(chosen.choice),
            chosen.report,
        )
    } else {
        (booted.machine, booted.placement, None, None)
    };
    let measure = options.measure && choice.is_none();
    if measure {
        machine.start_sampling();
    }
    let mut gauge = Gauge::new(options.phases);
    let report =
        ended.unwrap_or_else(|| run_on(&mut machine, limits, &mut keeper, &mut gauge, observer));
    let wall_seconds = run_time.seconds();
    let profile = if measure {
        Some(measured(&mut machine, design, catalogue))
    } else {
        choice
            .as_ref()
            .map(|choice: &Choice| choice.profile.clone())
    };

    let kept = keeper.finish(&report.outcome, &mut machine);
    let instances = machine.results();
    Ok(RunReport {
        end_cycle: end_cycle(&report.outcome, &design.blueprint),
        outcome: report.outcome,
        cycles: report.cycles,
        digest: report.digest,
        totals: totals(design, &instances)?,
        harts: harts(design, &instances),
        profile,
        measured: gauge.finish(&machine, design),
        instances,
        kept,
        host: HostReport {
            shard_count: report.shard_count,
            joined_count: report.joined_count,
            thread_count: report.thread_count,
            boot_seconds,
            wall_seconds,
            clock_count: report.clock_count,
            placement,
            memory_bytes: machine.used_bytes().into_iter().sum(),
            threads: machine.thread_times(),
            choice,
        },
    })
}

/// Runs a machine to its end, with a checkpoint and a look at its statistics now and then.
fn run_on(
    machine: &mut Machine,
    limits: &Limits,
    keeper: &mut Keeper<'_>,
    gauge: &mut Gauge,
    observer: &mut dyn Observer,
) -> Report {
    loop {
        gauge.look(machine);
        let pause = keeper.next().min(gauge.next());
        if let Some(report) = machine.run_part(limits, pause, observer) {
            return report;
        }
        keeper.save_if_due(machine);
    }
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
