//! The flight recorder: the last cycles of the modules concerned by a fault, a deadlock or a limit.
//!
//! A run is the same whenever it is repeated, so nothing is kept while it goes on: it is run once more,
//! and only what led to its end is recorded: from the last checkpoint before that, if there are any. That costs
//! up to the time of the run, so it is done where it is asked for and not otherwise.

use super::boot::RunError;
use super::buffer::Buffer;
use super::execute::{RunOptions, execute};
use super::report::RunReport;
use crate::checkpoint::nearest;
use crate::design::Design;
use crate::trace::{Glob, TraceOrder, What, Written};
use std::path::PathBuf;
use tina_engine::{Catalogue, Deadlock, Observer, Outcome};

/// A recording of the end of a run.
#[derive(Clone, Debug)]
pub struct FlightOrder {
    /// Base-clock cycles before the end.
    pub cycles: u64,
    /// The trace.
    pub path: PathBuf,
}

/// Modules whose wires are recorded, at most: the first of those concerned.
const MODULES_MAX: usize = 256;

/// Runs a run that ended badly once more and writes its end; nothing where it ended well.
///
/// # Errors
/// As [`execute`].
pub fn record_flight(
    design: &Design,
    catalogue: &Catalogue,
    options: &RunOptions,
    report: &RunReport,
    order: &FlightOrder,
    observer: &mut dyn Observer,
) -> Result<Option<Result<Written, String>>, RunError> {
    let Some((cycle, concerned)) = concerned(design, report) else {
        return Ok(None);
    };
    let end = cycle.saturating_add(1);
    let window = end.saturating_sub(order.cycles)..end;
    let checkpoint = options.keep.as_ref();
    let checkpoint = checkpoint.and_then(|keep| nearest(&keep.folder, &keep.origin, window.start));
    let checkpoint = checkpoint.map(|checkpoint| checkpoint.snapshot);
    let paths = concerned.iter().take(MODULES_MAX);
    let options = RunOptions {
        shard_count: report.host.shard_count,
        auto: false,
        measure: false,
        start: checkpoint.or_else(|| options.start.clone()),
        keep: None,
        phases: None,
        series: false,
        timeline: false,
        trace: Some(TraceOrder {
            path: order.path.clone(),
            scopes: paths.filter_map(|path| Glob::new(path).ok()).collect(),
            window,
            what: What::default(),
            save_file: false,
        }),
        ..options.clone()
    };
    let again = execute(design, catalogue, &options, &mut Buffer::new(observer))?;
    Ok(again.trace)
}

/// The last cycle that matters and the paths of the modules concerned; all where it is nobody's fault.
fn concerned(design: &Design, report: &RunReport) -> Option<(u64, Vec<String>)> {
    let path = |&instance: &u32| design.blueprint.instances[instance as usize].path.clone();
    match &report.outcome {
        // Others may have gone on long after those who wait for each other stood still.
        Outcome::Deadlock(deadlock) => {
            let component = deadlock.component.as_ref();
            let cycle = component.map_or(deadlock.cycle, |component| component.since);
            Some((cycle, of_deadlock(deadlock)))
        }
        Outcome::Faulted(faults) => {
            let cycle = report.end_cycle.unwrap_or(report.cycles);
            let faulty = faults.iter().map(|fault| path(&fault.instance));
            Some((cycle, faulty.collect()))
        }
        Outcome::LimitReached => Some((report.cycles.saturating_sub(1), Vec::new())),
        Outcome::Finished { .. }
        | Outcome::CyclesDone
        | Outcome::Drained { .. }
        | Outcome::Interrupted => None,
    }
}

/// The modules of the component; without one, those of the chain.
fn of_deadlock(deadlock: &Deadlock) -> Vec<String> {
    if let Some(component) = &deadlock.component {
        return component.modules.clone();
    }
    let ends = deadlock
        .tail
        .iter()
        .flat_map(|wait| [&wait.waiter, &wait.holder]);
    // Path and port: the wire itself.
    ends.cloned().collect()
}
