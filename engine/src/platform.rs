//! The host: threads, cores, and how a thread with nothing to do waits.

use crossbeam_utils::CachePadded;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread::{self, Thread};
use std::time::Duration;

/// Cores this process may run on.
pub(crate) fn core_count() -> usize {
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

/// Rounds of spinning before the core is offered to others, where every thread has its own core.
const SPIN_ROUNDS: u32 = 300;
/// Rounds of yielding before the thread sleeps.
const YIELD_ROUNDS: u32 = 100;
/// The longest sleep: what a missed wake-up can cost.
const NAP: Duration = Duration::from_micros(200);

/// How a thread waits: spin, then yield, then park.
pub(crate) struct Idle<'a> {
    beds: &'a Beds,
    number: usize,
    spin_rounds: u32,
    round: u32,
}

impl<'a> Idle<'a> {
    pub(crate) fn new(beds: &'a Beds, number: usize, own_core: bool) -> Self {
        Self {
            beds,
            number,
            spin_rounds: if own_core { SPIN_ROUNDS } else { 0 },
            round: 0,
        }
    }

    /// Something was done.
    #[inline]
    pub(crate) fn reset(&mut self) {
        self.round = 0;
    }

    /// Nothing could be done.
    #[inline]
    pub(crate) fn wait(&mut self) {
        self.round += 1;
        if self.round <= self.spin_rounds {
            std::hint::spin_loop();
        } else if self.round <= self.spin_rounds + YIELD_ROUNDS {
            thread::yield_now();
        } else {
            let bed = &self.beds.beds[self.number];
            bed.asleep.store(true, Ordering::Relaxed);
            // Our flag before our next look at the rings (which follows the nap, at the latest).
            fence(Ordering::SeqCst);
            thread::park_timeout(NAP);
            bed.asleep.store(false, Ordering::Relaxed);
        }
    }
}
