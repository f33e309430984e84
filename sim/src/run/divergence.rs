//! The first cycle, wire and value in which two runs differ.
//!
//! Two machines are booted afresh and run side by side, first epoch by epoch, then cycle by cycle
//! through the epoch that differs. Machines of one design are compared by their digests; of two
//! designs those wires are compared that join ports of the same names in both. A bug that depends on
//! host timing may not show up again; then there is nothing to point at and the answer is `None`.

use super::boot::{RunError, boot, check_fit};
use super::variant::Variant;
use crate::design::Design;
use crate::journal::Journal;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use tina_engine::{
    Blueprint, Catalogue, HostOptions, Limits, Machine, Outcome, PortRef, Snapshot, Timebase,
};

/// The first wire that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireDifference {
    /// Base-clock cycle in which it differs first.
    pub cycle: u64,
    /// Its two ends: `a.out -> b.in`.
    pub wire: String,
    /// The item pushed last in each run, with its cycle.
    pub items: [String; 2],
    /// The modules at both ends, with their kinds: `a (kind)`.
    pub modules: [String; 2],
    /// Their paths.
    pub paths: [String; 2],
    /// Other wires that differ in the same cycle.
    pub other_count: usize,
}

/// Where two variants part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The variants compared.
    pub variants: [Variant; 2],
    /// Cycles after which they were last seen equal and first seen different.
    pub between: (u64, u64),
    /// The wire, if the difference showed up again.
    pub wire: Option<WireDifference>,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = &self.variants;
        let Some(wire) = &self.wire else {
            let (equal, different) = self.between;
            return write!(
                f,
                "{first} and {second} differ between cycle {equal} and cycle {different}, but not \
                 when both are run again: something depends on host timing"
            );
        };
        writeln!(
            f,
            "{first} and {second} differ first in cycle {} on wire {}",
            wire.cycle, wire.wire
        )?;
        write!(
            f,
            "  {first}: {}\n  {second}: {}",
            wire.items[0], wire.items[1]
        )?;
        if wire.items[0] == wire.items[1] {
            write!(
                f,
                "\n  the item is the same: it was popped in different cycles"
            )?;
        }
        if wire.other_count > 0 {
            write!(
                f,
                "\n  {} more wires differ in that cycle",
                wire.other_count
            )?;
        }
        Ok(())
    }
}

/// Runs both variants again to find the wire in which they differ.
pub(super) fn find(
    design: &Design,
    catalogue: &Catalogue,
    variants: [Variant; 2],
    between: (u64, u64),
) -> Result<Divergence, RunError> {
    let side = |variant: &Variant| Side {
        design,
        shard_count: variant.shard_count,
        host: variant.host(),
        start: None,
        journal: None,
    };
    let sides = variants.each_ref().map(side);
    let wire = first_wire(&sides, catalogue, between)?;
    Ok(Divergence {
        variants,
        between,
        wire,
    })
}

/// One of two runs that are compared.
pub struct Side<'a> {
    /// What is run.
    pub design: &'a Design,
    /// Shards.
    pub shard_count: usize,
    /// Threads, sleeping, vectors.
    pub host: HostOptions,
    /// Where it starts, if not at cycle 0; not later than the cycle up to which both are equal.
    pub start: Option<Arc<Snapshot>>,
    /// What comes into it from outside.
    pub journal: Option<Arc<Journal>>,
}

/// What two designs have in common.
pub struct Common {
    /// Numbers of the wires that join ports of the same names, in either.
    wires: Vec<[u32; 2]>,
    /// Wires that only the first has, and that only the second has.
    only: [Vec<String>; 2],
    /// Whether all wires have the same number and depth in both, so that digests tell.
    alike: bool,
}

impl Common {
    /// Of these designs.
    #[must_use]
    pub fn of(first: &Design, second: &Design) -> Self {
        let names = |design: &Design| -> Vec<String> {
            let wires = design.blueprint.wires.iter();
            wires
                .map(|wire| wire_name(&design.blueprint, wire.from, wire.to))
                .collect()
        };
        let (ours, theirs) = (names(first), names(second));
        let by_name: BTreeMap<&str, u32> = (0..)
            .zip(&theirs)
            .map(|(number, name)| (name.as_str(), number))
            .collect();
        let mut wires = Vec::new();
        let mut only = [Vec::new(), Vec::new()];
        for (number, name) in (0..).zip(&ours) {
            match by_name.get(name.as_str()) {
                Some(&other) => wires.push([number, other]),
                None => only[0].push(name.clone()),
            }
        }
        let known: BTreeMap<&str, ()> = ours.iter().map(|name| (name.as_str(), ())).collect();
        let unknown = theirs
            .iter()
            .filter(|name| !known.contains_key(name.as_str()));
        only[1].extend(unknown.cloned());
        let depths = |design: &Design| -> Vec<u32> {
            design
                .blueprint
                .wires
                .iter()
                .map(|wire| wire.depth)
                .collect()
        };
        Self {
            // A digest holds the slot at which a FIFO begins, too.
            alike: ours == theirs && depths(first) == depths(second),
            wires,
            only,
        }
    }

    /// Whether digests of both can be compared.
    #[must_use]
    pub fn is_alike(&self) -> bool {
        self.alike
    }

    /// Wires that are in both.
    #[must_use]
    pub fn wire_count(&self) -> usize {
        self.wires.len()
    }

    /// Wires that only the first has, and that only the second has.
    #[must_use]
    pub fn only(&self) -> &[Vec<String>; 2] {
        &self.only
    }
}

