//! Input of the outside world as it was recorded: when, for whom, what; and a mark that tells how far one is.

use crate::hash::absorb;
use crate::time::Tick;
use serde::{Deserialize, Serialize};

/// Bytes that entered a machine where an epoch started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) tick: Tick,
    pub(crate) instance: u32,
    pub(crate) bytes: Box<[u8]>,
}

/// What enters a machine by itself.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// In the order of ticks.
    pub(crate) inputs: Vec<Input>,
    /// Where the run that was recorded was interrupted.
    pub(crate) end: Option<Tick>,
}

impl Script {
    /// The first tick after `start` at which something enters, or the recorded run was interrupted: an epoch
    /// must end there.
    pub(crate) fn next_after(&self, start: Tick) -> Tick {
        let next = self.inputs.partition_point(|input| input.tick <= start);
        let input = self.inputs.get(next).map(|input| input.tick);
        let end = self.end.filter(|&end| end > start);
        input.unwrap_or(Tick::MAX).min(end.unwrap_or(Tick::MAX))
    }
}

/// How much has entered a machine since cycle 0, and a hash of it: of two machines with equal marks the same
/// bytes entered at the same cycles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputMark {
    /// Bytes.
    pub bytes: u64,
    /// Hash of cycles, instances and bytes.
    pub hash: u64,
}

impl InputMark {
    /// The mark after one more byte.
    #[must_use]
    pub fn after(self, cycle: u64, instance: u32, byte: u8) -> Self {
        let what = u64::from(instance) << 8 | u64::from(byte);
        Self {
            bytes: self.bytes + 1,
            hash: absorb(absorb(self.hash, cycle), what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_end_where_something_enters() {
        let input = |tick| Input {
            tick,
            instance: 0,
            bytes: Box::from(*b"x"),
        };
        let script = Script {
            inputs: vec![input(10), input(10), input(20)],
            end: Some(25),
        };
        let next: Vec<Tick> = [0, 9, 10, 20, 25].map(|at| script.next_after(at)).into();
        assert_eq!(next, [10, 10, 20, 25, Tick::MAX]);
    }

    #[test]
    fn a_mark_tells_when_whom_and_what() {
        let mark = InputMark::default().after(8, 2, b'a');
        for other in [(9, 2, b'a'), (8, 3, b'a'), (8, 2, b'b')] {
            let (cycle, instance, byte) = other;
            assert_ne!(InputMark::default().after(cycle, instance, byte), mark);
        }
    }
}
