//! What the rivals written in Rust have in common: the command line, the rules of the workloads, and the
//! line of JSON they print. How they run a workload is each rival's own.
#![forbid(unsafe_code)]

pub mod arguments;
pub mod report;
pub mod rules;
pub mod server;
