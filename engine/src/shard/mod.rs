//! HOT. A shard: an arena, its modules and FIFOs, its ends of the links, and the loop over instants.
//!
//! An instant, on one screen: fire alarms, take the flags of all modules that have an edge, sweep
//! those that touch cut wires, send the frames, sweep the rest. A shard runs ahead until the
//! end of the epoch or until a neighbour's frame is missing; it never waits itself.
//!
//! Does not know threads, epochs beyond their end, or what to do about a fault.

mod host;
mod boot;
mod fault;
mod watch;
mod record;
mod sample;
mod stalls;
mod snapshot;
mod timeline;

pub(crate) use boot::{BootShardError, Rings};
pub(crate) use fault::Sweepers;
use host::Outside;
pub(crate) use host::Prospect;
pub(crate) use record::ProbedInstance;
use record::Recorder;
pub(crate) use sample::Sampler;
use sample::Timed;
pub(crate) use snapshot::PartError;
pub(crate) use stalls::StallFields;
use stalls::Watch;
use timeline::Timekeeper;

use crate::arena::{Arena, ArenaRef};
use crate::bank::Store;
use crate::fifo::{ShardHead, Show};
use crate::group::{Edge, Fault, Group};
use crate::handle::{ConsoleRef, Verdict};
use crate::hash::{GOLDEN, absorb, mix};
use crate::link::{Inbound, Outbound, Received};
use crate::ring::RingReader;
use crate::time::{Cycle, Tick};
use crate::wheel::Wheel;
use std::cell::Cell;

/// The instants of one clock domain in this shard.
struct DomainClock {
    period: Tick,
    /// Tick of the next edge that has not been evaluated.
    next_edge: Tick,
    /// Number of the edge being evaluated.
    cycle: Cycle,
    /// Whether any flag may be up for the next edge.
    pending: bool,
    /// Whether any group here has this domain.
    used: bool,
}

impl DomainClock {
    /// Passes over edges before `now`, at which nobody was due.
    #[inline(always)]
    fn skip_to(&mut self, now: Tick) {
        if self.next_edge < now {
            self.next_edge = now.next_multiple_of(self.period);
        }
    }
}

/// Flags may have been raised anywhere: every domain that is used looks at its next edge.
#[inline(always)]
fn expect_all(domains: &mut [DomainClock]) {
    for domain in domains {
        domain.pending = domain.used;
    }
}

struct GroupSlot {
    group: Box<dyn Group>,
    domain: u8,
    /// The words of its flags that stand for modules: a look at them spares the call.
    flags: ArenaRef<[Cell<u64>]>,
    /// Whether it looks at every edge, flags or not.
    every_edge: bool,
    /// Whether any of its modules is due at the instant being evaluated.
    due: bool,
}

/// A FIFO with what reports and digests need to know of it.
struct FifoSlot {
    store: Store,
    wire: u32,
    /// Whether the producer's end is here, so that pushes are digested here.
    producer: bool,
    /// Whether the consumer's end is here, so that pops are digested and items counted here.
    consumer: bool,
}

/// How far a call of [`Shard::advance`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advance {
    /// Everything before the end is done and known.
    Reached,
    /// A neighbour's frame (or room in its ring) is missing; `moved` if anything happened.
    Blocked { moved: bool },
}

pub(crate) struct Shard {
    // Order of fields: what lives in the arena is dropped before the arena.
    boundary: Vec<GroupSlot>,
    interior: Vec<GroupSlot>,
    outbound: Vec<Outbound>,
    inbound: Vec<Inbound>,
    fifos: Vec<FifoSlot>,
    domains: Vec<DomainClock>,
    consoles: Vec<(u32, ConsoleRef)>,
    /// What it knows of the outside world.
    outside: Outside,
    verdict: ArenaRef<Verdict>,
    head: ArenaRef<ShardHead>,
    wheel: Box<Wheel>,
    /// The first tick that is not complete here.
    upcoming: Tick,
    no_sleep: bool,
    pub(crate) finishes: bool,
    pub(crate) faults: Vec<Fault>,
    digest: u64,
    /// Whether any module was clocked since the digest was taken.
    digest_stale: bool,
    /// Per inbound link: how often its frame was missing.
    missing: Box<[u64]>,
    /// Present while the machine is profiled.
    sampler: Option<Box<Sampler>>,
    /// Present while the machine is recorded.
    recorder: Option<Box<Recorder>>,
    /// Present while its time is noted.
    timekeeper: Option<Box<Timekeeper>>,
    /// What looks for stalls, and the next instant at which it does.
    watch: Box<Watch>,
    next_watch: Tick,
    arena: Arena,
}

