//! Bounded FIFOs. `Queue` is for designs without cycles, clocked from the sinks up: there the state before
//! the edge is still there when it is asked for. `Registered` keeps that state beside the new one.

/// A queue of two slots.
#[derive(Clone, Copy, Default)]
pub(super) struct Queue {
    items: [u64; 2],
    count: u32,
    first: u32,
}

impl Queue {
    #[inline(always)]
    pub(super) fn ready(&self) -> bool {
        self.count != 0
    }

    #[inline(always)]
    pub(super) fn has_room(&self) -> bool {
        self.count < 2
    }

    #[inline(always)]
    pub(super) fn pop(&mut self) -> u64 {
        let item = self.items[self.first as usize & 1];
        self.first ^= 1;
        self.count -= 1;
        item
    }

    #[inline(always)]
    pub(super) fn push(&mut self, item: u64) {
        self.items[(self.first + self.count) as usize & 1] = item;
        self.count += 1;
    }
}

/// A FIFO of four slots whose `ready` and `has_room` speak of the state before the edge.
#[derive(Clone, Copy, Default)]
pub(super) struct Registered {
    items: [u64; 4],
    /// Pops and pushes so far, modulo 2³², and the same before this edge.
    popped: u32,
    pushed: u32,
    popped_before: u32,
    pushed_before: u32,
}

impl Registered {
    #[inline(always)]
    pub(super) fn ready(&self) -> bool {
        self.pushed_before != self.popped
    }

    #[inline(always)]
    pub(super) fn has_room(&self) -> bool {
        self.pushed.wrapping_sub(self.popped_before) < 4
    }

    #[inline(always)]
    pub(super) fn first(&self) -> u64 {
        self.items[self.popped as usize & 3]
    }

    #[inline(always)]
    pub(super) fn pop(&mut self) -> u64 {
        let item = self.first();
        self.popped = self.popped.wrapping_add(1);
        item
    }

    #[inline(always)]
    pub(super) fn push(&mut self, item: u64) {
        self.items[self.pushed as usize & 3] = item;
        self.pushed = self.pushed.wrapping_add(1);
    }

    #[inline(always)]
    pub(super) fn commit(&mut self) {
        self.popped_before = self.popped;
        self.pushed_before = self.pushed;
    }
}
