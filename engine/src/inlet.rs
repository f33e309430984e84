//! Bytes from the host for one module: a bounded FIFO that is filled between two epochs only.
//!
//! ```text
//!   bytes:  | b2 |    |    | b0 | b1 |     first = 3, count = 3
//! ```
//! The shard fills it at the start of an epoch, with what a recorded script or a line of the host holds;
//! the module empties it at its edges. So what a module sees depends on the epochs at which bytes came, and
//! on nothing else of the host. Knows neither lines nor scripts.

use crate::arena::{Arena, ArenaRef};
use crate::fifo::ShardHead;
use crate::wheel::Waker;
use std::cell::Cell;

/// The most bytes an inlet may hold.
pub const INLET_BYTES_MAX: usize = 4096;

/// Arena bytes of an inlet that holds so many, alignment included.
pub(crate) const fn inlet_bytes(capacity: usize) -> usize {
    capacity + 2 * size_of::<u32>() + 64
}

/// Where a module finds what the host sent it.
pub struct Inlet {
    pub(crate) shared: InletRef,
    pub(crate) head: ArenaRef<ShardHead>,
}

/// The shard's view of an inlet.
#[derive(Clone, Copy)]
pub(crate) struct InletRef {
    first: ArenaRef<Cell<u32>>,
    count: ArenaRef<Cell<u32>>,
    bytes: ArenaRef<[Cell<u8>]>,
    /// The module it belongs to.
    pub(crate) own: Waker,
}

impl InletRef {
    pub(crate) fn carve(arena: &Arena, capacity: usize, own: Waker) -> Self {
        Self {
            first: arena.carve_shared(),
            count: arena.carve_shared(),
            bytes: arena.carve_shared_slice(capacity),
            own,
        }
    }

    fn count(&self) -> usize {
        self.count.get() as usize
    }

    /// Bytes that can be added.
    pub(crate) fn room(&self) -> usize {
        self.bytes.len() - self.count()
    }

    /// Adds a byte.
    pub(crate) fn push(&self, byte: u8) {
        assert!(self.room() > 0, "an inlet is filled as far as it has room");
        let place = (self.first.get() as usize + self.count()) % self.bytes.len();
        self.bytes[place].set(byte);
        self.count.set(self.count.get() + 1);
    }

    fn peek(&self) -> Option<u8> {
        (self.count() > 0).then(|| self.bytes[self.first.get() as usize].get())
    }

    fn pop(&self) -> Option<u8> {
        let byte = self.peek()?;
        let next = (self.first.get() as usize + 1) % self.bytes.len();
        self.first.set(next as u32);
        self.count.set(self.count.get() - 1);
        Some(byte)
    }

    /// All it holds, in order.
    pub(crate) fn contents(&self) -> Vec<u8> {
        let place = |distance| (self.first.get() as usize + distance) % self.bytes.len();
        let bytes = (0..self.count()).map(|distance| self.bytes[place(distance)].get());
        bytes.collect()
    }
}

impl Inlet {
    /// The byte that came first, if there is one.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.shared.peek()
    }

    /// Whether a byte is there.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.shared.count() > 0
    }

    /// Takes the byte that came first.
    ///
    /// # Panics
    /// When [none](Self::ready) is there: the module faults.
    pub fn pop(&mut self) -> u8 {
        let byte = self.shared.pop();
        self.head.wake(self.shared.own);
        byte.expect("popped from an inlet that is empty: ask `ready()` first")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_order_around_the_end() {
        let arena = Arena::map(inlet_bytes(3)).expect("a page");
        let inlet = InletRef::carve(&arena, 3, Waker(0));
        let mut next = (0u8, 0u8);
        for round in 0..10 {
            while inlet.room() > 0 {
                inlet.push(next.0);
                next.0 += 1;
            }
            assert_eq!(inlet.contents(), [next.1, next.1 + 1, next.1 + 2]);
            for _ in 0..=round % 3 {
                assert_eq!(inlet.pop(), Some(next.1));
                next.1 += 1;
            }
        }
        while inlet.pop().is_some() {}
        assert_eq!((inlet.peek(), inlet.room()), (None, 3));
    }
}
