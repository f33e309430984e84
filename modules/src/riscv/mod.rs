//! RISC-V: what the instruction set, the platform and the guest programs mean, an in-order,
//! pipelined RV32IMA core built of modules, and the coherent caches and memory that its harts share.

pub mod uart;
pub mod platform;
pub mod csr;
pub mod instruction;
pub mod image;
pub mod reference;
pub mod access;
pub mod signals;
pub mod fetch;
pub mod decode;
pub mod multiply;
pub mod load_store;
pub mod write_back;
pub mod execute;
pub mod coherence;
pub mod ram_map;
pub mod local_memory;
pub mod cache_array;
pub mod data_cache;
pub mod instruction_cache;
pub mod network_interface;
pub mod directory;
pub mod home;
pub mod console;

pub use decode::Decode;
pub use execute::Execute;
pub use fetch::Fetch;
pub use load_store::LoadStore;
pub use multiply::Multiply;
pub use write_back::WriteBack;

#[cfg(test)]
mod tests;
