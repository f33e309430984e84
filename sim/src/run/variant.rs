//! Ways to run one design that must not change its result.

use std::fmt;
use tina_engine::HostOptions;

/// A way to run a design that must not change its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Shards.
    pub shard_count: usize,
    /// Threads; the default is the smaller of shards and cores.
    pub thread_count: Option<usize>,
    /// Clocks every module at every edge.
    pub no_sleep: bool,
    /// Clocks elements one by one instead of many at a time.
    pub no_vectors: bool,
    /// Instances on shards, and shards in turns, as this seed has it.
    pub seeded: Option<u64>,
}

impl Variant {
    /// What the engine wants to know of it: the shards of a thread stay apart, so that whatever
    /// travels between shards does travel.
    #[must_use]
    pub fn host(&self) -> HostOptions {
        HostOptions {
            thread_count: self.thread_count,
            no_sleep: self.no_sleep,
            no_vectors: self.no_vectors,
            pin: true,
            seeded: self.seeded,
            ..HostOptions::default()
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        write!(f, "{} shard{}", self.shard_count, plural(self.shard_count))?;
        if let Some(count) = self.thread_count {
            write!(f, " on {count} thread{}", plural(count))?;
        }
        if self.no_sleep {
            write!(f, " without sleeping")?;
        }
        if self.no_vectors {
            write!(f, " without vectors")?;
        }
        if let Some(seed) = self.seeded {
            write!(f, " as seed {seed} has it")?;
        }
        Ok(())
    }
}
