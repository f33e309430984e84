//! How a shard that sleeps in its I/O wait is woken by another thread.
//!
//! ```text
//!   the sleeper                          whoever has something for it
//!     asleep = true                        writes it where the sleeper looks
//!     full fence                           full fence
//!     looks once more for work             if asleep: asleep = false, and rings
//!     none: waits in the kernel
//! ```
//!
//! No wake-up is lost: the two fences are in one total order. If the sleeper's is first, the other
//! sees `asleep` and rings; if the other's is first, the sleeper's last look sees the work. And none
//! is made twice: of several wakers only the one that takes the flag away rings, and where nobody
//! sleeps a wake-up is a fence and a load.
//!
//! A ring that comes when the sleeper is already up is found at its next wait, which returns once
//! for nothing.

use crate::estate::Estate;
use crossbeam_utils::CachePadded;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

/// Wakes one shard. May be cloned and used from any thread.
#[derive(Clone)]
pub struct IoWaker {
    bell: Arc<Bell>,
}

struct Bell {
    asleep: CachePadded<AtomicBool>,
    ring_count: AtomicU64,
    /// What ends the wait in the kernel: an event counter.
    counter: OwnedFd,
}

impl IoWaker {
    pub(crate) fn new() -> std::io::Result<Self> {
        use rustix::event::{EventfdFlags, eventfd};
        let bell = Bell {
            asleep: CachePadded::new(AtomicBool::new(false)),
            ring_count: AtomicU64::new(0),
            counter: eventfd(0, EventfdFlags::CLOEXEC)?,
        };
        Ok(Self {
            bell: Arc::new(bell),
        })
    }

    /// Writes down a share of it.
    pub(crate) fn list(&self, estate: &mut Estate) {
        estate.share(&self.bell);
    }

    /// Wakes the shard if it sleeps or is about to. Whatever it is to find must be written before.
    #[inline]
    pub fn wake(&self) {
        // What was written for the sleeper before our look at its flag; see the head.
        fence(Ordering::SeqCst);
        if self.bell.asleep.load(Ordering::Relaxed) {
            self.ring();
        }
    }

    /// How often somebody had to be woken.
    #[must_use]
    pub fn ring_count(&self) -> u64 {
        self.bell.ring_count.load(Ordering::Relaxed)
    }

    /// The sleeper says that it is going to sleep; it must look for work once more afterwards.
    pub(crate) fn lie_down(&self) {
        self.bell.asleep.store(true, Ordering::Relaxed);
        // The flag before our last look for work; see the head.
        fence(Ordering::SeqCst);
    }

    /// The sleeper is up.
    pub(crate) fn get_up(&self) {
        self.bell.asleep.store(false, Ordering::Relaxed);
    }

    /// Becomes readable when the bell is rung.
    pub(crate) fn counter(&self) -> BorrowedFd<'_> {
        self.bell.counter.as_fd()
    }

    #[cold]
    fn ring(&self) {
        if !self.bell.asleep.swap(false, Ordering::AcqRel) {
            return;
        }
        self.bell.ring_count.fetch_add(1, Ordering::Relaxed);
        let rung = rustix::io::write(&self.bell.counter, &1u64.to_ne_bytes());
        rung.expect("the counter is open and never near its end");
    }
}
