//! W3 and W4 tuned: see [`plain::Systolic`](crate::plain::Systolic) for what it computes.
//!
//! Items are the upper halves of 64-bit states, so 32 bits hold them; their product needs one
//! widening multiplication. The size is known to the compiler. An edge goes over the array row by
//! row, in place: a row needs of the row above what moved down, and of the row below how full its
//! FIFOs were, which is not yet changed.

use super::queues::{Slots, edge};
use crate::plain::{SEED_STEP, SystolicResults, step};
use pulp::{Arch, Simd, WithSimd};

/// The array and its state.
pub struct TunedSystolic<const SIDE: usize> {
    arch: Arch,
    rows: Vec<Row<SIDE>>,
    /// The FIFOs below the last row, which lead to the sinks.
    below: Queues<SIDE>,
    /// Where the generators of the rows and of the columns stand.
    row_states: [u64; SIDE],
    column_states: [u64; SIDE],
    firings: u64,
    drained: u64,
}

/// A row of elements and the FIFOs at their inputs.
#[derive(Clone)]
struct Row<const SIDE: usize> {
    west: Queues<SIDE>,
    north: Queues<SIDE>,
    sums: [i64; SIDE],
    /// The FIFO behind the last element, which leads to the sink.
    last: Slots<i32>,
}

#[derive(Clone)]
struct Queues<const SIDE: usize> {
    first: [i32; SIDE],
    second: [i32; SIDE],
    occupancy: [i32; SIDE],
}

/// What enters a row of FIFOs at this edge: masks and items.
struct Entering<const SIDE: usize> {
    pushes: [i32; SIDE],
    items: [i32; SIDE],
}

#[inline(always)]
fn mask(yes: bool) -> i32 {
    -i32::from(yes)
}

impl<const SIDE: usize> Queues<SIDE> {
    const EMPTY: Self = Self {
        first: [0; SIDE],
        second: [0; SIDE],
        occupancy: [0; SIDE],
    };

    #[inline(always)]
    fn edge(&mut self, entering: &Entering<SIDE>, pops: &[i32; SIDE]) {
        for (j, &pop) in pops.iter().enumerate() {
            let slots = (self.first[j], self.second[j], self.occupancy[j]);
            let (push, item) = (entering.pushes[j], entering.items[j]);
            (self.first[j], self.second[j], self.occupancy[j]) = edge(slots, push, pop, item);
        }
    }
}

impl<const SIDE: usize> Row<SIDE> {
    const EMPTY: Self = Self {
        west: Queues::EMPTY,
        north: Queues::EMPTY,
        sums: [0; SIDE],
        last: (0, 0, 0),
    };

    /// Which elements fire; `south` is how full the FIFOs below are.
    #[inline(always)]
    fn fires(&self, south: &[i32; SIDE]) -> [i32; SIDE] {
        let (west, north) = (&self.west.occupancy, &self.north.occupancy);
        let mut east = [self.last.2; SIDE];
        east[..SIDE - 1].copy_from_slice(&west[1..]);
        let mut fires = [0; SIDE];
        for j in 0..SIDE {
            let ready = mask(west[j] > 0) & mask(north[j] > 0);
            fires[j] = ready & mask(east[j] < 2) & mask(south[j] < 2);
        }
        fires
    }

    #[inline(always)]
    fn multiply(&mut self, fires: &[i32; SIDE]) {
        for (j, &fire) in fires.iter().enumerate() {
            let product = i64::from(self.west.first[j]) * i64::from(self.north.first[j]);
            self.sums[j] = self.sums[j].wrapping_add(product & i64::from(fire));
        }
    }

    /// What the sources at `first` and the elements push to the east.
    #[inline(always)]
    fn eastward(&self, fires: &[i32; SIDE], (push, item): (i32, i32)) -> Entering<SIDE> {
        let mut entering = Entering {
            pushes: [push; SIDE],
            items: [item; SIDE],
        };
        entering.pushes[1..].copy_from_slice(&fires[..SIDE - 1]);
        entering.items[1..].copy_from_slice(&self.west.first[..SIDE - 1]);
        entering
    }
}

/// The sources of rows or of columns, whose FIFOs are so full.
#[inline(always)]
fn supply<const SIDE: usize>(states: &mut [u64; SIDE], occupancy: &[i32; SIDE]) -> Entering<SIDE> {
    let mut entering = Entering {
        pushes: [0; SIDE],
        items: [0; SIDE],
    };
    for j in 0..SIDE {
        let has_room = occupancy[j] < 2;
        states[j] = if has_room { step(states[j]) } else { states[j] };
        entering.pushes[j] = mask(has_room);
        entering.items[j] = (states[j] >> 32) as i32;
    }
    entering
}

#[inline(always)]
fn count<const SIDE: usize>(masks: &[i32; SIDE]) -> u64 {
    masks.iter().map(|mask| -mask).sum::<i32>() as u64
}

/// The loop that is compiled for every instruction set.
struct Edges<'a, const SIDE: usize> {
    machine: &'a mut TunedSystolic<SIDE>,
    cycles: u64,
}

impl<const SIDE: usize> WithSimd for Edges<'_, SIDE> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for _ in 0..self.cycles {
            self.machine.clock();
        }
    }
}

impl<const SIDE: usize> Default for TunedSystolic<SIDE> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const SIDE: usize> TunedSystolic<SIDE> {
    /// An array of `SIDE`² elements.
    #[must_use]
    pub fn new() -> Self {
        let state = |number: usize| (number as u64 + 1).wrapping_mul(SEED_STEP);
        Self {
            arch: Arch::new(),
            rows: vec![Row::EMPTY; SIDE],
            below: Queues::EMPTY,
            row_states: std::array::from_fn(state),
            column_states: std::array::from_fn(|column| state(SIDE + column)),
            firings: 0,
            drained: 0,
        }
    }

    /// Runs `cycles` more cycles.
    pub fn run(&mut self, cycles: u64) -> SystolicResults {
        let arch = self.arch;
        arch.dispatch(Edges {
            machine: self,
            cycles,
        });
        let sums = self.rows.iter().flat_map(|row| row.sums);
        SystolicResults {
            sum: sums.fold(0, |total, sum| total.wrapping_add(sum as u64)),
            firings: self.firings,
            drained: self.drained,
        }
    }

    #[inline(always)]
    fn clock(&mut self) {
        let mut western = [0; SIDE];
        for (occupancy, row) in western.iter_mut().zip(&self.rows) {
            *occupancy = row.west.occupancy[0];
        }
        let western = supply(&mut self.row_states, &western);
        let mut southward = supply(&mut self.column_states, &self.rows[0].north.occupancy);
        for i in 0..SIDE {
            let (upper, lower) = self.rows.split_at_mut(i + 1);
            let row = &mut upper[i];
            let south = lower.first().map_or(&self.below, |row| &row.north);
            let fires = row.fires(&south.occupancy);
            self.firings += count(&fires);
            row.multiply(&fires);
            let eastward = row.eastward(&fires, (western.pushes[i], western.items[i]));
            let drains = mask(row.last.2 > 0);
            self.drained += u64::from(drains != 0);
            row.last = edge(row.last, fires[SIDE - 1], drains, row.west.first[SIDE - 1]);
            row.west.edge(&eastward, &fires);
            let items = row.north.first;
            row.north.edge(&southward, &fires);
            southward = Entering {
                pushes: fires,
                items,
            };
        }
        let drains = self.below.occupancy.map(|occupancy| mask(occupancy > 0));
        self.drained += count(&drains);
        self.below.edge(&southward, &drains);
    }
}
