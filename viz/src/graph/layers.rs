//! Places for the boxes in one box: layers from left to right, lines that never run through a box.
//!
//! ```text
//!   layer 0   labels │ bends   layer 1   labels │ bends
//!   ┌──────┐ ─ × 8 ──┐        ┌──────┐
//!   │      │         └──────► │      │
//!   └──────┘ ─────────────────────────── a line to a later layer has a place in this one
//! ```
//! The steps are those of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical
//! system structures", 1981: lines that lead back are turned for the time being, layers are longest paths,
//! orders are mean places of neighbours, heights follow. Lines meet only where they bend.

/// A box to place.
#[derive(Clone, Copy, Debug)]
pub(super) struct BoxSize {
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A line to draw, between two different boxes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Width of its label.
    pub(super) label: f64,
}

/// Where all of it stands, from the left top corner on.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    pub(super) corners: Vec<(f64, f64)>,
    /// Points of each line, from its beginning to its end, and where its label begins.
    pub(super) routes: Vec<Route>,
    pub(super) width: f64,
    pub(super) height: f64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Route {
    pub(super) points: Vec<(f64, f64)>,
    pub(super) label: (f64, f64),
}

/// Between boxes of a layer.
const BOX_GAP: f64 = 20.0;
/// Between lines that pass.
const LINE_GAP: f64 = 14.0;
const BEND: f64 = 34.0;
const ROUNDS: usize = 12;
/// Straight before a box, for the arrow.
const STUB: f64 = 9.0;

/// A box, or the place of a line in a layer that it passes.
struct Slot {
    /// The box, if it is one.
    node: Option<usize>,
    layer: usize,
    width: f64,
    height: f64,
    /// Upper end.
    y: f64,
}

/// A step of a line from one layer to the next.
struct Step {
    left: usize,
    right: usize,
    /// Number of the line, and the first of its steps.
    line: usize,
    /// Heights of its ends.
    ends: (f64, f64),
}

pub(super) fn layout(sizes: &[BoxSize], lines: &[Line]) -> Layout {
    if sizes.is_empty() {
        return Layout::default();
    }
    let layer_of = layers(sizes.len(), lines);
    let mut slots: Vec<Slot> = sizes
        .iter()
        .enumerate()
        .map(|(number, size)| Slot {
            node: Some(number),
            layer: layer_of[number],
            width: size.width,
            height: size.height,
            y: 0.0,
        })
        .collect();
    let mut steps = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let (mut left, mut right) = (line.from, line.to);
        if layer_of[left] > layer_of[right] {
            std::mem::swap(&mut left, &mut right);
        }
        let mut at = left;
        for layer in layer_of[left] + 1..layer_of[right] {
            slots.push(Slot {
                node: None,
                layer,
                width: 0.0,
                height: LINE_GAP,
                y: 0.0,
            });
            steps.push(Step::new(at, slots.len() - 1, number));
            at = slots.len() - 1;
        }
        steps.push(Step::new(at, right, number));
    }
    let mut order = vec![Vec::new(); 1 + layer_of.iter().copied().max().unwrap_or(0)];
    for (number, slot) in slots.iter().enumerate() {
        order[slot.layer].push(number);
    }
    sort_layers(&mut order, slots.len(), &steps);
    place_heights(&mut slots, &order, &steps);
    place_ends(&slots, &mut steps);
    finish(&slots, &order, &steps, lines, sizes.len())
}

impl Step {
    fn new(left: usize, right: usize, line: usize) -> Self {
        Self {
            left,
            right,
            line,
            ends: (0.0, 0.0),
        }
    }
}

/// Longest paths, with the lines that lead back left out: those to a box from which the way came.
fn layers(count: usize, lines: &[Line]) -> Vec<usize> {
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut arrivals = vec![0usize; count];
    for line in lines {
        next[line.from].push(line.to);
        arrivals[line.to] += 1;
    }
    // 0 not seen, 1 on the way, 2 done; roots without arrivals first.
    let mut state = vec![0u8; count];
    let mut finished = Vec::with_capacity(count);
    let mut forward: Vec<(usize, usize)> = Vec::new();
    let mut roots: Vec<usize> = (0..count).collect();
    roots.sort_by_key(|&node| (arrivals[node] > 0, node));
    for root in roots {
        if state[root] != 0 {
            continue;
        }
        state[root] = 1;
        let mut way = vec![(root, 0)];
        while let Some((node, tried)) = way.last_mut() {
            let Some(&to) = next[*node].get(*tried) else {
                state[*node] = 2;
                finished.push(*node);
                way.pop();
                continue;
            };
            *tried += 1;
            let from = *node;
            if state[to] != 1 {
                forward.push((from, to));
            }
            if state[to] == 0 {
                state[to] = 1;
                way.push((to, 0));
            }
        }
    }
    let mut layer = vec![0usize; count];
    let mut leads: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (from, to) in forward {
        leads[from].push(to);
    }
    for &node in finished.iter().rev() {
        for &to in &leads[node] {
            layer[to] = layer[to].max(layer[node] + 1);
        }
    }
    // A box without arrivals stands right before the first it leads to.
    for node in 0..count {
        let least = leads[node].iter().map(|&to| layer[to]).min();
        if let (0, Some(least)) = (layer[node], least) {
            layer[node] = least.saturating_sub(1);
        }
    }
    layer
}

