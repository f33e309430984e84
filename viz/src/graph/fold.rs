//! Elements of an array as one box, wires between the same boxes as one bundle.
//!
//! A wire between two boxes that stand in different ones is drawn in each box that it leaves or enters, up to
//! a gate that names the box outside, and between the boxes that stand side by side.

use super::{BOXES_MAX, Net, NetWire};
use std::collections::{BTreeMap, BTreeSet};

/// A box: an element, an array of them, or what contains others.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Its own name, without indices.
    pub(super) name: String,
    /// The kind of its elements, if it contains nothing.
    pub(super) kind: String,
    pub(super) parent: Option<usize>,
    pub(super) children: Vec<usize>,
    /// Sizes of the array it is, within one of what it stands in.
    pub(super) sizes: Vec<u32>,
    /// The shards of the elements by their indices in this array; every shard that is there.
    pub(super) shards: BTreeMap<Vec<u32>, BTreeSet<u16>>,
    /// Wires within it that lead from one element of the array to another: from, to, shards if cut.
    pub(super) inner: Vec<InnerWire>,
    /// Elements, all copies counted.
    pub(super) element_count: usize,
    /// Whether it is no box, but the place where wires leave the one it stands in.
    pub(super) is_gate: bool,
}

/// A wire between two elements of an array.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct InnerWire {
    pub(super) from: Vec<u32>,
    pub(super) to: Vec<u32>,
    pub(super) cut: Option<(u16, u16)>,
}

/// Wires between two boxes that stand in the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Bundle {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) count: usize,
    pub(super) depth: Option<u32>,
    pub(super) latency: Option<u32>,
    pub(super) cut_count: usize,
    /// Pairs of shards it is cut between, the lower first.
    pub(super) pairs: BTreeSet<(u16, u16)>,
}

#[derive(Debug, Default)]
pub(super) struct Folded {
    pub(super) title: String,
    pub(super) subtitle: String,
    /// The first is the sheet: it contains all.
    pub(super) nodes: Vec<Node>,
    pub(super) bundles: Vec<Bundle>,
    pub(super) shard_count: usize,
    /// Wires that are cut, by pair of shards.
    pub(super) pairs: BTreeMap<(u16, u16), usize>,
    pub(super) notes: Vec<String>,
}

/// A part of a path.
struct Part<'p> {
    name: &'p str,
    index: Vec<u32>,
}

fn parts(path: &str) -> Vec<Part<'_>> {
    path.split('.')
        .map(|part| {
            let (name, brackets) = part.split_at(part.find('[').unwrap_or(part.len()));
            let index = brackets.split('[').skip(1);
            let index = index.filter_map(|index| index.trim_end_matches(']').parse().ok());
            Part {
                name,
                index: index.collect(),
            }
        })
        .collect()
}

pub(super) fn fold(net: &Net) -> Folded {
    let paths: Vec<Vec<Part<'_>>> = net
        .elements
        .iter()
        .map(|element| parts(&element.path))
        .collect();
    let depth_max = paths.iter().map(Vec::len).max().unwrap_or(1);
    let mut depth = depth_max;
    let mut folded = Folded::default();
    loop {
        folded.nodes = vec![Node::default()];
        let leaf_of = nodes(net, &paths, depth, &mut folded.nodes);
        if folded.nodes.len() <= BOXES_MAX + 1 || depth == 1 {
            bundles(net, &paths, &leaf_of, &mut folded);
            break;
        }
        depth -= 1;
    }
    if depth < depth_max {
        folded.notes.push(format!(
            "what stands more than {depth} boxes deep is left out"
        ));
    }
    folded.title.clone_from(&net.title);
    folded.subtitle.clone_from(&net.subtitle);
    folded.shard_count = net.shard_count;
    note_common(&mut folded);
    folded
}

