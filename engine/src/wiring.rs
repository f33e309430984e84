//! What a module gets its ports, memories and handles from while it is built.
//!
//! Every module is built twice by the same code: a *probe* on a scratch arena records which ports
//! and how much memory it asks for, so that netlists can be checked and the plan summed up before
//! any arena is mapped; then the real build on the thread of its shard binds them.

mod outside;

use crate::arena::{Arena, ArenaRef, Memory, Word};
use crate::bank::Banked;
pub use crate::build_error::BuildError;
use crate::codec::Codec;
use crate::fifo::{
    FIFO_ALIGN, RawFifo, Record, ShardHead, Show, Unpack, free_from, show, slot_stride, unpack,
};
use crate::handle::{ConsoleRef, Finish, Verdict};
use crate::hash;
use crate::inlet::InletRef;
use crate::port::{In, Out, PortBinding};
use crate::random::Random;
use crate::signal::{Field, SIGNAL_BYTES_MAX, Signal};
use crate::time::Tick;
use crate::wheel::Waker;
use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most ports a module may have.
pub const PORTS_MAX: usize = 4096;

/// Which way items travel at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The module pops.
    In,
    /// The module pushes.
    Out,
}

/// What is known of a port before any wire is attached.
#[derive(Clone, Debug)]
pub struct PortInfo {
    /// Name, with its index for one of a row: `in[3]`.
    pub name: String,
    /// Which way items travel.
    pub direction: Direction,
    /// Name of the signal type.
    pub signal: &'static str,
    /// Identity of the signal type.
    pub signal_id: TypeId,
    /// Size of the signal in bytes.
    pub signal_bytes: usize,
    /// Width of the signal in bits.
    pub signal_bits: u32,
    /// Parts of the signal; a plain number has none.
    pub fields: &'static [Field],
    /// Fields that need fewer bits here than their type allows.
    pub narrow: Vec<(&'static str, u32)>,
    /// The most transfers in one edge.
    pub lanes: u8,
    /// Whether it may stay unconnected.
    pub optional: bool,
    /// Writes the item in a slot of this port's wire as text.
    pub(crate) show: Show,
    /// Writes and reads its items in checkpoints.
    pub(crate) codec: Codec,
    /// Divides it into fields.
    pub(crate) unpack: Unpack,
}

/// What a module asks for, learnt from a probe.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// Ports in the order of their declaration; wires name them by this index.
    pub ports: Vec<PortInfo>,
    /// Arena bytes for its memories, each rounded up to 64.
    pub memory_bytes: usize,
    /// How many consoles it opens.
    pub console_count: usize,
    /// Bytes its inlet holds; 0 where it has none.
    pub inlet_bytes: usize,
    /// Whether it can end the run: then a machine in which nothing can happen any more before it
    /// did is deadlocked.
    pub finishes: bool,
}

/// Things of the host that modules may need while being built (a program image, a table), by type.
#[derive(Clone, Default)]
pub struct Resources {
    by_type: BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl Resources {
    /// Adds or replaces the resource of type `R`.
    pub fn insert<R: Any + Send + Sync>(&mut self, resource: R) {
        self.by_type.insert(TypeId::of::<R>(), Arc::new(resource));
    }

    /// The resource of type `R`, if there is one.
    #[must_use]
    pub fn get<R: Any + Send + Sync>(&self) -> Option<&R> {
        self.by_type.get(&TypeId::of::<R>())?.downcast_ref()
    }
}

/// Where an instance stands: what its build may depend on besides its parameters.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Full path, such as `tile[3].core`.
    pub path: &'a str,
    /// Index in its arrays, outermost first; 0 where there is none.
    pub index: [u32; 3],
    /// Number of the instance in netlist order.
    pub instance: u32,
    /// Seed of the run.
    pub seed: u64,
}

/// What a shard lends to the modules it builds.
pub(crate) struct Bench<'a> {
    pub(crate) arena: &'a Arena,
    pub(crate) head: ArenaRef<ShardHead>,
    pub(crate) verdict: ArenaRef<Verdict>,
    pub(crate) consoles: &'a mut Vec<ConsoleRef>,
    pub(crate) inlets: &'a mut Vec<(u32, InletRef)>,
    /// Ticks of an epoch of the blueprint.
    pub(crate) epoch_ticks: Tick,
    /// What the module asked for when it was probed.
    pub(crate) shape: &'a Shape,
    /// Per declared port, in order; `None` for an optional port without a wire.
    pub(crate) bindings: &'a [Option<PortBinding>],
    /// Per declared port: the FIFO of a bank that it leads to, if it does.
    pub(crate) banked: &'a [Option<Banked>],
    pub(crate) unconnected: Unconnected,
    /// The flag of the module being built.
    pub(crate) own: Waker,
}