/// Orders each layer by the mean place of the neighbours in the one before, then after, and again.
fn sort_layers(order: &mut [Vec<usize>], slot_count: usize, steps: &[Step]) {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); slot_count];
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); slot_count];
    for step in steps {
        before[step.right].push(step.left);
        after[step.left].push(step.right);
    }
    let mut place = vec![0.0; slot_count];
    let number = |order: &[usize], place: &mut [f64]| {
        for (at, &slot) in order.iter().enumerate() {
            place[slot] = (at as f64 + 0.5) / order.len() as f64;
        }
    };
    order.iter().for_each(|layer| number(layer, &mut place));
    for round in 0..ROUNDS {
        let neighbours = if round % 2 == 0 { &before } else { &after };
        let mut layers: Vec<usize> = (0..order.len()).collect();
        if round % 2 == 1 {
            layers.reverse();
        }
        for layer in layers {
            let mean = |slot: usize| {
                let list = &neighbours[slot];
                let sum: f64 = list.iter().map(|&slot| place[slot]).sum();
                if list.is_empty() {
                    place[slot]
                } else {
                    sum / list.len() as f64
                }
            };
            let mut keyed: Vec<(f64, usize)> = order[layer]
                .iter()
                .map(|&slot| (mean(slot), slot))
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(place[a.1].total_cmp(&place[b.1])));
            order[layer] = keyed.into_iter().map(|(_, slot)| slot).collect();
            number(&order[layer], &mut place);
        }
    }
}

/// Moves each slot towards the middle of its neighbours, as far as those beside it let it.
fn place_heights(slots: &mut [Slot], order: &[Vec<usize>], steps: &[Step]) {
    let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); slots.len()];
    for step in steps {
        neighbours[step.left].push(step.right);
        neighbours[step.right].push(step.left);
    }
    for layer in order {
        let mut y = 0.0;
        for &slot in layer {
            slots[slot].y = y;
            y += slots[slot].height + gap(&slots[slot]);
        }
    }
    for _ in 0..4 * ROUNDS {
        for layer in order {
            let wanted: Vec<f64> = layer
                .iter()
                .enumerate()
                .map(|(at, &slot)| {
                    let list = &neighbours[slot];
                    if list.is_empty() {
                        return beside(slots, layer, at);
                    }
                    let middle = |slot: usize| slots[slot].y + slots[slot].height / 2.0;
                    let sum: f64 = list.iter().map(|&slot| middle(slot)).sum();
                    sum / list.len() as f64 - slots[slot].height / 2.0
                })
                .collect();
            // From above each as low as wanted, from below each as high as those below allow; the mean of both
            // keeps order and gaps, because each of them does.
            let mut down = wanted.clone();
            for at in 1..layer.len() {
                let above = &slots[layer[at - 1]];
                down[at] = down[at].max(down[at - 1] + above.height + gap(above));
            }
            let mut up = wanted;
            for at in (0..layer.len().saturating_sub(1)).rev() {
                let here = &slots[layer[at]];
                up[at] = up[at].min(up[at + 1] - here.height - gap(here));
            }
            for (at, &slot) in layer.iter().enumerate() {
                slots[slot].y = (down[at] + up[at]) / 2.0;
            }
        }
    }
    let top = slots
        .iter()
        .map(|slot| slot.y)
        .fold(f64::INFINITY, f64::min);
    slots.iter_mut().for_each(|slot| slot.y -= top);
}

/// Where a box without lines wants to be: right below the one above it, or above the one below.
fn beside(slots: &[Slot], layer: &[usize], at: usize) -> f64 {
    let here = &slots[layer[at]];
    let above = at.checked_sub(1).map(|at| &slots[layer[at]]);
    let below = layer.get(at + 1).map(|&slot| &slots[slot]);
    match (above, below) {
        (Some(above), _) => above.y + above.height + gap(above),
        (None, Some(below)) => below.y - here.height - gap(here),
        (None, None) => here.y,
    }
}

