//! The choice of a back end when the program starts.

use super::backend::{Backend, BackendCounters, Ended, FileRequest, SocketRequest};
use super::buffer::Buffers;
use super::doorbell::IoWaker;
use super::errno::Errno;
use super::file::File;
use super::operation::Refusal;
use super::plan::IoLimit;
use super::portable::Portable;
use super::simulated::Simulated;
use super::socket::{self, Half, ListenOptions, SocketOption};
use super::uring::Uring;
use super::world::World;
use std::fmt;
use std::net::SocketAddr;
use std::os::fd::RawFd;
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
    Simulated(Simulated),
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

    /// The back end, its doorbell, and what there is to be said about the choice.
    pub(crate) fn choose(
        choice: IoChoice,
        plan: DevicePlan,
    ) -> Result<(Self, IoWaker, Option<String>), IoSetupError> {
        let uring = || -> Result<_, IoSetupError> {
            let DevicePlan {
                operation_count,
                receive_count,
                receive_bytes,
                ..
            } = plan;
            let device = Uring::new(operation_count, receive_count, receive_bytes)?;
            let waker = device.waker();
            Ok((Self::Uring(device), waker))
        };
        let portable = || -> Result<_, IoSetupError> {
            let device = Portable::new(plan.operation_count, plan.descriptor_count)?;
            let waker = device.waker();
            Ok((Self::Portable(device), waker))
        };
        let ((device, waker), note) = match choice {
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
        Ok((device, waker, note))
    }

    /// The back end of a shard in a simulated world.
    pub(crate) fn simulated(
        world: &World,
        shard: usize,
        plan: DevicePlan,
    ) -> Result<(Self, IoWaker, Option<String>), IoSetupError> {
        let device = Simulated::new(world.clone(), shard, plan.operation_count)?;
        let waker = device.waker();
        Ok((Self::Simulated(device), waker, None))
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Uring(_) => "io_uring",
            Self::Portable(_) => "portable",
            Self::Simulated(_) => "simulated",
        }
    }
}

macro_rules! each {
    ($self:ident, $device:ident => $call:expr) => {
        match $self {
            Self::Uring($device) => $call,
            Self::Portable($device) => $call,
            Self::Simulated($device) => $call,
        }
    };
}

/// What is done to sockets at once, in the world that the back end is of.
impl Device {
    pub(crate) fn stream_for(&self, address: &SocketAddr) -> Result<File, Errno> {
        match self {
            Self::Simulated(device) => Ok(device.stream()),
            Self::Uring(_) | Self::Portable(_) => socket::stream_for(address).map(File::System),
        }
    }

    pub(crate) fn unix_stream(&self) -> Result<File, Errno> {
        match self {
            Self::Simulated(device) => Ok(device.stream()),
            Self::Uring(_) | Self::Portable(_) => socket::unix_stream().map(File::System),
        }
    }

    pub(crate) fn listen(
        &self,
        address: SocketAddr,
        options: &ListenOptions,
    ) -> Result<File, Errno> {
        match self {
            Self::Simulated(device) => device.listen(address, options),
            Self::Uring(_) | Self::Portable(_) => {
                socket::listen(address, options).map(File::System)
            }
        }
    }

    pub(crate) fn listen_unix(
        &self,
        path: &[u8],
        options: &ListenOptions,
    ) -> Result<File, Refusal> {
        match self {
            Self::Simulated(device) => device.listen_unix(path, options),
            Self::Uring(_) | Self::Portable(_) => {
                socket::listen_unix(path, options).map(File::System)
            }
        }
    }

    pub(crate) fn bind(&self, address: SocketAddr, reuse_port: bool) -> Result<File, Errno> {
        match self {
            Self::Simulated(device) => device.bind(address, reuse_port),
            Self::Uring(_) | Self::Portable(_) => {
                socket::bind(address, reuse_port).map(File::System)
            }
        }
    }

    pub(crate) fn set_option(&self, socket: &File, option: SocketOption) -> Result<(), Errno> {
        match self {
            Self::Simulated(device) => device.set_option(socket, option),
            Self::Uring(_) | Self::Portable(_) => socket::set_option(socket.system(), option),
        }
    }

    pub(crate) fn shut(&self, socket: &File, half: Half) -> Result<(), Errno> {
        match self {
            Self::Simulated(device) => device.shut(socket, half),
            Self::Uring(_) | Self::Portable(_) => socket::shut(socket.system(), half),
        }
    }

    pub(crate) fn local_address(&self, socket: &File) -> Result<SocketAddr, Errno> {
        match self {
            Self::Simulated(device) => device.local_address(socket),
            Self::Uring(_) | Self::Portable(_) => socket::local_address(socket.system()),
        }
    }

    pub(crate) fn peer_address(&self, socket: &File) -> Result<SocketAddr, Errno> {
        match self {
            Self::Simulated(device) => device.peer_address(socket),
            Self::Uring(_) | Self::Portable(_) => socket::peer_address(socket.system()),
        }
    }
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
        socket: &File,
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

    fn forget(&mut self, descriptor: u32, socket: &File) {
        each!(self, device => device.forget(descriptor, socket));
    }

    fn finish(&mut self) -> bool {
        each!(self, device => device.finish())
    }

    fn counters(&self) -> BackendCounters {
        each!(self, device => device.counters())
    }

    fn own_files(&self) -> [RawFd; 2] {
        each!(self, device => device.own_files())
    }
}
