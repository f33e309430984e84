//! `riscv.home`: a bank of RAM with the directory of its lines.
//!
//! | port | way | carries |
//! |---|---|---|
//! | `request` | in | class 1: what caches ask for |
//! | `answer` | in | class 3: acknowledgements, recalled lines, write-backs; taken at every edge |
//! | `order` | out | class 2: grants, invalidations, recalls |
//!
//! RAM is interleaved by line: line n lies in bank n mod `banks`, and bank b stands at node b. One
//! request is served at a time (see `coherence` for why). From taking it to pushing the grant go at
//! least `latency` edges, the time of the RAM; invalidations go out meanwhile, one per edge, and
//! the grant waits for their answers too. A write-back costs no time (it waits in a buffer for a
//! free moment of the RAM, and the buffer is not modelled).
//!
//! The contents at boot come from the program image. Knows nothing of devices or cores.

use super::coherence::{
    Answer, AnswerKind, LINE_BYTES, LINE_WORDS, Line, NO_LINE, Order, OrderKind, Request,
    RequestKind,
};
use super::directory::{Directory, Holders};
use super::image::{Image, Segment};
use super::platform::RAM_BASE;
use super::ram_map::{RamMap, RamParams};
use serde::{Deserialize, Serialize};
use tina_engine::{BuildError, Cycle, Effect, In, Memory, Module, Out, Results, State, Wiring};

/// Parameters of a bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HomeParams {
    /// Number of the bank, and of the node at which it stands.
    pub node: u32,
    /// Bytes of RAM of the whole machine.
    pub ram_bytes: u32,
    /// Banks of the whole machine.
    pub banks: u32,
    /// Tiles with a data cache, at nodes 0 to `tiles` − 1.
    pub tiles: u32,
    /// Edges from taking a request to its grant, at least 1.
    pub latency: u32,
}

/// The longest latency of a bank.
pub const LATENCY_MAX: u32 = 1 << 20;

/// The request being served.
#[derive(Serialize, Deserialize)]
struct Transaction {
    request: Request,
    /// Its line within the bank.
    line: usize,
    /// What the other caches are told.
    order: OrderKind,
    /// The tile to be told next, if there is one.
    next_target: Option<u32>,
    /// Answers that are still to come.
    awaited: u32,
    /// The first edge at which the RAM has the line ready.
    due: Cycle,
}

#[derive(Default, Serialize, Deserialize)]
struct Counts {
    reads: u64,
    owns: u64,
    fetches: u64,
    invalidations: u64,
    recalls: u64,
    /// Recalls that crossed a `Put` on its way.
    crossings: u64,
    lines_written: u64,
}

/// A bank of RAM and its directory.
pub struct Home {
    requests: In<Request>,
    answers: In<Answer>,
    orders: Out<Order>,
    lines: Memory<Line>,
    directory: Directory,
    map: RamMap,
    node: u16,
    latency: u64,
    transaction: Option<Transaction>,
    counts: Counts,
}

impl Module for Home {
    const KIND: &'static str = "riscv.home";
    const SUMMARY: &'static str =
        "bank of shared RAM with the directory of its lines: request, answer -> order";
    const COST_NS: f64 = 12.0;
    type Params = HomeParams;

