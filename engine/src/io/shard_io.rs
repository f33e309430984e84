//! HOT. The I/O of one shard: what its isolates hold, what they have in flight, and the back end that
//! does it.
//!
//! ```text
//!   submit ──► to_start ──turn──► back end ──┐          a batch: one call into the kernel
//!                 ▲  └──────────► helpers  ──┤
//!                 │ the rest of a send,      ▼
//!                 └─ or a freed buffer ◄── next_completion ──► Completion
//! ```
//!
//! Every operation ends exactly once, whatever hastens it: a request to cancel, its time limit, the
//! closing of its descriptor, the death of its owner. What came of it before it was stopped is told,
//! never dropped: bytes received in the very moment a time limit ran out arrive as bytes received.
//! Only then are its buffer and its descriptor touched again.
//!
//! Knows owners by number, not what they are; the time is told to it.

mod claim;
mod conclude;
mod launch;
mod holdings;

pub use holdings::Parcel;

use super::backend::{Backend, BackendCounters, Success};
use super::buffer::Buffers;
use super::deadline::Deadlines;
use super::descriptor::Descriptors;
use super::device::{Device, DevicePlan, IoChoice, IoSetupError};
use super::doorbell::IoWaker;
use super::errno::Errno;
use super::helper::Helpers;
use super::ledger::{IoRemains, Ledger};
use super::operation::{Completion, Operation, Refusal, Submission, Ticket};
use super::pending::{Operations, Station, Stop};
use super::plan::IoPlan;
use super::world::World;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Counters of a shard's I/O. Those of the first part only grow; the others say how things are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IoCounters {
    /// Operations begun.
    pub submitted_count: u64,
    /// Operations ended, those of dead owners among them.
    pub ended_count: u64,
    /// Submissions refused, for whatever reason.
    pub refused_count: u64,
    /// Operations whose time ran out.
    pub expired_count: u64,
    /// Times that bytes had to wait for a free receive buffer.
    pub starved_count: u64,
    /// Connections closed at once because no descriptor was free.
    pub turned_away_count: u64,
    /// Calls into the kernel for batches, and waits.
    pub backend: BackendCounters,
    /// Times the sleeping shard was woken by another thread.
    pub woken_count: u64,

    /// Operations in flight.
    pub operations_in_flight: u32,
    /// Descriptors open, being opened or being closed.
    pub open_descriptors: u32,
    /// Buffers that owners hold.
    pub held_buffers: u32,
}

/// The I/O of one shard. Made anywhere, used by one thread.
///
/// Dropping it stops what is in flight, waits until it has stopped, and closes every descriptor.
pub struct ShardIo {
    /// Dropped first: it waits until the kernel has let go of the buffers.
    device: Device,
    /// Dropped next: it waits for the helper threads.
    helpers: Helpers,
    descriptors: Descriptors,
    buffers: Buffers,
    operations: Operations,
    deadlines: Deadlines,
    to_start: VecDeque<u32>,
    to_cancel: VecDeque<u32>,
    /// Those that wait for a receive buffer.
    starved: VecDeque<u32>,
    /// Ended without the back end or a helper.
    finished: VecDeque<(u32, Result<Success, Errno>)>,
    waker: IoWaker,
    ledger: Arc<Ledger>,
    note: Option<String>,
    counters: IoCounters,
}

impl IoPlan {
    /// Bytes of the tables of who owns what and what is in flight.
    #[must_use]
    pub fn table_bytes(&self) -> usize {
        let (owners, operations) = (self.owner_places, self.operation_slots);
        let descriptors = self.descriptor_slots;
        let queues = 3 * size_of::<u32>() + size_of::<(u32, Result<Success, Errno>)>();
        Operations::bytes(owners, descriptors, operations)
            + Descriptors::bytes(owners, descriptors)
            + Deadlines::bytes(operations)
            + Helpers::bytes(operations, descriptors)
            + Device::bytes(operations, descriptors)
            + Ledger::BYTES
            + self.buffer_plan().table_bytes()
            + operations as usize * queues
    }
}

impl ShardIo {
    /// Makes all there will ever be: memory, threads, the back end.
    ///
    /// # Errors
    /// The plan is beyond a limit, or the operating system refuses.
    pub fn new(choice: IoChoice, plan: &IoPlan) -> Result<Self, IoSetupError> {
        Self::with(plan, plan.helper_threads, |plan| {
            Device::choose(choice, plan)
        })
    }

