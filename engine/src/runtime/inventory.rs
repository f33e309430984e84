//! What a shard consists of, written down when it is made, and kept outside for the day it is condemned.
//! Whatever a shard has taken from the heap stands here; what isolates take does not, and is lost with them.

use super::core::Core;
use super::remains::Remains;
use super::shard::RuntimeShard;
use crate::estate::Estate;

impl RuntimeShard {
    /// What will be left of this shard, which has not had a turn.
    pub(crate) fn remains(&self) -> Remains {
        let mut estate = Estate::default();
        self.list(&mut estate);
        Remains {
            estate,
            io: self.core.gate.as_ref().map(|gate| gate.io.remains()),
        }
    }

    fn list(&self, estate: &mut Estate) {
        estate.vec(&self.groups);
        for group in self.groups.iter().flatten() {
            estate.boxed(&**group);
        }
        self.core.list(estate);
        estate.vec(&self.inboxes);
        for inbox in self.inboxes.iter().flatten() {
            inbox.reader.list(estate);
        }
        estate.share(&self.bells);
        estate.share(&self.orders);
        estate.share(&self.garden);
        estate.arena(self.arena());
    }
}

impl Core {
    fn list(&self, estate: &mut Estate) {
        estate.share(&self.common);
        estate.share(&self.doors);
        estate.share(&self.metrics);
        estate.vec(&self.kinds);
        if let Some(gate) = &self.gate {
            gate.list(estate);
        }
        estate.vec(&self.outboxes);
        for outbox in self.outboxes.iter().flatten() {
            outbox.list(estate);
        }
        estate.vec(&self.nurseries);
        for nursery in &self.nurseries {
            estate.boxed(&**nursery);
        }
        self.tree.list(estate);
        self.log.list(estate);
        estate.vec(&self.deaths);
        estate.vec(&self.due);
    }
}
