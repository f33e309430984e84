//! Folded boxes as a drawing.

use super::fold::{Bundle, Folded, Node};
use super::layers::{BoxSize, Layout, Line, layout};
use super::measure::{LANE, LINE, PADDING, SMALL};
use crate::drawing::{Area, Drawing, Ink, Look, Type, elided};
use crate::time::thousands;

const MARGIN: f64 = 20.0;
const HEAD: f64 = 60.0;
/// How far the boxes behind an array stand out.
const STACK: f64 = 4.0;
/// Shards with a chip in the box of an array.
const CHIPS_MAX: usize = 10;
const LEGEND_MAX: usize = 24;
const WIDTH_MIN: f64 = 480.0;
const GATE_HEIGHT: f64 = 16.0;

/// Sizes and inner layouts of all boxes.
struct Plan {
    sizes: Vec<BoxSize>,
    layouts: Vec<Layout>,
    /// The bundles of each layout.
    bundles: Vec<Vec<usize>>,
}

pub(super) fn draw(folded: &Folded) -> Drawing {
    let plan = plan(folded);
    let sheet = plan.sizes[0];
    let legend = legend(folded);
    let note = Type::plain(SMALL, Ink::Muted);
    let widest = folded
        .notes
        .iter()
        .map(|text| note.width(text))
        .fold(0.0, f64::max);
    let title = Type::plain(14.0, Ink::Text).bold().width(&folded.title);
    let subtitle = Type::plain(11.0, Ink::Muted).width(&folded.subtitle);
    let width = sheet
        .width
        .max(widest)
        .max(title)
        .max(subtitle.min(900.0))
        .max(WIDTH_MIN)
        + 2.0 * MARGIN;
    let legend_rows = wrapped(&legend, width - 2.0 * MARGIN);
    let legend_height = legend_rows.len() as f64 * 18.0;
    let notes_height = folded.notes.len() as f64 * 14.0;
    let height = HEAD + sheet.height + 16.0 + legend_height + notes_height + MARGIN;
    let mut drawing = Drawing::new(width, height);
    drawing.text(
        (MARGIN, MARGIN + 8.0),
        &folded.title,
        Type::plain(14.0, Ink::Text).bold(),
    );
    let text = elided(&folded.subtitle, 11.0, false, width - 2.0 * MARGIN);
    drawing.text(
        (MARGIN, MARGIN + 25.0),
        &text,
        Type::plain(11.0, Ink::Muted),
    );
    draw_inside(&mut drawing, folded, &plan, 0, (MARGIN, HEAD));
    let mut y = HEAD + sheet.height + 24.0;
    for row in legend_rows {
        let mut x = MARGIN;
        for entry in row {
            entry.draw(&mut drawing, (x, y));
            x += entry.width();
        }
        y += 18.0;
    }
    for text in &folded.notes {
        drawing.text((MARGIN, y + 4.0), text, note);
        y += 14.0;
    }
    drawing
}

/// Lays out from the innermost boxes outwards: children have higher numbers than what they stand in.
fn plan(folded: &Folded) -> Plan {
    let count = folded.nodes.len();
    let mut plan = Plan {
        sizes: vec![
            BoxSize {
                width: 0.0,
                height: 0.0
            };
            count
        ],
        layouts: vec![Layout::default(); count],
        bundles: vec![Vec::new(); count],
    };
    for number in (0..count).rev() {
        let node = &folded.nodes[number];
        let place = |child: usize| {
            let at = node.children.iter().position(|&known| known == child);
            at.expect("the ends of a bundle stand in the box of the bundle")
        };
        plan.bundles[number] = folded.bundles_in(number);
        let label = Type::plain(SMALL, Ink::Muted);
        let lines: Vec<Line> = plan.bundles[number]
            .iter()
            .map(|&bundle| {
                let bundle = &folded.bundles[bundle];
                Line {
                    from: place(bundle.from),
                    to: place(bundle.to),
                    label: label.width(&bundle.text()),
                }
            })
            .collect();
        let mut sizes: Vec<BoxSize> = node
            .children
            .iter()
            .map(|&child| plan.sizes[child])
            .collect();
        for (at, size) in sizes.iter_mut().enumerate() {
            // Lines that lead back leave where others arrive: all may be on one side.
            let touching = lines.iter().filter(|line| line.from == at || line.to == at);
            size.height = size.height.max(touching.count() as f64 * LANE);
        }
        let found = layout(&sizes, &lines);
        // A box may have grown for its lines.
        for (&child, size) in node.children.iter().zip(&sizes) {
            plan.sizes[child] = *size;
        }
        plan.sizes[number] = size(node, &found, number == 0, folded.shard_count > 0);
        plan.layouts[number] = found;
    }
    plan
}

