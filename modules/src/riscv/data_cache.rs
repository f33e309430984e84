//! HOT. `riscv.data_cache`: the private, coherent write-back data cache of a hart.
//!
//! | port | way | carries |
//! |---|---|---|
//! | `request` | in | loads, stores, atomics and fences of the core, in program order |
//! | `reply` | out | one reply per request, in order, when it has been performed |
//! | `miss` | out | class 1: requests to homes and devices |
//! | `order` | in | class 2: grants, invalidations, recalls, device replies |
//! | `answer` | out | class 3: acknowledgements, recalled lines, write-backs |
//!
//! At an edge it takes one order or one request. A hit is performed and its reply pushed at the
//! edge at which the request is popped: one request per edge, the reply visible one edge later. A
//! miss sends the victim's write-back and the request at the same edge, if both have room, and
//! then only orders are taken until the grant has come, which performs it. A request is popped
//! only when the reply has room, so its reply can never be refused.
//!
//! Write-allocate. Device accesses go past the array.
//!
//! `LR` takes ownership of its line and reserves it; a reservation lives only as long as the
//! ownership, so `SC` never misses: it succeeds or fails at once. Orders for the reserved line are held
//! back for `reservation_hold` edges, or until `SC` has come, so that an `SC` that comes in that time
//! succeeds. A second `LR` while an order waits lets it go first. The rules of the protocol and why they
//! are right: `coherence`.

mod counts;

use super::cache_array::{CacheArray, Rights, SlotIndex};
use super::coherence::{
    Answer, AnswerKind, LINE_WORDS, NO_LINE, Order, OrderKind, Request, RequestKind, line_address,
};
use super::ram_map::{RamMap, RamParams};
use super::signals::{DataOperation, DataReply, DataRequest};
use counts::Counts;
use serde::{Deserialize, Serialize};
use tina_engine::{BuildError, Cycle, Effect, In, Module, Out, Probes, Results, State, Wiring};

/// Parameters of a data cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataCacheParams {
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
    /// Node of the devices.
    pub device_node: u32,
    /// Edges for which a line stays after `LR`, for its `SC` to come.
    #[serde(default = "reservation_hold_default")]
    pub reservation_hold: u32,
}

/// Time for the sixteen instructions of a constrained LR/SC loop and a few mispredicted branches.
const fn reservation_hold_default() -> u32 {
    64
}

/// The longest time that a reservation may hold back an order, in edges.
pub const RESERVATION_HOLD_MAX: u32 = 4096;

/// What the cache is doing for its core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    /// Nothing: it can take a request.
    Ready,
    /// A request missed and could not be sent for want of room.
    Send,
    /// The line will come into this slot, which is empty or holds the line shared.
    AwaitLine(SlotIndex),
    /// The device will reply.
    AwaitDevice,
}

/// What [`Stage`] is called in traces.
const STAGES: [&str; 4] = ["ready", "send", "await_line", "await_device"];

/// A coherent data cache.
pub struct DataCache {
    requests: In<DataRequest>,
    replies: Out<DataReply>,
    orders: In<Order>,
    misses: Out<Request>,
    answers: Out<Answer>,
    array: CacheArray,
    stage: Stage,
    /// Set when an order was taken: a request of the core goes before the next one.
    core_first: bool,
    /// The line reserved by `LR`, owned ever since: nobody else has stored to it.
    reservation: Option<u32>,
    /// The first edge at which orders for the reserved line are taken again.
    held_until: Cycle,
    reservation_hold: u64,
    /// The request that missed; meaningful in every stage but `Ready`.
    pending: DataRequest,
    /// When it was popped.
    missed_at: Cycle,
    map: RamMap,
    node: u16,
    device_node: u16,
    counts: Counts,
}

impl Module for DataCache {
    const KIND: &'static str = "riscv.data_cache";
    const SUMMARY: &'static str = "private coherent write-back cache: request -> reply; to homes miss and answer, from homes order";
    const COST_NS: f64 = 8.0;
    type Params = DataCacheParams;

