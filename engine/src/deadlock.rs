//! Who waits for whom in a machine whose state is fixed for ever.
//!
//! A module waits for the producer of every empty input and for the consumer of every full output.
//! A deadlock is a cycle in that graph, in a component of modules that all wait for each other; whoever else
//! waits for one of them is a tail. The report names a shortest one through a full FIFO; where
//! there is none, a shortest one that full FIFOs wait for, with the way to it; where there is none
//! either, what stands still behind a module that is done.

use crate::blueprint::Blueprint;
use crate::time::Tick;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
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
    /// Slots that the producer may fill: with nothing under way, those that are free.
    pub credits: u32,
    /// Number of the wire.
    pub wire: u32,
    /// Tick of the last transfer on this wire, if there was any.
    pub since: Option<Tick>,
}

/// A machine in which nothing can ever happen again although something waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlock {
    /// Base-clock cycle of the last transfer.
    pub cycle: u64,
    /// From a full FIFO to the cycle, or to a module that is done; empty if the cycle has one.
    pub tail: Vec<Wait>,
    /// The wait-for cycle, if there is one.
    pub cycle_waits: Vec<Wait>,
    /// The component that the cycle is part of, if there is one.
    pub component: Option<Component>,
    /// Wires that hold items, in the whole machine.
    pub stuck_wire_count: usize,
    /// Ticks per base-clock cycle, to print ticks as cycles.
    pub cycle_ticks: Tick,
}

/// Modules that all wait for each other, directly or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Numbers of their instances, in ascending order.
    pub instances: Vec<u32>,
    /// Their paths.
    pub modules: Vec<String>,
    /// Modules that wait for one of them and that none of them waits for.
    pub tail_count: usize,
    /// Base-clock cycle of the last transfer between two of them.
    pub since: u64,
}

impl Component {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Names that are printed.
        const SHOWN_MAX: usize = 16;
        let count = self.modules.len();
        let shown = self.modules[..count.min(SHOWN_MAX)].join(", ");
        let plural = if count == 1 { "" } else { "s" };
        write!(
            f,
            "\n  component of {count} module{plural}, fixed since cycle {}: {shown}",
            self.since
        )?;
        if count > SHOWN_MAX {
            write!(f, " and {} more", count - SHOWN_MAX)?;
        }
        match self.tail_count {
            0 => Ok(()),
            1 => write!(f, "\n  1 module outside waits for it"),
            tails => write!(f, "\n  {tails} modules outside wait for it"),
        }
    }
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "deadlock: nothing can change after cycle {}", self.cycle)?;
        writeln!(f, "  wires that hold items: {}", self.stuck_wire_count)?;
        if self.tail.is_empty() && self.cycle_waits.is_empty() {
            return write!(
                f,
                "  every module waits for an input, and nobody ended the run"
            );
        }
        let parts = [
            ("wait-for chain", &self.tail),
            ("wait-for cycle", &self.cycle_waits),
        ];
        let mut first = true;
        for (name, waits) in parts.into_iter().filter(|(_, waits)| !waits.is_empty()) {
            let newline = if first { "" } else { "\n" };
            first = false;
            write!(f, "{newline}  {name} of {}:", waits.len())?;
            for wait in waits {
                wait.write(f, self.cycle_ticks)?;
            }
        }
        match &self.component {
            Some(component) => component.write(f),
            None => Ok(()),
        }
    }
}

impl Deadlock {
    /// The full wire of the cycle with the fewest slots: a deeper one might have kept it from closing.
    #[must_use]
    pub fn smallest_full(&self) -> Option<&Wait> {
        let full = self.cycle_waits.iter().filter(|wait| wait.full);
        full.min_by_key(|wait| (wait.depth, wait.wire))
    }
}

impl Wait {
    fn write(&self, f: &mut fmt::Formatter<'_>, cycle_ticks: Tick) -> fmt::Result {
        let (state, verb) = if self.full {
            ("full", "room at")
        } else {
            ("empty", "an item from")
        };
        write!(
            f,
            "\n    {} waits for {verb} {} ({state}, {} of {}, {} credit{}, ",
            self.waiter,
            self.holder,
            self.occupancy,
            self.depth,
            self.credits,
            if self.credits == 1 { "" } else { "s" },
        )?;
        match self.since {
            Some(tick) => write!(f, "last transfer in cycle {})", tick / cycle_ticks),
            None => write!(f, "never used)"),
        }
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
            edges.entry(producer).or_default().push(Edge {
                to: consumer,
                wire: number,
                full: true,
            });
        }
        if state.occupancy == 0 && alive[consumer as usize] {
            edges.entry(consumer).or_default().push(Edge {
                to: producer,
                wire: number,
                full: false,
            });
        }
    }
    let through_full = full
        .iter()
        .take(SEARCHES_MAX)
        .filter_map(|&(producer, consumer, wire)| {
            let rest = shortest(&edges, consumer, |here| here == producer)?;
            Some(
                std::iter::once((producer, wire, true))
                    .chain(rest)
                    .collect::<Vec<_>>(),
            )
        });
    let mut cycle = through_full.min_by_key(Vec::len).unwrap_or_default();
    let mut tail = Vec::new();
    if cycle.is_empty() {
        let starts: Vec<u32> = full.iter().map(|&(_, consumer, _)| consumer).collect();
        cycle = shortest_cycle(&edges, &starts).unwrap_or_default();
        tail = way_to(&edges, &full, &cycle);
    }
    let component = cycle
        .first()
        .map(|&(here, ..)| component(blueprint, wires, &edges, here, cycle_ticks));
    let waits = |steps: Vec<Step>| {
        steps
            .into_iter()
            .map(|(_, wire, full)| wait(blueprint, wires, wire, full))
            .collect()
    };
    Deadlock {
        cycle: since / cycle_ticks,
        tail: waits(tail),
        cycle_waits: waits(cycle),
        component,
        stuck_wire_count: wires.iter().filter(|state| state.occupancy > 0).count(),
        cycle_ticks,
    }
}

