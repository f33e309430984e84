//! All elements of one kind and clock domain in one shard, fired together.
//!
//! A lane whose ports all lead to other elements of the shard is *regular*: its FIFOs stand in banks,
//! and 64 such lanes at a time are asked who fires, with a few operations on planes. Any other lane is
//! *mixed*: it is clocked by itself, through ports, banks or both. Where the pushes of a port go is
//! written down in *routes*: lanes of one strip of 64 whose FIFOs lie side by side in one bank.
//!
//! Does not know netlists, or what its elements compute.

#![allow(
    clippy::needless_range_loop,
    reason = "plain loops over arrays are inlined, closures are not always"
)]

mod snapshot;
mod sweep;

use crate::arena::{Arena, Column};
use crate::bank::{Bank, Banked, LANES, PLANE};
use crate::element::{Element, Ports, WordSignal, fire_one};
use crate::fifo::ShardHead;
use crate::group::{Berth, Edge, Fault, FaultCause, Group, Rest};
use crate::kind::Params;
use crate::module::Results;
use crate::state::State;
use crate::time::Tick;
use crate::trap::{HardwareFault, Suspects, contain};
use crate::wheel::Wheel;
use crate::wiring::{Bench, BuildError, Place, Resources, Wiring};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use sweep::{Reach, Scratch};

/// Lanes of a strip whose pushes through one port land side by side in one bank.
struct Route {
    /// The lanes.
    lanes: u64,
    bank: Bank,
    /// FIFO of the strip's first lane, if it were of this route.
    first: isize,
}

/// A lane with a port that does not lead to a bank.
struct Mixed<E, const I: usize, const O: usize, const W: usize>
where
    E: Element<I, O, W>,
{
    lane: usize,
    ports: Ports<E, I, O, W>,
    inputs: [Option<Banked>; I],
    outputs: [Option<Banked>; O],
}

/// How far a sweep has come, kept so that it can go on behind an element that faulted.
#[derive(Clone, Copy, Default)]
struct Progress {
    strip: usize,
    /// Who fires in the strip, once that is known.
    fires: u64,
    known: bool,
    /// Lanes of the strip, in eights, that have been computed.
    computed: usize,
    /// Mixed lanes that have been clocked.
    mixed: usize,
}

struct Seated<E, const I: usize, const O: usize, const W: usize>
where
    E: Element<I, O, W>,
{
    /// In front of each input.
    banks: [Bank; I],
    /// Word `k` of lane `n` stands at `k * state_row + n`.
    state: Column<u64>,
    state_row: usize,
    numbers: Column<u32>,
    count: usize,
    alive: Column<u64>,
    /// Lanes that are stepped together, while they are alive.
    regular: Column<u64>,
    mixed: Vec<Mixed<E, I, O, W>>,
    /// How often each lane fired: [`PLANE`] bits deep, a word of 64 lanes to each bit, lowest first.
    firings: Column<u64>,
    /// Until the group is sealed: where each regular lane's outputs lead.
    ends: Vec<(usize, [Banked; O])>,
    routes: Box<[Route]>,
    /// The routes of output `o` of strip `s` end at number `s * O + o`.
    route_ends: Box<[u32]>,
    berth: Berth,
    reach: Reach,
    scratch: Box<Scratch<O>>,
    progress: Progress,
    /// The tick after the last edge that was looked at.
    looked_until: Tick,
    clock_count: u64,
}

/// The group of an element's kind.
pub(crate) struct VectorGroup<E, const I: usize, const O: usize, const W: usize>
where
    E: Element<I, O, W>,
{
    seated: Option<Seated<E, I, O, W>>,
}

/// A lane that is fired alone, to see whether it is the one.
struct OneLane(usize);

impl Suspects for OneLane {
    fn is_running(&self) -> bool {
        true
    }
    fn name(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "lane {}", self.0)
    }
}

/// Arena bytes for a group of `count` elements with so many inputs and words of state, flags apart.
pub(crate) fn vector_bytes(count: usize, input_count: usize, word_count: usize) -> usize {
    let lanes = count.next_multiple_of(PLANE);
    let columns = lanes * 8 * (word_count + 1) + 128 + count * 4 + 8 + 2 * (lanes / PLANE * 8 + 8);
    input_count * Bank::bytes(count) + columns
}

