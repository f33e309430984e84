//! Local search over a placement: hand placement first, then balance, then the cost of the cut.
//!
//! Vertices placed by hand never move, the last vertex of a shard never leaves it, and every loop
//! goes through vertices in order, so the outcome is repeatable.

use super::graph::Graph;

/// Passes over all vertices; on the graphs of the tests few are ever used.
const PASSES_MAX: usize = 12;

/// Load of each shard.
pub(super) fn loads(graph: &Graph, shard_of: &[u8], shard_count: usize) -> Vec<u64> {
    let mut loads = vec![0; shard_count];
    for (&shard, &weight) in shard_of.iter().zip(&graph.weights) {
        loads[usize::from(shard)] += weight;
    }
    loads
}

/// The load a shard may have: 3 % above the mean, or what its heaviest vertex forces.
pub(super) fn load_limit(graph: &Graph, shard_count: usize) -> u64 {
    let mean = graph.total_weight().div_ceil(shard_count as u64);
    let heaviest = graph.weights.iter().copied().max().unwrap_or(0);
    (mean + mean * 3 / 100).max(heaviest)
}

/// Cost of all edges between shards.
pub(super) fn cut(graph: &Graph, shard_of: &[u8]) -> u64 {
    let outside = |vertex: usize| -> u64 {
        let elsewhere = graph
            .edges(vertex)
            .filter(|&(to, _)| shard_of[to] != shard_of[vertex]);
        elsewhere.map(|(_, weight)| weight).sum()
    };
    (0..graph.len()).map(outside).sum::<u64>() / 2
}

/// Renames the shards to agree with as much hand placement as possible, then enforces it.
pub(super) fn honour_hand_placement(graph: &Graph, shard_of: &mut [u8], shard_count: usize) {
    let mut overlaps = vec![0u64; shard_count * shard_count];
    for (vertex, placed) in graph.placed.iter().enumerate() {
        if let Some(shard) = placed {
            overlaps[usize::from(shard_of[vertex]) * shard_count + usize::from(*shard)] +=
                graph.weights[vertex];
        }
    }
    if overlaps.iter().all(|&overlap| overlap == 0) {
        return;
    }
    let mut pairs: Vec<(u64, usize)> = overlaps
        .into_iter()
        .enumerate()
        .map(|(pair, overlap)| (overlap, pair))
        .collect();
    pairs.sort_by_key(|&(overlap, pair)| (u64::MAX - overlap, pair));
    let mut names: Vec<Option<u8>> = vec![None; shard_count];
    let mut taken = vec![false; shard_count];
    for (_, pair) in pairs {
        let (part, shard) = (pair / shard_count, pair % shard_count);
        if names[part].is_none() && !taken[shard] {
            names[part] = Some(shard as u8);
            taken[shard] = true;
        }
    }
    for (vertex, shard) in shard_of.iter_mut().enumerate() {
        let renamed = names[usize::from(*shard)].expect("all pairs were offered");
        *shard = graph.placed[vertex].unwrap_or(renamed);
    }
}

/// Gives every empty shard a vertex of the heaviest shard that can spare one.
pub(super) fn fill_empty_shards(graph: &Graph, shard_of: &mut [u8], shard_count: usize) {
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); shard_count];
    for (vertex, &shard) in shard_of.iter().enumerate() {
        members[usize::from(shard)].push(vertex as u32);
    }
    let mut loads = loads(graph, shard_of, shard_count);
    for empty in 0..shard_count {
        if !members[empty].is_empty() {
            continue;
        }
        let movable = |shard: usize| {
            members[shard]
                .iter()
                .rposition(|&vertex| graph.placed[vertex as usize].is_none())
        };
        let donor = (0..shard_count)
            .filter(|&shard| members[shard].len() > 1 && movable(shard).is_some())
            .max_by_key(|&shard| (loads[shard], shard_count - shard));
        let Some(donor) = donor else { return };
        let slot = movable(donor).expect("filtered for it");
        let vertex = members[donor].swap_remove(slot);
        shard_of[vertex as usize] = empty as u8;
        let weight = graph.weights[vertex as usize];
        loads[donor] -= weight;
        loads[empty] += weight;
        members[empty].push(vertex);
    }
}

/// Moves vertices between shards while that lowers an overload or the cost of the cut.
pub(super) fn improve(graph: &Graph, shard_of: &mut [u8], shard_count: usize) {
    let mut search = Search {
        graph,
        loads: loads(graph, shard_of, shard_count),
        counts: vec![0; shard_count],
        limit: load_limit(graph, shard_count),
        shard_of,
        costs: vec![0; shard_count],
        touched: Vec::new(),
    };
    for &shard in &*search.shard_of {
        search.counts[usize::from(shard)] += 1;
    }
    for _ in 0..PASSES_MAX {
        let relieved = search.relieve();
        let moved = search.pass();
        if !relieved && !moved {
            break;
        }
    }
}