/// FIFOs for ports without a wire: one that never has an item, one that never has room.
#[derive(Clone, Copy)]
pub(crate) struct Unconnected {
    empty: PortBinding,
    full: PortBinding,
}

const _: () = assert!(size_of::<Record>() + slot_stride(SIGNAL_BYTES_MAX) <= 2 * FIFO_ALIGN);

impl Unconnected {
    /// Arena bytes they take, alignment included.
    pub(crate) const BYTES: usize = 3 * 2 * FIFO_ALIGN;

    pub(crate) fn carve(arena: &Arena, head: ArenaRef<ShardHead>) -> Self {
        let binding = |stamp: u64| {
            let fifo = RawFifo::carve(arena, false, false, 1, slot_stride(SIGNAL_BYTES_MAX) as u16);
            fifo.stamp(0).set(stamp);
            // Nothing is ever transferred, so nobody is ever woken.
            let nobody = head.flag(Waker(0));
            PortBinding {
                record: fifo.record,
                other: nobody,
                own: nobody,
                last: fifo.end() - 1,
            }
        };
        // Free and never to be filled by anybody: no item. Full and never to be emptied: no room.
        Self {
            empty: binding(free_from(Tick::MAX / 2)),
            full: binding(0),
        }
    }
}

/// A scratch arena for probes. Modules built on it must be dropped before it.
pub struct Probe {
    // Order of fields: memories first, then the arena.
    memories: Vec<Arena>,
    head: ArenaRef<ShardHead>,
    verdict: ArenaRef<Verdict>,
    unconnected: Unconnected,
    arena: Arena,
    shape: Shape,
}

impl Probe {
    /// A scratch arena.
    ///
    /// # Errors
    /// When the host refuses the mapping.
    pub fn new() -> std::io::Result<Self> {
        let bytes = size_of::<ShardHead>() + size_of::<Verdict>() + Unconnected::BYTES;
        let arena = Arena::map(bytes)?;
        let head = arena.carve_shared();
        let verdict = arena.carve_shared();
        let unconnected = Unconnected::carve(&arena, head);
        Ok(Self {
            memories: Vec::new(),
            head,
            verdict,
            unconnected,
            arena,
            shape: Shape::default(),
        })
    }

    /// Builds a module on scratch ports and says what it asked for.
    pub(crate) fn shape_of<M>(
        &mut self,
        place: Place<'_>,
        resources: &Resources,
        build: impl FnOnce(&mut Wiring<'_>) -> Result<M, BuildError>,
    ) -> Result<Shape, BuildError> {
        self.shape = Shape::default();
        let built = build(&mut Wiring {
            place,
            resources,
            mode: Mode::Probe(self),
        });
        let outcome = built.map(drop);
        self.memories.clear();
        outcome.map(|()| std::mem::take(&mut self.shape))
    }
}

enum Mode<'a> {
    Probe(&'a mut Probe),
    Bind {
        bench: Bench<'a>,
        port_count: usize,
        memory_bytes: usize,
    },
}

/// Hands out ports, memories and handles to a module being built.
pub struct Wiring<'a> {
    place: Place<'a>,
    resources: &'a Resources,
    mode: Mode<'a>,
}

impl<'a> Wiring<'a> {
    pub(crate) fn bind(place: Place<'a>, resources: &'a Resources, bench: Bench<'a>) -> Self {
        Self {
            place,
            resources,
            mode: Mode::Bind {
                bench,
                port_count: 0,
                memory_bytes: 0,
            },
        }
    }

    /// Whether a module that has been built asked for what it asked for when it was probed.
    pub(crate) fn as_probed(&self) -> Result<(), BuildError> {
        match &self.mode {
            Mode::Bind {
                bench, port_count, ..
            } if *port_count < bench.shape.ports.len() => Err(otherwise(
                &format!("for port `{}`", bench.shape.ports[*port_count].name),
                "nothing",
            )),
            Mode::Bind { .. } | Mode::Probe(_) => Ok(()),
        }
    }