    fn build(params: HomeParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let map = RamMap::build(RamParams {
            ram_bytes: params.ram_bytes,
            banks: params.banks,
        })?;
        if params.node >= params.banks {
            return Err(BuildError::param(
                "node",
                format!(
                    "{}; there are {} banks, at nodes 0 and on",
                    params.node, params.banks
                ),
            ));
        }
        if params.latency == 0 || params.latency > LATENCY_MAX {
            return Err(BuildError::param(
                "latency",
                format!("{}; a bank takes 1 to {LATENCY_MAX} edges", params.latency),
            ));
        }
        let image = wiring.resource::<Image>();
        if let Some(image) = image {
            image
                .check_within(RAM_BASE, params.ram_bytes)
                .map_err(|error| BuildError::param("ram_bytes", error.to_string()))?;
        }
        let line_count = map.lines_of_bank(params.node);
        let fill = |lines: &mut [Line]| {
            if let Some(image) = image {
                // What lies behind the program stays untouched, so that the host need not back it.
                let end = image.segments().iter().map(Segment::end).max();
                let bytes = end.map_or(0, |end| end - u64::from(RAM_BASE));
                let stride = params.banks * LINE_BYTES;
                let used = (bytes.div_ceil(u64::from(stride)) as usize).min(lines.len());
                let first = RAM_BASE + params.node * LINE_BYTES;
                image.copy_interleaved(first, LINE_WORDS, stride, lines[..used].as_flattened_mut());
            }
        };
        Ok(Self {
            requests: wiring.input("request")?,
            answers: wiring.input("answer")?,
            orders: wiring.output("order")?,
            lines: wiring.memory_with(line_count, fill)?,
            directory: Directory::build(params.tiles, line_count, wiring)?,
            map,
            node: params.node as u16, // below NODES_MAX, as the number of banks is
            latency: u64::from(params.latency),
            transaction: None,
            counts: Counts::default(),
        })
    }

    #[inline(always)]
    fn clock(&mut self, now: Cycle) -> Effect {
        if let Some(answer) = self.answers.try_pop() {
            self.take(&answer);
        }
        if self.transaction.is_none()
            && let Some(request) = self.requests.try_pop()
        {
            self.begin(request, now);
        }
        self.advance(now)
    }

    fn state(&mut self, state: &mut State<'_>) {
        self.directory.state(state);
        state
            .memory(&mut self.lines)
            .value(&mut self.transaction)
            .value(&mut self.counts);
    }

    fn report(&self, results: &mut Results) {
        results
            .count("reads", self.counts.reads)
            .described("requests", "to read a line");
        results
            .count("owns", self.counts.owns)
            .described("requests", "to write a line");
        results
            .count("fetches", self.counts.fetches)
            .described("requests", "for instructions");
        results
            .count("invalidations", self.counts.invalidations)
            .described("orders", "to give a line up");
        results
            .count("recalls", self.counts.recalls)
            .described("orders", "to hand a line over");
        results
            .count("crossings", self.counts.crossings)
            .described("lines", "that were given up while they were recalled");
        results
            .count("lines_written", self.counts.lines_written)
            .described("lines", "written to the bank");
    }
}

impl Home {
    /// Decides who has to give up what before the request can be granted.
    fn begin(&mut self, request: Request, now: Cycle) {
        let (bank, line) = self.map.place(request.address);
        assert!(
            bank == u32::from(self.node),
            "a request reached bank {} instead of {bank}",
            self.node
        );
        let requester = u32::from(request.source);
        let (order, next_target) = match (self.directory.holders(line), request.kind) {
            (Holders::Owner(owner), RequestKind::Own) => (OrderKind::RecallAll, Some(owner)),
            (Holders::Owner(owner), RequestKind::Read | RequestKind::Fetch) => {
                (OrderKind::RecallWrite, Some(owner))
            }
            (Holders::Sharers(sharers), RequestKind::Own) => (
                OrderKind::Invalidate,
                self.directory.next_sharer(sharers, 0, requester),
            ),
            (Holders::Sharers(_), RequestKind::Read | RequestKind::Fetch) => {
                (OrderKind::Invalidate, None)
            }
            (_, RequestKind::DeviceLoad | RequestKind::DeviceStore) => {
                panic!(
                    "a device access at {:#010x} reached a bank of RAM",
                    request.address
                )
            }
        };
        let due = now + self.latency;
        self.transaction = Some(Transaction {
            request,
            line,
            order,
            next_target,
            awaited: 0,
            due,
        });
    }

