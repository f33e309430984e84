//! Tests of the whole core, in front of a memory that is as plain as can be.

mod assembler;
mod memory;
mod bench;
mod programs;
mod random;
mod local;
