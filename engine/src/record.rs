//! The thread that takes what shards have recorded, puts it in the order of time, and hands it to a
//! sink.
//!
//! ```text
//!   shard 0 ── tape ──► ring ─┐
//!   shard 1 ── tape ──► ring ─┼─ by instant, then by number ──► sink
//!   shard 2 ── tape ──► ring ─┘
//! ```
//!
//! Shards run ahead of each other; an instant is handed on when every shard is beyond it. Within an
//! instant wires come in the order of their numbers, so the sink hears the same whatever the shards
//! and threads. Rings are bounded: a shard whose ring is full waits, and the shard furthest behind
//! never does, for all that is in its ring can be handed on. Nothing is ever lost.
//!
//! Does not know what a sink makes of it.

use crate::fifo::Unpack;
use crate::platform::{Beds, nap, spawn};
use crate::ring::Word;
use crate::tape::{Entry, number_in};
use crate::time::Tick;
use crossbeam_utils::CachePadded;
use ringbuf::HeapCons;
use ringbuf::traits::{Consumer, Observer};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What becomes of a recording. Called on a thread of its own, in the order of time, with the same
/// arguments at every number of shards and threads.
pub trait RecordSink: Send {
    /// The window begins at `tick`, before anything of that instant: items in each recorded wire. The
    /// instant that follows tells every field of the modules that are probed.
    ///
    /// # Errors
    /// When it cannot go on: the run ends at the end of an epoch.
    fn open(&mut self, tick: Tick, occupancies: &[u64]) -> io::Result<()>;

    /// What happened at an instant.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    fn instant(&mut self, happened: &Happened<'_>) -> io::Result<()>;

    /// Nothing before `tick` is missing any more, and nothing follows.
    ///
    /// # Errors
    /// When what was taken cannot be kept.
    fn close(&mut self, tick: Tick) -> io::Result<()>;
}

/// What happened at an instant on what is recorded.
pub struct Happened<'a> {
    /// The instant.
    pub tick: Tick,
    /// Wires on which something moved, in ascending order.
    pub transfers: &'a [Transfers],
    /// Fields of modules that changed and their values, in ascending order of their numbers.
    pub probes: &'a [(u32, u64)],
    items: &'a [Item],
    words: &'a [u64],
}

/// What moved on a wire at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfers {
    /// Number of the wire among the recorded ones.
    pub number: u32,
    /// Items pushed.
    pub pushes: u8,
    /// Items popped.
    pub pops: u8,
    first: u32,
}

impl Happened<'_> {
    /// The items pushed to a wire, as the words of their fields.
    pub fn items(&self, transfers: &Transfers) -> impl Iterator<Item = &[u64]> {
        let mut next = transfers.first;
        (0..transfers.pushes).map(move |_| {
            let item = &self.items[next as usize];
            next = item.next;
            &self.words[item.start as usize..item.end as usize]
        })
    }
}

#[derive(Clone, Copy)]
struct Item {
    start: u32,
    end: u32,
    /// The item pushed to the same wire after it.
    next: u32,
}

/// The writer's end of a shard's tape.
pub(crate) struct Feed {
    pub(crate) ring: HeapCons<Word>,
    /// Everything of the time before it is in the ring.
    pub(crate) done_until: Arc<CachePadded<AtomicU64>>,
}

/// What is known of a recorded wire.
#[derive(Clone, Copy)]
pub(crate) struct RecordedWire {
    pub(crate) unpack: Unpack,
    /// Payload words of an item.
    pub(crate) item_words: usize,
}

/// A recording under way, as its owner sees it.
pub(crate) struct Recording {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    failed: AtomicBool,
    error: Mutex<Option<io::Error>>,
    /// The end of the recording, once it is known.
    end: AtomicU64,
}

/// The end of a recording that is not known.
const RUNNING: Tick = Tick::MAX;

impl Shared {
    fn fail(&self, error: io::Error) {
        *self.error.lock().expect("nobody panics holding it") = Some(error);
        self.failed.store(true, Ordering::Release);
    }
}

impl Recording {
    /// Begins to take what the feeds bring.
    pub(crate) fn start(
        feeds: Vec<Feed>,
        wires: Box<[RecordedWire]>,
        sink: Box<dyn RecordSink>,
        beds: Arc<Beds>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            failed: AtomicBool::new(false),
            error: Mutex::new(None),
            end: AtomicU64::new(RUNNING),
        });
        let taken = shared.clone();
        let thread = spawn("recording".to_owned(), None, move || {
            crate::panics::capture_on_this_thread();
            let mut feeds: Vec<Reader> = feeds.into_iter().map(Reader::new).collect();
            let run = || Drain::new(wires, sink).run(&mut feeds, &taken, &beds);
            if let Err(payload) = catch_unwind(AssertUnwindSafe(run)) {
                let message = crate::panics::message_of(payload.as_ref());
                taken.fail(io::Error::other(format!("panicked: {message}")));
                discard(&mut feeds, &taken, &beds);
            }
        })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Whether the sink cannot go on.
    pub(crate) fn failed(&self) -> bool {
        self.shared.failed.load(Ordering::Acquire)
    }

    /// Ends the recording at `end`, which every shard has reached.
    pub(crate) fn finish(mut self, end: Tick) -> io::Result<()> {
        self.join(end);
        let error = self.shared.error.lock().expect("nobody panics holding it");
        match error.as_ref() {
            Some(error) => Err(io::Error::new(error.kind(), error.to_string())),
            None => Ok(()),
        }
    }

    fn join(&mut self, end: Tick) {
        self.shared.end.store(end, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // Its panics were caught and are told as errors.
            let _ = thread.join();
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.join(0);
    }
}

