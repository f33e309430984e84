//! HOT. Registered FIFOs and the ports of modules.
//!
//! Every slot carries one stamp, and no FIFO has a separate commit step:
//!
//! ```text
//!   slot full:  stamp = tick from which the consumer may pop it         (top bit 0)
//!   slot free:  stamp = tick from which the producer may fill it | FREE (top bit 1)
//!
//!   ready:     stamp(head)        <= now        one load, one compare
//!   has room:  stamp(tail) <= now | FREE        one load, one compare (both as signed numbers)
//! ```
//!
//! What is pushed at an edge gets a stamp beyond it, and so does what is popped, so within an edge
//! nobody can see what another module did: the order of evaluation cannot matter.
//! An untouched FIFO costs nothing, and one with a small payload fills one cache line.
//!
//! Producer and consumer stand in the same shard, or one of them is a *link* that carries items or
//! credits to another shard; the port cannot tell. Does not know kinds, sweeps or threads.

use crate::arena::{ARENA_ALIGN, Arena, Zeroed};
use crate::signal::{SIGNAL_BYTES_MAX, Signal};
use crate::time::Tick;
use crate::wheel::{NodeId, Waker, Wheel};
use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomData;
use std::mem::{MaybeUninit, align_of, size_of};
use std::ops::Deref;
use std::ptr::NonNull;

/// Set in the stamp of a slot that holds nothing.
pub(crate) const FREE: u64 = 1 << 63;

/// The most slots a FIFO may have.
pub const DEPTH_MAX: u32 = 65_535;

/// The first bytes of every arena: what ports need to know of their shard.
#[repr(C, align(64))]
pub(crate) struct ShardHead {
    /// The instant being evaluated.
    pub(crate) now: Cell<Tick>,
    /// The same with the top bit set: what stamps of free slots compare with.
    pub(crate) now_free: Cell<u64>,
    pub(crate) wheel: Cell<*const Wheel>,
}
// SAFETY: cells of integers and a pointer, for which null is a value.
unsafe impl Zeroed for ShardHead {}

impl ShardHead {
    /// Moves on to instant `now`.
    pub(crate) fn set_now(&self, now: Tick) {
        self.now.set(now);
        self.now_free.set(now | FREE);
    }

    /// Raises a flag: a module's for its next edge, or a link's. A plain byte store: flags are
    /// bytes, not bits, so that waking many modules of one word does not chain through memory.
    #[inline(always)]
    pub(crate) fn wake(&self, waker: Waker) {
        // SAFETY: `self` is the base of its arena, and boot only hands out flag offsets inside the
        // flag regions of that arena; flags are only ever accessed as cells.
        unsafe {
            let base = std::ptr::from_ref(self).cast::<Cell<u8>>();
            (*base.add(waker.0 as usize)).set(1);
        }
    }

    /// Whether a flag is up.
    pub(crate) fn take_flag(&self, waker: Waker) -> bool {
        // SAFETY: as in `wake`.
        unsafe {
            let base = std::ptr::from_ref(self).cast::<Cell<u8>>();
            (*base.add(waker.0 as usize)).replace(0) != 0
        }
    }

