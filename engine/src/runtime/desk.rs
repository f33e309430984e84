//! Desks: what a shard knows of each place for an isolate, whoever sits there; and who is ready.

use super::handle::Handle;
use super::mail::{NONE, Queue};
use crate::arena::{Arena, Column};
use std::any::TypeId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Nobody lives here.
    Free,
    /// Will be started in its first turn.
    Starting,
    Alive,
    /// Has ended; will be buried before anybody else is run.
    Ending,
    /// Has ended; its supervisor will start another one here.
    Waiting,
    /// The slot has used up its generations.
    Worn,
}

/// What besides notices reaches an isolate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hears {
    Everything,
    /// Nothing until a call ends or a sleep is over.
    Notices,
}

pub(crate) struct Desk {
    pub(crate) life: Life,
    pub(crate) hears: Hears,
    /// Another turn was asked for, or a sleep is over.
    pub(crate) resumed: bool,
    /// The last event was [`Event::Resumed`](super::Event::Resumed).
    pub(crate) just_resumed: bool,
    /// It is to be told of the shutdown.
    pub(crate) stopping: bool,
    /// It sleeps, or its supervisor waits before it starts it again: the desk's alarm is set.
    pub(crate) asleep: bool,
    /// Messages of the high lane in a row.
    pub(crate) high_streak: u8,
    pub(crate) kind: u8,
    pub(crate) generation: u32,
    pub(crate) mail_count: u32,
    pub(crate) call_count: u16,
    pub(crate) timer_count: u16,
    pub(crate) monitor_count: u16,
    pub(crate) operation_count: u16,
    pub(crate) notices: Queue,
    pub(crate) high: Queue,
    pub(crate) normal: Queue,
    /// First of the notices it owns.
    pub(crate) owned: u32,
    /// First of those who watch it.
    pub(crate) watchers: u32,
    pub(crate) next_free: u32,
}

impl Desk {
    /// One nobody has sat at since `generation`.
    pub(crate) fn free(kind: u8, next_free: u32, generation: u32) -> Self {
        Self {
            life: Life::Free,
            hears: Hears::Everything,
            resumed: false,
            just_resumed: false,
            stopping: false,
            asleep: false,
            high_streak: 0,
            kind,
            generation,
            mail_count: 0,
            call_count: 0,
            timer_count: 0,
            monitor_count: 0,
            operation_count: 0,
            notices: Queue::EMPTY,
            high: Queue::EMPTY,
            normal: Queue::EMPTY,
            owned: NONE,
            watchers: NONE,
            next_free,
        }
    }

    /// Whether messages and requests reach whoever sits here.
    #[inline]
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self.life, Life::Starting | Life::Alive)
    }

    /// Whether its isolate has something to do.
    #[inline]
    pub(crate) fn is_ready(&self) -> bool {
        match self.life {
            Life::Starting => true,
            Life::Alive => {
                !self.notices.is_empty()
                    || self.resumed
                    || self.stopping
                    || (self.hears == Hears::Everything
                        && (!self.high.is_empty() || !self.normal.is_empty()))
            }
            Life::Free | Life::Ending | Life::Waiting | Life::Worn => false,
        }
    }
}

/// A set of slots that is walked round and round: two levels of bits.
pub(crate) struct ReadySet {
    words: Column<u64>,
    /// Which words are not 0.
    summary: Column<u64>,
    count: u32,
    /// Where the next look begins.
    next: usize,
}

impl ReadySet {
    pub(crate) fn bytes(slots: usize) -> usize {
        let words = slots.div_ceil(64).max(1);
        (words + words.div_ceil(64)) * 8 + 16
    }

    pub(crate) fn carve(arena: &Arena, slots: usize) -> Self {
        let words = slots.div_ceil(64).max(1);
        Self {
            words: arena.carve(words),
            summary: arena.carve(words.div_ceil(64)),
            count: 0,
            next: 0,
        }
    }

