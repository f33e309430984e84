//! What isolates start from, and start from again.

use super::isolate::Isolate;
use crate::arena::{Arena, Batch};

/// What the isolates of a kind start from, by slot.
pub(crate) struct Nursery<I: Isolate> {
    inits: Batch<Option<I::Init>>,
}

impl<I: Isolate> Nursery<I> {
    pub(crate) fn bytes(slots: usize) -> usize {
        slots * size_of::<Option<I::Init>>() + align_of::<Option<I::Init>>()
    }

    pub(crate) fn carve(arena: &Arena, slots: usize) -> Self {
        let mut inits = arena.carve_batch(slots);
        for _ in 0..slots {
            inits.push(None);
        }
        Self { inits }
    }

    /// Keeps what the isolate of a slot starts from; what was there before.
    pub(crate) fn plant(&mut self, slot: usize, init: I::Init) -> Option<I::Init> {
        self.inits[slot].replace(init)
    }

    /// Nobody can be started in a slot until something is planted; what was there before.
    pub(crate) fn clear(&mut self, slot: usize) -> Option<I::Init> {
        self.inits[slot].take()
    }

    /// What the isolate of a slot starts from; none if the child's own code panicked when it was to say.
    pub(crate) fn init(&self, slot: usize) -> Option<I::Init> {
        self.inits[slot].clone()
    }
}
