//! Watching: isolates that are told, or end themselves, when another one ends; here or on another
//! shard; and news of shards.

use super::core::Core;
use super::ending::Ending;
use super::handle::Handle;
use super::mail::NONE;
use super::metrics::Counter;
use super::monitor::MonitorId;
use super::notice::{NoticeId, Tag};
use super::outbox::{Frame, FrameTag};
use super::parcel::Parcel;
use super::refusal::Undelivered;
use super::waiting::{Packed, QuotaUsedUp};
use std::sync::atomic::Ordering;

/// Why an isolate cannot be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchError {
    /// The watcher has as many monitors as its kind may have.
    QuotaUsedUp,
    /// The ring to the other's shard is full.
    LinkFull,
    /// The shard keeps as many watches with other shards as it may.
    ProxiesUsedUp,
    /// The other, which a link lets watch as well, has as many monitors as its kind may have.
    OthersQuotaUsedUp,
}

impl std::fmt::Display for WatchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::QuotaUsedUp => QuotaUsedUp.fmt(f),
            Self::LinkFull => f.write_str("the ring to the other's shard is full"),
            Self::ProxiesUsedUp => {
                f.write_str("the shard keeps as many watches with other shards as it may")
            }
            Self::OthersQuotaUsedUp => {
                f.write_str("the other has as many monitors as its kind may have")
            }
        }
    }
}

impl std::error::Error for WatchError {}

/// What is to happen when the other ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    /// The watcher is told.
    Monitor,
    /// The watcher ends as well, unless the other ended normally.
    Follow,
    /// Each ends with the other.
    Link,
}

/// What a notice for news of shards remembers, by shard.
#[derive(Clone, Copy)]
struct Told {
    /// Went down and that was not told yet.
    fell: [u64; 4],
    /// Was down when last told.
    down: [u64; 4],
}

impl Core {
    /// Watches `target` for the isolate at `desk`.
    pub(crate) fn watch(
        &mut self,
        desk: u32,
        target: Handle,
        watch: Watch,
    ) -> Result<MonitorId, WatchError> {
        let watcher = self.handle_of(desk);
        let seat = &mut self.desks[desk as usize];
        if seat.monitor_count >= self.kinds[usize::from(seat.kind)].monitors {
            return Err(WatchError::QuotaUsedUp);
        }
        let away = self
            .outboxes
            .get_mut(target.shard())
            .and_then(Option::as_mut);
        if let Some(outbox) = away {
            if !outbox.takes_message() {
                return Err(WatchError::LinkFull);
            }
            // What tells the other shard that the watch is over needs room, which is taken now.
            let left = self.proxies_left.checked_sub(1);
            self.proxies_left = left.ok_or(WatchError::ProxiesUsedUp)?;
        }
        seat.monitor_count += 1;
        let tag = match watch {
            Watch::Monitor => Tag::Monitor,
            Watch::Follow | Watch::Link => Tag::Link,
        };
        let id = self.notices.take(tag, desk, &mut seat.owned);
        self.notices.at(id.index).target = target;
        if let Some(outbox) = self.outbox(target.shard()) {
            let tag = match watch {
                Watch::Monitor | Watch::Follow => FrameTag::Watch,
                Watch::Link => FrameTag::Link,
            };
            outbox.send(Frame::new(tag, watcher, target, id.bits()));
        } else if let Some(watched) = self.find(target) {
            let watchers = &mut self.desks[watched as usize].watchers;
            self.notices.watch(watchers, id.index);
            if watch == Watch::Link
                && watched != desk
                && self.watch(watched, watcher, Watch::Follow).is_err()
            {
                self.unwatch(desk, MonitorId(id));
                return Err(WatchError::OthersQuotaUsedUp);
            }
        } else {
            self.take_in_down(id, watcher, Ending::Gone);
        }
        Ok(MonitorId(id))
    }

