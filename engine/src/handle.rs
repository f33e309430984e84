//! Handles by which a module reaches beyond its ports: the end of the run and the console.

use crate::arena::{ArenaRef, Zeroed};
use crate::fifo::ShardHead;
use crate::time::Tick;
use crate::wheel::Waker;
use std::cell::Cell;

/// Arena bytes of a console, alignment included.
pub(crate) const CONSOLE_BYTES: usize = 8 * CONSOLE_BYTES_PER_EPOCH + 24 + 64;

/// Bytes a console may print within one epoch of the blueprint before it has no room.
pub const CONSOLE_BYTES_PER_EPOCH: usize = 4096;

/// Ends the run: a handle of one module.
pub struct Finish {
    pub(crate) verdict: ArenaRef<Verdict>,
    pub(crate) head: ArenaRef<ShardHead>,
    pub(crate) instance: u32,
}

/// The first request of a shard to end the run.
#[derive(Default)]
pub(crate) struct Verdict {
    pub(crate) raised: Cell<u8>,
    pub(crate) code: Cell<u32>,
    pub(crate) instance: Cell<u32>,
    pub(crate) tick: Cell<Tick>,
}
// SAFETY: cells of integers only.
unsafe impl Zeroed for Verdict {}

impl Finish {
    /// Asks that the run end with this exit code. It takes effect at the end of the epoch; the
    /// earliest request counts, and among those of one instant the instance named first.
    pub fn raise(&mut self, code: u32) {
        let now = self.head.now.get();
        let verdict = &self.verdict;
        let earlier = verdict.raised.get() == 0
            || (now, self.instance) < (verdict.tick.get(), verdict.instance.get());
        if earlier {
            verdict.raised.set(1);
            verdict.code.set(code);
            verdict.instance.set(self.instance);
            verdict.tick.set(now);
        }
    }
}

/// Bytes for the standard output of the host, in simulated order.
pub struct Console {
    pub(crate) shared: ConsoleRef,
    pub(crate) head: ArenaRef<ShardHead>,
    /// The module that prints.
    pub(crate) own: Waker,
    pub(crate) epoch_ticks: Tick,
}

/// The shard's view of a console: it empties the entries at the end of each epoch.
#[derive(Clone, Copy)]
pub(crate) struct ConsoleRef {
    /// Entries since they were taken over.
    pub(crate) count: ArenaRef<Cell<u32>>,
    /// The blueprint's epoch in which the last byte was printed, and how many were in it.
    pub(crate) epoch: ArenaRef<Cell<u64>>,
    pub(crate) printed_count: ArenaRef<Cell<u32>>,
    /// Tick in the upper 56 bits, byte in the lower 8.
    pub(crate) entries: ArenaRef<[Cell<u64>]>,
}

impl Console {
    /// Whether another byte can be printed within this epoch.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let shared = &self.shared;
        shared.epoch.get() != self.epoch()
            || (shared.printed_count.get() as usize) < shared.entries.len()
    }

    /// Number of the blueprint's epoch: room must not depend on where a run stops.
    fn epoch(&self) -> u64 {
        self.head.now.get() / self.epoch_ticks
    }

    /// Prints a byte.
    ///
    /// # Panics
    /// When there is no [room](Self::has_room): the module faults.
    pub fn print(&mut self, byte: u8) {
        assert!(
            self.has_room(),
            "printed to a console that is full: ask `has_room()` first"
        );
        let shared = &self.shared;
        if shared.epoch.replace(self.epoch()) != self.epoch() {
            shared.printed_count.set(0);
        }
        shared.printed_count.set(shared.printed_count.get() + 1);
        // Emptied at least at the end of every epoch of the blueprint, so it cannot be full.
        let count = shared.count.get();
        shared.entries[count as usize].set(self.head.now.get() << 8 | u64::from(byte));
        shared.count.set(count + 1);
        self.head.wake(self.own);
    }
}
