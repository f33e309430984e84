//! A hart that does nothing but exercise its caches, and checks what they answer.
//!
//! The shared memory it works on, `tiles` harts in all:
//!
//! ```text
//!   versions   word k of hart w at (k·tiles + w): only w stores there, rising numbers, in turn
//!   bytes      word b: byte lane l belongs to hart 4·b + l
//!   tickets    drawn by `amoadd`; each number once
//!   conditional  incremented by LR/SC
//!   lock, guarded  a counter incremented by plain load and store under a lock
//!   extremes   `amomax`, `amominu` of what was offered
//!   done       how many harts have finished; then hart 0 reads all counters
//! ```
//!
//! A reader of versions checks more than that single words never go back: whoever has seen version v
//! of hart w must find in each word of w at least the latest version up to v stored there. That
//! is sequential consistency as seen through one writer. Panics are failures of the run.

use serde::Deserialize;
use std::collections::VecDeque;
use tina_engine::{BuildError, Cycle, Effect, In, Module, Out, Random, Results, Wiring};
use tina_modules::riscv::platform::{HART_COUNT, RAM_BASE};
use tina_modules::riscv::signals::{
    DataOperation, DataReply, DataRequest, FetchReply, FetchRequest,
};

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrafficParams {
    pub hart: u32,
    pub tiles: u32,
    /// Words of versions per hart.
    pub words: u32,
    /// Operations before it is done.
    pub operations: u32,
    /// The longest pause between two operations, in edges.
    pub pause: u32,
    /// Requests in flight at a time.
    pub burst: usize,
}

/// Addresses of the shared words.
#[derive(Clone, Copy)]
pub struct Layout {
    tiles: u32,
    words: u32,
}

impl Layout {
    pub fn new(tiles: u32, words: u32) -> Self {
        Self { tiles, words }
    }
    fn version(self, hart: u32, word: u32) -> u32 {
        RAM_BASE + 4 * (word * self.tiles + hart)
    }
    fn bytes(self, hart: u32) -> u32 {
        RAM_BASE + 4 * (self.words * self.tiles + hart / 4)
    }
    fn counter(self, number: u32) -> u32 {
        self.bytes(self.tiles + 3) + 4 * number
    }
    pub fn end(self) -> u32 {
        self.counter(COUNTER_NAMES.len() as u32)
    }
}

pub const COUNTER_NAMES: [&str; 7] = [
    "tickets",
    "conditional",
    "lock",
    "guarded",
    "maximum",
    "minimum",
    "done",
];
const TICKETS: u32 = 0;
const CONDITIONAL: u32 = 1;
const LOCK: u32 = 2;
const GUARDED: u32 = 3;
const MAXIMUM: u32 = 4;
const MINIMUM: u32 = 5;
const DONE: u32 = 6;

/// Edges that may pass between `LR` and what follows: longer than a reservation is held.
const LINGER_MAX: u64 = 200;

/// What the reply at the head of the queue must be.
#[derive(Clone, Copy, Debug)]
enum Expect {
    /// Any word.
    Anything,
    /// This word.
    Word(u32),
    /// This value in these bits.
    Bits { mask: u32, value: u32 },
    /// A version of that word of that other hart.
    Version { hart: u32, word: u32 },
    /// A ticket.
    Ticket,
    /// The answer to a step.
    Step,
}

/// A step of an operation of several.
#[derive(Clone, Copy, Debug)]
enum Step {
    LoadReserved,
    /// Owns the line again, should it have been lost: the reservation must stay lost.
    Touch(u32),
    StoreConditional(u32),
    TakeLock,
    ReadGuarded,
    WriteGuarded(u32),
    ReleaseLock,
    Invalidate {
        hart: u32,
        word: u32,
    },
    FetchVersion {
        hart: u32,
        word: u32,
    },
    SayDone,
    AwaitAll,
    ReadCounter(u32),
}

/// Where an operation of several steps stands.
#[derive(Clone, Copy, Debug)]
enum Plan {
    Nothing,
    Send(Step),
    Await(Step),
    Finished,
}

