//! Curves in a frame.

use super::{Chart, LEFT, Line, MARGIN, NAME_WIDTH, RIGHT, SMALL, WIDTH, edge_axis, head, short};
use crate::drawing::{Area, Drawing, Ink, Look, Type, elided_start};

const HEIGHT: f64 = 200.0;
/// Curves that are told apart by colour.
const TOLD_APART: usize = 8;
const TOP: f64 = 56.0;

pub(super) fn draw(chart: &Chart) -> Drawing {
    let (main, others): (Vec<&Line>, Vec<&Line>) =
        chart.lines.iter().partition(|line| line.is_main);
    let is_band = others.len() > TOLD_APART;
    let top_value = ceiling(chart.most());
    let frame = Area::new(LEFT, TOP, WIDTH, HEIGHT);
    let mut drawing = Drawing::new(frame.right() + RIGHT, frame.bottom() + 34.0);
    head(&mut drawing, &chart.title, &chart.legend);
    names(&mut drawing, &main, &others, is_band);
    drawing.rectangle(frame, 0.0, Look::filled(Ink::Panel));
    edge_axis(&mut drawing, chart, (frame.y, frame.bottom()));
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let y = frame.bottom() - HEIGHT * share;
        let line = vec![(LEFT, y), (frame.right(), y)];
        drawing.line(line, Look::line(Ink::Faint, 1.0));
        let place = (frame.right() + 8.0, y + 3.5);
        drawing.text(
            place,
            &short(top_value * share),
            Type::plain(SMALL, Ink::Muted),
        );
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
            let look = Look::line(Ink::Category(number as u16), 1.4);
            scale.curve(&mut drawing, line, look);
        }
    }
    for line in main {
        scale.curve(&mut drawing, line, Look::line(Ink::Text, 2.0));
    }
    drawing
}

/// Left of the frame, one below the other.
fn names(drawing: &mut Drawing, main: &[&Line], others: &[&Line], is_band: bool) {
    let mut names: Vec<(String, Ink, f64)> = main
        .iter()
        .map(|line| (line.name.clone(), Ink::Text, 2.4))
        .collect();
    if is_band {
        let name = format!("least to greatest of {}", others.len());
        names.push((name, Ink::Curve, 1.4));
    } else {
        let others = others.iter().enumerate();
        names.extend(
            others.map(|(number, line)| (line.name.clone(), Ink::Category(number as u16), 1.4)),
        );
    }
    for (number, (name, ink, width)) in names.iter().enumerate() {
        let y = TOP + 12.0 + 20.0 * number as f64;
        drawing.line(
            vec![(MARGIN, y - 4.0), (MARGIN + 14.0, y - 4.0)],
            Look::line(*ink, *width),
        );
        let name = elided_start(name, SMALL, false, NAME_WIDTH - 20.0);
        drawing.text((MARGIN + 20.0, y), &name, Type::plain(SMALL, Ink::Text));
    }
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
