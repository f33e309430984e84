//! HOT. The rest of a sweep that a hardware fault has cut, and what is left of the module that had it.

use super::{CHUNK, Edge, Fault, FaultCause, Seated, Sweep};
use crate::module::Module;
use crate::trap::{HardwareFault, Mark};
use std::panic::{AssertUnwindSafe, catch_unwind};

impl<M: Module> Seated<M> {
    /// Stops the module that was being clocked, which is never looked at again, and clocks those behind it.
    #[cold]
    pub(super) fn go_on_behind(
        &mut self,
        edge: &Edge<'_>,
        fault: HardwareFault,
        faults: &mut Vec<Fault>,
    ) {
        let index = edge.head.faulted.get() - 1;
        self.broken[index / CHUNK] |= 1 << (index % CHUNK);
        self.stop(edge, index, FaultCause::Hardware(fault), faults);
        let mut sweep = self.behind(edge, index);
        edge.head.cursor.set(&raw const sweep.next);
        loop {
            let swept = catch_unwind(AssertUnwindSafe(|| {
                if edge.no_sleep {
                    self.sweep_carefully::<true>(edge, &mut sweep, faults);
                } else {
                    self.sweep_carefully::<false>(edge, &mut sweep, faults);
                }
            }));
            match swept {
                Ok(()) => return,
                Err(payload) => self.stop_panicked(edge, &sweep, &*payload, faults),
            }
        }
    }

    /// What a sweep has before it behind the module at `index`, which had a hardware fault: that is known from
    /// its number alone, for the rest was in frames that are abandoned.
    #[cold]
    fn behind(&self, edge: &Edge<'_>, index: usize) -> Sweep {
        let chunk = index / CHUNK;
        let flagged = self.due[chunk];
        let swept = if edge.no_sleep {
            self.alive[chunk]
        } else {
            flagged
        };
        Sweep {
            chunk: chunk + 1,
            mask: swept & !(u64::MAX >> (CHUNK - 1 - index % CHUNK)),
            flagged,
            next: Mark::default(),
            end: 0,
        }
    }

    /// The rest of a sweep that a hardware fault has cut. Not in runs: of more copies of a large module's
    /// `clock` than there are, none would be optimised as well.
    #[inline(never)]
    fn sweep_carefully<const NO_SLEEP: bool>(
        &mut self,
        edge: &Edge<'_>,
        sweep: &mut Sweep,
        faults: &mut Vec<Fault>,
    ) {
        self.clock_carefully::<NO_SLEEP>(edge, sweep, faults);
        loop {
            while sweep.mask != 0 {
                let index = sweep.chunk * CHUNK - CHUNK + sweep.mask.trailing_zeros() as usize;
                sweep.mask &= sweep.mask - 1;
                sweep.next.set(index);
                sweep.end = index + 1;
                self.clock_carefully::<NO_SLEEP>(edge, sweep, faults);
            }
            if sweep.chunk == self.alive.len() {
                return;
            }
            self.next_chunk::<NO_SLEEP>(sweep);
        }
    }

    pub(super) fn is_broken(&self, index: usize) -> bool {
        self.broken[index / CHUNK] >> (index % CHUNK) & 1 == 1
    }

    /// A module, unless a hardware fault has left it in pieces.
    pub(super) fn whole(&self, index: usize) -> Option<&M> {
        (!self.is_broken(index)).then(|| &self.modules[index])
    }
}
