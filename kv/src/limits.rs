//! How much of everything a server may use: taken when it boots, and never exceeded.

use crate::log::RECORD_HEAD_BYTES;
use crate::request::REQUEST_HEAD_BYTES;
use std::path::PathBuf;
use std::time::Duration;
use tina_engine::io::IoPlan;

/// The most shards: a connection keeps a place for each.
pub const KV_SHARDS_MAX: usize = 32;
/// Bytes that a command or a reply has besides one argument: what stands around it.
const AROUND_BYTES: usize = 64 << 10;
/// Payloads that a connection holds at a time, but for one per shard: what has arrived, and its round.
const OWN_PAYLOADS: usize = 2;

/// Capacities of a server, per shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections.
    pub connections: usize,
    /// Keys.
    pub keys: u32,
    /// Bytes of keys and values, in chunks of 64 with 60 of them in use.
    pub store_bytes: usize,
    /// The longest key or value.
    pub value_bytes: usize,
    /// Commands, and replies, longer than 64 KiB that are held at a time.
    pub long_commands: usize,
    /// How long a connection may say nothing; for ever if none.
    pub idle: Option<Duration>,
    /// How long a store may take to answer, its log included.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1000,
            keys: 1 << 20,
            store_bytes: 256 << 20,
            value_bytes: 1 << 20,
            long_commands: 16,
            idle: None,
            patience: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// The longest command, and the longest reply.
    pub(crate) fn long_bytes(&self) -> usize {
        2 * self.value_bytes + AROUND_BYTES
    }

    /// Sizes of payloads, and how many of each a shard has.
    pub(crate) fn payloads(&self, shards: usize) -> [(usize, usize); 4] {
        let held = self.connections * (OWN_PAYLOADS + 2 * shards);
        [
            (512, held),
            (4 << 10, held / 2),
            (32 << 10, held / 16 + self.long_commands),
            (self.long_bytes(), 2 * self.long_commands),
        ]
    }

    /// Bytes that wait to be written to a log.
    pub(crate) fn log_bytes(&self) -> usize {
        let record = RECORD_HEAD_BYTES + REQUEST_HEAD_BYTES + 2 * self.value_bytes;
        2 * record + (1 << 20)
    }

    /// What a shard's I/O needs.
    pub(crate) fn io_plan(&self) -> IoPlan {
        let connections = self.connections as u32;
        IoPlan {
            descriptor_slots: connections + 8,
            receive_buffers: connections.div_ceil(2).clamp(64, 1024),
            receive_bytes: 16 << 10,
            transfer_buffers: connections + 2,
            transfer_bytes: 16 << 10,
            ..IoPlan::default()
        }
    }
}

/// When a log is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Before anything is answered that could not be answered without it.
    Always,
    /// Within about a second.
    EverySecond,
    /// When the system likes, and when the server shuts down.
    Never,
}

/// Where logs are: each shard has one of its own, whose name ends in the shard's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFiles {
    /// What their names begin with.
    pub path: PathBuf,
    /// When they are on the disk.
    pub durability: Durability,
}

impl LogFiles {
    /// The log of a shard.
    #[must_use]
    pub fn path_of(&self, shard: usize) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{shard}"));
        path.into()
    }
}
