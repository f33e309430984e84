//! The host: threads, cores, and how a thread with nothing to do waits.

use crossbeam_utils::CachePadded;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Host time, for how long things take; it reaches no result.
#[expect(
    clippy::disallowed_methods,
    reason = "the engine's only look at a clock"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Cores this process may run on.
#[must_use]
pub fn core_count() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The cores threads may be pinned to, as the first caller's affinity mask allows them.
pub(crate) fn cores() -> Vec<core_affinity::CoreId> {
    let mut cores = core_affinity::get_core_ids().unwrap_or_default();
    // Beyond this the crate's set has no bit, and asking for it would end the process.
    cores.retain(|core| core.id < 1024);
    cores
}

/// Starts a named thread, pinned if a core is given. A refused pin costs speed, nothing else.
pub(crate) fn spawn(
    name: String,
    core: Option<core_affinity::CoreId>,
    work: impl FnOnce() + Send + 'static,
) -> std::io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name(name).spawn(move || {
        if let Some(core) = core {
            core_affinity::set_for_current(core);
        }
        work();
    })
}

/// One sleeping place per shard thread.
pub(crate) struct Beds {
    beds: Vec<CachePadded<Bed>>,
}

struct Bed {
    asleep: AtomicBool,
    thread: Mutex<Option<Thread>>,
}

impl Beds {
    pub(crate) fn new(thread_count: usize) -> Self {
        let bed = || {
            CachePadded::new(Bed {
                asleep: AtomicBool::new(false),
                thread: Mutex::new(None),
            })
        };
        Self {
            beds: (0..thread_count).map(|_| bed()).collect(),
        }
    }

    /// The calling thread sleeps here from now on.
    pub(crate) fn claim(&self, number: usize) {
        let mut thread = self.beds[number]
            .thread
            .lock()
            .expect("nobody panics holding a bed");
        *thread = Some(thread::current());
    }

    /// Wakes every thread that sleeps. A thread that falls asleep at this very moment wakes by
    /// itself soon after, so the callers need no fence on their hot path.
    #[inline]
    pub(crate) fn wake_sleepers(&self) {
        for bed in &self.beds {
            if bed.asleep.load(Ordering::Relaxed) {
                bed.wake();
            }
        }
    }
}

impl Bed {
    #[cold]
    fn wake(&self) {
        if self.asleep.swap(false, Ordering::AcqRel)
            && let Some(thread) = &*self.thread.lock().expect("nobody panics holding a bed")
        {
            thread.unpark();
        }
    }
}

/// Sleeps for a moment: for a thread that nobody waits for and that is not worth waking.
pub(crate) fn nap() {
    thread::park_timeout(NAP);
}

/// Rounds between two looks at the clock while spinning.
const CLOCK_ROUNDS: u32 = 64;
/// How long a thread with a core of its own spins. A hand-over between two cores that both run takes
/// a thousandth of this: whoever has not answered by then has lost its core. And a sleeper is not
/// back sooner.
const SPIN: Duration = Duration::from_micros(100);
/// Rounds of yielding before a thread without a core of its own sleeps.
const YIELD_ROUNDS: u32 = 100;
/// The longest sleep: what a missed wake-up can cost.
const NAP: Duration = Duration::from_micros(200);
/// One short wait out of this many is timed and stands for all of them.
const SAMPLE: u64 = 64;

/// How a thread waits.
///
/// On a core of its own it spins and then parks; it never yields, for a yield gives a whole time
/// slice to whatever else runs on that core, while the neighbour it waits for is back in a moment.
/// Where threads share cores, the one waited for may need this core, so it yields before it parks.
pub(crate) struct Idle<'a> {
    beds: &'a Beds,
    number: usize,
    own_core: bool,
    /// Rounds of the wait at hand; 0 when not waiting.
    round: u32,
    /// Whether the wait at hand is long enough to sleep.
    late: bool,
    /// When the wait at hand began and when its last round ended, where it is timed.
    timed: Option<(Instant, Instant)>,
    wait_count: u64,
    /// Time of the short waits that were timed.
    sampled: Duration,
    /// Time of all long waits.
    long: Duration,
}

impl<'a> Idle<'a> {
    pub(crate) fn new(beds: &'a Beds, number: usize, own_core: bool) -> Self {
        Self {
            beds,
            number,
            own_core,
            round: 0,
            late: false,
            timed: None,
            wait_count: 0,
            sampled: Duration::ZERO,
            long: Duration::ZERO,
        }
    }

    /// Something was done.
    #[inline]
    pub(crate) fn reset(&mut self) {
        if self.round != 0 {
            self.end_wait();
        }
    }

    /// Nothing could be done.
    #[inline]
    pub(crate) fn wait(&mut self) {
        if self.round == 0 {
            self.wait_count += 1;
            if self.wait_count.is_multiple_of(SAMPLE) {
                self.start_clock();
            }
        }
        self.round = self.round.saturating_add(1);
        if self.round.is_multiple_of(CLOCK_ROUNDS) {
            self.look_at_clock();
        }
        if self.late {
            self.nap();
        } else if self.own_core {
            std::hint::spin_loop();
        } else {
            thread::yield_now();
        }
        // What follows the last round is work.
        if let Some((_, until)) = &mut self.timed {
            *until = now();
        }
    }

    /// Time spent waiting so far; short waits are estimated from a sample.
    pub(crate) fn waited(&self) -> Duration {
        self.long + self.sampled.saturating_mul(SAMPLE as u32)
    }

    fn start_clock(&mut self) -> Instant {
        let start = now();
        self.timed = Some((start, start));
        start
    }

    fn look_at_clock(&mut self) {
        let began = match self.timed {
            Some((began, _)) => began,
            None => self.start_clock(),
        };
        self.late |= if self.own_core {
            began.elapsed() >= SPIN
        } else {
            self.round >= YIELD_ROUNDS
        };
    }

    fn end_wait(&mut self) {
        if let Some((began, until)) = self.timed.take() {
            let time = until - began;
            // Few rounds that took long were interrupted: a stroke of bad luck stands for itself.
            let sum = if self.round < CLOCK_ROUNDS && time < SPIN {
                &mut self.sampled
            } else {
                &mut self.long
            };
            *sum += time;
        }
        self.round = 0;
        self.late = false;
    }

    #[cold]
    fn nap(&self) {
        let bed = &self.beds.beds[self.number];
        bed.asleep.store(true, Ordering::Relaxed);
        // Our flag before our next look at the rings (which follows the nap, at the latest).
        fence(Ordering::SeqCst);
        thread::park_timeout(NAP);
        bed.asleep.store(false, Ordering::Relaxed);
    }
}
