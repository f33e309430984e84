//! HOT. All isolates of one kind in one shard, dense, and the loop that gives them turns.

use super::context::Context;
use super::core::Core;
use super::desk::{Hears, Life};
use super::ending::Ending;
use super::handle::Handle;
use super::isolate::{Effect, Event, Isolate};
use super::nursery::Nursery;
use super::waiting::Packed;
use crate::arena::{Arena, Batch};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

/// A group whatever its kind: one indirect call per kind and turn.
pub(crate) trait IsolateGroup {
    /// Gives turns to those who are ready, at most `budget`, and stops early when somebody has ended;
    /// how many turns were given.
    fn dispatch(&mut self, core: &mut Core, budget: u32) -> u32;
    /// Starts the isolate of a slot whose desk was just given to it.
    fn start(&mut self, core: &mut Core, desk: u32);
    /// Drops the isolate of a slot, if it was started; the panic if that panicked.
    fn bury(&mut self, slot: usize) -> Result<(), Box<dyn Any + Send>>;
    /// The group of its type.
    fn as_any(&self) -> &dyn Any;
}

pub(crate) struct TypedGroup<I: Isolate> {
    isolates: Batch<Option<I>>,
    kind: usize,
}

impl<I: Isolate> TypedGroup<I> {
    pub(crate) fn bytes(slots: usize) -> usize {
        slots * size_of::<Option<I>>() + align_of::<Option<I>>()
    }

    pub(crate) fn carve(arena: &Arena, slots: usize, kind: usize) -> Self {
        let mut isolates = arena.carve_batch(slots);
        for _ in 0..slots {
            isolates.push(None);
        }
        Self { isolates, kind }
    }

    /// Every isolate that has started, by slot.
    pub(crate) fn isolates(&self) -> impl Iterator<Item = (usize, &I)> {
        let slots = self.isolates.iter().enumerate();
        slots.filter_map(|(slot, isolate)| Some((slot, isolate.as_ref()?)))
    }

    /// Gives turns until the budget is used up or somebody ends. In `spent`, which outlives a panic,
    /// is how many were given.
    fn run(&mut self, core: &mut Core, budget: u32, spent: &mut u32) {
        let first_desk = core.kinds[self.kind].first_desk;
        while *spent < budget && core.deaths.is_empty() {
            let Some(slot) = core.kinds[self.kind].ready.next() else {
                return;
            };
            *spent += 1;
            let desk = first_desk + slot as u32;
            core.current = desk;
            self.turn(core, desk, slot);
        }
    }

    #[inline]
    fn turn(&mut self, core: &mut Core, desk: u32, slot: usize) {
        let handle = core.handle_of(desk);
        let beat = core.metrics.heartbeat.load(Ordering::Relaxed) + 1;
        core.metrics.heartbeat.store(beat, Ordering::Relaxed);
        core.metrics.running.store(handle.bits(), Ordering::Relaxed);
        if core.desks[desk as usize].life == Life::Starting {
            self.start_isolate(core, desk, slot);
        } else {
            self.handle_event(core, desk, slot);
        }
        core.metrics
            .running
            .store(Handle::NOBODY.bits(), Ordering::Relaxed);
        if core.metrics.condemned.load(Ordering::Relaxed) != 0 {
            end_condemned(core, desk, beat);
        }
        core.settle(desk);
        core.answer_dropped();
    }

    #[inline(always)]
    fn handle_event(&mut self, core: &mut Core, desk: u32, slot: usize) {
        let Some((sender, index)) = core.next_message(desk) else {
            return self.handle_other(core, desk, slot);
        };
        // Straight from its envelope to where the handler finds it: moves through what events have in
        // common cost as much as all the rest.
        let message = core.mail.at(index).parcel.take::<I::Message>();
        core.mail.give_back(index);
        let isolate = self.isolates[slot].as_mut();
        let isolate = isolate.expect("an isolate that is alive was started");
        let context = &mut Context::new(core, desk, sender);
        let effect = isolate.handle(Event::Message(message), context);
        obey(core, desk, effect);
    }

