//! Messages: from a handler into a mailbox here or into the ring to another shard, and what comes in.

use super::call::take_dropped;
#[cfg(test)]
use super::canary::{Canary, sings};
use super::claim::{CallError, Claim};
use super::core::Core;
use super::doors::Outcome;
use super::ending::Ending;
use super::handle::Handle;
use super::mail::Lane;
use super::metrics::Counter;
use super::notice::{Notice, NoticeId, Tag};
use super::outbox::{Frame, FrameTag, Outbox};
use super::parcel::Parcel;
use super::refusal::{SendError, Undelivered};
use std::any::TypeId;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Whether a frame could be taken in.
pub(crate) enum TakenIn {
    Whole,
    /// There is no room for it yet: here it is again.
    NotYet(Frame),
}

impl Core {
    /// Makes room in the mailbox of an isolate here: the empty parcel of the message, which the caller
    /// fills at once.
    #[inline]
    pub(crate) fn admit(
        &mut self,
        source: Handle,
        target: Handle,
        lane: Lane,
    ) -> Result<&mut Parcel, Undelivered> {
        let desk = self.find(target).ok_or(Undelivered::Stale)?;
        let seat = &mut self.desks[desk as usize];
        let kind = &mut self.kinds[usize::from(seat.kind)];
        if seat.mail_count >= kind.mailbox_slots {
            return Err(Undelivered::MailboxFull);
        }
        let sure = kind.mail_count < kind.mail_reserve;
        let shared = kind.mail_count < kind.mail_max && self.mail.free_count() > self.mail_reserved;
        if !sure && !shared {
            return Err(Undelivered::PoolExhausted);
        }
        self.mail_reserved -= u32::from(sure);
        kind.mail_count += 1;
        seat.mail_count += 1;
        let queue = match lane {
            Lane::High => &mut seat.high,
            Lane::Normal => &mut seat.normal,
        };
        let envelope = self.mail.push(queue);
        envelope.source = source;
        if seat.is_ready() {
            kind.ready.insert((desk - kind.first_desk) as usize);
        }
        self.metrics.count(Counter::Accepted);
        self.metrics.settle();
        Ok(&mut envelope.parcel)
    }

    /// Puts a message that came from elsewhere into the mailbox of an isolate here.
    pub(crate) fn deliver(
        &mut self,
        source: Handle,
        target: Handle,
        lane: Lane,
        parcel: Parcel,
    ) -> Result<(), (Undelivered, Parcel)> {
        match self.admit(source, target, lane) {
            Ok(place) => {
                *place = parcel;
                Ok(())
            }
            Err(why) => Err((why, parcel)),
        }
    }

    /// Takes the next message of an isolate, of the high lane or, once in eight, of the other.
    #[inline]
    pub(crate) fn take_mail(&mut self, desk: u32) -> Option<u32> {
        let seat = &mut self.desks[desk as usize];
        let high = !seat.high.is_empty() && (seat.high_streak < 7 || seat.normal.is_empty());
        let queue = if high {
            &mut seat.high
        } else {
            &mut seat.normal
        };
        let taken = self.mail.pop(queue)?;
        seat.high_streak = if high {
            (seat.high_streak + 1).min(7)
        } else {
            0
        };
        seat.mail_count -= 1;
        let kind = &mut self.kinds[usize::from(seat.kind)];
        kind.mail_count -= 1;
        self.mail_reserved += u32::from(kind.mail_count < kind.mail_reserve);
        Some(taken)
    }

