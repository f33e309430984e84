//! The boot specification: what a runtime consists of, checked as a whole before anything is taken.

use super::desk::{Desk, ReadySet};
use super::doors::DoorPlan;
use super::handle::RUNTIME_SHARDS_MAX;
use super::isolate::Isolate;
use super::kinds::{AnyKind, KindLimits, KindOf};
use super::log::{Level, LogRecord};
use super::mail::Mail;
use super::members::{Garden, SupervisorSpec};
use super::notice::Notices;
use super::outbox::LinkLimits;
use super::payload::PayloadPlan;
use super::pool::{PoolPlan, Pools};
use super::tree::{Budget, Recent, Tree};
use crate::io::{IoChoice, IoPlan};
use crate::plan::Region;
use crate::ring::ring_bytes;
use crate::wheel::Wheel;
use std::sync::Arc;
use std::time::Duration;

/// The most entries of a queue: of a door, of a log.
pub(crate) const QUEUE_SLOTS_MAX: usize = 1 << 24;

/// What a hardware fault of an isolate leads to: a wild pointer, a stack overflow and their like, in its
/// `start`, its `handle` or its `Drop`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFault {
    /// The process ends with the signal and a report: before it faulted, a wild write may have changed any
    /// memory of the process, and nobody can say that what goes on is right.
    #[default]
    EndProcess,
    /// Everything on the isolate's thread, which is its shard where each has a thread of its own, is
    /// abandoned, and its shard built anew; everybody else goes on. For those who would rather serve on,
    /// and for whom a fault is a stack overflow or a foreign library's mistake more likely than a wild write.
    RebuildShard,
}

/// What a runtime consists of.
pub struct Specification {
    pub(crate) shard_count: usize,
    pub(crate) thread_count: Option<usize>,
    pub(crate) pin: bool,
    pub(crate) link: LinkLimits,
    pub(crate) proxies: u32,
    pub(crate) refusals: u32,
    pub(crate) door_slots: usize,
    pub(crate) log_level: Level,
    pub(crate) log_slots: usize,
    pub(crate) seed: u64,
    pub(crate) watchdog: Option<Duration>,
    pub(crate) shard_restarts: Budget,
    pub(crate) on_fault: OnFault,
    kinds: Vec<(Arc<dyn AnyKind>, KindLimits)>,
    trees: Vec<(Option<usize>, SupervisorSpec)>,
    root: Budget,
    io: Option<(IoChoice, IoPlan)>,
    pub(crate) pools: Vec<PoolPlan>,
    pub(crate) payloads: Vec<PayloadPlan>,
}

impl Specification {
    /// A runtime of so many shards, with nobody on them yet.
    #[must_use]
    pub fn new(shard_count: usize) -> Self {
        Self {
            shard_count,
            thread_count: None,
            pin: false,
            link: LinkLimits::default(),
            proxies: 1024,
            refusals: 1024,
            door_slots: 1024,
            log_level: Level::Info,
            log_slots: 1024,
            seed: 0,
            watchdog: None,
            shard_restarts: Budget {
                restarts: 2,
                window: Duration::from_secs(30),
            },
            on_fault: OnFault::default(),
            kinds: Vec::new(),
            trees: Vec::new(),
            root: Budget::default(),
            io: None,
            pools: Vec::new(),
            payloads: Vec::new(),
        }
    }

