//! What `check` says of a placement: loads, cuts, balance.

use super::graph::Costs;
use std::collections::BTreeMap;
use std::fmt;
use tina_engine::Blueprint;

/// How the placement was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// There is one shard.
    Single,
    /// Runs of the netlist's own order.
    NetlistOrder,
    /// Runs of a breadth-first order.
    BreadthFirst,
    /// Bisection of array coordinates.
    Geometric,
    /// The multilevel cut of METIS.
    Metis,
    /// Drawn at random, to put the rest to the test.
    Drawn,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single => "one shard",
            Self::NetlistOrder => "netlist order",
            Self::BreadthFirst => "breadth-first order",
            Self::Geometric => "geometric bisection",
            Self::Metis => "METIS",
            Self::Drawn => "drawn from a seed",
        })
    }
}

/// Load of one shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardLoad {
    /// Instances placed on it.
    pub instance_count: usize,
    /// Host picoseconds per base cycle: as measured, or with every instance busy.
    pub load_ps: u64,
    /// The part of it that stands at cut wires and is evaluated first.
    pub boundary_ps: u64,
}

/// All wires cut between one ordered pair of shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkLoad {
    /// The producers' shard.
    pub from: u8,
    /// The consumers' shard.
    pub to: u8,
    /// How many wires.
    pub wire_count: usize,
    /// The most items per thousand base cycles.
    pub milli_transfers: u64,
    /// The least latency among them, in ticks: the window of the consumers' shard.
    pub latency_ticks: u64,
}

/// Loads, cuts and balance of a placement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How it was found.
    pub method: Method,
    /// Per shard.
    pub shards: Vec<ShardLoad>,
    /// Per ordered pair of shards with a cut wire.
    pub links: Vec<LinkLoad>,
    /// Ticks of one cycle of the base clock.
    pub base_period_ticks: u64,
}

impl Summary {
    pub(super) fn of(
        blueprint: &Blueprint,
        costs: &Costs<'_>,
        shard_of: &[u8],
        shard_count: usize,
        method: Method,
    ) -> Self {
        let mut shards = vec![ShardLoad::default(); shard_count];
        for (number, &shard) in shard_of.iter().enumerate() {
            let load = &mut shards[usize::from(shard)];
            load.instance_count += 1;
            load.load_ps += costs.instance_ps(number);
        }
        let mut links: BTreeMap<(u8, u8), LinkLoad> = BTreeMap::new();
        let mut on_boundary = vec![false; shard_of.len()];
        for (number, wire) in blueprint.wires.iter().enumerate() {
            let from = shard_of[wire.from.instance as usize];
            let to = shard_of[wire.to.instance as usize];
            if from != to {
                let fresh = LinkLoad {
                    from,
                    to,
                    wire_count: 0,
                    milli_transfers: 0,
                    latency_ticks: u64::MAX,
                };
                let link = links.entry((from, to)).or_insert(fresh);
                link.wire_count += 1;
                link.milli_transfers += costs.milli_transfers(number);
                link.latency_ticks = link.latency_ticks.min(costs.latency_ticks(number));
                on_boundary[wire.from.instance as usize] = true;
                on_boundary[wire.to.instance as usize] = true;
            }
        }
        for (number, &shard) in shard_of.iter().enumerate() {
            if on_boundary[number] {
                shards[usize::from(shard)].boundary_ps += costs.instance_ps(number);
            }
        }
        Self {
            method,
            shards,
            links: links.into_values().collect(),
            base_period_ticks: costs.base_period(),
        }
    }

    /// Wires between shards.
    #[must_use]
    pub fn cut_wire_count(&self) -> usize {
        self.links.iter().map(|link| link.wire_count).sum()
    }

    /// The most items that cross shards in a thousand base cycles.
    #[must_use]
    pub fn milli_transfers(&self) -> u64 {
        self.links.iter().map(|link| link.milli_transfers).sum()
    }

    /// Heaviest load in thousandths of the mean; 1000 is perfect.
    #[must_use]
    pub fn balance_permille(&self) -> u64 {
        let total: u64 = self.shards.iter().map(|shard| shard.load_ps).sum();
        let heaviest = self
            .shards
            .iter()
            .map(|shard| shard.load_ps)
            .max()
            .unwrap_or(0);
        if total == 0 {
            return 1_000;
        }
        let scaled = u128::from(heaviest) * 1_000 * self.shards.len() as u128;
        u64::try_from(scaled.div_ceil(u128::from(total))).unwrap_or(u64::MAX)
    }

    /// Shards without any instance.
    #[must_use]
    pub fn empty_shard_count(&self) -> usize {
        self.shards
            .iter()
            .filter(|shard| shard.instance_count == 0)
            .count()
    }
}
