//! The whole state of a machine at the end of an epoch, whatever the shards it was run on.
//!
//! ```text
//!   per instance   what its module declares, whether it sleeps and until when, its consoles
//!   per wire       items and free slots in order, the head's first; stamps of those still under way
//! ```
//!
//! A wire that is cut has a FIFO on each side; the producer's knows its credits, the consumer's its
//! items, and both parts make the one wire that a machine on one shard would have. Knows nothing of how
//! shards keep these things, nor of files.

use crate::blueprint::{Blueprint, Wire};
use crate::group::Rest;
use crate::input::InputMark;
use crate::state::StateError;
use crate::time::{TICK_MAX, Tick, Timebase};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The state of a machine at the end of an epoch. It belongs to the blueprint of that machine (the
/// same netlist, parameters, seed and resources), and fits any placement of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// First tick that has not been run.
    pub(crate) tick: Tick,
    pub(crate) digest: u64,
    pub(crate) epoch_count: u64,
    pub(crate) input: InputMark,
    pub(crate) instances: Vec<InstanceState>,
    pub(crate) wires: Vec<WireState>,
}

/// What is known of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InstanceState {
    pub(crate) rest: Rest,
    pub(crate) consoles: Vec<ConsoleState>,
    /// What its inlet holds.
    pub(crate) inlet: Vec<u8>,
    /// What its module declares.
    pub(crate) state: Vec<u8>,
}

/// How much a console has printed of what it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConsoleState {
    /// The blueprint's epoch in which the last byte was printed, and how many were in it.
    pub(crate) epoch: u64,
    pub(crate) printed_count: u32,
}

/// What is known of a wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireState {
    pub(crate) digest: u64,
    pub(crate) last_push: Option<Tick>,
    pub(crate) last_pop: Option<Tick>,
    /// Number of the slot at the head.
    pub(crate) head: u16,
    /// Items, those under way included.
    pub(crate) count: u16,
    /// The items, the oldest first; if there are none, the one pushed last, if there was one.
    pub(crate) items: Vec<u8>,
    /// Of the newest items: when they may be popped, for those that may not yet.
    pub(crate) arrivals: Vec<Tick>,
    /// Of the slots freed last: when they may be filled, for those that may not yet.
    pub(crate) credits: Vec<Tick>,
}

/// What the producer's side of a wire knows.
#[derive(Clone, Debug)]
pub(crate) struct ProducerPart {
    pub(crate) digest: u64,
    pub(crate) last_push: Option<Tick>,
    pub(crate) credits: Vec<Tick>,
    /// The item pushed last.
    pub(crate) last_item: Vec<u8>,
}

/// What the consumer's side of a wire knows.
#[derive(Clone, Debug)]
pub(crate) struct ConsumerPart {
    pub(crate) last_pop: Option<Tick>,
    pub(crate) head: u16,
    pub(crate) count: u16,
    pub(crate) items: Vec<u8>,
    pub(crate) arrivals: Vec<Tick>,
}

/// What one shard has to say.
#[derive(Debug, Default)]
pub(crate) struct ShardPart {
    pub(crate) instances: Vec<(u32, InstanceState)>,
    /// Instances whose modules do not declare their state.
    pub(crate) undeclared: Vec<u32>,
    pub(crate) producers: Vec<(u32, ProducerPart)>,
    pub(crate) consumers: Vec<(u32, ConsumerPart)>,
}