fn size(node: &Node, inside: &Layout, is_sheet: bool, has_shards: bool) -> BoxSize {
    if is_sheet {
        return BoxSize {
            width: inside.width,
            height: inside.height,
        };
    }
    if node.is_gate {
        let width = gate_type().width(&node.name);
        return BoxSize {
            width: (width + 12.0).ceil(),
            height: GATE_HEIGHT,
        };
    }
    let (head_width, head_height) = node.head_size();
    let chips = if has_shards && node.thumbnail().is_none() {
        11.0
    } else {
        0.0
    };
    let stack = if node.copies() > 1 { 2.0 * STACK } else { 0.0 };
    let below = if node.children.is_empty() {
        0.0
    } else {
        inside.height + 8.0
    };
    BoxSize {
        width: (head_width.max(inside.width) + 2.0 * PADDING + stack)
            .max(64.0)
            .ceil(),
        height: (head_height + chips + below + 2.0 * PADDING + stack - 4.0).ceil(),
    }
}

fn draw_inside(
    drawing: &mut Drawing,
    folded: &Folded,
    plan: &Plan,
    number: usize,
    (x, y): (f64, f64),
) {
    let inside = &plan.layouts[number];
    for (&bundle, route) in plan.bundles[number].iter().zip(&inside.routes) {
        let bundle = &folded.bundles[bundle];
        let points: Vec<(f64, f64)> = route
            .points
            .iter()
            .map(|point| (point.0 + x, point.1 + y))
            .collect();
        draw_bundle(drawing, folded, bundle, points);
        let text = bundle.text();
        drawing.text(
            (route.label.0 + x, route.label.1 + y),
            &text,
            Type::plain(SMALL, Ink::Muted),
        );
    }
    for (&child, corner) in folded.nodes[number].children.iter().zip(&inside.corners) {
        draw_box(drawing, folded, plan, child, (corner.0 + x, corner.1 + y));
    }
}

fn draw_box(
    drawing: &mut Drawing,
    folded: &Folded,
    plan: &Plan,
    number: usize,
    (x, y): (f64, f64),
) {
    let node = &folded.nodes[number];
    let BoxSize { width, height } = plan.sizes[number];
    if node.is_gate {
        let area = Area::new(x, y, width, height);
        drawing.rectangle(
            area,
            GATE_HEIGHT / 2.0,
            Look::filled(Ink::Paper).outlined(Ink::Faint, 1.0),
        );
        let place = (x + width / 2.0, y + height / 2.0 + 3.2);
        drawing.text(place, &node.name, gate_type().middle());
        return;
    }
    let is_array = node.copies() > 1;
    let stack = if is_array { 2.0 * STACK } else { 0.0 };
    let front = Area::new(x, y, width - stack, height - stack);
    let shards: Vec<u16> = {
        let all: std::collections::BTreeSet<u16> =
            node.shards.values().flatten().copied().collect();
        all.into_iter().collect()
    };
    let fill = match (shards[..].first(), shards.len(), node.children.is_empty()) {
        (Some(&shard), 1, true) => Ink::CategoryFill(shard),
        (_, _, true) => Ink::Paper,
        (_, _, false) => Ink::Panel,
    };
    let look = Look::filled(fill).outlined(Ink::Edge, 1.0);
    if is_array {
        for behind in [2.0, 1.0] {
            let shift = STACK * behind;
            let area = Area::new(x + shift, y + shift, front.width, front.height);
            drawing.rectangle(area, 4.0, look);
        }
    }
    drawing.rectangle(front, 4.0, look);
    let left = x + PADDING;
    let mut base = y + PADDING + 9.0;
    for (text, set) in node.head_lines() {
        drawing.text((left, base), &text, set);
        base += LINE;
    }
    let (_, head_height) = node.head_size();
    if let Some(grid) = node.thumbnail() {
        let corner = if node.children.is_empty() {
            (left, base - 6.0)
        } else {
            (front.right() - PADDING - grid.width(), y + PADDING)
        };
        draw_thumbnail(drawing, folded, node, corner);
    } else if !shards.is_empty() {
        draw_chips(drawing, &shards, (left, base - 7.0));
    }
    let chips = if folded.shard_count > 0 && node.thumbnail().is_none() {
        11.0
    } else {
        0.0
    };
    draw_inside(
        drawing,
        folded,
        plan,
        number,
        (left, y + PADDING + head_height + chips + 4.0),
    );
}

