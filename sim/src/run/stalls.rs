//! Why it is slow: what was counted at the ports of a run, ranked, rolled up and followed to its cause.
//!
//! Figures are of the part of the run that was measured, or else of the whole. Shares are of the edges that
//! were looked at; a number of cycles is a share of all edges of the port's clock.

mod path;
mod text;
mod json;

pub use path::{Head, Path};

use crate::design::Design;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use tina_engine::{
    Blueprint, CAUSE_COUNT, Catalogue, Cause, Direction, PortStalls, StallSchedule, Stalls,
    Timebase,
};

/// What was counted of stalls, with the names of everything.
#[derive(Clone)]
pub struct StallReport {
    blueprint: Arc<Blueprint>,
    /// By number of the kind.
    kind_names: Vec<&'static str>,
    /// Ticks of a cycle, by clock domain.
    periods: Vec<u64>,
    every: u32,
    cycles: Range<u64>,
    stalls: Stalls,
    /// Per wire: its output and its input among the ports.
    ends: Vec<[u32; 2]>,
}

impl fmt::Debug for StallReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StallReport")
            .field("every", &self.every)
            .field("cycles", &self.cycles)
            .field("stalls", &self.stalls)
            .finish_non_exhaustive()
    }
}

/// The ports of one name of all instances of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Roll {
    port_count: u64,
    counts: [u64; CAUSE_COUNT],
}

