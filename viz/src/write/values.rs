//! What every signal was last set to: what is set to that again has not changed.

use super::header::{Layout, SignalKind};

/// A signal and its last value.
#[derive(Clone, Copy)]
pub(super) struct Value {
    /// What it is, or of a signal of more than 64 bits the index of its first word.
    word: u64,
    pub(super) width_bits: u32,
    pub(super) kind: SignalKind,
    last: Last,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Unset,
    Unknown,
    Known,
}

impl Value {
    /// Sets a signal of one word; what it is now, if it has changed.
    #[inline(always)]
    pub(super) fn set(&mut self, word: u64) -> Option<u64> {
        let word = word & u64::MAX >> (64 - self.width_bits);
        if self.word == word && self.last == Last::Known && self.kind != SignalKind::Event {
            return None;
        }
        self.word = word;
        self.last = Last::Known;
        Some(word)
    }

    #[inline(always)]
    pub(super) fn is_narrow(&self) -> bool {
        self.width_bits <= 64
    }
}

/// All of them.
pub(super) struct Values {
    pub(super) signals: Vec<Value>,
    /// Values of more than 64 bits, the lowest word first.
    words: Vec<u64>,
}

impl Values {
    pub(super) fn of(layout: &Layout) -> Self {
        let mut words = Vec::new();
        let signals = layout.signals.iter().map(|signal| {
            let first = words.len() as u64;
            if signal.width_bits > 64 {
                words.resize(words.len() + signal.width_bits.div_ceil(64) as usize, 0);
            }
            Value {
                word: first,
                width_bits: signal.width_bits,
                kind: signal.kind,
                last: Last::Unset,
            }
        });
        let signals = signals.collect();
        Self { signals, words }
    }

    /// Sets a signal; whether it has changed.
    pub(super) fn set(&mut self, id: u32, given: &[u64]) -> bool {
        let value = &mut self.signals[id as usize];
        let count = value.width_bits.div_ceil(64) as usize;
        assert!(
            given.len() >= count,
            "signal {id} has {count} words, {} were given",
            given.len()
        );
        if value.is_narrow() {
            return value.set(given[0]).is_some();
        }
        let words = &mut self.words[value.word as usize..][..count];
        let top_mask = u64::MAX >> ((64 - value.width_bits % 64) % 64);
        let (top, lower) = given[..count].split_last().expect("wider than a word");
        let (last_top, last_lower) = words.split_last_mut().expect("wider than a word");
        let top = top & top_mask;
        if value.last == Last::Known && *last_top == top && last_lower == lower {
            return false;
        }
        *last_top = top;
        last_lower.copy_from_slice(lower);
        value.last = Last::Known;
        true
    }

    /// Makes a signal unknown; whether that is a change. An event cannot be.
    pub(super) fn set_unknown(&mut self, id: u32) -> bool {
        let value = &mut self.signals[id as usize];
        if value.kind == SignalKind::Event || value.last == Last::Unknown {
            return false;
        }
        value.last = Last::Unknown;
        true
    }

    /// The words of a signal, unless it is unknown.
    pub(super) fn get(&self, id: u32) -> Option<&[u64]> {
        let value = &self.signals[id as usize];
        if value.last != Last::Known {
            return None;
        }
        if value.is_narrow() {
            return Some(std::slice::from_ref(&value.word));
        }
        let count = value.width_bits.div_ceil(64) as usize;
        Some(&self.words[value.word as usize..][..count])
    }
}
