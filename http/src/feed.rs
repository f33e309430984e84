//! A feed: events that anybody publishes and any number of connections follow.
//!
//! The last events lie in a ring of bytes that was taken when the feed was made. Each follower reads
//! at its own pace; one that falls behind the ring is told how many events it missed. A follower
//! that comes back with `Last-Event-ID` goes on where it was, if that is still there; a new one begins with
//! the last event, so that a page shows at once how things are. The ring is behind a lock that
//! is held while an event is copied.

use crate::request::Request;
use crate::stream::{Chunk, Next, write_event};
use crate::wake::Waker;
use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tina_engine::runtime::{Context, Isolate, Runtime};

/// A quiet stream shows that it lives, and finds out whether the peer does.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// An event that was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTooLong {
    /// Bytes that an event may have in this feed, with its name and what the protocol adds.
    pub maximum: usize,
}

impl fmt::Display for EventTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "an event of this feed has at most {} bytes",
            self.maximum
        )
    }
}

impl std::error::Error for EventTooLong {}

/// Events that are published to whoever follows.
#[derive(Debug)]
pub struct Feed(Mutex<Ring>);

#[derive(Debug)]
struct Ring {
    /// Events kept, oldest first: how long each is.
    lengths: VecDeque<usize>,
    bytes: VecDeque<u8>,
    /// Number of the next event.
    next_id: u64,
    /// The event that is being made.
    draft: String,
    draft_max: usize,
    followers: Vec<Follower>,
    followers_max: usize,
    /// Followers that have ever been, to tell them apart.
    tickets: u64,
}

#[derive(Debug)]
struct Follower {
    ticket: u64,
    waker: Waker,
    /// It has been woken and has not looked since.
    is_woken: bool,
}

impl Feed {
    /// A feed that keeps up to `event_count` events of up to `event_bytes` bytes, for up to
    /// `followers_max` connections at a time.
    #[must_use]
    pub fn new(event_count: usize, event_bytes: usize, followers_max: usize) -> Arc<Self> {
        let event_count = event_count.max(1);
        let bytes = event_count.saturating_mul(event_bytes);
        Arc::new(Self(Mutex::new(Ring {
            lengths: VecDeque::with_capacity(event_count),
            bytes: VecDeque::with_capacity(bytes),
            next_id: 1,
            draft: String::with_capacity(event_bytes),
            draft_max: event_bytes,
            followers: Vec::with_capacity(followers_max),
            followers_max,
            tickets: 0,
        })))
    }

    /// Publishes an event from an isolate.
    ///
    /// # Errors
    /// It is too long.
    pub fn publish<I: Isolate>(
        &self,
        context: &mut Context<'_, I>,
        name: &str,
        data: &str,
    ) -> Result<(), EventTooLong> {
        self.add(name, data, |waker| waker.wake(context))
    }

    /// Publishes an event from a thread that is no shard's.
    ///
    /// # Errors
    /// It is too long.
    pub fn publish_from(
        &self,
        runtime: &Runtime,
        name: &str,
        data: &str,
    ) -> Result<(), EventTooLong> {
        self.add(name, data, |waker| waker.wake_from(runtime))
    }

    /// Connections that follow now.
    #[must_use]
    pub fn follower_count(&self) -> usize {
        self.ring().followers.len()
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        // What is in it is whole between any two lines that could panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(
        &self,
        name: &str,
        data: &str,
        mut wake: impl FnMut(Waker) -> bool,
    ) -> Result<(), EventTooLong> {
        let mut ring = self.ring();
        ring.add(name, data)?;
        for follower in ring.followers.iter_mut().filter(|it| !it.is_woken) {
            follower.is_woken = wake(follower.waker);
        }
        Ok(())
    }