    /// Ends a watch; whether it was the isolate's and nothing had been told yet.
    pub(crate) fn unwatch(&mut self, desk: u32, monitor: MonitorId) -> bool {
        let MonitorId(id) = monitor;
        let found = self.notices.find(id).filter(|notice| {
            notice.owner == desk && matches!(notice.tag, Tag::Monitor | Tag::Link)
        });
        let Some(notice) = found else { return false };
        let queued = notice.queued;
        if queued {
            let queue = &mut self.desks[desk as usize].notices;
            self.notices.unqueue(queue, id.index);
        }
        self.forget_watch(desk, id.index, queued);
        self.settle(desk);
        !queued
    }

    /// Frees the notice of a watch, which is in no queue, and tells the other shard if it has a part.
    pub(crate) fn forget_watch(&mut self, desk: u32, index: u32, told: bool) {
        let notice = self.notices.at(index);
        let (target, sequence) = (notice.target, notice.sequence);
        let id = NoticeId { index, sequence };
        if !told && let Some(watched) = self.find_even_ending(target) {
            let watchers = &mut self.desks[watched as usize].watchers;
            self.notices.unwatch(watchers, index);
        }
        let watcher = self.handle_of(desk);
        let seat = &mut self.desks[desk as usize];
        seat.monitor_count -= 1;
        self.notices.release(index, &mut seat.owned);
        if told || !self.is_away(target) {
            return;
        }
        // What cannot be told now is told when the ring has room: a notice waits for it, for which there
        // is room since the watch began.
        let waiting = self.notices.take(Tag::Unwatch, NONE, &mut self.orphans);
        let notice = self.notices.at(waiting.index);
        notice.source = watcher;
        notice.target = target;
        notice.word = id.bits();
        let outbox = self.outboxes[target.shard()]
            .as_mut()
            .expect("looked at above");
        self.notices.queue(&mut outbox.waiting, waiting.index);
        self.touched.insert(target.shard());
    }

    fn is_away(&self, who: Handle) -> bool {
        matches!(self.outboxes.get(who.shard()), Some(Some(_)))
    }

    /// A watched isolate has ended: tells the watcher `of` with the notice `id`, or ends it.
    pub(crate) fn take_in_down(&mut self, id: NoticeId, of: Handle, ending: Ending) {
        let (Some(desk), Some(notice)) = (self.find(of), self.notices.find(id)) else {
            return;
        };
        if notice.owner != desk || notice.queued {
            return;
        }
        let who = notice.target;
        let tag = notice.tag;
        if matches!(tag, Tag::Link | Tag::Monitor) && self.is_away(who) {
            self.proxies_left += 1;
        }
        match tag {
            Tag::Link => {
                let seat = &mut self.desks[desk as usize];
                seat.monitor_count -= 1;
                self.notices.release(id.index, &mut seat.owned);
                if !ending.is_normal() {
                    self.end(desk, Ending::Linked(who));
                }
            }
            Tag::Monitor => {
                self.notices.at(id.index).parcel = Parcel::new(ending);
                self.notices
                    .queue(&mut self.desks[desk as usize].notices, id.index);
                self.settle(desk);
            }
            _ => {}
        }
    }

    /// Somebody on shard `from` wants to know when an isolate here ends.
    pub(crate) fn take_in_watch(&mut self, from: usize, frame: &Frame) {
        if let Err(why) = self.keep_proxy(frame) {
            self.decline_watch(from, frame, why);
        }
    }

    /// The same, and the isolate is to end with whoever wants to know.
    pub(crate) fn take_in_link(&mut self, from: usize, frame: &Frame) {
        let linked = self.keep_proxy(frame).and_then(|desk| {
            let followed = self.watch(desk, frame.source, Watch::Follow);
            followed.map_err(|_| {
                self.drop_proxy(frame.target, frame.source, frame.call);
                Ending::NotWatched
            })
        });
        if let Err(why) = linked {
            self.decline_watch(from, frame, why);
        }
    }

    /// Remembers who of another shard watches an isolate here, and where that one sits; why not.
    fn keep_proxy(&mut self, frame: &Frame) -> Result<u32, Ending> {
        let desk = self.find(frame.target).ok_or(Ending::Gone)?;
        let left = self.proxies_left.checked_sub(1);
        self.proxies_left = left.ok_or(Ending::NotWatched)?;
        let id = self.notices.take(Tag::Proxy, NONE, &mut self.orphans);
        let notice = self.notices.at(id.index);
        notice.source = frame.target;
        notice.target = frame.source;
        notice.word = frame.call;
        let watchers = &mut self.desks[desk as usize].watchers;
        self.notices.watch(watchers, id.index);
        Ok(desk)
    }

