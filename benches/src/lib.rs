//! Yardsticks for the benchmarks: the three workloads as plain loops, and as machines.
//!
//! The binary `table` and the criterion bench `workloads` time the [`subjects`]: each workload as a
//! plain loop, on one shard and on two, in turn. Every form gives the same exact results, which the
//! tests check; nothing here is used by the simulator.
#![forbid(unsafe_code)]

pub mod plain;
pub mod machines;
pub mod subjects;
