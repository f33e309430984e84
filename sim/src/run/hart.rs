//! Instances that execute instructions.

use super::number::ratio;
use crate::design::Design;
use tina_engine::InstanceResults;

/// An instance that reports both `instructions` and `cycles`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hart {
    /// Path of the instance.
    pub path: String,
    /// Instructions it completed.
    pub instructions: u64,
    /// Cycles it counted.
    pub cycles: u64,
}

impl Hart {
    /// Instructions per cycle.
    #[must_use]
    pub fn instructions_per_cycle(&self) -> f64 {
        ratio(self.instructions as f64, self.cycles as f64)
    }
}

/// Those among all instances, in netlist order.
pub(super) fn harts(design: &Design, instances: &[InstanceResults]) -> Vec<Hart> {
    let hart = |results: &InstanceResults| {
        let named = |name: &str| {
            let entry = results.entries.iter().find(|(entry, _)| *entry == name);
            entry.map(|(_, value)| value.number())
        };
        Some(Hart {
            path: design.blueprint.instances[results.instance as usize]
                .path
                .clone(),
            instructions: named("instructions")?,
            cycles: named("cycles")?,
        })
    };
    instances.iter().filter_map(hart).collect()
}
