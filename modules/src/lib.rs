//! The catalogue of hardware modules.
//!
//! One module, one file: its head comment is its data sheet (ports, cases, latency, throughput).
//! [`catalogue()`] lists them all under the names that netlists use; [`Assembly`] wires them in Rust.
//!
//! Knows nothing of netlists, shards or the command line.
#![forbid(unsafe_code)]

pub mod math;
pub mod flow;
pub mod noc;
pub mod memory;
pub mod accel;
pub mod transform;
pub mod io;
pub mod riscv;
mod catalogue;
mod assembly;

pub use assembly::{Assembly, AssemblyError, InstanceId, Site, WireShape};
pub use catalogue::catalogue;
