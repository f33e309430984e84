//! Doors: how threads that are no shard's reach the isolates of a runtime, and are reached by them.
//!
//! A shard looks at its door only when the bell beside it was rung. A lock is held for the time of one
//! push or one swap; the memory of what waits behind a door is taken by who knocks.

use super::bells::Bells;
use super::claim::{CallError, Claim};
use super::handle::{Handle, RUNTIME_SHARDS_MAX};
use super::mail::Lane;
use super::notice::NoticeId;
use super::parcel::Parcel;
use crate::trap::lock;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

/// The shard number of who asks from outside.
pub(crate) const OUTSIDE: u8 = RUNTIME_SHARDS_MAX as u8;

/// How a call ended.
pub(crate) type Outcome = Result<Parcel, CallError>;

/// A message from outside.
pub(crate) struct Knock {
    pub(crate) target: Handle,
    pub(crate) lane: Lane,
    pub(crate) parcel: Parcel,
    /// The call it belongs to, if it is a question from outside.
    pub(crate) call: Option<Claim>,
}

/// What waits behind a door: messages from outside, and replies to calls of the shard's isolates that
/// found no room on a ring.
#[derive(Default)]
pub(crate) struct Waiting {
    pub(crate) messages: VecDeque<Knock>,
    pub(crate) replies: Vec<(Claim, Outcome)>,
}

impl Waiting {
    pub(crate) fn with_capacity(messages: usize, replies: usize) -> Self {
        Self {
            messages: VecDeque::with_capacity(messages),
            replies: Vec::with_capacity(replies),
        }
    }
}

/// How much of everything the doors of a runtime have room for, per shard.
#[derive(Clone, Copy)]
pub(crate) struct DoorPlan {
    /// Messages from outside.
    pub(crate) messages: usize,
    /// Calls of the shard's isolates at a time.
    pub(crate) calls: usize,
    /// Notices of the shard, among which are those of calls.
    pub(crate) notices: usize,
}

impl DoorPlan {
    pub(crate) fn waiting(self) -> Waiting {
        Waiting::with_capacity(self.messages, self.replies_max())
    }

    /// One reply for each call, and some that nobody waits for any more.
    fn replies_max(self) -> usize {
        self.calls + 64
    }

    /// Bytes per shard: two queues that change places, and which calls are waited for.
    pub(crate) fn bytes(self) -> usize {
        let messages = self.messages.saturating_mul(size_of::<Knock>());
        let replies = self
            .replies_max()
            .saturating_mul(size_of::<(Claim, Outcome)>());
        let queues = messages.saturating_add(replies).saturating_mul(2);
        queues.saturating_add(self.notices.saturating_mul(size_of::<AtomicU32>()))
    }
}

/// A call from outside.
enum Seat {
    Free,
    /// For an isolate of this shard, as far as is known.
    Waiting(usize),
    Done(Outcome),
}

struct Seats {
    seats: Vec<(u32, Seat)>,
}

/// All doors of a runtime.
pub(crate) struct Doors {
    pub(crate) runtime: u32,
    plan: DoorPlan,
    waiting: Vec<Mutex<Waiting>>,
    /// Empty queues, to change places with those of `waiting`; the shard's own while it takes in what is there.
    spare: Vec<Mutex<Waiting>>,
    /// By shard and notice: which use of it is a call that is not over; 0 for none.
    calls: Vec<Box<[AtomicU32]>>,
    seats: Mutex<Seats>,
    seated: Condvar,
    pub(crate) bells: Arc<Bells>,
}

static NEXT: AtomicU32 = AtomicU32::new(0);
/// Runtimes of this process that are not gone, by number.
static RUNTIMES: Mutex<Vec<(u32, Weak<Doors>)>> = Mutex::new(Vec::new());

/// Answers a call of any runtime from a thread that is not one of its shards.
pub(crate) fn answer(claim: Claim, outcome: Outcome) {
    // The lock is given back before the runtime is, for it may be the last hold on it.
    let doors = {
        let runtimes = lock(&RUNTIMES);
        let found = runtimes.iter().find(|(number, _)| *number == claim.runtime);
        found.and_then(|(_, doors)| doors.upgrade())
    };
    if let Some(doors) = doors {
        drop(doors.answer(claim, outcome));
    }
}

