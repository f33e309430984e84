//! HOT. A single-producer, single-consumer ring of frames between two shards.
//!
//! ```text
//!   line:  | sequence | word | word | word | word | word | word | word |   64 bytes
//!   frame: one or more lines; the consumer sees a frame when its first line carries the
//!          sequence number of its position, position + 1
//! ```
//!
//! The sequence number travels in the line it announces, so a frame of up to seven words costs one
//! cache-line transfer and no separate index is read. The consumer's position goes back on a line
//! of its own, read only when the ring looks full. Knows nothing of what the words mean.

use crate::sync::{AtomicU64, Ordering, UnsafeCell};
use crossbeam_utils::CachePadded;
use std::mem::MaybeUninit;
use std::sync::Arc;

/// Payload words of a line.
pub(crate) const LINE_WORDS: usize = 7;

/// A word of a frame; padding of a signal may make it uninitialised.
pub(crate) type Word = MaybeUninit<u64>;

#[repr(C, align(64))]
struct Line {
    sequence: AtomicU64,
    words: UnsafeCell<[Word; LINE_WORDS]>,
}

struct Ring {
    lines: Box<[Line]>,
    /// Lines the consumer has finished with.
    consumed: CachePadded<AtomicU64>,
}

/// A ring without its ends: makes them anew when the thread that had them is no more.
pub(crate) struct RingStem(Arc<Ring>);

impl RingStem {
    /// The consumer's half, from the first frame on that was not given back.
    ///
    /// # Safety
    /// There is no other, or it is never used again, and what its thread did to the ring has happened before.
    pub(crate) unsafe fn reader(&self) -> RingReader {
        let frame = self.0.consumed.load(Ordering::Acquire);
        RingReader {
            ring: self.0.clone(),
            frame,
            position: frame,
            word: 0,
            mask: self.0.lines.len() as u64 - 1,
        }
    }

    /// The producer's half, behind the last frame that was published. `lines_of` says from the first word
    /// of a frame, which is a number, how many lines the frame has.
    ///
    /// # Safety
    /// As [`reader`](Self::reader).
    pub(crate) unsafe fn writer(&self, lines_of: impl FnOnce(u64) -> usize) -> RingWriter {
        // A line carries the number of the last frame that began in it: the greatest is the last one's.
        let numbered = |line: &Line| line.sequence.load(Ordering::Acquire);
        let last = self.0.lines.iter().map(numbered).max().unwrap_or(0);
        let mask = self.0.lines.len() as u64 - 1;
        let frame = last.checked_sub(1).map_or(0, |start| {
            let line = &self.0.lines[(start & mask) as usize];
            // SAFETY: published, and overwritten by the producer alone, which is no more; its first word is a
            // number, as the caller says.
            let head = line
                .words
                .with(|words| unsafe { (*words)[0].assume_init() });
            start + lines_of(head) as u64
        });
        RingWriter {
            ring: self.0.clone(),
            frame,
            position: frame,
            word: 0,
            consumed: self.0.consumed.load(Ordering::Acquire),
            mask,
        }
    }
}

// SAFETY: a line's words are written by the one writer before it publishes the frame and read by
// the one reader after; the writer touches them again only after `consumed` passed them.
unsafe impl Sync for Ring {}
// SAFETY: words are plain bytes without thread affinity.
unsafe impl Send for Ring {}

/// Bytes of a ring of `line_count` lines.
pub(crate) const fn ring_bytes(line_count: usize) -> usize {
    line_count * size_of::<Line>() + size_of::<Ring>()
}

/// Lines a frame of `word_count` words takes.
pub(crate) const fn lines_of(word_count: usize) -> usize {
    word_count.div_ceil(LINE_WORDS)
}

