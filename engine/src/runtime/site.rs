//! What the threads of a runtime are made from, and made anew from: outside the shards, so that it is there
//! when one of them is not to be believed any more.

use super::bells::Bells;
use super::core::Common;
use super::doors::Doors;
use super::links::{Ends, Links};
use super::log::{LogRecord, LogWriter};
use super::members::Garden;
use super::orders::Orders;
use super::remains::Remains;
use super::roll::Roll;
use super::spec::Specification;
use super::timer::{Nanos, nanos};
use crate::io::World;
use crate::platform;
use crate::trap::lock;
use core_affinity::CoreId;
use ringbuf::traits::Raw;
use ringbuf::{CachingProd, HeapRb};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// The records of one shard's log.
pub(crate) type LogRing = Arc<HeapRb<LogRecord>>;

pub(crate) struct Site {
    pub(crate) specification: Arc<Specification>,
    pub(crate) common: Arc<Common>,
    pub(crate) doors: Arc<Doors>,
    pub(crate) bells: Arc<Bells>,
    pub(crate) orders: Arc<Orders>,
    pub(crate) roll: Roll,
    pub(crate) links: Links,
    /// By shard: who is there from the start, and where it logs.
    pub(crate) gardens: Vec<Arc<Garden>>,
    pub(crate) logs: Vec<LogRing>,
    /// By shard, while it is there: what will be left of it if it is condemned.
    pub(crate) wills: Vec<Mutex<Option<Remains>>>,
    /// By thread, where threads are pinned.
    pub(crate) cores: Vec<CoreId>,
    pub(crate) own_core: bool,
    pub(crate) born: Instant,
    /// Whose time it is, and whose sockets and files, in a seeded run.
    pub(crate) world: Option<World>,
}

/// What a shard begins with that is not the first on its place.
#[derive(Clone, Copy, Default)]
pub(crate) struct Past {
    /// How often it was built anew.
    pub(crate) rebuilds: u64,
    /// Nobody is started until it is revived.
    pub(crate) is_quarantined: bool,
    /// Revivals that were asked for before.
    pub(crate) revivals: u64,
}

/// A shard's place on a thread.
pub(crate) struct ShardSeat {
    pub(crate) number: usize,
    pub(crate) ends: Ends,
    pub(crate) past: Past,
}

impl Site {
    /// Time since the runtime was booted.
    pub(crate) fn now(&self) -> Nanos {
        match &self.world {
            None => nanos(platform::now() - self.born),
            Some(world) => nanos(world.now()),
        }
    }

    /// What will be left of a shard is this.
    pub(crate) fn will(&self, shard: usize, remains: Option<Remains>) {
        *lock(&self.wills[shard]) = remains;
    }

    /// The log of a shard, whose writer is alone.
    pub(crate) fn log_writer(&self, shard: usize) -> LogWriter {
        let ring = CachingProd::new(self.logs[shard].clone());
        LogWriter::new(shard, ring, self.specification.log_level)
    }

    /// Everything of a shard that is reached from outside is as before its first.
    ///
    /// # Safety
    /// The shard's thread has ended, and nothing of the shard is ever used again.
    pub(crate) unsafe fn clear(&self, shard: usize) {
        let remains = lock(&self.wills[shard]).take();
        if let Some(remains) = remains {
            // SAFETY: the caller's.
            unsafe { remains.bury() };
        }
        // SAFETY: the writer is never used again, says the caller.
        unsafe { self.logs[shard].hold_write(false) };
        let common = &self.common;
        common.metrics[shard].close();
        self.doors.lose_shard(shard);
        // Last: whoever finds nobody any more and asks an old address is not taken for one who asked before.
        common.names.lose_shard(shard);
    }

    /// The seat of a shard that comes after another.
    ///
    /// # Safety
    /// As [`clear`](Self::clear).
    pub(crate) unsafe fn seat_again(&self, number: usize, past: Past) -> ShardSeat {
        ShardSeat {
            number,
            // SAFETY: the caller's.
            ends: unsafe { self.links.ends(number) },
            past,
        }
    }
}