impl Shard {
    /// Evaluates every instant before `end` that the neighbours allow, and takes in everything
    /// they did before `end`.
    pub(crate) fn advance(&mut self, end: Tick) -> Advance {
        let advance = self.advance_unpublished(end);
        // Nobody may go to the meeting with records that the writer cannot see.
        match advance {
            Advance::Reached if !self.publish_records() => Advance::Blocked { moved: false },
            Advance::Reached => advance,
            Advance::Blocked { .. } => {
                self.publish_records();
                advance
            }
        }
    }

    /// The first tick that is not complete here.
    pub(crate) fn upcoming(&self) -> Tick {
        self.upcoming
    }

    /// Neighbours that send here.
    pub(crate) fn inbound_count(&self) -> usize {
        self.inbound.len()
    }

    /// Looks at another ring in place of a neighbour's, which is handed out.
    pub(crate) fn exchange_reader(&mut self, link: usize, reader: &mut RingReader) {
        std::mem::swap(&mut self.inbound[link].reader, reader);
    }

    #[inline]
    fn advance_unpublished(&mut self, end: Tick) -> Advance {
        let mut moved = false;
        loop {
            let now = self.upcoming;
            if now >= end {
                let told = self.tell_all();
                let received = self.take_in(end, true);
                moved |= received.moved;
                let reached = told && received.enough;
                return if reached {
                    Advance::Reached
                } else {
                    Advance::Blocked { moved }
                };
            }
            let received = self.take_in(now, false);
            moved |= received.moved;
            let room = self.outbound.iter_mut().all(Outbound::has_room);
            if !received.enough || !room || !self.has_record_room() {
                self.tell_all();
                return Advance::Blocked { moved };
            }
            moved = true;
            let instant = self.next_active(now);
            if instant < end && instant <= self.horizon() {
                self.evaluate(instant);
            } else {
                // Nothing can happen here before something arrives.
                self.upcoming = end.min(self.horizon().saturating_add(1)).max(now + 1);
                self.tell_all();
            }
        }
    }

    /// The last instant that the frames taken in allow.
    #[inline]
    fn horizon(&self) -> Tick {
        let mut horizon = Tick::MAX;
        for link in &self.inbound {
            horizon = horizon.min(link.known_until + link.item_reach.min(link.credit_reach) - 1);
        }
        // Links whose credits are late but not needed allow the instant they were asked for.
        horizon.max(self.upcoming)
    }

    /// Takes in what is there of the time before `now`, never of later edges (wires of one edge rely
    /// on it), and says whether that is enough to evaluate `now`; with `all`, whether it is
    /// everything. What is not needed yet is taken in too: a full ring would stop the neighbour.
    fn take_in(&mut self, now: Tick, all: bool) -> TakenIn {
        let mut taken = TakenIn {
            enough: true,
            moved: false,
        };
        let upcoming = self.upcoming;
        for (index, link) in self.inbound.iter_mut().enumerate() {
            while link.known_until < now {
                match link.receive(&self.head, &self.wheel, upcoming) {
                    Received::Stamp => taken.moved = true,
                    Received::News => {
                        taken.moved = true;
                        expect_all(&mut self.domains);
                    }
                    Received::Nothing => {
                        let items = link.known_until + link.item_reach > now;
                        let credits = link.known_until + link.credit_reach > now;
                        let enough =
                            !all && items && (credits || self.outbound[index].needs_no_credit(now));
                        taken.enough &= enough;
                        self.missing[index] += u64::from(!enough);
                        break;
                    }
                }
            }
        }
        taken
    }

