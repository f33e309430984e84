//! The server over real sockets, on both back ends, under an allocator that no shard's thread may use.

mod rig;
mod bodies;
mod malformed;
mod serving;
mod streams;
