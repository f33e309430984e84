//! HOT. `riscv.instruction_cache`: the private instruction cache of a hart.
//!
//! | port | way | carries |
//! |---|---|---|
//! | `request` | in | addresses of instructions wanted, in order |
//! | `reply` | out | one reply per request, in order |
//! | `invalidate` | in | forget every line (`fence.i`) |
//! | `invalidated` | out | done: requests popped from now on see what memory holds |
//! | `miss` | out | class 1: `Fetch` requests to homes |
//! | `order` | in | class 2: the lines asked for |
//!
//! A hit is answered at the edge at which it is popped: one request per edge, the reply visible one edge
//! later. On a miss nothing else is done until the line has come, which is answered at that
//! edge. Invalidations are taken between misses, before the request of the same edge. A request
//! outside RAM is answered as a fault, without a message.
//!
//! The lines are copies that no directory tracks: see `coherence` for when they are current.

use super::cache_array::{CacheArray, Rights, SlotIndex};
use super::coherence::{LINE_WORDS, Order, OrderKind, Request, RequestKind, line_address};
use super::data_cache::node_number;
use super::ram_map::{RamMap, RamParams};
use super::signals::{FetchReply, FetchRequest};
use serde::{Deserialize, Serialize};
use tina_engine::{BuildError, Cycle, Effect, In, Module, Out, Probes, Results, State, Wiring};

/// Parameters of an instruction cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstructionCacheParams {
    /// Node of its tile.
    pub node: u32,
    /// Size in bytes.
    pub bytes: u32,
    /// Lines per set.
    pub ways: u32,
    /// Bytes of RAM of the whole machine.
    pub ram_bytes: u32,
    /// Banks of the whole machine, at nodes 0 and on.
    pub banks: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    /// It can take a request.
    Ready,
    /// A request missed and could not be sent for want of room.
    Send,
    /// The line will come into this slot.
    Await(SlotIndex),
}

/// What [`Stage`] is called in traces.
const STAGES: [&str; 3] = ["ready", "send", "await_line"];

/// No line has it.
const NO_ADDRESS: u32 = 1;

#[derive(Default, Serialize, Deserialize)]
struct Counts {
    hits: u64,
    misses: u64,
    faults: u64,
    invalidations: u64,
}

/// An instruction cache.
pub struct InstructionCache {
    requests: In<FetchRequest>,
    replies: Out<FetchReply>,
    orders: In<Order>,
    invalidates: In<()>,
    invalidated: Out<()>,
    misses: Out<Request>,
    array: CacheArray,
    /// Line and slot of the reply before this one, whose use is noted already: mostly the next
    /// instruction lies in the same line. [`NO_ADDRESS`] when there was none.
    recent: (u32, SlotIndex),
    stage: Stage,
    /// The request that missed; meaningful in every stage but `Ready`.
    pending: FetchRequest,
    map: RamMap,
    node: u16,
    counts: Counts,
}

impl Module for InstructionCache {
    const KIND: &'static str = "riscv.instruction_cache";
    const SUMMARY: &'static str = "private instruction cache: request -> reply; invalidate -> invalidated; to homes miss, from homes order";
    const COST_NS: f64 = 8.0;
    type Params = InstructionCacheParams;

