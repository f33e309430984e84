//! A shard of the runtime and its turn.
//!
//! A turn, on one screen: look at the runtime's orders, take in what other shards and the outside have
//! sent, fire timers, give turns to isolates that are ready, send what waited, ring the bells of whom
//! something was sent. A turn costs as much as there is to do. Does not know threads or how they sleep.

use super::bells::{Bells, DOOR};
#[cfg(test)]
use super::canary::{Canary, sings};
use super::claim::{CallError, Claim};
use super::core::Core;
use super::desk::Life;
use super::doors::Doors;
use super::ending::Ending;
use super::group::IsolateGroup;
use super::handle::Handle;
use super::log::Level;
use super::members::Garden;
use super::metrics::Counter;
use super::orders::{Orders, Phase};
use super::outbox::Frame;
use super::refusal::Undelivered;
use super::sending::TakenIn;
use super::shard_set::ShardSet;
use super::site::Past;
use super::timer::{Nanos, TICK_NANOS};
use crate::arena::Arena;
use crate::ring::RingReader;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Events handled in a turn, at most.
const TURN_EVENTS: u32 = 2048;
/// Turns a kind of weight 1 gains with each turn of the shard, and the most it may save up.
const CREDIT: u32 = 256;
const CREDIT_MAX: u32 = 1024;
/// Events after which the shard looks at its I/O again.
const IO_EVENTS: u32 = 128;
/// Frames taken in from one shard in a turn.
const FRAMES_PER_TURN: usize = 1024;

/// The receiving end of a link.
pub(crate) struct Inbox {
    pub(crate) reader: RingReader,
    /// What could not be taken in yet.
    pub(crate) held: Option<Frame>,
    /// The last known incarnation of that shard, and whom of it a hardware fault has taken along.
    pub(crate) incarnation: u64,
    pub(crate) lost_generation: u32,
}

/// How a shard is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Up,
    /// It failed too often: nobody lives here until it is revived.
    Quarantined,
}

pub(crate) struct RuntimeShard {
    // Order of fields: what lives in the arena is dropped before the arena.
    pub(crate) groups: Vec<Option<Box<dyn IsolateGroup>>>,
    pub(crate) core: Core,
    pub(crate) inboxes: Vec<Option<Inbox>>,
    /// Shards whose ring may hold something.
    unread: ShardSet,
    /// Of these, whose ring shows nothing for now: a seeded run holds it back.
    pub(crate) withheld: ShardSet,
    /// Messages that may be on the ring to another shard.
    messages_max: u32,
    pub(crate) bells: Arc<Bells>,
    pub(crate) orders: Arc<Orders>,
    pub(crate) health: Health,
    /// The root has given up: the shard is to be started again.
    pub(crate) gave_up: bool,
    /// Where the round of kinds goes on.
    pub(crate) next_kind: usize,
    pub(crate) phase: Phase,
    pub(crate) revivals: u64,
    /// Others have lived on this shard, whom a hardware fault has taken along.
    is_rebuilt: bool,
    /// What the tree consists of, to be planted again when the shard is.
    pub(crate) garden: Arc<Garden>,
    arena: Arena,
}

pub(crate) struct ShardParts {
    pub(crate) core: Core,
    pub(crate) groups: Vec<Option<Box<dyn IsolateGroup>>>,
    pub(crate) inboxes: Vec<Option<Inbox>>,
    pub(crate) bells: Arc<Bells>,
    pub(crate) orders: Arc<Orders>,
    pub(crate) garden: Arc<Garden>,
    pub(crate) past: Past,
    pub(crate) messages_max: u32,
    pub(crate) arena: Arena,
}