fn gate_type() -> Type {
    Type::plain(SMALL, Ink::Muted)
}

/// A square for each shard that some of it is on.
fn draw_chips(drawing: &mut Drawing, shards: &[u16], (x, y): (f64, f64)) {
    for (at, &shard) in shards.iter().take(CHIPS_MAX).enumerate() {
        let area = Area::new(x + 10.0 * at as f64, y, 7.0, 7.0);
        drawing.rectangle(area, 1.5, Look::filled(Ink::Category(shard)));
        drawing.hint(format!("shard {shard}"));
    }
    if shards.len() > CHIPS_MAX {
        let place = (x + 10.0 * CHIPS_MAX as f64 + 1.0, y + 7.0);
        let text = format!("+{}", shards.len() - CHIPS_MAX);
        drawing.text(place, &text, Type::plain(SMALL - 1.0, Ink::Muted));
    }
}

/// Every element of an array as a cell, and the wires among them.
fn draw_thumbnail(drawing: &mut Drawing, folded: &Folded, node: &Node, (x, y): (f64, f64)) {
    let Some(grid) = node.thumbnail() else { return };
    let area_of = |index: &[u32]| {
        let (row, column) = match *index {
            [column] => (0, column),
            [row, column] => (row, column),
            _ => (0, 0),
        };
        let side = grid.cell * 0.72;
        let inset = (grid.cell - side) / 2.0;
        let corner = (
            x + f64::from(column) * grid.cell + inset,
            y + f64::from(row) * grid.cell + inset,
        );
        Area::new(corner.0, corner.1, side, side)
    };
    let mut wires = node.inner.clone();
    // Cut ones last, so that they are seen.
    wires.sort_by(|a, b| a.cut.is_some().cmp(&b.cut.is_some()).then(a.cmp(b)));
    wires.dedup();
    for wire in &wires {
        let is_near = wire
            .from
            .iter()
            .zip(&wire.to)
            .map(|(a, b)| a.abs_diff(*b))
            .sum::<u32>()
            == 1;
        if !is_near {
            continue;
        }
        let points = vec![area_of(&wire.from).middle(), area_of(&wire.to).middle()];
        let look = match wire.cut {
            Some(pair) => Look::line(pair_ink(folded, pair), 2.0),
            None => Look::line(Ink::Edge, 1.0),
        };
        drawing.line(points, look);
    }
    for (index, shards) in &node.shards {
        let area = area_of(index);
        let count = shards.len().max(1) as f64;
        let text: Vec<String> = index.iter().map(|index| format!("[{index}]")).collect();
        if shards.is_empty() {
            drawing.rectangle(area, 1.0, Look::filled(Ink::Bus).opacity(0.75));
            drawing.hint(format!("{}{}", node.name, text.concat()));
        }
        // An element that is parted has a stripe for each shard.
        for (at, &shard) in shards.iter().enumerate() {
            let stripe = Area::new(
                area.x + area.width * at as f64 / count,
                area.y,
                area.width / count,
                area.height,
            );
            drawing.rectangle(stripe, 0.0, Look::filled(Ink::Category(shard)));
            drawing.hint(format!("{}{}: shard {shard}", node.name, text.concat()));
        }
    }
}