impl Doors {
    pub(crate) fn new(shard_count: usize, plan: DoorPlan, bells: Arc<Bells>) -> Arc<Self> {
        let calls = || (0..plan.notices).map(|_| AtomicU32::new(0)).collect();
        let queues = || (0..shard_count).map(|_| Mutex::new(plan.waiting()));
        let doors = Arc::new(Self {
            runtime: NEXT.fetch_add(1, Ordering::Relaxed),
            plan,
            waiting: queues().collect(),
            spare: queues().collect(),
            calls: (0..shard_count).map(|_| calls()).collect(),
            seats: Mutex::new(Seats { seats: Vec::new() }),
            seated: Condvar::new(),
            bells,
        });
        let mut runtimes = lock(&RUNTIMES);
        runtimes.retain(|(_, doors)| doors.strong_count() > 0);
        runtimes.push((doors.runtime, Arc::downgrade(&doors)));
        doors
    }

    /// Knocks with a message, unless too many wait already; then it is handed back.
    #[expect(clippy::result_large_err, reason = "the error is the message itself")]
    pub(crate) fn knock(&self, shard: usize, knock: Knock) -> Result<(), Knock> {
        let mut waiting = lock(&self.waiting[shard]);
        if waiting.messages.len() >= self.plan.messages {
            return Err(knock);
        }
        waiting.messages.push_back(knock);
        drop(waiting);
        self.bells.ring_door(shard);
        Ok(())
    }

    /// An isolate of `shard` has begun the call `id`.
    #[inline]
    pub(crate) fn begin_call(&self, shard: u8, id: NoticeId) {
        self.calls[usize::from(shard)][id.index as usize].store(id.sequence, Ordering::Relaxed);
    }

    /// Its call with the notice `index` is over.
    #[inline]
    pub(crate) fn end_call(&self, shard: u8, index: u32) {
        self.calls[usize::from(shard)][index as usize].store(0, Ordering::Relaxed);
    }

    /// Whether the call of an isolate of this runtime is not over.
    pub(crate) fn is_waited_for(&self, claim: &Claim) -> bool {
        let calls = &self.calls[claim.caller.shard()];
        calls[claim.id.index as usize].load(Ordering::Relaxed) == claim.id.sequence
    }

    /// Answers a call of this runtime by way of the caller's door. A reply that nobody waits for any more,
    /// this one or one that stood in its way, is handed back to be dropped.
    pub(crate) fn answer(&self, claim: Claim, outcome: Outcome) -> Option<Outcome> {
        let shard = claim.caller.shard();
        if shard == usize::from(OUTSIDE) {
            return self.complete(claim.id, outcome);
        }
        if !self.is_waited_for(&claim) {
            return Some(outcome);
        }
        let mut waiting = lock(&self.waiting[shard]);
        let replies = &mut waiting.replies;
        // There is room for one reply to each call, so that when it is used up some are late.
        let late = if replies.len() < replies.capacity() {
            None
        } else {
            replies
                .iter()
                .position(|(other, _)| !self.is_waited_for(other))
        };
        let late = late.map(|index| replies.swap_remove(index).1);
        replies.push((claim, outcome));
        drop(waiting);
        self.bells.ring_door(shard);
        late
    }

    /// Takes everything that waits in front of `shard`; the queues go [back](Self::close) when they are empty.
    pub(crate) fn open(&self, shard: usize) -> Waiting {
        let empty = std::mem::take(&mut *lock(&self.spare[shard]));
        std::mem::replace(&mut lock(&self.waiting[shard]), empty)
    }

    /// Gives back what [`open`](Self::open) took, empty.
    pub(crate) fn close(&self, shard: usize, empty: Waiting) {
        *lock(&self.spare[shard]) = empty;
    }

    /// The isolates of `shard` are gone without a word: nobody there waits for a reply, and calls from outside
    /// that were for one of them are over.
    pub(crate) fn lose_shard(&self, shard: usize) {
        for call in &self.calls[shard] {
            call.store(0, Ordering::Relaxed);
        }
        for (_, seat) in &mut lock(&self.seats).seats {
            if matches!(seat, Seat::Waiting(of) if *of == shard) {
                *seat = Seat::Done(Err(CallError::NoReply));
            }
        }
        self.seated.notify_all();
    }

    /// A seat for a call from outside of an isolate of `shard`, and the claim of who answers it.
    pub(crate) fn sit_down(&self, shard: usize) -> Claim {
        let mut seats = lock(&self.seats);
        let seats = &mut seats.seats;
        let free = seats
            .iter()
            .position(|(_, seat)| matches!(seat, Seat::Free));
        let index = free.unwrap_or_else(|| {
            seats.push((0, Seat::Free));
            seats.len() - 1
        });
        let (sequence, seat) = &mut seats[index];
        *sequence = sequence.wrapping_add(1);
        *seat = Seat::Waiting(shard);
        Claim {
            caller: Handle::new(OUTSIDE, 0, 0, 1),
            id: NoticeId {
                index: index as u32,
                sequence: *sequence,
            },
            runtime: self.runtime,
        }
    }

