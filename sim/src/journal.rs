//! Journals: files that hold what came into a run from outside, and when, so that it can be had again.
//!
//! ```text
//!   0   "TINA-JRN"
//!   8   format, 32 bits, low end first
//!   12  bytes of the head, 32 bits
//!   16  head: origin, build, base, in the format of postcard
//!   ..  records: bytes of the entry, 32 bits; entry (postcard): input, or how the run ended; BLAKE3 of the
//!       record before it and of the entry, 16 bytes
//! ```
//!
//! Each record is sealed with all before it: what is changed, left out or put in is found out, and where. A
//! journal is written while its run goes on, so that of a run that was killed all but the last moments is
//! there; it is *whole* if it says how the run ended. Knows nothing of how runs go on.

mod writer;

pub use writer::JournalFile;

use crate::origin::{Origin, OriginDifference};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use tina_engine::{INLET_BYTES_MAX, InputMark, Machine};

/// The format that is written, and the only one that is read.
pub const FORMAT: u32 = 1;

const MAGIC: &[u8; 8] = b"TINA-JRN";
const PREFACE_BYTES: usize = 16;
/// Of the hash of a record.
const SEAL_BYTES: usize = 16;
/// The most bytes of an entry: those of an inlet, and what says when and where.
const ENTRY_BYTES_MAX: usize = INLET_BYTES_MAX + 64;
/// The most bytes of a head: paths of netlists, parameters.
const HEAD_BYTES_MAX: usize = 16 << 20;

/// Hash of everything up to here.
type Seal = [u8; SEAL_BYTES];

/// What came in at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The base-clock cycle at whose edge it could be seen first.
    pub cycle: u64,
    /// Number of the instance.
    pub instance: u32,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Base-clock cycles run.
    pub cycle: u64,
    /// Digest of every transfer.
    pub digest: u64,
    /// Whether it could have gone on.
    pub interrupted: bool,
}

/// Where a journal begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Base-clock cycles that had been run.
    pub cycle: u64,
    /// What had come in by then.
    pub mark: InputMark,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    origin: Origin,
    build: String,
    base: Base,
}

#[derive(Serialize, Deserialize)]
enum Entry {
    Input(Input),
    End(End),
}

/// What came into a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// What the machine was made of.
    pub origin: Origin,
    /// The program that ran it: [`this_build`](crate::checkpoint::this_build) of then.
    pub build: String,
    /// Where it begins.
    pub base: Base,
    /// What came, in the order of cycles.
    pub inputs: Vec<Input>,
    /// How the run ended; nothing if it did not say so before it was killed.
    pub end: Option<End>,
    /// Bytes of the file up to the last whole record, or to the end.
    whole_bytes: u64,
}

/// Why a file is no journal to go by.
#[derive(Debug)]
pub enum JournalError {
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is something else.
    Other,
    /// Of a format that this program does not read.
    Format(u32),
    /// It ends within its head.
    NoHead,
    /// What stands at this byte is not what was written there.
    Corrupt {
        /// Where the record begins.
        at: u64,
    },
    /// Inputs at this byte are not in order.
    Malformed {
        /// Where the record begins.
        at: u64,
    },
    /// It does not say how its run ended.
    Truncated {
        /// Bytes up to the end of the last whole record.
        bytes: u64,
        /// What came in by then.
        inputs: usize,
    },
    /// It is of another machine.
    Foreign(OriginDifference),
    /// Another program made it.
    OtherBuild {
        /// Of which version.
        version: String,
    },
    /// It begins later than the run.
    Late {
        /// Where it begins.
        base: u64,
        /// Where the run begins.
        start: u64,
    },
    /// What it holds up to where the run begins is not what came into that run.
    OtherRun {
        /// Where the run begins.
        start: u64,
    },
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
            Self::Other => f.write_str("is no journal"),
            Self::Format(format) => write!(
                f,
                "is of format {format}; this tina-hw reads format {FORMAT}"
            ),
            Self::NoHead => f.write_str("is truncated: it ends within its head"),
            Self::Corrupt { at } => write!(
                f,
                "is corrupt: what stands at byte {at} is not what was written there"
            ),
            Self::Malformed { at } => {
                write!(f, "is malformed: the record at byte {at} is out of order")
            }
            Self::Truncated { bytes, inputs } => write!(
                f,
                "is truncated: it has {inputs} whole inputs in {bytes} bytes and does not say how its run \
                 ended; --journal-partial goes by what is there"
            ),
            Self::Foreign(difference) => write!(f, "is of another machine: {difference}"),
            Self::OtherBuild { version } => write!(
                f,
                "was made by another build of version {version}, whose modules may do other things; \
                 --any-build goes by it all the same"
            ),
            Self::Late { base, start } => write!(
                f,
                "begins at cycle {base}, and the run at cycle {start}: go on from a checkpoint with --resume"
            ),
            Self::OtherRun { start } => write!(
                f,
                "is of another run: what had come in by cycle {start} is not what the checkpoint says"
            ),
        }
    }
}

impl std::error::Error for JournalError {}

/// The hash of a record.
fn seal(before: &[u8], entry: &[u8]) -> Seal {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before).update(entry);
    let mut seal = Seal::default();
    hasher.finalize_xof().fill(&mut seal);
    seal
}

/// Four bytes at this place, the low end first.
fn word_at(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*word))
}

