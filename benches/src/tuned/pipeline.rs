//! W1 tuned: see [`plain::Pipeline`](crate::plain::Pipeline) for what it computes.

use super::queues::edge;
use crate::plain::{FACTOR, PipelineResults};
use pulp::{Arch, Simd, WithSimd};

/// The pipeline and its state. FIFO i leads to stage i, the last one to the sink.
pub struct TunedPipeline {
    arch: Arch,
    now: Queues,
    /// Becomes `now` at the end of an edge: nothing is read that was written in the same edge.
    next: Queues,
    next_item: u64,
    results: PipelineResults,
}

#[derive(Clone)]
struct Queues {
    first: Vec<u64>,
    second: Vec<u64>,
    /// One entry more than FIFOs, always 0: the sink has room for ever.
    occupancy: Vec<u64>,
}

/// The loop that is compiled for every instruction set.
struct Edges<'a> {
    machine: &'a mut TunedPipeline,
    cycles: u64,
}

impl WithSimd for Edges<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for _ in 0..self.cycles {
            self.machine.clock();
        }
    }
}

impl TunedPipeline {
    /// A pipeline of `stage_count` stages.
    #[must_use]
    pub fn new(stage_count: usize) -> Self {
        let queues = Queues {
            first: vec![0; stage_count + 1],
            second: vec![0; stage_count + 1],
            occupancy: vec![0; stage_count + 2],
        };
        Self {
            arch: Arch::new(),
            now: queues.clone(),
            next: queues,
            next_item: 0,
            results: PipelineResults::default(),
        }
    }

    /// Runs `cycles` more cycles.
    pub fn run(&mut self, cycles: u64) -> PipelineResults {
        let arch = self.arch;
        arch.dispatch(Edges {
            machine: self,
            cycles,
        });
        self.results
    }

    #[inline(always)]
    fn clock(&mut self) {
        let last = self.now.first.len() - 1;
        if self.now.occupancy[last] > 0 {
            self.results.count += 1;
            self.results.check ^= self.now.first[last];
        }
        let has_room = mask(self.now.occupancy[0] < 2);
        self.feed(has_room);
        self.next_item += has_room & 1;
        step(&self.now, &mut self.next);
        std::mem::swap(&mut self.now, &mut self.next);
    }

    /// The FIFO behind the source.
    #[inline(always)]
    fn feed(&mut self, push: u64) {
        let (now, next) = (&self.now, &mut self.next);
        let pop = mask(now.occupancy[0] > 0) & mask(now.occupancy[1] < 2);
        let slots = (now.first[0], now.second[0], now.occupancy[0]);
        let item = self.next_item;
        (next.first[0], next.second[0], next.occupancy[0]) = edge(slots, push, pop, item);
    }
}

#[inline(always)]
fn mask(yes: bool) -> u64 {
    if yes { u64::MAX } else { 0 }
}

/// All FIFOs behind a stage.
#[inline(always)]
fn step(now: &Queues, next: &mut Queues) {
    let count = now.first.len() - 1;
    let (before, first) = (&now.first[..count], &now.first[1..][..count]);
    let second = &now.second[1..][..count];
    let (occupancy_before, occupancy) = (&now.occupancy[..count], &now.occupancy[1..][..count]);
    let occupancy_behind = &now.occupancy[2..][..count];
    let next_first = &mut next.first[1..][..count];
    let next_second = &mut next.second[1..][..count];
    let next_occupancy = &mut next.occupancy[1..][..count];
    for i in 0..count {
        let push = mask(occupancy_before[i] > 0) & mask(occupancy[i] < 2);
        let pop = mask(occupancy[i] > 0) & mask(occupancy_behind[i] < 2);
        let item = before[i].wrapping_mul(FACTOR).wrapping_add(1);
        let slots = (first[i], second[i], occupancy[i]);
        (next_first[i], next_second[i], next_occupancy[i]) = edge(slots, push, pop, item);
    }
}
