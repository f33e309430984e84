//! HOT. Registered FIFOs.
//!
//! Every slot carries one stamp, and no FIFO has a separate commit step:
//!
//! ```text
//!   slot full:  stamp =  tick from which the consumer may pop it    (top bit 0)
//!   slot free:  stamp = !tick from which the producer may fill it   (all bits turned: top bit 1)
//!
//!   ready:      stamp(head) <= now        one load, one compare
//!   has room:  !stamp(tail) <= now        one load, one compare
//! ```
//!
//! What is pushed at an edge gets a stamp beyond it, and so does what is popped, so within an edge
//! nobody can see what another module did: the order of evaluation cannot matter.
//! An untouched FIFO costs nothing, and one with a small payload fills one cache line.
//!
//! Producer and consumer stand in the same shard, or one of them is a *link* that carries items or
//! credits to another shard; a port cannot tell. Does not know ports, kinds, sweeps or threads.

mod snapshot;

pub(crate) use snapshot::Stamps;

use crate::arena::{Arena, ArenaRef, Zeroed};
use crate::ring::Word;
use crate::signal::{FieldValues, Signal};
use crate::tape::RecordPart;
use crate::time::Tick;
use crate::trap::Mark;
use crate::wheel::{Waker, Wheel};
use std::cell::{Cell, UnsafeCell};
use std::mem::{MaybeUninit, size_of};
use std::ptr::NonNull;

/// The stamp of a slot that may be filled from tick `tick` on.
#[inline(always)]
pub(crate) const fn free_from(tick: Tick) -> u64 {
    !tick
}

/// Whether a stamp is that of a slot that holds an item, in flight or visible.
pub(crate) const fn is_full(stamp: u64) -> bool {
    stamp >> 63 == 0
}

/// The most slots a FIFO may have.
pub const DEPTH_MAX: u32 = 65_535;

thread_local! {
    /// The tick after the instant that this thread evaluates: what is transferred now is seen from
    /// then on. Here and not in the arena, because a port then finds it without a pointer, in
    /// one instruction. At 0 nothing is ready and there is room nowhere.
    static NEXT: Cell<Tick> = const { Cell::new(0) };
}

/// The tick after the instant that this thread evaluates.
#[inline(always)]
pub(crate) fn next_tick() -> Tick {
    NEXT.with(Cell::get)
}

/// Outside of runs no instant is evaluated: to whoever asks then (a module that is built, or one that
/// reports), nothing is ready and there is room nowhere, whichever shards this thread hosts.
pub(crate) fn leave_time() {
    NEXT.with(|next| next.set(0));
}

/// The first bytes of every arena: what ports need to know of their shard.
#[repr(C, align(64))]
pub(crate) struct ShardHead {
    /// The instant being evaluated.
    pub(crate) now: Cell<Tick>,
    /// The tick after the last transfer in any bank; 0 before the first.
    pub(crate) banks_moved_until: Cell<Tick>,
    /// The number behind the group being swept; 0 while none is, so that the shard runs its own code.
    pub(crate) sweeping: Mark,
    /// Where the number behind the module being clocked stands, on the stack of that group's sweep; null in a
    /// group of elements.
    pub(crate) cursor: Cell<*const Mark>,
    /// What stood there when a hardware fault happened.
    pub(crate) faulted: Cell<usize>,
    pub(crate) wheel: Cell<*const Wheel>,
}
// SAFETY: cells of integers and a pointer, for which null is a value.
unsafe impl Zeroed for ShardHead {}

impl ShardHead {
    /// Moves on to instant `now`, which this thread evaluates from here on.
    pub(crate) fn set_now(&self, now: Tick) {
        self.now.set(now);
        NEXT.with(|next| next.set(now + 1));
    }

    /// The flag of a waker.
    #[inline(always)]
    pub(crate) fn flag(&self, waker: Waker) -> NonNull<Cell<u8>> {
        // SAFETY: `self` is the base of its arena, and boot only hands out flag offsets inside the
        // flag regions of that arena; flags are only ever accessed as cells.
        unsafe { NonNull::from(self).cast::<Cell<u8>>().add(waker.0 as usize) }
    }

