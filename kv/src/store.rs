//! Keys and values in memory that is taken once: what does not fit is refused, and nothing is evicted.
//!
//! ```text
//!   heads[hash] ──► entry ──next──► entry          entry: hash, lengths, expiry, first chunk
//!                     └─first─► chunk ─► chunk     the key, and the value right behind it
//! ```
//!
//! An entry stays where it is for as long as its key lives: that is why [`Store::scan`] finds every key that
//! is there all the time. An expired key is there for nobody, and is removed when it is written to or swept.
//! Time is told to it, in milliseconds since 1970. Knows nothing of commands, logs and shards.

mod chunks;

use chunks::{Chunks, NONE, Pieces, chunks_of};
use std::hash::{DefaultHasher, Hasher};

/// The most keys, and the most chunks, of a store.
pub(crate) const STORE_RECORDS_MAX: u32 = 1 << 30;
/// Bytes that a chunk takes in memory.
const CHUNK_MEMORY_BYTES: usize = 64;

/// There is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// When a key expires: never is 0.
pub type Millis = u64;

#[derive(Clone, Copy)]
struct Entry {
    hash: u64,
    expires_at: Millis,
    key_bytes: u32,
    value_bytes: u32,
    /// None if the entry is free.
    first: u32,
    /// The next of the same head, or the next that is free.
    next: u32,
}

/// A key that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(u32);

/// Keys and values.
pub struct Store {
    entries: Box<[Entry]>,
    heads: Box<[u32]>,
    chunks: Chunks,
    free: u32,
    count: usize,
    /// So that nobody outside knows which keys have one head.
    secret: u64,
}

impl Store {
    /// Room for so many keys, and so many bytes of keys and values.
    #[must_use]
    pub fn new(keys: u32, bytes: usize, secret: u64) -> Self {
        let keys = keys.clamp(1, STORE_RECORDS_MAX);
        let chunk_count = bytes.div_ceil(CHUNK_MEMORY_BYTES).max(1);
        let chunk_count = chunk_count.min(STORE_RECORDS_MAX as usize) as u32;
        let entry = Entry {
            hash: 0,
            expires_at: 0,
            key_bytes: 0,
            value_bytes: 0,
            first: NONE,
            next: NONE,
        };
        let mut store = Self {
            entries: vec![entry; keys as usize].into_boxed_slice(),
            heads: vec![NONE; keys.next_power_of_two() as usize].into_boxed_slice(),
            chunks: Chunks::new(chunk_count),
            free: NONE,
            count: 0,
            secret,
        };
        store.clear();
        store
    }

    /// Keys, expired ones that were not removed included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Removes all keys.
    pub fn clear(&mut self) {
        self.heads.fill(NONE);
        self.count = 0;
        self.free = NONE;
        for slot in (0..self.entries.len()).rev() {
            let entry = &mut self.entries[slot];
            let first = std::mem::replace(&mut entry.first, NONE);
            entry.next = self.free;
            self.free = slot as u32;
            self.chunks.give_back(first);
        }
    }