    fn decline_watch(&mut self, from: usize, frame: &Frame, ending: Ending) {
        let mut back = Frame::new(FrameTag::Down, frame.target, frame.source, frame.call);
        back.parcel = Parcel::new(ending);
        let outbox = self.outbox(from).expect("frames come from others");
        outbox.send_reserved(back);
    }

    /// The isolate `who` ends another, `target`: here if it lives here.
    pub(crate) fn end_other(&mut self, who: Handle, target: Handle) {
        if let Some(desk) = self.find(target) {
            self.end(desk, Ending::ByOther(who));
        }
    }

    /// The same, wherever `target` lives.
    pub(crate) fn order_end(&mut self, who: Handle, target: Handle) -> Result<(), Undelivered> {
        if let Some(outbox) = self.outbox(target.shard()) {
            if !outbox.takes_message() {
                return Err(Undelivered::LinkFull);
            }
            outbox.send(Frame::new(FrameTag::End, who, target, 0));
        } else if self.find(target).is_some() {
            self.end_other(who, target);
        } else {
            return Err(Undelivered::Stale);
        }
        Ok(())
    }

    /// The watcher `watcher` of another shard no longer watches `watched`.
    pub(crate) fn drop_proxy(&mut self, watched: Handle, watcher: Handle, word: u64) {
        let Some(desk) = self.find_even_ending(watched) else {
            return;
        };
        let mut index = self.desks[desk as usize].watchers;
        while index != NONE {
            let next = self.notices.next_watcher(index);
            let notice = self.notices.at(index);
            if notice.tag == Tag::Proxy && notice.target == watcher && notice.word == word {
                let watchers = &mut self.desks[desk as usize].watchers;
                self.notices.unwatch(watchers, index);
                self.notices.release(index, &mut self.orphans);
                self.proxies_left += 1;
                return;
            }
            index = next;
        }
    }

    /// Tells everybody who watches the isolate at `desk`, which has ended.
    pub(crate) fn tell_watchers(&mut self, desk: u32, ending: Ending) {
        let gone = self.handle_of(desk);
        while self.desks[desk as usize].watchers != NONE {
            let watchers = &mut self.desks[desk as usize].watchers;
            let index = *watchers;
            self.notices.unwatch(watchers, index);
            let notice = self.notices.at(index);
            if notice.tag == Tag::Proxy {
                notice.tag = Tag::Ended;
                notice.source = gone;
                notice.parcel = Parcel::new(ending);
                let to = notice.target.shard();
                let outbox = self.outboxes[to]
                    .as_mut()
                    .expect("proxies are of other shards");
                self.notices.queue(&mut outbox.waiting, index);
                self.touched.insert(to);
            } else {
                let sequence = notice.sequence;
                let watcher = notice.owner;
                let of = self.handle_of(watcher);
                self.take_in_down(NoticeId { index, sequence }, of, ending);
            }
        }
    }

    /// News of shards reach the isolate at `desk` from now on.
    pub(crate) fn watch_peers(&mut self, desk: u32) -> Result<(), QuotaUsedUp> {
        let seat = &mut self.desks[desk as usize];
        if seat.monitor_count >= self.kinds[usize::from(seat.kind)].monitors {
            return Err(QuotaUsedUp);
        }
        seat.monitor_count += 1;
        let id = self.notices.take(Tag::Peers, desk, &mut seat.owned);
        let mut down = [0; 4];
        for (shard, incarnation) in self.common.incarnations.iter().enumerate() {
            down[shard / 64] |= (incarnation.load(Ordering::Acquire) & 1) << (shard % 64);
        }
        let told = Told { fell: [0; 4], down };
        self.notices.at(id.index).parcel = Parcel::new(told);
        Ok(())
    }