pub struct Traffic {
    requests: Out<DataRequest>,
    replies: In<DataReply>,
    fetches: Out<FetchRequest>,
    fetched: In<FetchReply>,
    invalidate: Out<()>,
    invalidated: In<()>,
    params: TrafficParams,
    layout: Layout,
    random: Random,
    expected: VecDeque<(u16, Expect)>,
    plan: Plan,
    next_tag: u16,
    operations_left: u32,
    pause_until: Cycle,
    /// Whether it lets time pass before the next step.
    lingers: bool,
    version: u32,
    byte: u8,
    /// Per hart: the latest version seen.
    seen: Vec<u32>,
    tickets: u64,
    ticket_sum: u64,
    conditionals: u64,
    guarded: u64,
    maximum: u32,
    minimum: u32,
    counters: [u32; COUNTER_NAMES.len()],
}

impl Module for Traffic {
    const KIND: &'static str = "test.traffic";
    const SUMMARY: &'static str = "exercises caches: reply -> request, fetched -> fetch";
    type Params = TrafficParams;

    fn build(params: TrafficParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            requests: wiring.output("request")?,
            replies: wiring.input("reply")?,
            fetches: wiring.output("fetch")?,
            fetched: wiring.input("fetched")?,
            invalidate: wiring.output("invalidate")?,
            invalidated: wiring.input("invalidated")?,
            params,
            layout: Layout::new(params.tiles, params.words),
            random: wiring.random(0),
            expected: VecDeque::with_capacity(16),
            plan: Plan::Nothing,
            next_tag: 0,
            operations_left: params.operations,
            pause_until: 0,
            lingers: false,
            version: 0,
            byte: 0,
            seen: vec![0; params.tiles as usize],
            tickets: 0,
            ticket_sum: 0,
            conditionals: 0,
            guarded: 0,
            maximum: 0,
            minimum: 0,
            counters: [0; COUNTER_NAMES.len()],
        })
    }

    fn clock(&mut self, now: Cycle) -> Effect {
        if let Some(reply) = self.replies.try_pop() {
            self.check(reply);
        }
        if self.invalidated.try_pop().is_some() {
            let Plan::Await(Step::Invalidate { hart, word }) = self.plan else {
                panic!("invalidated at {:?}", self.plan)
            };
            self.plan = Plan::Send(Step::FetchVersion { hart, word });
        }
        if let Some(reply) = self.fetched.try_pop() {
            let Plan::Await(Step::FetchVersion { hart, word }) = self.plan else {
                panic!("fetched at {:?}", self.plan)
            };
            assert!(!reply.fault);
            self.check_version(hart, word, reply.word);
            self.plan = Plan::Nothing;
        }
        if now < self.pause_until {
            return Effect::Sleep(self.pause_until - now);
        }
        if self.requests.has_room() && self.fetches.has_room() && self.invalidate.has_room() {
            self.go_on(now);
        }
        if now < self.pause_until {
            Effect::Sleep(self.pause_until - now)
        } else {
            Effect::Receive
        }
    }

    fn report(&self, results: &mut Results) {
        results.count("finished", u64::from(matches!(self.plan, Plan::Finished)));
        results.count("tickets_drawn", self.tickets);
        results.count("ticket_sum", self.ticket_sum);
        results.count("conditionals_done", self.conditionals);
        results.count("guarded_done", self.guarded);
        results.count("maximum_offered", u64::from(self.maximum));
        results.count("minimum_offered", u64::from(self.minimum));
        for (name, counter) in COUNTER_NAMES.iter().zip(self.counters) {
            results.count(name, u64::from(counter));
        }
    }
}

impl Traffic {
    fn send(
        &mut self,
        address: u32,
        operation: DataOperation,
        data: u32,
        mask: u8,
        expect: Expect,
    ) {
        let tag = self.next_tag;
        self.next_tag = self.next_tag.wrapping_add(1);
        self.expected.push_back((tag, expect));
        let uncached = address < RAM_BASE && operation != DataOperation::Fence;
        self.requests.push(DataRequest {
            address,
            data,
            tag,
            mask,
            operation,
            uncached,
        });
    }

