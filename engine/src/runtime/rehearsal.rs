//! What a seeded run has in each shard: a trace of what was handled, and starts that fail on purpose. In a
//! runtime with threads it is off, and costs a look at one byte for each event.

use super::handle::Handle;
use crate::hash::mix;
use crate::io::Ratio;
use crate::random::Random;

/// The stream of the generator of failing starts.
const STREAM: u64 = 0x7374_6172;

pub(crate) struct Rehearsal {
    is_on: bool,
    /// Of what was handled since somebody looked.
    pub(crate) trace: u64,
    pub(crate) event_count: u64,
    failed_start: Ratio,
    pub(crate) failed_start_count: u64,
    random: Random,
}

impl Rehearsal {
    pub(crate) const fn off() -> Self {
        Self {
            is_on: false,
            trace: 0,
            event_count: 0,
            failed_start: Ratio::NEVER,
            failed_start_count: 0,
            random: Random::keyed(0, 0, 0),
        }
    }

    pub(crate) fn begin(&mut self, failed_start: Ratio, seed: u64, shard: usize) {
        self.is_on = true;
        self.failed_start = failed_start;
        self.random = Random::keyed(seed, STREAM, shard as u64);
    }

    pub(crate) fn calm(&mut self) {
        self.failed_start = Ratio::NEVER;
    }

    #[inline(always)]
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Somebody handles an event of a kind that `tag` tells apart.
    #[cold]
    pub(crate) fn note(&mut self, who: Handle, sender: Handle, tag: u64) {
        self.event_count += 1;
        self.trace = mix(self.trace ^ who.bits()) ^ mix(sender.bits() ^ tag << 56);
    }

    /// Whether the next start is to fail.
    pub(crate) fn fails_to_start(&mut self) -> bool {
        let fails = self.failed_start.draw(&mut self.random);
        self.failed_start_count += u64::from(fails);
        fails
    }
}