    fn build(params: InstructionCacheParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let map = RamMap::build(RamParams {
            ram_bytes: params.ram_bytes,
            banks: params.banks,
        })?;
        Ok(Self {
            requests: wiring.input("request")?,
            replies: wiring.output("reply")?,
            orders: wiring.input("order")?,
            invalidates: wiring.input("invalidate")?,
            invalidated: wiring.output("invalidated")?,
            misses: wiring.output("miss")?,
            array: CacheArray::build(params.bytes, params.ways, wiring)?,
            recent: (NO_ADDRESS, SlotIndex::default()),
            stage: Stage::Ready,
            pending: FetchRequest {
                address: 0,
                predicted: 0,
                epoch: false,
            },
            map,
            node: node_number("node", params.node)?,
            counts: Counts::default(),
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        match self.stage {
            Stage::Ready => {
                if self.invalidates.ready() && self.invalidated.has_room() {
                    self.invalidate();
                }
                if self.replies.has_room()
                    && let Some(request) = self.requests.try_pop()
                {
                    self.fetch(request);
                }
            }
            Stage::Send => self.send(),
            Stage::Await(slot) => {
                if let Some(order) = self.orders.try_pop() {
                    self.take_line(slot, &order);
                }
            }
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        self.array.state(state);
        state
            .value(&mut self.recent)
            .value(&mut self.stage)
            .value(&mut self.pending)
            .value(&mut self.counts);
    }

    fn probe(&self, probes: &mut Probes<'_>) {
        let stage = match self.stage {
            Stage::Ready => 0,
            Stage::Send => 1,
            Stage::Await(_) => 2,
        };
        probes.choice("stage", &STAGES, stage);
        probes.number("hits", 48, self.counts.hits);
        probes.number("misses", 48, self.counts.misses);
    }

    fn report(&self, results: &mut Results) {
        results
            .count("hits", self.counts.hits)
            .described("fetches", "answered at once");
        results
            .count("misses", self.counts.misses)
            .described("fetches", "that waited for a line");
        results
            .count("faults", self.counts.faults)
            .described("fetches", "outside of memory");
        results
            .count("invalidations", self.counts.invalidations)
            .described("invalidations", "of the whole cache");
    }
}

impl InstructionCache {
    #[inline(always)]
    fn fetch(&mut self, request: FetchRequest) {
        if self.recent.0 == line_address(request.address) {
            self.counts.hits += 1;
            self.reply(&request, self.recent.1);
        } else if let Some(slot) = self.array.find(request.address) {
            self.counts.hits += 1;
            self.note_use(request.address, slot);
            self.reply(&request, slot);
        } else {
            self.miss(request);
        }
    }

    #[inline(always)]
    fn note_use(&mut self, address: u32, slot: SlotIndex) {
        self.array.touch(address, slot);
        self.recent = (line_address(address), slot);
    }

    #[inline(always)]
    fn reply(&mut self, request: &FetchRequest, slot: SlotIndex) {
        let FetchRequest {
            address,
            predicted,
            epoch,
        } = *request;
        let word = self.array.line(slot)[(address / 4) as usize % LINE_WORDS];
        self.replies.push(FetchReply {
            address,
            predicted,
            word,
            epoch,
            fault: false,
        });
    }

    #[inline(never)]
    fn miss(&mut self, request: FetchRequest) {
        if self.map.holds(request.address) {
            self.counts.misses += 1;
            self.pending = request;
            self.stage = Stage::Send;
            self.send();
        } else {
            self.counts.faults += 1;
            let FetchRequest {
                address,
                predicted,
                epoch,
            } = request;
            self.replies.push(FetchReply {
                address,
                predicted,
                word: 0,
                epoch,
                fault: true,
            });
        }
    }

    fn send(&mut self) {
        if !self.misses.has_room() {
            return;
        }
        let address = self.pending.address;
        let slot = self.array.place_for(address);
        let (bank, _) = self.map.place(address);
        self.stage = Stage::Await(slot);
        self.misses.push(Request {
            destination: bank as u16, // below NODES_MAX
            source: self.node,
            kind: RequestKind::Fetch,
            address: line_address(address),
            word: 0,
        });
    }

    #[inline(never)]
    fn take_line(&mut self, slot: SlotIndex, order: &Order) {
        let request = self.pending;
        let is_wanted =
            order.kind == OrderKind::GrantFetch && order.address == line_address(request.address);
        assert!(
            is_wanted,
            "an instruction cache was sent {:?} of {:#010x}",
            order.kind, order.address
        );
        self.array
            .install(slot, order.address, Rights::Shared, &order.line);
        self.note_use(request.address, slot);
        self.stage = Stage::Ready;
        self.reply(&request, slot);
    }

    #[inline(never)]
    fn invalidate(&mut self) {
        self.invalidates.pop();
        self.array.clear();
        self.recent.0 = NO_ADDRESS;
        self.counts.invalidations += 1;
        self.invalidated.push(());
    }
}
