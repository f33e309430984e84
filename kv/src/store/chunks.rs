//! The bytes of a store: chunks of one size, chained. What is free is known to the byte, and nothing is
//! ever divided too finely to be used.

/// No chunk, no entry.
pub(crate) const NONE: u32 = u32::MAX;
/// Bytes of a key and its value in a chunk: a cache line without the number of the next one.
pub(crate) const CHUNK_BYTES: usize = 60;

#[derive(Clone)]
#[repr(align(64))]
struct Chunk {
    next: u32,
    bytes: [u8; CHUNK_BYTES],
}
const _: () = assert!(size_of::<Chunk>() == 64);

pub(crate) struct Chunks {
    chunks: Box<[Chunk]>,
    free: u32,
    free_count: u32,
}

/// Chunks that so many bytes take: one at least.
pub(crate) fn chunks_of(bytes: usize) -> usize {
    bytes.div_ceil(CHUNK_BYTES).max(1)
}

impl Chunks {
    pub(crate) fn new(count: u32) -> Self {
        let chunk = |number: u32| Chunk {
            next: if number + 1 < count { number + 1 } else { NONE },
            bytes: [0; CHUNK_BYTES],
        };
        Self {
            chunks: (0..count).map(chunk).collect(),
            free: if count > 0 { 0 } else { NONE },
            free_count: count,
        }
    }

    pub(crate) fn free_count(&self) -> usize {
        self.free_count as usize
    }

    /// A chain of so many chunks, of which there are enough.
    pub(crate) fn take(&mut self, count: usize) -> u32 {
        assert!(count <= self.free_count(), "looked at before");
        let first = self.free;
        let mut last = NONE;
        for _ in 0..count {
            last = self.free;
            self.free = self.chunks[last as usize].next;
        }
        self.free_count -= count as u32;
        self.chunks[last as usize].next = NONE;
        first
    }

    /// Gives back a chain.
    pub(crate) fn give_back(&mut self, first: u32) {
        let mut chunk = first;
        while chunk != NONE {
            let next = self.chunks[chunk as usize].next;
            self.chunks[chunk as usize].next = self.free;
            self.free = chunk;
            self.free_count += 1;
            chunk = next;
        }
    }

    /// Makes a chain of `old` chunks one of `new`.
    pub(crate) fn resize(&mut self, first: u32, old: usize, new: usize) {
        let last = self.skip(first, old.min(new) - 1);
        if new > old {
            self.chunks[last as usize].next = self.take(new - old);
        } else {
            let rest = std::mem::replace(&mut self.chunks[last as usize].next, NONE);
            self.give_back(rest);
        }
    }

    fn skip(&self, first: u32, count: usize) -> u32 {
        (0..count).fold(first, |chunk, _| self.chunks[chunk as usize].next)
    }

    /// Writes bytes into a chain that has room for them, from the byte `at` on.
    pub(crate) fn write(&mut self, first: u32, at: usize, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let mut chunk = self.skip(first, at / CHUNK_BYTES);
        let mut at = at % CHUNK_BYTES;
        let mut rest = bytes;
        loop {
            let room = &mut self.chunks[chunk as usize];
            let count = rest.len().min(CHUNK_BYTES - at);
            room.bytes[at..at + count].copy_from_slice(&rest[..count]);
            (rest, at) = (&rest[count..], 0);
            if rest.is_empty() {
                return;
            }
            chunk = room.next;
        }
    }

    /// So many bytes of a chain from the byte `at` on, piece by piece.
    pub(crate) fn pieces(&self, first: u32, at: usize, bytes: usize) -> Pieces<'_> {
        let skipped = if bytes == 0 { 0 } else { at / CHUNK_BYTES };
        Pieces {
            chunks: self,
            chunk: self.skip(first, skipped),
            at: at % CHUNK_BYTES,
            left: bytes,
        }
    }
}

#[derive(Clone)]
pub(crate) struct Pieces<'a> {
    chunks: &'a Chunks,
    chunk: u32,
    at: usize,
    left: usize,
}

impl Pieces<'_> {
    /// Whether they are these bytes.
    pub(crate) fn is(self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        let mut pieces = self;
        pieces.all(|piece| match rest.strip_prefix(piece) {
            Some(behind) => {
                rest = behind;
                true
            }
            None => false,
        }) && rest.is_empty()
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.left == 0 {
            return None;
        }
        let chunk = &self.chunks.chunks[self.chunk as usize];
        let count = self.left.min(CHUNK_BYTES - self.at);
        let piece = &chunk.bytes[self.at..self.at + count];
        self.left -= count;
        self.at = 0;
        self.chunk = chunk.next;
        Some(piece)
    }
}
