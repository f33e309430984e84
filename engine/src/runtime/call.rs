//! Calls: a message that carries the right to answer it, and an answer that cannot be lost.
//!
//! The caller reserves the room for the reply before it asks, so that a reply always finds room; the
//! right to answer is a value that is moved, never copied. Whoever drops it unanswered, on purpose, by
//! ending or by a panic, answers with [`CallError::NoReply`].

use super::claim::{CallError, Claim};
use super::doors;
use super::handle::Handle;
use super::notice::NoticeId;
use super::parcel::Parcel;
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

/// A call of an isolate, and the type of its reply.
pub struct CallId<R> {
    pub(crate) id: NoticeId,
    pub(crate) replies: PhantomData<fn() -> R>,
}

impl<R> Clone for CallId<R> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<R> Copy for CallId<R> {}
impl<R> PartialEq for CallId<R> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}
impl<R> Eq for CallId<R> {}
impl<R> fmt::Debug for CallId<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallId({}#{})", self.id.index, self.id.sequence)
    }
}

/// The end of a call.
pub struct Reply {
    pub(crate) id: NoticeId,
    pub(crate) outcome: Result<Parcel, CallError>,
}

impl Reply {
    /// What the call `id` brought, if this is its end; the end of another call if not.
    ///
    /// # Errors
    /// The outer one when this is the end of another call, the inner one when there is no reply.
    #[expect(
        clippy::missing_panics_doc,
        reason = "the type of the reply is the call's"
    )]
    pub fn of<R: 'static>(self, id: CallId<R>) -> Result<Result<R, CallError>, Self> {
        if self.id != id.id {
            return Err(self);
        }
        Ok(self.outcome.map(|parcel| {
            let opened = parcel.open();
            opened
                .ok()
                .expect("a right to answer is typed as the call it belongs to")
        }))
    }

    /// What the call brought, whichever it was, if that is an `R` or nothing: for isolates that need not tell
    /// their calls apart.
    ///
    /// # Errors
    /// The outer one when the reply is of another type, the inner one when there is none.
    pub fn open<R: 'static>(self) -> Result<Result<R, CallError>, Self> {
        let Self { id, outcome } = self;
        match outcome.map(Parcel::open) {
            Ok(Ok(value)) => Ok(Ok(value)),
            Ok(Err(parcel)) => Err(Self {
                id,
                outcome: Ok(parcel),
            }),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Why there is no reply, if there is none.
    #[must_use]
    pub fn error(&self) -> Option<CallError> {
        self.outcome.as_ref().err().copied()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NoticeId { index, sequence } = self.id;
        match self.outcome {
            Ok(_) => write!(f, "Reply({index}#{sequence})"),
            Err(error) => write!(f, "Reply({index}#{sequence}, {error:?})"),
        }
    }
}

/// The right to answer one call with an `R`. It may be kept, passed on in a message, even to another
/// shard, and answered later with [`Context::reply`](super::Context::reply).
#[must_use = "dropping it answers with an error"]
pub struct ReplyTo<R> {
    claim: Option<Claim>,
    replies: PhantomData<fn(R)>,
}

impl<R> ReplyTo<R> {
    pub(crate) fn new(claim: Claim) -> Self {
        Self {
            claim: Some(claim),
            replies: PhantomData,
        }
    }

    pub(crate) fn into_claim(mut self) -> Claim {
        self.claim.take().expect("only ever taken here and in drop")
    }

    /// Who asked.
    #[must_use]
    pub fn caller(&self) -> Handle {
        self.claim.map_or(Handle::NOBODY, |claim| claim.caller)
    }
}

impl<R> fmt::Debug for ReplyTo<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplyTo({:?})", self.caller())
    }
}

impl<R> Drop for ReplyTo<R> {
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take() {
            give_up(claim);
        }
    }
}

thread_local! {
    /// Rights to answer that were dropped on this thread, which is one of a runtime's shards.
    static DROPPED: RefCell<Dropped> = const {
        RefCell::new(Dropped { runtime: None, claims: Vec::new() })
    };
}

struct Dropped {
    runtime: Option<u32>,
    claims: Vec<Claim>,
}

/// From now on this thread keeps the rights that are dropped on it until [`take_dropped`], at most
/// `claims_max` at a time; those beyond are answered at once, by way of the callers' doors.
pub(crate) fn keep_dropped(runtime: u32, claims_max: usize) {
    DROPPED.with_borrow_mut(|dropped| {
        dropped.runtime = Some(runtime);
        dropped.claims = Vec::with_capacity(claims_max);
    });
}

/// This thread has no shards any more: the rights it kept, and those dropped on it from now on, are
/// answered at once.
pub(crate) fn keep_dropped_no_more() {
    DROPPED.with_borrow_mut(|dropped| dropped.runtime = None);
    while let Some(claim) = take_dropped() {
        doors::answer(claim, Err(CallError::NoReply));
    }
}

/// One of the rights dropped on this thread.
#[inline]
pub(crate) fn take_dropped() -> Option<Claim> {
    DROPPED.with_borrow_mut(|dropped| dropped.claims.pop())
}

fn give_up(claim: Claim) {
    let kept = DROPPED.try_with(|dropped| {
        let mut dropped = dropped.borrow_mut();
        let has_room = dropped.claims.len() < dropped.claims.capacity();
        let here = dropped.runtime == Some(claim.runtime) && has_room;
        if here {
            dropped.claims.push(claim);
        }
        here
    });
    if kept != Ok(true) {
        doors::answer(claim, Err(CallError::NoReply));
    }
}

/// Answers a call from a thread that is no shard's.
pub(crate) fn answer_from_outside<R: Send + 'static>(reply_to: ReplyTo<R>, value: R) {
    doors::answer(reply_to.into_claim(), Ok(Parcel::new(value)));
}
