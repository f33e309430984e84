//! Requests carried out on a store: each writes one reply, and into the journal what it has changed.
//!
//! Whoever asks makes room first: for [`reply_bytes_max`] and [`journal_bytes_max`] bytes. What the journal
//! holds, carried out in order on an empty store, makes the same store, whatever time it is then.

use crate::number::{DIGITS_MAX, Digits, parse};
use crate::pattern::matches;
use crate::request::{ExpireHow, Operation, REQUEST_HEAD_BYTES, Request, SetHow, TimeHow};
use crate::resp::{HEAD_BYTES_MAX, NIL, OK, Sink, put_number};
use crate::store::{Full, Millis, Place, Store};
use std::ops::Range;

/// The room that replies without a value need.
const SHORT_REPLY_BYTES: usize = 128;
/// The longest key that a pattern is held against, and that is swept.
const PATTERN_KEY_BYTES: usize = 1024;

const OUT_OF_MEMORY: &[u8] = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n";
const NO_NUMBER: &[u8] = b"-ERR value is not an integer or out of range\r\n";
const OVERFLOW: &[u8] = b"-ERR increment or decrement would overflow\r\n";
const LONG_VALUE: &[u8] = b"-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
const MANY_KEYS: &[u8] = b"-ERR there are more keys than a reply has room for: use SCAN\r\n";
const NO_REQUEST: &[u8] = b"-ERR a store does not know this request\r\n";

/// What is written down of what changes.
pub trait Journal {
    /// A request that, carried out again, makes the same change.
    fn record(&mut self, request: &Request<'_>);
}

impl Journal for () {
    fn record(&mut self, _: &Request<'_>) {}
}

/// What a store must know besides the request.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// Milliseconds since 1970.
    pub now: Millis,
    /// Which shard, of how many.
    pub shard: usize,
    /// How many there are.
    pub shards: usize,
    /// The longest value.
    pub value_bytes_max: usize,
    /// The longest reply.
    pub reply_bytes_max: usize,
}

/// Bytes that the reply to a request has at most.
#[must_use]
pub fn reply_bytes_max(store: &Store, request: &Request<'_>, scope: &Scope) -> usize {
    let value = match request.operation {
        Operation::Get | Operation::GetDelete | Operation::Set => store
            .find(request.key)
            .map_or(0, |place| store.value_bytes(place)),
        Operation::Scan | Operation::Keys => listing(store, request, scope).bytes,
        _ => 0,
    };
    SHORT_REPLY_BYTES + value
}

/// Bytes that a request has the journal record at most.
#[must_use]
pub fn journal_bytes_max(request: &Request<'_>) -> usize {
    let removal = REQUEST_HEAD_BYTES + request.key.len();
    removal + request.bytes() + DIGITS_MAX
}

/// Carries out a request.
pub fn execute(
    store: &mut Store,
    request: &Request<'_>,
    scope: &Scope,
    sink: &mut impl Sink,
    journal: &mut impl Journal,
) {
    let mut work = Work {
        store,
        now: scope.now,
        journal,
    };
    let key = request.key;
    match request.operation {
        Operation::Get => work.get(key, sink),
        Operation::Set => work.set(request, scope, sink),
        Operation::GetDelete => {
            work.get(key, sink);
            work.delete(key);
        }
        Operation::Append => work.append(request, scope, sink),
        Operation::Length => {
            let place = work.live(key);
            let bytes = place.map_or(0, |place| work.store.value_bytes(place));
            put_number(sink, b':', bytes as i64);
        }
        Operation::Add => work.add(request, sink),
        Operation::Delete => put_bool(sink, work.delete(key)),
        Operation::Exists => put_bool(sink, work.live(key).is_some()),
        Operation::Expire => put_bool(sink, work.expire(request)),
        Operation::Persist => put_bool(sink, work.persist(key)),
        Operation::Time => work.time(request, sink),
        Operation::Type => sink.put(match work.live(key) {
            Some(_) => b"+string\r\n",
            None => b"+none\r\n",
        }),
        Operation::Count => put_number(sink, b':', work.store.count() as i64),
        Operation::Flush => {
            work.store.clear();
            work.journal.record(request);
            sink.put(OK);
        }
        Operation::Scan => scan(work.store, request, scope, sink),
        Operation::Keys => keys(work.store, request, scope, sink),
    }
}

/// Says that nobody understands a request.
pub(crate) fn refuse(sink: &mut impl Sink) {
    sink.put(NO_REQUEST);
}

/// Carries out what a journal has recorded. Times to live are those of then: nothing expires meanwhile.
///
/// # Errors
/// The store has less room than the one of then.
pub fn replay(store: &mut Store, request: &Request<'_>) -> Result<(), Full> {
    let place = store.find(request.key);
    match request.operation {
        Operation::Set => {
            let how = SetHow::from_bits(request.how);
            let kept = place.map_or(0, |place| store.expires_at(place));
            let place = store.put(request.key, request.value)?;
            let at = if how.keep_expiry {
                kept
            } else {
                request.number as Millis
            };
            store.set_expiry(place, at);
        }
        Operation::Append => match place {
            Some(place) => store.append(place, request.value)?,
            None => {
                store.put(request.key, request.value)?;
            }
        },
        Operation::Delete => {
            if let Some(place) = place {
                store.remove(place);
            }
        }
        Operation::Expire => {
            if let Some(place) = place {
                store.set_expiry(place, request.number as Millis);
            }
        }
        Operation::Flush => store.clear(),
        // They change nothing, and are not recorded.
        Operation::Get
        | Operation::GetDelete
        | Operation::Length
        | Operation::Add
        | Operation::Exists
        | Operation::Persist
        | Operation::Time
        | Operation::Type
        | Operation::Count
        | Operation::Scan
        | Operation::Keys => {}
    }
    Ok(())
}

/// Removes keys in some slots whose time is over.
pub fn sweep(store: &mut Store, slots: Range<usize>, now: Millis, journal: &mut impl Journal) {
    for slot in slots {
        let place = store.scan(slot);
        let Some(place) = place.filter(|&place| store.is_expired(place, now)) else {
            continue;
        };
        // A longer key is removed when it is written to.
        let mut key = [0; PATTERN_KEY_BYTES];
        if let Some(key) = key_at(store, place, &mut key) {
            store.remove(place);
            journal.record(&Request::plain(Operation::Delete, key));
        }
    }
}

/// Bytes that sweeping so many slots has the journal record at most.
#[must_use]
pub fn sweep_bytes_max(slots: usize) -> usize {
    slots * (REQUEST_HEAD_BYTES + PATTERN_KEY_BYTES)
}

/// The key in one piece, unless it is too long.
fn key_at<'b>(
    store: &Store,
    place: Place,
    buffer: &'b mut [u8; PATTERN_KEY_BYTES],
) -> Option<&'b [u8]> {
    let key = buffer.get_mut(..store.key_bytes(place))?;
    let mut at = 0;
    for piece in store.key_pieces(place) {
        key[at..at + piece.len()].copy_from_slice(piece);
        at += piece.len();
    }
    Some(key)
}