    #[inline]
    pub(crate) fn insert(&mut self, slot: usize) {
        let word = &mut self.words[slot / 64];
        let bit = 1 << (slot % 64);
        self.count += u32::from(*word & bit == 0);
        *word |= bit;
        self.summary[slot / 4096] |= 1 << (slot / 64 % 64);
    }

    #[inline]
    pub(crate) fn remove(&mut self, slot: usize) {
        let word = &mut self.words[slot / 64];
        let bit = 1 << (slot % 64);
        self.count -= u32::from(*word & bit != 0);
        *word &= !bit;
        if *word == 0 {
            self.summary[slot / 4096] &= !(1 << (slot / 64 % 64));
        }
    }

    pub(crate) fn contains(&self, slot: usize) -> bool {
        self.words[slot / 64] >> (slot % 64) & 1 == 1
    }

    /// Members, by looking at every bit.
    pub(crate) fn count_members(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    #[inline]
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// The first slot of the set at or behind where the last look ended, going round.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<usize> {
        if self.count == 0 {
            return None;
        }
        let slot = self.from(self.next).or_else(|| self.from(0))?;
        self.next = slot + 1;
        Some(slot)
    }

    #[inline]
    fn from(&self, start: usize) -> Option<usize> {
        let word = start / 64;
        let here = self.words.get(word)? >> (start % 64) << (start % 64);
        if here != 0 {
            return Some(word * 64 + here.trailing_zeros() as usize);
        }
        let word = word + 1;
        let mut group = word / 64;
        let mut bits = *self.summary.get(group)? >> (word % 64) << (word % 64);
        while bits == 0 {
            group += 1;
            bits = *self.summary.get(group)?;
        }
        let word = group * 64 + bits.trailing_zeros() as usize;
        Some(word * 64 + self.words[word].trailing_zeros() as usize)
    }
}

/// The isolates of one kind in one shard.
pub(crate) struct KindDesks {
    pub(crate) name: &'static str,
    /// The type of its messages.
    pub(crate) takes: TypeId,
    pub(crate) number: u8,
    pub(crate) first_desk: u32,
    pub(crate) free: u32,
    pub(crate) ready: ReadySet,
    /// Turns it may take before others are asked.
    pub(crate) credit: u32,
    pub(crate) weight: u32,
    pub(crate) mailbox_slots: u32,
    pub(crate) calls: u16,
    pub(crate) timers: u16,
    pub(crate) monitors: u16,
    pub(crate) operations: u16,
    /// Envelopes it holds, may hold, and is sure of.
    pub(crate) mail_count: u32,
    pub(crate) mail_max: u32,
    pub(crate) mail_reserve: u32,
}

impl KindDesks {
    pub(crate) fn handle(&self, shard: u8, desk: u32, generation: u32) -> Handle {
        Handle::new(shard, self.number, desk - self.first_desk, generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        /// Every member is visited once in a round, in order from where the last look ended.
        #[test]
        fn a_ready_set_is_walked_round(
            steps in prop::collection::vec((0..9_000usize, 0..3u8), 1..200),
        ) {
            const SLOTS: usize = 9_000;
            let arena = Arena::map(ReadySet::bytes(SLOTS)).unwrap();
            let mut set = ReadySet::carve(&arena, SLOTS);
            let mut model = BTreeSet::new();
            let mut next = 0;
            for (slot, step) in steps {
                match step {
                    0 => {
                        set.insert(slot);
                        model.insert(slot);
                    }
                    1 => {
                        set.remove(slot);
                        model.remove(&slot);
                    }
                    _ => {
                        let expected = model.range(next..).next().or_else(|| model.first()).copied();
                        prop_assert_eq!(set.next(), expected);
                        next = expected.map_or(next, |slot| slot + 1);
                    }
                }
                prop_assert_eq!(set.is_empty(), model.is_empty());
                prop_assert_eq!(set.count() as usize, model.len());
            }
        }
    }
}
