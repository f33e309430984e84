//! What a handler may do.

use super::call::{CallId, ReplyTo};
use super::claim::Claim;
use super::core::Core;
use super::directory::Directory;
use super::handle::{Address, Handle};
use super::io_access::Io;
use super::isolate::Isolate;
use super::log::Level;
use super::mail::{Lane, NONE};
use super::metrics::Counter;
use super::monitor::MonitorId;
use super::nursery::Nursery;
use super::parcel::Parcel;
use super::payload::{NoPayload, Payload};
use super::pool::{Job, PoolId};
use super::refusal::{SendError, Undelivered};
use super::timer::TimerId;
use super::tree::{Restart, SupervisorId};
use super::waiting::QuotaUsedUp;
use super::watching::{Watch, WatchError};
use crate::random::Random;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// Why no call was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCalled {
    /// The isolate has as many calls outstanding as its kind may have.
    QuotaUsedUp,
    /// The question was refused at once.
    Undelivered(Undelivered),
}

impl fmt::Display for NotCalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QuotaUsedUp => QuotaUsedUp.fmt(f),
            Self::Undelivered(why) => write!(f, "the question was refused: {why}"),
        }
    }
}

impl std::error::Error for NotCalled {}

/// Why no job was given to a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOffloaded {
    /// The isolate has as many calls outstanding as its kind may have.
    QuotaUsedUp,
    /// As many jobs as may be wait in the pool, or the runtime is shutting down.
    PoolFull,
}

impl fmt::Display for NotOffloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QuotaUsedUp => QuotaUsedUp.fmt(f),
            Self::PoolFull => f.write_str("as many jobs as may be wait in the pool"),
        }
    }
}

impl std::error::Error for NotOffloaded {}

/// Why no isolate was spawned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnError {
    /// The kind is not in the boot specification.
    UnknownKind,
    /// The supervisor is one of another shard.
    OtherShard,
    /// Every slot of the kind is taken.
    NoSlot,
    /// The runtime is shutting down.
    Stopping,
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownKind => "the boot specification does not have this kind",
            Self::OtherShard => "the supervisor is one of another shard",
            Self::NoSlot => "every slot of this kind is taken",
            Self::Stopping => "the runtime is shutting down",
        })
    }
}

impl std::error::Error for SpawnError {}

/// What an isolate of type `I` may do while it handles an event.
pub struct Context<'a, I: Isolate> {
    core: &'a mut Core,
    desk: u32,
    sender: Handle,
    isolate: PhantomData<fn(I)>,
}

impl<'a, I: Isolate> Context<'a, I> {
    pub(crate) fn new(core: &'a mut Core, desk: u32, sender: Handle) -> Self {
        Self {
            core,
            desk,
            sender,
            isolate: PhantomData,
        }
    }

    /// Its own address.
    #[must_use]
    pub fn address(&self) -> Address<I::Message> {
        Address::of(self.core.handle_of(self.desk))
    }

    /// Who sent the message at hand; [`Handle`] number 0 for other events and for messages from
    /// outside.
    #[must_use]
    pub fn sender(&self) -> Handle {
        self.sender
    }

    /// The shard it lives on.
    #[must_use]
    pub fn shard(&self) -> usize {
        usize::from(self.core.shard)
    }

    /// Shards of the runtime.
    #[must_use]
    pub fn shard_count(&self) -> usize {
        self.core.outboxes.len()
    }

