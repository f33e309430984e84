//! The changes of one signal within a block, as FST has them: rows of a number and a value.
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
    /// Room for rows, the first of it used. A copy of a length that is known into bytes that are there is
    /// one store.
    room: Vec<u8>,
    used: u32,
    instant: u32,
}

/// Room for a row whose value is one word: five bytes of a number at most, and eight.
const NARROW_ROW_BYTES: usize = 16;
/// The least room of a chain that has rows.
const ROOM_BYTES_MIN: usize = 64;

impl Chain {
    pub(super) fn rows(&self) -> &[u8] {
        &self.room[..self.used as usize]
    }

    /// Begins anew, for the next block.
    pub(super) fn clear(&mut self) {
        self.used = 0;
        self.instant = 0;
    }

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
        let (row, number_bytes) = if number < 128 {
            (u128::from(number) | u128::from(value) << 8, 1)
        } else {
            let (number, number_bytes) = varint(number);
            let value = u128::from(value) << (8 * number_bytes);
            (u128::from(number) | value, number_bytes)
        };
        let start = self.used as usize;
        if self.room.len() < start + NARROW_ROW_BYTES {
            self.make_room(start + NARROW_ROW_BYTES);
        }
        self.room[start..start + NARROW_ROW_BYTES].copy_from_slice(&row.to_le_bytes());
        self.used = (start + number_bytes + value_bytes) as u32;
        number_bytes + value_bytes
    }

    /// Appends a value of any signal; returns the length of the row.
    pub(super) fn push(
        &mut self,
        instant: u32,
        kind: SignalKind,
        width_bits: u32,
        words: Option<&[u64]>,
    ) -> usize {
        let start = self.used;
        let instants = u64::from(instant - self.instant);
        match (kind, words) {
            (SignalKind::Event, _) => return self.push_word(instant, 1, 1),
            (SignalKind::Bits, Some(&[word])) => return self.push_word(instant, width_bits, word),
            (SignalKind::Real, words) => {
                let bits = words.map_or(f64::NAN.to_bits(), |words| words[0]);
                self.append_number(instants << 1 | 1);
                self.append(&bits.to_le_bytes());
            }
            (SignalKind::Bits, None) if width_bits == 1 => self.append_number(instants << 4 | 1),
            (SignalKind::Bits, None) => {
                self.append_number(instants << 1 | 1);
                (0..width_bits).for_each(|_| self.append(b"x"));
            }
            (SignalKind::Bits, Some(words)) => {
                self.append_number(instants << 1);
                self.append_wide(words, width_bits);
            }
        }
        self.instant = instant;
        (self.used - start) as usize
    }

    /// Appends bits from the top; what is left of the last byte is 0.
    fn append_wide(&mut self, words: &[u64], width_bits: u32) {
        let byte_count = width_bits.div_ceil(8) as usize;
        let empty_bits = 8 * byte_count as u32 - width_bits;
        // Bytes of the topmost word that are above the signal.
        let mut skipped = 8 * words.len() - byte_count;
        for (index, &word) in words.iter().enumerate().rev() {
            let below = index.checked_sub(1).map_or(0, |index| words[index]);
            let shifted = word << empty_bits | below.unbounded_shr(64 - empty_bits);
            self.append(&shifted.to_be_bytes()[skipped..]);
            skipped = 0;
        }
    }

    fn append_number(&mut self, number: u64) {
        let (bytes, count) = varint(number);
        self.append(&bytes.to_le_bytes()[..count]);
    }

    fn append(&mut self, bytes: &[u8]) {
        let start = self.used as usize;
        let end = start + bytes.len();
        if self.room.len() < end {
            self.make_room(end);
        }
        self.room[start..end].copy_from_slice(bytes);
        self.used = end as u32;
    }

    #[cold]
    #[inline(never)]
    fn make_room(&mut self, byte_count: usize) {
        self.room.resize(ROOM_BYTES_MIN.max(2 * byte_count), 0);
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

/// A number of seven bits a byte, the lowest first, and how many bytes it takes; below 2^56.
fn varint(number: u64) -> (u64, usize) {
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
