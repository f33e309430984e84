//! HOT. The beginning of an operation: everything it will use is checked before any of it is taken.

use super::super::address::UNIX_PATH_MAX;
use super::super::buffer::Span;
use super::super::descriptor::{DescriptorKind, Phase};
use super::super::file::File as OpenFile;
use super::super::operation::{
    Descriptor, Direction, Operation, Owner, Part, Refusal, Submission, Ticket,
};
use super::super::pending::Station;
use super::ShardIo;
use DescriptorKind::{Datagram, File, Listener, Stream};

/// What an operation uses besides its buffer.
enum Claim {
    /// A descriptor that is there.
    Open(u32),
    /// A file that is to be opened.
    NewFile,
    /// A socket that is to be connected.
    NewSocket(OpenFile),
    /// A socket, and a file of its own.
    SendFile(u32, OpenFile),
    /// The end of the other operations of a descriptor.
    Quiet(u32),
}

impl ShardIo {
    pub(super) fn begin(&mut self, submission: &Submission) -> Result<Ticket, Refusal> {
        if !self.operations.has_room() {
            return Err(Refusal::NoOperation);
        }
        let owner = submission.owner;
        let operation = submission.operation;
        let claim = self.claim(owner, &operation)?;
        let descriptor = match &claim {
            Claim::Open(descriptor) | Claim::SendFile(descriptor, _) => Some(*descriptor),
            Claim::NewFile => Some(self.descriptors.reserve(owner, File)?),
            Claim::NewSocket(_) => Some(self.descriptors.reserve(owner, Stream)?),
            Claim::Quiet(_) => None,
        };
        // Nothing fails from here on.
        let ticket = self.operations.begin(submission)?;
        if let Some(part) = operation.part() {
            self.buffers.begin_use(part.buffer);
        }
        if let Some(descriptor) = descriptor {
            self.operations.attach(ticket.slot, descriptor);
            let entry = self.descriptors.entry(descriptor);
            entry.in_flight_count += 1;
            match operation.direction() {
                Some(Direction::Reading) => entry.is_reading = true,
                Some(Direction::Writing) => entry.is_writing = true,
                None => {}
            }
        }
        match (claim, descriptor) {
            (Claim::NewSocket(socket), Some(descriptor)) => {
                self.descriptors.put(descriptor, socket);
            }
            (Claim::SendFile(_, file), _) => self.operations.keep(ticket.slot, file),
            (Claim::Quiet(descriptor), _) => {
                self.begin_quiet(ticket.slot, descriptor, operation);
                return Ok(ticket);
            }
            (Claim::Open(_) | Claim::NewFile | Claim::NewSocket(_), _) => {}
        }
        self.to_start.push_back(ticket.slot);
        Ok(ticket)
    }

