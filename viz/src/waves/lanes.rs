//! Lanes of a sheet, drawn: lines, buses, curves, events, activity.

use super::pieces::{Activity, Piece, What};
use super::{Lane, Style};
use crate::drawing::{Area, Drawing, Ink, Look, Type, elided, elided_start};
use crate::time::thousands;
use crate::trace::{Radix, Value};

pub(super) const MARGIN: f64 = 18.0;
pub(super) const MARKED_WIDTH_MAX: f64 = 96.0;
pub(super) const TEXT: f64 = 11.0;
pub(super) const SMALL: f64 = 9.5;
/// From the upper edge of a lane to what is drawn, and the same below.
pub(super) const INSET: f64 = 4.0;
/// How far the ends of a bus lean.
const SLANT: f64 = 3.0;
/// Degrees of activity that are told apart.
const LEVELS: u64 = 10;

/// Where the columns of the picture stand.
pub(super) struct Columns {
    pub(super) label_width: f64,
    /// Right ends of the columns of marked values.
    pub(super) marked: Vec<f64>,
    pub(super) plot: Area,
    pub(super) from: u64,
    pub(super) span: f64,
}

impl Columns {
    pub(super) fn x(&self, time: u64) -> f64 {
        self.plot.x + (time - self.from) as f64 / self.span * self.plot.width
    }
}

/// Height of a row of cells.
pub(super) fn row_height(activity: &Activity) -> f64 {
    if activity.rows() > 8 { 3.0 } else { 5.0 }
}

/// What is folded into a row.
pub(super) fn folded_text(count: usize, activity: &Activity) -> String {
    let most = activity.most();
    let changes = if most == 1 { "change" } else { "changes" };
    format!(
        "{} signals, at most {} {changes} a cell",
        thousands(count as u128),
        thousands(u128::from(most))
    )
}

/// Draws a lane where there is room for it.
pub(super) fn draw_lane(drawing: &mut Drawing, lane: &Lane, area: Area, columns: &Columns) {
    let base = area.y + area.height / 2.0 + TEXT * 0.36;
    match lane {
        Lane::Heading { text } => {
            let strip = Area::new(
                MARGIN - 6.0,
                area.y + 3.0,
                area.right() - MARGIN + 6.0,
                area.height - 5.0,
            );
            drawing.rectangle(strip, 2.0, Look::filled(Ink::Panel));
            let set = Type::plain(TEXT, Ink::Muted).bold();
            let text = elided_start(text, TEXT, true, strip.width - 12.0);
            drawing.text((MARGIN, base), &text, set);
        }
        Lane::Folded {
            label,
            count,
            activity,
        } => {
            let middle = area.y + area.height / 2.0;
            let text = elided_start(label, TEXT, false, columns.label_width);
            drawing.text((MARGIN, middle - 2.0), &text, Type::plain(TEXT, Ink::Text));
            let text = elided(
                &folded_text(*count, activity),
                SMALL,
                false,
                columns.label_width,
            );
            drawing.text(
                (MARGIN, middle + 11.0),
                &text,
                Type::plain(SMALL, Ink::Muted),
            );
            draw_activity(drawing, activity, area);
        }
        Lane::Signal {
            label,
            style,
            width,
            pieces,
            texts,
            marked,
        } => {
            let text = elided_start(label, TEXT, false, columns.label_width);
            drawing.text((MARGIN, base), &text, Type::plain(TEXT, Ink::Text));
            for (text, &right) in marked.iter().zip(&columns.marked) {
                let text = elided(text, TEXT, false, MARKED_WIDTH_MAX);
                drawing.text((right, base), &text, Type::plain(TEXT, Ink::Cursor).end());
            }
            let inner = Area::new(
                area.x,
                area.y + INSET,
                area.width,
                area.height - 2.0 * INSET,
            );
            match style {
                Style::Digital => draw_digital(drawing, pieces, inner, columns),
                Style::Bus => draw_bus(drawing, pieces, texts, inner, columns),
                Style::Curve => draw_curve(drawing, pieces, *width, inner, columns),
                Style::Event => draw_events(drawing, pieces, inner, columns),
            }
        }
    }
}

