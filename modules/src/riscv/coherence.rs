//! How the harts of a machine share memory: the packets, and why the protocol is right.
//!
//! Every tile has a private instruction cache and a private data cache; the RAM is interleaved by
//! line over banks, each with the directory of its lines, its *home*. A line is 32 bytes, and
//! every message is one packet that fits a wire. Three classes of message travel on three separate
//! networks:
//!
//! ```text
//!   class 1  Request  cache → home    Read, Own, Fetch; loads and stores of devices
//!   class 2  Order    home  → cache   grants with the line, Invalidate, Recall; device replies
//!   class 3  Answer   cache → home    acknowledgements, recalled lines, write-backs
//!
//!   data cache          home                      owner (or sharers)
//!      │── Own ─────────►│ accepts nothing else      │
//!      │                 │── Recall (Invalidate) ───►│
//!      │                 │◄── RecallDirty (Ack) ─────│
//!      │◄─ GrantOwned ───│ next request              │
//! ```
//!
//! The scheme is a directory MESI protocol, home-centric and blocking: a home serves one request
//! at a time and, before it grants, has collected every answer it asked for. A line in a data cache is
//! *shared* (readable), *owned clean* or *owned dirty* (readable and writable); a write makes
//! an owned line dirty without a message. Rules:
//!
//! 1. `Read` is granted shared, or owned if nobody holds the line. `Own` is granted owned after every
//!    other copy is gone. `Fetch` (the instruction cache) is granted a copy that nobody tracks.
//!    A grant always carries the line, even to a cache that still has it shared.
//! 2. A home that finds an owner in its directory sends it a recall, *whoever it is*, also to
//!    the requester itself, and waits for the answer. Each recall and each invalidation is answered
//!    exactly once, also by a cache that does not hold the line any more.
//! 3. A cache that evicts an owned line says so (`PutDirty` with the line, `PutClean`) before it
//!    sends the request that needed the room. A shared line is dropped silently.
//! 4. A cache has one miss outstanding. When its grant arrives it performs the waiting operation
//!    in the same edge; only at a later edge can it take the next order.
//!
//! What is asked of the networks: messages of one class from one sender to one receiver arrive in
//! the order in which they were sent. Dimension-ordered routing over FIFOs keeps it. Classes may
//! overtake each other freely.
//!
//! **Who holds what.** Invariant: when a home's directory says that a cache owns a line, then the
//! cache holds it owned, or the grant is on its way to it, or a `Put` or a recall's answer is on its
//! way back; in all other cases the cache does not hold the line owned. The directory names an
//! owner when it grants and forgets it when the `Put` or the answer arrives; the cache gives
//! ownership up exactly when it sends one. The race of an eviction with a recall resolves by order:
//! the `Put` was sent first, so it reaches the home first; the answer is then `RecallAbsent`, and the
//! home has seen all there is. A requester that is recorded as owner has such a `Put` in flight,
//! and rule 2 waits for it without a special case. Likewise every cache that holds a line shared
//! is among the sharers: it became one by a grant and leaves only by an invalidation (its silent
//! eviction leaves the directory too large, never too small; the directory may also stand for a group of
//! tiles by one bit). An invalidation follows the grant it revokes on the same class, so it
//! cannot be overtaken by it.
//!
//! **Single writer, multiple readers.** Ownership is granted only when the directory holds no other
//! owner and all sharers have acknowledged, a shared copy only when the owner has answered a recall.
//! With the invariant: at any edge a line has one owner and no sharer, or no owner.
//!
//! **Values.** A home's bank is current whenever its directory names no owner: ownership ends with a
//! `Put` or an answer that carries the line if it was written. So every grant carries the latest
//! value, and by the single writer no copy goes stale while it is readable. Each hart performs its accesses in
//! program order, one at a time, each at one edge at which its cache holds the line with
//! the needed right; order all accesses by these edges, and every load returns the latest store to its
//! address in that order: memory is **sequentially consistent**, so `fence` needs no
//! work of its own.
//!
//! **Atomics.** An AMO is performed at one edge on an owned line: nobody else holds the line at that
//! edge, so nothing comes between its load and its store. `LR` takes ownership of its line and
//! reserves it; the reservation ends with the ownership, so while it lives no other hart has even
//! read the line, and `SC` succeeds exactly if it lives. `SC` never sends a request.
//! A cache holds back orders for a reserved line for a bounded time, in which an `SC` that comes
//! succeeds; a repeated `LR` does not prolong it when somebody waits. So of a loop of `LR` and `SC` that
//! is short enough, at most one round fails: the next `LR` misses, and its `SC` comes in time. (Without
//! holding, harts can take each other's reservations away for ever; a random test found the orbit.)
//!
//! **Instructions.** `fence.i` empties the instruction cache after the hart's own stores were
//! performed; the next fetch is a `Fetch`, and its home recalls a written line from its owner
//! first. So a hart that stored code, or was told by a hart that did, fetches the new code.
//!
//! **No deadlock.** Homes take answers (class 3) at every edge and need nothing for it, so class 3
//! drains. Caches take orders (class 2) after a bounded time at most, needing no more than room in
//! class 3: the room for the reply to the core is reserved before a request of the core is
//! taken. So class 2 drains. A
//! home in a transaction needs room in class 2 and answers in class 3, both of which come, so it ends
//! every transaction and takes the next request: class 1 drains. Devices reply to a request
//! with one order. The networks themselves are free of cycles by dimension order.
//!
//! **No starvation.** Requests queue in FIFOs and routers arbitrate in turns, so each is served;
//! rule 4 performs the operation it was for, whoever wants the line next. A cache that
//! has taken an order lets a request of its core pass before the next order.
//!
//! This file knows the packets only; the state machines are in `data_cache`, `instruction_cache`
//! and `home`.

