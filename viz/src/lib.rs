//! Traces of any simulator, read and written, and pictures of them.
//!
//! ```text
//!   time ──► write        a recorder's changes become an FST or VCD file
//! ```
//!
//! Knows no simulator: not what a module, a wire or a netlist is. What it is given are names, numbers and
//! times.
#![forbid(unsafe_code)]

pub mod time;
pub mod write;
pub mod trace;
pub mod select;
pub mod drawing;
pub mod waves;
pub mod heat;
pub mod graph;
pub mod chart;
pub mod timeline;
pub mod report;
