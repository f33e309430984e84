//! What was measured of a machine: what its kinds cost, how busy its instances are, what its wires
//! carry.
//!
//! A profile steers placement and predictions, and nothing else: with any profile, or none, the
//! results are the same. It is stored as JSON by path, so that it outlives small changes of the
//! netlist. Knows nothing of how a machine is run.

mod file;

pub use file::ProfileError;

use crate::design::Design;
use crate::partition::Weights;
use std::collections::BTreeMap;
use tina_engine::{Blueprint, Catalogue, Instance, PortRef, Samples, absorb, mix, of_text};

/// What was measured of one design.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Base-clock cycles over which it was measured.
    pub cycles: u64,
    /// Host nanoseconds per base cycle on one shard.
    pub cycle_ns: f64,
    /// Nanoseconds of a frame from core to core; `None` on a host of one core.
    pub handshake_ns: Option<f64>,
    /// Per kind that was clocked: nanoseconds per module and edge.
    pub kinds: BTreeMap<String, f64>,
    /// Per instance: how often it is clocked in a base cycle.
    pub clocks: Vec<f64>,
    /// Per wire: base cycles' share with an item.
    pub transfers: Vec<f64>,
}

impl Profile {
    /// From what a machine on one shard was seen to do, in `cycle_ns` host nanoseconds a cycle.
    #[must_use]
    pub fn of(
        design: &Design,
        catalogue: &Catalogue,
        samples: &Samples,
        cycle_ns: f64,
        handshake_ns: Option<f64>,
    ) -> Self {
        let per_cycle = |&count: &u64| count as f64 / samples.cycles.max(1) as f64;
        let timed = samples.kinds.iter().zip(catalogue.kinds());
        let kinds = timed
            .filter(|(time, _)| time.clock_count > 0)
            .map(|(time, kind)| {
                let ns = time.time.as_secs_f64() * 1e9 / time.clock_count as f64;
                (kind.name().to_owned(), ns)
            })
            .collect();
        debug_assert_eq!(samples.clock_counts.len(), design.blueprint.instances.len());
        Self {
            cycles: samples.cycles,
            cycle_ns,
            handshake_ns,
            kinds,
            clocks: samples.clock_counts.iter().map(per_cycle).collect(),
            transfers: samples.push_counts.iter().map(per_cycle).collect(),
        }
    }

    /// What placement makes of it. The costs of all instances add up to the time of a cycle: what a
    /// cycle takes beyond the sweeps that were timed is shared out among them.
    #[must_use]
    pub fn weights(&self, design: &Design, catalogue: &Catalogue) -> Weights {
        let instances = design.blueprint.instances.iter().zip(&self.clocks);
        let cost_ns = |(instance, clocks): (&Instance, &f64)| {
            let kind = catalogue.kind(instance.kind);
            let ns = self.kinds.get(kind.name()).copied();
            clocks * ns.unwrap_or(kind.cost_ns())
        };
        let total: f64 = instances.clone().map(cost_ns).sum();
        let scale = if total > 0.0 {
            self.cycle_ns / total
        } else {
            1.0
        };
        // An instance that was idle may wake: it weighs a little.
        let whole = |ns: f64| (ns * 1e3).clamp(1.0, 1e12).round() as u64;
        let milli = |&items: &f64| (items * 1e3).clamp(0.0, 1e6).round() as u64;
        Weights {
            instance_ps: instances.map(|pair| whole(cost_ns(pair) * scale)).collect(),
            milli_transfers: self.transfers.iter().map(milli).collect(),
        }
    }
}

/// A number for the structure of a machine: instances, their kinds, and wires. Parameters that
/// change neither are not in it.
fn structure(blueprint: &Blueprint, catalogue: &Catalogue) -> u64 {
    let mut hash = 0;
    for instance in &blueprint.instances {
        hash = absorb(hash, of_text(&instance.path));
        hash = absorb(hash, of_text(catalogue.kind(instance.kind).name()));
        hash = absorb(hash, u64::from(instance.domain));
    }
    for wire in &blueprint.wires {
        for port in [wire.from, wire.to] {
            hash = absorb(hash, u64::from(port.instance) << 16 | u64::from(port.port));
        }
        hash = absorb(hash, u64::from(wire.depth));
        hash = absorb(hash, u64::from(wire.latency) << 32 | u64::from(wire.credit));
        hash = absorb(hash, u64::from(wire.lanes));
    }
    mix(hash)
}

/// A wire as its producer's port, which no other wire has.
fn wire_name(blueprint: &Blueprint, from: PortRef) -> String {
    let instance = &blueprint.instances[from.instance as usize];
    let port = instance.shape.ports.get(usize::from(from.port));
    format!("{}.{}", instance.path, port.map_or("?", |port| &port.name))
}
