//! How an isolate is told of its I/O.

use super::notice::NoticeId;
use crate::io::{Errno, Outcome};

/// An operation of an isolate that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoId(pub(crate) NoticeId);

/// What came of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoEvent {
    /// Which.
    pub id: IoId,
    /// What came of it; see [`Outcome`].
    pub result: Result<Outcome, Errno>,
    /// Whether it goes on: only [`Accept`](crate::io::Operation::Accept) does.
    pub more: bool,
}
