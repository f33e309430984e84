//! The weighted graph that is cut: vertices are instances tied by `no_cut`, edges are wires.
//!
//! Weights are picoseconds of host time per base cycle. Adjacency is compressed rows, parallel
//! wires merged, each row in ascending order of neighbours.

use crate::design::Design;
use std::fmt;
use tina_engine::{Blueprint, Catalogue, SHARDS_MAX, Wire};

/// Host time of one item crossing shards, both ends: twice the 3 ns of the engine's cost budget.
const CROSSING_PS: u64 = 6_000;
/// Host time of one handshake of a link, per cycle of latency it has to hide: the budget's 20 ns.
const HANDSHAKE_PS: u64 = 20_000;

/// What was measured of a machine, in whole numbers, so that a placement is a function of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Per instance, host picoseconds per base cycle.
    pub instance_ps: Vec<u64>,
    /// Per wire, items per thousand base cycles.
    pub milli_transfers: Vec<u64>,
}

/// What is known about placement besides the machine. Each table may be empty: then it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints<'a> {
    /// What was measured; without it every instance is as busy as its kind can be.
    pub weights: Option<&'a Weights>,
    /// Per instance, the shard it is placed on by hand.
    pub shard_of: &'a [Option<u8>],
    /// Numbers of the wires that must stay within a shard.
    pub no_cut: &'a [u32],
    /// Per instance, the sizes of the array its index counts in; all 1 where it stands in none.
    pub grid_of: &'a [[u32; 3]],
}

impl<'a> Hints<'a> {
    /// What a design says, and what was measured of it.
    #[must_use]
    pub fn of(design: &'a Design, weights: Option<&'a Weights>) -> Self {
        Self {
            weights,
            shard_of: &design.shard_of,
            no_cut: &design.no_cut,
            grid_of: &design.grid_of,
        }
    }

    /// Where an instance stands in its array, in units that make arrays of different size over
    /// each other; `None` where it stands in none.
    fn position(&self, number: usize, index: [u32; 3]) -> Option<[u32; 3]> {
        /// The middle of the first of one.
        const MIDDLE: u64 = 1 << 29;
        let grid = self.grid_of.get(number)?;
        let along = |axis: usize| {
            let place = (2 * u64::from(index[axis]) + 1) * MIDDLE / u64::from(grid[axis].max(1));
            u32::try_from(place).unwrap_or(u32::MAX)
        };
        grid.iter()
            .any(|&size| size > 1)
            .then(|| [along(0), along(1), along(2)])
    }
}

/// Why a machine cannot be placed as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartitionError {
    /// A shard count outside 1 to [`SHARDS_MAX`].
    ShardCount {
        /// What was asked for.
        count: usize,
    },
    /// An instance is placed on a shard the run does not have.
    NoSuchShard {
        /// Path of the instance.
        path: String,
        /// The shard it asks for.
        shard: u8,
        /// How many there are.
        shard_count: usize,
    },
    /// Wires that must not be cut tie instances that are placed apart.
    TiedApart {
        /// One instance and its shard.
        first: (String, u8),
        /// The other and its shard.
        second: (String, u8),
        /// The wire that closed the tie, as `a.x -> b.y`.
        wire: String,
    },
}

impl fmt::Display for PartitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShardCount { count } => {
                write!(
                    f,
                    "{count} shards were asked for; a machine has 1 to {SHARDS_MAX}"
                )
            }
            Self::NoSuchShard {
                path,
                shard,
                shard_count,
            } => write!(
                f,
                "`{path}` is placed on shard {shard}, but the run has shards 0 to {}; \
                 run it with {} shards or more, or with 1",
                shard_count - 1,
                usize::from(*shard) + 1,
            ),
            Self::TiedApart {
                first,
                second,
                wire,
            } => write!(
                f,
                "`{}` is placed on shard {} and `{}` on shard {}, but wires marked `no_cut` tie \
                 them together; the last of them is `{wire}`",
                first.0, first.1, second.0, second.1,
            ),
        }
    }
}

impl std::error::Error for PartitionError {}

/// The graph of one machine.
pub(super) struct Graph {
    /// Vertex of each instance.
    pub(super) vertex_of: Vec<u32>,
    /// Host time of each vertex, at least 1.
    pub(super) weights: Vec<u64>,
    /// Shard a vertex is placed on by hand.
    pub(super) placed: Vec<Option<u8>>,
    /// Array coordinates, where an instance of the vertex has any.
    pub(super) positions: Vec<Option<[u32; 3]>>,
    /// First edge of each vertex, and one past the last.
    row_starts: Vec<usize>,
    neighbours: Vec<u32>,
    edge_weights: Vec<u64>,
}

