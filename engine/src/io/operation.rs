//! The vocabulary of a shard's I/O: what can be asked for, what comes back, and why an operation
//! is refused before it starts.
//!
//! ```text
//!   Submission ──submit──► Ticket …in flight… ──next_completion──► Completion      exactly one that is last
//!        └────refused────► Refusal              cancel, time limit, close and death only hasten it
//! ```
//!
//! Every type here is plain data without a destructor. Handles are generational: one that is stale,
//! or belongs to somebody else, is refused.

use super::errno::Errno;
use std::net::SocketAddr;
use std::time::Duration;

/// Who holds descriptors and buffers and is told of completions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Owner {
    /// Which of the shard's places for owners; one owner at a time lives there.
    pub place: u32,
    /// What tells the owners of one place apart, such as an isolate's handle with its generation.
    pub handle: u64,
}

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        pub struct $name {
            pub(crate) slot: u32,
            pub(crate) generation: u32,
        }

        impl $name {
            /// As one word, for a message.
            #[must_use]
            pub fn to_bits(self) -> u64 {
                u64::from(self.generation) << 32 | u64::from(self.slot)
            }

            /// From a word made by [`to_bits`](Self::to_bits). A forged one names nothing, or
            /// something of another owner, and is refused.
            #[must_use]
            pub fn from_bits(bits: u64) -> Self {
                Self { slot: bits as u32, generation: (bits >> 32) as u32 }
            }
        }
    )*};
}
handles!(
    /// An open file or socket of one shard.
    Descriptor,
    /// A buffer of one shard.
    Buffer,
    /// An operation in flight.
    Ticket
);

/// Some bytes of a buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// Which buffer.
    pub buffer: Buffer,
    /// First byte.
    pub start: u32,
    /// Bytes.
    pub length: u32,
}

impl Part {
    /// The first `length` bytes.
    #[must_use]
    pub fn first(buffer: Buffer, length: u32) -> Self {
        Self {
            buffer,
            start: 0,
            length,
        }
    }
}

/// How a file is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OpenHow {
    /// It may be read.
    pub read: bool,
    /// It may be written.
    pub write: bool,
    /// It is made if it does not exist, readable for all and writable for the user.
    pub create: bool,
    /// It must not exist.
    pub exclusive: bool,
    /// What it holds is dropped.
    pub truncate: bool,
    /// A pipe is not waited for: it opens though nobody is at its other end (`O_NONBLOCK`).
    pub at_once: bool,
}

/// What can be asked for. All of it completes later, in whatever order the world decides.
///
/// A socket has at most one operation that reads (`Accept`, `Receive`, `ReceiveFrom`) and one that
/// writes (`Connect`, `Send`, `SendTo`, `SendFile`) in flight; the two run side by side. A file may
/// have as many as there are operations. A buffer belongs to one operation at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Opens the file whose path the bytes are.
    Open {
        /// The path, without a zero byte; the buffer has room for one more byte.
        path: Part,
        /// To do what.
        how: OpenHow,
    },
    /// Reads up to so many bytes; fewer at the end of the file, none beyond it.
    Read {
        /// From where.
        file: Descriptor,
        /// To where.
        into: Part,
        /// Offset in the file.
        at: u64,
    },
    /// Writes the bytes, all of them unless it fails or is stopped halfway.
    Write {
        /// To where.
        file: Descriptor,
        /// From where.
        from: Part,
        /// Offset in the file.
        at: u64,
    },
    /// What was written is on the device afterwards.
    Sync {
        /// Which file.
        file: Descriptor,
        /// Only its content and length, not its times (`fdatasync`).
        data_only: bool,
    },
    /// How many bytes the file holds. A directory is `EISDIR`, and what holds none otherwise, as a pipe,
    /// `ESPIPE`.
    Size {
        /// Which file.
        file: Descriptor,
    },
    /// The file holds so many bytes afterwards.
    Truncate {
        /// Which file.
        file: Descriptor,
        /// Bytes.
        length: u64,
    },
    /// Takes connections, one completion each, until it fails or is cancelled.
    Accept {
        /// A socket that listens.
        listener: Descriptor,
    },
    /// Opens a TCP connection.
    Connect {
        /// The peer.
        to: SocketAddr,
    },
    /// Opens a connection to the unix socket whose path the bytes are.
    ConnectUnix {
        /// The path, at most 107 bytes.
        path: Part,
    },
    /// The next bytes of a stream, in a buffer of the shard's choice that the owner holds then.
    ///
    /// The buffer is chosen when bytes are there, so that waiting costs none. If none is free then,
    /// the operation goes on waiting until one is.
    Receive {
        /// Which stream.
        socket: Descriptor,
    },
    /// The next datagram, as [`Receive`](Self::Receive).
    ReceiveFrom {
        /// Which socket.
        socket: Descriptor,
    },
    /// Sends the bytes, all of them unless it fails or is stopped halfway.
    Send {
        /// Which stream.
        socket: Descriptor,
        /// The bytes.
        from: Part,
    },
    /// Sends one datagram.
    SendTo {
        /// Which socket.
        socket: Descriptor,
        /// The bytes.
        from: Part,
        /// The receiver.
        to: SocketAddr,
    },
    /// Sends a part of a file over a stream without a copy through this process: all of it, or up
    /// to the end of the file, unless it fails or is stopped halfway.
    SendFile {
        /// Which stream.
        socket: Descriptor,
        /// The file; it may be closed before this completes.
        file: Descriptor,
        /// Offset in the file.
        at: u64,
        /// Bytes.
        length: u64,
    },
    /// Stops every operation of the descriptor and completes after the last of them has: what a
    /// hand-over begins with.
    Settle {
        /// Which descriptor.
        descriptor: Descriptor,
    },
    /// Stops every operation of the descriptor and closes it after the last of them has completed.
    /// The handle is stale at once. Cannot be cancelled.
    Close {
        /// Which descriptor.
        descriptor: Descriptor,
    },
}

