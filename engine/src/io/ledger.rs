//! Which descriptors a shard has open, written down outside the shard: for the day its thread is gone
//! without having tidied up.
//!
//! A shard that is condemned (its memory cannot be trusted after a hardware fault) is not dropped. Its
//! sockets would stay open for ever, and their peers would wait for ever. So every number is noted
//! here when it comes and when it goes, one bit each, and whoever buries the shard closes what is
//! noted.

use super::file::File;
use super::helper::Desk;
use rustix::net::Shutdown;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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

    /// The shard has it from now on; what is simulated is nothing to be closed.
    pub(crate) fn note(&self, file: &File) {
        if let Some(number) = file.system_number() {
            self.note_number(number);
        }
    }

    /// The same, by number.
    pub(crate) fn note_number(&self, file: RawFd) {
        if let Some((word, bit)) = self.place(file) {
            // Relaxed: read only after the writer's thread has ended. The writer is alone.
            word.store(word.load(Ordering::Relaxed) | bit, Ordering::Relaxed);
        }
    }

    /// The shard is about to close it or to give it away.
    pub(crate) fn strike(&self, file: &File) {
        let number = file.system_number();
        if let Some((word, bit)) = number.and_then(|number| self.place(number)) {
            word.store(word.load(Ordering::Relaxed) & !bit, Ordering::Relaxed);
        }
    }

    fn place(&self, file: RawFd) -> Option<(&AtomicU64, u64)> {
        let number = usize::try_from(file).ok()?;
        let word = self.words.get(number / 64)?;
        Some((word, 1 << (number % 64)))
    }
}

/// What is left of a shard's I/O when its thread is gone; see [`ShardIo::remains`].
///
/// [`ShardIo::remains`]: super::ShardIo::remains
pub struct IoRemains {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) desk: Arc<Desk>,
}

impl IoRemains {
    /// Closes every descriptor the shard had, its back end's among them, and sends its helper threads
    /// home; how many were closed. The memory of its buffers is not freed: the kernel may still write
    /// to it. What io_uring has in flight ends with the thread that submitted it.
    ///
    /// # Safety
    /// The thread of the shard runs no more, and its [`ShardIo`](super::ShardIo) is never used or
    /// dropped again.
    pub unsafe fn bury(&self) -> u32 {
        self.desk.send_home();
        let mut closed_count = 0;
        for (place, word) in self.ledger.words.iter().enumerate() {
            let mut bits = word.swap(0, Ordering::Relaxed);
            while bits != 0 {
                let number = place * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                // SAFETY: the shard had it open, and the caller says that the shard is no more.
                let file = unsafe { OwnedFd::from_raw_fd(number as RawFd) };
                // The kernel keeps a socket for as long as an operation waits on it; its peers are
                // told now. Where it is no socket there is nobody to be told.
                let _told = rustix::net::shutdown(&file, Shutdown::Both);
                closed_count += 1;
            }
        }
        closed_count
    }
}
