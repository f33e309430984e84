//! HOT. The ports of modules: the two ends of a FIFO.
//!
//! A transfer on a wire of one edge and one lane with both ends in this shard runs here in full; any
//! other finds its gate shut and takes the cold way through the FIFO's slow part. Permission to
//! transfer is a value ([`Item`], [`Room`]) that remembers what asking found out, so that nothing
//! is looked up twice.
//!
//! Does not know kinds, sweeps or threads.

use crate::fifo::{
    NEVER, Offset, Record, Slot, SlowPart, free_from, next_tick, pushed_at, record_part, seen_at,
    slot_stride,
};
use crate::ring::Word;
use crate::signal::{SIGNAL_BYTES_MAX, Signal};
use crate::time::Tick;
use crate::wheel::NodeId;
use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::{align_of, size_of};
use std::ops::Deref;
use std::ptr::NonNull;

/// What both kinds of port hold.
#[derive(Clone, Copy)]
pub(crate) struct PortBinding {
    pub(crate) record: NonNull<Record>,
    /// Flag of who sits at the other end.
    pub(crate) other: NonNull<Cell<u8>>,
    /// Whose port it is: a transfer wakes its own module for the next edge too.
    pub(crate) own: NonNull<Cell<u8>>,
    /// Bytes of all slots, less one.
    pub(crate) last: Offset,
}

struct Port<T> {
    binding: PortBinding,
    carries: PhantomData<(*mut (), T)>,
}
const _: () = assert!(size_of::<Port<u64>>() == 32, "a port is 32 bytes");

impl<T: Signal> Port<T> {
    const SIGNAL_FITS: () = assert!(
        size_of::<T>() <= SIGNAL_BYTES_MAX && align_of::<T>() <= 8,
        "a signal is at most 64 bytes and aligned to at most 8"
    );
    const STRIDE_AGREES: () = assert!(size_of::<Slot<T>>() == slot_stride(size_of::<T>()));

    fn new(binding: PortBinding) -> Self {
        let () = (Self::SIGNAL_FITS, Self::STRIDE_AGREES).0;
        Self {
            binding,
            carries: PhantomData,
        }
    }

    #[inline(always)]
    fn slot(&self, offset: Offset) -> &Slot<T> {
        debug_assert!(offset <= self.binding.last);
        // SAFETY: slots of this type stand behind the record (boot checks the type), and offsets
        // are those of slots: only `after` moves them on.
        unsafe {
            let first = self.binding.record.as_ptr().add(1).cast::<u8>();
            &*first.add(offset as usize).cast::<Slot<T>>()
        }
    }

    #[inline(always)]
    fn after(&self, offset: Offset) -> Offset {
        let next = offset + size_of::<Slot<T>>() as u32;
        if size_of::<Slot<T>>().is_power_of_two() {
            // Otherwise the depth is a power of two as well (`wraps_quickly`), or the gate is shut.
            next & self.binding.last
        } else if next > self.binding.last {
            0
        } else {
            next
        }
    }
}

impl PortBinding {
    #[inline(always)]
    fn record(&self) -> &Record {
        // SAFETY: the record was carved at boot (or probe) and outlives the module that holds this
        // port; all its fields are cells, and only the thread of the shard reaches it.
        unsafe { self.record.as_ref() }
    }

    #[inline(always)]
    fn wake_other(&self) {
        // SAFETY: a flag in the arena of the record, which outlives the module with this port;
        // flags are only ever accessed as cells.
        unsafe { self.other.as_ref() }.set(1);
    }

    #[inline(always)]
    fn wake_own(&self) {
        // SAFETY: as in `wake_other`.
        unsafe { self.own.as_ref() }.set(1);
    }

    fn lanes(&self, gate: &Cell<Tick>) -> u8 {
        if gate.get() == NEVER {
            self.slow_part().lanes.get()
        } else {
            1
        }
    }