    /// Tells the neighbours how far this shard is; false if one's ring has no room for it yet.
    fn tell_all(&mut self) -> bool {
        let mut told = true;
        for link in &mut self.outbound {
            if link.writer.has_room(1) {
                link.tell(self.upcoming);
            } else {
                told &= link.told_until >= self.upcoming;
            }
        }
        told
    }

    /// The first instant at or after `now` at which anything here could happen by itself.
    #[inline]
    fn next_active(&mut self, now: Tick) -> Tick {
        let mut instant = Tick::MAX;
        let mut asleep = false;
        for domain in &mut self.domains {
            domain.skip_to(now);
            if domain.pending || (self.no_sleep && domain.used) {
                instant = instant.min(domain.next_edge);
            } else {
                asleep = true;
            }
        }
        if asleep && instant > now && !self.wheel.is_empty() {
            instant = instant.min(self.wheel.next_due().unwrap_or(Tick::MAX).max(now));
        }
        instant.min(self.next_watch)
    }

    fn evaluate(&mut self, now: Tick) {
        self.head.set_now(now);
        self.begin_records(now);
        let mut after = Tick::MAX;
        let mut edges = 0u32;
        for (index, domain) in self.domains.iter_mut().enumerate() {
            domain.skip_to(now);
            if domain.next_edge == now {
                edges |= 1 << index;
                domain.pending = false;
                domain.cycle = if domain.period == 1 {
                    now
                } else {
                    now / domain.period
                };
                domain.next_edge += domain.period;
            }
            after = after.min(domain.next_edge);
        }
        let head = &self.head;
        self.wheel.fire(now, |waker| head.wake(waker));
        if let Some(sampler) = &mut self.sampler {
            sampler.begin(self.boundary.iter().chain(&self.interior), edges);
        }
        let mut due = false;
        for slot in self.boundary.iter_mut().chain(&mut self.interior) {
            let edge = edges >> slot.domain & 1 == 1;
            let always = self.no_sleep || slot.every_edge;
            let asked = edge && (always || slot.flags.iter().any(|word| word.get() != 0));
            // Also where nobody sleeps the sweep must know who was woken at this edge, and who not.
            slot.due = asked && (slot.group.take_due(now, head) || self.no_sleep);
            due |= slot.due;
        }
        if due {
            self.digest_stale = true;
            expect_all(&mut self.domains);
            self.sweep(true, 0);
        }
        self.send_frames(now, after);
        if due {
            self.sweep(false, 0);
        }
        self.end_instant(now, after);
    }

    /// Tells the neighbours of the instant just evaluated.
    #[inline(always)]
    fn send_frames(&mut self, now: Tick, after: Tick) {
        for link in &mut self.outbound {
            link.send(now, after);
        }
    }

    #[inline(always)]
    fn end_instant(&mut self, now: Tick, after: Tick) {
        self.end_records(now);
        if let Some(sampler) = &mut self.sampler {
            sampler.end(now, &self.fifos);
        }
        self.upcoming = after;
        if now == self.next_watch {
            self.watch_stalls(now);
            self.plan_watch();
        }
    }

    /// Sweeps the groups that touch cut wires, or the others, from one of them on.
    // Always: two calls of it per instant would be felt in machines of few modules.
    #[inline(always)]
    fn sweep(&mut self, boundary: bool, from: usize) {
        let (slots, first) = if boundary {
            (&mut self.boundary, 0)
        } else {
            (&mut self.interior, self.boundary.len())
        };
        let looking = self.sampler.as_ref().is_some_and(|it| it.looking);
        for (number, slot) in (first + from..).zip(&mut slots[from..]) {
            if !slot.due {
                continue;
            }
            self.head.sweeping.set(number + 1);
            let domain = &self.domains[usize::from(slot.domain)];
            let edge = Edge {
                head: &self.head,
                wheel: &self.wheel,
                cycle: domain.cycle,
                period: domain.period,
                no_sleep: self.no_sleep,
            };
            let timed = looking.then(|| Timed::begin(slot));
            slot.group.sweep(&edge, &mut self.faults);
            if let (Some(timed), Some(sampler)) = (timed, &mut self.sampler) {
                sampler.timed(number, slot, &timed);
            }
        }
        self.head.sweeping.set(0);
    }

