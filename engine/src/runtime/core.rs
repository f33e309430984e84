//! The inner state of a shard: everything an isolate's handler may touch, and nothing of the isolates
//! themselves, so that a handler has its own state and this at once.

#[cfg(test)]
use super::canary::{Canary, sings};
use super::desk::{Desk, Hears, KindDesks, Life};
use super::doors::Doors;
use super::ending::Ending;
use super::gate::Gate;
use super::handle::{Address, GENERATION_MAX, Handle};
use super::log::{Level, LogWriter};
use super::mail::{Mail, NONE};
use super::metrics::{Counter, ShardMetrics};
use super::names::Names;
use super::notice::Notices;
use super::outbox::{Frame, Outbox};
use super::payload::Depot;
use super::pool::Pools;
use super::rehearsal::Rehearsal;
use super::shard_set::ShardSet;
use super::timer::{Nanos, TICK_NANOS};
use super::tree::{Recent, Tree};
use crate::arena::Batch;
use crate::crew::{in_run, set_in_run};
use crate::random::Random;
use crate::time::Tick;
use crate::wheel::{NodeId, Waker, Wheel};
use std::any::{Any, TypeId};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What every shard knows of a kind.
pub(crate) struct KindType {
    pub(crate) name: &'static str,
    pub(crate) isolate: TypeId,
    pub(crate) message: TypeId,
}

/// What all shards of a runtime share: it is read often and written when something has happened.
pub(crate) struct Common {
    pub(crate) runtime: u32,
    pub(crate) kinds: Vec<KindType>,
    pub(crate) names: Names,
    /// Per shard.
    pub(crate) metrics: Vec<Arc<ShardMetrics>>,
    pub(crate) pools: Arc<Pools>,
    /// Per shard.
    pub(crate) depots: Vec<Arc<Depot>>,
    /// Per shard how often it went down or came up: odd while it is down.
    pub(crate) incarnations: Vec<AtomicU64>,
    /// Per shard the last generation of whom a hardware fault has taken along.
    pub(crate) lost_generations: Vec<AtomicU32>,
    /// Per shard when it was restarted or built anew lately.
    pub(crate) restarts: Vec<Mutex<Recent>>,
    /// Per shard whether it failed too often and waits to be revived.
    pub(crate) quarantined: Vec<AtomicBool>,
}

impl Common {
    /// Who has a well-known name now, if it takes messages of type `M`.
    pub(crate) fn find<M: 'static>(&self, name: &str) -> Option<Address<M>> {
        let handle = self.names.find(name)?;
        self.takes::<M>(handle).then(|| Address::of(handle))
    }

    /// A shard is down, if it was not before.
    pub(crate) fn go_down(&self, shard: usize) {
        self.incarnations[shard].fetch_or(1, Ordering::AcqRel);
    }

    /// Whether the kind of `handle` takes messages of type `M`; those of another runtime may not.
    pub(crate) fn takes<M: 'static>(&self, handle: Handle) -> bool {
        let kind = self.kinds.get(handle.kind());
        kind.is_some_and(|kind| kind.message == TypeId::of::<M>())
    }

    pub(crate) fn kind_of<I: 'static>(&self) -> Option<usize> {
        let wanted = TypeId::of::<I>();
        self.kinds.iter().position(|kind| kind.isolate == wanted)
    }
}

pub(crate) struct Core {
    pub(crate) shard: u8,
    /// The last generation of those who lived here before a hardware fault took them along.
    pub(crate) lost_generation: u32,
    pub(crate) now: Nanos,
    pub(crate) common: Arc<Common>,
    pub(crate) doors: Arc<Doors>,
    pub(crate) kinds: Vec<KindDesks>,
    pub(crate) desks: Batch<Desk>,
    pub(crate) mail: Mail,
    /// Envelopes that kinds are still sure of.
    pub(crate) mail_reserved: u32,
    pub(crate) notices: Notices,
    /// First of the notices that no isolate owns.
    pub(crate) orphans: u32,
    /// Notices left for proxies and for messages that come back.
    pub(crate) proxies_left: u32,
    pub(crate) refusals_left: u32,
    pub(crate) wheel: Wheel,
    /// None where the boot specification has no I/O.
    pub(crate) gate: Option<Gate>,
    /// By shard; none at this one's own place.
    pub(crate) outboxes: Vec<Option<Outbox>>,
    /// Shards to which something was sent in this turn, or waits to be.
    pub(crate) touched: ShardSet,
    /// A frame that is being filled.
    pub(crate) outgoing: Option<Frame>,
    /// By kind: what isolates start from.
    pub(crate) nurseries: Vec<Box<dyn Any>>,
    pub(crate) tree: Tree,
    pub(crate) metrics: Arc<ShardMetrics>,
    pub(crate) log: LogWriter,
    pub(crate) random: Random,
    pub(crate) seeded: Rehearsal,
    /// Who has ended and is not buried yet.
    pub(crate) deaths: Vec<(u32, Ending)>,
    /// Nodes of the wheel whose time has come.
    pub(crate) due: Vec<u32>,
    /// Whose event is being handled.
    pub(crate) current: u32,
    /// Whether the runtime is shutting down.
    pub(crate) stopping: bool,
    /// Isolates that live here, or will when their supervisor lets them.
    pub(crate) living_count: u32,
}

impl Core {
    /// Says whose code is run from now on, as a turn does.
    pub(crate) fn show_running(&self, handle: Handle) {
        let beat = self.metrics.heartbeat.load(Ordering::Relaxed) + 1;
        self.metrics.heartbeat.store(beat, Ordering::Relaxed);
        self.metrics.running.store(handle.bits(), Ordering::Relaxed);
    }