impl RuntimeShard {
    pub(crate) fn new(parts: ShardParts) -> Self {
        Self {
            groups: parts.groups,
            core: parts.core,
            inboxes: parts.inboxes,
            unread: ShardSet::default(),
            withheld: ShardSet::default(),
            messages_max: parts.messages_max,
            bells: parts.bells,
            orders: parts.orders,
            health: if parts.past.is_quarantined {
                Health::Quarantined
            } else {
                Health::Up
            },
            gave_up: false,
            next_kind: 0,
            phase: Phase::Running,
            revivals: parts.past.revivals,
            is_rebuilt: parts.past.rebuilds > 0,
            garden: parts.garden,
            arena: parts.arena,
        }
    }

    pub(crate) fn arena(&self) -> &Arena {
        &self.arena
    }

    /// Starts who is there from the start, unless the shard waits to be revived or the runtime ends.
    pub(crate) fn begin(&mut self) {
        if self.is_rebuilt {
            self.take_over();
        }
        if self.health == Health::Up && !self.core.stopping {
            self.plant();
            self.bury_the_dead();
        }
    }

    /// Takes in what was on its way to those who lived here before, so that there is room for what is sent
    /// from now on, and lets the others know that the shard is up.
    fn take_over(&mut self) {
        self.core.stopping = self.orders.phase() != Phase::Running;
        let number = self.number();
        self.bells.ring_every_bell_of(number);
        for from in 0..self.inboxes.len() {
            if from != number {
                self.read(from);
            }
        }
        if self.health == Health::Up {
            self.change_incarnation(1);
        }
    }

    fn number(&self) -> usize {
        usize::from(self.core.shard)
    }

    /// One turn at time `now`; whether anything was done.
    pub(crate) fn turn(&mut self, now: Nanos) -> bool {
        self.core.now = now;
        let mut moved = self.look_at_bells();
        moved |= self.core.take_in_io();
        moved |= self.fire_timers();
        // News of an isolate that ended may have ended others.
        self.bury_the_dead();
        moved |= self.give_turns();
        self.core.answer_dropped();
        self.publish();
        if moved {
            self.core.metrics.count(Counter::Turns);
        }
        moved
    }

    /// When the shard has something to do though nothing arrives; now, if it has already.
    pub(crate) fn next_due(&self) -> Option<Nanos> {
        if self.core.kinds.iter().any(|kind| !kind.ready.is_empty()) {
            return Some(self.core.now);
        }
        if !self.unread.is_within(&self.withheld) {
            return Some(self.core.now);
        }
        if !self.core.touched.is_empty() {
            return Some(self.core.now + TICK_NANOS);
        }
        self.core
            .wheel
            .next_due()
            .map(|tick| tick.saturating_mul(TICK_NANOS))
    }

    /// Whether everything that lived here has ended and the runtime is shutting down.
    pub(crate) fn is_finished(&self) -> bool {
        self.phase != Phase::Running && self.core.living_count == 0
    }

    fn look_at_bells(&mut self) -> bool {
        let number = self.number();
        let (mut moved, mut is_door_rung) = (false, false);
        let unread = &mut self.unread;
        self.bells.answer(number, |from| {
            moved = true;
            if from == DOOR {
                is_door_rung = true;
            } else {
                unread.insert(from);
            }
        });
        if is_door_rung {
            self.look_at_orders();
            self.open_door();
        }
        for from in self.unread.take() {
            #[cfg(test)]
            if sings(Canary::MissingFence) {
                continue;
            }
            if self.withheld.contains(from) {
                self.unread.insert(from);
                continue;
            }
            moved |= self.read(from);
        }
        moved
    }

