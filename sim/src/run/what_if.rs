//! Whether one slot more would have kept a machine from its deadlock.
//!
//! The machine is run once more with the smallest full wire of the wait-for cycle one slot deeper, to
//! twice the cycle of the deadlock. That is an experiment, not a proof: a machine that gets further may
//! stand still later.

use super::boot::{RunError, check_fit};
use super::buffer::Buffer;
use super::number::thousands;
use crate::design::Design;
use crate::journal::Journal;
use std::sync::Arc;
use tina_engine::{
    Catalogue, DEPTH_MAX, Deadlock, HostOptions, Limits, Machine, Observer, Outcome, Placement,
};

/// Cycles of the experiment, at least.
const CYCLES_MIN: u64 = 4096;

/// What one slot more does, in a sentence.
///
/// # Errors
/// When the machine cannot be booted again.
pub fn what_if_deeper(
    design: &Design,
    catalogue: &Catalogue,
    deadlock: &Deadlock,
    journal: Option<&Journal>,
    observer: &mut dyn Observer,
) -> Result<String, RunError> {
    let Some(wait) = deadlock.smallest_full() else {
        return Ok(
            "a deeper FIFO would not help: no wire of the wait-for cycle is full".to_owned(),
        );
    };
    let name = format!("{} -> {}", wait.waiter, wait.holder);
    if wait.depth >= DEPTH_MAX {
        return Ok(format!("{name} is as deep as a FIFO can be"));
    }
    let mut blueprint = (*design.blueprint).clone();
    blueprint.wires[wait.wire as usize].depth += 1;
    let depth = wait.depth + 1;
    let placement = Placement::single(blueprint.instances.len());
    let host = HostOptions::default();
    let mut machine = Machine::boot(&Arc::new(blueprint), catalogue, &placement, &host)
        .map_err(RunError::Boot)?;
    if let Some(journal) = journal {
        journal.follow(&mut machine);
    }
    let limits = Limits {
        cycles: None,
        max_cycles: Some(deadlock.cycle.saturating_mul(2).max(CYCLES_MIN)),
    };
    let report = machine.run(&limits, &mut Buffer::new(observer));
    let with = format!("with {name} {depth} slots deep instead of {}", wait.depth);
    if let Err(error) = check_fit(&machine, &design.blueprint) {
        return Ok(format!(
            "whether a deeper FIFO helps is not known: {with} {error}"
        ));
    }
    Ok(match report.outcome {
        Outcome::Deadlock(later) if later.cycle <= deadlock.cycle => {
            format!(
                "a deeper FIFO does not help: {with} nothing changes after cycle {} either",
                thousands(later.cycle)
            )
        }
        Outcome::Deadlock(later) => format!(
            "one slot more only delays it: {with} it stands still after cycle {} instead of {}",
            thousands(later.cycle),
            thousands(deadlock.cycle)
        ),
        Outcome::Interrupted => format!("interrupted {with}"),
        Outcome::Finished { .. }
        | Outcome::CyclesDone
        | Outcome::Drained { .. }
        | Outcome::LimitReached => format!(
            "a deeper FIFO helps: {with} it does not stand still within {} cycles",
            thousands(report.cycles)
        ),
        Outcome::Faulted(_) => format!(
            "a deeper FIFO helps as far as a fault: {with} a module faults within {} cycles",
            thousands(report.cycles)
        ),
    })
}
