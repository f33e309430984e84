//! The I/O of a shard: files, TCP, UDP and unix sockets, without a thread, a lock or an allocation on
//! the way.
//!
//! ```text
//!   isolate ── Submission ──►  ShardIo  ── SocketRequest, FileRequest ──►  Backend
//!           ◄── Completion ──  descriptors, buffers,                      uring     io_uring
//!                              operations, deadlines ◄── Ended ──         portable  poller + helpers
//! ```
//!
//! One [`ShardIo`] a shard. An operation is submitted, handed over with all others of its turn in one
//! call, and completes later; meanwhile its buffer and its descriptor are out of everybody's reach.
//! All capacities come from the [`IoPlan`]; what does not fit is refused and counted. An idle shard
//! sleeps in [`ShardIo::wait`], where completions, time limits and other threads ([`IoWaker`]) reach
//! it. Both back ends pass the same tests.
//!
//! It works alone, too: whoever needs no isolates drives a [`ShardIo`] by hand.
//!
//! Knows nothing of isolates, messages, supervision or protocols. The time is told to it.

mod errno;
mod operation;
mod chain;
mod deadline;
mod buffer;
mod address;
mod socket;
mod world;
mod file;
mod doorbell;
mod backend;
mod helper;
mod ledger;
mod descriptor;
mod uring;
mod portable;
mod simulated;
mod plan;
mod device;
mod pending;
mod shard_io;
#[cfg(test)]
mod tests;

pub use backend::BackendCounters;
pub use device::{IoChoice, IoSetupError};
pub use doorbell::IoWaker;
pub use errno::Errno;
pub use ledger::IoRemains;
pub use operation::{
    Buffer, Completion, Descriptor, OpenHow, Operation, Outcome, Owner, Part, Refusal, Submission,
    Ticket,
};
pub use plan::{IoLimit, IoPlan};
pub use shard_io::{IoCounters, Parcel, ShardIo};
pub use socket::{Half, ListenOptions, SocketOption};
pub use world::{DiskFaults, NetworkFaults, Ratio, World, WorldCounters, WorldFaults};