    /// The slow part of an end whose gate is shut for ever.
    fn slow_part(&self) -> &SlowPart {
        // SAFETY: boot places a SlowPart directly before the record of every FIFO with such an end.
        unsafe { &*self.record.as_ptr().cast::<SlowPart>().sub(1) }
    }

    /// The payload of the slot at `offset`, which has just been filled.
    fn item(&self, slow: &SlowPart, offset: Offset) -> &[Word] {
        let count = usize::from(slow.stride.get()) / 8 - 1;
        // SAFETY: a slot stands at `offset` behind the record, its payload behind its stamp, and nobody
        // writes it before the consumer has taken it.
        unsafe {
            let first = self.record.as_ptr().add(1).cast::<u8>();
            std::slice::from_raw_parts(first.add(offset as usize + 8).cast(), count)
        }
    }

    /// The stamp of the slot at `offset`.
    fn stamp(&self, offset: Offset) -> &Cell<u64> {
        // SAFETY: a slot stands at `offset` behind the record, and begins with its stamp.
        unsafe {
            &*self
                .record
                .as_ptr()
                .add(1)
                .cast::<u8>()
                .add(offset as usize)
                .cast::<Cell<u64>>()
        }
    }
}

/// The consumer's end of a wire.
pub struct In<T: Signal> {
    port: Port<T>,
}

impl<T: Signal> In<T> {
    pub(crate) fn new(binding: PortBinding) -> Self {
        Self {
            port: Port::new(binding),
        }
    }

    /// How many items may be popped in one edge.
    #[must_use]
    pub fn lanes(&self) -> u8 {
        let binding = &self.port.binding;
        binding.lanes(&binding.record().pop_gate)
    }

    /// Where its FIFO lies, to tell it from other ports.
    pub(crate) fn place(&self) -> usize {
        self.port.binding.record.addr().get()
    }

    #[inline(always)]
    fn find(&self) -> Option<Item<'_, T>> {
        let port = &self.port;
        let record = port.binding.record();
        let offset = record.head.get();
        let slot = port.slot(offset);
        let next = next_tick();
        if slot.stamp.get() < next {
            Some(Item {
                port,
                record,
                slot,
                offset,
                next,
            })
        } else {
            None
        }
    }

    /// Whether an item can be popped at this edge.
    #[inline(always)]
    #[must_use]
    pub fn ready(&self) -> bool {
        self.find().is_some()
    }

    /// The item that a pop would take, if one is ready.
    #[inline(always)]
    #[must_use]
    pub fn peek(&self) -> Option<&T> {
        // SAFETY: ready, so the slot is full and its value initialised; it stays until it is taken,
        // which needs `&mut self`.
        self.find()
            .map(|item| unsafe { (*item.slot.value.get()).assume_init_ref() })
    }

    /// The item that became visible first, if there is one, to be looked at and perhaps taken.
    #[inline(always)]
    #[must_use]
    pub fn item(&mut self) -> Option<Item<'_, T>> {
        self.find()
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
    record: &'a Record,
    slot: &'a Slot<T>,
    offset: Offset,
    /// The tick after this edge.
    next: Tick,
}

impl<T: Signal> Item<'_, T> {
    /// Takes it.
    ///
    /// # Panics
    /// When it would be the second transfer of this port within an edge (unless the wire has
    /// more lanes): the module faults.
    #[inline(always)]
    pub fn take(self) -> T {
        let Self {
            port,
            record,
            slot,
            offset,
            next,
        } = self;
        // SAFETY: an item exists only for a slot that is full and visible, so a push wrote its
        // value; the port is borrowed, so nobody took it since.
        let value = unsafe { (*slot.value.get()).assume_init_read() };
        if record.pop_gate.get() < next {
            slot.stamp.set(free_from(next));
            record.pop_gate.set(next);
            record.head.set(port.after(offset));
            // Only a full FIFO can have a producer waiting for room, and not one that pushed at this
            // edge: that wakes itself.
            if record.tail.get() == offset && record.push_gate.get() != next {
                port.binding.wake_other();
            }
        } else {
            take_slow(&port.binding);
        }
        port.binding.wake_own();
        value
    }
}

