//! `noc.router` and its relatives: a five-port router of a mesh, dimension-ordered, x first.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `north`, `east`, `south`, `west` | in | packets from the neighbour there | optional |
//! | `local_in` | in | packets of this node | needed |
//! | `north`, `east`, `south`, `west` | out | packets to the neighbour there | optional |
//! | `local_out` | out | packets for this node | needed |
//!
//! At every edge the head of each input asks for one output: east or west until it stands in the
//! column of its destination, then north or south, then local. Every output that has room takes
//! one of the heads that ask for it, the first in cyclic order (north, east, south, west, local)
//! from its pointer, and the pointer moves behind the winner. An output without room keeps its
//! pointer. So up to five packets pass at one edge.
//!
//! Cases: nothing asks — nothing changes; the output is full — the packet waits at the head of its
//! FIFO and holds up those behind it; a packet to or from no node of the mesh crashes
//! the router at which it enters.
//!
//! Latency: none of its own (one wire per hop). Throughput: one packet per edge and port. Free of
//! deadlock, because x-first routes turn from a row into a column and never back.
//!
//! Generic over what it carries: each packet type gives its router a kind of its own.

use super::mesh::{MeshParams, NODES_MAX, node_bits};
use tina_engine::{
    BuildError, Cycle, Effect, Heading, In, Module, Out, Probes, Signal, State, Wiring,
};

/// A packet that knows where it goes.
pub trait Routed: Signal {
    /// The kind of its routers in netlists.
    const ROUTER_KIND: &'static str;

    /// Its fields that are numbers of nodes: traces show them as wide as those of a mesh are.
    const NODE_FIELDS: &'static [&'static str] = &[];

    /// Number of the node it is for.
    fn destination(&self) -> u32;

    /// The greatest number in [`NODE_FIELDS`](Self::NODE_FIELDS), and its destination.
    #[inline(always)]
    fn greatest_node(&self) -> u32 {
        self.destination()
    }
}

const PORT_COUNT: usize = 5;
const NORTH: u32 = 0;
const EAST: u32 = 1;
const SOUTH: u32 = 2;
const WEST: u32 = 3;
const LOCAL: u32 = 4;

/// What ports, and the grants of outputs, are called in traces.
const PORT_NAMES: [&str; PORT_COUNT] = ["north", "east", "south", "west", "local"];
const GRANTS: [&str; PORT_COUNT] = [
    "grant_north",
    "grant_east",
    "grant_south",
    "grant_west",
    "grant_local",
];

/// `FIRST_ASKING[pointer][mask]`: the first set bit of `mask` in cyclic order from `pointer`.
static FIRST_ASKING: [[u8; 32]; PORT_COUNT] = first_asking();

const fn first_asking() -> [[u8; 32]; PORT_COUNT] {
    let mut table = [[0; 32]; PORT_COUNT];
    let mut pointer = 0;
    while pointer < PORT_COUNT {
        let mut mask = 1;
        while mask < 32 {
            let mut input = pointer;
            while (mask >> input) & 1 == 0 {
                input = (input + 1) % PORT_COUNT;
            }
            table[pointer][mask] = input as u8;
            mask += 1;
        }
        pointer += 1;
    }
    table
}

/// Five-port mesh router for packets of type `P`.
pub struct Router<P: Routed> {
    inputs: [In<P>; PORT_COUNT],
    outputs: [Out<P>; PORT_COUNT],
    /// Per output: the input at which its search begins.
    pointers: [u8; PORT_COUNT],
    x: u32,
    y: u32,
    width: u32,
    node_count: u32,
    /// ⌈2³² / width⌉: for numbers below 2¹⁶ the upper half of a product with it is the quotient.
    reciprocal: u64,
}

const _: () = assert!(NODES_MAX <= 1 << 16, "the reciprocal is exact below 2^16");

impl<P: Routed> Module for Router<P> {
    const KIND: &'static str = P::ROUTER_KIND;
    const SUMMARY: &'static str = "mesh router, x first, round robin: in and out north, east, south, west (optional); local_in; local_out";
    const COST_NS: f64 = 25.0;
    type Params = MeshParams;