/// The part of a lane that a piece covers.
fn span(piece: &Piece, inner: Area, columns: &Columns) -> Area {
    let (left, right) = (columns.x(piece.from), columns.x(piece.to));
    Area::new(left, inner.y, (right - left).max(0.75), inner.height)
}

fn draw_unknown(drawing: &mut Drawing, area: Area) {
    drawing.rectangle(area, 0.0, Look::filled(Ink::UnknownFill));
    drawing.hatch(area, 6.0, Look::line(Ink::Unknown, 0.6));
    let edges = [area.y, area.bottom()];
    for y in edges {
        drawing.line(
            vec![(area.x, y), (area.right(), y)],
            Look::line(Ink::Unknown, 1.0),
        );
    }
}

/// Stretches of much change: neighbours of one shade are one rectangle.
fn draw_busy(drawing: &mut Drawing, pieces: &[Piece], inner: Area, columns: &Columns, ink: Ink) {
    const SHADES: u64 = 6;
    let shade = |piece: &Piece| match piece.what {
        What::Busy { changes, .. } => Some((changes / 2).min(SHADES)),
        What::Unset | What::Value(_) => None,
    };
    for run in pieces.chunk_by(|a, b| shade(a) == shade(b)) {
        let (Some(shade), [first, ..]) = (shade(&run[0]), run) else {
            continue;
        };
        let (left, right) = (columns.x(first.from), columns.x(run[run.len() - 1].to));
        let area = Area::new(left, inner.y + 1.0, right - left, inner.height - 2.0);
        let share = shade as f64 / SHADES as f64;
        drawing.rectangle(area, 0.0, Look::filled(ink).opacity(0.35 + 0.5 * share));
    }
}

/// A line in the middle: nothing was set, or nobody drives it.
fn draw_middle(drawing: &mut Drawing, area: Area, is_driven: bool) {
    let y = (area.y + area.height / 2.0).round() + 0.5;
    let look = if is_driven {
        Look::line(Ink::Edge, 1.0).dashed()
    } else {
        Look::line(Ink::HighZ, 1.4)
    };
    drawing.line(vec![(area.x, y), (area.right(), y)], look);
}

fn draw_digital(drawing: &mut Drawing, pieces: &[Piece], inner: Area, columns: &Columns) {
    draw_busy(drawing, pieces, inner, columns, Ink::Lane);
    let (high, low) = (inner.y + 1.0, inner.bottom() - 1.0);
    let mut line: Vec<(f64, f64)> = Vec::new();
    let flush = |drawing: &mut Drawing, line: &mut Vec<(f64, f64)>| {
        if line.len() > 1 {
            drawing.line(std::mem::take(line), Look::line(Ink::Lane, 1.4));
        }
        line.clear();
    };
    for piece in pieces {
        let area = span(piece, inner, columns);
        let value = match &piece.what {
            What::Unset => None,
            What::Busy { .. } => {
                flush(drawing, &mut line);
                continue;
            }
            What::Value(value) => Some(value),
        };
        let Some(Value::Number(bit)) = value else {
            flush(drawing, &mut line);
            match value {
                Some(value) if !value.is_high_z() => draw_unknown(drawing, area),
                _ => draw_middle(drawing, area, value.is_none()),
            }
            continue;
        };
        let y = if *bit == 1 { high } else { low };
        if *bit == 1 {
            let below = Area::new(area.x, high, area.width, low - high);
            drawing.rectangle(below, 0.0, Look::filled(Ink::Lane).opacity(0.12));
        }
        line.push((area.x, y));
        line.push((area.right(), y));
    }
    flush(drawing, &mut line);
}

