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
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// The shard number of who asks from outside.
pub(crate) const OUTSIDE: u8 = RUNTIME_SHARDS_MAX as u8;

/// What comes in through a door.
pub(crate) enum Knock {
    Message {
        target: Handle,
        lane: Lane,
        parcel: Parcel,
        /// The call it belongs to, if it is a question from outside.
        call: Option<Claim>,
    },
    Reply {
        claim: Claim,
        outcome: Result<Parcel, CallError>,
    },
}

/// A call from outside.
enum Seat {
    Free,
    Waiting,
    Done(Result<Parcel, CallError>),
}

struct Seats {
    seats: Vec<(u32, Seat)>,
}

/// All doors of a runtime.
pub(crate) struct Doors {
    pub(crate) runtime: u32,
    waiting: Vec<Mutex<VecDeque<Knock>>>,
    waiting_max: usize,
    seats: Mutex<Seats>,
    seated: Condvar,
    pub(crate) bells: Arc<Bells>,
}

static NEXT: AtomicU32 = AtomicU32::new(0);
/// Runtimes of this process that are not gone.
static RUNTIMES: Mutex<Vec<Weak<Doors>>> = Mutex::new(Vec::new());

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nobody panics with one of these locks held, and what they guard is whole at any time.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers a call of any runtime from a thread that is not one of its shards.
pub(crate) fn answer(claim: Claim, outcome: Result<Parcel, CallError>) {
    let mut index = 0;
    loop {
        // The lock is given back before a runtime is, for it may be the last hold on it.
        let doors = match locked(&RUNTIMES).get(index) {
            Some(doors) => doors.upgrade(),
            None => return,
        };
        index += 1;
        if let Some(doors) = doors.filter(|doors| doors.runtime == claim.runtime) {
            return doors.answer(claim, outcome);
        }
    }
}

impl Doors {
    pub(crate) fn new(
        shard_count: usize,
        (waiting_max, knocks_max): (usize, usize),
        bells: Arc<Bells>,
    ) -> Arc<Self> {
        let doors = Arc::new(Self {
            runtime: NEXT.fetch_add(1, Ordering::Relaxed),
            waiting: (0..shard_count)
                .map(|_| Mutex::new(VecDeque::with_capacity(knocks_max)))
                .collect(),
            waiting_max,
            seats: Mutex::new(Seats { seats: Vec::new() }),
            seated: Condvar::new(),
            bells,
        });
        let mut runtimes = locked(&RUNTIMES);
        runtimes.retain(|doors| doors.strong_count() > 0);
        runtimes.push(Arc::downgrade(&doors));
        doors
    }

    /// Knocks with a message, unless too many wait already; then it is handed back.
    #[expect(clippy::result_large_err, reason = "the error is the message itself")]
    pub(crate) fn knock(&self, shard: usize, knock: Knock) -> Result<(), Knock> {
        if locked(&self.waiting[shard]).len() >= self.waiting_max {
            return Err(knock);
        }
        self.push(shard, knock);
        Ok(())
    }

    fn push(&self, shard: usize, knock: Knock) {
        locked(&self.waiting[shard]).push_back(knock);
        self.bells.ring_door(shard);
    }

    /// Answers a call of this runtime by way of the caller's door.
    pub(crate) fn answer(&self, claim: Claim, outcome: Result<Parcel, CallError>) {
        if claim.caller.shard() == usize::from(OUTSIDE) {
            self.complete(claim.id, outcome);
        } else {
            self.push(claim.caller.shard(), Knock::Reply { claim, outcome });
        }
    }

    /// Takes everything that waits in front of `shard` in exchange for an empty queue.
    pub(crate) fn open(&self, shard: usize, empty: VecDeque<Knock>) -> VecDeque<Knock> {
        std::mem::replace(&mut locked(&self.waiting[shard]), empty)
    }

    /// A seat for a call from outside, and the claim of who answers it.
    pub(crate) fn sit_down(&self) -> Claim {
        let mut seats = locked(&self.seats);
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
        *seat = Seat::Waiting;
        Claim {
            caller: Handle::new(OUTSIDE, 0, 0, 1),
            id: NoticeId {
                index: index as u32,
                sequence: *sequence,
            },
            runtime: self.runtime,
        }
    }

    /// Ends a call from outside. One that is over already stays as it is.
    pub(crate) fn complete(&self, id: NoticeId, outcome: Result<Parcel, CallError>) {
        let mut seats = locked(&self.seats);
        if let Some((sequence, seat)) = seats.seats.get_mut(id.index as usize)
            && *sequence == id.sequence
            && matches!(seat, Seat::Waiting)
        {
            *seat = Seat::Done(outcome);
            self.seated.notify_all();
        }
    }

    /// Waits for the end of a call and leaves the seat.
    pub(crate) fn await_reply(&self, id: NoticeId, timeout: Duration) -> Result<Parcel, CallError> {
        // None is further away than the clock can say.
        let deadline = crate::platform::now().checked_add(timeout);
        let mut seats = locked(&self.seats);
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
