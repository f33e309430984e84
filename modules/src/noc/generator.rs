//! `noc.generator`: makes packets at random times for other nodes of its mesh.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `out` | out | packets | needed |
//!
//! In every cycle in which it holds no packet it draws once: with probability `rate` it makes a
//! packet. It pushes the packet it holds at the first edge at which there is room, the edge of its
//! making included. Under `Uniform` a second draw picks any node but its own; under `Transpose`
//! node (x, y) writes to (y, x), under `Opposite` to the node at the other end of the numbering.
//! A node that would write to itself stays silent.
//!
//! Cases: `rate: 0` — silent for ever; no room — it keeps the packet and does not draw.
//!
//! The draws are those of [`lcg`], started from the node's number, so that other simulators can
//! repeat the traffic: state s, s := next(s), a hit when s >> 33 < ⌊rate · 2³¹⌋. Draws
//! depend on nothing outside, so it draws ahead to its next hit at once and sleeps until then.
//!
//! Latency: pushed in the cycle of its making at the earliest. Throughput: one packet per cycle.

use super::mesh::{MeshParams, node_bits};
use super::packet::{PACKET_NODES_MAX, Packet};
use super::router::Routed;
use crate::math::lcg;
use serde::Deserialize;
use tina_engine::{BuildError, Cycle, Effect, Module, Out, Results, State, Wiring};

/// Draws made at one edge before the generator sleeps over them.
const DRAWS_AHEAD_MAX: u64 = 1024;

/// Whom a node writes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Pattern {
    /// Any other node, drawn anew for each packet.
    #[default]
    Uniform,
    /// The node with row and column exchanged; the mesh must be square.
    Transpose,
    /// The node whose number is counted from the other end.
    Opposite,
}

/// Parameters of [`Generator`].
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorParams {
    /// Columns of the mesh.
    pub width: u32,
    /// Rows of the mesh.
    pub height: u32,
    /// Number of the node; without it, the instance's index `[y][x]` says it.
    #[serde(default)]
    pub node: Option<u32>,
    /// Probability of a packet in a cycle without one, 0 to 1.
    pub rate: f64,
    /// Whom it writes to.
    #[serde(default)]
    pub pattern: Pattern,
}

/// Source of traffic.
pub struct Generator {
    out: Out<Packet>,
    state: u64,
    packet: Packet,
    /// Until then nothing happens; then it holds `packet` or draws again.
    due: Cycle,
    sent: u64,
    /// A draw below it is a hit.
    threshold: u32,
    node: u32,
    /// Uniform: how many other nodes there are. Otherwise 0.
    other_count: u32,
    /// Not uniform: the one destination.
    fixed: u16,
    holds: bool,
    silent: bool,
}

impl Module for Generator {
    const KIND: &'static str = "noc.generator";
    const SUMMARY: &'static str = "random packets for other nodes of a mesh: out";
    const COST_NS: f64 = 4.0;
    type Params = GeneratorParams;

    fn build(params: GeneratorParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let GeneratorParams {
            width,
            height,
            node,
            rate,
            pattern,
        } = params;
        if !(0.0..=1.0).contains(&rate) {
            return Err(BuildError::param(
                "rate",
                format!("{rate}; a probability is 0 to 1"),
            ));
        }
        let mesh = MeshParams {
            width,
            height,
            node,
        };
        let node_count = mesh.node_count(PACKET_NODES_MAX)?;
        let node = mesh.node(node_count, wiring)?;
        let fixed = match pattern {
            Pattern::Uniform => None,
            Pattern::Transpose if width == height => Some(node % width * width + node / width),
            Pattern::Transpose => {
                let message = format!("Transpose; {width} × {height} is not square");
                return Err(BuildError::param("pattern", message));
            }
            Pattern::Opposite => Some(node_count - 1 - node),
        };
        // Scaling by a power of two is exact, so every host finds the same threshold.
        let threshold = (rate * f64::from(1u32 << 31)).floor() as u32;
        let out = wiring.output("out")?;
        for field in Packet::NODE_FIELDS {
            wiring.narrow(field, node_bits(node_count));
        }
        Ok(Self {
            out,
            state: lcg::first_state(u64::from(node)),
            packet: Packet::new(0, 0, 0),
            due: 0,
            sent: 0,
            threshold,
            node,
            other_count: if fixed.is_some() { 0 } else { node_count - 1 },
            fixed: fixed.unwrap_or(0) as u16,
            holds: false,
            silent: threshold == 0 || node_count == 1 || fixed == Some(node),
        })
    }

    #[inline(always)]
    fn clock(&mut self, now: Cycle) -> Effect {
        if self.silent {
            return Effect::Done;
        }
        if now < self.due {
            return Effect::Sleep(self.due - now);
        }
        if !self.holds {
            self.draw_ahead(now);
            if now < self.due {
                return Effect::Sleep(self.due - now);
            }
        }
        if self.out.try_push(self.packet).is_err() {
            return Effect::Receive;
        }
        self.sent += 1;
        self.draw_ahead(now + 1);
        Effect::Sleep(self.due - now)
    }

    fn state(&mut self, state: &mut State<'_>) {
        state
            .value(&mut self.state)
            .value(&mut self.packet)
            .value(&mut self.due)
            .value(&mut self.sent)
            .value(&mut self.holds);
    }

    fn report(&self, results: &mut Results) {
        results
            .count("sent", self.sent)
            .described("packets", "that left");
    }
}

impl Generator {
    /// Makes the draws of cycle `from` and on up to the next hit, or as many as allowed at once.
    #[inline(always)]
    fn draw_ahead(&mut self, from: Cycle) {
        let mut state = self.state;
        let mut cycle = from;
        let mut holds = false;
        while cycle < from + DRAWS_AHEAD_MAX {
            state = lcg::next(state);
            if (state >> 33) < u64::from(self.threshold) {
                let destination = if self.other_count > 0 {
                    state = lcg::next(state);
                    let other = (((state >> 33) * u64::from(self.other_count)) >> 31) as u32;
                    other + u32::from(other >= self.node)
                } else {
                    u32::from(self.fixed)
                };
                self.packet = Packet::new(destination, self.node, cycle);
                holds = true;
                break;
            }
            cycle += 1;
        }
        self.holds = holds;
        self.due = cycle;
        self.state = state;
    }
}
