//! Why the ports of a shard did or did not move, found at the end of the edges that are looked at.
//!
//! A look reads what stands in the FIFOs: nothing is written down for it while modules are clocked, but for
//! wires whose slots may all be under way. It is made after all modules of the instant; since nobody
//! else fills the slot that an output would push to, or empties the one that an input would pop from, what
//! a port that did not move finds there now is what it found at the edge.
//!
//! Does not know which edges are looked at, or what becomes of the causes.

use super::{FifoSlot, GroupSlot};
use crate::bank::{Bank, PLANE, Planes, Store};
use crate::blueprint::{Blueprint, PortRef};
use crate::fifo::{RawFifo, seen_at};
use crate::heading::Said;
use crate::stall::{Cause, WaitStalls};
use crate::time::{Tick, Timebase};
use crate::wiring::Direction;
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Pairs of an input and an output of an instance up to which they are counted one by one.
const PAIRS_MAX: usize = 256;

/// Where the state of a port is read.
#[derive(Clone, Copy)]
enum Reading {
    Slots(RawFifo),
    /// The same, of an output whose slots may all be under way: number in [`Watcher::tight`].
    Tight(RawFifo, u32),
    /// Number in [`Watcher::banks`], and the lane.
    Banked(u32, u32),
}

/// The delays of a wire whose slots may all be under way.
#[derive(Clone, Copy)]
struct Tight {
    latency: u32,
    credit: u32,
    producer_period: Tick,
    consumer_period: Tick,
}

/// An instance and its ports among those of the watcher.
struct Watched {
    instance: u32,
    /// Of its group.
    index: u32,
    first_input: u32,
    first_output: u32,
    /// Behind its last output.
    end: u32,
    /// The first of its pairs; [`NONE`] if they are not counted.
    first_pair: u32,
    /// Whether it has panicked when it was asked where its items go: then it is not asked again.
    broken: bool,
}

const NONE: u32 = u32::MAX;

impl Watched {
    /// Its first input, its first output, and the port behind its last.
    #[inline(always)]
    const fn ports(&self) -> (usize, usize, usize) {
        let (first, middle) = (self.first_input as usize, self.first_output as usize);
        (first, middle, self.end as usize)
    }
}

/// A port that is watched.
#[derive(Clone, Copy, Debug)]
pub(super) struct WatchedPort {
    pub(super) end: PortRef,
    pub(super) wire: u32,
}

/// What is watched, and what was seen last.
pub(super) struct Watcher {
    /// Of each group, those at the boundary first: its instances below.
    groups: Box<[Range<usize>]>,
    instances: Box<[Watched]>,
    readings: Box<[Reading]>,
    /// Names of the ports, in the order of `readings`.
    pub(super) ports: Box<[WatchedPort]>,
    banks: Box<[Bank]>,
    tight: Box<[Tight]>,
    /// Per port: its cause at the last look.
    causes: Box<[Cause]>,
    pairs: Box<[Pair]>,
    said: Said,
}

/// How often an input waited for an output.
#[derive(Clone, Copy, Default)]
struct Pair {
    shut: u64,
    lost: u64,
}

/// The causes that ports of an instance have before each is judged, as a set.
#[derive(Clone, Copy, Default)]
struct Found(u32);

impl Found {
    #[inline(always)]
    fn add(&mut self, cause: Cause) {
        self.0 |= 1 << cause.number();
    }

    #[inline(always)]
    const fn has(self, cause: Cause) -> bool {
        self.0 >> cause.number() & 1 == 1
    }
}

/// The ends of wires in a shard, in the order of instances and ports, and where they are read.
type Ends = BTreeMap<(u32, u16), (Store, u32)>;

