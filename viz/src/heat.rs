//! Heat maps: a number for each element of a grid, as colour.
//!
//! Elements come by name: `router[2][3]` stands in row 2, column 3; a row of elements, `lane[7]`, is a map of
//! one row. Numbers of several signals of one element are added up; where their names speak of north, east,
//! south and west, each has its side of the cell, so that the load of links is seen as links.

mod grid;
mod measure;
mod picture;

pub use grid::{GridError, Side};
pub use measure::Measure;

use crate::drawing::{Drawing, Theme};
use std::collections::BTreeMap;

/// The most cells along a side.
pub const CELLS_MAX: u64 = 1024;

/// A number of an element, or of one of its sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The name of the element and what is read of it: `mesh.router[2][3].east`.
    pub name: String,
    /// The number.
    pub number: f64,
}

/// A map, laid out by [`HeatMap::new`].
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// Its title.
    pub title: String,
    /// What the numbers are, and their unit.
    pub legend: String,
    /// The name of the elements, with stars.
    pub elements: String,
    rows: usize,
    columns: usize,
    has_rows: bool,
    cells: BTreeMap<(usize, usize), Cell>,
}

/// The numbers of an element.
#[derive(Clone, Debug, Default, PartialEq)]
struct Cell {
    /// Of the element itself.
    centre: Option<f64>,
    /// North, east, south, west.
    sides: [Option<f64>; 4],
}

impl HeatMap {
    /// Lays out readings by the indices in their names.
    ///
    /// # Errors
    /// There are none with indices, or they are of several arrays, or of a grid of three dimensions.
    pub fn new(title: &str, legend: &str, readings: &[Reading]) -> Result<Self, GridError> {
        let grid::Placed {
            elements,
            has_rows,
            list,
        } = grid::place(readings)?;
        let mut map = Self {
            title: title.to_owned(),
            legend: legend.to_owned(),
            elements,
            rows: 1 + list.iter().map(|placed| placed.row).max().unwrap_or(0),
            columns: 1 + list.iter().map(|placed| placed.column).max().unwrap_or(0),
            has_rows,
            cells: BTreeMap::new(),
        };
        // One side alone is a number of the element.
        let first = list.first().and_then(|placed| placed.side);
        let is_one_side = list.iter().all(|placed| placed.side == first);
        if let Some(side) = first.filter(|_| is_one_side) {
            map.elements = format!("{}, {}", map.elements, side.word());
        }
        for placed in list {
            let cell = map.cells.entry((placed.row, placed.column)).or_default();
            let slot = match placed.side.filter(|_| !is_one_side) {
                Some(side) => &mut cell.sides[side as usize],
                None => &mut cell.centre,
            };
            *slot = Some(slot.unwrap_or(0.0) + placed.number);
        }
        Ok(map)
    }

    /// The least and the greatest number.
    fn range(&self) -> (f64, f64) {
        let numbers = self
            .cells
            .values()
            .flat_map(|cell| cell.sides.iter().chain([&cell.centre]));
        let numbers = numbers.flatten().copied();
        let (low, high) = numbers
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| {
                (low.min(number), high.max(number))
            });
        let low = if low.is_finite() { low.min(0.0) } else { 0.0 };
        (low, if high > low { high } else { low + 1.0 })
    }

    /// The picture.
    #[must_use]
    pub fn picture(&self) -> Drawing {
        picture::draw(self)
    }

    /// The picture as SVG.
    #[must_use]
    pub fn svg(&self, theme: Theme) -> String {
        self.picture().svg(theme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(list: &[(&str, f64)]) -> Vec<Reading> {
        let reading = |&(name, number): &(&str, f64)| Reading {
            name: name.to_owned(),
            number,
        };
        list.iter().map(reading).collect()
    }

    #[test]
    fn elements_stand_where_their_indices_say() {
        let list = readings(&[
            ("m.router[0][1].east", 3.0),
            ("m.router[0][1].out.east", 2.0),
            ("m.router[2][0].west", 1.0),
            ("m.router[2][0].sum", 7.0),
        ]);
        let map = HeatMap::new("t", "changes", &list).unwrap();
        assert_eq!(
            (map.rows, map.columns, map.elements.as_str()),
            (3, 2, "m.router[*][*]")
        );
        assert_eq!(map.cells[&(0, 1)].sides, [None, Some(5.0), None, None]);
        assert_eq!(map.cells[&(2, 0)].centre, Some(7.0));
        assert_eq!(map.range(), (0.0, 7.0));
        let svg = map.svg(Theme::Light);
        assert!(svg.contains("m.router[0][1], east: 5"), "{svg}");
    }

    #[test]
    fn a_row_is_a_map_of_one_row() {
        let map = HeatMap::new(
            "t",
            "",
            &readings(&[("lane[3].x", 1.0), ("lane[5].x", 2.0)]),
        )
        .unwrap();
        assert_eq!((map.rows, map.columns), (1, 6));
    }

    #[test]
    fn what_is_no_grid_is_said() {
        let said = |list: &[(&str, f64)]| {
            HeatMap::new("t", "", &readings(list))
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            said(&[("top.clk", 1.0)]),
            "nothing stands in a grid: no name has an index, as in `router[2][3].east`"
        );
        assert_eq!(
            said(&[("a[0].x", 1.0), ("b[0].x", 1.0)]),
            "`a[*]` and `b[*]` are two arrays, and a map is of one: choose by --signals"
        );
        assert_eq!(
            said(&[("a[0][1][2].x", 1.0), ("a[1][0][0].x", 1.0)]),
            "`a[*][*][*]` has 3 dimensions, a map has 2: choose by --signals, as `a[0]`"
        );
        assert_eq!(
            said(&[("a[5000].x", 1.0)]),
            "index 5000 of `a[5000].x` is beyond the 1024 cells a map may have"
        );
    }
}
