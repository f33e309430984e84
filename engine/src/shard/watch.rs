//! The time of a shard, while it is watched: every turn of it, with what it then waits for.

use super::{Advance, Shard};
use crate::time::Tick;
use crate::time_log::{TimeLog, TimeSlice};
use std::time::Instant;

/// A shard's log, and what is needed to keep it.
pub(crate) struct Watch {
    log: TimeLog,
    origin: Instant,
    /// The shard's counts of missing frames when it was last looked at.
    missing: Box<[u64]>,
    /// Whether it has reached the end of the epoch.
    met: bool,
}

impl Watch {
    fn nanoseconds(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.origin).as_nanos() as u64
    }
}

impl Shard {
    /// Begins a log; its times count from `origin`.
    pub(crate) fn start_watch(&mut self, origin: Instant) {
        self.watch = Some(Box::new(Watch {
            log: TimeLog::new(self.missing.len()),
            origin,
            missing: self.missing.clone(),
            met: false,
        }));
    }

    /// What is in the log, neighbours by their place among the links; nothing where none was begun.
    pub(crate) fn time_slices(&self) -> Vec<TimeSlice> {
        let watch = self.watch.as_ref();
        watch.map_or_else(Vec::new, |watch| watch.log.slices())
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.watch.is_some()
    }

    /// An epoch begins.
    pub(crate) fn watch_epoch(&mut self, now: Instant) {
        if let Some(watch) = &mut self.watch {
            watch.met = false;
            watch.log.go_on(watch.nanoseconds(now));
        }
    }

    /// The run stops.
    pub(crate) fn watch_pause(&mut self, now: Instant) {
        if let Some(watch) = &mut self.watch {
            watch.log.go_on(watch.nanoseconds(now));
            watch.log.pause();
        }
    }

    /// [`advance`](Self::advance), with a note of how long it took: it begins at `began`, and the answer has
    /// the time at which it ended.
    pub(crate) fn advance_watched(
        &mut self,
        end: Tick,
        began: Instant,
        clock: impl Fn() -> Instant,
    ) -> (Advance, Instant) {
        let advance = self.advance(end);
        let ended = clock();
        let Some(watch) = &mut self.watch else {
            return (advance, ended);
        };
        watch.log.go_on(watch.nanoseconds(began));
        let now = watch.nanoseconds(ended);
        match advance {
            Advance::Reached if watch.met => watch.log.go_on(now),
            Advance::Reached => {
                watch.met = true;
                watch.log.worked(now);
                watch.log.meet();
            }
            Advance::Blocked { moved } => {
                if moved {
                    watch.log.worked(now);
                } else {
                    watch.log.go_on(now);
                }
                let counts = self.missing.iter().zip(&watch.missing);
                let frame = counts.into_iter().position(|(now, before)| now != before);
                watch.missing.copy_from_slice(&self.missing);
                let room = || self.outbound.iter_mut().position(|link| !link.has_room());
                match frame.or_else(room) {
                    Some(index) => watch.log.wait_for(index),
                    None => watch.log.wait_for_writer(),
                }
            }
        }
        (advance, ended)
    }
}
