//! Bells: how a shard learns that something waits for it, and how its thread sleeps meanwhile.
//!
//! Per shard a set of bits says who has sent something since it last looked, so that a turn costs
//! as much as there is to do and not as much as there are shards. Per thread a flag says that it
//! sleeps, so that waking costs a system call only then.
//!
//! No wake-up is lost: whoever sends publishes first, then raises the bit, then looks at the flag; who
//! goes to sleep raises the flag first and then looks at the bits. With a full fence between the two
//! steps on either side, one of them sees the other.

use super::handle::RUNTIME_SHARDS_MAX;
use crate::io::IoWaker;
use crate::trap::lock;
use crossbeam_utils::CachePadded;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Mutex, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

const WORDS: usize = (RUNTIME_SHARDS_MAX + 1).div_ceil(64);
/// The bit of the door: no shard has this number.
pub(crate) const DOOR: usize = RUNTIME_SHARDS_MAX;

struct Bell {
    rung: [AtomicU64; WORDS],
}

struct Bed {
    asleep: AtomicBool,
    thread: Mutex<Option<Thread>>,
    /// What wakes the thread where it sleeps in the I/O of its shard instead.
    io: OnceLock<IoWaker>,
}

pub(crate) struct Bells {
    bells: Vec<CachePadded<Bell>>,
    beds: Vec<CachePadded<Bed>>,
    thread_of: Vec<usize>,
}

impl Bells {
    /// One bell per shard; `thread_of` says on which thread each lives.
    pub(crate) fn new(thread_of: Vec<usize>) -> Self {
        let bell = || {
            CachePadded::new(Bell {
                rung: [const { AtomicU64::new(0) }; WORDS],
            })
        };
        let bed = || {
            CachePadded::new(Bed {
                asleep: AtomicBool::new(false),
                thread: Mutex::new(None),
                io: OnceLock::new(),
            })
        };
        let thread_count = thread_of.iter().max().map_or(0, |last| last + 1);
        Self {
            bells: thread_of.iter().map(|_| bell()).collect(),
            beds: (0..thread_count).map(|_| bed()).collect(),
            thread_of,
        }
    }

    /// The calling thread is number `thread` from now on.
    pub(crate) fn claim(&self, thread: usize) {
        *lock(&self.beds[thread].thread) = Some(thread::current());
    }

    /// The thread of `shard`, which has no other, sleeps in its I/O from now on.
    pub(crate) fn sleep_in_io(&self, shard: usize, waker: IoWaker) {
        let set = self.beds[self.thread_of[shard]].io.set(waker);
        assert!(set.is_ok(), "a shard with I/O has a thread of its own");
    }

    /// Something of `from` waits for `shard`, published before this call.
    #[inline]
    pub(crate) fn ring(&self, shard: usize, from: usize) {
        let word = &self.bells[shard].rung[from / 64];
        let bit = 1 << (from % 64);
        // Publishing comes before looking at the bit: who takes the bits away looks at the ring after.
        fence(Ordering::SeqCst);
        if word.load(Ordering::Relaxed) & bit == 0 {
            word.fetch_or(bit, Ordering::SeqCst);
        }
        let bed = &self.beds[self.thread_of[shard]];
        if let Some(waker) = bed.io.get() {
            waker.wake();
            return;
        }
        if bed.asleep.load(Ordering::SeqCst) {
            bed.wake();
        }
    }

    pub(crate) fn ring_door(&self, shard: usize) {
        self.ring(shard, DOOR);
    }

    /// The shards of a thread.
    pub(crate) fn shards_of(&self, thread: usize) -> std::ops::Range<usize> {
        let first = self.thread_of.partition_point(|&of| of < thread);
        let behind = self.thread_of.partition_point(|&of| of <= thread);
        first..behind
    }

    /// Rings everybody's bell in the name of `shard`, of which there is news.
    pub(crate) fn ring_all(&self, shard: usize) {
        for to in (0..self.bells.len()).filter(|&to| to != shard) {
            self.ring(to, shard);
        }
    }

    /// Rings all bells of `shard`, which has not looked at anything yet.
    pub(crate) fn ring_every_bell_of(&self, shard: usize) {
        for from in (0..self.bells.len()).filter(|&from| from != shard) {
            self.ring(shard, from);
        }
        self.ring_door(shard);
    }

    /// Rings every door: something of the whole runtime has changed.
    pub(crate) fn ring_all_doors(&self) {
        for shard in 0..self.bells.len() {
            self.ring_door(shard);
        }
    }

    #[inline]
    pub(crate) fn is_rung(&self, shard: usize) -> bool {
        let rung = &self.bells[shard].rung;
        rung.iter().any(|word| word.load(Ordering::Relaxed) != 0)
    }

    /// Takes the bits of `shard` away and visits who they stand for, in order.
    #[inline]
    pub(crate) fn answer(&self, shard: usize, mut visit: impl FnMut(usize)) {
        for (index, word) in self.bells[shard].rung.iter().enumerate() {
            if word.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let mut bits = word.swap(0, Ordering::SeqCst);
            // Who finds a bit raised and rings no more has published before: that is to be seen now. On
            // x86 the swap is a full fence already.
            if !cfg!(target_arch = "x86_64") {
                fence(Ordering::SeqCst);
            }
            while bits != 0 {
                visit(index * 64 + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        }
    }

    /// Puts the calling thread, number `thread`, to sleep until a bell of one of `shards` is rung or
    /// the time is over.
    pub(crate) fn sleep(
        &self,
        thread: usize,
        mut shards: impl Iterator<Item = usize>,
        timeout: Option<Duration>,
    ) {
        let bed = &self.beds[thread];
        bed.asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if !shards.any(|shard| self.is_rung(shard)) {
            match timeout {
                Some(timeout) => thread::park_timeout(timeout),
                None => thread::park(),
            }
        }
        bed.asleep.store(false, Ordering::SeqCst);
    }
}

impl Bed {
    #[cold]
    fn wake(&self) {
        if self.asleep.swap(false, Ordering::SeqCst)
            && let Some(thread) = &*lock(&self.thread)
        {
            thread.unpark();
        }
    }
}
