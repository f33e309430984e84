//! A block of value changes: what every signal was when it begins, and a chain of rows for each.
//!
//! ```text
//!   8, length of what follows
//!   first and last instant, bytes of all chains
//!   frame       lengths, signals; then a letter for each bit, eight bytes for a real
//!   signals, 'Z'; chains one after another: length of the rows (0: as they are), then zlib or rows
//!   places      of each signal's chain, its length
//!   instants    each since the one before; three lengths
//! ```
//!
//! Equal chains stand there once. Chains are compressed on as many threads as the host has; each result
//! depends on its chain alone, so the file does not depend on that. This is the format as GTKWave's
//! `fstapi.c` and the reader `fst-reader` read it.

use super::chain::{Chain, put_varint, rows_of};
use super::deflate::{Deflate, Rows};
use crate::write::header::SignalKind;
use crate::write::values::{Value, Values};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A block of chains whose equals are told by alias, in numbers with a sign.
const DYNAMIC_ALIAS_2: u8 = 8;
/// Chains are in zlib's wrapping.
const PACKED_BY_ZLIB: u8 = b'Z';

/// Threads that compress.
const THREADS_MAX: usize = 8;
/// Rows that are compressed at a time: enough that threads seldom meet, few enough that they end together.
const PIECE_BYTES: usize = 1 << 18;
/// Below that a chain is kept as it is: zlib takes six bytes, and a code more.
const PACKED_BYTES_MIN: usize = 16;

/// A block while it is collected.
pub(super) struct Block {
    /// Signals in the order of the file.
    order: Vec<u32>,
    /// By the numbers of signals.
    chains: Vec<Chain>,
    /// Bytes of all chains.
    bytes: usize,
    /// What every signal was before the first instant, as the file has it.
    frame: Vec<u8>,
    instants: Instants,
}

/// The instants of a block at which something is told.
struct Instants {
    /// Each since the one before, the first since 0.
    rows: Vec<u8>,
    count: u32,
    first: u64,
    last: u64,
}

impl Block {
    /// An empty one, before anything is known.
    pub(super) fn first(order: Vec<u32>, values: &Values) -> Self {
        let mut chains = Vec::new();
        chains.resize_with(order.len(), Chain::default);
        let mut block = Self {
            order,
            chains,
            bytes: 0,
            frame: Vec::new(),
            instants: Instants {
                rows: Vec::new(),
                count: 0,
                first: 0,
                last: 0,
            },
        };
        block.set_frame(values);
        block
    }

    /// Bytes of all chains.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Its first instant and its last.
    pub(super) fn instants(&self) -> (u64, u64) {
        (self.instants.first, self.instants.last)
    }

    /// What follows happens at `time`, later than all before.
    pub(super) fn begin_instant(&mut self, time: u64) {
        let instants = &mut self.instants;
        if instants.count == 0 {
            instants.first = time;
        }
        let before = if instants.count == 0 {
            0
        } else {
            instants.last
        };
        put_varint(&mut instants.rows, time - before);
        instants.count += 1;
        instants.last = time;
    }

    /// Whether no instant can follow: their numbers are limited.
    pub(super) fn is_full(&self) -> bool {
        self.instants.count == u32::MAX >> 4
    }

    /// Notes what has changed among neighbours of at most 64 bits.
    #[inline]
    pub(super) fn put(&mut self, first: usize, values: &mut [Value], words: &[u64]) {
        let instant = self.instants.count - 1;
        let chains = &mut self.chains[first..][..words.len()];
        let mut bytes = 0;
        for ((value, chain), &word) in values.iter_mut().zip(chains).zip(words) {
            assert!(value.is_narrow(), "a signal of one word is wider than that");
            let Some(word) = value.set(word) else {
                continue;
            };
            bytes += if value.kind == SignalKind::Bits {
                chain.push_word(instant, value.width_bits, word)
            } else {
                chain.push(instant, value.kind, value.width_bits, Some(&[word]))
            };
        }
        self.bytes += bytes;
    }

    /// Notes that a signal has changed.
    pub(super) fn change(&mut self, id: u32, values: &Values) {
        let value = &values.signals[id as usize];
        let instant = self.instants.count - 1;
        let chain = &mut self.chains[id as usize];
        self.bytes += chain.push(instant, value.kind, value.width_bits, values.get(id));
    }

