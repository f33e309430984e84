//! HOT. Both ends of the traffic between one shard and one neighbour.
//!
//! A cut wire has a FIFO on each side: the producer's *egress* holds its credits, the consumer's
//! *ingress* holds the items. After each edge the shard sends its neighbour one frame:
//!
//! ```text
//!   stamp << 1 | content     all edges up to `stamp` are complete on this side
//!   tick                     ┐
//!   pop masks                │ one bit per wire coming from the neighbour
//!   item masks               │ one bit per wire going to it      } only with content
//!   counts of wide wires     │
//!   payload words            ┘ in the order of the item bits
//! ```
//!
//! Items and credits are taken in exactly when the edge that may see them is about to be
//! evaluated, never earlier on wires of one edge, so the stamps in the slots are those a local wire
//! would have had. Does not know which thread runs which shard.

use crate::arena::ArenaRef;
use crate::bank::for_each_bit;
use crate::fifo::{Offset, RawFifo, ShardHead, free_from, is_full, seen_at};
use crate::group::take_flags;
use crate::ring::{RingReader, RingWriter, Word, lines_of};
use crate::time::Tick;
use crate::wheel::{NodeId, Waker, Wheel};
use std::cell::Cell;

/// One cut wire as one side of a link sees it.
#[derive(Clone, Copy)]
pub(crate) struct CutWire {
    pub(crate) fifo: RawFifo,
    /// Place up to which this side has told (or been told) what happened.
    pub(crate) cursor: Offset,
    pub(crate) lanes: u8,
    /// Who to wake here when something arrives.
    pub(crate) waker: Waker,
    /// Edges until an arrival counts: latency for items, credit for credits.
    pub(crate) delay: u32,
    /// Period of the domain that counts those edges.
    pub(crate) period: Tick,
    /// Wheel node of slot 0, where the delay is more than one edge.
    pub(crate) first_node: u32,
}

impl CutWire {
    /// Payload words of one item.
    fn word_count(&self) -> usize {
        usize::from(self.fifo.stride) / 8 - 1
    }

    /// Transfers since the cursor of a wire whose flag is up: a lap that came back to the cursor
    /// is a whole depth, not nothing.
    fn news(&self, until: Offset) -> u16 {
        let lap = if until > self.cursor {
            0
        } else {
            self.fifo.end()
        };
        self.fifo.index_of(until + lap - self.cursor)
    }
}

/// The sending side.
pub(crate) struct Outbound {
    pub(crate) writer: RingWriter,
    /// Wires to the neighbour; flags are raised by pushes.
    pub(crate) items: Box<[CutWire]>,
    pub(crate) item_flags: ArenaRef<[Cell<u64>]>,
    /// Wires from the neighbour; flags are raised by pops.
    pub(crate) pops: Box<[CutWire]>,
    pub(crate) pop_flags: ArenaRef<[Cell<u64>]>,
    /// Scratch for the masks of a frame, pops first.
    pub(crate) masks: Box<[u64]>,
    /// Lines of the largest frame and a bare stamp before it.
    pub(crate) frame_lines_max: usize,
    /// How far the neighbour can go beyond a stamp: how often an empty frame is worth sending.
    pub(crate) patience: Tick,
    /// The first tick whose completion has not been told.
    pub(crate) told_until: Tick,
}

/// Words of the largest frame with these outgoing wires (payload words of an item, lanes) and that
/// many incoming ones.
pub(crate) fn frame_words_max(outgoing: &[(usize, usize)], incoming_count: usize) -> usize {
    let masks = outgoing.len().div_ceil(64) + incoming_count.div_ceil(64);
    let payload: usize = outgoing
        .iter()
        .map(|(words, lanes)| 1 + words * lanes)
        .sum();
    2 + masks + payload + incoming_count
}

impl Outbound {
    #[inline]
    pub(crate) fn has_room(&mut self) -> bool {
        self.writer.has_room(self.frame_lines_max)
    }

    /// Whether every egress FIFO has room for a full edge at `now` without any further credit, and
    /// for one item more: having pushed all it may, a module can still ask whether there is room.
    pub(crate) fn needs_no_credit(&self, now: Tick) -> bool {
        self.items.iter().all(|wire| {
            let mut offset = wire.fifo.record().tail.get();
            (0..=wire.lanes).all(|_| {
                let free = !wire.fifo.stamp(offset).get() <= now;
                offset = wire.fifo.after(offset);
                free
            })
        })
    }