    /// Threads that host the shards; one per shard unless there are fewer cores.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.thread_count = Some(threads);
        self
    }

    /// Pins each thread to a core of its own.
    #[must_use]
    pub fn pinned(mut self) -> Self {
        self.pin = true;
        self
    }

    /// Adds a kind of isolates.
    #[must_use]
    pub fn kind<I: Isolate>(mut self, limits: KindLimits) -> Self {
        self.kinds.push((Arc::new(KindOf::<I>::new()), limits));
        self
    }

    /// Puts a supervision tree on every shard.
    #[must_use]
    pub fn tree(mut self, tree: SupervisorSpec) -> Self {
        self.trees.push((None, tree));
        self
    }

    /// Puts a supervision tree on one shard.
    #[must_use]
    pub fn tree_on(mut self, shard: usize, tree: SupervisorSpec) -> Self {
        self.trees.push((Some(shard), tree));
        self
    }

    /// Gives every shard files and sockets, and a thread of its own. Which kinds may do I/O, and how much
    /// at a time, [`KindLimits::operations`] says; places for owners and operations in the plan are
    /// counted from there, whatever it says.
    #[must_use]
    pub fn io(mut self, choice: IoChoice, plan: IoPlan) -> Self {
        self.io = Some((choice, plan));
        self
    }

    /// Adds threads beside the shards, on which work given by
    /// [`Context::offload`](super::Context::offload) is done, and how much of it may wait. For what
    /// computes, as many threads as there are cores to spare; for what blocks, as many as may block at
    /// a time.
    #[must_use]
    pub fn pool(mut self, name: impl Into<String>, threads: usize, jobs: usize) -> Self {
        self.pools.push(PoolPlan {
            name: name.into(),
            threads,
            jobs,
        });
        self
    }

    /// Gives every shard `count` payloads of so many bytes, for what is larger than a message: see
    /// [`Context::payload`](super::Context::payload). Said several times, there are several sizes.
    #[must_use]
    pub fn payloads(mut self, bytes: usize, count: usize) -> Self {
        self.payloads.push(PayloadPlan { bytes, count });
        self
    }

    /// What may be on its way between two shards.
    #[must_use]
    pub fn links(mut self, limits: LinkLimits) -> Self {
        self.link = limits;
        self
    }

    /// Per shard: watches with isolates of other shards, at either end; and messages from other shards that
    /// may come back at once.
    #[must_use]
    pub fn watches_and_refusals(mut self, proxies: u32, refusals: u32) -> Self {
        (self.proxies, self.refusals) = (proxies, refusals);
        self
    }

    /// What the log keeps, and how many records may wait to be taken out.
    #[must_use]
    pub fn log(mut self, level: Level, slots: usize) -> Self {
        (self.log_level, self.log_slots) = (level, slots);
        self
    }

    /// Messages from outside that may wait in front of a shard.
    #[must_use]
    pub fn door(mut self, slots: usize) -> Self {
        self.door_slots = slots;
        self
    }

    /// What the shards' randomness is drawn from.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Names an isolate in the log that is in its handler for longer than this, and ends it when the
    /// handler returns.
    #[must_use]
    pub fn watchdog(mut self, limit: Duration) -> Self {
        self.watchdog = Some(limit);
        self
    }

    /// What a hardware fault of an isolate leads to. Rebuilds count among the restarts of a shard, of which so
    /// many in a time lead to [quarantine](Self::escalation).
    #[must_use]
    pub fn on_fault(mut self, on_fault: OnFault) -> Self {
        self.on_fault = on_fault;
        self
    }

    /// How often the supervisor at the top may start trees again before the shard is restarted, and how
    /// often the shard may be before it is put in quarantine.
    #[must_use]
    pub fn escalation(mut self, root: Budget, shard: Budget) -> Self {
        (self.root, self.shard_restarts) = (root, shard);
        self
    }

    pub(crate) fn kinds(&self) -> &[(Arc<dyn AnyKind>, KindLimits)] {
        &self.kinds
    }

    /// Trees, each with the shard it stands on; none: on every one.
    pub(crate) fn trees(&self) -> &[(Option<usize>, SupervisorSpec)] {
        &self.trees
    }

    pub(crate) fn root_budget(&self) -> Budget {
        self.root
    }

    /// All of shard `shard` that is there from the start.
    pub(crate) fn garden(&self, shard: usize) -> Garden {
        let here = self
            .trees
            .iter()
            .filter(|(on, _)| on.is_none_or(|on| on == shard));
        let trees = here.map(|(_, tree)| tree.clone()).collect();
        Garden::new(shard, self.root, trees)
    }

    /// Kinds and what they may have, no more than is allowed, so that sums of what is wrong are numbers.
    fn sizes(&self) -> impl Iterator<Item = (&dyn AnyKind, KindLimits)> {
        self.kinds
            .iter()
            .map(|(kind, limits)| (&**kind, limits.within_range()))
    }

    /// Shards, no more than are allowed.
    pub(crate) fn shards(&self) -> std::ops::Range<usize> {
        0..self.shard_count.min(RUNTIME_SHARDS_MAX)
    }

    /// All well-known names.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for shard in self.shards() {
            self.garden(shard).root().visit(&mut |_, child| {
                names.extend(child.and_then(|child| child.name.clone()));
            });
        }
        names
    }

    pub(crate) fn desk_count(&self) -> usize {
        self.sizes().map(|(_, limits)| limits.slots).sum()
    }

    pub(crate) fn mail_slots(&self) -> usize {
        self.sizes().map(|(_, limits)| limits.mail_slots()).sum()
    }

    pub(crate) fn notice_count(&self) -> usize {
        let kinds: usize = self.sizes().map(|(_, limits)| limits.notices()).sum();
        kinds + self.proxies as usize + self.refusals as usize
    }

    pub(crate) fn call_count(&self) -> usize {
        let calls = |limits: KindLimits| limits.slots * usize::from(limits.calls);
        self.sizes().map(|(_, limits)| calls(limits)).sum()
    }

    /// What each shard's I/O is made of.
    pub(crate) fn io_plan(&self) -> Option<(IoChoice, IoPlan)> {
        let (choice, mut plan) = self.io?;
        let operations = |limits: KindLimits| limits.slots * usize::from(limits.operations);
        let operations: usize = self.sizes().map(|(_, limits)| operations(limits)).sum();
        plan.owner_places = u32::try_from(self.desk_count()).unwrap_or(u32::MAX);
        plan.operation_slots = u32::try_from(operations).unwrap_or(u32::MAX);
        Some((choice, plan))
    }

    /// What may wait in front of a shard.
    pub(crate) fn doors(&self) -> DoorPlan {
        DoorPlan {
            messages: self.door_slots.min(QUEUE_SLOTS_MAX),
            calls: self.call_count(),
            notices: self.notice_count(),
        }
    }

    pub(crate) fn supervisor_count(&self, shard: usize) -> usize {
        self.garden(shard).root().supervisor_count()
    }

    /// What one shard's arena consists of, by name, and what lies beside it.
    #[must_use]
    pub fn regions(&self) -> Vec<Region> {
        let (desks, notices) = (self.desk_count(), self.notice_count());
        let region = |name: &str, count: usize, bytes: usize| Region {
            name: name.to_owned(),
            count,
            bytes,
        };
        let mut regions = vec![region("desks", desks, desks * size_of::<Desk>() + 64)];
        for (kind, limits) in self.sizes() {
            let slots = limits.slots;
            let bytes = kind.bytes(slots) + ReadySet::bytes(slots);
            regions.push(region(&format!("isolates {}", kind.name()), slots, bytes));
        }
        let mail = self.mail_slots();
        regions.push(region("envelopes", mail, Mail::bytes(mail)));
        regions.push(region("notices", notices, Notices::bytes(notices)));
        let nodes = notices + desks;
        regions.push(region("timing wheel nodes", nodes + 1, Wheel::bytes(nodes)));
        regions
    }

    /// Bytes of one shard's arena.
    pub(crate) fn arena_bytes(&self) -> usize {
        self.regions().iter().map(|region| region.bytes).sum()
    }

    /// Bytes of everything that grows with the specification.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let shard_count = self.shards().len();
        let pairs = shard_count * shard_count.saturating_sub(1);
        let lines = self.link.ring_lines().next_power_of_two();
        let trees: usize = self.shards().map(|shard| self.tree_bytes(shard)).sum();
        let io = self
            .io_plan()
            .map_or(0, |(_, plan)| plan.buffer_bytes() + plan.table_bytes());
        let log = self.log_slots.min(QUEUE_SLOTS_MAX) * size_of::<LogRecord>();
        let payloads: usize = self.payloads.iter().map(|plan| plan.total_bytes()).sum();
        let shard = self.arena_bytes() + self.doors().bytes() + io + log + payloads;
        let pools: usize = self.pools.iter().map(Pools::bytes).sum();
        shard_count * shard + pools + trees + pairs * ring_bytes(lines)
    }

    /// Bytes of who stands under whom on a shard, and of when supervisors acted lately.
    fn tree_bytes(&self, shard: usize) -> usize {
        let garden = self.garden(shard);
        let mut recent = Recent::bytes(self.shard_restarts);
        garden.root().visit(&mut |supervisor, child| {
            if child.is_none() {
                recent += Recent::bytes(supervisor.budget);
            }
        });
        Tree::bytes(self.desk_count(), garden.root().supervisor_count()) + recent
    }
}
