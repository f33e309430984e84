//! What memory this process holds, to the page, as its kernel counts it.

use std::fs;

/// Resident memory, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resident {
    /// All of it, with the pages of the program's file that were used so far.
    pub all: u64,
    /// What is no file's: arenas, buffers, heap, stacks.
    pub anonymous: u64,
}

/// What is resident now; none where the system does not say.
#[must_use]
pub fn resident() -> Option<Resident> {
    let text = fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some(Resident {
        all: field("Rss:")?,
        anonymous: field("Anonymous:")?,
    })
}
