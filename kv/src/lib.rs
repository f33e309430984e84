//! A key-value store on isolates that speaks a part of the Redis protocol: every shard has keys of its own
//! and connections of its own, and nothing grows.
//!
//! ```text
//!   client ══► connection ──one batch per shard──► owner of the shard's keys ──► log
//!              parses, puts replies together       carries out, records          file, disk
//! ```
//!
//! Keys, values, buffers, connections and what waits between them have limits ([`Limits`]): what does not fit
//! is refused, to whoever sent it. A connection that fails takes nobody with it; a store that fails loses
//! what is not in its log, and its callers are told.
//!
//! What is plain is apart from what runs: protocol, requests, store and log know no isolates and no sockets.
//!
//! `examples/key_value.rs` is the program, `docs/key-value.md` a walk through it.
#![forbid(unsafe_code)]

mod number;
mod pattern;
mod resp;
mod request;
mod store;
mod execute;
mod log;
mod limits;
mod asking;
mod filled;
mod site;
mod owner;
mod text;
mod command;
mod round;
mod connection;
mod listener;
mod server;

pub use limits::{Durability, KV_SHARDS_MAX, Limits, LogFiles};
pub use log::LogError;
pub use server::{OpenError, Server, ServerError};
