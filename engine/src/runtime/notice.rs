//! Notices: what a shard owes its isolates (the end of a call, a timer, news of a watched isolate, a
//! message that came back), each with room reserved when it was asked for.
//!
//! A notice is owned by an isolate and stands in the list of what that one owns; when what it waits
//! for has happened it is put in its owner's queue as well, until it is delivered. One that watches
//! an isolate of the same shard stands in that one's list of watchers too.
//!
//! ```text
//!   free ──take──► pending ──queue──► queued ──deliver──► free
//!                     └───────────── release ─────────────┘
//! ```

use super::handle::Handle;
use super::mail::{NONE, Queue};
use super::parcel::Parcel;
use crate::arena::{Arena, Batch};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Free,
    /// `target`: who was asked. Done: `parcel` is the reply, or `word` the error.
    Call,
    /// `word`: the period in ticks if it repeats, else 0.
    Timer,
    /// `target`: who is watched. Done: `parcel` is the ending.
    Monitor,
    /// As a monitor, but the owner ends with the other.
    Link,
    /// Kept for a watcher on another shard: `target` is the watcher, `word` its notice.
    Proxy,
    /// A proxy whose isolate, `source`, has ended; `parcel` is the ending. Waits for the ring.
    Ended,
    /// Somebody's watch, `word`, of `target` on another shard is over. Waits for the ring.
    Unwatch,
    /// A message that came back: `target` whom it did not reach, `word` why.
    Refusal,
    /// News of shards: `word` is where reading goes on.
    Peers,
    /// An operation, `word`. Done: `parcel` is what came of it.
    Io,
    /// An operation that accepts, `word`; `parcel` is the line of what it has brought.
    Accept,
}

/// Links of one list.
#[derive(Clone, Copy, Debug)]
struct Links {
    next: u32,
    previous: u32,
}

const UNLINKED: Links = Links {
    next: NONE,
    previous: NONE,
};

pub(crate) struct Notice {
    pub(crate) tag: Tag,
    pub(crate) queued: bool,
    /// Counts uses of this slot, so that an identifier kept too long is stale.
    pub(crate) sequence: u32,
    /// Desk of the owner.
    pub(crate) owner: u32,
    next: u32,
    owned: Links,
    watching: Links,
    pub(crate) source: Handle,
    pub(crate) target: Handle,
    pub(crate) word: u64,
    pub(crate) parcel: Parcel,
}

/// A notice and which use of its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoticeId {
    pub(crate) index: u32,
    pub(crate) sequence: u32,
}

impl NoticeId {
    pub(crate) const fn bits(self) -> u64 {
        (self.index as u64) << 32 | self.sequence as u64
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self {
            index: (bits >> 32) as u32,
            sequence: bits as u32,
        }
    }
}

pub(crate) struct Notices {
    notices: Batch<Notice>,
    free: u32,
    free_count: u32,
}

impl Notices {
    pub(crate) fn bytes(count: usize) -> usize {
        count * size_of::<Notice>() + align_of::<Notice>()
    }

