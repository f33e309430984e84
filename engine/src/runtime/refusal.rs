//! Messages that are not delivered: refused at once, or come back from another shard.

use super::handle::Handle;
use super::parcel::Parcel;
use std::fmt;

/// Why a message was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// The mailbox holds as many messages as its kind may have.
    MailboxFull,
    /// The shard has no envelope left for isolates of that kind.
    PoolExhausted,
    /// Whom the address names has ended.
    Stale,
    /// The ring to that shard is full, or that shard has not yet been looked at.
    LinkFull,
    /// Nobody of that kind takes such messages: the address is one of another runtime.
    Foreign,
}

impl Undelivered {
    pub(crate) const ALL: [Self; 5] = [
        Self::MailboxFull,
        Self::PoolExhausted,
        Self::Stale,
        Self::LinkFull,
        Self::Foreign,
    ];

    pub(crate) fn from_number(number: u64) -> Self {
        Self::ALL[number as usize]
    }

    /// A word for it, as in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MailboxFull => "mailbox_full",
            Self::PoolExhausted => "pool_exhausted",
            Self::Stale => "stale",
            Self::LinkFull => "link_full",
            Self::Foreign => "foreign",
        }
    }
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MailboxFull => "its mailbox is full",
            Self::PoolExhausted => "its shard has no envelope left for its kind",
            Self::Stale => "it has ended",
            Self::LinkFull => "the ring to its shard is full",
            Self::Foreign => "its address is one of another runtime",
        })
    }
}

/// A message that was refused, handed back.
pub struct SendError<M> {
    /// Why.
    pub why: Undelivered,
    /// What was to be sent.
    pub message: M,
}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SendError({:?})", self.why)
    }
}

impl<M> fmt::Display for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the message was refused: {}", self.why)
    }
}

impl<M> std::error::Error for SendError<M> {}

/// A message that was sent to another shard and has come back.
pub struct Refused {
    pub(crate) to: Handle,
    pub(crate) why: Undelivered,
    pub(crate) parcel: Parcel,
}

impl Refused {
    /// Whom it was for.
    #[must_use]
    pub fn to(&self) -> Handle {
        self.to
    }

    /// Why it was not delivered.
    #[must_use]
    pub fn why(&self) -> Undelivered {
        self.why
    }

    /// The message, if it is an `M`; as it was, if not.
    ///
    /// # Errors
    /// When the message is of another type.
    pub fn into_message<M: 'static>(self) -> Result<M, Self> {
        let Self { to, why, parcel } = self;
        parcel.open().map_err(|parcel| Self { to, why, parcel })
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refused({:?} by {:?})", self.why, self.to)
    }
}
