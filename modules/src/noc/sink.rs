//! `noc.sink`: takes packets off a mesh and measures how long they were under way.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `in` | in | packets | needed |
//!
//! At every edge at which there is a packet it pops it: `delivered` counts it, `latency_sum` adds
//! the cycles since its creation, `check` adds the packet's word xor (cycle << 32). The word is
//! [`Packet::word`] with node fields of 8 bits on meshes of up to 256 nodes, else 12. A
//! packet for another node crashes the sink: some router went wrong.
//!
//! Latency: none. Throughput: one packet per cycle.

use super::mesh::MeshParams;
use super::packet::{PACKET_NODES_MAX, Packet};
use super::router::Routed;
use tina_engine::{BuildError, Cycle, Effect, In, Module, Results, State, Wiring};

/// Where packets end.
pub struct PacketSink {
    input: In<Packet>,
    delivered: u64,
    latency_sum: u64,
    check: u64,
    node: u32,
    node_bits: u32,
}

impl Module for PacketSink {
    const KIND: &'static str = "noc.sink";
    const SUMMARY: &'static str =
        "takes packets off a mesh; results delivered, latency_sum, check: in";
    const COST_NS: f64 = 3.0;
    type Params = MeshParams;

    fn build(params: MeshParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let node_count = params.node_count(PACKET_NODES_MAX)?;
        Ok(Self {
            input: wiring.input("in")?,
            delivered: 0,
            latency_sum: 0,
            check: 0,
            node: params.node(node_count, wiring)?,
            node_bits: if node_count <= 256 { 8 } else { 12 },
        })
    }

    #[inline(always)]
    fn clock(&mut self, now: Cycle) -> Effect {
        if let Some(packet) = self.input.try_pop() {
            if packet.destination() != self.node {
                return Effect::Crash("a packet for another node came out of the mesh");
            }
            self.delivered += 1;
            self.latency_sum = self.latency_sum.wrapping_add(now - packet.created());
            self.check = self
                .check
                .wrapping_add(packet.word(self.node_bits) ^ now << 32);
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        state
            .value(&mut self.delivered)
            .value(&mut self.latency_sum)
            .value(&mut self.check);
    }

    fn report(&self, results: &mut Results) {
        results
            .count("delivered", self.delivered)
            .described("packets", "that arrived");
        results
            .count("latency_sum", self.latency_sum)
            .described("cycles", "from making to arrival, of all packets");
        results
            .check("check", self.check)
            .described("", "xor of what is known of all packets");
    }
}
