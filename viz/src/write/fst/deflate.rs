//! Deflate (RFC 1951) within zlib (RFC 1950), for chains of value changes.
//!
//! House rule says libraries before code of our own. The libraries were measured to be the limit: a chain
//! is some thousand bytes, and there is one for each signal and block, so what is done once per chain
//! counts as much as what is done per byte. And they do not know rows. Here
//!
//! * matches are looked for where a row begins and nowhere else, first in the row before and in the last
//!   one with the same first byte (the high bytes of numbers repeat), then by a hash of eight bytes (what a
//!   machine does in a loop repeats), more rarely the longer nothing is found;
//! * everything else is a literal, so most of the work is two loops over bytes: counting and coding.
//!
//! The result depends on the chain alone.

use super::bits::{
    Bits, DISTANCES, END, FIRST_LENGTH, LENGTH_MAX, LENGTH_MIN, LENGTHS, distance_symbol,
    fixed_codes, tell_codes,
};
use super::huffman::{Code, SYMBOLS_MAX, Space};

/// How a chain is divided: a row is a number of seven bits a byte, lowest first, and a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rows {
    /// Bytes of a value if the number is even.
    pub(super) even_bytes: usize,
    /// And if it is odd.
    pub(super) odd_bytes: usize,
}

const HASH_BITS: u32 = 11;
const DISTANCE_MAX: usize = 1 << 15;
/// How far back the last row of the same first byte is worth its distance.
const NEAR_BYTES: usize = 32;
/// Bytes coded with one code.
const BLOCK_BYTES: usize = 1 << 16;
/// Below it the code that is agreed upon beats one that must be told.
const FIXED_BYTES: usize = 96;
/// Four words and what is left of a byte fit into 64 bits.
const WORD_BITS_MAX: usize = 12;
/// Literals, then a copy of what was there before.
#[derive(Clone, Copy)]
struct Step {
    literals: u32,
    /// 0 at the end of a block.
    length: u16,
    distance: u16,
}

/// Compresses chains.
pub(super) struct Deflate {
    /// Where eight bytes with this hash began last, counted from `base`.
    hashed: Box<[u32; 1 << HASH_BITS]>,
    /// Where a row with this first byte began last, likewise.
    begun: [u32; 256],
    /// Places below belong to chains before.
    base: u32,
    steps: Vec<Step>,
    /// How often each literal occurs, at even places and at odd ones: neighbours are often equal, and a
    /// counter that was just written is slow to read.
    literal_counts: [[u32; 256]; 2],
    length_counts: [u32; SYMBOLS_MAX - FIRST_LENGTH],
    distance_counts: [u32; DISTANCES],
    literals: Code<SYMBOLS_MAX>,
    distances: Code<DISTANCES>,
    space: Space,
    /// Coded bytes, and room for as many as a chain can take.
    coded: Vec<u8>,
}

/// Where the search for rows stands.
#[derive(Clone, Copy)]
struct Cursor {
    /// Bytes before it have been divided into steps.
    done: usize,
    /// Here begins a row.
    row: usize,
    /// And here the one before, if there is one.
    before: usize,
    misses: Misses,
}

/// Places that were looked up in vain since the last match. The more there are the fewer are looked up:
/// those with a hash that has no bit of the mask, so the same ones when the same bytes come again.
#[derive(Clone, Copy, Default)]
struct Misses {
    count: u32,
    mask: u64,
}

impl Misses {
    #[inline]
    fn add(&mut self) {
        const PER_BIT: u32 = 8;
        const BITS_MAX: u32 = 6;
        self.count = (self.count + 1).min(PER_BIT * BITS_MAX);
        self.mask = ((1 << (self.count / PER_BIT)) - 1) << 32;
    }
}

struct Match {
    at: usize,
    length: usize,
    distance: usize,
}

impl Deflate {
    pub(super) fn new() -> Self {
        Self {
            hashed: Box::new([0; 1 << HASH_BITS]),
            begun: [0; 256],
            base: 1,
            steps: Vec::new(),
            literal_counts: [[0; 256]; 2],
            length_counts: [0; SYMBOLS_MAX - FIRST_LENGTH],
            distance_counts: [0; DISTANCES],
            literals: Code::EMPTY,
            distances: Code::EMPTY,
            space: Space::EMPTY,
            coded: Vec::new(),
        }
    }