    /// The I/O of shard number `shard` in a simulated world, where time is the world's.
    ///
    /// # Errors
    /// The plan is beyond a limit, or the operating system refuses.
    pub fn simulated(world: &World, shard: usize, plan: &IoPlan) -> Result<Self, IoSetupError> {
        Self::with(plan, 0, |plan| Device::simulated(world, shard, plan))
    }

    fn with(
        plan: &IoPlan,
        helper_threads: u32,
        make: impl FnOnce(DevicePlan) -> Result<(Device, IoWaker, Option<String>), IoSetupError>,
    ) -> Result<Self, IoSetupError> {
        if let Some(&limit) = plan.check().first() {
            return Err(IoSetupError::Limit(limit));
        }
        let (owner_count, descriptor_count) = (plan.owner_places, plan.descriptor_slots);
        let operation_count = plan.operation_slots;
        let mut buffers = Buffers::new(plan.buffer_plan())
            .map_err(|error| ("the memory for buffers", error.into()))?;
        let device_plan = DevicePlan {
            operation_count,
            descriptor_count,
            receive_count: plan.receive_buffers,
            receive_bytes: plan.receive_bytes,
        };
        let (mut device, waker, note) = make(device_plan)?;
        device.provide(&mut buffers);
        let helpers = Helpers::start(
            helper_threads,
            operation_count,
            descriptor_count,
            waker.clone(),
        );
        let ledger = Arc::new(Ledger::new());
        device
            .own_files()
            .into_iter()
            .for_each(|file| ledger.note_number(file));
        let queue = || VecDeque::with_capacity(operation_count as usize);
        Ok(Self {
            device,
            helpers: helpers.map_err(|error| ("the helper threads", error.into()))?,
            descriptors: Descriptors::new(owner_count, descriptor_count, ledger.clone()),
            buffers,
            operations: Operations::new(
                owner_count,
                descriptor_count,
                operation_count,
                ledger.clone(),
            ),
            deadlines: Deadlines::new(operation_count),
            to_start: queue(),
            to_cancel: queue(),
            starved: queue(),
            finished: VecDeque::with_capacity(operation_count as usize),
            waker,
            ledger,
            note,
            counters: IoCounters::default(),
        })
    }

