//! The back end of a simulated world: an operation is tried when the world says that it is time, and again
//! when something has changed for it.

use super::backend::{Backend, BackendCounters, Ended, FileRequest, Peer, SocketRequest, Success};
use super::buffer::{Buffers, Span};
use super::doorbell::IoWaker;
use super::errno::Errno;
use super::file::File;
use super::operation::Refusal;
use super::socket::{Half, ListenOptions, SocketOption};
use super::world::{Place, State, Tried, World, nanos};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

/// What the call that begins an operation takes, at most, in nanoseconds.
const CALL: u64 = 3_000;

enum Request {
    Socket(u32, SocketRequest),
    Open(Span, super::operation::OpenHow),
    Read(RawFd, Span, u64),
    Write(RawFd, Span, u64),
    Sync(RawFd),
    Size(RawFd),
    Truncate(RawFd, u64),
    SendFile {
        socket: RawFd,
        file: RawFd,
        at: u64,
        length: u64,
    },
}

struct Begun {
    request: Request,
    is_cancelled: bool,
}

pub(crate) struct Simulated {
    world: World,
    host: usize,
    waker: IoWaker,
    begun: Box<[Option<Begun>]>,
    counters: BackendCounters,
}

impl Simulated {
    pub(crate) fn new(
        world: World,
        host: usize,
        operation_count: u32,
    ) -> Result<Self, (&'static str, Errno)> {
        let waker = IoWaker::new().map_err(|error| ("eventfd", error.into()))?;
        Ok(Self {
            world,
            host,
            waker,
            begun: (0..operation_count).map(|_| None).collect(),
            counters: BackendCounters::default(),
        })
    }

    pub(crate) fn waker(&self) -> IoWaker {
        self.waker.clone()
    }

    fn file(&self, number: u32) -> File {
        File::Simulated(self.world.file(number))
    }

    pub(crate) fn stream(&self) -> File {
        let number = self.world.lock().new_stream(self.host);
        self.file(number)
    }

    pub(crate) fn listen(
        &self,
        address: SocketAddr,
        options: &ListenOptions,
    ) -> Result<File, Errno> {
        let place = Place::Internet(address);
        let number = self.world.lock().listen(self.host, place, options)?;
        Ok(self.file(number))
    }

    pub(crate) fn listen_unix(
        &self,
        path: &[u8],
        options: &ListenOptions,
    ) -> Result<File, Refusal> {
        if path.is_empty() || path.len() > super::address::UNIX_PATH_MAX || path.contains(&0) {
            return Err(Refusal::BadPath);
        }
        let place = Place::Unix(path.to_vec());
        let number = self.world.lock().listen(self.host, place, options);
        Ok(self.file(number.map_err(Refusal::System)?))
    }

    pub(crate) fn bind(&self, address: SocketAddr, reuse_port: bool) -> Result<File, Errno> {
        let number = self.world.lock().bind(self.host, address, reuse_port)?;
        Ok(self.file(number))
    }

    pub(crate) fn set_option(&self, socket: &File, option: SocketOption) -> Result<(), Errno> {
        self.world.lock().set_option(number(socket), option)
    }

    pub(crate) fn shut(&self, socket: &File, half: Half) -> Result<(), Errno> {
        self.world.lock().shut(number(socket), half)
    }

    pub(crate) fn local_address(&self, socket: &File) -> Result<SocketAddr, Errno> {
        self.world.lock().local_address(number(socket))
    }

    pub(crate) fn peer_address(&self, socket: &File) -> Result<SocketAddr, Errno> {
        self.world.lock().peer_address(number(socket))
    }

    fn begin(&mut self, slot: u32, request: Request) {
        let state = &mut *self.world.lock();
        let delay = match request {
            Request::Socket(..) | Request::SendFile { .. } => state.call_time(CALL),
            _ => state.disk_latency(),
        };
        state.try_after(self.host, slot, delay);
        self.begun[slot as usize] = Some(Begun {
            request,
            is_cancelled: false,
        });
    }

    /// Tries what was begun; none if it is to be tried again, or is not there any more.
    fn attempt(&mut self, slot: u32, buffers: &mut Buffers) -> Option<Ended> {
        let begun = self.begun[slot as usize].as_ref()?;
        let is_accept = matches!(begun.request, Request::Socket(_, SocketRequest::Accept));
        let result = if begun.is_cancelled {
            Err(Errno::ECANCELED)
        } else {
            let state = &mut *self.world.lock();
            let who = (self.host, slot);
            match perform(state, who, &begun.request, buffers) {
                Ok(Tried::NotYet) => return None,
                Ok(Tried::Done(done)) => Ok(done),
                Err(errno) => Err(errno),
            }
        };
        let result = result.map(|done| match done {
            Performed::Plain(success) => success,
            Performed::Opened(number) => Success::Opened(self.file(number)),
        });
        let more = is_accept && result.is_ok();
        if more {
            // There may be another one.
            self.world.lock().try_after(self.host, slot, 0);
        } else {
            self.begun[slot as usize] = None;
        }
        Some(Ended { slot, result, more })
    }
}

