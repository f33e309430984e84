//! What a machine knows of why it stands still.

use super::Machine;
use crate::deadlock::{Deadlock, WireState, explain};
use crate::shard::Shard;
use crate::time::Tick;

impl Machine {
    /// The last instant at which anything was transferred.
    pub(super) fn last_transfer(&self) -> Tick {
        self.ask(Shard::last_transfer)
            .into_iter()
            .flatten()
            .max()
            .unwrap_or(0)
    }

    /// Who waits for whom.
    pub(super) fn explain_deadlock(&self) -> Deadlock {
        let mut wires = vec![WireState::default(); self.blueprint.wires.len()];
        let mut alive = vec![true; self.blueprint.instances.len()];
        let states = self.ask(|shard| {
            let mut wires = Vec::new();
            shard.visit_wires(|wire, fifo| {
                let state = WireState {
                    occupancy: fifo.occupancy(),
                    last_push: fifo.last_push(),
                    last_pop: fifo.last_pop(),
                };
                wires.push((wire, state));
            });
            let mut done = Vec::new();
            for group in shard.groups() {
                let numbers = group.instance_numbers().iter().enumerate();
                done.extend(
                    numbers
                        .filter(|(index, _)| !group.alive(*index))
                        .map(|(_, &n)| n),
                );
            }
            (wires, done)
        });
        for (shard_wires, done) in states {
            for (wire, state) in shard_wires {
                wires[wire as usize] = state;
            }
            for instance in done {
                alive[instance as usize] = false;
            }
        }
        explain(
            &self.blueprint,
            &wires,
            &alive,
            self.last_transfer(),
            self.cycle_ticks(),
        )
    }
}
