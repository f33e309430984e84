//! I/O as an isolate sees it: what it holds is its own, and gone when it ends.

use super::core::Core;
use super::handle::Handle;
use super::io_event::IoId;
use crate::io::{
    Buffer, Descriptor, Half, IoCounters, ListenOptions, Operation, Parcel, Part, Refusal,
    SocketOption,
};
use std::net::SocketAddr;
use std::time::Duration;

/// What an isolate may do with files and sockets while it handles an event. Operations end with an
/// [`Event::Io`](super::Event::Io); everything else is done at once.
///
/// Every method fails with [`Refusal::NotPlanned`] where the boot specification has no I/O, and with
/// [`Refusal::Stale`] or [`Refusal::Foreign`] for a handle that is not the isolate's.
pub struct Io<'a> {
    pub(crate) core: &'a mut Core,
    pub(crate) desk: u32,
}

impl Io<'_> {
    /// How much the shard's I/O has done, and how much is held.
    ///
    /// # Errors
    /// None but those of all methods.
    pub fn counters(&mut self) -> Result<IoCounters, Refusal> {
        let (io, _) = self.core.gate(self.desk)?;
        Ok(io.counters())
    }

    /// Begins an operation.
    ///
    /// # Errors
    /// The isolate has as many in flight as its kind may have, or the operation is not possible.
    pub fn submit(&mut self, operation: Operation) -> Result<IoId, Refusal> {
        self.core.begin_io(self.desk, operation, None)
    }

    /// Begins an operation that is stopped after `timeout`, with
    /// [`Errno::ETIME`](crate::io::Errno::ETIME) if nothing came of it.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub fn submit_within(
        &mut self,
        timeout: Duration,
        operation: Operation,
    ) -> Result<IoId, Refusal> {
        self.core.begin_io(self.desk, operation, Some(timeout))
    }

    /// Asks that an operation end soon. Its event still comes. False if it has ended.
    pub fn cancel(&mut self, id: IoId) -> bool {
        self.core.cancel_io(self.desk, id)
    }

    /// A TCP socket that listens; see [`ShardIo::listen`](crate::io::ShardIo::listen).
    ///
    /// # Errors
    /// No descriptor is free, or the system refuses.
    pub fn listen(
        &mut self,
        address: SocketAddr,
        options: &ListenOptions,
    ) -> Result<Descriptor, Refusal> {
        let (io, owner) = self.core.gate(self.desk)?;
        io.listen(owner, address, options)
    }

    /// A unix socket that listens at a path where nothing is yet.
    ///
    /// # Errors
    /// No descriptor is free, the path is bad, or the system refuses.
    pub fn listen_unix(
        &mut self,
        path: &[u8],
        options: &ListenOptions,
    ) -> Result<Descriptor, Refusal> {
        let (io, owner) = self.core.gate(self.desk)?;
        io.listen_unix(owner, path, options)
    }

    /// A UDP socket.
    ///
    /// # Errors
    /// No descriptor is free, or the system refuses.
    pub fn bind(&mut self, address: SocketAddr, reuse_port: bool) -> Result<Descriptor, Refusal> {
        let (io, owner) = self.core.gate(self.desk)?;
        io.bind(owner, address, reuse_port)
    }

    /// Sets an option of a socket.
    ///
    /// # Errors
    /// The system refuses.
    pub fn set_option(&mut self, socket: Descriptor, option: SocketOption) -> Result<(), Refusal> {
        let (io, owner) = self.core.gate(self.desk)?;
        io.set_option(owner, socket, option)
    }

    /// Closes one half of a connection, or both.
    ///
    /// # Errors
    /// The system refuses.
    pub fn shut(&mut self, socket: Descriptor, half: Half) -> Result<(), Refusal> {
        let (io, owner) = self.core.gate(self.desk)?;
        io.shut(owner, socket, half)
    }

    /// Where a socket is bound.
    ///
    /// # Errors
    /// It is not an internet socket.
    pub fn local_address(&mut self, socket: Descriptor) -> Result<SocketAddr, Refusal> {
        let (io, owner) = self.core.gate(self.desk)?;
        io.local_address(owner, socket)
    }

    /// Who is at the other end of a connection.
    ///
    /// # Errors
    /// It is not an internet connection.
    pub fn peer_address(&mut self, socket: Descriptor) -> Result<SocketAddr, Refusal> {
        let (io, owner) = self.core.gate(self.desk)?;
        io.peer_address(owner, socket)
    }

    /// A buffer to send from, or to read files into.
    ///
    /// # Errors
    /// None is free.
    pub fn take_buffer(&mut self) -> Result<Buffer, Refusal> {
        let (io, owner) = self.core.gate(self.desk)?;
        io.take_buffer(owner)
    }

    /// A buffer that begins with these bytes.
    ///
    /// # Errors
    /// None is free, or they do not fit into one.
    pub fn take_filled(&mut self, bytes: &[u8]) -> Result<Part, Refusal> {
        let (io, owner) = self.core.gate(self.desk)?;
        io.take_filled(owner, bytes)
    }

    /// The bytes of a part of a buffer.
    ///
    /// # Errors
    /// An operation uses it, or the part reaches beyond it.
    pub fn part(&mut self, part: Part) -> Result<&[u8], Refusal> {
        let (io, owner) = self.core.gate(self.desk)?;
        io.part(owner, part)
    }

    /// The bytes of a part of a buffer, and all bytes of another buffer to write to.
    ///
    /// # Errors
    /// An operation uses one of them, the part reaches beyond its buffer, or both are one buffer.
    pub fn part_and_bytes_mut(
        &mut self,
        part: Part,
        to: Buffer,
    ) -> Result<(&[u8], &mut [u8]), Refusal> {
        let (io, owner) = self.core.gate(self.desk)?;
        io.part_and_bytes_mut(owner, part, to)
    }

    /// All bytes of a buffer.
    ///
    /// # Errors
    /// An operation uses it.
    pub fn bytes_mut(&mut self, buffer: Buffer) -> Result<&mut [u8], Refusal> {
        let (io, owner) = self.core.gate(self.desk)?;
        io.bytes_mut(owner, buffer)
    }

    /// Gives a buffer back.
    ///
    /// # Errors
    /// An operation uses it.
    pub fn release(&mut self, buffer: Buffer) -> Result<(), Refusal> {
        let (io, owner) = self.core.gate(self.desk)?;
        io.release(owner, buffer)
    }

    /// Closes a descriptor as soon as nothing is in flight on it, which is hastened.
    ///
    /// # Errors
    /// None but those of all methods.
    pub fn close(&mut self, descriptor: Descriptor) -> Result<(), Refusal> {
        let (io, owner) = self.core.gate(self.desk)?;
        io.close(owner, descriptor)
    }

    /// Hands a descriptor to another isolate of this shard; the name it has there. It is to be told by
    /// a message.
    ///
    /// # Errors
    /// The other does not live, or operations are in flight: [settle](Operation::Settle) it first.
    pub fn give(&mut self, descriptor: Descriptor, to: Handle) -> Result<Descriptor, Refusal> {
        let to = self.core.owner_of(to)?;
        let (io, owner) = self.core.gate(self.desk)?;
        io.give(owner, descriptor, to)
    }

    /// Hands a buffer to another isolate of this shard; the name it has there.
    ///
    /// # Errors
    /// The other does not live, or an operation uses it.
    pub fn give_buffer(&mut self, buffer: Buffer, to: Handle) -> Result<Buffer, Refusal> {
        let to = self.core.owner_of(to)?;
        let (io, owner) = self.core.gate(self.desk)?;
        io.give_buffer(owner, buffer, to)
    }

    /// Takes a descriptor out of the shard, to be sent in a message. A message that is refused brings
    /// it back; one that is dropped closes it.
    ///
    /// # Errors
    /// Operations are in flight: [settle](Operation::Settle) it first.
    pub fn detach(&mut self, descriptor: Descriptor) -> Result<Parcel, Refusal> {
        let (io, owner) = self.core.gate(self.desk)?;
        io.detach(owner, descriptor)
    }

    /// Takes in a descriptor that came in a message.
    ///
    /// # Errors
    /// It comes back if no descriptor is free, or the boot specification has no I/O.
    pub fn attach(&mut self, parcel: Parcel) -> Result<Descriptor, Parcel> {
        match self.core.gate(self.desk) {
            Ok((io, owner)) => io.attach(owner, parcel),
            Err(_) => Err(parcel),
        }
    }
}
