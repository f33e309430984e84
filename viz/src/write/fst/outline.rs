//! What stands in an FST file besides value changes: its head, the hierarchy, the widths of signals.
//!
//! ```text
//!   0, 329; instants, counts, timescale, texts        the head, written again when all is known
//!   4, length, bytes; gzip                            the hierarchy, entries one after another:
//!     254 kind name type                              a scope begins
//!     252 0 7 "table count names values" number       what values are called
//!     252 0 7 "" number                               the next signal's values are called so
//!     kind direction name width alias                 a signal, new or known by its number
//!     255                                             a scope ends
//!   3, length, bytes, signals; zlib                   widths by number: 0 for a real
//! ```

use super::chain::put_varint;
use crate::write::header::{Header, Layout, Scope, Signal, SignalKind, VERSION_BYTES_MAX};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use std::collections::BTreeMap;
use std::io::{self, Write};

const HEAD: u8 = 0;
const GEOMETRY: u8 = 3;
/// The hierarchy, in gzip's wrapping.
const HIERARCHY: u8 = 4;

/// Length of the head, without the byte that says so.
const HEAD_BYTES: u64 = 329;
const DATE_BYTES: usize = 119;
/// Written by a simulator of Verilog: what readers treat least specially.
const VERILOG: u8 = 0;

const SCOPE: u8 = 254;
const SCOPE_END: u8 = 255;
const ATTRIBUTE: u8 = 252;
/// A scope that is a module.
const MODULE: u8 = 0;
const MISCELLANEOUS: u8 = 0;
const ENUM_TABLE: u8 = 7;
/// Bytes of an attribute's text that readers make room for.
const TABLE_BYTES_MAX: usize = 65_536;
const EVENT: u8 = 0;
const REAL: u8 = 3;
const WIRE: u8 = 16;
const REAL_BYTES: u64 = 8;

/// What the head says.
pub(super) struct Head {
    scopes: u64,
    variables: u64,
    signals: u64,
    exponent: i8,
    version: String,
    /// Blocks of value changes.
    pub(super) blocks: u64,
    /// The first instant and the last.
    pub(super) instants: (u64, u64),
}

impl Head {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![HEAD];
        let (first, last) = self.instants;
        for number in [HEAD_BYTES, first, last] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        // Readers learn the order of a real's bytes from this one.
        bytes.extend_from_slice(&std::f64::consts::E.to_le_bytes());
        let memory_used = 0;
        let counts = [self.scopes, self.variables, self.signals, self.blocks];
        for number in [memory_used].into_iter().chain(counts) {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.exponent.to_be_bytes());
        put_text(&mut bytes, &self.version, VERSION_BYTES_MAX);
        put_text(&mut bytes, "", DATE_BYTES);
        bytes.push(VERILOG);
        let zero_at = 0u64;
        bytes.extend_from_slice(&zero_at.to_be_bytes());
        assert_eq!(bytes.len() as u64, 1 + HEAD_BYTES);
        bytes
    }
}

/// A text and zeros, so many bytes in all.
fn put_text(bytes: &mut Vec<u8>, text: &str, count: usize) {
    let end = bytes.len() + count;
    bytes.extend_from_slice(text.as_bytes());
    assert!(bytes.len() < end, "texts are cut to what there is room for");
    bytes.resize(end, 0);
}

/// Writes all that stands before the first block. Returns the head, and the signals by their numbers in
/// the file: there they are numbered as they come.
pub(super) fn write_outline(
    out: &mut impl Write,
    header: &Header,
    layout: &Layout,
) -> io::Result<(Head, Vec<u32>)> {
    let mut tree = Tree {
        bytes: Vec::new(),
        scopes: 0,
        variables: 0,
        numbers: vec![None; layout.signals.len()],
        order: Vec::new(),
        tables: BTreeMap::new(),
    };
    header.root.iter().for_each(|scope| tree.scope(scope));
    let head = Head {
        scopes: tree.scopes,
        variables: tree.variables,
        signals: tree.order.len() as u64,
        exponent: header.timescale.exponent(),
        version: kept(&header.version),
        blocks: 0,
        instants: (0, 0),
    };
    out.write_all(&head.bytes())?;
    let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
    zipped.write_all(&tree.bytes)?;
    section(
        out,
        HIERARCHY,
        &[tree.bytes.len() as u64],
        &zipped.finish()?,
    )?;
    let mut widths = Vec::new();
    for &id in &tree.order {
        let signal = &layout.signals[id as usize];
        let is_real = signal.kind == SignalKind::Real;
        put_varint(
            &mut widths,
            if is_real { 0 } else { signal.width_bits.into() },
        );
    }
    let mut zipped = ZlibEncoder::new(Vec::new(), Compression::default());
    zipped.write_all(&widths)?;
    let zipped = zipped.finish()?;
    // As they are if that is not longer: readers tell by the lengths.
    let stored = if zipped.len() < widths.len() {
        &zipped
    } else {
        &widths
    };
    section(out, GEOMETRY, &[widths.len() as u64, head.signals], stored)?;
    Ok((head, tree.order))
}

