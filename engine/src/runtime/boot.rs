//! Boot, threads, the way in from outside, and shutting down.

use super::bells::Bells;
use super::call::{ReplyTo, answer_from_outside};
use super::claim::CallError;
use super::core::{Common, KindType};
use super::doors::{Doors, Knock};
use super::handle::Address;
use super::links::{Ends, Links};
use super::log::{LogRecord, LogWriter};
use super::mail::Lane;
use super::metrics::{Metrics, ShardMetrics};
use super::names::Names;
use super::orders::{Orders, Phase};
use super::parcel::Parcel;
use super::payload::{Depot, NoPayload, Payload};
use super::pool::Pools;
use super::refusal::{SendError, Undelivered};
use super::roll::Roll;
use super::site::{Past, ShardSeat, Site};
use super::spec::{OnFault, Specification};
use super::spec_error::SpecErrors;
use super::thread::{Seat, start};
use super::tree::Recent;
use super::warden::Warden;
use super::watchdog::{self, Watchdog};
use crate::io::World;
use crate::platform::{self, core_count};
use ringbuf::traits::{Consumer, Split};
use ringbuf::{CachingCons, HeapCons, HeapRb};
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

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
    site: Arc<Site>,
    doors: Arc<Doors>,
    bells: Arc<Bells>,
    orders: Arc<Orders>,
    common: Arc<Common>,
    metrics: Vec<Arc<ShardMetrics>>,
    logs: Vec<HeapCons<LogRecord>>,
    batch: Vec<LogRecord>,
    warden: Option<Warden>,
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
        let shard_count = specification.shard_count;
        let threads = specification.thread_count.unwrap_or_else(|| {
            if specification.io_plan().is_some() {
                shard_count
            } else {
                core_count()
            }
        });
        let thread_count = threads.clamp(1, shard_count.max(1));
        let (site, ends) = lay_out(specification, thread_count, None)?;
        let site = Arc::new(site);
        let pools = site.common.pools.clone();
        let started = pools.start(&site.specification.pools, &site.doors);
        started.map_err(RuntimeBootError::Host)?;
        let mut runtime = Self {
            doors: site.doors.clone(),
            bells: site.bells.clone(),
            orders: site.orders.clone(),
            metrics: site.common.metrics.clone(),
            logs: site.logs.iter().cloned().map(CachingCons::new).collect(),
            common: site.common.clone(),
            batch: Vec::new(),
            warden: None,
            watchdog: None,
            site,
        };
        runtime.start_threads(ends)?;
        Ok(runtime)
    }

    /// Starts the warden, the threads of shards and the watchdog.
    fn start_threads(&mut self, ends: Vec<Ends>) -> Result<(), RuntimeBootError> {
        let site = self.site.clone();
        if site.specification.on_fault == OnFault::RebuildShard {
            let log = self.another_log();
            let warden = Warden::start(&site, log);
            self.warden = Some(warden.map_err(RuntimeBootError::Host)?);
        }
        let mut seats = ends
            .into_iter()
            .enumerate()
            .map(|(number, ends)| ShardSeat {
                number,
                ends,
                past: Past::default(),
            });
        for thread in 0..site.roll.thread_count() {
            let seat = Seat {
                site: site.clone(),
                thread,
                shards: seats
                    .by_ref()
                    .take(site.bells.shards_of(thread).len())
                    .collect(),
            };
            if let Err(error) = start(seat) {
                site.roll.booted(thread, Err(error));
            }
        }
        site.roll.await_booted().map_err(RuntimeBootError::Host)?;
        self.start_watchdog()
    }

    /// A log for who is no shard.
    fn another_log(&mut self) -> LogWriter {
        let specification = &self.site.specification;
        let (log, records) = HeapRb::new(specification.log_slots.max(1)).split();
        self.logs.push(records);
        LogWriter::new(usize::MAX, log, specification.log_level)
    }

    fn start_watchdog(&mut self) -> Result<(), RuntimeBootError> {
        let Some(limit) = self.site.specification.watchdog else {
            return Ok(());
        };
        let names = self.common.kinds.iter().map(|kind| kind.name).collect();
        let shards = self.metrics.clone();
        let log = self.another_log();
        let watchdog = watchdog::start(limit, shards, names, log, self.site.born);
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
        let claim = self.doors.sit_down(shard);
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
        let mut forced = !self.site.roll.await_left(deadline);
        if forced {
            self.order(Phase::Forced);
            self.site.roll.await_left(None);
        }
        self.warden = None;
        for thread in self.site.roll.handles() {
            // A thread that panicked has printed why: the engine itself is wrong.
            thread.join().expect("a shard's thread does not panic");
        }
        self.drop_unread();
        self.common.pools.stop();
        forced |= !self.common.pools.await_end(deadline);
        self.watchdog = None;
        Shutdown { forced }
    }

    /// Drops what was on its way.
    fn drop_unread(&self) {
        // SAFETY: all threads have been joined, and those of the warden by the warden.
        unsafe { self.site.links.drain() };
    }

    fn order(&self, phase: Phase) {
        self.orders.advance(phase);
        self.bells.ring_all_doors();
        self.site.roll.wake();
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.order(Phase::Forced);
        self.site.roll.await_left(None);
        self.warden = None;
        let mut joined = true;
        for thread in self.site.roll.handles() {
            // Whether it panicked matters to who shuts down, not to who drops.
            joined &= thread.join().is_ok();
        }
        self.common.pools.stop();
        if joined {
            self.drop_unread();
        }
    }
}

