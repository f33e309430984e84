//! The log of a shard's store: what it holds, how it is read again, and what is still to be written to it.
//!
//! ```text
//!   tina-kv log 1␊ | shard | shards |  record  record  record …
//!   record:  bytes of the request (4) | CRC-32 of the request (4) | request
//! ```
//!
//! What is not whole at the end was never acknowledged where every reply waits for the disk: it is cut off.
//! Whatever comes behind a record that is damaged is cut off with it. Knows nothing of files: bytes are
//! handed to it and taken from it.

use crate::execute::{Journal, replay};
use crate::request::Request;
use crate::resp::Sink;
use crate::store::{Full, Store};
use std::fmt;

const MAGIC: &[u8; 14] = b"tina-kv log 1\n";
/// Bytes before the first record.
pub const LOG_HEAD_BYTES: usize = MAGIC.len() + 2;
/// Bytes before a record's request.
pub const RECORD_HEAD_BYTES: usize = 8;

/// Why a log is none of this store's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogError {
    /// It is something else.
    Foreign,
    /// It is another shard's, or that of another number of shards.
    OtherShard {
        /// Whose it is.
        shard: u8,
        /// Of how many.
        shards: u8,
    },
    /// The store has less room than the one that wrote it.
    Full,
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("it is no log of this program"),
            Self::OtherShard { shard, shards } => write!(
                f,
                "it is the log of shard {shard} of {shards}: keys belong to other shards when there are \
                 more or fewer"
            ),
            Self::Full => f.write_str("it holds more than the store has room for"),
        }
    }
}

impl std::error::Error for LogError {}

/// Whose log it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOwner {
    /// The shard.
    pub shard: u8,
    /// Of how many.
    pub shards: u8,
}

impl LogOwner {
    /// What its log begins with.
    #[must_use]
    pub fn head(self) -> [u8; LOG_HEAD_BYTES] {
        let mut head = [0; LOG_HEAD_BYTES];
        head[..MAGIC.len()].copy_from_slice(MAGIC);
        head[MAGIC.len()..].copy_from_slice(&[self.shard, self.shards]);
        head
    }

    /// Whether these bytes are the beginning of its log. Too few are as good as none.
    ///
    /// # Errors
    /// It is something else's.
    pub fn check(self, bytes: &[u8]) -> Result<(), LogError> {
        let known = bytes.len().min(MAGIC.len());
        if bytes[..known] != MAGIC[..known] {
            return Err(LogError::Foreign);
        }
        match bytes.get(MAGIC.len()..LOG_HEAD_BYTES) {
            Some(&[shard, shards]) if (shard, shards) != (self.shard, self.shards) => {
                Err(LogError::OtherShard { shard, shards })
            }
            _ => Ok(()),
        }
    }
}

/// What stands at the beginning of some bytes.
enum Found<'a> {
    Whole(Request<'a>),
    Part,
    Damaged,
}

fn record(bytes: &[u8], bytes_max: usize) -> Found<'_> {
    let Some((head, rest)) = bytes.split_first_chunk::<RECORD_HEAD_BYTES>() else {
        return Found::Part;
    };
    let [a, b, c, d, sum @ ..] = *head;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length + RECORD_HEAD_BYTES > bytes_max {
        return Found::Damaged;
    }
    let Some(body) = rest.get(..length) else {
        return Found::Part;
    };
    let request = Request::decode(body).filter(|request| request.bytes() == length);
    match request {
        Some(request) if crc32fast::hash(body) == u32::from_le_bytes(sum) => Found::Whole(request),
        _ => Found::Damaged,
    }
}

/// Bytes between a store and its log, in memory taken once: those read that are no whole record yet, and
/// later those recorded that are not written yet.
pub struct Log {
    bytes: Box<[u8]>,
    start: usize,
    length: usize,
    /// Bytes of the log before those here.
    before: u64,
    is_damaged: bool,
}