/// The colour of a pair of shards: behind those of the shards.
fn pair_ink(folded: &Folded, pair: (u16, u16)) -> Ink {
    let at = folded
        .pairs
        .keys()
        .position(|known| *known == pair)
        .unwrap_or(0);
    Ink::Category(u16::try_from(folded.shard_count + at).unwrap_or(u16::MAX))
}

fn draw_bundle(drawing: &mut Drawing, folded: &Folded, bundle: &Bundle, points: Vec<(f64, f64)>) {
    let ink = match bundle.pairs.first() {
        None => Ink::Muted,
        Some(&pair) if bundle.pairs.len() == 1 => pair_ink(folded, pair),
        Some(_) => Ink::Cursor,
    };
    let wide = if bundle.count > 1 { 1.8 } else { 1.1 };
    let look = Look::line(ink, wide);
    let [.., before, end] = points[..] else {
        return;
    };
    let hint = format!(
        "{} → {}: {} wires{}",
        folded.nodes[bundle.from].name,
        folded.nodes[bundle.to].name,
        thousands(bundle.count as u128),
        if bundle.cut_count > 0 {
            format!(", {} cut", thousands(bundle.cut_count as u128))
        } else {
            String::new()
        }
    );
    drawing.line(points, look);
    drawing.hint(hint);
    let back = if before.0 < end.0 { -7.0 } else { 7.0 };
    let arrow = vec![
        end,
        (end.0 + back, end.1 - 3.6),
        (end.0 + back, end.1 + 3.6),
    ];
    drawing.polygon(arrow, Look::filled(ink));
}

/// A colour and what it means.
struct Entry {
    ink: Option<Ink>,
    is_line: bool,
    text: String,
}

impl Entry {
    fn width(&self) -> f64 {
        let set = Type::plain(SMALL, Ink::Text);
        set.width(&self.text) + if self.ink.is_some() { 34.0 } else { 16.0 }
    }

    fn draw(&self, drawing: &mut Drawing, (x, y): (f64, f64)) {
        let mut left = x;
        if let Some(ink) = self.ink {
            if self.is_line {
                drawing.line(
                    vec![(x, y - 3.0), (x + 13.0, y - 3.0)],
                    Look::line(ink, 2.0),
                );
            } else {
                drawing.rectangle(
                    Area::new(x + 3.0, y - 7.5, 8.0, 8.0),
                    1.5,
                    Look::filled(ink),
                );
            }
            left += 18.0;
        }
        drawing.text((left, y), &self.text, Type::plain(SMALL, Ink::Text));
    }
}

fn legend(folded: &Folded) -> Vec<Entry> {
    let mut entries = Vec::new();
    let shown = folded.shard_count.min(LEGEND_MAX);
    for shard in 0..shown {
        entries.push(Entry {
            ink: Some(Ink::Category(shard as u16)),
            is_line: false,
            text: format!("shard {shard}"),
        });
    }
    for (&pair, &count) in folded.pairs.iter().take(LEGEND_MAX) {
        let wires = if count == 1 { "wire" } else { "wires" };
        entries.push(Entry {
            ink: Some(pair_ink(folded, pair)),
            is_line: true,
            text: format!(
                "{} – {}: {} {wires} cut",
                pair.0,
                pair.1,
                thousands(count as u128)
            ),
        });
    }
    if folded.bundles.iter().any(|bundle| bundle.pairs.len() > 1) {
        entries.push(Entry {
            ink: Some(Ink::Cursor),
            is_line: true,
            text: "cut between several shards".to_owned(),
        });
    }
    let hidden = folded.pairs.len().saturating_sub(LEGEND_MAX) + (folded.shard_count - shown);
    if hidden > 0 {
        entries.push(Entry {
            ink: None,
            is_line: false,
            text: format!("and {hidden} more"),
        });
    }
    entries
}

/// Entries in rows of a width.
fn wrapped(entries: &[Entry], width: f64) -> Vec<Vec<&Entry>> {
    let mut rows: Vec<Vec<&Entry>> = Vec::new();
    let mut room = 0.0;
    for entry in entries {
        if entry.width() > room {
            rows.push(Vec::new());
            room = width;
        }
        room -= entry.width();
        if let Some(row) = rows.last_mut() {
            row.push(entry);
        }
    }
    rows
}
