//! HOT. An operation, or the next part of one, as a request to the back end or to a helper.

use super::super::backend::{Backend, FileRequest, Peer, SocketRequest};
use super::super::errno::Errno;
use super::super::operation::Operation;
use super::super::pending::{Station, Stop};
use super::ShardIo;
use std::os::fd::RawFd;

enum Request {
    File(FileRequest),
    Socket(SocketRequest),
}

impl ShardIo {
    /// Starts what is queued; false if there is no room just now.
    pub(super) fn launch(&mut self, slot: u32) -> bool {
        let pending = self.operations.get(slot);
        assert!(
            pending.station == Station::Queued,
            "launched from the queue"
        );
        if pending.stop != Stop::No {
            self.finish(slot, Err(Errno::ECANCELED));
            return true;
        }
        match self.request(slot) {
            Request::File(request) => self.launch_file(slot, request),
            Request::Socket(request) => self.launch_socket(slot, request),
        }
    }

    fn launch_file(&mut self, slot: u32, request: FileRequest) -> bool {
        if !self.device.takes(&request) {
            self.operations.get(slot).station = Station::Helping;
            self.helpers.give(Some(slot), request);
            return true;
        }
        let is_started = self.device.start_file(slot, &request);
        if is_started {
            self.operations.get(slot).station = Station::Started;
        }
        is_started
    }

    fn launch_socket(&mut self, slot: u32, request: SocketRequest) -> bool {
        let pending = self.operations.get(slot);
        let descriptor = pending.descriptor.expect("sockets are attached");
        let socket = self.descriptors.file(descriptor);
        let is_started = self.device.start_socket(slot, descriptor, socket, request);
        if is_started {
            self.operations.get(slot).station = Station::Started;
        }
        is_started
    }

    fn request(&mut self, slot: u32) -> Request {
        let pending = self.operations.get(slot);
        let moved = pending.moved;
        let operation = pending.submission.operation;
        // A part of at most 4 GiB.
        let rest = |part| self.buffers.busy_part(part).skip(moved as u32);
        match operation {
            Operation::Open { path, how } => {
                Request::File(FileRequest::Open(self.buffers.busy_part(path), how))
            }
            Operation::Read { into, at, .. } => {
                let span = rest(into);
                Request::File(FileRequest::Read(self.raw(slot), span, at))
            }
            Operation::Write { from, at, .. } => {
                let span = rest(from);
                let at = at.saturating_add(moved);
                Request::File(FileRequest::Write(self.raw(slot), span, at))
            }
            Operation::Sync { data_only, .. } => {
                let file = self.raw(slot);
                Request::File(FileRequest::Sync { file, data_only })
            }
            Operation::Size { .. } => Request::File(FileRequest::Size(self.raw(slot))),
            Operation::Truncate { length, .. } => {
                Request::File(FileRequest::Truncate(self.raw(slot), length))
            }
            Operation::Accept { .. } => Request::Socket(SocketRequest::Accept),
            Operation::Connect { to } => {
                Request::Socket(SocketRequest::Connect(Peer::Internet(to)))
            }
            Operation::ConnectUnix { path } => {
                let path = self.buffers.busy_part(path);
                Request::Socket(SocketRequest::Connect(Peer::Unix(path)))
            }
            Operation::Receive { .. } => Request::Socket(SocketRequest::Receive),
            Operation::ReceiveFrom { .. } => Request::Socket(SocketRequest::ReceiveFrom),
            Operation::Send { from, .. } => Request::Socket(SocketRequest::Send(rest(from))),
            Operation::SendTo { from, to, .. } => {
                Request::Socket(SocketRequest::SendTo(rest(from), to))
            }
            Operation::SendFile { at, length, .. } => self.send_file(slot, at, length),
            Operation::Settle { .. } | Operation::Close { .. } => {
                unreachable!("they wait, and are not queued")
            }
        }
    }

    /// As much as the socket takes, or first the wait until it takes something.
    fn send_file(&mut self, slot: u32, at: u64, length: u64) -> Request {
        let socket = self.raw(slot);
        let pending = self.operations.get(slot);
        if pending.needs_room {
            return Request::Socket(SocketRequest::Writable);
        }
        let file = pending.file.as_ref().expect("kept until it ends");
        Request::File(FileRequest::SendFile {
            socket,
            file: file.number(),
            at: at.saturating_add(pending.moved),
            length: length - pending.moved,
        })
    }

    fn raw(&mut self, slot: u32) -> RawFd {
        let descriptor = self.operations.get(slot).descriptor;
        self.descriptors
            .raw(descriptor.expect("files and sockets are attached"))
    }
}
