//! HOT. What owners hold: sockets made at once, buffers, the end of descriptors, hand-over, and the
//! death of an owner.

use super::super::backend::{Backend, Success};
use super::super::descriptor::{DescriptorKind, Phase};
use super::super::device::Device;
use super::super::file::File;
use super::super::operation::{Buffer, Descriptor, Owner, Part, Refusal};
use super::super::pending::{Station, Stop};
use super::super::socket::{Half, ListenOptions, SocketOption};
use super::ShardIo;
use std::net::SocketAddr;

/// A descriptor on its way from one owner to another, of the same shard or another. Dropping it
/// closes it.
#[derive(Debug)]
pub struct Parcel {
    file: File,
    kind: DescriptorKind,
}

/// What has its end in no operation of its own, and never waits.
impl ShardIo {
    /// A TCP socket that listens. Port 0 is one of the system's choice; see
    /// [`local_address`](Self::local_address).
    ///
    /// # Errors
    /// No descriptor is free, or the system refuses.
    pub fn listen(
        &mut self,
        owner: Owner,
        address: SocketAddr,
        options: &ListenOptions,
    ) -> Result<Descriptor, Refusal> {
        self.make(owner, DescriptorKind::Listener, |device| {
            device.listen(address, options).map_err(Refusal::System)
        })
    }

    /// A unix socket that listens at a path where nothing is yet. The path stays when it is closed.
    ///
    /// # Errors
    /// No descriptor is free, the path is bad, or the system refuses.
    pub fn listen_unix(
        &mut self,
        owner: Owner,
        path: &[u8],
        options: &ListenOptions,
    ) -> Result<Descriptor, Refusal> {
        self.make(owner, DescriptorKind::Listener, |device| {
            device.listen_unix(path, options)
        })
    }

    /// A UDP socket. With `reuse_port` several of them share a port, one a shard.
    ///
    /// # Errors
    /// No descriptor is free, or the system refuses.
    pub fn bind(
        &mut self,
        owner: Owner,
        address: SocketAddr,
        reuse_port: bool,
    ) -> Result<Descriptor, Refusal> {
        self.make(owner, DescriptorKind::Datagram, |device| {
            device.bind(address, reuse_port).map_err(Refusal::System)
        })
    }

    /// Sets an option of a socket.
    ///
    /// # Errors
    /// The handle is not good, or the system refuses.
    pub fn set_option(
        &mut self,
        owner: Owner,
        socket: Descriptor,
        option: SocketOption,
    ) -> Result<(), Refusal> {
        let slot = self.descriptors.find(owner, socket)?;
        self.device
            .set_option(self.descriptors.file(slot), option)
            .map_err(Refusal::System)
    }

    /// Closes one half of a connection, or both. Bytes that were sent before are delivered.
    ///
    /// # Errors
    /// The handle is not good, or the system refuses.
    pub fn shut(&mut self, owner: Owner, socket: Descriptor, half: Half) -> Result<(), Refusal> {
        let slot = self.find_kind(owner, socket, DescriptorKind::Stream)?;
        self.device
            .shut(self.descriptors.file(slot), half)
            .map_err(Refusal::System)
    }

    /// Where a socket is bound.
    ///
    /// # Errors
    /// The handle is not good, or it is not an internet socket.
    pub fn local_address(&self, owner: Owner, socket: Descriptor) -> Result<SocketAddr, Refusal> {
        let slot = self.descriptors.find(owner, socket)?;
        self.device
            .local_address(self.descriptors.file(slot))
            .map_err(Refusal::System)
    }

    /// Who is at the other end of a connection.
    ///
    /// # Errors
    /// The handle is not good, or it is not an internet connection.
    pub fn peer_address(&self, owner: Owner, socket: Descriptor) -> Result<SocketAddr, Refusal> {
        let slot = self.descriptors.find(owner, socket)?;
        self.device
            .peer_address(self.descriptors.file(slot))
            .map_err(Refusal::System)
    }

    /// A buffer to send from, or to read files into; what is in it is anything.
    ///
    /// # Errors
    /// None is free.
    pub fn take_buffer(&mut self, owner: Owner) -> Result<Buffer, Refusal> {
        self.buffers.take(owner)
    }

