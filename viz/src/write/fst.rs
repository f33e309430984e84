//! FST, GTKWave's compressed format, by the crate `fst-writer`.
//!
//! Its three limits are kept here: a block may be written only right before a new time, what one block
//! holds is counted in 32 bits, and the values of the first time of all are lost if no other time follows.

use super::header::{Header, Layout, Scope, Signal, SignalKind, SignalLayout, VERSION_BYTES_MAX};
use super::vcd::BIT_LETTERS;
use fst_writer::{
    FstBodyWriter, FstFileType, FstHeaderWriter, FstInfo, FstScopeType, FstSignalId, FstSignalType,
    FstVarDirection, FstVarType, FstWriteError,
};
use std::fs::File;
use std::io::{self, BufWriter};

/// A block is written when this many bytes have been collected.
const BLOCK_BYTES: usize = 1 << 25;

pub(super) struct FstFile {
    out: FstBodyWriter<BufWriter<File>>,
    ids: Vec<FstSignalId>,
    /// Collected bytes at which a block is written.
    block_bytes: usize,
    time: u64,
    letters: Vec<u8>,
}

impl FstFile {
    pub(super) fn create(
        out: BufWriter<File>,
        header: &Header,
        layout: &Layout,
    ) -> io::Result<Self> {
        let info = FstInfo {
            start_time: 0,
            timescale_exponent: header.timescale.exponent(),
            version: kept(&header.version),
            date: String::new(),
            file_type: FstFileType::Verilog,
        };
        let mut writer = FstHeaderWriter::new(out, &info).map_err(input_output)?;
        let mut ids = vec![None; layout.signals.len()];
        for scope in &header.root {
            write_scope(&mut writer, scope, &mut ids)?;
        }
        let mut out = writer.finish().map_err(input_output)?;
        // An event is a change to what it was; what is equal has been left out before.
        out.set_deduplicate(false);
        let frame_bytes: usize = layout
            .signals
            .iter()
            .map(|signal| signal.width_bits as usize)
            .sum();
        Ok(Self {
            out,
            ids: ids
                .into_iter()
                .map(|id| id.expect("every number of the layout stands in the header"))
                .collect(),
            // A block begins with the values of all signals: it must be worth that.
            block_bytes: BLOCK_BYTES.max(2 * frame_bytes).min(u32::MAX as usize / 2),
            time: 0,
            letters: Vec::new(),
        })
    }

    /// Later than the time before.
    pub(super) fn advance(&mut self, time: u64) -> io::Result<()> {
        if self.out.size() >= self.block_bytes {
            self.out.flush().map_err(input_output)?;
        }
        self.time = time;
        self.out.time_change(time).map_err(input_output)
    }

    pub(super) fn change(
        &mut self,
        id: u32,
        signal: &SignalLayout,
        words: Option<&[u64]>,
    ) -> io::Result<()> {
        self.letters.clear();
        let width = signal.width_bits as usize;
        match (signal.kind, words) {
            (SignalKind::Real, words) => {
                let bits = words.map_or(f64::NAN.to_bits(), |words| words[0]);
                self.letters.extend_from_slice(&bits.to_le_bytes());
            }
            (SignalKind::Event, _) => self.letters.push(b'1'),
            (SignalKind::Bits, None) => self.letters.resize(width, b'x'),
            (SignalKind::Bits, Some(words)) => {
                // The topmost byte may be wider than what is left of the signal.
                let byte_count = width.div_ceil(8);
                let mut surplus = 8 * byte_count - width;
                for index in (0..byte_count).rev() {
                    let byte = (words[index / 8] >> (index % 8 * 8)) as u8;
                    self.letters
                        .extend_from_slice(&BIT_LETTERS[usize::from(byte)][surplus..]);
                    surplus = 0;
                }
            }
        }
        self.out
            .signal_change(self.ids[id as usize], &self.letters)
            .map_err(input_output)
    }

    pub(super) fn finish(mut self) -> io::Result<BufWriter<File>> {
        if self.time == 0 {
            self.advance(1)?;
        }
        self.out.finish().map_err(input_output)
    }
}

fn write_scope(
    writer: &mut FstHeaderWriter<BufWriter<File>>,
    scope: &Scope,
    ids: &mut [Option<FstSignalId>],
) -> io::Result<()> {
    writer
        .scope(&scope.name, "", FstScopeType::Module)
        .map_err(input_output)?;
    for signal in &scope.signals {
        write_signal(writer, signal, ids)?;
    }
    for inner in &scope.scopes {
        write_scope(writer, inner, ids)?;
    }
    writer.up_scope().map_err(input_output)
}

fn write_signal(
    writer: &mut FstHeaderWriter<BufWriter<File>>,
    signal: &Signal,
    ids: &mut [Option<FstSignalId>],
) -> io::Result<()> {
    let (form, kind) = match signal.kind {
        SignalKind::Bits => (FstSignalType::bit_vec(signal.width_bits), FstVarType::Wire),
        SignalKind::Event => (FstSignalType::bit_vec(1), FstVarType::Event),
        SignalKind::Real => (FstSignalType::real(), FstVarType::Real),
    };
    let slot = &mut ids[signal.id as usize];
    let id = writer
        .var(&signal.name, form, kind, FstVarDirection::Implicit, *slot)
        .map_err(input_output)?;
    *slot = Some(id);
    Ok(())
}

/// The beginning of a text that there is room for, on one line.
fn kept(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.len() + word.len() + 1 >= VERSION_BYTES_MAX {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// What is wrong beyond input and output has been ruled out by the layout.
fn input_output(error: FstWriteError) -> io::Error {
    match error {
        FstWriteError::Io(error) => error,
        other => io::Error::other(other),
    }
}
