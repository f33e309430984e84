//! How fast a design runs at several shard counts.
//!
//! Runs alternate between the variants, so that a host that slows down slows all of them, and the
//! median of each counts.

use super::boot::{RunError, boot};
use super::number::median;
use super::stopwatch::Stopwatch;
use super::variant::Variant;
use crate::design::Design;
use tina_engine::{Catalogue, HostOptions, Limits, Observer, Outcome};

/// How fast one variant is.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What was run.
    pub variant: Variant,
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

/// Runs every variant `round_count` times. Ends early, with what there is, when the observer asks
/// to stop; then the flag is true.
///
/// # Errors
/// When a variant cannot be placed or booted.
pub fn compare(
    design: &Design,
    catalogue: &Catalogue,
    variants: &[Variant],
    limits: &Limits,
    round_count: usize,
    observer: &mut dyn Observer,
) -> Result<(Vec<Comparison>, bool), RunError> {
    let mut comparisons: Vec<Comparison> = Vec::with_capacity(variants.len());
    for round in 0..round_count {
        for (index, variant) in variants.iter().enumerate() {
            let host = HostOptions {
                join: true,
                ..variant.host()
            };
            let mut machine = boot(design, catalogue, variant.shard_count, &host)?.machine;
            let time = Stopwatch::start();
            let report = machine.run(limits, observer);
            let seconds = time.seconds();
            if report.outcome == Outcome::Interrupted {
                return Ok((comparisons, true));
            }
            if round == 0 {
                comparisons.push(Comparison {
                    variant: variant.clone(),
                    thread_count: report.thread_count,
                    cycles: report.cycles,
                    digest: report.digest,
                    wall_seconds: Vec::with_capacity(round_count),
                });
            }
            comparisons[index].wall_seconds.push(seconds);
        }
    }
    Ok((comparisons, false))
}
