//! What is left of a shard's I/O when its thread is gone without having tidied up, and how it is buried.
//! Lies outside the shard, whose memory is not read.

use super::device::Device;
use super::helper::Desk;
use super::ledger::Ledger;
use crate::estate::{Estate, Kept};
use rustix::net::Shutdown;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::Duration;

/// How long a shard's burial waits for helper threads, each of which may be at one call.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is left of a shard's I/O when its thread is gone; see [`ShardIo::remains`].
///
/// [`ShardIo::remains`]: super::ShardIo::remains
pub struct IoRemains {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) device: ManuallyDrop<Kept<Device>>,
    /// The memory of buffers, and of everything else.
    pub(crate) buffers: Estate,
    pub(crate) tables: Estate,
}

impl IoRemains {
    /// Closes every descriptor the shard had, and its back end, sends its helper threads home, and gives back
    /// all memory; how many descriptors of owners were closed. What io_uring had in flight has ended
    /// with the thread that submitted it. The memory of the buffers stays if a helper thread is still at a
    /// call after seconds: it may be writing to it.
    ///
    /// # Safety
    /// The thread that used the [`ShardIo`](super::ShardIo) has ended, and it is never used or dropped again.
    pub unsafe fn bury(self) -> u32 {
        let are_home = self.desk.bury(PATIENCE);
        let mut device = ManuallyDrop::into_inner(self.device);
        device.bury();
        // SAFETY: the shard had them open, and is no more.
        let closed_count = unsafe {
            self.ledger.close_all(|file| {
                // Where a helper is at it still, its peers are told now. Where it is no socket there is nobody to
                // be told.
                let _told = rustix::net::shutdown(file, Shutdown::Both);
            })
        };
        drop(device);
        if are_home {
            // SAFETY: the caller's; neither the kernel nor a helper uses the buffers any more.
            unsafe { self.buffers.give_back() };
        }
        // SAFETY: the caller's.
        unsafe { self.tables.give_back() };
        closed_count
    }
}
