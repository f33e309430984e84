//! Networks on chip: packets on a two-dimensional mesh.
//!
//! Node `n` of a mesh of `width` columns stands in column x = n mod width and row y = n div width;
//! row 0 is the northernmost. In a netlist the instances of a mesh are an array
//! `[height, width]`, so that `router[y][x]` is the router of node y·width + x.

mod mesh;
mod router;
mod packet;
mod generator;
mod sink;

pub use generator::{Generator, GeneratorParams, Pattern};
pub use mesh::{MeshParams, NODES_MAX};
pub use packet::{PACKET_NODES_MAX, Packet};
pub use router::{Routed, Router};
pub use sink::PacketSink;
