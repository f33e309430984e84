//! HOT. FIFOs of two words between processing elements, many to a bank.
//!
//! What a FIFO of the other sort keeps in its header stands here in *planes* of one bit for each of 64
//! FIFOs, so that who may fire is found for 64 elements at once. The words lie in rows:
//!
//! ```text
//!   planes   | one two head tail pushed popped pushing popping |   64 FIFOs to a line
//!   rows     slot 0 … | slot 1 … | digest … | pushed until … | popped until …
//! ```
//!
//! *One* and *two* count the items before the edge being evaluated; *pushed* and *popped* are what is
//! done at that edge, and [`Bank::begin`] takes them into the counts when the next one comes: nothing
//! that is done within an edge can be seen in it. The ticks of the last transfers are written only
//! where a FIFO falls idle; where it moves at every edge, *pushing* and *popping* say so.
//!
//! Every other FIFO begins with slot 1: in a chain whose items follow each other at every second edge,
//! the words that are read at an edge then stand together, and so do those that are written.
//!
//! Only for wires of depth 2, one lane, latency and credit of one edge, with both ends here.

mod snapshot;

pub(crate) use snapshot::Pair;

use crate::arena::{Arena, ArenaRef, Zeroed};
use crate::fifo::{RawFifo, Show};
use crate::hash::absorb;
use crate::time::Tick;
use std::cell::Cell;
use std::mem::MaybeUninit;

/// FIFOs to a plane.
pub(crate) const PLANE: usize = 64;

/// Elements that one step of the vector code fires together: the words of a bank are read and
/// written that many at a time.
pub(crate) const LANES: usize = 8;

/// Slots of a banked FIFO.
pub(crate) const BANK_DEPTH: u32 = 2;

/// The state of 64 FIFOs but for their words: a bit of each stands for one.
#[repr(C, align(64))]
pub(crate) struct Planes {
    /// Holds one item, or two, before this edge.
    pub(crate) one: Cell<u64>,
    pub(crate) two: Cell<u64>,
    /// Slot of the next pop, and of the next push, before this edge.
    pub(crate) head: Cell<u64>,
    pub(crate) tail: Cell<u64>,
    /// Transferred at this edge.
    pub(crate) pushed: Cell<u64>,
    pub(crate) popped: Cell<u64>,
    /// Transferred at the edge before.
    pushing: Cell<u64>,
    popping: Cell<u64>,
}
// SAFETY: cells of integers only.
unsafe impl Zeroed for Planes {}

/// The slots at which FIFOs begin.
const FIRST_SLOTS: u64 = 0xAAAA_AAAA_AAAA_AAAA;

/// When the edges are that a bank's planes speak of; each the tick after it, 0 for none.
struct Edges {
    now: Cell<Tick>,
    before: Cell<Tick>,
    /// Whether any transfer stands in the planes.
    busy: Cell<u64>,
}
// SAFETY: cells of integers only.
unsafe impl Zeroed for Edges {}

/// The FIFOs in front of one port of all elements of a group.
#[derive(Clone, Copy)]
pub(crate) struct Bank {
    edges: ArenaRef<Edges>,
    /// A plane for nobody stands at both ends, so that bits at any distance may be asked for.
    planes: ArenaRef<[Planes]>,
    /// Rows of words, with room for [`LANES`] at both ends.
    slots: [ArenaRef<[Cell<u64>]>; 2],
    digests: ArenaRef<[Cell<u64>]>,
    pushed_until: ArenaRef<[Cell<Tick>]>,
    popped_until: ArenaRef<[Cell<Tick>]>,
}

const ROWS: usize = 5;

const fn row_words(capacity: usize) -> usize {
    capacity.next_multiple_of(PLANE) + 2 * LANES
}

impl Bank {
    /// Arena bytes of a bank, alignment included.
    pub(crate) const fn bytes(capacity: usize) -> usize {
        let planes = (capacity.div_ceil(PLANE) + 2) * size_of::<Planes>();
        size_of::<Edges>() + 64 + planes + ROWS * (row_words(capacity) * 8 + 64)
    }

    /// A bank of empty FIFOs.
    pub(crate) fn carve(arena: &Arena, capacity: usize) -> Self {
        let edges = arena.carve_shared();
        let planes: ArenaRef<[Planes]> = arena.carve_shared_slice(capacity.div_ceil(PLANE) + 2);
        for planes in planes.iter() {
            planes.head.set(FIRST_SLOTS);
            planes.tail.set(FIRST_SLOTS);
        }
        let row = || {
            let _padding = arena.carve_bytes(0, 64);
            arena.carve_shared_slice(row_words(capacity))
        };
        Self {
            edges,
            planes,
            slots: [row(), row()],
            digests: row(),
            pushed_until: row(),
            popped_until: row(),
        }
    }

