//! How many shards a run is worth: measured on one, predicted, tried, and taken back if the trial
//! disappoints.
//!
//! ```text
//!   one shard:    |-- profile --|.............. waits ..............|-- goes on if the trial loses --
//!   more shards:                | place, boot |-- the same cycles --|-- goes on if the trial wins ---
//! ```
//!
//! Only host time decides, and it decides about host time only: whichever machine goes on, the
//! results are the same. What the loser printed is never shown.

use super::boot::{Booted, RunError, boot_by};
use super::buffer::{Buffer, Kept};
use super::choice::{Choice, Trial};
use super::measure::{Mark, Stretch, handshake_ns, stretch};
use super::stopwatch::Stopwatch;
use crate::design::Design;
use crate::partition::Summary;
use crate::scaling::{Prediction, predict};
use std::sync::Arc;
use tina_engine::{Catalogue, HostOptions, Limits, Machine, Observer, Report, Snapshot};

/// Seconds of the profile.
const PROFILE_SECONDS: f64 = 0.025;
/// A run stays on one shard that is known to be shorter than this
const EXPECTED_SECONDS_MIN: f64 = 0.1;
/// and so many times what it took to boot it: a second machine takes longer to place and boot.
const EXPECTED_BOOTS_MIN: f64 = 8.0;
/// A speed-up below this is not worth a trial.
const SPEED_UP_MIN: f64 = 1.25;
/// A trial that is not faster than one shard by this loses.
const TRIAL_MIN: f64 = 1.05;
/// A trial may take this part of what the run is expected to last.
const TRIAL_SHARE: f64 = 0.04;

/// The machine that goes on, how it was placed, and why it is this one.
pub(super) struct Chosen {
    pub(super) machine: Machine,
    pub(super) placement: Summary,
    pub(super) choice: Choice,
    /// Set if the run has ended already.
    pub(super) report: Option<Report>,
}

/// What is run, and how.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) design: &'a Design,
    pub(super) catalogue: &'a Catalogue,
    pub(super) host: &'a HostOptions,
    pub(super) limits: &'a Limits,
    /// The most shards it may have.
    pub(super) shard_count_max: usize,
    /// What it took to place and boot it on one shard.
    pub(super) boot_seconds: f64,
    /// Where it starts, if not at cycle 0.
    pub(super) start: Option<&'a Arc<Snapshot>>,
}

/// Runs the first stretch of a run and decides on how many shards it goes on. `single` is the machine
/// on one shard, where it starts.
pub(super) fn choose(
    single: Booted,
    task: &Task<'_>,
    observer: &mut dyn Observer,
) -> Result<Chosen, RunError> {
    let time = Stopwatch::start();
    let Booted {
        mut machine,
        placement,
    } = single;
    let start = machine.cycle();
    let mut buffer = Buffer::new(observer);
    let mut first = stretch(
        &mut machine,
        task.design,
        task.catalogue,
        task.limits,
        PROFILE_SECONDS,
        &mut buffer,
    );
    let kept = buffer.into_kept();
    let expected = expected_seconds(task.limits, start, first.end());
    let enough = EXPECTED_SECONDS_MIN + EXPECTED_BOOTS_MIN * task.boot_seconds;
    let long = first.report.is_none() && expected.is_none_or(|all| all >= enough);
    if long && task.shard_count_max > 1 {
        first.profile.handshake_ns = handshake_ns();
    }
    let mut choice = Choice::new(&first, task.shard_count_max, long);
    if long && task.shard_count_max > 1 {
        choice.predictions = predictions(task, &first);
        if let Some(best) = worth_a_trial(&choice.predictions, first.end(), expected) {
            let tried = attempt(task, &first, best.shard_count, expected, observer)?;
            choice.trial = Some(tried.trial);
            choice.trial_threads = tried.booted.machine.thread_times();
            if tried.trial.speed_up() >= TRIAL_MIN {
                choice.shard_count = tried.trial.shard_count;
                choice.seconds = time.seconds();
                tried.kept.tell(observer);
                return Ok(Chosen {
                    machine: tried.booted.machine,
                    placement: tried.booted.placement,
                    choice,
                    report: tried.report,
                });
            }
        }
    }
    choice.seconds = time.seconds();
    kept.tell(observer);
    Ok(Chosen {
        machine,
        placement,
        choice,
        report: first.report,
    })
}

/// Predictions for powers of two and the most, where the design can be placed on so many.
fn predictions(task: &Task<'_>, first: &Stretch) -> Vec<Prediction> {
    let most = task.shard_count_max;
    let powers = (1..).map(|power| 1 << power);
    let counts = powers.take_while(|&count| count < most).chain([most]);
    counts
        .filter_map(|count| predict(task.design, task.catalogue, &first.profile, count).ok())
        .collect()
}

/// Seconds the whole run would take on one shard, if that can be known.
fn expected_seconds(limits: &Limits, start: u64, end: Mark) -> Option<f64> {
    let goal = limits.cycles?.saturating_sub(start);
    Some(goal as f64 * end.seconds / end.cycle.max(1) as f64)
}

/// The best prediction, if following it saves time although the first stretch is run again.
fn worth_a_trial(
    predictions: &[Prediction],
    end: Mark,
    expected: Option<f64>,
) -> Option<&Prediction> {
    let best = predictions
        .iter()
        .max_by(|a, b| a.speed_up.total_cmp(&b.speed_up))?;
    let saves = expected.is_none_or(|all| end.seconds + all / best.speed_up < 0.9 * all);
    (best.speed_up >= SPEED_UP_MIN && saves).then_some(best)
}

/// How far a trial goes: not longer than the run can bear.
fn trial_end(first: &Stretch, expected: Option<f64>) -> Mark {
    let bearable = expected.map_or(f64::INFINITY, |all| all * TRIAL_SHARE);
    let within = first.marks.iter().rfind(|mark| mark.seconds <= bearable);
    *within.unwrap_or(&first.marks[0])
}

struct Tried {
    booted: Booted,
    trial: Trial,
    kept: Kept,
    report: Option<Report>,
}

/// Boots a machine on more shards and runs it over cycles that one shard has run.
fn attempt(
    task: &Task<'_>,
    first: &Stretch,
    shard_count: usize,
    expected: Option<f64>,
    observer: &mut dyn Observer,
) -> Result<Tried, RunError> {
    let profile = Some(&first.profile);
    let booted = boot_by(task.design, task.catalogue, profile, shard_count, task.host)?;
    let mut booted = booted.at(task.start)?;
    let mark = trial_end(first, expected);
    let mut buffer = Buffer::new(observer);
    let time = Stopwatch::start();
    let machine = &mut booted.machine;
    let start = machine.cycle();
    let end = start.saturating_add(mark.cycle);
    let report = machine.run_part(task.limits, end, &mut buffer);
    let seconds = time.seconds();
    let cycles = machine.cycle() - start;
    Ok(Tried {
        trial: Trial {
            shard_count,
            cycles,
            one_ns: mark.seconds * 1e9 / mark.cycle.max(1) as f64,
            cycle_ns: seconds * 1e9 / cycles.max(1) as f64,
        },
        booted,
        kept: buffer.into_kept(),
        report,
    })
}
