//! From names to places in a grid.

use super::{CELLS_MAX, Reading};
use std::collections::BTreeMap;
use std::fmt;

/// A side of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Up.
    North,
    /// Right.
    East,
    /// Down.
    South,
    /// Left.
    West,
}

impl Side {
    /// All, clockwise.
    pub const ALL: [Self; 4] = [Self::North, Self::East, Self::South, Self::West];

    /// As it is called in names.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::North => "north",
            Self::East => "east",
            Self::South => "south",
            Self::West => "west",
        }
    }
}

/// Why there is no map.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GridError {
    /// No name has an index.
    NoIndices,
    /// The names are of more than one array.
    SeveralArrays {
        /// One.
        first: String,
        /// Another.
        second: String,
    },
    /// An array is neither a row nor a grid.
    Dimensions {
        /// The array.
        array: String,
        /// How many it has.
        count: usize,
    },
    /// An index is too large.
    Index {
        /// The name.
        name: String,
        /// The index.
        index: u64,
    },
}

impl fmt::Display for GridError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoIndices => out.write_str(
                "nothing stands in a grid: no name has an index, as in `router[2][3].east`",
            ),
            Self::SeveralArrays { first, second } => write!(
                out,
                "`{first}` and `{second}` are two arrays, and a map is of one: choose by --signals"
            ),
            Self::Dimensions { array, count } => write!(
                out,
                "`{array}` has {count} dimensions, a map has 2: choose by --signals, as `{}[0]`",
                array.split('[').next().unwrap_or_default()
            ),
            Self::Index { name, index } => write!(
                out,
                "index {index} of `{name}` is beyond the {CELLS_MAX} cells a map may have"
            ),
        }
    }
}

impl std::error::Error for GridError {}

pub(super) struct Place {
    pub(super) row: usize,
    pub(super) column: usize,
    pub(super) side: Option<Side>,
    pub(super) number: f64,
}

pub(super) struct Placed {
    pub(super) elements: String,
    pub(super) has_rows: bool,
    pub(super) list: Vec<Place>,
}

/// A name up to its last index that is meant: the array with stars, and the indices.
struct Element {
    array: String,
    indices: Vec<u64>,
}

/// Indices that all readings share are part of the name, not of the grid: in `tile[0].fifo[2]` the tile is
/// one.
pub(super) fn place(readings: &[Reading]) -> Result<Placed, GridError> {
    let elements: Vec<Option<(Element, usize)>> = readings
        .iter()
        .map(|reading| element(&reading.name))
        .collect();
    let mut values: BTreeMap<(String, usize), Vec<u64>> = BTreeMap::new();
    for (element, _) in elements.iter().flatten() {
        for (dimension, &index) in element.indices.iter().enumerate() {
            values
                .entry((element.array.clone(), dimension))
                .or_default()
                .push(index);
        }
    }
    let varies = |array: &str, dimension: usize| {
        let list = &values[&(array.to_owned(), dimension)];
        list.iter().any(|index| *index != list[0])
    };
    let mut placed: Option<Placed> = None;
    for (reading, element) in readings.iter().zip(&elements) {
        let Some((element, leaf_at)) = element else {
            continue;
        };
        let count = element.indices.len();
        let varying: Vec<usize> = (0..count)
            .filter(|&dimension| varies(&element.array, dimension))
            .collect();
        // A single element, or a single row, still stands in its grid.
        let dimensions = match varying.len() {
            0 | 1 if count <= 2 => (0..count).collect(),
            0 => vec![count - 1],
            1 | 2 => varying,
            _ => {
                return Err(GridError::Dimensions {
                    array: element.array.clone(),
                    count: varying.len(),
                });
            }
        };
        let mut at = [0; 2];
        for (slot, &dimension) in at[2 - dimensions.len()..].iter_mut().zip(&dimensions) {
            *slot = checked(&reading.name, element.indices[dimension])?;
        }
        let so_far = placed.get_or_insert_with(|| Placed {
            elements: element.array.clone(),
            has_rows: dimensions.len() == 2,
            list: Vec::new(),
        });
        if so_far.elements != element.array {
            return Err(GridError::SeveralArrays {
                first: so_far.elements.clone(),
                second: element.array.clone(),
            });
        }
        let leaf = &reading.name[*leaf_at..];
        so_far.list.push(Place {
            row: at[0],
            column: at[1],
            side: Side::ALL
                .into_iter()
                .find(|side| leaf.contains(side.word())),
            number: reading.number,
        });
    }
    let placed = placed.ok_or(GridError::NoIndices)?;
    Ok(placed)
}

fn checked(name: &str, index: u64) -> Result<usize, GridError> {
    if index < CELLS_MAX {
        return Ok(index as usize);
    }
    Err(GridError::Index {
        name: name.to_owned(),
        index,
    })
}

/// The array that a name is of, up to its last part with indices, and where the rest begins. A range of
/// bits is no index, nor are indices of the last part: they are of a port or a signal.
fn element(name: &str) -> Option<(Element, usize)> {
    let mut array = String::new();
    let mut indices = Vec::new();
    let mut found = None;
    let mut at = 0;
    let parts: Vec<&str> = name.split('.').collect();
    for (number, part) in parts.iter().enumerate() {
        let is_last = number + 1 == parts.len();
        let (start, brackets) = part.split_at(part.find('[').unwrap_or(part.len()));
        if is_last && parts.len() > 1 && found.is_some() {
            break;
        }
        if number > 0 {
            array.push('.');
        }
        array.push_str(start);
        let mut has_index = false;
        for index in brackets.split('[').skip(1) {
            let Ok(index) = index.trim_end_matches(']').parse() else {
                continue;
            };
            indices.push(index);
            array.push_str("[*]");
            has_index = true;
        }
        at += part.len() + usize::from(!is_last);
        if has_index {
            found = Some((array.len(), indices.len(), at));
        }
    }
    let (length, count, leaf_at) = found?;
    array.truncate(length);
    indices.truncate(count);
    Some((Element { array, indices }, leaf_at))
}