    /// An input that must be connected.
    ///
    /// # Errors
    /// When the module has too many ports.
    pub fn input<T: Signal>(&mut self, name: &str) -> Result<In<T>, BuildError> {
        self.port::<T>(name, Direction::In, 1, false).map(In::new)
    }

    /// An output that must be connected.
    ///
    /// # Errors
    /// When the module has too many ports.
    pub fn output<T: Signal>(&mut self, name: &str) -> Result<Out<T>, BuildError> {
        self.port::<T>(name, Direction::Out, 1, false).map(Out::new)
    }

    /// An input that never has an item when it is left unconnected.
    ///
    /// # Errors
    /// When the module has too many ports.
    pub fn optional_input<T: Signal>(&mut self, name: &str) -> Result<In<T>, BuildError> {
        self.port::<T>(name, Direction::In, 1, true).map(In::new)
    }

    /// An output that never has room when it is left unconnected.
    ///
    /// # Errors
    /// When the module has too many ports.
    pub fn optional_output<T: Signal>(&mut self, name: &str) -> Result<Out<T>, BuildError> {
        self.port::<T>(name, Direction::Out, 1, true).map(Out::new)
    }

    /// An input that may be popped up to `lanes` times in one edge.
    ///
    /// # Errors
    /// When the module has too many ports or `lanes` is 0.
    pub fn wide_input<T: Signal>(&mut self, name: &str, lanes: u8) -> Result<In<T>, BuildError> {
        self.port::<T>(name, Direction::In, lanes, false)
            .map(In::new)
    }

    /// An output that may be pushed up to `lanes` times in one edge.
    ///
    /// # Errors
    /// When the module has too many ports or `lanes` is 0.
    pub fn wide_output<T: Signal>(&mut self, name: &str, lanes: u8) -> Result<Out<T>, BuildError> {
        self.port::<T>(name, Direction::Out, lanes, false)
            .map(Out::new)
    }

    /// A row of `count` inputs, `name[0]` and on.
    ///
    /// # Errors
    /// When the module has too many ports.
    pub fn inputs<T: Signal>(
        &mut self,
        name: &str,
        count: usize,
    ) -> Result<Box<[In<T>]>, BuildError> {
        (0..count)
            .map(|index| self.input(&format!("{name}[{index}]")))
            .collect()
    }

    /// A row of `count` outputs, `name[0]` and on.
    ///
    /// # Errors
    /// When the module has too many ports.
    pub fn outputs<T: Signal>(
        &mut self,
        name: &str,
        count: usize,
    ) -> Result<Box<[Out<T>]>, BuildError> {
        (0..count)
            .map(|index| self.output(&format!("{name}[{index}]")))
            .collect()
    }

    /// Says that a field of what this module pushes, at all ports asked for so far, never has a value of
    /// more than so many bits: traces show it so wide. A wider value would be cut off in them, and
    /// nowhere else.
    pub fn narrow(&mut self, field: &'static str, bits: u32) {
        if let Mode::Probe(probe) = &mut self.mode {
            for port in &mut probe.shape.ports {
                if port.fields.iter().any(|known| known.name == field) {
                    port.narrow.push((field, bits));
                }
            }
        }
    }

    /// `words` zeroed words of the shard's arena.
    ///
    /// # Errors
    /// When the host refuses the memory.
    pub fn memory<W: Word>(&mut self, words: usize) -> Result<Memory<W>, BuildError> {
        self.memory_with(words, |_| {})
    }

    /// `words` words of the shard's arena, filled by `fill` when the machine is built for real
    /// (not when it is only checked).
    ///
    /// # Errors
    /// When the host refuses the memory.
    pub fn memory_with<W: Word>(
        &mut self,
        words: usize,
        fill: impl FnOnce(&mut [W]),
    ) -> Result<Memory<W>, BuildError> {
        let bytes = words
            .checked_mul(size_of::<W>())
            .and_then(|bytes| bytes.max(1).checked_next_multiple_of(64))
            .ok_or_else(|| {
                BuildError::new(format!(
                    "a memory of {words} words exceeds the address space"
                ))
            })?;
        match &mut self.mode {
            Mode::Probe(probe) => {
                probe.shape.memory_bytes += bytes;
                let arena = Arena::map(bytes).map_err(|error| {
                    BuildError::new(format!("a memory of {bytes} bytes: {error}"))
                })?;
                let memory = Memory::carve(&arena, words);
                probe.memories.push(arena);
                Ok(memory)
            }
            Mode::Bind {
                bench,
                memory_bytes,
                ..
            } => {
                *memory_bytes = memory_bytes.saturating_add(bytes);
                let probed = bench.shape.memory_bytes;
                if *memory_bytes > probed {
                    let asked = format!("for {memory_bytes} bytes of memory");
                    return Err(otherwise(&format!("for {probed}"), &asked));
                }
                // Start on a line of its own, as the plan counts it.
                let _padding = bench.arena.carve_bytes(0, 64);
                let mut memory = Memory::carve(bench.arena, words);
                fill(&mut memory);
                Ok(memory)
            }
        }
    }

