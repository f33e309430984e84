//! Which descriptors a shard has open, written down outside the shard: for the day its thread is gone
//! without having tidied up.
//!
//! A shard that is condemned (its memory cannot be trusted after a hardware fault) is not dropped. Its
//! sockets would stay open for ever, and their peers would wait for ever. So every number is noted
//! here when it comes and when it goes, one bit each, and whoever buries the shard closes what is
//! noted.

use super::device::Device;
use super::helper::Desk;
use crate::estate::{Estate, Kept};
use rustix::net::Shutdown;
use std::mem::ManuallyDrop;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Numbers from here on are not noted: the most a process may have open unless the kernel is told
/// otherwise.
const NUMBERS_MAX: usize = 1 << 20;

pub(crate) struct Ledger {
    words: Box<[AtomicU64]>,
}

impl Ledger {
    pub(crate) const BYTES: usize = NUMBERS_MAX / 8;

    pub(crate) fn new() -> Self {
        let words = (0..NUMBERS_MAX / 64).map(|_| AtomicU64::new(0));
        Self {
            words: words.collect(),
        }
    }

    /// The shard has it from now on.
    pub(crate) fn note(&self, file: RawFd) {
        if let Some((word, bit)) = self.place(file) {
            // Relaxed: read only after the writer's thread has ended. The writer is alone.
            word.store(word.load(Ordering::Relaxed) | bit, Ordering::Relaxed);
        }
    }

    /// The shard is about to close it or to give it away.
    pub(crate) fn strike(&self, file: RawFd) {
        if let Some((word, bit)) = self.place(file) {
            word.store(word.load(Ordering::Relaxed) & !bit, Ordering::Relaxed);
        }
    }

    fn place(&self, file: RawFd) -> Option<(&AtomicU64, u64)> {
        let number = usize::try_from(file).ok()?;
        let word = self.words.get(number / 64)?;
        Some((word, 1 << (number % 64)))
    }
}

/// How long a shard's burial waits for helper threads, each of which may be at one call.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is left of a shard's I/O when its thread is gone; see [`ShardIo::remains`].
///
/// [`ShardIo::remains`]: super::ShardIo::remains
pub struct IoRemains {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) device: ManuallyDrop<Kept<Device>>,
    /// The memory of buffers, and of everything else.
    pub(crate) buffers: Estate,
    pub(crate) tables: Estate,
}

impl IoRemains {
    /// Closes every descriptor the shard had, and its back end, sends its helper threads home, and gives back
    /// all memory; how many descriptors of owners were closed. What io_uring had in flight has ended
    /// with the thread that submitted it. The memory of the buffers stays if a helper thread is still at a
    /// call after seconds: it may be writing to it.
    ///
    /// # Safety
    /// The thread that used the [`ShardIo`](super::ShardIo) has ended, and it is never used or dropped again.
    pub unsafe fn bury(self) -> u32 {
        let are_home = self.desk.bury(PATIENCE);
        let mut device = ManuallyDrop::into_inner(self.device);
        device.bury();
        let mut closed_count = 0;
        for (place, word) in self.ledger.words.iter().enumerate() {
            let mut bits = word.swap(0, Ordering::Relaxed);
            while bits != 0 {
                let number = place * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                // SAFETY: the shard had it open, and the caller says that the shard is no more.
                let file = unsafe { OwnedFd::from_raw_fd(number as RawFd) };
                // Where a helper is at it still, its peers are told now. Where it is no socket there is
                // nobody to be told.
                let _told = rustix::net::shutdown(&file, Shutdown::Both);
                closed_count += 1;
            }
        }
        drop(device);
        if are_home {
            // SAFETY: the caller's; neither the kernel nor a helper uses the buffers any more.
            unsafe { self.buffers.give_back() };
        }
        // SAFETY: the caller's.
        unsafe { self.tables.give_back() };
        closed_count
    }
}
