//! The workloads as plain loops, as tuned loops and as machines, and the comparison of all of them
//! with each other and with other simulators.
//!
//! The binary `compare` and the criterion bench `workloads` time the [`subjects`]; the binary
//! `instructions` counts what a run executes. Every form gives the same exact results, which tests
//! check, and the comparison again before it prints a figure. Nothing here is used by the
//! simulator.
#![forbid(unsafe_code)]

pub mod plain;
pub mod tuned;
pub mod machines;
pub mod subjects;
pub mod compare;
pub mod servers;
pub mod overload;
pub mod instructions;
pub mod chaos;
