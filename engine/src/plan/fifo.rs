//! What a shard's arena must hold for a wire, and which of its ends go the general way.

use crate::blueprint::Wire;
use crate::fifo::{FIFO_ALIGN, Record, SlowPart, slot_stride, wraps_quickly};
use crate::tape::RecordPart;
use crate::time::Tick;

/// How a shard sees a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Local,
    /// The producer's side of a cut wire to that shard.
    Egress(u8),
    /// The consumer's side of a cut wire from that shard.
    Ingress(u8),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct FifoPlan {
    pub(crate) wire: u32,
    pub(crate) role: Role,
    /// Whether it stands in a bank of its consumer's group.
    pub(crate) banked: bool,
    /// Its number among the recorded wires, if it is one.
    pub(crate) recorded: Option<u32>,
    /// Whether the ticks of its pushes are kept, to tell how long its slots have been taken.
    pub(crate) timed: bool,
}

impl FifoPlan {
    /// Whether the FIFO needs a [`SlowPart`] before its record.
    pub(crate) fn has_slow_part(&self, wire: &Wire, stride: usize) -> bool {
        self.slow_pushes(wire, stride) || self.slow_pops(wire, stride)
    }

    /// Whether pushes need the slow part: anything but one edge, one lane, one mask.
    pub(crate) fn slow_pushes(&self, wire: &Wire, stride: usize) -> bool {
        let late = self.role == Role::Local && wire.latency > 1;
        let recorded = self.recorded.is_some() && !matches!(self.role, Role::Ingress(_));
        recorded || self.timed || late || wire.lanes > 1 || !wraps_quickly(wire.depth, stride)
    }

    /// Whether pops need it. At an ingress they do because the link is told of every pop, not
    /// only of those that make room.
    pub(crate) fn slow_pops(&self, wire: &Wire, stride: usize) -> bool {
        match self.role {
            Role::Local => {
                let odd = wire.lanes > 1 || !wraps_quickly(wire.depth, stride);
                self.recorded.is_some() || wire.credit > 1 || odd
            }
            Role::Egress(_) => false,
            Role::Ingress(_) => true,
        }
    }

    /// Wheel nodes: one per slot where something arrives more than one edge later.
    pub(crate) fn node_count(&self, wire: &Wire) -> usize {
        let delayed = match self.role {
            Role::Local => wire.latency > 1 || wire.credit > 1,
            Role::Egress(_) => wire.credit > 1,
            Role::Ingress(_) => wire.latency > 1,
        };
        if delayed { wire.depth as usize } else { 0 }
    }

    /// Arena bytes, alignment included.
    pub(super) fn bytes(&self, wire: &Wire, signal_bytes: usize) -> usize {
        if self.banked {
            return 0;
        }
        let stride = slot_stride(signal_bytes);
        let slow = if self.has_slow_part(wire, stride) {
            size_of::<SlowPart>()
        } else {
            0
        };
        let record_part = if self.recorded.is_some() {
            size_of::<RecordPart>()
        } else {
            0
        };
        let tick = if self.timed { size_of::<Tick>() } else { 0 };
        let slots = wire.depth as usize * (stride + tick);
        record_part + (slow + size_of::<Record>() + slots).next_multiple_of(FIFO_ALIGN)
    }
}