impl Journal {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is no journal, or not what was written. One that is only truncated can be read.
    pub fn read(path: &Path) -> Result<Self, JournalError> {
        let bytes = fs::read(path).map_err(JournalError::Unreadable)?;
        Self::decode(&bytes)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn decode(bytes: &[u8]) -> Result<Self, JournalError> {
        let shared = bytes.len().min(MAGIC.len());
        if bytes[..shared] != MAGIC[..shared] {
            return Err(JournalError::Other);
        }
        let format = word_at(bytes, 8).ok_or(JournalError::NoHead)?;
        if format != FORMAT {
            return Err(JournalError::Format(format));
        }
        let corrupt = |at: usize| JournalError::Corrupt { at: at as u64 };
        let head_bytes = word_at(bytes, 12).ok_or(JournalError::NoHead)? as usize;
        if head_bytes > HEAD_BYTES_MAX {
            return Err(corrupt(12));
        }
        let head_end = PREFACE_BYTES + head_bytes;
        let (entry, after) = bytes
            .get(PREFACE_BYTES..head_end)
            .zip(bytes.get(head_end..head_end + SEAL_BYTES))
            .ok_or(JournalError::NoHead)?;
        let mut last = seal(&bytes[..PREFACE_BYTES], entry);
        if after != last {
            return Err(corrupt(PREFACE_BYTES));
        }
        let head: Head = whole(entry).ok_or_else(|| corrupt(PREFACE_BYTES))?;
        let mut journal = Self {
            origin: head.origin,
            build: head.build,
            base: head.base,
            inputs: Vec::new(),
            end: None,
            whole_bytes: 0,
        };
        let mut at = head_end + SEAL_BYTES;
        while let Some(length) = word_at(bytes, at) {
            let length = length as usize;
            if length > ENTRY_BYTES_MAX {
                return Err(corrupt(at));
            }
            let entry_end = at + 4 + length;
            let Some(after) = bytes.get(entry_end..entry_end + SEAL_BYTES) else {
                break;
            };
            let entry = &bytes[at + 4..entry_end];
            last = seal(&last, entry);
            if after != last {
                return Err(corrupt(at));
            }
            journal.add(entry, at)?;
            at = entry_end + SEAL_BYTES;
        }
        // What stands behind the end was not written by this program.
        if journal.end.is_some() && at < bytes.len() {
            return Err(corrupt(at));
        }
        journal.whole_bytes = at as u64;
        Ok(journal)
    }

    fn add(&mut self, entry: &[u8], at: usize) -> Result<(), JournalError> {
        let at = at as u64;
        let last = self.inputs.last().map_or((self.base.cycle, 0), key);
        match whole(entry).ok_or(JournalError::Malformed { at })? {
            _ if self.end.is_some() => return Err(JournalError::Malformed { at }),
            Entry::Input(input) if key(&input) < last || input.bytes.is_empty() => {
                return Err(JournalError::Malformed { at });
            }
            Entry::Input(input) => self.inputs.push(input),
            Entry::End(end) => self.end = Some(end),
        }
        Ok(())
    }

    /// Has a machine follow it, from where the machine stands. One of a run that was interrupted interrupts the
    /// machine there, too.
    pub fn follow(&self, machine: &mut Machine) {
        let input = |it: &Input| (it.cycle, it.instance, it.bytes.clone().into_boxed_slice());
        let end = self.end.filter(|end| end.interrupted);
        machine.follow(self.inputs.iter().map(input), end.map(|end| end.cycle));
    }

    /// Whether it says how its run ended.
    ///
    /// # Errors
    /// When it does not.
    pub fn check_whole(&self) -> Result<(), JournalError> {
        if self.end.is_some() {
            return Ok(());
        }
        Err(JournalError::Truncated {
            bytes: self.whole_bytes,
            inputs: self.inputs.len(),
        })
    }

    /// Whether it is of the machine of this origin.
    ///
    /// # Errors
    /// When it is of another.
    pub fn check(&self, origin: &Origin) -> Result<(), JournalError> {
        let difference = self.origin.difference(origin);
        difference.map_or(Ok(()), |it| Err(JournalError::Foreign(it)))
    }

    /// Whether this program made it.
    ///
    /// # Errors
    /// When another did.
    pub fn check_build(&self) -> Result<(), JournalError> {
        if self.build == crate::checkpoint::this_build() {
            return Ok(());
        }
        Err(JournalError::OtherBuild {
            version: self.origin.version.clone(),
        })
    }

    /// Whether what it holds before cycle `start` is what came into the run that stood there with this mark.
    ///
    /// # Errors
    /// When it is not, or begins later.
    pub fn check_start(&self, start: u64, mark: InputMark) -> Result<(), JournalError> {
        if self.base.cycle > start {
            return Err(JournalError::Late {
                base: self.base.cycle,
                start,
            });
        }
        let before = self.inputs.iter().take_while(|input| input.cycle < start);
        let ours = before.fold(self.base.mark, |mark, input| {
            let bytes = input.bytes.iter();
            bytes.fold(mark, |mark, &byte| {
                mark.after(input.cycle, input.instance, byte)
            })
        });
        if ours == mark {
            return Ok(());
        }
        Err(JournalError::OtherRun { start })
    }
}

fn key(input: &Input) -> (u64, u32) {
    (input.cycle, input.instance)
}

/// A value, if all of the bytes are one.
fn whole<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Some(value),
        Ok(_) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests;
