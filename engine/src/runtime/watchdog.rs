//! The watchdog: a thread that looks now and then whether some handler has been running for too long,
//! names it in the log, and has it ended when it returns.

use super::handle::Handle;
use super::log::{Level, LogWriter};
use super::metrics::ShardMetrics;
use super::timer::nanos;
use crate::platform;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub(crate) struct Watchdog {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It has nothing to say when it ends.
            let _ = thread.join();
        }
    }
}

/// What was seen of a shard.
struct Seen {
    beat: u64,
    since: Instant,
    named: bool,
}

/// Starts a watchdog over shards; `kinds` are the names of kinds by number.
pub(crate) fn start(
    limit: Duration,
    shards: Vec<Arc<ShardMetrics>>,
    kinds: Vec<&'static str>,
    mut log: LogWriter,
    born: Instant,
) -> io::Result<Watchdog> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let thread = platform::spawn("watchdog".to_owned(), None, move || {
        let fresh = |shard: &Arc<ShardMetrics>| Seen {
            beat: shard.heartbeat.load(Ordering::Relaxed),
            since: platform::now(),
            named: false,
        };
        let mut seen: Vec<Seen> = shards.iter().map(fresh).collect();
        while !stopped.load(Ordering::Acquire) {
            thread::park_timeout(limit / 4);
            for (shard, seen) in shards.iter().zip(&mut seen) {
                let beat = shard.heartbeat.load(Ordering::Relaxed);
                let running = shard.running.load(Ordering::Relaxed);
                if beat != seen.beat || running == 0 {
                    *seen = fresh(shard);
                } else if seen.since.elapsed() >= limit && !seen.named {
                    seen.named = true;
                    shard.condemned.store(beat, Ordering::Relaxed);
                    let who = Handle::from_bits(running);
                    let kind = kinds.get(who.kind()).copied().unwrap_or("?");
                    let (time, now) = (seen.since.elapsed(), nanos(born.elapsed()));
                    let text = format_args!("{kind} has been in its handler for {time:?}");
                    log.write(shard, now, Level::Error, Some(who), text);
                }
            }
        }
    })?;
    Ok(Watchdog {
        stop,
        thread: Some(thread),
    })
}
