//! One run of a design, from cycle 0 or a checkpoint to its end.

use super::auto::{Task, choose};
use super::boot::{RunError, boot_by, check_fit};
use super::buffer::Buffer;
use super::choice::Choice;
use super::hart::harts;
use super::keep::{Keep, Keeper};
use super::measure::measured;
use super::outcome::end_cycle;
use super::phases::{Gauge, Phases};
use super::report::{HostReport, RunReport};
use super::series::SeriesTaker;
use super::stalls::StallReport;
use super::stopwatch::Stopwatch;
use super::view::{Onlooker, View};
use crate::design::{Design, Total};
use crate::journal::Journal;
use crate::partition::Summary;
use crate::profile::Profile;
use crate::trace::{self, Selection, TraceOrder};
use std::sync::Arc;
use tina_engine::{
    Catalogue, HostOptions, InstanceResults, Limits, Machine, MachineEnd, Observer, Outcome,
    Report, ResultValue, Snapshot, StallOptions,
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
    /// Where the run goes on from, instead of cycle 0.
    pub start: Option<Arc<Snapshot>>,
    /// What comes into it from outside, as it was written down.
    pub journal: Option<Arc<Journal>>,
    /// Which checkpoints are kept of it.
    pub keep: Option<Keep>,
    /// Which part of it is measured.
    pub phases: Option<Phases>,
    /// The trace to be written of it.
    pub trace: Option<TraceOrder>,
    /// Whether counts are noted over time.
    pub series: bool,
    /// Whether it is noted what every shard does with its time.
    pub timeline: bool,
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
            journal: None,
            keep: None,
            phases: None,
            trace: None,
            series: false,
            timeline: false,
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
    execute_with(design, catalogue, options, Joined::default(), observer)
}

/// What of the outside world a run is joined to.
#[derive(Default)]
pub struct Joined<'a> {
    /// Lines to modules, by number of the instance.
    pub lines: Vec<(u32, MachineEnd)>,
    /// Who looks at the machine while it runs; the observer is to say so, too
    /// ([`Observer::looks`]).
    pub onlooker: Option<&'a dyn Onlooker>,
}

/// The same, joined to the outside world.
///
/// # Errors
/// As [`execute`].
pub fn execute_with(
    design: &Design,
    catalogue: &Catalogue,
    options: &RunOptions,
    joined: Joined<'_>,
    observer: &mut dyn Observer,
) -> Result<RunReport, RunError> {
    let selection = match &options.trace {
        Some(order) => Some(trace::select(&design.blueprint, &order.scopes)?),
        None => None,
    };
    let Start {
        mut machine,
        placement,
        choice,
        ended,
        boot_seconds,
        run_time,
    } = start(
        design,
        catalogue,
        options,
        (selection.as_ref(), !joined.lines.is_empty()),
        observer,
    )?;
    join(design, options, joined.lines, &mut machine)?;
    let order = options.trace.as_ref().zip(selection);
    let tracing = order
        .map(|(order, selection)| trace::begin(&mut machine, &design.blueprint, &selection, order));
    let tracing = tracing.transpose()?;
    let mut keeper = Keeper::new(options.keep.as_ref(), design, &mut machine)?;
    let measure = options.measure && choice.is_none();
    if measure {
        machine.start_sampling();
    }
    let mut gauge = Gauge::new(options.phases);
    let mut series = SeriesTaker::new(options.series, design.blueprint.epoch_cycles);
    if options.timeline {
        machine.start_timeline();
    }
    let mut pauses = Pauses {
        design,
        keeper: &mut keeper,
        gauge: &mut gauge,
        series: &mut series,
        onlooker: joined.onlooker,
    };
    let limits = &options.limits;
    let report = match ended {
        Some(report) => report,
        None => pauses.run(&mut machine, limits, observer)?,
    };
    let trace = tracing.map(|tracing| tracing.end(&mut machine).map_err(|error| error.to_string()));
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
    let totals = totals_at_end(design, &instances, &report.outcome)?;
    let harts = harts(design, &instances);
    series.take(report.cycles, &harts, &totals);
    let first_cycle = options
        .start
        .as_ref()
        .map_or(0, |start| start.cycle(&design.blueprint));
    let measured = gauge.finish(&machine, design);
    let stalls = match &measured {
        Some(measured) => (measured.stalls.clone(), measured.from..measured.until),
        None => (machine.stalls(), first_cycle..machine.cycle()),
    };
    let every = options.host.stalls.every;
    let (stalls, cycles) = stalls;
    Ok(RunReport {
        series: series.finish(&design.name, &harts, &totals),
        end_cycle: end_cycle(&report.outcome, &design.blueprint),
        outcome: report.outcome,
        cycles: report.cycles,
        digest: report.digest,
        totals,
        harts,
        profile,
        measured,
        stalls: stalls.map(|it| StallReport::new(design, catalogue, it, every, cycles)),
        instances,
        kept,
        trace,
        host: HostReport {
            shard_count: report.shard_count,
            joined_count: report.joined_count,
            thread_count: report.thread_count,
            boot_seconds,
            first_cycle,
            wall_seconds,
            clock_count: report.clock_count,
            placement,
            memory_bytes: machine.used_bytes().into_iter().sum(),
            threads: machine.thread_times(),
            timeline: machine.timeline(),
            choice,
        },
    })
}

/// A machine about to run, or to run on.
struct Start {
    machine: Machine,
    placement: Summary,
    choice: Option<Choice>,
    /// Set if the run has ended already.
    ended: Option<Report>,
    boot_seconds: f64,
    run_time: Stopwatch,
}