    #[inline]
    fn wheel(&self) -> &Wheel {
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
    pub(crate) last_push: Cell<Tick>,
    pub(crate) last_pop: Cell<Tick>,
    /// Index of the slot that the next push fills.
    pub(crate) tail: Cell<u16>,
    /// Index of the slot that the next pop empties.
    pub(crate) head: Cell<u16>,
}
const _: () = assert!(size_of::<Record>() == 32, "header and two words fill a cache line");
// SAFETY: cells of integers only.
unsafe impl Zeroed for Record {}

/// What a port needs besides the record when its wire is anything but one edge, one lane, local.
/// Stands directly before the record.
#[repr(C, align(32))]
pub(crate) struct SlowPart {
    pub(crate) consumer_period: Cell<u64>,
    pub(crate) producer_period: Cell<u64>,
    pub(crate) latency: Cell<u32>,
    pub(crate) credit: Cell<u32>,
    /// Wheel node of slot 0, or 0 when neither end is delayed.
    pub(crate) first_node: Cell<u32>,
    pub(crate) lanes: Cell<u8>,
    pub(crate) pushed: Cell<u8>,
    pub(crate) popped: Cell<u8>,
}
// SAFETY: cells of integers only.
unsafe impl Zeroed for SlowPart {}

#[repr(C)]
struct Slot<T> {
    stamp: Cell<u64>,
    value: UnsafeCell<MaybeUninit<T>>,
}

/// A FIFO starts on its own cache line, so that a small one never straddles two.
pub(crate) const FIFO_ALIGN: usize = 64;

/// Bytes from one slot to the next for a payload of `value_bytes` bytes.
pub(crate) const fn slot_stride(value_bytes: usize) -> usize {
    8 + value_bytes.next_multiple_of(8)
}

/// The tick at which something done at `now` is seen `delay` edges later in a domain with `period`:
/// edge number ⌊now / period⌋ + delay.
#[inline]
pub(crate) fn seen_at(now: Tick, period: u64, delay: u32) -> Tick {
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
    /// An empty FIFO of `depth` slots, with a [`SlowPart`] before its record if asked for.
    pub(crate) fn carve(arena: &Arena, slow: bool, depth: u16, stride: u16) -> Self {
        let front = if slow { size_of::<SlowPart>() } else { 0 };
        let bytes = front + size_of::<Record>() + usize::from(depth) * usize::from(stride);
        let (_, start) = arena.carve_bytes(bytes, FIFO_ALIGN);
        // SAFETY: `front` lies within the bytes just carved.
        let record = unsafe { start.add(front) }.cast();
        let fifo = Self { record, depth, stride };
        // No edge has seen a transfer yet.
        fifo.record().last_push.set(Tick::MAX);
        fifo.record().last_pop.set(Tick::MAX);
        (0..depth).for_each(|index| fifo.stamp(index).set(FREE));
        fifo
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

    /// The stamp of slot `index`.
    #[inline(always)]
    pub(crate) fn stamp(&self, index: u16) -> &Cell<u64> {
        debug_assert!(index < self.depth);
        // SAFETY: boot carved `depth` slots of `stride` bytes behind the record.
        unsafe { &*self.slot(index).cast::<Cell<u64>>() }
    }

    /// The payload bytes of slot `index`, as words that may be uninitialised padding.
    #[inline(always)]
    pub(crate) fn words(&self, index: u16) -> *mut MaybeUninit<u64> {
        // SAFETY: as in `stamp`; the payload starts 8 bytes behind the stamp.
        unsafe { self.slot(index).add(8).cast() }
    }

    #[inline(always)]
    fn slot(&self, index: u16) -> *mut u8 {
        // SAFETY: as in `stamp`.
        unsafe {
            self.record.as_ptr().cast::<u8>().add(
                size_of::<Record>() + usize::from(index) * usize::from(self.stride),
            )
        }
    }

    #[inline(always)]
    pub(crate) fn after(&self, index: u16) -> u16 {
        if index + 1 == self.depth { 0 } else { index + 1 }
    }

    /// Items in the FIFO, those in flight included.
    pub(crate) fn occupancy(&self) -> u32 {
        (0..self.depth).map(|index| u32::from(self.stamp(index).get() & FREE == 0)).sum()
    }
}

/// Writes the item in slot `index` of a FIFO as text; the FIFO carries the type it was made for.
pub(crate) type Show = fn(&RawFifo, u16) -> String;

/// [`Show`] for signals of type `T`.
pub(crate) fn show<T: Signal>(fifo: &RawFifo, index: u16) -> String {
    assert_eq!(usize::from(fifo.stride), slot_stride(size_of::<T>()), "a FIFO of another type");
    // SAFETY: the caller asks for a slot that has been written by a push of this type; values stay
    // in their slots after a pop.
    let value = unsafe { &*fifo.words(index).cast::<T>() };
    format!("{value:?}")
}

/// What both kinds of port hold.
#[derive(Clone, Copy)]
pub(crate) struct PortBinding {
    pub(crate) record: NonNull<Record>,
    /// Who sits at the other end.
    pub(crate) other: Waker,
    /// Whose port it is: a transfer wakes its own module for the next edge too.
    pub(crate) own: Waker,
    pub(crate) depth: u16,
    /// Anything but one edge, one lane, both ends here.
    pub(crate) slow: bool,
}

struct Port<T> {
    binding: PortBinding,
    carries: PhantomData<(*mut (), T)>,
}
const _: () = assert!(size_of::<Port<u64>>() == 24, "a port is 24 bytes");

impl<T: Signal> Port<T> {
    const SIGNAL_FITS: () = assert!(
        size_of::<T>() <= SIGNAL_BYTES_MAX && align_of::<T>() <= 8,
        "a signal is at most 64 bytes and aligned to at most 8"
    );
    const STRIDE_AGREES: () = assert!(size_of::<Slot<T>>() == slot_stride(size_of::<T>()));

    fn new(binding: PortBinding) -> Self {
        let () = (Self::SIGNAL_FITS, Self::STRIDE_AGREES).0;
        Self { binding, carries: PhantomData }
    }

    #[inline(always)]
    fn record(&self) -> &Record {
        // SAFETY: the record was carved at boot (or probe) and outlives the module that holds this
        // port; all its fields are cells, and only the thread of the shard reaches it.
        unsafe { self.binding.record.as_ref() }
    }

    #[inline(always)]
    fn head(&self) -> &ShardHead {
        let base = self.binding.record.as_ptr().map_addr(|address| address & !(ARENA_ALIGN - 1));
        // SAFETY: every record lies in an arena whose base is a multiple of ARENA_ALIGN and holds
        // the head; the pointer keeps the provenance of the whole mapping.
        unsafe { &*base.cast::<ShardHead>() }
    }

    #[inline(always)]
    fn slot(&self, index: u16) -> &Slot<T> {
        debug_assert!(index < self.binding.depth);
        // SAFETY: `depth` slots of this type stand behind the record (boot checks the type), and
        // indices stay below depth.
        unsafe {
            let first = self.binding.record.as_ptr().add(1).cast::<Slot<T>>();
            &*first.add(usize::from(index))
        }
    }

    #[inline(always)]
    fn after(&self, index: u16) -> u16 {
        if index + 1 == self.binding.depth { 0 } else { index + 1 }
    }

    fn lanes(&self) -> u8 {
        if self.binding.slow { self.slow_part().lanes.get() } else { 1 }
    }

    fn slow_part(&self) -> &SlowPart {
        assert!(self.binding.slow);
        // SAFETY: boot places a SlowPart directly before the record of every port marked slow.
        unsafe { &*self.binding.record.as_ptr().cast::<SlowPart>().sub(1) }
    }
}

/// The consumer's end of a wire.
pub struct In<T: Signal> {
    port: Port<T>,
}

impl<T: Signal> In<T> {
    pub(crate) fn new(binding: PortBinding) -> Self {
        Self { port: Port::new(binding) }
    }

    /// How many items may be popped in one edge.
    #[must_use]
    pub fn lanes(&self) -> u8 {
        self.port.lanes()
    }

    /// Whether an item can be popped at this edge.
    #[inline(always)]
    #[must_use]
    pub fn ready(&self) -> bool {
        let port = &self.port;
        port.slot(port.record().head.get()).stamp.get() <= port.head().now.get()
    }

    /// The item that a pop would take, if one is ready.
    #[inline(always)]
    #[must_use]
    pub fn peek(&self) -> Option<&T> {
        if !self.ready() {
            return None;
        }
        let slot = self.port.slot(self.port.record().head.get());
        // SAFETY: ready, so the slot is full and its value initialised; it stays until it is taken,
        // which needs `&mut self`.
        Some(unsafe { (*slot.value.get()).assume_init_ref() })
    }

    /// The item that became visible first, if there is one, to be looked at and perhaps taken.
    #[inline(always)]
    #[must_use]
    pub fn item(&mut self) -> Option<Item<'_, T>> {
        if self.ready() { Some(Item { port: &self.port }) } else { None }
    }

    /// Takes the item that became visible first.
    ///
    /// # Panics
    /// When none is [`ready`](Self::ready), or a second time within an edge (unless the wire has
    /// more lanes): the module faults.
    #[inline(always)]
    pub fn pop(&mut self) -> T {
        match self.item() {
            Some(item) => item.take(),
            None => pop_refused(),
        }
    }

    /// Takes the item that became visible first, if there is one.
    ///
    /// # Panics
    /// When it would be the second transfer of this port within an edge (unless the wire has
    /// more lanes): the module faults.
    #[inline(always)]
    pub fn try_pop(&mut self) -> Option<T> {
        self.item().map(Item::take)
    }
}

/// An item that is ready at an input.
pub struct Item<'a, T: Signal> {
    port: &'a Port<T>,
}

