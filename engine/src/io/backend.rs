//! What a back end of the I/O layer is: it starts operations, stops them, and says how they ended.
//!
//! It knows slots, not owners; numbers of the operating system, not handles. Whoever drives it keeps
//! every file open and every span untouched from `start` to the last completion of a slot.

use super::buffer::{Buffers, Span};
use super::errno::Errno;
use super::file::File;
use super::operation::OpenHow;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::time::Duration;

/// The other end of a connection to be.
#[derive(Clone, Copy)]
pub(crate) enum Peer {
    Internet(SocketAddr),
    /// A path that ends before its zero byte.
    Unix(Span),
}

/// Something that waits for a peer.
#[derive(Clone, Copy)]
pub(crate) enum SocketRequest {
    /// Completes once per connection.
    Accept,
    Connect(Peer),
    /// Into an offered buffer; ends with `ENOBUFS` where none is.
    Receive,
    ReceiveFrom,
    Send(Span),
    SendTo(Span, SocketAddr),
    /// Completes when something can be sent.
    Writable,
}

/// Something that waits for a disk.
pub(crate) enum FileRequest {
    /// A path that ends before its zero byte.
    Open(Span, OpenHow),
    Read(RawFd, Span, u64),
    Write(RawFd, Span, u64),
    Sync {
        file: RawFd,
        data_only: bool,
    },
    Size(RawFd),
    Truncate(RawFd, u64),
    /// As much as the socket takes at once; `EAGAIN` if that is nothing.
    SendFile {
        socket: RawFd,
        file: RawFd,
        at: u64,
        length: u64,
    },
    Close(File),
}

/// How something went well.
#[derive(Debug)]
pub(crate) enum Success {
    Done,
    Moved(u64),
    Size(u64),
    Opened(File),
    /// Bytes in an offered buffer, or the end of the stream, or an empty datagram.
    Received {
        buffer: Option<u32>,
        length: u32,
        from: Option<SocketAddr>,
        truncated: bool,
    },
}

/// The end of a slot's operation, or one of several completions.
pub(crate) struct Ended {
    pub(crate) slot: u32,
    pub(crate) result: Result<Success, Errno>,
    /// Whether the operation goes on.
    pub(crate) more: bool,
}

/// Counters of a back end; they only grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BackendCounters {
    /// Calls into the kernel that handed over or fetched a batch.
    pub enter_count: u64,
    /// Waits in the kernel.
    pub wait_count: u64,
}

/// One per shard, used by its thread alone, allocating nothing after it was made.
pub(crate) trait Backend {
    /// Whether it does file operations itself: those that only this can be asked for.
    fn takes(&self, request: &FileRequest) -> bool;

    /// Starts a file operation that it [takes](Self::takes); false if there is no room just now.
    fn start_file(&mut self, slot: u32, request: &FileRequest) -> bool;

    /// Starts a socket operation; false if there is no room just now.
    fn start_socket(
        &mut self,
        slot: u32,
        descriptor: u32,
        socket: &File,
        request: SocketRequest,
    ) -> bool;

    /// Asks that a started operation end soon, with `ECANCELED` if nothing has come of it; false if
    /// there is no room just now. Its last completion is still to come.
    fn cancel(&mut self, slot: u32) -> bool;

    /// Hands over what was started and fetches what has ended, without waiting.
    fn turn(&mut self);

    /// As `turn`, and waits until something has ended, the doorbell rings or the time is over. May
    /// return early.
    fn wait(&mut self, timeout: Option<Duration>);

    /// The next operation that has ended.
    fn next(&mut self, buffers: &mut Buffers) -> Option<Ended>;

    /// Whether `next` may have something, as far as can be seen without the kernel.
    fn has_ended(&mut self) -> bool;

    /// Takes up free receive buffers, if it wants them in advance.
    fn provide(&mut self, buffers: &mut Buffers);

    /// The descriptor is about to be closed or handed over; nothing is in flight on it.
    fn forget(&mut self, descriptor: u32, socket: &File);

    /// Stops everything and waits until nothing is in flight; false if that cannot be known.
    fn finish(&mut self) -> bool;

    fn counters(&self) -> BackendCounters;

    /// What it has open for itself.
    fn own_files(&self) -> [RawFd; 2];
}
