//! What all isolates of a server share: its limits, and the memory that its stores are given.

use crate::asking::Waiting;
use crate::limits::{Durability, KV_SHARDS_MAX, Limits, LogFiles};
use crate::log::Log;
use crate::store::{Millis, Store};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a shard's store consists of. It is handed on from one isolate to the next.
pub(crate) struct Memory {
    pub(crate) store: Store,
    pub(crate) log: Log,
    /// Answers that wait for the disk.
    pub(crate) waiting: VecDeque<Waiting>,
}

pub(crate) struct Site {
    pub(crate) limits: Limits,
    pub(crate) shards: usize,
    pub(crate) durability: Option<Durability>,
    /// By shard.
    pub(crate) log_paths: Vec<Vec<u8>>,
    /// By shard.
    pub(crate) store_names: Vec<String>,
    /// When the runtime was booted.
    born: Millis,
    /// By shard; none while an isolate has it.
    memories: Vec<Mutex<Option<Box<Memory>>>>,
    addresses: Mutex<Vec<SocketAddr>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What they guard is whole at any time.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listeners' addresses, at most.
pub(crate) const ADDRESSES_MAX: u16 = 4;

impl Site {
    /// Takes all memory. `secret` is what nobody outside knows.
    pub(crate) fn new(
        shards: usize,
        limits: Limits,
        files: Option<&LogFiles>,
        (born, secret): (Millis, u64),
    ) -> Self {
        assert!(shards <= KV_SHARDS_MAX, "looked at before");
        let path = |files: &LogFiles, shard| files.path_of(shard).into_os_string();
        let paths = |files| (0..shards).map(move |shard| path(files, shard).into_encoded_bytes());
        let memory = |shard: usize| Memory {
            store: Store::new(
                limits.keys,
                limits.store_bytes,
                secret.wrapping_add(shard as u64),
            ),
            log: Log::new(if files.is_some() {
                limits.log_bytes()
            } else {
                0
            }),
            waiting: VecDeque::with_capacity(limits.connections * shards),
        };
        Self {
            limits,
            shards,
            durability: files.map(|files| files.durability),
            log_paths: files.map(paths).into_iter().flatten().collect(),
            store_names: (0..shards)
                .map(|shard| format!("kv store {shard}"))
                .collect(),
            born,
            memories: (0..shards)
                .map(|shard| Mutex::new(Some(Box::new(memory(shard)))))
                .collect(),
            addresses: Mutex::new(Vec::with_capacity(usize::from(ADDRESSES_MAX))),
        }
    }

    /// Milliseconds since 1970, `since_boot` after the runtime was booted.
    pub(crate) fn date(&self, since_boot: Duration) -> Millis {
        self.born + since_boot.as_millis() as Millis
    }

    /// The memory of a shard's store, with nothing in it.
    pub(crate) fn take_memory(&self, shard: usize) -> Option<Box<Memory>> {
        let mut memory = locked(self.memories.get(shard)?).take()?;
        memory.store.clear();
        memory.log.clear();
        Some(memory)
    }

    pub(crate) fn give_memory_back(&self, shard: usize, memory: Box<Memory>) {
        *locked(&self.memories[shard]) = Some(memory);
    }

    /// Where the server listens.
    pub(crate) fn addresses(&self) -> MutexGuard<'_, Vec<SocketAddr>> {
        locked(&self.addresses)
    }
}
