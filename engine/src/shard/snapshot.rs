//! What a shard holds between two epochs, to be written down and put back.
//!
//! All edges before the end are evaluated and all frames of them taken in, so nothing is on a link; the
//! shard it is put back into was just booted and may hold other modules, other halves of wires, or the
//! same FIFOs in another form.

use super::{FifoSlot, Shard, expect_all};
use crate::bank::{Banked, Pair, Store};
use crate::blueprint::Blueprint;
use crate::codec::{AnyItem, Codec, word_of};
use crate::fifo::{RawFifo, Stamps};
use crate::group::Group;
use crate::snapshot::{
    ConsoleState, ConsumerPart, InstanceState, ProducerPart, ShardPart, Snapshot, WireState,
};
use crate::state::{Loader, Saver, State, StateError};
use crate::time::{Tick, Timebase};
use crate::wheel::{NodeId, Waker, Wheel};
use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Whose state was wrong, and how.
#[derive(Debug)]
pub(crate) enum PartError {
    Instance(u32, StateError),
    Wire(u32, StateError),
}

/// A wire as this shard sees it.
struct View<'a> {
    slot: &'a FifoSlot,
    codec: Codec,
    /// Periods of the clocks at both ends.
    producer_period: Tick,
    consumer_period: Tick,
}

impl Shard {
    /// Writes down what lives here; all edges before `end` are done.
    pub(crate) fn save(
        &mut self,
        blueprint: &Blueprint,
        timebase: &Timebase,
        end: Tick,
    ) -> Result<ShardPart, PartError> {
        let mut part = ShardPart::default();
        let (head, wheel, consoles) = (self.head, &self.wheel, &self.consoles);
        let inlets = &self.outside.inlets;
        for slot in self.boundary.iter_mut().chain(&mut self.interior) {
            let group = slot.group.as_mut();
            for index in 0..group.instance_numbers().len() {
                let number = group.instance_numbers()[index];
                let saved = save_state(group, index);
                let Some(state) = saved.map_err(|error| PartError::Instance(number, error))? else {
                    part.undeclared.push(number);
                    continue;
                };
                let own = consoles.iter().filter(|(instance, _)| *instance == number);
                let state = InstanceState {
                    rest: group.rest(index, &head, wheel),
                    consoles: own
                        .map(|(_, console)| ConsoleState {
                            epoch: console.epoch.get(),
                            printed_count: console.printed_count.get(),
                        })
                        .collect(),
                    inlet: inlets
                        .iter()
                        .find(|(instance, _)| *instance == number)
                        .map_or_else(Vec::new, |(_, inlet)| inlet.contents()),
                    state,
                };
                part.instances.push((number, state));
            }
        }
        for slot in &self.fifos {
            let view = View::of(slot, blueprint, timebase);
            let wrong = |error| PartError::Wire(slot.wire, error);
            if slot.producer {
                let half = view.producer_part(end).map_err(wrong)?;
                part.producers.push((slot.wire, half));
            }
            if slot.consumer {
                let half = view.consumer_part(end).map_err(wrong)?;
                part.consumers.push((slot.wire, half));
            }
        }
        Ok(part)
    }

    /// Puts back what was written down, in a shard that has not run.
    pub(crate) fn load(
        &mut self,
        blueprint: &Blueprint,
        timebase: &Timebase,
        snapshot: &Snapshot,
    ) -> Result<(), PartError> {
        let tick = snapshot.tick;
        let wakers = self.load_instances(snapshot)?;
        for slot in &self.fifos {
            let view = View::of(slot, blueprint, timebase);
            let wire = &snapshot.wires[slot.wire as usize];
            let wrong = |error| PartError::Wire(slot.wire, error);
            view.load(wire).map_err(wrong)?;
            if let Store::Slots(fifo) = slot.store
                && slot.producer
                && slot.consumer
                && fifo.has_slow_part()
            {
                let ends = blueprint.wires[slot.wire as usize];
                let (slow, node) = (fifo.slow_part(), fifo.slow_part().first_node.get());
                if slow.latency.get() > 1 {
                    arm(
                        &self.wheel,
                        fifo,
                        tick,
                        true,
                        (node, wakers[&ends.to.instance]),
                    );
                }
                if slow.credit.get() > 1 {
                    arm(
                        &self.wheel,
                        fifo,
                        tick,
                        false,
                        (node, wakers[&ends.from.instance]),
                    );
                }
            }
        }
        for link in &mut self.inbound {
            link.known_until = tick;
            for (wires, items) in [(&mut link.items, true), (&mut link.pops, false)] {
                for wire in wires.iter_mut() {
                    wire.cursor = cursor(wire.fifo, items);
                    if wire.delay > 1 {
                        arm(
                            &self.wheel,
                            wire.fifo,
                            tick,
                            items,
                            (wire.first_node, wire.waker),
                        );
                    }
                }
            }
        }
        for link in &mut self.outbound {
            link.told_until = tick;
            for (wires, items) in [(&mut link.items, true), (&mut link.pops, false)] {
                for wire in wires.iter_mut() {
                    wire.cursor = cursor(wire.fifo, items);
                }
            }
        }
        self.upcoming = tick;
        self.digest_stale = true;
        expect_all(&mut self.domains);
        Ok(())
    }

