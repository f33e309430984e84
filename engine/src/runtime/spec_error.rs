//! What can be wrong with a boot specification: all of it at once, with what each region takes.

use crate::io::IoLimit;
use crate::plan::Region;
use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpecError {
    /// A number lies outside what is allowed.
    OutOfRange {
        /// Which.
        what: String,
        /// What it is.
        value: usize,
        /// The least allowed.
        min: usize,
        /// The most allowed.
        max: usize,
    },
    /// Two kinds have one name.
    KindTwice {
        /// The name.
        kind: &'static str,
    },
    /// A child's kind was not added.
    UnknownKind {
        /// The kind's name.
        kind: &'static str,
        /// Under whom the child stands.
        supervisor: String,
    },
    /// Two children have one well-known name.
    NameTwice {
        /// The name.
        name: String,
    },
    /// Two pools have one name.
    PoolTwice {
        /// The name.
        name: String,
    },
    /// Two supervisors of a shard have one name; `root` is the one at the top.
    SupervisorTwice {
        /// The name.
        name: String,
    },
    /// A tree stands on a shard that is not there.
    NoSuchShard {
        /// The supervisor at its top.
        tree: String,
        /// The shard.
        shard: usize,
        /// How many there are.
        shard_count: usize,
    },
    /// A shard's trees have more children of a kind than it has slots.
    TooManyChildren {
        /// The kind.
        kind: &'static str,
        /// The shard.
        shard: usize,
        /// Children.
        count: usize,
        /// Slots.
        slots: usize,
    },
    /// A capacity of I/O lies outside what is allowed.
    Io(IoLimit),
    /// A kind may have operations in flight, and the specification has no I/O.
    NoIo {
        /// The kind.
        kind: &'static str,
    },
    /// Fewer threads than shards, though each shard sleeps in its own I/O.
    IoOnSharedThreads {
        /// Threads.
        threads: usize,
        /// Shards.
        shard_count: usize,
    },
    /// More of something in a shard than can be numbered.
    TooManyRecords {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
    },
    /// More than nine tenths of the host's memory.
    TooMuchMemory {
        /// What the runtime would take.
        bytes: usize,
        /// What the host has.
        memory: usize,
    },
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange {
                what,
                value,
                min,
                max,
            } => write!(f, "{what} is {value}; it may be {min} to {max}"),
            Self::KindTwice { kind } => write!(f, "kind {kind} is there twice"),
            Self::UnknownKind { kind, supervisor } => write!(
                f,
                "supervisor {supervisor} has a child of kind {kind}, which was not added"
            ),
            Self::NameTwice { name } => write!(
                f,
                "the name {name} is given twice; `{{shard}}` in a name stands for the shard's number"
            ),
            Self::PoolTwice { name } => write!(f, "pool {name} is there twice"),
            Self::SupervisorTwice { name } => write!(
                f,
                "two supervisors of a shard are named {name}; the one at the top is named root"
            ),
            Self::NoSuchShard {
                tree,
                shard,
                shard_count,
            } => write!(
                f,
                "tree {tree} stands on shard {shard}, and there are {shard_count} shards"
            ),
            Self::TooManyChildren {
                kind,
                shard,
                count,
                slots,
            } => write!(
                f,
                "shard {shard} has {count} children of kind {kind} and {slots} slots for them"
            ),
            Self::Io(limit) => write!(f, "I/O: {limit}"),
            Self::NoIo { kind } => write!(
                f,
                "kind {kind} may have operations in flight, and the specification has no `io`"
            ),
            Self::IoOnSharedThreads {
                threads,
                shard_count,
            } => write!(
                f,
                "{shard_count} shards with I/O have {threads} threads; each needs one of its own"
            ),
            Self::TooManyRecords { what, count } => write!(
                f,
                "{count} {what} in a shard; at most 2^32 - 2 can be numbered"
            ),
            Self::TooMuchMemory { bytes, memory } => write!(
                f,
                "it takes {bytes} bytes, more than nine tenths of the host's {memory}"
            ),
        }
    }
}

/// Everything that is wrong, and the bytes it would have taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecErrors {
    /// One by one.
    pub errors: Vec<SpecError>,
    /// What one shard's arena would consist of.
    pub regions: Vec<Region>,
    /// Bytes of the whole runtime.
    pub bytes: usize,
}

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the boot specification is wrong:")?;
        for error in &self.errors {
            writeln!(f, "  {error}")?;
        }
        writeln!(f, "per shard:")?;
        for region in &self.regions {
            let Region { name, count, bytes } = region;
            writeln!(f, "  {bytes:>12} bytes  {count:>9} {name}")?;
        }
        write!(f, "{} bytes in all", self.bytes)
    }
}

impl std::error::Error for SpecErrors {}
