//! A heat map as a drawing.

use super::{Cell, HeatMap, Side};
use crate::drawing::{Area, Drawing, Ink, Look, Type, elided};
use crate::trace::{Radix, Value};

const MARGIN: f64 = 18.0;
const HEAD: f64 = 54.0;
/// The longer side of the grid, about.
const GRID: f64 = 620.0;
const CELL_MAX: f64 = 46.0;
const CELL_MIN: f64 = 3.0;
/// The narrowest picture: there must be room for the title.
const WIDTH_MIN: f64 = 420.0;
const SMALL: f64 = 9.5;
const SCALE_WIDTH: f64 = 14.0;

/// A number with at most four digits that count.
fn short(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e5 {
        return format!("{number:.0}");
    }
    match number.abs() {
        size if size >= 1e9 => format!("{:.1}G", number / 1e9),
        size if size >= 1e6 => format!("{:.1}M", number / 1e6),
        size if size >= 1e4 => format!("{:.1}k", number / 1e3),
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 1.0 => format!("{number:.1}"),
        _ => Value::Real((number * 1e3).round() / 1e3).text(Radix::Decimal, 64),
    }
}

pub(super) fn draw(map: &HeatMap) -> Drawing {
    let most = map.rows.max(map.columns) as f64;
    let size = (GRID / most).clamp(CELL_MIN, CELL_MAX).round();
    let label = Type::plain(SMALL, Ink::Muted);
    let row_width = label.width(&map.rows.to_string()) + 10.0;
    let grid = Area::new(
        MARGIN + row_width + 16.0,
        HEAD + 18.0,
        size * map.columns as f64,
        size * map.rows as f64,
    );
    let scale_height = grid.height.clamp(90.0, 320.0);
    let width = (grid.right() + 28.0 + SCALE_WIDTH + 70.0 + MARGIN).max(WIDTH_MIN);
    let height = grid.y + grid.height.max(scale_height) + 30.0 + MARGIN;
    let mut drawing = Drawing::new(width, height);
    let room = width - 2.0 * MARGIN;
    let title = elided(&map.title, 14.0, true, room);
    drawing.text(
        (MARGIN, MARGIN + 8.0),
        &title,
        Type::plain(14.0, Ink::Text).bold(),
    );
    let below = elided(
        &format!("{} · {}", map.elements, map.legend),
        11.0,
        false,
        room,
    );
    drawing.text(
        (MARGIN, MARGIN + 25.0),
        &below,
        Type::plain(11.0, Ink::Muted),
    );
    axes(&mut drawing, map, grid, size);
    drawing.rectangle(grid, 0.0, Look::filled(Ink::Panel));
    let (low, high) = map.range();
    let level = |number: f64| ((number - low) / (high - low) * 255.0).round() as u8;
    for (&(row, column), cell) in &map.cells {
        let gap = if size >= 12.0 { 1.0 } else { 0.0 };
        let area = Area::new(
            grid.x + size * column as f64,
            grid.y + size * row as f64,
            size - gap,
            size - gap,
        );
        draw_cell(&mut drawing, map, (row, column), cell, area, &level);
    }
    scale(
        &mut drawing,
        map,
        Area::new(grid.right() + 28.0, grid.y, SCALE_WIDTH, scale_height),
    );
    drawing
}

