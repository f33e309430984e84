//! Counters and histograms of a shard, written by it alone, but for a few, and readable from anywhere at any time.
//!
//! One counter per cause. A reader may see one counter a moment older than another; once the shard
//! stands still, sums are exact.

use super::refusal::Undelivered;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal,)*) => {
        /// What a shard counts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Counter { $($(#[doc = $doc])* $variant,)* }

        impl Counter {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in the text of metrics.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            const fn help(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),*),)* }
            }
        }
    };
}

counters! {
    /// Turns in which something was done.
    Turns = "turns",
    /// Times the thread went to sleep.
    Sleeps = "sleeps",
    /// Events handled.
    Events = "events",
    /// Messages given to the runtime to be sent.
    Offered = "offered",
    /// Messages put into a mailbox of this shard.
    Accepted = "accepted",
    /// Messages handled.
    Handled = "handled",
    /// Messages that were in the mailbox of an isolate that ended.
    Discarded = "discarded",
    /// Messages refused because the mailbox was full.
    RefusedMailboxFull = "refused_mailbox_full",
    /// Messages refused because no envelope was left.
    RefusedPoolExhausted = "refused_pool_exhausted",
    /// Messages refused because their isolate had ended.
    RefusedStale = "refused_stale",
    /// Messages refused because the ring was full.
    RefusedLinkFull = "refused_link_full",
    /// Messages refused because the address was another runtime's.
    RefusedForeign = "refused_foreign",
    /// Messages of other shards handed back to their senders' shards.
    Returned = "returned",
    /// Returned messages whose sender had ended.
    ReturnedToNobody = "returned_to_nobody",
    /// Calls begun.
    Calls = "calls",
    /// Calls that ended with a reply.
    CallsReplied = "calls_replied",
    /// Calls that ended with an error.
    CallsFailed = "calls_failed",
    /// Calls whose caller ended first.
    CallsAbandoned = "calls_abandoned",
    /// Replies to calls that were over.
    RepliesLate = "replies_late",
    /// Jobs given to pools.
    Jobs = "jobs",
    /// Jobs refused because as many as may be waited in their pool.
    JobsRefused = "jobs_refused",
    /// Timers that ran out.
    TimersFired = "timers_fired",
    /// Ends of operations of I/O taken in.
    Completions = "completions",
    /// Operations of I/O begun.
    IoSubmitted = "io_submitted",
    /// Operations of I/O refused.
    IoRefused = "io_refused",
    /// Operations of I/O whose time ran out.
    IoExpired = "io_expired",
    /// Times that received bytes waited for a free buffer.
    IoStarved = "io_starved",
    /// Connections closed at once because no descriptor was free.
    IoTurnedAway = "io_turned_away",
    /// Calls into the kernel for batches of I/O, and waits.
    IoCalls = "io_calls",
    /// Isolates started.
    Started = "started",
    /// Isolates ended, normally.
    EndedNormally = "ended_normally",
    /// Isolates ended, otherwise.
    EndedAbnormally = "ended_abnormally",
    /// Isolates started again by a supervisor.
    Restarted = "restarted",
    /// Supervisors that gave up.
    Escalations = "escalations",
    /// Times the shard was started again.
    ShardRestarts = "shard_restarts",
    /// Times the shard was built anew after a hardware fault.
    Rebuilds = "rebuilds",
    /// Records of the log that found no room.
    LogDropped = "log_dropped",
    /// Payloads of the shard taken, by whomever.
    PayloadsTaken = "payloads_taken",
    /// Payloads of the shard given back, from wherever.
    PayloadsGivenBack = "payloads_given_back",
    /// Times the shard had no payload that was long enough.
    PayloadsRefused = "payloads_refused",
}

impl Counter {
    pub(crate) fn of_refusal(why: Undelivered) -> Self {
        match why {
            Undelivered::MailboxFull => Self::RefusedMailboxFull,
            Undelivered::PoolExhausted => Self::RefusedPoolExhausted,
            Undelivered::Stale => Self::RefusedStale,
            Undelivered::LinkFull => Self::RefusedLinkFull,
            Undelivered::Foreign => Self::RefusedForeign,
        }
    }
}

const COUNTER_COUNT: usize = Counter::ALL.len();
/// Buckets of a histogram: bucket `k` counts values in `2^(k-1) .. 2^k`.
const BUCKETS: usize = 40;

/// Counts by power of two.
pub(crate) struct Buckets([AtomicU64; BUCKETS]);