    fn build(params: DataCacheParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let map = RamMap::build(RamParams {
            ram_bytes: params.ram_bytes,
            banks: params.banks,
        })?;
        if params.reservation_hold == 0 || params.reservation_hold > RESERVATION_HOLD_MAX {
            return Err(BuildError::param(
                "reservation_hold",
                format!(
                    "{}; it is 1 to {RESERVATION_HOLD_MAX}",
                    params.reservation_hold
                ),
            ));
        }
        Ok(Self {
            requests: wiring.input("request")?,
            replies: wiring.output("reply")?,
            orders: wiring.input("order")?,
            misses: wiring.output("miss")?,
            answers: wiring.output("answer")?,
            array: CacheArray::build(params.bytes, params.ways, wiring)?,
            stage: Stage::Ready,
            core_first: false,
            reservation: None,
            held_until: 0,
            reservation_hold: u64::from(params.reservation_hold),
            pending: DataRequest {
                address: 0,
                data: 0,
                tag: 0,
                mask: 0,
                operation: DataOperation::Fence,
                uncached: false,
            },
            missed_at: 0,
            map,
            node: node_number("node", params.node)?,
            device_node: node_number("device_node", params.device_node)?,
            counts: Counts::default(),
        })
    }

    #[inline(always)]
    fn clock(&mut self, now: Cycle) -> Effect {
        let mut effect = Effect::Receive;
        if self.orders.ready() && !(self.core_first && self.core_can_act()) {
            match self.take_order(now) {
                Taken::Done => {
                    self.core_first = true;
                    return Effect::Receive;
                }
                Taken::NoRoom => {}
                Taken::Held => effect = Effect::Sleep(self.held_until - now),
            }
        }
        match self.stage {
            Stage::Ready => {
                if self.replies.has_room()
                    && let Some(request) = self.requests.try_pop()
                {
                    self.core_first = false;
                    self.access(request, now);
                }
            }
            Stage::Send => self.send(),
            Stage::AwaitLine(_) | Stage::AwaitDevice => {}
        }
        effect
    }

    fn state(&mut self, state: &mut State<'_>) {
        self.array.state(state);
        state
            .value(&mut self.stage)
            .value(&mut self.core_first)
            .value(&mut self.reservation)
            .value(&mut self.held_until)
            .value(&mut self.pending)
            .value(&mut self.missed_at)
            .value(&mut self.counts);
    }

    fn probe(&self, probes: &mut Probes<'_>) {
        let stage = match self.stage {
            Stage::Ready => 0,
            Stage::Send => 1,
            Stage::AwaitLine(_) => 2,
            Stage::AwaitDevice => 3,
        };
        probes.choice("stage", &STAGES, stage);
        probes.number("hits", 48, self.counts.hits);
        probes.number("misses", 48, self.counts.misses);
        probes.flag("reserved", self.reservation.is_some());
    }

    fn report(&self, results: &mut Results) {
        self.counts.report(results);
    }
}

/// What became of the order at the head.
enum Taken {
    /// It was obeyed.
    Done,
    /// Its answer has no room.
    NoRoom,
    /// Its line is reserved.
    Held,
}

/// Whether the cache must own the line: to write it, or to reserve it.
#[inline(always)]
const fn needs_ownership(operation: DataOperation) -> bool {
    operation.needs_ownership() || matches!(operation, DataOperation::LoadReserved)
}

/// Checks the number of a node.
pub(super) fn node_number(name: &'static str, node: u32) -> Result<u16, BuildError> {
    let nodes_max = super::coherence::NODES_MAX;
    if node >= nodes_max {
        return Err(BuildError::param(
            name,
            format!("{node}; a machine has at most {nodes_max} nodes"),
        ));
    }
    Ok(node as u16)
}

impl DataCache {
    /// Performs a request that hits; begins to serve one that misses.
    #[inline(always)]
    fn access(&mut self, request: DataRequest, now: Cycle) {
        // Devices and fences have addresses that are never in the array.
        if let Some(slot) = self.array.find(request.address)
            && (!needs_ownership(request.operation)
                || self.array.rights(slot) >= Rights::OwnedClean)
        {
            self.counts.hits += 1;
            self.array.touch(request.address, slot);
            let data = self.perform(&request, slot, now);
            self.replies.push(DataReply {
                data,
                tag: request.tag,
            });
        } else {
            self.miss(request, now);
        }
    }

    /// Does what a request asks, on a line that the cache holds with the rights for it.
    #[inline(always)]
    fn perform(&mut self, request: &DataRequest, slot: SlotIndex, now: Cycle) -> u32 {
        let word = (request.address / 4) as usize % LINE_WORDS;
        let old = self.array.line(slot)[word];
        let operation = request.operation;
        let (reply, new) = match operation {
            DataOperation::Load | DataOperation::Fence => return old,
            DataOperation::LoadReserved => {
                self.reserve(line_address(request.address), now);
                return old;
            }
            DataOperation::StoreConditional => {
                if self.reservation.take() != Some(line_address(request.address)) {
                    self.counts.failed_conditionals += 1;
                    return 1;
                }
                (0, request.data)
            }
            DataOperation::Store => {
                let lanes = lanes(request.mask);
                (request.data, old & !lanes | request.data & lanes)
            }
            DataOperation::Swap
            | DataOperation::Add
            | DataOperation::Xor
            | DataOperation::And
            | DataOperation::Or
            | DataOperation::Min
            | DataOperation::Max
            | DataOperation::MinUnsigned
            | DataOperation::MaxUnsigned => (old, operation.combine(old, request.data)),
        };
        debug_assert!(
            self.array.rights(slot) >= Rights::OwnedClean,
            "only an owned line is written"
        );
        self.array.line_mut(slot)[word] = new;
        self.array.set_rights(slot, Rights::OwnedDirty);
        reply
    }