fn draw_bus(
    drawing: &mut Drawing,
    pieces: &[Piece],
    texts: &[String],
    inner: Area,
    columns: &Columns,
) {
    draw_busy(drawing, pieces, inner, columns, Ink::Bus);
    let plot = columns.plot;
    for (piece, text) in pieces.iter().zip(texts) {
        let area = span(piece, inner, columns);
        let value = match &piece.what {
            What::Unset => {
                draw_middle(drawing, area, true);
                continue;
            }
            What::Busy { .. } => continue,
            What::Value(value) => value,
        };
        if value.is_high_z() {
            draw_middle(drawing, area, false);
            continue;
        }
        let slant = SLANT.min(area.width / 2.0);
        // What began before the window or goes on after it is open there.
        let left = if area.x <= plot.x + 0.1 { 0.0 } else { slant };
        let right = if area.right() >= plot.right() - 0.1 {
            0.0
        } else {
            slant
        };
        let middle = area.y + area.height / 2.0;
        let corners = vec![
            (area.x, middle),
            (area.x + left, area.y),
            (area.right() - right, area.y),
            (area.right(), middle),
            (area.right() - right, area.bottom()),
            (area.x + left, area.bottom()),
        ];
        let is_unknown = value.is_unknown();
        let (fill, edge) = if is_unknown {
            (Ink::UnknownFill, Ink::Unknown)
        } else {
            (Ink::BusFill, Ink::Bus)
        };
        drawing.polygon(corners, Look::filled(fill).outlined(edge, 1.0));
        let room = area.width - 2.0 * slant - 3.0;
        // Of numbers the end tells more: neighbours differ there.
        let shown = match value {
            Value::Number(_) | Value::Bits(_) => elided_start(text, TEXT - 0.5, false, room),
            Value::Real(_) | Value::Text(_) | Value::Event => elided(text, TEXT - 0.5, false, room),
        };
        if shown != *text {
            drawing.hint(text.clone());
        }
        if is_unknown {
            let within = Area::new(
                area.x + slant,
                area.y,
                area.width - 2.0 * slant,
                area.height,
            );
            drawing.hatch(within, 6.0, Look::line(Ink::Unknown, 0.6));
        }
        let ink = if is_unknown { Ink::Unknown } else { Ink::Text };
        let set = Type::plain(TEXT - 0.5, ink).middle();
        let (x, y) = (area.x + area.width / 2.0, middle + (TEXT - 0.5) * 0.36);
        // One letter and dots say less than nothing.
        if !shown.is_empty() && (shown == *text || shown.chars().count() > 2) {
            if is_unknown {
                let half = set.width(&shown) / 2.0 + 3.0;
                let behind = Area::new(x - half, area.y + 2.0, 2.0 * half, area.height - 4.0);
                drawing.rectangle(behind, 2.0, Look::filled(Ink::UnknownFill));
            }
            drawing.text((x, y), &shown, set);
        }
    }
}

/// The least and greatest number; zero is shown with numbers that are not negative.
fn range_of(pieces: &[Piece], width: u32) -> Option<(f64, f64)> {
    let ranges = pieces.iter().filter_map(|piece| match &piece.what {
        What::Unset => None,
        What::Busy { range, .. } => *range,
        What::Value(value) => value
            .number(Radix::Decimal, width)
            .map(|number| (number, number)),
    });
    let (low, high) = ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
    let low = if low > 0.0 { 0.0 } else { low };
    Some(if high > low {
        (low, high)
    } else {
        (low, low + 1.0)
    })
}

