//! Curves in a frame.

use super::{Chart, Line, MARGIN, SMALL, WIDTH, edge_axis, head, short};
use crate::drawing::{Area, Drawing, Ink, Look, Type, elided};

const HEIGHT: f64 = 200.0;
/// Curves that are told apart by colour.
const TOLD_APART: usize = 8;
const NAME_MAX: f64 = 220.0;

pub(super) fn draw(chart: &Chart) -> Drawing {
    let (main, others): (Vec<&Line>, Vec<&Line>) =
        chart.lines.iter().partition(|line| line.is_main);
    let is_band = others.len() > TOLD_APART;
    let top_value = ceiling(chart.most());
    let label = Type::plain(SMALL, Ink::Muted).end();
    let left = MARGIN + label.width(&short(top_value)).max(30.0) + 10.0;
    let names = names(&main, &others, is_band);
    let rows = place_names(&names, left + WIDTH);
    let legend_rows = rows.last().map_or(0.0, |row| row.1 + 1.0);
    let frame = Area::new(left, 54.0 + 18.0 * legend_rows, WIDTH, HEIGHT);
    let mut drawing = Drawing::new(frame.right() + 70.0, frame.bottom() + 34.0);
    head(&mut drawing, &chart.title, &chart.legend);
    for ((name, ink, is_wide), &(x, row)) in names.iter().zip(&rows) {
        let y = 60.0 + 18.0 * row;
        let width = if *is_wide { 2.4 } else { 1.4 };
        drawing.line(
            vec![(x, y - 4.0), (x + 16.0, y - 4.0)],
            Look::line(*ink, width),
        );
        drawing.text((x + 22.0, y), name, Type::plain(SMALL, Ink::Text));
    }
    drawing.rectangle(frame, 0.0, Look::filled(Ink::Panel));
    edge_axis(&mut drawing, chart, left, (frame.y, frame.bottom()));
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let y = frame.bottom() - HEIGHT * share;
        drawing.line(
            vec![(left, y), (frame.right(), y)],
            Look::line(Ink::Faint, 1.0),
        );
        drawing.text((left - 8.0, y + 3.5), &short(top_value * share), label);
    }
    let scale = Scale {
        chart,
        frame,
        top: top_value,
    };
    if is_band {
        scale.band(&mut drawing, &others);
    } else {
        for (number, line) in others.iter().enumerate() {
            scale.curve(
                &mut drawing,
                line,
                Look::line(Ink::Category(number as u16), 1.4),
            );
        }
    }
    for line in main {
        scale.curve(&mut drawing, line, Look::line(Ink::Text, 2.0));
    }
    drawing
}

/// Names in the legend with colour, and whether the line is wide.
fn names(main: &[&Line], others: &[&Line], is_band: bool) -> Vec<(String, Ink, bool)> {
    let name = |line: &Line| elided(&line.name, SMALL, false, NAME_MAX);
    let mut names: Vec<(String, Ink, bool)> = main
        .iter()
        .map(|line| (name(line), Ink::Text, true))
        .collect();
    if is_band {
        names.push((
            format!("least to greatest of {}", others.len()),
            Ink::Curve,
            false,
        ));
    } else {
        let others = others.iter().enumerate();
        names
            .extend(others.map(|(number, line)| (name(line), Ink::Category(number as u16), false)));
    }
    names
}

/// Where the names of the legend begin: x, and the row.
fn place_names(names: &[(String, Ink, bool)], right: f64) -> Vec<(f64, f64)> {
    let (mut x, mut row) = (MARGIN, 0.0);
    let mut places = Vec::new();
    for (name, ..) in names {
        let width = 42.0 + Type::plain(SMALL, Ink::Text).width(name);
        if x + width > right && x > MARGIN {
            (x, row) = (MARGIN, row + 1.0);
        }
        places.push((x, row));
        x += width;
    }
    places
}

/// The least of 1, 1.2, 1.6, 2, 4, 6, 8 and 10 times a power of ten that is not below a number: its quarters
/// are short.
pub(super) fn ceiling(number: f64) -> f64 {
    let power = 10f64.powi(number.log10().floor() as i32);
    let steps = [1.0, 1.2, 1.6, 2.0, 4.0, 6.0, 8.0, 10.0];
    let fitting = steps
        .into_iter()
        .find(|step| step * power >= number * 0.999_999);
    fitting.unwrap_or(10.0) * power
}

struct Scale<'a> {
    chart: &'a Chart,
    frame: Area,
    top: f64,
}

impl Scale<'_> {
    fn point(&self, edge: u64, number: f64) -> (f64, f64) {
        let (first, last) = self.chart.extent();
        let share = (edge - first) as f64 / (last - first) as f64;
        let height = (number / self.top).clamp(0.0, 1.0) * self.frame.height;
        (
            self.frame.x + self.frame.width * share,
            self.frame.bottom() - height,
        )
    }

    /// Both ends of every interval at its number.
    fn steps(&self, numbers: impl Iterator<Item = f64>) -> Vec<(f64, f64)> {
        let intervals = self.chart.edges.windows(2);
        let ends = intervals.zip(numbers).flat_map(|(interval, number)| {
            [
                self.point(interval[0], number),
                self.point(interval[1], number),
            ]
        });
        ends.collect()
    }

    fn curve(&self, drawing: &mut Drawing, line: &Line, look: Look) {
        let points = self.steps(line.numbers.iter().copied());
        if points.is_empty() {
            return;
        }
        drawing.line(points, look);
        let mean = self.mean(line);
        drawing.hint(format!("{}: {} on average", line.name, short(mean)));
    }

    /// Weighted by the lengths of the intervals.
    fn mean(&self, line: &Line) -> f64 {
        let (first, last) = self.chart.extent();
        let intervals = self.chart.edges.windows(2).zip(&line.numbers);
        let sum: f64 = intervals
            .map(|(interval, number)| number * (interval[1] - interval[0]) as f64)
            .sum();
        sum / (last - first) as f64
    }

    fn band(&self, drawing: &mut Drawing, lines: &[&Line]) {
        let count = self.chart.edges.len().saturating_sub(1);
        let at = |column: usize| {
            lines
                .iter()
                .filter_map(move |line| line.numbers.get(column))
        };
        let least = (0..count).map(|it| at(it).copied().fold(f64::INFINITY, f64::min));
        let most = (0..count).map(|it| at(it).copied().fold(0.0, f64::max));
        let mut points = self.steps(most);
        points.extend(self.steps(least).into_iter().rev());
        if !points.is_empty() {
            drawing.polygon(
                points,
                Look::filled(Ink::CurveFill).outlined(Ink::Curve, 1.0),
            );
        }
    }
}
