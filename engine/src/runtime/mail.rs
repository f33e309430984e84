//! Envelopes: the messages of a shard's mailboxes, from one pool, in intrusive queues.

#[cfg(test)]
use super::canary::{Canary, sings};
use super::handle::Handle;
use super::parcel::Parcel;
use crate::arena::{Arena, Batch};

pub(crate) const NONE: u32 = u32::MAX;

/// Which of a mailbox's two lanes a message takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lane {
    /// In order of arrival.
    #[default]
    Normal,
    /// Before all that is normal, though one of eight goes to the normal lane all the same.
    High,
}

/// A message on its way, 128 bytes.
pub(crate) struct Envelope {
    next: u32,
    pub(crate) source: Handle,
    pub(crate) parcel: Parcel,
}

const _: () = assert!(size_of::<Envelope>() <= 128);

/// First in, first out, by number of the envelope (or of a notice).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queue {
    pub(crate) head: u32,
    pub(crate) tail: u32,
}

impl Queue {
    pub(crate) const EMPTY: Self = Self {
        head: NONE,
        tail: NONE,
    };

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.head == NONE
    }
}

/// All envelopes of a shard.
pub(crate) struct Mail {
    envelopes: Batch<Envelope>,
    free: Queue,
    free_count: u32,
}

impl Mail {
    pub(crate) fn bytes(count: usize) -> usize {
        count * size_of::<Envelope>() + align_of::<Envelope>()
    }

    pub(crate) fn carve(arena: &Arena, count: usize) -> Self {
        let mut envelopes = arena.carve_batch(count);
        for index in 0..count {
            envelopes.push(Envelope {
                next: if index + 1 < count {
                    index as u32 + 1
                } else {
                    NONE
                },
                source: Handle::NOBODY,
                parcel: Parcel::empty(),
            });
        }
        let free = if count == 0 {
            Queue::EMPTY
        } else {
            Queue {
                head: 0,
                tail: count as u32 - 1,
            }
        };
        Self {
            envelopes,
            free,
            free_count: count as u32,
        }
    }

    pub(crate) fn free_count(&self) -> u32 {
        self.free_count
    }

    pub(crate) fn count(&self) -> u32 {
        self.envelopes.len() as u32
    }

    /// How many envelopes a queue holds, by walking along it.
    pub(crate) fn length(&self, queue: &Queue) -> u32 {
        let mut length = 0;
        let mut index = queue.head;
        while index != NONE && length <= self.count() {
            length += 1;
            index = self.envelopes[index as usize].next;
        }
        length
    }

    /// The same, of those that are free.
    pub(crate) fn free_length(&self) -> u32 {
        self.length(&self.free)
    }

    /// Puts an envelope at the end of `queue`, to be filled by the caller. Somebody has looked at
    /// [`free_count`](Self::free_count).
    #[inline(always)]
    pub(crate) fn push(&mut self, queue: &mut Queue) -> &mut Envelope {
        let index = self.free.head;
        let tail = std::mem::replace(&mut queue.tail, index);
        if queue.is_empty() {
            queue.head = index;
        } else {
            self.envelopes[tail as usize].next = index;
        }
        // The index is checked by the slice: `NONE` lies outside.
        let envelope = &mut self.envelopes[index as usize];
        self.free.head = envelope.next;
        self.free_count -= 1;
        envelope.next = NONE;
        envelope
    }

    /// Takes the first envelope out of `queue`, to be emptied and given [`back`](Self::give_back) by the
    /// caller.
    #[inline(always)]
    pub(crate) fn pop(&mut self, queue: &mut Queue) -> Option<u32> {
        let index = queue.head;
        let envelope = self.envelopes.get(index as usize)?;
        queue.head = envelope.next;
        Some(index)
    }

    #[inline(always)]
    pub(crate) fn at(&mut self, index: u32) -> &mut Envelope {
        &mut self.envelopes[index as usize]
    }

    /// An envelope that was taken out and emptied is free again.
    #[inline(always)]
    pub(crate) fn give_back(&mut self, index: u32) {
        #[cfg(test)]
        if sings(Canary::LeakedEnvelope) {
            return;
        }
        self.envelopes[index as usize].next = self.free.head;
        self.free.head = index;
        self.free_count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    proptest! {
        /// Three queues over one pool keep their order, and no envelope is lost.
        #[test]
        fn queues_share_a_pool(steps in prop::collection::vec((0..3usize, any::<bool>()), 1..300)) {
            const COUNT: usize = 16;
            let arena = Arena::map(Mail::bytes(COUNT)).unwrap();
            let mut mail = Mail::carve(&arena, COUNT);
            let mut queues = [Queue::EMPTY; 3];
            let mut model = [(); 3].map(|()| VecDeque::new());
            for (number, (queue, push)) in steps.into_iter().enumerate() {
                if push && mail.free_count() > 0 {
                    let source = Handle::from_bits(number as u64);
                    let envelope = mail.push(&mut queues[queue]);
                    envelope.source = source;
                    envelope.parcel.pack(number);
                    model[queue].push_back(number);
                } else if !push {
                    let popped = mail.pop(&mut queues[queue]);
                    let popped = popped.map(|index| {
                        let envelope = mail.at(index);
                        let source = envelope.source.bits();
                        assert_eq!(Some(source), model[queue].front().map(|&n| n as u64));
                        let number: usize = envelope.parcel.unpack().unwrap();
                        mail.give_back(index);
                        number
                    });
                    prop_assert_eq!(popped, model[queue].pop_front());
                }
                let held: usize = model.iter().map(VecDeque::len).sum();
                prop_assert_eq!(mail.free_count() as usize, COUNT - held);
            }
        }
    }
}
