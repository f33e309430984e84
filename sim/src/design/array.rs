//! Sizes of arrays of instances, indices and the names expressions have for them.

use super::scope::Local;
use std::cell::Cell;
use std::fmt::Write as _;

/// Sizes of an array and the walk through it.
pub(crate) struct Array {
    pub(crate) sizes: Vec<u32>,
    pub(crate) count: u32,
}

impl Array {
    /// Index of an element, outermost first.
    pub(crate) fn index(&self, element: u32) -> [u32; 3] {
        let mut index = [0; 3];
        let mut rest = element;
        for (dimension, &size) in self.sizes.iter().enumerate().rev() {
            index[dimension] = rest % size;
            rest /= size;
        }
        index
    }

    /// Sizes in three dimensions, 1 where there is none; zeros for a single instance.
    pub(crate) fn grid(&self) -> [u32; 3] {
        if self.sizes.is_empty() {
            return [0; 3];
        }
        let mut grid = [1; 3];
        grid[..self.sizes.len()].copy_from_slice(&self.sizes);
        grid
    }

    pub(crate) fn locals<'s>(&self, element: u32, read: &'s Cell<bool>) -> Vec<Local<'s>> {
        let index = self.index(element);
        let mut locals = Vec::with_capacity(2 * self.sizes.len() + 2);
        for (dimension, &size) in self.sizes.iter().enumerate() {
            let value = i128::from(index[dimension]);
            locals.push(Local {
                name: ["i0", "i1", "i2"][dimension],
                value,
                read: Some(read),
            });
            let value = i128::from(size);
            locals.push(Local {
                name: ["n0", "n1", "n2"][dimension],
                value,
                read: None,
            });
        }
        locals.push(Local {
            name: "index",
            value: i128::from(element),
            read: Some(read),
        });
        locals.push(Local {
            name: "count",
            value: i128::from(self.count),
            read: None,
        });
        locals
    }

    pub(crate) fn path(&self, name: &str, element: u32) -> String {
        let mut path = String::with_capacity(name.len() + 6 * self.sizes.len());
        path.push_str(name);
        let index = self.index(element);
        for dimension in &index[..self.sizes.len()] {
            write!(path, "[{dimension}]").expect("writing to a string cannot fail");
        }
        path
    }
}
