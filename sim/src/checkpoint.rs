//! Checkpoints: files that hold the whole state of a machine and what it was made of.
//!
//! ```text
//!   0   "TINA-CKP"
//!   8   format, 32 bits, low end first
//!   12  bytes of the body, 64 bits
//!   20  BLAKE3 of everything else, 32 bytes
//!   52  body: origin, build, cycle, state, in the format of postcard
//! ```
//!
//! A file is written under another name and renamed when all of it is on the disk, so whatever has the
//! name of a checkpoint is whole; a file that is not, or is of another machine, is refused with the
//! reason. Knows nothing of how runs go on.

use crate::origin::{Origin, OriginDifference};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use tina_engine::Snapshot;

/// The format that is written, and the only one that is read.
pub const FORMAT: u32 = 3;

const MAGIC: &[u8; 8] = b"TINA-CKP";
const HEADER_BYTES: usize = 52;
/// Where the hash stands.
const HASH_AT: usize = 20;

/// Name of a checkpoint's file: `cycle-<sixteen digits>.checkpoint`.
const PREFIX: &str = "cycle-";
const SUFFIX: &str = ".checkpoint";
/// Behind the name of one that is being written.
const UNFINISHED: &str = ".unfinished";

/// The whole state of a machine, and what the machine was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// What the machine was made of.
    pub origin: Origin,
    /// The program that made it: [`this_build`] of then.
    pub build: String,
    /// Base-clock cycles that had been run.
    pub cycle: u64,
    /// Its state.
    pub snapshot: Arc<Snapshot>,
}

/// Why a file is no checkpoint to go on from.
#[derive(Debug)]
pub enum CheckpointError {
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is something else.
    Other,
    /// It was written by a program that is newer than this one.
    Newer {
        /// Its format.
        format: u32,
    },
    /// Of a format that never was.
    Unknown {
        /// Its format.
        format: u32,
    },
    /// Something is missing at its end, or stands behind it.
    Length {
        /// Bytes it has.
        bytes: u64,
        /// Bytes it should have.
        expected: u64,
    },
    /// It is not what was written.
    Corrupt,
    /// It holds what no program of this version writes.
    Malformed(String),
    /// It is of another machine.
    Foreign(OriginDifference),
    /// Another program made it.
    OtherBuild {
        /// Of which version.
        version: String,
    },
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
            Self::Other => f.write_str("is no checkpoint"),
            Self::Newer { format } => write!(
                f,
                "is of format {format}, of a newer tina-hw; this one reads format {FORMAT}"
            ),
            Self::Unknown { format } => {
                write!(
                    f,
                    "is of format {format}; this tina-hw reads format {FORMAT}"
                )
            }
            Self::Length { bytes, expected } if bytes < expected => {
                write!(f, "is truncated: {bytes} of {expected} bytes are there")
            }
            Self::Length { bytes, expected } => write!(
                f,
                "is corrupt: it has {bytes} bytes, {} more than were written",
                bytes - expected
            ),
            Self::Corrupt => f.write_str("is corrupt: its checksum does not fit its contents"),
            Self::Malformed(what) => write!(f, "is malformed: {what}"),
            Self::Foreign(difference) => write!(f, "is of another machine: {difference}"),
            Self::OtherBuild { version } => write!(
                f,
                "was made by another build of version {version}, whose modules may do other things; \
                 --any-build goes on with it all the same"
            ),
        }
    }
}

impl std::error::Error for CheckpointError {}

#[derive(Serialize)]
struct BodyRef<'a> {
    origin: &'a Origin,
    build: &'a str,
    cycle: u64,
    snapshot: &'a Snapshot,
}

#[derive(Deserialize)]
struct Body {
    origin: Origin,
    build: String,
    cycle: u64,
    snapshot: Snapshot,
}

