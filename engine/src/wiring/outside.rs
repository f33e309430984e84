//! What leads from a module to the host and back: its console and its inlet.

use super::{Mode, Wiring, otherwise};
use crate::arena::Arena;
use crate::build_error::BuildError;
use crate::handle::{CONSOLE_BYTES, CONSOLE_BYTES_PER_EPOCH, Console, ConsoleRef};
use crate::inlet::{INLET_BYTES_MAX, Inlet, InletRef, inlet_bytes};
use crate::wheel::Waker;

impl Wiring<'_> {
    /// A way to print on the standard output of the host.
    ///
    /// # Panics
    /// When the module asks for more of them than when it was probed: the machine does not boot.
    #[must_use]
    pub fn console(&mut self) -> Console {
        let (arena, head, own) = match &mut self.mode {
            Mode::Probe(probe) => {
                probe.shape.console_count += 1;
                let arena =
                    Arena::map(CONSOLE_BYTES).expect("a few pages can be mapped for a probe");
                probe.memories.push(arena);
                let arena = probe.memories.last().expect("pushed above");
                (
                    arena,
                    probe.head,
                    Waker(probe.arena.offset_of(probe.verdict) as u32),
                )
            }
            Mode::Bind { bench, .. } => {
                let probed = bench.shape.console_count;
                assert!(
                    bench.consoles.len() < probed,
                    "when probed it asked for {probed} consoles"
                );
                (bench.arena, bench.head, bench.own)
            }
        };
        let entries = arena.carve_shared_slice(CONSOLE_BYTES_PER_EPOCH);
        let shared = ConsoleRef {
            count: arena.carve_shared(),
            epoch: arena.carve_shared(),
            printed_count: arena.carve_shared(),
            entries,
        };
        if let Mode::Bind { bench, .. } = &mut self.mode {
            bench.consoles.push(shared);
        }
        let epoch_ticks = match &self.mode {
            Mode::Probe(_) => 1,
            Mode::Bind { bench, .. } => bench.epoch_ticks,
        };
        Console {
            shared,
            head,
            own,
            epoch_ticks,
        }
    }

    /// Where the module finds bytes that the host sends it: a FIFO of `bytes` bytes, filled between epochs.
    ///
    /// # Errors
    /// When the module has one already, or the size is not in 1..=[`INLET_BYTES_MAX`].
    pub fn inlet(&mut self, bytes: usize) -> Result<Inlet, BuildError> {
        if !(1..=INLET_BYTES_MAX).contains(&bytes) {
            return Err(BuildError::new(format!(
                "an inlet of {bytes} bytes; it has 1 to {INLET_BYTES_MAX}"
            )));
        }
        let instance = self.place.instance;
        let twice = || Err(BuildError::new("a module has one inlet"));
        match &mut self.mode {
            Mode::Probe(probe) => {
                if probe.shape.inlet_bytes > 0 {
                    return twice();
                }
                probe.shape.inlet_bytes = bytes;
                let arena = Arena::map(inlet_bytes(bytes))
                    .map_err(|error| BuildError::new(format!("an inlet: {error}")))?;
                // Flags of a probe are looked at by nobody.
                let own = Waker(probe.arena.offset_of(probe.verdict) as u32);
                let shared = InletRef::carve(&arena, bytes, own);
                probe.memories.push(arena);
                Ok(Inlet {
                    shared,
                    head: probe.head,
                })
            }
            Mode::Bind { bench, .. } => {
                if bench.inlets.iter().any(|(number, _)| *number == instance) {
                    return twice();
                }
                let probed = bench.shape.inlet_bytes;
                if probed != bytes {
                    let asked = format!("for an inlet of {bytes} bytes");
                    return Err(otherwise(&format!("for one of {probed}"), &asked));
                }
                let shared = InletRef::carve(bench.arena, bytes, bench.own);
                bench.inlets.push((instance, shared));
                Ok(Inlet {
                    shared,
                    head: bench.head,
                })
            }
        }
    }
}
