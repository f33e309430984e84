//! Whom a reply is for, and why there may be none.

use super::handle::Handle;
use super::notice::NoticeId;
use super::refusal::Undelivered;
use std::fmt;

/// Whom a reply is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) caller: Handle,
    pub(crate) id: NoticeId,
    /// Which runtime of this process.
    pub(crate) runtime: u32,
}

/// Why a call brought no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The time given is over. A reply that comes later is dropped.
    TimedOut,
    /// Whoever held the right to answer gave it up.
    NoReply,
    /// The question was not delivered.
    Undelivered(Undelivered),
    /// The job panicked in its pool.
    Panicked,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("no reply came in time"),
            Self::NoReply => f.write_str("whoever was to answer ended or chose not to"),
            Self::Panicked => f.write_str("the job panicked in its pool"),
            Self::Undelivered(why) => write!(f, "the question was not delivered: {why}"),
        }
    }
}

impl std::error::Error for CallError {}