    /// Ends a call from outside. One that is over already stays as it is; then the outcome is handed back.
    pub(crate) fn complete(&self, id: NoticeId, outcome: Outcome) -> Option<Outcome> {
        let mut seats = lock(&self.seats);
        if let Some((sequence, seat)) = seats.seats.get_mut(id.index as usize)
            && *sequence == id.sequence
            && matches!(seat, Seat::Waiting(_))
        {
            *seat = Seat::Done(outcome);
            self.seated.notify_all();
            return None;
        }
        Some(outcome)
    }

    /// Nobody waits for the end of a call any more.
    pub(crate) fn leave(&self, id: NoticeId) {
        let mut seats = lock(&self.seats);
        if let Some((sequence, seat)) = seats.seats.get_mut(id.index as usize)
            && *sequence == id.sequence
        {
            *seat = Seat::Free;
        }
    }

    /// The end of a call, if it has come; the seat is left then.
    pub(crate) fn take_reply(&self, id: NoticeId) -> Option<Outcome> {
        let mut seats = lock(&self.seats);
        let (sequence, seat) = seats.seats.get_mut(id.index as usize)?;
        if *sequence != id.sequence || !matches!(seat, Seat::Done(_)) {
            return None;
        }
        match std::mem::replace(seat, Seat::Free) {
            Seat::Done(outcome) => Some(outcome),
            Seat::Free | Seat::Waiting(_) => unreachable!("looked at in the line above"),
        }
    }

    /// Waits for the end of a call and leaves the seat.
    pub(crate) fn await_reply(&self, id: NoticeId, timeout: Duration) -> Result<Parcel, CallError> {
        // None is further away than the clock can say.
        let deadline = crate::platform::now().checked_add(timeout);
        // On a thread that has no shards: it may wait with the lock given back.
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let (_, seat) = &mut seats.seats[id.index as usize];
            if let Seat::Done(_) = seat {
                let Seat::Done(outcome) = std::mem::replace(seat, Seat::Free) else {
                    unreachable!("looked at in the line above")
                };
                return outcome;
            }
            let left = deadline.map_or(Duration::MAX, |deadline| {
                deadline.saturating_duration_since(crate::platform::now())
            });
            if left.is_zero() {
                *seat = Seat::Free;
                return Err(CallError::TimedOut);
            }
            seats = self
                .seated
                .wait_timeout(seats, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// However many late replies come, the queue never outgrows its plan and every reply that is waited
        /// for is in it, once.
        #[test]
        fn replies_that_are_waited_for_are_kept_and_late_ones_make_room(
            steps in prop::collection::vec((0..8u32, prop::bool::ANY), 1..400),
        ) {
            let plan = DoorPlan { messages: 0, calls: 8, notices: 8 };
            let doors = Doors::new(1, plan, Arc::new(Bells::new(vec![0])));
            let mut calls = BTreeMap::new();
            let mut sequence = 0;
            let capacity = lock(&doors.waiting[0]).replies.capacity();
            for (index, again) in steps {
                // The call is over, by its time limit, and another begins; its reply comes or not.
                sequence += 1;
                let id = NoticeId { index, sequence };
                doors.begin_call(0, id);
                calls.remove(&index);
                let claim = Claim { caller: Handle::new(0, 0, 0, 1), id, runtime: doors.runtime };
                if again {
                    let late = doors.answer(claim, Ok(Parcel::new(sequence)));
                    calls.insert(index, sequence);
                    if let Some(late) = late {
                        let late: u32 = late.unwrap().open().ok().unwrap();
                        prop_assert!(calls.values().all(|&live| live != late));
                    }
                }
            }
            let waiting = doors.open(0);
            prop_assert_eq!(waiting.replies.capacity(), capacity);
            for (&index, &sequence) in &calls {
                let id = NoticeId { index, sequence };
                let count = waiting.replies.iter().filter(|(claim, _)| claim.id == id).count();
                prop_assert_eq!(count, 1);
            }
            let late = Claim {
                caller: Handle::new(0, 0, 0, 1),
                id: NoticeId { index: 0, sequence: sequence + 1 },
                runtime: doors.runtime,
            };
            prop_assert!(doors.answer(late, Err(CallError::NoReply)).is_some());
        }
    }
}
