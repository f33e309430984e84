//! The numbers of shards: those that exchange most stand side by side, because a thread hosts shards
//! that follow each other.
//!
//! The row of shards is bisected again and again, each time where least is cut. Which instance
//! shares a shard with which is not changed. Knows nothing of threads, so that the same placement
//! serves any number of them.

use super::graph::Graph;

/// Renumbers the shards; empty ones come last. Hand placement keeps its numbers.
pub(super) fn number(graph: &Graph, shard_of: &mut [u8], shard_count: usize) {
    if graph.placed.iter().any(Option::is_some) {
        return;
    }
    let mut used = vec![false; shard_count];
    for &shard in &*shard_of {
        used[usize::from(shard)] = true;
    }
    let mut row: Vec<usize> = (0..shard_count).filter(|&shard| used[shard]).collect();
    let traffic = Traffic::of(graph, shard_of, shard_count);
    arrange(&mut row, (&[], &[]), &traffic);
    let mut numbers = vec![0; shard_count];
    for (number, &shard) in row.iter().enumerate() {
        numbers[shard] = number as u8;
    }
    for shard in shard_of {
        *shard = numbers[usize::from(*shard)];
    }
}

/// What cutting each pair of shards apart costs.
struct Traffic {
    shard_count: usize,
    costs: Vec<u64>,
}

impl Traffic {
    fn of(graph: &Graph, shard_of: &[u8], shard_count: usize) -> Self {
        let mut costs = vec![0; shard_count * shard_count];
        for (vertex, &shard) in shard_of.iter().enumerate() {
            let row = usize::from(shard) * shard_count;
            for (to, cost) in graph.edges(vertex) {
                costs[row + usize::from(shard_of[to])] += cost;
            }
        }
        Self { shard_count, costs }
    }

    fn between(&self, a: usize, b: usize) -> i64 {
        self.costs[a * self.shard_count + b] as i64
    }

    /// Cost of all pairs with one end in each list.
    fn cut(&self, low: &[usize], high: &[usize]) -> i64 {
        let pairs = low.iter().flat_map(|&a| high.iter().map(move |&b| (a, b)));
        pairs.map(|(a, b)| self.between(a, b)).sum()
    }
}

/// Orders a row of shards that stands between two others by bisection.
fn arrange(row: &mut [usize], (before, after): (&[usize], &[usize]), traffic: &Traffic) {
    if row.len() < 2 {
        return;
    }
    let middle = row.len() / 2;
    let mut grown = grow(row, traffic);
    for order in [&mut *row, &mut grown] {
        exchange(order, middle, traffic);
    }
    let cut = |order: &[usize]| traffic.cut(&order[..middle], &order[middle..]);
    if cut(&grown) < cut(row) {
        row.copy_from_slice(&grown);
    }
    let (low, high) = row.split_at_mut(middle);
    // As they were among themselves, so that what need not move does not.
    low.sort_unstable();
    high.sort_unstable();
    // Each half stands beside those it is tied to.
    let apart = traffic.cut(low, after) + traffic.cut(high, before);
    let beside = traffic.cut(low, before) + traffic.cut(high, after);
    if apart > beside && low.len() == high.len() {
        low.swap_with_slice(high);
    }
    arrange(low, (before, high), traffic);
    arrange(high, (low, after), traffic);
}

/// An order that starts in a corner and goes on with whoever is tied closest to those before.
fn grow(row: &[usize], traffic: &Traffic) -> Vec<usize> {
    let mut rest = row.to_vec();
    let outside = |&shard: &usize| {
        row.iter()
            .map(|&to| traffic.between(shard, to))
            .sum::<i64>()
    };
    rest.sort_by_key(|shard| (outside(shard), *shard));
    let mut grown = vec![rest.remove(0)];
    while !rest.is_empty() {
        let tie = |shard: usize| traffic.cut(&[shard], &grown);
        let next = (0..rest.len()).max_by_key(|&index| (tie(rest[index]), rest.len() - index));
        grown.push(rest.remove(next.expect("there is a rest")));
    }
    grown
}

/// Exchanges shards across the middle while that lowers the cut.
fn exchange(order: &mut [usize], middle: usize, traffic: &Traffic) {
    for _ in 0..order.len() {
        let (low, high) = order.split_at(middle);
        let gain_of = |shard: usize, home: &[usize], away: &[usize]| -> i64 {
            traffic.cut(&[shard], away) - traffic.cut(&[shard], home)
                + traffic.between(shard, shard)
        };
        let low_gains: Vec<i64> = low.iter().map(|&shard| gain_of(shard, low, high)).collect();
        let high_gains: Vec<i64> = high
            .iter()
            .map(|&shard| gain_of(shard, high, low))
            .collect();
        let mut best = (0, 0, 0);
        for (a, low_gain) in low_gains.iter().enumerate() {
            for (b, high_gain) in high_gains.iter().enumerate() {
                let gain = low_gain + high_gain - 2 * traffic.between(low[a], high[b]);
                if gain > best.0 {
                    best = (gain, a, middle + b);
                }
            }
        }
        if best.0 == 0 {
            return;
        }
        order.swap(best.1, best.2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of shards in which each is tied to those that follow it in `order`.
    fn chain(order: &[usize]) -> Traffic {
        let shard_count = order.len();
        let mut costs = vec![0; shard_count * shard_count];
        for pair in order.windows(2) {
            costs[pair[0] * shard_count + pair[1]] = 10;
            costs[pair[1] * shard_count + pair[0]] = 10;
        }
        Traffic { shard_count, costs }
    }

    #[test]
    fn a_chain_is_put_in_a_row() {
        let traffic = chain(&[3, 0, 6, 1, 7, 2, 5, 4]);
        let mut row: Vec<usize> = (0..8).collect();
        arrange(&mut row, (&[], &[]), &traffic);
        assert_eq!(traffic.cut(&row[..4], &row[4..]), 10);
        assert_eq!(traffic.cut(&row[..2], &row[2..]), 10);
        assert_eq!(traffic.cut(&row[..6], &row[6..]), 10);
    }

    #[test]
    fn what_is_in_order_stays() {
        let traffic = chain(&[0, 1, 2, 3, 4]);
        let mut row: Vec<usize> = (0..5).collect();
        arrange(&mut row, (&[], &[]), &traffic);
        assert_eq!(row, [0, 1, 2, 3, 4]);
    }
}
