//! Boot, threads, the way in from outside, and shutting down.

use super::bells::Bells;
use super::call::{ReplyTo, answer_from_outside};
use super::claim::CallError;
use super::core::{Common, KindType};
use super::doors::{Doors, Knock};
use super::handle::Address;
use super::log::{LogRecord, LogWriter};
use super::mail::Lane;
use super::metrics::{Metrics, ShardMetrics};
use super::names::Names;
use super::orders::{Orders, Phase};
use super::outbox::Frame;
use super::parcel::Parcel;
use super::payload::{Depot, NoPayload, Payload};
use super::pool::Pools;
use super::refusal::{SendError, Undelivered};
use super::spec::Specification;
use super::spec_error::SpecErrors;
use super::thread::{Seat, ShardSeat, serve};
use super::watchdog::{self, Watchdog};
use crate::platform::{self, core_count};
use crate::ring::{RingReader, ring};
use ringbuf::traits::{Consumer, Split};
use ringbuf::{HeapCons, HeapRb};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Why a runtime was not booted.
#[derive(Debug)]
pub enum RuntimeBootError {
    /// The specification is wrong.
    Specification(SpecErrors),
    /// The host refused memory or a thread.
    Host(io::Error),
}

impl fmt::Display for RuntimeBootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Specification(errors) => errors.fmt(f),
            Self::Host(error) => write!(f, "the host refused memory or a thread: {error}"),
        }
    }
}

impl std::error::Error for RuntimeBootError {}

/// How a shutdown went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// Whether isolates had to be ended because they did not do so in time.
    pub forced: bool,
}

/// A running runtime: its threads, and the way in for threads that are none of its own.
///
/// Dropping it ends it at once; [`shutdown`](Self::shutdown) lets isolates finish.
pub struct Runtime {
    threads: Vec<JoinHandle<()>>,
    done: Receiver<Vec<RingReader>>,
    /// Of threads that are done: what was on its way is dropped when nobody can send any more.
    unread: Vec<RingReader>,
    done_count: usize,
    doors: Arc<Doors>,
    bells: Arc<Bells>,
    orders: Arc<Orders>,
    common: Arc<Common>,
    metrics: Vec<Arc<ShardMetrics>>,
    logs: Vec<HeapCons<LogRecord>>,
    batch: Vec<LogRecord>,
    watchdog: Option<Watchdog>,
}

/// Bytes of memory the host has, where it says so.
fn memory_bytes() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kilobytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// The payloads of every shard.
fn depots(
    specification: &Specification,
    metrics: &[Arc<ShardMetrics>],
) -> io::Result<Vec<Arc<Depot>>> {
    let depot = |metrics: &Arc<ShardMetrics>| {
        let depot = Depot::new(&specification.payloads, metrics.clone());
        depot.map(Arc::new)
    };
    metrics.iter().map(depot).collect()
}

impl Runtime {
    /// Checks the specification, takes all memory, starts the threads and the isolates that are there
    /// from the start.
    ///
    /// # Errors
    /// When the specification is wrong, with all that is wrong; when the host refuses.
    pub fn boot(specification: Specification) -> Result<Self, RuntimeBootError> {
        let checked = specification.check(memory_bytes());
        checked.map_err(RuntimeBootError::Specification)?;
        let specification = Arc::new(specification);
        let shard_count = specification.shard_count;
        let threads = specification.thread_count.unwrap_or_else(|| {
            if specification.io_plan().is_some() {
                shard_count
            } else {
                core_count()
            }
        });
        let thread_count = threads.clamp(1, shard_count);
        let thread_of = |shard: usize| shard * thread_count / shard_count;
        let bells = Arc::new(Bells::new((0..shard_count).map(thread_of).collect()));
        let doors = Doors::new(shard_count, specification.doors(), bells.clone());
        let pools = Arc::new(Pools::new(&specification.pools, doors.runtime));
        let metrics: Vec<Arc<ShardMetrics>> = (0..shard_count).map(|_| Arc::default()).collect();
        let common = Arc::new(Common {
            runtime: doors.runtime,
            pools: pools.clone(),
            kinds: kind_types(&specification),
            names: Names::new(specification.names()),
            depots: depots(&specification, &metrics).map_err(RuntimeBootError::Host)?,
            metrics,
            incarnations: (0..shard_count).map(|_| AtomicU64::new(0)).collect(),
        });
        let (booted_sender, booted) = mpsc::channel();
        let (done_sender, done) = mpsc::channel();
        let mut runtime = Self {
            threads: Vec::new(),
            done,
            unread: Vec::new(),
            done_count: 0,
            orders: Arc::new(Orders::new(shard_count)),
            doors,
            bells,
            common,
            metrics: Vec::new(),
            logs: Vec::new(),
            batch: Vec::new(),
            watchdog: None,
        };
        let started = pools.start(&specification.pools, &runtime.doors);
        started.map_err(RuntimeBootError::Host)?;
        let mut shards = runtime.shard_seats(&specification);
        let own_core = thread_count <= core_count();
        let cores = if specification.pin && own_core {
            platform::cores()
        } else {
            Vec::new()
        };
        let born = platform::now();
        for thread in 0..thread_count {
            let here = shards
                .iter()
                .take_while(|shard| thread_of(shard.number) == thread);
            let rest = shards.split_off(here.count());
            let seat = Seat {
                thread,
                shards: std::mem::replace(&mut shards, rest),
                specification: specification.clone(),
                common: runtime.common.clone(),
                doors: runtime.doors.clone(),
                bells: runtime.bells.clone(),
                orders: runtime.orders.clone(),
                own_core,
                born,
                booted: booted_sender.clone(),
                done: done_sender.clone(),
            };
            let name = format!("shards of {thread}");
            let spawned = platform::spawn(name, cores.get(thread).copied(), || serve(seat));
            runtime
                .threads
                .push(spawned.map_err(RuntimeBootError::Host)?);
        }
        drop(booted_sender);
        for _ in 0..thread_count {
            let answer = booted
                .recv()
                .unwrap_or_else(|_| Err(io::Error::other("a thread ended while it was booting")));
            answer.map_err(RuntimeBootError::Host)?;
        }
        runtime.start_watchdog(&specification, born)?;
        Ok(runtime)
    }

