//! Where threads meet at the end of an epoch: each posts what its shards say, the last one to
//! arrive decides for all. The only global step, once per epoch.

use crate::input::Script;
use crate::platform::{Beds, Idle};
use crate::shard::Prospect;
use crate::time::Tick;
use crossbeam_utils::CachePadded;
use ringbuf::HeapProd;
use ringbuf::traits::Producer;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// The state of the machine at the end of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochRecord {
    /// Number of the epoch, from 0.
    pub index: u64,
    /// Base-clock cycles executed so far.
    pub cycle: u64,
    /// Digest of every transfer so far.
    pub digest: u64,
}

/// What the shards of one thread say at the end of an epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Post {
    pub(crate) digest: u64,
    pub(crate) quiescent: bool,
    pub(crate) holds_items: bool,
    pub(crate) finishes: bool,
    /// What may still come from outside.
    pub(crate) prospect: Prospect,
    /// Earliest request to end the run: tick, instance, code.
    pub(crate) finish: Option<(Tick, u32, u32)>,
    /// Instant of the earliest fault.
    pub(crate) fault: Option<Tick>,
}

impl Post {
    /// What a thread without shards would say.
    pub(crate) const NOTHING: Self = Self {
        digest: 0,
        quiescent: true,
        holds_items: false,
        finishes: false,
        prospect: Prospect {
            offered: false,
            open: false,
        },
        finish: None,
        fault: None,
    };

    /// Both together; order does not matter.
    pub(crate) fn and(self, other: Self) -> Self {
        let earlier = |a: Option<(Tick, u32, u32)>, b: Option<(Tick, u32, u32)>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self {
            digest: self.digest.wrapping_add(other.digest),
            quiescent: self.quiescent && other.quiescent,
            holds_items: self.holds_items || other.holds_items,
            finishes: self.finishes || other.finishes,
            prospect: Prospect {
                offered: self.prospect.offered || other.prospect.offered,
                open: self.prospect.open || other.prospect.open,
            },
            finish: earlier(self.finish, other.finish),
            fault: match (self.fault, other.fault) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
        }
    }
}

/// Why a run stops at the end of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Faulted,
    Finished {
        tick: Tick,
        instance: u32,
        code: u32,
    },
    Deadlock,
    Drained,
    /// Nothing can happen until something comes from outside.
    Starved,
    GoalReached,
    LimitReached,
    Interrupted,
    /// Nothing ended the run: it goes on when the owner says so.
    Paused,
}

/// What a run was asked for, the same for all threads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    /// First tick of the run.
    pub(crate) start: Tick,
    pub(crate) epoch_ticks: Tick,
    /// Ticks of an epoch of the blueprint, at whose ends consoles are always emptied; without
    /// consoles there is no such end.
    pub(crate) console_epoch_ticks: Tick,
    /// Ticks of the base clock's period.
    pub(crate) cycle_ticks: Tick,
    /// Reaching this tick is the goal.
    pub(crate) goal: Option<Tick>,
    /// Reaching this tick is a failure; the end of time at the latest.
    pub(crate) limit: Tick,
    /// The end of the first epoch that reaches this tick is a pause.
    pub(crate) pause: Tick,
}

impl Order {
    /// End of the epoch that starts at `start`.
    pub(crate) fn epoch_end(&self, start: Tick) -> Tick {
        let next = |ticks: Tick| (start / ticks + 1).saturating_mul(ticks);
        let end = next(self.epoch_ticks).min(next(self.console_epoch_ticks));
        end.min(self.goal.unwrap_or(Tick::MAX)).min(self.limit)
    }

    /// What a run that has come to `end` has reached, if anything.
    pub(crate) fn reached(&self, end: Tick) -> Option<Stop> {
        if self.goal.is_some_and(|goal| end >= goal) {
            Some(Stop::GoalReached)
        } else if end >= self.limit {
            Some(Stop::LimitReached)
        } else {
            None
        }
    }

    /// What ends a run that has come to `end`, if anything does.
    pub(crate) fn decide(
        &self,
        end: Tick,
        all: &Post,
        interrupted: bool,
        script_end: Option<Tick>,
    ) -> Option<Stop> {
        match (all.fault, all.finish) {
            (Some(fault), Some((finish, ..))) if fault <= finish => return Some(Stop::Faulted),
            (Some(_), None) => return Some(Stop::Faulted),
            (_, Some((tick, instance, code))) => {
                return Some(Stop::Finished {
                    tick,
                    instance,
                    code,
                });
            }
            (None, None) => {}
        }
        if script_end.is_some_and(|script_end| end >= script_end) {
            return self.reached(end).or(Some(Stop::Interrupted));
        }
        let waits = all.quiescent && !all.prospect.offered;
        if waits && all.prospect.open {
            return self
                .reached(end)
                .or(interrupted.then_some(Stop::Interrupted))
                .or(Some(Stop::Starved));
        }
        if waits {
            if all.holds_items || all.finishes {
                return Some(Stop::Deadlock);
            }
            if self.goal.is_none() {
                return Some(Stop::Drained);
            }
        }
        self.reached(end)
            .or(interrupted.then_some(Stop::Interrupted))
            .or((end >= self.pause).then_some(Stop::Paused))
    }
}