/// Makes the tree; returns the innermost box of every element.
fn nodes(net: &Net, paths: &[Vec<Part<'_>>], depth: usize, nodes: &mut Vec<Node>) -> Vec<usize> {
    let mut known: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    let mut leaf_of = Vec::with_capacity(paths.len());
    for (element, path) in net.elements.iter().zip(paths) {
        let mut at = 0;
        for part in path.iter().take(depth) {
            let parent = at;
            at = *known.entry((parent, part.name)).or_insert_with(|| {
                nodes.push(Node {
                    name: part.name.to_owned(),
                    parent: Some(parent),
                    ..Node::default()
                });
                let number = nodes.len() - 1;
                nodes[parent].children.push(number);
                number
            });
            let node = &mut nodes[at];
            node.element_count += 1;
            node.sizes.resize(node.sizes.len().max(part.index.len()), 0);
            for (size, &index) in node.sizes.iter_mut().zip(&part.index) {
                *size = (*size).max(index.saturating_add(1));
            }
            node.shards
                .entry(part.index.clone())
                .or_default()
                .extend(element.shard);
        }
        let kind = if path.len() > depth {
            "…"
        } else {
            element.kind.as_str()
        };
        if nodes[at].kind.is_empty() {
            nodes[at].kind = kind.to_owned();
        }
        leaf_of.push(at);
    }
    leaf_of
}

fn bundles(net: &Net, paths: &[Vec<Part<'_>>], leaf_of: &[usize], folded: &mut Folded) {
    let mut found: BTreeMap<(usize, usize), Bundle> = BTreeMap::new();
    let mut gates = Gates::default();
    for wire in &net.wires {
        let shards = (net.elements[wire.from].shard, net.elements[wire.to].shard);
        let cut = match shards {
            (Some(from), Some(to)) if from != to => Some((from.min(to), from.max(to))),
            _ => None,
        };
        if let Some(pair) = cut {
            *folded.pairs.entry(pair).or_default() += 1;
        }
        let (from, to) = side_by_side(&folded.nodes, leaf_of[wire.from], leaf_of[wire.to]);
        if from == to {
            inner_wire(folded, [&paths[wire.from], &paths[wire.to]], from, cut);
            continue;
        }
        let mut steps = vec![(from, to)];
        steps.extend(gates.leaving(&mut folded.nodes, leaf_of[wire.from], from, to));
        steps.extend(gates.entering(&mut folded.nodes, leaf_of[wire.to], to, from));
        for (from, to) in steps {
            let bundle = found.entry((from, to)).or_insert_with(|| Bundle {
                from,
                to,
                depth: Some(wire.depth),
                latency: Some(wire.latency),
                ..Bundle::default()
            });
            bundle.add(wire, cut);
        }
    }
    folded.bundles = found.into_values().collect();
}

impl Bundle {
    fn add(&mut self, wire: &NetWire, cut: Option<(u16, u16)>) {
        self.count += 1;
        self.depth = self.depth.filter(|&depth| depth == wire.depth);
        self.latency = self.latency.filter(|&latency| latency == wire.latency);
        if let Some(pair) = cut {
            self.cut_count += 1;
            self.pairs.insert(pair);
        }
    }
}

/// Where wires leave boxes and enter them: one place for each box outside that they lead to or come from.
#[derive(Default)]
struct Gates {
    /// By the box left, the box outside, and whether wires leave.
    known: BTreeMap<(usize, usize, bool), usize>,
}

impl Gates {
    /// The steps of a wire from an innermost box up to the outermost one around it that does not contain
    /// its other end, `outermost`; it leads to `outside`.
    fn leaving(
        &mut self,
        nodes: &mut Vec<Node>,
        innermost: usize,
        outermost: usize,
        outside: usize,
    ) -> Vec<(usize, usize)> {
        self.steps(nodes, innermost, outermost, outside, true)
    }

    /// The same of a wire that comes from `outside`.
    fn entering(
        &mut self,
        nodes: &mut Vec<Node>,
        innermost: usize,
        outermost: usize,
        outside: usize,
    ) -> Vec<(usize, usize)> {
        let steps = self.steps(nodes, innermost, outermost, outside, false);
        steps
            .into_iter()
            .map(|(inner, gate)| (gate, inner))
            .collect()
    }

    fn steps(
        &mut self,
        nodes: &mut Vec<Node>,
        innermost: usize,
        outermost: usize,
        outside: usize,
        is_leaving: bool,
    ) -> Vec<(usize, usize)> {
        let mut steps = Vec::new();
        let mut at = innermost;
        while at != outermost {
            let Some(parent) = nodes[at].parent else {
                break;
            };
            let gate = self.known.entry((parent, outside, is_leaving));
            let gate = *gate.or_insert_with(|| {
                let way = if is_leaving { "to" } else { "from" };
                nodes.push(Node {
                    name: format!("{way} {}", nodes[outside].name),
                    parent: Some(parent),
                    is_gate: true,
                    ..Node::default()
                });
                let number = nodes.len() - 1;
                nodes[parent].children.push(number);
                number
            });
            steps.push((at, gate));
            at = parent;
        }
        steps
    }
}

/// A wire whose ends are both in one array: of the outermost box around both where their indices differ.
fn inner_wire(
    folded: &mut Folded,
    [from, to]: [&Vec<Part<'_>>; 2],
    innermost: usize,
    cut: Option<(u16, u16)>,
) {
    let mut chain = vec![innermost];
    while let Some(parent) = folded.nodes[chain[chain.len() - 1]].parent {
        chain.push(parent);
    }
    chain.pop();
    for (level, &node) in chain.iter().rev().enumerate() {
        if from[level].index != to[level].index || node == innermost {
            folded.nodes[node].inner.push(InnerWire {
                from: from[level].index.clone(),
                to: to[level].index.clone(),
                cut,
            });
            return;
        }
    }
}

/// The boxes around two boxes that stand in the same one; twice the same if one box contains both and no
/// two boxes of it do, as when both are elements of one array.
fn side_by_side(nodes: &[Node], from: usize, to: usize) -> (usize, usize) {
    let ancestors = |mut at: usize| {
        let mut list = vec![at];
        while let Some(parent) = nodes[at].parent {
            at = parent;
            list.push(at);
        }
        list.reverse();
        list
    };
    let (from, to) = (ancestors(from), ancestors(to));
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    match (from.get(same), to.get(same)) {
        (Some(&from), Some(&to)) => (from, to),
        // One contains the other.
        _ => (from[same - 1], from[same - 1]),
    }
}

/// What is true of all bundles stands once, below the title.
fn note_common(folded: &mut Folded) {
    let depths: BTreeSet<Option<u32>> = folded.bundles.iter().map(|bundle| bundle.depth).collect();
    let latencies: BTreeSet<Option<u32>> =
        folded.bundles.iter().map(|bundle| bundle.latency).collect();
    let mut common = Vec::new();
    if let (1, Some(Some(depth))) = (depths.len(), depths.first()) {
        common.push(format!("depth {depth}"));
        folded
            .bundles
            .iter_mut()
            .for_each(|bundle| bundle.depth = None);
    }
    if let (1, Some(Some(latency))) = (latencies.len(), latencies.first()) {
        common.push(format!("latency {latency}"));
        folded
            .bundles
            .iter_mut()
            .for_each(|bundle| bundle.latency = None);
    }
    if !common.is_empty() {
        folded
            .notes
            .push(format!("every wire between boxes: {}", common.join(", ")));
    }
}

impl Node {
    /// How many of it there are within one of what it stands in.
    pub(super) fn copies(&self) -> usize {
        self.shards.len()
    }
}