    fn shard_seats(&mut self, specification: &Specification) -> Vec<ShardSeat> {
        let shard_count = specification.shard_count;
        let mut seats: Vec<ShardSeat> = Vec::new();
        for number in 0..shard_count {
            let (log, records) = HeapRb::new(specification.log_slots.max(1)).split();
            let metrics = self.common.metrics[number].clone();
            self.logs.push(records);
            self.metrics.push(metrics.clone());
            seats.push(ShardSeat {
                number,
                writers: (0..shard_count).map(|_| None).collect(),
                readers: (0..shard_count).map(|_| None).collect(),
                metrics,
                log,
            });
        }
        for from in 0..shard_count {
            for to in (0..shard_count).filter(|&to| to != from) {
                let (writer, reader) = ring(specification.link.ring_lines());
                seats[from].writers[to] = Some(writer);
                seats[to].readers[from] = Some(reader);
            }
        }
        seats
    }

    fn start_watchdog(
        &mut self,
        specification: &Specification,
        born: Instant,
    ) -> Result<(), RuntimeBootError> {
        let Some(limit) = specification.watchdog else {
            return Ok(());
        };
        let (log, records) = HeapRb::new(specification.log_slots.max(1)).split();
        self.logs.push(records);
        let names = self.common.kinds.iter().map(|kind| kind.name).collect();
        let shards = self.metrics.clone();
        let log = LogWriter::new(usize::MAX, log, specification.log_level);
        let watchdog = watchdog::start(limit, shards, names, log, born);
        self.watchdog = Some(watchdog.map_err(RuntimeBootError::Host)?);
        Ok(())
    }