impl<T: Signal> Deref for Item<'_, T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: as in `take`.
        unsafe { (*self.slot.value.get()).assume_init_ref() }
    }
}

/// The producer's end of a wire.
pub struct Out<T: Signal> {
    port: Port<T>,
}

impl<T: Signal> Out<T> {
    pub(crate) fn new(binding: PortBinding) -> Self {
        Self {
            port: Port::new(binding),
        }
    }

    /// How many items may be pushed in one edge.
    #[must_use]
    pub fn lanes(&self) -> u8 {
        let binding = &self.port.binding;
        binding.lanes(&binding.record().push_gate)
    }

    /// Where its FIFO lies, to tell it from other ports.
    pub(crate) fn place(&self) -> usize {
        self.port.binding.record.addr().get()
    }

    #[inline(always)]
    fn find(&self) -> Option<Room<'_, T>> {
        let port = &self.port;
        let record = port.binding.record();
        let offset = record.tail.get();
        let slot = port.slot(offset);
        let next = next_tick();
        // The stamp of a full slot, turned round, lies beyond all time.
        let free = free_from(slot.stamp.get()) < next;
        if free {
            Some(Room {
                port,
                record,
                slot,
                offset,
                next,
            })
        } else {
            None
        }
    }

    /// Whether an item can be pushed at this edge.
    #[inline(always)]
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.find().is_some()
    }

    /// Room for an item, if there is any: permission to push once.
    #[inline(always)]
    #[must_use]
    pub fn room(&mut self) -> Option<Room<'_, T>> {
        self.find()
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
    record: &'a Record,
    slot: &'a Slot<T>,
    offset: Offset,
    /// The tick after this edge.
    next: Tick,
}

impl<T: Signal> Room<'_, T> {
    /// Sends an item; the consumer sees it `latency` edges later.
    ///
    /// # Panics
    /// When it would be the second transfer of this port within an edge (unless the wire has
    /// more lanes): the module faults.
    #[inline(always)]
    pub fn push(self, value: T) {
        let Self {
            port,
            record,
            slot,
            offset,
            next,
        } = self;
        // SAFETY: room exists only for a slot that is free, and only the producer writes values.
        unsafe { (*slot.value.get()).write(value) };
        let now = next.wrapping_sub(1);
        let digest = now.wrapping_add(value.absorb_into(record.digest.get()));
        // Stores to the FIFO's line stand together: a core commits neighbours faster.
        if record.push_gate.get() < next {
            slot.stamp.set(next);
            record.push_gate.set(next);
            record.tail.set(port.after(offset));
            record.digest.set(digest);
            port.binding.wake_other();
        } else {
            give_slow(&port.binding);
            record.digest.set(digest);
        }
        port.binding.wake_own();
    }
}

/// A pop on a wire with any delay, lanes, or a link at its other end, or that is recorded; or a second
/// one on any other.
#[cold]
#[inline(never)]
fn take_slow(port: &PortBinding) {
    take_otherwise(port);
}

/// The same apart, for what is called in a cold function is not made one with it.
#[inline(never)]
fn take_otherwise(port: &PortBinding) {
    let record = port.record();
    let next = next_tick();
    let now = next - 1;
    if record.pop_gate.get() != NEVER {
        second_pop();
    }
    let slow = port.slow_part();
    if slow.is_one_tick() {
        return take_at_next_tick(port, slow, next);
    }
    if slow.popped_until.get() != next {
        slow.popped_until.set(next);
        slow.popped.set(0);
    } else if slow.popped.get() == slow.lanes.get() {
        second_pop();
    }
    slow.popped.set(slow.popped.get() + 1);
    let free_at = seen_at(now, slow.producer_period.get(), slow.credit.get());
    let offset = record.head.get();
    port.stamp(offset).set(free_from(free_at));
    record.head.set(slow.after(offset));
    if slow.is_recorded() {
        // SAFETY: it is recorded, and its arena outlives the port.
        unsafe { record_part(port.record) }.pop();
    }
    // As in the quick way: only a full FIFO can have a producer waiting for room.
    if slow.tells_all() || record.tail.get() == offset {
        wake_at(port, slow, offset, slow.credit.get(), free_at);
    }
}

