//! Payloads: blocks of bytes that travel in messages, for what is larger than a message.
//!
//! ```text
//!   depot of a shard:  guard | 256 | 256 | … | 4096 | 4096 | … | 1 MiB | … | guard      sizes from the plan
//!
//!   free ──take──► Payload ──in a message──► Payload on another shard ──drop, anywhere──► free
//! ```
//!
//! A payload owns its block; moving it moves 24 bytes, within a shard and between shards. Whoever drops it,
//! in a handler, in the mailbox of an isolate that has ended, on a ring at the end of the runtime, in
//! another runtime or outside of any, gives the block back to the depot that it came from. A depot is
//! memory of the runtime and not of a shard: it stays where it is when a shard is started again.
//!
//! Knows nothing of messages.

use super::free_slots::{FREE_SLOTS_MAX, FreeSlots};
use super::metrics::{Counter, ShardMetrics};
use crate::arena::Arena;
use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

/// The most sizes of payloads.
pub(crate) const PAYLOAD_CLASSES_MAX: usize = 16;
/// The longest payload.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 1 << 30;
/// The most payloads of a size.
pub(crate) const PAYLOADS_MAX: usize = FREE_SLOTS_MAX as usize;

const SLOT_BITS: u32 = 20;
const _: () = assert!(PAYLOADS_MAX <= 1 << SLOT_BITS);
const _: () = assert!(PAYLOAD_CLASSES_MAX <= 1 << (32 - SLOT_BITS));

/// So many payloads of so many bytes on every shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PayloadPlan {
    pub(crate) bytes: usize,
    pub(crate) count: usize,
}

impl PayloadPlan {
    /// The same, but no more than a specification may say.
    fn within_range(self) -> Self {
        Self {
            bytes: self.bytes.min(PAYLOAD_BYTES_MAX),
            count: self.count.min(PAYLOADS_MAX),
        }
    }

    /// Bytes from one block to the next: whole cache lines, so that two holders share none.
    fn stride(self) -> usize {
        self.bytes.next_multiple_of(64)
    }

    fn block_bytes(self) -> usize {
        self.count * self.stride()
    }

    /// Bytes of all blocks, and of what is known of them.
    pub(crate) fn total_bytes(self) -> usize {
        let plan = self.within_range();
        plan.block_bytes() + FreeSlots::bytes(plan.count as u32)
    }
}

/// Why there is no payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPayload {
    /// The boot specification has none so long.
    TooLong {
        /// What was asked for.
        bytes: usize,
        /// The longest there is; 0 if there is none at all.
        bytes_max: usize,
    },
    /// All that are long enough are in use.
    NoneFree,
}

impl fmt::Display for NoPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes_max: 0, .. } => {
                f.write_str("the boot specification has no payloads")
            }
            Self::TooLong { bytes, bytes_max } => write!(
                f,
                "{bytes} bytes are asked for, and the longest payload has {bytes_max}"
            ),
            Self::NoneFree => f.write_str("every payload that is long enough is in use"),
        }
    }
}

impl std::error::Error for NoPayload {}

/// Bytes do not fit into a payload any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadFull;

impl fmt::Display for PayloadFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the payload has no room for these bytes")
    }
}

impl std::error::Error for PayloadFull {}

struct Class {
    plan: PayloadPlan,
    start: NonNull<u8>,
    free: FreeSlots,
}

/// The payloads of a shard.
pub(crate) struct Depot {
    /// Short ones first.
    classes: Box<[Class]>,
    metrics: Arc<ShardMetrics>,
    /// What the classes point into.
    _memory: Arena,
}

// SAFETY: a block is touched by the one payload that has its slot; everything else is atomic.
unsafe impl Send for Depot {}
// SAFETY: as above.
unsafe impl Sync for Depot {}

