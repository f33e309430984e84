//! HOT. The back end on io_uring: operations are written to a ring that the kernel reads, results come
//! back on another. One call into the kernel hands over a batch and fetches what has ended; where
//! neither is due, a turn makes none.
//!
//! * The ring belongs to one thread, and the kernel finishes operations only when that thread enters
//!   it (`SINGLE_ISSUER`, `DEFER_TASKRUN`; before Linux 6.1 `COOP_TASKRUN`): no interruptions, and a
//!   flag in shared memory says when entering is worth it.
//! * Bytes are received into buffers that the kernel picks from a ring of free ones when the bytes
//!   are there (`provided`): ten thousand idle connections hold none.
//! * Accepting is one operation for all connections (multishot). Receiving is not: it would go on
//!   filling buffers for an isolate that does not take them up.
//! * Files are not registered. The kernel's look-up of a descriptor costs a few nanoseconds, and a
//!   registered slot outlives the shard that forgot it.

mod provided;

pub(crate) use provided::PROVIDED_MAX;

use super::address::RawAddress;
use super::backend::{Backend, BackendCounters, Ended, FileRequest, Peer, SocketRequest, Success};
use super::buffer::{Buffers, Span};
use super::doorbell::IoWaker;
use super::errno::Errno;
use super::file::File;
use super::helper::{MODE, open_flags};
use io_uring::squeue::{Entry, Flags};
use io_uring::types::{CancelBuilder, Fd, FsyncFlags, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode};
use provided::{GROUP, Provided};

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::NonNull;
use std::time::Duration;

/// Marks the completion of the read that waits for the doorbell.
const BELL: u64 = u64::MAX;
/// Marks the completion of a request to cancel.
const CANCEL: u64 = u64::MAX - 1;
/// Threads of the kernel that may block on files for this ring, and on anything else.
const KERNEL_WORKERS_MAX: [u32; 2] = [4, 2];
/// The most entries of a submission ring; more operations than this are handed over in batches, which
/// tests are to see.
const ENTRIES_MAX: u32 = if cfg!(test) { 16 } else { 4096 };

/// How the result of a slot is to be read.
#[derive(Clone, Copy)]
enum Shape {
    Done,
    Moved,
    Opened,
    Received,
    Datagram,
}

/// What the kernel reads or writes by address while a slot is in flight.
struct Extra {
    address: RawAddress,
    message: libc::msghdr,
    vector: libc::iovec,
}

pub(crate) struct Uring {
    /// Dropped first: whatever it points to is below.
    ring: IoUring,
    provided: Provided,
    shapes: Box<[Shape]>,
    /// One per slot. Raw, because the kernel has addresses of it.
    extras: NonNull<[Extra]>,
    /// Where the doorbell's count is read to.
    bell_count: NonNull<u64>,
    waker: IoWaker,
    is_enabled: bool,
    is_bell_armed: bool,
    /// Entries handed over, or about to be, whose last completion is to come.
    outstanding_count: u32,
    receive_bytes: u32,
    counters: BackendCounters,
}

// SAFETY: what it points to is its own, and shared with the kernel only.
unsafe impl Send for Uring {}

impl Uring {
    pub(crate) fn bytes(operation_count: u32) -> usize {
        operation_count as usize * (size_of::<Shape>() + size_of::<Extra>())
    }