fn draw_curve(drawing: &mut Drawing, pieces: &[Piece], width: u32, inner: Area, columns: &Columns) {
    let Some((low, high)) = range_of(pieces, width) else {
        for piece in pieces {
            let area = span(piece, inner, columns);
            match piece.what {
                What::Unset => draw_middle(drawing, area, true),
                What::Value(_) | What::Busy { .. } => draw_unknown(drawing, area),
            }
        }
        return;
    };
    let y = |number: f64| inner.bottom() - (number - low) / (high - low) * inner.height;
    for (number, place) in [(low, inner.bottom()), (high, inner.y + SMALL * 0.72)] {
        let text = Value::Real(number).text(Radix::Decimal, 64);
        let set = Type::plain(SMALL, Ink::Muted).end();
        drawing.text(
            (columns.plot.x - 6.0, place),
            &elided(&text, SMALL, false, 42.0),
            set,
        );
    }
    let base = vec![(inner.x, inner.bottom()), (inner.right(), inner.bottom())];
    drawing.line(base, Look::line(Ink::Faint, 1.0));
    let mut line: Vec<(f64, f64)> = Vec::new();
    let flush = |drawing: &mut Drawing, line: &mut Vec<(f64, f64)>| {
        if let (Some(first), Some(last)) = (line.first().copied(), line.last().copied()) {
            let mut below = line.clone();
            below.push((last.0, inner.bottom()));
            below.push((first.0, inner.bottom()));
            drawing.polygon(below, Look::filled(Ink::CurveFill));
            drawing.line(std::mem::take(line), Look::line(Ink::Curve, 1.3));
        }
    };
    let mut envelopes = Vec::new();
    for piece in pieces {
        let area = span(piece, inner, columns);
        let range = match &piece.what {
            What::Unset => None,
            What::Busy { range, .. } => *range,
            What::Value(value) => value
                .number(Radix::Decimal, width)
                .map(|number| (number, number)),
        };
        let Some((least, greatest)) = range else {
            flush(drawing, &mut line);
            match piece.what {
                What::Unset => draw_middle(drawing, area, true),
                What::Value(_) | What::Busy { .. } => draw_unknown(drawing, area),
            }
            continue;
        };
        if greatest > least {
            let (top, bottom) = (y(greatest), y(least));
            envelopes.push(Area::new(
                area.x,
                top,
                area.width + 0.3,
                (bottom - top).max(1.0),
            ));
        }
        let middle = y((least + greatest) / 2.0);
        line.push((area.x, middle));
        line.push((area.right(), middle));
    }
    flush(drawing, &mut line);
    for envelope in envelopes {
        drawing.rectangle(envelope, 0.0, Look::filled(Ink::Curve).opacity(0.45));
    }
}

fn draw_events(drawing: &mut Drawing, pieces: &[Piece], inner: Area, columns: &Columns) {
    let y = inner.bottom() - 0.5;
    drawing.line(
        vec![(inner.x, y), (inner.right(), y)],
        Look::line(Ink::Faint, 1.0),
    );
    draw_busy(drawing, pieces, inner, columns, Ink::Event);
    for piece in pieces {
        match piece.what {
            What::Unset | What::Busy { .. } => {}
            What::Value(_) => {
                let x = columns.x(piece.from);
                let stem = vec![(x, inner.y), (x, inner.bottom())];
                drawing.line(stem, Look::line(Ink::Event, 1.3));
                let head = vec![
                    (x - 3.0, inner.y + 4.0),
                    (x, inner.y - 1.0),
                    (x + 3.0, inner.y + 4.0),
                ];
                drawing.polygon(head, Look::filled(Ink::Event));
            }
        }
    }
}

/// A cell for each stretch of time and few signals; equal neighbours are one rectangle.
fn draw_activity(drawing: &mut Drawing, activity: &Activity, area: Area) {
    let row_height = row_height(activity);
    let height = activity.rows() as f64 * row_height;
    let top = (area.y + (area.height - height) / 2.0).round();
    let sheet = Area::new(area.x, top, area.width, height);
    drawing.rectangle(sheet, 0.0, Look::filled(Ink::Panel));
    let most = activity.most();
    if most == 0 {
        return;
    }
    let cell_width = area.width / Activity::COLUMNS as f64;
    let level = |changes: u64| (changes * LEVELS).div_ceil(most);
    for row in 0..activity.rows() {
        let cells = activity.row(row);
        let mut start = 0;
        while start < cells.len() {
            let here = level(cells[start]);
            let same = cells[start..]
                .iter()
                .take_while(|&&cell| level(cell) == here)
                .count();
            if here > 0 {
                let cell = Area::new(
                    area.x + start as f64 * cell_width,
                    top + row as f64 * row_height,
                    same as f64 * cell_width,
                    row_height,
                );
                let step = 50 + here * 190 / LEVELS;
                drawing.rectangle(cell, 0.0, Look::filled(Ink::Scale(step as u8)));
            }
            start += same;
        }
    }
}
