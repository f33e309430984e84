//! Reactive isolates: actors that wake on messages, timers and the ends of calls.
//!
//! A [`Runtime`] is made of shards, each on a thread, each with one arena taken at boot. On a shard
//! live isolates ([`Isolate`]): typed state machines in dense arrays, one per kind. They send each other
//! messages of at most 96 bytes through bounded mailboxes, and whoever sends is told whether the
//! message is there, is refused, or, from another shard, has come back. What is larger travels in a
//! [`Payload`]. A call reserves the room for its reply before it asks; what a shard owes an isolate never
//! competes with messages for room. Supervisors start again what fails, within budgets; a shard that
//! keeps failing is restarted, and at last put in quarantine, while the others go on.
//!
//! Nothing is allocated, locked or waited for on a shard's thread after boot, except at the door
//! through which other threads come in.
//!
//! I/O goes through the shard that an isolate lives on ([`Io`]): its descriptors and buffers are its
//! own, operations end as events, and a shard with nothing to do sleeps where they end.
//!
//! What is promised, what it costs, and what is not there yet stands in `engine/README.md`.

/// The Rust on the engine's page is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod canary;
mod handle;
mod shard_set;
mod parcel;
mod mail;
mod notice;
mod bells;
mod refusal;
mod claim;
mod doors;
mod call;
mod pool;
mod timer;
mod ending;
mod monitor;
mod io_event;
mod isolate;
mod metrics;
mod free_slots;
mod payload;
mod log;
mod names;
mod rehearsal;
mod desk;
mod gate;
mod outbox;
mod tree;
mod core;
mod directory;
mod sending;
mod waiting;
mod waiting_io;
mod watching;
mod peers;
mod nursery;
mod io_access;
mod context;
mod group;
mod kinds;
mod members;
mod spec_error;
mod spec;
mod spec_check;
mod orders;
mod links;
mod roll;
mod remains;
mod site;
mod shard;
mod inventory;
mod supervise;
mod tenants;
mod thread;
mod warden;
mod watchdog;
mod boot;
mod routing;
pub mod seeded;
mod outside;

pub use boot::{Runtime, RuntimeBootError, Shutdown};
pub use call::{CallId, Reply, ReplyTo};
pub use claim::CallError;
pub use context::{Context, NotCalled, NotOffloaded, SpawnError};
pub use directory::Directory;
pub use ending::Ending;
pub use handle::{Address, Handle, ISOLATE_KINDS_MAX, RUNTIME_SHARDS_MAX, SLOTS_MAX};
pub use io_access::Io;
pub use io_event::{IoEvent, IoId};
pub use isolate::{Effect, Event, Isolate};
pub use kinds::KindLimits;
pub use log::{LOG_TEXT_BYTES, Level, LogRecord};
pub use mail::Lane;
pub use members::{Child, SupervisorSpec};
pub use metrics::{Counter, Metrics, ShardFigures};
pub use monitor::{Down, MonitorId};
pub use outbox::LinkLimits;
pub use outside::Outside;
pub use parcel::{PARCEL_BYTES_MAX, Parcel};
pub use payload::{NoPayload, Payload, PayloadFull};
pub use pool::PoolId;
pub use refusal::{Refused, SendError, Undelivered};
pub use routing::key_to_shard;
pub use spec::{OnFault, Specification};
pub use spec_error::{SpecError, SpecErrors};
pub use timer::TimerId;
pub use tree::{Backoff, Budget, Restart, Strategy, SupervisorId};
pub use waiting::QuotaUsedUp;
pub use watching::WatchError;
