//! How fast a machine would be on more cores: a model fed by a profile.
//!
//! ```text
//!   shard:   | boundary | frames |        interior          |        work + frames
//!   link:               |- handshake ->|                             boundary + frames + handshake
//! ```
//!
//! In a cycle a shard clocks its modules and exchanges a frame with each neighbour. A cycle takes as
//! long as the slower of two things: a shard's own work, and the way of a frame to a neighbour, once
//! per latency of the wires between them. What is clocked while frames travel hides their way, but
//! not the fetching of a frame that has arrived: that takes as long once more.
//! Nothing else is in the model: no memory bandwidth, no caches that a part fits better than the
//! whole, no sockets. The constants are fitted to two shards on two cores; for more cores its
//! figures are predictions and must be called so.

use crate::design::Design;
use crate::partition::{Hints, PartitionError, Summary, partition};
use crate::profile::Profile;
use serde::Serialize;
use std::collections::BTreeMap;
use tina_engine::Catalogue;

/// Host nanoseconds of one frame, sent and received.
const FRAME_NS: f64 = 60.0;
/// Host nanoseconds of an item and its credit at either end of a cut wire.
const ITEM_NS: f64 = 8.0;
/// What a shard's work varies from cycle to cycle, as a share of it: neighbours wait for the slower.
const UNEVEN: f64 = 0.05;
/// A frame from core to core where it was not measured, in nanoseconds.
const HANDSHAKE_NS: f64 = 120.0;

/// What one shard is predicted to do in a base cycle, in host nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ShardCost {
    /// Clocking its modules.
    pub work_ns: f64,
    /// Sending and receiving frames.
    pub frame_ns: f64,
    /// Waiting for neighbours.
    pub wait_ns: f64,
}

/// The predicted speed of one placement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// Shards, each on a core of its own.
    pub shard_count: usize,
    /// Host nanoseconds of a base cycle.
    pub cycle_ns: f64,
    /// Against one shard.
    pub speed_up: f64,
    /// Wires between shards.
    pub cut_wire_count: usize,
    /// Items over them in a cycle.
    pub cut_items: f64,
    /// Per shard.
    pub shards: Vec<ShardCost>,
    /// What keeps it from being faster.
    pub bound: Bound,
}

/// What a cycle of a placement mostly waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Modules, evenly spread.
    Work,
    /// One shard has more to do than the others.
    Balance,
    /// Frames and items over cut wires.
    Cut,
    /// The way of a frame between two cores.
    Handshake,
}

impl Bound {
    /// In words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Balance => "balance",
            Self::Cut => "cut",
            Self::Handshake => "handshake",
        }
    }
}

/// Predicts the speed of a design on `shard_count` shards, each on a core of its own.
///
/// # Errors
/// When the design cannot be placed on so many.
pub fn predict(
    design: &Design,
    catalogue: &Catalogue,
    profile: &Profile,
    shard_count: usize,
) -> Result<Prediction, PartitionError> {
    let weights = profile.weights(design, catalogue);
    let hints = Hints::of(design, Some(&weights));
    let placed = partition(&design.blueprint, catalogue, hints, shard_count)?;
    Ok(of_placement(&placed.summary, profile))
}