    /// Whatever is not the next message of an isolate that waits for nothing else.
    fn handle_other(&mut self, core: &mut Core, desk: u32, slot: usize) {
        let Some((sender, event)) = core.next_event(desk) else {
            return;
        };
        if core.seeded.is_on() {
            let who = core.handle_of(desk);
            core.seeded.note(who, sender, event.tag());
        }
        let event = match event {
            Packed::Message(index) => {
                let message = core.mail.at(index).parcel.take::<I::Message>();
                core.mail.give_back(index);
                Event::Message(message)
            }
            Packed::Reply(reply) => Event::Reply(reply),
            Packed::Timer(timer) => Event::Timer(timer),
            Packed::Resumed => Event::Resumed,
            Packed::Refused(refused) => Event::Refused(refused),
            Packed::Io(event) => Event::Io(event),
            Packed::Down(down) => Event::Down(down),
            Packed::Peer { shard, up } => Event::Peer { shard, up },
            Packed::Stopping => Event::Stopping,
        };
        let seat = &mut core.desks[desk as usize];
        if seat.hears != Hears::Everything {
            seat.hears = Hears::Everything;
            core.end_sleep(desk);
        }
        let isolate = self.isolates[slot].as_mut();
        let isolate = isolate.expect("an isolate that is alive was started");
        let effect = isolate.handle(event, &mut Context::new(core, desk, sender));
        obey(core, desk, effect);
    }

    fn start_isolate(&mut self, core: &mut Core, desk: u32, slot: usize) {
        if core.seeded.is_on() && core.seeded.fails_to_start() {
            return core.end(desk, Ending::NotStarted("a seeded fault"));
        }
        let nursery = core.nurseries[self.kind].downcast_ref::<Nursery<I>>();
        let init = nursery.expect("made for this kind").init(slot);
        let Some(init) = init else {
            return core.end(desk, Ending::NotStarted("it has nothing to start from"));
        };
        match I::start(init, &mut Context::new(core, desk, Handle::NOBODY)) {
            Ok(isolate) => {
                self.isolates[slot] = Some(isolate);
                let seat = &mut core.desks[desk as usize];
                if seat.life == Life::Starting {
                    seat.life = Life::Alive;
                }
            }
            Err(reason) => core.end(desk, Ending::NotStarted(reason)),
        }
    }
}

#[inline]
fn obey(core: &mut Core, desk: u32, effect: Effect) {
    match effect {
        Effect::Receive => {}
        Effect::Yield => core.desks[desk as usize].resumed = true,
        Effect::Sleep(time) => core.sleep(desk, time),
        Effect::Call if core.desks[desk as usize].call_count == 0 => {
            core.end(desk, Ending::NothingToWaitFor);
        }
        Effect::Io if core.desks[desk as usize].operation_count == 0 => {
            core.end(desk, Ending::NothingToWaitFor);
        }
        Effect::Call | Effect::Io => core.desks[desk as usize].hears = Hears::Notices,
        Effect::Done => core.end(desk, Ending::Done),
        Effect::Crash(reason) => core.end(desk, Ending::Crashed(reason)),
    }
}

/// The watchdog wants somebody ended: whoever's handler has just returned, if it was in this event and
/// not in one that ended while the watchdog wrote.
#[cold]
fn end_condemned(core: &mut Core, desk: u32, beat: u64) {
    if core.metrics.condemned.swap(0, Ordering::Relaxed) == beat {
        core.end(desk, Ending::Stuck);
    }
}

/// The isolate whose turn it was has panicked.
#[cold]
fn end_panicked(core: &mut Core, payload: Box<dyn Any + Send>) {
    let desk = core.current;
    core.metrics
        .running
        .store(Handle::NOBODY.bits(), Ordering::Relaxed);
    core.log_panic(desk, payload);
    core.end(desk, Ending::Panicked);
}

impl<I: Isolate> IsolateGroup for TypedGroup<I> {
    fn dispatch(&mut self, core: &mut Core, budget: u32) -> u32 {
        let mut spent = 0;
        // A handler that panics leaves its own state in pieces, which nobody sees again, and the core
        // whole: every method of it that runs user code does so first or last.
        let run = AssertUnwindSafe(|| self.run(core, budget, &mut spent));
        if let Err(payload) = catch_unwind(run) {
            end_panicked(core, payload);
        }
        spent
    }

    fn start(&mut self, core: &mut Core, desk: u32) {
        let slot = (desk - core.kinds[self.kind].first_desk) as usize;
        core.current = desk;
        let run = AssertUnwindSafe(|| self.turn(core, desk, slot));
        if let Err(payload) = catch_unwind(run) {
            end_panicked(core, payload);
        }
    }

    fn bury(&mut self, slot: usize) -> Result<(), Box<dyn Any + Send>> {
        let isolate = self.isolates[slot].take();
        catch_unwind(AssertUnwindSafe(|| drop(isolate)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