    /// The name of the back end.
    #[must_use]
    pub fn backend_name(&self) -> &'static str {
        self.device.name()
    }

    /// Why another back end than the first choice serves; to be shown once.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// What wakes this shard from [`wait`](Self::wait).
    #[must_use]
    pub fn waker(&self) -> IoWaker {
        self.waker.clone()
    }

    /// What closes everything if the thread of this shard ends without dropping this, as after a fault
    /// that condemned its memory.
    #[must_use]
    pub fn remains(&self) -> IoRemains {
        IoRemains {
            ledger: self.ledger.clone(),
            desk: self.helpers.desk(),
        }
    }

    /// How much was done, and how much is held.
    #[must_use]
    pub fn counters(&self) -> IoCounters {
        IoCounters {
            backend: self.device.counters(),
            woken_count: self.waker.ring_count(),
            operations_in_flight: self.operations.used_count(),
            open_descriptors: self.descriptors.used_count(),
            held_buffers: self.buffers.held_count(),
            ..self.counters
        }
    }

    /// Begins an operation; it is handed over at the next [`turn`](Self::turn).
    ///
    /// # Errors
    /// It is full, or the operation is not possible: nothing has happened.
    pub fn submit(&mut self, now: Duration, submission: &Submission) -> Result<Ticket, Refusal> {
        let submitted = self.begin(submission);
        match submitted {
            Ok(ticket) => {
                self.counters.submitted_count += 1;
                if let Some(timeout) = submission.timeout {
                    self.deadlines.set(ticket.slot, now.saturating_add(timeout));
                }
            }
            Err(_) => self.counters.refused_count += 1,
        }
        submitted
    }

    /// Asks that an operation end soon. It still completes: with [`Errno::ECANCELED`], or as it
    /// would have if it was just about to. False if it has ended already.
    pub fn cancel(&mut self, ticket: Ticket) -> bool {
        let slot = self.operations.find(ticket);
        if let Some(slot) = slot {
            self.stop(slot, Stop::Asked);
        }
        slot.is_some()
    }

    /// Hands over what was begun and fetches what has ended, without waiting; a call into the
    /// kernel only if there is a reason for one. `now` is the time that time limits are measured
    /// in: since any fixed moment, and never less than before.
    pub fn turn(&mut self, now: Duration) {
        self.expire(now);
        self.feed();
        self.device.turn();
    }

    /// The next thing that an owner is to be told.
    #[inline]
    pub fn next_completion(&mut self) -> Option<Completion> {
        loop {
            let completion = if let Some((slot, result)) = self.finished.pop_front() {
                self.conclude(slot, result, false)
            } else if let Some((slot, result)) = self.helpers.next() {
                self.conclude(slot, result, false)
            } else {
                let ended = self.device.next(&mut self.buffers)?;
                self.conclude(ended.slot, ended.result, ended.more)
            };
            if completion.is_some() {
                return completion;
            }
        }
    }

    /// As [`turn`](Self::turn), and sleeps until something has ended, a time limit runs out, the
    /// [waker](Self::waker) is used or the timeout is over. May return early, for nothing.
    ///
    /// `has_work` is the last look, after which wakers know that this shard sleeps: whether
    /// something was left for it that only a waker would tell it of.
    pub fn wait(
        &mut self,
        now: Duration,
        timeout: Option<Duration>,
        has_work: impl FnOnce() -> bool,
    ) {
        self.expire(now);
        self.feed();
        let is_waited_for = !self.finished.is_empty()
            || !self.to_start.is_empty()
            || !self.to_cancel.is_empty()
            || self.device.has_ended();
        if is_waited_for {
            self.device.turn();
            return;
        }
        let limit = self.deadlines.first().map(|at| at.saturating_sub(now));
        let timeout = match (timeout, limit) {
            (Some(timeout), Some(limit)) => Some(timeout.min(limit)),
            (timeout, limit) => timeout.or(limit),
        };
        self.waker.lie_down();
        if self.helpers.has_done() || has_work() {
            self.device.turn();
        } else {
            self.device.wait(timeout);
        }
        self.waker.get_up();
    }

    fn expire(&mut self, now: Duration) {
        while let Some(slot) = self.deadlines.take_due(now) {
            self.counters.expired_count += 1;
            self.stop(slot, Stop::Expired);
        }
    }

    /// Gives the back end what it has room for.
    fn feed(&mut self) {
        while self.buffers.can_receive()
            && let Some(slot) = self.starved.pop_front()
        {
            self.requeue(slot);
        }
        while let Some(&slot) = self.to_cancel.front() {
            let pending = self.operations.get(slot);
            let is_due = pending.station == Station::Started && pending.stop != Stop::No;
            if is_due && !self.device.cancel(slot) {
                break;
            }
            self.operations.get(slot).is_cancel_queued = false;
            self.to_cancel.pop_front();
        }
        while let Some(&slot) = self.to_start.front() {
            if !self.launch(slot) {
                break;
            }
            self.to_start.pop_front();
        }
    }

    /// Has an operation end as soon as it can, wherever it is.
    fn stop(&mut self, slot: u32, why: Stop) {
        let pending = self.operations.get(slot);
        if pending.stop != Stop::No {
            return;
        }
        pending.stop = why;
        match pending.station {
            Station::Free => unreachable!("only what is in flight is stopped"),
            Station::Finished => {}
            // It is not launched, but ended, when its turn comes.
            Station::Queued => {}
            Station::Started => {
                if !std::mem::replace(&mut pending.is_cancel_queued, true) {
                    self.to_cancel.push_back(slot);
                }
            }
            Station::Helping => {
                if self.helpers.take_back(slot) {
                    self.finish(slot, Err(Errno::ECANCELED));
                }
            }
            Station::Starved => {
                self.starved.retain(|&other| other != slot);
                self.finish(slot, Err(Errno::ECANCELED));
            }
            Station::Waiting => match pending.submission.operation {
                Operation::Settle { descriptor } => {
                    self.descriptors.resume(descriptor.slot);
                    self.finish(slot, Err(Errno::ECANCELED));
                }
                // What is being closed cannot be kept open.
                _ => pending.stop = Stop::No,
            },
        }
    }

    /// The operation has ended; it is told in its turn.
    fn finish(&mut self, slot: u32, result: Result<Success, Errno>) {
        self.operations.get(slot).station = Station::Finished;
        self.finished.push_back((slot, result));
    }

    /// The operation is started, again or for a further part, at the next turn.
    fn requeue(&mut self, slot: u32) {
        self.operations.get(slot).station = Station::Queued;
        self.to_start.push_back(slot);
    }
}

impl Drop for ShardIo {
    fn drop(&mut self) {
        if !self.device.finish() {
            self.buffers.leak();
        }
    }
}
