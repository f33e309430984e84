//! Which descriptors a shard has open, written down outside the shard: for the day its thread is gone
//! without having tidied up.
//!
//! A shard that is condemned (its memory cannot be trusted after a hardware fault) is not dropped. Its
//! sockets would stay open for ever, and their peers would wait for ever. So every number is noted
//! here when it comes and when it goes, one bit each, and whoever buries the shard closes what is
//! noted.

use super::file::File;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
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
        let number = file.system_number();
        if let Some((word, bit)) = number.and_then(|number| self.place(number)) {
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

    /// Closes everything that is noted, each after `farewell`; how many.
    ///
    /// # Safety
    /// The shard never uses or closes any of it again.
    pub(crate) unsafe fn close_all(&self, farewell: impl Fn(&OwnedFd)) -> u32 {
        let mut closed_count = 0;
        for (place, word) in self.words.iter().enumerate() {
            let mut bits = word.swap(0, Ordering::Relaxed);
            while bits != 0 {
                let number = place * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                // SAFETY: noted when it was opened, and the caller says that nobody else closes it.
                let file = unsafe { OwnedFd::from_raw_fd(number as RawFd) };
                farewell(&file);
                closed_count += 1;
            }
        }
        closed_count
    }
}
