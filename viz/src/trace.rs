//! Traces read: the signals of a file of any simulator, and what happened to them.
//!
//! The crate `wellen` reads FST, VCD and GHW; here names are made one text each, files are looked over
//! before (a block that ends behind the end of its file is named), and whatever the reader stumbles over
//! becomes an error: it is written for files that are whole and panics at some that are not.

mod error;
mod quiet;
mod blocks;
mod value;

pub use error::ReadError;
pub use value::{Changes, Radix, Value};

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use wellen::simple::Waveform;
use wellen::{FileFormat, LoadOptions, SignalEncoding, SignalRef, SignalValueRef, VarType};

/// What the values of a signal are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// So many bits.
    Bits(u32),
    /// A floating-point number.
    Real,
    /// Text.
    Text,
    /// It happens and has no value.
    Event,
}

/// A signal of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalInfo {
    /// Its scopes and itself, joined by dots; without the range of its bits.
    pub name: String,
    /// Bytes of `name` before its last part.
    pub scope_length: usize,
    /// Its range of bits as the file has it, `[7:0]`, or nothing.
    pub range: String,
    /// What its values are.
    pub kind: ValueKind,
    /// Names of values, by the text of their bits, where the file has them.
    pub value_names: Vec<(String, String)>,
    id: SignalRef,
}

impl SignalInfo {
    /// The scopes, joined by dots; empty if there is none.
    #[must_use]
    pub fn scope(&self) -> &str {
        self.name[..self.scope_length].trim_end_matches('.')
    }

    /// The last part of its name, with its range of bits.
    #[must_use]
    pub fn leaf(&self) -> String {
        format!("{}{}", &self.name[self.scope_length..], self.range)
    }

    /// The whole name, with its range of bits.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}{}", self.name, self.range)
    }
}

/// An open trace.
pub struct Trace {
    path: PathBuf,
    wave: Waveform,
    signals: Vec<SignalInfo>,
    exponent: Option<i8>,
    warning: Option<String>,
    is_fst: bool,
}