    /// Appends a chain to `out`, compressed.
    pub(super) fn compress(&mut self, chain: &[u8], rows: Rows, out: &mut Vec<u8>) {
        assert!(chain.len() < 1 << 31, "a block is far smaller");
        if self.base >= 1 << 31 {
            self.hashed.fill(0);
            self.begun.fill(0);
            self.base = 1;
        }
        // Words are of at most 15 bits (of those agreed upon, 9), copies shorter than what they stand for.
        let room = 2 * chain.len() + 1024;
        if self.coded.len() < room {
            self.coded.resize(room, 0);
        }
        let mut cursor = Cursor {
            done: 0,
            row: 0,
            before: 0,
            misses: Misses::default(),
        };
        let mut bits = Bits::default();
        loop {
            let start = cursor.done;
            if rows.even_bytes >= LENGTH_MIN {
                self.divide::<true>(chain, rows, &mut cursor);
            } else {
                self.divide::<false>(chain, rows, &mut cursor);
            }
            self.code(
                &chain[..cursor.done],
                start,
                cursor.done == chain.len(),
                &mut bits,
            );
            if cursor.done == chain.len() {
                break;
            }
        }
        bits.finish(&mut self.coded);
        self.base += chain.len() as u32;
        // A window of 32 KiB, whatever level; so that the two are a multiple of 31.
        out.extend_from_slice(&[0x78, 0x01]);
        out.extend_from_slice(&self.coded[..bits.at]);
        out.extend_from_slice(&simd_adler32::adler32(&chain).to_be_bytes());
    }

    /// Divides the next block into steps and counts what is in them.
    fn divide<const IS_WIDE: bool>(&mut self, chain: &[u8], rows: Rows, cursor: &mut Cursor) {
        self.steps.clear();
        self.literal_counts = [[0; 256]; 2];
        self.length_counts.fill(0);
        self.distance_counts.fill(0);
        let Cursor {
            done: mut literal,
            mut row,
            mut before,
            mut misses,
        } = *cursor;
        let block_end = cursor.done + BLOCK_BYTES;
        // Where eight bytes can still be looked at.
        let last = chain.len().saturating_sub(8);
        while row < block_end && row < last {
            let word = load(chain, row);
            let mut found = None;
            if IS_WIDE {
                found = self.find_near(chain, word, row, before, rows.even_bytes);
            }
            let found = found.or_else(|| self.find_hashed(chain, word, row, &mut misses));
            before = row;
            row += row_bytes(word, rows);
            let Some(found) = found else { continue };
            self.count(&chain[literal..found.at]);
            self.length_counts[usize::from(LENGTHS[found.length].symbol)] += 1;
            self.distance_counts[distance_symbol(found.distance).0] += 1;
            self.steps.push(Step {
                literals: (found.at - literal) as u32,
                length: found.length as u16,
                distance: found.distance as u16,
            });
            literal = found.at + found.length;
            while row < literal && row < last {
                before = row;
                row += row_bytes(load(chain, row), rows);
            }
        }
        let end = if row < last {
            row.max(literal)
        } else {
            chain.len()
        };
        self.count(&chain[literal..end]);
        self.steps.push(Step {
            literals: (end - literal) as u32,
            length: 0,
            distance: 0,
        });
        *cursor = Cursor {
            done: end,
            row,
            before,
            misses,
        };
    }

    /// All but the last byte of a row as in one not far before, or its high bytes as in the one before.
    #[inline]
    fn find_near(
        &mut self,
        chain: &[u8],
        word: u64,
        row: usize,
        before: usize,
        value_bytes: usize,
    ) -> Option<Match> {
        let begun = &mut self.begun[(word & 255) as usize];
        let candidate = std::mem::replace(begun, self.base + row as u32);
        let nearest = (self.base as usize + row)
            .saturating_sub(NEAR_BYTES)
            .max(self.base as usize);
        if candidate as usize >= nearest {
            let from = (candidate - self.base) as usize;
            let different = word ^ load(chain, from);
            if different << (64 - 8 * value_bytes.min(8)) == 0 {
                let length = match different {
                    0 => equal_bytes(chain, from, row),
                    different => (different.trailing_zeros() / 8) as usize,
                };
                return Some(Match {
                    at: row,
                    length,
                    distance: row - from,
                });
            }
        }
        let distance = row - before;
        if distance > NEAR_BYTES {
            return None;
        }
        let different = (word ^ load(chain, before)) >> 8 | 1 << 56;
        let length = (different.trailing_zeros() / 8) as usize;
        (length >= LENGTH_MIN && distance > 0).then_some(Match {
            at: row + 1,
            length,
            distance,
        })
    }

