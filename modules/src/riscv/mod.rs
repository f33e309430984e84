//! RISC-V: what the instruction set, the platform and the guest programs mean, apart from any
//! pipeline that runs them.

pub mod platform;
pub mod csr;
pub mod instruction;
pub mod image;
pub mod reference;
