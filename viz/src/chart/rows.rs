//! Numbers as colours, a row for each line.

use super::{Chart, LEFT, Line, NAME_WIDTH, RIGHT, SMALL, WIDTH, edge_axis, head, short};
use crate::drawing::{Area, Drawing, Ink, Look, Type, elided_start};

const ROW: f64 = 18.0;
const ROW_SMALL: f64 = 9.0;
/// Rows that are drawn; more of them in one drawing are no help.
const ROWS_MAX: usize = 64;
/// From this many on, rows are low.
const ROWS_HIGH: usize = 24;
const TOP: f64 = 56.0;
const SCALE_MIN: f64 = 44.0;

pub(super) fn draw(chart: &Chart) -> Drawing {
    let all: Vec<&Line> = chart.lines.iter().filter(|line| !line.is_main).collect();
    let lines = &all[..all.len().min(ROWS_MAX)];
    let (row, size) = if lines.len() > ROWS_HIGH {
        (ROW_SMALL, 8.0)
    } else {
        (ROW, SMALL)
    };
    let set = Type::plain(size, Ink::Text);
    let bottom = TOP + row * lines.len() as f64;
    let mut drawing = Drawing::new(LEFT + WIDTH + RIGHT, bottom.max(TOP + SCALE_MIN) + 34.0);
    let legend = if lines.len() < all.len() {
        format!(
            "{}; the first {} of {}",
            chart.legend,
            lines.len(),
            all.len()
        )
    } else {
        chart.legend.clone()
    };
    head(&mut drawing, &chart.title, &legend);
    edge_axis(&mut drawing, chart, (bottom, bottom));
    let most = lines.iter().flat_map(|line| &line.numbers).copied();
    let most = most.fold(0.0, f64::max);
    for (number, line) in lines.iter().enumerate() {
        let area = Area::new(LEFT, TOP + row * number as f64, WIDTH, row - 1.0);
        let name = elided_start(&line.name, size, false, NAME_WIDTH);
        let baseline = area.y + area.height / 2.0 + size * 0.36;
        drawing.text((LEFT - 8.0, baseline), &name, set.end());
        colours(&mut drawing, chart, line, area, most);
    }
    let height = (bottom - TOP - 8.0).clamp(SCALE_MIN, 200.0);
    scale(&mut drawing, most, LEFT + WIDTH + 12.0, height);
    drawing
}

/// A row: intervals of one colour become one rectangle.
fn colours(drawing: &mut Drawing, chart: &Chart, line: &Line, area: Area, most: f64) {
    let (first, last) = chart.extent();
    let x = |edge: u64| area.x + area.width * (edge - first) as f64 / (last - first) as f64;
    let level = |number: f64| {
        if most > 0.0 {
            (number / most * 255.0).round() as u8
        } else {
            0
        }
    };
    let intervals: Vec<(&[u64], f64)> = chart
        .edges
        .windows(2)
        .zip(line.numbers.iter().copied())
        .collect();
    for group in intervals.chunk_by(|a, b| level(a.1) == level(b.1)) {
        let (start, end) = (group[0].0[0], group[group.len() - 1].0[1]);
        let part = Area::new(x(start), area.y, x(end) - x(start), area.height);
        drawing.rectangle(part, 0.0, Look::filled(Ink::Scale(level(group[0].1))));
        drawing.hint(format!(
            "{}, {start} to {end}: {}",
            line.name,
            short(group[0].1)
        ));
    }
}

fn scale(drawing: &mut Drawing, most: f64, x: f64, height: f64) {
    const STEPS: u8 = 32;
    let step = height / f64::from(STEPS);
    for number in 0..STEPS {
        let y = TOP + height - step * (f64::from(number) + 1.0);
        let colour = Ink::Scale((u16::from(number) * 255 / u16::from(STEPS - 1)) as u8);
        let overlap = if number == 0 { 0.0 } else { 0.4 };
        drawing.rectangle(
            Area::new(x, y, 10.0, step + overlap),
            0.0,
            Look::filled(colour),
        );
    }
    for share in [0.0, 0.5, 1.0] {
        let y = TOP + height * (1.0 - share) + 3.5;
        drawing.text(
            (x + 14.0, y),
            &short(most * share),
            Type::plain(SMALL, Ink::Muted),
        );
    }
}
