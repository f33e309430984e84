//! Netlists, partitioning, running and reporting.
#![forbid(unsafe_code)]

pub mod diagnostic;
pub mod netlist;
pub mod design;
pub mod partition;
pub mod run;
pub mod cli;