    /// Writes the block and begins the next.
    pub(super) fn write(&mut self, values: &Values, out: &mut impl Write) -> io::Result<()> {
        let pieces = self.pieces();
        let packed = self.pack(values, &pieces);
        let chains = Places::of(&packed, self.bytes as u64);
        let frame = smaller(&self.frame);
        let instants = smaller(&self.instants.rows);
        let mut head = Vec::new();
        for number in [self.instants.first, self.instants.last, chains.row_bytes] {
            head.extend_from_slice(&number.to_be_bytes());
        }
        put_varint(&mut head, self.frame.len() as u64);
        put_varint(&mut head, frame.len() as u64);
        put_varint(&mut head, self.chains.len() as u64);
        let mut second = Vec::new();
        put_varint(&mut second, self.chains.len() as u64);
        second.push(PACKED_BY_ZLIB);
        let length = 8
            + head.len() as u64
            + frame.len() as u64
            + second.len() as u64
            + chains.bytes
            + chains.places.len() as u64
            + 8
            + instants.len() as u64
            + 24;
        out.write_all(&[DYNAMIC_ALIAS_2])?;
        out.write_all(&length.to_be_bytes())?;
        out.write_all(&head)?;
        out.write_all(&frame)?;
        out.write_all(&second)?;
        chains
            .written
            .iter()
            .try_for_each(|chain| out.write_all(chain))?;
        out.write_all(&chains.places)?;
        out.write_all(&(chains.places.len() as u64).to_be_bytes())?;
        out.write_all(&instants)?;
        let rows = self.instants.rows.len() as u64;
        for number in [rows, instants.len() as u64, self.instants.count.into()] {
            out.write_all(&number.to_be_bytes())?;
        }
        self.restart(values);
        Ok(())
    }

    fn restart(&mut self, values: &Values) {
        self.chains.iter_mut().for_each(Chain::clear);
        self.bytes = 0;
        self.instants.rows.clear();
        self.instants.count = 0;
        self.set_frame(values);
    }

    fn set_frame(&mut self, values: &Values) {
        self.frame.clear();
        for &id in &self.order {
            let value = &values.signals[id as usize];
            let words = values.get(id);
            match (value.kind, words) {
                (SignalKind::Real, words) => {
                    let bits = words.map_or(f64::NAN.to_bits(), |words| words[0]);
                    self.frame.extend_from_slice(&bits.to_le_bytes());
                }
                (_, None) => {
                    let end = self.frame.len() + value.width_bits as usize;
                    self.frame.resize(end, b'x');
                }
                (_, Some(words)) => {
                    let bits = (0..value.width_bits as usize).rev();
                    let letter = |bit: usize| b'0' + (words[bit / 64] >> (bit % 64) & 1) as u8;
                    self.frame.extend(bits.map(letter));
                }
            }
        }
    }

    /// Divides the signals: where each piece ends.
    fn pieces(&self) -> Vec<usize> {
        let mut ends = Vec::new();
        let mut bytes = 0;
        for (number, &id) in self.order.iter().enumerate() {
            bytes += self.chains[id as usize].rows().len();
            if bytes >= PIECE_BYTES {
                ends.push(number + 1);
                bytes = 0;
            }
        }
        ends.push(self.order.len());
        ends
    }

    /// The chains of all signals as they are written, by pieces.
    fn pack(&self, values: &Values, ends: &[usize]) -> Vec<Packed> {
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<(usize, Packed)>> = Mutex::new(Vec::new());
        let work = || {
            let mut deflate = Deflate::new();
            loop {
                let piece = next.fetch_add(1, Ordering::Relaxed);
                let Some(&end) = ends.get(piece) else { return };
                let start = if piece == 0 { 0 } else { ends[piece - 1] };
                let mut packed = Packed::default();
                for &id in &self.order[start..end] {
                    let value = &values.signals[id as usize];
                    let rows = rows_of(value.kind, value.width_bits);
                    packed.add(self.chains[id as usize].rows(), rows, &mut deflate);
                }
                let mut done = done.lock().expect("nobody panics holding it");
                done.push((piece, packed));
            }
        };
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        std::thread::scope(|scope| {
            for _ in 1..cores.min(THREADS_MAX).min(ends.len()) {
                let helper = std::thread::Builder::new().name("packing".to_owned());
                if helper.spawn_scoped(scope, work).is_err() {
                    // Without help it takes longer.
                    break;
                }
            }
            work();
        });
        let mut done = done.into_inner().expect("nobody panics holding it");
        done.sort_by_key(|&(piece, _)| piece);
        done.into_iter().map(|(_, packed)| packed).collect()
    }
}

