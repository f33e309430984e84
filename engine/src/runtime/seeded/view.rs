//! A look at all shards between two turns.

use super::super::core::Core;
use super::super::group::TypedGroup;
use super::super::handle::Address;
use super::super::isolate::Isolate;
use super::super::metrics::Counter;
use super::super::shard::{Health, RuntimeShard};
use std::time::Duration;

/// What a checker sees: everything, and it changes nothing.
pub struct View<'a> {
    pub(super) shards: &'a [RuntimeShard],
    pub(super) now: Duration,
}

impl View<'_> {
    /// Time since the world began.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.now
    }

    /// How many shards there are.
    #[must_use]
    pub fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// Visits every isolate of a kind that has started, by shard and slot.
    pub fn each<I: Isolate>(&self, mut visit: impl FnMut(Address<I::Message>, &I)) {
        for shard in self.shards {
            let Some(kind) = shard.core.common.kind_of::<I>() else {
                return;
            };
            let group = shard.groups[kind].as_ref();
            let group = group.and_then(|group| group.as_any().downcast_ref::<TypedGroup<I>>());
            let first = shard.core.kinds[kind].first_desk;
            for (slot, isolate) in group.into_iter().flat_map(TypedGroup::isolates) {
                let handle = shard.core.handle_of(first + slot as u32);
                visit(Address::of(handle), isolate);
            }
        }
    }

    /// How many isolates of a kind there are.
    #[must_use]
    pub fn count<I: Isolate>(&self) -> usize {
        let mut count = 0;
        self.each::<I>(|_, _| count += 1);
        count
    }

    /// The sum of a counter over all shards.
    #[must_use]
    pub fn total(&self, counter: Counter) -> u64 {
        let of = |core: &Core| core.metrics.read().counter(counter);
        self.shards.iter().map(|shard| of(&shard.core)).sum()
    }

    /// Whether a shard is in quarantine.
    #[must_use]
    pub fn is_quarantined(&self, shard: usize) -> bool {
        self.shards[shard].health == Health::Quarantined
    }
}
