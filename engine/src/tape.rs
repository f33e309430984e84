//! HOT. What a shard has to say of its recorded wires, in raw words, on its way to whoever writes it
//! down.
//!
//! ```text
//!   instant   tick << 2 | 0                     what follows happened then
//!   push      number << 2 | 1   item words      number: of the wire among the recorded ones
//!   pop       number << 2 | 2
//!   pushed    number << 4 | 3   count           items pushed and popped before recording began
//!   popped    number << 4 | 7   count
//!   probe     number << 4 | 11  word            a field of a module has changed
//! ```
//!
//! Words are laid down in a chunk with room for whatever an instant can bring, so that a port never
//! looks whether there is room. Nothing is formatted here, and an item's padding is passed on as it
//! is. Does not know what the numbers stand for.

use crate::arena::Zeroed;
use crate::ring::Word;
use crate::time::Tick;
use std::cell::Cell;

/// What stands before the slow part of a recorded FIFO.
#[repr(C, align(64))]
pub(crate) struct RecordPart {
    /// Null while nothing is recorded.
    tape: Cell<*const Tape>,
    /// Transfers since the machine booted, or since recording began on a FIFO that held items.
    pub(crate) pushed: Cell<u64>,
    pub(crate) popped: Cell<u64>,
    /// Of the wire among the recorded ones.
    pub(crate) number: Cell<u32>,
}
// SAFETY: cells of integers and a pointer, for which null is a value.
unsafe impl Zeroed for RecordPart {}

impl RecordPart {
    /// Transfers go to this tape from here on; it must outlive every port of the shard, or be taken
    /// off again.
    pub(crate) fn set_tape(&self, tape: Option<&Tape>) {
        self.tape
            .set(tape.map_or(std::ptr::null(), std::ptr::from_ref));
    }

    /// An item was pushed.
    #[inline]
    pub(crate) fn push(&self, item: &[Word]) {
        self.pushed.set(self.pushed.get() + 1);
        if let Some(tape) = self.tape() {
            tape.note(u64::from(self.number.get()) << 2 | PUSH, item);
        }
    }

    /// An item was popped.
    #[inline]
    pub(crate) fn pop(&self) {
        self.popped.set(self.popped.get() + 1);
        if let Some(tape) = self.tape() {
            tape.note(u64::from(self.number.get()) << 2 | POP, &[]);
        }
    }

    /// The tape, while the instant at hand is recorded.
    #[inline]
    fn tape(&self) -> Option<&Tape> {
        // SAFETY: null, or the tape that the shard of this FIFO owns and takes off before it drops it.
        unsafe { self.tape.get().as_ref() }.filter(|tape| tape.open.get())
    }
}

const INSTANT: u64 = 0;
const PUSH: u64 = 1;
const POP: u64 = 2;
const PUSHED: u64 = 3;
const POPPED: u64 = 7;
const PROBE: u64 = 11;

/// An entry of a tape, without the words that follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Instant(Tick),
    Push(u32),
    Pop(u32),
    Pushed(u32),
    Popped(u32),
    Probe(u32),
}

impl Entry {
    /// What a header stands for.
    #[inline]
    pub(crate) fn of(header: u64) -> Self {
        match header & 3 {
            INSTANT => Self::Instant(header >> 2),
            PUSH => Self::Push((header >> 2) as u32),
            POP => Self::Pop((header >> 2) as u32),
            _ => {
                let number = (header >> 4) as u32;
                match header & 15 {
                    PUSHED => Self::Pushed(number),
                    POPPED => Self::Popped(number),
                    _ => Self::Probe(number),
                }
            }
        }
    }
}

/// The chunk being written.
pub(crate) struct Tape {
    words: Box<[Cell<Word>]>,
    used: Cell<usize>,
    now: Cell<Tick>,
    /// Whether the instant at hand is recorded.
    open: Cell<bool>,
    /// Whether it has been named.
    named: Cell<bool>,
}

impl Tape {
    /// A chunk of so many words.
    #[cold]
    pub(crate) fn new(word_count: usize) -> Self {
        let empty = || Cell::new(Word::new(0));
        Self {
            words: std::iter::repeat_with(empty).take(word_count).collect(),
            used: Cell::new(0),
            now: Cell::new(0),
            open: Cell::new(false),
            named: Cell::new(false),
        }
    }

    /// Begins the instant `now`.
    #[inline]
    pub(crate) fn begin(&self, now: Tick, open: bool) {
        self.now.set(now);
        self.open.set(open);
        self.named.set(false);
    }

    /// Says how many items were pushed to a wire before.
    pub(crate) fn note_pushed(&self, number: u32, count: u64) {
        self.note(u64::from(number) << 4 | PUSHED, &[Word::new(count)]);
    }

    /// Says how many items were popped before.
    pub(crate) fn note_popped(&self, number: u32, count: u64) {
        self.note(u64::from(number) << 4 | POPPED, &[Word::new(count)]);
    }

    /// Says what a field of a module is now.
    pub(crate) fn note_probe(&self, number: u32, value: u64) {
        self.note(u64::from(number) << 4 | PROBE, &[Word::new(value)]);
    }

    #[inline]
    fn note(&self, header: u64, words: &[Word]) {
        if !self.named.get() {
            self.name();
        }
        let used = self.used.get();
        let end = used + 1 + words.len();
        let entry = &self.words[used..end];
        entry[0].set(Word::new(header));
        for (cell, &word) in entry[1..].iter().zip(words) {
            cell.set(word);
        }
        self.used.set(end);
    }

    /// Names the instant, for what follows.
    #[inline(never)]
    fn name(&self) {
        let used = self.used.get();
        self.words[used].set(Word::new(self.now.get() << 2 | INSTANT));
        self.used.set(used + 1);
        self.named.set(true);
    }

    /// Words written since the chunk was emptied.
    #[inline]
    pub(crate) fn used(&self) -> usize {
        self.used.get()
    }

    /// Words the chunk still has room for.
    #[inline]
    pub(crate) fn free(&self) -> usize {
        self.words.len() - self.used.get()
    }

    /// Hands the words over and empties the chunk. `take` must not reach any port.
    pub(crate) fn empty(&self, take: impl FnOnce(&[Word])) {
        let words = &self.words[..self.used.replace(0)];
        // SAFETY: a cell lies in memory as what it holds; nobody writes a word while `take` reads them,
        // for only ports and the owner of this tape do, on this very thread.
        take(unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), words.len()) });
    }
}

/// The number in a word that is one.
#[inline]
pub(crate) fn number_in(word: Word) -> u64 {
    // SAFETY: only called for headers, and for words behind those whose word `note_…` wrote.
    unsafe { word.assume_init() }
}
