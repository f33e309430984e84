//! Why a run has as many shards as it has, as data, text and JSON.

use super::measure::Stretch;
use super::number::thousands;
use super::threads::thread_json;
use crate::profile::Profile;
use crate::scaling::{Prediction, ShardCost};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;
use tina_engine::ThreadTimes;

/// Shards that are listed.
const LINES_MAX: usize = 16;

/// A trial of more shards against one, over the same cycles.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// Shards tried.
    pub shard_count: usize,
    /// Base-clock cycles.
    pub cycles: u64,
    /// Host nanoseconds of a cycle on one shard.
    pub one_ns: f64,
    /// Host nanoseconds of a cycle on those shards.
    pub cycle_ns: f64,
}

impl Trial {
    /// How much faster than one shard it was.
    #[must_use]
    pub fn speed_up(&self) -> f64 {
        if self.cycle_ns > 0.0 {
            self.one_ns / self.cycle_ns
        } else {
            1.0
        }
    }
}

/// How `--shards auto` came to its number.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Shards the run went on with.
    pub shard_count: usize,
    /// The most it could have taken.
    pub shard_count_max: usize,
    /// Seconds until that was decided, profile and trial included.
    pub seconds: f64,
    /// What was measured on one shard.
    pub profile: Profile,
    /// What was predicted of more; empty if there was no time, or no core, for more.
    pub predictions: Vec<Prediction>,
    /// What became of the best of them.
    pub trial: Option<Trial>,
    /// How the threads of the trial spent it.
    pub trial_threads: Vec<ThreadTimes>,
    /// Whether the run was long enough for more to be thought of.
    pub long: bool,
}

impl Choice {
    /// One shard, until something speaks for more.
    pub(super) fn new(first: &Stretch, shard_count_max: usize, long: bool) -> Self {
        Self {
            shard_count: 1,
            shard_count_max,
            seconds: 0.0,
            profile: first.profile.clone(),
            predictions: Vec::new(),
            trial: None,
            trial_threads: Vec::new(),
            long,
        }
    }

    fn best(&self) -> Option<&Prediction> {
        let best = |a: &&Prediction, b: &&Prediction| a.speed_up.total_cmp(&b.speed_up);
        self.predictions.iter().max_by(best)
    }

    /// A sentence or two.
    #[must_use]
    pub fn reason(&self) -> String {
        let one = time(self.profile.cycle_ns);
        let mut text = format!("{}: one shard takes {one} a cycle", self.shard_count);
        let Some(best) = self.best() else {
            let why = match (self.shard_count_max, self.long) {
                (1, _) => "this process has a single core",
                (_, false) => "the run is too short for more",
                (_, true) => "it cannot be placed on more",
            };
            return format!("{text}; {why}");
        };
        let (count, predicted) = (best.shard_count, time(best.cycle_ns));
        write!(text, ", {count} are predicted to take {predicted}").expect("a string takes it");
        match self.trial {
            Some(trial) => {
                let taken = time(trial.cycle_ns);
                let against = time(trial.one_ns);
                write!(
                    text,
                    " and took {taken} against {against} over the first {} cycles",
                    thousands(trial.cycles)
                )
            }
            None => write!(
                text,
                " (bound by {}): too little to gain, not tried",
                best.bound.word()
            ),
        }
        .expect("a string takes it");
        text
    }

    /// What was predicted of each shard of the trial, and what was measured, a line each.
    #[must_use]
    pub fn shard_lines(&self) -> Vec<String> {
        let (Some(trial), Some(best)) = (self.trial, self.best()) else {
            return Vec::new();
        };
        let per_cycle =
            |spent: Duration| time(spent.as_secs_f64() * 1e9 / trial.cycles.max(1) as f64);
        let shards = best.shards.iter().zip(&self.trial_threads).enumerate();
        let line = |(number, (cost, thread)): (usize, (&ShardCost, &ThreadTimes))| {
            let most = thread.missing.iter().max_by_key(|(_, _, count)| *count);
            let most = most.filter(|(_, _, count)| *count > 0);
            format!(
                "shard {number}: predicted {} work, {} frames, {} waiting; measured {} busy, {} waiting{}",
                time(cost.work_ns),
                time(cost.frame_ns),
                time(cost.wait_ns),
                per_cycle(thread.total.saturating_sub(thread.wait)),
                per_cycle(thread.wait),
                most.map_or_else(String::new, |(_, peer, _)| format!(
                    ", mostly for shard {peer}"
                )),
            )
        };
        shards.map(line).take(LINES_MAX).collect()
    }

    /// For `--json` and `--stats`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "reason": self.reason(),
            "seconds": self.seconds,
            "profile_cycles": self.profile.cycles,
            "one_shard_cycle_ns": self.profile.cycle_ns,
            "handshake_ns": self.profile.handshake_ns,
            "predictions": self.predictions,
            "trial": self.trial,
            "trial_threads": self.trial_threads.iter().map(thread_json).collect::<Vec<_>>(),
        })
    }
}

/// Nanoseconds in the unit that suits them.
fn time(ns: f64) -> String {
    match ns {
        _ if ns >= 1e6 => format!("{:.2} ms", ns / 1e6),
        _ if ns >= 1e3 => format!("{:.2} us", ns / 1e3),
        _ => format!("{ns:.0} ns"),
    }
}