impl Buckets {
    const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; BUCKETS])
    }

    #[inline]
    pub(crate) fn add(&self, value: u64) {
        let bucket = (64 - value.leading_zeros() as usize).min(BUCKETS - 1);
        bump(&self.0[bucket], 1);
    }

    fn read(&self) -> Vec<u64> {
        self.0
            .iter()
            .map(|bucket| bucket.load(Ordering::Relaxed))
            .collect()
    }
}

/// Only its shard writes: no lock on the bus is needed.
#[inline]
fn bump(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Ordering::Relaxed) + by, Ordering::Relaxed);
}

pub(crate) struct ShardMetrics {
    counters: [AtomicU64; COUNTER_COUNT],
    pub(crate) turn_nanos: Buckets,
    pub(crate) ready_isolates: Buckets,
    /// Messages offered whose fate is counted: one more may be on its way when a handler is cut off.
    settled: AtomicU64,
    /// The greatest generation ever given to an isolate of the shard.
    generation_max: AtomicU32,
    /// Who is handling an event, as the bits of its handle; 0 is nobody.
    pub(crate) running: AtomicU64,
    /// Counts the events begun: with `running`, how the watchdog sees that one takes long.
    pub(crate) heartbeat: AtomicU64,
    /// The event, by heartbeat, whose isolate the watchdog wants ended when its handler returns.
    pub(crate) condemned: AtomicU64,
}

impl Default for ShardMetrics {
    fn default() -> Self {
        Self {
            counters: [const { AtomicU64::new(0) }; COUNTER_COUNT],
            turn_nanos: Buckets::new(),
            ready_isolates: Buckets::new(),
            settled: AtomicU64::new(0),
            generation_max: AtomicU32::new(0),
            running: AtomicU64::new(0),
            heartbeat: AtomicU64::new(0),
            condemned: AtomicU64::new(0),
        }
    }
}

impl ShardMetrics {
    #[inline]
    pub(crate) fn count(&self, counter: Counter) {
        bump(&self.counters[counter as usize], 1);
    }