/// Runs both sides again to find the first wire in which they differ, which happens between these
/// cycles; `None` if it does not happen again.
///
/// # Errors
/// When a side cannot be booted or put where it starts.
pub fn first_wire(
    sides: &[Side<'_>; 2],
    catalogue: &Catalogue,
    between: (u64, u64),
) -> Result<Option<WireDifference>, RunError> {
    // Records may be many epochs apart: the epoch first, then the cycle.
    let step = sides[0].design.blueprint.epoch_cycles;
    let Some(epoch) = Pair::boot(sides, catalogue)?.advance(sides, between, step)? else {
        return Ok(None);
    };
    let mut pair = Pair::boot(sides, catalogue)?;
    let found = pair.advance(sides, epoch, 1)?;
    Ok(found.and_then(|(_, cycle)| pair.first_wire(sides, catalogue, cycle)))
}

/// Two machines at the same cycle.
struct Pair {
    machines: [Machine; 2],
    common: Common,
}

impl Pair {
    fn boot(sides: &[Side<'_>; 2], catalogue: &Catalogue) -> Result<Self, RunError> {
        let machine = |side: &Side<'_>| -> Result<Machine, RunError> {
            let booted = boot(side.design, catalogue, side.shard_count, &side.host)?;
            let mut machine = booted.at(side.start.as_ref())?.machine;
            if let Some(journal) = &side.journal {
                journal.follow(&mut machine);
            }
            Ok(machine)
        };
        Ok(Self {
            machines: [machine(&sides[0])?, machine(&sides[1])?],
            common: Common::of(sides[0].design, sides[1].design),
        })
    }

    /// Runs both to the first cycle of `between` and on in steps, until they differ: the steps
    /// between which that happened.
    fn advance(
        &mut self,
        sides: &[Side<'_>; 2],
        between: (u64, u64),
        step_cycles: u64,
    ) -> Result<Option<(u64, u64)>, RunError> {
        let (mut equal, end) = between;
        let start = self.machines.each_ref().map(Machine::cycle);
        let first = start[0].max(start[1]);
        if equal > first && self.run_to(sides, equal)? == Some(true) {
            // Equal when first run, different now: start from there.
            return Ok(Some((first, equal)));
        }
        for machine in &mut self.machines {
            machine.set_epoch_cycles(step_cycles);
        }
        while equal < end {
            let next = equal.saturating_add(step_cycles).min(end);
            match self.run_to(sides, next)? {
                Some(true) => return Ok(Some((equal, next))),
                Some(false) => equal = next,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Runs both to a cycle and says whether they differ; `None` when both ended before, alike.
    fn run_to(&mut self, sides: &[Side<'_>; 2], cycle: u64) -> Result<Option<bool>, RunError> {
        let limits = Limits {
            cycles: Some(cycle),
            max_cycles: None,
        };
        let [first, second] = self
            .machines
            .each_mut()
            .map(|machine| machine.run(&limits, &mut ()));
        for (machine, side) in self.machines.iter().zip(sides) {
            check_fit(machine, &side.design.blueprint)?;
        }
        let traffic = if self.common.alike {
            first.digest != second.digest || first.outcome != second.outcome
        } else {
            !self.differing().is_empty()
        };
        let differ = traffic || first.cycles != second.cycles;
        let ended = first.outcome != Outcome::CyclesDone;
        Ok((differ || !ended).then_some(differ))
    }

    /// The wires whose histories differ.
    fn differing(&self) -> Vec<[u32; 2]> {
        let digests = if self.common.alike {
            Machine::wire_digests
        } else {
            Machine::push_digests
        };
        let [first, second] = self.machines.each_ref().map(digests);
        let differs =
            |[ours, theirs]: &&[u32; 2]| first[*ours as usize] != second[*theirs as usize];
        self.common.wires.iter().filter(differs).copied().collect()
    }

    /// The wire of lowest number whose history differs.
    fn first_wire(
        &self,
        sides: &[Side<'_>; 2],
        catalogue: &Catalogue,
        cycle: u64,
    ) -> Option<WireDifference> {
        let differing = self.differing();
        let numbers = differing.first()?;
        let item = |index: usize| {
            let blueprint = &sides[index].design.blueprint;
            let period = Timebase::of(&blueprint.domains).map_or(1, |base| base.period_ticks[0]);
            match self.machines[index].last_item(numbers[index]) {
                Some((tick, item)) => format!("{item} pushed in cycle {}", tick / period),
                None => "nothing was pushed yet".to_owned(),
            }
        };
        let blueprint = &sides[0].design.blueprint;
        let wire = &blueprint.wires[numbers[0] as usize];
        let module = |end: PortRef| {
            let instance = &blueprint.instances[end.instance as usize];
            format!(
                "{} ({})",
                instance.path,
                catalogue.kind(instance.kind).name()
            )
        };
        Some(WireDifference {
            // Cycles are counted as executed; the one that differs is the last of them.
            cycle: cycle - 1,
            wire: wire_name(blueprint, wire.from, wire.to),
            items: [item(0), item(1)],
            modules: [module(wire.from), module(wire.to)],
            paths: [wire.from, wire.to]
                .map(|end| blueprint.instances[end.instance as usize].path.clone()),
            other_count: differing.len() - 1,
        })
    }
}

fn wire_name(blueprint: &Blueprint, from: PortRef, to: PortRef) -> String {
    format!(
        "{} -> {}",
        port_path(blueprint, from),
        port_path(blueprint, to)
    )
}

fn port_path(blueprint: &Blueprint, port: PortRef) -> String {
    let instance = &blueprint.instances[port.instance as usize];
    format!(
        "{}.{}",
        instance.path,
        instance.shape.ports[usize::from(port.port)].name
    )
}
