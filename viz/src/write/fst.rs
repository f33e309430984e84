//! FST, GTKWave's compressed format.
//!
//! ```text
//!   head, hierarchy, widths, then blocks of value changes; the head once more at the end
//! ```
//!
//! House rule is to take a library, and there is a good one, `fst-writer`. It is not used because it was
//! measured to be the limit of a recording: it takes values as letters and copies every chain of changes
//! several times, and it packs with LZ4. With rows of bits appended where they belong, and packed as
//! [`deflate`] packs them, a saturated mesh of 7,360 signals is written in a third of the time and half of
//! the bytes (docs/traces.md has the figures).

mod huffman;
mod bits;
mod deflate;
mod chain;
mod block;
mod outline;

use super::header::{Header, Layout};
use super::values::{Value, Values};
use block::Block;
use outline::Head;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};

/// Rows that a block collects for each signal: each chain is packed with a code of its own, which must be
/// worth its bytes.
const CHAIN_BYTES: usize = 1 << 13;
/// But so many in all.
const BLOCK_BYTES: std::ops::RangeInclusive<usize> = 1 << 22..=1 << 28;

pub(super) struct FstFile {
    out: BufWriter<File>,
    head: Head,
    block: Block,
    /// Bytes at which a block is written.
    block_bytes: usize,
    time: u64,
    /// Whether the block has been told of it.
    is_told: bool,
}

impl FstFile {
    pub(super) fn create(
        mut out: BufWriter<File>,
        header: &Header,
        layout: &Layout,
        values: &Values,
    ) -> io::Result<Self> {
        let (head, order) = outline::write_outline(&mut out, header, layout)?;
        let wanted = CHAIN_BYTES.saturating_mul(order.len());
        Ok(Self {
            out,
            head,
            block: Block::first(order, values),
            block_bytes: wanted.clamp(*BLOCK_BYTES.start(), *BLOCK_BYTES.end()),
            time: 0,
            is_told: false,
        })
    }

    /// Later than the time before.
    pub(super) fn advance(&mut self, time: u64, values: &Values) -> io::Result<()> {
        if self.block.bytes() >= self.block_bytes || self.block.is_full() {
            self.write_block(values)?;
        }
        self.time = time;
        self.is_told = false;
        Ok(())
    }

    fn write_block(&mut self, values: &Values) -> io::Result<()> {
        let (first, last) = self.block.instants();
        if self.head.blocks == 0 {
            self.head.instants.0 = first;
        }
        self.head.instants.1 = last;
        self.head.blocks += 1;
        self.block.write(values, &mut self.out)
    }

    #[inline]
    fn tell_time(&mut self) {
        if !self.is_told {
            self.is_told = true;
            self.block.begin_instant(self.time);
        }
    }

    /// Sets neighbours of at most 64 bits.
    #[inline]
    pub(super) fn put(&mut self, first: usize, values: &mut [Value], words: &[u64]) {
        self.tell_time();
        self.block.put(first, values, words);
    }

    /// A signal has changed.
    pub(super) fn change(&mut self, id: u32, values: &Values) {
        self.tell_time();
        self.block.change(id, values);
    }

    pub(super) fn finish(mut self, values: &Values) -> io::Result<BufWriter<File>> {
        // The end is an instant even if nothing happens then.
        self.tell_time();
        self.write_block(values)?;
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&self.head.bytes())?;
        self.out.seek(SeekFrom::End(0))?;
        Ok(self.out)
    }
}