impl Depot {
    pub(crate) fn new(plans: &[PayloadPlan], metrics: Arc<ShardMetrics>) -> io::Result<Self> {
        let mut plans = plans.to_vec();
        plans.sort();
        let memory = Arena::map(plans.iter().map(|plan| plan.block_bytes()).sum())?;
        let class = |plan: PayloadPlan| Class {
            plan,
            start: memory.carve_bytes(plan.block_bytes(), 64).1,
            free: FreeSlots::new(plan.count as u32),
        };
        Ok(Self {
            classes: plans.into_iter().map(class).collect(),
            metrics,
            _memory: memory,
        })
    }

    /// An empty payload with room for so many bytes: of the shortest that will do and are not all in use.
    pub(crate) fn take(self: &Arc<Self>, bytes: usize) -> Result<Payload, NoPayload> {
        let first = self
            .classes
            .partition_point(|class| class.plan.bytes < bytes);
        for (number, class) in self.classes.iter().enumerate().skip(first) {
            let Some(slot) = class.free.take() else {
                continue;
            };
            self.metrics.count_from_anywhere(Counter::PayloadsTaken);
            let offset = slot as usize * class.plan.stride();
            return Ok(Payload {
                depot: self.clone(),
                // SAFETY: the class has `count` blocks of a stride, and its slots are below `count`.
                start: unsafe { class.start.add(offset) },
                place: (number as u32) << SLOT_BITS | slot,
                length: 0,
            });
        }
        self.metrics.count_from_anywhere(Counter::PayloadsRefused);
        let bytes_max = self.classes.last().map_or(0, |class| class.plan.bytes);
        Err(if bytes > bytes_max || bytes_max == 0 {
            NoPayload::TooLong { bytes, bytes_max }
        } else {
            NoPayload::NoneFree
        })
    }

    /// The same, with these bytes in it.
    pub(crate) fn take_filled(self: &Arc<Self>, bytes: &[u8]) -> Result<Payload, NoPayload> {
        let mut payload = self.take(bytes.len())?;
        payload
            .append(bytes)
            .expect("it was taken with room for them");
        Ok(payload)
    }
}

/// Bytes with one owner, to be sent in a message: see [`Context::payload`](super::Context::payload).
///
/// Whoever drops it gives its memory back to the shard it was taken on, from wherever that is.
pub struct Payload {
    depot: Arc<Depot>,
    start: NonNull<u8>,
    /// Class and slot.
    place: u32,
    length: u32,
}

// SAFETY: a payload is the only way to its block, as a box would be.
unsafe impl Send for Payload {}
// SAFETY: as above.
unsafe impl Sync for Payload {}

impl Payload {
    fn class(&self) -> &Class {
        &self.depot.classes[(self.place >> SLOT_BITS) as usize]
    }

    /// How many bytes it has room for: at least as many as were asked for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.class().plan.bytes
    }

    /// Room for more bytes.
    #[must_use]
    pub fn room(&self) -> usize {
        self.capacity() - self.length as usize
    }

    /// Adds bytes at the end: all of them, or none.
    ///
    /// # Errors
    /// There is no room for them.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), PayloadFull> {
        if bytes.len() > self.room() {
            return Err(PayloadFull);
        }
        // SAFETY: the block has room for them behind what was written, and they lie elsewhere.
        unsafe {
            let end = self.start.add(self.length as usize);
            end.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len());
        }
        self.length += bytes.len() as u32;
        Ok(())
    }

    /// Leaves the first `length` bytes, if there are more.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length.min(PAYLOAD_BYTES_MAX) as u32);
    }

    /// Leaves none.
    pub fn clear(&mut self) {
        self.length = 0;
    }
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: so many bytes of the block have been written, and nobody else has it.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length as usize) }
    }
}