/// Why there is no snapshot, or why one cannot be put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// Kinds whose modules do not declare their state.
    Undeclared(Vec<&'static str>),
    /// The run has ended: a module ended it, or one was stopped.
    Ended,
    /// A module cannot write its state, or read it back.
    Module {
        /// Path of the instance.
        path: String,
        /// Why.
        error: StateError,
    },
    /// A wire's items cannot be written or read back.
    Wire {
        /// Its number.
        wire: u32,
        /// Why.
        error: StateError,
    },
    /// The snapshot is of another machine.
    Foreign(String),
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undeclared(kinds) => {
                let (plural, verb) = if kinds.len() == 1 {
                    ("", "does")
                } else {
                    ("s", "do")
                };
                write!(
                    f,
                    "kind{plural} `{}` {verb} not say what ",
                    kinds.join("`, `")
                )?;
                f.write_str(
                    "the state of a module is (`Module::state`), so the machine cannot be saved",
                )
            }
            Self::Ended => f.write_str("the run has ended: there is nothing to go on with"),
            Self::Module { path, error } => write!(f, "`{path}` {error}"),
            Self::Wire { wire, error } => write!(f, "wire {wire} {error}"),
            Self::Foreign(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for SnapshotError {}

impl Snapshot {
    /// Puts together what the shards said.
    pub(crate) fn of_parts(
        blueprint: &Blueprint,
        (tick, digest, epoch_count, input): (Tick, u64, u64, InputMark),
        parts: Vec<ShardPart>,
    ) -> Self {
        let mut instances = vec![None; blueprint.instances.len()];
        let mut producers = vec![None; blueprint.wires.len()];
        let mut consumers = vec![None; blueprint.wires.len()];
        for part in parts {
            for (number, state) in part.instances {
                instances[number as usize] = Some(state);
            }
            for (number, half) in part.producers {
                producers[number as usize] = Some(half);
            }
            for (number, half) in part.consumers {
                consumers[number as usize] = Some(half);
            }
        }
        let instance = |state: Option<_>| state.expect("every instance lives in a shard");
        let wire = |(producer, consumer): (Option<ProducerPart>, Option<ConsumerPart>)| {
            let producer = producer.expect("every wire begins in a shard");
            let consumer = consumer.expect("every wire ends in a shard");
            let is_empty = consumer.count == 0;
            WireState {
                digest: producer.digest,
                last_push: producer.last_push,
                last_pop: consumer.last_pop,
                head: consumer.head,
                count: consumer.count,
                items: if is_empty {
                    producer.last_item
                } else {
                    consumer.items
                },
                arrivals: consumer.arrivals,
                credits: producer.credits,
            }
        };
        Self {
            tick,
            digest,
            epoch_count,
            input,
            instances: instances.into_iter().map(instance).collect(),
            wires: producers.into_iter().zip(consumers).map(wire).collect(),
        }
    }

    /// Base-clock cycles that had been run.
    ///
    /// # Panics
    /// When the blueprint's clocks have no common tick: then no machine was made of it.
    #[must_use]
    pub fn cycle(&self, blueprint: &Blueprint) -> u64 {
        let timebase = Timebase::of(&blueprint.domains).expect("a machine was made of it");
        self.tick.div_ceil(timebase.period_ticks[0])
    }

    /// Digest of every transfer until then.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// How much of the outside world had entered until then.
    #[must_use]
    pub fn input(&self) -> InputMark {
        self.input
    }

    /// Whether it can be of a machine of this blueprint.
    pub(crate) fn check(&self, blueprint: &Blueprint) -> Result<(), SnapshotError> {
        let counts = [
            ("instances", self.instances.len(), blueprint.instances.len()),
            ("wires", self.wires.len(), blueprint.wires.len()),
        ];
        for (what, held, wanted) in counts {
            if held != wanted {
                let message = format!("it is of a machine of {held} {what}, not of {wanted}");
                return Err(SnapshotError::Foreign(message));
            }
        }
        if self.tick > TICK_MAX {
            let message = format!("it was taken at tick {}, beyond all time", self.tick);
            return Err(SnapshotError::Foreign(message));
        }
        for (number, (instance, state)) in
            blueprint.instances.iter().zip(&self.instances).enumerate()
        {
            let (held, wanted) = (state.consoles.len(), instance.shape.console_count);
            let alarm_passed = state
                .rest
                .alarm
                .is_some_and(|due| due < self.tick || due > TICK_MAX);
            let inlet_full = state.inlet.len() > instance.shape.inlet_bytes;
            if held != wanted || alarm_passed || inlet_full {
                let path = &blueprint.instances[number].path;
                let message = format!("what it holds of `{path}` is not of that instance");
                return Err(SnapshotError::Foreign(message));
            }
        }
        for (number, (wire, state)) in blueprint.wires.iter().zip(&self.wires).enumerate() {
            if !state.fits(wire, self.tick) {
                let message = format!("what it holds of wire {number} does not fit that wire");
                return Err(SnapshotError::Foreign(message));
            }
        }
        Ok(())
    }
}

impl WireState {
    fn fits(&self, wire: &Wire, now: Tick) -> bool {
        let before = |tick: Option<Tick>| tick.is_none_or(|tick| tick < now);
        let under_way = |ticks: &[Tick]| ticks.iter().all(|tick| (now..=TICK_MAX).contains(tick));
        let count = u32::from(self.count);
        u32::from(self.head) < wire.depth
            && count <= wire.depth
            && self.arrivals.len() <= usize::from(self.count)
            && self.credits.len() <= (wire.depth - count.min(wire.depth)) as usize
            && before(self.last_push)
            && before(self.last_pop)
            && under_way(&self.arrivals)
            && under_way(&self.credits)
    }

    /// How many items are written down.
    pub(crate) fn item_count(&self) -> usize {
        usize::from(self.count).max(usize::from(self.last_push.is_some()))
    }
}
