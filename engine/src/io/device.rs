//! The choice of a back end when the program starts.

use super::backend::{Backend, BackendCounters, Ended, FileRequest, SocketRequest};
use super::buffer::Buffers;
use super::doorbell::IoWaker;
use super::errno::Errno;
use super::plan::IoLimit;
use super::portable::Portable;
use super::uring::Uring;
use std::fmt;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// Which back end serves a shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum IoChoice {
    /// io_uring where the kernel has it and allows it, else the portable one, with a note that says so.
    #[default]
    Auto,
    /// io_uring or an error.
    Uring,
    /// A poller, and threads for files.
    Portable,
}

/// Why the I/O of a shard could not be set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IoSetupError {
    /// The plan asks for too much, or too little.
    Limit(IoLimit),
    /// The operating system refused.
    System {
        /// What was being done.
        step: &'static str,
        /// What it said.
        errno: Errno,
    },
}

impl fmt::Display for IoSetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(limit) => limit.fmt(f),
            Self::System { step, errno } => write!(f, "{step}: {errno:?}: {errno}"),
        }
    }
}

impl std::error::Error for IoSetupError {}

impl From<(&'static str, Errno)> for IoSetupError {
    fn from((step, errno): (&'static str, Errno)) -> Self {
        Self::System { step, errno }
    }
}

/// One of the back ends.
#[expect(
    clippy::large_enum_variant,
    reason = "one per shard, and a box would be one more step for every call"
)]
pub(crate) enum Device {
    Uring(Uring),
    Portable(Portable),
}

/// What a back end is made for.
#[derive(Clone, Copy)]
pub(crate) struct DevicePlan {
    pub(crate) operation_count: u32,
    pub(crate) descriptor_count: u32,
    pub(crate) receive_count: u32,
    pub(crate) receive_bytes: u32,
}

impl Device {
    /// Bytes of the tables of the larger back end.
    pub(crate) fn bytes(operation_count: u32, descriptor_count: u32) -> usize {
        Uring::bytes(operation_count).max(Portable::bytes(operation_count, descriptor_count))
    }

    /// The back end, which `waker` wakes, and what there is to be said about the choice.
    pub(crate) fn choose(
        choice: IoChoice,
        plan: DevicePlan,
        waker: &IoWaker,
    ) -> Result<(Self, Option<String>), IoSetupError> {
        let uring = || -> Result<_, IoSetupError> {
            let DevicePlan {
                operation_count,
                receive_count,
                receive_bytes,
                ..
            } = plan;
            let waker = waker.clone();
            let device = Uring::new(operation_count, receive_count, receive_bytes, waker)?;
            Ok(Self::Uring(device))
        };
        let portable = || -> Result<_, IoSetupError> {
            let device = Portable::new(plan.operation_count, plan.descriptor_count, waker)?;
            Ok(Self::Portable(device))
        };
        let (device, note) = match choice {
            IoChoice::Uring => (uring()?, None),
            IoChoice::Portable => (portable()?, None),
            IoChoice::Auto => match uring() {
                Ok(chosen) => (chosen, None),
                Err(error) => {
                    let note =
                        format!("io_uring cannot be used ({error}); the portable back end serves");
                    (portable()?, Some(note))
                }
            },
        };
        Ok((device, note))
    }

    /// The thread that used it has ended; see [`Uring::bury`].
    pub(crate) fn bury(&mut self) {
        match self {
            Self::Uring(device) => device.bury(),
            Self::Portable(_) => {}
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Uring(_) => "io_uring",
            Self::Portable(_) => "portable",
        }
    }
}

macro_rules! each {
    ($self:ident, $device:ident => $call:expr) => {
        match $self {
            Self::Uring($device) => $call,
            Self::Portable($device) => $call,
        }
    };
}

impl Backend for Device {
    fn takes(&self, request: &FileRequest) -> bool {
        each!(self, device => device.takes(request))
    }

    fn start_file(&mut self, slot: u32, request: &FileRequest) -> bool {
        each!(self, device => device.start_file(slot, request))
    }

    fn start_socket(
        &mut self,
        slot: u32,
        descriptor: u32,
        socket: BorrowedFd<'_>,
        request: SocketRequest,
    ) -> bool {
        each!(self, device => device.start_socket(slot, descriptor, socket, request))
    }

    fn cancel(&mut self, slot: u32) -> bool {
        each!(self, device => device.cancel(slot))
    }

    fn turn(&mut self) {
        each!(self, device => device.turn());
    }

    fn wait(&mut self, timeout: Option<Duration>) {
        each!(self, device => device.wait(timeout));
    }

    fn next(&mut self, buffers: &mut Buffers) -> Option<Ended> {
        each!(self, device => device.next(buffers))
    }

    fn has_ended(&mut self) -> bool {
        each!(self, device => device.has_ended())
    }

    fn provide(&mut self, buffers: &mut Buffers) {
        each!(self, device => device.provide(buffers));
    }

    fn forget(&mut self, descriptor: u32, socket: BorrowedFd<'_>) {
        each!(self, device => device.forget(descriptor, socket));
    }

    fn finish(&mut self) -> bool {
        each!(self, device => device.finish())
    }

    fn counters(&self) -> BackendCounters {
        each!(self, device => device.counters())
    }
}
