//! HOT. All modules of one kind and clock domain in one shard, swept by one monomorphic loop.
//!
//! Flags are bytes. At an instant, first all groups that have an edge take and clear their flags,
//! 64 modules to a mask; then they are swept, and transfers raise flags for the next edge. A chunk
//! nobody woke costs eight loads.

mod cut;

use crate::arena::{Arena, ArenaRef, Batch, Column};
use crate::bank::Bank;
use crate::effect::Effect;
use crate::fifo::ShardHead;
use crate::heading::Heading;
use crate::kind::{Params, typed};
use crate::module::{Module, Results};
use crate::probes::Probes;
use crate::state::State;
use crate::time::{Cycle, Tick};
use crate::trap::{HardwareFault, Mark};
use crate::wheel::{NodeId, Waker, Wheel};
use crate::wiring::{Bench, BuildError, Place, Resources, Wiring};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Modules per word of a mask.
pub(crate) const CHUNK: usize = 64;

/// What a sweep needs to know of its shard and instant.
pub(crate) struct Edge<'a> {
    pub(crate) head: &'a ShardHead,
    pub(crate) wheel: &'a Wheel,
    pub(crate) cycle: Cycle,
    pub(crate) period: Tick,
    pub(crate) no_sleep: bool,
}

/// Why a module was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultCause {
    /// It panicked; the message, and where.
    Panic(String),
    /// It returned [`Effect::Crash`].
    Crash(&'static str),
    /// The processor refused to go on with it.
    Hardware(HardwareFault),
    /// It acted at an edge at which nothing it can see had changed, having asked to sleep.
    Overslept,
}

/// A module that was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Number of the instance.
    pub instance: u32,
    /// Instant of the edge.
    pub tick: Tick,
    /// The same in cycles of its own clock.
    pub cycle: Cycle,
    /// Why.
    pub cause: FaultCause,
}

/// When a module is to be clocked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rest {
    /// Whether it may still be clocked.
    pub(crate) alive: bool,
    /// Whether it is due at its next edge.
    pub(crate) woken: bool,
    /// The alarm it has set.
    pub(crate) alarm: Option<Tick>,
}

/// Where the modules of a group lie in their shard.
pub(crate) struct Berth {
    pub(crate) capacity: usize,
    /// Offset of the first flag from the arena's base.
    pub(crate) first_flag: u32,
    /// The group's flags, eight to a word: whole chunks, or a single word where that holds all.
    pub(crate) flags: ArenaRef<[Cell<u64>]>,
    /// Wheel node of the first module.
    pub(crate) first_node: u32,
}