impl Watcher {
    /// Watches all ports with wires of those instances of a shard that are `wanted`.
    pub(super) fn new<'a>(
        blueprint: &Blueprint,
        timebase: &Timebase,
        slots: impl Iterator<Item = &'a GroupSlot>,
        fifos: &[FifoSlot],
        wanted: impl Fn(u32) -> bool,
    ) -> Self {
        let mut ends = Ends::new();
        for slot in fifos {
            let wire = &blueprint.wires[slot.wire as usize];
            let here = [(slot.producer, wire.from), (slot.consumer, wire.to)];
            for (_, end) in here.into_iter().filter(|(is_here, _)| *is_here) {
                ends.insert((end.instance, end.port), (slot.store, slot.wire));
            }
        }
        let mut builder = Builder {
            blueprint,
            timebase,
            ends,
            instances: Vec::new(),
            readings: Vec::new(),
            ports: Vec::new(),
            banks: Vec::new(),
            tight: Vec::new(),
            pair_count: 0,
            ports_max: 0,
        };
        let mut groups = Vec::new();
        for slot in slots {
            let start = builder.instances.len();
            let numbers = slot.group.instance_numbers().iter().enumerate();
            for (index, &instance) in numbers.filter(|(_, instance)| wanted(**instance)) {
                builder.add(instance, index as u32);
            }
            groups.push(start..builder.instances.len());
        }
        builder.watcher(groups)
    }

    /// Whether anything of group `number` is watched.
    pub(super) fn watches(&self, number: usize) -> bool {
        !self.groups[number].is_empty()
    }

    /// The most that a look at everything can find.
    pub(super) fn port_count(&self) -> usize {
        self.ports.len()
    }

    /// What was in wires before, whose pushes were not seen, counts as pushed just before `now`.
    pub(super) fn begin(&self, now: Tick) {
        for reading in self.readings.iter().filter(|_| now > 0) {
            if let Reading::Tight(fifo, _) = reading {
                let offsets = (0..fifo.depth).map(|index| fifo.offset_of(index));
                offsets.for_each(|offset| fifo.pushed_at(offset).set(now - 1));
            }
        }
    }

    /// Looks at the ports of group `number` at the end of the instant `now`, at which it had an edge, and
    /// tells the causes of the ports from a place on.
    pub(super) fn look(
        &mut self,
        number: usize,
        slot: &GroupSlot,
        now: Tick,
        mut tell: impl FnMut(usize, &[Cause]),
    ) {
        for place in self.groups[number].clone() {
            self.judge(place, slot, now);
            let it = &self.instances[place];
            let first = it.first_input as usize;
            tell(first, &self.causes[first..it.end as usize]);
        }
    }

    /// Finds the causes of all ports of an instance.
    #[inline]
    fn judge(&mut self, place: usize, slot: &GroupSlot, now: Tick) {
        let it = &self.instances[place];
        let (first, middle, end) = it.ports();
        let (mut at_inputs, mut at_outputs) = (Found::default(), Found::default());
        let sources = Sources {
            banks: &self.banks,
            tight: &self.tight,
            now,
        };
        let ports = self.causes[first..middle].iter_mut();
        for (cause, reading) in ports.zip(&self.readings[first..middle]) {
            *cause = sources.input(reading);
            at_inputs.add(*cause);
        }
        let ports = self.causes[middle..end].iter_mut();
        for (cause, reading) in ports.zip(&self.readings[middle..end]) {
            *cause = sources.output(reading);
            at_outputs.add(*cause);
        }
        let index = it.index as usize;
        if !slot.group.alive(index) {
            for cause in &mut self.causes[first..end] {
                if *cause != Cause::Moved {
                    *cause = Cause::Asleep;
                }
            }
            return;
        }
        // Nothing more is to be known of an output that kept its room while all inputs had items.
        let idle = at_outputs.has(Cause::Latency) && at_inputs.has(Cause::Empty);
        if at_inputs.has(Cause::Latency) || idle {
            let mut heading = self.said.listen();
            if !it.broken {
                let ask = || slot.group.heading(index, &mut heading);
                self.instances[place].broken = catch_unwind(AssertUnwindSafe(ask)).is_err();
            }
            self.decide(place, at_inputs, at_outputs);
        }
    }

    /// Judges the inputs that kept their items and the outputs that kept their room.
    fn decide(&mut self, place: usize, at_inputs: Found, at_outputs: Found) {
        let it = &self.instances[place];
        let (first, middle, end) = it.ports();
        let otherwise = if at_inputs.has(Cause::Moved) {
            Cause::Arbitration
        } else if at_outputs.has(Cause::Full) {
            Cause::Full
        } else if at_outputs.has(Cause::Credit) {
            Cause::Credit
        } else if at_inputs.has(Cause::Empty) {
            Cause::Partner
        } else {
            Cause::Latency
        };
        let only_output = (end - middle == 1).then_some(middle);
        for port in first..middle {
            if self.causes[port] != Cause::Latency {
                continue;
            }
            let wanted = self.wanted_by(port, middle..end);
            let cause = match wanted.map(|output| self.causes[output]) {
                Some(Cause::Moved) => Cause::Arbitration,
                Some(shut @ (Cause::Full | Cause::Credit)) => shut,
                Some(_) => Cause::Latency,
                None => otherwise,
            };
            self.causes[port] = cause;
            if it.first_pair != NONE
                && let Some(output) = wanted.or(only_output)
            {
                let pair = (port - first) * (end - middle) + output - middle;
                self.pairs[it.first_pair as usize + pair].add(cause);
            }
        }
        if at_inputs.has(Cause::Empty) {
            for port in middle..end {
                let idle = self.causes[port] == Cause::Latency;
                if idle && !self.said.is_busy(key(&self.readings[port])) {
                    self.causes[port] = Cause::Empty;
                }
            }
        }
    }

    /// The output that the item at an input waits for, if the module has said so.
    fn wanted_by(&self, input: usize, mut outputs: Range<usize>) -> Option<usize> {
        let wanted = self.said.wanted_by(key(&self.readings[input]))?;
        outputs.find(|&output| key(&self.readings[output]) == wanted)
    }

    /// What inputs waited for, so far.
    pub(super) fn waits(&self) -> Vec<WaitStalls> {
        let mut waits = Vec::new();
        for it in self.instances.iter().filter(|it| it.first_pair != NONE) {
            let inputs = it.first_input..it.first_output;
            let outputs = it.first_output..it.end;
            let pairs = inputs.flat_map(|input| outputs.clone().map(move |output| (input, output)));
            for (number, (input, output)) in pairs.enumerate() {
                let Pair { shut, lost } = self.pairs[it.first_pair as usize + number];
                if shut + lost > 0 {
                    waits.push(WaitStalls {
                        instance: it.instance,
                        input: self.ports[input as usize].end.port,
                        output: self.ports[output as usize].end.port,
                        shut,
                        lost,
                    });
                }
            }
        }
        waits
    }
}