fn put_bool(sink: &mut impl Sink, is_so: bool) {
    put_number(sink, b':', i64::from(is_so));
}

fn put_value(store: &Store, place: Place, sink: &mut impl Sink) {
    put_number(sink, b'$', store.value_bytes(place) as i64);
    store.value_pieces(place).for_each(|piece| sink.put(piece));
    sink.put(b"\r\n");
}

struct Work<'a, J> {
    store: &'a mut Store,
    now: Millis,
    journal: &'a mut J,
}

impl<J: Journal> Work<'_, J> {
    fn live(&self, key: &[u8]) -> Option<Place> {
        self.store.find_live(key, self.now)
    }

    /// Where a key is; if it has expired it is removed.
    fn settle(&mut self, key: &[u8]) -> Option<Place> {
        let place = self.store.find(key)?;
        if self.store.is_expired(place, self.now) {
            self.store.remove(place);
            self.journal.record(&Request::plain(Operation::Delete, key));
            return None;
        }
        Some(place)
    }

    fn get(&self, key: &[u8], sink: &mut impl Sink) {
        match self.live(key) {
            Some(place) => put_value(self.store, place, sink),
            None => sink.put(NIL),
        }
    }

    fn delete(&mut self, key: &[u8]) -> bool {
        let Some(place) = self.settle(key) else {
            return false;
        };
        self.store.remove(place);
        self.journal.record(&Request::plain(Operation::Delete, key));
        true
    }

    fn set(&mut self, request: &Request<'_>, scope: &Scope, sink: &mut impl Sink) {
        let how = SetHow::from_bits(request.how);
        let place = self.settle(request.key);
        let is_wanted = !(how.if_new && place.is_some() || how.if_there && place.is_none());
        if request.value.len() > scope.value_bytes_max {
            return sink.put(LONG_VALUE);
        }
        let is_room = !is_wanted || self.store.fits(request.key, request.value.len());
        if !is_room {
            return sink.put(OUT_OF_MEMORY);
        }
        if how.get {
            match place {
                Some(place) => put_value(self.store, place, sink),
                None => sink.put(NIL),
            }
        } else if how.number {
            put_bool(sink, is_wanted);
        } else {
            sink.put(if is_wanted { OK } else { NIL });
        }
        if is_wanted {
            let keeps = how.keep_expiry && place.is_some();
            self.write(request, keeps);
        }
    }

    /// Sets a value that fits.
    fn write(&mut self, request: &Request<'_>, keeps_expiry: bool) {
        let place = self.store.put(request.key, request.value);
        let place = place.expect("it was found to fit");
        if !keeps_expiry {
            self.store.set_expiry(place, request.number as Millis);
        }
        let how = SetHow {
            keep_expiry: keeps_expiry,
            ..SetHow::default()
        };
        self.journal.record(&Request {
            operation: Operation::Set,
            how: how.bits(),
            ..*request
        });
    }

    fn append(&mut self, request: &Request<'_>, scope: &Scope, sink: &mut impl Sink) {
        let place = self.settle(request.key);
        let old = place.map_or(0, |place| self.store.value_bytes(place));
        let bytes = old + request.value.len();
        if bytes > scope.value_bytes_max {
            return sink.put(LONG_VALUE);
        }
        let appended = match place {
            Some(place) => self.store.append(place, request.value),
            None => self.store.put(request.key, request.value).map(|_| ()),
        };
        match appended {
            Ok(()) => {
                self.journal.record(request);
                put_number(sink, b':', bytes as i64);
            }
            Err(Full) => sink.put(OUT_OF_MEMORY),
        }
    }

    fn add(&mut self, request: &Request<'_>, sink: &mut impl Sink) {
        let place = self.settle(request.key);
        let old = place.map_or(Some(0), |place| number_at(self.store, place));
        let Some(old) = old else {
            return sink.put(NO_NUMBER);
        };
        let Some(sum) = old.checked_add(request.number) else {
            return sink.put(OVERFLOW);
        };
        let digits = Digits::of(sum);
        if !self.store.fits(request.key, digits.bytes().len()) {
            return sink.put(OUT_OF_MEMORY);
        }
        let write = Request {
            number: 0,
            value: digits.bytes(),
            ..*request
        };
        self.write(&write, place.is_some());
        put_number(sink, b':', sum);
    }

    fn expire(&mut self, request: &Request<'_>) -> bool {
        let Some(place) = self.settle(request.key) else {
            return false;
        };
        let how = ExpireHow::from_bits(request.how);
        let (old, new) = (
            self.store.expires_at(place),
            request.number.max(1) as Millis,
        );
        let is_refused = how.if_none && old != 0
            || how.if_some && old == 0
            || how.if_later && (old == 0 || new <= old)
            || how.if_sooner && old != 0 && new >= old;
        if is_refused {
            return false;
        }
        if new <= self.now {
            return self.delete(request.key);
        }
        self.set_expiry(place, request.key, new);
        true
    }

    fn persist(&mut self, key: &[u8]) -> bool {
        let place = self.settle(key);
        let Some(place) = place.filter(|&place| self.store.expires_at(place) != 0) else {
            return false;
        };
        self.set_expiry(place, key, 0);
        true
    }

    fn set_expiry(&mut self, place: Place, key: &[u8], at: Millis) {
        self.store.set_expiry(place, at);
        self.journal.record(&Request {
            number: at as i64,
            ..Request::plain(Operation::Expire, key)
        });
    }

    fn time(&self, request: &Request<'_>, sink: &mut impl Sink) {
        let how = TimeHow::from_bits(request.how);
        let time = match self.live(request.key) {
            None => -2,
            Some(place) => match self.store.expires_at(place) {
                0 => -1,
                at => {
                    let millis = if how.is_date { at } else { at - self.now };
                    let rounded = if how.is_date { 0 } else { 500 };
                    let seconds = (millis + rounded) / 1000;
                    (if how.in_millis { millis } else { seconds }) as i64
                }
            },
        };
        put_number(sink, b':', time);
    }
}

