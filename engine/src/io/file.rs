//! An open file or socket: one of the operating system, or one of a simulated world.

use super::errno::Errno;
use super::world::SimulatedFile;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// Dropping it closes it.
#[derive(Debug)]
pub(crate) enum File {
    System(OwnedFd),
    Simulated(SimulatedFile),
}

impl File {
    /// Its number in the world it is of.
    #[inline]
    pub(crate) fn number(&self) -> RawFd {
        match self {
            Self::System(file) => file.as_raw_fd(),
            Self::Simulated(file) => file.number(),
        }
    }

    /// The number that the operating system knows it by.
    pub(crate) fn system_number(&self) -> Option<RawFd> {
        match self {
            Self::System(file) => Some(file.as_raw_fd()),
            Self::Simulated(_) => None,
        }
    }

    /// The operating system's, for calls that a simulated world answers otherwise.
    pub(crate) fn system(&self) -> BorrowedFd<'_> {
        match self {
            Self::System(file) => file.as_fd(),
            Self::Simulated(_) => unreachable!("a simulated file stays with its world"),
        }
    }

    pub(crate) fn is_simulated(&self) -> bool {
        matches!(self, Self::Simulated(_))
    }

    /// The same open file once more: it is closed when both are.
    pub(crate) fn duplicate(&self) -> Result<Self, Errno> {
        Ok(match self {
            Self::System(file) => Self::System(rustix::io::fcntl_dupfd_cloexec(file, 0)?),
            Self::Simulated(file) => Self::Simulated(file.duplicate()),
        })
    }
}
