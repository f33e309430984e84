//! The catalogue of hardware modules.
#![forbid(unsafe_code)]

pub mod riscv;