fn draw_cell(
    drawing: &mut Drawing,
    map: &HeatMap,
    (row, column): (usize, usize),
    cell: &Cell,
    area: Area,
    level: &dyn Fn(f64) -> u8,
) {
    let index = if map.has_rows {
        format!("[{row}][{column}]")
    } else {
        format!("[{column}]")
    };
    let name = format!(
        "{}{index}",
        map.elements.split('[').next().unwrap_or_default()
    );
    let (x, y) = area.middle();
    let has_sides = cell.sides.iter().any(Option::is_some);
    if let Some(number) = cell.centre {
        drawing.rectangle(area, 0.0, Look::filled(Ink::Scale(level(number))));
        drawing.hint(format!("{name}: {}", short(number)));
    } else {
        drawing.rectangle(area, 0.0, Look::filled(Ink::Faint));
    }
    let corners = [
        (area.x, area.y),
        (area.right(), area.y),
        (area.right(), area.bottom()),
        (area.x, area.bottom()),
    ];
    for (number, side) in Side::ALL.into_iter().enumerate() {
        let Some(value) = cell.sides[number] else {
            continue;
        };
        // With a number in the middle the sides are the outer half of the cell.
        let depth = if cell.centre.is_some() { 0.5 } else { 1.0 };
        let (from, to) = (corners[number], corners[(number + 1) % 4]);
        let inner = |corner: (f64, f64)| {
            (
                corner.0 + (x - corner.0) * depth,
                corner.1 + (y - corner.1) * depth,
            )
        };
        let look = Look::filled(Ink::Scale(level(value))).outlined(Ink::Paper, 0.6);
        drawing.polygon(vec![from, to, inner(to), inner(from)], look);
        drawing.hint(format!("{name}, {}: {}", side.word(), short(value)));
    }
    if let (Some(number), false) = (cell.centre, has_sides) {
        let text = short(number);
        let ink = if level(number) > 140 {
            Ink::Paper
        } else {
            Ink::Text
        };
        let set = Type::plain(SMALL, ink).middle();
        if set.width(&text) + 6.0 <= area.width && area.height >= 16.0 {
            drawing.text((x, y + SMALL * 0.36), &text, set);
        }
    }
}

/// Indices beside rows and above columns, as many as there is room for.
fn axes(drawing: &mut Drawing, map: &HeatMap, grid: Area, size: f64) {
    let set = Type::plain(SMALL, Ink::Muted);
    let steps = [1, 2, 4, 8, 16, 32, 64, 128, 256];
    let step_for = |room: f64| {
        steps
            .into_iter()
            .find(|&step| size * step as f64 >= room)
            .unwrap_or(512)
    };
    let column_step = step_for(set.width(&map.columns.to_string()) + 8.0);
    for column in (0..map.columns).step_by(column_step) {
        let x = grid.x + size * (column as f64 + 0.5);
        drawing.text((x, grid.y - 6.0), &column.to_string(), set.middle());
    }
    if map.has_rows {
        for row in (0..map.rows).step_by(step_for(14.0)) {
            let y = grid.y + size * (row as f64 + 0.5) + SMALL * 0.36;
            drawing.text((grid.x - 7.0, y), &row.to_string(), set.end());
        }
    }
    let caption = if map.has_rows {
        "rows: first index, columns: second"
    } else {
        "the index"
    };
    drawing.text((grid.x, grid.bottom() + 16.0), caption, set);
}

fn scale(drawing: &mut Drawing, map: &HeatMap, area: Area) {
    const STEPS: u8 = 64;
    let step = area.height / f64::from(STEPS);
    for number in 0..STEPS {
        let y = area.bottom() - step * (f64::from(number) + 1.0);
        let colour = Ink::Scale((u16::from(number) * 255 / u16::from(STEPS - 1)) as u8);
        // A little too high: no seam shows where two meet.
        let height = if number == 0 { step } else { step + 0.4 };
        drawing.rectangle(
            Area::new(area.x, y, area.width, height),
            0.0,
            Look::filled(colour),
        );
    }
    let (low, high) = map.range();
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let y = area.bottom() - area.height * share;
        let set = Type::plain(SMALL, Ink::Muted);
        drawing.line(
            vec![(area.right(), y), (area.right() + 4.0, y)],
            Look::line(Ink::Edge, 1.0),
        );
        let number = low + (high - low) * share;
        drawing.text((area.right() + 8.0, y + SMALL * 0.36), &short(number), set);
    }
}
