//! The accounts of a shard between two turns: what must add up whatever has happened.

use super::super::desk::{Life, ReadySet};
use super::super::mail::NONE;
use super::super::shard::RuntimeShard;

/// What does not add up.
pub(crate) type Finding = Result<(), String>;

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, counted: T, noted: T) -> Finding {
    if counted == noted {
        return Ok(());
    }
    Err(format!("{what}: {counted:?} counted, {noted:?} noted"))
}

impl RuntimeShard {
    /// Looks through all of the shard's accounts. Takes as long as the shard is large.
    pub(crate) fn audit(&self) -> Finding {
        self.audit_mail()?;
        self.audit_desks()?;
        self.audit_notices()?;
        self.audit_ready()?;
        self.audit_tree()?;
        self.audit_io()
    }

    /// Every envelope is free or in one mailbox, within bounds, and reserves are kept.
    fn audit_mail(&self) -> Finding {
        let core = &self.core;
        let mut by_kind = vec![0; core.kinds.len()];
        for (number, desk) in core.desks.iter().enumerate() {
            let length = core.mail.length(&desk.high) + core.mail.length(&desk.normal);
            equal(
                &format!("messages at desk {number}"),
                length,
                desk.mail_count,
            )?;
            let kind = &core.kinds[usize::from(desk.kind)];
            if length > kind.mailbox_slots {
                return Err(format!(
                    "desk {number} has {length} messages in a mailbox of {}",
                    kind.mailbox_slots
                ));
            }
            by_kind[usize::from(desk.kind)] += length;
        }
        let mut reserved = 0;
        for (kind, &count) in core.kinds.iter().zip(&by_kind) {
            equal(
                &format!("messages of {}", kind.name),
                count,
                kind.mail_count,
            )?;
            if count > kind.mail_max {
                return Err(format!(
                    "{} holds {count} envelopes of {}",
                    kind.name, kind.mail_max
                ));
            }
            reserved += kind.mail_reserve.saturating_sub(count);
        }
        equal("reserved envelopes", reserved, core.mail_reserved)?;
        let used: u32 = by_kind.iter().sum();
        let free = core.mail.free_length();
        equal("free envelopes", free, core.mail.free_count())?;
        equal("envelopes", used + free, core.mail.count())?;
        if free < reserved {
            return Err(format!("{free} envelopes are free and {reserved} reserved"));
        }
        Ok(())
    }

    /// Every desk is taken or free, and as many are taken as isolates live.
    fn audit_desks(&self) -> Finding {
        let core = &self.core;
        let is_lived_in = |life| !matches!(life, Life::Free | Life::Worn);
        let living = core.desks.iter().filter(|desk| is_lived_in(desk.life));
        equal("isolates", living.count() as u32, core.living_count)?;
        for kind in &core.kinds {
            let mut free = kind.free;
            let mut count = 0;
            while free != NONE {
                let desk = &core.desks[free as usize];
                if desk.life != Life::Free {
                    return Err(format!("desk {free} is free and {:?}", desk.life));
                }
                count += 1;
                free = desk.next_free;
            }
            let desks = core.desks.iter().filter(|desk| desk.kind == kind.number);
            let empty = desks.filter(|desk| desk.life == Life::Free).count();
            equal(&format!("free desks of {}", kind.name), count, empty)?;
        }
        equal("deaths that were not attended to", core.deaths.len(), 0)
    }

    /// Every notice is free or owned once, and queues hold what their owners own.
    fn audit_notices(&self) -> Finding {
        let core = &self.core;
        let mut owned = core.notices.owned_length(core.orphans)?;
        for (number, desk) in core.desks.iter().enumerate() {
            let count = core.notices.owned_length(desk.owned)?;
            let queued = core.notices.queue_length(&desk.notices);
            if queued > count {
                return Err(format!(
                    "desk {number} owns {count} notices and waits for {queued}"
                ));
            }
            owned += count;
        }
        let free = core.notices.free_length();
        equal("free notices", free, core.notices.free_count())?;
        equal("notices", (owned + free) as usize, core.notices.count())
    }

    /// Who has something to do is in the ready set of its kind, and nobody else.
    fn audit_ready(&self) -> Finding {
        let core = &self.core;
        for (number, desk) in core.desks.iter().enumerate() {
            let kind = &core.kinds[usize::from(desk.kind)];
            let slot = number - kind.first_desk as usize;
            equal(
                &format!("whether desk {number} ({:?}) is ready", desk.life),
                desk.is_ready(),
                kind.ready.contains(slot),
            )?;
        }
        let counted = |set: &ReadySet| set.count_members();
        for kind in &core.kinds {
            let name = format!("ready isolates of {}", kind.name);
            equal(&name, counted(&kind.ready), kind.ready.count())?;
        }
        Ok(())
    }

    /// Every desk that is lived in stands in the tree, once.
    fn audit_tree(&self) -> Finding {
        let core = &self.core;
        let in_tree = core.tree.audit()?;
        for (desk, (&count, seat)) in in_tree.iter().zip(core.desks.iter()).enumerate() {
            let expected = u32::from(!matches!(seat.life, Life::Free | Life::Worn));
            equal(
                &format!("places of desk {desk} in the tree"),
                count,
                expected,
            )?;
        }
        Ok(())
    }

    /// What was begun has ended or is in flight.
    fn audit_io(&self) -> Finding {
        let Some(gate) = &self.core.gate else {
            return Ok(());
        };
        let counters = gate.io.counters();
        equal(
            "operations in flight",
            counters.submitted_count - counters.ended_count,
            u64::from(counters.operations_in_flight),
        )
    }
}
