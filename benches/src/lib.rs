//! Yardsticks for the benchmarks: the three workloads as plain loops, and as machines.
#![forbid(unsafe_code)]

pub mod plain;
pub mod machines;
pub mod subjects;