    /// Reserves an owned line, and holds it unless that was tried and somebody waits for it now.
    fn reserve(&mut self, line: u32, now: Cycle) {
        let again = self.reservation == Some(line) && self.orders.ready();
        self.held_until = if again {
            now
        } else {
            now + self.reservation_hold
        };
        self.reservation = Some(line);
    }

    /// A request that the array cannot serve.
    #[inline(never)]
    fn miss(&mut self, request: DataRequest, now: Cycle) {
        let answer_now = match request.operation {
            DataOperation::Fence => Some(0),
            // A reserved line is owned, so this one is not reserved.
            DataOperation::StoreConditional => {
                self.reservation = None;
                self.counts.failed_conditionals += 1;
                Some(1)
            }
            _ => None,
        };
        if let Some(data) = answer_now {
            self.replies.push(DataReply {
                data,
                tag: request.tag,
            });
            return;
        }
        self.pending = request;
        self.missed_at = now;
        self.stage = Stage::Send;
        self.send();
    }

    /// Sends the pending request, if there is room for all that goes with it.
    #[inline(never)]
    fn send(&mut self) {
        if !self.misses.has_room() {
            return;
        }
        let DataRequest {
            address,
            data,
            mask,
            operation,
            uncached,
            ..
        } = self.pending;
        if uncached {
            self.counts.device_accesses += 1;
            let (kind, word) = match operation {
                DataOperation::Store => (
                    RequestKind::DeviceStore,
                    data >> (8 * mask.trailing_zeros().min(3)),
                ),
                _ => (RequestKind::DeviceLoad, 0),
            };
            // The register: devices have one for each byte.
            let address = address + mask.trailing_zeros().min(3);
            self.stage = Stage::AwaitDevice;
            self.push_request(self.device_node, kind, address, word);
            return;
        }
        let slot = self.array.place_for(address);
        let line = line_address(address);
        if self.array.rights(slot) == Rights::Nothing {
            self.counts.misses += 1;
        } else if self.array.address(slot) == line {
            self.counts.misses += 1;
            self.counts.upgrades += 1;
        } else if self.evict(slot) {
            self.counts.misses += 1;
            self.counts.evictions += 1;
        } else {
            return;
        }
        let kind = if needs_ownership(operation) {
            RequestKind::Own
        } else {
            RequestKind::Read
        };
        let (bank, _) = self.map.place(address);
        self.stage = Stage::AwaitLine(slot);
        self.push_request(bank as u16, kind, line, 0); // a bank, below NODES_MAX
    }

    fn push_request(&mut self, destination: u16, kind: RequestKind, address: u32, word: u32) {
        self.misses.push(Request {
            destination,
            source: self.node,
            kind,
            address,
            word,
        });
        self.core_first = false;
    }

    /// Empties a slot; false, with nothing done, if its write-back has no room.
    fn evict(&mut self, slot: SlotIndex) -> bool {
        let address = self.array.address(slot);
        let kind = match self.array.rights(slot) {
            Rights::Nothing | Rights::Shared => None,
            Rights::OwnedClean => Some(AnswerKind::PutClean),
            Rights::OwnedDirty => Some(AnswerKind::PutDirty),
        };
        if let Some(kind) = kind {
            if !self.answers.has_room() {
                return false;
            }
            self.counts.write_backs += u64::from(kind == AnswerKind::PutDirty);
            self.push_answer(kind, address, Some(slot));
        }
        self.give_up(slot, Rights::Nothing);
        true
    }

    /// Keeps no more than `rights` to a line. Its reservation ends: others may store to it from now
    /// on.
    fn give_up(&mut self, slot: SlotIndex, rights: Rights) {
        if self.reservation == Some(self.array.address(slot)) {
            self.reservation = None;
        }
        self.array.set_rights(slot, rights);
    }

