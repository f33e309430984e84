//! Charts of numbers over something that counts on, such as cycles: curves, rows of colours, and shares.
//!
//! What is drawn over an interval belongs to all of it: curves go in steps. Knows nothing of what is counted.

mod curves;
mod rows;
mod shares;

use crate::drawing::{Drawing, Ink, Look, Type};
use crate::time::{Clock, thousands};

/// Numbers over intervals that follow each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// Its title.
    pub title: String,
    /// What the numbers are, with their unit.
    pub legend: String,
    /// Where intervals begin and end: one more than there are numbers in a line.
    pub edges: Vec<u64>,
    /// The unit of the edges, in the plural.
    pub edge_unit: String,
    /// The numbers, line by line.
    pub lines: Vec<Line>,
}

/// The numbers of one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Its numbers, interval by interval.
    pub numbers: Vec<f64>,
    /// Whether it stands out: the sum or the mean of the others.
    pub is_main: bool,
}

/// Of several things, what parts they consist of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shares {
    /// Its title.
    pub title: String,
    /// What the whole is.
    pub legend: String,
    /// The parts.
    pub parts: Vec<Part>,
    /// The things: name, and how much of each part.
    pub rows: Vec<(String, Vec<f64>)>,
}

/// A part that several things have.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its colour.
    pub ink: Ink,
}

impl Chart {
    /// The numbers as curves in one frame. With more than are told apart, those that do not stand out become a
    /// band from the least to the greatest.
    #[must_use]
    pub fn curves(&self) -> Drawing {
        curves::draw(self)
    }

    /// The numbers as colours, a row for each line that does not stand out.
    #[must_use]
    pub fn rows(&self) -> Drawing {
        rows::draw(self)
    }

    /// The greatest number, or 1 where there is none above 0.
    fn most(&self) -> f64 {
        let numbers = self.lines.iter().flat_map(|line| &line.numbers);
        let most = numbers.copied().fold(0.0, f64::max);
        if most > 0.0 { most } else { 1.0 }
    }

    /// First and last edge.
    fn extent(&self) -> (u64, u64) {
        let first = self.edges.first().copied().unwrap_or(0);
        let last = self.edges.last().copied().unwrap_or(0);
        (first, last.max(first.saturating_add(1)))
    }
}

impl Shares {
    /// A bar for each thing, its parts beside each other.
    #[must_use]
    pub fn picture(&self) -> Drawing {
        shares::draw(self)
    }
}

const MARGIN: f64 = 18.0;
const SMALL: f64 = 10.0;

/// Left end and width of what is drawn over time, and room to its right: charts that stand one above the other
/// on a page, and timelines, are in line.
pub(crate) const LEFT: f64 = 204.0;
pub(crate) const WIDTH: f64 = 860.0;
pub(crate) const RIGHT: f64 = 66.0;
/// Width of a name left of it.
pub(crate) const NAME_WIDTH: f64 = LEFT - MARGIN - 12.0;

/// Title and legend at the top of a drawing.
fn head(drawing: &mut Drawing, title: &str, legend: &str) {
    drawing.text((MARGIN, 24.0), title, Type::plain(14.0, Ink::Text).bold());
    drawing.text((MARGIN, 41.0), legend, Type::plain(11.0, Ink::Muted));
}

/// Marks of the edges below a frame, and lines up to its upper end.
fn edge_axis(drawing: &mut Drawing, chart: &Chart, (top, bottom): (f64, f64)) {
    let left = LEFT;
    let (first, last) = chart.extent();
    let set = Type::plain(SMALL, Ink::Muted);
    let clock = Clock::new(None, first, last, 8);
    let mut free_from = left;
    for (edge, text) in clock.ticks(first, last, 8).marks {
        let x = left + WIDTH * (edge - first) as f64 / (last - first) as f64;
        drawing.line(
            vec![(x, top), (x, bottom + 4.0)],
            Look::line(Ink::Faint, 1.0),
        );
        let width = set.width(&text);
        let place = (x - width / 2.0).max(left);
        if place >= free_from && place + width <= left + WIDTH {
            drawing.text((place, bottom + 16.0), &text, set);
            free_from = place + width + 8.0;
        }
    }
    drawing.text((left + WIDTH + 8.0, bottom + 16.0), &chart.edge_unit, set);
}

/// A number with about three digits that count.
fn short(number: f64) -> String {
    match number.abs() {
        size if size >= 1e9 => format!("{:.1}G", number / 1e9),
        size if size >= 1e7 => format!("{:.1}M", number / 1e6),
        _ if number.fract() == 0.0 => thousands(number.abs() as u128),
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

#[cfg(test)]
mod tests;
