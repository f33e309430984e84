//! A timeline as a drawing.
//!
//! Time is cut into columns. In each, what was done stands one above the other, as high as its share of the
//! column's time: a long span is a bar of full height, and thousands of short ones are an area whose height
//! is read as a share.

use super::{Span, Timeline};
use crate::chart::{LEFT, NAME_WIDTH, RIGHT, WIDTH};
use crate::drawing::{Area, Drawing, Ink, Look, Type, elided};
use crate::time::Clock;

const MARGIN: f64 = 18.0;
const COLUMNS: usize = 450;
const ROW: f64 = 26.0;
const GAP: f64 = 6.0;
const SMALL: f64 = 10.0;
/// Names in the legend.
const NAMES_MAX: usize = 14;

pub(super) fn draw(timeline: &Timeline, title: &str) -> Drawing {
    let label = Type::plain(11.0, Ink::Text).end();
    let names = timeline.names();
    let legend = legend(&names, LEFT + WIDTH - MARGIN);
    let top = 36.0 + 18.0 * legend.rows as f64 + 14.0;
    let height = top + (ROW + GAP) * timeline.tracks.len() as f64 + 30.0;
    let mut drawing = Drawing::new(LEFT + WIDTH + RIGHT, height);
    drawing.text((MARGIN, 24.0), title, Type::plain(14.0, Ink::Text).bold());
    for (ink, text, (x, y)) in &legend.list {
        if let Some(ink) = ink {
            let square = Area::new(*x, *y - 9.0, 10.0, 10.0);
            drawing.rectangle(square, 2.0, Look::filled(*ink));
        }
        drawing.text((x + 15.0, *y), text, Type::plain(SMALL, Ink::Muted));
    }
    let (start, end) = timeline.extent();
    for (number, track) in timeline.tracks.iter().enumerate() {
        let y = top + (ROW + GAP) * number as f64;
        let row = Area::new(LEFT, y, WIDTH, ROW);
        drawing.rectangle(row, 0.0, Look::filled(Ink::Panel));
        let name = elided(&track.name, 11.0, false, NAME_WIDTH);
        drawing.text((LEFT - 8.0, y + ROW / 2.0 + 4.0), &name, label);
        let spans: Vec<&Span> = timeline
            .spans
            .iter()
            .filter(|span| span.track == number)
            .collect();
        draw_track(&mut drawing, row, &spans, &names, (start, end));
    }
    axis(&mut drawing, top, height, (start, end));
    drawing
}

struct Legend<'a> {
    rows: usize,
    list: Vec<(Option<Ink>, &'a str, (f64, f64))>,
}

fn ink(number: usize) -> Ink {
    Ink::Category(number as u16)
}

/// Names with their colours, in as many lines as they need.
fn legend<'a>(names: &[&'a str], right: f64) -> Legend<'a> {
    let mut legend = Legend {
        rows: 1,
        list: Vec::new(),
    };
    let (mut x, mut y) = (MARGIN, 46.0);
    let entries = names.iter().enumerate().take(NAMES_MAX);
    let mut entries: Vec<(Option<Ink>, &str)> = entries
        .map(|(number, name)| (Some(ink(number)), *name))
        .collect();
    if names.len() > NAMES_MAX {
        entries.push((None, "and others: point at them"));
    }
    for (ink, text) in entries {
        let width = 30.0 + Type::plain(SMALL, Ink::Muted).width(text);
        if x + width > right && x > MARGIN {
            (x, y) = (MARGIN, y + 18.0);
            legend.rows += 1;
        }
        legend.list.push((ink, text, (x, y)));
        x += width;
    }
    legend
}

/// Nanoseconds of each name in each column.
fn columns(spans: &[&Span], names: &[&str], (start, end): (f64, f64)) -> Vec<Vec<f64>> {
    let step = (end - start) / COLUMNS as f64;
    let mut times = vec![vec![0.0; COLUMNS]; names.len()];
    for span in spans {
        let Some(name) = names.iter().position(|name| *name == span.name) else {
            continue;
        };
        let (from, to) = (
            span.start_ns - start,
            span.start_ns + span.duration_ns - start,
        );
        let last = ((to / step) as usize).min(COLUMNS - 1);
        let first = ((from / step) as usize).min(last);
        for (column, time) in times[name]
            .iter_mut()
            .enumerate()
            .take(last + 1)
            .skip(first)
        {
            let left = step * column as f64;
            *time += (to.min(left + step) - from.max(left)).max(0.0);
        }
    }
    times
}