    /// The generator of stream `stream` of this instance: the same numbers whatever else the
    /// netlist holds.
    #[must_use]
    pub fn random(&self, stream: u64) -> Random {
        Random::keyed(self.place.seed, hash::of_text(self.place.path), stream)
    }

    /// Where this instance stands.
    pub(crate) fn place(&self) -> Place<'a> {
        self.place
    }

    /// Index of this instance in its arrays, outermost first; 0 where there is none.
    #[must_use]
    pub fn index(&self) -> [u32; 3] {
        self.place.index
    }

    /// Full path of this instance, such as `tile[3].core`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.place.path
    }

    /// Something of the host, such as the program image, by its type.
    #[must_use]
    pub fn resource<R: Any + Send + Sync>(&self) -> Option<&'a R> {
        self.resources.get()
    }

    /// The right to end the run.
    #[must_use]
    pub fn finish(&mut self) -> Finish {
        let instance = self.place.instance;
        match &mut self.mode {
            Mode::Probe(probe) => {
                probe.shape.finishes = true;
                Finish {
                    verdict: probe.verdict,
                    head: probe.head,
                    instance,
                }
            }
            Mode::Bind { bench, .. } => Finish {
                verdict: bench.verdict,
                head: bench.head,
                instance,
            },
        }
    }

    fn port<T: Signal>(
        &mut self,
        name: &str,
        direction: Direction,
        lanes: u8,
        optional: bool,
    ) -> Result<PortBinding, BuildError> {
        if lanes == 0 {
            return Err(BuildError::new(format!(
                "port `{name}` has 0 lanes; at least 1 is needed"
            )));
        }
        match &mut self.mode {
            Mode::Probe(probe) => {
                if probe.shape.ports.len() == PORTS_MAX {
                    return Err(BuildError::new(format!("more than {PORTS_MAX} ports")));
                }
                probe.shape.ports.push(PortInfo {
                    name: name.to_owned(),
                    direction,
                    signal: T::NAME,
                    signal_id: TypeId::of::<T>(),
                    signal_bytes: size_of::<T>(),
                    signal_bits: T::BITS,
                    fields: T::FIELDS,
                    narrow: Vec::new(),
                    lanes,
                    optional,
                    show: show::<T>,
                    codec: Codec::of::<T>(),
                    unpack: unpack::<T>,
                });
                Ok(probe.unconnected.of(direction))
            }
            Mode::Bind {
                bench, port_count, ..
            } => {
                let asked = format!(
                    "for {direction:?} port `{name}` of {} and {lanes} lanes",
                    T::NAME
                );
                let Some(probed) = bench.shape.ports.get(*port_count) else {
                    return Err(otherwise("for no more ports", &asked));
                };
                // The FIFO was carved for the probed type; another would reach beyond its slots.
                if (probed.signal_id, probed.signal_bytes) != (TypeId::of::<T>(), size_of::<T>())
                    || (probed.direction, probed.lanes) != (direction, lanes)
                {
                    let PortInfo {
                        name,
                        direction,
                        signal,
                        lanes,
                        ..
                    } = probed;
                    let probed =
                        format!("for {direction:?} port `{name}` of {signal} and {lanes} lanes");
                    return Err(otherwise(&probed, &asked));
                }
                let binding = bench.bindings[*port_count];
                *port_count += 1;
                Ok(binding.unwrap_or_else(|| bench.unconnected.of(direction)))
            }
        }
    }
}

/// A module broke the promise of [`Module::build`](crate::Module::build).
fn otherwise(probed: &str, asked: &str) -> BuildError {
    BuildError::new(format!("when probed it asked {probed}, when built {asked}"))
}

impl Unconnected {
    fn of(&self, direction: Direction) -> PortBinding {
        match direction {
            Direction::In => self.empty,
            Direction::Out => self.full,
        }
    }
}
