//! The replies of one shard to a round: asked for once, and again for what found no room in the answer.

use super::Connection;
use crate::asking::{Answer, Ask, Served, StoreOrder, Unserved};
use crate::site::Site;
use tina_engine::runtime::{CallError, CallId, Context, NotCalled, Payload, Reply, Undelivered};

/// Bytes of a reply's length.
const LENGTH_BYTES: usize = 4;

const BUSY: &str = "-BUSY the shard of this key takes no more commands now\r\n";
const NO_BUFFER: &str = "-BUSY no buffer is free for the reply\r\n";
const LOADING: &str = "-LOADING the log of this key's shard is being read\r\n";
const LATE: &str = "-ERR no answer in time: the command may have been carried out, or will be\r\n";
const AWAY: &str = "-ERR the store of this key has failed: the command was not carried out\r\n";
const GONE: &str =
    "-ERR the store of this key has failed: the command may have been carried out\r\n";

pub(super) struct Stream {
    call: Option<CallId<Served>>,
    replies: Option<Payload>,
    at: usize,
    /// What is to be asked again.
    rest: Option<(Payload, u32)>,
    /// The reply to everything that has none.
    failed: Option<&'static str>,
}

/// The next reply of a shard.
pub(super) enum Next<'a> {
    Here(&'a [u8]),
    /// It must come first.
    Missing,
}

impl Stream {
    pub(super) const NEW: Self = Self {
        call: None,
        replies: None,
        at: 0,
        rest: None,
        failed: None,
    };

    /// A new round begins.
    pub(super) fn begin(&mut self) {
        *self = Self::NEW;
    }

    /// Asks the owner of the shard's keys, from the byte `at` of the batch on.
    pub(super) fn ask(
        &mut self,
        batch: Payload,
        at: u32,
        (site, shard): (&Site, usize),
        context: &mut Context<'_, Connection>,
    ) {
        // Whoever it is now: it may have been started again since the last round.
        let Some(owner) = context.find(&site.store_names[shard]) else {
            self.failed = Some(AWAY);
            return;
        };
        let ask = |reply_to| {
            StoreOrder::Ask(Ask {
                batch,
                at,
                reply_to,
            })
        };
        match context.call(owner, site.limits.patience, ask) {
            Ok(call) => self.call = Some(call),
            Err(NotCalled::QuotaUsedUp) => self.failed = Some(BUSY),
            Err(NotCalled::Undelivered(why)) => self.fail(CallError::Undelivered(why)),
        }
    }

    fn fail(&mut self, why: CallError) {
        self.failed = Some(match why {
            CallError::TimedOut => LATE,
            CallError::Undelivered(
                Undelivered::MailboxFull | Undelivered::PoolExhausted | Undelivered::LinkFull,
            ) => BUSY,
            CallError::Undelivered(Undelivered::Stale | Undelivered::Foreign) => AWAY,
            CallError::NoReply | CallError::Panicked => GONE,
        });
    }

    /// Takes in the end of its call; that of another is handed back.
    pub(super) fn take_in(&mut self, reply: Reply) -> Result<(), Reply> {
        let Some(call) = self.call else {
            return Err(reply);
        };
        let served = reply.of(call)?;
        self.call = None;
        match served {
            Ok(Ok(Answer { replies, rest, at })) => {
                self.replies = Some(replies);
                self.at = 0;
                self.rest = rest.map(|rest| (rest, at));
            }
            Ok(Err(Unserved::NoBuffer)) => self.failed = Some(NO_BUFFER),
            Ok(Err(Unserved::Loading)) => self.failed = Some(LOADING),
            Err(why) => self.fail(why),
        }
        Ok(())
    }

    /// The next reply. What found no room in the last answer is asked for again.
    pub(super) fn next(
        &mut self,
        place: (&Site, usize),
        context: &mut Context<'_, Connection>,
    ) -> Next<'_> {
        let is_empty = self
            .replies
            .as_ref()
            .is_none_or(|replies| self.at >= replies.len());
        if is_empty && let Some((batch, at)) = self.rest.take() {
            self.replies = None;
            self.ask(batch, at, place, context);
        }
        if let Some(failed) = self.failed.filter(|_| is_empty) {
            return Next::Here(failed.as_bytes());
        }
        match self.length() {
            Some(length) => Next::Here(self.bytes(0, length)),
            None if self.call.is_some() => Next::Missing,
            // There are as many replies as requests, and nobody else reads them.
            None => Next::Here(GONE.as_bytes()),
        }
    }

    /// Bytes of the reply that is next in the answer.
    fn length(&self) -> Option<usize> {
        let length = self
            .replies
            .as_ref()?
            .get(self.at..self.at + LENGTH_BYTES)?;
        let length = [length[0], length[1], length[2], length[3]];
        Some(u32::from_le_bytes(length) as usize)
    }

    fn bytes(&self, from: usize, until: usize) -> &[u8] {
        let start = self.at + LENGTH_BYTES;
        let replies = self.replies.as_ref().map_or(&[][..], |replies| replies);
        &replies[start + from..start + until]
    }

    /// The bytes of the next reply from a byte on, after `next` said that it is there.
    pub(super) fn rest_of_next(&self, from: usize) -> &[u8] {
        match self.length() {
            Some(length) => self.bytes(from, length),
            None => &self.failed.unwrap_or(GONE).as_bytes()[from..],
        }
    }

    /// The next reply has been used.
    pub(super) fn consume(&mut self) {
        if let Some(length) = self.length() {
            self.at += LENGTH_BYTES + length;
        }
    }
}