    /// So many, whose slots count their uses from `sequence` on.
    pub(crate) fn carve(arena: &Arena, count: usize, sequence: u32) -> Self {
        let mut notices = arena.carve_batch(count);
        for index in 0..count {
            notices.push(Notice {
                tag: Tag::Free,
                queued: false,
                sequence,
                owner: NONE,
                next: if index + 1 < count {
                    index as u32 + 1
                } else {
                    NONE
                },
                owned: UNLINKED,
                watching: UNLINKED,
                source: Handle::NOBODY,
                target: Handle::NOBODY,
                word: 0,
                parcel: Parcel::empty(),
            });
        }
        Self {
            notices,
            free: if count == 0 { NONE } else { 0 },
            free_count: count as u32,
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.notices.len()
    }

    #[inline]
    pub(crate) fn at(&mut self, index: u32) -> &mut Notice {
        &mut self.notices[index as usize]
    }

    /// The notice, unless its slot was used anew.
    pub(crate) fn find(&mut self, id: NoticeId) -> Option<&mut Notice> {
        let notice = self.notices.get_mut(id.index as usize)?;
        (notice.tag != Tag::Free && notice.sequence == id.sequence).then_some(notice)
    }

    /// A fresh notice, first in the list `owned`. Quotas guarantee that there is one.
    pub(crate) fn take(&mut self, tag: Tag, owner: u32, owned: &mut u32) -> NoticeId {
        let index = self.free;
        let notice = &mut self.notices[index as usize];
        self.free = notice.next;
        self.free_count -= 1;
        notice.tag = tag;
        notice.queued = false;
        // Never 0: the bits of no identifier are all zero.
        notice.sequence = notice.sequence.wrapping_add(1).max(1);
        notice.owner = owner;
        notice.next = NONE;
        notice.owned = Links {
            next: *owned,
            previous: NONE,
        };
        notice.source = Handle::NOBODY;
        notice.target = Handle::NOBODY;
        notice.word = 0;
        let sequence = notice.sequence;
        if *owned != NONE {
            self.notices[*owned as usize].owned.previous = index;
        }
        *owned = index;
        NoticeId { index, sequence }
    }

    /// Takes a notice, which is in no queue and watches nobody, out of its owner's list `owned`, and
    /// frees it.
    pub(crate) fn release(&mut self, index: u32, owned: &mut u32) -> Parcel {
        let notice = &mut self.notices[index as usize];
        debug_assert!(notice.tag != Tag::Free && !notice.queued, "notice {index}");
        let links = std::mem::replace(&mut notice.owned, UNLINKED);
        notice.tag = Tag::Free;
        notice.next = self.free;
        let parcel = std::mem::replace(&mut notice.parcel, Parcel::empty());
        self.free = index;
        self.free_count += 1;
        if links.previous == NONE {
            *owned = links.next;
        } else {
            self.notices[links.previous as usize].owned.next = links.next;
        }
        if links.next != NONE {
            self.notices[links.next as usize].owned.previous = links.previous;
        }
        parcel
    }

    /// Puts a notice at the end of its owner's queue.
    pub(crate) fn queue(&mut self, queue: &mut Queue, index: u32) {
        let notice = &mut self.notices[index as usize];
        debug_assert!(!notice.queued && notice.tag != Tag::Free, "notice {index}");
        notice.queued = true;
        notice.next = NONE;
        if queue.is_empty() {
            queue.head = index;
        } else {
            self.notices[queue.tail as usize].next = index;
        }
        queue.tail = index;
    }

    /// Takes the first notice out of `queue`; it stays its owner's.
    pub(crate) fn dequeue(&mut self, queue: &mut Queue) -> Option<u32> {
        if queue.is_empty() {
            return None;
        }
        let index = queue.head;
        let notice = &mut self.notices[index as usize];
        notice.queued = false;
        queue.head = notice.next;
        Some(index)
    }

    /// Takes a notice out of the middle of a queue. Linear.
    pub(crate) fn unqueue(&mut self, queue: &mut Queue, index: u32) {
        let mut kept = Queue::EMPTY;
        while let Some(other) = self.dequeue(queue) {
            if other != index {
                self.queue(&mut kept, other);
            }
        }
        *queue = kept;
    }

    pub(crate) fn free_count(&self) -> u32 {
        self.free_count
    }

    /// How many notices are free, by walking along them.
    pub(crate) fn free_length(&self) -> u32 {
        self.walk(self.free, |notice| notice.next)
    }

    /// How many stand in a queue, by walking along it.
    pub(crate) fn queue_length(&self, queue: &Queue) -> u32 {
        self.walk(queue.head, |notice| notice.next)
    }

    fn walk(&self, first: u32, next: impl Fn(&Notice) -> u32) -> u32 {
        let mut length = 0;
        let mut index = first;
        while index != NONE && length <= self.count() as u32 {
            length += 1;
            index = next(&self.notices[index as usize]);
        }
        length
    }

    /// How many stand in a list of what somebody owns, by walking along it; what is wrong with it.
    pub(crate) fn owned_length(&self, first: u32) -> Result<u32, String> {
        let (mut length, mut index, mut before) = (0, first, NONE);
        while index != NONE {
            let notice = &self.notices[index as usize];
            if notice.tag == Tag::Free || notice.owned.previous != before {
                return Err(format!("notice {index} is free or badly linked, and owned"));
            }
            length += 1;
            if length > self.count() as u32 {
                return Err(format!("a list of notices comes back to {index}"));
            }
            before = index;
            index = notice.owned.next;
        }
        Ok(length)
    }

    /// Adds a notice to the list of who watches an isolate.
    pub(crate) fn watch(&mut self, watchers: &mut u32, index: u32) {
        self.notices[index as usize].watching = Links {
            next: *watchers,
            previous: NONE,
        };
        if *watchers != NONE {
            self.notices[*watchers as usize].watching.previous = index;
        }
        *watchers = index;
    }

    /// Takes it out again.
    pub(crate) fn unwatch(&mut self, watchers: &mut u32, index: u32) {
        let links = std::mem::replace(&mut self.notices[index as usize].watching, UNLINKED);
        if links.previous == NONE {
            *watchers = links.next;
        } else {
            self.notices[links.previous as usize].watching.next = links.next;
        }
        if links.next != NONE {
            self.notices[links.next as usize].watching.previous = links.previous;
        }
    }

    /// The watcher behind `index` in a list.
    pub(crate) fn next_watcher(&self, index: u32) -> u32 {
        self.notices[index as usize].watching.next
    }
}