impl<T: Signal> Item<'_, T> {
    /// Takes it.
    ///
    /// # Panics
    /// When it would be the second transfer of this port within an edge (unless the wire has
    /// more lanes): the module faults.
    #[inline(always)]
    pub fn take(self) -> T {
        let port = self.port;
        let record = port.record();
        let head = port.head();
        let index = record.head.get();
        let slot = port.slot(index);
        // SAFETY: an item exists only for a slot that is full and visible, so a push wrote its
        // value; the port is borrowed, so nobody took it since.
        let value = unsafe { (*slot.value.get()).assume_init_read() };
        let now = head.now.get();
        if port.binding.slow {
            take_slow(port.slow_part(), record, head, port.binding.other, index, &slot.stamp);
        } else {
            if record.last_pop.get() == now {
                second_pop();
            }
            // Only a full FIFO can have a producer waiting for room.
            if record.tail.get() == index {
                head.wake(port.binding.other);
            }
            slot.stamp.set(head.now_free.get() + 1);
        }
        record.last_pop.set(now);
        record.head.set(port.after(index));
        head.wake(port.binding.own);
        value
    }
}

impl<T: Signal> Deref for Item<'_, T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        let slot = self.port.slot(self.port.record().head.get());
        // SAFETY: as in `take`.
        unsafe { (*slot.value.get()).assume_init_ref() }
    }
}

