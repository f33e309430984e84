//! VCD, IEEE 1364 clause 18: text, an identifier of a few letters for every signal.

use super::header::{Header, Scope, Signal, SignalKind, SignalLayout};
use std::fs::File;
use std::io::{self, BufWriter, Write};

/// Letters of an identifier: `!` to `~`.
const LETTERS: u32 = 94;

/// The eight letters of every byte.
pub(super) const BIT_LETTERS: [[u8; 8]; 256] = {
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

pub(super) struct VcdFile {
    out: BufWriter<File>,
    /// The time of the next change, until it has been written.
    pending_time: Option<u64>,
    /// A line under way.
    line: Vec<u8>,
}

impl VcdFile {
    pub(super) fn create(mut out: BufWriter<File>, header: &Header) -> io::Result<Self> {
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
            line: Vec::new(),
        })
    }

    pub(super) fn advance(&mut self, time: u64) {
        self.pending_time = Some(time);
    }

    pub(super) fn change(
        &mut self,
        id: u32,
        signal: &SignalLayout,
        words: Option<&[u64]>,
    ) -> io::Result<()> {
        self.write_time()?;
        self.line.clear();
        match (signal.kind, words) {
            (SignalKind::Real, words) => {
                let number = words.map_or(f64::NAN, |words| f64::from_bits(words[0]));
                write_real(&mut self.line, number)?;
            }
            (SignalKind::Event, _) => self.line.push(b'1'),
            (SignalKind::Bits, None) if signal.width_bits == 1 => self.line.push(b'x'),
            (SignalKind::Bits, None) => self.line.extend_from_slice(b"bx "),
            (SignalKind::Bits, Some(words)) if signal.width_bits == 1 => {
                self.line.push(b'0' + (words[0] & 1) as u8);
            }
            (SignalKind::Bits, Some(words)) => write_bits(&mut self.line, words),
        }
        push_identifier(&mut self.line, id);
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    pub(super) fn finish(mut self) -> io::Result<BufWriter<File>> {
        self.write_time()?;
        Ok(self.out)
    }

    fn write_time(&mut self) -> io::Result<()> {
        match self.pending_time.take() {
            Some(time) => writeln!(self.out, "#{time}"),
            None => Ok(()),
        }
    }
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
    push_identifier(&mut identifier, *id);
    write!(out, "$var {kind} {width_bits} ")?;
    out.write_all(&identifier)?;
    writeln!(out, " {name} $end")
}

/// The shortest identifiers first: one letter for the first 94 signals, two for the next 8836.
fn push_identifier(line: &mut Vec<u8>, id: u32) {
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
fn write_bits(line: &mut Vec<u8>, words: &[u64]) {
    line.push(b'b');
    let top = words.iter().rposition(|&word| word != 0).unwrap_or(0);
    let bits = (64 - words[top].leading_zeros()).max(1);
    for bit in (0..bits).rev() {
        line.push(b'0' + (words[top] >> bit & 1) as u8);
    }
    for &word in words[..top].iter().rev() {
        for byte in word.to_be_bytes() {
            line.extend_from_slice(&BIT_LETTERS[usize::from(byte)]);
        }
    }
    line.push(b' ');
}

/// The shortest text that reads back as the same number.
fn write_real(line: &mut Vec<u8>, number: f64) -> io::Result<()> {
    if number.is_nan() {
        line.extend_from_slice(b"rnan ");
        return Ok(());
    }
    write!(line, "r{number:e} ")
}