    /// Makes a ring, or says which step failed. It belongs to the first thread that uses it.
    #[cold]
    pub(crate) fn new(
        operation_count: u32,
        receive_count: u32,
        receive_bytes: u32,
    ) -> Result<Self, (&'static str, Errno)> {
        let entries = operation_count.clamp(8, ENTRIES_MAX).next_power_of_two();
        // One for each operation, and again for those of an accept that goes on.
        let completions = (2 * operation_count).max(2 * entries).next_power_of_two();
        let ring = build(entries, completions).map_err(|error| ("io_uring_setup", error))?;
        probe(&ring).map_err(|error| ("io_uring_register of a probe", error))?;
        let provided = Provided::register(&ring, receive_count)
            .map_err(|error| ("io_uring_register of a buffer ring", error))?;
        let waker = IoWaker::new().map_err(|error| ("eventfd", error.into()))?;
        let extra = |_| Extra {
            address: RawAddress::EMPTY,
            // SAFETY: integers and pointers, for which zero is a value.
            message: unsafe { std::mem::zeroed() },
            vector: libc::iovec {
                iov_base: std::ptr::null_mut(),
                iov_len: 0,
            },
        };
        let extras: Box<[Extra]> = (0..operation_count).map(extra).collect();
        Ok(Self {
            ring,
            provided,
            shapes: vec![Shape::Done; operation_count as usize].into_boxed_slice(),
            extras: NonNull::from(Box::leak(extras)),
            bell_count: NonNull::from(Box::leak(Box::new(0))),
            waker,
            is_enabled: false,
            is_bell_armed: false,
            outstanding_count: 0,
            receive_bytes,
            counters: BackendCounters::default(),
        })
    }

    pub(crate) fn waker(&self) -> IoWaker {
        self.waker.clone()
    }

    fn extra(&mut self, slot: u32) -> *mut Extra {
        assert!((slot as usize) < self.extras.len(), "one per slot");
        // SAFETY: inside the allocation, as just checked.
        unsafe { self.extras.as_ptr().cast::<Extra>().add(slot as usize) }
    }

    /// Puts an entry on the ring, handing over what is there if it is full.
    fn push(&mut self, entry: &Entry) -> bool {
        for _ in 0..2 {
            // SAFETY: whatever the entry points to stays until its completion: spans and files by
            // the contract of `Backend`, extras and the bell's count because they are freed only
            // when nothing is outstanding.
            if unsafe { self.ring.submission().push(entry) }.is_ok() {
                self.outstanding_count += 1;
                return true;
            }
            self.enter(0, None);
        }
        false
    }

    fn start(&mut self, slot: u32, shape: Shape, entry: Entry) -> bool {
        self.shapes[slot as usize] = shape;
        self.push(&entry.user_data(u64::from(slot)))
    }

    /// Calls into the kernel: hands over, fetches, and waits if `want` is not 0.
    fn enter(&mut self, want: usize, timeout: Option<Duration>) {
        if !self.is_enabled {
            self.enable();
        }
        self.counters.enter_count += 1;
        let submitter = self.ring.submitter();
        let entered = match timeout {
            None => submitter.submit_and_wait(want),
            Some(timeout) => {
                let time = Timespec::from(timeout);
                submitter.submit_with_args(want, &SubmitArgs::new().timespec(&time))
            }
        };
        if let Err(error) = entered {
            check_enter(error.into());
        }
    }

    /// From now on the ring is the calling thread's.
    #[cold]
    fn enable(&mut self) {
        self.is_enabled = true;
        let submitter = self.ring.submitter();
        let enabled = submitter.register_enable_rings();
        enabled.expect("a ring that was made disabled can be enabled once");
        // Older kernels have no such limit; theirs is in proportion to the cores.
        let _limited = submitter.register_iowq_max_workers(&mut { KERNEL_WORKERS_MAX });
    }

    fn arm_bell(&mut self) {
        let counter = self.waker.counter();
        let into = self.bell_count.as_ptr().cast();
        let read = opcode::Read::new(Fd(counter.as_raw_fd()), into, 8).build();
        self.is_bell_armed = self.push(&read.user_data(BELL));
    }

    fn receive_entry(&mut self, slot: u32, socket: Fd) -> Entry {
        let length = self.receive_bytes;
        let receive = opcode::Recv::new(socket, std::ptr::null_mut(), length).buf_group(GROUP);
        self.shapes[slot as usize] = Shape::Received;
        receive.build().flags(Flags::BUFFER_SELECT)
    }

