//! VCD, IEEE 1364 clause 18: text, an identifier of a few letters for every signal.

use super::header::{Header, Layout, Scope, Signal, SignalKind};
use super::values::{Value, Values};
use std::fs::File;
use std::io::{self, BufWriter, Write};

/// Letters of an identifier: `!` to `~`.
const LETTERS: u32 = 94;

/// The eight letters of every byte.
const BIT_LETTERS: [[u8; 8]; 256] = {
    let mut letters = [[b'0'; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            letters[byte][7 - bit] += (byte >> bit & 1) as u8;
            bit += 1;
        }
        byte += 1;
    }
    letters
};

/// What is written at once, if no more happens at an instant.
const TEXT_BYTES: usize = 1 << 16;

pub(super) struct VcdFile {
    out: BufWriter<File>,
    /// The time of the next change, until it has been written.
    pending_time: Option<u64>,
    /// Identifiers with a blank before and the end of the line behind.
    line_ends: Vec<LineEnd>,
    /// Lines on their way.
    text: Vec<u8>,
}

impl VcdFile {
    pub(super) fn create(
        mut out: BufWriter<File>,
        header: &Header,
        layout: &Layout,
    ) -> io::Result<Self> {
        section(&mut out, "version", &header.version)?;
        section(&mut out, "comment", &header.comment)?;
        writeln!(out, "$timescale {} $end", header.timescale)?;
        for scope in &header.root {
            write_scope(&mut out, scope)?;
        }
        out.write_all(b"$enddefinitions $end\n")?;
        Ok(Self {
            out,
            pending_time: Some(0),
            line_ends: (0..layout.signals.len() as u32).map(LineEnd::of).collect(),
            text: Vec::with_capacity(2 * TEXT_BYTES),
        })
    }

    pub(super) fn advance(&mut self, time: u64) -> io::Result<()> {
        self.pending_time = Some(time);
        if self.text.len() < TEXT_BYTES {
            return Ok(());
        }
        self.write_text()
    }

    fn write_text(&mut self) -> io::Result<()> {
        let written = self.out.write_all(&self.text);
        self.text.clear();
        written
    }

    /// Sets neighbours of at most 64 bits.
    pub(super) fn put(&mut self, first: usize, values: &mut [Value], words: &[u64]) {
        for (number, (value, &word)) in values.iter_mut().zip(words).enumerate() {
            assert!(value.is_narrow(), "a signal of one word is wider than that");
            if let Some(word) = value.set(word) {
                self.line(first + number, value.kind, value.width_bits, Some(&[word]));
            }
        }
    }

    /// A signal has changed.
    pub(super) fn change(&mut self, id: u32, values: &Values) {
        let value = values.signals[id as usize];
        self.line(id as usize, value.kind, value.width_bits, values.get(id));
    }

    fn line(&mut self, id: usize, kind: SignalKind, width_bits: u32, words: Option<&[u64]>) {
        if let Some(time) = self.pending_time.take() {
            put_time(&mut self.text, time);
        }
        let text = &mut self.text;
        let is_scalar = match (kind, words) {
            (SignalKind::Real, words) => {
                put_real(
                    text,
                    words.map_or(f64::NAN, |words| f64::from_bits(words[0])),
                );
                false
            }
            (SignalKind::Event, _) => {
                text.push(b'1');
                true
            }
            (SignalKind::Bits, None) if width_bits == 1 => {
                text.push(b'x');
                true
            }
            (SignalKind::Bits, None) => {
                text.extend_from_slice(b"bx");
                false
            }
            (SignalKind::Bits, Some(words)) if width_bits == 1 => {
                text.push(b'0' + (words[0] & 1) as u8);
                true
            }
            (SignalKind::Bits, Some(words)) => {
                put_bits(text, words);
                false
            }
        };
        self.line_ends[id].put(text, is_scalar);
    }

    pub(super) fn finish(mut self) -> io::Result<BufWriter<File>> {
        if let Some(time) = self.pending_time.take() {
            put_time(&mut self.text, time);
        }
        self.write_text()?;
        Ok(self.out)
    }
}

