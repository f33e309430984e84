//! What a shard does, looked at now and then: which modules are clocked, which wires carry, how long
//! sweeps take.
//!
//! One instant in about sixty is looked at, at irregular distances, so that a rhythm of the machine
//! is not mistaken for its average. Nothing here reaches a result.

use super::{FifoSlot, GroupSlot, Shard};
use crate::platform::now;
use crate::time::Tick;
use std::time::{Duration, Instant};

/// Instants between two looks: at least, and the range of what is added.
const DISTANCE: (u64, u64) = (32, 64);
/// A sweep that takes longer than this many times the mean, and [`STALL`] more, was interrupted.
const STALL_RATIO: u32 = 8;
const STALL: Duration = Duration::from_micros(20);

/// Time spent in the sweeps of a group, and on how many modules.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SweepTime {
    pub(crate) time: Duration,
    pub(crate) clock_count: u64,
    sweep_count: u32,
}

/// A sweep being timed.
pub(super) struct Timed {
    began: Instant,
    clock_count: u64,
}

impl Timed {
    /// The sweep of a group begins.
    #[cold]
    pub(super) fn begin(slot: &GroupSlot) -> Self {
        Self {
            clock_count: slot.group.clock_count(),
            began: now(),
        }
    }
}

impl Shard {
    /// Begins to profile.
    pub(crate) fn start_sampling(&mut self) {
        let counts: Vec<usize> = self
            .groups()
            .map(|group| group.instance_numbers().len())
            .collect();
        self.sampler = Some(Box::new(Sampler::new(&counts, self.fifos.len())));
    }

    /// Ends profiling: what was seen, groups in the order of [`groups`](Self::groups), FIFOs in that
    /// of [`wires`](Self::wires).
    pub(crate) fn stop_sampling(&mut self) -> Option<Box<Sampler>> {
        self.sampler.take()
    }

    /// The wire of each FIFO.
    pub(crate) fn wires(&self) -> impl Iterator<Item = u32> {
        self.fifos.iter().map(|slot| slot.wire)
    }

    /// How often each neighbour's frame was missing, in the order of their numbers.
    pub(crate) fn missing(&self) -> &[u64] {
        &self.missing
    }
}

/// What was seen so far.
pub(crate) struct Sampler {
    /// Instants evaluated, and those looked at.
    pub(crate) instant_count: u64,
    pub(crate) look_count: u64,
    /// Per group: its sweeps.
    pub(crate) sweeps: Vec<SweepTime>,
    /// Per group and module: looks at which it was due.
    pub(crate) due_counts: Vec<Vec<u32>>,
    /// Per FIFO: looks at which an item was pushed.
    pub(crate) push_counts: Vec<u32>,
    /// Whether the instant at hand is looked at.
    pub(super) looking: bool,
    next_look: u64,
    random: u64,
    /// What two looks at the clock cost.
    clock_cost: Duration,
}

impl Sampler {
    pub(super) fn new(module_counts: &[usize], fifo_count: usize) -> Self {
        let costs = (0..64).map(|_| now().elapsed());
        Self {
            instant_count: 0,
            look_count: 0,
            sweeps: vec![SweepTime::default(); module_counts.len()],
            due_counts: module_counts.iter().map(|&count| vec![0; count]).collect(),
            push_counts: vec![0; fifo_count],
            looking: false,
            next_look: DISTANCE.0,
            random: 0,
            clock_cost: costs.min().unwrap_or_default(),
        }
    }

    /// An instant begins at which the domains in `edges` have an edge: their flags are still up.
    pub(super) fn begin<'a>(&mut self, slots: impl Iterator<Item = &'a GroupSlot>, edges: u32) {
        self.instant_count += 1;
        self.looking = self.instant_count == self.next_look;
        if !self.looking {
            return;
        }
        self.random = crate::hash::mix(self.instant_count);
        self.next_look += DISTANCE.0 + self.random % DISTANCE.1;
        self.look_count += 1;
        for (slot, counts) in slots.zip(&mut self.due_counts) {
            if edges >> slot.domain & 1 == 0 || slot.every_edge {
                continue;
            }
            for (index, count) in counts.iter_mut().enumerate() {
                *count += (slot.flags[index / 8].get() >> (index % 8 * 8) & 1) as u32;
            }
        }
    }

    /// The sweep of group `number` ends.
    pub(super) fn timed(&mut self, number: usize, slot: &GroupSlot, timed: &Timed) {
        let time = timed.began.elapsed().saturating_sub(self.clock_cost);
        let clocked = slot.group.clock_count() - timed.clock_count;
        let counts = &mut self.due_counts[number];
        // Elements fired together have no flags; what most of them do stands for all.
        if slot.every_edge && clocked * 2 >= counts.len() as u64 {
            counts.iter_mut().for_each(|count| *count += 1);
        }
        let sweep = &mut self.sweeps[number];
        let usual = sweep.time / sweep.sweep_count.max(1);
        if sweep.sweep_count == 0 || time <= usual * STALL_RATIO + STALL {
            sweep.time += time;
            sweep.clock_count += clocked;
            sweep.sweep_count += 1;
        }
    }

    /// The instant `now` ends.
    pub(super) fn end(&mut self, now: Tick, fifos: &[FifoSlot]) {
        if !self.looking {
            return;
        }
        for (slot, count) in fifos.iter().zip(&mut self.push_counts) {
            *count += u32::from(slot.producer && slot.store.last_push() == Some(now));
        }
    }
}
