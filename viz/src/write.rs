//! Traces written: a hierarchy of signals, then changes in order of time.
//!
//! ```text
//!   Header ──create──► TraceWriter ──set, set_unknown, advance──► finish ──► FILE
//!                      writes FILE.part                           renames it
//! ```
//! The file of the name asked for appears when it is whole. A writer that is dropped before takes what it
//! wrote away; a process that is killed leaves `FILE.part` behind and whatever stood at FILE before.
//!
//! Signals are unknown until they are set. A value equal to the one before is no change and is not
//! written; an event happens each time it is set. Nothing depends on the date or the host: the same calls
//! give the same bytes.

mod error;
mod header;
mod values;
mod vcd;
mod fst;

pub use crate::time::{TimeUnit, Timescale};
pub use error::WriteError;
pub use header::{
    Header, NAME_BYTES_MAX, SCOPE_DEPTH_MAX, Scope, Signal, SignalKind, WIDTH_BITS_MAX,
};

use fst::FstFile;
use header::Layout;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use values::Values;
use vcd::VcdFile;

/// A format of trace files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Compressed; opened by GTKWave and Surfer. Has no place for a comment.
    Fst,
    /// Text, IEEE 1364; opened by everything.
    Vcd,
}

impl Format {
    /// The format that a file name asks for, by its ending.
    ///
    /// # Errors
    /// The ending is not known; the error names those that are.
    pub fn of_path(path: &Path) -> Result<Self, WriteError> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("fst") => Ok(Self::Fst),
            Some("vcd") => Ok(Self::Vcd),
            _ => Err(WriteError::Ending {
                path: path.to_owned(),
            }),
        }
    }
}

/// Writes one trace.
pub struct TraceWriter {
    path: PathBuf,
    part: Part,
    file: FormatFile,
    values: Values,
    time: u64,
}

enum FormatFile {
    Fst(Box<FstFile>),
    Vcd(VcdFile),
}

impl TraceWriter {
    /// Begins a trace that is to become the file at `path`.
    ///
    /// # Errors
    /// The header is not one (a name is empty, has blanks or is too long, ids are not dense, a width is out
    /// of range), `path` is there and no plain file, or the file cannot be written.
    pub fn create(path: &Path, format: Format, header: &Header) -> Result<Self, WriteError> {
        let layout = Layout::of(header)?;
        if fs::metadata(path).is_ok_and(|data| !data.is_file()) {
            return Err(WriteError::NotAFile {
                path: path.to_owned(),
            });
        }
        let part = Part::beside(path);
        let failed = |error| WriteError::file("create", &part.path, error);
        let out = BufWriter::with_capacity(1 << 16, File::create(&part.path).map_err(failed)?);
        let failed = |error| WriteError::file("write", &part.path, error);
        let values = Values::of(&layout);
        let file = match format {
            Format::Fst => FormatFile::Fst(Box::new(
                FstFile::create(out, header, &layout, &values).map_err(failed)?,
            )),
            Format::Vcd => FormatFile::Vcd(VcdFile::create(out, header, &layout).map_err(failed)?),
        };
        Ok(Self {
            path: path.to_owned(),
            part,
            file,
            values,
            time: 0,
        })
    }

    /// Sets a signal: words from the least significant, of which the bits of its width count. A real
    /// signal is one word, `f64::to_bits`; what an event is set to does not count.
    ///
    /// # Errors
    /// The file cannot be written, for example because the disk is full.
    ///
    /// # Panics
    /// If time runs backwards, if there is no such signal or if there are fewer words than it is wide.
    pub fn set(&mut self, time: u64, id: u32, words: &[u64]) -> Result<(), WriteError> {
        self.advance(time)?;
        if self.values.set(id, words) {
            self.change(id);
        }
        Ok(())
    }

    /// Sets signals of at most 64 bits at the time that was last advanced to: `first` and those whose ids
    /// follow it, one to each word. This is the quick way.
    ///
    /// # Panics
    /// If there are no such signals, or one of them is wider.
    #[inline]
    pub fn put(&mut self, first: u32, words: &[u64]) {
        let first = first as usize;
        let values = &mut self.values.signals[first..][..words.len()];
        match &mut self.file {
            FormatFile::Fst(file) => file.put(first, values, words),
            FormatFile::Vcd(file) => file.put(first, values, words),
        }
    }

    /// Makes a signal unknown: x, and for a real one not-a-number. An event cannot be: nothing happens.
    ///
    /// # Errors
    /// The file cannot be written, for example because the disk is full.
    ///
    /// # Panics
    /// If time runs backwards or if there is no such signal.
    pub fn set_unknown(&mut self, time: u64, id: u32) -> Result<(), WriteError> {
        self.advance(time)?;
        if self.values.set_unknown(id) {
            self.change(id);
        }
        Ok(())
    }

    /// Says that nothing else happens before `time`: the trace lasts at least until then.
    ///
    /// # Errors
    /// The file cannot be written, for example because the disk is full.
    ///
    /// # Panics
    /// If time runs backwards.
    pub fn advance(&mut self, time: u64) -> Result<(), WriteError> {
        self.check_time(time);
        if time == self.time {
            return Ok(());
        }
        self.time = time;
        let advanced = match &mut self.file {
            FormatFile::Fst(file) => file.advance(time, &self.values),
            FormatFile::Vcd(file) => file.advance(time),
        };
        advanced.map_err(|error| WriteError::file("write", &self.part.path, error))
    }

    /// Ends the trace and gives the file its name. Returns its length in bytes.
    ///
    /// # Errors
    /// The rest cannot be written or the file cannot be renamed; what was written is taken away.
    pub fn finish(self) -> Result<u64, WriteError> {
        let Self {
            path,
            part,
            file,
            values,
            ..
        } = self;
        let failed = |error| WriteError::file("write", &part.path, error);
        let out = match file {
            FormatFile::Fst(file) => file.finish(&values),
            FormatFile::Vcd(file) => file.finish(),
        };
        let file = out
            .and_then(|out| out.into_inner().map_err(|error| error.into_error()))
            .map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        drop(file);
        part.rename(&path)?;
        Ok(bytes)
    }

    fn check_time(&self, time: u64) {
        assert!(
            time >= self.time,
            "time {time} comes after time {} was written",
            self.time
        );
    }

    fn change(&mut self, id: u32) {
        match &mut self.file {
            FormatFile::Fst(file) => file.change(id, &self.values),
            FormatFile::Vcd(file) => file.change(id, &self.values),
        }
    }
}

/// A file that goes when it is dropped, unless it has been renamed.
struct Part {
    path: PathBuf,
    is_kept: bool,
}

impl Part {
    fn beside(path: &Path) -> Self {
        let mut name = OsString::from(path);
        name.push(".part");
        Self {
            path: name.into(),
            is_kept: false,
        }
    }

    fn rename(mut self, path: &Path) -> Result<(), WriteError> {
        let renamed = fs::rename(&self.path, path);
        renamed.map_err(|error| WriteError::file("create", path, error))?;
        self.is_kept = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_kept {
            // It may never have come to be; and nothing is left to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}