impl<E, const I: usize, const O: usize, const W: usize> VectorGroup<E, I, O, W>
where
    E: Element<I, O, W>,
{
    pub(crate) fn empty() -> Self {
        Self { seated: None }
    }

    fn seated(&self) -> &Seated<E, I, O, W> {
        self.seated.as_ref().expect("carved before use")
    }

    fn seated_mut(&mut self) -> &mut Seated<E, I, O, W> {
        self.seated.as_mut().expect("carved before use")
    }
}

impl<E, const I: usize, const O: usize, const W: usize> Group for VectorGroup<E, I, O, W>
where
    E: Element<I, O, W>,
{
    fn carve(&mut self, arena: &Arena, berth: Berth) {
        let capacity = berth.capacity;
        let banks = [(); I].map(|()| Bank::carve(arena, capacity));
        let state_row = capacity.next_multiple_of(PLANE);
        let line = || arena.carve_bytes(0, 64);
        line();
        let state = arena.carve(state_row * W);
        line();
        self.seated = Some(Seated {
            banks,
            state,
            state_row,
            firings: arena.carve(state_row),
            numbers: arena.carve(capacity),
            count: 0,
            alive: arena.carve(capacity.div_ceil(PLANE)),
            regular: arena.carve(capacity.div_ceil(PLANE)),
            mixed: Vec::new(),
            ends: Vec::with_capacity(capacity),
            routes: Box::default(),
            route_ends: Box::default(),
            berth,
            reach: Reach::of_host(),
            scratch: Box::new(Scratch::EMPTY),
            progress: Progress::default(),
            looked_until: 0,
            clock_count: 0,
        });
    }

    fn banks(&self) -> &[Bank] {
        &self.seated().banks
    }

    fn build(
        &mut self,
        params: &Params,
        place: Place<'_>,
        resources: &Resources,
        bench: Bench<'_>,
    ) -> Result<(), BuildError> {
        let (head, own) = (bench.head, bench.own);
        let banked = bench.banked;
        let mut wiring = Wiring::bind(place, resources, bench);
        let params = crate::kind::params_as::<E::Params>(params);
        let state = E::state(params, place)?;
        let ports = Ports::take(&mut wiring)?;
        wiring.as_probed()?;
        let seated = self.seated_mut();
        let lane = seated.count;
        seated.count += 1;
        seated.numbers[lane] = place.instance;
        seated.alive[lane / PLANE] |= 1 << (lane % PLANE);
        for (index, word) in state.into_iter().enumerate() {
            seated.state[index * seated.state_row + lane] = word;
        }
        let inputs: [_; I] = std::array::from_fn(|port| banked[port]);
        let outputs: [_; O] = std::array::from_fn(|port| banked[I + port]);
        if inputs.iter().chain(&outputs).all(Option::is_some) {
            let outputs = outputs.map(|end| end.expect("all lead to banks"));
            seated.regular[lane / PLANE] |= 1 << (lane % PLANE);
            seated.ends.push((lane, outputs));
        } else {
            seated.mixed.push(Mixed {
                lane,
                ports,
                inputs,
                outputs,
            });
        }
        // Everybody is clocked at the first edge.
        head.wake(own);
        Ok(())
    }

    fn seal(&mut self) {
        let seated = self.seated_mut();
        let ends = std::mem::take(&mut seated.ends);
        let strip_count = seated.alive.len();
        let mut by_strip: Vec<Vec<&(usize, [Banked; O])>> = vec![Vec::new(); strip_count];
        for end in &ends {
            by_strip[end.0 / PLANE].push(end);
        }
        let mut routes: Vec<Route> = Vec::new();
        let mut route_ends = Vec::with_capacity(strip_count * O);
        for strip in &by_strip {
            for output in 0..O {
                let start = routes.len();
                for (lane, ends) in strip {
                    let (bit, end) = (lane % PLANE, ends[output]);
                    let first = end.lane as isize - bit as isize;
                    let same =
                        |route: &&mut Route| route.first == first && route.bank.is(&end.bank);
                    match routes[start..].iter_mut().find(same) {
                        Some(route) => route.lanes |= 1 << bit,
                        None => routes.push(Route {
                            lanes: 1 << bit,
                            bank: end.bank,
                            first,
                        }),
                    }
                }
                route_ends.push(routes.len() as u32);
            }
        }
        seated.routes = routes.into_boxed_slice();
        seated.route_ends = route_ends.into_boxed_slice();
    }

    fn looks_at_every_edge(&self) -> bool {
        true
    }

    fn take_due(&mut self, now: Tick, head: &ShardHead) -> bool {
        let seated = self.seated_mut();
        let woken = seated
            .berth
            .flags
            .iter()
            .fold(0, |any, word| any | word.replace(0));
        // A push makes an item, a pop makes room, for any element of the shard.
        let moved = head.banks_moved_until.get() >= seated.looked_until.max(1);
        seated.banks.iter().for_each(|bank| bank.begin(now));
        seated.looked_until = now + 1;
        woken != 0 || moved
    }

    fn sweep(&mut self, edge: &Edge<'_>, faults: &mut Vec<Fault>) {
        edge.head.cursor.set(std::ptr::null());
        let seated = self.seated_mut();
        seated.progress = Progress::default();
        seated.sweep_all(edge, faults);
    }

    fn sweep_on(&mut self, edge: &Edge<'_>, fault: HardwareFault, faults: &mut Vec<Fault>) {
        let seated = self.seated_mut();
        edge.head.banks_moved_until.set(edge.head.now.get() + 1);
        seated.part_from_faulty(edge, &FaultCause::Hardware(fault), faults);
        seated.sweep_all(edge, faults);
    }

    fn instance_numbers(&self) -> &[u32] {
        &self.seated().numbers
    }

    fn silent(&self, head: &ShardHead) -> bool {
        let seated = self.seated();
        let woken = seated.berth.flags.iter().any(|word| word.get() != 0);
        !woken && head.banks_moved_until.get() < seated.looked_until.max(1)
    }

    fn alive(&self, index: usize) -> bool {
        self.seated().alive[index / PLANE] >> (index % PLANE) & 1 == 1
    }

    fn report(&self, index: usize, results: &mut Results) {
        let seated = self.seated();
        E::report(&seated.state_of(index), seated.firings_of(index), results);
    }

    fn state(&mut self, index: usize, state: &mut State<'_>) {
        self.seated_mut().visit_state(index, state);
    }

    fn rest(&self, index: usize, head: &ShardHead, _wheel: &Wheel) -> Rest {
        Rest {
            alive: self.alive(index),
            woken: !self.silent(head),
            alarm: None,
        }
    }

    fn set_rest(&mut self, index: usize, rest: Rest, head: &ShardHead, _wheel: &Wheel) {
        self.seated_mut().set_rest(index, rest, head);
    }

    fn clock_count(&self) -> u64 {
        self.seated().clock_count
    }
}

