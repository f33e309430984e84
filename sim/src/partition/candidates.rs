//! First guesses: orders of the vertices cut into runs of equal weight, and bisected grids.
//!
//! None of them looks at hand placement; that is put right before refinement.

use super::graph::Graph;
use super::multilevel;
use super::summary::Method;

/// A shard for each vertex.
pub(super) struct Candidate {
    pub(super) method: Method,
    pub(super) shard_of: Vec<u8>,
}

/// All first guesses that make sense for this graph; at least one.
pub(super) fn of(graph: &Graph, shard_count: usize) -> Vec<Candidate> {
    let in_order: Vec<u32> = (0..graph.len() as u32).collect();
    if shard_count == 1 {
        return vec![Candidate {
            method: Method::Single,
            shard_of: vec![0; graph.len()],
        }];
    }
    let mut candidates = vec![
        Candidate {
            method: Method::NetlistOrder,
            shard_of: runs(graph, &in_order, shard_count),
        },
        Candidate {
            method: Method::BreadthFirst,
            shard_of: runs(graph, &breadth_first(graph), shard_count),
        },
    ];
    if let Some(shard_of) = geometric(graph, shard_count) {
        candidates.push(Candidate {
            method: Method::Geometric,
            shard_of,
        });
    }
    if let Some(shard_of) = multilevel::cut(graph, shard_count) {
        candidates.push(Candidate {
            method: Method::Metis,
            shard_of,
        });
    }
    candidates
}

/// Cuts an order of the vertices into `shard_count` runs of about equal weight.
fn runs(graph: &Graph, order: &[u32], shard_count: usize) -> Vec<u8> {
    let total = u128::from(graph.total_weight()).max(1);
    let mut shard_of = vec![0; graph.len()];
    let mut before: u128 = 0;
    for &vertex in order {
        let weight = u128::from(graph.weights[vertex as usize]);
        // The run in which the middle of this vertex falls.
        let shard = (2 * before + weight) * shard_count as u128 / (2 * total);
        shard_of[vertex as usize] = (shard as usize).min(shard_count - 1) as u8;
        before += weight;
    }
    shard_of
}

/// Vertices by distance from one far from the first, component by component.
fn breadth_first(graph: &Graph) -> Vec<u32> {
    let mut order = Vec::with_capacity(graph.len());
    let mut seen = vec![false; graph.len()];
    for start in 0..graph.len() {
        if seen[start] {
            continue;
        }
        // The last vertex of a first search is far from where that began.
        let from = order.len();
        search(graph, start, &mut seen, &mut order);
        let far = *order.last().expect("a search visits its start") as usize;
        for vertex in order.drain(from..) {
            seen[vertex as usize] = false;
        }
        search(graph, far, &mut seen, &mut order);
    }
    order
}

fn search(graph: &Graph, start: usize, seen: &mut [bool], order: &mut Vec<u32>) {
    let mut next = order.len();
    seen[start] = true;
    order.push(start as u32);
    while next < order.len() {
        for (neighbour, _) in graph.edges(order[next] as usize) {
            if !seen[neighbour] {
                seen[neighbour] = true;
                order.push(neighbour as u32);
            }
        }
        next += 1;
    }
}

/// Recursive bisection of array coordinates; `None` where nothing stands in an array.
fn geometric(graph: &Graph, shard_count: usize) -> Option<Vec<u8>> {
    let positions = all_positions(graph)?;
    let mut vertices: Vec<u32> = (0..graph.len() as u32).collect();
    let mut bisection = Bisection {
        graph,
        positions: &positions,
        shard_of: vec![0; graph.len()],
        sides: vec![Side::Elsewhere; graph.len()],
    };
    bisection.split(&mut vertices, 0, shard_count);
    Some(bisection.shard_of)
}

/// A position for every vertex: its own, or the first found among its neighbours.
fn all_positions(graph: &Graph) -> Option<Vec<[u32; 3]>> {
    /// Vertices further than this from any array stand at the origin.
    const PASSES_MAX: usize = 4;
    let mut positions = graph.positions.clone();
    if positions.iter().all(Option::is_none) {
        return None;
    }
    for _ in 0..PASSES_MAX {
        let mut changed = false;
        for vertex in 0..graph.len() {
            if positions[vertex].is_none() {
                positions[vertex] = graph
                    .edges(vertex)
                    .find_map(|(neighbour, _)| positions[neighbour]);
                changed |= positions[vertex].is_some();
            }
        }
        if !changed {
            break;
        }
    }
    Some(
        positions
            .into_iter()
            .map(Option::unwrap_or_default)
            .collect(),
    )
}

