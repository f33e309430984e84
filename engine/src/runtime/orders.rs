//! What the runtime as a whole asks of its shards: read when the door's bell is rung.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// How far the shutdown has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Running,
    /// Nothing new comes in; isolates finish what they have.
    Draining,
    /// Who has not ended is ended.
    Forced,
}

pub(crate) struct Orders {
    phase: AtomicU8,
    /// Per shard how many revivals were asked for, and of how many it knows.
    revivals: Vec<AtomicU64>,
    known_revivals: Vec<AtomicU64>,
}

impl Orders {
    pub(crate) fn new(shard_count: usize) -> Self {
        Self {
            phase: AtomicU8::new(Phase::Running as u8),
            revivals: (0..shard_count).map(|_| AtomicU64::new(0)).collect(),
            known_revivals: (0..shard_count).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Running,
            1 => Phase::Draining,
            _ => Phase::Forced,
        }
    }

    /// Phases only ever go forward.
    pub(crate) fn advance(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
    }

    pub(crate) fn revivals(&self, shard: usize) -> u64 {
        self.revivals[shard].load(Ordering::Acquire)
    }

    /// The shard knows of so many revivals.
    pub(crate) fn know_revivals(&self, shard: usize, count: u64) {
        self.known_revivals[shard].store(count, Ordering::Relaxed);
    }

    pub(crate) fn known_revivals(&self, shard: usize) -> u64 {
        self.known_revivals[shard].load(Ordering::Relaxed)
    }

    pub(crate) fn revive(&self, shard: usize) {
        self.revivals[shard].fetch_add(1, Ordering::AcqRel);
    }
}
