//! What a FIFO of a bank holds, to be written down and put back.

use super::{Banked, FIRST_SLOTS, LANES, PLANE};
use crate::time::Tick;
use std::cell::Cell;

/// What stands in one FIFO between two edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    /// Number of the slot at the head.
    pub(crate) head: u16,
    /// Items.
    pub(crate) count: u16,
    /// The words of the slots, that at the head first.
    pub(crate) words: [u64; 2],
    pub(crate) digest: u64,
    pub(crate) last_push: Option<Tick>,
    pub(crate) last_pop: Option<Tick>,
}

impl Banked {
    /// Fills an empty FIFO with what stood in one.
    pub(crate) fn set_pair(&self, pair: &Pair) {
        let planes = self.planes();
        let put = |plane: &Cell<u64>, bit: bool| {
            let place = self.lane as usize % PLANE;
            plane.set(plane.get() & !(1 << place) | u64::from(bit) << place);
        };
        let head = self.place_of(pair.head);
        put(&planes.one, pair.count == 1);
        put(&planes.two, pair.count == 2);
        put(&planes.head, head == 1);
        put(&planes.tail, (head + usize::from(pair.count)) % 2 == 1);
        let place = self.lane as usize + LANES;
        for (distance, &word) in pair.words.iter().enumerate() {
            self.bank.slots[(head + distance) % 2][place].set(word);
        }
        let until = |tick: Option<Tick>| tick.map_or(0, |tick| tick + 1);
        self.bank.digests[place].set(pair.digest);
        self.bank.pushed_until[place].set(until(pair.last_push));
        self.bank.popped_until[place].set(until(pair.last_pop));
    }

    /// The words of the slots, that at the head first; slot `head` is there.
    pub(crate) fn words_from(&self, head: u16) -> [u64; 2] {
        let head = self.place_of(head);
        [0, 1].map(|distance| self.word(&self.bank.slots[(head + distance) % 2]))
    }

    /// The row in which a slot stands: every other FIFO begins with slot 1.
    fn place_of(&self, slot: u16) -> usize {
        let first = (FIRST_SLOTS >> (self.lane as usize % PLANE) & 1) as usize;
        (usize::from(slot) + first) % 2
    }
}
