//! What everybody counts, outside the shards.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tina_engine::Drill;

/// How an isolate crashes.
pub const MANNERS: [&str; 4] = [
    "crash effects",
    "panics",
    "panics in start",
    "panics in drop",
];
/// When an isolate faults.
pub const MOMENTS: [&str; 3] = ["while it handles an event", "in its start", "in its drop"];

/// What everybody counts.
#[derive(Debug, Default)]
pub struct Tally {
    /// Whether there is to be load.
    pub is_loaded: AtomicBool,
    /// Callers and keepers that have something under way.
    pub busy: AtomicU64,
    /// Times that isolates of calm shards were started, and not by a crash of their own.
    pub keeper_starts: AtomicU64,
    /// Questions of keepers to each other, answers that came, and what was served.
    pub asked: AtomicU64,
    pub answered: AtomicU64,
    pub served: AtomicU64,
    /// Questions to those who fault: asked, and over within the time, with an answer or without.
    pub asked_doomed: AtomicU64,
    pub ended_doomed: AtomicU64,
    /// Those that nobody ended before their time was over.
    pub forgotten: AtomicU64,
    /// Watches of those who fault, and news of their ends.
    pub watches: AtomicU64,
    pub ends: AtomicU64,
    /// Round trips over TCP between shards that do not fault: begun, ended.
    pub trips: AtomicU64,
    pub trips_ended: AtomicU64,
    /// Round trips to shards that do, and connections to them that broke.
    pub trips_doomed: AtomicU64,
    pub broken: AtomicU64,
    /// Crashes by manner, faults by moment and kind.
    pub crashes: [AtomicU64; MANNERS.len()],
    pub faults: [[AtomicU64; Drill::ALL.len()]; MOMENTS.len()],
}

impl Tally {
    pub fn is_loaded(&self) -> bool {
        self.is_loaded.load(Ordering::Relaxed)
    }

    pub fn crash_count(&self) -> u64 {
        self.crashes.iter().map(read).sum()
    }

    pub fn fault_count(&self) -> u64 {
        self.faults.iter().flatten().map(read).sum()
    }
}

pub fn one_more(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

pub fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
