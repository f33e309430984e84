//! What a run is asked for, what wants to know of it, and what it says in the end.

use crate::deadlock::Deadlock;
use crate::group::Fault;
use crate::meeting::EpochRecord;
use crate::module::ResultValue;
use crate::plan::PlanError;
use crate::stall::StallOptions;
use crate::statistic::Statistic;
use crate::time::Tick;
use crate::wiring::BuildError;
use std::fmt;
use std::io;
use std::sync::Arc;

/// How a machine uses its host. Nothing here changes a result.
#[derive(Clone, Debug, Default)]
pub struct HostOptions {
    /// Threads; the default is the smaller of shards and cores.
    pub thread_count: Option<usize>,
    /// Clocks every module at every edge.
    pub no_sleep: bool,
    /// Clocks elements one by one instead of many at a time.
    pub no_vectors: bool,
    /// Pins each thread to a core of its own, where there are several threads and cores enough.
    pub pin: bool,
    /// Joins the shards that a thread would host into one: one arena, one loop, and nothing is sent
    /// from a thread to itself.
    pub join: bool,
    /// Numbers of the wires that [`Machine::start_recording`](crate::Machine::start_recording) is to
    /// record, in ascending order. They are slower than others; all others cost what they always do.
    pub recorded: Arc<[u32]>,
    /// What is watched of stalls. The longer the distance of the edges that are looked at, the less it
    /// costs.
    pub stalls: StallOptions,
    /// All shards take turns on one thread, drawn from this seed: as a host may have it at its worst, and
    /// always the same. Of no other effect, which is what it is there to show.
    pub seeded: Option<u64>,
}

/// When a run ends by itself, in base-clock cycles since boot.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Reaching this cycle is the goal.
    pub cycles: Option<u64>,
    /// Reaching this cycle is a failure.
    pub max_cycles: Option<u64>,
}

/// What wants to know of a run while it goes on; called on the thread that runs it.
pub trait Observer {
    /// Bytes printed by consoles, in simulated order.
    fn console(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }
    /// Bytes that entered the inlet of an instance from outside, at the first edge of this base-clock
    /// cycle; in the order of cycles and instances.
    fn input(&mut self, cycle: u64, instance: u32, bytes: &[u8]) {
        let _ = (cycle, instance, bytes);
    }
    /// The end of an epoch.
    fn epoch(&mut self, record: EpochRecord) {
        let _ = record;
    }
    /// Some ten times a second: base-clock cycles executed.
    fn progress(&mut self, cycle: u64) {
        let _ = cycle;
    }
    /// Some ten times a second: whether to stop at the end of an epoch.
    fn interrupted(&mut self) -> bool {
        false
    }
    /// Some ten times a second: whether [`run_part`](crate::Machine::run_part) is to pause at the end of the
    /// epoch, so that somebody can look at the machine.
    fn looks(&mut self) -> bool {
        false
    }
}

impl Observer for () {}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A module ended it.
    Finished {
        /// Its exit code.
        code: u32,
        /// Number of the instance.
        instance: u32,
        /// Instant of the request.
        tick: Tick,
    },
    /// The cycles that were asked for were run.
    CyclesDone,
    /// Nothing can happen any more, nothing is stuck, nobody was to end the run.
    Drained {
        /// Base-clock cycle of the last transfer.
        cycle: u64,
    },
    /// Nothing can happen any more although something waits.
    Deadlock(Deadlock),
    /// The limit of cycles was reached.
    LimitReached,
    /// Modules were stopped, in the order of instant and instance.
    Faulted(Vec<Fault>),
    /// The observer asked to stop.
    Interrupted,
}

/// What is known after a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// Base-clock cycles executed since boot.
    pub cycles: u64,
    /// Digest of every transfer since boot.
    pub digest: u64,
    /// Epochs since boot.
    pub epoch_count: u64,
    /// Shards of the placement.
    pub shard_count: usize,
    /// Shards that were run: fewer than placed where those of a thread were joined.
    pub joined_count: usize,
    /// Threads that hosted them.
    pub thread_count: usize,
    /// How often modules were clocked: a cost of the host, which sleeping lowers and shards may
    /// change a little (a producer is not woken for credits that came late and unneeded).
    pub clock_count: u64,
}

/// Named results of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceResults {
    /// Number of the instance.
    pub instance: u32,
    /// Counts and check values in the order they were reported.
    pub entries: Vec<(&'static str, ResultValue)>,
    /// The same with units and descriptions, and histograms.
    pub statistics: Vec<Statistic>,
}

/// Why a machine could not be booted.
#[derive(Debug)]
pub enum BootError {
    /// The blueprint or the placement is wrong.
    Plan(PlanError),
    /// The host refused memory or a thread.
    Host(io::Error),
    /// A module could not be built: path of the instance and its reason.
    Module(String, BuildError),
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan(error) => error.fmt(f),
            Self::Host(error) => write!(f, "the host refused what the machine needs: {error}"),
            Self::Module(path, error) => write!(f, "`{path}`: {error}"),
        }
    }
}

impl std::error::Error for BootError {}