    /// What begins as a row does, eight bytes of it at least.
    #[inline]
    fn find_hashed(
        &mut self,
        chain: &[u8],
        word: u64,
        row: usize,
        misses: &mut Misses,
    ) -> Option<Match> {
        let hash = word.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        if hash & misses.mask != 0 {
            return None;
        }
        let place = &mut self.hashed[(hash >> (64 - HASH_BITS)) as usize];
        let candidate = std::mem::replace(place, self.base + row as u32);
        let from = candidate.wrapping_sub(self.base) as usize;
        if candidate < self.base || row - from > DISTANCE_MAX || load(chain, from) != word {
            misses.add();
            return None;
        }
        *misses = Misses::default();
        Some(Match {
            at: row,
            length: equal_bytes(chain, from, row),
            distance: row - from,
        })
    }

    #[inline]
    fn count(&mut self, literals: &[u8]) {
        let [even, odd] = &mut self.literal_counts;
        let (pairs, rest) = literals.as_chunks::<2>();
        for pair in pairs {
            even[usize::from(pair[0])] += 1;
            odd[usize::from(pair[1])] += 1;
        }
        for &byte in rest {
            even[usize::from(byte)] += 1;
        }
    }

    /// Codes the steps of a block that begins at `start`.
    fn code(&mut self, chain: &[u8], start: usize, is_last: bool, bits: &mut Bits) {
        let coded = &mut self.coded;
        bits.put(u64::from(is_last), 1);
        if chain.len() - start < FIXED_BYTES {
            bits.put(1, 2);
            (self.literals, self.distances) = fixed_codes();
        } else {
            bits.put(2, 2);
            let mut counts = [0; SYMBOLS_MAX];
            for (symbol, count) in counts[..END].iter_mut().enumerate() {
                *count = self.literal_counts[0][symbol] + self.literal_counts[1][symbol];
            }
            counts[END] = 1;
            counts[FIRST_LENGTH..].copy_from_slice(&self.length_counts);
            self.literals.fit(&counts, WORD_BITS_MAX, &mut self.space);
            // Readers want a word for a distance even where there is none.
            let none = self.distance_counts.iter().all(|&count| count == 0);
            self.distance_counts[0] += u32::from(none);
            self.distances
                .fit(&self.distance_counts, WORD_BITS_MAX, &mut self.space);
            tell_codes(
                bits,
                coded,
                &self.literals.lengths,
                &self.distances.lengths,
                &mut self.space,
            );
        }
        let words = &self.literals.words;
        let mut at = start;
        for step in &self.steps {
            let literals = &chain[at..at + step.literals as usize];
            let (fours, rest) = literals.as_chunks::<4>();
            for four in fours {
                four.iter()
                    .for_each(|&byte| bits.word(words[usize::from(byte)]));
                bits.flush(coded);
            }
            rest.iter()
                .for_each(|&byte| bits.word(words[usize::from(byte)]));
            // A copy takes at most 42 bits more.
            if rest.len() > 1 {
                bits.flush(coded);
            }
            at += literals.len() + usize::from(step.length);
            if step.length > 0 {
                let length = LENGTHS[usize::from(step.length)];
                bits.word(words[FIRST_LENGTH + usize::from(length.symbol)]);
                bits.put(length.extra.into(), length.extra_bits.into());
                let (symbol, extra_bits, extra) = distance_symbol(step.distance.into());
                bits.word(self.distances.words[symbol]);
                bits.put(extra.into(), extra_bits);
            }
            bits.flush(coded);
        }
        bits.word(words[END]);
        bits.flush(coded);
    }
}

/// Bytes of a row that begins with these; numbers of more than eight bytes do not occur.
#[inline]
fn row_bytes(word: u64, rows: Rows) -> usize {
    if word & 0x81 == 0 {
        return 1 + rows.even_bytes;
    }
    let continued = (!word & 0x8080_8080_8080_8080).trailing_zeros() / 8;
    let value = if word & 1 == 0 {
        rows.even_bytes
    } else {
        rows.odd_bytes
    };
    continued as usize + 1 + value
}

#[inline]
fn load(chain: &[u8], at: usize) -> u64 {
    let bytes = chain[at..].first_chunk();
    u64::from_le_bytes(*bytes.expect("not looked at where fewer are left"))
}

/// How many bytes are equal, as far as a copy can be.
fn equal_bytes(chain: &[u8], from: usize, at: usize) -> usize {
    let limit = LENGTH_MAX.min(chain.len() - at);
    let (earlier, later) = (&chain[from..from + limit], &chain[at..at + limit]);
    let (earlier_words, _) = earlier.as_chunks::<8>();
    let (later_words, _) = later.as_chunks::<8>();
    let equal = earlier_words
        .iter()
        .zip(later_words)
        .take_while(|(a, b)| a == b);
    let start = 8 * equal.count();
    let rest = earlier[start..].iter().zip(&later[start..]);
    start + rest.take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests;
