//! What a machine is made of, as indices: the engine's input, checked by whoever wrote it.

use crate::fifo::DEPTH_MAX;
use crate::kind::Params;
use crate::time::{Domain, Tick};
use crate::wiring::{Resources, Shape};
use std::sync::Arc;

/// The most instances of a machine.
pub const INSTANCES_MAX: usize = 4 << 20;
/// The most wires of a machine.
pub const WIRES_MAX: usize = 16 << 20;
/// The longest latency or credit latency of a wire, in edges.
pub const LATENCY_MAX: u32 = 1 << 20;
/// The most transfers per edge of a wire.
pub const LANES_MAX: u8 = 16;
/// The most shards of a machine.
pub const SHARDS_MAX: usize = 255;

/// One instance of a kind.
#[derive(Clone)]
pub struct Instance {
    /// Full path, such as `tile[3].core`.
    pub path: String,
    /// Number of its kind in the catalogue.
    pub kind: u32,
    /// Its parameters.
    pub params: Params,
    /// Number of its clock domain.
    pub domain: u8,
    /// Index in its arrays, outermost first.
    pub index: [u32; 3],
    /// What it asked for when probed.
    pub shape: Arc<Shape>,
}

/// One end of a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortRef {
    /// Number of the instance.
    pub instance: u32,
    /// Number of the port in its shape.
    pub port: u16,
}

/// A bounded FIFO between two ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    /// The producer's port.
    pub from: PortRef,
    /// The consumer's port.
    pub to: PortRef,
    /// Slots, items in flight included: 1 to [`DEPTH_MAX`].
    pub depth: u32,
    /// Consumer edges from push to pop, at least 1.
    pub latency: u32,
    /// Producer edges from pop to the next push into that slot, at least 1.
    pub credit: u32,
    /// Transfers per edge, at least 1.
    pub lanes: u8,
}

impl Wire {
    /// Slots per period of the round trip, as (numerator, denominator): below 1 the wire cannot
    /// carry an item per edge (law: rate ≤ depth / (latency + credit)).
    #[must_use]
    pub fn rate_cap(&self) -> (u32, u32) {
        (self.depth, self.latency + self.credit)
    }

    /// Whether a producer that pushes whenever it can finds no room even if its consumer takes every item
    /// as soon as it sees it: its slots last for a shorter time than an item and its credit are under
    /// way, with the periods of the clocks at both ends.
    #[must_use]
    pub fn is_tight(&self, producer_period: Tick, consumer_period: Tick) -> bool {
        let filling_edges = u64::from(self.depth.div_ceil(u32::from(self.lanes)));
        let filling = u128::from(filling_edges) * u128::from(producer_period);
        let there = u128::from(self.latency) * u128::from(consumer_period);
        let back = u128::from(self.credit) * u128::from(producer_period);
        filling < there + back
    }

    /// Size of its signal in bytes.
    pub(crate) fn signal_bytes(&self, blueprint: &Blueprint) -> usize {
        let shape = &blueprint.instances[self.from.instance as usize].shape;
        shape.ports[usize::from(self.from.port)].signal_bytes
    }
}

/// A whole machine before it is placed on shards.
#[derive(Clone)]
pub struct Blueprint {
    /// Clock domains; the first is the base clock, in which cycles and epochs count.
    pub domains: Vec<Domain>,
    /// All instances, in netlist order.
    pub instances: Vec<Instance>,
    /// All wires, in netlist order.
    pub wires: Vec<Wire>,
    /// Base-clock cycles per epoch, at least 1.
    pub epoch_cycles: u64,
    /// Seed of all keyed randomness.
    pub seed: u64,
    /// What modules may ask the host for.
    pub resources: Resources,
}

const _: () = assert!(DEPTH_MAX == u16::MAX as u32, "slot indices are 16 bits");
