//! What is wrong in a seeded run at the moment, and the generators that say what will be.

use super::super::shard::RuntimeShard;
use super::super::timer::Nanos;
use super::faults::Faults;
use crate::io::Ratio;
use crate::random::Random;

/// The stream of the generator of faults.
const STREAM: u64 = 0x6661_756c;

/// What draws from a generator of its own, so that one kind of fault less changes none of the others.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Stall,
    Hold,
    Partition,
    Crash,
    Panic,
    ShardCrash,
    Revival,
    ClockJump,
    Work,
}

const KIND_COUNT: usize = Kind::Work as usize + 1;

/// What is wrong at the moment, and what will be.
pub(super) struct Disturbance {
    pub(super) faults: Faults,
    pub(super) randoms: [Random; KIND_COUNT],
    pub(super) turn_count: u64,
    /// By shard, until when its thread stands still.
    pub(super) stalled_until: Vec<Nanos>,
    /// Links that show nothing: from, to, until when.
    pub(super) held: Vec<(usize, usize, Nanos)>,
    /// Until when shards are cut off.
    pub(super) parted_until: Option<Nanos>,
}

impl Disturbance {
    pub(super) fn new(faults: Faults, seed: u64, shard_count: usize) -> Self {
        Self {
            faults,
            randoms: std::array::from_fn(|kind| Random::keyed(seed, STREAM, kind as u64)),
            turn_count: 0,
            stalled_until: vec![0; shard_count],
            held: Vec::new(),
            parted_until: None,
        }
    }

    pub(super) fn turn_nanos(&self) -> u32 {
        self.faults.turn_nanos
    }

    pub(super) fn is_stalled(&self, shard: usize, now: Nanos) -> bool {
        self.stalled_until[shard] > now
    }

    /// When something that is wrong is over.
    pub(super) fn next_change(&self, now: Nanos) -> Option<Nanos> {
        let stalls = self.stalled_until.iter().copied();
        let holds = self.held.iter().map(|&(_, _, until)| until);
        let all = stalls.chain(holds).chain(self.parted_until);
        all.filter(|&until| until > now).min()
    }

    /// Lets links show again what they have held long enough.
    pub(super) fn settle(&mut self, now: Nanos, shards: &mut [RuntimeShard]) {
        if self.held.iter().all(|&(_, _, until)| until > now) {
            return;
        }
        self.held.retain(|&(_, _, until)| until > now);
        self.show(shards);
    }

    /// Tells every shard which links show it nothing.
    fn show(&self, shards: &mut [RuntimeShard]) {
        for shard in &mut *shards {
            shard.withheld = Default::default();
        }
        for &(from, to, _) in &self.held {
            shards[to].withheld.insert(from);
        }
    }

    /// Nothing is wrong any more.
    pub(super) fn calm(&mut self, shards: &mut [RuntimeShard]) {
        let keep = self.faults.turn_nanos;
        self.faults = Faults {
            turn_nanos: keep,
            ..Faults::none()
        };
        self.stalled_until.fill(0);
        self.held.clear();
        self.parted_until = None;
        self.show(shards);
    }

    pub(super) fn draws(&mut self, kind: Kind, ratio: Ratio) -> bool {
        ratio.draw(&mut self.randoms[kind as usize])
    }

    pub(super) fn micros(&mut self, kind: Kind, [least, most]: [u32; 2]) -> Nanos {
        let spread = u64::from(most.saturating_sub(least)) * 1000;
        u64::from(least) * 1000 + self.randoms[kind as usize].below(spread + 1)
    }

    pub(super) fn pick(&mut self, kind: Kind, count: usize) -> usize {
        self.randoms[kind as usize].below(count as u64) as usize
    }
}