    fn send_step(&mut self, step: Step) {
        let (number, operation, data) = match step {
            Step::LoadReserved => (CONDITIONAL, DataOperation::LoadReserved, 0),
            Step::Touch(_) => (MAXIMUM, DataOperation::MaxUnsigned, 0),
            Step::StoreConditional(word) => (CONDITIONAL, DataOperation::StoreConditional, word),
            Step::TakeLock => (LOCK, DataOperation::Swap, 1),
            Step::ReadGuarded => (GUARDED, DataOperation::Load, 0),
            Step::WriteGuarded(word) => (GUARDED, DataOperation::Store, word),
            Step::ReleaseLock => (LOCK, DataOperation::Store, 0),
            Step::SayDone => (DONE, DataOperation::Add, 1),
            Step::AwaitAll => (DONE, DataOperation::Load, 0),
            Step::ReadCounter(number) => (number, DataOperation::Load, 0),
            Step::Invalidate { .. } => return self.invalidate.push(()),
            Step::FetchVersion { hart, word } => {
                let address = self.layout.version(hart, word);
                return self.fetches.push(FetchRequest {
                    address,
                    predicted: 0,
                    epoch: false,
                });
            }
        };
        self.send(
            self.layout.counter(number),
            operation,
            data,
            15,
            Expect::Step,
        );
    }

    /// Starts the next operation, or sends the next step of one.
    fn go_on(&mut self, now: Cycle) {
        let idle = self.expected.is_empty();
        match self.plan {
            Plan::Send(_) if self.lingers => {
                self.lingers = false;
                self.pause_until = now + 1 + self.random.below(LINGER_MAX);
            }
            Plan::Send(step) => {
                self.plan = Plan::Await(step);
                self.send_step(step);
            }
            Plan::Nothing if self.operations_left > 0 => {
                if self.expected.len() < self.params.burst {
                    self.operations_left -= 1;
                    self.start(idle);
                    self.pause_until = now + self.random.below(u64::from(self.params.pause) + 1);
                }
            }
            Plan::Nothing if idle => {
                self.plan = Plan::Await(Step::SayDone);
                self.send_step(Step::SayDone);
            }
            Plan::Nothing | Plan::Await(_) | Plan::Finished => {}
        }
    }

    fn start_steps(&mut self, first: Step) {
        self.plan = Plan::Await(first);
        self.send_step(first);
    }

    /// What word `word` of this hart holds: the latest version that went there.
    fn latest_version(&self, hart: u32, word: u32) -> u32 {
        let seen = self.seen[hart as usize];
        let behind = (seen + self.params.words - word) % self.params.words;
        seen.saturating_sub(behind)
    }

    /// Starts an operation; those of several steps only when nothing else is under way.
    fn start(&mut self, idle: bool) {
        let own = self.params.hart;
        let lane = own % 4;
        let hart = self.random.below(u64::from(self.params.tiles)) as u32;
        let word = self.random.below(u64::from(self.params.words)) as u32;
        match self.random.below(if idle { 17 } else { 11 }) {
            0..2 => {
                self.version += 1;
                self.seen[own as usize] = self.version;
                let address = self.layout.version(own, self.version % self.params.words);
                self.send(
                    address,
                    DataOperation::Store,
                    self.version,
                    15,
                    Expect::Word(self.version),
                );
            }
            2..6 => {
                let expect = if hart == own {
                    Expect::Word(self.latest_version(own, word))
                } else {
                    Expect::Version { hart, word }
                };
                self.send(
                    self.layout.version(hart, word),
                    DataOperation::Load,
                    0,
                    15,
                    expect,
                );
            }
            6 => self.send(0, DataOperation::Fence, 0, 0, Expect::Word(0)),
            7 => {
                let value = u32::from(self.byte) << (8 * lane);
                let expect = Expect::Bits {
                    mask: 0xff << (8 * lane),
                    value,
                };
                self.send(
                    self.layout.bytes(own),
                    DataOperation::Load,
                    0,
                    1 << lane,
                    expect,
                );
            }
            8 => {
                self.byte = self.byte.wrapping_add(1);
                let value = u32::from(self.byte) << (8 * lane);
                self.send(
                    self.layout.bytes(own),
                    DataOperation::Store,
                    value,
                    1 << lane,
                    Expect::Word(value),
                );
            }
            9 => self.send(
                self.layout.counter(TICKETS),
                DataOperation::Add,
                1,
                15,
                Expect::Ticket,
            ),
            // Reserves a line and leaves it at that: nobody may wait for ever.
            10 => {
                let address = self.layout.counter(CONDITIONAL);
                self.send(
                    address,
                    DataOperation::LoadReserved,
                    0,
                    15,
                    Expect::Anything,
                );
            }
            11 => self.send(
                HART_COUNT,
                DataOperation::Load,
                0,
                15,
                Expect::Word(self.params.tiles),
            ),
            12 => {
                let offer = self.random.bits() as u32;
                self.maximum = self.maximum.max(offer);
                let address = self.layout.counter(MAXIMUM);
                self.send(
                    address,
                    DataOperation::MaxUnsigned,
                    offer,
                    15,
                    Expect::Anything,
                );
            }
            13 => {
                let offer = self.random.bits() as u32;
                self.minimum = (self.minimum as i32).min(offer as i32) as u32;
                let address = self.layout.counter(MINIMUM);
                self.send(address, DataOperation::Min, offer, 15, Expect::Anything);
            }
            14 => self.start_steps(Step::LoadReserved),
            15 => self.start_steps(Step::TakeLock),
            _ => self.start_steps(Step::Invalidate { hart, word }),
        }
    }