/// The producer's end of a wire.
pub struct Out<T: Signal> {
    port: Port<T>,
}

impl<T: Signal> Out<T> {
    pub(crate) fn new(binding: PortBinding) -> Self {
        Self { port: Port::new(binding) }
    }

    /// How many items may be pushed in one edge.
    #[must_use]
    pub fn lanes(&self) -> u8 {
        self.port.lanes()
    }

    /// Whether an item can be pushed at this edge.
    #[inline(always)]
    #[must_use]
    pub fn has_room(&self) -> bool {
        let port = &self.port;
        let stamp = port.slot(port.record().tail.get()).stamp.get();
        // Stamps of full slots are positive, those of free ones negative.
        stamp.cast_signed() <= port.head().now_free.get().cast_signed()
    }

    /// Room for an item, if there is any: permission to push once.
    #[inline(always)]
    #[must_use]
    pub fn room(&mut self) -> Option<Room<'_, T>> {
        if self.has_room() { Some(Room { port: &self.port }) } else { None }
    }

    /// Sends an item; the consumer sees it `latency` edges later.
    ///
    /// # Panics
    /// When there is no [room](Self::has_room), or a second time within an edge (unless the wire
    /// has more lanes): the module faults.
    #[inline(always)]
    pub fn push(&mut self, value: T) {
        match self.room() {
            Some(room) => room.push(value),
            None => push_refused(),
        }
    }

    /// Sends an item, or hands it back when there is no room.
    ///
    /// # Errors
    /// The item itself, when the FIFO is full. Nothing has happened then.
    ///
    /// # Panics
    /// When it would be the second transfer of this port within an edge (unless the wire has
    /// more lanes): the module faults.
    #[inline(always)]
    pub fn try_push(&mut self, value: T) -> Result<(), T> {
        match self.room() {
            Some(room) => {
                room.push(value);
                Ok(())
            }
            None => Err(value),
        }
    }
}