/// All modules reached from `start` by `next`, itself included.
fn reach<'a>(start: u32, next: impl Fn(u32) -> Option<&'a Vec<u32>>) -> BTreeSet<u32> {
    let mut reached = BTreeSet::from([start]);
    let mut pending = vec![start];
    while let Some(here) = pending.pop() {
        for &there in next(here).into_iter().flatten() {
            if reached.insert(there) {
                pending.push(there);
            }
        }
    }
    reached
}

/// The strongly connected component of a module: whom it waits for, of those who wait for it.
fn component(
    blueprint: &Blueprint,
    wires: &[WireState],
    edges: &BTreeMap<u32, Vec<Edge>>,
    here: u32,
    cycle_ticks: Tick,
) -> Component {
    let mut holders: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let mut waiters: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (&from, edges) in edges {
        for edge in edges {
            holders.entry(from).or_default().push(edge.to);
            waiters.entry(edge.to).or_default().push(from);
        }
    }
    let ahead = reach(here, |at| holders.get(&at));
    let behind = reach(here, |at| waiters.get(&at));
    let instances: Vec<u32> = ahead.intersection(&behind).copied().collect();
    let inside = |instance: u32| instances.binary_search(&instance).is_ok();
    let between = instances
        .iter()
        .filter_map(|from| edges.get(from))
        .flatten();
    let last = between.filter(|edge| inside(edge.to)).filter_map(|edge| {
        let state = &wires[edge.wire as usize];
        state.last_push.max(state.last_pop)
    });
    let path = |&instance: &u32| blueprint.instances[instance as usize].path.clone();
    Component {
        since: last.max().unwrap_or(0) / cycle_ticks,
        modules: instances.iter().map(path).collect(),
        tail_count: behind.len() - instances.len(),
        instances,
    }
}

/// A wait on the way: waiter, wire, whether the wire is full.
type Step = (u32, u32, bool);

/// The most searches for a cycle; each may visit the whole machine.
const SEARCHES_MAX: usize = 256;

/// The steps of a shortest wait-for path from `start` to a module that satisfies `goal`.
fn shortest(
    edges: &BTreeMap<u32, Vec<Edge>>,
    start: u32,
    goal: impl Fn(u32) -> bool,
) -> Option<Vec<Step>> {
    let mut reached: BTreeMap<u32, Option<Step>> = BTreeMap::from([(start, None)]);
    let mut queue = VecDeque::from([start]);
    while let Some(here) = queue.pop_front() {
        if goal(here) {
            let mut steps = Vec::new();
            let mut at = here;
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

/// A shortest cycle among the modules that `starts` wait for, themselves included.
fn shortest_cycle(edges: &BTreeMap<u32, Vec<Edge>>, starts: &[u32]) -> Option<Vec<Step>> {
    let mut seen: BTreeSet<u32> = starts.iter().copied().collect();
    let mut queue: VecDeque<u32> = seen.iter().copied().collect();
    let mut best: Option<Vec<Step>> = None;
    let mut search_count = 0;
    while let Some(here) = queue.pop_front() {
        for edge in edges.get(&here).into_iter().flatten() {
            if search_count < SEARCHES_MAX {
                search_count += 1;
                if let Some(rest) = shortest(edges, edge.to, |there| there == here) {
                    let cycle: Vec<Step> = std::iter::once((here, edge.wire, edge.full))
                        .chain(rest)
                        .collect();
                    if best.as_ref().is_none_or(|best| cycle.len() < best.len()) {
                        best = Some(cycle);
                    }
                }
            }
            if seen.insert(edge.to) {
                queue.push_back(edge.to);
            }
        }
    }
    best
}

/// From the first full wire to the cycle, or along full wires as far as they lead.
fn way_to(edges: &BTreeMap<u32, Vec<Edge>>, full: &[(u32, u32, u32)], cycle: &[Step]) -> Vec<Step> {
    let Some(&(producer, consumer, wire)) = full.first() else {
        return Vec::new();
    };
    let on_cycle = |here: u32| cycle.iter().any(|step| step.0 == here);
    let mut steps = vec![(producer, wire, true)];
    if let Some(rest) = shortest(edges, consumer, on_cycle) {
        steps.extend(rest);
        return steps;
    }
    let mut here = consumer;
    while steps.len() < SEARCHES_MAX
        && let Some(edge) = edges
            .get(&here)
            .and_then(|edges| edges.iter().find(|edge| edge.full))
    {
        steps.push((here, edge.wire, true));
        here = edge.to;
    }
    steps
}

fn wait(blueprint: &Blueprint, wires: &[WireState], number: u32, full: bool) -> Wait {
    let wire = &blueprint.wires[number as usize];
    let state = &wires[number as usize];
    let name = |end: crate::blueprint::PortRef| {
        let instance = &blueprint.instances[end.instance as usize];
        format!(
            "{}.{}",
            instance.path,
            instance.shape.ports[usize::from(end.port)].name
        )
    };
    let (waiter, holder) = if full {
        (wire.from, wire.to)
    } else {
        (wire.to, wire.from)
    };
    Wait {
        waiter: name(waiter),
        holder: name(holder),
        full,
        occupancy: state.occupancy,
        depth: wire.depth,
        credits: wire.depth.saturating_sub(state.occupancy),
        wire: number,
        since: state.last_push.max(state.last_pop),
    }
}