    /// Does the next step of the transaction, if there is one and it can be done.
    fn advance(&mut self, now: Cycle) -> Effect {
        let Some(transaction) = &mut self.transaction else {
            return Effect::Receive;
        };
        if let Some(target) = transaction.next_target {
            if self.orders.has_room() {
                self.orders.push(Order {
                    destination: target as u16, // a tile, below NODES_MAX
                    source: self.node,
                    kind: transaction.order,
                    address: transaction.request.address,
                    line: NO_LINE,
                });
                transaction.awaited += 1;
                transaction.next_target = None;
                if transaction.order == OrderKind::Invalidate {
                    self.counts.invalidations += 1;
                    if let Holders::Sharers(sharers) = self.directory.holders(transaction.line) {
                        let requester = u32::from(transaction.request.source);
                        transaction.next_target =
                            self.directory.next_sharer(sharers, target + 1, requester);
                    }
                } else {
                    self.counts.recalls += 1;
                }
            }
            return Effect::Receive;
        }
        if transaction.awaited > 0 || !self.orders.has_room() {
            return Effect::Receive;
        }
        if now < transaction.due {
            return Effect::Sleep(transaction.due - now);
        }
        self.grant();
        Effect::Receive
    }

    /// Ends the transaction: nobody stands against its request any more.
    fn grant(&mut self) {
        let Transaction { request, line, .. } = self
            .transaction
            .take()
            .expect("called with a transaction to end");
        let requester = u32::from(request.source);
        let kind = match (request.kind, self.directory.holders(line)) {
            (RequestKind::Fetch, _) => {
                self.counts.fetches += 1;
                OrderKind::GrantFetch
            }
            (RequestKind::Read, Holders::Sharers(sharers)) if !sharers.is_empty() => {
                self.counts.reads += 1;
                self.directory.add_sharer(line, requester);
                OrderKind::GrantShared
            }
            (RequestKind::Read, _) => {
                self.counts.reads += 1;
                self.directory.set_owner(line, requester);
                OrderKind::GrantOwned
            }
            (RequestKind::Own, _) => {
                self.counts.owns += 1;
                self.directory.set_owner(line, requester);
                OrderKind::GrantOwned
            }
            (RequestKind::DeviceLoad | RequestKind::DeviceStore, _) => {
                unreachable!("refused by `begin`")
            }
        };
        self.orders.push(Order {
            destination: request.source,
            source: self.node,
            kind,
            address: request.address,
            line: self.lines[line],
        });
    }

    /// Takes an answer in, whatever the transaction is waiting for.
    fn take(&mut self, answer: &Answer) {
        let (_, line) = self.map.place(answer.address);
        let source = u32::from(answer.source);
        match answer.kind {
            AnswerKind::Acknowledge => {}
            AnswerKind::RecallDirty | AnswerKind::RecallClean => {
                self.forget_owner(line, source);
                if self
                    .transaction
                    .as_ref()
                    .is_some_and(|one| one.order == OrderKind::RecallWrite)
                {
                    self.directory.add_sharer(line, source);
                }
            }
            AnswerKind::PutDirty | AnswerKind::PutClean => self.forget_owner(line, source),
            // Its `Put` came before.
            AnswerKind::RecallAbsent => {
                self.counts.crossings += 1;
                assert!(
                    !matches!(self.directory.holders(line), Holders::Owner(_)),
                    "tile {source} neither holds nor has put the line at {:#010x}",
                    answer.address
                );
            }
        }
        if matches!(answer.kind, AnswerKind::RecallDirty | AnswerKind::PutDirty) {
            self.lines[line] = answer.line;
            self.counts.lines_written += 1;
        }
        if !matches!(answer.kind, AnswerKind::PutDirty | AnswerKind::PutClean) {
            let transaction = self.transaction.as_mut().filter(|one| one.line == line);
            let transaction =
                transaction.expect("an answer comes while its transaction waits for it");
            transaction.awaited = transaction
                .awaited
                .checked_sub(1)
                .expect("one answer per order");
        }
    }

    fn forget_owner(&mut self, line: usize, source: u32) {
        let holders = self.directory.holders(line);
        assert!(
            holders == Holders::Owner(source),
            "tile {source} gave up line {line}, held by {holders:?}"
        );
        self.directory.clear(line);
    }
}