/// Room for one item at an output.
pub struct Room<'a, T: Signal> {
    port: &'a Port<T>,
}

impl<T: Signal> Room<'_, T> {
    /// Sends an item; the consumer sees it `latency` edges later.
    ///
    /// # Panics
    /// When it would be the second transfer of this port within an edge (unless the wire has
    /// more lanes): the module faults.
    #[inline(always)]
    pub fn push(self, value: T) {
        let port = self.port;
        let record = port.record();
        let head = port.head();
        let index = record.tail.get();
        let slot = port.slot(index);
        let now = head.now.get();
        if port.binding.slow {
            give_slow(port.slow_part(), record, head, port.binding.other, index, &slot.stamp);
        } else {
            if record.last_push.get() == now {
                second_push();
            }
            head.wake(port.binding.other);
            slot.stamp.set(now + 1);
        }
        // SAFETY: room exists only for a slot that is free, and only the producer writes values.
        unsafe { (*slot.value.get()).write(value) };
        record.last_push.set(now);
        record.digest.set(value.absorb_into(record.digest.get()).wrapping_add(now));
        record.tail.set(port.after(index));
        head.wake(port.binding.own);
    }
}

/// Stamps a slot popped on a wire with any delay, lanes, or a link at its other end.
#[cold]
#[inline(never)]
fn take_slow(
    slow: &SlowPart,
    record: &Record,
    head: &ShardHead,
    other: Waker,
    index: u16,
    stamp: &Cell<u64>,
) {
    let now = head.now.get();
    if record.last_pop.get() != now {
        slow.popped.set(0);
    } else if slow.popped.get() == slow.lanes.get() {
        second_pop();
    }
    slow.popped.set(slow.popped.get() + 1);
    let free_at = seen_at(now, slow.producer_period.get(), slow.credit.get());
    stamp.set(free_at | FREE);
    wake_at(slow, head, other, index, slow.credit.get(), free_at);
}

/// Stamps a slot pushed on a wire with any delay, lanes, or a link at its other end.
#[cold]
#[inline(never)]
fn give_slow(
    slow: &SlowPart,
    record: &Record,
    head: &ShardHead,
    other: Waker,
    index: u16,
    stamp: &Cell<u64>,
) {
    let now = head.now.get();
    if record.last_push.get() != now {
        slow.pushed.set(0);
    } else if slow.pushed.get() == slow.lanes.get() {
        second_push();
    }
    slow.pushed.set(slow.pushed.get() + 1);
    let visible_at = seen_at(now, slow.consumer_period.get(), slow.latency.get());
    stamp.set(visible_at);
    wake_at(slow, head, other, index, slow.latency.get(), visible_at);
}

/// Wakes the other end at the edge at which it may see the transfer. A link takes transfers at the
/// end of this edge and counts the delay on the other side; its FIFOs say a delay of 1 here.
fn wake_at(slow: &SlowPart, head: &ShardHead, waker: Waker, index: u16, delay: u32, tick: Tick) {
    if delay == 1 {
        head.wake(waker);
    } else {
        head.wheel().arm(NodeId(slow.first_node.get() + u32::from(index)), tick, waker);
    }
}

#[cold]
#[inline(never)]
fn pop_refused() -> ! {
    panic!("popped an input that has no item ready: ask `ready()` first")
}

#[cold]
#[inline(never)]
fn push_refused() -> ! {
    panic!("pushed to an output that has no room: ask `has_room()` first")
}

#[cold]
#[inline(never)]
fn second_pop() -> ! {
    panic!("popped one input more often in one edge than its wire has lanes")
}

#[cold]
#[inline(never)]
fn second_push() -> ! {
    panic!("pushed to one output more often in one edge than its wire has lanes")
}
