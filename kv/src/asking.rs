//! What connections and the owners of keys say to each other.

use tina_engine::runtime::{Payload, ReplyTo};

pub(crate) enum StoreOrder {
    Ask(Ask),
    /// Say how many keys there are as soon as there is an answer.
    Ready(ReplyTo<u64>),
    /// For tests: a panic in the midst of its work.
    Crash,
}

/// Requests to be carried out, from the byte `at` on.
pub(crate) struct Ask {
    pub(crate) batch: Payload,
    pub(crate) at: u32,
    pub(crate) reply_to: ReplyTo<Served>,
}

pub(crate) type Served = Result<Answer, Unserved>;

/// Replies, each behind its length, and what could not be carried out because there was no room for more.
pub(crate) struct Answer {
    pub(crate) replies: Payload,
    pub(crate) rest: Option<Payload>,
    pub(crate) at: u32,
}

/// Why nothing was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unserved {
    NoBuffer,
    Loading,
}

/// An answer that waits until so many bytes of the log are on the disk.
pub(crate) struct Waiting {
    pub(crate) until: u64,
    pub(crate) reply_to: ReplyTo<Served>,
    pub(crate) answer: Answer,
}