impl Pair {
    fn add(&mut self, cause: Cause) {
        match cause {
            Cause::Full | Cause::Credit => self.shut += 1,
            Cause::Arbitration => self.lost += 1,
            Cause::Moved | Cause::Empty | Cause::Latency | Cause::Partner | Cause::Asleep => {}
        }
    }
}

/// What readings are read with, at an instant.
struct Sources<'a> {
    banks: &'a [Bank],
    tight: &'a [Tight],
    now: Tick,
}

impl Sources<'_> {
    /// What an input found: [`Cause::Latency`] where it left an item.
    #[inline(always)]
    fn input(&self, reading: &Reading) -> Cause {
        match reading {
            Reading::Slots(fifo) | Reading::Tight(fifo, _) => {
                let ready = fifo.stamp(fifo.record().head.get()).get() <= self.now;
                found(
                    fifo.popped_until() == self.now + 1,
                    if ready { Cause::Latency } else { Cause::Empty },
                )
            }
            Reading::Banked(bank, lane) => {
                let planes = self.planes(*bank, *lane);
                let bit = 1 << (*lane as usize % PLANE);
                let ready = (planes.one.get() | planes.two.get()) & bit != 0;
                found(
                    planes.popped.get() & bit != 0,
                    if ready { Cause::Latency } else { Cause::Empty },
                )
            }
        }
    }

    /// What an output found: [`Cause::Latency`] where it left its room.
    #[inline(always)]
    fn output(&self, reading: &Reading) -> Cause {
        match reading {
            Reading::Slots(fifo) => self.pushes(*fifo, || Cause::Full),
            Reading::Tight(fifo, number) => {
                let tight = &self.tight[*number as usize];
                self.pushes(*fifo, || tight.cause(*fifo, self.now))
            }
            Reading::Banked(bank, lane) => {
                let planes = self.planes(*bank, *lane);
                let bit = 1 << (*lane as usize % PLANE);
                let room = planes.two.get() & bit == 0;
                found(
                    planes.pushed.get() & bit != 0,
                    if room { Cause::Latency } else { Cause::Full },
                )
            }
        }
    }

    #[inline(always)]
    fn pushes(&self, fifo: RawFifo, shut: impl FnOnce() -> Cause) -> Cause {
        // The stamp of a full slot, turned round, lies beyond all time.
        if fifo.pushed_until() == self.now + 1 {
            Cause::Moved
        } else if !fifo.stamp(fifo.record().tail.get()).get() <= self.now {
            Cause::Latency
        } else {
            shut()
        }
    }

    #[inline(always)]
    fn planes(&self, bank: u32, lane: u32) -> &Planes {
        self.banks[bank as usize].planes(lane as isize / PLANE as isize)
    }
}