/// Where a vertex stands in the bisection at hand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Elsewhere,
    Low,
    High,
}

struct Bisection<'a> {
    graph: &'a Graph,
    positions: &'a [[u32; 3]],
    shard_of: Vec<u8>,
    sides: Vec<Side>,
}

impl Bisection<'_> {
    /// Spreads `vertices` over the shards from `first` on: along the axis that cuts least.
    fn split(&mut self, vertices: &mut [u32], first: usize, shard_count: usize) {
        if shard_count == 1 || vertices.is_empty() {
            for &vertex in &*vertices {
                self.shard_of[vertex as usize] = first as u8;
            }
            return;
        }
        let low_count = shard_count / 2;
        let mut best: Option<(u64, usize)> = None;
        for axis in self.axes(vertices) {
            let split = self.order(vertices, axis, low_count, shard_count);
            let cut = self.cut(vertices, split);
            if best.is_none_or(|(best_cut, _)| cut < best_cut) {
                best = Some((cut, axis));
            }
        }
        let (_, axis) = best.expect("there is at least one axis");
        let split = self.order(vertices, axis, low_count, shard_count);
        let (low, high) = vertices.split_at_mut(split);
        self.split(low, first, low_count);
        self.split(high, first + low_count, shard_count - low_count);
    }

    /// Axes along which the vertices differ, the longest first; the first axis if along none.
    fn axes(&self, vertices: &[u32]) -> Vec<usize> {
        let mut axes: Vec<(u32, usize)> = (0..3)
            .map(|axis| {
                let along = || {
                    vertices
                        .iter()
                        .map(|&vertex| self.positions[vertex as usize][axis])
                };
                (
                    along().max().unwrap_or(0) - along().min().unwrap_or(0),
                    axis,
                )
            })
            .filter(|&(extent, _)| extent > 0)
            .collect();
        axes.sort_by_key(|&(extent, axis)| (u32::MAX - extent, axis));
        if axes.is_empty() {
            vec![0]
        } else {
            axes.into_iter().map(|(_, axis)| axis).collect()
        }
    }

    /// Sorts along an axis and finds the border between positions nearest to the wanted share.
    fn order(
        &self,
        vertices: &mut [u32],
        axis: usize,
        low_count: usize,
        shard_count: usize,
    ) -> usize {
        let rank = |vertex: u32| {
            let position = self.positions[vertex as usize];
            [
                position[axis],
                position[(axis + 1) % 3],
                position[(axis + 2) % 3],
            ]
        };
        vertices.sort_by_key(|&vertex| (rank(vertex), vertex));
        let weight = |vertex: u32| u128::from(self.graph.weights[vertex as usize]);
        let total: u128 = vertices.iter().map(|&vertex| weight(vertex)).sum();
        let wanted = total * low_count as u128 / shard_count as u128;
        let one_position = rank(vertices[0]) == rank(vertices[vertices.len() - 1]);
        let mut before: u128 = 0;
        let mut best = (u128::MAX, 0);
        for (index, pair) in vertices.windows(2).enumerate() {
            before += weight(pair[0]);
            if one_position || rank(pair[0]) != rank(pair[1]) {
                best = best.min((before.abs_diff(wanted), index + 1));
            }
        }
        best.1
    }

    /// Cost of the edges between the first `split` vertices and the rest.
    fn cut(&mut self, vertices: &[u32], split: usize) -> u64 {
        let (low, high) = vertices.split_at(split);
        for &vertex in low {
            self.sides[vertex as usize] = Side::Low;
        }
        for &vertex in high {
            self.sides[vertex as usize] = Side::High;
        }
        let crossing = |&vertex: &u32| {
            let edges = self.graph.edges(vertex as usize);
            edges
                .filter(|&(to, _)| self.sides[to] == Side::High)
                .map(|(_, weight)| weight)
                .sum::<u64>()
        };
        let cut = low.iter().map(crossing).sum();
        for &vertex in vertices {
            self.sides[vertex as usize] = Side::Elsewhere;
        }
        cut
    }
}