    /// Takes in what shard `from` has sent.
    fn read(&mut self, from: usize) -> bool {
        let mut moved = false;
        let mut left = FRAMES_PER_TURN;
        // Those that may be answered at once, with room that the other end keeps for so many.
        let mut questions_left = self.messages_max;
        let held = loop {
            let Some(inbox) = &mut self.inboxes[from] else {
                break false;
            };
            let may_read = left > 0 && questions_left > 0;
            let frame = match inbox.held.take() {
                Some(frame) => frame,
                None if may_read && inbox.reader.ready() => Frame::read(&mut inbox.reader),
                None => break !may_read,
            };
            left = left.saturating_sub(1);
            questions_left = questions_left.saturating_sub(u32::from(frame.tag.asks()));
            if let TakenIn::NotYet(frame) = self.core.take_in(from, frame) {
                inbox_of(&mut self.inboxes, from).held = Some(frame);
                break true;
            }
            moved = true;
        };
        if held {
            self.unread.insert(from);
        }
        if let Some(outbox) = &mut self.core.outboxes[from] {
            outbox.stalled = held;
        }
        self.look_at_peer(from);
        moved
    }

    /// Looks whether a shard has gone down or come up since it was last heard of.
    fn look_at_peer(&mut self, from: usize) {
        let incarnation = self.core.common.incarnations[from].load(Ordering::Acquire);
        let inbox = inbox_of(&mut self.inboxes, from);
        let known = std::mem::replace(&mut inbox.incarnation, incarnation);
        if known == incarnation {
            return;
        }
        let lost = self.core.common.lost_generations[from].load(Ordering::Acquire);
        if std::mem::replace(&mut inbox.lost_generation, lost) != lost {
            self.core.lose_peer(from, lost);
        }
        let fell = incarnation & 1 == 1 || incarnation - known >= 2;
        self.core.tell_of_peer(from, fell);
    }

    fn open_door(&mut self) {
        let number = self.number();
        let mut knocks = self.core.doors.open(number);
        for (claim, outcome) in knocks.replies.drain(..) {
            self.core.end_call(claim.id, claim.caller, outcome);
        }
        for knock in knocks.messages.drain(..) {
            let (target, lane, call) = (knock.target, knock.lane, knock.call);
            self.core.metrics.count(Counter::Offered);
            let delivered = self
                .core
                .deliver(Handle::NOBODY, target, lane, knock.parcel);
            if let Err((why, parcel)) = delivered {
                self.core.metrics.count(Counter::of_refusal(why));
                // Before the question is dropped, and the right to answer it with it, which says less.
                refuse(&self.core.doors, call, why);
                self.core.discard(parcel);
            }
        }
        self.core.metrics.settle();
        self.core.doors.close(number, knocks);
    }

    /// What the runtime as a whole wants: shutting down, reviving.
    fn look_at_orders(&mut self) {
        let phase = self.orders.phase();
        if phase > self.phase {
            if self.phase == Phase::Running {
                self.begin_stopping();
            }
            self.phase = phase;
            if phase == Phase::Forced {
                self.bury_everybody(Ending::AtShutdown);
            }
        }
        let revivals = self.orders.revivals(self.number());
        if revivals != self.revivals {
            self.revivals = revivals;
            self.orders.know_revivals(self.number(), revivals);
            self.revive();
        }
    }

    /// Tells everybody, and calls off all pauses before restarts.
    fn begin_stopping(&mut self) {
        self.core.stopping = true;
        for desk in 0..self.core.desks.len() as u32 {
            match self.core.desks[desk as usize].life {
                Life::Starting | Life::Alive => {
                    self.core.desks[desk as usize].stopping = true;
                    self.core.settle(desk);
                }
                Life::Waiting => self.give_up_desk(desk),
                Life::Free | Life::Ending | Life::Worn => {}
            }
        }
    }

    fn fire_timers(&mut self) -> bool {
        self.core.gather_due(self.core.tick());
        if self.core.due.is_empty() {
            return false;
        }
        let notice_count = self.core.notices.count() as u32;
        // Notices first: they run nobody's code. What is started again may end and clear others.
        for index in 0..self.core.due.len() {
            let number = self.core.due[index];
            if number < notice_count {
                self.core.ring_notice(number);
            }
        }
        for index in 0..self.core.due.len() {
            if let Some(desk) = self.core.due[index].checked_sub(notice_count) {
                self.wake_desk(desk);
            }
        }
        true
    }

