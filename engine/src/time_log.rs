//! What a shard did with its time, in bounded memory.
//!
//! A log is a row of *slices*: each begins at a time and says how long the shard did each thing in it. At
//! first a slice ends whenever the shard does something else. When the table is full, neighbours are merged
//! in pairs, and from then on a slice is twice as many changes long: sums stay exact, only the order of what
//! was done within a slice is lost.
//!
//! ```text
//!   work│wait 1│work│wait 1│work│meet      six slices
//!   work+wait 1│work+wait 1│work+meet      the same in three
//! ```
//! All memory is taken when the log is begun. Knows no clock: it is told the time.

use std::time::Duration;

/// What a shard does; at any time one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doing {
    /// It evaluates edges.
    Work,
    /// It waits for the shard of this number, joined ones counted as one: for a frame, or for room for one.
    WaitFor(u8),
    /// It waits for the writer of a trace.
    WaitForWriter,
    /// It is at the end of an epoch: digests are taken, and all shards wait for the last.
    Meet,
    /// The machine stands still between two parts of a run.
    Pause,
}

/// A stretch of time in the life of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeSlice {
    /// When it began, counted from the start of the timeline.
    pub start: Duration,
    /// What was done in it for how long, without what was not done.
    pub spent: Vec<(Doing, Duration)>,
    /// How many changes from one thing to another it stands for.
    pub change_count: u64,
}

impl TimeSlice {
    /// The same, with the number of each neighbour instead of its place among `peers`.
    pub(crate) fn named(mut self, peers: &[u8]) -> Self {
        for (doing, _) in &mut self.spent {
            if let Doing::WaitFor(peer) = doing {
                *peer = peers[usize::from(*peer)];
            }
        }
        self
    }
}

/// Where in a slice each thing is counted; neighbours come last.
const START: usize = 0;
const CHANGES: usize = 1;
const WORK: usize = 2;
const WRITER: usize = 3;
const MEET: usize = 4;
const PAUSE: usize = 5;
const PEERS: usize = 6;

/// Numbers a log may hold: half a megabyte.
const NUMBERS_MAX: usize = 1 << 16;
/// The most and the fewest slices; both are even.
const SLICES_MAX: usize = 2048;
const SLICES_MIN: usize = 64;

/// The slices of a shard so far; times are nanoseconds.
pub(crate) struct TimeLog {
    /// Numbers of a slice.
    width: usize,
    numbers: Vec<u64>,
    slices_max: usize,
    /// Changes after which a slice is full.
    changes_max: u64,
    /// What the shard does, as a place in a slice, and until when that is counted.
    doing: usize,
    until: u64,
}

impl TimeLog {
    /// A log that begins at time 0, of a shard with so many neighbours.
    pub(crate) fn new(peer_count: usize) -> Self {
        let fitting = (NUMBERS_MAX / (PEERS + peer_count)).next_multiple_of(2);
        Self::with_limit(peer_count, fitting.clamp(SLICES_MIN, SLICES_MAX))
    }

    fn with_limit(peer_count: usize, slices_max: usize) -> Self {
        let width = PEERS + peer_count;
        let mut numbers = Vec::with_capacity(slices_max * width);
        numbers.resize(width, 0);
        Self {
            width,
            numbers,
            slices_max,
            changes_max: 1,
            doing: PAUSE,
            until: 0,
        }
    }

    /// What was done last has gone on until `now`.
    #[inline]
    pub(crate) fn go_on(&mut self, now: u64) {
        let at = self.numbers.len() - self.width + self.doing;
        self.numbers[at] += now.saturating_sub(self.until);
        self.until = self.until.max(now);
    }

    /// From the time it was last told of, until `now`, the shard worked.
    #[inline]
    pub(crate) fn worked(&mut self, now: u64) {
        self.turn_to(WORK);
        self.go_on(now);
    }

    /// It waits for its neighbour number `index` in their order from now on.
    #[inline]
    pub(crate) fn wait_for(&mut self, index: usize) {
        self.turn_to(PEERS + index);
    }

    /// It waits for the writer of a trace from now on.
    #[inline]
    pub(crate) fn wait_for_writer(&mut self) {
        self.turn_to(WRITER);
    }

    /// It is at the end of an epoch from now on.
    #[inline]
    pub(crate) fn meet(&mut self) {
        self.turn_to(MEET);
    }

    /// The run stops for now.
    pub(crate) fn pause(&mut self) {
        self.turn_to(PAUSE);
    }