struct Search<'a> {
    graph: &'a Graph,
    shard_of: &'a mut [u8],
    loads: Vec<u64>,
    counts: Vec<usize>,
    limit: u64,
    /// Cost of the edges of the vertex at hand into each shard; zero outside `touched`.
    costs: Vec<u64>,
    touched: Vec<u8>,
}

impl Search<'_> {
    /// One visit to every vertex: to the neighbour shard where its edges weigh most.
    fn pass(&mut self) -> bool {
        let mut moved = false;
        for vertex in 0..self.graph.len() {
            if !self.may_leave(vertex) {
                continue;
            }
            let home = self.shard_of[vertex];
            self.look_around(vertex);
            let stay = self.costs[usize::from(home)];
            let weight = self.graph.weights[vertex];
            let home_load = self.loads[usize::from(home)];
            let better = self.touched.iter().copied().filter(|&shard| {
                let load = self.loads[usize::from(shard)] + weight;
                let cost = self.costs[usize::from(shard)];
                shard != home
                    && ((cost > stay && load <= self.limit.max(home_load - weight))
                        || (cost == stay && load < home_load))
            });
            let best =
                better.max_by_key(|&shard| (self.costs[usize::from(shard)], u8::MAX - shard));
            self.forget();
            if let Some(shard) = best {
                self.relocate(vertex, shard);
                moved = true;
            }
        }
        moved
    }

    /// Moves vertices out of overloaded shards, those that lose least first.
    fn relieve(&mut self) -> bool {
        if self.loads.iter().all(|&load| load <= self.limit) {
            return false;
        }
        let mut offers: Vec<(i64, u32)> = Vec::new();
        for vertex in 0..self.graph.len() {
            let home = self.shard_of[vertex];
            if self.loads[usize::from(home)] > self.limit && self.may_leave(vertex) {
                self.look_around(vertex);
                let away = self.touched.iter().filter(|&&shard| shard != home);
                let best = away.map(|&shard| self.costs[usize::from(shard)]).max();
                let loss = self.costs[usize::from(home)] as i64 - best.unwrap_or(0) as i64;
                self.forget();
                offers.push((loss, vertex as u32));
            }
        }
        offers.sort_unstable();
        let mut moved = false;
        for (_, vertex) in offers {
            let vertex = vertex as usize;
            let home = usize::from(self.shard_of[vertex]);
            if self.loads[home] > self.limit && self.may_leave(vertex) {
                moved |= self.relieve_of(vertex);
            }
        }
        moved
    }

    /// Moves one vertex to the best shard that stays below the load of its home.
    fn relieve_of(&mut self, vertex: usize) -> bool {
        let home = self.shard_of[vertex];
        let weight = self.graph.weights[vertex];
        self.look_around(vertex);
        let lightest = (0..self.loads.len()).min_by_key(|&shard| (self.loads[shard], shard));
        let lightest = lightest.expect("there is a shard") as u8;
        let fits =
            |&shard: &u8| shard != home && self.loads[usize::from(shard)] + weight <= self.limit;
        let near = self.touched.iter().copied().filter(fits);
        let near = near.max_by_key(|&shard| (self.costs[usize::from(shard)], u8::MAX - shard));
        self.forget();
        let to = near.unwrap_or(lightest);
        let gains =
            to != home && self.loads[usize::from(to)] + weight < self.loads[usize::from(home)];
        if gains {
            self.relocate(vertex, to);
        }
        gains
    }

    fn may_leave(&self, vertex: usize) -> bool {
        self.graph.placed[vertex].is_none() && self.counts[usize::from(self.shard_of[vertex])] > 1
    }

    fn look_around(&mut self, vertex: usize) {
        for (to, weight) in self.graph.edges(vertex) {
            let shard = self.shard_of[to];
            if self.costs[usize::from(shard)] == 0 {
                self.touched.push(shard);
            }
            self.costs[usize::from(shard)] += weight;
        }
    }

    fn forget(&mut self) {
        for shard in self.touched.drain(..) {
            self.costs[usize::from(shard)] = 0;
        }
    }

    fn relocate(&mut self, vertex: usize, shard: u8) {
        let home = usize::from(self.shard_of[vertex]);
        let weight = self.graph.weights[vertex];
        self.loads[home] -= weight;
        self.counts[home] -= 1;
        self.loads[usize::from(shard)] += weight;
        self.counts[usize::from(shard)] += 1;
        self.shard_of[vertex] = shard;
    }
}