impl Trace {
    /// Opens a file and reads its signals.
    ///
    /// # Errors
    /// The file cannot be read, is no trace, or is cut off or broken, with what is known of where.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let warning = look_over(path)?;
        let options = LoadOptions {
            multi_thread: false,
            ..LoadOptions::default()
        };
        let wave = quiet::quietly(|| wellen::simple::read_with_options(path, &options));
        let wave = match wave {
            Ok(Ok(wave)) => wave,
            Ok(Err(error)) => return Err(ReadError::broken(path, &error.to_string())),
            Err(reason) => return Err(ReadError::broken(path, &reason)),
        };
        let times = wave.time_table();
        if let Some(pair) = times.windows(2).find(|pair| pair[0] >= pair[1]) {
            let reason = format!("time goes from {} to {}", pair[0], pair[1]);
            return Err(ReadError::broken(path, &reason));
        }
        let exponent = wave.hierarchy().timescale().and_then(|scale| {
            let zeros = scale.factor.checked_ilog10()?;
            Some(scale.unit.to_exponent()? + i8::try_from(zeros).ok()?)
        });
        let is_fst = wave.hierarchy().file_format() == FileFormat::Fst;
        let signals =
            quiet::quietly(|| signals(&wave)).map_err(|reason| ReadError::broken(path, &reason))?;
        Ok(Self {
            path: path.to_owned(),
            wave,
            signals,
            exponent,
            warning,
            is_fst,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All signals, in the order of the file.
    #[must_use]
    pub fn signals(&self) -> &[SignalInfo] {
        &self.signals
    }

    /// The power of ten that a step of time is of a second, where the file says.
    #[must_use]
    pub fn exponent(&self) -> Option<i8> {
        self.exponent
    }

    /// The first and the last time; nothing happened if there is none.
    #[must_use]
    pub fn extent(&self) -> Option<(u64, u64)> {
        let times = self.wave.time_table();
        Some((*times.first()?, *times.last()?))
    }

    /// What is probably wrong with the file, although it can be read.
    #[must_use]
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// What happened to a signal from a time to another, both included.
    ///
    /// # Errors
    /// The file is broken where it is about this signal.
    pub fn changes(&mut self, signal: usize, from: u64, to: u64) -> Result<Changes, ReadError> {
        let id = self.signals[signal].id;
        let is_event = self.signals[signal].kind == ValueKind::Event;
        let (wave, is_fst) = (&mut self.wave, self.is_fst);
        let read = quiet::quietly(|| {
            wave.load_signals(&[id]);
            let times = wave.time_table();
            let mut changes = Changes::default();
            let Some(found) = wave.get_signal(id) else {
                return changes;
            };
            // FST gives every signal a value at its start, so an event there may be none.
            let skipped = usize::from(is_fst && is_event && found.get_first_time_idx() == Some(0));
            for (index, value) in found.iter_changes().skip(skipped) {
                let time = times[index as usize];
                if time > to {
                    break;
                }
                changes.add(time, from, &value);
            }
            wave.unload_signals(&[id]);
            changes
        });
        read.map_err(|reason| {
            let name = self.signals[signal].full_name();
            ReadError::broken(&self.path, &format!("`{name}` cannot be read: {reason}"))
        })
    }
}

impl Changes {
    fn add(&mut self, time: u64, from: u64, value: &SignalValueRef<'_>) {
        let value = Value::of(value);
        let is_event = value == Value::Event;
        if time < from {
            self.before = (!is_event).then_some(value);
            return;
        }
        let last = self.list.last();
        if last.is_some_and(|last| last.0 == time) {
            self.list.pop();
        }
        let last = self
            .list
            .last()
            .map(|last| &last.1)
            .or(self.before.as_ref());
        if is_event || last != Some(&value) {
            self.list.push((time, value));
        }
    }
}

/// Finds what a reader would not say, or say badly: no file, an empty one, one cut off.
fn look_over(path: &Path) -> Result<Option<String>, ReadError> {
    let unreadable = |error| ReadError::File {
        path: path.to_owned(),
        error,
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let data = file.metadata().map_err(unreadable)?;
    if data.is_dir() {
        return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
    }
    if data.len() == 0 {
        return Err(ReadError::Empty {
            path: path.to_owned(),
        });
    }
    let mut start = Vec::new();
    Read::by_ref(&mut file)
        .take(512)
        .read_to_end(&mut start)
        .map_err(unreadable)?;
    let text = start.trim_ascii_start();
    if text.starts_with(b"$") {
        return blocks::check_vcd(&mut file, data.len())
            .map_err(unreadable)?
            .map_err(|reason| ReadError::broken(path, &reason));
    }
    let is_ghw = start.starts_with(b"GHDLwave");
    if is_ghw {
        return Ok(None);
    }
    if start[0] == 0 || start[0] == 254 || start[0] == 255 {
        return blocks::check_fst(&mut file, data.len())
            .map_err(unreadable)?
            .map_err(|reason| ReadError::broken(path, &reason))
            .map(|()| None);
    }
    Err(ReadError::NotATrace {
        path: path.to_owned(),
    })
}

/// Every variable with its name; one that stands twice under one name is one.
fn signals(wave: &Waveform) -> Vec<SignalInfo> {
    let hierarchy = wave.hierarchy();
    let mut signals: Vec<SignalInfo> = Vec::new();
    // Scopes to visit, last first, with the name of what they stand in.
    let mut pending: Vec<(wellen::ScopeRef, String)> = Vec::new();
    for var in hierarchy.vars() {
        signals.push(signal(hierarchy, var, ""));
    }
    let mut tops: Vec<wellen::ScopeRef> = hierarchy.scopes().collect();
    tops.reverse();
    pending.extend(tops.into_iter().map(|scope| (scope, String::new())));
    while let Some((scope, outer)) = pending.pop() {
        let scope = &hierarchy[scope];
        let name = joined(&outer, scope.name(hierarchy));
        signals.extend(
            scope
                .vars(hierarchy)
                .map(|var| signal(hierarchy, var, &name)),
        );
        let mut inner: Vec<wellen::ScopeRef> = scope.scopes(hierarchy).collect();
        inner.reverse();
        pending.extend(inner.into_iter().map(|scope| (scope, name.clone())));
    }
    let mut seen = std::collections::BTreeSet::new();
    signals.retain(|signal| seen.insert((signal.full_name(), signal.id.index())));
    signals
}

fn signal(hierarchy: &wellen::Hierarchy, var: wellen::VarRef, scope: &str) -> SignalInfo {
    let var = &hierarchy[var];
    let name = joined(scope, var.name(hierarchy));
    let range = match var.index() {
        Some(index) if index.msb() == index.lsb() => format!("[{}]", index.msb()),
        Some(index) => format!("[{}:{}]", index.msb(), index.lsb()),
        None => String::new(),
    };
    let kind = match (var.var_type(), var.signal_encoding(hierarchy)) {
        (VarType::Event, _) | (_, SignalEncoding::BitVector(0)) => ValueKind::Event,
        (_, SignalEncoding::BitVector(width)) => ValueKind::Bits(width),
        (_, SignalEncoding::Real) => ValueKind::Real,
        (_, SignalEncoding::String) => ValueKind::Text,
    };
    let names = var.enum_type(hierarchy).map(|(_, names)| names);
    let names = names.into_iter().flatten();
    SignalInfo {
        scope_length: leaf_start(&name, scope),
        name,
        range,
        kind,
        value_names: names
            .map(|(bits, name)| (bits.to_owned(), name.to_owned()))
            .collect(),
        id: var.signal_ref(),
    }
}

/// Where the part of a name begins that is shown below the heading of its scope. The elements of an
/// array, `fifo[3]`, are shown whole.
fn leaf_start(name: &str, scope: &str) -> usize {
    let after_scope = (scope.len() + usize::from(!scope.is_empty())).min(name.len());
    if name[scope.len()..].starts_with('[') {
        scope.rfind('.').map_or(0, |dot| dot + 1)
    } else {
        after_scope
    }
}

/// Indices belong to the name before them, as in `tile[3]`; a scope without a name adds nothing.
fn joined(outer: &str, name: &str) -> String {
    // Verilog marks a name with odd letters by a backslash, which is not part of it.
    let name = name.trim_end();
    let name = name.strip_prefix('\\').unwrap_or(name);
    match (outer, name) {
        ("", _) => name.to_owned(),
        (_, "") => outer.to_owned(),
        _ if name.starts_with('[') => format!("{outer}{name}"),
        _ => format!("{outer}.{name}"),
    }
}