/// A blank, an identifier and the end of the line.
#[derive(Clone, Copy)]
struct LineEnd {
    letters: [u8; 8],
    count: u8,
}

impl LineEnd {
    fn of(id: u32) -> Self {
        let mut text = vec![b' '];
        put_identifier(&mut text, id);
        text.push(b'\n');
        let count = text.len() as u8;
        text.resize(8, 0);
        Self {
            letters: *text
                .first_chunk()
                .expect("identifiers are at most five letters"),
            count,
        }
    }

    /// Appends it; a value of one letter stands right before its identifier.
    #[inline]
    fn put(self, text: &mut Vec<u8>, is_scalar: bool) {
        let letters = u64::from_le_bytes(self.letters) >> (8 * u32::from(is_scalar));
        let end = text.len() + usize::from(self.count) - usize::from(is_scalar);
        text.extend_from_slice(&letters.to_le_bytes());
        text.truncate(end);
    }
}

#[cold]
fn put_time(text: &mut Vec<u8>, time: u64) {
    text.extend_from_slice(format!("#{time}\n").as_bytes());
}

/// Text between a keyword and its end, which it must not contain.
fn section(out: &mut impl Write, keyword: &str, text: &str) -> io::Result<()> {
    let words: Vec<&str> = text
        .split_whitespace()
        .filter(|&word| word != "$end")
        .collect();
    if words.is_empty() {
        return Ok(());
    }
    writeln!(out, "${keyword} {} $end", words.join(" "))
}

fn write_scope(out: &mut impl Write, scope: &Scope) -> io::Result<()> {
    writeln!(out, "$scope module {} $end", scope.name)?;
    for signal in &scope.signals {
        write_signal(out, signal)?;
    }
    for inner in &scope.scopes {
        write_scope(out, inner)?;
    }
    out.write_all(b"$upscope $end\n")
}

fn write_signal(out: &mut impl Write, signal: &Signal) -> io::Result<()> {
    let Signal {
        id,
        name,
        width_bits,
        kind,
        values,
    } = signal;
    if let Some(values) = values {
        write!(out, "$comment values of {name}:")?;
        for (number, value) in values.iter().enumerate() {
            write!(out, " {number} = {value}")?;
        }
        out.write_all(b" $end\n")?;
    }
    let kind = match kind {
        SignalKind::Bits => "wire",
        SignalKind::Event => "event",
        SignalKind::Real => "real",
    };
    let mut identifier = Vec::new();
    put_identifier(&mut identifier, *id);
    write!(out, "$var {kind} {width_bits} ")?;
    out.write_all(&identifier)?;
    writeln!(out, " {name} $end")
}

/// The shortest identifiers first: one letter for the first 94 signals, two for the next 8836.
fn put_identifier(line: &mut Vec<u8>, id: u32) {
    let mut rest = id;
    loop {
        line.push(b'!' + (rest % LETTERS) as u8);
        rest /= LETTERS;
        if rest == 0 {
            return;
        }
        rest -= 1;
    }
}

/// Without leading zeros, which readers fill in.
fn put_bits(text: &mut Vec<u8>, words: &[u64]) {
    text.push(b'b');
    let top = words.iter().rposition(|&word| word != 0).unwrap_or(0);
    let bits = (64 - words[top].leading_zeros()).max(1);
    let end = text.len() + bits as usize;
    // From the first bit that counts, in eights; what is too much is taken off again.
    let mut rest = words[top] << (64 - bits);
    for _ in 0..bits.div_ceil(8) {
        text.extend_from_slice(&BIT_LETTERS[(rest >> 56) as usize]);
        rest <<= 8;
    }
    text.truncate(end);
    for &word in words[..top].iter().rev() {
        for byte in word.to_be_bytes() {
            text.extend_from_slice(&BIT_LETTERS[usize::from(byte)]);
        }
    }
}

/// The shortest text that reads back as the same number.
fn put_real(text: &mut Vec<u8>, number: f64) {
    let number = if number.is_nan() {
        "rnan".to_owned()
    } else {
        format!("r{number:e}")
    };
    text.extend_from_slice(number.as_bytes());
}