/// Words taken from a ring at once.
const BLOCK_WORDS: usize = 1 << 15;
/// The most words of an entry: header and item.
const ENTRY_WORDS_MAX: usize = 1 + crate::signal::SIGNAL_BYTES_MAX / 8;

/// A feed and the words taken from its ring.
struct Reader {
    feed: Feed,
    block: Box<[Word]>,
    at: usize,
    end: usize,
    /// Whether the ring has had more room since this was last asked.
    has_made_room: bool,
}

impl Reader {
    fn new(feed: Feed) -> Self {
        Self {
            feed,
            block: vec![Word::new(0); BLOCK_WORDS].into_boxed_slice(),
            at: 0,
            end: 0,
            has_made_room: false,
        }
    }

    /// Makes sure that an entry that is in the ring is in the block.
    #[inline(always)]
    fn look(&mut self) -> bool {
        self.end - self.at >= ENTRY_WORDS_MAX || self.fetch()
    }

    #[inline(never)]
    fn fetch(&mut self) -> bool {
        if !self.feed.ring.is_empty() {
            self.block.copy_within(self.at..self.end, 0);
            self.end -= self.at;
            self.at = 0;
            self.end += self.feed.ring.pop_slice(&mut self.block[self.end..]);
            self.has_made_room = true;
        }
        self.at < self.end
    }

    /// The instant that comes next.
    #[inline]
    fn next_tick(&mut self) -> Option<Tick> {
        if !self.look() {
            return None;
        }
        match Entry::of(number_in(self.block[self.at])) {
            Entry::Instant(tick) => Some(tick),
            _ => unreachable!("instants are read to their end"),
        }
    }

    fn take(&mut self, count: usize) -> &[Word] {
        self.at += count;
        &self.block[self.at - count..self.at]
    }
}

/// Wakes shards if a ring has more room: not at every instant, for most make none, and a shard that is
/// woken for nothing falls asleep again.
fn wake_waiting(feeds: &mut [Reader], beds: &Beds) {
    let room = |made, feed: &mut Reader| std::mem::take(&mut feed.has_made_room) | made;
    if feeds.iter_mut().fold(false, room) {
        beds.wake_sleepers();
    }
}

/// Throws away what comes until the end: shards must not wait for a sink that has failed.
fn discard(feeds: &mut [Reader], shared: &Shared, beds: &Beds) {
    while shared.end.load(Ordering::Acquire) == RUNNING {
        for feed in &mut *feeds {
            feed.feed.ring.clear();
        }
        beds.wake_sleepers();
        nap();
    }
}

/// A set of small numbers, visited in ascending order.
struct Marks {
    words: Box<[u64]>,
    /// A bit for each word that is not 0.
    summary: Box<[u64]>,
}

impl Marks {
    fn new(count: usize) -> Self {
        let words = count.div_ceil(64);
        Self {
            words: vec![0; words].into_boxed_slice(),
            summary: vec![0; words.div_ceil(64)].into_boxed_slice(),
        }
    }

    #[inline]
    fn add(&mut self, number: u32) {
        let word = number as usize / 64;
        self.words[word] |= 1 << (number % 64);
        self.summary[word / 64] |= 1 << (word % 64);
    }

    /// Visits all and forgets them.
    #[inline]
    fn take_each(&mut self, mut visit: impl FnMut(u32)) {
        for (group, summary) in self.summary.iter_mut().enumerate() {
            crate::bank::for_each_bit(std::mem::take(summary), |bit| {
                let word = group * 64 + bit;
                crate::bank::for_each_bit(std::mem::take(&mut self.words[word]), |bit| {
                    visit((word * 64 + bit) as u32);
                });
            });
        }
    }
}

/// What was seen of a wire at the instant at hand.
#[derive(Clone, Copy, Default)]
struct Seen {
    first: u32,
    last: u32,
    pushes: u8,
    pops: u8,
}

struct Drain {
    wires: Box<[RecordedWire]>,
    sink: Box<dyn RecordSink>,
    occupancies: Box<[u64]>,
    opened: bool,
    marks: Marks,
    seen: Box<[Seen]>,
    items: Vec<Item>,
    words: Vec<u64>,
    transfers: Vec<Transfers>,
    probes: Vec<(u32, u64)>,
}