    pub(crate) fn follow(feed: &Arc<Self>, request: &Request<'_>) -> Option<Following> {
        let last = request.header("last-event-id");
        let last: Option<u64> = last.and_then(|id| std::str::from_utf8(id).ok()?.parse().ok());
        let mut ring = feed.ring();
        if ring.followers.len() == ring.followers_max {
            return None;
        }
        ring.tickets += 1;
        let ticket = ring.tickets;
        ring.followers.push(Follower {
            ticket,
            waker: request.waker(),
            is_woken: false,
        });
        let newest = ring.next_id - 1;
        let next_id = match last {
            Some(last) if last <= newest => last + 1,
            _ => newest.max(1),
        };
        let feed = feed.clone();
        Some(Following {
            feed,
            ticket,
            next_id,
            quiet_since: request.now(),
        })
    }
}

/// Counts what would be written, up to a limit.
struct Limited<'a> {
    text: &'a mut String,
    maximum: usize,
}

impl Write for Limited<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.text.len() + text.len() > self.maximum {
            return Err(fmt::Error);
        }
        self.text.push_str(text);
        Ok(())
    }
}

impl Ring {
    fn add(&mut self, name: &str, data: &str) -> Result<(), EventTooLong> {
        let maximum = self.draft_max;
        self.draft.clear();
        let mut draft = Limited {
            text: &mut self.draft,
            maximum,
        };
        let written = write_event(&mut draft, Some(self.next_id), name, data);
        written.map_err(|fmt::Error| EventTooLong { maximum })?;
        let length = self.draft.len();
        while self.lengths.len() == self.lengths.capacity()
            || self.bytes.len() + length > self.bytes.capacity()
        {
            let oldest = self.lengths.pop_front();
            let oldest = oldest.expect("the ring holds at least one event of the greatest length");
            self.bytes.drain(..oldest);
        }
        self.lengths.push_back(length);
        self.bytes.extend(self.draft.as_bytes());
        self.next_id += 1;
        Ok(())
    }

    /// Copies an event, if it fits and is still there.
    fn copy(&self, id: u64, chunk: &mut Chunk<'_>) -> bool {
        let index = (id - self.oldest_id()) as usize;
        let start: usize = self.lengths.iter().take(index).sum();
        let length = self.lengths[index];
        if length > chunk.room() {
            return false;
        }
        let (front, back) = self.bytes.as_slices();
        let split = front.len().clamp(start, start + length);
        chunk.push(&front[start.min(front.len())..split.min(front.len())]);
        let back_start = split.saturating_sub(front.len());
        let back_end = (start + length).saturating_sub(front.len());
        chunk.push(&back[back_start..back_end]);
        true
    }

    fn oldest_id(&self) -> u64 {
        self.next_id - self.lengths.len() as u64
    }
}

/// A connection that follows a feed, until it is dropped.
#[derive(Debug)]
pub(crate) struct Following {
    feed: Arc<Feed>,
    ticket: u64,
    next_id: u64,
    quiet_since: Duration,
}

impl Following {
    /// Writes what there is.
    pub(crate) fn fill(&mut self, now: Duration, chunk: &mut Chunk<'_>) -> Next {
        let mut ring = self.feed.ring();
        let oldest_id = ring.oldest_id();
        if self.next_id < oldest_id {
            let missed = oldest_id - self.next_id;
            let told = chunk.attempt(|chunk| write!(chunk, "event: missed\ndata: {missed}\n\n"));
            if !told {
                return Next::More;
            }
            self.next_id = oldest_id;
        }
        while self.next_id < ring.next_id {
            if !ring.copy(self.next_id, chunk) {
                // An event that no buffer holds would be asked for for ever.
                return if chunk.length() > 0 {
                    Next::More
                } else {
                    Next::Abort
                };
            }
            self.next_id += 1;
        }
        let me = ring
            .followers
            .iter_mut()
            .find(|it| it.ticket == self.ticket);
        if let Some(me) = me {
            me.is_woken = false;
        }
        if chunk.length() > 0 {
            self.quiet_since = now;
        } else if now.saturating_sub(self.quiet_since) >= SIGN_OF_LIFE {
            self.quiet_since = now;
            chunk.push(b":\n\n");
        }
        Next::Wait(Some(SIGN_OF_LIFE))
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let ticket = self.ticket;
        self.feed.ring().followers.retain(|it| it.ticket != ticket);
    }
}