    /// A buffer that begins with these bytes.
    ///
    /// # Errors
    /// None is free, or they do not fit into one.
    pub fn take_filled(&mut self, owner: Owner, bytes: &[u8]) -> Result<Part, Refusal> {
        let buffer = self.buffers.take(owner)?;
        let room = self.buffers.bytes_mut(owner, buffer)?;
        if let Some(room) = room.get_mut(..bytes.len()) {
            room.copy_from_slice(bytes);
            return Ok(Part::first(buffer, bytes.len() as u32));
        }
        self.buffers.release(owner, buffer)?;
        Err(Refusal::BeyondBuffer)
    }

    /// All bytes of a buffer that no operation uses.
    ///
    /// # Errors
    /// The handle is not good, or an operation uses it.
    pub fn bytes(&self, owner: Owner, buffer: Buffer) -> Result<&[u8], Refusal> {
        self.buffers.bytes(owner, buffer)
    }

    /// All bytes of a buffer that no operation uses.
    ///
    /// # Errors
    /// The handle is not good, or an operation uses it.
    pub fn bytes_mut(&mut self, owner: Owner, buffer: Buffer) -> Result<&mut [u8], Refusal> {
        self.buffers.bytes_mut(owner, buffer)
    }

    /// The bytes of a part of a buffer, and all bytes of another buffer to write to.
    ///
    /// # Errors
    /// A handle is not good, an operation uses one, the part reaches beyond its buffer, or both are one
    /// buffer.
    pub fn part_and_bytes_mut(
        &mut self,
        owner: Owner,
        part: Part,
        to: Buffer,
    ) -> Result<(&[u8], &mut [u8]), Refusal> {
        let (bytes, to) = self.buffers.both(owner, part.buffer, to)?;
        let range = part.start as usize..part.start as usize + part.length as usize;
        let bytes = bytes.get(range).ok_or(Refusal::BeyondBuffer)?;
        Ok((bytes, to))
    }

    /// The bytes of a part of a buffer that no operation uses.
    ///
    /// # Errors
    /// The handle is not good, an operation uses it, or the part reaches beyond it.
    pub fn part(&self, owner: Owner, part: Part) -> Result<&[u8], Refusal> {
        let bytes = self.buffers.bytes(owner, part.buffer)?;
        let end = part.start as usize + part.length as usize;
        let range = part.start as usize..end;
        bytes.get(range).ok_or(Refusal::BeyondBuffer)
    }

    /// Gives a buffer back.
    ///
    /// # Errors
    /// The handle is not good, or an operation uses it.
    pub fn release(&mut self, owner: Owner, buffer: Buffer) -> Result<(), Refusal> {
        self.buffers.release(owner, buffer)?;
        self.device.provide(&mut self.buffers);
        Ok(())
    }

    /// Hands a buffer to another owner of this shard, for whom it has another name.
    ///
    /// # Errors
    /// The handle is not good, or an operation uses it.
    pub fn give_buffer(
        &mut self,
        owner: Owner,
        buffer: Buffer,
        to: Owner,
    ) -> Result<Buffer, Refusal> {
        self.buffers.give(owner, buffer, to)
    }

    /// Closes a descriptor without a word about when: as [`Close`](super::Operation::Close), but it
    /// needs no room.
    ///
    /// # Errors
    /// The handle is not good.
    pub fn close(&mut self, owner: Owner, descriptor: Descriptor) -> Result<(), Refusal> {
        let slot = self.descriptors.find(owner, descriptor)?;
        self.begin_close(slot);
        Ok(())
    }

    /// Hands a descriptor to another owner of this shard, for whom it has another name.
    ///
    /// # Errors
    /// The handle is not good, or operations are in flight: [settle](super::Operation::Settle) it first.
    pub fn give(
        &mut self,
        owner: Owner,
        descriptor: Descriptor,
        to: Owner,
    ) -> Result<Descriptor, Refusal> {
        let slot = self.find_quiet(owner, descriptor)?;
        Ok(self.descriptors.give(slot, to))
    }

    /// Takes a descriptor out of this shard.
    ///
    /// # Errors
    /// The handle is not good, or operations are in flight: [settle](super::Operation::Settle) it first.
    pub fn detach(&mut self, owner: Owner, descriptor: Descriptor) -> Result<Parcel, Refusal> {
        let slot = self.find_quiet(owner, descriptor)?;
        let kind = self.descriptors.entry(slot).kind;
        self.device.forget(slot, self.descriptors.file(slot));
        let file = self.descriptors.remove(slot);
        let file = file.expect("open descriptors have a file");
        Ok(Parcel { file, kind })
    }

