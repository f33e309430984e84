//! HOT. The back end for hosts without io_uring: a call is tried, and where it would block, tried again
//! when the poller says that the socket has changed.
//!
//! ```text
//!   start ──► queue ──next──► the call ──► ended
//!               ▲                │ would block
//!               └── poller ◄─────┘           each socket: known to the poller since it first blocked,
//!                                            and whether it may be readable, may be writable
//! ```
//!
//! The poller is edge triggered: it is told of a socket once and speaks up at each change, so that
//! waiting costs no call. A socket is believed ready until a call says that it is not; the call comes
//! before the mark is taken away, and changes are only looked at between calls, so none is missed.
//! Files are not its business; helper threads see to them.

use super::backend::{Backend, BackendCounters, Ended, FileRequest, Peer, SocketRequest, Success};
use super::buffer::{Buffers, Span};
use super::doorbell::IoWaker;
use super::errno::Errno;
use super::file::File;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno as Code;
use rustix::net::{RecvFlags, SendFlags, SocketAddrUnix, SocketFlags};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

/// What the poller calls the doorbell.
const BELL: Token = Token(usize::MAX);
/// Changes fetched by one call.
const EVENTS_MAX: usize = 1024;

/// An operation in flight.
#[derive(Clone, Copy)]
struct Begun {
    request: SocketRequest,
    descriptor: u32,
    socket: RawFd,
    /// Whether it is in the queue, or else waits for the poller.
    is_queued: bool,
    is_cancelled: bool,
    /// Whether `connect` was called and is under way.
    is_connecting: bool,
}

/// What is known of a socket.
#[derive(Clone, Copy, Default)]
struct Readiness {
    is_registered: bool,
    readable: bool,
    writable: bool,
    reader: Option<u32>,
    writer: Option<u32>,
}

pub(crate) struct Portable {
    poll: Poll,
    events: Events,
    waker: IoWaker,
    begun: Box<[Option<Begun>]>,
    sockets: Box<[Readiness]>,
    /// Slots to be tried; each is in it once at most.
    queue: VecDeque<u32>,
    /// Operations that wait for the poller.
    blocked_count: u32,
    counters: BackendCounters,
}

impl Portable {
    pub(crate) fn bytes(operation_count: u32, descriptor_count: u32) -> usize {
        operation_count as usize * (size_of::<Option<Begun>>() + size_of::<u32>())
            + descriptor_count as usize * size_of::<Readiness>()
    }

    #[cold]
    pub(crate) fn new(
        operation_count: u32,
        descriptor_count: u32,
    ) -> Result<Self, (&'static str, Errno)> {
        let poll = Poll::new().map_err(|error| ("the poller", error.into()))?;
        let waker = IoWaker::new().map_err(|error| ("eventfd", error.into()))?;
        let counter = waker.counter().as_raw_fd();
        // Each ring is a change, so that nobody has to read the counter.
        let registered =
            poll.registry()
                .register(&mut SourceFd(&counter), BELL, Interest::READABLE);
        registered.map_err(|error| ("the poller's doorbell", error.into()))?;
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS_MAX),
            waker,
            begun: vec![None; operation_count as usize].into_boxed_slice(),
            sockets: vec![Readiness::default(); descriptor_count as usize].into_boxed_slice(),
            queue: VecDeque::with_capacity(operation_count as usize),
            blocked_count: 0,
            counters: BackendCounters::default(),
        })
    }

    pub(crate) fn waker(&self) -> IoWaker {
        self.waker.clone()
    }

    fn enqueue(&mut self, slot: u32) {
        let begun = self.begun[slot as usize].as_mut();
        let begun = begun.expect("only what is in flight is tried");
        if !std::mem::replace(&mut begun.is_queued, true) {
            self.queue.push_back(slot);
        }
    }

    fn poll(&mut self, timeout: Option<Duration>) {
        self.counters.enter_count += 1;
        if let Err(error) = self.poll.poll(&mut self.events, timeout) {
            check_poll(error.into());
            return;
        }
        // Taken out so that each event may change the rest.
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in events.iter().filter(|event| event.token() != BELL) {
            let descriptor = event.token().0;
            let socket = &mut self.sockets[descriptor];
            let failed = event.is_error();
            socket.readable |= event.is_readable() || event.is_read_closed() || failed;
            socket.writable |= event.is_writable() || event.is_write_closed() || failed;
            let reader = socket.reader.filter(|_| socket.readable);
            let writer = socket.writer.filter(|_| socket.writable);
            for slot in [reader, writer].into_iter().flatten() {
                self.unblock(slot);
            }
        }
        self.events = events;
    }

    fn unblock(&mut self, slot: u32) {
        if self.begun[slot as usize].is_some_and(|begun| !begun.is_queued) {
            self.blocked_count -= 1;
            self.enqueue(slot);
        }
    }

    /// The call would have blocked: waits for a change. The mark goes away after the call; changes
    /// in between are still to be fetched.
    fn block(&mut self, slot: u32, begun: Begun) -> Result<(), Errno> {
        let socket = &mut self.sockets[begun.descriptor as usize];
        if !socket.is_registered {
            // Registering reports what is already there.
            let interest = Interest::READABLE | Interest::WRITABLE;
            let token = Token(begun.descriptor as usize);
            let source = &mut SourceFd(&begun.socket);
            self.poll.registry().register(source, token, interest)?;
            socket.is_registered = true;
        }
        match reads(begun.request) {
            true => socket.readable = false,
            false => socket.writable = false,
        }
        self.blocked_count += 1;
        self.begun[slot as usize] = Some(begun);
        Ok(())
    }

    /// Tries an operation; none if it is blocked.
    fn attempt(&mut self, slot: u32, buffers: &mut Buffers) -> Option<Ended> {
        let mut begun = self.begun[slot as usize].expect("only what is in flight is tried");
        begun.is_queued = false;
        let mut result = if begun.is_cancelled {
            Err(Code::CANCELED)
        } else {
            perform(&mut begun, buffers)
        };
        if would_block(&begun, &result) {
            match self.block(slot, begun) {
                Ok(()) => return None,
                Err(error) => result = Err(Code::from_raw_os_error(error.raw())),
            }
        }
        let more = result.is_ok() && matches!(begun.request, SocketRequest::Accept);
        if more {
            self.begun[slot as usize] = Some(begun);
            self.enqueue(slot);
        } else {
            self.begun[slot as usize] = None;
            let socket = &mut self.sockets[begun.descriptor as usize];
            match reads(begun.request) {
                true => socket.reader = None,
                false => socket.writer = None,
            }
        }
        Some(Ended {
            slot,
            result: result.map_err(Errno::from),
            more,
        })
    }
}