/// A ring of `line_count` lines, rounded up to a power of two.
pub(crate) fn ring(line_count: usize) -> (RingWriter, RingReader) {
    let line_count = line_count.next_power_of_two().max(2);
    let lines = (0..line_count)
        .map(|_| Line {
            sequence: AtomicU64::new(0),
            words: UnsafeCell::new([MaybeUninit::uninit(); LINE_WORDS]),
        })
        .collect();
    let ring = Arc::new(Ring {
        lines,
        consumed: CachePadded::new(AtomicU64::new(0)),
    });
    let writer = RingWriter {
        ring: ring.clone(),
        frame: 0,
        position: 0,
        word: 0,
        consumed: 0,
        mask: line_count as u64 - 1,
    };
    let reader = RingReader {
        ring,
        frame: 0,
        position: 0,
        word: 0,
        mask: line_count as u64 - 1,
    };
    (writer, reader)
}

/// The producer's half.
pub(crate) struct RingWriter {
    ring: Arc<Ring>,
    /// Position of the first line of the frame being written.
    frame: u64,
    position: u64,
    word: usize,
    /// What was last read of the consumer's position.
    consumed: u64,
    mask: u64,
}

impl RingWriter {
    /// The ring as such.
    pub(crate) fn stem(&self) -> RingStem {
        RingStem(self.ring.clone())
    }

    /// Whether a frame of `line_count` lines can be written now.
    #[inline]
    pub(crate) fn has_room(&mut self, line_count: usize) -> bool {
        let needed = self.frame + line_count as u64;
        if needed - self.consumed <= self.ring.lines.len() as u64 {
            return true;
        }
        // Acquire: what the consumer read of these lines happened before it gave them back.
        self.consumed = self.ring.consumed.load(Ordering::Acquire);
        needed - self.consumed <= self.ring.lines.len() as u64
    }

    /// Appends a word to the frame. Room was asked for.
    #[inline(always)]
    pub(crate) fn put(&mut self, word: Word) {
        if self.word == LINE_WORDS {
            self.word = 0;
            self.position += 1;
        }
        debug_assert!(self.position - self.consumed < self.ring.lines.len() as u64);
        let line = &self.ring.lines[(self.position & self.mask) as usize];
        // SAFETY: the position lies within the room that `has_room` saw, so the reader is done with
        // this line and will not look before `publish`.
        line.words
            .with_mut(|words| unsafe { (*words)[self.word] = word });
        self.word += 1;
    }

    /// Hands the frame to the consumer.
    #[inline]
    pub(crate) fn publish(&mut self) {
        let line = &self.ring.lines[(self.frame & self.mask) as usize];
        // Release: all words of the frame are visible to whoever sees the number.
        line.sequence.store(self.frame + 1, Ordering::Release);
        self.position += 1;
        self.word = 0;
        self.frame = self.position;
    }
}

/// The consumer's half.
pub(crate) struct RingReader {
    ring: Arc<Ring>,
    /// Position of the first line of the frame being read.
    frame: u64,
    position: u64,
    word: usize,
    mask: u64,
}

impl RingReader {
    /// Whether a frame is there to be read.
    #[inline(always)]
    pub(crate) fn ready(&self) -> bool {
        let line = &self.ring.lines[(self.frame & self.mask) as usize];
        // Acquire: pairs with `publish`.
        line.sequence.load(Ordering::Acquire) == self.frame + 1
    }

    /// The next word of a frame that is [`ready`](Self::ready).
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Word {
        if self.word == LINE_WORDS {
            self.word = 0;
            self.position += 1;
        }
        let line = &self.ring.lines[(self.position & self.mask) as usize];
        let word = self.word;
        self.word += 1;
        // SAFETY: the frame was published and not given back yet, so the writer leaves it alone.
        line.words.with(|words| unsafe { (*words)[word] })
    }

    /// The next word, where the writer put a number: stamps, ticks, masks and counts.
    #[inline(always)]
    pub(crate) fn take_number(&mut self) -> u64 {
        // SAFETY: both ends of a link write and read frames by the same layout, in which this word
        // is a number and never padding.
        unsafe { self.take().assume_init() }
    }

    /// Gives the frame's lines back.
    #[inline]
    pub(crate) fn finish(&mut self) {
        self.position += 1;
        self.word = 0;
        self.frame = self.position;
        // Release: our reads of these lines come before the writer's next writes.
        self.ring.consumed.store(self.frame, Ordering::Release);
    }
}

