//! Memories for any netlist.

mod ram;

pub use ram::{Ram, RamParams, RamReply, RamRequest};
