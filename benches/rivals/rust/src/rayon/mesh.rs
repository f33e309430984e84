//! W2. The rows are divided; a node has the five FIFOs before its router and the one before its sink.

use super::fifo::Registered;
use super::{Chunked, share};
use std::cmp::Ordering;
use tina_rivals::report::Results;
use tina_rivals::rules::{self, Traffic};

const NORTH: usize = 0;
const SOUTH: usize = 2;
const LOCAL: usize = 4;
/// Which input of the neighbour an output feeds.
const OPPOSITE: [usize; 4] = [2, 3, 0, 1];

pub(super) struct Mesh(Vec<Chunk>);

#[derive(Clone, Copy)]
struct Node {
    inputs: [Registered; 5],
    outlet: Registered,
    pointers: [u8; 5],
    state: u64,
    held: Option<u64>,
}

/// One side of a border: what may go over it and what goes.
struct Border {
    room: Vec<bool>,
    leaving: Vec<Option<u64>>,
}

pub(super) struct Chunk {
    side: usize,
    traffic: Traffic,
    /// The number of its first node.
    first: usize,
    nodes: Vec<Node>,
    /// Column and row of all nodes of the mesh.
    places: Vec<(u16, u16)>,
    north: Border,
    south: Border,
    delivered: u64,
    latency_sum: u64,
    check: u64,
}

impl Mesh {
    pub(super) fn new(side: usize, rate: f64, chunk_count: usize) -> Self {
        let place = |number: usize| ((number % side) as u16, (number / side) as u16);
        let node = |number| Node {
            inputs: [Registered::default(); 5],
            outlet: Registered::default(),
            pointers: [0; 5],
            state: rules::first_state(number),
            held: None,
        };
        let border = || Border {
            room: vec![true; side],
            leaving: vec![None; side],
        };
        let chunk = |number| {
            let rows = share(side, number, chunk_count);
            Chunk {
                side,
                traffic: Traffic::new(side, rate),
                first: rows.start * side,
                nodes: (rows.start * side..rows.end * side).map(node).collect(),
                places: (0..side * side).map(place).collect(),
                north: border(),
                south: border(),
                delivered: 0,
                latency_sum: 0,
                check: 0,
            }
        };
        Self((0..chunk_count).map(chunk).collect())
    }
}

impl Chunk {
    #[inline(always)]
    fn generate(&mut self, index: usize, cycle: u64) {
        let node = &mut self.nodes[index];
        if node.held.is_none() {
            node.held = self
                .traffic
                .draw(&mut node.state, self.first + index, cycle);
        }
        if let Some(packet) = node.held
            && node.inputs[LOCAL].has_room()
        {
            node.inputs[LOCAL].push(packet);
            node.held = None;
        }
    }

    #[inline(always)]
    fn route(&mut self, index: usize) {
        // Per output, the inputs whose head asks for it.
        let mut asking = [0u8; 5];
        let mut any = false;
        for (number, input) in self.nodes[index].inputs.iter().enumerate() {
            if input.ready() {
                asking[self.output_of(index, input.first())] |= 1 << number;
                any = true;
            }
        }
        if !any {
            return;
        }
        for (output, &askers) in asking.iter().enumerate() {
            if askers == 0 || !self.has_room(index, output) {
                continue;
            }
            let node = &mut self.nodes[index];
            let mut winner = usize::from(node.pointers[output]);
            while askers >> winner & 1 == 0 {
                winner = if winner == 4 { 0 } else { winner + 1 };
            }
            node.pointers[output] = if winner == 4 { 0 } else { winner as u8 + 1 };
            let packet = node.inputs[winner].pop();
            self.send(index, output, packet);
        }
    }

    #[inline(always)]
    fn output_of(&self, index: usize, packet: u64) -> usize {
        let (x, y) = self.places[self.traffic.destination(packet)];
        let (here_x, here_y) = self.places[self.first + index];
        match (x.cmp(&here_x), y.cmp(&here_y)) {
            (Ordering::Greater, _) => 1,
            (Ordering::Less, _) => 3,
            (_, Ordering::Less) => NORTH,
            (_, Ordering::Greater) => SOUTH,
            _ => LOCAL,
        }
    }

    /// The neighbour that an output leads to, if it is in this chunk. Routes never leave the mesh.
    #[inline(always)]
    fn neighbour(&self, index: usize, output: usize) -> Option<usize> {
        match output {
            NORTH => index.checked_sub(self.side),
            1 => Some(index + 1),
            SOUTH => Some(index + self.side).filter(|&index| index < self.nodes.len()),
            _ => Some(index - 1),
        }
    }

    fn border(&mut self, output: usize) -> &mut Border {
        if output == NORTH {
            &mut self.north
        } else {
            &mut self.south
        }
    }

    #[inline(always)]
    fn has_room(&mut self, index: usize, output: usize) -> bool {
        if output == LOCAL {
            return self.nodes[index].outlet.has_room();
        }
        match self.neighbour(index, output) {
            Some(neighbour) => self.nodes[neighbour].inputs[OPPOSITE[output]].has_room(),
            None => {
                let column = index % self.side;
                self.border(output).room[column]
            }
        }
    }

    #[inline(always)]
    fn send(&mut self, index: usize, output: usize, packet: u64) {
        if output == LOCAL {
            return self.nodes[index].outlet.push(packet);
        }
        match self.neighbour(index, output) {
            Some(neighbour) => self.nodes[neighbour].inputs[OPPOSITE[output]].push(packet),
            None => {
                let column = index % self.side;
                self.border(output).leaving[column] = Some(packet);
            }
        }
    }

    #[inline(always)]
    fn drain(&mut self, index: usize, cycle: u64) {
        let outlet = &mut self.nodes[index].outlet;
        if outlet.ready() {
            let packet = outlet.pop();
            self.delivered += 1;
            self.latency_sum += cycle - self.traffic.birth(packet);
            self.check = self.check.wrapping_add(packet ^ cycle << 32);
        }
    }
}

impl Chunked for Mesh {
    type Chunk = Chunk;

    fn chunks(&mut self) -> &mut [Chunk] {
        &mut self.0
    }

    fn clock(chunk: &mut Chunk, cycle: u64) {
        for index in 0..chunk.nodes.len() {
            chunk.generate(index, cycle);
            chunk.route(index);
            chunk.drain(index, cycle);
        }
        for node in &mut chunk.nodes {
            node.inputs.iter_mut().for_each(Registered::commit);
            node.outlet.commit();
        }
    }

    fn exchange(before: &mut Chunk, after: &mut Chunk) {
        let side = before.side;
        let last_row = before.nodes.len() - side;
        for column in 0..side {
            let upper = &mut before.nodes[last_row + column].inputs[SOUTH];
            carry(&mut after.north, column, upper);
            let lower = &mut after.nodes[column].inputs[NORTH];
            carry(&mut before.south, column, lower);
        }
    }

    fn results(&self) -> Results {
        let chunks = || self.0.iter();
        Results::Mesh {
            delivered: chunks().map(|chunk| chunk.delivered).sum(),
            latency_sum: chunks().map(|chunk| chunk.latency_sum).sum(),
            check: chunks().fold(0, |total, chunk| total.wrapping_add(chunk.check)),
        }
    }
}

#[inline(always)]
fn carry(border: &mut Border, column: usize, fifo: &mut Registered) {
    if let Some(packet) = border.leaving[column].take() {
        fifo.push(packet);
        fifo.commit();
    }
    border.room[column] = fifo.has_room();
}
