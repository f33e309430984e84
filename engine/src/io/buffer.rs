//! HOT. The buffers of a shard: one mapping, divided once.
//!
//! ```text
//!   guard | receive buffers, all of one size | transfer buffers, all of one size | guard
//!
//!                    ┌──────────── release ────────────┐
//!   receive:  Free ──offer──► Offered ──lend──► Held ◄──► Busy       Offered: bytes may arrive in it
//!   transfer: Free ──────────take─────────────► Held ◄──► Busy       Busy: an operation uses it
//! ```
//!
//! The two kinds are apart so that received bytes nobody takes up cannot keep anybody from sending,
//! nor the other way round. A buffer in use by an operation belongs to the operation: its owner
//! neither sees nor releases it, and when the owner dies it becomes free when the operation has
//! completed, not before. Its bytes may then be written by the kernel or by a helper thread, so no
//! reference to them exists while it is offered or busy.

use super::chain::Chains;
use super::operation::{Buffer, Owner, Part, Refusal};
use crate::arena::Arena;
use crate::estate::Estate;
use std::ptr::NonNull;

/// Bytes that stay where they are until the operation that got them has completed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) start: NonNull<u8>,
    pub(crate) length: u32,
}
// SAFETY: an address; whoever uses it is in the operation that owns the bytes.
unsafe impl Send for Span {}