    /// Compares a reply with what was expected of it.
    fn check(&mut self, reply: DataReply) {
        let (tag, expect) = self.expected.pop_front().expect("a reply nobody asked for");
        assert_eq!(reply.tag, tag, "replies come in order");
        let data = reply.data;
        match expect {
            Expect::Anything => {}
            Expect::Word(word) => assert_eq!(data, word, "hart {}: {expect:?}", self.params.hart),
            Expect::Bits { mask, value } => {
                assert_eq!(data & mask, value, "hart {}", self.params.hart)
            }
            Expect::Version { hart, word } => self.check_version(hart, word, data),
            Expect::Ticket => {
                self.tickets += 1;
                self.ticket_sum += u64::from(data);
            }
            Expect::Step => self.follow(data),
        }
    }

    fn check_version(&mut self, hart: u32, word: u32, version: u32) {
        let least = self.latest_version(hart, word);
        let seen = &mut self.seen[hart as usize];
        assert!(
            version >= least && (version == 0 || version % self.params.words == word),
            "hart {} has seen version {seen} of hart {hart}, then finds {version} in word {word}",
            self.params.hart
        );
        if hart == self.params.hart {
            assert_eq!(version, least, "own stores are seen");
        }
        *seen = version.max(*seen);
    }

    /// The next step of an operation of several, given the answer to the last.
    fn follow(&mut self, data: u32) {
        let Plan::Await(step) = self.plan else {
            panic!("no step was under way: {:?}", self.plan)
        };
        self.plan = match step {
            Step::LoadReserved if self.random.chance(1, 3) => {
                self.lingers = true;
                Plan::Send(Step::Touch(data))
            }
            Step::LoadReserved => Plan::Send(Step::StoreConditional(data + 1)),
            Step::Touch(reserved) => Plan::Send(Step::StoreConditional(reserved + 1)),
            Step::StoreConditional(_) if data == 0 => {
                self.conditionals += 1;
                Plan::Nothing
            }
            Step::StoreConditional(_) => {
                assert_eq!(data, 1, "a conditional store fails with 1");
                Plan::Send(Step::LoadReserved)
            }
            Step::TakeLock if data == 0 => Plan::Send(Step::ReadGuarded),
            Step::TakeLock => Plan::Send(Step::TakeLock),
            Step::ReadGuarded => Plan::Send(Step::WriteGuarded(data + 1)),
            Step::WriteGuarded(_) => Plan::Send(Step::ReleaseLock),
            Step::ReleaseLock => {
                self.guarded += 1;
                Plan::Nothing
            }
            Step::SayDone if self.params.hart == 0 => Plan::Send(Step::AwaitAll),
            Step::SayDone => Plan::Finished,
            Step::AwaitAll if data == self.params.tiles => Plan::Send(Step::ReadCounter(0)),
            Step::AwaitAll => Plan::Send(Step::AwaitAll),
            Step::ReadCounter(number) => {
                self.counters[number as usize] = data;
                if number + 1 == COUNTER_NAMES.len() as u32 {
                    Plan::Finished
                } else {
                    Plan::Send(Step::ReadCounter(number + 1))
                }
            }
            Step::Invalidate { .. } | Step::FetchVersion { .. } => {
                panic!("{step:?} asks no data cache")
            }
        };
    }
}
