//! W2: a mesh of K×K nodes under uniform traffic. Node n stands at x = n mod K, y = n div K and has
//! a router, a generator and a sink.
//!
//! A router has five inputs (north, east, south, west, local), each a FIFO of four slots, and
//! five outputs in that order; it routes x first, and each output with room takes the first head
//! that asks for it in cyclic order from its pointer, which then moves behind the winner.
//! A generator draws once in every cycle in which it holds no packet.

use super::fifo::Fifo;
use super::{SEED_STEP, step};
use std::cmp::Ordering;

const LOCAL: usize = 4;
/// Which input of the neighbour an output feeds.
const OPPOSITE: [usize; 4] = [2, 3, 0, 1];

/// The mesh and its state.
pub struct Mesh {
    side: usize,
    node_bits: u32,
    /// A draw below it makes a packet.
    threshold: u64,
    nodes: Vec<Node>,
    /// Column and row of each node: a load is cheaper than a division.
    places: Vec<(u16, u16)>,
    cycle: u64,
    results: MeshResults,
}

#[derive(Clone, Copy)]
struct Node {
    inputs: [Fifo<4>; 5],
    /// From output local to the sink.
    outlet: Fifo<4>,
    pointers: [u8; 5],
    state: u64,
    held: Option<u64>,
}

/// What the sinks saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeshResults {
    /// Packets popped.
    pub delivered: u64,
    /// Sum of the cycles they were under way.
    pub latency_sum: u64,
    /// Sum of packet xor (cycle << 32).
    pub check: u64,
}

impl MeshResults {
    /// The results under the names of the netlist.
    #[must_use]
    pub fn totals(&self) -> [(&'static str, u64); 3] {
        [
            ("delivered", self.delivered),
            ("latency_sum", self.latency_sum),
            ("check", self.check),
        ]
    }
}

impl Mesh {
    /// A mesh of `side`² nodes, each making packets with probability `rate`.
    #[must_use]
    pub fn new(side: usize, rate: f64) -> Self {
        let place = |number: usize| ((number % side) as u16, (number / side) as u16);
        let node = |number: usize| Node {
            inputs: [Fifo::EMPTY; 5],
            outlet: Fifo::EMPTY,
            pointers: [0; 5],
            state: (number as u64 + 1).wrapping_mul(SEED_STEP),
            held: None,
        };
        Self {
            side,
            node_bits: if side <= 16 { 8 } else { 12 },
            threshold: (rate * f64::from(1u32 << 31)) as u64,
            nodes: (0..side * side).map(node).collect(),
            places: (0..side * side).map(place).collect(),
            cycle: 0,
            results: MeshResults::default(),
        }
    }

    /// Runs `cycles` more cycles.
    pub fn run(&mut self, cycles: u64) -> MeshResults {
        for _ in 0..cycles {
            for number in 0..self.nodes.len() {
                self.generate(number);
                self.route(number);
                self.drain(number);
            }
            for node in &mut self.nodes {
                node.inputs.iter_mut().for_each(Fifo::commit);
                node.outlet.commit();
            }
            self.cycle += 1;
        }
        self.results
    }

    /// Packets pushed into FIFOs so far; each FIFO counts modulo 2³².
    #[must_use]
    pub fn transfers(&self) -> u64 {
        let of = |node: &Node| {
            let inputs: u64 = node.inputs.iter().map(Fifo::push_count).sum();
            inputs + node.outlet.push_count()
        };
        self.nodes.iter().map(of).sum()
    }

    #[inline(always)]
    fn generate(&mut self, number: usize) {
        let other_count = self.nodes.len() as u64 - 1;
        let node = &mut self.nodes[number];
        if node.held.is_none() {
            node.state = step(node.state);
            if node.state >> 33 < self.threshold {
                node.state = step(node.state);
                let mut destination = ((node.state >> 33) * other_count) >> 31;
                if destination >= number as u64 {
                    destination += 1;
                }
                let source = (number as u64) << self.node_bits;
                node.held = Some(destination | source | self.cycle << (2 * self.node_bits));
            }
        }
        if let Some(packet) = node.held
            && node.inputs[LOCAL].has_room()
        {
            node.inputs[LOCAL].push(packet);
            node.held = None;
        }
    }

    #[inline(always)]
    fn route(&mut self, number: usize) {
        // Per output, the inputs whose head asks for it.
        let mut asking = [0u8; 5];
        let node = &self.nodes[number];
        let mut any = false;
        for (index, input) in node.inputs.iter().enumerate() {
            if input.ready() {
                asking[self.output_of(number, input.first())] |= 1 << index;
                any = true;
            }
        }
        if !any {
            return;
        }
        for (output, &askers) in asking.iter().enumerate() {
            if askers == 0 || !self.target(number, output).has_room() {
                continue;
            }
            let node = &mut self.nodes[number];
            let mut winner = usize::from(node.pointers[output]);
            while askers >> winner & 1 == 0 {
                winner = if winner == 4 { 0 } else { winner + 1 };
            }
            node.pointers[output] = if winner == 4 { 0 } else { winner as u8 + 1 };
            let packet = node.inputs[winner].pop();
            self.target(number, output).push(packet);
        }
    }

    #[inline(always)]
    fn output_of(&self, number: usize, packet: u64) -> usize {
        let destination = packet as usize & ((1 << self.node_bits) - 1);
        let (x, y) = self.places[destination];
        let (here_x, here_y) = self.places[number];
        match (x.cmp(&here_x), y.cmp(&here_y)) {
            (Ordering::Greater, _) => 1,
            (Ordering::Less, _) => 3,
            (_, Ordering::Less) => 0,
            (_, Ordering::Greater) => 2,
            _ => LOCAL,
        }
    }

    /// The FIFO that an output feeds. Routes never leave the mesh, so it exists.
    #[inline(always)]
    fn target(&mut self, number: usize, output: usize) -> &mut Fifo<4> {
        if output == LOCAL {
            return &mut self.nodes[number].outlet;
        }
        let neighbour = match output {
            0 => number - self.side,
            1 => number + 1,
            2 => number + self.side,
            _ => number - 1,
        };
        &mut self.nodes[neighbour].inputs[OPPOSITE[output]]
    }

    #[inline(always)]
    fn drain(&mut self, number: usize) {
        let outlet = &mut self.nodes[number].outlet;
        if outlet.ready() {
            let packet = outlet.pop();
            self.results.delivered += 1;
            self.results.latency_sum += self.cycle - (packet >> (2 * self.node_bits));
            self.results.check = self.results.check.wrapping_add(packet ^ self.cycle << 32);
        }
    }
}