/// The number that a value is, if it is one.
fn number_at(store: &Store, place: Place) -> Option<i64> {
    let mut text = [0; DIGITS_MAX];
    let text = text.get_mut(..store.value_bytes(place))?;
    let mut at = 0;
    for piece in store.value_pieces(place) {
        text[at..at + piece.len()].copy_from_slice(piece);
        at += piece.len();
    }
    parse(text)
}

/// Keys that are listed in one reply.
struct Listing {
    count: usize,
    bytes: usize,
    /// The slot to go on with.
    end: usize,
}

/// Keys that a request wants to have listed, as many as a reply has room for.
fn listing(store: &Store, request: &Request<'_>, scope: &Scope) -> Listing {
    let range = slots_of(store, request);
    let mut listing = Listing {
        count: 0,
        bytes: 0,
        end: range.end,
    };
    for (slot, place) in listed(store, request.key, range, scope.now) {
        let bytes = store.key_bytes(place) + HEAD_BYTES_MAX + 2;
        if listing.bytes + bytes + SHORT_REPLY_BYTES > scope.reply_bytes_max {
            listing.end = slot;
            break;
        }
        listing.bytes += bytes;
        listing.count += 1;
    }
    listing
}

fn slots_of(store: &Store, request: &Request<'_>) -> Range<usize> {
    let slots = store.slots();
    if request.operation == Operation::Keys {
        return 0..slots;
    }
    let count = request
        .value
        .first_chunk()
        .map_or(10, |bytes| u32::from_le_bytes(*bytes));
    let start = usize::try_from(request.number).unwrap_or(slots).min(slots);
    start..start.saturating_add(count.max(1) as usize).min(slots)
}