impl Graph {
    pub(super) fn build(
        blueprint: &Blueprint,
        catalogue: &Catalogue,
        hints: Hints<'_>,
        shard_count: usize,
    ) -> Result<Self, PartitionError> {
        if shard_count == 0 || shard_count > SHARDS_MAX {
            return Err(PartitionError::ShardCount { count: shard_count });
        }
        let placed = if shard_count == 1 {
            &[]
        } else {
            hints.shard_of
        };
        check_shards(blueprint, placed, shard_count)?;
        let ties = tie(blueprint, hints.no_cut, placed)?;
        let (vertex_of, vertex_count) = number_vertices(&ties);

        let costs = Costs::of(blueprint, catalogue, hints.weights);
        let mut weights = vec![0; vertex_count];
        let mut positions = vec![None; vertex_count];
        let mut placed_vertices = vec![None; vertex_count];
        for (number, instance) in blueprint.instances.iter().enumerate() {
            let vertex = vertex_of[number] as usize;
            weights[vertex] += costs.instance_ps(number);
            if positions[vertex].is_none() {
                positions[vertex] = hints.position(number, instance.index);
            }
            if let Some(&Some(shard)) = placed.get(number) {
                placed_vertices[vertex] = Some(shard);
            }
        }
        let mut graph = Self {
            vertex_of,
            weights,
            placed: placed_vertices,
            positions,
            row_starts: Vec::new(),
            neighbours: Vec::new(),
            edge_weights: Vec::new(),
        };
        graph.connect(blueprint, &costs);
        Ok(graph)
    }

    /// How many vertices there are.
    pub(super) fn len(&self) -> usize {
        self.weights.len()
    }

    /// Sum of all vertex weights.
    pub(super) fn total_weight(&self) -> u64 {
        self.weights.iter().sum()
    }

    /// Neighbours of a vertex and the cost of cutting it off each.
    pub(super) fn edges(&self, vertex: usize) -> impl Iterator<Item = (usize, u64)> {
        let row = self.row_starts[vertex]..self.row_starts[vertex + 1];
        let weights = &self.edge_weights[row.clone()];
        self.neighbours[row]
            .iter()
            .zip(weights)
            .map(|(&neighbour, &weight)| (neighbour as usize, weight))
    }

    /// The compressed rows: starts, neighbours, weights.
    pub(super) fn rows(&self) -> (&[usize], &[u32], &[u64]) {
        (&self.row_starts, &self.neighbours, &self.edge_weights)
    }

    fn connect(&mut self, blueprint: &Blueprint, costs: &Costs<'_>) {
        let mut edges: Vec<(u32, u32, u64)> = Vec::with_capacity(2 * blueprint.wires.len());
        for (number, wire) in blueprint.wires.iter().enumerate() {
            let from = self.vertex_of[wire.from.instance as usize];
            let to = self.vertex_of[wire.to.instance as usize];
            if from != to {
                let weight = costs.cut_ps(number);
                edges.push((from, to, weight));
                edges.push((to, from, weight));
            }
        }
        edges.sort_unstable();
        self.row_starts = vec![0; self.len() + 1];
        let mut last = None;
        for (from, to, weight) in edges {
            if last == Some((from, to)) {
                *self
                    .edge_weights
                    .last_mut()
                    .expect("an edge was pushed before") += weight;
            } else {
                last = Some((from, to));
                self.neighbours.push(to);
                self.edge_weights.push(weight);
                self.row_starts[from as usize + 1] += 1;
            }
        }
        for vertex in 0..self.len() {
            self.row_starts[vertex + 1] += self.row_starts[vertex];
        }
    }
}

/// Refuses a shard that the run does not have.
fn check_shards(
    blueprint: &Blueprint,
    placed: &[Option<u8>],
    shard_count: usize,
) -> Result<(), PartitionError> {
    for (instance, shard) in blueprint.instances.iter().zip(placed) {
        if let Some(shard) = shard.filter(|&shard| usize::from(shard) >= shard_count) {
            let path = instance.path.clone();
            return Err(PartitionError::NoSuchShard {
                path,
                shard,
                shard_count,
            });
        }
    }
    Ok(())
}

/// Ties the ends of every `no_cut` wire: per instance the lowest number tied to it.
fn tie(
    blueprint: &Blueprint,
    no_cut: &[u32],
    placed: &[Option<u8>],
) -> Result<Vec<u32>, PartitionError> {
    let mut parents: Vec<u32> = (0..blueprint.instances.len() as u32).collect();
    // Of each root: an instance placed by hand among those tied to it.
    let mut anchors: Vec<Option<u32>> = (0..parents.len())
        .map(|number| placed.get(number).copied().flatten().map(|_| number as u32))
        .collect();
    for &number in no_cut {
        let wire = &blueprint.wires[number as usize];
        let from = root(&mut parents, wire.from.instance);
        let to = root(&mut parents, wire.to.instance);
        let (low, high) = (from.min(to), from.max(to));
        if low == high {
            continue;
        }
        if let (Some(first), Some(second)) = (anchors[low as usize], anchors[high as usize]) {
            let shard =
                |instance: u32| placed[instance as usize].expect("an anchor is placed by hand");
            if shard(first) != shard(second) {
                let end = |instance: u32| {
                    (
                        blueprint.instances[instance as usize].path.clone(),
                        shard(instance),
                    )
                };
                return Err(PartitionError::TiedApart {
                    first: end(first),
                    second: end(second),
                    wire: wire_text(blueprint, wire),
                });
            }
        }
        anchors[low as usize] = anchors[low as usize].or(anchors[high as usize]);
        parents[high as usize] = low;
    }
    Ok((0..parents.len() as u32)
        .map(|number| root(&mut parents, number))
        .collect())
}

