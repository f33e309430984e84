//! A hardware fault of a module: the thread was taken out of the middle of an instant, and goes on with
//! it behind that module, so that a run ends as it would had the module panicked.
//!
//! What is believed for that: the shard's own fields, which no module reaches, and the two marks in its
//! head that say who was being clocked. The shard is used until the end of its epoch and for the report, and
//! then abandoned: nothing of it is dropped.

use super::Shard;
use crate::arena::ArenaRef;
use crate::fifo::ShardHead;
use crate::group::{Edge, FaultCause};
use crate::time::Tick;
use crate::trap::{HardwareFault, Mark, Suspects};
use std::fmt;

/// The modules of some shards of one thread, as suspects.
pub(crate) struct Sweepers {
    heads: Vec<ArenaRef<ShardHead>>,
}

impl Sweepers {
    pub(crate) fn of(shards: &[Shard]) -> Self {
        Self {
            heads: shards.iter().map(|shard| shard.head).collect(),
        }
    }
}

/// The number behind the module that is being clocked; 0 in a group of elements, which knows itself.
fn number_behind(head: &ShardHead) -> usize {
    // SAFETY: null, or on the stack of the sweep that is under way, which sets it first of all.
    unsafe { head.cursor.get().as_ref() }.map_or(0, Mark::get)
}

impl Suspects for Sweepers {
    fn is_running(&self) -> bool {
        self.heads.iter().any(|head| head.sweeping.get() != 0)
    }

    fn settle(&self) {
        for head in self.heads.iter().filter(|head| head.sweeping.get() != 0) {
            head.faulted.set(number_behind(head));
        }
    }

    fn name(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let sweeping = self.heads.iter().find(|head| head.sweeping.get() != 0);
        let Some(head) = sweeping else {
            return out.write_str("no module");
        };
        let (group, next) = (head.sweeping.get(), number_behind(head));
        write!(
            out,
            "module {next} of group {group} at tick {}",
            head.now.get()
        )
    }
}

impl Shard {
    /// Whether a module of it was being clocked when the thread was taken away.
    pub(crate) fn is_sweeping(&self) -> bool {
        self.head.sweeping.get() != 0
    }

    /// Stops the module that was being clocked and finishes the instant.
    #[cold]
    pub(crate) fn resume(&mut self, fault: HardwareFault) {
        let number = self.head.sweeping.get() - 1;
        let now = self.head.now.get();
        let edges = self.domains.iter().map(|domain| domain.next_edge);
        let after = edges.fold(Tick::MAX, Tick::min);
        let boundary_count = self.boundary.len();
        let in_boundary = number < boundary_count;
        let place = if in_boundary {
            number
        } else {
            number - boundary_count
        };
        let slots = if in_boundary {
            &mut self.boundary
        } else {
            &mut self.interior
        };
        let slot = &mut slots[place];
        let domain = &self.domains[usize::from(slot.domain)];
        let edge = Edge {
            head: &self.head,
            wheel: &self.wheel,
            cycle: domain.cycle,
            period: domain.period,
            no_sleep: self.no_sleep,
        };
        slot.group.sweep_on(&edge, fault, &mut self.faults);
        self.sweep(in_boundary, place + 1);
        if in_boundary {
            self.send_frames(now, after);
            self.sweep(false, 0);
        }
        self.end_instant(now, after);
    }

    /// Whether a hardware fault has happened here, so that nothing here may be dropped.
    pub(crate) fn is_condemned(&self) -> bool {
        let hardware = |cause: &FaultCause| matches!(cause, FaultCause::Hardware(_));
        self.faults.iter().any(|fault| hardware(&fault.cause))
    }
}
