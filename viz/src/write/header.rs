//! What a trace is of: its time, its scopes and signals; checked, and laid out for the writer.

use super::error::WriteError;
use crate::time::Timescale;

/// The longest name of a scope or signal, in bytes: what FST readers make room for.
pub const NAME_BYTES_MAX: usize = 512;

/// Scopes within scopes.
pub const SCOPE_DEPTH_MAX: usize = 100;

/// The widest signal, in bits.
pub const WIDTH_BITS_MAX: u32 = 65_536;

/// Bytes of the version that every format keeps.
pub(super) const VERSION_BYTES_MAX: usize = 128;

/// What stands at the head of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// What one step of time stands for.
    pub timescale: Timescale,
    /// The program that writes it and its version; one line, at most 127 bytes are kept.
    pub version: String,
    /// Anything; kept by VCD.
    pub comment: String,
    /// The outermost scopes.
    pub root: Vec<Scope>,
}

/// A box of the hierarchy, such as an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Its name: not empty, no blanks, at most [`NAME_BYTES_MAX`].
    pub name: String,
    /// Scopes in it.
    pub scopes: Vec<Scope>,
    /// Signals in it.
    pub signals: Vec<Signal>,
}

/// What has a value that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// How the writer is told of it; the ids of a header are 0, 1, 2 and so on, in any order. A number
    /// that stands twice is one signal under two names, of one width and kind.
    pub id: u32,
    /// Its name: not empty, no blanks, at most [`NAME_BYTES_MAX`].
    pub name: String,
    /// Width in bits, 1 to [`WIDTH_BITS_MAX`]; 64 if it is real, 1 if it is an event.
    pub width_bits: u32,
    /// What its values are.
    pub kind: SignalKind,
    /// Names of the values 0, 1, 2 and so on: a table in FST, a comment in VCD.
    pub values: Option<Vec<String>>,
}

/// What the values of a signal are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalKind {
    /// Bits.
    Bits,
    /// Something that happens and has no value.
    Event,
    /// A floating-point number.
    Real,
}

/// The signals by their ids.
pub(super) struct Layout {
    pub(super) signals: Vec<SignalLayout>,
}

pub(super) struct SignalLayout {
    pub(super) kind: SignalKind,
    pub(super) width_bits: u32,
}

impl Layout {
    /// Checks a header.
    pub(super) fn of(header: &Header) -> Result<Self, WriteError> {
        let mut found: Vec<(u32, u32, SignalKind)> = Vec::new();
        let mut path = String::new();
        for scope in &header.root {
            check_scope(scope, &mut path, 1, &mut found)?;
        }
        found.sort_by_key(|&(id, ..)| id);
        let mut layout = Self {
            signals: Vec::new(),
        };
        for (id, width_bits, kind) in found {
            layout.add(id, width_bits, kind)?;
        }
        Ok(layout)
    }

    fn add(&mut self, id: u32, width_bits: u32, kind: SignalKind) -> Result<(), WriteError> {
        let next = self.signals.len() as u64;
        let wrong = |reason| WriteError::Header {
            name: format!("signal {id}"),
            reason,
        };
        if u64::from(id) > next {
            return Err(wrong(format!(
                "there is none of number {next}, and numbers are without gaps"
            )));
        }
        if u64::from(id) < next {
            let first = &self.signals[id as usize];
            if (first.width_bits, first.kind) != (width_bits, kind) {
                return Err(wrong(
                    "it stands there twice, with different widths or kinds".to_owned(),
                ));
            }
            return Ok(());
        }
        self.signals.push(SignalLayout { kind, width_bits });
        Ok(())
    }
}

fn check_scope(
    scope: &Scope,
    path: &mut String,
    depth: usize,
    found: &mut Vec<(u32, u32, SignalKind)>,
) -> Result<(), WriteError> {
    let length = path.len();
    enter(path, &scope.name)?;
    if depth > SCOPE_DEPTH_MAX {
        return Err(wrong(
            path,
            format!("it stands in {SCOPE_DEPTH_MAX} scopes, and that is the limit"),
        ));
    }
    for signal in &scope.signals {
        let length = path.len();
        enter(path, &signal.name)?;
        let expected = match signal.kind {
            SignalKind::Bits => 1..=WIDTH_BITS_MAX,
            SignalKind::Event => 1..=1,
            SignalKind::Real => 64..=64,
        };
        if !expected.contains(&signal.width_bits) {
            let reason = format!(
                "it is {} bits wide, expected {} to {}",
                signal.width_bits,
                expected.start(),
                expected.end()
            );
            return Err(wrong(path, reason));
        }
        for value in signal.values.iter().flatten() {
            check_name(path, value)?;
        }
        found.push((signal.id, signal.width_bits, signal.kind));
        path.truncate(length);
    }
    for inner in &scope.scopes {
        check_scope(inner, path, depth + 1, found)?;
    }
    path.truncate(length);
    Ok(())
}

fn enter(path: &mut String, name: &str) -> Result<(), WriteError> {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
    check_name(path, name)
}

/// What every format can carry as a name.
fn check_name(path: &str, name: &str) -> Result<(), WriteError> {
    if name.is_empty() {
        return Err(wrong(path, "a name in it is empty".to_owned()));
    }
    if let Some(letter) = name
        .chars()
        .find(|letter| letter.is_whitespace() || letter.is_control())
    {
        return Err(wrong(path, format!("there is a {letter:?} in a name")));
    }
    if name == "$end" {
        return Err(wrong(path, "`$end` ends a declaration".to_owned()));
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(wrong(
            path,
            format!(
                "a name is {} bytes long, limit {NAME_BYTES_MAX}",
                name.len()
            ),
        ));
    }
    Ok(())
}

fn wrong(name: &str, reason: String) -> WriteError {
    WriteError::Header {
        name: name.to_owned(),
        reason,
    }
}
