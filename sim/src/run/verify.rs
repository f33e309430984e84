//! The same design at several shard counts: are the digests equal, epoch by epoch?

use super::boot::{RunError, boot};
use super::divergence::{Divergence, find};
use super::stopwatch::Stopwatch;
use super::stream::Stream;
use super::variant::Variant;
use crate::design::Design;
use tina_engine::{Catalogue, EpochRecord, Limits, Observer, Outcome};

/// How one variant ran.
#[derive(Clone, Debug)]
pub struct VariantRun {
    /// What was run.
    pub variant: Variant,
    /// How it ended.
    pub outcome: Outcome,
    /// Threads used.
    pub thread_count: usize,
    /// Base-clock cycles executed.
    pub cycles: u64,
    /// Epochs.
    pub epoch_count: u64,
    /// Digest of every transfer.
    pub digest: u64,
    /// Seconds from the first cycle to the last.
    pub wall_seconds: f64,
}

/// What a verification found.
#[derive(Clone, Debug)]
pub struct Verification {
    /// The runs, in the order asked for; ends with the first that differs.
    pub runs: Vec<VariantRun>,
    /// Where the last run parts from the first, if it does.
    pub divergence: Option<Divergence>,
    /// Whether the observer asked to stop before all were run.
    pub interrupted: bool,
}

/// Runs a design in every variant, each from cycle 0, and compares each with the first.
///
/// `observer` sees the first run only, except that it is asked throughout whether to stop.
///
/// # Errors
/// When a variant cannot be placed or booted.
pub fn verify(
    design: &Design,
    catalogue: &Catalogue,
    variants: &[Variant],
    limits: &Limits,
    observer: &mut dyn Observer,
) -> Result<Verification, RunError> {
    let mut runs: Vec<VariantRun> = Vec::with_capacity(variants.len());
    let mut reference: Option<Stream> = None;
    for variant in variants {
        let mut recorder = Recorder {
            stream: Stream::default(),
            quiet: reference.is_some(),
            observer,
        };
        let run = run_variant(design, catalogue, variant, limits, &mut recorder)?;
        let stream = recorder.stream;
        let interrupted = run.outcome == Outcome::Interrupted;
        let same_outcome = runs
            .first()
            .is_none_or(|first| first.outcome == run.outcome);
        runs.push(run);
        if interrupted {
            return Ok(Verification {
                runs,
                divergence: None,
                interrupted,
            });
        }
        let Some(reference) = &reference else {
            reference = Some(stream);
            continue;
        };
        let different_end = || (!same_outcome).then(|| (0, runs[0].cycles));
        if let Some(between) = reference.first_difference(&stream).or_else(different_end) {
            let pair = [variants[0].clone(), variant.clone()];
            let divergence = Some(find(design, catalogue, pair, between)?);
            return Ok(Verification {
                runs,
                divergence,
                interrupted,
            });
        }
    }
    Ok(Verification {
        runs,
        divergence: None,
        interrupted: false,
    })
}

fn run_variant(
    design: &Design,
    catalogue: &Catalogue,
    variant: &Variant,
    limits: &Limits,
    recorder: &mut Recorder<'_>,
) -> Result<VariantRun, RunError> {
    let mut machine = boot(design, catalogue, variant.shard_count, &variant.host())?.machine;
    let time = Stopwatch::start();
    let report = machine.run(limits, recorder);
    Ok(VariantRun {
        variant: variant.clone(),
        outcome: report.outcome,
        thread_count: report.thread_count,
        cycles: report.cycles,
        epoch_count: report.epoch_count,
        digest: report.digest,
        wall_seconds: time.seconds(),
    })
}

/// Keeps the epochs and passes on the rest.
struct Recorder<'a> {
    stream: Stream,
    quiet: bool,
    observer: &'a mut dyn Observer,
}

impl Observer for Recorder<'_> {
    fn console(&mut self, bytes: &[u8]) {
        if !self.quiet {
            self.observer.console(bytes);
        }
    }

    fn epoch(&mut self, record: EpochRecord) {
        self.stream.push(record);
        if !self.quiet {
            self.observer.epoch(record);
        }
    }

    fn progress(&mut self, cycle: u64) {
        self.observer.progress(cycle);
    }

    fn interrupted(&mut self) -> bool {
        self.observer.interrupted()
    }
}