    /// Shard `peer` has gone down or come up: everybody who asked will be told.
    pub(crate) fn tell_of_peer(&mut self, peer: usize, fell: bool) {
        for index in 0..self.notices.count() as u32 {
            let notice = self.notices.at(index);
            if notice.tag != Tag::Peers {
                continue;
            }
            let parcel = std::mem::replace(&mut notice.parcel, Parcel::empty());
            let mut told: Told = parcel.open().ok().expect("a notice of peers holds this");
            if fell {
                told.fell[peer / 64] |= 1 << (peer % 64);
            }
            notice.parcel = Parcel::new(told);
            if !notice.queued {
                let owner = notice.owner;
                self.notices
                    .queue(&mut self.desks[owner as usize].notices, index);
                self.settle(owner);
            }
        }
    }

    /// The next piece of news for a notice that was just taken out of its queue.
    pub(crate) fn next_peer(&mut self, desk: u32, index: u32) -> Option<Packed> {
        let mut down = [0; 4];
        for (shard, incarnation) in self.common.incarnations.iter().enumerate() {
            down[shard / 64] |= (incarnation.load(Ordering::Acquire) & 1) << (shard % 64);
        }
        let notice = self.notices.at(index);
        let parcel = std::mem::replace(&mut notice.parcel, Parcel::empty());
        let mut told: Told = parcel.open().ok().expect("a notice of peers holds this");
        let news = |told: &Told| {
            let word = (0..4).find(|&w| told.fell[w] != 0 || told.down[w] != down[w])?;
            let bits = told.fell[word] | (told.down[word] ^ down[word]);
            Some((word, bits & bits.wrapping_neg()))
        };
        let event = news(&told).map(|(word, bit)| {
            // One that fell and rose again is told of twice.
            let up = told.fell[word] & bit == 0 && down[word] & bit == 0;
            told.fell[word] &= !bit;
            told.down[word] = if up {
                told.down[word] & !bit
            } else {
                told.down[word] | bit
            };
            let shard = word * 64 + bit.trailing_zeros() as usize;
            Packed::Peer { shard, up }
        });
        let more = news(&told).is_some();
        notice.parcel = Parcel::new(told);
        if more {
            self.notices
                .queue(&mut self.desks[desk as usize].notices, index);
        }
        event
    }

    /// Empties the desk of an isolate that has ended: its mail, what it waits for and whom it watches.
    pub(crate) fn clear_desk(&mut self, desk: u32) {
        while let Some(index) = self.take_mail(desk) {
            self.metrics.count(Counter::Discarded);
            // Free before it is emptied, which is somebody's own code and may panic.
            let parcel = std::mem::replace(&mut self.mail.at(index).parcel, Parcel::empty());
            self.mail.give_back(index);
            drop(parcel);
        }
        self.end_sleep(desk);
        self.end_io(desk);
        while self
            .notices
            .dequeue(&mut self.desks[desk as usize].notices)
            .is_some()
        {}
        while let Some(index) = self.first_owned(desk) {
            let notice = self.notices.at(index);
            match notice.tag {
                Tag::Monitor | Tag::Link => {
                    let told = notice.parcel.holds::<Ending>();
                    self.forget_watch(desk, index, told);
                    continue;
                }
                // Its alarm is set until it has ended.
                Tag::Call if self.wheel.due(Self::notice_node(index).0).is_some() => {
                    self.metrics.count(Counter::CallsAbandoned);
                    self.wheel.cancel(Self::notice_node(index).0);
                    self.doors.end_call(self.shard, index);
                }
                Tag::Call => {}
                Tag::Timer => self.wheel.cancel(Self::notice_node(index).0),
                Tag::Refusal => self.refusals_left += 1,
                Tag::Peers | Tag::Io | Tag::Accept => {}
                other => unreachable!("a notice of {other:?} is owned by no isolate"),
            }
            self.notices
                .release(index, &mut self.desks[desk as usize].owned);
        }
        let seat = &mut self.desks[desk as usize];
        seat.call_count = 0;
        seat.timer_count = 0;
        seat.monitor_count = 0;
    }
}
