//! The boot specification: what a runtime consists of, checked as a whole before anything is taken.

use super::desk::{Desk, ReadySet};
use super::doors::DoorPlan;
use super::handle::{ISOLATE_KINDS_MAX, RUNTIME_SHARDS_MAX, SLOTS_MAX};
use super::isolate::Isolate;
use super::kinds::{AnyKind, KindLimits, KindOf, MAILBOX_SLOTS_MAX};
use super::log::{Level, LogRecord};
use super::mail::{Mail, NONE};
use super::members::{Child, Garden, SupervisorSpec};
use super::notice::Notices;
use super::outbox::LinkLimits;
use super::pool::{PoolPlan, Pools};
use super::spec_error::{SpecError, SpecErrors};
use super::tree::{Budget, Recent, Tree};
use crate::io::{IoChoice, IoPlan};
use crate::plan::Region;
use crate::ring::ring_bytes;
use crate::wheel::Wheel;
use std::sync::Arc;
use std::time::Duration;

/// The most entries of a queue: of a door, of a log.
const QUEUE_SLOTS_MAX: usize = 1 << 24;
/// The most threads of a pool.
const POOL_THREADS_MAX: usize = 1024;
/// The most restarts in a budget: all of them are remembered.
const RESTARTS_MAX: usize = 1 << 20;

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
    kinds: Vec<(Arc<dyn AnyKind>, KindLimits)>,
    trees: Vec<(Option<usize>, SupervisorSpec)>,
    root: Budget,
    io: Option<(IoChoice, IoPlan)>,
    pub(crate) pools: Vec<PoolPlan>,
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
            kinds: Vec::new(),
            trees: Vec::new(),
            root: Budget::default(),
            io: None,
            pools: Vec::new(),
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
    fn shards(&self) -> std::ops::Range<usize> {
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
        let shard = self.arena_bytes() + self.doors().bytes() + io + log;
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

    /// Everything that is wrong with it.
    pub(crate) fn check(&self, memory_bytes: Option<usize>) -> Result<(), SpecErrors> {
        let mut errors = Vec::new();
        let mut limit = |what: String, value: usize, min: usize, max: usize| {
            if !(min..=max).contains(&value) {
                errors.push(SpecError::OutOfRange {
                    what,
                    value,
                    min,
                    max,
                });
            }
        };
        limit("shards".into(), self.shard_count, 1, RUNTIME_SHARDS_MAX);
        limit("kinds".into(), self.kinds.len(), 1, ISOLATE_KINDS_MAX);
        for (kind, limits) in &self.kinds {
            let name = kind.name();
            limit(format!("kind {name}: slots"), limits.slots, 1, SLOTS_MAX);
            let mailbox = limits.mailbox_slots as usize;
            limit(
                format!("kind {name}: mailbox_slots"),
                mailbox,
                1,
                MAILBOX_SLOTS_MAX as usize,
            );
            limit(
                format!("kind {name}: weight"),
                limits.weight as usize,
                1,
                1 << 12,
            );
            let (max, reserve) = (limits.mail_max, limits.mail_reserve as usize);
            let mail_slots = limits.within_range().mail_slots();
            let mail_max = max.map_or(mail_slots, |max| max as usize);
            limit(
                format!("kind {name}: mail_max"),
                mail_max,
                1,
                mail_slots.max(1),
            );
            limit(
                format!("kind {name}: mail_reserve"),
                reserve,
                1,
                mail_max.max(1),
            );
        }
        limit(
            "links: messages".into(),
            self.link.messages as usize,
            1,
            1 << 20,
        );
        limit(
            "links: replies".into(),
            self.link.replies as usize,
            1,
            1 << 20,
        );
        limit(
            "threads".into(),
            self.thread_count.unwrap_or(1),
            1,
            RUNTIME_SHARDS_MAX,
        );
        limit("door: slots".into(), self.door_slots, 0, QUEUE_SLOTS_MAX);
        limit("log: slots".into(), self.log_slots, 0, QUEUE_SLOTS_MAX);
        limit(
            "escalation: restarts of a shard".into(),
            self.shard_restarts.restarts as usize,
            0,
            RESTARTS_MAX,
        );
        limit(
            "supervisor root: restarts".into(),
            self.root.restarts as usize,
            0,
            RESTARTS_MAX,
        );
        for (_, tree) in &self.trees {
            tree.visit(&mut |supervisor, child| {
                let name = &supervisor.name;
                let restarts = supervisor.budget.restarts as usize;
                if child.is_none() {
                    limit(
                        format!("supervisor {name}: restarts"),
                        restarts,
                        0,
                        RESTARTS_MAX,
                    );
                }
            });
        }
        for pool in &self.pools {
            let name = &pool.name;
            limit(
                format!("pool {name}: threads"),
                pool.threads,
                1,
                POOL_THREADS_MAX,
            );
            limit(format!("pool {name}: jobs"), pool.jobs, 1, QUEUE_SLOTS_MAX);
        }
        for (index, pool) in self.pools.iter().enumerate() {
            if self.pools[..index].iter().any(|it| it.name == pool.name) {
                let name = pool.name.clone();
                errors.push(SpecError::PoolTwice { name });
            }
        }
        self.check_io(&mut errors);
        self.check_kinds(&mut errors);
        self.check_trees(&mut errors);
        self.check_totals(memory_bytes, &mut errors);
        if errors.is_empty() {
            Ok(())
        } else {
            Err(SpecErrors {
                errors,
                regions: self.regions(),
                bytes: self.bytes(),
            })
        }
    }

    fn check_io(&self, errors: &mut Vec<SpecError>) {
        let Some((_, plan)) = self.io_plan() else {
            let with_io = self
                .kinds
                .iter()
                .filter(|(_, limits)| limits.operations > 0);
            errors.extend(with_io.map(|(kind, _)| SpecError::NoIo { kind: kind.name() }));
            return;
        };
        errors.extend(plan.check().into_iter().map(SpecError::Io));
        let threads = self.thread_count.unwrap_or(self.shard_count);
        if threads < self.shard_count {
            errors.push(SpecError::IoOnSharedThreads {
                threads,
                shard_count: self.shard_count,
            });
        }
    }

    fn check_kinds(&self, errors: &mut Vec<SpecError>) {
        for (index, (kind, _)) in self.kinds.iter().enumerate() {
            let twice = self.kinds[..index].iter();
            if twice.clone().any(|(other, _)| other.name() == kind.name()) {
                errors.push(SpecError::KindTwice { kind: kind.name() });
            }
        }
    }

    fn check_trees(&self, errors: &mut Vec<SpecError>) {
        for (on, tree) in &self.trees {
            if let Some(shard) = on.filter(|&shard| shard >= self.shard_count) {
                errors.push(SpecError::NoSuchShard {
                    tree: tree.name.clone(),
                    shard,
                    shard_count: self.shard_count,
                });
            }
            tree.visit(&mut |supervisor, child| {
                let Some(child) = child else { return };
                let known =
                    |(kind, _): &(Arc<dyn AnyKind>, _)| kind.isolate() == child.seed.isolate();
                if !self.kinds.iter().any(known) {
                    errors.push(SpecError::UnknownKind {
                        kind: child.seed.kind_name(),
                        supervisor: supervisor.name.clone(),
                    });
                }
            });
        }
        let mut names = self.names();
        names.sort_unstable();
        let twice = names.windows(2).filter(|pair| pair[0] == pair[1]);
        let mut twice: Vec<&String> = twice.map(|pair| &pair[0]).collect();
        twice.dedup();
        errors.extend(
            twice
                .into_iter()
                .map(|name| SpecError::NameTwice { name: name.clone() }),
        );
        for shard in self.shards() {
            self.check_slots(shard, errors);
        }
        let twins = self.shards().flat_map(|shard| self.twin_supervisors(shard));
        let mut twins: Vec<String> = twins.collect();
        twins.sort_unstable();
        twins.dedup();
        errors.extend(
            twins
                .into_iter()
                .map(|name| SpecError::SupervisorTwice { name }),
        );
    }

    /// Names that more than one supervisor of a shard has, the one at the top included.
    fn twin_supervisors(&self, shard: usize) -> Vec<String> {
        let mut names = Vec::new();
        self.garden(shard).root().visit(&mut |supervisor, child| {
            if child.is_none() {
                names.push(supervisor.name.clone());
            }
        });
        names.sort_unstable();
        let twins = names.windows(2).filter(|pair| pair[0] == pair[1]);
        twins.map(|pair| pair[0].clone()).collect()
    }

    /// Whether the children of a shard have room.
    fn check_slots(&self, shard: usize, errors: &mut Vec<SpecError>) {
        for (kind, limits) in &self.kinds {
            let mut count = 0;
            self.garden(shard).root().visit(&mut |_, child| {
                let same = |child: &Child| child.seed.isolate() == kind.isolate();
                count += usize::from(child.is_some_and(same));
            });
            if count > limits.slots {
                errors.push(SpecError::TooManyChildren {
                    kind: kind.name(),
                    shard,
                    count,
                    slots: limits.slots,
                });
            }
        }
    }

    fn check_totals(&self, memory_bytes: Option<usize>, errors: &mut Vec<SpecError>) {
        let nodes = self.notice_count() + self.desk_count();
        for (what, count) in [
            ("isolates, calls, timers and monitors", nodes),
            ("envelopes", self.mail_slots()),
        ] {
            if count >= NONE as usize {
                errors.push(SpecError::TooManyRecords { what, count });
            }
        }
        // A host that swaps is a host that stands still.
        if let Some(memory) = memory_bytes
            && self.bytes() > memory / 10 * 9
        {
            errors.push(SpecError::TooMuchMemory {
                bytes: self.bytes(),
                memory,
            });
        }
    }
}