    /// The waker of a flag.
    pub(crate) fn waker(&self, flag: NonNull<Cell<u8>>) -> Waker {
        Waker((flag.addr().get() - NonNull::from(self).addr().get()) as u32)
    }

    /// Raises a flag: a module's for its next edge, or a link's. A plain byte store: flags are
    /// bytes, not bits, so that waking many modules of one word does not chain through memory.
    #[inline(always)]
    pub(crate) fn wake(&self, waker: Waker) {
        // SAFETY: as in `flag`; the arena lives as long as its head.
        unsafe { self.flag(waker).as_ref() }.set(1);
    }

    /// Whether a flag is up.
    pub(crate) fn is_up(&self, waker: Waker) -> bool {
        // SAFETY: as in `wake`.
        unsafe { self.flag(waker).as_ref() }.get() != 0
    }

    /// Whether a flag is up; it is down then.
    pub(crate) fn take_flag(&self, waker: Waker) -> bool {
        // SAFETY: as in `wake`.
        unsafe { self.flag(waker).as_ref() }.replace(0) != 0
    }

    #[inline]
    pub(crate) fn wheel(&self) -> &Wheel {
        // SAFETY: boot sets the pointer before any port exists; the wheel lives as long as the
        // shard.
        unsafe { &*self.wheel.get() }
    }
}

/// The part of a FIFO that both ends share. Slots follow it in memory.
#[repr(C, align(32))]
pub(crate) struct Record {
    /// Running digest of every push: value and tick.
    pub(crate) digest: Cell<u64>,
    /// First tick at which the producer may push in the quick way: the one after the last push, 0
    /// before the first, [`NEVER`] when its end has a [`SlowPart`].
    pub(crate) push_gate: Cell<Tick>,
    /// The same for pops of the consumer.
    pub(crate) pop_gate: Cell<Tick>,
    /// Place of the slot that the next push fills.
    pub(crate) tail: Cell<Offset>,
    /// Place of the slot that the next pop empties.
    pub(crate) head: Cell<Offset>,
}
const _: () = assert!(
    size_of::<Record>() == 32,
    "header and two words fill a cache line"
);

/// Place of a slot in its FIFO: bytes from the first slot.
pub(crate) type Offset = u32;

/// A gate that every transfer finds shut.
pub(crate) const NEVER: Tick = Tick::MAX;
// SAFETY: cells of integers only.
unsafe impl Zeroed for Record {}

/// What a port needs besides the record when its wire is anything but one edge, one lane, local.
/// Stands directly before the record.
#[repr(C, align(32))]
pub(crate) struct SlowPart {
    /// The head of the shard it lies in; null where nobody is ever to be woken later.
    head: Cell<*const ShardHead>,
    pub(crate) consumer_period: Cell<u64>,
    pub(crate) producer_period: Cell<u64>,
    /// The tick after the last push, if that end is slow; 0 before the first.
    pub(crate) pushed_until: Cell<Tick>,
    /// The same for pops.
    pub(crate) popped_until: Cell<Tick>,
    pub(crate) latency: Cell<u32>,
    pub(crate) credit: Cell<u32>,
    /// Wheel node of slot 0, or 0 when neither end is delayed.
    pub(crate) first_node: Cell<u32>,
    pub(crate) stride: Cell<u16>,
    /// Bytes of all slots.
    pub(crate) end: Cell<Offset>,
    pub(crate) lanes: Cell<u8>,
    pub(crate) pushed: Cell<u8>,
    pub(crate) popped: Cell<u8>,
    /// Any of [`RECORDED`], [`TELLS_ALL`], [`TIMED`] and [`ONE_TICK`].
    pub(crate) manner: Cell<u8>,
}
const _: () = assert!(size_of::<SlowPart>() == 64, "a slow part is a cache line");

/// A [`RecordPart`] stands directly before the slow part.
pub(crate) const RECORDED: u8 = 1;
/// The other end of pops is a link, which is told of every one.
pub(crate) const TELLS_ALL: u8 = 2;
/// Behind the slots stands a tick for each: when an item was last pushed to it.
pub(crate) const TIMED: u8 = 4;
/// One lane, and each end sees at the next tick what the other has done: as in the quick way.
pub(crate) const ONE_TICK: u8 = 8;

