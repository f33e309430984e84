//! Whether a boot specification can be booted: all that is wrong with it at once.

use super::handle::{ISOLATE_KINDS_MAX, RUNTIME_SHARDS_MAX, SLOTS_MAX};
use super::kinds::{AnyKind, MAILBOX_SLOTS_MAX};
use super::mail::NONE;
use super::members::Child;
use super::payload::{PAYLOAD_BYTES_MAX, PAYLOAD_CLASSES_MAX, PAYLOADS_MAX};
use super::spec::{QUEUE_SLOTS_MAX, Specification};
use super::spec_error::{SpecError, SpecErrors};
use std::sync::Arc;

/// The most threads of a pool.
const POOL_THREADS_MAX: usize = 1024;
/// The most restarts in a budget: all of them are remembered.
const RESTARTS_MAX: usize = 1 << 20;

/// Takes down what lies outside its range.
struct Ranges<'a> {
    errors: &'a mut Vec<SpecError>,
}

impl Ranges<'_> {
    fn check(&mut self, what: impl Into<String>, value: usize, min: usize, max: usize) {
        if !(min..=max).contains(&value) {
            self.errors.push(SpecError::OutOfRange {
                what: what.into(),
                value,
                min,
                max,
            });
        }
    }
}

impl Specification {
    /// Everything that is wrong with it.
    pub(crate) fn check(&self, memory_bytes: Option<usize>) -> Result<(), SpecErrors> {
        let mut errors = Vec::new();
        let mut ranges = Ranges {
            errors: &mut errors,
        };
        self.check_kind_ranges(&mut ranges);
        self.check_other_ranges(&mut ranges);
        self.check_pools(&mut errors);
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

    fn check_kind_ranges(&self, ranges: &mut Ranges<'_>) {
        ranges.check("shards", self.shard_count, 1, RUNTIME_SHARDS_MAX);
        ranges.check("kinds", self.kinds().len(), 1, ISOLATE_KINDS_MAX);
        for (kind, limits) in self.kinds() {
            let name = kind.name();
            ranges.check(format!("kind {name}: slots"), limits.slots, 1, SLOTS_MAX);
            let mailbox = limits.mailbox_slots as usize;
            ranges.check(
                format!("kind {name}: mailbox_slots"),
                mailbox,
                1,
                MAILBOX_SLOTS_MAX as usize,
            );
            ranges.check(
                format!("kind {name}: weight"),
                limits.weight as usize,
                1,
                1 << 12,
            );
            let (max, reserve) = (limits.mail_max, limits.mail_reserve as usize);
            let mail_slots = limits.within_range().mail_slots();
            let mail_max = max.map_or(mail_slots, |max| max as usize);
            ranges.check(
                format!("kind {name}: mail_max"),
                mail_max,
                1,
                mail_slots.max(1),
            );
            ranges.check(
                format!("kind {name}: mail_reserve"),
                reserve,
                1,
                mail_max.max(1),
            );
        }
    }

    fn check_other_ranges(&self, ranges: &mut Ranges<'_>) {
        ranges.check("links: messages", self.link.messages as usize, 1, 1 << 20);
        ranges.check("links: replies", self.link.replies as usize, 1, 1 << 20);
        ranges.check(
            "threads",
            self.thread_count.unwrap_or(1),
            1,
            RUNTIME_SHARDS_MAX,
        );
        ranges.check("door: slots", self.door_slots, 0, QUEUE_SLOTS_MAX);
        ranges.check("log: slots", self.log_slots, 0, QUEUE_SLOTS_MAX);
        ranges.check(
            "escalation: restarts of a shard",
            self.shard_restarts.restarts as usize,
            0,
            RESTARTS_MAX,
        );
        ranges.check(
            "supervisor root: restarts",
            self.root_budget().restarts as usize,
            0,
            RESTARTS_MAX,
        );
        for (_, tree) in self.trees() {
            tree.visit(&mut |supervisor, child| {
                let name = &supervisor.name;
                let restarts = supervisor.budget.restarts as usize;
                if child.is_none() {
                    ranges.check(
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
            ranges.check(
                format!("pool {name}: threads"),
                pool.threads,
                1,
                POOL_THREADS_MAX,
            );
            ranges.check(format!("pool {name}: jobs"), pool.jobs, 1, QUEUE_SLOTS_MAX);
        }
        ranges.check(
            "payloads: sizes",
            self.payloads.len(),
            0,
            PAYLOAD_CLASSES_MAX,
        );
        for plan in &self.payloads {
            ranges.check("payloads: bytes", plan.bytes, 1, PAYLOAD_BYTES_MAX);
            ranges.check("payloads: count", plan.count, 1, PAYLOADS_MAX);
        }
    }

    fn check_pools(&self, errors: &mut Vec<SpecError>) {
        for (index, pool) in self.pools.iter().enumerate() {
            if self.pools[..index].iter().any(|it| it.name == pool.name) {
                let name = pool.name.clone();
                errors.push(SpecError::PoolTwice { name });
            }
        }
    }

    fn check_io(&self, errors: &mut Vec<SpecError>) {
        let Some((_, plan)) = self.io_plan() else {
            let with_io = self
                .kinds()
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
        for (index, (kind, _)) in self.kinds().iter().enumerate() {
            let twice = self.kinds()[..index].iter();
            if twice.clone().any(|(other, _)| other.name() == kind.name()) {
                errors.push(SpecError::KindTwice { kind: kind.name() });
            }
        }
    }

    fn check_trees(&self, errors: &mut Vec<SpecError>) {
        for (on, tree) in self.trees() {
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
                if !self.kinds().iter().any(known) {
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
        for (kind, limits) in self.kinds() {
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