    /// For the few things that other threads count as well: the watchdog writes to a shard's log, and
    /// payloads are given back from anywhere.
    pub(crate) fn count_from_anywhere(&self, counter: Counter) {
        self.counters[counter as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The fate of every message offered so far is counted.
    #[inline]
    pub(crate) fn settle(&self) {
        let offered = self.counters[Counter::Offered as usize].load(Ordering::Relaxed);
        self.settled.store(offered, Ordering::Relaxed);
    }

    /// An isolate was given a generation.
    #[inline]
    pub(crate) fn note_generation(&self, generation: u32) {
        if generation > self.generation_max.load(Ordering::Relaxed) {
            self.generation_max.store(generation, Ordering::Relaxed);
        }
    }

    /// The greatest generation that was given.
    pub(crate) fn generation_max(&self) -> u32 {
        self.generation_max.load(Ordering::Relaxed)
    }

    /// One counter, as it is now.
    pub(crate) fn value(&self, counter: Counter) -> u64 {
        self.counters[counter as usize].load(Ordering::Relaxed)
    }

    /// Closes the books of a shard that is no more: what was in mailboxes is discarded, calls that were not
    /// over are abandoned, who lived has ended. Its thread has ended; the caller is alone.
    pub(crate) fn close(&self) {
        let value = |counter| self.value(counter);
        // What was being sent when the handler was cut off has gone nowhere.
        self.set(Counter::Offered, self.settled.load(Ordering::Relaxed));
        let discarded = value(Counter::Accepted) - value(Counter::Handled);
        self.set(Counter::Discarded, discarded);
        let ended = value(Counter::CallsReplied) + value(Counter::CallsFailed);
        self.set(Counter::CallsAbandoned, value(Counter::Calls) - ended);
        let ended = value(Counter::Started) - value(Counter::EndedNormally);
        self.set(Counter::EndedAbnormally, ended);
        self.running.store(0, Ordering::Relaxed);
        self.condemned.store(0, Ordering::Relaxed);
    }

    /// Takes over what is counted elsewhere.
    #[inline]
    pub(crate) fn set(&self, counter: Counter, value: u64) {
        self.counters[counter as usize].store(value, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> ShardFigures {
        ShardFigures {
            counters: self
                .counters
                .iter()
                .map(|it| it.load(Ordering::Relaxed))
                .collect(),
            turn_nanos: self.turn_nanos.read(),
            ready_isolates: self.ready_isolates.read(),
        }
    }
}

/// The figures of one shard at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardFigures {
    counters: Vec<u64>,
    turn_nanos: Vec<u64>,
    ready_isolates: Vec<u64>,
}

/// The figures of all shards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// By number of the shard.
    pub shards: Vec<ShardFigures>,
}

impl ShardFigures {
    /// One counter.
    #[must_use]
    pub fn counter(&self, counter: Counter) -> u64 {
        self.counters[counter as usize]
    }
}

impl Metrics {
    /// The sum of a counter over all shards.
    #[must_use]
    pub fn total(&self, counter: Counter) -> u64 {
        self.shards.iter().map(|shard| shard.counter(counter)).sum()
    }

    /// In the text format of Prometheus, version 0.0.4.
    #[must_use]
    pub fn prometheus(&self) -> String {
        let mut text = String::new();
        for part in 0..FAMILIES {
            write_family(&self.shards, part, &mut text).expect("a string takes any text");
        }
        text
    }
}

/// Where figures are read: the counters of a running shard, or a copy of them.
pub(crate) trait Figures {
    fn counter(&self, counter: Counter) -> u64;
    /// Isolates ready when a turn began, or the time of a turn.
    fn bucket(&self, histogram: Histogram, bucket: usize) -> u64;
}

#[derive(Clone, Copy)]
pub(crate) enum Histogram {
    TurnNanos,
    ReadyIsolates,
}

const HISTOGRAMS: [(Histogram, &str, &str); 2] = [
    (Histogram::TurnNanos, "turn_nanoseconds", "Time of a turn."),
    (
        Histogram::ReadyIsolates,
        "ready_isolates",
        "Isolates ready when a turn began.",
    ),
];

impl Figures for ShardFigures {
    fn counter(&self, counter: Counter) -> u64 {
        self.counters[counter as usize]
    }
    fn bucket(&self, histogram: Histogram, bucket: usize) -> u64 {
        match histogram {
            Histogram::TurnNanos => self.turn_nanos[bucket],
            Histogram::ReadyIsolates => self.ready_isolates[bucket],
        }
    }
}

impl Figures for Arc<ShardMetrics> {
    fn counter(&self, counter: Counter) -> u64 {
        self.counters[counter as usize].load(Ordering::Relaxed)
    }
    fn bucket(&self, histogram: Histogram, bucket: usize) -> u64 {
        let buckets = match histogram {
            Histogram::TurnNanos => &self.turn_nanos,
            Histogram::ReadyIsolates => &self.ready_isolates,
        };
        buckets.0[bucket].load(Ordering::Relaxed)
    }
}

/// Parts of the text of metrics.
pub(crate) const FAMILIES: usize = COUNTER_COUNT + HISTOGRAMS.len();

/// Writes one part of the text of metrics.
pub(crate) fn write_family<F: Figures>(
    shards: &[F],
    part: usize,
    out: &mut dyn Write,
) -> std::fmt::Result {
    let Some(&counter) = Counter::ALL.get(part) else {
        let Some(&(histogram, name, help)) = HISTOGRAMS.get(part - COUNTER_COUNT) else {
            return Ok(());
        };
        writeln!(out, "# HELP tina_{name} {help}")?;
        writeln!(out, "# TYPE tina_{name} histogram")?;
        for (number, shard) in shards.iter().enumerate() {
            write_histogram(shard, histogram, (name, number), out)?;
        }
        return Ok(());
    };
    let name = counter.name();
    writeln!(out, "# HELP tina_{name}_total {}", counter.help().trim())?;
    writeln!(out, "# TYPE tina_{name}_total counter")?;
    for (number, shard) in shards.iter().enumerate() {
        let value = shard.counter(counter);
        writeln!(out, "tina_{name}_total{{shard=\"{number}\"}} {value}")?;
    }
    Ok(())
}

fn write_histogram(
    shard: &impl Figures,
    histogram: Histogram,
    (name, number): (&str, usize),
    out: &mut dyn Write,
) -> std::fmt::Result {
    let mut count = 0;
    for bucket in 0..BUCKETS {
        let more = shard.bucket(histogram, bucket);
        if more > 0 {
            count += more;
            let limit = (1u64 << bucket) - 1;
            writeln!(
                out,
                "tina_{name}_bucket{{shard=\"{number}\",le=\"{limit}\"}} {count}"
            )?;
        }
    }
    writeln!(
        out,
        "tina_{name}_bucket{{shard=\"{number}\",le=\"+Inf\"}} {count}"
    )?;
    writeln!(out, "tina_{name}_count{{shard=\"{number}\"}} {count}")
}