    /// The planes of FIFOs `64 × number` and on; -1 and one more than there are stand for nobody.
    #[inline(always)]
    pub(crate) fn planes(&self, number: isize) -> &Planes {
        let index = number.wrapping_add(1) as usize;
        debug_assert!(index < self.planes.len());
        // SAFETY: whoever asks has at least one FIFO of this bank in reach of a plane's width, and
        // there is a plane more than needed at both ends.
        unsafe { self.planes.get_unchecked(index) }
    }

    /// The word of FIFO `lane` in slot 0 or 1; lanes from -8 to 8 beyond the last are in the row.
    #[inline(always)]
    pub(crate) fn slot(&self, number: usize, lane: isize) -> *mut u64 {
        word_of(&self.slots[number], lane)
    }

    /// The digest of FIFO `lane`, with the same limits.
    #[inline(always)]
    pub(crate) fn digest(&self, lane: isize) -> *mut u64 {
        word_of(&self.digests, lane)
    }

    /// Whether both are the same bank.
    pub(crate) fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.planes.as_ptr(), other.planes.as_ptr())
    }

    /// Notes that something is transferred at this edge.
    #[inline(always)]
    pub(crate) fn touch(&self) {
        self.edges.busy.set(1);
    }

    /// Takes the item that is ready in one FIFO.
    #[inline(always)]
    pub(crate) fn pop(&self, lane: usize) -> u64 {
        let planes = self.planes((lane / PLANE) as isize);
        let bit = lane % PLANE;
        let head = (planes.head.get() >> bit & 1) as usize;
        planes.popped.set(planes.popped.get() | 1 << bit);
        self.touch();
        self.slots[head][lane + LANES].get()
    }

    /// Pushes into one FIFO, where there is room.
    #[inline(always)]
    pub(crate) fn push(&self, lane: usize, word: u64, now: Tick) {
        let planes = self.planes((lane / PLANE) as isize);
        let bit = lane % PLANE;
        let tail = (planes.tail.get() >> bit & 1) as usize;
        planes.pushed.set(planes.pushed.get() | 1 << bit);
        self.touch();
        let place = lane + LANES;
        self.slots[tail][place].set(word);
        let digest = &self.digests[place];
        digest.set(digest_after(digest.get(), word, now));
    }

    /// Counts what was done at the edge before and begins the one at `now`.
    pub(crate) fn begin(&self, now: Tick) {
        if self.edges.busy.get() != 0 {
            let before = self.edges.before.get();
            let mut busy = 0;
            let planes = &self.planes[1..self.planes.len() - 1];
            for (number, planes) in planes.iter().enumerate() {
                busy |= planes.count(|lane, popped| {
                    let row = if popped {
                        &self.popped_until
                    } else {
                        &self.pushed_until
                    };
                    row[number * PLANE + lane + LANES].set(before);
                });
            }
            self.edges.busy.set(busy);
            self.edges.before.set(self.edges.now.get());
        }
        self.edges.now.set(now + 1);
    }
}

/// A pointer to a word of a row.
#[inline(always)]
fn word_of(row: &ArenaRef<[Cell<u64>]>, lane: isize) -> *mut u64 {
    debug_assert!((0..row.len() as isize).contains(&(lane + LANES as isize)));
    // A pointer is only made, not read: what lies behind it is the caller's to keep to.
    row.as_ptr()
        .cast_mut()
        .cast::<u64>()
        .wrapping_offset(lane + LANES as isize)
}

impl Planes {
    /// Takes the transfers of the edge before into the counts. `idle(lane, popped)` is told of
    /// FIFOs that moved at the edge before that one and did not again. Returns who moved.
    #[inline(always)]
    fn count(&self, mut idle: impl FnMut(usize, bool)) -> u64 {
        let (pushed, popped) = (self.pushed.replace(0), self.popped.replace(0));
        let (more, less) = (pushed & !popped, popped & !pushed);
        let (one, two) = (self.one.get(), self.two.get());
        self.one
            .set((one & !(more | less)) | (more & !one) | (less & two));
        self.two.set((two & !less) | (more & one));
        self.tail.set(self.tail.get() ^ pushed);
        self.head.set(self.head.get() ^ popped);
        for_each_bit(self.pushing.replace(pushed) & !pushed, |lane| {
            idle(lane, false);
        });
        for_each_bit(self.popping.replace(popped) & !popped, |lane| {
            idle(lane, true);
        });
        pushed | popped
    }
}

/// The digest of a wire of words after a push at `tick`, the same as a port's.
#[inline(always)]
pub(crate) fn digest_after(digest: u64, word: u64, tick: Tick) -> u64 {
    tick.wrapping_add(absorb(digest, word))
}