    pub(crate) fn tick(&self) -> Tick {
        self.now / TICK_NANOS
    }

    pub(crate) fn handle_of(&self, desk: u32) -> Handle {
        let seat = &self.desks[desk as usize];
        self.kinds[usize::from(seat.kind)].handle(self.shard, desk, seat.generation)
    }

    /// The desk of the generation that a handle names, if it is here, whoever sits there.
    #[inline]
    fn desk_of(&self, handle: Handle) -> Option<u32> {
        if handle.shard() != usize::from(self.shard) {
            return None;
        }
        let desk = self.kinds.get(handle.kind())?.first_desk + handle.slot() as u32;
        let seat = self.desks.get(desk as usize)?;
        let same =
            usize::from(seat.kind) == handle.kind() && seat.generation == handle.generation();
        #[cfg(test)]
        let same = same || sings(Canary::StaleHandle);
        same.then_some(desk)
    }

    /// The desk of whom a handle names, if it lives, and here.
    #[inline]
    pub(crate) fn find(&self, handle: Handle) -> Option<u32> {
        let desk = self.desk_of(handle)?;
        self.desks[desk as usize].is_taken().then_some(desk)
    }

    /// The same, also if it has ended and is not buried.
    pub(crate) fn find_even_ending(&self, handle: Handle) -> Option<u32> {
        let desk = self.desk_of(handle)?;
        let seat = &self.desks[desk as usize];
        (seat.is_taken() || seat.life == Life::Ending).then_some(desk)
    }

    /// Puts an isolate into its ready set, or takes it out, as its desk is now.
    #[inline]
    pub(crate) fn settle(&mut self, desk: u32) {
        let seat = &self.desks[desk as usize];
        let kind = &mut self.kinds[usize::from(seat.kind)];
        let slot = (desk - kind.first_desk) as usize;
        if seat.is_ready() {
            kind.ready.insert(slot);
        } else {
            kind.ready.remove(slot);
        }
    }

    /// The wheel's node of a notice.
    pub(crate) fn notice_node(notice: u32) -> (NodeId, Waker) {
        (NodeId(notice + 1), Waker(notice))
    }

    /// The wheel's node of a desk: for sleeps, and for the pause before a restart.
    pub(crate) fn desk_node(&self, desk: u32) -> (NodeId, Waker) {
        let number = self.notices.count() as u32 + desk;
        (NodeId(number + 1), Waker(number))
    }

    /// Says that an isolate has ended; it is buried before anybody else has a turn.
    pub(crate) fn end(&mut self, desk: u32, ending: Ending) {
        let seat = &mut self.desks[desk as usize];
        if seat.is_taken() {
            seat.life = Life::Ending;
            self.deaths.push((desk, ending));
            self.settle(desk);
        }
    }

    /// A free desk of a kind, taken for an isolate that starts in its next turn.
    pub(crate) fn take_desk(&mut self, kind: usize) -> Option<u32> {
        let desk = self.kinds[kind].free;
        if desk == NONE {
            return None;
        }
        self.kinds[kind].free = self.desks[desk as usize].next_free;
        self.living_count += 1;
        Some(desk)
    }

    /// Gives the desk a new generation, to be started in its next turn.
    pub(crate) fn seat(&mut self, desk: u32) -> Handle {
        let stopping = self.stopping;
        let seat = &mut self.desks[desk as usize];
        debug_assert!(matches!(seat.life, Life::Free | Life::Waiting));
        seat.life = Life::Starting;
        seat.generation += 1;
        self.metrics.note_generation(seat.generation);
        seat.hears = Hears::Everything;
        seat.resumed = false;
        seat.just_resumed = false;
        seat.stopping = stopping;
        seat.high_streak = 0;
        self.settle(desk);
        self.metrics.count(Counter::Started);
        self.handle_of(desk)
    }

    /// Whether the desk can be given to anybody again.
    pub(crate) fn is_worn(&self, desk: u32) -> bool {
        self.desks[desk as usize].generation == GENERATION_MAX
    }

    /// Gives an empty desk back.
    pub(crate) fn leave_desk(&mut self, desk: u32) {
        self.living_count -= 1;
        let worn = self.is_worn(desk);
        let seat = &mut self.desks[desk as usize];
        if worn {
            seat.life = Life::Worn;
            return;
        }
        let kind = &mut self.kinds[usize::from(seat.kind)];
        seat.life = Life::Free;
        seat.next_free = kind.free;
        kind.free = desk;
    }

    /// Fills `due` with the nodes whose time has come by `tick`.
    pub(crate) fn gather_due(&mut self, tick: Tick) {
        let due = &mut self.due;
        due.clear();
        self.wheel.fire(tick, |waker| due.push(waker.0));
    }

    pub(crate) fn log(&mut self, level: Level, isolate: Option<Handle>, text: fmt::Arguments<'_>) {
        self.log
            .write(&self.metrics, self.now, level, isolate, text);
    }

    /// Says in the log what panicked. Panics make messages on the heap: what is freed here was taken while
    /// unwinding.
    pub(crate) fn log_payload(
        &mut self,
        isolate: Option<Handle>,
        what: &str,
        payload: Box<dyn Any + Send>,
    ) {
        let within = in_run();
        set_in_run(false);
        let message = crate::panics::message_of(payload.as_ref());
        self.log(
            Level::Error,
            isolate,
            format_args!("{what} panicked: {message}"),
        );
        drop((message, payload));
        set_in_run(within);
    }

    /// The kind's name of whoever sits at a desk.
    pub(crate) fn kind_name(&self, desk: u32) -> &'static str {
        self.kinds[usize::from(self.desks[desk as usize].kind)].name
    }
}