    #[inline]
    fn turn_to(&mut self, doing: usize) {
        if self.doing == doing {
            return;
        }
        self.doing = doing;
        let at = self.numbers.len() - self.width + CHANGES;
        self.numbers[at] += 1;
        if self.numbers[at] >= self.changes_max && self.numbers[at - CHANGES] < self.until {
            self.begin_slice();
        }
    }

    fn begin_slice(&mut self) {
        let width = self.width;
        if self.numbers.len() == self.slices_max * width {
            self.merge_pairs();
            self.changes_max = self.changes_max.saturating_mul(2);
        }
        let at = self.numbers.len();
        self.numbers.resize(at + width, 0);
        self.numbers[at + START] = self.until;
    }

    fn merge_pairs(&mut self) {
        let width = self.width;
        let count = self.numbers.len() / width / 2;
        for slice in 0..count {
            let (into, from) = (slice * width, 2 * slice * width);
            self.numbers[into + START] = self.numbers[from + START];
            for place in CHANGES..width {
                self.numbers[into + place] =
                    self.numbers[from + place] + self.numbers[from + width + place];
            }
        }
        self.numbers.truncate(count * width);
    }

    /// Everything so far, in order of time; neighbours by their place in their order.
    pub(crate) fn slices(&self) -> Vec<TimeSlice> {
        let slice = |numbers: &[u64]| {
            let places = [
                (WORK, Doing::Work),
                (WRITER, Doing::WaitForWriter),
                (MEET, Doing::Meet),
                (PAUSE, Doing::Pause),
            ];
            let peers = (PEERS..self.width).zip(0..);
            let peers = peers.map(|(place, peer)| (place, Doing::WaitFor(peer)));
            let mut spent: Vec<(Doing, Duration)> = places
                .into_iter()
                .chain(peers)
                .filter(|&(place, _)| numbers[place] > 0)
                .map(|(place, doing)| (doing, Duration::from_nanos(numbers[place])))
                .collect();
            spent.sort_unstable();
            TimeSlice {
                start: Duration::from_nanos(numbers[START]),
                spent,
                change_count: numbers[CHANGES].max(1),
            }
        };
        let slices = self.numbers.chunks_exact(self.width).map(slice);
        slices.filter(|slice| !slice.spent.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn nanoseconds(slice: &TimeSlice) -> Vec<(Doing, u64)> {
        let spent = slice.spent.iter();
        spent
            .map(|&(doing, time)| (doing, time.as_nanos() as u64))
            .collect()
    }

    #[test]
    fn each_thing_done_is_a_slice() {
        let mut log = TimeLog::new(2);
        log.go_on(10);
        log.worked(30);
        log.wait_for(1);
        log.go_on(35);
        log.worked(50);
        log.meet();
        log.go_on(52);
        let slices = log.slices();
        let starts: Vec<u128> = slices.iter().map(|slice| slice.start.as_nanos()).collect();
        assert_eq!(starts, [0, 10, 30, 35, 50]);
        let spent: Vec<_> = slices.iter().flat_map(nanoseconds).collect();
        assert_eq!(
            spent,
            [
                (Doing::Pause, 10),
                (Doing::Work, 20),
                (Doing::WaitFor(1), 5),
                (Doing::Work, 15),
                (Doing::Meet, 2)
            ]
        );
    }

    proptest! {
        /// However often neighbours are merged, slices follow each other without a gap, and the sums are
        /// those of what was told.
        #[test]
        fn sums_stay_exact(steps in prop::collection::vec((0u8..4, 0u64..50), 0..400)) {
            let mut log = TimeLog::with_limit(1, 8);
            let capacity = log.numbers.capacity();
            let mut sums = BTreeMap::new();
            let mut now = 0;
            for (kind, length) in steps {
                now += length;
                let doing = match kind {
                    0 => { log.worked(now); Doing::Work }
                    1 => { log.wait_for(0); log.go_on(now); Doing::WaitFor(0) }
                    2 => { log.meet(); log.go_on(now); Doing::Meet }
                    _ => { log.wait_for_writer(); log.go_on(now); Doing::WaitForWriter }
                };
                *sums.entry(doing).or_insert(0) += length;
            }
            let slices = log.slices();
            prop_assert!(slices.len() <= 8);
            prop_assert_eq!(log.numbers.capacity(), capacity, "nothing is allocated in a run");
            let mut end = 0;
            let mut seen = BTreeMap::new();
            for slice in &slices {
                prop_assert_eq!(slice.start.as_nanos() as u64, end);
                for (doing, time) in nanoseconds(slice) {
                    *seen.entry(doing).or_insert(0) += time;
                    end += time;
                }
            }
            prop_assert_eq!(end, now);
            sums.retain(|_, time| *time > 0);
            prop_assert_eq!(seen, sums);
        }
    }
}