    fn receive_from_entry(&mut self, slot: u32, socket: Fd) -> Entry {
        let length = self.receive_bytes as usize;
        let extra = self.extra(slot);
        // SAFETY: the slot is not in flight, so the kernel has no address of its extra.
        let message = unsafe {
            (*extra).address = RawAddress::EMPTY;
            (*extra).vector.iov_len = length;
            let message = &raw mut (*extra).message;
            (*message).msg_name = (&raw mut (*extra).address.bytes).cast();
            (*message).msg_namelen = RawAddress::EMPTY.length;
            (*message).msg_iov = &raw mut (*extra).vector;
            (*message).msg_iovlen = 1;
            message
        };
        let receive = opcode::RecvMsg::new(socket, message).buf_group(GROUP);
        receive.build().flags(Flags::BUFFER_SELECT)
    }

    /// Leaves an address where the kernel will read it.
    fn write_address(&mut self, slot: u32, address: RawAddress) -> (*const libc::sockaddr, u32) {
        let extra = self.extra(slot);
        // SAFETY: the slot is not in flight, so the kernel has no address of its extra.
        let bytes = unsafe {
            (*extra).address = address;
            &raw const (*extra).address.bytes
        };
        (bytes.cast(), address.length)
    }

    fn read(&mut self, entry: &cqueue::Entry, buffers: &mut Buffers) -> Ended {
        let slot = entry.user_data() as u32;
        let buffer = cqueue::buffer_select(entry.flags()).map(u32::from);
        let result = if entry.result() < 0 {
            Err(Errno::from_raw(-entry.result()))
        } else {
            Ok(self.read_success(slot, entry.result() as u32, buffer))
        };
        // Some kernels use up a buffer also where nothing came.
        let is_kept = matches!(&result, Ok(Success::Received { buffer, .. }) if buffer.is_some());
        if let Some(buffer) = buffer.filter(|_| !is_kept) {
            buffers.withdraw(buffer);
            self.provide(buffers);
        }
        Ended {
            slot,
            result,
            more: cqueue::more(entry.flags()),
        }
    }

    fn read_success(&mut self, slot: u32, number: u32, buffer: Option<u32>) -> Success {
        match self.shapes[slot as usize] {
            Shape::Done => Success::Done,
            Shape::Moved => Success::Moved(u64::from(number)),
            // SAFETY: the kernel has just opened it for this completion alone.
            Shape::Opened => Success::Opened(File::System(unsafe {
                OwnedFd::from_raw_fd(number as RawFd)
            })),
            Shape::Received => Success::Received {
                buffer: buffer.filter(|_| number > 0),
                length: number,
                from: None,
                truncated: false,
            },
            Shape::Datagram => {
                let extra = self.extra(slot);
                // SAFETY: the operation has ended, so the kernel writes to its extra no more.
                let (from, flags) =
                    unsafe { ((*extra).address.decode(), (*extra).message.msg_flags) };
                Success::Received {
                    buffer: buffer.filter(|_| number > 0),
                    length: number,
                    from,
                    truncated: flags & libc::MSG_TRUNC != 0,
                }
            }
        }
    }

    fn next_entry(&mut self) -> Option<cqueue::Entry> {
        let entry = self.ring.completion().next()?;
        if !cqueue::more(entry.flags()) {
            self.outstanding_count -= 1;
        }
        Some(entry)
    }
}

impl Backend for Uring {
    fn takes(&self, request: &FileRequest) -> bool {
        match request {
            FileRequest::Open(..)
            | FileRequest::Read(..)
            | FileRequest::Write(..)
            | FileRequest::Sync { .. } => true,
            FileRequest::Size(_)
            | FileRequest::Truncate(..)
            | FileRequest::SendFile { .. }
            | FileRequest::Close(_) => false,
        }
    }

