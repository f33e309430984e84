//! The time of a shard, while somebody wants to know of it: every turn, with what it then waits for.

use super::{Advance, Shard};
use crate::time::Tick;
use crate::time_log::{TimeLog, TimeSlice};
use std::time::Instant;

/// A shard's log, and what is needed to keep it.
pub(crate) struct Timekeeper {
    log: TimeLog,
    origin: Instant,
    /// The shard's counts of missing frames when it was last looked at.
    missing: Box<[u64]>,
    /// Whether it has reached the end of the epoch.
    met: bool,
}

impl Timekeeper {
    fn nanoseconds(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.origin).as_nanos() as u64
    }
}

impl Shard {
    /// Begins a log; its times count from `origin`.
    pub(crate) fn start_timeline(&mut self, origin: Instant) {
        self.timekeeper = Some(Box::new(Timekeeper {
            log: TimeLog::new(self.missing.len()),
            origin,
            missing: self.missing.clone(),
            met: false,
        }));
    }

    /// What is in the log, neighbours by their place among the links; nothing where none was begun.
    pub(crate) fn time_slices(&self) -> Vec<TimeSlice> {
        let keeper = self.timekeeper.as_ref();
        keeper.map_or_else(Vec::new, |keeper| keeper.log.slices())
    }

    pub(crate) fn keeps_time(&self) -> bool {
        self.timekeeper.is_some()
    }

    /// An epoch begins.
    pub(crate) fn begin_epoch_timed(&mut self, now: Instant) {
        if let Some(keeper) = &mut self.timekeeper {
            keeper.met = false;
            keeper.log.go_on(keeper.nanoseconds(now));
        }
    }

    /// The run stops.
    pub(crate) fn pause_timed(&mut self, now: Instant) {
        if let Some(keeper) = &mut self.timekeeper {
            keeper.log.go_on(keeper.nanoseconds(now));
            keeper.log.pause();
        }
    }

    /// [`advance`](Self::advance), with a note of how long it took: it begins at `began`, and the answer has
    /// the time at which it ended.
    pub(crate) fn advance_timed(
        &mut self,
        end: Tick,
        began: Instant,
        clock: impl Fn() -> Instant,
    ) -> (Advance, Instant) {
        let advance = self.advance(end);
        let ended = clock();
        let Some(keeper) = &mut self.timekeeper else {
            return (advance, ended);
        };
        keeper.log.go_on(keeper.nanoseconds(began));
        let now = keeper.nanoseconds(ended);
        match advance {
            Advance::Reached if keeper.met => keeper.log.go_on(now),
            Advance::Reached => {
                keeper.met = true;
                keeper.log.worked(now);
                keeper.log.meet();
            }
            Advance::Blocked { moved } => {
                if moved {
                    keeper.log.worked(now);
                } else {
                    keeper.log.go_on(now);
                }
                let counts = self.missing.iter().zip(&keeper.missing);
                let frame = counts.into_iter().position(|(now, before)| now != before);
                keeper.missing.copy_from_slice(&self.missing);
                let room = || self.outbound.iter_mut().position(|link| !link.has_room());
                match frame.or_else(room) {
                    Some(index) => keeper.log.wait_for(index),
                    None => keeper.log.wait_for_writer(),
                }
            }
        }
        (advance, ended)
    }
}
