//! Ways between a machine and the outside world, for any netlist.

mod host;

pub use host::{Host, HostParams};