// SAFETY: cells of integers and a pointer, for which null is a value.
unsafe impl Zeroed for SlowPart {}

impl SlowPart {
    /// Says which shard it lies in.
    pub(crate) fn set_head(&self, head: ArenaRef<ShardHead>) {
        self.head.set(&raw const *head);
    }

    /// The head of the shard it lies in.
    pub(crate) fn head(&self) -> &ShardHead {
        // SAFETY: set at boot to the head of the arena that this lies in, before any port exists.
        unsafe { &*self.head.get() }
    }

    /// The place of the slot after that at `offset`.
    pub(crate) fn after(&self, offset: Offset) -> Offset {
        let next = offset + u32::from(self.stride.get());
        if next == self.end.get() { 0 } else { next }
    }

    /// Whether a [`RecordPart`] stands before it.
    pub(crate) fn is_recorded(&self) -> bool {
        self.manner.get() & RECORDED != 0
    }

    /// Whether both ends take one transfer an edge and see it at the next tick.
    pub(crate) fn is_one_tick(&self) -> bool {
        self.manner.get() & ONE_TICK != 0
    }

    /// Whether the ticks of its pushes are kept.
    pub(crate) fn is_timed(&self) -> bool {
        self.manner.get() & TIMED != 0
    }

    /// Whether anybody wants to know of its pushes.
    pub(crate) fn is_noted(&self) -> bool {
        self.manner.get() & (RECORDED | TIMED) != 0
    }

    /// Whether the other end is told of every pop, also of those it cannot be waiting for.
    pub(crate) fn tells_all(&self) -> bool {
        self.manner.get() & TELLS_ALL != 0 || self.credit.get() > 1 || self.lanes.get() > 1
    }
}

#[repr(C)]
pub(crate) struct Slot<T> {
    pub(crate) stamp: Cell<u64>,
    pub(crate) value: UnsafeCell<MaybeUninit<T>>,
}

/// A FIFO starts on its own cache line, so that a small one never straddles two.
pub(crate) const FIFO_ALIGN: usize = 64;

/// Bytes from one slot to the next for a payload of `value_bytes` bytes.
pub(crate) const fn slot_stride(value_bytes: usize) -> usize {
    8 + value_bytes.next_multiple_of(8)
}

/// Whether ports can go round a FIFO of `depth` slots in the quick way: with a mask where the
/// stride is a power of two, else with a comparison.
pub(crate) const fn wraps_quickly(depth: u32, stride: usize) -> bool {
    depth.is_power_of_two() || !stride.is_power_of_two()
}

/// The tick at which something done at `now` is seen `delay` edges later in a domain with `period`:
/// edge number ⌊now / period⌋ + delay.
#[inline]
pub(crate) fn seen_at(now: Tick, period: u64, delay: u32) -> Tick {
    // Machines of one clock have a period of one tick: no division.
    if period == 1 {
        return now + u64::from(delay);
    }
    (now / period + u64::from(delay)) * period
}

/// Untyped access to one FIFO in an arena, for links, digests and reports.
#[derive(Clone, Copy)]
pub(crate) struct RawFifo {
    pub(crate) record: NonNull<Record>,
    pub(crate) depth: u16,
    pub(crate) stride: u16,
}

impl RawFifo {
    /// An empty FIFO of `depth` slots, with a [`SlowPart`] before its record if asked for, and with
    /// `timed` a tick for each slot behind them.
    pub(crate) fn carve(arena: &Arena, slow: bool, timed: bool, depth: u16, stride: u16) -> Self {
        let front = if slow { size_of::<SlowPart>() } else { 0 };
        let slot_bytes = usize::from(stride) + if timed { size_of::<Tick>() } else { 0 };
        let bytes = front + size_of::<Record>() + usize::from(depth) * slot_bytes;
        let (_, start) = arena.carve_bytes(bytes, FIFO_ALIGN);
        // SAFETY: `front` lies within the bytes just carved.
        let record = unsafe { start.add(front) }.cast();
        let fifo = Self {
            record,
            depth,
            stride,
        };
        if slow {
            fifo.slow_part().stride.set(stride);
            fifo.slow_part().end.set(fifo.end());
        }
        (0..depth).for_each(|index| fifo.stamp(fifo.offset_of(index)).set(free_from(0)));
        fifo
    }

