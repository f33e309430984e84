//! Frames between shards: what travels on the ring of an ordered pair, and how much of it may.
//!
//! ```text
//!   word 0: tag | lane << 8 | why << 16 | has call << 24 | words of parcel << 32
//!   then source, target, the call if there is one, and the parcel if there is one, no longer than its value
//! ```
//!
//! A ring has room for three things, so that none can be starved by another: messages, as many as the
//! link's `messages`; replies, the link's `replies` (more take the door, which is slower); and messages
//! that come back, three times as many as may go the other way: those on the way when the sender's turn
//! begins, those sent in it, and those that the receiver sends back in one turn, of which the sender
//! does not hear before its end. A turn takes in no more messages of a shard than its link's `messages`,
//! and who has not taken in everything that came from a shard sends it none, so there are never more.

use super::handle::Handle;
use super::mail::{Lane, Queue};
use super::parcel::{PARCEL_WORDS, Parcel};
use super::refusal::Undelivered;
use crate::ring::{RingReader, RingWriter, lines_of};
use std::mem::MaybeUninit;

const HEAD_WORDS: usize = 4;
/// Lines of a frame that carries a parcel.
const FULL_LINES: usize = lines_of(HEAD_WORDS + PARCEL_WORDS);

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameTag {
    /// A message for `target`; of the call `call` if that is not 0.
    Message,
    /// A message from `target`, which hands it to its sender again, for `source` did not take it.
    Returned,
    /// The reply to the call `call` of `target`.
    Reply,
    /// The right to answer the call `call` of `target` was dropped.
    NoReply,
    /// `source` wants to know when `target` ends; `call` is its notice.
    Watch,
    /// The same, and `target` is to end when `source` does.
    Link,
    /// It does no longer.
    Unwatch,
    /// `source` ends `target`.
    End,
    /// `source` has ended; `target` asked with the notice `call`.
    Down,
}

impl FrameTag {
    /// Whether it may be answered at once, from the room kept for what goes back.
    pub(crate) const fn asks(self) -> bool {
        matches!(self, Self::Message | Self::Watch | Self::Link)
    }

    const ALL: [Self; 9] = [
        Self::Message,
        Self::Returned,
        Self::Reply,
        Self::NoReply,
        Self::Watch,
        Self::Link,
        Self::Unwatch,
        Self::End,
        Self::Down,
    ];
}

pub(crate) struct Frame {
    pub(crate) tag: FrameTag,
    pub(crate) lane: Lane,
    pub(crate) why: Undelivered,
    pub(crate) source: Handle,
    pub(crate) target: Handle,
    pub(crate) call: u64,
    pub(crate) parcel: Parcel,
}

impl Frame {
    pub(crate) fn new(tag: FrameTag, source: Handle, target: Handle, call: u64) -> Self {
        Self {
            tag,
            lane: Lane::Normal,
            why: Undelivered::Stale,
            source,
            target,
            call,
            parcel: Parcel::empty(),
        }
    }

    fn write(self, writer: &mut RingWriter) {
        let word_count = self.parcel.word_count();
        let has_call = self.call != 0;
        let head = self.tag as u64
            | (self.lane as u64) << 8
            | (self.why as u64) << 16
            | u64::from(has_call) << 24
            | (word_count as u64) << 32;
        for word in [head, self.source.bits(), self.target.bits()] {
            writer.put(MaybeUninit::new(word));
        }
        if has_call {
            writer.put(MaybeUninit::new(self.call));
        }
        if word_count > 0 {
            for &word in &self.parcel.into_words()[..word_count] {
                writer.put(word);
            }
        }
        writer.publish();
    }

    /// Lines of the frame that begins with this word.
    pub(crate) const fn lines(head: u64) -> usize {
        let has_call = (head >> 24 & 1) as usize;
        lines_of(HEAD_WORDS - 1 + has_call + (head >> 32) as usize)
    }

