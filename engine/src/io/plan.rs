//! How much of everything a shard's I/O may use: fixed when it is made, never exceeded.

use super::uring::PROVIDED_MAX;
use std::fmt;

/// Capacities of one shard's I/O.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IoPlan {
    /// Owners that may live at a time: one place for each isolate that may do I/O.
    pub owner_places: u32,
    /// Operations in flight.
    pub operation_slots: u32,
    /// Files and sockets open.
    pub descriptor_slots: u32,
    /// Buffers that bytes arrive in: held by owners, or free.
    pub receive_buffers: u32,
    /// Bytes of each.
    pub receive_bytes: u32,
    /// Buffers to send from and to read files into.
    pub transfer_buffers: u32,
    /// Bytes of each.
    pub transfer_bytes: u32,
    /// Threads for what may wait for a disk.
    pub helper_threads: u32,
}

impl Default for IoPlan {
    fn default() -> Self {
        Self {
            owner_places: 1024,
            operation_slots: 4096, // two sockets' both directions for each owner
            descriptor_slots: 2048,
            receive_buffers: 512,
            receive_bytes: 4096,
            transfer_buffers: 256,
            transfer_bytes: 16 << 10,
            helper_threads: 2,
        }
    }
}

/// A capacity outside its limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IoLimit {
    /// The field of [`IoPlan`].
    pub field: &'static str,
    /// What it says.
    pub value: u32,
    /// The least it may be.
    pub minimum: u32,
    /// The most it may be.
    pub maximum: u32,
}

impl fmt::Display for IoLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            value,
            minimum,
            maximum,
        } = self;
        write!(
            f,
            "{field} is {value}: it must be from {minimum} to {maximum}"
        )
    }
}

impl IoPlan {
    /// Every capacity that is outside its limits.
    #[must_use]
    pub fn check(&self) -> Vec<IoLimit> {
        // A slot is 20 bits of a handle; a length is 31 bits of what the kernel returns.
        let fields = [
            ("owner_places", self.owner_places, 1, 1 << 20),
            ("operation_slots", self.operation_slots, 1, 1 << 20),
            ("descriptor_slots", self.descriptor_slots, 1, 1 << 20),
            ("receive_buffers", self.receive_buffers, 1, PROVIDED_MAX),
            ("receive_bytes", self.receive_bytes, 1, 1 << 30),
            ("transfer_buffers", self.transfer_buffers, 1, 1 << 20),
            ("transfer_bytes", self.transfer_bytes, 1, 1 << 30),
            ("helper_threads", self.helper_threads, 1, 64),
        ];
        let limits = fields.map(|(field, value, minimum, maximum)| IoLimit {
            field,
            value,
            minimum,
            maximum,
        });
        let is_outside = |limit: &IoLimit| !(limit.minimum..=limit.maximum).contains(&limit.value);
        limits.into_iter().filter(is_outside).collect()
    }

    /// Bytes of the buffers, what they are rounded up to included.
    #[must_use]
    pub fn buffer_bytes(&self) -> usize {
        self.buffer_plan().bytes()
    }

    pub(crate) fn buffer_plan(&self) -> super::buffer::BufferPlan {
        super::buffer::BufferPlan {
            owner_count: self.owner_places,
            receive_count: self.receive_buffers,
            receive_bytes: self.receive_bytes,
            transfer_count: self.transfer_buffers,
            transfer_bytes: self.transfer_bytes,
        }
    }
}