use crate::noc::Routed;
use tina_engine::{Field, FieldValues, Signal, absorb};

/// Bytes of a line: the unit of caching, coherence and interleaving.
pub const LINE_BYTES: u32 = 32;

/// Words of a line.
pub const LINE_WORDS: usize = LINE_BYTES as usize / 4;

/// The contents of a line.
pub type Line = [u32; LINE_WORDS];

/// A line of zeros.
pub const NO_LINE: Line = [0; LINE_WORDS];

/// The most nodes of a machine: a node number fits 14 bits.
pub const NODES_MAX: u32 = 1 << 14;

/// What a cache asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// A readable copy of a line for a data cache.
    Read,
    /// The right to write a line.
    Own,
    /// A copy of a line for an instruction cache, untracked.
    Fetch,
    /// A load of a device register.
    DeviceLoad,
    /// A store to a device register.
    DeviceStore,
}

/// Class 1: a cache asks a home or a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Node of the home or device.
    pub destination: u16,
    /// Node of the tile that asks.
    pub source: u16,
    /// What it asks for.
    pub kind: RequestKind,
    /// Address of the line, or of the device register.
    pub address: u32,
    /// The word stored to a device register, else 0.
    pub word: u32,
}

/// What a home or device tells a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderKind {
    /// Grant of a readable copy.
    GrantShared,
    /// Grant of the only copy, which may be written.
    GrantOwned,
    /// Grant of a copy to the instruction cache.
    GrantFetch,
    /// Give up a shared copy and acknowledge.
    Invalidate,
    /// Give up the owned line entirely and answer.
    RecallAll,
    /// Give up ownership, keep a shared copy and answer.
    RecallWrite,
    /// The result of a device access.
    DeviceReply,
}

/// Class 2: a home or a device tells a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Node of the tile.
    pub destination: u16,
    /// Node of the home or device.
    pub source: u16,
    /// What to do.
    pub kind: OrderKind,
    /// Address of the line, or of the device register.
    pub address: u32,
    /// The line of a grant; the word loaded from a device register in its first word; else zeros.
    pub line: Line,
}

/// What a data cache answers, or says of its own accord.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// An invalidation is done.
    Acknowledge,
    /// The recalled line, which was written.
    RecallDirty,
    /// The recalled line was not written.
    RecallClean,
    /// The recalled line is not here: a `Put` was sent before.
    RecallAbsent,
    /// An owned line is evicted; it was written, here it is.
    PutDirty,
    /// An owned line is evicted; it was not written.
    PutClean,
}

/// Class 3: a data cache answers a home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Node of the home.
    pub destination: u16,
    /// Node of the tile that answers.
    pub source: u16,
    /// What it says.
    pub kind: AnswerKind,
    /// Address of the line.
    pub address: u32,
    /// The line of `RecallDirty` and `PutDirty`, else zeros.
    pub line: Line,
}

/// The header of a packet as one word of a digest: it costs less than a word per field.
#[inline(always)]
fn header(destination: u16, source: u16, kind: u8, address: u32) -> u64 {
    let nodes = u64::from(destination) | u64::from(source) << 14;
    nodes | u64::from(kind) << 28 | u64::from(address) << 32
}