    /// Sends a message, or says why not and hands it back. `call` is its notice if it is a question.
    #[inline]
    pub(crate) fn send<M: Send + 'static>(
        &mut self,
        source: Handle,
        target: Handle,
        lane: Lane,
        call: Option<NoticeId>,
        message: M,
    ) -> Result<(), SendError<M>> {
        self.metrics.count(Counter::Offered);
        // Kinds have the same numbers on every shard.
        let kind = self.kinds.get(target.kind());
        let place = if kind.is_none_or(|kind| kind.takes != TypeId::of::<M>()) {
            Err(Undelivered::Foreign)
        } else if target.shard() == usize::from(self.shard) {
            self.admit(source, target, lane)
        } else {
            self.admit_away(source, target, lane, call)
        };
        match place {
            Ok(place) => {
                place.pack(message);
                self.send_outgoing();
                Ok(())
            }
            Err(why) => {
                self.metrics.count(Counter::of_refusal(why));
                self.metrics.settle();
                Err(SendError { why, message })
            }
        }
    }

    fn admit_away(
        &mut self,
        source: Handle,
        target: Handle,
        lane: Lane,
        call: Option<NoticeId>,
    ) -> Result<&mut Parcel, Undelivered> {
        let outbox = self.outbox(target.shard()).ok_or(Undelivered::Stale)?;
        if !outbox.takes_message() {
            return Err(Undelivered::LinkFull);
        }
        let call = call.map_or(0, NoticeId::bits);
        let mut frame = Frame::new(FrameTag::Message, source, target, call);
        frame.lane = lane;
        Ok(&mut self.outgoing.insert(frame).parcel)
    }

    /// Puts the frame that was just filled on its ring.
    #[inline(always)]
    fn send_outgoing(&mut self) {
        if let Some(frame) = self.outgoing.take()
            && let Some(outbox) = self.outbox(frame.target.shard())
        {
            outbox.send(frame);
            self.metrics.settle();
        }
    }

    /// The way to another shard; its bell is rung at the end of the turn.
    #[inline]
    pub(crate) fn outbox(&mut self, to: usize) -> Option<&mut Outbox> {
        let outbox = self.outboxes.get_mut(to)?.as_mut()?;
        self.touched.insert(to);
        Some(outbox)
    }

    /// Answers a call, wherever the caller is.
    pub(crate) fn answer(&mut self, claim: Claim, outcome: Outcome) {
        let shard = claim.caller.shard();
        if claim.runtime != self.common.runtime {
            super::doors::answer(claim, outcome);
        } else if shard >= self.outboxes.len() {
            self.answer_at_the_door(claim, outcome);
        } else if let Some(outbox) = self.outbox(shard) {
            if !outbox.takes_reply() {
                // The right to answer has come by a roundabout way, and this ring kept no room for it.
                return self.answer_at_the_door(claim, outcome);
            }
            let (tag, parcel) = match outcome {
                Ok(parcel) => (FrameTag::Reply, parcel),
                Err(_) => (FrameTag::NoReply, Parcel::empty()),
            };
            let mut frame = Frame::new(tag, Handle::NOBODY, claim.caller, claim.id.bits());
            frame.parcel = parcel;
            outbox.send_reserved(frame);
        } else {
            self.end_call(claim.id, claim.caller, outcome);
        }
    }

    fn answer_at_the_door(&mut self, claim: Claim, outcome: Outcome) {
        if let Some(Ok(late)) = self.doors.answer(claim, outcome) {
            self.discard(late);
        }
    }

    /// Drops what nobody wants, which is code of its own and may panic.
    pub(crate) fn discard(&mut self, parcel: Parcel) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(parcel))) {
            self.log_payload(None, "dropping a message", payload);
        }
    }

    /// Lets callers know of the rights to answer that were dropped.
    #[inline]
    pub(crate) fn answer_dropped(&mut self) {
        while let Some(claim) = take_dropped() {
            self.answer(claim, Err(CallError::NoReply));
        }
    }

    /// Ends a call of an isolate here, unless it is over.
    pub(crate) fn end_call(&mut self, id: NoticeId, caller: Handle, outcome: Outcome) {
        #[cfg(test)]
        if sings(Canary::DroppedReply) {
            return self.discard(outcome.unwrap_or_else(|_| Parcel::empty()));
        }
        let desk = self.find(caller);
        let notice = self.notices.find(id);
        let waits = |notice: &&mut Notice| {
            notice.tag == Tag::Call && Some(notice.owner) == desk && !notice.queued
        };
        let (Some(desk), Some(notice)) = (desk, notice.filter(waits)) else {
            self.metrics.count(Counter::RepliesLate);
            return self.discard(outcome.unwrap_or_else(|_| Parcel::empty()));
        };
        let failed = outcome.is_err();
        notice.word = u64::from(failed);
        notice.parcel = outcome.unwrap_or_else(Parcel::new);
        self.metrics.count(if failed {
            Counter::CallsFailed
        } else {
            Counter::CallsReplied
        });
        self.wheel.cancel(Self::notice_node(id.index).0);
        self.doors.end_call(self.shard, id.index);
        self.notices
            .queue(&mut self.desks[desk as usize].notices, id.index);
        self.settle(desk);
    }

    /// Takes in a frame that shard `from` sent.
    pub(crate) fn take_in(&mut self, from: usize, frame: Frame) -> TakenIn {
        let id = NoticeId::from_bits(frame.call);
        match frame.tag {
            FrameTag::Message => self.take_in_message(from, frame),
            FrameTag::Returned => return self.take_in_returned(frame),
            FrameTag::Reply => self.end_call(id, frame.target, Ok(frame.parcel)),
            FrameTag::NoReply => self.end_call(id, frame.target, Err(CallError::NoReply)),
            FrameTag::Watch => self.take_in_watch(from, &frame),
            FrameTag::Link => self.take_in_link(from, &frame),
            FrameTag::End => self.end_other(frame.source, frame.target),
            FrameTag::Unwatch => self.drop_proxy(frame.target, frame.source, frame.call),
            FrameTag::Down => {
                let ending = frame.parcel.open().unwrap_or(Ending::Gone);
                self.take_in_down(id, frame.target, ending);
            }
        }
        TakenIn::Whole
    }

    fn take_in_message(&mut self, from: usize, frame: Frame) {
        let delivered = self.deliver(frame.source, frame.target, frame.lane, frame.parcel);
        let Err((why, parcel)) = delivered else {
            return;
        };
        self.metrics.count(Counter::Returned);
        let back = Frame {
            tag: FrameTag::Returned,
            lane: frame.lane,
            why,
            source: frame.target,
            target: frame.source,
            call: frame.call,
            parcel,
        };
        let outbox = self.outbox(from).expect("frames come from others");
        outbox.send_reserved(back);
    }

    fn take_in_returned(&mut self, frame: Frame) -> TakenIn {
        if frame.call != 0 {
            // The question is dropped, and with it the right to answer, which sends nothing: this
            // shard is the caller's, and the call is over when its notice is found to be.
            let id = NoticeId::from_bits(frame.call);
            self.end_call(id, frame.target, Err(CallError::Undelivered(frame.why)));
            return TakenIn::Whole;
        }
        let Some(desk) = self.find(frame.target) else {
            self.metrics.count(Counter::ReturnedToNobody);
            self.discard(frame.parcel);
            return TakenIn::Whole;
        };
        if self.refusals_left == 0 {
            return TakenIn::NotYet(frame);
        }
        self.refusals_left -= 1;
        let owned = &mut self.desks[desk as usize].owned;
        let id = self.notices.take(Tag::Refusal, desk, owned);
        let notice = self.notices.at(id.index);
        notice.target = frame.source;
        notice.word = frame.why as u64;
        notice.parcel = frame.parcel;
        self.notices
            .queue(&mut self.desks[desk as usize].notices, id.index);
        self.settle(desk);
        TakenIn::Whole
    }

    /// Sends what waits for room on the way to shard `to`.
    pub(crate) fn send_waiting(&mut self, to: usize) {
        loop {
            let Some(outbox) = &mut self.outboxes[to] else {
                return;
            };
            if outbox.waiting.is_empty() || !outbox.takes_message() {
                return;
            }
            let index = self.notices.dequeue(&mut outbox.waiting);
            let index = index.expect("looked at in the line above");
            let notice = self.notices.at(index);
            let tag = match notice.tag {
                Tag::Ended => FrameTag::Down,
                Tag::Unwatch => FrameTag::Unwatch,
                other => unreachable!("a notice of {other:?} waits for no ring"),
            };
            let mut frame = Frame::new(tag, notice.source, notice.target, notice.word);
            frame.parcel = self.notices.release(index, &mut self.orphans);
            self.proxies_left += 1;
            outbox.send(frame);
        }
    }
}