    /// Of every wire whose producer is here, the digest of its pushes.
    pub(crate) fn push_digests(&self) -> Vec<(u32, u64)> {
        let producers = self.fifos.iter().filter(|slot| slot.producer);
        producers
            .map(|slot| (slot.wire, slot.store.digest()))
            .collect()
    }

    /// Modules, alarms, consoles and inlets; the wakers of all who live here.
    fn load_instances(&mut self, snapshot: &Snapshot) -> Result<BTreeMap<u32, Waker>, PartError> {
        if let Some(last) = snapshot.tick.checked_sub(1) {
            self.wheel.fire(last, |_| {});
        }
        let (head, wheel) = (self.head, &self.wheel);
        let mut wakers = BTreeMap::new();
        for slot in self.boundary.iter_mut().chain(&mut self.interior) {
            let first_flag = self.arena.offset_of(slot.flags) as u32;
            let group = slot.group.as_mut();
            for index in 0..group.instance_numbers().len() {
                let number = group.instance_numbers()[index];
                let saved = &snapshot.instances[number as usize];
                load_state(group, index, &saved.state)
                    .map_err(|error| PartError::Instance(number, error))?;
                group.set_rest(index, saved.rest, &head, wheel);
                wakers.insert(number, Waker(first_flag + index as u32));
            }
        }
        for (position, (number, console)) in self.consoles.iter().enumerate() {
            let earlier = self.consoles[..position].iter();
            let index = earlier.filter(|(instance, _)| instance == number).count();
            let saved = snapshot.instances[*number as usize].consoles[index];
            console.epoch.set(saved.epoch);
            console.printed_count.set(saved.printed_count);
        }
        for (number, inlet) in &self.outside.inlets {
            let saved = &snapshot.instances[*number as usize].inlet;
            saved.iter().for_each(|&byte| inlet.push(byte));
        }
        Ok(wakers)
    }
}

/// What a module declares; `None` if it declares nothing. A panic is its error.
fn save_state(group: &mut dyn Group, index: usize) -> Result<Option<Vec<u8>>, StateError> {
    contained(|| {
        let mut state = State::saving();
        group.state(index, &mut state);
        if state.is_declared() {
            state.finish().map(Some)
        } else {
            Ok(None)
        }
    })
}

fn load_state(group: &mut dyn Group, index: usize, bytes: &[u8]) -> Result<(), StateError> {
    contained(|| {
        let mut state = State::loading(bytes);
        group.state(index, &mut state);
        state.finish().map(drop)
    })
}

fn contained<R>(visit: impl FnOnce() -> Result<R, StateError>) -> Result<R, StateError> {
    catch_unwind(AssertUnwindSafe(visit)).unwrap_or_else(|payload| {
        let message = crate::panics::message_of(payload.as_ref());
        Err(StateError::new(format!(
            "panicked while its state was visited: {message}"
        )))
    })
}

/// The place up to which a link has told what happened: all of it.
fn cursor(fifo: RawFifo, items: bool) -> u32 {
    let record = fifo.record();
    if items {
        record.tail.get()
    } else {
        record.head.get()
    }
}

/// Sets the alarms of what is under way in a FIFO: of items, or of credits.
fn arm(wheel: &Wheel, fifo: RawFifo, now: Tick, items: bool, (node, waker): (u32, Waker)) {
    let head = fifo.index_of(fifo.record().head.get());
    for (distance, (full, tick)) in fifo.stamps().into_iter().enumerate() {
        if full == items && tick >= now {
            let slot = (usize::from(head) + distance) % usize::from(fifo.depth);
            wheel.arm(NodeId(node + slot as u32), tick, waker);
        }
    }
}

impl<'a> View<'a> {
    fn of(slot: &'a FifoSlot, blueprint: &Blueprint, timebase: &Timebase) -> Self {
        let wire = &blueprint.wires[slot.wire as usize];
        let period = |instance: u32| {
            let domain = blueprint.instances[instance as usize].domain;
            timebase.period_ticks[usize::from(domain)]
        };
        let shape = &blueprint.instances[wire.from.instance as usize].shape;
        Self {
            slot,
            codec: shape.ports[usize::from(wire.from.port)].codec,
            producer_period: period(wire.from.instance),
            consumer_period: period(wire.to.instance),
        }
    }

    /// Ticks at which something under way counts: from `end` on, at an edge of who waits for it.
    fn under_way(ticks: impl Iterator<Item = Tick>, period: Tick, end: Tick) -> Vec<Tick> {
        ticks
            .map(|tick| tick.next_multiple_of(period))
            .filter(|&tick| tick >= end)
            .collect()
    }

