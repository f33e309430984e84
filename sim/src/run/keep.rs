//! Checkpoints of a run while it goes on.
//!
//! A checkpoint that cannot be written costs a line in the report, not the run.

use super::boot::RunError;
use crate::checkpoint::{Checkpoint, prepare, remove_older, this_build};
use crate::design::Design;
use crate::origin::Origin;
use std::path::PathBuf;
use std::sync::Arc;
use tina_engine::{Machine, Outcome, Snapshot};

/// Which checkpoints are kept of a run.
#[derive(Clone, Debug)]
pub struct Keep {
    /// Where they lie.
    pub folder: PathBuf,
    /// One after every so many base-clock cycles, at the end of the epoch; without it only one at the
    /// end of a run that could go on.
    pub every: Option<u64>,
    /// How many of them stay, the latest; without it all.
    pub count: Option<usize>,
    /// What the design was made of.
    pub origin: Origin,
}

/// What became of them.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The last that was written: its cycle and its file.
    pub last: Option<(u64, PathBuf)>,
    /// What could not be written, and why.
    pub failures: Vec<String>,
}

/// Keeps them.
pub(super) struct Keeper<'a> {
    keep: Option<&'a Keep>,
    design: &'a Design,
    /// The cycle at which the machine is to be saved next.
    due: u64,
    kept: Kept,
}

impl<'a> Keeper<'a> {
    /// Makes the folder, and finds out whether the machine can be saved at all before it runs.
    pub(super) fn new(
        keep: Option<&'a Keep>,
        design: &'a Design,
        machine: &mut Machine,
    ) -> Result<Self, RunError> {
        if let Some(keep) = keep {
            machine.snapshot().map_err(RunError::Snapshot)?;
            prepare(&keep.folder).map_err(|error| RunError::Folder(keep.folder.clone(), error))?;
        }
        let mut keeper = Self {
            keep,
            design,
            due: u64::MAX,
            kept: Kept::default(),
        };
        keeper.due = keeper.next_after(machine.cycle());
        Ok(keeper)
    }

    /// The cycle at which the machine is to be saved next.
    pub(super) fn next(&self) -> u64 {
        self.due
    }

    fn next_after(&self, cycle: u64) -> u64 {
        let every = self.keep.and_then(|keep| keep.every);
        every.map_or(u64::MAX, |every| (cycle / every + 1).saturating_mul(every))
    }

    /// Saves the machine, if it has come so far.
    pub(super) fn save_if_due(&mut self, machine: &mut Machine) {
        if machine.cycle() >= self.due {
            self.save(machine);
            self.due = self.next_after(machine.cycle());
        }
    }

    /// Saves the machine, if that is asked for.
    fn save(&mut self, machine: &mut Machine) {
        let Some(keep) = self.keep else { return };
        let cycle = machine.cycle();
        if self.kept.last.as_ref().is_some_and(|last| last.0 == cycle) {
            return;
        }
        match machine.snapshot() {
            Ok(snapshot) => self.write(keep, cycle, snapshot),
            Err(error) => self.fail(cycle, &error),
        }
    }

    fn write(&mut self, keep: &Keep, cycle: u64, snapshot: Snapshot) {
        debug_assert_eq!(cycle, snapshot.cycle(&self.design.blueprint));
        let checkpoint = Checkpoint {
            origin: keep.origin.clone(),
            build: this_build().to_owned(),
            cycle,
            snapshot: Arc::new(snapshot),
        };
        match checkpoint.write(&keep.folder) {
            Ok(path) => {
                self.kept.last = Some((cycle, path));
                self.remove_older(keep, cycle);
            }
            Err(error) => self.fail(cycle, &error),
        }
    }

    /// The newest is safe on the disk: what is older than those that are to stay may go.
    fn remove_older(&mut self, keep: &Keep, cycle: u64) {
        let Some(count) = keep.count else { return };
        if let Err(error) = remove_older(&keep.folder, &keep.origin, cycle, count) {
            let failure =
                format!("a checkpoint before cycle {cycle} could not be removed: {error}");
            self.kept.failures.push(failure);
        }
    }

    fn fail(&mut self, cycle: u64, error: &dyn std::fmt::Display) {
        let failure = format!("the checkpoint of cycle {cycle} could not be written: {error}");
        self.kept.failures.push(failure);
    }

    /// The run ended so: a machine that could go on is saved.
    pub(super) fn finish(mut self, outcome: &Outcome, machine: &mut Machine) -> Kept {
        match outcome {
            Outcome::CyclesDone | Outcome::LimitReached | Outcome::Interrupted => {
                self.save(machine);
            }
            Outcome::Finished { .. }
            | Outcome::Drained { .. }
            | Outcome::Deadlock(_)
            | Outcome::Faulted(_) => {}
        }
        self.kept
    }
}
