//! A bounded FIFO with two faces: what modules see (the state before the edge) and what they did
//! in this edge, which `commit` makes visible for the next one.

/// A FIFO of `DEPTH` slots, a power of two.
#[derive(Clone, Copy)]
pub(super) struct Fifo<const DEPTH: usize> {
    items: [u64; DEPTH],
    /// Pops and pushes so far, modulo 2³².
    popped: u32,
    pushed: u32,
    /// The same before this edge.
    popped_before: u32,
    pushed_before: u32,
}

impl<const DEPTH: usize> Fifo<DEPTH> {
    const MASK: u32 = {
        assert!(DEPTH.is_power_of_two());
        DEPTH as u32 - 1
    };

    pub(super) const EMPTY: Self = Self {
        items: [0; DEPTH],
        popped: 0,
        pushed: 0,
        popped_before: 0,
        pushed_before: 0,
    };

    /// Pushes so far, modulo 2³².
    pub(super) fn push_count(&self) -> u64 {
        u64::from(self.pushed)
    }

    #[inline(always)]
    pub(super) fn ready(&self) -> bool {
        self.pushed_before != self.popped
    }

    #[inline(always)]
    pub(super) fn has_room(&self) -> bool {
        self.pushed.wrapping_sub(self.popped_before) < DEPTH as u32
    }

    #[inline(always)]
    pub(super) fn first(&self) -> u64 {
        self.items[(self.popped & Self::MASK) as usize]
    }

    #[inline(always)]
    pub(super) fn pop(&mut self) -> u64 {
        let item = self.first();
        self.popped = self.popped.wrapping_add(1);
        item
    }

    #[inline(always)]
    pub(super) fn push(&mut self, item: u64) {
        self.items[(self.pushed & Self::MASK) as usize] = item;
        self.pushed = self.pushed.wrapping_add(1);
    }

    #[inline(always)]
    pub(super) fn commit(&mut self) {
        self.popped_before = self.popped;
        self.pushed_before = self.pushed;
    }
}
