//! What a data cache counts.

use serde::{Deserialize, Serialize};
use tina_engine::{Histogram, Results};

/// Counts of a data cache.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) hits: u64,
    pub(super) misses: u64,
    pub(super) upgrades: u64,
    pub(super) evictions: u64,
    pub(super) write_backs: u64,
    pub(super) invalidations: u64,
    pub(super) recalls: u64,
    pub(super) device_accesses: u64,
    pub(super) failed_conditionals: u64,
    /// Cycles from a miss to its line.
    pub(super) miss_latency: Histogram,
}

impl Counts {
    /// Reports all of them.
    pub(super) fn report(&self, results: &mut Results) {
        results
            .count("hits", self.hits)
            .described("accesses", "answered at once");
        results
            .count("misses", self.misses)
            .described("accesses", "that waited for a line");
        results.count("upgrades", self.upgrades).described(
            "accesses",
            "that waited for the right to write a line that was there",
        );
        results
            .count("evictions", self.evictions)
            .described("lines", "given up for others");
        results
            .count("write_backs", self.write_backs)
            .described("lines", "written back when they were given up");
        results
            .count("invalidations", self.invalidations)
            .described("lines", "given up because another hart writes them");
        results
            .count("recalls", self.recalls)
            .described("lines", "handed over because another hart wants them");
        results
            .count("device_accesses", self.device_accesses)
            .described("accesses", "of devices");
        results
            .count("failed_conditionals", self.failed_conditionals)
            .described("instructions", "store-conditionals that failed");
        results
            .histogram("miss_latency", &self.miss_latency)
            .described("cycles", "from a miss to its line");
    }
}