fn number(file: &File) -> u32 {
    file.number() as u32
}

enum Performed {
    Plain(Success),
    /// An object of this number.
    Opened(u32),
}

fn perform(
    state: &mut State,
    who: (usize, u32),
    request: &Request,
    buffers: &mut Buffers,
) -> Result<Tried<Performed>, Errno> {
    let plain = |success| Ok(Tried::Done(Performed::Plain(success)));
    let moved = |count: usize| plain(Success::Moved(count as u64));
    match request {
        Request::Socket(socket, request) => {
            perform_on_socket(state, who, *socket, request, buffers)
        }
        Request::Open(path, how) => {
            let number = state.open(bytes_of(path), *how)?;
            Ok(Tried::Done(Performed::Opened(number)))
        }
        Request::Read(file, into, at) => {
            let bytes = state.read(*file, *at, into.length as usize)?;
            fill(into, &bytes);
            moved(bytes.len())
        }
        Request::Write(file, from, at) => moved(state.write(*file, *at, bytes_of(from))?),
        Request::Sync(file) => {
            state.sync(*file)?;
            plain(Success::Done)
        }
        Request::Size(file) => plain(Success::Size(state.size(*file)?)),
        Request::Truncate(file, length) => {
            state.truncate(*file, *length)?;
            plain(Success::Done)
        }
        Request::SendFile {
            socket,
            file,
            at,
            length,
        } => {
            let socket = *socket as u32;
            let room = match state.room_for(socket, who)? {
                Tried::Done(room) => room,
                // Said so, as the system does; it waits for room by another request.
                Tried::NotYet => return Err(Errno::EAGAIN),
            };
            let length = usize::try_from(*length).unwrap_or(usize::MAX);
            let bytes = state.read(*file, *at, room.min(length))?;
            match state.send(socket, who, &bytes)? {
                Tried::Done(count) => moved(count),
                Tried::NotYet => Err(Errno::EAGAIN),
            }
        }
    }
}

fn perform_on_socket(
    state: &mut State,
    who: (usize, u32),
    socket: u32,
    request: &SocketRequest,
    buffers: &mut Buffers,
) -> Result<Tried<Performed>, Errno> {
    let success = match request {
        SocketRequest::Accept => {
            return Ok(match state.accept(socket, who)? {
                Tried::Done(number) => Tried::Done(Performed::Opened(number)),
                Tried::NotYet => Tried::NotYet,
            });
        }
        SocketRequest::Connect(peer) => {
            let place = match peer {
                Peer::Internet(address) => Place::Internet(*address),
                Peer::Unix(path) => Place::Unix(bytes_of(path).to_vec()),
            };
            match state.connect(socket, who, place)? {
                Tried::Done(()) => Success::Done,
                Tried::NotYet => return Ok(Tried::NotYet),
            }
        }
        SocketRequest::Receive => return receive(state, who, socket, buffers),
        SocketRequest::ReceiveFrom => return receive_from(state, who, socket, buffers),
        SocketRequest::Send(span) => match state.send(socket, who, bytes_of(span))? {
            Tried::Done(count) => Success::Moved(count as u64),
            Tried::NotYet => return Ok(Tried::NotYet),
        },
        SocketRequest::SendTo(span, to) => {
            let count = state.send_to(socket, who.0, bytes_of(span), *to)?;
            Success::Moved(count as u64)
        }
        SocketRequest::Writable => match state.room_for(socket, who)? {
            Tried::Done(_) => Success::Done,
            Tried::NotYet => return Ok(Tried::NotYet),
        },
    };
    Ok(Tried::Done(Performed::Plain(success)))
}

fn receive(
    state: &mut State,
    who: (usize, u32),
    socket: u32,
    buffers: &mut Buffers,
) -> Result<Tried<Performed>, Errno> {
    let slot = if state.is_readable(socket) {
        Some(buffers.offer().ok_or(Errno::ENOBUFS)?)
    } else {
        None
    };
    let limit = slot.map_or(0, |slot| buffers.span(slot).length as usize);
    let received = state.receive(socket, who, limit);
    let (bytes, slot) = match (received, slot) {
        (Ok(Tried::Done(bytes)), Some(slot)) => (bytes, slot),
        (other, slot) => {
            if let Some(slot) = slot {
                buffers.withdraw(slot);
            }
            other?;
            return Ok(Tried::NotYet);
        }
    };
    fill(&buffers.span(slot), &bytes);
    if bytes.is_empty() {
        buffers.withdraw(slot);
    }
    Ok(Tried::Done(Performed::Plain(Success::Received {
        buffer: (!bytes.is_empty()).then_some(slot),
        length: bytes.len() as u32,
        from: None,
        truncated: false,
    })))
}