    fn build(params: MeshParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let node_count = params.node_count(NODES_MAX)?;
        let node = params.node(node_count, wiring)?;
        let inputs = [
            wiring.optional_input("north")?,
            wiring.optional_input("east")?,
            wiring.optional_input("south")?,
            wiring.optional_input("west")?,
            wiring.input("local_in")?,
        ];
        let outputs = [
            wiring.optional_output("north")?,
            wiring.optional_output("east")?,
            wiring.optional_output("south")?,
            wiring.optional_output("west")?,
            wiring.output("local_out")?,
        ];
        for field in P::NODE_FIELDS {
            wiring.narrow(field, node_bits(node_count));
        }
        Ok(Self {
            inputs,
            outputs,
            pointers: [0; PORT_COUNT],
            x: node % params.width,
            y: node / params.width,
            width: params.width,
            node_count,
            reciprocal: (1u64 << 32).div_ceil(u64::from(params.width)),
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        // Byte `o` of `asking`: the inputs whose head asks for output `o`.
        let mut asking = 0u64;
        for (input, port) in self.inputs.iter().enumerate() {
            if let Some(packet) = port.peek() {
                let destination = packet.destination();
                // Elsewhere it has been checked by the router at which it entered.
                if input == LOCAL as usize && packet.greatest_node() >= self.node_count {
                    return Effect::Crash(if destination >= self.node_count {
                        "a packet's destination is no node of this mesh"
                    } else {
                        "a packet's source is no node of this mesh"
                    });
                }
                asking |= 1 << (self.output_towards(destination) * 8 + input as u32);
            }
        }
        while asking != 0 {
            let output = (asking.trailing_zeros() / 8) as usize;
            let mask = ((asking >> (output * 8)) & 31) as usize;
            asking &= !(0xff << (output * 8));
            if let Some(room) = self.outputs[output].room() {
                let winner = FIRST_ASKING[usize::from(self.pointers[output])][mask];
                room.push(self.inputs[usize::from(winner)].pop());
                self.pointers[output] = if winner == LOCAL as u8 { 0 } else { winner + 1 };
            }
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        state.value(&mut self.pointers);
    }

    /// For each output the input that was granted it last: a pointer stands behind its winner.
    fn probe(&self, probes: &mut Probes<'_>) {
        for (name, pointer) in GRANTS.into_iter().zip(self.pointers) {
            let winner = (u64::from(pointer) + PORT_COUNT as u64 - 1) % PORT_COUNT as u64;
            probes.choice(name, &PORT_NAMES, winner);
        }
    }

    fn heading(&self, heading: &mut Heading<'_>) {
        for input in &self.inputs {
            if let Some(packet) = input.peek() {
                let output = self.output_towards(packet.destination());
                heading.wants(input, &self.outputs[output as usize]);
            }
        }
    }
}

impl<P: Routed> Router<P> {
    #[inline(always)]
    fn output_towards(&self, destination: u32) -> u32 {
        let row = ((u64::from(destination) * self.reciprocal) >> 32) as u32;
        let column = destination.wrapping_sub(row.wrapping_mul(self.width));
        let along_column = if row < self.y {
            NORTH
        } else if row > self.y {
            SOUTH
        } else {
            LOCAL
        };
        if column > self.x {
            EAST
        } else if column < self.x {
            WEST
        } else {
            along_column
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reciprocal_divides_every_node_number() {
        for width in [1u64, 2, 3, 5, 7, 16, 64, 255, 256, 4095, 65_535, 65_536] {
            let reciprocal = (1u64 << 32).div_ceil(width);
            for node in 0..u64::from(NODES_MAX) {
                assert_eq!((node * reciprocal) >> 32, node / width, "{node} / {width}");
            }
        }
    }

    #[test]
    fn the_search_is_cyclic_from_the_pointer() {
        assert_eq!(FIRST_ASKING[0][0b10110], 1);
        assert_eq!(FIRST_ASKING[3][0b10110], 4);
        assert_eq!(FIRST_ASKING[3][0b00110], 1);
        assert_eq!(FIRST_ASKING[4][0b10000], 4);
        assert_eq!(FIRST_ASKING[4][0b01111], 0);
    }
}
