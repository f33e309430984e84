//! Shards of a machine that take turns on one thread as a seed has it: as hosts do at their worst, and
//! always the same.
//!
//! Before every turn it is drawn which shard goes on and how far, which of its neighbours' frames it does
//! not see yet, and who stands still for a while. None of it may be seen in a result: that is a law of time
//! here, and this is what puts it to the test.

use crate::random::Random;
use crate::ring::{RingReader, ring};
use crate::shard::{Advance, Shard};
use crate::time::Tick;

/// The stream of the generator of turns.
const STREAM: u64 = 0x7368_6172;
/// Ticks of a short turn, at most.
const SHORT: u64 = 16;
/// Turns for which a shard stands still, at most.
const STILL: u64 = 200;

pub(crate) struct Interleaver {
    random: Random,
    /// What a shard sees instead of a link that is hidden: rings that nobody writes to.
    empty: Vec<RingReader>,
    /// Links hidden just now: shard and links.
    hidden: Option<(usize, Vec<usize>)>,
    /// By shard, turns for which it stands still.
    still: Vec<u64>,
    reached: Vec<bool>,
}

impl Interleaver {
    pub(crate) fn new(seed: u64, shards: &[Shard]) -> Self {
        let link_count = shards.iter().map(Shard::inbound_count).max();
        Self {
            random: Random::keyed(seed, STREAM, 0),
            empty: (0..link_count.unwrap_or(0)).map(|_| ring(1).1).collect(),
            hidden: None,
            still: vec![0; shards.len()],
            reached: vec![false; shards.len()],
        }
    }

    /// Turns the shards until all have reached the end of the epoch.
    pub(crate) fn run_epoch(&mut self, shards: &mut [Shard], end: Tick) {
        // Left behind by a hardware fault within a turn.
        self.show(shards);
        self.reached.fill(false);
        while !self.reached.iter().all(|&reached| reached) {
            let number = self.random.below(shards.len() as u64) as usize;
            if self.still[number] > 0 {
                self.still[number] -= 1;
                continue;
            }
            if self.random.chance(1, 64) {
                self.still[number] = 1 + self.random.below(STILL);
            }
            self.hide(number, shards);
            let upcoming = shards[number].upcoming();
            let until = if self.random.chance(1, 4) {
                end
            } else {
                end.min(upcoming + 1 + self.random.below(SHORT))
            };
            let advance = shards[number].advance(until);
            self.show(shards);
            self.reached[number] |= until == end && matches!(advance, Advance::Reached);
        }
    }

    /// Hides some of the links to a shard, or none.
    fn hide(&mut self, number: usize, shards: &mut [Shard]) {
        if self.random.chance(1, 2) {
            return;
        }
        let links = 0..shards[number].inbound_count();
        let links: Vec<usize> = links.filter(|_| self.random.chance(1, 3)).collect();
        self.hidden = Some((number, links));
        self.exchange(shards);
    }

    /// Shows what was hidden.
    fn show(&mut self, shards: &mut [Shard]) {
        self.exchange(shards);
        self.hidden = None;
    }

    fn exchange(&mut self, shards: &mut [Shard]) {
        if let Some((number, links)) = &self.hidden {
            for &link in links {
                shards[*number].exchange_reader(link, &mut self.empty[link]);
            }
        }
    }
}