impl Operation {
    /// The bytes it uses of a buffer of its owner.
    pub(crate) fn part(&self) -> Option<Part> {
        match *self {
            Self::Open { path, .. } | Self::ConnectUnix { path } => Some(path),
            Self::Read { into, .. } => Some(into),
            Self::Write { from, .. } | Self::Send { from, .. } | Self::SendTo { from, .. } => {
                Some(from)
            }
            Self::Sync { .. }
            | Self::Size { .. }
            | Self::Truncate { .. }
            | Self::Accept { .. }
            | Self::Connect { .. }
            | Self::Receive { .. }
            | Self::ReceiveFrom { .. }
            | Self::SendFile { .. }
            | Self::Settle { .. }
            | Self::Close { .. } => None,
        }
    }

    /// Which direction of a socket it uses.
    pub(crate) fn direction(&self) -> Option<Direction> {
        match self {
            Self::Accept { .. } | Self::Receive { .. } | Self::ReceiveFrom { .. } => {
                Some(Direction::Reading)
            }
            Self::Connect { .. }
            | Self::ConnectUnix { .. }
            | Self::Send { .. }
            | Self::SendTo { .. }
            | Self::SendFile { .. } => Some(Direction::Writing),
            Self::Open { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Sync { .. }
            | Self::Size { .. }
            | Self::Truncate { .. }
            | Self::Settle { .. }
            | Self::Close { .. } => None,
        }
    }
}

/// One of the two directions of a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    Reading,
    Writing,
}

/// An operation, for whom, and for how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Submission {
    /// Whose descriptors and buffers it uses.
    pub owner: Owner,
    /// The owner's name for it, given back with each completion.
    pub token: u64,
    /// What is to be done.
    pub operation: Operation,
    /// After so long it is stopped, and ends with [`Errno::ETIME`] if nothing came of it.
    pub timeout: Option<Duration>,
}

/// What came of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is done: `Sync`, `Truncate`, `Settle`, `Close`.
    Done,
    /// Bytes moved: `Read`, `Write`, `Send`, `SendTo`, `SendFile`. Fewer than asked for where a file
    /// ended, or where the operation failed or was stopped halfway; the next one says why.
    Moved(u64),
    /// Bytes the file holds: `Size`.
    Size(u64),
    /// The peer sends no more: `Receive`.
    End,
    /// Bytes of a stream: `Receive`.
    Received(Part),
    /// A datagram: `ReceiveFrom`.
    Datagram {
        /// Its bytes; none if it is empty.
        part: Option<Part>,
        /// Its sender.
        from: SocketAddr,
        /// Whether the buffer was too small for all of it.
        truncated: bool,
    },
    /// The owner holds it now: `Open`, `Accept`, `Connect`, `ConnectUnix`.
    Opened(Descriptor),
}

/// What an owner is told of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Completion {
    /// Who submitted it.
    pub owner: Owner,
    /// What the owner called it.
    pub token: u64,
    /// What came of it. Stopped ones end with [`Errno::ECANCELED`], or [`Errno::ETIME`].
    pub result: Result<Outcome, Errno>,
    /// Whether further completions of this operation follow.
    pub more: bool,
}

/// Why something was refused. Nothing has happened and nothing will.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// There is no I/O here: the boot specification has none.
    NotPlanned,
    /// As many operations are in flight as there may be.
    NoOperation,
    /// As many descriptors are open as there may be.
    NoDescriptor,
    /// No buffer is free.
    NoBuffer,
    /// The handle is stale.
    Stale,
    /// It belongs to another owner.
    Foreign,
    /// An operation uses it.
    Busy,
    /// It is a file where a socket is needed, or the like.
    WrongKind,
    /// The part reaches beyond its buffer.
    BeyondBuffer,
    /// A path is empty, too long, or has a zero byte in it.
    BadPath,
    /// The operating system refused.
    System(Errno),
}

impl From<rustix::io::Errno> for Refusal {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::System(errno.into())
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = match self {
            Self::NotPlanned => "the boot specification has no I/O",
            Self::NoOperation => "as many operations are in flight as the plan allows",
            Self::NoDescriptor => "as many descriptors are open as the plan allows",
            Self::NoBuffer => "no buffer is free",
            Self::Stale => "the handle is stale",
            Self::Foreign => "it belongs to another owner",
            Self::Busy => "an operation in flight uses it",
            Self::WrongKind => "this kind of descriptor cannot do that",
            Self::BeyondBuffer => "the part reaches beyond its buffer",
            Self::BadPath => "a path is empty, too long, or has a zero byte in it",
            Self::System(errno) => return errno.fmt(f),
        };
        f.write_str(text)
    }
}

impl std::error::Error for Refusal {}