#[cfg(all(test, not(tina_loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    fn value(word: Word) -> u64 {
        // SAFETY: these tests only put initialised words.
        unsafe { word.assume_init() }
    }

    proptest! {
        #[test]
        fn frames_arrive_whole_and_in_order(steps in prop::collection::vec((any::<bool>(), 1..20usize), 1..300)) {
            let (mut writer, mut reader) = ring(8);
            let mut model = VecDeque::new();
            let mut next = 0u64;
            for (write, length) in steps {
                if write && writer.has_room(lines_of(length)) {
                    let frame: Vec<u64> = (next..next + length as u64).collect();
                    next += length as u64;
                    frame.iter().for_each(|&word| writer.put(Word::new(word)));
                    writer.publish();
                    model.push_back(frame);
                } else if !write {
                    prop_assert_eq!(reader.ready(), !model.is_empty());
                    if let Some(frame) = model.pop_front() {
                        for word in frame {
                            prop_assert_eq!(value(reader.take()), word);
                        }
                        reader.finish();
                    }
                }
            }
        }
    }

    proptest! {
        /// Ends that are made anew, with a frame half written or half read, go on where the others were.
        #[test]
        fn ends_are_made_anew(steps in prop::collection::vec((0..6u8, 1..20usize), 1..300)) {
            let (mut writer, mut reader) = ring(8);
            let stem = writer.stem();
            let mut model = VecDeque::new();
            let mut next = 0u64;
            let put = |writer: &mut RingWriter, length: usize, next: u64| {
                writer.put(Word::new(length as u64));
                (1..length as u64).for_each(|k| writer.put(Word::new(next + k)));
            };
            for (step, length) in steps {
                let has_room = writer.has_room(lines_of(length));
                match step {
                    0 | 1 if has_room => {
                        put(&mut writer, length, next);
                        writer.publish();
                        model.push_back((length, next));
                        next += length as u64;
                    }
                    2 => {
                        if has_room {
                            put(&mut writer, length, next);
                        }
                        // SAFETY: the other is dropped.
                        writer = unsafe { stem.writer(|head| lines_of(head as usize)) };
                    }
                    3 => {
                        if reader.ready() {
                            reader.take();
                        }
                        // SAFETY: as above.
                        reader = unsafe { stem.reader() };
                    }
                    _ => {
                        prop_assert_eq!(reader.ready(), !model.is_empty());
                        if let Some((length, first)) = model.pop_front() {
                            prop_assert_eq!(value(reader.take()), length as u64);
                            for k in 1..length as u64 {
                                prop_assert_eq!(value(reader.take()), first + k);
                            }
                            reader.finish();
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn two_threads_exchange_frames() {
        let (mut writer, mut reader) = ring(4);
        let count = 20_000u64;
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for n in 0..count {
                    let length = 1 + n as usize % 15;
                    while !writer.has_room(lines_of(length)) {
                        std::thread::yield_now();
                    }
                    (0..length).for_each(|k| writer.put(Word::new(n * 16 + k as u64)));
                    writer.publish();
                }
            });
            for n in 0..count {
                while !reader.ready() {
                    std::thread::yield_now();
                }
                for k in 0..1 + n % 15 {
                    assert_eq!(value(reader.take()), n * 16 + k);
                }
                reader.finish();
            }
        });
    }
}

#[cfg(all(test, tina_loom))]
mod model {
    use super::*;

    #[test]
    fn every_interleaving_delivers_frames_in_order() {
        loom::model(|| {
            let (mut writer, mut reader) = ring(2);
            let producer = loom::thread::spawn(move || {
                for n in 0..3u64 {
                    while !writer.has_room(1) {
                        loom::thread::yield_now();
                    }
                    writer.put(Word::new(n));
                    writer.publish();
                }
            });
            for n in 0..3u64 {
                while !reader.ready() {
                    loom::thread::yield_now();
                }
                // SAFETY: only initialised words are put above.
                assert_eq!(unsafe { reader.take().assume_init() }, n);
                reader.finish();
            }
            producer.join().unwrap();
        });
    }
}
