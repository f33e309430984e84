//! What an edge does to one FIFO of two slots, without a branch.
//!
//! Masks are all ones (−1) for yes and 0 for no. Pushes happen only where there was room before the
//! edge, pops only where there was an item.

/// A lane: an integer that can hold an item, an occupancy or a mask.
pub(super) trait Lane: Copy + PartialEq {
    const ZERO: Self;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
}

impl Lane for u64 {
    const ZERO: Self = 0;
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }
}

impl Lane for i32 {
    const ZERO: Self = 0;
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }
}

/// First item, second item and occupancy.
pub(super) type Slots<T> = (T, T, T);

/// A FIFO after an edge at which `item` is pushed if `push`, and the
/// first item is popped if `pop`.
///
/// Slots beyond the occupancy hold anything: a pushed item is written to the second slot even where
/// it belongs into the first, and to an empty first slot even where nothing is pushed.
#[inline(always)]
pub(super) fn edge<T: Lane>(slots: Slots<T>, push: T, pop: T, item: T) -> Slots<T> {
    let (first, second, occupancy) = slots;
    let left = occupancy.plus(pop);
    let next = if pop == T::ZERO { first } else { second };
    let first = if left == T::ZERO { item } else { next };
    let second = if push == T::ZERO { second } else { item };
    (first, second, left.minus(push))
}
