//! A shard's I/O, and the connections it has accepted that their isolate has not been told of yet.
//!
//! An operation has a notice, taken when it is begun, so that its end always finds room. Accepting is
//! one operation with many ends: connections that arrive before the isolate has had its turn form a
//! line, each linked through the slot of its own descriptor, so that the line needs no room of its own.

use super::metrics::{Counter, ShardMetrics};
use crate::estate::Estate;
use crate::io::{Descriptor, Errno, IoCounters, ShardIo};

pub(crate) struct Gate {
    pub(crate) io: ShardIo,
    /// By slot of a descriptor, who stands behind it in the line.
    behind: Box<[Option<Descriptor>]>,
    /// What was counted before this was made.
    before: [u64; COUNTERS.len()],
}

type Read = fn(&IoCounters) -> u64;

/// What is counted by the I/O, and under which name.
const COUNTERS: [(Counter, Read); 6] = [
    (Counter::IoSubmitted, |it| it.submitted_count),
    (Counter::IoRefused, |it| it.refused_count),
    (Counter::IoExpired, |it| it.expired_count),
    (Counter::IoStarved, |it| it.starved_count),
    (Counter::IoTurnedAway, |it| it.turned_away_count),
    (Counter::IoCalls, |it| it.backend.enter_count),
];

/// What an operation that accepts has brought and its isolate was not told.
#[derive(Clone, Copy, Default)]
pub(crate) struct Line {
    first: Option<Descriptor>,
    last: Option<Descriptor>,
    /// Connections for which there was no room.
    turned_away_count: u32,
    /// Why it accepts no more.
    ended: Option<Errno>,
}

/// The next thing to tell of a line.
pub(crate) enum Arrival {
    Connection(Descriptor),
    TurnedAway,
    Ended(Errno),
}

impl Line {
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none() && self.turned_away_count == 0 && self.ended.is_none()
    }

    pub(crate) fn turn_away(&mut self) {
        self.turned_away_count += 1;
    }

    pub(crate) fn end(&mut self, why: Errno) {
        self.ended = Some(why);
    }
}

impl Gate {
    pub(crate) fn new(io: ShardIo, descriptor_slots: u32, metrics: &ShardMetrics) -> Self {
        Self {
            io,
            before: COUNTERS.map(|(counter, _)| metrics.value(counter)),
            behind: vec![None; descriptor_slots as usize].into_boxed_slice(),
        }
    }

    /// Writes down what it has taken, but for the I/O itself.
    pub(crate) fn list(&self, estate: &mut Estate) {
        estate.boxed(&*self.behind);
    }

    /// Copies the counters of the I/O to where they can be read from outside.
    pub(crate) fn show(&self, metrics: &ShardMetrics) {
        let counters = self.io.counters();
        for ((counter, read), before) in COUNTERS.iter().zip(self.before) {
            metrics.set(*counter, before + read(&counters));
        }
    }

    /// Puts a connection at the end of a line.
    pub(crate) fn line_up(&mut self, line: &mut Line, connection: Descriptor) {
        self.behind[connection.slot as usize] = None;
        match line.last.replace(connection) {
            None => line.first = Some(connection),
            Some(last) => self.behind[last.slot as usize] = Some(connection),
        }
    }

    /// Takes the next thing to tell from a line.
    pub(crate) fn next_in(&mut self, line: &mut Line) -> Option<Arrival> {
        if let Some(first) = line.first {
            line.first = self.behind[first.slot as usize];
            if line.first.is_none() {
                line.last = None;
            }
            return Some(Arrival::Connection(first));
        }
        if line.turned_away_count > 0 {
            line.turned_away_count -= 1;
            return Some(Arrival::TurnedAway);
        }
        line.ended.take().map(Arrival::Ended)
    }
}
