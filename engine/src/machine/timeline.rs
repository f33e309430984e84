//! What the shards of a machine did with their time, while somebody wanted to know.

use super::Machine;
use crate::plan::hosted;
use crate::platform::now;
use crate::shard::Shard;
use crate::time_log::TimeSlice;
use std::ops::Range;

/// The time of a shard. All of it is the host's; none of it reaches a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardTimeline {
    /// The shards of the placement that it stands for: more than one where they were joined.
    pub placed: Range<usize>,
    /// Number of the thread that hosts it.
    pub thread: usize,
    /// What it did, in order of time, without gaps. Their number is bounded; see [`TimeSlice`].
    pub slices: Vec<TimeSlice>,
}

impl Machine {
    /// Begins to note what every shard does with its time; what was noted before is forgotten.
    pub fn start_timeline(&mut self) {
        let origin = now();
        self.ask_mut(move |shard| shard.start_timeline(origin));
    }

    /// What every shard did since then; no slices where nothing was begun.
    #[must_use]
    pub fn timeline(&self) -> Vec<ShardTimeline> {
        let shard_count = self.plan.shards.len();
        let is_joined = shard_count < self.placed_count;
        let slices = self.ask(Shard::time_slices);
        let threads = (0..self.hands.len())
            .flat_map(|thread| self.hosted(thread).map(move |shard| (shard, thread)));
        let timeline = |((shard, thread), slices): ((usize, usize), Vec<TimeSlice>)| {
            let placed = if is_joined {
                hosted(shard, shard_count, self.placed_count)
            } else {
                shard..shard + 1
            };
            let peers: Vec<u8> = self.plan.shards[shard].links.keys().copied().collect();
            let slices = slices.into_iter().map(|slice| slice.named(&peers));
            ShardTimeline {
                placed,
                thread,
                slices: slices.collect(),
            }
        };
        threads.zip(slices).map(timeline).collect()
    }
}