    fn push_answer(&mut self, kind: AnswerKind, address: u32, slot: Option<SlotIndex>) {
        let line = match (kind, slot) {
            (AnswerKind::PutDirty | AnswerKind::RecallDirty, Some(slot)) => *self.array.line(slot),
            _ => NO_LINE,
        };
        let (bank, _) = self.map.place(address);
        let destination = bank as u16; // below NODES_MAX
        self.answers.push(Answer {
            destination,
            source: self.node,
            kind,
            address,
            line,
        });
    }

    /// Whether the core's side could do something at this edge.
    #[inline(never)]
    fn core_can_act(&self) -> bool {
        match self.stage {
            Stage::Ready => self.requests.ready() && self.replies.has_room(),
            Stage::Send => self.misses.has_room() && self.answers.has_room(),
            Stage::AwaitLine(_) | Stage::AwaitDevice => false,
        }
    }

    /// Takes the order at the head, unless its answer has no room or its line is reserved.
    #[inline(never)]
    fn take_order(&mut self, now: Cycle) -> Taken {
        let order = self.orders.peek().expect("called with an order ready");
        let (kind, address) = (order.kind, order.address);
        match kind {
            OrderKind::GrantShared => self.take_line(Rights::Shared, now),
            OrderKind::GrantOwned => self.take_line(Rights::OwnedClean, now),
            OrderKind::DeviceReply => {
                assert!(
                    self.stage == Stage::AwaitDevice,
                    "a device replied to nobody"
                );
                let data = self.orders.pop().line[0];
                self.reply_to_pending(data);
            }
            OrderKind::Invalidate | OrderKind::RecallAll | OrderKind::RecallWrite => {
                if self.reservation == Some(address) && now < self.held_until {
                    return Taken::Held;
                }
                if !self.answers.has_room() {
                    return Taken::NoRoom;
                }
                self.orders.pop();
                self.obey(kind, address);
            }
            OrderKind::GrantFetch => {
                panic!("a line for the instruction cache reached the data cache")
            }
        }
        Taken::Done
    }

    /// A grant: the line goes into its slot, and the operation that waited for it is performed.
    fn take_line(&mut self, rights: Rights, now: Cycle) {
        let Stage::AwaitLine(slot) = self.stage else {
            panic!("a line was granted to a cache that waits for none");
        };
        let order = self.orders.pop();
        let request = self.pending;
        assert!(
            order.address == line_address(request.address),
            "granted {:#010x}",
            order.address
        );
        self.array.install(slot, order.address, rights, &order.line);
        self.array.touch(request.address, slot);
        self.counts.miss_latency.take(now - self.missed_at);
        let data = self.perform(&request, slot, now);
        self.reply_to_pending(data);
    }

    fn reply_to_pending(&mut self, data: u32) {
        self.stage = Stage::Ready;
        self.replies.push(DataReply {
            data,
            tag: self.pending.tag,
        });
    }

    /// Gives up what an invalidation or recall asks for, and answers.
    fn obey(&mut self, kind: OrderKind, address: u32) {
        let slot = self.array.find(address);
        let rights = slot.map_or(Rights::Nothing, |slot| self.array.rights(slot));
        let answer = if kind == OrderKind::Invalidate {
            self.counts.invalidations += 1;
            assert!(
                rights <= Rights::Shared,
                "an owned line is recalled, not invalidated"
            );
            AnswerKind::Acknowledge
        } else {
            self.counts.recalls += 1;
            assert!(
                rights != Rights::Shared,
                "the home believes that a shared line is owned"
            );
            match rights {
                Rights::OwnedDirty => AnswerKind::RecallDirty,
                Rights::OwnedClean => AnswerKind::RecallClean,
                Rights::Nothing | Rights::Shared => AnswerKind::RecallAbsent,
            }
        };
        self.push_answer(answer, address, slot);
        if let Some(slot) = slot {
            let kept = if kind == OrderKind::RecallWrite {
                Rights::Shared
            } else {
                Rights::Nothing
            };
            self.give_up(slot, kept);
        }
    }
}

/// The bits of the bytes that a mask of four bytes names.
#[inline(always)]
const fn lanes(mask: u8) -> u32 {
    // Bit k of the mask goes to bit 8k, then each is spread over its byte.
    let spread = (mask as u32 & 15).wrapping_mul(0x0020_4081) & 0x0101_0101;
    spread * 0xff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_become_lanes() {
        for mask in 0..16u8 {
            let expected = (0..4)
                .filter(|byte| mask >> byte & 1 == 1)
                .map(|byte| 0xff << (8 * byte))
                .sum();
            assert_eq!(lanes(mask), expected, "{mask}");
        }
    }
}