impl DerefMut for Payload {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`; `&mut self` makes it unique.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length as usize) }
    }
}

impl fmt::Write for Payload {
    /// Text that does not fit is an error, and none of it is written.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.append(text.as_bytes())
            .map_err(|PayloadFull| fmt::Error)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} of {} bytes)", self.length, self.capacity())
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        let slot = self.place & ((1 << SLOT_BITS) - 1);
        self.class().free.give_back(slot);
        let metrics = &self.depot.metrics;
        metrics.count_from_anywhere(Counter::PayloadsGivenBack);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fmt::Write as _;

    fn depot(plans: &[(usize, usize)]) -> Arc<Depot> {
        let plan = |&(bytes, count)| PayloadPlan { bytes, count };
        let plans: Vec<PayloadPlan> = plans.iter().map(plan).collect();
        Arc::new(Depot::new(&plans, Arc::default()).unwrap())
    }

    #[test]
    fn the_shortest_that_will_do_is_taken_and_a_longer_one_when_those_are_used_up() {
        let depot = depot(&[(1000, 1), (10, 1)]);
        let short = depot.take(10).unwrap();
        let long = depot.take(1).unwrap();
        assert_eq!((short.capacity(), long.capacity()), (10, 1000));
        assert_eq!(depot.take(0).unwrap_err(), NoPayload::NoneFree);
        let (bytes, bytes_max) = (1001, 1000);
        assert_eq!(
            depot.take(1001).unwrap_err(),
            NoPayload::TooLong { bytes, bytes_max }
        );
        drop(short);
        assert_eq!(depot.take(3).unwrap().capacity(), 10);
    }

    #[test]
    fn bytes_that_do_not_fit_leave_a_payload_as_it_is() {
        let depot = depot(&[(5, 1)]);
        let mut payload = depot.take_filled(b"abc").unwrap();
        assert_eq!(payload.append(b"def"), Err(PayloadFull));
        assert!(write!(payload, "{}", 123).is_err());
        assert_eq!(write!(payload, "{}", 45), Ok(()));
        assert_eq!(&payload[..], b"abc45");
        payload.truncate(9);
        payload[0] = b'x';
        payload.truncate(2);
        assert_eq!(&payload[..], b"xb");
        assert_eq!(
            depot.take_filled(&[0; 6]).unwrap_err().to_string(),
            "6 bytes are asked for, and the longest payload has 5"
        );
    }

    #[test]
    fn without_a_plan_there_are_none() {
        let error = depot(&[]).take(0).unwrap_err();
        assert_eq!(error.to_string(), "the boot specification has no payloads");
    }

    proptest! {
        /// Payloads never share a byte, are refused only when all long enough are in use, and are all given back.
        #[test]
        fn payloads_are_their_holders_alone(
            steps in prop::collection::vec((any::<bool>(), 0..80usize), 0..64),
        ) {
            let depot = depot(&[(8, 3), (64, 2), (65, 2)]);
            let mut held: Vec<(u8, Payload)> = Vec::new();
            for (step, &(takes, number)) in steps.iter().enumerate() {
                let mark = step as u8;
                if takes {
                    let bytes = vec![mark; number];
                    match depot.take_filled(&bytes) {
                        Ok(payload) => held.push((mark, payload)),
                        Err(NoPayload::TooLong { .. }) => prop_assert!(number > 65),
                        Err(NoPayload::NoneFree) => {
                            let long = held.iter().filter(|(_, held)| held.capacity() >= number);
                            let sizes = [(8, 3), (64, 2), (65, 2)].into_iter();
                            let enough = sizes.filter(|(size, _)| *size >= number);
                            prop_assert_eq!(long.count(), enough.map(|(_, count)| count).sum());
                        }
                    }
                } else if !held.is_empty() {
                    held.swap_remove(number % held.len());
                }
                for (mark, payload) in &held {
                    prop_assert!(payload.iter().all(|byte| byte == mark));
                }
            }
            let in_use = held.len() as u64;
            let figures = depot.metrics.read();
            let count = |counter| figures.counter(counter);
            prop_assert_eq!(count(Counter::PayloadsTaken) - count(Counter::PayloadsGivenBack), in_use);
        }
    }
}