fn draw_track(
    drawing: &mut Drawing,
    row: Area,
    spans: &[&Span],
    names: &[&str],
    (start, end): (f64, f64),
) {
    if end <= start {
        return;
    }
    let step = (end - start) / COLUMNS as f64;
    let mut floor = vec![0.0; COLUMNS];
    for (number, times) in columns(spans, names, (start, end)).into_iter().enumerate() {
        let sum: f64 = times.iter().sum();
        let share = format!("{:.0} %", sum / (end - start) * 100.0);
        if number == 0 {
            let place = (row.right() + 8.0, row.y + ROW / 2.0 + 4.0);
            drawing.text(place, &share, Type::plain(SMALL, Ink::Muted));
        }
        let mut from = 0;
        while from < COLUMNS {
            if times[from] <= 0.0 {
                from += 1;
                continue;
            }
            let length = times[from..].iter().take_while(|time| **time > 0.0).count();
            let to = from + length;
            let area = steps(row, &floor[from..to], &times[from..to], step, from);
            drawing.polygon(area, Look::filled(ink(number)));
            drawing.hint(format!("{}: {}, {share}", names[number], duration(sum)));
            from = to;
        }
        floor
            .iter_mut()
            .zip(times)
            .for_each(|(floor, time)| *floor += time);
    }
}

/// The area between a floor and what stands on it, in steps of one column.
fn steps(row: Area, floor: &[f64], times: &[f64], step: f64, first: usize) -> Vec<(f64, f64)> {
    let width = row.width / COLUMNS as f64;
    let x = |column: usize| row.x + width * (first + column) as f64;
    let y = |time: f64| row.bottom() - (time / step).min(1.0) * row.height;
    let edge = |heights: Vec<f64>| {
        let mut points: Vec<(f64, f64)> = Vec::new();
        for (column, height) in heights.iter().enumerate() {
            let is_same = points
                .last()
                .is_some_and(|last| (last.1 - height).abs() < 0.01);
            if is_same {
                points.pop();
            } else {
                points.push((x(column), *height));
            }
            points.push((x(column + 1), *height));
        }
        points
    };
    let upper = floor.iter().zip(times).map(|(floor, time)| y(floor + time));
    let mut points = edge(upper.collect());
    points.extend(
        edge(floor.iter().map(|floor| y(*floor)).collect())
            .into_iter()
            .rev(),
    );
    points
}

fn axis(drawing: &mut Drawing, top: f64, height: f64, (start, end): (f64, f64)) {
    let left = LEFT;
    let span = (end - start) as u64;
    if span == 0 {
        return;
    }
    let clock = Clock::new(Some(-9), 0, span, 8);
    let bottom = height - 30.0;
    let mut free_from = left;
    for (time, text) in clock.ticks(0, span, 8).marks {
        let x = left + WIDTH * time as f64 / span as f64;
        drawing.line(
            vec![(x, top - 4.0), (x, bottom)],
            Look::line(Ink::Edge, 0.6).dashed(),
        );
        let set = Type::plain(SMALL, Ink::Muted);
        let width = set.width(&text);
        let place = (x - width / 2.0).max(left);
        if place >= free_from && place + width <= left + WIDTH {
            drawing.text((place, bottom + 14.0), &text, set);
            free_from = place + width + 8.0;
        }
    }
    drawing.text(
        (left + WIDTH + 8.0, bottom + 14.0),
        clock.unit(),
        Type::plain(SMALL, Ink::Muted),
    );
}

/// A length of time in a fitting unit.
fn duration(ns: f64) -> String {
    match ns {
        _ if ns >= 1e9 => format!("{:.3} s", ns / 1e9),
        _ if ns >= 1e6 => format!("{:.3} ms", ns / 1e6),
        _ if ns >= 1e3 => format!("{:.3} us", ns / 1e3),
        _ => format!("{ns:.0} ns"),
    }
}
