//! Networks of boxes: a hierarchy of elements and the wires between them, as a drawing.
//!
//! ```text
//!   Net ──fold──► tree of boxes, bundles of wires ──layers──► places ──► picture
//!   elements      arrays are one box                from the inside out
//! ```
//! Elements come by name: `tile[2][3].core` stands in the box `tile`, which is drawn once and says how many
//! there are. Wires are bundled between boxes that stand side by side: one line, with their number. The
//! layout is the same every time: nothing in it is random, and all orders are those of the names.

mod fold;
mod layers;
mod measure;
mod picture;

use crate::drawing::Drawing;

/// The most boxes of a picture; of more, the innermost are left out.
pub const BOXES_MAX: usize = 400;

/// Elements and the wires between them.
#[derive(Clone, Debug, Default)]
pub struct Net {
    /// The title.
    pub title: String,
    /// More about it, one line.
    pub subtitle: String,
    /// The elements.
    pub elements: Vec<Element>,
    /// The wires.
    pub wires: Vec<NetWire>,
    /// Shards, if elements are on some.
    pub shard_count: usize,
}

/// What wires lead to and from.
#[derive(Clone, Debug)]
pub struct Element {
    /// Its name within the hierarchy, `tile[2][3].core.fetch`.
    pub path: String,
    /// What it is, in a word.
    pub kind: String,
    /// Where it is placed.
    pub shard: Option<u16>,
}

/// A wire.
#[derive(Clone, Copy, Debug)]
pub struct NetWire {
    /// Number of the element it comes from.
    pub from: usize,
    /// Number of the element it leads to.
    pub to: usize,
    /// Its slots.
    pub depth: u32,
    /// Edges from push to pop.
    pub latency: u32,
}

impl Net {
    /// The picture.
    ///
    /// # Panics
    /// If a wire leads to an element that is not there.
    #[must_use]
    pub fn picture(&self) -> Drawing {
        picture::draw(&fold::fold(self))
    }
}

#[cfg(test)]
mod tests;
