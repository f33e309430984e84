//! Which shard each instance lives in.
//!
//! Instances become the vertices of a graph whose weights are host time: what an instance costs
//! per base cycle, and what a wire would cost if it were cut. Several candidates (netlist order,
//! breadth-first order, geometric bisection of array coordinates, METIS) are refined by the same
//! local search and the best is taken. The answer is a pure function of its input: the same
//! blueprint, hints and measured weights give the same placement on every call.
//!
//! Invariants: hand placement and `no_cut` wires are honoured or refused, never bent; no shard is
//! empty while another could spare an instance. Knows nothing of files, of threads or of how a
//! machine runs; no placement can change a result, so a poor one costs time only.

mod graph;
mod summary;
mod multilevel;
mod candidates;
mod refine;
mod numbering;

pub use graph::{Hints, PartitionError, Weights};
pub use summary::{LinkLoad, Method, ShardLoad, Summary};

use candidates::Candidate;
use graph::{Costs, Graph};
use tina_engine::{Blueprint, Catalogue, Random};

/// A placement and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Shard of each instance, in netlist order.
    pub shard_of: Vec<u8>,
    /// Loads, cuts and balance.
    pub summary: Summary,
}

/// Places every instance of `blueprint` on one of `shard_count` shards.
///
/// On a single shard hand placement has nothing to say and is ignored, so that every netlist runs
/// unsharded.
///
/// # Errors
/// When the shard count is out of range, when an instance asks for a shard the run does not have,
/// or when wires that must not be cut tie together instances placed on different shards.
pub fn partition(
    blueprint: &Blueprint,
    catalogue: &Catalogue,
    hints: Hints<'_>,
    shard_count: usize,
) -> Result<Partition, PartitionError> {
    let graph = Graph::build(blueprint, catalogue, hints, shard_count)?;
    let mut candidates = candidates::of(&graph, shard_count);
    for candidate in &mut candidates {
        refine::honour_hand_placement(&graph, &mut candidate.shard_of, shard_count);
        refine::fill_empty_shards(&graph, &mut candidate.shard_of, shard_count);
    }
    let mut best = best_refined(&graph, candidates, shard_count);
    numbering::number(&graph, &mut best.shard_of, shard_count);
    let shard_of: Vec<u8> = graph
        .vertex_of
        .iter()
        .map(|&vertex| best.shard_of[vertex as usize])
        .collect();
    let costs = Costs::of(blueprint, catalogue, hints.weights);
    let summary = Summary::of(blueprint, &costs, &shard_of, shard_count, best.method);
    Ok(Partition { shard_of, summary })
}

/// Places every instance on a shard drawn from a seed, as badly as can be: what is placed by hand stays there,
/// and what must not be parted is not.
///
/// # Errors
/// As [`partition`].
pub fn scatter(
    blueprint: &Blueprint,
    catalogue: &Catalogue,
    shard_count: usize,
    seed: u64,
    hints: Hints<'_>,
) -> Result<Partition, PartitionError> {
    const STREAM: u64 = 0x7363_6174;
    let graph = Graph::build(blueprint, catalogue, hints, shard_count)?;
    let mut random = Random::keyed(seed, STREAM, 0);
    let mut drawn: Vec<u8> = graph
        .weights
        .iter()
        .map(|_| random.below(shard_count as u64) as u8)
        .collect();
    refine::honour_hand_placement(&graph, &mut drawn, shard_count);
    let vertices = graph.vertex_of.iter();
    let shard_of: Vec<u8> = vertices.map(|&vertex| drawn[vertex as usize]).collect();
    let costs = Costs::of(blueprint, catalogue, hints.weights);
    let summary = Summary::of(blueprint, &costs, &shard_of, shard_count, Method::Drawn);
    Ok(Partition { shard_of, summary })
}

/// Refines the candidates that are not hopeless and takes the best.
fn best_refined(graph: &Graph, candidates: Vec<Candidate>, shard_count: usize) -> Candidate {
    /// Refinement hardly ever halves a cut.
    const HOPELESS_RATIO: u64 = 2;
    let cuts: Vec<u64> = candidates
        .iter()
        .map(|candidate| refine::cut(graph, &candidate.shard_of))
        .collect();
    let least = cuts.iter().copied().min().unwrap_or(0);
    candidates
        .into_iter()
        .zip(cuts)
        .filter(|&(_, cut)| cut / HOPELESS_RATIO <= least)
        .map(|(mut candidate, _)| {
            refine::improve(graph, &mut candidate.shard_of, shard_count);
            (
                Score::of(graph, &candidate.shard_of, shard_count),
                candidate,
            )
        })
        .min_by_key(|&(score, _)| score)
        .map(|(_, candidate)| candidate)
        .expect("the candidate with the least cut is not filtered out")
}

/// What makes one candidate better than another, the first field first: load beyond the allowed
/// imbalance, then the cost of the cut, then the heaviest shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    overload: u64,
    cut: u64,
    heaviest: u64,
}

impl Score {
    fn of(graph: &Graph, shard_of: &[u8], shard_count: usize) -> Self {
        let loads = refine::loads(graph, shard_of, shard_count);
        let heaviest = loads.iter().copied().max().unwrap_or(0);
        let limit = refine::load_limit(graph, shard_count);
        Self {
            overload: heaviest.saturating_sub(limit),
            cut: refine::cut(graph, shard_of),
            heaviest,
        }
    }
}

#[cfg(test)]
mod tests;