    /// Who has a well-known name now, if it takes messages of type `M`.
    #[must_use]
    pub fn find<M: 'static>(&self, name: &str) -> Option<Address<M>> {
        self.common.find(name)
    }

    /// A payload for a message from outside, of whichever shard has one: see
    /// [`Context::payload`](super::Context::payload).
    ///
    /// # Errors
    /// None is so long, or all are in use.
    pub fn payload(&self, bytes: usize) -> Result<Payload, NoPayload> {
        let mut refused = NoPayload::NoneFree;
        for depot in &self.common.depots {
            match depot.take(bytes) {
                Ok(payload) => return Ok(payload),
                Err(why) => refused = why,
            }
        }
        Err(refused)
    }

    /// Sends a message from outside. `Ok` means that it waits in front of the isolate's shard.
    ///
    /// # Errors
    /// With the message, when too many wait there or the runtime is shutting down.
    pub fn send<M: Send + 'static>(&self, to: Address<M>, message: M) -> Result<(), SendError<M>> {
        let shard = to.handle().shard();
        let refused = |why, message| Err(SendError { why, message });
        if !self.common.takes::<M>(to.handle()) {
            return refused(Undelivered::Foreign, message);
        }
        if shard >= self.metrics.len() || self.orders.phase() != Phase::Running {
            return refused(Undelivered::Stale, message);
        }
        let knock = Knock {
            target: to.handle(),
            lane: Lane::Normal,
            parcel: Parcel::new(message),
            call: None,
        };
        match self.doors.knock(shard, knock) {
            Ok(()) => Ok(()),
            Err(Knock { parcel, .. }) => {
                let message = parcel.open().ok().expect("packed above");
                refused(Undelivered::LinkFull, message)
            }
        }
    }

    /// Asks a question from outside and waits for the answer.
    ///
    /// # Errors
    /// As a call of an isolate.
    #[expect(
        clippy::missing_panics_doc,
        reason = "the type of the reply is the call's"
    )]
    pub fn call<M: Send + 'static, R: Send + 'static>(
        &self,
        to: Address<M>,
        timeout: Duration,
        ask: impl FnOnce(ReplyTo<R>) -> M,
    ) -> Result<R, CallError> {
        let shard = to.handle().shard();
        if !self.common.takes::<M>(to.handle()) {
            return Err(CallError::Undelivered(Undelivered::Foreign));
        }
        if shard >= self.metrics.len() || self.orders.phase() != Phase::Running {
            return Err(CallError::Undelivered(Undelivered::Stale));
        }
        let claim = self.doors.sit_down();
        let knock = Knock {
            target: to.handle(),
            lane: Lane::Normal,
            parcel: Parcel::new(ask(ReplyTo::new(claim))),
            call: Some(claim),
        };
        if let Err(knock) = self.doors.knock(shard, knock) {
            // Before the question is dropped, and the right to answer it with it, which says less.
            let full = Err(CallError::Undelivered(Undelivered::LinkFull));
            drop(self.doors.complete(claim.id, full));
            drop(knock);
        }
        let parcel = self.doors.await_reply(claim.id, timeout)?;
        let opened = parcel.open();
        Ok(opened
            .ok()
            .expect("a right to answer is typed as the call it belongs to"))
    }

    /// Answers a call from a thread that is no shard's: one that was passed the right to.
    pub fn reply<R: Send + 'static>(to: ReplyTo<R>, value: R) {
        answer_from_outside(to, value);
    }

    /// The figures of all shards, as they are now.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        Metrics {
            shards: self.metrics.iter().map(|shard| shard.read()).collect(),
        }
    }

    /// Takes what the shards have logged since the last call, in order of time.
    pub fn drain_log(&mut self, mut take: impl FnMut(&LogRecord)) {
        self.batch.clear();
        for log in &mut self.logs {
            self.batch.extend(log.pop_iter());
        }
        self.batch
            .sort_by_key(|record| (record.nanos, record.shard));
        self.batch.iter().for_each(&mut take);
    }

    /// Ends the quarantine of a shard, if it is in one.
    pub fn revive(&self, shard: usize) {
        if shard >= self.metrics.len() {
            return;
        }
        self.orders.revive(shard);
        self.bells.ring_all_doors();
    }

    /// Shuts down in three steps: nothing more is taken in; isolates are told
    /// ([`Event::Stopping`](super::Event::Stopping)) and have `limit` to finish; who has not is ended.
    /// A job of a pool cannot be: one that is not done by then is left to itself, its thread with it.
    pub fn shutdown(&mut self, limit: Duration) -> Shutdown {
        self.order(Phase::Draining);
        // None is further away than the clock can say.
        let deadline = platform::now().checked_add(limit);
        let mut forced = !self.await_threads(deadline);
        if forced {
            self.order(Phase::Forced);
            self.await_threads(None);
        }
        for thread in self.threads.drain(..) {
            // A thread that panicked has printed why: the engine itself is wrong.
            thread.join().expect("a shard's thread does not panic");
        }
        self.drop_unread();
        self.common.pools.stop();
        forced |= !self.common.pools.await_end(deadline);
        self.watchdog = None;
        Shutdown { forced }
    }

    /// Drops what was on its way; all threads are done.
    fn drop_unread(&mut self) {
        for reader in &mut self.unread {
            while reader.ready() {
                drop(Frame::read(reader));
            }
        }
    }

    fn order(&self, phase: Phase) {
        self.orders.advance(phase);
        self.bells.ring_all_doors();
    }

    /// Whether all threads are done by the deadline.
    fn await_threads(&mut self, deadline: Option<Instant>) -> bool {
        while self.done_count < self.threads.len() {
            let answer = match deadline {
                None => self.done.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(platform::now());
                    self.done.recv_timeout(left)
                }
            };
            match answer {
                Ok(readers) => {
                    self.done_count += 1;
                    self.unread.extend(readers);
                }
                Err(RecvTimeoutError::Timeout) => return false,
                // All threads are gone: the join says how.
                Err(RecvTimeoutError::Disconnected) => return true,
            }
        }
        true
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.order(Phase::Forced);
        for thread in self.threads.drain(..) {
            // Whether it panicked matters to who shuts down, not to who drops.
            let _ = thread.join();
        }
        self.common.pools.stop();
        self.unread.extend(self.done.try_iter().flatten());
        self.drop_unread();
    }
}

fn kind_types(specification: &Specification) -> Vec<KindType> {
    let kinds = specification.kinds().iter();
    let kinds = kinds.map(|(kind, _)| KindType {
        name: kind.name(),
        isolate: kind.isolate(),
        message: kind.message(),
    });
    kinds.collect()
}