impl Backend for Portable {
    fn takes(&self, _request: &FileRequest) -> bool {
        false
    }

    fn start_file(&mut self, _slot: u32, _request: &FileRequest) -> bool {
        unreachable!("takes none")
    }

    fn start_socket(
        &mut self,
        slot: u32,
        descriptor: u32,
        socket: &File,
        request: SocketRequest,
    ) -> bool {
        let known = &mut self.sockets[descriptor as usize];
        let place = match reads(request) {
            true => &mut known.reader,
            false => &mut known.writer,
        };
        assert!(place.is_none(), "one operation for each direction");
        *place = Some(slot);
        let is_ready = match reads(request) {
            true => known.readable,
            false => known.writable,
        };
        let is_blocked = known.is_registered && !is_ready;
        self.begun[slot as usize] = Some(Begun {
            request,
            descriptor,
            socket: socket.number(),
            is_queued: false,
            is_cancelled: false,
            is_connecting: false,
        });
        if is_blocked {
            self.blocked_count += 1;
        } else {
            self.enqueue(slot);
        }
        true
    }

    fn cancel(&mut self, slot: u32) -> bool {
        if let Some(begun) = &mut self.begun[slot as usize] {
            begun.is_cancelled = true;
            self.unblock(slot);
        }
        true
    }

    fn turn(&mut self) {
        if self.blocked_count > 0 {
            self.poll(Some(Duration::ZERO));
        }
    }

    fn wait(&mut self, timeout: Option<Duration>) {
        self.counters.wait_count += 1;
        self.poll(timeout);
    }

    fn next(&mut self, buffers: &mut Buffers) -> Option<Ended> {
        loop {
            let slot = self.queue.pop_front()?;
            if let Some(ended) = self.attempt(slot, buffers) {
                return Some(ended);
            }
        }
    }

    fn has_ended(&mut self) -> bool {
        !self.queue.is_empty()
    }

    fn provide(&mut self, _buffers: &mut Buffers) {}

    fn forget(&mut self, descriptor: u32, socket: &File) {
        let known = std::mem::take(&mut self.sockets[descriptor as usize]);
        assert!(known.reader.is_none() && known.writer.is_none());
        if known.is_registered {
            let source = &mut SourceFd(&socket.number());
            let forgotten = self.poll.registry().deregister(source);
            forgotten.expect("registered when it first blocked, and still open");
        }
    }

    fn finish(&mut self) -> bool {
        true // The kernel writes nothing on its own.
    }

    fn counters(&self) -> BackendCounters {
        self.counters
    }

    fn own_files(&self) -> [RawFd; 2] {
        [self.poll.as_raw_fd(), self.waker.counter().as_raw_fd()]
    }
}

/// Which of a socket's two directions it uses.
fn reads(request: SocketRequest) -> bool {
    match request {
        SocketRequest::Accept | SocketRequest::Receive | SocketRequest::ReceiveFrom => true,
        SocketRequest::Connect(_)
        | SocketRequest::Send(_)
        | SocketRequest::SendTo(..)
        | SocketRequest::Writable => false,
    }
}