/// Visits the places of the bits that are set, the lowest first.
#[inline(always)]
pub(crate) fn for_each_bit(mut bits: u64, mut visit: impl FnMut(usize)) {
    while bits != 0 {
        visit(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}

/// One FIFO of a bank.
#[derive(Clone, Copy)]
pub(crate) struct Banked {
    pub(crate) bank: Bank,
    pub(crate) lane: u32,
}

impl Banked {
    #[inline(always)]
    fn planes(&self) -> &Planes {
        self.bank.planes(self.lane as isize / PLANE as isize)
    }

    #[inline(always)]
    fn bit(&self, plane: &Cell<u64>) -> u64 {
        plane.get() >> (self.lane as usize % PLANE) & 1
    }

    #[inline(always)]
    fn word(&self, row: &ArenaRef<[Cell<u64>]>) -> u64 {
        row[self.lane as usize + LANES].get()
    }

    /// Whether an item can be popped at this edge. Elements transfer once per edge.
    #[inline(always)]
    pub(crate) fn ready(&self) -> bool {
        let planes = self.planes();
        self.bit(&planes.one) | self.bit(&planes.two) != 0
    }

    /// Whether an item can be pushed at this edge.
    #[inline(always)]
    pub(crate) fn has_room(&self) -> bool {
        self.bit(&self.planes().two) == 0
    }

    /// Takes the item that is ready.
    #[inline(always)]
    pub(crate) fn pop(&self) -> u64 {
        self.bank.pop(self.lane as usize)
    }

    /// Pushes where there is room.
    #[inline(always)]
    pub(crate) fn push(&self, word: u64, now: Tick) {
        self.bank.push(self.lane as usize, word, now);
    }

    fn last(
        &self,
        now: &Cell<u64>,
        before: &Cell<u64>,
        row: &ArenaRef<[Cell<u64>]>,
    ) -> Option<Tick> {
        let until = if self.bit(now) == 1 {
            self.bank.edges.now.get()
        } else if self.bit(before) == 1 {
            self.bank.edges.before.get()
        } else {
            self.word(row)
        };
        until.checked_sub(1)
    }
}

/// Where the items of a wire are kept.
#[derive(Clone, Copy)]
pub(crate) enum Store {
    Slots(RawFifo),
    Banked(Banked),
}

impl Store {
    /// Running digest of every push.
    pub(crate) fn digest(&self) -> u64 {
        match self {
            Self::Slots(fifo) => fifo.record().digest.get(),
            Self::Banked(fifo) => fifo.word(&fifo.bank.digests),
        }
    }

    /// When the last push was, as far as this side knows.
    pub(crate) fn last_push(&self) -> Option<Tick> {
        match self {
            Self::Slots(fifo) => fifo.last_push(),
            Self::Banked(fifo) => {
                let planes = fifo.planes();
                fifo.last(&planes.pushed, &planes.pushing, &fifo.bank.pushed_until)
            }
        }
    }

    /// When the last pop was, as far as this side knows.
    pub(crate) fn last_pop(&self) -> Option<Tick> {
        match self {
            Self::Slots(fifo) => fifo.last_pop(),
            Self::Banked(fifo) => {
                let planes = fifo.planes();
                fifo.last(&planes.popped, &planes.popping, &fifo.bank.popped_until)
            }
        }
    }

    /// Number of the slot that the next pop empties.
    pub(crate) fn head_index(&self) -> u16 {
        match self {
            Self::Slots(fifo) => fifo.index_of(fifo.record().head.get()),
            Self::Banked(fifo) => {
                let planes = fifo.planes();
                let first = FIRST_SLOTS >> (fifo.lane as usize % PLANE) & 1;
                (fifo.bit(&planes.head) ^ fifo.bit(&planes.popped) ^ first) as u16
            }
        }
    }

    /// Items, those in flight included.
    pub(crate) fn occupancy(&self) -> u32 {
        match self {
            Self::Slots(fifo) => fifo.occupancy(),
            Self::Banked(fifo) => {
                let planes = fifo.planes();
                let before = fifo.bit(&planes.one) + 2 * fifo.bit(&planes.two);
                (before + fifo.bit(&planes.pushed) - fifo.bit(&planes.popped)) as u32
            }
        }
    }

    /// The item pushed last, as text; there must be one.
    pub(crate) fn last_item(&self, show: Show) -> String {
        match self {
            Self::Slots(fifo) => fifo.last_item(show),
            Self::Banked(fifo) => {
                let planes = fifo.planes();
                let next = fifo.bit(&planes.tail) ^ fifo.bit(&planes.pushed);
                let word = fifo.word(&fifo.bank.slots[1 - next as usize]);
                show(&[MaybeUninit::new(word)])
            }
        }
    }
}

#[cfg(test)]
mod tests;
