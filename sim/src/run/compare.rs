//! How fast a design runs at several shard counts.
//!
//! Runs alternate between the variants, so that a host that slows down slows all of them, and the
//! median of each counts.

use super::boot::RunError;
use super::execute::{RunOptions, execute};
use super::number::median;
use super::variant::Variant;
use crate::design::Design;
use crate::profile::Profile;
use std::fmt;
use tina_engine::{Catalogue, HostOptions, Limits, Observer, Outcome};

/// What takes part in a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contender {
    /// So many shards and threads.
    Fixed(Variant),
    /// As many shards as the run is worth: what it takes to find out counts.
    Auto {
        /// The most.
        shard_count_max: usize,
    },
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(variant) => variant.fmt(f),
            Self::Auto { .. } => f.write_str("auto"),
        }
    }
}

impl Contender {
    fn options(&self, terms: &Terms<'_>) -> RunOptions {
        let (shard_count, auto, host) = match self {
            Self::Fixed(variant) => (variant.shard_count, false, variant.host()),
            Self::Auto { shard_count_max } => {
                let host = HostOptions {
                    pin: true,
                    ..HostOptions::default()
                };
                (*shard_count_max, true, host)
            }
        };
        RunOptions {
            shard_count,
            auto,
            profile: terms.profile.cloned(),
            host: HostOptions { join: true, ..host },
            limits: terms.limits,
            ..RunOptions::default()
        }
    }
}

/// What is the same for all contenders.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// When a run ends by itself.
    pub limits: Limits,
    /// What was measured of the design before, for its placement.
    pub profile: Option<&'a Profile>,
    /// Runs of each.
    pub round_count: usize,
}

/// How fast one contender is.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What was run.
    pub contender: Contender,
    /// Shards of the last run, and threads.
    pub shard_count: usize,
    /// Threads used.
    pub thread_count: usize,
    /// Base-clock cycles of a run.
    pub cycles: u64,
    /// Digest of every transfer.
    pub digest: u64,
    /// Seconds of each run, boot left out.
    pub wall_seconds: Vec<f64>,
}

impl Comparison {
    /// The median of its runs.
    #[must_use]
    pub fn median_seconds(&self) -> f64 {
        median(&self.wall_seconds)
    }
}

/// Runs every contender on these terms. Ends early, with what there is, when the observer asks to
/// stop; then the flag is true.
///
/// # Errors
/// When a contender cannot be placed or booted.
pub fn compare(
    design: &Design,
    catalogue: &Catalogue,
    contenders: &[Contender],
    terms: &Terms<'_>,
    observer: &mut dyn Observer,
) -> Result<(Vec<Comparison>, bool), RunError> {
    let mut comparisons: Vec<Comparison> = Vec::with_capacity(contenders.len());
    for round in 0..terms.round_count {
        for (index, contender) in contenders.iter().enumerate() {
            let options = contender.options(terms);
            let report = execute(design, catalogue, &options, observer)?;
            if report.outcome == Outcome::Interrupted {
                return Ok((comparisons, true));
            }
            if round == 0 {
                comparisons.push(Comparison {
                    contender: contender.clone(),
                    shard_count: 0,
                    thread_count: 0,
                    cycles: report.cycles,
                    digest: report.digest,
                    wall_seconds: Vec::with_capacity(terms.round_count),
                });
            }
            let comparison = &mut comparisons[index];
            comparison.shard_count = report.host.shard_count;
            comparison.thread_count = report.host.thread_count;
            comparison.wall_seconds.push(report.host.wall_seconds);
        }
    }
    Ok((comparisons, false))
}
