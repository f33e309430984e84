//! Arithmetic on streams, modulo 2⁶⁴.

pub mod lcg;
mod adder;
mod multiply_add;
mod map;
mod accumulate;

pub use accumulate::{Accumulate, AccumulateParams};
pub use adder::Adder;
pub use map::{Map, MapParams, Operation};
pub use multiply_add::{MultiplyAdd, MultiplyAddParams};