impl Drain {
    fn new(wires: Box<[RecordedWire]>, sink: Box<dyn RecordSink>) -> Self {
        let count = wires.len();
        Self {
            wires,
            sink,
            occupancies: vec![0; count].into_boxed_slice(),
            opened: false,
            marks: Marks::new(count),
            seen: vec![Seen::default(); count].into_boxed_slice(),
            items: Vec::new(),
            words: Vec::new(),
            transfers: Vec::new(),
            probes: Vec::new(),
        }
    }

    fn run(&mut self, feeds: &mut [Reader], shared: &Shared, beds: &Beds) {
        loop {
            // In this order: what is there before the end, and before what shards say they have done.
            let end = shared.end.load(Ordering::Acquire);
            let done = feeds
                .iter()
                .map(|feed| feed.feed.done_until.load(Ordering::Acquire));
            let limit = done.min().unwrap_or(Tick::MAX);
            let mut moved = false;
            while let Some(tick) = feeds.iter_mut().filter_map(Reader::next_tick).min()
                && tick < limit
            {
                moved = true;
                for feed in &mut *feeds {
                    if feed.next_tick() == Some(tick) {
                        self.read_instant(feed);
                    }
                }
                if let Err(error) = self.hand_on(tick) {
                    shared.fail(error);
                    return discard(feeds, shared, beds);
                }
                wake_waiting(feeds, beds);
            }
            wake_waiting(feeds, beds);
            if end != RUNNING && !moved {
                if let Err(error) = self.sink.close(end) {
                    shared.fail(error);
                }
                return;
            }
            if !moved {
                nap();
            }
        }
    }

    /// Takes the entries of the instant that comes next.
    fn read_instant(&mut self, feed: &mut Reader) {
        feed.take(1);
        while feed.look() {
            match Entry::of(number_in(feed.block[feed.at])) {
                Entry::Instant(_) => return,
                Entry::Push(number) => {
                    let wire = self.wires[number as usize];
                    let item = &feed.take(1 + wire.item_words)[1..];
                    self.push(number, wire.unpack, item);
                }
                Entry::Pop(number) => {
                    feed.take(1);
                    self.marks.add(number);
                    self.seen[number as usize].pops += 1;
                }
                Entry::Pushed(number) => {
                    let occupancy = &mut self.occupancies[number as usize];
                    *occupancy = occupancy.wrapping_add(number_in(feed.take(2)[1]));
                }
                Entry::Popped(number) => {
                    let occupancy = &mut self.occupancies[number as usize];
                    *occupancy = occupancy.wrapping_sub(number_in(feed.take(2)[1]));
                }
                Entry::Probe(number) => {
                    let value = number_in(feed.take(2)[1]);
                    self.probes.push((number, value));
                }
            }
        }
    }

    #[inline]
    fn push(&mut self, number: u32, unpack: Unpack, words: &[Word]) {
        let start = self.words.len() as u32;
        unpack(words, &mut self.words);
        let index = self.items.len() as u32;
        self.items.push(Item {
            start,
            end: self.words.len() as u32,
            next: index,
        });
        self.marks.add(number);
        let seen = &mut self.seen[number as usize];
        if seen.pushes == 0 {
            seen.first = index;
        } else {
            self.items[seen.last as usize].next = index;
        }
        seen.last = index;
        seen.pushes += 1;
    }

    /// Hands on what was read of an instant.
    fn hand_on(&mut self, tick: Tick) -> io::Result<()> {
        if !self.opened {
            // Every shard begins by saying what it held when the window began.
            self.opened = true;
            self.sink.open(tick, &self.occupancies)?;
        }
        let (seen, transfers) = (&mut self.seen, &mut self.transfers);
        transfers.clear();
        self.marks.take_each(|number| {
            let Seen {
                first,
                pushes,
                pops,
                ..
            } = std::mem::take(&mut seen[number as usize]);
            transfers.push(Transfers {
                number,
                pushes,
                pops,
                first,
            });
        });
        // A field is told of twice where the window begins: before the instant and after.
        self.probes.sort_by_key(|probe| probe.0);
        let handed = self.sink.instant(&Happened {
            tick,
            transfers: &self.transfers,
            probes: &self.probes,
            items: &self.items,
            words: &self.words,
        });
        self.items.clear();
        self.words.clear();
        self.probes.clear();
        handed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn marks_are_visited_in_order_once(numbers in prop::collection::btree_set(0..10_000u32, 0..300)) {
            let mut marks = Marks::new(10_000);
            numbers.iter().rev().for_each(|&number| marks.add(number));
            let mut visited = Vec::new();
            marks.take_each(|number| visited.push(number));
            prop_assert_eq!(visited, numbers.into_iter().collect::<Vec<_>>());
            marks.take_each(|number| panic!("{number} was forgotten"));
        }
    }
}