    /// When an item was last pushed to the slot at `offset`, of a FIFO carved to keep it; 0 before.
    pub(crate) fn pushed_at(&self, offset: Offset) -> &Cell<Tick> {
        assert!(self.slow_part().is_timed() && offset < self.end());
        // SAFETY: it is timed, and lives as long as its arena.
        unsafe { pushed_at(self.record, self.slow_part(), offset) }
    }

    /// Makes every push go through the slow part.
    pub(crate) fn slow_pushes(&self) {
        self.record().push_gate.set(NEVER);
    }

    /// Makes every pop go through the slow part.
    pub(crate) fn slow_pops(&self) {
        self.record().pop_gate.set(NEVER);
    }

    /// The tick after the last push, as far as this side knows; 0 before the first.
    #[inline]
    pub(crate) fn pushed_until(&self) -> Tick {
        let gate = self.record().push_gate.get();
        if gate == NEVER {
            self.slow_part().pushed_until.get()
        } else {
            gate
        }
    }

    /// When the last push was, as far as this side knows.
    pub(crate) fn last_push(&self) -> Option<Tick> {
        self.pushed_until().checked_sub(1)
    }

    /// Notes a push that the link made, at `tick` on the other side.
    pub(crate) fn note_push(&self, tick: Tick) {
        self.record().push_gate.set(tick + 1);
    }

    /// The tick after the last pop, as far as this side knows; 0 before the first.
    #[inline]
    pub(crate) fn popped_until(&self) -> Tick {
        let gate = self.record().pop_gate.get();
        if gate == NEVER {
            self.slow_part().popped_until.get()
        } else {
            gate
        }
    }

    /// When the last pop was, as far as this side knows.
    pub(crate) fn last_pop(&self) -> Option<Tick> {
        self.popped_until().checked_sub(1)
    }

    /// The part before the slow part of a FIFO that is recorded.
    pub(crate) fn record_part(&self) -> Option<&RecordPart> {
        let gates = [&self.record().push_gate, &self.record().pop_gate];
        let slow = gates.into_iter().any(|gate| gate.get() == NEVER);
        // SAFETY: an end whose gate is shut for ever has a slow part, and that says whether boot
        // carved a record part directly before it.
        (slow && self.slow_part().is_recorded()).then(|| unsafe { record_part(self.record) })
    }

    /// The part before the record of a FIFO carved with one.
    pub(crate) fn slow_part(&self) -> &SlowPart {
        // SAFETY: only called for FIFOs that were carved with a slow part directly before it.
        unsafe { &*self.record.as_ptr().cast::<SlowPart>().sub(1) }
    }

    #[inline(always)]
    pub(crate) fn record(&self) -> &Record {
        // SAFETY: made by boot from a carved record, which lives as long as the shard.
        unsafe { self.record.as_ref() }
    }

    /// The place of slot number `index`.
    pub(crate) fn offset_of(&self, index: u16) -> Offset {
        debug_assert!(index < self.depth);
        u32::from(index) * u32::from(self.stride)
    }

    /// The number of the slot at `offset`.
    pub(crate) fn index_of(&self, offset: Offset) -> u16 {
        (offset / u32::from(self.stride)) as u16
    }

    /// Bytes of all slots: where the first one follows again.
    #[inline(always)]
    pub(crate) fn end(&self) -> Offset {
        u32::from(self.depth) * u32::from(self.stride)
    }

    /// The stamp of the slot at `offset`.
    #[inline(always)]
    pub(crate) fn stamp(&self, offset: Offset) -> &Cell<u64> {
        // SAFETY: boot carved `depth` slots of `stride` bytes behind the record.
        unsafe { &*self.slot(offset).cast::<Cell<u64>>() }
    }

