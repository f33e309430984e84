//! An in-order, pipelined RV32IMA core built of modules.

pub mod signals;