/// The chains of some signals as they are written.
#[derive(Default)]
struct Packed {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Packed {
    fn add(&mut self, chain: &[u8], rows: Rows, deflate: &mut Deflate) {
        let start = self.bytes.len();
        if chain.len() >= PACKED_BYTES_MIN {
            put_varint(&mut self.bytes, chain.len() as u64);
            deflate.compress(chain, rows, &mut self.bytes);
        }
        let is_packed = self.bytes.len() > start && self.bytes.len() - start <= chain.len();
        if !is_packed {
            self.bytes.truncate(start);
            if !chain.is_empty() {
                self.bytes.push(0);
                self.bytes.extend_from_slice(chain);
            }
        }
        self.ends.push(self.bytes.len());
    }

    fn each(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let chain = &self.bytes[start..end];
            start = end;
            chain
        })
    }
}

/// The signals of chains that are written, by length first, then by what differs most: the sum at the end.
type Known<'a> = BTreeMap<(usize, Option<&'a [u8; 4]>, &'a [u8]), i64>;

/// Which chains are written, and where the chain of each signal is.
struct Places<'a> {
    written: Vec<&'a [u8]>,
    bytes: u64,
    places: Vec<u8>,
    /// Bytes of the rows of all signals, equal ones too: what a reader makes room for.
    row_bytes: u64,
}

impl<'a> Places<'a> {
    fn of(packed: &'a [Packed], row_bytes: u64) -> Self {
        let mut all = Self {
            written: Vec::new(),
            bytes: 0,
            places: Vec::new(),
            row_bytes,
        };
        let mut known = Known::new();
        let (mut idle, mut since, mut alias_before) = (0, 0, None);
        for (number, chain) in packed.iter().flat_map(Packed::each).enumerate() {
            if chain.is_empty() {
                idle += 1;
                continue;
            }
            all.put_idle(&mut idle);
            let key = (chain.len(), chain.last_chunk(), chain);
            if let Some(&alias) = known.get(&key) {
                // 0 stands for the same as of the last one that is an alias.
                let place = if alias_before == Some(alias) {
                    0
                } else {
                    -alias - 1
                };
                alias_before = Some(alias);
                put_signed(&mut all.places, place << 1 | 1);
                continue;
            }
            known.insert(key, number as i64);
            // Places count from the letter before the chains.
            let place = all.bytes as i64 + 1;
            put_signed(&mut all.places, (place - since) << 1 | 1);
            since = place;
            all.bytes += chain.len() as u64;
            all.written.push(chain);
        }
        all.put_idle(&mut idle);
        all
    }

    /// So many signals have not changed.
    fn put_idle(&mut self, count: &mut u64) {
        if *count > 0 {
            put_varint(&mut self.places, *count << 1);
            *count = 0;
        }
    }
}

/// Appends a number with a sign, seven bits a byte, the lowest first.
fn put_signed(out: &mut Vec<u8>, mut number: i64) {
    while !(-64..64).contains(&number) {
        out.push(number as u8 & 127 | 128);
        number >>= 7;
    }
    out.push(number as u8 & 127);
}

/// In zlib's wrapping, or as it is if that is not longer: readers tell by the lengths.
fn smaller(bytes: &[u8]) -> Vec<u8> {
    let rows = Rows {
        even_bytes: 0,
        odd_bytes: 0,
    };
    let mut packed = Vec::new();
    Deflate::new().compress(bytes, rows, &mut packed);
    if packed.len() < bytes.len() {
        packed
    } else {
        bytes.to_vec()
    }
}
