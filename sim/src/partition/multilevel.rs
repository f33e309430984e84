//! The multilevel cut of METIS, made repeatable.
//!
//! METIS draws from the C library's one random state, so calls are serialised and each sets the
//! seed. It is not asked where it is known to stumble: few vertices per shard, a vertex heavier
//! than a shard, no edges, or more than 32-bit indices.

use super::graph::Graph;
use metis::Idx;
use metis::option::{Seed, UFactor};
use std::sync::{Mutex, PoisonError};

/// METIS's random state is the process's.
static RANDOM_STATE: Mutex<()> = Mutex::new(());

/// Below this many vertices per shard the local candidates do as well.
const VERTICES_PER_SHARD_MIN: usize = 8;
/// Up to this many shards recursive bisection cuts less than the direct k-way scheme.
const RECURSIVE_SHARDS_MAX: usize = 8;
/// Beyond this many vertices recursive bisection takes longer than its better cut is worth.
const RECURSIVE_VERTICES_MAX: usize = 100_000;
/// Allowed imbalance in thousandths.
const IMBALANCE: Idx = 20;
/// Weights are scaled so that their sums stay clear of 32 bits.
const WEIGHT_SUM_MAX: u64 = 1 << 29;

/// A shard for each vertex, or `None` where METIS has nothing to offer.
pub(super) fn cut(graph: &Graph, shard_count: usize) -> Option<Vec<u8>> {
    let (row_starts, neighbours, edge_weights) = graph.rows();
    let heaviest = graph.weights.iter().copied().max().unwrap_or(0);
    let unsuitable = graph.len() < VERTICES_PER_SHARD_MIN * shard_count
        || neighbours.is_empty()
        || neighbours.len() > i32::MAX as usize / 2
        || heaviest > graph.total_weight() / shard_count as u64;
    if unsuitable {
        return None;
    }
    let starts: Vec<Idx> = row_starts.iter().map(|&start| start as Idx).collect();
    let ends: Vec<Idx> = neighbours
        .iter()
        .map(|&neighbour| neighbour as Idx)
        .collect();
    let vertex_weights = scaled(&graph.weights);
    let edge_weights = scaled(edge_weights);
    let mut parts: Vec<Idx> = vec![0; graph.len()];

    let _serial = RANDOM_STATE.lock().unwrap_or_else(PoisonError::into_inner);
    let request = metis::Graph::new(1, shard_count as Idx, &starts, &ends)
        .ok()?
        .set_vwgt(&vertex_weights)
        .set_adjwgt(&edge_weights)
        .set_option(Seed(1))
        .set_option(UFactor(IMBALANCE));
    let outcome = if shard_count <= RECURSIVE_SHARDS_MAX && graph.len() <= RECURSIVE_VERTICES_MAX {
        request.part_recursive(&mut parts)
    } else {
        request.part_kway(&mut parts)
    };
    outcome.ok()?;
    parts
        .into_iter()
        .map(|part| u8::try_from(part).ok())
        .collect()
}

/// Weights as METIS takes them, each at least 1.
fn scaled(weights: &[u64]) -> Vec<Idx> {
    let total: u64 = weights.iter().sum();
    let divisor = total.div_ceil(WEIGHT_SUM_MAX).max(1);
    weights
        .iter()
        .map(|&weight| (weight / divisor).max(1) as Idx)
        .collect()
}