/// Predicts the speed of a placement that was made by this profile.
#[must_use]
pub fn of_placement(summary: &Summary, profile: &Profile) -> Prediction {
    let handshake_ns = profile.handshake_ns.unwrap_or(HANDSHAKE_NS);
    let mut shards: Vec<ShardCost> = summary
        .shards
        .iter()
        .map(|shard| ShardCost {
            work_ns: shard.load_ps as f64 / 1e3,
            frame_ns: 0.0,
            wait_ns: 0.0,
        })
        .collect();
    let pairs = pairs(summary);
    for (&(low, high), pair) in &pairs {
        let frames = pair.items.min(1.0).max(1.0 / pair.latency_cycles);
        for shard in [low, high] {
            shards[shard].frame_ns += frames * FRAME_NS + pair.items * ITEM_NS;
        }
    }
    let own = |shard: &ShardCost| shard.work_ns + shard.frame_ns;
    let busiest = shards.iter().map(own).fold(0.0, f64::max);
    let waits = |(&(low, high), pair): (&(usize, usize), &Pair)| {
        let before =
            |shard: usize| summary.shards[shard].boundary_ps as f64 / 1e3 + shards[shard].frame_ns;
        (before(low).max(before(high)) + handshake_ns) / pair.latency_cycles
    };
    let frame_way = pairs.iter().map(waits).fold(0.0, f64::max);
    let fetches = pairs
        .values()
        .map(|pair| handshake_ns / pair.latency_cycles);
    let fetch = fetches.fold(0.0, f64::max);
    let uneven = if pairs.is_empty() { 0.0 } else { UNEVEN };
    let mean_work = shards.iter().map(|it| it.work_ns).sum::<f64>() / shards.len() as f64;
    let cycle_ns = busiest.max(frame_way) + fetch + uneven * mean_work;
    let most = |of: fn(&ShardCost) -> f64| shards.iter().map(of).fold(0.0, f64::max);
    let (most_work, most_frames) = (most(|it| it.work_ns), most(|it| it.frame_ns));
    let bound = if frame_way > busiest || fetch > most_work / 2.0 {
        Bound::Handshake
    } else if most_frames > most_work / 4.0 {
        Bound::Cut
    } else if most_work > mean_work * 1.15 {
        Bound::Balance
    } else {
        Bound::Work
    };
    for shard in &mut shards {
        shard.wait_ns = cycle_ns - own(shard);
    }
    let one_ns: f64 = shards.iter().map(|shard| shard.work_ns).sum();
    Prediction {
        shard_count: summary.shards.len(),
        cycle_ns,
        speed_up: if cycle_ns > 0.0 {
            one_ns / cycle_ns
        } else {
            1.0
        },
        cut_wire_count: summary.cut_wire_count(),
        cut_items: summary.milli_transfers() as f64 / 1e3,
        shards,
        bound,
    }
}

/// Both links between two shards.
struct Pair {
    items: f64,
    /// The least latency between them.
    latency_cycles: f64,
}

fn pairs(summary: &Summary) -> BTreeMap<(usize, usize), Pair> {
    let mut pairs: BTreeMap<(usize, usize), Pair> = BTreeMap::new();
    for link in &summary.links {
        let ends = (usize::from(link.from), usize::from(link.to));
        let key = (ends.0.min(ends.1), ends.0.max(ends.1));
        let latency = link.latency_ticks as f64 / summary.base_period_ticks as f64;
        let pair = pairs.entry(key).or_insert(Pair {
            items: 0.0,
            latency_cycles: f64::INFINITY,
        });
        pair.items += link.milli_transfers as f64 / 1e3;
        // Credits come back after one cycle at the earliest, but are waited for only when needed.
        pair.latency_cycles = pair.latency_cycles.min(latency);
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partition::{LinkLoad, Method, ShardLoad};

    /// Two shards of so many nanoseconds each, tied by wires of a latency.
    fn prediction(loads_ns: [u64; 2], latency: u64, handshake_ns: f64) -> Prediction {
        let shard = |ns: u64| ShardLoad {
            instance_count: 1,
            load_ps: ns * 1_000,
            boundary_ps: ns * 100,
        };
        let link = |from, to| LinkLoad {
            from,
            to,
            wire_count: 4,
            milli_transfers: 2_000,
            latency_ticks: latency * 10,
        };
        let summary = Summary {
            method: Method::Metis,
            shards: loads_ns.map(shard).to_vec(),
            links: vec![link(0, 1), link(1, 0)],
            base_period_ticks: 10,
        };
        let profile = Profile {
            cycles: 1_000,
            cycle_ns: (loads_ns[0] + loads_ns[1]) as f64,
            handshake_ns: Some(handshake_ns),
            kinds: BTreeMap::new(),
            clocks: Vec::new(),
            transfers: Vec::new(),
        };
        of_placement(&summary, &profile)
    }

    #[test]
    fn much_work_doubles_little_work_does_not() {
        let much = prediction([100_000, 100_000], 1, 200.0);
        assert!(much.speed_up > 1.85, "{much:?}");
        assert_eq!(much.bound, Bound::Work);
        let little = prediction([200, 200], 1, 200.0);
        assert!(little.speed_up < 1.0, "{little:?}");
        assert_eq!(little.bound, Bound::Handshake);
        assert_eq!((much.cut_wire_count, much.cut_items), (8, 4.0));
    }

    #[test]
    fn latency_hides_handshakes_and_imbalance_shows() {
        let near = prediction([1_000, 1_000], 1, 400.0);
        let far = prediction([1_000, 1_000], 8, 400.0);
        assert!(far.speed_up > near.speed_up * 1.2, "{near:?} {far:?}");
        let uneven = prediction([1_500, 500], 8, 100.0);
        assert_eq!(uneven.bound, Bound::Balance);
        assert!(uneven.shards[1].wait_ns > 900.0, "{uneven:?}");
    }
}