    fn producer_part(&self, end: Tick) -> Result<ProducerPart, StateError> {
        let store = &self.slot.store;
        let last_push = store.last_push();
        let mut saver = Saver::default();
        let freed: Vec<Tick> = match store {
            Store::Slots(fifo) => {
                let stamps = fifo.stamps();
                let count = stamps.iter().filter(|(full, _)| *full).count() as u16;
                if last_push.is_some() {
                    let newest =
                        (u32::from(count) + u32::from(fifo.depth) - 1) % u32::from(fifo.depth);
                    (self.codec.save)(fifo.item(newest as u16), &mut saver);
                }
                let free = stamps.into_iter().filter(|(full, _)| !full);
                free.map(|(_, tick)| tick).collect()
            }
            Store::Banked(fifo) => {
                if last_push.is_some() {
                    let newest = (store.occupancy() as usize + 1) % 2;
                    let word = fifo.words_from(store.head_index())[newest];
                    (self.codec.save)(&[MaybeUninit::new(word)], &mut saver);
                }
                let any = store.occupancy() < 2;
                store
                    .last_pop()
                    .filter(|_| any)
                    .map(|tick| tick + 1)
                    .into_iter()
                    .collect()
            }
        };
        Ok(ProducerPart {
            digest: store.digest(),
            last_push,
            credits: Self::under_way(freed.into_iter(), self.producer_period, end),
            last_item: saver.finish()?,
        })
    }

    fn consumer_part(&self, end: Tick) -> Result<ConsumerPart, StateError> {
        let store = &self.slot.store;
        let (head, count) = (store.head_index(), store.occupancy() as u16);
        let mut saver = Saver::default();
        let pushed: Vec<Tick> = match store {
            Store::Slots(fifo) => {
                (0..count).for_each(|distance| (self.codec.save)(fifo.item(distance), &mut saver));
                let full = fifo.stamps().into_iter().filter(|(full, _)| *full);
                full.map(|(_, tick)| tick).collect()
            }
            Store::Banked(fifo) => {
                for word in &fifo.words_from(head)[..usize::from(count)] {
                    (self.codec.save)(&[MaybeUninit::new(*word)], &mut saver);
                }
                let last_push = store.last_push().filter(|_| count > 0);
                last_push.map(|tick| tick + 1).into_iter().collect()
            }
        };
        Ok(ConsumerPart {
            last_pop: store.last_pop(),
            head,
            count,
            items: saver.finish()?,
            arrivals: Self::under_way(pushed.into_iter(), self.consumer_period, end),
        })
    }

    fn load(&self, wire: &WireState) -> Result<(), StateError> {
        let mut loader = Loader::new(&wire.items);
        let items: Result<Vec<AnyItem>, StateError> = (0..wire.item_count())
            .map(|_| (self.codec.load)(&mut loader))
            .collect();
        let items = items?;
        loader.finish()?;
        match self.slot.store {
            Store::Slots(fifo) => self.load_slots(fifo, wire, &items),
            Store::Banked(fifo) => load_pair(fifo, wire, &items),
        }
        Ok(())
    }

    fn load_slots(&self, fifo: RawFifo, wire: &WireState, items: &[AnyItem]) {
        fifo.set_stamps(wire.head, &stamps(wire, fifo.depth));
        for (index, item) in items.iter().enumerate() {
            // Of an empty FIFO, the item that was pushed last stands before the head.
            let distance = if wire.count == 0 {
                fifo.depth - 1
            } else {
                index as u16
            };
            fifo.put_item(distance, item);
        }
        fifo.record().digest.set(wire.digest);
        if self.slot.producer {
            fifo.set_last_push(wire.last_push);
        } else if let Some(tick) = wire.last_push {
            fifo.note_push(tick);
        }
        if self.slot.consumer {
            fifo.set_last_pop(wire.last_pop);
        }
    }
}

/// The stamps of a wire of `depth` slots.
fn stamps(wire: &WireState, depth: u16) -> Stamps {
    let run = |full: bool, count: u16, late: &[Tick]| {
        let early = usize::from(count) - late.len();
        let late = late.to_vec();
        std::iter::repeat_n((full, 0), early).chain(late.into_iter().map(move |tick| (full, tick)))
    };
    let items = run(true, wire.count, &wire.arrivals);
    items
        .chain(run(false, depth - wire.count, &wire.credits))
        .collect()
}

fn load_pair(fifo: Banked, wire: &WireState, items: &[AnyItem]) {
    let mut words = [0; 2];
    for (index, item) in items.iter().enumerate() {
        let place = if wire.count == 0 { 1 } else { index };
        words[place] = word_of(item);
    }
    fifo.set_pair(&Pair {
        head: wire.head,
        count: wire.count,
        words,
        digest: wire.digest,
        last_push: wire.last_push,
        last_pop: wire.last_pop,
    });
}
