//! What everybody has seen, brought together when they are done.

use crate::servers::histogram::Histogram;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What givers have seen of what they offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Messages and questions offered.
    pub offered: u64,
    /// Of these, questions.
    pub questions: u64,
    /// Handed back at once.
    pub refused: u64,
    /// Came back from the other shard: messages, and questions.
    pub returned: u64,
    /// Questions that were answered.
    pub answered: u64,
    /// Questions that ended otherwise, which must not be.
    pub lost: u64,
}

/// What takers have seen.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// Messages and questions handled.
    pub handled: u64,
    /// Nanoseconds from when each was sent to the turn in which it was handled.
    pub latency: Histogram,
    /// Nanoseconds between two of them at one taker: the sum, how many, the longest.
    pub gap_sum: u64,
    /// How many.
    pub gap_count: u64,
    /// The longest.
    pub gap_max: u64,
}

impl Given {
    fn merge(&mut self, other: Self) {
        self.offered += other.offered;
        self.questions += other.questions;
        self.refused += other.refused;
        self.returned += other.returned;
        self.answered += other.answered;
        self.lost += other.lost;
    }
}

impl Taken {
    pub(super) fn note(&mut self, sent: Duration, now: Duration, last: Option<Duration>) {
        self.handled += 1;
        self.latency.add(nanos(now.saturating_sub(sent)));
        if let Some(last) = last {
            let gap = nanos(now.saturating_sub(last));
            self.gap_sum += gap;
            self.gap_count += 1;
            self.gap_max = self.gap_max.max(gap);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.handled += other.handled;
        self.latency.merge(&other.latency);
        self.gap_sum += other.gap_sum;
        self.gap_count += other.gap_count;
        self.gap_max = self.gap_max.max(other.gap_max);
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// All of it.
#[derive(Debug, Default)]
pub struct Tally {
    given: Mutex<Given>,
    taken: Mutex<Taken>,
}

impl Tally {
    pub(super) fn add_given(&self, given: Given) {
        let mut all = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        all.merge(given);
    }

    pub(super) fn add_taken(&self, taken: &Taken) {
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        all.merge(taken);
    }

    /// Forgets everything, so that it can be brought together anew.
    pub fn clear(&self) {
        *self.given.lock().unwrap_or_else(PoisonError::into_inner) = Given::default();
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = Taken::default();
    }

    /// What has been brought together.
    #[must_use]
    pub fn read(&self) -> (Given, Taken) {
        let given = *self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        (given, taken.clone())
    }
}
