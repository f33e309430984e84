//! HOT. The operations in flight: a slot and a generation each, on the list of its owner and on that of
//! its descriptor.
//!
//! ```text
//!   Free ──► Queued ──► Started ──────► (ended) ──► Free
//!              │  ▲        │ no buffer, or only a part was moved
//!              │  └────────┴──► Starved ──┘
//!              ├──► Helping ──────► (ended)
//!              └──► Waiting ──────► (ended)       Settle, Close: for the others of the descriptor
//!                   Finished: ended without having been anywhere, and not yet told
//! ```

use super::chain::Chains;
use super::file::File;
use super::ledger::Ledger;
use super::operation::{Operation, Owner, Refusal, Submission, Ticket};
use std::sync::Arc;

/// Where an operation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Station {
    Free,
    /// To be started at the next turn.
    Queued,
    /// With the back end.
    Started,
    /// With a helper thread.
    Helping,
    /// Bytes are there, and no buffer is free for them.
    Starved,
    /// For other operations of its descriptor to end.
    Waiting,
    /// Ended, and to be told.
    Finished,
}

/// Why an operation is being stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// It is not.
    No,
    /// Its owner wants it, or has died, or its descriptor is being closed or settled.
    Asked,
    /// Its time is over.
    Expired,
}

pub(crate) struct Pending {
    generation: u32,
    pub(crate) station: Station,
    pub(crate) stop: Stop,
    /// In the queue of what is to be cancelled. Survives the operation: the queue holds a slot once.
    pub(crate) is_cancel_queued: bool,
    /// Its owner is dead: it is told to nobody.
    pub(crate) is_orphan: bool,
    /// `SendFile`: the socket must be writable before it goes on.
    pub(crate) needs_room: bool,
    pub(crate) submission: Submission,
    /// The slot of the descriptor it uses or opens.
    pub(crate) descriptor: Option<u32>,
    /// Bytes moved by the parts of it that are done.
    pub(crate) moved: u64,
    /// `SendFile`: the file, open for as long as it takes.
    pub(crate) file: Option<File>,
}

pub(crate) struct Operations {
    slots: Box<[Pending]>,
    free: Vec<u32>,
    by_owner: Chains,
    by_descriptor: Chains,
    ledger: Arc<Ledger>,
}

impl Operations {
    pub(crate) fn bytes(owner_count: u32, descriptor_count: u32, slot_count: u32) -> usize {
        slot_count as usize * (size_of::<Pending>() + size_of::<u32>())
            + Chains::bytes(owner_count, slot_count)
            + Chains::bytes(descriptor_count, slot_count)
    }

    pub(crate) fn new(
        owner_count: u32,
        descriptor_count: u32,
        slot_count: u32,
        ledger: Arc<Ledger>,
    ) -> Self {
        let nobody = Owner {
            place: 0,
            handle: 0,
        };
        let buffer = super::operation::Buffer::from_bits(0);
        let path = super::operation::Part::first(buffer, 0);
        let pending = |_| Pending {
            generation: 0,
            station: Station::Free,
            stop: Stop::No,
            is_cancel_queued: false,
            is_orphan: false,
            needs_room: false,
            submission: Submission {
                owner: nobody,
                token: 0,
                operation: Operation::ConnectUnix { path },
                timeout: None,
            },
            descriptor: None,
            moved: 0,
            file: None,
        };
        Self {
            slots: (0..slot_count)
                .map(pending)
                .collect::<Vec<_>>()
                .into_boxed_slice(),
            free: (0..slot_count).rev().collect(),
            by_owner: Chains::new(owner_count, slot_count),
            by_descriptor: Chains::new(descriptor_count, slot_count),
            ledger,
        }
    }

    /// Operations in flight.
    pub(crate) fn used_count(&self) -> u32 {
        (self.slots.len() - self.free.len()) as u32
    }

    pub(crate) fn has_room(&self) -> bool {
        !self.free.is_empty()
    }

    /// A slot for an operation that is to be started.
    pub(crate) fn begin(&mut self, submission: &Submission) -> Result<Ticket, Refusal> {
        let slot = self.free.pop().ok_or(Refusal::NoOperation)?;
        self.by_owner.link(submission.owner.place, slot);
        let pending = &mut self.slots[slot as usize];
        assert!(pending.station == Station::Free && pending.file.is_none());
        pending.generation = pending.generation.wrapping_add(1);
        pending.station = Station::Queued;
        pending.stop = Stop::No;
        pending.is_orphan = false;
        pending.needs_room = false;
        pending.submission = *submission;
        pending.descriptor = None;
        pending.moved = 0;
        Ok(Ticket {
            slot,
            generation: pending.generation,
        })
    }

    /// The operation ends before its descriptor is closed or settled.
    pub(crate) fn attach(&mut self, slot: u32, descriptor: u32) {
        self.slots[slot as usize].descriptor = Some(descriptor);
        self.by_descriptor.link(descriptor, slot);
    }

    /// The slot is free; who is to be told.
    pub(crate) fn end(&mut self, slot: u32) {
        self.by_owner.unlink(slot);
        self.by_descriptor.unlink(slot);
        let pending = &mut self.slots[slot as usize];
        assert!(pending.station != Station::Free, "an operation ends once");
        pending.station = Station::Free;
        if let Some(file) = pending.file.take() {
            self.ledger.strike(&file);
        }
        self.free.push(slot);
    }

    /// A file of the operation's own, open until it ends.
    pub(crate) fn keep(&mut self, slot: u32, file: File) {
        self.ledger.note(&file);
        self.slots[slot as usize].file = Some(file);
    }

    pub(crate) fn find(&self, ticket: Ticket) -> Option<u32> {
        let pending = self.slots.get(ticket.slot as usize)?;
        let is_it = pending.generation == ticket.generation && pending.station != Station::Free;
        is_it.then_some(ticket.slot)
    }

    pub(crate) fn get(&mut self, slot: u32) -> &mut Pending {
        &mut self.slots[slot as usize]
    }

    /// Takes one operation off the list of a dead owner.
    pub(crate) fn take_orphan(&mut self, owner: Owner) -> Option<u32> {
        let slot = self.by_owner.first(owner.place)?;
        self.by_owner.unlink(slot);
        let pending = &mut self.slots[slot as usize];
        let is_owner = pending.submission.owner == owner;
        assert!(is_owner, "one owner lives in a place");
        pending.is_orphan = true;
        Some(slot)
    }

    pub(crate) fn first_of(&self, descriptor: u32) -> Option<u32> {
        self.by_descriptor.first(descriptor)
    }

    pub(crate) fn after(&self, slot: u32) -> Option<u32> {
        self.by_descriptor.after(slot)
    }
}