/// Live keys in some slots that a pattern describes. A key that is longer than any pattern is for is
/// described by `*` alone.
fn listed<'a>(
    store: &'a Store,
    pattern: &'a [u8],
    range: Range<usize>,
    now: Millis,
) -> impl Iterator<Item = (usize, Place)> + 'a {
    let is_described = move |place: Place| {
        if pattern == b"*" {
            return true;
        }
        let mut key = [0; PATTERN_KEY_BYTES];
        let key = key_at(store, place, &mut key);
        key.is_some_and(|key| matches(pattern, key))
    };
    range
        .filter_map(|slot| Some((slot, store.scan(slot)?)))
        .filter(move |&(_, place)| !store.is_expired(place, now) && is_described(place))
}

fn put_listed(
    store: &Store,
    request: &Request<'_>,
    (range, now): (Range<usize>, Millis),
    sink: &mut impl Sink,
) {
    for (_, place) in listed(store, request.key, range, now) {
        put_number(sink, b'$', store.key_bytes(place) as i64);
        store.key_pieces(place).for_each(|piece| sink.put(piece));
        sink.put(b"\r\n");
    }
}

/// The number of all keys, and the keys: those of all shards are put together by whoever asked.
fn keys(store: &Store, request: &Request<'_>, scope: &Scope, sink: &mut impl Sink) {
    let listing = listing(store, request, scope);
    if listing.end < store.slots() {
        return sink.put(MANY_KEYS);
    }
    put_number(sink, b':', listing.count as i64);
    put_listed(store, request, (0..listing.end, scope.now), sink);
}

/// A cursor says which slot of which shard is next; 0 is the beginning and the end.
fn scan(store: &Store, request: &Request<'_>, scope: &Scope, sink: &mut impl Sink) {
    let listing = listing(store, request, scope);
    let (slot, shard) = if listing.end < store.slots() {
        (listing.end, scope.shard)
    } else {
        (0, scope.shard + 1)
    };
    let is_over = shard >= scope.shards;
    let cursor = if is_over {
        0
    } else {
        slot * scope.shards + shard
    };
    let digits = Digits::of(cursor as i64);
    sink.put(b"*2\r\n");
    put_number(sink, b'$', digits.bytes().len() as i64);
    sink.put(digits.bytes());
    sink.put(b"\r\n");
    put_number(sink, b'*', listing.count as i64);
    let start = slots_of(store, request).start;
    put_listed(store, request, (start..listing.end, scope.now), sink);
}

#[cfg(test)]
mod tests;
