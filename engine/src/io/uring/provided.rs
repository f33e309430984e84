//! HOT. The ring of free receive buffers that the kernel picks from.
//!
//! ```text
//!   entry 0 … entry 2^n - 1     each: address, length, id; the tail lies in the padding of entry 0
//!   ^ page aligned              kernel takes at its head, we write at the tail and publish it
//! ```

use super::super::buffer::Span;
use super::super::errno::Errno;
use crate::arena::Arena;
use io_uring::IoUring;
use io_uring::types::BufRingEntry;
use std::mem::size_of;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

/// The only group of buffers.
pub(super) const GROUP: u16 = 0;

/// The most buffers a ring holds.
pub(crate) const PROVIDED_MAX: u32 = 1 << 15;

pub(super) struct Provided {
    entries: NonNull<BufRingEntry>,
    mask: u16,
    tail: u16,
    published: u16,
    /// Registered with the kernel, which keeps its pages of its own until the ring is gone.
    _memory: Arena,
}

impl Provided {
    #[cold]
    pub(super) fn register(ring: &IoUring, count: u32) -> Result<Self, Errno> {
        assert!((1..=PROVIDED_MAX).contains(&count), "checked by the plan");
        let slots = count.next_power_of_two();
        let bytes = slots as usize * size_of::<BufRingEntry>();
        let memory = Arena::map(bytes)?;
        let (_, start) = memory.carve_bytes(bytes, 4096);
        let address = start.as_ptr().addr() as u64;
        // SAFETY: page aligned, zeroed, and so long; the mapping outlives the ring.
        unsafe {
            let submitter = ring.submitter();
            submitter.register_buf_ring_with_flags(address, slots as u16, GROUP, 0)?;
        }
        Ok(Self {
            entries: start.cast(),
            mask: (slots - 1) as u16,
            tail: 0,
            published: 0,
            _memory: memory,
        })
    }

    /// Adds a free buffer; never more than were counted when the ring was made.
    pub(super) fn push(&mut self, id: u16, span: Span) {
        let place = usize::from(self.tail & self.mask);
        // SAFETY: the mask keeps it inside; the kernel reads an entry only after the tail has passed
        // it, and has taken the one that was here before, for each buffer is here once.
        let entry = unsafe { self.entries.add(place).as_mut() };
        entry.set_addr(span.start.as_ptr().addr() as u64);
        entry.set_len(span.length);
        entry.set_bid(id);
        self.tail = self.tail.wrapping_add(1);
    }

    /// Shows the kernel what was added.
    pub(super) fn publish(&mut self) {
        if self.published == self.tail {
            return;
        }
        self.published = self.tail;
        // SAFETY: the first entry is valid; its padding is the tail, which nobody else writes.
        let tail =
            unsafe { AtomicU16::from_ptr(BufRingEntry::tail(self.entries.as_ptr()).cast_mut()) };
        // Release: entries before the tail, for the kernel reads them as soon as it sees it.
        tail.store(self.tail, Ordering::Release);
    }
}