    /// Sends what happened at edge `now`; all edges before `complete_until` are then complete.
    pub(crate) fn send(&mut self, now: Tick, complete_until: Tick) {
        let any = self
            .item_flags
            .iter()
            .chain(self.pop_flags.iter())
            .fold(0, |any, w| any | w.get());
        if any == 0 {
            if complete_until - self.told_until >= self.patience {
                self.tell(complete_until);
            }
            return;
        }
        if self.patience == 1 {
            // Wires of one edge have no alarm on the other side: their frame must not be taken in
            // before its own edge is complete there.
            self.tell(now);
        }
        let writer = &mut self.writer;
        self.told_until = complete_until;
        writer.put(Word::new((complete_until - 1) << 1 | 1));
        writer.put(Word::new(now));
        let (pop_masks, item_masks) = self.masks.split_at_mut(self.pops.len().div_ceil(64));
        for (k, mask) in pop_masks.iter_mut().enumerate() {
            *mask = take_flags(&self.pop_flags, k);
            writer.put(Word::new(*mask));
        }
        for (k, mask) in item_masks.iter_mut().enumerate() {
            *mask = take_flags(&self.item_flags, k);
            writer.put(Word::new(*mask));
        }
        for_each_wire(pop_masks, |index| {
            let wire = &mut self.pops[index];
            let head = wire.fifo.record().head.get();
            if wire.lanes > 1 {
                writer.put(Word::new(u64::from(wire.news(head))));
            }
            wire.cursor = head;
        });
        for_each_wire(item_masks, |index| {
            let wire = &mut self.items[index];
            let tail = wire.fifo.record().tail.get();
            let count = if wire.lanes > 1 { wire.news(tail) } else { 1 };
            if wire.lanes > 1 {
                writer.put(Word::new(u64::from(count)));
            }
            for _ in 0..count {
                let words = wire.fifo.words(wire.cursor);
                for k in 0..wire.word_count() {
                    // SAFETY: a slot holds `word_count` payload words; they may be padding.
                    writer.put(unsafe { *words.add(k) });
                }
                wire.cursor = wire.fifo.after(wire.cursor);
            }
            debug_assert_eq!(wire.cursor, tail, "one edge's items are all sent");
        });
        writer.publish();
    }

    /// Sends a bare stamp: all edges before `complete_until` are complete.
    pub(crate) fn tell(&mut self, complete_until: Tick) {
        if complete_until > self.told_until {
            self.told_until = complete_until;
            self.writer.put(Word::new((complete_until - 1) << 1));
            self.writer.publish();
        }
    }
}

/// The receiving side.
pub(crate) struct Inbound {
    pub(crate) reader: RingReader,
    /// Wires from the neighbour.
    pub(crate) items: Box<[CutWire]>,
    /// Wires to the neighbour, whose credits come back.
    pub(crate) pops: Box<[CutWire]>,
    /// Scratch for the masks of a frame, pops first.
    pub(crate) masks: Box<[u64]>,
    /// Ticks that may be evaluated beyond a stamp, as far as items are concerned.
    pub(crate) item_reach: Tick,
    /// The same for credits.
    pub(crate) credit_reach: Tick,
    /// The first tick that the neighbour has not completed, as far as frames were taken in.
    pub(crate) known_until: Tick,
}

impl Inbound {
    /// Takes in one frame, if one is there. All edges before `upcoming` have been evaluated here.
    pub(crate) fn receive(&mut self, head: &ShardHead, wheel: &Wheel, upcoming: Tick) -> Received {
        if !self.reader.ready() {
            return Received::Nothing;
        }
        let stamp = self.take();
        self.known_until = (stamp >> 1) + 1;
        if stamp & 1 == 1 {
            self.receive_content(head, wheel, upcoming);
        }
        self.reader.finish();
        if stamp & 1 == 1 {
            Received::News
        } else {
            Received::Stamp
        }
    }

    #[inline(always)]
    fn take(&mut self) -> u64 {
        self.reader.take_number()
    }

