//! The digest stream of a run as a file: one record for every epoch.
//!
//! ```text
//!   0   "TINA-DIG"
//!   8   format, 32 bits, low end first; 4 bytes of nothing
//!   16  records: base-clock cycles run, digest; 64 bits each
//! ```
//! Records are added while the run goes on; of a run that was killed, those that are whole count.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use tina_engine::{EpochRecord, Observer};

/// The format that is written, and the only one that is read.
const FORMAT: u32 = 1;
const MAGIC: &[u8; 8] = b"TINA-DIG";
const HEADER_BYTES: usize = 16;

/// Passes everything on and writes the epochs down.
pub struct EpochFile<'a> {
    inner: &'a mut dyn Observer,
    file: BufWriter<File>,
    failure: Option<io::Error>,
}

impl<'a> EpochFile<'a> {
    /// A new file.
    ///
    /// # Errors
    /// When the host refuses it.
    pub fn create(path: &Path, inner: &'a mut dyn Observer) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(MAGIC)?;
        file.write_all(&FORMAT.to_le_bytes())?;
        file.write_all(&[0; 4])?;
        Ok(Self {
            inner,
            file,
            failure: None,
        })
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// When anything could not be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush();
        self.failure.map_or(Ok(()), Err)
    }

    fn flush(&mut self) {
        if let Err(error) = self.file.flush() {
            self.failure.get_or_insert(error);
        }
    }
}

impl Observer for EpochFile<'_> {
    fn console(&mut self, bytes: &[u8]) {
        self.inner.console(bytes);
    }

    fn input(&mut self, cycle: u64, instance: u32, bytes: &[u8]) {
        self.inner.input(cycle, instance, bytes);
    }

    fn epoch(&mut self, record: EpochRecord) {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&record.cycle.to_le_bytes());
        bytes[8..].copy_from_slice(&record.digest.to_le_bytes());
        if self.failure.is_none() {
            self.failure = self.file.write_all(&bytes).err();
        }
        self.inner.epoch(record);
    }

    fn progress(&mut self, cycle: u64) {
        self.flush();
        self.inner.progress(cycle);
    }

    fn interrupted(&mut self) -> bool {
        self.inner.interrupted()
    }

    fn looks(&mut self) -> bool {
        self.inner.looks()
    }
}

/// The epochs in a file: cycles run, digest.
///
/// # Errors
/// When it cannot be read or is something else.
pub fn read_epochs(path: &Path) -> Result<Vec<(u64, u64)>, String> {
    let bytes = fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    let (header, records) = bytes
        .split_at_checked(HEADER_BYTES)
        .filter(|(header, _)| header.starts_with(MAGIC))
        .ok_or("is no stream of digests")?;
    let format = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
    if format != FORMAT {
        return Err(format!(
            "is of format {format}; this tina-hw reads format {FORMAT}"
        ));
    }
    let (records, _) = records.as_chunks::<16>();
    let record = |record: &[u8; 16]| {
        let (pair, _) = record.as_chunks::<8>();
        (u64::from_le_bytes(pair[0]), u64::from_le_bytes(pair[1]))
    };
    Ok(records.iter().map(record).collect())
}
