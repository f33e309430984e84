//! What a machine has to say of its own speed: samples of what modules and wires do, and the time
//! its threads waited. All of it is the host's; none of it reaches a result.

use super::Machine;
use crate::shard::{Sampler, Shard};
use std::time::Duration;

/// Sweeps of the modules of one kind that were timed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindTime {
    /// Time they took.
    pub time: Duration,
    /// Modules they clocked.
    pub clock_count: u64,
}

/// What was seen of a machine while it was sampled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Samples {
    /// Base-clock cycles over which it was sampled.
    pub cycles: u64,
    /// Per kind of the catalogue: its timed sweeps.
    pub kinds: Vec<KindTime>,
    /// Per instance: how often it was clocked, estimated.
    pub clock_counts: Vec<u64>,
    /// Per wire: instants at which an item was pushed, estimated.
    pub push_counts: Vec<u64>,
}

/// How a thread spent its runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadTimes {
    /// First of the shards it hosts, joined ones counted as one.
    pub first_shard: usize,
    /// How many it hosts.
    pub shard_count: usize,
    /// Time in runs, waiting included.
    pub total: Duration,
    /// Time without anything to do; short waits are estimated from a sample.
    pub wait: Duration,
    /// Per shard and neighbour, how often its frame was missing: where the waiting comes from.
    pub missing: Vec<(usize, u8, u64)>,
}

impl Machine {
    /// Begins to sample; what was sampled before is forgotten.
    pub fn start_sampling(&mut self) {
        self.sampled_from = self.cycle();
        self.ask_mut(|shard| {
            shard.start_sampling();
        });
    }

    /// Ends sampling and says what was seen; `None` if it was not begun.
    #[must_use]
    pub fn stop_sampling(&mut self) -> Option<Samples> {
        let mut samples = Samples {
            cycles: self.cycle() - self.sampled_from,
            kinds: Vec::new(),
            clock_counts: vec![0; self.blueprint.instances.len()],
            push_counts: vec![0; self.blueprint.wires.len()],
        };
        let seen = self.ask_mut(|shard| {
            let groups: Vec<Vec<u32>> = shard
                .groups()
                .map(|group| group.instance_numbers().to_vec())
                .collect();
            let wires: Vec<u32> = shard.wires().collect();
            shard.stop_sampling().map(|seen| (groups, wires, seen))
        });
        for (groups, wires, seen) in seen.into_iter().collect::<Option<Vec<_>>>()? {
            self.add_samples(&groups, &wires, &seen, &mut samples);
        }
        Some(samples)
    }

    fn add_samples(
        &self,
        groups: &[Vec<u32>],
        wires: &[u32],
        seen: &Sampler,
        samples: &mut Samples,
    ) {
        let scaled = |count: u32| u64::from(count) * seen.instant_count / seen.look_count.max(1);
        for ((numbers, counts), sweep) in groups.iter().zip(&seen.due_counts).zip(&seen.sweeps) {
            let Some(&first) = numbers.first() else {
                continue;
            };
            let kind = self.blueprint.instances[first as usize].kind as usize;
            if samples.kinds.len() <= kind {
                samples.kinds.resize(kind + 1, KindTime::default());
            }
            samples.kinds[kind].time += sweep.time;
            samples.kinds[kind].clock_count += sweep.clock_count;
            for (&number, &count) in numbers.iter().zip(counts) {
                samples.clock_counts[number as usize] += scaled(count);
            }
        }
        for (&wire, &count) in wires.iter().zip(&seen.push_counts) {
            samples.push_counts[wire as usize] += scaled(count);
        }
    }

    /// How each thread spent the runs so far.
    #[must_use]
    pub fn thread_times(&self) -> Vec<ThreadTimes> {
        let missing = self.ask(|shard| shard.missing().to_vec());
        let mut shards = missing.into_iter().zip(&self.plan.shards).enumerate();
        let hands = self.hands.iter().enumerate();
        hands
            .map(|(number, hand)| {
                let hosted = self.hosted(number);
                let of_shard = |(shard, (counts, plan)): (usize, (Vec<u64>, _))| {
                    let plan: &crate::plan::ShardPlan = plan;
                    let peers: Vec<u8> = plan.links.keys().copied().collect();
                    let counts = peers.into_iter().zip(counts);
                    counts
                        .map(|(peer, count)| (shard, peer, count))
                        .collect::<Vec<_>>()
                };
                ThreadTimes {
                    first_shard: hosted.start,
                    shard_count: hosted.len(),
                    total: hand.total,
                    wait: hand.wait,
                    missing: shards
                        .by_ref()
                        .take(hosted.len())
                        .flat_map(of_shard)
                        .collect(),
                }
            })
            .collect()
    }

    /// Asks every shard, which may change; the answers come in the order of shards.
    pub(super) fn ask_mut<R: Send + 'static>(
        &self,
        question: impl Fn(&mut Shard) -> R + Clone + Send + 'static,
    ) -> Vec<R> {
        self.ask_threads(move |shards| shards.iter_mut().map(question.clone()).collect())
    }
}