    /// A sleep is over, or the pause before a restart, unless it was called off a moment ago.
    fn wake_desk(&mut self, desk: u32) {
        let (alarm, _) = self.core.desk_node(desk);
        if self.core.wheel.due(alarm).is_some() {
            // Whoever was woken before it in this turn had it ended, and it pauses anew.
            return;
        }
        let seat = &mut self.core.desks[desk as usize];
        if !std::mem::take(&mut seat.asleep) {
            return;
        }
        if seat.life == Life::Waiting {
            self.start_again(desk);
            self.bury_the_dead();
        } else {
            seat.resumed = true;
            self.core.settle(desk);
        }
    }

    /// Kinds in turn, each by its credit, until the turn's budget is used up or nobody is ready.
    fn give_turns(&mut self) -> bool {
        if self.health == Health::Quarantined {
            return false;
        }
        let ready: u32 = self.core.kinds.iter().map(|kind| kind.ready.count()).sum();
        if ready == 0 {
            return false;
        }
        self.core.metrics.ready_isolates.add(u64::from(ready));
        for kind in &mut self.core.kinds {
            kind.credit = (kind.credit + CREDIT * kind.weight).min(CREDIT_MAX * kind.weight);
        }
        let mut budget = TURN_EVENTS;
        let kind_count = self.groups.len();
        let mut idle_kinds = 0;
        let looks = if self.core.gate.is_some() {
            IO_EVENTS
        } else {
            TURN_EVENTS
        };
        while budget > 0 && idle_kinds < kind_count {
            let number = self.next_kind;
            let kind = &mut self.core.kinds[number];
            let allowance = budget.min(kind.credit).min(looks);
            let mut spent = 0;
            if allowance > 0 && !kind.ready.is_empty() {
                let mut group = self.groups[number].take().expect("lent for one dispatch");
                spent = group.dispatch(&mut self.core, allowance);
                self.groups[number] = Some(group);
                self.core.kinds[number].credit -= spent;
                budget -= spent;
                self.bury_the_dead();
                self.core.take_in_io();
            }
            if spent == 0 {
                idle_kinds += 1;
            } else {
                idle_kinds = 0;
            }
            let kind = &self.core.kinds[number];
            if spent == 0 || kind.credit == 0 || kind.ready.is_empty() {
                self.next_kind = (number + 1) % kind_count;
            }
        }
        true
    }

    fn publish(&mut self) {
        let number = self.number();
        for to in self.core.touched.take() {
            self.core.send_waiting(to);
            let Some(outbox) = &mut self.core.outboxes[to] else {
                continue;
            };
            let waits = !outbox.waiting.is_empty();
            let rings = outbox.end_turn();
            #[cfg(test)]
            let rings = rings && !sings(Canary::LostWakeUp);
            if rings {
                self.bells.ring(to, number);
            }
            if waits {
                self.core.touched.insert(to);
            }
        }
    }

    /// Says in the log that the shard has gone down or come up, and lets the others know.
    pub(crate) fn change_incarnation(&mut self, by: u64) {
        let incarnation = &self.core.common.incarnations[self.number()];
        incarnation.fetch_add(by, Ordering::AcqRel);
        let number = self.number();
        for to in 0..self.inboxes.len() {
            if to != number {
                self.bells.ring(to, number);
            }
        }
    }

    pub(crate) fn log(&mut self, level: Level, text: std::fmt::Arguments<'_>) {
        self.core.log(level, None, text);
    }
}

fn inbox_of(inboxes: &mut [Option<Inbox>], from: usize) -> &mut Inbox {
    inboxes[from].as_mut().expect("frames come from others")
}

/// A question from outside was not delivered.
fn refuse(doors: &Doors, call: Option<Claim>, why: Undelivered) {
    if let Some(claim) = call {
        // One whose time is over stays over.
        drop(doors.complete(claim.id, Err(CallError::Undelivered(why))));
    }
}