impl Log {
    /// Room for so many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self {
            bytes: vec![0; bytes].into_boxed_slice(),
            start: 0,
            length: 0,
            before: 0,
            is_damaged: false,
        }
    }

    /// As it was when it was made.
    pub fn clear(&mut self) {
        (self.start, self.length, self.before) = (0, 0, 0);
        self.is_damaged = false;
    }

    /// Takes in the next bytes of a log that is read from its beginning, and makes the store what it
    /// says. False when no more is to be read.
    ///
    /// # Errors
    /// It is not this store's.
    ///
    /// # Panics
    /// When it is handed more than it has [room](Self::room) for.
    pub fn take_in(
        &mut self,
        piece: &[u8],
        owner: LogOwner,
        store: &mut Store,
    ) -> Result<bool, LogError> {
        assert!(
            piece.len() <= self.bytes.len() - self.length,
            "looked at before"
        );
        self.bytes[self.length..][..piece.len()].copy_from_slice(piece);
        self.length += piece.len();
        let mut at = 0;
        if self.before == 0 {
            owner.check(&self.bytes[..self.length])?;
            if self.length < LOG_HEAD_BYTES {
                return Ok(true);
            }
            at = LOG_HEAD_BYTES;
        }
        while !self.is_damaged {
            match record(&self.bytes[at..self.length], self.bytes.len()) {
                Found::Whole(request) => {
                    replay(store, &request).map_err(|Full| LogError::Full)?;
                    at += RECORD_HEAD_BYTES + request.bytes();
                }
                Found::Part => break,
                Found::Damaged => self.is_damaged = true,
            }
        }
        self.bytes.copy_within(at..self.length, 0);
        self.length -= at;
        self.before += at as u64;
        Ok(!self.is_damaged)
    }

    /// All that there is has been read: what is whole of it, in bytes. From now on records are put behind
    /// that; a log that was empty gets its head.
    pub fn begin(&mut self, owner: LogOwner) -> u64 {
        (self.start, self.length) = (0, 0);
        let whole = self.before;
        if whole == 0 {
            self.put(&owner.head());
        }
        whole
    }

    /// Bytes that there is room for.
    #[must_use]
    pub fn room(&self) -> usize {
        self.bytes.len() - self.length
    }

    /// Bytes of the log, with those that wait to be written.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.before + self.length as u64
    }

    /// Bytes of the log before those that wait to be written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.before
    }

    /// Copies the first bytes that wait to be written, as many as fit.
    pub fn copy_first(&self, to: &mut [u8]) -> usize {
        let count = to.len().min(self.length);
        let straight = count.min(self.bytes.len() - self.start);
        to[..straight].copy_from_slice(&self.bytes[self.start..][..straight]);
        to[straight..count].copy_from_slice(&self.bytes[..count - straight]);
        count
    }

    /// So many of them have been written.
    pub fn wrote(&mut self, count: usize) {
        assert!(count <= self.length, "what was written was there");
        self.start = (self.start + count) % self.bytes.len();
        self.length -= count;
        self.before += count as u64;
    }
}

impl Sink for Log {
    fn put(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= self.room(), "whoever writes has made room");
        let end = (self.start + self.length) % self.bytes.len();
        let straight = bytes.len().min(self.bytes.len() - end);
        self.bytes[end..end + straight].copy_from_slice(&bytes[..straight]);
        self.bytes[..bytes.len() - straight].copy_from_slice(&bytes[straight..]);
        self.length += bytes.len();
    }
}

/// The checksum of what is put.
struct Sum(crc32fast::Hasher);

