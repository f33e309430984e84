//! How large boxes are, and what stands in them.

use super::fold::{Bundle, Folded, Node};
use crate::drawing::Ink;
use crate::drawing::Type;
use crate::time::thousands;

pub(super) const NAME: f64 = 11.0;
pub(super) const SMALL: f64 = 9.0;
/// Room around what stands in a box.
pub(super) const PADDING: f64 = 9.0;
/// The heading of a box.
pub(super) const LINE: f64 = 13.0;
/// The more an array has, the smaller its elements are drawn.
const THUMBNAIL: f64 = 96.0;
const THUMBNAIL_CELLS_MAX: u32 = 32;
/// Room for a line that ends at a box.
pub(super) const LANE: f64 = 12.0;

/// The elements of an array as a small grid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thumbnail {
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) cell: f64,
}

impl Thumbnail {
    pub(super) fn width(&self) -> f64 {
        f64::from(self.columns) * self.cell
    }

    pub(super) fn height(&self) -> f64 {
        f64::from(self.rows) * self.cell
    }
}

impl Node {
    /// A small grid, if it is an array of one or two dimensions and not large.
    pub(super) fn thumbnail(&self) -> Option<Thumbnail> {
        let (rows, columns) = match self.sizes[..] {
            [columns] => (1, columns),
            [rows, columns] => (rows, columns),
            _ => return None,
        };
        let most = rows.max(columns);
        if self.copies() < 2 || most > THUMBNAIL_CELLS_MAX {
            return None;
        }
        let cell = (THUMBNAIL / f64::from(most)).clamp(4.0, 14.0).floor();
        Some(Thumbnail {
            rows,
            columns,
            cell,
        })
    }

    /// The name, with the sizes of an array.
    pub(super) fn heading(&self) -> String {
        let sizes: Vec<String> = self.sizes.iter().map(u32::to_string).collect();
        if sizes.is_empty() {
            return self.name.clone();
        }
        format!(
            "{} {}",
            self.name,
            if sizes.len() == 1 {
                format!("× {}", sizes[0])
            } else {
                sizes.join(" × ")
            }
        )
    }

    /// Wires among the elements of the array, in words.
    pub(super) fn inner_text(&self) -> Option<String> {
        let count = self.inner.len();
        let cut = self.inner.iter().filter(|wire| wire.cut.is_some()).count();
        let wires = match count {
            0 => return None,
            1 => "1 wire within".to_owned(),
            _ => format!("{} wires within", thousands(count as u128)),
        };
        Some(if cut == 0 {
            wires
        } else {
            format!("{wires}, {} cut", thousands(cut as u128))
        })
    }

    /// What stands in the head of the box: lines of text with their types.
    pub(super) fn head_lines(&self) -> Vec<(String, Type)> {
        let mut lines = vec![(self.heading(), Type::plain(NAME, Ink::Text).bold())];
        if self.children.is_empty() && !self.kind.is_empty() {
            lines.push((self.kind.clone(), Type::plain(SMALL, Ink::Muted)));
        }
        lines.extend(
            self.inner_text()
                .map(|text| (text, Type::plain(SMALL, Ink::Muted))),
        );
        lines
    }

    /// Width and height of the head: text at the left, the grid at the right or below.
    pub(super) fn head_size(&self) -> (f64, f64) {
        let lines = self.head_lines();
        let text_width = lines
            .iter()
            .map(|(text, set)| set.width(text))
            .fold(0.0, f64::max);
        let text_height = lines.len() as f64 * LINE + 2.0;
        match self.thumbnail() {
            None => (text_width, text_height),
            Some(grid) if self.children.is_empty() => (
                text_width.max(grid.width()),
                text_height + grid.height() + 5.0,
            ),
            Some(grid) => (
                text_width + 14.0 + grid.width(),
                text_height.max(grid.height() + 4.0),
            ),
        }
    }
}

impl Bundle {
    /// What stands at the line.
    pub(super) fn text(&self) -> String {
        let mut words = Vec::new();
        if self.count > 1 {
            words.push(format!("× {}", thousands(self.count as u128)));
        }
        words.extend(self.depth.map(|depth| format!("depth {depth}")));
        words.extend(self.latency.map(|latency| format!("latency {latency}")));
        if self.cut_count > 0 && self.count > 1 {
            words.push(format!("{} cut", thousands(self.cut_count as u128)));
        }
        words.join(", ")
    }
}

impl Folded {
    /// Bundles between the boxes that stand in a box.
    pub(super) fn bundles_in(&self, node: usize) -> Vec<usize> {
        let all = self.bundles.iter().enumerate();
        all.filter(|(_, bundle)| self.nodes[bundle.from].parent == Some(node))
            .map(|(number, _)| number)
            .collect()
    }
}