    fn receive_content(&mut self, head: &ShardHead, wheel: &Wheel, upcoming: Tick) {
        let tick = self.take();
        let reader = &mut self.reader;
        for mask in &mut self.masks {
            *mask = reader.take_number();
        }
        let (pop_masks, item_masks) = self.masks.split_at(self.pops.len().div_ceil(64));
        for_each_wire(pop_masks, |index| {
            let wire = &mut self.pops[index];
            let count = if wire.lanes > 1 {
                reader.take_number()
            } else {
                1
            };
            let free_at = seen_at(tick, wire.period, wire.delay);
            for _ in 0..count {
                let offset = wire.cursor;
                let stamp = wire.fifo.stamp(offset);
                debug_assert!(is_full(stamp.get()), "a credit for a full slot");
                stamp.set(free_from(free_at));
                wire.cursor = wire.fifo.after(offset);
                // As on a local wire of one edge and one lane: only a full FIFO can have a producer
                // waiting for room.
                let awaited =
                    wire.delay > 1 || wire.lanes > 1 || wire.fifo.record().tail.get() == offset;
                // A credit is late only if there was room without it at the edges it missed: whoever
                // it would have woken there had nothing to wait for.
                if awaited && free_at >= upcoming {
                    arrive(wire, head, wheel, offset, free_at);
                }
            }
            wire.fifo.record().head.set(wire.cursor);
        });
        for_each_wire(item_masks, |index| {
            let wire = &mut self.items[index];
            let count = if wire.lanes > 1 {
                reader.take_number()
            } else {
                1
            };
            let visible_at = seen_at(tick, wire.period, wire.delay);
            for _ in 0..count {
                let stamp = wire.fifo.stamp(wire.cursor);
                debug_assert!(!is_full(stamp.get()), "an item for a free slot");
                let words = wire.fifo.words(wire.cursor);
                for k in 0..wire.word_count() {
                    // SAFETY: a slot holds `word_count` payload words, and a free one is the link's.
                    unsafe { *words.add(k) = reader.take() };
                }
                let offset = wire.cursor;
                wire.fifo.stamp(offset).set(visible_at);
                wire.cursor = wire.fifo.after(offset);
                arrive(wire, head, wheel, offset, visible_at);
            }
            wire.fifo.record().tail.set(wire.cursor);
            wire.fifo.note_push(tick);
        });
    }
}

/// What a frame brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Nothing,
    /// Only that time has passed on the other side.
    Stamp,
    /// Items or credits.
    News,
}

/// Wakes who wants to know of an arrival, at the edge at which it counts.
#[inline(always)]
fn arrive(wire: &CutWire, head: &ShardHead, wheel: &Wheel, offset: Offset, seen_at: Tick) {
    if wire.delay == 1 {
        head.wake(wire.waker);
    } else {
        let index = u32::from(wire.fifo.index_of(offset));
        wheel.arm(NodeId(wire.first_node + index), seen_at, wire.waker);
    }
}

#[inline(always)]
fn for_each_wire(masks: &[u64], mut visit: impl FnMut(usize)) {
    for (k, &mask) in masks.iter().enumerate() {
        for_each_bit(mask, |bit| visit(k * 64 + bit));
    }
}

/// Lines for a ring whose largest frame takes `frame_lines` lines: a few frames in flight, and
/// plenty of bare stamps.
pub(crate) fn ring_lines(frame_words: usize) -> usize {
    (4 * lines_of(frame_words) + 16).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Arena;

    #[test]
    fn distances_of_the_deepest_fifo_do_not_overflow() {
        let arena = Arena::map(1 << 20).unwrap();
        let fifo = RawFifo::carve(&arena, false, false, u16::MAX, 8);
        let wire = CutWire {
            fifo,
            cursor: fifo.offset_of(65_000),
            lanes: 2,
            waker: Waker(0),
            delay: 1,
            period: 1,
            first_node: 0,
        };
        assert_eq!(wire.news(fifo.offset_of(40_000)), 40_535);
        assert_eq!(wire.news(fifo.offset_of(65_001)), 1);
        assert_eq!(wire.news(fifo.offset_of(65_000)), u16::MAX);
    }
}