/// As the quick way, on a wire that is recorded or has a link at its other end.
#[inline]
fn take_at_next_tick(port: &PortBinding, slow: &SlowPart, next: Tick) {
    if slow.popped_until.replace(next) == next {
        second_pop();
    }
    slow.popped.set(1);
    let record = port.record();
    let offset = record.head.get();
    port.stamp(offset).set(free_from(next));
    record.head.set(slow.after(offset));
    if slow.is_recorded() {
        // SAFETY: it is recorded, and its arena outlives the port.
        unsafe { record_part(port.record) }.pop();
    }
    if slow.tells_all() || record.tail.get() == offset {
        port.wake_other();
    }
}

/// A push on a wire with any delay, lanes, or a link at its other end, or that is recorded; or a second
/// one on any other.
#[cold]
#[inline(never)]
fn give_slow(port: &PortBinding) {
    give_otherwise(port);
}

/// The same apart, as for pops.
#[inline(never)]
fn give_otherwise(port: &PortBinding) {
    let record = port.record();
    let next = next_tick();
    let now = next - 1;
    if record.push_gate.get() != NEVER {
        second_push();
    }
    let slow = port.slow_part();
    if slow.is_one_tick() {
        return give_at_next_tick(port, slow, next);
    }
    if slow.pushed_until.get() != next {
        slow.pushed_until.set(next);
        slow.pushed.set(0);
    } else if slow.pushed.get() == slow.lanes.get() {
        second_push();
    }
    slow.pushed.set(slow.pushed.get() + 1);
    let visible_at = seen_at(now, slow.consumer_period.get(), slow.latency.get());
    let offset = record.tail.get();
    port.stamp(offset).set(visible_at);
    record.tail.set(slow.after(offset));
    if slow.is_noted() {
        note_push(port, slow, offset, now);
    }
    wake_at(port, slow, offset, slow.latency.get(), visible_at);
}

/// Writes down a push on a wire that is recorded or timed.
#[inline]
fn note_push(port: &PortBinding, slow: &SlowPart, offset: Offset, now: Tick) {
    if slow.is_recorded() {
        // SAFETY: it is recorded, and its arena outlives the port.
        unsafe { record_part(port.record) }.push(port.item(slow, offset));
    }
    if slow.is_timed() {
        // SAFETY: it is timed, and its arena outlives the port.
        unsafe { pushed_at(port.record, slow, offset) }.set(now);
    }
}

/// As the quick way, on a wire that is recorded or has a link at its other end.
#[inline]
fn give_at_next_tick(port: &PortBinding, slow: &SlowPart, next: Tick) {
    if slow.pushed_until.replace(next) == next {
        second_push();
    }
    slow.pushed.set(1);
    let record = port.record();
    let offset = record.tail.get();
    port.stamp(offset).set(next);
    record.tail.set(slow.after(offset));
    if slow.is_noted() {
        note_push(port, slow, offset, next - 1);
    }
    port.wake_other();
}

/// Wakes the other end at the edge at which it may see the transfer. A link takes transfers at the
/// end of this edge and counts the delay on the other side; its FIFOs say a delay of 1 here.
fn wake_at(port: &PortBinding, slow: &SlowPart, offset: Offset, delay: u32, tick: Tick) {
    if delay == 1 {
        port.wake_other();
    } else {
        let head = slow.head();
        let index = offset / u32::from(slow.stride.get());
        let node = NodeId(slow.first_node.get() + index);
        head.wheel().arm(node, tick, head.waker(port.other));
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
