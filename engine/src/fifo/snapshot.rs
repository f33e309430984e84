//! What a FIFO holds, to be written down and put back.
//!
//! Does not know wires: what stamps mean on the other side of a link is the shard's to know.

use super::{NEVER, RawFifo, free_from, is_full};
use crate::codec::{AnyItem, Words};
use crate::time::Tick;

/// The slots of a FIFO, the head first: of those that are full the tick from which they may be popped,
/// and behind them of those that are free the tick from which they may be filled.
pub(crate) type Stamps = Vec<(bool, Tick)>;

impl RawFifo {
    /// Whether anything stands before its record.
    pub(crate) fn has_slow_part(&self) -> bool {
        let record = self.record();
        record.push_gate.get() == NEVER || record.pop_gate.get() == NEVER
    }

    /// The slots, the head first.
    pub(crate) fn stamps(&self) -> Stamps {
        let mut offset = self.record().head.get();
        let stamp = |_| {
            let stamp = self.stamp(offset).get();
            offset = self.after(offset);
            if is_full(stamp) {
                (true, stamp)
            } else {
                (false, free_from(stamp))
            }
        };
        (0..self.depth).map(stamp).collect()
    }

    /// The payload of slot number `distance` from the head.
    pub(crate) fn item(&self, distance: u16) -> &Words {
        let words = self.words(self.offset_from_head(distance));
        let count = usize::from(self.stride) / 8 - 1;
        // SAFETY: a slot holds that many payload words.
        unsafe { std::slice::from_raw_parts(words, count) }
    }

    /// Writes the payload of slot number `distance` from the head.
    pub(crate) fn put_item(&self, distance: u16, item: &AnyItem) {
        let words = self.words(self.offset_from_head(distance));
        let count = usize::from(self.stride) / 8 - 1;
        for (index, word) in item[..count].iter().enumerate() {
            // SAFETY: a slot holds `count` payload words, which no port reads while nothing runs.
            unsafe { words.add(index).write(*word) };
        }
    }

    /// Puts head, tail and stamps where they were.
    pub(crate) fn set_stamps(&self, head: u16, stamps: &Stamps) {
        let record = self.record();
        record.head.set(self.offset_of(head));
        let mut tail = self.offset_of(head);
        let mut offset = tail;
        for &(full, tick) in stamps {
            self.stamp(offset)
                .set(if full { tick } else { free_from(tick) });
            offset = self.after(offset);
            if full {
                tail = offset;
            }
        }
        record.tail.set(tail);
    }

    /// Notes when the last push was, of a port in this shard.
    pub(crate) fn set_last_push(&self, tick: Option<Tick>) {
        let gate = &self.record().push_gate;
        let until = tick.map_or(0, |tick| tick + 1);
        if gate.get() == NEVER {
            self.slow_part().pushed_until.set(until);
        } else {
            gate.set(until);
        }
    }

    /// Notes when the last pop was, of a port in this shard.
    pub(crate) fn set_last_pop(&self, tick: Option<Tick>) {
        let gate = &self.record().pop_gate;
        let until = tick.map_or(0, |tick| tick + 1);
        if gate.get() == NEVER {
            self.slow_part().popped_until.set(until);
        } else {
            gate.set(until);
        }
    }

    fn offset_from_head(&self, distance: u16) -> u32 {
        let from_first = self.record().head.get() + self.offset_of(distance);
        if from_first < self.end() {
            from_first
        } else {
            from_first - self.end()
        }
    }
}
