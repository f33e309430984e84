//! HOT. The changes of one signal within a block, as FST has them: rows of a number and a value.
//!
//! ```text
//!   one bit     instants << 2 | bit << 1                 or, unknown, instants << 4 | 1
//!   more        instants << 1, then the bits             or, unknown, instants << 1 | 1, then a letter
//!               from the top in whole bytes              for each
//!   real        instants << 1 | 1, then eight bytes
//! ```
//! where `instants` counts those of the block since the row before, or since the first one.

use super::deflate::Rows;
use crate::write::header::SignalKind;

/// Rows, and the number of the last row's instant.
#[derive(Default)]
pub(super) struct Chain {
    pub(super) rows: Vec<u8>,
    instant: u32,
}

/// The most bytes of a row whose value is one word.
const NARROW_ROW_BYTES: usize = 16;
/// What a chain makes room for at once.
const FIRST_BYTES: usize = 64;

impl Chain {
    /// Appends a value of at most 64 bits; returns the length of the row.
    #[inline(always)]
    pub(super) fn push_word(&mut self, instant: u32, width_bits: u32, word: u64) -> usize {
        let instants = u64::from(instant - self.instant);
        self.instant = instant;
        let (number, value, value_bytes) = if width_bits == 1 {
            (instants << 2 | word << 1, 0, 0)
        } else {
            let value = (word << (64 - width_bits)).swap_bytes();
            (instants << 1, value, width_bits.div_ceil(8) as usize)
        };
        // Numbers are below 2^34: five bytes at most, and eight of a value.
        let (number, number_bytes) = varint(number);
        let row = if number_bytes == 1 {
            u128::from(number) | u128::from(value) << 8
        } else {
            u128::from(number) | u128::from(value) << (8 * number_bytes)
        };
        let start = self.rows.len();
        if self.rows.capacity() - start < NARROW_ROW_BYTES {
            self.grow();
        }
        // All at once, and what is too much off again: a copy of a length that is known is one store.
        self.rows.extend_from_slice(&row.to_le_bytes());
        self.rows.truncate(start + number_bytes + value_bytes);
        number_bytes + value_bytes
    }

    #[cold]
    fn grow(&mut self) {
        self.rows.reserve(FIRST_BYTES.max(self.rows.len()));
    }

    /// Appends a value of any signal; returns the length of the row.
    pub(super) fn push(
        &mut self,
        instant: u32,
        kind: SignalKind,
        width_bits: u32,
        words: Option<&[u64]>,
    ) -> usize {
        let start = self.rows.len();
        let instants = u64::from(instant - self.instant);
        match (kind, words) {
            (SignalKind::Event, _) => return self.push_word(instant, 1, 1),
            (SignalKind::Bits, Some(&[word])) => return self.push_word(instant, width_bits, word),
            (SignalKind::Real, words) => {
                let bits = words.map_or(f64::NAN.to_bits(), |words| words[0]);
                put_varint(&mut self.rows, instants << 1 | 1);
                self.rows.extend_from_slice(&bits.to_le_bytes());
            }
            (SignalKind::Bits, None) if width_bits == 1 => {
                put_varint(&mut self.rows, instants << 4 | 1);
            }
            (SignalKind::Bits, None) => {
                put_varint(&mut self.rows, instants << 1 | 1);
                self.rows
                    .resize(self.rows.len() + width_bits as usize, b'x');
            }
            (SignalKind::Bits, Some(words)) => {
                put_varint(&mut self.rows, instants << 1);
                put_wide(&mut self.rows, words, width_bits);
            }
        }
        self.instant = instant;
        self.rows.len() - start
    }

    /// Begins anew, for the next block.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.instant = 0;
    }
}

/// How the chain of a signal is divided.
pub(super) fn rows_of(kind: SignalKind, width_bits: u32) -> Rows {
    let (even_bytes, odd_bytes) = match kind {
        SignalKind::Real => (8, 8),
        SignalKind::Event => (0, 0),
        SignalKind::Bits if width_bits == 1 => (0, 0),
        SignalKind::Bits => (width_bits.div_ceil(8) as usize, width_bits as usize),
    };
    Rows {
        even_bytes,
        odd_bytes,
    }
}

/// A number of seven bits a byte, the lowest first, and how many bytes it takes; at most 2^56.
#[inline(always)]
fn varint(number: u64) -> (u64, usize) {
    if number < 128 {
        return (number, 1);
    }
    let (mut rest, mut bytes, mut count) = (number, 0, 0);
    while rest >= 128 {
        bytes |= (rest & 127 | 128) << (8 * count);
        rest >>= 7;
        count += 1;
    }
    (bytes | rest << (8 * count), count + 1)
}

/// Appends a number of seven bits a byte, the lowest first.
pub(super) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 128 {
        out.push(number as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends bits from the top; what is left of the last byte is 0.
fn put_wide(out: &mut Vec<u8>, words: &[u64], width_bits: u32) {
    let byte_count = width_bits.div_ceil(8) as usize;
    let empty_bits = 8 * byte_count as u32 - width_bits;
    // Bytes of the topmost word that are above the signal.
    let mut skipped = 8 * words.len() - byte_count;
    for (index, &word) in words.iter().enumerate().rev() {
        let below = index.checked_sub(1).map_or(0, |index| words[index]);
        let shifted = word << empty_bits | below.unbounded_shr(64 - empty_bits);
        out.extend_from_slice(&shifted.to_be_bytes()[skipped..]);
        skipped = 0;
    }
}
