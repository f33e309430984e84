//! The mesh as its modules see it: its size and the node at which a module stands.

use serde::Deserialize;
use tina_engine::{BuildError, Wiring};

/// The most nodes of a mesh.
pub const NODES_MAX: u32 = 65_536;

/// Size of a mesh, and where in it a module stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeshParams {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Number of the node; without it, the instance's index `[y][x]` says it.
    #[serde(default)]
    pub node: Option<u32>,
}

/// Bits that the numbers of so many nodes need.
pub(crate) fn node_bits(node_count: u32) -> u32 {
    (u32::BITS - node_count.saturating_sub(1).leading_zeros()).max(1)
}

impl MeshParams {
    /// Nodes of the mesh.
    ///
    /// # Errors
    /// When a side is 0 or there are more nodes than `nodes_max`.
    pub(crate) fn node_count(self, nodes_max: u32) -> Result<u32, BuildError> {
        for (name, side) in [("width", self.width), ("height", self.height)] {
            if side == 0 {
                return Err(BuildError::param(
                    name,
                    "0; a mesh has at least 1 column and 1 row",
                ));
            }
        }
        match self.width.checked_mul(self.height) {
            Some(count) if count <= nodes_max => Ok(count),
            _ => Err(BuildError::param(
                "width",
                format!(
                    "{} × {} nodes; at most {nodes_max}",
                    self.width, self.height
                ),
            )),
        }
    }

    /// The node at which the module being built stands; below `node_count`.
    ///
    /// # Errors
    /// When the instance stands outside the mesh.
    pub(crate) fn node(self, node_count: u32, wiring: &Wiring<'_>) -> Result<u32, BuildError> {
        if let Some(node) = self.node {
            if node >= node_count {
                return Err(BuildError::param(
                    "node",
                    format!("{node}; the mesh has {node_count} nodes"),
                ));
            }
            return Ok(node);
        }
        let [y, x, _] = wiring.index();
        if x >= self.width || y >= self.height {
            return Err(BuildError::new(format!(
                "instance [{y}][{x}] stands outside a mesh of {} rows and {} columns",
                self.height, self.width
            )));
        }
        Ok(y * self.width + x)
    }
}
