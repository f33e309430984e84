//! From the output that was held up most to the head of its queue.
//!
//! An output without room waits for the module at the other end of its wire. Where that one left its items
//! mostly because an output of its own had no room, the queue goes on there; else it is what holds
//! everybody up. The same the other way round leads to the end of the queue.

use super::StallReport;
use std::collections::BTreeSet;
use tina_engine::{Cause, PortStalls};

/// Wires that are followed upstream at most.
const FEEDERS_MAX: usize = 256;

/// The way from the output that was held up most to whoever holds it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Wires whose outputs had no room, from the end of the queue to its head.
    pub wires: Vec<u32>,
    /// The one that was held up most.
    pub most: usize,
    /// Why the last of them did not drain.
    pub head: Head,
}

/// Why the wire at the head of a queue does not drain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// Its slots are mostly under way: it has too few of them for its delays.
    Slots,
    /// Its consumer is at work on what it has taken.
    Latency,
    /// Other inputs of its consumer were served; the port of the output for which they competed, if it
    /// is known.
    Arbitration(Option<u16>),
    /// Its consumer waits for another input: the wires from that input upstream, as far as they were empty
    /// for want of items.
    Partner(Vec<u32>),
    /// Its consumer is done.
    Asleep,
    /// It is in a ring of full wires that begins with this one of the path.
    Ring(usize),
    /// Its consumer took every item that it saw, and is no faster.
    Pace,
}

impl StallReport {
    /// Follows full wires through the output that was held up most; `None` if none was.
    #[must_use]
    pub fn path(&self) -> Option<Path> {
        let first = *self.ranked().first()?;
        let mut seen = BTreeSet::from([first]);
        let mut ahead = vec![first];
        let head = loop {
            let last = *ahead.last().expect("it begins with a wire");
            match self.step(last) {
                Ok(next) if seen.insert(next) => ahead.push(next),
                Ok(next) => break Err(next),
                Err(head) => break Ok(head),
            }
        };
        let mut behind = Vec::new();
        let mut here = first;
        while let Some(wire) = self.step_back(here).filter(|wire| seen.insert(*wire)) {
            behind.push(wire);
            here = wire;
        }
        let most = behind.len();
        let wires: Vec<u32> = behind.into_iter().rev().chain(ahead).collect();
        let place = |wire: u32| wires.iter().position(|&it| it == wire);
        let head = head.unwrap_or_else(|next| {
            Head::Ring(place(next).expect("every wire that was seen is on the path"))
        });
        Some(Path { wires, most, head })
    }

    /// The wire whose consumer waited longest for room at the output of this one, if that is what it mostly
    /// waited for.
    fn step_back(&self, wire: u32) -> Option<u32> {
        let output = self.ends_of(wire).0;
        let inputs = self.ports_of(output.instance).iter();
        let waiting = inputs.filter(|it| self.is_input(it) && self.step(it.wire) == Ok(wire));
        let most = waiting.rev().max_by_key(|it| left(it, Cause::Full))?;
        (self.stalled(self.ends_of(most.wire).0) > 0).then_some(most.wire)
    }

    /// The wire for which a full wire's consumer waits, or why it does not drain.
    fn step(&self, wire: u32) -> Result<u32, Head> {
        let (output, input) = self.ends_of(wire);
        if output.count(Cause::Credit) > output.count(Cause::Full) {
            return Err(Head::Slots);
        }
        match left_because(input) {
            None => Err(Head::Pace),
            Some(Cause::Full) => match self.output_awaited(input) {
                Some(next) => Ok(next.wire),
                None => Err(Head::Latency),
            },
            Some(Cause::Arbitration) => Err(Head::Arbitration(self.output_contended(input))),
            Some(Cause::Partner) => Err(Head::Partner(self.feeders(input))),
            Some(Cause::Asleep) => Err(Head::Asleep),
            Some(Cause::Latency | Cause::Credit | Cause::Moved | Cause::Empty) => {
                Err(Head::Latency)
            }
        }
    }

    /// The output for which the items at an input waited longest because it had no room: what the module
    /// said, or else the one that was without room longest.
    fn output_awaited(&self, input: &PortStalls) -> Option<&PortStalls> {
        let ports = self.ports_of(input.instance);
        let mut said: Vec<(u64, u16)> = self
            .waits_of(input)
            .map(|wait| (wait.shut, wait.output))
            .filter(|(shut, _)| *shut > 0)
            .collect();
        said.sort_unstable_by_key(|&(shut, port)| (std::cmp::Reverse(shut), port));
        if let Some(&(_, port)) = said.first() {
            return ports.iter().find(|it| it.port == port);
        }
        let outputs = ports.iter().filter(|port| !self.is_input(port));
        let shut = outputs.filter(|port| self.stalled(port) > 0);
        // The first of equals.
        shut.rev().max_by_key(|port| self.stalled(port))
    }

    fn output_contended(&self, input: &PortStalls) -> Option<u16> {
        let lost = self.waits_of(input).filter(|wait| wait.lost > 0);
        let most = lost.max_by_key(|wait| (wait.lost, std::cmp::Reverse(wait.output)));
        most.map(|wait| wait.output)
    }

    fn waits_of(&self, input: &PortStalls) -> impl Iterator<Item = &tina_engine::WaitStalls> {
        let waits = &self.stalls.waits;
        let key = (input.instance, input.port);
        let start = waits.partition_point(|wait| (wait.instance, wait.input) < key);
        waits[start..]
            .iter()
            .take_while(move |wait| (wait.instance, wait.input) == key)
    }

    /// The wire of the other input that was without an item longest, and those before it that were without
    /// items because theirs was.
    fn feeders(&self, input: &PortStalls) -> Vec<u32> {
        let mut wires = Vec::new();
        let mut seen = BTreeSet::from([input.wire]);
        let mut here = (input.instance, Some(input.port));
        while wires.len() < FEEDERS_MAX {
            let (instance, but) = here;
            let inputs = self.ports_of(instance).iter();
            let others = inputs.filter(|it| self.is_input(it) && Some(it.port) != but);
            let starved = others.filter(|it| it.count(Cause::Empty) > 0);
            let Some(most) = starved.rev().max_by_key(|it| it.count(Cause::Empty)) else {
                break;
            };
            if !seen.insert(most.wire) {
                break;
            }
            wires.push(most.wire);
            let output = self.ends_of(most.wire).0;
            let empty = output.count(Cause::Empty);
            let idle = [Cause::Latency, Cause::Asleep, Cause::Credit, Cause::Full];
            if idle.iter().any(|&cause| output.count(cause) >= empty) {
                break;
            }
            here = (output.instance, None);
        }
        wires
    }
}

/// Why an input mostly left its items; full stands for credit too. `None` if it never left one.
pub(super) fn left_because(input: &PortStalls) -> Option<Cause> {
    let reasons = [
        Cause::Asleep,
        Cause::Partner,
        Cause::Latency,
        Cause::Arbitration,
        Cause::Full,
    ];
    let most = reasons.into_iter().max_by_key(|&cause| left(input, cause));
    most.filter(|&cause| left(input, cause) > 0)
}

/// Edges at which an input left its item for such a reason.
pub(super) fn left(input: &PortStalls, cause: Cause) -> u64 {
    let credit = if cause == Cause::Full {
        input.count(Cause::Credit)
    } else {
        0
    };
    input.count(cause) + credit
}