    fn start_file(&mut self, slot: u32, request: &FileRequest) -> bool {
        let (shape, entry) = match request {
            FileRequest::Open(path, how) => {
                let open = opcode::OpenAt::new(Fd(libc::AT_FDCWD), path.start.as_ptr().cast());
                let flags = open_flags(*how).bits() as i32;
                (Shape::Opened, open.flags(flags).mode(MODE).build())
            }
            FileRequest::Read(file, Span { start, length }, at) => {
                let read = opcode::Read::new(Fd(*file), start.as_ptr(), *length);
                (Shape::Moved, read.offset(*at).build())
            }
            FileRequest::Write(file, Span { start, length }, at) => {
                let write = opcode::Write::new(Fd(*file), start.as_ptr(), *length);
                (Shape::Moved, write.offset(*at).build())
            }
            FileRequest::Sync { file, data_only } => {
                let flags = match data_only {
                    true => FsyncFlags::DATASYNC,
                    false => FsyncFlags::empty(),
                };
                let sync = opcode::Fsync::new(Fd(*file)).flags(flags);
                (Shape::Done, sync.build())
            }
            FileRequest::Size(_)
            | FileRequest::Truncate(..)
            | FileRequest::SendFile { .. }
            | FileRequest::Close(_) => unreachable!("not taken"),
        };
        self.start(slot, shape, entry)
    }

    fn start_socket(
        &mut self,
        slot: u32,
        _descriptor: u32,
        socket: &File,
        request: SocketRequest,
    ) -> bool {
        let socket = Fd(socket.number());
        let (shape, entry) = match request {
            SocketRequest::Accept => {
                let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
                let accept = opcode::AcceptMulti::new(socket).flags(flags);
                (Shape::Opened, accept.build())
            }
            SocketRequest::Connect(peer) => {
                let (address, length) = self.write_address(slot, raw_address(peer));
                let connect = opcode::Connect::new(socket, address, length);
                (Shape::Done, connect.build())
            }
            SocketRequest::Receive => (Shape::Received, self.receive_entry(slot, socket)),
            SocketRequest::ReceiveFrom => (Shape::Datagram, self.receive_from_entry(slot, socket)),
            SocketRequest::Send(Span { start, length }) => {
                // All of it in one operation where that is possible; see `MSG_WAITALL` in its manual.
                let flags = libc::MSG_NOSIGNAL | libc::MSG_WAITALL;
                let send = opcode::Send::new(socket, start.as_ptr(), length).flags(flags);
                (Shape::Moved, send.build())
            }
            SocketRequest::SendTo(span, to) => {
                let (address, length) = self.write_address(slot, RawAddress::of(to));
                let send = opcode::Send::new(socket, span.start.as_ptr(), span.length)
                    .flags(libc::MSG_NOSIGNAL)
                    .dest_addr(address)
                    .dest_addr_len(length);
                (Shape::Moved, send.build())
            }
            SocketRequest::Writable => {
                let poll = opcode::PollAdd::new(socket, libc::POLLOUT as u32);
                (Shape::Done, poll.build())
            }
        };
        self.start(slot, shape, entry)
    }

    fn cancel(&mut self, slot: u32) -> bool {
        let cancel = opcode::AsyncCancel::new(u64::from(slot)).build();
        self.push(&cancel.user_data(CANCEL))
    }

    fn turn(&mut self) {
        let submission = self.ring.submission();
        let is_due = !submission.is_empty() || submission.taskrun() || submission.cq_overflow();
        drop(submission);
        if is_due {
            self.enter(0, None);
        }
    }

    fn wait(&mut self, timeout: Option<Duration>) {
        if !self.is_bell_armed {
            self.arm_bell();
        }
        if !self.is_bell_armed {
            return; // Nobody could wake us; there is room for the bell soon.
        }
        self.counters.wait_count += 1;
        self.enter(1, timeout);
    }

    fn next(&mut self, buffers: &mut Buffers) -> Option<Ended> {
        loop {
            let entry = self.next_entry()?;
            match entry.user_data() {
                BELL => self.is_bell_armed = false,
                CANCEL => {}
                _ => return Some(self.read(&entry, buffers)),
            }
        }
    }

    fn has_ended(&mut self) -> bool {
        !self.ring.completion().is_empty()
    }

    fn provide(&mut self, buffers: &mut Buffers) {
        while let Some(slot) = buffers.offer() {
            self.provided.push(slot as u16, buffers.span(slot));
        }
        self.provided.publish();
    }

    fn forget(&mut self, _descriptor: u32, _socket: &File) {}