    /// Whether nothing here can ever happen again by itself.
    pub(crate) fn quiescent(&self) -> bool {
        let silent = |slot: &GroupSlot| slot.group.silent(&self.head);
        self.wheel.is_empty()
            && self.boundary.iter().all(silent)
            && self.interior.iter().all(silent)
    }

    /// Whether any FIFO here holds an item.
    pub(crate) fn holds_items(&self) -> bool {
        self.fifos
            .iter()
            .any(|slot| slot.consumer && slot.store.occupancy() > 0)
    }

    /// The last instant at which anything was transferred on a wire of this shard.
    pub(crate) fn last_transfer(&self) -> Option<Tick> {
        let ticks = self
            .fifos
            .iter()
            .flat_map(|slot| [slot.store.last_push(), slot.store.last_pop()]);
        ticks.flatten().max()
    }

    /// This shard's share of the digest of everything that was transferred so far: a sum over
    /// wires, so that it does not matter which shard holds which.
    pub(crate) fn digest(&mut self) -> u64 {
        if self.digest_stale {
            self.digest_stale = false;
            self.digest = self
                .fifos
                .iter()
                .map(FifoSlot::digest)
                .fold(0, u64::wrapping_add);
        }
        self.digest
    }

    /// Adds each wire's share of the digest to `digests`, by wire number.
    pub(crate) fn wire_digests(&self, digests: &mut [u64]) {
        for slot in &self.fifos {
            let digest = &mut digests[slot.wire as usize];
            *digest = digest.wrapping_add(slot.digest());
        }
    }

    /// Visits the consumer's end of every wire that ends here.
    pub(crate) fn visit_wires(&self, mut visit: impl FnMut(u32, Store)) {
        for slot in self.fifos.iter().filter(|slot| slot.consumer) {
            visit(slot.wire, slot.store);
        }
    }

    /// The item pushed last on a wire whose producer is here, and when.
    pub(crate) fn last_item(&self, wire: u32, show: Show) -> Option<(Tick, String)> {
        let slot = self
            .fifos
            .iter()
            .find(|slot| slot.wire == wire && slot.producer)?;
        let tick = slot.store.last_push()?;
        Some((tick, slot.store.last_item(show)))
    }

    /// Every group here with its modules.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &dyn Group> {
        self.boundary
            .iter()
            .chain(&self.interior)
            .map(|slot| slot.group.as_ref())
    }

    /// The earliest request to end the run.
    pub(crate) fn finish_request(&self) -> Option<(Tick, u32, u32)> {
        let verdict = &self.verdict;
        (verdict.raised.get() != 0).then(|| {
            (
                verdict.tick.get(),
                verdict.instance.get(),
                verdict.code.get(),
            )
        })
    }

    pub(crate) fn used_bytes(&self) -> usize {
        self.arena.used_bytes()
    }
}

struct TakenIn {
    enough: bool,
    moved: bool,
}

impl FifoSlot {
    fn digest(&self) -> u64 {
        let key = mix(u64::from(self.wire).wrapping_add(1).wrapping_mul(GOLDEN));
        let pushes = if self.producer {
            mix(self.store.digest() ^ key)
        } else {
            0
        };
        let pops = if self.consumer {
            let last_pop = self.store.last_pop().unwrap_or(Tick::MAX);
            let history = absorb(last_pop, u64::from(self.store.head_index()));
            mix(history.wrapping_add(key))
        } else {
            0
        };
        pushes.wrapping_add(pops)
    }
}
