//! HOT. How deflate writes things down: bits into bytes, lengths and distances of copies, and codes.

use super::huffman::{Code, SYMBOLS_MAX, Space};

pub(super) const LENGTH_MIN: usize = 3;
pub(super) const LENGTH_MAX: usize = 258;
/// The symbol that ends a block; smaller ones are bytes.
pub(super) const END: usize = 256;
/// The symbol of the shortest copies.
pub(super) const FIRST_LENGTH: usize = 257;
/// Symbols for distances.
pub(super) const DISTANCES: usize = 30;
/// The order in which lengths of the code for lengths stand.
const LENGTH_ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// Bits on their way into bytes, the first one lowest.
#[derive(Default)]
pub(super) struct Bits {
    held: u64,
    count: u32,
    /// Bytes written.
    pub(super) at: usize,
}

impl Bits {
    #[inline]
    pub(super) fn put(&mut self, value: u64, count: u32) {
        self.held |= value << self.count;
        self.count += count;
    }

    #[inline]
    pub(super) fn word(&mut self, word: u32) {
        self.put(u64::from(word & 0xffff), word >> 16);
    }

    /// Writes whole bytes; at most 56 bits may be put between two calls.
    #[inline]
    pub(super) fn flush(&mut self, out: &mut [u8]) {
        debug_assert!(self.count < 64);
        out[self.at..self.at + 8].copy_from_slice(&self.held.to_le_bytes());
        self.at += (self.count / 8) as usize;
        self.held >>= self.count & !7;
        self.count &= 7;
    }

    /// Fills up the last byte.
    pub(super) fn finish(&mut self, out: &mut [u8]) {
        self.count = self.count.next_multiple_of(8);
        self.flush(out);
    }
}

/// A length as it is written.
#[derive(Clone, Copy)]
pub(super) struct Length {
    /// Counted from that of length 3.
    pub(super) symbol: u8,
    pub(super) extra_bits: u8,
    pub(super) extra: u8,
}

pub(super) const LENGTHS: [Length; LENGTH_MAX + 1] = {
    let mut table = [Length {
        symbol: 0,
        extra_bits: 0,
        extra: 0,
    }; LENGTH_MAX + 1];
    let mut length = 3;
    while length < LENGTH_MAX {
        let rest = length as u32 - 3;
        // Four symbols for each number of extra bits, eight for none.
        let extra_bits = if rest < 8 { 0 } else { rest.ilog2() - 2 };
        table[length] = Length {
            symbol: (4 * extra_bits + (rest >> extra_bits)) as u8,
            extra_bits: extra_bits as u8,
            extra: (rest & ((1 << extra_bits) - 1)) as u8,
        };
        length += 1;
    }
    table[LENGTH_MAX] = Length {
        symbol: 28,
        extra_bits: 0,
        extra: 0,
    };
    table
};

/// A distance as it is written: its symbol, how many more bits, and these.
#[inline]
pub(super) fn distance_symbol(distance: usize) -> (usize, u32, u32) {
    let rest = distance as u32 - 1;
    let extra_bits = if rest < 4 { 0 } else { rest.ilog2() - 1 };
    let symbol = 2 * extra_bits + (rest >> extra_bits);
    (symbol as usize, extra_bits, rest & ((1 << extra_bits) - 1))
}

/// The codes that are agreed upon: RFC 1951, 3.2.6.
pub(super) fn fixed_codes() -> (Code<SYMBOLS_MAX>, Code<DISTANCES>) {
    // Two symbols that never occur have words too.
    let mut lengths = [8; SYMBOLS_MAX + 2];
    lengths[144..END].fill(9);
    lengths[END..280].fill(7);
    let all = Code::of_lengths(lengths);
    let mut literals = Code::EMPTY;
    literals
        .lengths
        .copy_from_slice(&all.lengths[..SYMBOLS_MAX]);
    literals.words.copy_from_slice(&all.words[..SYMBOLS_MAX]);
    (literals, Code::of_lengths([5; DISTANCES]))
}

/// Writes down the codes of a block, as lengths of their words: RFC 1951, 3.2.7.
pub(super) fn tell_codes(
    bits: &mut Bits,
    out: &mut [u8],
    literals: &[u8; SYMBOLS_MAX],
    distances: &[u8; DISTANCES],
    space: &mut Space,
) {
    let used = |lengths: &[u8], least: usize| {
        let last = lengths.iter().rposition(|&length| length > 0);
        last.map_or(least, |last| least.max(last + 1))
    };
    let literal_count = used(literals, FIRST_LENGTH);
    let distance_count = used(distances, 1);
    let mut lengths = [0; SYMBOLS_MAX + DISTANCES];
    lengths[..literal_count].copy_from_slice(&literals[..literal_count]);
    lengths[literal_count..][..distance_count].copy_from_slice(&distances[..distance_count]);
    let lengths = &lengths[..literal_count + distance_count];
    // Symbols 16 to 18 repeat; above eight bits how often.
    let mut symbols = [0u16; SYMBOLS_MAX + DISTANCES];
    let mut count = 0;
    let mut counts = [0; 19];
    let mut note = |symbol: u16, repeats: usize| {
        counts[usize::from(symbol)] += 1;
        symbols[count] = symbol | (repeats as u16) << 8;
        count += 1;
    };
    for run in lengths.chunk_by(|a, b| a == b) {
        let (length, mut left) = (u16::from(run[0]), run.len());
        if length > 0 {
            note(length, 0);
            left -= 1;
        }
        while left >= 3 {
            let (symbol, least, most) = match (length, left) {
                (0, 11..) => (18, 11, 138),
                (0, _) => (17, 3, 10),
                (_, _) => (16, 3, 6),
            };
            let repeated = left.min(most);
            note(symbol, repeated - least);
            left -= repeated;
        }
        (0..left).for_each(|_| note(length, 0));
    }
    let mut code = Code::<19>::EMPTY;
    code.fit(&counts, 7, space);
    let last = LENGTH_ORDER
        .iter()
        .rposition(|&symbol| code.lengths[symbol] > 0);
    let told = last.map_or(4, |last| (last + 1).max(4));
    bits.put(literal_count as u64 - 257, 5);
    bits.put(distance_count as u64 - 1, 5);
    bits.put(told as u64 - 4, 4);
    bits.flush(out);
    for &symbol in &LENGTH_ORDER[..told] {
        bits.put(code.lengths[symbol].into(), 3);
        bits.flush(out);
    }
    for &symbol in &symbols[..count] {
        let (symbol, repeats) = (usize::from(symbol & 255), u64::from(symbol >> 8));
        bits.word(code.words[symbol]);
        bits.put(
            repeats,
            [2, 3, 7].get(symbol.wrapping_sub(16)).copied().unwrap_or(0),
        );
        bits.flush(out);
    }
}
