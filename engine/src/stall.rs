//! Why a port did or did not move an item at an edge: the causes, and the edges that are looked at.
//!
//! Every edge of every port has exactly one cause. It follows from the FIFOs at the ports of the module
//! before that edge, from what moved at it, and from what the module says of its items; never from
//! when the engine happened to clock it. So counts are the same at every number of shards and threads,
//! with and without sleeping.
//!
//! Does not know ports or FIFOs; `shard::watch` finds the causes.

use crate::hash::mix;
use crate::time::Cycle;

/// Why a port did or did not move an item at an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// An item was pushed, or popped.
    Moved,
    /// An input without an item to take. An output with room for an item while an input of its module was
    /// without one: there was nothing to send.
    Empty,
    /// An output without room, although a consumer that took items as soon as it saw them would have
    /// made some by now. An input whose item was left because such an output of its module had no room.
    Full,
    /// An output without room, which no consumer could have made by now: items and credits under way
    /// take up the slots of the wire. An input whose item was left because of such an output.
    Credit,
    /// An input whose item was left while another input of its module was served.
    Arbitration,
    /// The module was at work: an input whose item was left although nothing else kept it, an output with
    /// room that was sent nothing although no input was without an item.
    Latency,
    /// An input whose item was left while another input of its module was without one.
    Partner,
    /// The module is done, or has faulted: nothing will move here any more.
    Asleep,
}

/// How many causes there are.
pub const CAUSE_COUNT: usize = 8;

impl Cause {
    /// All of them, by their numbers.
    pub const ALL: [Self; CAUSE_COUNT] = [
        Self::Moved,
        Self::Empty,
        Self::Full,
        Self::Credit,
        Self::Arbitration,
        Self::Latency,
        Self::Partner,
        Self::Asleep,
    ];

    /// Their names, by their numbers.
    pub const NAMES: [&str; CAUSE_COUNT] = [
        "moved",
        "empty",
        "full",
        "credit",
        "arbitration",
        "latency",
        "partner",
        "asleep",
    ];

    /// Its number.
    #[must_use]
    pub const fn number(self) -> usize {
        self as usize
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self.number()]
    }
}

/// What is watched of stalls. Nothing here changes a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StallOptions {
    /// Counts causes at one edge in so many, of every port; at each edge where it is 1, and not at all
    /// where it is 0.
    pub every: u32,
    /// Lets a recording tell the causes at both ends of recorded wires, at every edge.
    pub recorded: bool,
}

impl StallOptions {
    /// Whether anything is watched.
    pub(crate) const fn any(self) -> bool {
        self.every > 0 || self.recorded
    }
}

/// The edges of a clock at which causes are counted: one in each row of `every` edges, at a place in it that
/// is as good as random, so that no rhythm of the machine is mistaken for its average.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StallSchedule {
    every: u64,
}

impl StallSchedule {
    /// One edge in `every`.
    ///
    /// # Panics
    /// When it is 0.
    #[must_use]
    pub fn new(every: u32) -> Self {
        assert!(every > 0, "an edge in none cannot be looked at");
        Self {
            every: u64::from(every),
        }
    }

    /// The edge of row `row` that is looked at.
    fn edge_in(self, row: u64) -> Cycle {
        row * self.every + mix(row) % self.every
    }

    /// The first edge at or after `cycle` that is looked at.
    #[must_use]
    pub fn next(self, cycle: Cycle) -> Cycle {
        let row = cycle / self.every;
        let edge = self.edge_in(row);
        if edge >= cycle {
            edge
        } else {
            self.edge_in(row + 1)
        }
    }

    /// How many edges before `cycle` are looked at.
    #[must_use]
    pub fn count_before(self, cycle: Cycle) -> u64 {
        let row = cycle / self.every;
        row + u64::from(self.edge_in(row) < cycle)
    }
}

/// What was counted at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortStalls {
    /// Number of the instance.
    pub instance: u32,
    /// Number of the port among those of the instance.
    pub port: u16,
    /// Number of the wire that ends there.
    pub wire: u32,
    /// Edges of each cause that were looked at, by its number.
    pub counts: [u64; CAUSE_COUNT],
}

impl PortStalls {
    /// Edges of a cause.
    #[must_use]
    pub const fn count(&self, cause: Cause) -> u64 {
        self.counts[cause.number()]
    }

    /// Edges that were looked at.
    #[must_use]
    pub fn edges(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// For which output the items at an input waited, where the module says so or has only that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitStalls {
    /// Number of the instance.
    pub instance: u32,
    /// Number of the input.
    pub input: u16,
    /// Number of the output.
    pub output: u16,
    /// Edges at which the output had no room.
    pub shut: u64,
    /// Edges at which it took another input's item.
    pub lost: u64,
}

/// What was counted of a machine, by instance and port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stalls {
    /// Every port with a wire.
    pub ports: Vec<PortStalls>,
    /// Inputs and the outputs they waited for, of those that did.
    pub waits: Vec<WaitStalls>,
}

impl Stalls {
    /// What came since `before`, which was counted of the same machine.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let mut ports = self.ports.clone();
        for (port, earlier) in ports.iter_mut().zip(&before.ports) {
            let counts = port.counts.iter_mut().zip(earlier.counts);
            counts.for_each(|(count, earlier)| *count = count.saturating_sub(earlier));
        }
        let key = |wait: &WaitStalls| (wait.instance, wait.input, wait.output);
        let mut waits = self.waits.clone();
        for wait in &mut waits {
            if let Ok(place) = before.waits.binary_search_by_key(&key(wait), key) {
                let earlier = &before.waits[place];
                wait.shut = wait.shut.saturating_sub(earlier.shut);
                wait.lost = wait.lost.saturating_sub(earlier.lost);
            }
        }
        waits.retain(|wait| wait.shut + wait.lost > 0);
        Self { ports, waits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_and_names_agree() {
        for (number, cause) in Cause::ALL.into_iter().enumerate() {
            assert_eq!(cause.number(), number);
        }
    }

    proptest! {
        #[test]
        fn an_edge_of_every_row_is_looked_at(every in 1..300u32, end in 0..3_000u64) {
            let schedule = StallSchedule::new(every);
            let mut looks = Vec::new();
            let mut cycle = schedule.next(0);
            while cycle < end {
                looks.push(cycle);
                cycle = schedule.next(cycle + 1);
            }
            prop_assert_eq!(schedule.count_before(end), looks.len() as u64);
            for (row, look) in looks.iter().enumerate() {
                prop_assert_eq!(look / u64::from(every), row as u64);
            }
        }
    }
}