pub(crate) struct Meeting {
    thread_count: usize,
    arrived: CachePadded<AtomicUsize>,
    /// Counts meetings; changes when the decision is made.
    generation: CachePadded<AtomicU64>,
    posts: Mutex<Post>,
    decision: Mutex<Option<Stop>>,
    records: Mutex<HeapProd<EpochRecord>>,
    epoch_count: AtomicU64,
    /// Base-clock cycles executed, for progress displays.
    pub(crate) progress: AtomicU64,
    pub(crate) interrupt: AtomicBool,
    /// Somebody wants to look at the machine at the end of the epoch.
    pub(crate) look: AtomicBool,
    /// What enters from outside by itself.
    pub(crate) script: OnceLock<Arc<Script>>,
    /// Where the script did not fit first: tick and instance.
    misfit: Mutex<Option<(Tick, u32)>>,
}

impl Meeting {
    pub(crate) fn new(thread_count: usize, records: HeapProd<EpochRecord>) -> Self {
        Self {
            thread_count,
            arrived: CachePadded::new(AtomicUsize::new(0)),
            generation: CachePadded::new(AtomicU64::new(0)),
            posts: Mutex::new(Post::NOTHING),
            decision: Mutex::new(None),
            records: Mutex::new(records),
            epoch_count: AtomicU64::new(0),
            progress: AtomicU64::new(0),
            interrupt: AtomicBool::new(false),
            look: AtomicBool::new(false),
            script: OnceLock::new(),
            misfit: Mutex::new(None),
        }
    }

    /// Posts what this thread has to say of the epoch that ended at `end`, waits for all others
    /// and returns what was decided.
    pub(crate) fn meet(
        &self,
        order: &Order,
        end: Tick,
        post: Post,
        idle: &mut Idle<'_>,
        beds: &Beds,
    ) -> Option<Stop> {
        const HELD: &str = "nobody panics in a meeting";
        let generation = self.generation.load(Ordering::Acquire);
        {
            let mut posts = self.posts.lock().expect(HELD);
            *posts = posts.and(post);
        }
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.thread_count {
            let all = std::mem::replace(&mut *self.posts.lock().expect(HELD), Post::NOTHING);
            let interrupted = self.interrupt.load(Ordering::Relaxed);
            let stop = order.decide(end, &all, interrupted, self.script_end());
            let looked_at = self.look.load(Ordering::Relaxed);
            let stop = stop.or(looked_at.then_some(Stop::Paused));
            *self.decision.lock().expect(HELD) = stop;
            let cycle = end.div_ceil(order.cycle_ticks);
            self.record(EpochRecord {
                index: self.epoch_count.fetch_add(1, Ordering::Relaxed),
                cycle,
                digest: crate::hash::mix(all.digest),
            });
            self.progress.store(cycle, Ordering::Relaxed);
            self.arrived.store(0, Ordering::Relaxed);
            // Release: whoever sees the new generation sees the decision and the empty hall.
            self.generation.store(generation + 1, Ordering::Release);
            beds.wake_sleepers();
            return stop;
        }
        idle.reset();
        while self.generation.load(Ordering::Acquire) == generation {
            idle.wait();
        }
        idle.reset();
        *self.decision.lock().expect(HELD)
    }

    /// The reader of the records empties the ring several times a second.
    fn record(&self, record: EpochRecord) {
        let mut records = self.records.lock().expect("nobody panics in a meeting");
        while records.try_push(record).is_err() {
            std::thread::yield_now();
        }
    }

    /// An inlet had no room for what the script gives it: nothing that follows would be what was recorded.
    pub(crate) fn misfit(&self, tick: Tick, instance: u32) {
        let mut first = self.misfit.lock().expect("nobody panics in a meeting");
        let found = (tick, instance);
        *first = Some(first.map_or(found, |first| first.min(found)));
        self.interrupt.store(true, Ordering::Relaxed);
    }

    /// Where the script did not fit first.
    pub(crate) fn first_misfit(&self) -> Option<(Tick, u32)> {
        *self.misfit.lock().expect("nobody panics in a meeting")
    }

    /// Where the run that is repeated was interrupted.
    pub(crate) fn script_end(&self) -> Option<Tick> {
        self.script.get().and_then(|script| script.end)
    }

    /// End of the epoch that starts at `start`, which is also where something enters by itself.
    pub(crate) fn epoch_end(&self, order: &Order, start: Tick) -> Tick {
        let end = order.epoch_end(start);
        match self.script.get() {
            Some(script) => end.min(script.next_after(start)),
            None => end,
        }
    }

    /// Counts on from where another machine stood.
    pub(crate) fn resume(&self, epoch_count: u64) {
        self.epoch_count.store(epoch_count, Ordering::Relaxed);
    }

    pub(crate) fn epoch_count(&self) -> u64 {
        self.epoch_count.load(Ordering::Relaxed)
    }
}