impl<E, const I: usize, const O: usize, const W: usize> Seated<E, I, O, W>
where
    E: Element<I, O, W>,
{
    #[inline(always)]
    fn state_of(&self, lane: usize) -> [u64; W] {
        let mut state = [0; W];
        for word in 0..W {
            state[word] = self.state[word * self.state_row + lane];
        }
        state
    }

    fn firings_of(&self, lane: usize) -> u64 {
        let planes = &self.firings[lane / PLANE * PLANE..][..PLANE];
        (0..PLANE).fold(0, |count, bit| {
            count | (planes[bit] >> (lane % PLANE) & 1) << bit
        })
    }

    #[inline(always)]
    fn set_state(&mut self, lane: usize, state: [u64; W]) {
        for word in E::CONSTANT_WORDS..W {
            self.state[word * self.state_row + lane] = state[word];
        }
    }

    /// Fires who has not been looked at, whoever panics.
    fn sweep_all(&mut self, edge: &Edge<'_>, faults: &mut Vec<Fault>) {
        let now = edge.head.now.get();
        loop {
            let swept = catch_unwind(AssertUnwindSafe(|| {
                let fired = self.sweep_regular(now);
                let clocked = self.sweep_mixed(now);
                if fired | clocked {
                    edge.head.banks_moved_until.set(now + 1);
                }
            }));
            match swept {
                Ok(()) => return,
                Err(payload) => {
                    edge.head.banks_moved_until.set(now + 1);
                    let cause = FaultCause::Panic(crate::panics::message_of(payload.as_ref()));
                    self.part_from_faulty(edge, &cause, faults);
                }
            }
        }
    }

    /// Clocks the mixed lanes that have not been yet; true if any of them fired.
    fn sweep_mixed(&mut self, now: Tick) -> bool {
        let mut fired = false;
        while self.progress.mixed < self.mixed.len() {
            let index = self.progress.mixed;
            self.progress.mixed += 1;
            fired |= self.clock_mixed(index, now);
        }
        fired
    }

    fn clock_mixed(&mut self, index: usize, now: Tick) -> bool {
        let mixed = &self.mixed[index];
        let lane = mixed.lane;
        if self.alive[lane / PLANE] >> (lane % PLANE) & 1 == 0 || !mixed.may_fire() {
            return false;
        }
        let mut state = self.state_of(lane);
        let mixed = &mut self.mixed[index];
        let outputs = fire_one::<E, I, O, W>(&mut state, mixed.pop());
        mixed.push(outputs, now);
        self.set_state(lane, state);
        self.count_firings(lane / PLANE, 1 << (lane % PLANE));
        true
    }

    /// Lanes were being computed together and one of them faulted, if no mixed lane did: finds which,
    /// stops it, and computes the others one by one.
    #[cold]
    fn part_from_faulty(&mut self, edge: &Edge<'_>, cause: &FaultCause, faults: &mut Vec<Fault>) {
        let Progress {
            strip,
            fires,
            known,
            computed,
            mixed,
        } = self.progress;
        if !known {
            let lane = self.mixed[mixed - 1].lane;
            return self.stop(edge, lane, cause.clone(), faults);
        }
        for bit in computed * LANES..(computed + 1) * LANES {
            if fires >> bit & 1 == 0 {
                continue;
            }
            let lane = strip * PLANE + bit;
            let mut state = self.state_of(lane);
            // One that faults has taken its items too, as one that is clocked alone.
            let inputs = std::array::from_fn(|input| self.banks[input].pop(lane));
            let fire = || fire_one::<E, I, O, W>(&mut state, inputs);
            let fired = contain(&OneLane(lane), || catch_unwind(AssertUnwindSafe(fire)));
            let cause = match fired {
                Ok(Ok(outputs)) => {
                    self.set_state(lane, state);
                    self.scratch.note(bit, outputs);
                    continue;
                }
                Ok(Err(payload)) => FaultCause::Panic(crate::panics::message_of(payload.as_ref())),
                Err(fault) => FaultCause::Hardware(fault),
            };
            self.progress.fires &= !(1 << bit);
            self.stop(edge, lane, cause, faults);
        }
        self.progress.computed += 1;
    }

    #[cold]
    fn stop(&mut self, edge: &Edge<'_>, lane: usize, cause: FaultCause, faults: &mut Vec<Fault>) {
        self.alive[lane / PLANE] &= !(1 << (lane % PLANE));
        faults.push(Fault {
            instance: self.numbers[lane],
            tick: edge.head.now.get(),
            cycle: edge.cycle,
            cause,
        });
    }
}

impl<E, const I: usize, const O: usize, const W: usize> Mixed<E, I, O, W>
where
    E: Element<I, O, W>,
{
    #[inline(always)]
    fn may_fire(&self) -> bool {
        for index in 0..I {
            let ready = match &self.inputs[index] {
                Some(fifo) => fifo.ready(),
                None => self.ports.inputs[index].ready(),
            };
            if !ready {
                return false;
            }
        }
        for index in 0..O {
            let room = match &self.outputs[index] {
                Some(fifo) => fifo.has_room(),
                None => self.ports.outputs[index].has_room(),
            };
            if !room {
                return false;
            }
        }
        true
    }

    #[inline(always)]
    fn pop(&mut self) -> [u64; I] {
        let mut words = [0; I];
        for index in 0..I {
            words[index] = match &self.inputs[index] {
                Some(fifo) => fifo.pop(),
                None => self.ports.inputs[index].pop().to_word(),
            };
        }
        words
    }

    #[inline(always)]
    fn push(&mut self, words: [u64; O], now: Tick) {
        for index in 0..O {
            match &self.outputs[index] {
                Some(fifo) => fifo.push(words[index], now),
                None => self.ports.outputs[index].push(E::Signal::of_word(words[index])),
            }
        }
    }
}