    #[cold]
    fn finish(&mut self) -> bool {
        if self.outstanding_count == 0 {
            return true;
        }
        let everything = opcode::AsyncCancel2::new(CancelBuilder::any().all()).build();
        if !self.push(&everything.user_data(CANCEL)) {
            return false;
        }
        while self.outstanding_count > 0 {
            match self.ring.submit_and_wait(1).map_err(Errno::from) {
                Ok(_) | Err(Errno::EINTR | Errno::EAGAIN | Errno::EBUSY) => {}
                Err(_) => return false,
            }
            while let Some(entry) = self.next_entry() {
                let is_slot = !matches!(entry.user_data(), BELL | CANCEL);
                if is_slot && entry.result() >= 0 {
                    // Whatever was opened is closed again.
                    drop(self.read_success(entry.user_data() as u32, entry.result() as u32, None));
                }
            }
        }
        true
    }

    fn counters(&self) -> BackendCounters {
        self.counters
    }

    fn own_files(&self) -> [RawFd; 2] {
        [self.ring.as_raw_fd(), self.waker.counter().as_raw_fd()]
    }
}

impl Drop for Uring {
    fn drop(&mut self) {
        if self.finish() {
            // SAFETY: leaked in `new`, freed here alone; nothing is outstanding, so the kernel has
            // no address of them left.
            unsafe {
                drop(Box::from_raw(self.extras.as_ptr()));
                drop(Box::from_raw(self.bell_count.as_ptr()));
            }
        }
    }
}

fn raw_address(peer: Peer) -> RawAddress {
    match peer {
        Peer::Internet(address) => RawAddress::of(address),
        Peer::Unix(path) => {
            // SAFETY: the operation owns the bytes of its path until it has completed.
            let path =
                unsafe { std::slice::from_raw_parts(path.start.as_ptr(), path.length as usize) };
            RawAddress::of_path(path).expect("checked when it was submitted")
        }
    }
}

#[cold]
fn build(entries: u32, completions: u32) -> Result<IoUring, Errno> {
    let mut builder = IoUring::builder();
    builder.setup_cqsize(completions).setup_clamp().dontfork();
    builder.setup_r_disabled().setup_taskrun_flag();
    let mut deferred = builder.clone();
    deferred.setup_single_issuer().setup_defer_taskrun();
    let ring = deferred.build(entries).or_else(|error| {
        // Linux before 6.1 knows neither.
        match error.raw_os_error() {
            Some(libc::EINVAL) => builder.setup_coop_taskrun().build(entries),
            _ => Err(error),
        }
    });
    Ok(ring?)
}

/// Whether the kernel knows every operation that is used, and keeps completions it has no room for.
#[cold]
fn probe(ring: &IoUring) -> Result<(), Errno> {
    let mut probe = io_uring::Probe::new();
    ring.submitter().register_probe(&mut probe)?;
    let codes = [
        opcode::OpenAt::CODE,
        opcode::Read::CODE,
        opcode::Write::CODE,
        opcode::Fsync::CODE,
        opcode::Accept::CODE,
        opcode::Connect::CODE,
        opcode::Recv::CODE,
        opcode::RecvMsg::CODE,
        opcode::PollAdd::CODE,
        opcode::AsyncCancel::CODE,
        // `Send` takes an address since Linux 6.0, which came with this one.
        opcode::SendZc::CODE,
    ];
    let knows_all = codes.iter().all(|&code| probe.is_supported(code));
    let parameters = ring.params();
    let keeps = parameters.is_feature_nodrop() && parameters.is_feature_ext_arg();
    (knows_all && keeps).then_some(()).ok_or(Errno::ENOSYS)
}

/// Time is over, a signal came, or the kernel is short of something and is asked again later.
#[cold]
fn check_enter(error: Errno) {
    let passes = matches!(
        error,
        Errno::ETIME | Errno::EINTR | Errno::EAGAIN | Errno::EBUSY | Errno::ENOMEM
    );
    assert!(passes, "io_uring_enter: {error:?}");
}
