//! From a design to a machine: placement, then boot.

use crate::design::Design;
use crate::partition::{Hints, PartitionError, Summary, partition};
use crate::profile::Profile;
use crate::trace::TraceError;
use std::fmt;
use tina_engine::{BootError, Catalogue, HostOptions, Machine, Placement};

/// Why a design could not be run.
#[derive(Debug)]
pub enum RunError {
    /// It cannot be placed as asked.
    Partition(PartitionError),
    /// The machine could not be booted.
    Boot(BootError),
    /// A total could not be computed.
    Total(String),
    /// The trace that was asked for cannot be made.
    Trace(TraceError),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partition(error) => error.fmt(f),
            Self::Boot(error) => error.fmt(f),
            Self::Total(reason) => f.write_str(reason),
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

/// A machine at cycle 0 and how it was placed.
pub struct Booted {
    /// Ready to run.
    pub machine: Machine,
    /// Loads and cuts.
    pub placement: Summary,
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

/// Places a design on shards, by a profile if there is one, and boots it.
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
    let placed =
        partition(&design.blueprint, catalogue, hints, shard_count).map_err(RunError::Partition)?;
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