/// Whether it is to be tried again after a change. A connection that was not begun is not: a unix
/// socket whose queue is full refuses with `EAGAIN` and reports nothing later.
fn would_block(begun: &Begun, result: &Result<Success, Code>) -> bool {
    match begun.request {
        SocketRequest::Connect(_) => {
            begun.is_connecting && matches!(result, Err(Code::INPROGRESS | Code::AGAIN))
        }
        SocketRequest::Accept
        | SocketRequest::Receive
        | SocketRequest::ReceiveFrom
        | SocketRequest::Send(_)
        | SocketRequest::SendTo(..)
        | SocketRequest::Writable => matches!(result, Err(Code::AGAIN)),
    }
}

/// Makes the call, which does not block.
fn perform(begun: &mut Begun, buffers: &mut Buffers) -> Result<Success, Code> {
    // SAFETY: the descriptor stays open while an operation of it is in flight.
    let socket = unsafe { BorrowedFd::borrow_raw(begun.socket) };
    match begun.request {
        SocketRequest::Accept => accept(socket),
        SocketRequest::Connect(peer) => {
            if begun.is_connecting {
                return connected(socket);
            }
            let result = connect(socket, peer);
            begun.is_connecting = result == Err(Code::INPROGRESS);
            result.map(|()| Success::Done)
        }
        SocketRequest::Receive => receive(buffers, |bytes| {
            let (_, length) = rustix::net::recv(socket, bytes, RecvFlags::empty())?;
            Ok((length, None))
        }),
        SocketRequest::ReceiveFrom => receive(buffers, |bytes| {
            let (_, length, from) = rustix::net::recvfrom(socket, bytes, RecvFlags::TRUNC)?;
            let from = from.and_then(|from| SocketAddr::try_from(from).ok());
            Ok((length, from))
        }),
        SocketRequest::Send(span) => {
            let count = rustix::net::send(socket, bytes_of(&span), SendFlags::NOSIGNAL)?;
            Ok(Success::Moved(count as u64))
        }
        SocketRequest::SendTo(span, to) => {
            let bytes = bytes_of(&span);
            let count = rustix::net::sendto(socket, bytes, SendFlags::NOSIGNAL, &to)?;
            Ok(Success::Moved(count as u64))
        }
        SocketRequest::Writable => match is_writable(socket)? {
            true => Ok(Success::Done),
            false => Err(Code::AGAIN),
        },
    }
}

/// A connection that its peer gave up before it was taken is nobody's concern.
fn accept(listener: BorrowedFd<'_>) -> Result<Success, Code> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    loop {
        match rustix::net::accept_with(listener, flags) {
            Err(Code::CONNABORTED | Code::INTR) => {}
            accepted => return accepted.map(|socket| Success::Opened(File::System(socket))),
        }
    }
}

fn connect(socket: BorrowedFd<'_>, peer: Peer) -> Result<(), Code> {
    match peer {
        Peer::Internet(address) => rustix::net::connect(socket, &address),
        Peer::Unix(path) => rustix::net::connect(socket, &SocketAddrUnix::new(bytes_of(&path))?),
    }
}

/// How a connection that was under way has turned out; it may still be.
fn connected(socket: BorrowedFd<'_>) -> Result<Success, Code> {
    if !is_writable(socket)? {
        return Err(Code::AGAIN);
    }
    rustix::net::sockopt::socket_error(socket)??;
    Ok(Success::Done)
}

fn is_writable(socket: BorrowedFd<'_>) -> Result<bool, Code> {
    let mut polled = [PollFd::from_borrowed_fd(socket, PollFlags::OUT)];
    let now = rustix::event::Timespec::default();
    Ok(rustix::event::poll(&mut polled, Some(&now))? > 0)
}

/// Receives into an offered buffer; `length` may say that there was more.
fn receive(
    buffers: &mut Buffers,
    call: impl FnOnce(&mut [u8]) -> Result<(usize, Option<SocketAddr>), Code>,
) -> Result<Success, Code> {
    let slot = buffers.offer().ok_or(Code::NOBUFS)?;
    let span = buffers.span(slot);
    // SAFETY: offered to this call alone until it is lent or withdrawn.
    let bytes =
        unsafe { std::slice::from_raw_parts_mut(span.start.as_ptr(), span.length as usize) };
    let (length, from) = call(bytes).inspect_err(|_| buffers.withdraw(slot))?;
    if length == 0 {
        buffers.withdraw(slot);
    }
    Ok(Success::Received {
        buffer: (length > 0).then_some(slot),
        length: length.min(span.length as usize) as u32,
        from,
        truncated: length > span.length as usize,
    })
}

fn bytes_of(span: &Span) -> &[u8] {
    // SAFETY: the operation owns these bytes of its buffer until it has completed.
    unsafe { std::slice::from_raw_parts(span.start.as_ptr(), span.length as usize) }
}

/// A signal came; anything else is our mistake.
#[cold]
fn check_poll(error: Errno) {
    assert!(error == Errno::EINTR, "the poller: {error:?}");
}
