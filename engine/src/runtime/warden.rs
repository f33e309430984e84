//! The warden: a thread that waits for threads which a hardware fault has condemned, buries their shards, and
//! starts a thread with new ones in their place.
//!
//! ```text
//!   a handler faults ─► its thread lands outside, says who and what, forgets its shards, ends
//!   the warden       ─► tells the others, waits for that end, closes the books, starts a new thread
//! ```
//!
//! Of the memory of a condemned shard nothing is read. What the warden works with lies outside: rings,
//! doors, names, counters, and what was written down when the shard was made.

use super::handle::Handle;
use super::log::{Level, LogWriter};
use super::metrics::Counter;
use super::orders::Phase;
use super::roll::Obituary;
use super::site::{Past, ShardSeat, Site};
use super::thread::{Seat, start};
use crate::platform;
use crate::trap::lock;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the warden waits before it tries again what the host has refused.
const PAUSE: Duration = Duration::from_secs(1);

/// A warden at work; dropping it sends it home.
pub(crate) struct Warden {
    site: Arc<Site>,
    thread: Option<JoinHandle<()>>,
}

impl Warden {
    /// Starts a warden, who writes to a log of its own.
    pub(crate) fn start(site: &Arc<Site>, log: LogWriter) -> io::Result<Self> {
        let mut ward = Ward {
            site: site.clone(),
            log,
            pasts: vec![Vec::new(); site.roll.thread_count()],
        };
        let thread = platform::spawn("warden".to_owned(), None, move || {
            if catch_unwind(AssertUnwindSafe(|| ward.serve())).is_err() {
                // It has printed why. Nobody would bury or build any more.
                eprintln!("internal error of the engine, please report it");
                std::process::abort();
            }
        })?;
        Ok(Self {
            site: site.clone(),
            thread: Some(thread),
        })
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        self.site.roll.end();
        if let Some(thread) = self.thread.take() {
            // It has nothing to say when it ends.
            let _ = thread.join();
        }
    }
}

struct Ward {
    site: Arc<Site>,
    log: LogWriter,
    /// By thread: its shards, and what the next ones begin with.
    pasts: Vec<Vec<(usize, Past)>>,
}

impl Ward {
    fn serve(&mut self) {
        while let Some((thread, obituary)) = self.site.roll.next_condemned() {
            match obituary {
                Obituary::Fault { culprit, fault } => {
                    self.say(
                        culprit.shard(),
                        Some(culprit),
                        format_args!("{}: {fault}", self.kind_name(culprit)),
                    );
                    self.bury(thread, culprit);
                    self.build(thread);
                }
                Obituary::NotBuilt(error) => self.build_later(thread, &error),
            }
        }
    }

    fn kind_name(&self, who: Handle) -> &'static str {
        let kind = self.site.common.kinds.get(who.kind());
        kind.map_or("?", |kind| kind.name)
    }

    fn say(&mut self, shard: usize, who: Option<Handle>, text: fmt::Arguments<'_>) {
        let (metrics, now) = (&self.site.common.metrics[shard], self.site.now());
        self.log
            .write_about(shard, metrics, now, Level::Error, who, text);
    }

    /// Buries the shards of a thread that is about to end, and decides what comes after them.
    fn bury(&mut self, thread: usize, culprit: Handle) {
        let site = self.site.clone();
        let shards = site.bells.shards_of(thread);
        // Before anybody can see that something has happened, and ask for a revival because of it.
        let known = shards.clone().map(|shard| self.known_revivals(shard));
        let known: Vec<u64> = known.collect();
        for shard in shards.clone() {
            // First of all, so that others wait no longer for what will not come.
            let lost = site.common.metrics[shard].generation_max();
            site.common.lost_generations[shard].store(lost, Ordering::Release);
            site.common.go_down(shard);
            site.bells.ring_all(shard);
        }
        site.roll.join(thread);
        let next = shards.zip(known).map(|(shard, revivals)| {
            // SAFETY: its thread has just ended, having forgotten its shards.
            unsafe { site.clear(shard) };
            (shard, self.past_of(shard, culprit, revivals))
        });
        let next = next.collect();
        self.pasts[thread] = next;
    }

    /// The revivals that are over for a shard: of one in quarantine those it has heard of.
    fn known_revivals(&self, shard: usize) -> u64 {
        if self.site.common.quarantined[shard].load(Ordering::Relaxed) {
            self.site.orders.known_revivals(shard)
        } else {
            self.site.orders.revivals(shard)
        }
    }

    /// Whether a shard is started afresh or stays in quarantine.
    fn past_of(&mut self, shard: usize, culprit: Handle, revivals: u64) -> Past {
        let site = self.site.clone();
        let quarantined = &site.common.quarantined[shard];
        if shard == culprit.shard() {
            let allowed = lock(&site.common.restarts[shard]).allows(site.now());
            quarantined.store(!allowed, Ordering::Relaxed);
        }
        let is_quarantined = quarantined.load(Ordering::Relaxed);
        let what = if shard != culprit.shard() {
            "the shard went down with its thread, and is built anew"
        } else if is_quarantined {
            "the shard is in quarantine until it is revived"
        } else {
            "the shard is built anew"
        };
        self.say(shard, None, format_args!("{what}"));
        let metrics = &site.common.metrics[shard];
        metrics.count(Counter::Rebuilds);
        Past {
            rebuilds: metrics.value(Counter::Rebuilds),
            is_quarantined,
            revivals,
        }
    }

    /// Starts a thread in the place of one that has ended.
    fn build(&mut self, thread: usize) {
        let site = self.site.clone();
        let seat = |&(shard, past): &(usize, Past)| -> ShardSeat {
            // SAFETY: who had these ends is buried.
            unsafe { site.seat_again(shard, past) }
        };
        let seat = Seat {
            site: site.clone(),
            thread,
            shards: self.pasts[thread].iter().map(seat).collect(),
        };
        if let Err(error) = start(seat) {
            self.site.roll.booted(thread, Err(error));
        }
    }

    /// The host has refused memory or a thread: waits and tries again, unless all is over.
    fn build_later(&mut self, thread: usize, error: &io::Error) {
        let site = self.site.clone();
        for shard in site.bells.shards_of(thread) {
            let text = format_args!("the shard cannot be built: {error}");
            self.say(shard, None, text);
        }
        site.roll.join_if_entered(thread);
        let is_over = || site.orders.phase() != Phase::Running;
        site.roll.pause(PAUSE, is_over);
        if is_over() {
            return site.roll.leave(thread);
        }
        self.build(thread);
    }
}