    /// Takes a descriptor into this shard.
    ///
    /// # Errors
    /// The parcel comes back if no descriptor is free.
    pub fn attach(&mut self, owner: Owner, parcel: Parcel) -> Result<Descriptor, Parcel> {
        match self.descriptors.reserve(owner, parcel.kind) {
            Err(_) => Err(parcel),
            Ok(slot) => {
                self.descriptors.put(slot, parcel.file);
                Ok(self.descriptors.install(slot))
            }
        }
    }

    /// The owner has died: its operations are stopped and told to nobody, its descriptors closed, its
    /// buffers freed, each as soon as nothing uses it. The time it takes depends on what it holds.
    pub fn close_all_of(&mut self, owner: Owner) {
        while let Some(slot) = self.operations.take_orphan(owner) {
            self.stop(slot, Stop::Asked);
        }
        self.buffers.release_all_of(owner);
        self.device.provide(&mut self.buffers);
        while let Some(slot) = self.descriptors.first_of(owner) {
            match self.descriptors.entry(slot).phase {
                // Its end comes with that of the operation.
                Phase::Making => self.descriptors.disown(slot),
                Phase::Free | Phase::Open | Phase::Settling | Phase::Closing => {
                    self.begin_close(slot);
                }
            }
        }
    }

    fn make(
        &mut self,
        owner: Owner,
        kind: DescriptorKind,
        make: impl FnOnce(&mut Device) -> Result<File, Refusal>,
    ) -> Result<Descriptor, Refusal> {
        if !self.descriptors.has_room() {
            return Err(Refusal::NoDescriptor);
        }
        let file = make(&mut self.device)?;
        let slot = self.descriptors.reserve(owner, kind)?;
        self.descriptors.put(slot, file);
        Ok(self.descriptors.install(slot))
    }

    fn find_quiet(&mut self, owner: Owner, descriptor: Descriptor) -> Result<u32, Refusal> {
        let slot = self.descriptors.find(owner, descriptor)?;
        match self.descriptors.entry(slot).in_flight_count {
            0 => Ok(slot),
            _ => Err(Refusal::Busy),
        }
    }

    /// The handle is stale from now on; closed when nothing is in flight.
    pub(super) fn begin_close(&mut self, slot: u32) {
        self.descriptors.disown(slot);
        self.descriptors.entry(slot).phase = Phase::Closing;
        self.stop_all_on(slot);
        self.look_if_quiet(slot);
    }

    pub(super) fn stop_all_on(&mut self, descriptor: u32) {
        let mut next = self.operations.first_of(descriptor);
        while let Some(slot) = next {
            next = self.operations.after(slot);
            self.stop(slot, Stop::Asked);
        }
    }

    /// Goes on with what waits for a descriptor to have nothing in flight.
    pub(super) fn look_if_quiet(&mut self, slot: u32) {
        let entry = self.descriptors.entry(slot);
        if entry.in_flight_count > 0 {
            return;
        }
        match entry.phase {
            Phase::Free | Phase::Making | Phase::Open => {}
            Phase::Settling => {
                if let Some(waiter) = self.descriptors.resume(slot) {
                    self.finish(waiter, Ok(Success::Done));
                }
            }
            Phase::Closing => self.close_now(slot),
        }
    }

    fn close_now(&mut self, slot: u32) {
        let entry = self.descriptors.entry(slot);
        let waiter = entry.waiter.take();
        let is_file = entry.kind == DescriptorKind::File;
        if !is_file {
            self.device.forget(slot, self.descriptors.file(slot));
        }
        let file = self.descriptors.remove(slot);
        let file = file.expect("open descriptors have a file");
        // Closing a file may wait for its disk; a socket's end does not wait.
        let is_given = is_file && !file.is_simulated() && self.helpers.close(waiter, file);
        match waiter {
            Some(waiter) if is_given => self.operations.get(waiter).station = Station::Helping,
            Some(waiter) => self.finish(waiter, Ok(Success::Done)),
            None => {}
        }
    }
}