/// Kind, port with `[*]` for its index, and whether it is an input.
type RollName = (&'static str, String, bool);

impl StallReport {
    /// What was counted at one edge in `every` of these base-clock cycles.
    pub(super) fn new(
        design: &Design,
        catalogue: &Catalogue,
        stalls: Stalls,
        every: u32,
        cycles: Range<u64>,
    ) -> Self {
        let blueprint = design.blueprint.clone();
        let mut ends = vec![[0; 2]; blueprint.wires.len()];
        for (number, port) in stalls.ports.iter().enumerate() {
            let side = usize::from(direction(&blueprint, port) == Direction::In);
            ends[port.wire as usize][side] = number as u32;
        }
        let base = Timebase::of(&blueprint.domains).unwrap_or_else(|_| Timebase::single());
        Self {
            kind_names: catalogue
                .kinds()
                .iter()
                .map(tina_engine::Kind::name)
                .collect(),
            periods: base.period_ticks.to_vec(),
            blueprint,
            every,
            cycles,
            stalls,
            ends,
        }
    }

    /// What was counted at every port with a wire, by instance and port.
    #[must_use]
    pub fn ports(&self) -> &[PortStalls] {
        &self.stalls.ports
    }

    /// Path of the instance and name of the port.
    #[must_use]
    pub fn name(&self, port: &PortStalls) -> String {
        format!("{}.{}", self.path_of(port), self.port_name(port))
    }

    fn path_of(&self, port: &PortStalls) -> &str {
        &self.blueprint.instances[port.instance as usize].path
    }

    fn port_name(&self, port: &PortStalls) -> &str {
        let shape = &self.blueprint.instances[port.instance as usize].shape;
        &shape.ports[usize::from(port.port)].name
    }

    fn kind_name(&self, port: &PortStalls) -> &'static str {
        self.kind_names[self.blueprint.instances[port.instance as usize].kind as usize]
    }

    fn is_input(&self, port: &PortStalls) -> bool {
        direction(&self.blueprint, port) == Direction::In
    }

    /// The port at the other end of its wire.
    fn peer(&self, port: &PortStalls) -> &PortStalls {
        let [output, input] = self.ends[port.wire as usize];
        let other = if self.is_input(port) { output } else { input };
        &self.stalls.ports[other as usize]
    }

    /// The output and the input of a wire.
    fn ends_of(&self, wire: u32) -> (&PortStalls, &PortStalls) {
        let [output, input] = self.ends[wire as usize];
        let ports = &self.stalls.ports;
        (&ports[output as usize], &ports[input as usize])
    }

    /// All ports of an instance.
    fn ports_of(&self, instance: u32) -> &[PortStalls] {
        let ports = &self.stalls.ports;
        let start = ports.partition_point(|port| port.instance < instance);
        let count = ports[start..].partition_point(|port| port.instance == instance);
        &ports[start..start + count]
    }

    /// Edges of the port's clock in the cycles that were counted.
    fn edges_of(&self, port: &PortStalls) -> u64 {
        let domain = self.blueprint.instances[port.instance as usize].domain;
        let edges = self.edges(usize::from(domain));
        edges.end - edges.start
    }

    fn edges(&self, domain: usize) -> Range<u64> {
        let (base, period) = (self.periods[0], self.periods[domain]);
        let until = |cycle: u64| cycle.saturating_mul(base).div_ceil(period);
        until(self.cycles.start)..until(self.cycles.end)
    }

    /// Edges of the base clock that were looked at.
    fn look_count(&self) -> u64 {
        let schedule = StallSchedule::new(self.every);
        let edges = self.edges(0);
        schedule.count_before(edges.end) - schedule.count_before(edges.start)
    }

    /// Edges at which a port could not move what it had, in proportion to all edges of its clock.
    fn stalled_cycles(&self, port: &PortStalls) -> u64 {
        let looked = u128::from(port.edges().max(1));
        let product = u128::from(self.stalled(port)) * u128::from(self.edges_of(port));
        ((product + looked / 2) / looked) as u64
    }

    /// The same of the edges that were looked at: an output without room, an input that left an item.
    fn stalled(&self, port: &PortStalls) -> u64 {
        let shut = port.count(Cause::Full) + port.count(Cause::Credit);
        if self.is_input(port) {
            let left = [Cause::Arbitration, Cause::Latency, Cause::Partner];
            shut + left.map(|cause| port.count(cause)).iter().sum::<u64>()
        } else {
            shut
        }
    }

    /// All ports by their kinds and names, those that were stalled most first.
    fn rolls(&self) -> Vec<(RollName, Roll)> {
        let mut rolls: BTreeMap<RollName, Roll> = BTreeMap::new();
        for port in &self.stalls.ports {
            let folded = folded(self.port_name(port));
            let name = (self.kind_name(port), folded, self.is_input(port));
            let roll = rolls.entry(name).or_default();
            roll.port_count += 1;
            let counts = roll.counts.iter_mut().zip(port.counts);
            counts.for_each(|(sum, count)| *sum += count);
        }
        let stalled = |(name, roll): &(RollName, Roll)| {
            let of = |cause: Cause| roll.counts[cause.number()];
            let shut = of(Cause::Full) + of(Cause::Credit);
            let left = of(Cause::Arbitration) + of(Cause::Latency) + of(Cause::Partner);
            shut + if name.2 { left } else { 0 }
        };
        let mut rolls: Vec<(RollName, Roll)> = rolls.into_iter().collect();
        rolls.sort_by_cached_key(|roll| std::cmp::Reverse(stalled(roll)));
        rolls
    }

    /// Wires whose outputs were without room, those that were it longest first.
    fn ranked(&self) -> Vec<u32> {
        let stalled = |wire: &u32| self.stalled_cycles(self.ends_of(*wire).0);
        let wires = 0..self.ends.len() as u32;
        let mut wires: Vec<(u64, u32)> = wires
            .map(|wire| (stalled(&wire), wire))
            .filter(|(cycles, _)| *cycles > 0)
            .collect();
        wires.sort_unstable_by_key(|&(cycles, wire)| (std::cmp::Reverse(cycles), wire));
        wires.into_iter().map(|(_, wire)| wire).collect()
    }
}

fn direction(blueprint: &Blueprint, port: &PortStalls) -> Direction {
    let shape = &blueprint.instances[port.instance as usize].shape;
    shape.ports[usize::from(port.port)].direction
}

/// `in[*]` for `in[3]`.
fn folded(port: &str) -> String {
    match port.split_once('[') {
        Some((name, _)) => format!("{name}[*]"),
        None => port.to_owned(),
    }
}

/// A part of so many edges.
fn share(count: u64, edges: u64) -> f64 {
    if edges == 0 {
        0.0
    } else {
        count as f64 / edges as f64
    }
}
