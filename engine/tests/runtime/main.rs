//! The runtime of reactive isolates, from outside: what isolates are promised, kept; with a global
//! allocator that ends the process when a shard's thread allocates.

mod puppet;
mod sealed;

mod accounting;
mod calls;
mod chaos;
mod faults;
mod io;
mod messages;
mod payloads;
mod pools;
mod rebuild;
mod shutdown;
mod specification;
mod supervision;
mod timers;
mod watching;