    fn hash(&self, key: &[u8]) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.secret);
        hasher.write(key);
        hasher.finish()
    }

    fn head(&self, hash: u64) -> usize {
        hash as usize & (self.heads.len() - 1)
    }

    /// Where a key is, expired or not.
    #[must_use]
    pub fn find(&self, key: &[u8]) -> Option<Place> {
        let hash = self.hash(key);
        let mut slot = self.heads[self.head(hash)];
        while slot != NONE {
            let entry = &self.entries[slot as usize];
            if entry.hash == hash && self.key(Place(slot)).is(key) {
                return Some(Place(slot));
            }
            slot = entry.next;
        }
        None
    }

    /// Where a key is that has not expired.
    #[must_use]
    pub fn find_live(&self, key: &[u8], now: Millis) -> Option<Place> {
        self.find(key).filter(|&place| !self.is_expired(place, now))
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_expired(&self, place: Place, now: Millis) -> bool {
        let expires_at = self.expires_at(place);
        expires_at != 0 && expires_at <= now
    }

    fn entry(&self, place: Place) -> &Entry {
        &self.entries[place.0 as usize]
    }

    /// When it expires; 0 is never.
    #[must_use]
    pub fn expires_at(&self, place: Place) -> Millis {
        self.entry(place).expires_at
    }

    /// Sets when it expires.
    pub fn set_expiry(&mut self, place: Place, at: Millis) {
        self.entries[place.0 as usize].expires_at = at;
    }

    fn key(&self, place: Place) -> Pieces<'_> {
        let entry = self.entry(place);
        self.chunks.pieces(entry.first, 0, entry.key_bytes as usize)
    }

    /// The key, piece by piece.
    pub fn key_pieces(&self, place: Place) -> impl Iterator<Item = &[u8]> {
        self.key(place)
    }

    /// Bytes of the key.
    #[must_use]
    pub fn key_bytes(&self, place: Place) -> usize {
        self.entry(place).key_bytes as usize
    }

    /// Bytes of the value.
    #[must_use]
    pub fn value_bytes(&self, place: Place) -> usize {
        self.entry(place).value_bytes as usize
    }

    /// The value, piece by piece.
    pub fn value_pieces(&self, place: Place) -> impl Iterator<Item = &[u8]> {
        let entry = self.entry(place);
        let (at, bytes) = (entry.key_bytes as usize, entry.value_bytes as usize);
        self.chunks.pieces(entry.first, at, bytes)
    }

    /// Whether a value of so many bytes can be set.
    #[must_use]
    pub fn fits(&self, key: &[u8], value_bytes: usize) -> bool {
        let (is_entry, old) = match self.find(key) {
            Some(place) => (true, chunks_of(key.len() + self.value_bytes(place))),
            None => (self.free != NONE, 0),
        };
        is_entry && chunks_of(key.len() + value_bytes) <= old + self.chunks.free_count()
    }

    /// Sets the value of a key that is there, or not.
    ///
    /// # Errors
    /// There is no room; nothing has changed.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<Place, Full> {
        let place = match self.find(key) {
            Some(place) => {
                self.resize(place, value.len())?;
                place
            }
            None => self.insert(key, value.len())?,
        };
        let first = self.entry(place).first;
        self.chunks.write(first, key.len(), value);
        Ok(place)
    }

    /// Adds bytes at the end of a value.
    ///
    /// # Errors
    /// There is no room; nothing has changed.
    pub fn append(&mut self, place: Place, bytes: &[u8]) -> Result<(), Full> {
        let old = self.value_bytes(place);
        self.resize(place, old + bytes.len())?;
        let Entry {
            first, key_bytes, ..
        } = *self.entry(place);
        self.chunks.write(first, key_bytes as usize + old, bytes);
        Ok(())
    }

    fn resize(&mut self, place: Place, value_bytes: usize) -> Result<(), Full> {
        let Entry {
            first,
            key_bytes,
            value_bytes: old,
            ..
        } = *self.entry(place);
        let old = chunks_of(key_bytes as usize + old as usize);
        let new = chunks_of(key_bytes as usize + value_bytes);
        if new > old + self.chunks.free_count() {
            return Err(Full);
        }
        if new != old {
            self.chunks.resize(first, old, new);
        }
        self.entries[place.0 as usize].value_bytes = value_bytes as u32;
        Ok(())
    }

    fn insert(&mut self, key: &[u8], value_bytes: usize) -> Result<Place, Full> {
        let slot = self.free;
        let chunk_count = chunks_of(key.len() + value_bytes);
        if slot == NONE || chunk_count > self.chunks.free_count() {
            return Err(Full);
        }
        let hash = self.hash(key);
        let head = self.head(hash);
        let first = self.chunks.take(chunk_count);
        self.chunks.write(first, 0, key);
        let entry = &mut self.entries[slot as usize];
        self.free = entry.next;
        *entry = Entry {
            hash,
            expires_at: 0,
            key_bytes: key.len() as u32,
            value_bytes: value_bytes as u32,
            first,
            next: std::mem::replace(&mut self.heads[head], slot),
        };
        self.count += 1;
        Ok(Place(slot))
    }

    /// Removes a key.
    pub fn remove(&mut self, place: Place) {
        let Entry {
            hash, first, next, ..
        } = *self.entry(place);
        let head = self.head(hash);
        if self.heads[head] == place.0 {
            self.heads[head] = next;
        } else {
            let mut before = self.heads[head] as usize;
            while self.entries[before].next != place.0 {
                before = self.entries[before].next as usize;
            }
            self.entries[before].next = next;
        }
        self.chunks.give_back(first);
        let entry = &mut self.entries[place.0 as usize];
        (entry.first, entry.next) = (NONE, self.free);
        self.free = place.0;
        self.count -= 1;
    }

    /// Slots that keys may be in.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.entries.len()
    }

    /// The key in a slot, expired or not.
    #[must_use]
    pub fn scan(&self, slot: usize) -> Option<Place> {
        let entry = self.entries.get(slot)?;
        (entry.first != NONE).then_some(Place(slot as u32))
    }
}

#[cfg(test)]
mod tests;
