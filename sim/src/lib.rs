//! Netlists, their elaboration and placement, runs and reports, and the command line `tina-hw`.
//!
//! ```text
//!   netlist ──► design ──► partition ──► run ──► cli
//!   as typed    checked    placed        run,    arguments in,
//!                                        compared   text out
//! ```
//!
//! Each stage takes what the one before made and knows nothing of those behind it. What is simulated is
//! decided before [`partition`]; everything after it may change how long a run takes, never what
//! comes out. Knows nothing of how the engine keeps that promise, nor of any kind of module but
//! through the catalogue it is given (programs are loaded for `riscv`).
#![forbid(unsafe_code)]

pub mod diagnostic;
pub mod netlist;
pub mod design;
pub mod origin;
pub mod checkpoint;
pub mod journal;
pub mod partition;
pub mod profile;
pub mod scaling;
pub mod trace;
pub mod run;
pub mod page;
pub mod bridge;
pub mod cli;

/// The Rust in the README is compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
