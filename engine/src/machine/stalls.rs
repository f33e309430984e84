//! Why the ports of a machine did not move: what was counted, from all shards.

use super::Machine;
use crate::stall::{StallSchedule, Stalls};

impl Machine {
    /// Begins to count, from where the machine stands; what was counted before is forgotten.
    pub(super) fn count_stalls(&mut self, schedule: StallSchedule) {
        self.stall_schedule = Some(schedule);
        let (blueprint, plan) = (self.blueprint.clone(), self.plan.clone());
        self.ask_mut(move |shard| shard.count_stalls(&blueprint, &plan.timebase, schedule));
    }

    /// What was counted since the machine was booted or put elsewhere, by instance and port; `None` if
    /// it was not booted to count.
    #[must_use]
    pub fn stalls(&self) -> Option<Stalls> {
        self.stall_schedule?;
        let mut all = Stalls::default();
        for part in self.ask(|shard| shard.stalls()) {
            all.ports.extend(part.ports);
            all.waits.extend(part.waits);
        }
        all.ports
            .sort_unstable_by_key(|port| (port.instance, port.port));
        all.waits
            .sort_unstable_by_key(|wait| (wait.instance, wait.input, wait.output));
        Some(all)
    }
}
