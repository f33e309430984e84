//! Slots that are free: a stack from which any thread takes and to which any thread gives back.
//!
//! ```text
//!   head: changes so far << 21 | top slot + 1, 0 if none is free        next[slot]: the one below it, + 1
//! ```
//!
//! The count of changes makes a head that was seen before a different one, so that whoever was late
//! with its exchange tries again (at a hundred million changes a second it comes round after a day, and
//! matters only to a thread that stood still for exactly that long).

use crate::sync::{AtomicU64, Ordering};
use crossbeam_utils::CachePadded;

/// The most slots: a number in 20 bits, and one that says that there is none.
pub(crate) const FREE_SLOTS_MAX: u32 = 1 << 20;
const TOP: u64 = (1 << 21) - 1;
const ONE_CHANGE: u64 = 1 << 21;
const _: () = assert!(FREE_SLOTS_MAX as u64 <= TOP);

pub(crate) struct FreeSlots {
    head: CachePadded<AtomicU64>,
    next: Box<[AtomicU64]>,
}

impl FreeSlots {
    /// So many slots, all free; the lowest is taken first.
    pub(crate) fn new(count: u32) -> Self {
        assert!(count <= FREE_SLOTS_MAX, "checked with the specification");
        let below = |slot: u32| if slot + 1 < count { slot + 2 } else { 0 };
        let next = (0..count).map(|slot| AtomicU64::new(u64::from(below(slot))));
        Self {
            head: CachePadded::new(AtomicU64::new(u64::from(count.min(1)))),
            next: next.collect(),
        }
    }

    /// Bytes of what is known of so many slots.
    pub(crate) const fn bytes(count: u32) -> usize {
        size_of::<CachePadded<AtomicU64>>() + count as usize * size_of::<AtomicU64>()
    }

    /// A slot that was free.
    pub(crate) fn take(&self) -> Option<u32> {
        // Acquire: what the last holder did to the slot has happened.
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            let top = (head & TOP).checked_sub(1)?;
            // Stale if another has taken the slot meanwhile: then the exchange fails.
            let below = self.next[top as usize].load(Ordering::Relaxed);
            let Err(now) = self.exchange(head, below, Ordering::Acquire) else {
                return Some(top as u32);
            };
            head = now;
        }
    }

    /// Gives back a slot that was taken.
    pub(crate) fn give_back(&self, slot: u32) {
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            self.next[slot as usize].store(head & TOP, Ordering::Relaxed);
            // Release: whoever takes the slot sees what was done to it, and what lies below it.
            let Err(now) = self.exchange(head, u64::from(slot) + 1, Ordering::Release) else {
                return;
            };
            head = now;
        }
    }

    fn exchange(&self, head: u64, top: u64, order: Ordering) -> Result<u64, u64> {
        let changes = (head & !TOP).wrapping_add(ONE_CHANGE);
        let failed = Ordering::Acquire;
        self.head
            .compare_exchange_weak(head, changes | top, order, failed)
    }
}

#[cfg(all(test, not(tina_loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::sync::atomic::AtomicU32;

    proptest! {
        /// Whatever is taken and given back, a slot is in one hand, and all that are in none can be had.
        #[test]
        fn a_slot_is_free_or_in_one_hand(
            count in 0..9u32,
            steps in prop::collection::vec(any::<(bool, usize)>(), 0..64),
        ) {
            let slots = FreeSlots::new(count);
            let mut taken = Vec::new();
            for (takes, pick) in steps {
                if takes {
                    let slot = slots.take();
                    prop_assert_eq!(slot.is_some(), taken.len() < count as usize);
                    taken.extend(slot);
                } else if !taken.is_empty() {
                    slots.give_back(taken.swap_remove(pick % taken.len()));
                }
                let different: BTreeSet<u32> = taken.iter().copied().collect();
                prop_assert_eq!(different.len(), taken.len());
                prop_assert!(taken.iter().all(|&slot| slot < count));
            }
        }
    }

    #[test]
    fn threads_never_hold_one_slot_at_once() {
        let slots = FreeSlots::new(5);
        let holders = [const { AtomicU32::new(0) }; 5];
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        // Given back in the order they were taken: the top is the same, and what
                        // lies below it is not.
                        let taken = [slots.take(), slots.take()];
                        for slot in taken.into_iter().flatten() {
                            let holder = &holders[slot as usize];
                            assert_eq!(holder.fetch_add(1, Ordering::Relaxed), 0);
                        }
                        for slot in taken.into_iter().flatten() {
                            holders[slot as usize].fetch_sub(1, Ordering::Relaxed);
                            slots.give_back(slot);
                        }
                    }
                });
            }
        });
        assert_eq!([(); 6].map(|()| slots.take()).iter().flatten().count(), 5);
    }
}

#[cfg(all(test, tina_loom))]
mod model {
    use super::*;
    use crate::sync::UnsafeCell;
    use std::sync::Arc;

    struct Shared {
        slots: FreeSlots,
        values: [UnsafeCell<u64>; 2],
    }
    // SAFETY: a value is touched by whoever holds its slot, which is what is under test.
    unsafe impl Sync for Shared {}
    // SAFETY: plain numbers.
    unsafe impl Send for Shared {}

    #[test]
    fn in_every_interleaving_a_slot_is_in_one_hand() {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(|| {
            let shared = Arc::new(Shared {
                slots: FreeSlots::new(2),
                values: [UnsafeCell::new(0), UnsafeCell::new(0)],
            });
            let visit = |shared: &Shared| {
                let taken = [shared.slots.take(), shared.slots.take()];
                for slot in taken.into_iter().flatten() {
                    // SAFETY: the slot's value is its holder's; the model fails if it is not.
                    shared.values[slot as usize].with_mut(|value| unsafe { *value += 1 });
                    shared.slots.give_back(slot);
                }
            };
            let other = shared.clone();
            let thread = loom::thread::spawn(move || visit(&other));
            visit(&shared);
            thread.join().unwrap();
        });
    }
}
