//! What isolates wait for: calls, timers, sleeps, and the order in which events reach them.

use super::call::Reply;
use super::claim::{CallError, Claim};
use super::core::Core;
use super::desk::Hears;
use super::ending::Ending;
use super::handle::Handle;
use super::io_event::IoEvent;
use super::mail::NONE;
use super::metrics::Counter;
use super::monitor::{Down, MonitorId};
use super::notice::{NoticeId, Tag};
use super::parcel::Parcel;
use super::refusal::{Refused, Undelivered};
use super::timer::{TimerId, due, period_ticks};
use std::time::Duration;

/// The isolate has as many calls, timers or monitors as its kind may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaUsedUp;

impl std::fmt::Display for QuotaUsedUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the isolate has as many of them as its kind may have")
    }
}

impl std::error::Error for QuotaUsedUp {}

/// An event that is no message, or a message that is still packed.
pub(crate) enum Packed {
    /// In this envelope, which is the caller's to empty and give back.
    Message(u32),
    Reply(Reply),
    Timer(TimerId),
    Resumed,
    Refused(Refused),
    Io(IoEvent),
    Down(Down),
    Peer {
        shard: usize,
        up: bool,
    },
    Stopping,
}

impl Packed {
    /// A number that tells kinds of events apart.
    pub(crate) fn tag(&self) -> u64 {
        match self {
            Self::Message(_) => 1,
            Self::Reply(_) => 2,
            Self::Timer(_) => 3,
            Self::Resumed => 4,
            Self::Refused(_) => 5,
            Self::Io(_) => 6,
            Self::Down(_) => 7,
            Self::Peer { .. } => 8,
            Self::Stopping => 9,
        }
    }
}

impl Core {
    /// Reserves room for the reply of a call, and the time it may take.
    pub(crate) fn begin_call(
        &mut self,
        desk: u32,
        timeout: Duration,
    ) -> Result<Claim, QuotaUsedUp> {
        let seat = &mut self.desks[desk as usize];
        if seat.call_count >= self.kinds[usize::from(seat.kind)].calls {
            return Err(QuotaUsedUp);
        }
        seat.call_count += 1;
        let id = self.notices.take(Tag::Call, desk, &mut seat.owned);
        let (node, waker) = Self::notice_node(id.index);
        self.wheel.arm(node, due(self.now, timeout), waker);
        self.doors.begin_call(self.shard, id);
        self.metrics.count(Counter::Calls);
        Ok(Claim {
            caller: self.handle_of(desk),
            id,
            runtime: self.common.runtime,
        })
    }

    /// Takes back a call whose question was refused at once.
    pub(crate) fn unbegin_call(&mut self, desk: u32, id: NoticeId) {
        self.wheel.cancel(Self::notice_node(id.index).0);
        self.doors.end_call(self.shard, id.index);
        let seat = &mut self.desks[desk as usize];
        seat.call_count -= 1;
        self.notices.release(id.index, &mut seat.owned);
        self.metrics.count(Counter::CallsFailed);
    }

    /// A timer that runs out after `after`, and if it has a period, every such time from then on.
    pub(crate) fn set_timer(
        &mut self,
        desk: u32,
        after: Duration,
        period: Option<Duration>,
    ) -> Result<TimerId, QuotaUsedUp> {
        let seat = &mut self.desks[desk as usize];
        if seat.timer_count >= self.kinds[usize::from(seat.kind)].timers {
            return Err(QuotaUsedUp);
        }
        seat.timer_count += 1;
        let id = self.notices.take(Tag::Timer, desk, &mut seat.owned);
        self.notices.at(id.index).word = period.map_or(0, period_ticks);
        let (node, waker) = Self::notice_node(id.index);
        self.wheel.arm(node, due(self.now, after), waker);
        Ok(TimerId(id))
    }

    /// Whether the timer was the isolate's and had not run out; then it runs out after `after`, or, if
    /// that is none, never.
    pub(crate) fn change_timer(&mut self, desk: u32, id: TimerId, after: Option<Duration>) -> bool {
        let TimerId(id) = id;
        let notice = self.notices.find(id);
        let Some(notice) = notice.filter(|it| it.tag == Tag::Timer && it.owner == desk) else {
            return false;
        };
        let queued = notice.queued;
        if queued && after.is_some() {
            // It has run out: the event is on its way.
            return false;
        }
        let seat = &mut self.desks[desk as usize];
        if queued {
            self.notices.unqueue(&mut seat.notices, id.index);
        }
        let (node, waker) = Self::notice_node(id.index);
        if let Some(after) = after {
            self.wheel.arm(node, due(self.now, after), waker);
        } else {
            self.wheel.cancel(node);
            seat.timer_count -= 1;
            self.notices.release(id.index, &mut seat.owned);
            self.settle(desk);
        }
        !queued
    }

    /// Puts an isolate to sleep.
    pub(crate) fn sleep(&mut self, desk: u32, time: Duration) {
        let (node, waker) = self.desk_node(desk);
        self.wheel.arm(node, due(self.now, time), waker);
        let seat = &mut self.desks[desk as usize];
        seat.hears = Hears::Notices;
        // A turn that was asked for before does not end a sleep that is asked for now.
        seat.resumed = false;
        seat.asleep = true;
    }