/// The root of a tie, halving the path to it.
fn root(parents: &mut [u32], mut number: u32) -> u32 {
    while parents[number as usize] != number {
        parents[number as usize] = parents[parents[number as usize] as usize];
        number = parents[number as usize];
    }
    number
}

/// Numbers the ties in order of their first instance.
fn number_vertices(ties: &[u32]) -> (Vec<u32>, usize) {
    let mut vertex_of = vec![0; ties.len()];
    let mut count = 0;
    for (number, &root) in ties.iter().enumerate() {
        if root as usize == number {
            vertex_of[number] = count;
            count += 1;
        } else {
            // A root is the lowest of its tie, so it has been numbered.
            vertex_of[number] = vertex_of[root as usize];
        }
    }
    (vertex_of, count as usize)
}

fn wire_text(blueprint: &Blueprint, wire: &Wire) -> String {
    let end = |port: tina_engine::PortRef| {
        let instance = &blueprint.instances[port.instance as usize];
        let name = instance
            .shape
            .ports
            .get(usize::from(port.port))
            .map_or("?", |port| port.name.as_str());
        format!("{}.{name}", instance.path)
    };
    format!("{} -> {}", end(wire.from), end(wire.to))
}

/// What instances and wires cost: measured where there are measurements, else by kind and wire.
pub(super) struct Costs<'a> {
    blueprint: &'a Blueprint,
    catalogue: &'a Catalogue,
    measured: Option<&'a Weights>,
    /// Ticks of a cycle, per clock domain.
    periods: Vec<u64>,
}

impl<'a> Costs<'a> {
    pub(super) fn of(
        blueprint: &'a Blueprint,
        catalogue: &'a Catalogue,
        measured: Option<&'a Weights>,
    ) -> Self {
        let timebase = tina_engine::Timebase::of(&blueprint.domains);
        Self {
            blueprint,
            catalogue,
            measured,
            periods: timebase.map_or_else(
                |_| vec![1; blueprint.domains.len().max(1)],
                |base| base.period_ticks,
            ),
        }
    }

    /// Ticks of one cycle of the base clock.
    pub(super) fn base_period(&self) -> u64 {
        self.periods[0]
    }

    fn period_of(&self, instance: u32) -> u64 {
        self.periods[usize::from(self.blueprint.instances[instance as usize].domain)]
    }

    /// Host picoseconds per base cycle of an instance: as measured, or always busy.
    pub(super) fn instance_ps(&self, number: usize) -> u64 {
        if let Some(measured) = self.measured {
            return measured.instance_ps[number].max(1);
        }
        let instance = &self.blueprint.instances[number];
        let cost_ns = self.catalogue.kind(instance.kind).cost_ns();
        // At most a second per edge: a kind that claims more would starve every other weight.
        let cost_ps = (cost_ns.clamp(0.0, 1e9) * 1_000.0).round() as u64;
        (cost_ps * self.base_period() / self.period_of(number as u32)).max(1)
    }

    /// Items per thousand base cycles on a wire: as measured, or the most it can carry.
    pub(super) fn milli_transfers(&self, number: usize) -> u64 {
        if let Some(measured) = self.measured {
            return measured.milli_transfers[number];
        }
        let wire = &self.blueprint.wires[number];
        let producer = self.period_of(wire.from.instance);
        let consumer = self.period_of(wire.to.instance);
        let base = u128::from(self.base_period()) * 1_000;
        let by_ports = base * u128::from(wire.lanes) / u128::from(producer.max(consumer));
        let round_trip = u128::from(wire.latency) * u128::from(consumer)
            + u128::from(wire.credit) * u128::from(producer);
        let by_depth = base * u128::from(wire.depth) / round_trip.max(1);
        u64::try_from(by_ports.min(by_depth)).unwrap_or(u64::MAX / 1_000_000)
    }

    /// Time from push to pop, in ticks.
    pub(super) fn latency_ticks(&self, number: usize) -> u64 {
        let wire = &self.blueprint.wires[number];
        u64::from(wire.latency) * self.period_of(wire.to.instance)
    }

    /// Host picoseconds per base cycle that cutting a wire would cost: its items, and the
    /// handshakes its latency leaves to be done.
    fn cut_ps(&self, number: usize) -> u64 {
        let items = self.milli_transfers(number) * CROSSING_PS / 1_000;
        let latency_ticks = self.latency_ticks(number).max(1);
        items + (HANDSHAKE_PS * self.base_period() / latency_ticks).min(HANDSHAKE_PS) + 1
    }
}
