//! Values on their way to the chains of their signals.
//!
//! ```text
//!   put ──► pile of a group of neighbours:   instant, which | word of each | instant, which | …
//!                                            when it is full, signal after signal ──► chains
//! ```
//!
//! A trace has thousands of chains, each of which grows in a page of its own. A processor that goes from one
//! to the next at every value waits for memory, and cannot guess what each step brings. So values wait in few
//! piles, and when one is full each of its signals is gone through at once. In a pile values stand in the
//! order of time, and piles do not depend on each other, so the chains become what they would be without.
//!
//! Does not know what signals were before, nor what becomes of the values.

use crate::write::header::{Layout, SignalKind};

/// The most signals of a group.
const GROUP_SIGNALS_MAX: usize = 16;
/// Rows of a pile: enough that going to a chain is worth it, few enough that all piles stay in a cache.
const PILE_ROWS: usize = 32;
const _: () = assert!(PILE_ROWS <= 255 && GROUP_SIGNALS_MAX <= 32);

/// All groups and their piles.
pub(super) struct Stage {
    groups: Box<[Group]>,
    /// By signal.
    group_of: Box<[u32]>,
    words: Box<[u64]>,
}

/// Neighbours that stand in one scope, all of at most 64 bits; or one signal that is not put on a pile.
struct Group {
    first: u32,
    count: u8,
    /// Rows on its pile.
    rows: u8,
    /// Rows that it has room for; 0 of a group without a pile.
    rows_max: u8,
    /// The instant of the last row, if there is one.
    instant: u32,
    /// Where the last row begins; if there is none, a row before the pile.
    row: usize,
}

/// What is on the pile of a group: rows of a head and a word for each signal.
pub(super) struct Pile<'a> {
    /// Its first signal.
    pub(super) first: usize,
    pub(super) count: usize,
    rows: &'a [u64],
}

/// What stands on a pile for one signal.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) instant: u32,
    /// The word, if the signal was set then.
    pub(super) is_set: bool,
    pub(super) word: u64,
}

impl<'a> Pile<'a> {
    /// What stands there for its signal number `column`.
    pub(super) fn column(&self, column: usize) -> Column<'a> {
        Column {
            rows: self.rows,
            column,
            stride: 1 + self.count,
            at: 0,
        }
    }
}

/// What stands on a pile for one signal, in the order of time.
pub(super) struct Column<'a> {
    rows: &'a [u64],
    column: usize,
    stride: usize,
    /// The head of the next row.
    at: usize,
}

impl Column<'_> {
    /// Entries still to come.
    pub(super) fn len(&self) -> usize {
        (self.rows.len() - self.at) / self.stride
    }
}

impl Iterator for Column<'_> {
    type Item = Entry;

    #[inline(always)]
    fn next(&mut self) -> Option<Entry> {
        let head = *self.rows.get(self.at)?;
        let word = *self.rows.get(self.at + 1 + self.column)?;
        self.at += self.stride;
        Some(Entry {
            instant: (head >> 32) as u32,
            is_set: head >> self.column & 1 == 1,
            word,
        })
    }
}

impl Stage {
    pub(super) fn new(layout: &Layout) -> Self {
        let mut groups: Vec<Group> = Vec::with_capacity(layout.signals.len());
        let mut group_of = Vec::with_capacity(layout.signals.len());
        for (id, signal) in layout.signals.iter().enumerate() {
            let is_piled = signal.kind == SignalKind::Bits && signal.width_bits <= 64;
            match groups.last_mut() {
                Some(group)
                    if is_piled
                        && signal.is_next
                        && group.rows_max > 0
                        && usize::from(group.count) < GROUP_SIGNALS_MAX =>
                {
                    group.count += 1;
                }
                _ => {
                    groups.push(Group {
                        first: id as u32,
                        count: 1,
                        rows: 0,
                        rows_max: if is_piled { PILE_ROWS as u8 } else { 0 },
                        instant: 0,
                        row: 0,
                    });
                }
            }
            group_of.push(groups.len() as u32 - 1);
        }
        // The first pile is preceded by a row that is never used.
        let mut word_count = 1 + GROUP_SIGNALS_MAX;
        for group in &mut groups {
            let stride = 1 + usize::from(group.count);
            group.row = word_count - stride;
            word_count += usize::from(group.rows_max) * stride;
        }
        Self {
            groups: groups.into_boxed_slice(),
            group_of: group_of.into_boxed_slice(),
            words: vec![0; word_count].into_boxed_slice(),
        }
    }

    pub(super) fn group_count(&self) -> usize {
        self.groups.len()
    }

    pub(super) fn has_pile(&self, group: usize) -> bool {
        self.groups[group].rows_max > 0
    }

    /// The group of a signal.
    pub(super) fn group_of(&self, signal: usize) -> usize {
        self.group_of[signal] as usize
    }

    /// Puts values of neighbours on the pile of the first one's group. Returns how many, from the first on,
    /// or the group if it has no room or no pile.
    #[inline(always)]
    pub(super) fn put(
        &mut self,
        instant: u32,
        first: usize,
        words: &[u64],
    ) -> Result<usize, usize> {
        let number = self.group_of[first] as usize;
        let group = &mut self.groups[number];
        let stride = 1 + usize::from(group.count);
        if group.instant != instant || group.rows == 0 {
            if group.rows == group.rows_max {
                return Err(number);
            }
            group.instant = instant;
            group.rows += 1;
            group.row += stride;
            self.words[group.row] = u64::from(instant) << 32;
        }
        let column = first - group.first as usize;
        let count = words.len().min(stride - 1 - column);
        let row = &mut self.words[group.row..][..stride];
        row[0] |= ((1 << count) - 1) << column;
        for (place, &word) in row[1 + column..].iter_mut().zip(words) {
            *place = word;
        }
        Ok(count)
    }

    /// Takes all that is on the pile of a group.
    #[inline]
    pub(super) fn take(&mut self, number: usize) -> Pile<'_> {
        let group = &mut self.groups[number];
        let count = usize::from(group.count);
        let stride = 1 + count;
        let rows = usize::from(std::mem::take(&mut group.rows));
        let end = group.row + stride;
        group.row -= rows * stride;
        Pile {
            first: group.first as usize,
            count,
            rows: &self.words[end - rows * stride..end],
        }
    }
}
