//! What goes wrong in a seeded run of a runtime, and how often.

use crate::io::{Ratio, WorldFaults};
use crate::random::Random;
use serde::{Deserialize, Serialize};

/// What goes wrong, drawn before every turn of a shard unless it says otherwise. As RON it is what a replay
/// line carries; what is not named is as in [`Faults::none`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// A shard's thread stands still for a while.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub stall: Ratio,
    /// The least and the most of that, in microseconds.
    pub stall_micros: [u32; 2],
    /// What one shard sends to another is not seen there for a while.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub hold: Ratio,
    /// The least and the most of that, in microseconds.
    pub hold_micros: [u32; 2],
    /// Some shards are cut off from all others, and from the outside, until it heals.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub partition: Ratio,
    /// The least and the most of that, in microseconds.
    pub partition_micros: [u32; 2],
    /// An isolate crashes between two of its events.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub crash: Ratio,
    /// An isolate ends as if its handler had panicked.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub panic: Ratio,
    /// A start of an isolate fails; drawn for each start.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub failed_start: Ratio,
    /// Everybody on a shard ends, and it is started again, or put in quarantine.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub shard_crash: Ratio,
    /// A shard in quarantine is revived.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub revival: Ratio,
    /// The clock jumps ahead.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub clock_jump: Ratio,
    /// The least and the most of that, in microseconds.
    pub clock_jump_micros: [u32; 2],
    /// Clocks of shards differ by up to so many microseconds.
    pub skew_micros: u32,
    /// The most that passes between two turns, in nanoseconds.
    pub turn_nanos: u32,
    /// Nothing goes wrong any more after so many turns.
    #[serde(skip_serializing_if = "is_for_ever")]
    pub turns: u64,
    /// Network and disk.
    pub world: WorldFaults,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_for_ever(turns: &u64) -> bool {
    *turns == u64::MAX
}

impl Default for Faults {
    fn default() -> Self {
        Self::none()
    }
}

impl Faults {
    /// Nothing goes wrong: shards take turns at random, and time passes.
    #[must_use]
    pub fn none() -> Self {
        Self {
            stall: Ratio::NEVER,
            stall_micros: [1, 2_000],
            hold: Ratio::NEVER,
            hold_micros: [1, 1_000],
            partition: Ratio::NEVER,
            partition_micros: [1_000, 50_000],
            crash: Ratio::NEVER,
            panic: Ratio::NEVER,
            failed_start: Ratio::NEVER,
            shard_crash: Ratio::NEVER,
            revival: Ratio::NEVER,
            clock_jump: Ratio::NEVER,
            clock_jump_micros: [1_000, 5_000_000],
            skew_micros: 0,
            turn_nanos: 2_000,
            turns: u64::MAX,
            world: WorldFaults::default(),
        }
    }

    /// Whatever a loaded host does to threads and links, and nothing else: what any program must bear
    /// without a word.
    #[must_use]
    pub fn interleaving() -> Self {
        Self {
            stall: Ratio::one_in(50),
            hold: Ratio::one_in(20),
            partition: Ratio::one_in(2_000),
            clock_jump: Ratio::one_in(2_000),
            clock_jump_micros: [100, 20_000],
            skew_micros: 300,
            ..Self::none()
        }
    }

    /// All of it: isolates and shards end, connections break, the disk fails.
    #[must_use]
    pub fn harsh() -> Self {
        let mut faults = Self {
            crash: Ratio::one_in(400),
            panic: Ratio::one_in(600),
            failed_start: Ratio::one_in(30),
            shard_crash: Ratio::one_in(5_000),
            revival: Ratio::one_in(200),
            ..Self::interleaving()
        };
        let network = &mut faults.world.network;
        network.partial = Ratio::one_in(3);
        network.reset = Ratio::one_in(200);
        network.refuse = Ratio::one_in(20);
        network.loss = Ratio::one_in(20);
        network.double = Ratio::one_in(30);
        let disk = &mut faults.world.disk;
        disk.slow = Ratio::one_in(30);
        disk.error = Ratio::one_in(100);
        disk.partial = Ratio::one_in(5);
        faults
    }

    /// Nothing goes wrong from turn `turns` on: what was begun is to be done then.
    #[must_use]
    pub fn until_turn(mut self, turns: u64) -> Self {
        self.turns = turns;
        self
    }

    /// Every kind of fault, by name.
    pub(crate) fn kinds(&mut self) -> [(&'static str, &mut Ratio); 19] {
        let network = &mut self.world.network;
        let disk = &mut self.world.disk;
        [
            ("stall", &mut self.stall),
            ("hold", &mut self.hold),
            ("partition", &mut self.partition),
            ("crash", &mut self.crash),
            ("panic", &mut self.panic),
            ("failed_start", &mut self.failed_start),
            ("shard_crash", &mut self.shard_crash),
            ("revival", &mut self.revival),
            ("clock_jump", &mut self.clock_jump),
            ("network.partial", &mut network.partial),
            ("network.reset", &mut network.reset),
            ("network.refuse", &mut network.refuse),
            ("network.loss", &mut network.loss),
            ("network.double", &mut network.double),
            ("disk.slow", &mut disk.slow),
            ("disk.error", &mut disk.error),
            ("disk.partial", &mut disk.partial),
            ("disk.misdirected", &mut disk.misdirected),
            ("disk.rot", &mut disk.rot),
        ]
    }

    /// Some of these faults and not others: half of them, as `random` has it.
    pub(crate) fn swarm(mut self, random: &mut Random) -> Self {
        for (_, ratio) in self.kinds() {
            if random.chance(1, 2) {
                *ratio = Ratio::NEVER;
            }
        }
        self
    }
}