/// Checks a specification and makes all that its shards share, and every shard's ends of the rings; in a
/// simulated world, if there is one.
pub(crate) fn lay_out(
    specification: Specification,
    thread_count: usize,
    world: Option<World>,
) -> Result<(Site, Vec<Ends>), RuntimeBootError> {
    let checked = specification.check(memory_bytes());
    checked.map_err(RuntimeBootError::Specification)?;
    let specification = Arc::new(specification);
    let shard_count = specification.shard_count;
    let thread_of = |shard: usize| shard * thread_count / shard_count;
    let bells = Arc::new(Bells::new((0..shard_count).map(thread_of).collect()));
    let doors = Doors::new(shard_count, specification.doors(), bells.clone());
    let metrics: Vec<Arc<ShardMetrics>> = (0..shard_count).map(|_| Arc::default()).collect();
    let common = Arc::new(Common {
        runtime: doors.runtime,
        depots: depots(&specification, &metrics).map_err(RuntimeBootError::Host)?,
        pools: Arc::new(Pools::new(&specification.pools, doors.runtime)),
        kinds: kind_types(&specification),
        names: Names::new(specification.names()),
        metrics,
        incarnations: (0..shard_count).map(|_| AtomicU64::new(0)).collect(),
        lost_generations: (0..shard_count).map(|_| AtomicU32::new(0)).collect(),
        restarts: (0..shard_count)
            .map(|_| Mutex::new(Recent::new(specification.shard_restarts)))
            .collect(),
        quarantined: (0..shard_count).map(|_| AtomicBool::new(false)).collect(),
    });
    let (links, ends) = Links::new(shard_count, specification.link);
    let log_ring = |_| Arc::new(HeapRb::new(specification.log_slots.max(1)));
    let own_core = thread_count <= core_count();
    let cores = if specification.pin && own_core {
        platform::cores()
    } else {
        Vec::new()
    };
    let site = Site {
        orders: Arc::new(Orders::new(shard_count)),
        roll: Roll::new(thread_count),
        links,
        gardens: (0..shard_count)
            .map(|shard| Arc::new(specification.garden(shard)))
            .collect(),
        logs: (0..shard_count).map(log_ring).collect(),
        wills: (0..shard_count).map(|_| Mutex::new(None)).collect(),
        cores,
        own_core,
        born: platform::now(),
        world,
        specification,
        common,
        doors,
        bells,
    };
    Ok((site, ends))
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
