//! RISC-V: what the instruction set, the platform and the guest programs mean, and an in-order,
//! pipelined RV32IMA core built of modules.

pub mod platform;
pub mod instruction;
pub mod access;
pub mod signals;
pub mod fetch;
pub mod decode;
pub mod multiply;
pub mod load_store;
pub mod write_back;