impl Span {
    /// Without the first `count` bytes.
    pub(crate) fn skip(self, count: u32) -> Self {
        assert!(count <= self.length, "a part holds what was moved of it");
        Self {
            // SAFETY: still inside the buffer, or one past its end.
            start: unsafe { self.start.add(count as usize) },
            length: self.length - count,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Free,
    Offered,
    Held,
    Busy,
    /// Busy, and nobody waits for it.
    Orphan,
}

struct Record {
    generation: u32,
    state: State,
    handle: u64,
}

/// How many buffers of which size.
#[derive(Clone, Copy)]
pub(crate) struct BufferPlan {
    pub(crate) owner_count: u32,
    pub(crate) receive_count: u32,
    pub(crate) receive_bytes: u32,
    pub(crate) transfer_count: u32,
    pub(crate) transfer_bytes: u32,
}

impl BufferPlan {
    /// Bytes of what is known of each buffer.
    pub(crate) fn table_bytes(&self) -> usize {
        let count = self.receive_count + self.transfer_count;
        count as usize * (size_of::<Record>() + size_of::<u32>())
            + Chains::bytes(self.owner_count, count)
    }

    /// Bytes of the mapping between its guards.
    pub(crate) fn bytes(&self) -> usize {
        self.receive_count as usize * stride(self.receive_bytes)
            + self.transfer_count as usize * stride(self.transfer_bytes)
    }
}

pub(crate) struct Buffers {
    plan: BufferPlan,
    /// Taken out when an operation may still write to it.
    memory: Option<Arena>,
    base: NonNull<u8>,
    records: Box<[Record]>,
    free_receive: Vec<u32>,
    free_transfer: Vec<u32>,
    by_owner: Chains,
    held_count: u32,
    offered_count: u32,
}

// SAFETY: the mapping is this value's alone; references to it are made from `self` only.
unsafe impl Send for Buffers {}

/// Bytes from one buffer to the next: whole cache lines, or whole pages.
fn stride(bytes: u32) -> usize {
    let unit = if bytes < 4096 { 64 } else { 4096 };
    (bytes as usize).next_multiple_of(unit)
}

impl Buffers {
    pub(crate) fn new(plan: BufferPlan) -> std::io::Result<Self> {
        let memory = Arena::map(plan.bytes())?;
        let (_, base) = memory.carve_bytes(plan.bytes(), 4096);
        let count = plan.receive_count + plan.transfer_count;
        let record = |_| Record {
            generation: 0,
            state: State::Free,
            handle: 0,
        };
        Ok(Self {
            plan,
            base,
            memory: Some(memory),
            records: (0..count)
                .map(record)
                .collect::<Vec<_>>()
                .into_boxed_slice(),
            free_receive: (0..plan.receive_count).rev().collect(),
            free_transfer: (plan.receive_count..count).rev().collect(),
            by_owner: Chains::new(plan.owner_count, count),
            held_count: 0,
            offered_count: 0,
        })
    }

    /// Writes down what it has taken, but for the memory of the buffers.
    pub(crate) fn list(&self, estate: &mut Estate) {
        estate.boxed(&*self.records);
        estate.vec(&self.free_receive);
        estate.vec(&self.free_transfer);
        self.by_owner.list(estate);
    }

    /// The memory of the buffers.
    pub(crate) fn list_memory(&self, estate: &mut Estate) {
        if let Some(memory) = &self.memory {
            estate.arena(memory);
        }
    }

    /// Buffers that owners hold, those in use by operations among them.
    pub(crate) fn held_count(&self) -> u32 {
        self.held_count
    }

    /// A transfer buffer for an owner, with whatever bytes are in it.
    pub(crate) fn take(&mut self, owner: Owner) -> Result<Buffer, Refusal> {
        let slot = self.free_transfer.pop().ok_or(Refusal::NoBuffer)?;
        Ok(self.hold(slot, owner))
    }

    /// A free receive buffer for bytes to arrive in.
    pub(crate) fn offer(&mut self) -> Option<u32> {
        let slot = self.free_receive.pop()?;
        self.set_state(slot, State::Free, State::Offered);
        self.offered_count += 1;
        Some(slot)
    }

    /// Bytes have arrived in an offered buffer.
    pub(crate) fn lend(&mut self, slot: u32, owner: Owner) -> Buffer {
        self.set_state(slot, State::Offered, State::Free);
        self.offered_count -= 1;
        self.hold(slot, owner)
    }

    /// Nothing arrived in it, or nobody is there to have it.
    pub(crate) fn withdraw(&mut self, slot: u32) {
        self.set_state(slot, State::Offered, State::Free);
        self.offered_count -= 1;
        self.free_receive.push(slot);
    }

    /// Gives a buffer back.
    pub(crate) fn release(&mut self, owner: Owner, buffer: Buffer) -> Result<(), Refusal> {
        let slot = self.held(owner, buffer)?;
        self.by_owner.unlink(slot);
        self.free(slot, State::Held);
        Ok(())
    }

    /// The buffer is another's from now on, under another handle.
    pub(crate) fn give(
        &mut self,
        owner: Owner,
        buffer: Buffer,
        to: Owner,
    ) -> Result<Buffer, Refusal> {
        let slot = self.held(owner, buffer)?;
        self.by_owner.unlink(slot);
        self.held_count -= 1;
        self.set_state(slot, State::Held, State::Free);
        Ok(self.hold(slot, to))
    }

    /// All bytes of a buffer that no operation uses.
    pub(crate) fn bytes(&self, owner: Owner, buffer: Buffer) -> Result<&[u8], Refusal> {
        let span = self.span(self.held(owner, buffer)?);
        // SAFETY: inside the mapping and initialised (zeroed, or written since); held and not busy,
        // so nobody writes to it while `self` is borrowed.
        Ok(unsafe { std::slice::from_raw_parts(span.start.as_ptr(), span.length as usize) })
    }

    /// All bytes of a buffer that no operation uses.
    pub(crate) fn bytes_mut(&mut self, owner: Owner, buffer: Buffer) -> Result<&mut [u8], Refusal> {
        let span = self.span(self.held(owner, buffer)?);
        // SAFETY: as in `bytes`; `&mut self` makes it unique.
        Ok(unsafe { std::slice::from_raw_parts_mut(span.start.as_ptr(), span.length as usize) })
    }

    /// The bytes of one buffer, and those of another to write to.
    pub(crate) fn both(
        &mut self,
        owner: Owner,
        from: Buffer,
        to: Buffer,
    ) -> Result<(&[u8], &mut [u8]), Refusal> {
        let (from, to) = (self.held(owner, from)?, self.held(owner, to)?);
        if from == to {
            return Err(Refusal::Busy);
        }
        let (from, to) = (self.span(from), self.span(to));
        // SAFETY: as in `bytes_mut`; two buffers have no byte in common.
        Ok(unsafe {
            (
                std::slice::from_raw_parts(from.start.as_ptr(), from.length as usize),
                std::slice::from_raw_parts_mut(to.start.as_ptr(), to.length as usize),
            )
        })
    }

    /// The bytes of a part that may be lent to an operation.
    pub(crate) fn part(&self, owner: Owner, part: Part) -> Result<Span, Refusal> {
        let span = self.span(self.held(owner, part.buffer)?);
        let end = part.start.checked_add(part.length);
        if end.is_none_or(|end| end > span.length) {
            return Err(Refusal::BeyondBuffer);
        }
        let length = part.length;
        let span = span.skip(part.start);
        Ok(Span { length, ..span })
    }

    /// The bytes of a part that an operation uses.
    pub(crate) fn busy_part(&self, part: Part) -> Span {
        let span = self.span(part.buffer.slot).skip(part.start);
        assert!(part.length <= span.length, "checked when it was submitted");
        let length = part.length;
        Span { length, ..span }
    }

    /// Whether bytes may arrive somewhere.
    pub(crate) fn can_receive(&self) -> bool {
        self.offered_count > 0 || !self.free_receive.is_empty()
    }

    /// An operation uses it from now on.
    pub(crate) fn begin_use(&mut self, buffer: Buffer) {
        self.set_state(buffer.slot, State::Held, State::Busy);
    }

    /// The operation that used it has completed.
    pub(crate) fn end_use(&mut self, buffer: Buffer) {
        match self.records[buffer.slot as usize].state {
            State::Orphan => self.free(buffer.slot, State::Orphan),
            State::Free | State::Offered | State::Held | State::Busy => {
                self.set_state(buffer.slot, State::Busy, State::Held);
            }
        }
    }

    /// The owner has died: what it holds is free, now or when it is no longer in use.
    pub(crate) fn release_all_of(&mut self, owner: Owner) {
        while let Some(slot) = self.by_owner.first(owner.place) {
            let record = &mut self.records[slot as usize];
            assert!(record.handle == owner.handle, "one owner lives in a place");
            self.by_owner.unlink(slot);
            if record.state == State::Busy {
                record.state = State::Orphan;
            } else {
                self.free(slot, State::Held);
            }
        }
    }

    /// Where a buffer lies.
    pub(crate) fn span(&self, slot: u32) -> Span {
        let plan = &self.plan;
        let receive_bytes = plan.receive_count as usize * stride(plan.receive_bytes);
        let (offset, length) = match slot.checked_sub(plan.receive_count) {
            None => (
                slot as usize * stride(plan.receive_bytes),
                plan.receive_bytes,
            ),
            Some(rank) => (
                receive_bytes + rank as usize * stride(plan.transfer_bytes),
                plan.transfer_bytes,
            ),
        };
        assert!(offset + length as usize <= plan.bytes(), "slots lie inside");
        Span {
            // SAFETY: inside the mapping, as just checked.
            start: unsafe { self.base.add(offset) },
            length,
        }
    }

    /// Never unmaps: somebody may still write to it.
    #[cold]
    pub(crate) fn leak(&mut self) {
        std::mem::forget(self.memory.take());
    }

    /// The slot of a buffer that this owner holds and no operation uses.
    fn held(&self, owner: Owner, buffer: Buffer) -> Result<u32, Refusal> {
        let record = self.records.get(buffer.slot as usize);
        let record = record.ok_or(Refusal::Stale)?;
        if record.generation != buffer.generation {
            return Err(Refusal::Stale);
        }
        match record.state {
            State::Free | State::Offered | State::Orphan => Err(Refusal::Stale),
            State::Held | State::Busy if record.handle != owner.handle => Err(Refusal::Foreign),
            State::Busy => Err(Refusal::Busy),
            State::Held => Ok(buffer.slot),
        }
    }

    fn hold(&mut self, slot: u32, owner: Owner) -> Buffer {
        self.set_state(slot, State::Free, State::Held);
        self.held_count += 1;
        self.by_owner.link(owner.place, slot);
        let record = &mut self.records[slot as usize];
        record.handle = owner.handle;
        record.generation = record.generation.wrapping_add(1);
        Buffer {
            slot,
            generation: record.generation,
        }
    }

    fn free(&mut self, slot: u32, from: State) {
        self.set_state(slot, from, State::Free);
        self.held_count -= 1;
        if slot < self.plan.receive_count {
            self.free_receive.push(slot);
        } else {
            self.free_transfer.push(slot);
        }
    }

    fn set_state(&mut self, slot: u32, from: State, to: State) {
        let state = &mut self.records[slot as usize].state;
        assert!(*state == from, "a buffer's life has one order");
        *state = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAN: BufferPlan = BufferPlan {
        owner_count: 3,
        receive_count: 3,
        receive_bytes: 100,
        transfer_count: 3,
        transfer_bytes: 5000,
    };

    fn owner(place: u32, handle: u64) -> Owner {
        Owner { place, handle }
    }

    #[test]
    fn handles_that_are_stale_foreign_or_busy_are_refused() {
        let mut buffers = Buffers::new(PLAN).unwrap();
        let (ann, bob) = (owner(0, 7), owner(1, 8));
        let buffer = buffers.take(ann).unwrap();
        assert_eq!(buffers.bytes(bob, buffer).err(), Some(Refusal::Foreign));
        buffers.begin_use(buffer);
        assert_eq!(buffers.bytes_mut(ann, buffer).err(), Some(Refusal::Busy));
        assert_eq!(buffers.release(ann, buffer), Err(Refusal::Busy));
        buffers.end_use(buffer);
        assert_eq!(buffers.bytes(ann, buffer).unwrap().len(), 5000);
        let given = buffers.give(ann, buffer, bob).unwrap();
        assert_eq!(buffers.bytes(ann, buffer).err(), Some(Refusal::Stale));
        assert_eq!(buffers.release(bob, given), Ok(()));
        assert_eq!(buffers.release(bob, given), Err(Refusal::Stale));
        let forged = Buffer::from_bits(u64::from(u32::MAX));
        assert_eq!(buffers.release(bob, forged), Err(Refusal::Stale));
    }

    #[test]
    fn a_part_never_reaches_beyond_its_buffer() {
        let mut buffers = Buffers::new(PLAN).unwrap();
        let ann = owner(0, 7);
        let buffer = buffers.take(ann).unwrap();
        for (start, length, fits) in [
            (0, 5000, true),
            (5000, 0, true),
            (4999, 1, true),
            (0, 5001, false),
            (5000, 1, false),
            (u32::MAX, 1, false),
            (1, u32::MAX, false),
        ] {
            let part = Part {
                buffer,
                start,
                length,
            };
            let span = buffers.part(ann, part);
            assert_eq!(
                span.as_ref().err(),
                (!fits).then_some(&Refusal::BeyondBuffer)
            );
            if let Ok(span) = span {
                assert_eq!(span.length, length);
            }
        }
    }

    proptest! {
        /// Whatever happens, each buffer is in exactly one hand, bytes are the holder's alone, and
        /// what the dead held comes back, late where an operation uses it.
        #[test]
        fn no_buffer_is_lost_or_shared(steps in proptest::collection::vec((0u8..7, 0usize..8, 0u32..3), 1..150)) {
            let mut buffers = Buffers::new(PLAN).unwrap();
            let mut handles = [10u64, 20, 30];
            let mut held: Vec<(Owner, Buffer)> = Vec::new();
            let mut busy: Vec<(Option<Owner>, Buffer)> = Vec::new();
            let mut offered: Vec<u32> = Vec::new();
            for (step, pick, place) in steps {
                let who = owner(place, handles[place as usize]);
                match step {
                    0 => held.extend(buffers.take(who).ok().map(|buffer| (who, buffer))),
                    1 => offered.extend(buffers.offer()),
                    2 if !offered.is_empty() => {
                        let slot = offered.swap_remove(pick % offered.len());
                        if pick % 2 == 0 {
                            held.push((who, buffers.lend(slot, who)));
                        } else {
                            buffers.withdraw(slot);
                        }
                    }
                    3 if !held.is_empty() => {
                        let (who, buffer) = held.swap_remove(pick % held.len());
                        buffers.release(who, buffer).unwrap();
                    }
                    4 if !held.is_empty() => {
                        let (who, buffer) = held.swap_remove(pick % held.len());
                        buffers.begin_use(buffer);
                        busy.push((Some(who), buffer));
                    }
                    5 if !busy.is_empty() => {
                        let (who, buffer) = busy.swap_remove(pick % busy.len());
                        buffers.end_use(buffer);
                        held.extend(who.map(|who| (who, buffer)));
                    }
                    6 => {
                        buffers.release_all_of(who);
                        held.retain(|&(holder, _)| holder != who);
                        for (holder, _) in busy.iter_mut().filter(|(holder, _)| *holder == Some(who)) {
                            *holder = None;
                        }
                        handles[place as usize] += 1;
                    }
                    _ => {}
                }
                let in_hands = held.len() + busy.len();
                prop_assert_eq!(buffers.held_count() as usize, in_hands);
                let free = buffers.free_receive.len() + buffers.free_transfer.len();
                prop_assert_eq!(free + in_hands + offered.len(), 6);
                for (mark, &(who, buffer)) in held.iter().enumerate() {
                    buffers.bytes_mut(who, buffer).unwrap().fill(mark as u8);
                }
                for (mark, &(who, buffer)) in held.iter().enumerate() {
                    prop_assert!(buffers.bytes(who, buffer).unwrap().iter().all(|&byte| byte == mark as u8));
                }
            }
        }
    }
}
