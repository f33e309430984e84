//! HOT. Lists of slots without memory of their own: each slot is on at most one list of a chain set.
//!
//! Three things are found so in time that depends on their number alone: what an owner holds,
//! what an owner has in flight, what a descriptor has in flight.

use crate::estate::Estate;

/// The end of a list, and a slot that is on none.
const NONE: u32 = u32::MAX;

/// So many doubly linked lists over so many slots.
pub(crate) struct Chains {
    heads: Box<[u32]>,
    links: Box<[Link]>,
}

#[derive(Clone, Copy)]
struct Link {
    before: u32,
    after: u32,
    /// The list the slot is on.
    head: u32,
}

impl Chains {
    pub(crate) fn bytes(head_count: u32, slot_count: u32) -> usize {
        head_count as usize * size_of::<u32>() + slot_count as usize * size_of::<Link>()
    }

    pub(crate) fn new(head_count: u32, slot_count: u32) -> Self {
        let none = Link {
            before: NONE,
            after: NONE,
            head: NONE,
        };
        Self {
            heads: vec![NONE; head_count as usize].into_boxed_slice(),
            links: vec![none; slot_count as usize].into_boxed_slice(),
        }
    }

    /// Writes down what it has taken.
    pub(crate) fn list(&self, estate: &mut Estate) {
        estate.boxed(&*self.heads);
        estate.boxed(&*self.links);
    }

    /// Puts a slot at the front of a list.
    pub(crate) fn link(&mut self, head: u32, slot: u32) {
        assert!(
            self.links[slot as usize].head == NONE,
            "a slot is on one list at most"
        );
        let after = std::mem::replace(&mut self.heads[head as usize], slot);
        if after != NONE {
            self.links[after as usize].before = slot;
        }
        self.links[slot as usize] = Link {
            before: NONE,
            after,
            head,
        };
    }

    /// Takes a slot off its list, if it is on one.
    pub(crate) fn unlink(&mut self, slot: u32) {
        let Link {
            before,
            after,
            head,
        } = self.links[slot as usize];
        if head == NONE {
            return;
        }
        if before == NONE {
            self.heads[head as usize] = after;
        } else {
            self.links[before as usize].after = after;
        }
        if after != NONE {
            self.links[after as usize].before = before;
        }
        self.links[slot as usize] = Link {
            before: NONE,
            after: NONE,
            head: NONE,
        };
    }

    pub(crate) fn first(&self, head: u32) -> Option<u32> {
        some(self.heads[head as usize])
    }

    pub(crate) fn after(&self, slot: u32) -> Option<u32> {
        some(self.links[slot as usize].after)
    }
}

fn some(slot: u32) -> Option<u32> {
    (slot != NONE).then_some(slot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Lists hold what a plain model of them holds, newest first.
        #[test]
        fn chains_are_lists(steps in proptest::collection::vec((0u32..4, 0u32..8, any::<bool>()), 1..80)) {
            let mut chains = Chains::new(4, 8);
            let mut model: Vec<Vec<u32>> = vec![Vec::new(); 4];
            for (head, slot, adds) in steps {
                let is_on = model.iter().any(|list| list.contains(&slot));
                if adds && !is_on {
                    chains.link(head, slot);
                    model[head as usize].insert(0, slot);
                } else if !adds {
                    chains.unlink(slot);
                    model.iter_mut().for_each(|list| list.retain(|&other| other != slot));
                }
                for (head, list) in model.iter().enumerate() {
                    let first = chains.first(head as u32);
                    let found: Vec<u32> = std::iter::successors(first, |&slot| chains.after(slot)).collect();
                    prop_assert_eq!(&found, list);
                }
            }
        }
    }
}