impl Checkpoint {
    /// The bytes of its file.
    ///
    /// # Panics
    /// When memory is exhausted.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        let body = BodyRef {
            origin: &self.origin,
            build: &self.build,
            cycle: self.cycle,
            snapshot: &self.snapshot,
        };
        let mut bytes = postcard::to_extend(&body, bytes).expect("a vector takes everything");
        let body_bytes = (bytes.len() - HEADER_BYTES) as u64;
        bytes[12..HASH_AT].copy_from_slice(&body_bytes.to_le_bytes());
        let hash = hash(&bytes);
        bytes[HASH_AT..HEADER_BYTES].copy_from_slice(hash.as_bytes());
        bytes
    }

    /// Reads what [`encode`](Self::encode) made.
    ///
    /// # Errors
    /// When the bytes are anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let shared = bytes.len().min(MAGIC.len());
        if bytes[..shared] != MAGIC[..shared] {
            return Err(CheckpointError::Other);
        }
        let length = |expected: u64| CheckpointError::Length {
            bytes: bytes.len() as u64,
            expected,
        };
        let (Some((_, [a, b, c, d])), Some(body_bytes)) = (
            bytes.get(..12).and_then(|start| start.split_last_chunk()),
            bytes.get(12..HASH_AT).and_then(|field| field.first_chunk()),
        ) else {
            return Err(length(HEADER_BYTES as u64));
        };
        let format = u32::from_le_bytes([*a, *b, *c, *d]);
        if format > FORMAT {
            return Err(CheckpointError::Newer { format });
        }
        if format != FORMAT {
            return Err(CheckpointError::Unknown { format });
        }
        let expected = u64::from_le_bytes(*body_bytes).saturating_add(HEADER_BYTES as u64);
        if bytes.len() as u64 != expected {
            return Err(length(expected));
        }
        if bytes[HASH_AT..HEADER_BYTES] != *hash(bytes).as_bytes() {
            return Err(CheckpointError::Corrupt);
        }
        match postcard::take_from_bytes::<Body>(&bytes[HEADER_BYTES..]) {
            Ok((body, [])) => Ok(Self {
                origin: body.origin,
                build: body.build,
                cycle: body.cycle,
                snapshot: Arc::new(body.snapshot),
            }),
            Ok((_, rest)) => Err(CheckpointError::Malformed(format!(
                "{} bytes stand behind its state",
                rest.len()
            ))),
            Err(error) => Err(CheckpointError::Malformed(error.to_string())),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is no whole checkpoint of this version.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let bytes = fs::read(path).map_err(CheckpointError::Unreadable)?;
        Self::decode(&bytes)
    }

    /// Whether it is of the machine with this origin.
    ///
    /// # Errors
    /// When it is of another.
    pub fn check(&self, origin: &Origin) -> Result<(), CheckpointError> {
        let difference = self.origin.difference(origin);
        difference.map_or(Ok(()), |it| Err(CheckpointError::Foreign(it)))
    }

    /// Whether this program made it.
    ///
    /// # Errors
    /// When another did, be it of the same version.
    pub fn check_build(&self) -> Result<(), CheckpointError> {
        if self.build == this_build() {
            return Ok(());
        }
        Err(CheckpointError::OtherBuild {
            version: self.origin.version.clone(),
        })
    }

    /// Writes it into a folder, so that it is there as a whole or not at all; its path.
    ///
    /// # Errors
    /// When the host refuses; what was written before is still there then.
    pub fn write(&self, folder: &Path) -> io::Result<PathBuf> {
        let name = format!("{PREFIX}{:016}{SUFFIX}", self.cycle);
        let path = folder.join(&name);
        let unfinished = folder.join(name + UNFINISHED);
        let written = write_durably(&unfinished, &self.encode())
            .and_then(|()| fs::rename(&unfinished, &path))
            .and_then(|()| File::open(folder)?.sync_all());
        if written.is_err() {
            // What cannot be removed is overwritten or removed by the next run.
            let _ = fs::remove_file(&unfinished);
        }
        written.map(|()| path)
    }
}

fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The hash of a file but for the hash in it.
fn hash(bytes: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[..HASH_AT]);
    hasher.update(&bytes[HEADER_BYTES..]);
    hasher.finalize()
}

/// BLAKE3 of the program that is running, in hexadecimal: what its modules do and keep may differ between any
/// two builds, of one version, too. Of a program that cannot be read it is nothing anybody else has.
#[must_use]
pub fn this_build() -> &'static str {
    static BUILD: OnceLock<String> = OnceLock::new();
    BUILD.get_or_init(|| {
        let program = std::env::current_exe().and_then(fs::read);
        program.map_or_else(
            |error| format!("{error}, process {}", std::process::id()),
            |bytes| blake3::hash(&bytes).to_hex().to_string(),
        )
    })
}

/// The latest checkpoint of a folder that is whole, of the machine of this origin, made by this program and not
/// later than cycle `end`.
#[must_use]
pub fn nearest(folder: &Path, origin: &Origin, end: u64) -> Option<Checkpoint> {
    let saved = list(folder).ok()?;
    let early = saved.into_iter().filter(|(cycle, _)| *cycle <= end);
    let mut whole = early.filter_map(|(_, path)| Checkpoint::read(&path).ok());
    whole.find(|it| it.check(origin).is_ok() && it.check_build().is_ok())
}

/// Removes all but the `count` latest checkpoints of the machine of this origin up to cycle `end`; whatever
/// else lies there stays.
///
/// # Errors
/// When one cannot be removed.
pub fn remove_older(folder: &Path, origin: &Origin, end: u64, count: usize) -> io::Result<()> {
    let saved = list(folder)?;
    let early = saved.into_iter().filter(|(cycle, _)| *cycle <= end);
    let is_ours = |path: &Path| {
        let checkpoint = Checkpoint::read(path);
        checkpoint.is_ok_and(|checkpoint| checkpoint.check(origin).is_ok())
    };
    // What is no checkpoint does not count as one that stays.
    let ours = early.filter(|(_, path)| is_ours(path));
    for (_, path) in ours.skip(count) {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Makes a folder for checkpoints, and removes what a run that was killed left unfinished in it.
///
/// # Errors
/// When the host refuses.
pub fn prepare(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_unfinished = name
            .to_str()
            .and_then(|name| name.strip_suffix(UNFINISHED))
            .is_some_and(|name| cycle_of(name).is_some());
        if is_unfinished {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The files of a folder that have the name of a checkpoint, with their cycles, the latest first.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(cycle) = entry.file_name().to_str().and_then(cycle_of) {
            found.push((cycle, entry.path()));
        }
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    Ok(found)
}

/// The cycle in the name of a checkpoint's file.
fn cycle_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().ok())?
}
