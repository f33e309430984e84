//! The first cycle, wire and value in which two runs of one design differ.
//!
//! Two machines are booted afresh and run side by side, first epoch by epoch, then cycle by cycle
//! through the epoch that differs. A bug that depends on host timing may not show up again; then
//! there is nothing to point at and the answer is `None`.

use super::boot::{RunError, boot};
use super::variant::Variant;
use crate::design::Design;
use std::fmt;
use tina_engine::{Blueprint, Catalogue, Limits, Machine, Outcome, PortRef, Timebase};

/// The first wire that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireDifference {
    /// Base-clock cycle in which it differs first.
    pub cycle: u64,
    /// Its two ends: `a.out -> b.in`.
    pub wire: String,
    /// The item pushed last in each run, with its cycle.
    pub items: [String; 2],
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
    let mut wire = None;
    let boot_pair = || Pair::boot(design, catalogue, &variants);
    // Records may be many epochs apart: the epoch first, then the cycle.
    let epoch = boot_pair()?.advance(between, design.blueprint.epoch_cycles);
    if let Some(epoch) = epoch {
        let mut pair = boot_pair()?;
        if let Some((_, cycle)) = pair.advance(epoch, 1) {
            wire = pair.first_wire(&design.blueprint, cycle);
        }
    }
    Ok(Divergence {
        variants,
        between,
        wire,
    })
}

/// Two machines of one design at the same cycle.
struct Pair {
    machines: [Machine; 2],
}

impl Pair {
    fn boot(
        design: &Design,
        catalogue: &Catalogue,
        variants: &[Variant; 2],
    ) -> Result<Self, RunError> {
        let machine = |variant: &Variant| {
            boot(design, catalogue, variant.shard_count, &variant.host())
                .map(|booted| booted.machine)
        };
        Ok(Self {
            machines: [machine(&variants[0])?, machine(&variants[1])?],
        })
    }

    /// Runs both to the first cycle of `between` and on in steps, until they differ: the steps
    /// between which that happened.
    fn advance(&mut self, between: (u64, u64), step_cycles: u64) -> Option<(u64, u64)> {
        let (mut equal, end) = between;
        if equal > 0 && self.run_to(equal).is_some_and(|differ| differ) {
            // Equal when first run, different now: start from there.
            return Some((0, equal));
        }
        for machine in &mut self.machines {
            machine.set_epoch_cycles(step_cycles);
        }
        while equal < end {
            let next = (equal + step_cycles).min(end);
            match self.run_to(next) {
                Some(true) => return Some((equal, next)),
                Some(false) => equal = next,
                None => return None,
            }
        }
        None
    }

    /// Runs both to a cycle and says whether they differ; `None` when both ended before, alike.
    fn run_to(&mut self, cycle: u64) -> Option<bool> {
        let limits = Limits {
            cycles: Some(cycle),
            max_cycles: None,
        };
        let [first, second] = self
            .machines
            .each_mut()
            .map(|machine| machine.run(&limits, &mut ()));
        let differ = first.digest != second.digest
            || first.cycles != second.cycles
            || first.outcome != second.outcome;
        let ended = first.outcome != Outcome::CyclesDone;
        (differ || !ended).then_some(differ)
    }

    /// The wire of lowest number whose history differs.
    fn first_wire(&self, blueprint: &Blueprint, cycle: u64) -> Option<WireDifference> {
        let [first, second] = self.machines.each_ref().map(Machine::wire_digests);
        let mut differing = first
            .iter()
            .zip(&second)
            .enumerate()
            .filter(|(_, (first, second))| first != second);
        let (number, _) = differing.next()?;
        let wire = &blueprint.wires[number];
        let period = Timebase::of(&blueprint.domains).map_or(1, |base| base.period_ticks[0]);
        let item = |machine: &Machine| match machine.last_item(number as u32) {
            Some((tick, item)) => format!("{item} pushed in cycle {}", tick / period),
            None => "nothing was pushed yet".to_owned(),
        };
        Some(WireDifference {
            // Cycles are counted as executed; the one that differs is the last of them.
            cycle: cycle - 1,
            wire: format!(
                "{} -> {}",
                port_path(blueprint, wire.from),
                port_path(blueprint, wire.to)
            ),
            items: self.machines.each_ref().map(item),
            other_count: differing.count(),
        })
    }
}

fn port_path(blueprint: &Blueprint, port: PortRef) -> String {
    let instance = &blueprint.instances[port.instance as usize];
    format!(
        "{}.{}",
        instance.path,
        instance.shape.ports[usize::from(port.port)].name
    )
}