#[inline(always)]
const fn found(moved: bool, otherwise: Cause) -> Cause {
    if moved { Cause::Moved } else { otherwise }
}

impl Tight {
    /// Why the slot that would be pushed to next is not free at `now`.
    fn cause(&self, fifo: RawFifo, now: Tick) -> Cause {
        let pushed = fifo.pushed_at(fifo.record().tail.get()).get();
        let seen = seen_at(pushed, self.consumer_period, self.latency);
        if now < seen_at(seen, self.producer_period, self.credit) {
            Cause::Credit
        } else {
            Cause::Full
        }
    }
}

/// The place of a port in memory, as modules name it.
fn key(reading: &Reading) -> usize {
    match reading {
        Reading::Slots(fifo) | Reading::Tight(fifo, _) => fifo.record.addr().get(),
        // Elements do not say where their items go.
        Reading::Banked(..) => 0,
    }
}

/// A watcher while it is put together.
struct Builder<'a> {
    blueprint: &'a Blueprint,
    timebase: &'a Timebase,
    ends: Ends,
    instances: Vec<Watched>,
    readings: Vec<Reading>,
    ports: Vec<WatchedPort>,
    banks: Vec<Bank>,
    tight: Vec<Tight>,
    pair_count: usize,
    ports_max: usize,
}

impl Builder<'_> {
    fn add(&mut self, instance: u32, index: u32) {
        let shape = &self.blueprint.instances[instance as usize].shape;
        let first_input = self.readings.len();
        for direction in [Direction::In, Direction::Out] {
            let ports = shape.ports.iter().enumerate();
            for (port, _) in ports.filter(|(_, info)| info.direction == direction) {
                let port = port as u16;
                // A port without a wire never moves.
                let Some(&(store, wire)) = self.ends.get(&(instance, port)) else {
                    continue;
                };
                let end = PortRef { instance, port };
                let reading = self.reading(store, wire, direction);
                self.readings.push(reading);
                self.ports.push(WatchedPort { end, wire });
            }
        }
        let ports = &self.ports[first_input..];
        let is_input = |port: &&WatchedPort| {
            shape.ports[usize::from(port.end.port)].direction == Direction::In
        };
        let input_count = ports.iter().filter(is_input).count();
        let pair_count = input_count * (ports.len() - input_count);
        let counted = (1..=PAIRS_MAX).contains(&pair_count);
        let first_pair = if counted {
            self.pair_count as u32
        } else {
            NONE
        };
        self.pair_count += if counted { pair_count } else { 0 };
        self.ports_max = self.ports_max.max(ports.len());
        self.instances.push(Watched {
            instance,
            index,
            first_input: first_input as u32,
            first_output: (first_input + input_count) as u32,
            end: self.readings.len() as u32,
            first_pair,
            broken: false,
        });
    }

    fn reading(&mut self, store: Store, wire: u32, direction: Direction) -> Reading {
        match store {
            Store::Banked(fifo) => {
                let known = self.banks.iter().rposition(|bank| bank.is(&fifo.bank));
                let number = known.unwrap_or_else(|| {
                    self.banks.push(fifo.bank);
                    self.banks.len() - 1
                });
                Reading::Banked(number as u32, fifo.lane)
            }
            Store::Slots(fifo) => {
                let wire = &self.blueprint.wires[wire as usize];
                let period = |end: PortRef| {
                    let domain = self.blueprint.instances[end.instance as usize].domain;
                    self.timebase.period_ticks[usize::from(domain)]
                };
                let (producer_period, consumer_period) = (period(wire.from), period(wire.to));
                if direction == Direction::In || !wire.is_tight(producer_period, consumer_period) {
                    return Reading::Slots(fifo);
                }
                self.tight.push(Tight {
                    latency: wire.latency,
                    credit: wire.credit,
                    producer_period,
                    consumer_period,
                });
                Reading::Tight(fifo, self.tight.len() as u32 - 1)
            }
        }
    }

    fn watcher(self, groups: Vec<Range<usize>>) -> Watcher {
        Watcher {
            groups: groups.into_boxed_slice(),
            instances: self.instances.into_boxed_slice(),
            causes: vec![Cause::Empty; self.readings.len()].into_boxed_slice(),
            readings: self.readings.into_boxed_slice(),
            ports: self.ports.into_boxed_slice(),
            banks: self.banks.into_boxed_slice(),
            tight: self.tight.into_boxed_slice(),
            pairs: vec![Pair::default(); self.pair_count].into_boxed_slice(),
            said: Said::new(self.ports_max),
        }
    }
}
