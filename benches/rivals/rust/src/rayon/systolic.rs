//! W3. The rows are divided; an element has the two FIFOs before it.

use super::fifo::Queue;
use super::{Chunked, share};
use tina_rivals::report::Results;
use tina_rivals::rules;

pub(super) struct Systolic(Vec<Chunk>);

#[derive(Clone, Copy, Default)]
struct Element {
    west: Queue,
    north: Queue,
    sum: u64,
}

pub(super) struct Chunk {
    side: usize,
    elements: Vec<Element>,
    row_sources: Vec<u64>,
    row_sinks: Vec<Queue>,
    /// Of the first chunk.
    column_sources: Vec<u64>,
    /// Of the last chunk.
    column_sinks: Vec<Queue>,
    /// South of the row that is clocked: at first that beyond the border, or of the sinks.
    room: Vec<bool>,
    leaving: Vec<Option<u64>>,
    firings: u64,
    drained: u64,
}

impl Systolic {
    pub(super) fn new(side: usize, chunk_count: usize) -> Self {
        let chunk = |number| {
            let rows = share(side, number, chunk_count);
            let (is_first, is_last) = (number == 0, number + 1 == chunk_count);
            Chunk {
                side,
                elements: vec![Element::default(); rows.len() * side],
                row_sinks: vec![Queue::default(); rows.len()],
                row_sources: rows.map(rules::first_state).collect(),
                column_sources: (side..side + if is_first { side } else { 0 })
                    .map(rules::first_state)
                    .collect(),
                column_sinks: vec![Queue::default(); if is_last { side } else { 0 }],
                room: vec![true; side],
                leaving: vec![None; side],
                firings: 0,
                drained: 0,
            }
        };
        Self((0..chunk_count).map(chunk).collect())
    }
}

impl Chunk {
    fn drain(&mut self) {
        for (sink, room) in self.column_sinks.iter_mut().zip(&mut self.room) {
            *room = sink.has_room();
        }
        for sink in &mut self.column_sinks {
            if sink.ready() {
                sink.pop();
                self.drained += 1;
            }
        }
    }

    /// Clocks one row; `room` becomes that of its north FIFOs before the edge.
    fn clock_row(&mut self, row: usize) {
        let side = self.side;
        let (elements, below) = self.elements[row * side..].split_at_mut(side);
        let sink = &mut self.row_sinks[row];
        let mut east_room = sink.has_room();
        if sink.ready() {
            sink.pop();
            self.drained += 1;
        }
        let mut east = sink;
        for (column, element) in elements.iter_mut().enumerate().rev() {
            let Element { west, north, sum } = element;
            let has_room = east_room && self.room[column];
            east_room = west.has_room();
            self.room[column] = north.has_room();
            if has_room && west.ready() && north.ready() {
                let (a, b) = (west.pop(), north.pop());
                *sum = sum.wrapping_add(a.wrapping_mul(b));
                self.firings += 1;
                east.push(a);
                if let Some(south) = below.get_mut(column) {
                    south.north.push(b);
                } else if let Some(sink) = self.column_sinks.get_mut(column) {
                    sink.push(b);
                } else {
                    self.leaving[column] = Some(b);
                }
            }
            east = west;
        }
        if east_room {
            let state = &mut self.row_sources[row];
            *state = rules::step(*state);
            east.push(rules::operand(*state));
        }
    }
}

impl Chunked for Systolic {
    type Chunk = Chunk;

    fn chunks(&mut self) -> &mut [Chunk] {
        &mut self.0
    }

    fn clock(chunk: &mut Chunk, _cycle: u64) {
        chunk.drain();
        for row in (0..chunk.row_sources.len()).rev() {
            chunk.clock_row(row);
        }
        for (column, state) in chunk.column_sources.iter_mut().enumerate() {
            if chunk.room[column] {
                *state = rules::step(*state);
                chunk.elements[column].north.push(rules::operand(*state));
            }
        }
    }

    fn exchange(before: &mut Chunk, after: &mut Chunk) {
        for (column, element) in after.elements[..after.side].iter_mut().enumerate() {
            if let Some(item) = before.leaving[column].take() {
                element.north.push(item);
            }
            before.room[column] = element.north.has_room();
        }
    }

    fn results(&self) -> Results {
        let elements = self.0.iter().flat_map(|chunk| &chunk.elements);
        Results::Systolic {
            sum: elements.fold(0, |total, element| total.wrapping_add(element.sum)),
            firings: self.0.iter().map(|chunk| chunk.firings).sum(),
            drained: self.0.iter().map(|chunk| chunk.drained).sum(),
        }
    }
}