    /// A sleep ends early, or a pause before a restart is called off.
    pub(crate) fn end_sleep(&mut self, desk: u32) {
        if std::mem::take(&mut self.desks[desk as usize].asleep) {
            let (node, _) = self.desk_node(desk);
            self.wheel.cancel(node);
        }
    }

    /// The time of a notice is over.
    pub(crate) fn ring_notice(&mut self, index: u32) {
        let notice = self.notices.at(index);
        let desk = notice.owner;
        match notice.tag {
            Tag::Call => {
                notice.word = 1;
                notice.parcel = Parcel::new(CallError::TimedOut);
                self.doors.end_call(self.shard, index);
                self.metrics.count(Counter::CallsFailed);
            }
            Tag::Timer => self.metrics.count(Counter::TimersFired),
            other => unreachable!("a notice of {other:?} has no alarm"),
        }
        self.notices
            .queue(&mut self.desks[desk as usize].notices, index);
        self.settle(desk);
    }

    /// The next message of an isolate that has nothing else to hear of: who sent it, and its envelope. What
    /// [`next_event`](Self::next_event) would give, without a look at everything else.
    #[inline(always)]
    pub(crate) fn next_message(&mut self, desk: u32) -> Option<(Handle, u32)> {
        let seat = &mut self.desks[desk as usize];
        let hears_mail = seat.hears == Hears::Everything && seat.notices.is_empty();
        if !hears_mail || seat.stopping || seat.resumed {
            return None;
        }
        seat.just_resumed = false;
        let index = self.take_mail(desk)?;
        self.metrics.count(Counter::Handled);
        Some((self.mail.at(index).source, index))
    }

    /// The next event of an isolate, and who sent it if it is a message.
    #[inline]
    pub(crate) fn next_event(&mut self, desk: u32) -> Option<(Handle, Packed)> {
        let seat = &mut self.desks[desk as usize];
        if !seat.notices.is_empty() {
            return self.next_notice(desk).map(|event| (Handle::NOBODY, event));
        }
        if seat.stopping {
            seat.stopping = false;
            return Some((Handle::NOBODY, Packed::Stopping));
        }
        let has_mail =
            seat.hears == Hears::Everything && !(seat.high.is_empty() && seat.normal.is_empty());
        // Who yields for ever must still hear what it is told.
        if seat.resumed && !(seat.just_resumed && has_mail) {
            seat.resumed = false;
            seat.just_resumed = true;
            return Some((Handle::NOBODY, Packed::Resumed));
        }
        seat.just_resumed = false;
        if !has_mail {
            return None;
        }
        let index = self.take_mail(desk)?;
        self.metrics.count(Counter::Handled);
        Some((self.mail.at(index).source, Packed::Message(index)))
    }

    fn next_notice(&mut self, desk: u32) -> Option<Packed> {
        let seat = &mut self.desks[desk as usize];
        let index = self.notices.dequeue(&mut seat.notices)?;
        let notice = self.notices.at(index);
        let id = NoticeId {
            index,
            sequence: notice.sequence,
        };
        let (tag, who, word) = (notice.tag, notice.target, notice.word);
        if tag == Tag::Timer && word > 0 {
            let due = self.tick() + word;
            let (node, waker) = Self::notice_node(index);
            self.wheel.arm(node, due, waker);
            return Some(Packed::Timer(TimerId(id)));
        }
        if matches!(tag, Tag::Io | Tag::Accept) {
            return self.next_io(desk, id, tag);
        }
        if tag == Tag::Peers {
            return self.next_peer(desk, index);
        }
        let parcel = self.notices.release(index, &mut seat.owned);
        Some(match tag {
            Tag::Call => {
                seat.call_count -= 1;
                let outcome = if word == 0 {
                    Ok(parcel)
                } else {
                    Err(parcel.open().unwrap_or(CallError::NoReply))
                };
                Packed::Reply(Reply { id, outcome })
            }
            Tag::Timer => {
                seat.timer_count -= 1;
                Packed::Timer(TimerId(id))
            }
            Tag::Monitor => {
                seat.monitor_count -= 1;
                Packed::Down(Down {
                    monitor: MonitorId(id),
                    who,
                    ending: parcel.open().unwrap_or(Ending::Gone),
                })
            }
            Tag::Refusal => {
                self.refusals_left += 1;
                Packed::Refused(Refused {
                    to: who,
                    why: Undelivered::from_number(word),
                    parcel,
                })
            }
            Tag::Free
            | Tag::Link
            | Tag::Proxy
            | Tag::Ended
            | Tag::Unwatch
            | Tag::Peers
            | Tag::Io
            | Tag::Accept => {
                unreachable!("a notice of {tag:?} is no event")
            }
        })
    }

    /// First of the notices an isolate owns.
    pub(crate) fn first_owned(&self, desk: u32) -> Option<u32> {
        let first = self.desks[desk as usize].owned;
        (first != NONE).then_some(first)
    }
}
