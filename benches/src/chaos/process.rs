//! What the process holds, as its host counts it.

use std::fmt;
use std::fs;

/// What the process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdings {
    pub files: usize,
    pub threads: usize,
    pub mappings: usize,
    pub resident_bytes: usize,
}

impl Holdings {
    /// As it is now; zeros where the host does not say.
    pub fn now() -> Self {
        let entries = |path: &str| fs::read_dir(path).map_or(0, Iterator::count);
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = resident.and_then(|text| text.split_whitespace().next()?.parse().ok());
        Self {
            // One is the folder that is being read.
            files: entries("/proc/self/fd").saturating_sub(1),
            threads: entries("/proc/self/task"),
            mappings: fs::read_to_string("/proc/self/maps").map_or(0, |it| it.lines().count()),
            resident_bytes: kilobytes.map_or(0, |it: usize| it * 1024),
        }
    }
}

impl fmt::Display for Holdings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} descriptors, {} threads, {} mappings, {:.1} MiB resident",
            self.files,
            self.threads,
            self.mappings,
            self.resident_bytes as f64 / (1024.0 * 1024.0)
        )
    }
}