/// Joins a machine to the outside world, or to what was written down of it.
fn join(
    design: &Design,
    options: &RunOptions,
    lines: Vec<(u32, MachineEnd)>,
    machine: &mut Machine,
) -> Result<(), RunError> {
    for (instance, line) in lines {
        machine.attach(instance, line).map_err(|error| {
            let path = design.blueprint.instances[instance as usize].path.clone();
            RunError::Attach(path, error)
        })?;
    }
    if let Some(journal) = &options.journal {
        journal.follow(machine);
    }
    Ok(())
}

/// Places and boots, and with `auto` finds out on how many shards. A machine that is to be traced, looked at
/// over time, joined to the outside world or whose stalls are counted has not run yet: what is found out about
/// shards, others have run for.
fn start(
    design: &Design,
    catalogue: &Catalogue,
    options: &RunOptions,
    (selection, has_lines): (Option<&Selection>, bool),
    observer: &mut dyn Observer,
) -> Result<Start, RunError> {
    let recorded = selection.map_or(Arc::default(), |selection| selection.wires.clone().into());
    let told = options.trace.as_ref().is_some_and(|it| it.what.stalls);
    let host = HostOptions {
        recorded,
        stalls: StallOptions {
            recorded: told,
            ..options.host.stalls
        },
        ..options.host.clone()
    };
    let boot_time = Stopwatch::start();
    let shard_count = if options.auto { 1 } else { options.shard_count };
    let profile = options.profile.as_ref();
    let unwatched = HostOptions {
        stalls: StallOptions::default(),
        ..options.host.clone()
    };
    let first_host = if options.auto { &unwatched } else { &host };
    let at = options.start.as_ref();
    let booted = boot_by(design, catalogue, profile, shard_count, first_host)?.at(at)?;
    let boot_seconds = boot_time.seconds();
    // A total that nothing can be summed up for is found before the run, not after it.
    totals(design, &booted.machine.results())?;
    let run_time = Stopwatch::start();
    if !options.auto {
        return Ok(Start {
            machine: booted.machine,
            placement: booted.placement,
            choice: None,
            ended: None,
            boot_seconds,
            run_time,
        });
    }
    let task = Task {
        design,
        catalogue,
        host: &unwatched,
        limits: &options.limits,
        shard_count_max: options.shard_count,
        boot_seconds,
        start: at,
    };
    let is_joined = has_lines || options.journal.is_some();
    let is_plain = !options.series && !options.timeline && !is_joined;
    if selection.is_none() && is_plain && options.host.stalls == StallOptions::default() {
        let chosen = choose(booted, &task, observer)?;
        return Ok(Start {
            machine: chosen.machine,
            placement: chosen.placement,
            choice: Some(chosen.choice),
            ended: chosen.report,
            boot_seconds,
            run_time,
        });
    }
    let choice = choose(booted, &task, &mut Buffer::new(observer))?.choice;
    let booted = boot_by(
        design,
        catalogue,
        Some(&choice.profile),
        choice.shard_count,
        &host,
    )?
    .at(at)?;
    Ok(Start {
        machine: booted.machine,
        placement: booted.placement,
        choice: Some(choice),
        ended: None,
        boot_seconds,
        run_time: Stopwatch::start(),
    })
}

/// What is looked at while a machine runs, between two of its epochs.
struct Pauses<'a, 'b> {
    design: &'a Design,
    keeper: &'a mut Keeper<'b>,
    gauge: &'a mut Gauge,
    series: &'a mut SeriesTaker,
    onlooker: Option<&'a dyn Onlooker>,
}

impl Pauses<'_, '_> {
    /// Runs a machine to its end, with a checkpoint and a look at its statistics now and then.
    fn run(
        &mut self,
        machine: &mut Machine,
        limits: &Limits,
        observer: &mut dyn Observer,
    ) -> Result<Report, RunError> {
        loop {
            self.gauge.look(machine);
            if machine.cycle() >= self.series.next() {
                let instances = machine.results();
                let totals = totals(self.design, &instances)?;
                let harts = harts(self.design, &instances);
                self.series.take(machine.cycle(), &harts, &totals);
            }
            let pause = self.keeper.next().min(self.gauge.next());
            let pause = pause.min(self.series.next());
            let report = machine.run_part(limits, pause, observer);
            check_fit(machine, &self.design.blueprint)?;
            if let Some(report) = report {
                return Ok(report);
            }
            self.keeper.save_if_due(machine);
            if let Some(onlooker) = self.onlooker.filter(|it| it.wants()) {
                self.show(machine, onlooker)?;
            }
        }
    }

    fn show(&self, machine: &Machine, onlooker: &dyn Onlooker) -> Result<(), RunError> {
        let instances = machine.results();
        onlooker.show(&View {
            design: self.design,
            cycle: machine.cycle(),
            totals: &totals(self.design, &instances)?,
            harts: &harts(self.design, &instances),
            instances: &instances,
        });
        Ok(())
    }
}

fn totals_at_end(
    design: &Design,
    instances: &[InstanceResults],
    outcome: &Outcome,
) -> Result<Vec<(String, ResultValue)>, RunError> {
    match outcome {
        // Who is in pieces after a hardware fault reports nothing.
        Outcome::Faulted(_) => Ok(totals_left(design, instances)),
        _ => totals(design, instances),
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

/// The totals that still have something to be taken over.
fn totals_left(design: &Design, instances: &[InstanceResults]) -> Vec<(String, ResultValue)> {
    let evaluate = |total: &Total| Some((total.name.clone(), total.evaluate(instances).ok()?));
    design.totals.iter().filter_map(evaluate).collect()
}