    /// Time since the runtime was booted. The same for the whole turn.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.core.now)
    }

    /// The shard's source of randomness.
    pub fn random(&mut self) -> &mut Random {
        &mut self.core.random
    }

    /// Sends a message. `Ok` means that it is in the mailbox, or, for an isolate on another shard, that it
    /// will be or come back as [`Event::Refused`](super::Event::Refused).
    ///
    /// # Errors
    /// With the message, when it is refused at once.
    pub fn send<M: Send + 'static>(
        &mut self,
        to: Address<M>,
        message: M,
    ) -> Result<(), SendError<M>> {
        self.send_in(to, Lane::Normal, message)
    }

    /// The same, in a lane of the mailbox.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_in<M: Send + 'static>(
        &mut self,
        to: Address<M>,
        lane: Lane,
        message: M,
    ) -> Result<(), SendError<M>> {
        let source = self.core.handle_of(self.desk);
        self.core.send(source, to.handle(), lane, None, message)
    }

    /// Asks a question: `ask` makes the message from the right to answer it. The end of the call comes as
    /// [`Event::Reply`](super::Event::Reply), within `timeout` and exactly once.
    ///
    /// # Errors
    /// When the isolate may not have one more call, or the question is refused at once; the question is
    /// dropped.
    pub fn call<M: Send + 'static, R: Send + 'static>(
        &mut self,
        to: Address<M>,
        timeout: Duration,
        ask: impl FnOnce(ReplyTo<R>) -> M,
    ) -> Result<CallId<R>, NotCalled> {
        let claim = self.core.begin_call(self.desk, timeout);
        let claim: Claim = claim.map_err(|QuotaUsedUp| NotCalled::QuotaUsedUp)?;
        self.core.notices.at(claim.id.index).target = to.handle();
        let question = ask(ReplyTo::<R>::new(claim));
        let (source, id) = (claim.caller, claim.id);
        let sent = self
            .core
            .send(source, to.handle(), Lane::Normal, Some(id), question);
        match sent {
            Ok(()) => Ok(CallId {
                id,
                replies: PhantomData,
            }),
            Err(SendError { why, .. }) => {
                self.core.unbegin_call(self.desk, id);
                Err(NotCalled::Undelivered(why))
            }
        }
    }

    /// Answers a call. A caller that no longer waits does not hear it.
    pub fn reply<R: Send + 'static>(&mut self, to: ReplyTo<R>, value: R) {
        self.core.answer(to.into_claim(), Ok(Parcel::new(value)));
    }

    /// The pool of that name.
    #[must_use]
    pub fn pool(&self, name: &str) -> Option<PoolId> {
        self.core.common.pools.find(name)
    }

    /// Gives work that would stall the shard to a pool: computing for long, or a call that blocks. What it
    /// gives back, at most 96 bytes, comes as the end of a call, within `timeout` and exactly once:
    /// [`CallError::Panicked`](super::CallError::Panicked) if it panicked. Work that nobody waits for
    /// any more when its turn comes is not begun.
    ///
    /// The work runs on another thread: it may allocate and wait as it likes. What it returns is dropped
    /// here, where nothing may.
    ///
    /// # Errors
    /// When the isolate may not have one more call, or the pool one more job; the work is dropped.
    pub fn offload<R: Send + 'static>(
        &mut self,
        pool: PoolId,
        timeout: Duration,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<CallId<R>, NotOffloaded> {
        let claim = self.core.begin_call(self.desk, timeout);
        let claim: Claim = claim.map_err(|QuotaUsedUp| NotOffloaded::QuotaUsedUp)?;
        self.core.metrics.count(Counter::Jobs);
        if !self.core.common.pools.give(pool, Job::new(claim, work)) {
            self.core.metrics.count(Counter::JobsRefused);
            self.core.unbegin_call(self.desk, claim.id);
            return Err(NotOffloaded::PoolFull);
        }
        Ok(CallId {
            id: claim.id,
            replies: PhantomData,
        })
    }

    /// An empty payload with room for so many bytes, for what is larger than a message. It is this isolate's
    /// until it is moved: into a message, to whatever shard, without a copy of the bytes. A refused
    /// message brings it back; whoever drops it gives it back to this shard.
    ///
    /// # Errors
    /// [`Specification::payloads`](super::Specification::payloads) has none so long, or all are in use.
    pub fn payload(&mut self, bytes: usize) -> Result<Payload, NoPayload> {
        self.core.common.depots[self.shard()].take(bytes)
    }

    /// A payload with these bytes in it.
    ///
    /// # Errors
    /// As [`payload`](Self::payload).
    pub fn filled_payload(&mut self, bytes: &[u8]) -> Result<Payload, NoPayload> {
        self.core.common.depots[self.shard()].take_filled(bytes)
    }

    /// A timer that runs out once, `after` from now, as [`Event::Timer`](super::Event::Timer).
    ///
    /// # Errors
    /// When the isolate has as many timers as its kind may have.
    pub fn timer(&mut self, after: Duration) -> Result<TimerId, QuotaUsedUp> {
        self.core.set_timer(self.desk, after, None)
    }

    /// A timer that runs out every `period`. Events do not pile up: the next period begins when the
    /// event is handled.
    ///
    /// # Errors
    /// As [`timer`](Self::timer).
    pub fn timer_every(&mut self, period: Duration) -> Result<TimerId, QuotaUsedUp> {
        self.core.set_timer(self.desk, period, Some(period))
    }

    /// Lets a timer run out `after` from now instead; false if it has run out or is not there.
    pub fn renew_timer(&mut self, timer: TimerId, after: Duration) -> bool {
        self.core.change_timer(self.desk, timer, Some(after))
    }

    /// Ends a timer; false if it had run out. Either way there will be no event of it.
    pub fn cancel_timer(&mut self, timer: TimerId) -> bool {
        self.core.change_timer(self.desk, timer, None)
    }

    /// Asks to be told, by [`Event::Down`](super::Event::Down), when `who` ends.
    ///
    /// # Errors
    /// When the isolate may not have one more monitor, or the ring to the other's shard is full.
    pub fn monitor(&mut self, who: Handle) -> Result<MonitorId, WatchError> {
        self.core.watch(self.desk, who, Watch::Monitor)
    }

    /// Ends when `who` ends abnormally.
    ///
    /// # Errors
    /// As [`monitor`](Self::monitor).
    pub fn follow(&mut self, who: Handle) -> Result<MonitorId, WatchError> {
        self.core.watch(self.desk, who, Watch::Follow)
    }

    /// Ends when `who` ends abnormally, and lets `who` end when this isolate does: each has a monitor of it.
    ///
    /// # Errors
    /// As [`monitor`](Self::monitor), and when the other may not have one more. One on another shard that may
    /// not, that has ended, or whose shard's ring back is full, ends this isolate. An isolate that ends,
    /// however, before the other's shard has heard of the link ends the other.
    pub fn link(&mut self, who: Handle) -> Result<MonitorId, WatchError> {
        self.core.watch(self.desk, who, Watch::Link)
    }

    /// Ends another isolate, on whatever shard: its supervisor sees [`Ending::ByOther`](super::Ending::ByOther) and
    /// does what it does after a failure. From another shard it may end a little later.
    ///
    /// # Errors
    /// When it has ended, as far as is known here, or the ring to its shard is full.
    pub fn end(&mut self, who: Handle) -> Result<(), Undelivered> {
        let me = self.core.handle_of(self.desk);
        self.core.order_end(me, who)
    }

    /// Ends a watch, of a link this isolate's half; false if it was over. Either way there will be no event
    /// of it.
    pub fn unmonitor(&mut self, monitor: MonitorId) -> bool {
        self.core.unwatch(self.desk, monitor)
    }

    /// Asks for [`Event::Peer`](super::Event::Peer) when a shard goes down or comes up.
    ///
    /// # Errors
    /// When the isolate has as many monitors as its kind may have.
    pub fn watch_peers(&mut self) -> Result<(), QuotaUsedUp> {
        self.core.watch_peers(self.desk)
    }

    /// Who has a well-known name now, on whatever shard, if it takes messages of type `M`.
    #[must_use]
    pub fn find<M: 'static>(&self, name: &str) -> Option<Address<M>> {
        self.core.common.find(name)
    }

    /// Names and counters, to be kept.
    #[must_use]
    pub fn directory(&self) -> Directory {
        Directory::new(self.core.common.clone())
    }

    /// The supervisor of that name on this shard.
    #[must_use]
    pub fn supervisor(&self, name: &str) -> Option<SupervisorId> {
        let number = self.core.tree.find(name)?;
        Some(SupervisorId {
            shard: self.core.shard,
            number,
        })
    }

    /// Spawns an isolate on this shard, under the supervisor of the spawner, never to be restarted. It
    /// starts in its first turn; messages sent before wait.
    ///
    /// # Errors
    /// When there is no slot for it.
    pub fn spawn<K: Isolate>(&mut self, init: K::Init) -> Result<Address<K::Message>, SpawnError> {
        let parent = SupervisorId {
            shard: self.core.shard,
            number: self.core.tree.node(self.desk).parent,
        };
        self.spawn_under::<K>(parent, Restart::Temporary, init)
    }

    /// Spawns an isolate on this shard under a supervisor, which starts it again as `restart` says.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub fn spawn_under<K: Isolate>(
        &mut self,
        supervisor: SupervisorId,
        restart: Restart,
        init: K::Init,
    ) -> Result<Address<K::Message>, SpawnError> {
        let kind = self
            .core
            .common
            .kind_of::<K>()
            .ok_or(SpawnError::UnknownKind)?;
        if supervisor.shard != self.core.shard {
            return Err(SpawnError::OtherShard);
        }
        if self.core.stopping {
            return Err(SpawnError::Stopping);
        }
        let desk = self.core.take_desk(kind).ok_or(SpawnError::NoSlot)?;
        let slot = (desk - self.core.kinds[kind].first_desk) as usize;
        let nursery = self.core.nurseries[kind].downcast_mut::<Nursery<K>>();
        let old = nursery.expect("made for this kind").plant(slot, init);
        self.core
            .tree
            .adopt(desk, supervisor.number, restart, false, NONE);
        let now = self.core.now;
        self.core.tree.node(desk).started = now;
        let address = Address::of(self.core.seat(desk));
        // Last, for it is code of the isolate's and may panic.
        drop(old);
        Ok(address)
    }

    /// Files and sockets.
    pub fn io(&mut self) -> Io<'_> {
        Io {
            core: self.core,
            desk: self.desk,
        }
    }

    /// Writes to the log. What is longer than a record is cut; what finds no room is counted.
    pub fn log(&mut self, level: Level, text: fmt::Arguments<'_>) {
        let me = self.core.handle_of(self.desk);
        self.core.log(level, Some(me), text);
    }
}
