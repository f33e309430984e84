//! W3: an output-stationary systolic array of N×N elements; FIFOs of two slots everywhere.
//!
//! Element (i, j) takes a from the west and b from the north, adds a·b to its accumulator and
//! passes a on to the east and b to the south, when both are there and there is room for both.
//! Rows and columns start at pseudo-random sources and end in sinks that take all.

use super::fifo::Fifo;
use super::{SEED_STEP, step};

/// The array and its state.
pub struct Systolic {
    side: usize,
    /// `side` rows of `side + 1` FIFOs: from source i, between elements, to sink i.
    rows: Vec<Fifo<2>>,
    /// `side + 1` rows of `side` FIFOs: above the array, between its rows, below it.
    columns: Vec<Fifo<2>>,
    row_states: Vec<u64>,
    column_states: Vec<u64>,
    sums: Vec<u64>,
    firings: u64,
    drained: u64,
}

/// What the array computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SystolicResults {
    /// Sum of all accumulators.
    pub sum: u64,
    /// Firings of all elements.
    pub firings: u64,
    /// Items that reached the sinks.
    pub drained: u64,
}

impl SystolicResults {
    /// The results under the names of the netlist.
    #[must_use]
    pub fn totals(&self) -> [(&'static str, u64); 3] {
        [
            ("sum", self.sum),
            ("firings", self.firings),
            ("drained", self.drained),
        ]
    }
}

impl Systolic {
    /// An array of `side`² elements.
    #[must_use]
    pub fn new(side: usize) -> Self {
        let states = |first: usize| {
            (0..side)
                .map(|index| ((first + index + 1) as u64).wrapping_mul(SEED_STEP))
                .collect()
        };
        Self {
            side,
            rows: vec![Fifo::EMPTY; side * (side + 1)],
            columns: vec![Fifo::EMPTY; side * (side + 1)],
            row_states: states(0),
            column_states: states(side),
            sums: vec![0; side * side],
            firings: 0,
            drained: 0,
        }
    }

    /// Runs `cycles` more cycles.
    pub fn run(&mut self, cycles: u64) -> SystolicResults {
        for _ in 0..cycles {
            self.feed();
            self.fire();
            self.drain();
            self.rows.iter_mut().for_each(Fifo::commit);
            self.columns.iter_mut().for_each(Fifo::commit);
        }
        SystolicResults {
            sum: self
                .sums
                .iter()
                .fold(0, |total, sum| total.wrapping_add(*sum)),
            firings: self.firings,
            drained: self.drained,
        }
    }

    /// Items pushed into FIFOs so far; each FIFO counts modulo 2³².
    #[must_use]
    pub fn transfers(&self) -> u64 {
        let fifos = self.rows.iter().chain(&self.columns);
        fifos.map(Fifo::push_count).sum()
    }

    fn feed(&mut self) {
        for index in 0..self.side {
            let row = &mut self.rows[index * (self.side + 1)];
            supply(row, &mut self.row_states[index]);
            supply(&mut self.columns[index], &mut self.column_states[index]);
        }
    }

    fn fire(&mut self) {
        let side = self.side;
        for (i, row) in self.rows.chunks_exact_mut(side + 1).enumerate() {
            let (above, below) = self.columns.split_at_mut((i + 1) * side);
            let norths = &mut above[i * side..];
            let souths = &mut below[..side];
            let sums = &mut self.sums[i * side..(i + 1) * side];
            for j in 0..side {
                let [west, east] = &mut row[j..=j + 1] else {
                    unreachable!("a slice of two")
                };
                let (north, south) = (&mut norths[j], &mut souths[j]);
                if west.ready() && north.ready() && east.has_room() && south.has_room() {
                    let (a, b) = (west.pop(), north.pop());
                    sums[j] = sums[j].wrapping_add(a.wrapping_mul(b));
                    east.push(a);
                    south.push(b);
                    self.firings += 1;
                }
            }
        }
    }

    fn drain(&mut self) {
        for index in 0..self.side {
            let row_end = index * (self.side + 1) + self.side;
            let column_end = self.side * self.side + index;
            for end in [&mut self.rows[row_end], &mut self.columns[column_end]] {
                if end.ready() {
                    end.pop();
                    self.drained += 1;
                }
            }
        }
    }
}

fn supply(fifo: &mut Fifo<2>, state: &mut u64) {
    if fifo.has_room() {
        *state = step(*state);
        fifo.push((*state as i64 >> 32) as u64);
    }
}
