//! From a design to a machine: placement, then boot.

use crate::design::Design;
use crate::partition::{Hints, PartitionError, Summary, partition, scatter};
use crate::profile::Profile;
use crate::trace::TraceError;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tina_engine::{
    AttachError, Blueprint, BootError, Catalogue, HostOptions, Machine, Placement, Snapshot,
    SnapshotError,
};

/// Why a design could not be run.
#[derive(Debug)]
pub enum RunError {
    /// It cannot be placed as asked.
    Partition(PartitionError),
    /// The machine could not be booted.
    Boot(BootError),
    /// A total could not be computed.
    Total(String),
    /// Its state cannot be saved, or it cannot go on from what was saved.
    Snapshot(SnapshotError),
    /// A folder cannot be written to.
    Folder(PathBuf, io::Error),
    /// A line cannot be attached: path of the instance and the reason.
    Attach(String, AttachError),
    /// The journal gives an instance more than it has room for: its path, and the cycle.
    Misfit(String, u64),
    /// The trace that was asked for cannot be made.
    Trace(TraceError),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partition(error) => error.fmt(f),
            Self::Boot(error) => error.fmt(f),
            Self::Total(reason) => f.write_str(reason),
            Self::Snapshot(error) => error.fmt(f),
            Self::Folder(path, error) => {
                write!(f, "cannot write to {}: {error}", path.display())
            }
            Self::Attach(path, error) => write!(f, "`{path}`: {error}"),
            Self::Misfit(path, cycle) => write!(
                f,
                "the journal does not fit: `{path}` has no room for what came in cycle {cycle}"
            ),
            Self::Trace(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RunError {}

impl From<TraceError> for RunError {
    fn from(error: TraceError) -> Self {
        Self::Trace(error)
    }
}

/// Whether a journal that a machine of this design follows has fitted it so far.
pub(super) fn check_fit(machine: &Machine, blueprint: &Blueprint) -> Result<(), RunError> {
    machine.misfit().map_or(Ok(()), |(cycle, instance)| {
        let path = blueprint.instances[instance as usize].path.clone();
        Err(RunError::Misfit(path, cycle))
    })
}

/// A machine that has not run, and how it was placed.
pub struct Booted {
    /// Ready to run.
    pub machine: Machine,
    /// Loads and cuts.
    pub placement: Summary,
}

impl Booted {
    /// Puts the machine where another of the same design stood, if there is such a place.
    pub(super) fn at(mut self, start: Option<&Arc<Snapshot>>) -> Result<Self, RunError> {
        if let Some(start) = start {
            self.machine
                .restore(start.clone())
                .map_err(RunError::Snapshot)?;
        }
        Ok(self)
    }
}

/// Places a design on shards and boots it.
///
/// # Errors
/// When hand placement and shard count do not fit, when the host refuses memory or threads, or when
/// a module refuses to be built.
pub fn boot(
    design: &Design,
    catalogue: &Catalogue,
    shard_count: usize,
    host: &HostOptions,
) -> Result<Booted, RunError> {
    boot_by(design, catalogue, None, shard_count, host)
}

/// Places a design on shards, by a profile if there is one, and boots it. A seeded run is placed as its seed
/// has it.
///
/// # Errors
/// As [`boot`].
pub fn boot_by(
    design: &Design,
    catalogue: &Catalogue,
    profile: Option<&Profile>,
    shard_count: usize,
    host: &HostOptions,
) -> Result<Booted, RunError> {
    let weights = profile.map(|profile| profile.weights(design, catalogue));
    let hints = Hints::of(design, weights.as_ref());
    let blueprint = &design.blueprint;
    let placed = match host.seeded {
        None => partition(blueprint, catalogue, hints, shard_count),
        Some(seed) => scatter(blueprint, catalogue, shard_count, seed, hints),
    };
    let placed = placed.map_err(RunError::Partition)?;
    let placement = Placement {
        shard_count,
        shard_of: placed.shard_of,
    };
    let machine =
        Machine::boot(&design.blueprint, catalogue, &placement, host).map_err(RunError::Boot)?;
    Ok(Booted {
        machine,
        placement: placed.summary,
    })
}