    /// Takes a frame off a ring that is ready.
    pub(crate) fn read(reader: &mut RingReader) -> Self {
        let head = reader.take_number();
        let [source, target] = [(); 2].map(|()| reader.take_number());
        let call = if head >> 24 & 1 == 1 {
            reader.take_number()
        } else {
            0
        };
        let word_count = (head >> 32) as usize;
        let parcel = if word_count > 0 {
            // SAFETY: `write` put so many words of one parcel here, and frames are read once.
            unsafe { Parcel::from_words((0..word_count).map(|_| reader.take())) }
        } else {
            Parcel::empty()
        };
        reader.finish();
        Self {
            tag: FrameTag::ALL[(head & 0xff) as usize],
            lane: if head >> 8 & 1 == 0 {
                Lane::Normal
            } else {
                Lane::High
            },
            why: Undelivered::from_number(head >> 16 & 0xff),
            source: Handle::from_bits(source),
            target: Handle::from_bits(target),
            call,
            parcel,
        }
    }
}

/// How much may be on its way between two shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkLimits {
    /// Messages in the ring from one shard to another.
    pub messages: u32,
    /// Replies in it besides.
    pub replies: u32,
}

impl Default for LinkLimits {
    fn default() -> Self {
        Self {
            messages: 256,
            replies: 256,
        }
    }
}

impl LinkLimits {
    /// Lines kept free of messages.
    fn reserve_lines(self) -> usize {
        (3 * self.messages as usize + self.replies as usize) * FULL_LINES
    }

    pub(crate) fn ring_lines(self) -> usize {
        self.messages as usize * FULL_LINES + self.reserve_lines()
    }
}

/// The sending end of a link.
pub(crate) struct Outbox {
    writer: RingWriter,
    limits: LinkLimits,
    /// Lines of the ring that messages must leave free.
    reserve_lines: usize,
    /// Messages sent in this turn.
    sent_count: u32,
    /// Whether something was published in this turn.
    unrung: bool,
    /// Whether what came back from that shard waits for notices to be free.
    pub(crate) stalled: bool,
    /// Notices that wait for room.
    pub(crate) waiting: Queue,
}

impl Outbox {
    pub(crate) fn new(writer: RingWriter, limits: LinkLimits, lines: usize) -> Self {
        // The ring may be larger than was asked for: messages take what they were promised.
        let reserve_lines = lines - limits.messages as usize * FULL_LINES;
        Self {
            writer,
            limits,
            reserve_lines,
            sent_count: 0,
            unrung: false,
            stalled: false,
            waiting: Queue::EMPTY,
        }
    }

    /// Whether something was published in this turn.
    pub(crate) fn end_turn(&mut self) -> bool {
        self.sent_count = 0;
        std::mem::take(&mut self.unrung)
    }

    /// Whether a message, or a request that can wait, may be sent now.
    #[inline]
    pub(crate) fn takes_message(&mut self) -> bool {
        !self.stalled
            && self.sent_count < self.limits.messages
            && self.writer.has_room(self.reserve_lines + FULL_LINES)
    }

    /// Whether a reply may be sent now: it may use all but the room of what goes back.
    pub(crate) fn takes_reply(&mut self) -> bool {
        let kept = 3 * self.limits.messages as usize * FULL_LINES;
        self.writer.has_room(kept + FULL_LINES)
    }

    /// Sends a message or a request; [`takes_message`](Self::takes_message) said yes.
    #[inline]
    pub(crate) fn send(&mut self, frame: Frame) {
        self.sent_count += 1;
        self.unrung = true;
        frame.write(&mut self.writer);
    }

    /// Sends what room was reserved for: a reply, or a message that goes back.
    pub(crate) fn send_reserved(&mut self, frame: Frame) {
        let has_room = self.writer.has_room(FULL_LINES);
        assert!(has_room, "the ring keeps room for {:?}", frame.tag);
        self.unrung = true;
        frame.write(&mut self.writer);
    }
}
