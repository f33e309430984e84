//! HOT. The open files and sockets of a shard: a slot, a generation and an owner each.
//!
//! ```text
//!   Free ──reserve──► Making ──install──► Open ◄──► Settling
//!    ▲                   │                 │           │
//!    └────── remove ─────┴──── Closing ◄───┴───────────┘     closed when nothing is in flight
//! ```
//!
//! A handle whose generation is not that of its slot names nothing: it never reaches a descriptor
//! that the operating system gave the same number.

use super::chain::Chains;
use super::file::File;
use super::ledger::Ledger;
use super::operation::{Descriptor, Owner, Refusal};
use std::os::fd::RawFd;
use std::sync::Arc;

/// What a descriptor can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DescriptorKind {
    File,
    Listener,
    Stream,
    Datagram,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    Free,
    /// An operation is opening it.
    Making,
    Open,
    /// Open; nothing new is begun until all operations have ended.
    Settling,
    /// Its handle is stale; closed when all operations have ended.
    Closing,
}

pub(crate) struct Entry {
    file: Option<File>,
    pub(crate) kind: DescriptorKind,
    pub(crate) phase: Phase,
    generation: u32,
    handle: u64,
    /// Operations that use it.
    pub(crate) in_flight_count: u32,
    pub(crate) is_reading: bool,
    pub(crate) is_writing: bool,
    /// The operation that is told when nothing else is in flight.
    pub(crate) waiter: Option<u32>,
}

pub(crate) struct Descriptors {
    entries: Box<[Entry]>,
    free: Vec<u32>,
    by_owner: Chains,
    ledger: Arc<Ledger>,
}

impl Descriptors {
    pub(crate) fn bytes(owner_count: u32, slot_count: u32) -> usize {
        slot_count as usize * (size_of::<Entry>() + size_of::<u32>())
            + Chains::bytes(owner_count, slot_count)
    }

    pub(crate) fn new(owner_count: u32, slot_count: u32, ledger: Arc<Ledger>) -> Self {
        let entry = |_| Entry {
            file: None,
            kind: DescriptorKind::File,
            phase: Phase::Free,
            generation: 0,
            handle: 0,
            in_flight_count: 0,
            is_reading: false,
            is_writing: false,
            waiter: None,
        };
        Self {
            entries: (0..slot_count)
                .map(entry)
                .collect::<Vec<_>>()
                .into_boxed_slice(),
            free: (0..slot_count).rev().collect(),
            by_owner: Chains::new(owner_count, slot_count),
            ledger,
        }
    }

    /// Slots in use, those being opened or closed among them.
    pub(crate) fn used_count(&self) -> u32 {
        (self.entries.len() - self.free.len()) as u32
    }

    pub(crate) fn has_room(&self) -> bool {
        !self.free.is_empty()
    }

    /// A slot for something that is going to be opened.
    pub(crate) fn reserve(&mut self, owner: Owner, kind: DescriptorKind) -> Result<u32, Refusal> {
        let slot = self.free.pop().ok_or(Refusal::NoDescriptor)?;
        self.by_owner.link(owner.place, slot);
        let entry = &mut self.entries[slot as usize];
        assert!(entry.phase == Phase::Free && entry.in_flight_count == 0);
        entry.kind = kind;
        entry.phase = Phase::Making;
        entry.handle = owner.handle;
        entry.generation = entry.generation.wrapping_add(1);
        entry.waiter = None;
        Ok(slot)
    }

    /// The file or socket of a reserved slot; it is not yet the owner's to use.
    pub(crate) fn put(&mut self, slot: u32, file: File) {
        let entry = &mut self.entries[slot as usize];
        assert!(entry.phase == Phase::Making && entry.file.is_none());
        self.ledger.note(&file);
        entry.file = Some(file);
    }

    /// What was being opened is the owner's to use now.
    pub(crate) fn install(&mut self, slot: u32) -> Descriptor {
        let entry = &mut self.entries[slot as usize];
        assert!(entry.phase == Phase::Making && entry.file.is_some());
        entry.phase = Phase::Open;
        Descriptor {
            slot,
            generation: entry.generation,
        }
    }

    /// Frees a slot and hands out what it held.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<File> {
        self.by_owner.unlink(slot);
        let entry = &mut self.entries[slot as usize];
        assert!(entry.phase != Phase::Free, "a slot is freed once");
        assert!(entry.in_flight_count == 0, "freed when nothing uses it");
        entry.phase = Phase::Free;
        self.free.push(slot);
        let file = entry.file.take();
        if let Some(file) = &file {
            self.ledger.strike(file);
        }
        file
    }

    /// The slot of an open descriptor of this owner.
    pub(crate) fn find(&self, owner: Owner, descriptor: Descriptor) -> Result<u32, Refusal> {
        let entry = self.entries.get(descriptor.slot as usize);
        let entry = entry.ok_or(Refusal::Stale)?;
        if entry.generation != descriptor.generation {
            return Err(Refusal::Stale);
        }
        match entry.phase {
            Phase::Free | Phase::Making | Phase::Closing => Err(Refusal::Stale),
            Phase::Open | Phase::Settling if entry.handle != owner.handle => Err(Refusal::Foreign),
            Phase::Settling => Err(Refusal::Busy),
            Phase::Open => Ok(descriptor.slot),
        }
    }

    /// Changes the owner of a slot; the old handle is stale.
    pub(crate) fn give(&mut self, slot: u32, to: Owner) -> Descriptor {
        self.by_owner.unlink(slot);
        self.by_owner.link(to.place, slot);
        let entry = &mut self.entries[slot as usize];
        assert!(entry.phase == Phase::Open && entry.in_flight_count == 0);
        entry.handle = to.handle;
        entry.generation = entry.generation.wrapping_add(1);
        Descriptor {
            slot,
            generation: entry.generation,
        }
    }

    /// Takes a slot off its owner's list: nobody is told of it any more.
    pub(crate) fn disown(&mut self, slot: u32) {
        self.by_owner.unlink(slot);
    }

    pub(crate) fn first_of(&self, owner: Owner) -> Option<u32> {
        let slot = self.by_owner.first(owner.place)?;
        let handle = self.entries[slot as usize].handle;
        assert!(handle == owner.handle, "one owner lives in a place");
        Some(slot)
    }

    pub(crate) fn entry(&mut self, slot: u32) -> &mut Entry {
        &mut self.entries[slot as usize]
    }

    pub(crate) fn file(&self, slot: u32) -> &File {
        let file = self.entries[slot as usize].file.as_ref();
        file.expect("in use from `put` to `remove`")
    }

    pub(crate) fn raw(&self, slot: u32) -> RawFd {
        self.file(slot).number()
    }

    /// A settling descriptor is used again; the operation that waited for it.
    pub(crate) fn resume(&mut self, slot: u32) -> Option<u32> {
        let entry = &mut self.entries[slot as usize];
        assert!(entry.phase == Phase::Settling);
        entry.phase = Phase::Open;
        entry.waiter.take()
    }
}