/// Two words of a line at a time.
#[inline(always)]
fn absorb_line(line: &Line, digest: u64) -> u64 {
    let (pairs, _) = line.as_chunks::<2>();
    pairs.iter().fold(digest, |digest, &[low, high]| {
        absorb(digest, u64::from(low) | u64::from(high) << 32)
    })
}

const DESTINATION: Field = Field::new("destination", 14);
const SOURCE: Field = Field::new("source", 14);
const ADDRESS: Field = Field::new("address", 32);
const LINE: Field = Field::new("line", LINE_BYTES * 8);
const REQUEST_KIND: Field = Field::choice(
    "kind",
    3,
    &["read", "own", "fetch", "device_load", "device_store"],
);
const ORDER_KIND: Field = Field::choice(
    "kind",
    3,
    &[
        "grant_shared",
        "grant_owned",
        "grant_fetch",
        "invalidate",
        "recall_all",
        "recall_write",
        "device_reply",
    ],
);
const ANSWER_KIND: Field = Field::choice(
    "kind",
    3,
    &[
        "acknowledge",
        "recall_dirty",
        "recall_clean",
        "recall_absent",
        "put_dirty",
        "put_clean",
    ],
);

impl Signal for Request {
    const NAME: &'static str = "Request";
    const BITS: u32 = 14 + 14 + 3 + 32 + 32;
    const FIELDS: &'static [Field] = &[
        DESTINATION,
        SOURCE,
        REQUEST_KIND,
        ADDRESS,
        Field::new("word", 32),
    ];
    #[inline(always)]
    fn absorb_into(&self, digest: u64) -> u64 {
        let header = header(self.destination, self.source, self.kind as u8, self.address);
        absorb(absorb(digest, header), u64::from(self.word))
    }
    fn fields_into(&self, fields: &mut FieldValues<'_>) {
        fields.number(u64::from(self.destination));
        fields.number(u64::from(self.source));
        fields.number(self.kind as u64);
        fields.number(u64::from(self.address));
        fields.number(u64::from(self.word));
    }
}

impl Signal for Order {
    const NAME: &'static str = "Order";
    const BITS: u32 = 14 + 14 + 3 + 32 + LINE_BYTES * 8;
    const FIELDS: &'static [Field] = &[DESTINATION, SOURCE, ORDER_KIND, ADDRESS, LINE];
    #[inline(always)]
    fn absorb_into(&self, digest: u64) -> u64 {
        let header = header(self.destination, self.source, self.kind as u8, self.address);
        absorb_line(&self.line, absorb(digest, header))
    }
    fn fields_into(&self, fields: &mut FieldValues<'_>) {
        fields.number(u64::from(self.destination));
        fields.number(u64::from(self.source));
        fields.number(self.kind as u64);
        fields.number(u64::from(self.address));
        fields.signal(&self.line);
    }
}

impl Signal for Answer {
    const NAME: &'static str = "Answer";
    const BITS: u32 = 14 + 14 + 3 + 32 + LINE_BYTES * 8;
    const FIELDS: &'static [Field] = &[DESTINATION, SOURCE, ANSWER_KIND, ADDRESS, LINE];
    #[inline(always)]
    fn absorb_into(&self, digest: u64) -> u64 {
        let header = header(self.destination, self.source, self.kind as u8, self.address);
        absorb_line(&self.line, absorb(digest, header))
    }
    fn fields_into(&self, fields: &mut FieldValues<'_>) {
        fields.number(u64::from(self.destination));
        fields.number(u64::from(self.source));
        fields.number(self.kind as u64);
        fields.number(u64::from(self.address));
        fields.signal(&self.line);
    }
}

impl Routed for Request {
    const ROUTER_KIND: &'static str = "riscv.request_router";
    #[inline(always)]
    fn destination(&self) -> u32 {
        u32::from(self.destination)
    }
}

impl Routed for Order {
    const ROUTER_KIND: &'static str = "riscv.order_router";
    #[inline(always)]
    fn destination(&self) -> u32 {
        u32::from(self.destination)
    }
}

impl Routed for Answer {
    const ROUTER_KIND: &'static str = "riscv.answer_router";
    #[inline(always)]
    fn destination(&self) -> u32 {
        u32::from(self.destination)
    }
}

/// Address of the line that holds the byte at `address`.
#[inline(always)]
#[must_use]
pub const fn line_address(address: u32) -> u32 {
    address & !(LINE_BYTES - 1)
}
