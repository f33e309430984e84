//! Who waits for whom in a machine whose state is fixed for ever.
//!
//! A module waits for the producer of every empty input and for the consumer of every full output.
//! A deadlock is a cycle in that graph; the report names a shortest one through a full FIFO, or
//! where there is none, what stands still behind a module that is done.

use crate::blueprint::Blueprint;
use crate::time::Tick;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

/// What is known of a wire when everything stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct WireState {
    pub(crate) occupancy: u32,
    pub(crate) last_push: Option<Tick>,
    pub(crate) last_pop: Option<Tick>,
}

/// One step of a wait-for cycle: `waiter` waits for `holder` because of `wire`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Path and port of the module that waits.
    pub waiter: String,
    /// Path and port of the module it waits for.
    pub holder: String,
    /// True: the wire is full and the waiter would push. False: it is empty and it would pop.
    pub full: bool,
    /// Items in the FIFO.
    pub occupancy: u32,
    /// Slots of the FIFO.
    pub depth: u32,
    /// Tick of the last transfer on this wire, if there was any.
    pub since: Option<Tick>,
}

/// A machine in which nothing can ever happen again although something waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlock {
    /// Base-clock cycle of the last transfer.
    pub cycle: u64,
    /// The wait-for cycle, or a chain that ends at a module that is done.
    pub waits: Vec<Wait>,
    /// Whether `waits` closes into a cycle.
    pub closed: bool,
    /// Wires that hold items, in the whole machine.
    pub stuck_wire_count: usize,
    /// Ticks per base-clock cycle, to print ticks as cycles.
    pub cycle_ticks: Tick,
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "deadlock: nothing can change after cycle {}", self.cycle)?;
        writeln!(f, "  wires that hold items: {}", self.stuck_wire_count)?;
        if self.waits.is_empty() {
            return write!(f, "  every module waits for an input, and nobody ended the run");
        }
        let shape = if self.closed { "wait-for cycle" } else { "wait-for chain" };
        write!(f, "  {shape} of {}:", self.waits.len())?;
        for wait in &self.waits {
            let (state, verb) = if wait.full { ("full", "room at") } else { ("empty", "an item from") };
            write!(
                f,
                "\n    {} waits for {verb} {} ({state}, {} of {}, ",
                wait.waiter, wait.holder, wait.occupancy, wait.depth
            )?;
            match wait.since {
                Some(tick) => write!(f, "last transfer in cycle {})", tick / self.cycle_ticks)?,
                None => write!(f, "never used)")?,
            }
        }
        Ok(())
    }
}

struct Edge {
    to: u32,
    wire: u32,
    full: bool,
}

/// Finds what to tell of a deadlock.
pub(crate) fn explain(
    blueprint: &Blueprint,
    wires: &[WireState],
    alive: &[bool],
    since: Tick,
    cycle_ticks: Tick,
) -> Deadlock {
    let mut edges: BTreeMap<u32, Vec<Edge>> = BTreeMap::new();
    let mut full = Vec::new();
    for (number, (wire, state)) in blueprint.wires.iter().zip(wires).enumerate() {
        let number = number as u32;
        let (producer, consumer) = (wire.from.instance, wire.to.instance);
        if state.occupancy == wire.depth && alive[producer as usize] {
            full.push((producer, consumer, number));
            edges.entry(producer).or_default().push(Edge { to: consumer, wire: number, full: true });
        }
        if state.occupancy == 0 && alive[consumer as usize] {
            edges.entry(consumer).or_default().push(Edge { to: producer, wire: number, full: false });
        }
    }
    let mut best: Option<Vec<(u32, u32, bool)>> = None;
    for &(producer, consumer, wire) in full.iter().take(SEARCHES_MAX) {
        if let Some(path) = shortest(&edges, consumer, producer) {
            let cycle: Vec<_> = std::iter::once((producer, wire, true)).chain(path).collect();
            if best.as_ref().is_none_or(|best| cycle.len() < best.len()) {
                best = Some(cycle);
            }
        }
    }
    let closed = best.is_some();
    let steps = best.unwrap_or_else(|| chain(&edges, &full));
    let waits = steps.into_iter().map(|(_, wire, full)| wait(blueprint, wires, wire, full)).collect();
    Deadlock {
        cycle: since / cycle_ticks,
        waits,
        closed,
        stuck_wire_count: wires.iter().filter(|state| state.occupancy > 0).count(),
        cycle_ticks,
    }
}

/// The most full wires from which a cycle is looked for; a search visits the whole machine.
const SEARCHES_MAX: usize = 256;

/// The steps of a shortest wait-for path between two instances: (waiter, wire, full).
fn shortest(
    edges: &BTreeMap<u32, Vec<Edge>>,
    start: u32,
    goal: u32,
) -> Option<Vec<(u32, u32, bool)>> {
    let mut reached: BTreeMap<u32, Option<(u32, u32, bool)>> = BTreeMap::from([(start, None)]);
    let mut queue = VecDeque::from([start]);
    while let Some(here) = queue.pop_front() {
        if here == goal {
            let mut steps = Vec::new();
            let mut at = goal;
            while let Some(step) = reached[&at] {
                steps.push(step);
                at = step.0;
            }
            steps.reverse();
            return Some(steps);
        }
        for edge in edges.get(&here).into_iter().flatten() {
            reached.entry(edge.to).or_insert_with(|| {
                queue.push_back(edge.to);
                Some((here, edge.wire, edge.full))
            });
        }
    }
    None
}

/// Follows full wires from the first one on, until a module that waits for no room.
fn chain(edges: &BTreeMap<u32, Vec<Edge>>, full: &[(u32, u32, u32)]) -> Vec<(u32, u32, bool)> {
    let mut steps = Vec::new();
    let mut next = full.first().map(|&(producer, consumer, wire)| (producer, consumer, wire));
    while let Some((producer, consumer, wire)) = next {
        steps.push((producer, wire, true));
        if steps.len() == SEARCHES_MAX {
            break;
        }
        next = edges
            .get(&consumer)
            .and_then(|edges| edges.iter().find(|edge| edge.full))
            .map(|edge| (consumer, edge.to, edge.wire));
    }
    steps
}

fn wait(blueprint: &Blueprint, wires: &[WireState], number: u32, full: bool) -> Wait {
    let wire = &blueprint.wires[number as usize];
    let state = &wires[number as usize];
    let name = |end: crate::blueprint::PortRef| {
        let instance = &blueprint.instances[end.instance as usize];
        format!("{}.{}", instance.path, instance.shape.ports[usize::from(end.port)].name)
    };
    let (waiter, holder) = if full { (wire.from, wire.to) } else { (wire.to, wire.from) };
    Wait {
        waiter: name(waiter),
        holder: name(holder),
        full,
        occupancy: state.occupancy,
        depth: wire.depth,
        since: state.last_push.max(state.last_pop),
    }
}