impl Sink for Sum {
    fn put(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

impl Journal for Log {
    fn record(&mut self, request: &Request<'_>) {
        let mut sum = Sum(crc32fast::Hasher::new());
        request.encode(&mut sum);
        self.put(&(request.bytes() as u32).to_le_bytes());
        self.put(&sum.0.finalize().to_le_bytes());
        request.encode(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Operation;
    use proptest::prelude::*;

    const OWNER: LogOwner = LogOwner {
        shard: 1,
        shards: 3,
    };

    fn set(key: u8, value: &[u8]) -> Vec<u8> {
        let mut request = Vec::new();
        let key = [key];
        let set = Request {
            value,
            ..Request::plain(Operation::Set, &key)
        };
        set.encode(&mut request);
        request
    }

    /// The bytes of a log with these values, one key after the other, and where each record ends.
    fn written(values: &[Vec<u8>], room: usize) -> (Vec<u8>, Vec<usize>) {
        let mut log = Log::new(room);
        let mut file = Vec::new();
        let mut ends = Vec::new();
        assert_eq!(log.begin(OWNER), 0);
        for (key, value) in values.iter().enumerate() {
            let request = set(key as u8, value);
            while log.room() < request.len() + RECORD_HEAD_BYTES {
                let mut some = [0; 7];
                let count = log.copy_first(&mut some);
                file.extend(&some[..count]);
                log.wrote(count);
            }
            log.record(&Request::decode(&request).unwrap());
            ends.push(log.end() as usize);
        }
        let mut rest = vec![0; room];
        let count = log.copy_first(&mut rest);
        file.extend(&rest[..count]);
        assert_eq!(log.end(), file.len() as u64);
        (file, ends)
    }

    /// How many keys are there again, and how much of the log is whole.
    fn read(file: &[u8], piece: usize, values: &[Vec<u8>]) -> Result<(usize, u64), LogError> {
        let mut log = Log::new(200);
        let mut store = Store::new(100, 1 << 16, 3);
        let mut rest = file;
        while !rest.is_empty() {
            let (first, behind) = rest.split_at(piece.min(log.room()).min(rest.len()));
            if !log.take_in(first, OWNER, &mut store)? {
                break;
            }
            rest = behind;
        }
        let whole = log.begin(OWNER);
        for (key, value) in values[..store.count()].iter().enumerate() {
            let place = store.find(&[key as u8]).unwrap();
            let found: Vec<u8> = store.value_pieces(place).flatten().copied().collect();
            assert_eq!(&found, value);
        }
        Ok((store.count(), whole))
    }

    proptest! {
        /// Wherever a log is cut, and whichever bit of it is turned, what lies before is there, and where
        /// it ends is known.
        #[test]
        fn what_was_whole_is_there_again(
            values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..12),
            piece in 1..70usize,
            cut in any::<prop::sample::Index>(),
            bit in 0..8u32,
        ) {
            let (file, ends) = written(&values, 200);
            prop_assert_eq!(read(&file, piece, &values), Ok((values.len(), file.len() as u64)));
            let cut = cut.index(file.len());
            let whole = |until: usize| ends.iter().filter(|&&end| end <= until).count();
            let end = |count: usize| count.checked_sub(1).map_or(LOG_HEAD_BYTES, |last| ends[last]);
            let end_of_cut = if cut < LOG_HEAD_BYTES { 0 } else { end(whole(cut)) };
            prop_assert_eq!(read(&file[..cut], piece, &values), Ok((whole(cut), end_of_cut as u64)));
            let mut damaged = file.clone();
            damaged[cut] ^= 1 << bit;
            let found = read(&damaged, piece, &values);
            if cut < LOG_HEAD_BYTES {
                prop_assert!(found.is_err());
            } else {
                prop_assert_eq!(found, Ok((whole(cut), end(whole(cut)) as u64)));
            }
        }
    }

    #[test]
    fn the_log_of_another_shard_is_refused() {
        let other = LogOwner {
            shard: 1,
            shards: 2,
        };
        let refused = OWNER.check(&other.head());
        assert_eq!(
            refused.unwrap_err().to_string(),
            "it is the log of shard 1 of 2: keys belong to other shards when there are more or fewer"
        );
        assert_eq!(OWNER.check(b"PNG"), Err(LogError::Foreign));
        assert_eq!(OWNER.check(b"tina"), Ok(()));
        let mut small = Store::new(1, 64, 1);
        let (file, _) = written(&[vec![1], vec![2]], 200);
        let read = Log::new(200).take_in(&file, OWNER, &mut small);
        assert_eq!(read, Err(LogError::Full));
    }
}