fn section(out: &mut impl Write, kind: u8, numbers: &[u64], bytes: &[u8]) -> io::Result<()> {
    let length = (8 + 8 * numbers.len() + bytes.len()) as u64;
    out.write_all(&[kind])?;
    for number in [&[length], numbers].concat() {
        out.write_all(&number.to_be_bytes())?;
    }
    out.write_all(bytes)
}

/// The hierarchy as it is written down.
struct Tree {
    bytes: Vec<u8>,
    scopes: u64,
    variables: u64,
    /// By id: its number in the file, from 1, once it has stood there.
    numbers: Vec<Option<u32>>,
    order: Vec<u32>,
    /// Tables that stand there: width, names, and their number from 1.
    tables: BTreeMap<(u32, Vec<String>), u64>,
}

impl Tree {
    fn scope(&mut self, scope: &Scope) {
        self.scopes += 1;
        self.bytes.extend_from_slice(&[SCOPE, MODULE]);
        self.text(&scope.name);
        self.text("");
        scope.signals.iter().for_each(|signal| self.signal(signal));
        scope.scopes.iter().for_each(|inner| self.scope(inner));
        self.bytes.push(SCOPE_END);
    }

    fn text(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
    }

    fn signal(&mut self, signal: &Signal) {
        self.variables += 1;
        if let Some(values) = &signal.values {
            self.table(&signal.name, signal.width_bits, values);
        }
        let (kind, width) = match signal.kind {
            SignalKind::Bits => (WIRE, signal.width_bits.into()),
            SignalKind::Event => (EVENT, 1),
            SignalKind::Real => (REAL, REAL_BYTES),
        };
        let no_direction = 0;
        self.bytes.extend_from_slice(&[kind, no_direction]);
        self.text(&signal.name);
        put_varint(&mut self.bytes, width);
        let number = &mut self.numbers[signal.id as usize];
        put_varint(&mut self.bytes, number.unwrap_or(0).into());
        if number.is_none() {
            self.order.push(signal.id);
            *number = Some(self.order.len() as u32);
        }
    }

    /// Says what the values of the next signal are called. A table that readers have no room for is left
    /// out: then the values are numbers.
    fn table(&mut self, name: &str, width_bits: u32, values: &[String]) {
        let fitting = 1usize.checked_shl(width_bits).unwrap_or(usize::MAX);
        let values = &values[..values.len().min(fitting)];
        let key = (width_bits, values.to_vec());
        let number = match self.tables.get(&key) {
            Some(&number) => number,
            None => {
                let mut text = format!("{} {}", escaped(name), values.len());
                for value in values {
                    text.push(' ');
                    text.push_str(&escaped(value));
                }
                for value in 0..values.len() {
                    text.push_str(&format!(" {value:0width$b}", width = width_bits as usize));
                }
                if values.is_empty() || text.len() >= TABLE_BYTES_MAX {
                    return;
                }
                let number = self.tables.len() as u64 + 1;
                self.attribute(&text, number);
                self.tables.insert(key, number);
                number
            }
        };
        self.attribute("", number);
    }

    fn attribute(&mut self, text: &str, number: u64) {
        self.bytes
            .extend_from_slice(&[ATTRIBUTE, MISCELLANEOUS, ENUM_TABLE]);
        self.text(text);
        put_varint(&mut self.bytes, number);
    }
}

/// As texts of a table stand there: in letters of ASCII, the others by their bytes.
fn escaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'\\' => plain.push_str("\\\\"),
            b'!'..=b'~' => plain.push(byte.into()),
            other => plain.push_str(&format!("\\{other:03o}")),
        }
    }
    plain
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
