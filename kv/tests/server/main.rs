//! The server over real sockets, on one shard and on three, under an allocator that no shard's thread may
//! use.

mod rig;
mod clients;
mod durable;
mod failing;
mod limited;
mod serving;
mod seeded;