    /// The payload bytes of the slot at `offset`, as words that may be uninitialised padding.
    #[inline(always)]
    pub(crate) fn words(&self, offset: Offset) -> *mut MaybeUninit<u64> {
        // SAFETY: as in `stamp`; the payload starts 8 bytes behind the stamp.
        unsafe { self.slot(offset).add(8).cast() }
    }

    #[inline(always)]
    fn slot(&self, offset: Offset) -> *mut u8 {
        debug_assert!(offset < self.end() && offset.is_multiple_of(u32::from(self.stride)));
        // SAFETY: as in `stamp`.
        unsafe {
            self.record
                .as_ptr()
                .add(1)
                .cast::<u8>()
                .add(offset as usize)
        }
    }

    #[inline(always)]
    pub(crate) fn after(&self, offset: Offset) -> Offset {
        let next = offset + u32::from(self.stride);
        if next == self.end() { 0 } else { next }
    }

    pub(crate) fn before(&self, offset: Offset) -> Offset {
        (if offset == 0 { self.end() } else { offset }) - u32::from(self.stride)
    }

    /// The item pushed last, as text; there must be one.
    pub(crate) fn last_item(&self, show: Show) -> String {
        let words = self.words(self.before(self.record().tail.get()));
        let count = usize::from(self.stride) / 8 - 1;
        // SAFETY: a slot holds that many payload words.
        show(unsafe { std::slice::from_raw_parts(words, count) })
    }

    /// Items in the FIFO, those in flight included.
    pub(crate) fn occupancy(&self) -> u32 {
        let full = |index| is_full(self.stamp(self.offset_of(index)).get());
        (0..self.depth).map(|index| u32::from(full(index))).sum()
    }
}

/// The part before the slow part of the FIFO with this record.
///
/// # Safety
/// The FIFO must be a recorded one, in an arena that outlives the answer.
pub(crate) unsafe fn record_part<'a>(record: NonNull<Record>) -> &'a RecordPart {
    const DISTANCE: usize = size_of::<SlowPart>() + size_of::<RecordPart>();
    // SAFETY: boot carved both parts directly before the record, in the same mapping.
    unsafe { &*record.as_ptr().cast::<u8>().sub(DISTANCE).cast() }
}

/// The tick of the last push to the slot at `offset` of the FIFO with this record and slow part.
///
/// # Safety
/// The FIFO must be a timed one, in an arena that outlives the answer.
pub(crate) unsafe fn pushed_at<'a>(
    record: NonNull<Record>,
    slow: &SlowPart,
    offset: Offset,
) -> &'a Cell<Tick> {
    let index = offset as usize / usize::from(slow.stride.get());
    // SAFETY: boot carved a tick for each slot behind the last one; strides are multiples of 8.
    unsafe {
        let slots = record.as_ptr().add(1).cast::<u8>();
        let ticks = slots.add(slow.end.get() as usize).cast::<Cell<Tick>>();
        &*ticks.add(index)
    }
}

/// Appends the words of an item's fields, from the payload words of an item of the type it was made
/// for, as [`Show`].
pub(crate) type Unpack = fn(&[Word], &mut Vec<u64>);

/// [`Unpack`] for signals of type `T`.
pub(crate) fn unpack<T: Signal>(words: &[Word], fields: &mut Vec<u64>) {
    FieldValues::append(item_of::<T>(words), fields);
}

/// Writes the payload words of an item as text; the caller has them from a wire of the type it was made
/// for.
pub(crate) type Show = fn(&[MaybeUninit<u64>]) -> String;

/// [`Show`] for signals of type `T`.
pub(crate) fn show<T: Signal>(words: &[MaybeUninit<u64>]) -> String {
    format!("{:?}", item_of::<T>(words))
}

fn item_of<T: Signal>(words: &[MaybeUninit<u64>]) -> &T {
    assert_eq!(
        (words.len() + 1) * 8,
        slot_stride(size_of::<T>()),
        "words of another type"
    );
    // SAFETY: the caller hands over the words of a slot that has been written by a push of this type;
    // values stay in their slots after a pop.
    unsafe { &*words.as_ptr().cast::<T>() }
}
