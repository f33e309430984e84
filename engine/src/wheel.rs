//! HOT. The timing wheel of a shard: who is to be woken at which tick.
//!
//! A hashed wheel: bucket = tick mod 1024, each entry keeps its exact tick, so a sleep may be as
//! long as time itself. Entries are intrusive nodes, one per instance (for `Sleep`) and one per
//! slot of every wire that is slower than one edge, so arming allocates nothing and cannot fail.
//! A node is armed at most once at a time.

use crate::arena::{Arena, Column, Zeroed};
use crate::time::Tick;
use std::cell::Cell;

const BUCKETS: usize = 1024;
const NONE: u32 = 0;

/// Whom to wake: the offset of the instance's flag from the arena's base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waker(pub(crate) u32);

/// Index of a node; 0 is nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeId(pub(crate) u32);

struct Node {
    due: Cell<Tick>,
    next: Cell<u32>,
    previous: Cell<u32>,
    flag: Cell<u32>,
    armed: Cell<u32>,
}
// SAFETY: cells of integers only.
unsafe impl Zeroed for Node {}

pub(crate) struct Wheel {
    nodes: Column<Node>,
    buckets: Column<Cell<u32>>,
    occupied: Column<Cell<u64>>,
    armed_count: Cell<u32>,
    fired_until: Cell<Tick>,
}

impl Wheel {
    /// Bytes a wheel of `node_count` nodes takes from the arena.
    pub(crate) fn bytes(node_count: usize) -> usize {
        (node_count + 1) * size_of::<Node>() + BUCKETS * 4 + BUCKETS / 8 + 24
    }

    pub(crate) fn carve(arena: &Arena, node_count: usize) -> Self {
        Self {
            nodes: arena.carve(node_count + 1),
            buckets: arena.carve(BUCKETS),
            occupied: arena.carve(BUCKETS / 64),
            armed_count: Cell::new(0),
            fired_until: Cell::new(0),
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.armed_count.get() == 0
    }

    /// Wakes `waker` at tick `due`, which lies after the last fired tick. Re-arming moves a node.
    pub(crate) fn arm(&self, id: NodeId, due: Tick, waker: Waker) {
        debug_assert!(
            due >= self.fired_until.get(),
            "armed for a tick that has passed"
        );
        self.cancel(id);
        let node = &self.nodes[id.0 as usize];
        let bucket = due as usize % BUCKETS;
        let head = &self.buckets[bucket];
        node.due.set(due);
        node.flag.set(waker.0);
        node.next.set(head.get());
        node.previous.set(NONE);
        node.armed.set(1);
        if head.get() != NONE {
            self.nodes[head.get() as usize].previous.set(id.0);
        }
        head.set(id.0);
        let word = &self.occupied[bucket / 64];
        word.set(word.get() | 1 << (bucket % 64));
        self.armed_count.set(self.armed_count.get() + 1);
    }

    pub(crate) fn cancel(&self, id: NodeId) {
        let node = &self.nodes[id.0 as usize];
        if node.armed.get() == 0 {
            return;
        }
        let bucket = node.due.get() as usize % BUCKETS;
        let (previous, next) = (node.previous.get(), node.next.get());
        if previous == NONE {
            self.buckets[bucket].set(next);
        } else {
            self.nodes[previous as usize].next.set(next);
        }
        if next != NONE {
            self.nodes[next as usize].previous.set(previous);
        }
        if self.buckets[bucket].get() == NONE {
            let word = &self.occupied[bucket / 64];
            word.set(word.get() & !(1 << (bucket % 64)));
        }
        node.armed.set(0);
        self.armed_count.set(self.armed_count.get() - 1);
    }

    /// When a node is due, if it is armed.
    pub(crate) fn due(&self, id: NodeId) -> Option<Tick> {
        let node = &self.nodes[id.0 as usize];
        (node.armed.get() != 0).then(|| node.due.get())
    }

    /// Hands every waker due at or before `now` to `wake`.
    #[inline]
    pub(crate) fn fire(&self, now: Tick, wake: impl FnMut(Waker)) {
        if self.armed_count.get() != 0 {
            self.fire_armed(now, wake);
        }
        self.fired_until.set(now);
    }

    fn fire_armed(&self, now: Tick, mut wake: impl FnMut(Waker)) {
        let first = self.fired_until.get();
        let span = (now - first).min(BUCKETS as u64 - 1);
        for tick in now - span..=now {
            let bucket = tick as usize % BUCKETS;
            if self.occupied[bucket / 64].get() >> (bucket % 64) & 1 == 0 {
                continue;
            }
            let mut id = self.buckets[bucket].get();
            while id != NONE {
                let node = &self.nodes[id as usize];
                let next = node.next.get();
                if node.due.get() <= now {
                    self.cancel(NodeId(id));
                    wake(Waker(node.flag.get()));
                }
                id = next;
            }
        }
    }

    /// The earliest tick anybody waits for. Linear in the armed nodes at worst: only asked when
    /// nobody is ready.
    pub(crate) fn next_due(&self) -> Option<Tick> {
        if self.is_empty() {
            return None;
        }
        let now = self.fired_until.get();
        let mut earliest = Tick::MAX;
        for distance in 0..BUCKETS as u64 {
            let bucket = (now + distance) as usize % BUCKETS;
            if self.occupied[bucket / 64].get() >> (bucket % 64) & 1 == 0 {
                continue;
            }
            let mut id = self.buckets[bucket].get();
            while id != NONE {
                let node = &self.nodes[id as usize];
                earliest = earliest.min(node.due.get());
                id = node.next.get();
            }
            // Nothing in a later bucket of this revolution can be earlier.
            if earliest <= now + distance {
                break;
            }
        }
        Some(earliest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Clone, Debug)]
    enum Step {
        Arm(u32, u64),
        Cancel(u32),
        Advance(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (1..20u32, 0..3_000u64).prop_map(|(id, delay)| Step::Arm(id, delay)),
            (1..20u32).prop_map(Step::Cancel),
            prop_oneof![0..4u64, 0..5_000u64].prop_map(Step::Advance),
        ]
    }

    proptest! {
        #[test]
        fn fires_exactly_what_a_sorted_map_would(steps in prop::collection::vec(step(), 1..200)) {
            let arena = Arena::map(Wheel::bytes(20)).unwrap();
            let wheel = Wheel::carve(&arena, 20);
            let mut model = BTreeMap::new();
            let mut now = 0;
            wheel.fire(0, |_| {});
            for step in steps {
                match step {
                    Step::Arm(id, delay) => {
                        wheel.arm(NodeId(id), now + 1 + delay, Waker(id));
                        model.insert(id, now + 1 + delay);
                    }
                    Step::Cancel(id) => {
                        wheel.cancel(NodeId(id));
                        model.remove(&id);
                    }
                    Step::Advance(by) => {
                        now += by;
                        let mut fired = Vec::new();
                        wheel.fire(now, |waker| fired.push(waker.0));
                        fired.sort_unstable();
                        let due: Vec<u32> =
                            model.iter().filter(|&(_, &due)| due <= now).map(|(&id, _)| id).collect();
                        model.retain(|_, due| *due > now);
                        prop_assert_eq!(fired, due);
                    }
                }
                prop_assert_eq!(wheel.next_due(), model.values().min().copied());
                prop_assert_eq!(wheel.is_empty(), model.is_empty());
            }
        }
    }
}