fn gap(slot: &Slot) -> f64 {
    if slot.node.is_some() { BOX_GAP } else { 4.0 }
}

/// Spreads the ends of lines over the sides of boxes, in the order of where they lead.
fn place_ends(slots: &[Slot], steps: &mut [Step]) {
    for (number, slot) in slots.iter().enumerate() {
        for is_left_end in [true, false] {
            let mut touching: Vec<usize> = (0..steps.len())
                .filter(|&step| {
                    number
                        == if is_left_end {
                            steps[step].left
                        } else {
                            steps[step].right
                        }
                })
                .collect();
            let other = |step: &Step| {
                let other = &slots[if is_left_end { step.right } else { step.left }];
                other.y + other.height / 2.0
            };
            touching.sort_by(|&a, &b| {
                other(&steps[a])
                    .total_cmp(&other(&steps[b]))
                    .then(a.cmp(&b))
            });
            let count = touching.len() as f64;
            let spread = slot.height.min(count * 22.0);
            let top = slot.y + (slot.height - spread) / 2.0;
            for (at, step) in touching.into_iter().enumerate() {
                let y = (top + spread * (at as f64 + 0.5) / count).round();
                if is_left_end {
                    steps[step].ends.0 = y;
                } else {
                    steps[step].ends.1 = y;
                }
            }
        }
    }
}

fn finish(
    slots: &[Slot],
    order: &[Vec<usize>],
    steps: &[Step],
    lines: &[Line],
    box_count: usize,
) -> Layout {
    let mut lefts = Vec::new();
    let mut rights = Vec::new();
    let mut labels = Vec::new();
    let mut x = 0.0;
    for (layer, members) in order.iter().enumerate() {
        let width = members
            .iter()
            .map(|&slot| slots[slot].width)
            .fold(0.0, f64::max);
        lefts.push(x);
        rights.push(x + width);
        let from_here = steps.iter().filter(|step| slots[step.left].layer == layer);
        let is_first = |step: &&Step| slots[step.left].node.is_some();
        let label = from_here
            .filter(is_first)
            .map(|step| lines[step.line].label)
            .fold(0.0, f64::max);
        labels.push(if label > 0.0 { label + 14.0 } else { 6.0 });
        x += width + labels[layer] + BEND + STUB;
    }
    let mut layout = Layout {
        corners: vec![(0.0, 0.0); box_count],
        routes: vec![Route::default(); lines.len()],
        width: rights[rights.len() - 1],
        height: slots
            .iter()
            .map(|slot| slot.y + slot.height)
            .fold(0.0, f64::max),
    };
    for slot in slots {
        if let Some(node) = slot.node {
            let room = rights[slot.layer] - lefts[slot.layer];
            layout.corners[node] = (lefts[slot.layer] + (room - slot.width) / 2.0, slot.y);
        }
    }
    for step in steps {
        let (left, right) = (&slots[step.left], &slots[step.right]);
        let route = &mut layout.routes[step.line];
        let start_x = match left.node {
            Some(node) => layout.corners[node].0 + left.width,
            None => lefts[left.layer],
        };
        let end_x = match right.node {
            Some(node) => layout.corners[node].0,
            None => lefts[right.layer],
        };
        let (start_y, end_y) = step.ends;
        if left.node.is_some() {
            route.label = (start_x + 6.0, start_y - 3.0);
        }
        let bend_from = rights[left.layer] + labels[left.layer];
        let bend_to = bend_from + BEND;
        route.points.push((start_x, start_y));
        route
            .points
            .extend(bend((bend_from, start_y), (bend_to, end_y)));
        route.points.push((end_x, end_y));
    }
    for (route, line) in layout.routes.iter_mut().zip(lines) {
        if slots[line.from].layer > slots[line.to].layer {
            route.points.reverse();
        }
    }
    layout
}

/// From one height to another: half a wave.
fn bend((from_x, from_y): (f64, f64), (to_x, to_y): (f64, f64)) -> Vec<(f64, f64)> {
    const POINTS: u8 = 12;
    if from_y == to_y {
        return vec![(from_x, from_y), (to_x, to_y)];
    }
    (0..=POINTS)
        .map(|point| {
            let share = f64::from(point) / f64::from(POINTS);
            let risen = share * share * (3.0 - 2.0 * share);
            (
                from_x + (to_x - from_x) * share,
                from_y + (to_y - from_y) * risen,
            )
        })
        .collect()
}