/// A group whatever its kind: one indirect call per group and edge.
pub(crate) trait Group {
    fn carve(&mut self, arena: &Arena, berth: Berth);
    /// The FIFOs that the group keeps in front of its own inputs, by port.
    fn banks(&self) -> &[Bank] {
        &[]
    }
    fn build(
        &mut self,
        params: &Params,
        place: Place<'_>,
        resources: &Resources,
        bench: Bench<'_>,
    ) -> Result<(), BuildError>;
    /// All of its modules are built.
    fn seal(&mut self) {}
    /// Whether [`take_due`](Self::take_due) is to be called at every edge, flags or not.
    fn looks_at_every_edge(&self) -> bool {
        false
    }
    /// Takes the flags of who is due at this edge; true if anybody is.
    fn take_due(&mut self, now: Tick, head: &ShardHead) -> bool;
    /// Clocks who is due.
    fn sweep(&mut self, edge: &Edge<'_>, faults: &mut Vec<Fault>);
    /// Goes on with a sweep that was left by a hardware fault of the module being clocked, which is
    /// stopped, and never looked at again.
    fn sweep_on(&mut self, edge: &Edge<'_>, fault: HardwareFault, faults: &mut Vec<Fault>);
    fn instance_numbers(&self) -> &[u32];
    /// Whether no module that may still be clocked has its flag up.
    fn silent(&self, head: &ShardHead) -> bool;
    /// Whether module `index` may still be clocked.
    fn alive(&self, index: usize) -> bool;
    fn report(&self, index: usize, results: &mut Results);
    /// Visits the state of module `index`.
    fn state(&mut self, index: usize, state: &mut State<'_>);
    /// When module `index` is to be clocked again.
    fn rest(&self, index: usize, head: &ShardHead, wheel: &Wheel) -> Rest;
    /// Says of module `index`, which was just built, when it is to be clocked again.
    fn set_rest(&mut self, index: usize, rest: Rest, head: &ShardHead, wheel: &Wheel);
    /// Shows the fields of module `index`; elements have none.
    fn probe(&self, index: usize, probes: &mut Probes<'_>) {
        let _ = (index, probes);
    }
    /// Asks module `index` where its items are to go; elements send all they take through all outputs.
    fn heading(&self, index: usize, heading: &mut Heading<'_>) {
        let _ = (index, heading);
    }
    /// Whether module `index` was due at the edge at hand, if the group keeps that.
    fn was_due(&self, index: usize) -> bool {
        let _ = index;
        false
    }
    /// How many times modules of the group were clocked.
    fn clock_count(&self) -> u64;
}

pub(crate) struct TypedGroup<M> {
    seated: Option<Seated<M>>,
}

struct Seated<M> {
    modules: Batch<M>,
    numbers: Column<u32>,
    alive: Column<u64>,
    /// Who is due at the edge being evaluated.
    due: Column<u64>,
    berth: Berth,
    sleeper_count: u32,
    asleep: Column<u8>,
    clock_count: u64,
    /// Modules that hardware faults have left in pieces.
    broken: Column<u64>,
}

/// How far a sweep has come, kept in memory so that it can go on behind a module that faulted.
struct Sweep {
    chunk: usize,
    /// Modules of the chunk behind the current run.
    mask: u64,
    flagged: u64,
    /// The module behind the one being clocked, and the end of the run.
    next: Mark,
    end: usize,
}

/// Clocks modules one after the other as long as they ask for nothing but [`Effect::Receive`]. The
/// first one has number `first`; `next` is always the number behind the one being clocked, also when
/// a hardware fault looks.
#[inline(always)]
fn clock_quietly<M: Module>(
    modules: &mut [M],
    cycle: Cycle,
    first: usize,
    next: &Mark,
) -> Option<Effect> {
    for (index, module) in (first + 1..).zip(modules) {
        next.set(index);
        let effect = module.clock(cycle);
        if effect != Effect::Receive {
            return Some(effect);
        }
    }
    None
}

impl<M: Module> TypedGroup<M> {
    pub(crate) fn empty() -> Self {
        Self { seated: None }
    }

    fn seated(&self) -> &Seated<M> {
        self.seated.as_ref().expect("carved before use")
    }
}

/// Arena bytes for a group of `count` modules of `size` bytes, flags apart.
pub(crate) fn group_bytes(count: usize, (size, align): (usize, usize)) -> usize {
    let chunks = count.div_ceil(CHUNK);
    count * size + align + count * 4 + 8 + 3 * chunks * 8 + 16 + count
}

impl<M: Module> Group for TypedGroup<M> {
    fn carve(&mut self, arena: &Arena, berth: Berth) {
        let capacity = berth.capacity;
        self.seated = Some(Seated {
            modules: arena.carve_batch(capacity),
            numbers: arena.carve(capacity),
            alive: arena.carve(capacity.div_ceil(CHUNK)),
            due: arena.carve(capacity.div_ceil(CHUNK)),
            asleep: arena.carve(capacity),
            berth,
            sleeper_count: 0,
            clock_count: 0,
            broken: arena.carve(capacity.div_ceil(CHUNK)),
        });
    }

    fn build(
        &mut self,
        params: &Params,
        place: Place<'_>,
        resources: &Resources,
        bench: Bench<'_>,
    ) -> Result<(), BuildError> {
        let (head, own) = (bench.head, bench.own);
        let mut wiring = Wiring::bind(place, resources, bench);
        let module = M::build(typed::<M>(params).clone(), &mut wiring)?;
        wiring.as_probed()?;
        let seated = self.seated.as_mut().expect("carved before use");
        let index = seated.modules.len();
        seated.modules.push(module);
        seated.numbers[index] = place.instance;
        seated.alive[index / CHUNK] |= 1 << (index % CHUNK);
        // Everybody is clocked at the first edge.
        head.wake(own);
        Ok(())
    }

    #[inline]
    fn take_due(&mut self, _now: Tick, _head: &ShardHead) -> bool {
        let seated = self.seated.as_mut().expect("carved before use");
        if let [word] = &*seated.berth.flags {
            // Few modules, as in a machine that is no array: no loop.
            let due = bits_of_bytes(word.replace(0)) & seated.alive[0];
            seated.due[0] = due;
            return due != 0;
        }
        let mut any = 0;
        for (chunk, due) in seated.due.iter_mut().enumerate() {
            *due = take_flags(&seated.berth.flags, chunk) & seated.alive[chunk];
            any |= *due;
        }
        any != 0
    }

    fn sweep(&mut self, edge: &Edge<'_>, faults: &mut Vec<Fault>) {
        let seated = self.seated.as_mut().expect("carved before use");
        let mut sweep = Sweep {
            chunk: 0,
            mask: 0,
            flagged: 0,
            next: Mark::default(),
            end: 0,
        };
        edge.head.cursor.set(&raw const sweep.next);
        loop {
            let swept = catch_unwind(AssertUnwindSafe(|| {
                if edge.no_sleep {
                    seated.sweep::<true>(edge, &mut sweep, faults);
                } else {
                    seated.sweep::<false>(edge, &mut sweep, faults);
                }
            }));
            match swept {
                Ok(()) => return,
                Err(payload) => seated.stop_panicked(edge, &sweep, &*payload, faults),
            }
        }
    }

    fn sweep_on(&mut self, edge: &Edge<'_>, fault: HardwareFault, faults: &mut Vec<Fault>) {
        let seated = self.seated.as_mut().expect("carved before use");
        seated.go_on_behind(edge, fault, faults);
    }

    fn instance_numbers(&self) -> &[u32] {
        &self.seated().numbers
    }

    fn silent(&self, _head: &ShardHead) -> bool {
        let seated = self.seated();
        let mut alive = seated.alive.iter().enumerate();
        alive.all(|(chunk, alive)| flags(&seated.berth.flags, chunk) & alive == 0)
    }

    fn alive(&self, index: usize) -> bool {
        self.seated().alive[index / CHUNK] >> (index % CHUNK) & 1 == 1
    }

    fn report(&self, index: usize, results: &mut Results) {
        if let Some(module) = self.seated().whole(index) {
            module.report(results);
        }
    }

    fn state(&mut self, index: usize, state: &mut State<'_>) {
        let seated = self.seated.as_mut().expect("carved before use");
        if !seated.is_broken(index) {
            seated.modules[index].state(state);
        }
    }

    fn rest(&self, index: usize, head: &ShardHead, wheel: &Wheel) -> Rest {
        let seated = self.seated();
        Rest {
            alive: self.alive(index),
            woken: head.is_up(seated.waker(index)),
            alarm: wheel.due(NodeId(seated.berth.first_node + index as u32)),
        }
    }

    fn set_rest(&mut self, index: usize, rest: Rest, head: &ShardHead, wheel: &Wheel) {
        let seated = self.seated.as_mut().expect("carved before use");
        let waker = seated.waker(index);
        head.take_flag(waker);
        if rest.woken {
            head.wake(waker);
        }
        if !rest.alive {
            seated.retire(index);
        }
        if let Some(due) = rest.alarm {
            seated.set_alarm(wheel, index, due);
        }
    }

    fn probe(&self, index: usize, probes: &mut Probes<'_>) {
        if let Some(module) = self.seated().whole(index) {
            module.probe(probes);
        }
    }

    fn heading(&self, index: usize, heading: &mut Heading<'_>) {
        if let Some(module) = self.seated().whole(index) {
            module.heading(heading);
        }
    }

    fn was_due(&self, index: usize) -> bool {
        self.seated().due[index / CHUNK] >> (index % CHUNK) & 1 == 1
    }

    fn clock_count(&self) -> u64 {
        self.seated().clock_count
    }
}

/// Bit `k` of the result is byte `k` of a word whose bytes are 0 or 1.
#[inline(always)]
fn bits_of_bytes(word: u64) -> u64 {
    word.wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// The flags of chunk `chunk`, left as they are.
fn flags(flags: &[Cell<u64>], chunk: usize) -> u64 {
    let words = flags.iter().skip(chunk * 8).take(8).enumerate();
    words.fold(0, |mask, (k, word)| {
        mask | bits_of_bytes(word.get()) << (8 * k)
    })
}

/// Takes and clears the flags of chunk `chunk`.
#[inline(always)]
pub(crate) fn take_flags(flags: &[Cell<u64>], chunk: usize) -> u64 {
    let words = &flags[chunk * 8..chunk * 8 + 8];
    if words.iter().fold(0, |any, word| any | word.get()) == 0 {
        return 0;
    }
    let mut mask = 0;
    for (k, word) in words.iter().enumerate() {
        mask |= bits_of_bytes(word.replace(0)) << (8 * k);
    }
    mask
}

impl<M: Module> Seated<M> {
    /// Stops the module whose clock panicked.
    #[cold]
    fn stop_panicked(
        &mut self,
        edge: &Edge<'_>,
        sweep: &Sweep,
        payload: &(dyn Any + Send),
        faults: &mut Vec<Fault>,
    ) {
        let cause = FaultCause::Panic(crate::panics::message_of(payload));
        self.stop(edge, sweep.next.get() - 1, cause, faults);
    }

    #[inline(always)]
    fn waker(&self, index: usize) -> Waker {
        Waker(self.berth.first_flag + index as u32)
    }

    #[inline(always)]
    fn sweep<const NO_SLEEP: bool>(
        &mut self,
        edge: &Edge<'_>,
        sweep: &mut Sweep,
        faults: &mut Vec<Fault>,
    ) {
        // What a fault left of a run.
        self.clock_run::<NO_SLEEP>(edge, sweep, faults);
        loop {
            while sweep.mask != 0 {
                // A run of modules side by side is one plain loop.
                let skipped = sweep.mask.trailing_zeros() as usize;
                let run = (!(sweep.mask >> skipped)).trailing_zeros() as usize;
                let first = sweep.chunk * CHUNK - CHUNK + skipped;
                sweep.mask &= !(u64::MAX >> (CHUNK - run) << skipped);
                sweep.end = first + run;
                sweep.next.set(first);
                self.clock_run::<NO_SLEEP>(edge, sweep, faults);
            }
            if sweep.chunk == self.alive.len() {
                return;
            }
            self.next_chunk::<NO_SLEEP>(sweep);
        }
    }

    #[inline(always)]
    fn clock_run<const NO_SLEEP: bool>(
        &mut self,
        edge: &Edge<'_>,
        sweep: &mut Sweep,
        faults: &mut Vec<Fault>,
    ) {
        if NO_SLEEP || self.sleeper_count != 0 {
            return self.clock_carefully::<NO_SLEEP>(edge, sweep, faults);
        }
        while sweep.next.get() < sweep.end {
            let first = sweep.next.get();
            let run = &mut self.modules[first..sweep.end];
            let Some(effect) = clock_quietly(run, edge.cycle, first, &sweep.next) else {
                return;
            };
            self.obey(edge, sweep.next.get() - 1, effect, faults);
        }
    }

    /// Clocks a run with an eye on what each module asked for before.
    #[inline(never)]
    fn clock_carefully<const NO_SLEEP: bool>(
        &mut self,
        edge: &Edge<'_>,
        sweep: &mut Sweep,
        faults: &mut Vec<Fault>,
    ) {
        for index in sweep.next.get()..sweep.end {
            sweep.next.set(index + 1);
            if NO_SLEEP && sweep.flagged >> (index % CHUNK) & 1 == 0 {
                self.clock_unasked(edge, index, faults);
                continue;
            }
            let effect = self.modules[index].clock(edge.cycle);
            self.wake_up(edge.wheel, index);
            self.obey(edge, index, effect, faults);
        }
    }

    /// Who is to be clocked among the next modules of a sweep.
    #[inline(always)]
    fn next_chunk<const NO_SLEEP: bool>(&mut self, sweep: &mut Sweep) {
        sweep.flagged = self.due[sweep.chunk];
        sweep.mask = if NO_SLEEP {
            self.alive[sweep.chunk]
        } else {
            sweep.flagged
        };
        self.clock_count += u64::from(sweep.mask.count_ones());
        sweep.chunk += 1;
    }

    /// Clocks a module that asked to sleep and was not woken: it must not move anything.
    #[inline(never)]
    fn clock_unasked(&mut self, edge: &Edge<'_>, index: usize, faults: &mut Vec<Fault>) {
        let waker = self.waker(index);
        let woken = edge.head.take_flag(waker);
        let effect = self.modules[index].clock(edge.cycle);
        if edge.head.take_flag(waker) {
            self.stop(edge, index, FaultCause::Overslept, faults);
        } else {
            self.wake_up(edge.wheel, index);
            self.obey(edge, index, effect, faults);
        }
        if woken {
            edge.head.wake(waker);
        }
    }

    #[inline]
    fn obey(&mut self, edge: &Edge<'_>, index: usize, effect: Effect, faults: &mut Vec<Fault>) {
        match effect {
            Effect::Receive => {}
            Effect::Yield => edge.head.wake(self.waker(index)),
            Effect::Sleep(cycles) => self.sleep(edge, index, cycles),
            Effect::Done => self.retire(index),
            Effect::Crash(reason) => self.stop(edge, index, FaultCause::Crash(reason), faults),
        }
    }

    #[inline(never)]
    fn sleep(&mut self, edge: &Edge<'_>, index: usize, cycles: u64) {
        let due = edge
            .cycle
            .saturating_add(cycles.max(1))
            .saturating_mul(edge.period);
        let due = due.min(crate::time::TICK_MAX / edge.period * edge.period);
        self.set_alarm(edge.wheel, index, due);
    }

    fn set_alarm(&mut self, wheel: &Wheel, index: usize, due: Tick) {
        self.sleeper_count += 1;
        self.asleep[index] = 1;
        wheel.arm(
            NodeId(self.berth.first_node + index as u32),
            due,
            self.waker(index),
        );
    }

    /// A module that is clocked has no alarm set any more, whatever woke it.
    #[inline]
    fn wake_up(&mut self, wheel: &Wheel, index: usize) {
        if self.asleep[index] != 0 {
            self.asleep[index] = 0;
            self.sleeper_count -= 1;
            wheel.cancel(NodeId(self.berth.first_node + index as u32));
        }
    }

    #[cold]
    #[inline(never)]
    fn retire(&mut self, index: usize) {
        self.alive[index / CHUNK] &= !(1 << (index % CHUNK));
    }

    #[cold]
    #[inline(never)]
    fn stop(&mut self, edge: &Edge<'_>, index: usize, cause: FaultCause, faults: &mut Vec<Fault>) {
        self.wake_up(edge.wheel, index);
        self.retire(index);
        faults.push(Fault {
            instance: self.numbers[index],
            tick: edge.head.now.get(),
            cycle: edge.cycle,
            cause,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_become_bits_in_order() {
        for bits in 0..256u64 {
            let word = (0..8).map(|k| (bits >> k & 1) << (8 * k)).sum();
            assert_eq!(bits_of_bytes(word), bits);
        }
    }
}