fn receive_from(
    state: &mut State,
    who: (usize, u32),
    socket: u32,
    buffers: &mut Buffers,
) -> Result<Tried<Performed>, Errno> {
    if state.has_datagram(socket) && !buffers.can_receive() {
        return Err(Errno::ENOBUFS);
    }
    let (from, bytes) = match state.receive_from(socket, who)? {
        Tried::Done(datagram) => datagram,
        Tried::NotYet => return Ok(Tried::NotYet),
    };
    let slot = (!bytes.is_empty()).then(|| buffers.offer()).flatten();
    let room = slot.map_or(0, |slot| buffers.span(slot).length as usize);
    let length = bytes.len().min(room);
    if let Some(slot) = slot {
        fill(&buffers.span(slot), &bytes[..length]);
    }
    Ok(Tried::Done(Performed::Plain(Success::Received {
        buffer: slot,
        length: length as u32,
        from: Some(from),
        truncated: bytes.len() > length,
    })))
}

fn bytes_of(span: &Span) -> &[u8] {
    // SAFETY: the operation owns these bytes of its buffer until it has completed.
    unsafe { std::slice::from_raw_parts(span.start.as_ptr(), span.length as usize) }
}

fn fill(span: &Span, bytes: &[u8]) {
    assert!(
        bytes.len() <= span.length as usize,
        "as many as there is room for"
    );
    // SAFETY: the operation owns these bytes of its buffer until it has completed, and they are as many.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), span.start.as_ptr(), bytes.len());
    }
}

impl Backend for Simulated {
    fn takes(&self, _request: &FileRequest) -> bool {
        true
    }

    fn start_file(&mut self, slot: u32, request: &FileRequest) -> bool {
        let request = match *request {
            FileRequest::Open(path, how) => Request::Open(path, how),
            FileRequest::Read(file, into, at) => Request::Read(file, into, at),
            FileRequest::Write(file, from, at) => Request::Write(file, from, at),
            FileRequest::Sync { file, .. } => Request::Sync(file),
            FileRequest::Size(file) => Request::Size(file),
            FileRequest::Truncate(file, length) => Request::Truncate(file, length),
            FileRequest::SendFile {
                socket,
                file,
                at,
                length,
            } => Request::SendFile {
                socket,
                file,
                at,
                length,
            },
            FileRequest::Close(_) => unreachable!("simulated files are closed at once"),
        };
        self.begin(slot, request);
        true
    }

    fn start_socket(
        &mut self,
        slot: u32,
        _descriptor: u32,
        socket: &File,
        request: SocketRequest,
    ) -> bool {
        self.begin(slot, Request::Socket(number(socket), request));
        true
    }

    fn cancel(&mut self, slot: u32) -> bool {
        if let Some(begun) = &mut self.begun[slot as usize] {
            begun.is_cancelled = true;
            self.world.lock().try_after(self.host, slot, 0);
        }
        true
    }

    fn turn(&mut self) {
        self.counters.enter_count += 1;
    }

    fn wait(&mut self, timeout: Option<Duration>) {
        self.counters.wait_count += 1;
        let state = &mut *self.world.lock();
        let limit = timeout.map(|timeout| state.now.saturating_add(nanos(timeout)));
        let next = state.next_event();
        if let Some(until) = next.into_iter().chain(limit).min() {
            state.advance(until);
        }
    }

    fn next(&mut self, buffers: &mut Buffers) -> Option<Ended> {
        loop {
            let slot = self.world.lock().next_try(self.host)?;
            if let Some(ended) = self.attempt(slot, buffers) {
                return Some(ended);
            }
        }
    }

    fn has_ended(&mut self) -> bool {
        self.world.lock().has_tries(self.host)
    }

    fn provide(&mut self, _buffers: &mut Buffers) {}

    fn forget(&mut self, _descriptor: u32, _socket: &File) {}

    fn finish(&mut self) -> bool {
        self.world.lock().forget_host(self.host);
        true
    }

    fn counters(&self) -> BackendCounters {
        self.counters
    }

    fn own_files(&self) -> [RawFd; 2] {
        [self.waker.counter().as_raw_fd(); 2]
    }
}