    /// Checks everything; takes nothing that would have to be given back.
    fn claim(&mut self, owner: Owner, operation: &Operation) -> Result<Claim, Refusal> {
        match *operation {
            Operation::Open { path, .. } => {
                self.claim_path(owner, path, usize::MAX)?;
                self.claim_room()?;
                Ok(Claim::NewFile)
            }
            Operation::Read {
                file, into: part, ..
            }
            | Operation::Write {
                file, from: part, ..
            } => {
                self.buffers.part(owner, part)?;
                self.claim_open(owner, file, File, operation)
            }
            Operation::Sync { file, .. }
            | Operation::Size { file }
            | Operation::Truncate { file, .. } => self.claim_open(owner, file, File, operation),
            Operation::Accept { listener } => self.claim_open(owner, listener, Listener, operation),
            Operation::Connect { to } => {
                self.claim_room()?;
                let socket = self.device.stream_for(&to).map_err(Refusal::System)?;
                Ok(Claim::NewSocket(socket))
            }
            Operation::ConnectUnix { path } => {
                self.claim_path(owner, path, UNIX_PATH_MAX)?;
                self.claim_room()?;
                let socket = self.device.unix_stream().map_err(Refusal::System)?;
                Ok(Claim::NewSocket(socket))
            }
            Operation::Receive { socket } => self.claim_open(owner, socket, Stream, operation),
            Operation::ReceiveFrom { socket } => {
                self.claim_open(owner, socket, Datagram, operation)
            }
            Operation::Send { socket, from } => {
                self.buffers.part(owner, from)?;
                self.claim_open(owner, socket, Stream, operation)
            }
            Operation::SendTo { socket, from, .. } => {
                self.buffers.part(owner, from)?;
                self.claim_open(owner, socket, Datagram, operation)
            }
            Operation::SendFile { socket, file, .. } => {
                let file = self.find_kind(owner, file, File)?;
                let socket = self.find_free_direction(owner, socket, Stream, operation)?;
                // Of its own, so that the file may be closed meanwhile.
                let file = self.descriptors.file(file).duplicate();
                let file = file.map_err(Refusal::System)?;
                Ok(Claim::SendFile(socket, file))
            }
            Operation::Settle { descriptor } | Operation::Close { descriptor } => {
                Ok(Claim::Quiet(self.descriptors.find(owner, descriptor)?))
            }
        }
    }

    fn claim_open(
        &mut self,
        owner: Owner,
        descriptor: Descriptor,
        kind: DescriptorKind,
        operation: &Operation,
    ) -> Result<Claim, Refusal> {
        let slot = self.find_free_direction(owner, descriptor, kind, operation)?;
        Ok(Claim::Open(slot))
    }

    fn find_free_direction(
        &mut self,
        owner: Owner,
        descriptor: Descriptor,
        kind: DescriptorKind,
        operation: &Operation,
    ) -> Result<u32, Refusal> {
        let slot = self.find_kind(owner, descriptor, kind)?;
        let entry = self.descriptors.entry(slot);
        let is_busy = match operation.direction() {
            Some(Direction::Reading) => entry.is_reading,
            Some(Direction::Writing) => entry.is_writing,
            None => false,
        };
        if is_busy {
            Err(Refusal::Busy)
        } else {
            Ok(slot)
        }
    }

    pub(super) fn find_kind(
        &mut self,
        owner: Owner,
        descriptor: Descriptor,
        kind: DescriptorKind,
    ) -> Result<u32, Refusal> {
        let slot = self.descriptors.find(owner, descriptor)?;
        let is_kind = self.descriptors.entry(slot).kind == kind;
        if is_kind {
            Ok(slot)
        } else {
            Err(Refusal::WrongKind)
        }
    }

    fn claim_room(&self) -> Result<(), Refusal> {
        match self.descriptors.has_room() {
            true => Ok(()),
            false => Err(Refusal::NoDescriptor),
        }
    }

    /// A path that a zero byte can be put after.
    fn claim_path(&mut self, owner: Owner, path: Part, limit: usize) -> Result<(), Refusal> {
        let Span { length, .. } = self.buffers.part(owner, path)?;
        let bytes = self.buffers.bytes_mut(owner, path.buffer)?;
        let start = path.start as usize;
        let end = start + length as usize;
        let is_path = end > start && end < bytes.len() && end - start <= limit;
        if !is_path || bytes[start..end].contains(&0) {
            return Err(Refusal::BadPath);
        }
        bytes[end] = 0;
        Ok(())
    }

    /// `Settle` and `Close` wait for the others.
    fn begin_quiet(&mut self, slot: u32, descriptor: u32, operation: Operation) {
        self.operations.get(slot).station = Station::Waiting;
        self.descriptors.entry(descriptor).waiter = Some(slot);
        match operation {
            Operation::Close { .. } => self.begin_close(descriptor),
            _ => {
                self.descriptors.entry(descriptor).phase = Phase::Settling;
                self.stop_all_on(descriptor);
                self.look_if_quiet(descriptor);
            }
        }
    }
}
