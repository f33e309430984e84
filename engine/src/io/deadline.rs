//! HOT. When operations are to be stopped: a binary heap that knows where each slot stands in it, so
//! that an operation that completes in time leaves at once.

use crate::estate::Estate;
use std::time::Duration;

/// Place of a slot that has no deadline.
const NONE: u32 = u32::MAX;

/// At most one deadline per slot, the earliest first; of equal ones the lower slot.
pub(crate) struct Deadlines {
    heap: Vec<(Duration, u32)>,
    /// Where in the heap a slot stands.
    places: Box<[u32]>,
}

impl Deadlines {
    pub(crate) fn bytes(slot_count: u32) -> usize {
        slot_count as usize * (size_of::<(Duration, u32)>() + size_of::<u32>())
    }

    pub(crate) fn new(slot_count: u32) -> Self {
        Self {
            heap: Vec::with_capacity(slot_count as usize),
            places: vec![NONE; slot_count as usize].into_boxed_slice(),
        }
    }

    /// Writes down what it has taken.
    pub(crate) fn list(&self, estate: &mut Estate) {
        estate.vec(&self.heap);
        estate.boxed(&*self.places);
    }

    /// Gives a slot without a deadline one.
    pub(crate) fn set(&mut self, slot: u32, at: Duration) {
        assert!(
            self.places[slot as usize] == NONE,
            "a slot has one deadline at most"
        );
        let place = self.heap.len();
        assert!(place < self.heap.capacity(), "one place per slot");
        self.heap.push((at, slot));
        self.places[slot as usize] = place as u32;
        self.rise(place);
    }

    /// Forgets the deadline of a slot, if it has one.
    pub(crate) fn clear(&mut self, slot: u32) {
        let place = std::mem::replace(&mut self.places[slot as usize], NONE);
        if place == NONE {
            return;
        }
        let place = place as usize;
        self.heap.swap_remove(place);
        if place < self.heap.len() {
            self.places[self.heap[place].1 as usize] = place as u32;
            self.rise(place);
            self.sink(place);
        }
    }

    pub(crate) fn first(&self) -> Option<Duration> {
        self.heap.first().map(|&(at, _)| at)
    }

    /// Takes out the earliest deadline that has come.
    pub(crate) fn take_due(&mut self, now: Duration) -> Option<u32> {
        let &(at, slot) = self.heap.first()?;
        if at > now {
            return None;
        }
        self.clear(slot);
        Some(slot)
    }

    fn rise(&mut self, mut place: usize) {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap[parent] <= self.heap[place] {
                return;
            }
            self.swap(parent, place);
            place = parent;
        }
    }

    fn sink(&mut self, mut place: usize) {
        loop {
            let mut least = place;
            for child in [2 * place + 1, 2 * place + 2] {
                if child < self.heap.len() && self.heap[child] < self.heap[least] {
                    least = child;
                }
            }
            if least == place {
                return;
            }
            self.swap(least, place);
            place = least;
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.places[self.heap[a].1 as usize] = a as u32;
        self.places[self.heap[b].1 as usize] = b as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        /// Deadlines come due in order, whatever was set and cleared before.
        #[test]
        fn deadlines_come_in_order(steps in proptest::collection::vec((0u32..16, 0u64..50, 0u8..4), 1..120)) {
            let mut deadlines = Deadlines::new(16);
            let mut model: BTreeSet<(Duration, u32)> = BTreeSet::new();
            for (slot, time, step) in steps {
                let time = Duration::from_nanos(time);
                let is_set = model.iter().any(|&(_, other)| other == slot);
                match step {
                    0 | 1 if !is_set => {
                        deadlines.set(slot, time);
                        model.insert((time, slot));
                    }
                    2 => {
                        deadlines.clear(slot);
                        model.retain(|&(_, other)| other != slot);
                    }
                    _ => {
                        let due = model.first().copied().filter(|&(at, _)| at <= time);
                        prop_assert_eq!(deadlines.take_due(time), due.map(|(_, slot)| slot));
                        due.map(|due| model.remove(&due));
                    }
                }
                prop_assert_eq!(deadlines.first(), model.first().map(|&(at, _)| at));
            }
        }
    }
}
