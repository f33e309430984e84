//! Writes a journal while its run goes on.

use super::{Base, End, Entry, FORMAT, Head, Input, Journal, MAGIC, PREFACE_BYTES, Seal, seal};
use crate::checkpoint::this_build;
use crate::origin::Origin;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use tina_engine::{EpochRecord, Observer};

/// Passes everything on and writes down what comes in.
pub struct JournalFile<'a> {
    inner: &'a mut dyn Observer,
    file: BufWriter<File>,
    last: Seal,
    failure: Option<io::Error>,
}

impl<'a> JournalFile<'a> {
    /// A new file, whatever was there before.
    ///
    /// # Errors
    /// When the host refuses it.
    pub fn create(
        path: &Path,
        origin: &Origin,
        base: Base,
        inner: &'a mut dyn Observer,
    ) -> io::Result<Self> {
        let head = Head {
            origin: origin.clone(),
            build: this_build().to_owned(),
            base,
        };
        let entry = encode(&head);
        let mut preface = [0; PREFACE_BYTES];
        preface[..8].copy_from_slice(MAGIC);
        preface[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        preface[12..].copy_from_slice(&length(&entry).to_le_bytes());
        let last = seal(&preface, &entry);
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(&preface)?;
        file.write_all(&entry)?;
        file.write_all(&last)?;
        file.flush()?;
        Ok(Self {
            inner,
            file,
            last,
            failure: None,
        })
    }

    /// The file of a run that is gone on with at cycle `start`: what came in there or later is cut off.
    ///
    /// # Errors
    /// When the host refuses it.
    pub fn resume(
        path: &Path,
        journal: &Journal,
        start: u64,
        inner: &'a mut dyn Observer,
    ) -> io::Result<Self> {
        // Written again up to there, beside the old one, which stays until the new one is as far.
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".unfinished");
        let unfinished = Path::new(&unfinished);
        let mut resumed = Self::create(unfinished, &journal.origin, journal.base, inner)?;
        let before = journal.inputs.iter().take_while(|it| it.cycle < start);
        for input in before {
            resumed.add(&Entry::Input(input.clone()));
        }
        resumed.flush();
        if let Some(error) = resumed.failure.take() {
            return Err(error);
        }
        fs::rename(unfinished, path)?;
        Ok(resumed)
    }

    /// Says how the run ended; then all of it is on the disk.
    ///
    /// # Errors
    /// When anything could not be written.
    pub fn finish(mut self, end: End) -> io::Result<()> {
        self.add(&Entry::End(end));
        self.flush();
        let synced = match self.file.get_ref().sync_all() {
            // A pipe, or a device: nothing of it is ever on a disk.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            synced => synced,
        };
        self.failure.map_or(synced, Err)
    }

    fn add(&mut self, entry: &Entry) {
        if self.failure.is_some() {
            return;
        }
        let entry = encode(entry);
        self.last = seal(&self.last, &entry);
        let mut record = Vec::from(length(&entry).to_le_bytes());
        record.extend_from_slice(&entry);
        record.extend_from_slice(&self.last);
        self.failure = self.file.write_all(&record).err();
    }

    fn flush(&mut self) {
        if let Err(error) = self.file.flush() {
            self.failure.get_or_insert(error);
        }
    }
}

fn encode(value: &impl serde::Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).expect("a vector takes everything")
}

fn length(entry: &[u8]) -> u32 {
    u32::try_from(entry.len()).expect("an entry is short")
}

impl Observer for JournalFile<'_> {
    fn console(&mut self, bytes: &[u8]) {
        self.inner.console(bytes);
    }

    fn input(&mut self, cycle: u64, instance: u32, bytes: &[u8]) {
        self.add(&Entry::Input(Input {
            cycle,
            instance,
            bytes: bytes.to_vec(),
        }));
        self.inner.input(cycle, instance, bytes);
    }

    fn epoch(&mut self, record: EpochRecord) {
        self.inner.epoch(record);
    }

    fn progress(&mut self, cycle: u64) {
        self.flush();
        self.inner.progress(cycle);
    }

    fn interrupted(&mut self) -> bool {
        // What came in and is not written down could not be had again.
        self.failure.is_some() || self.inner.interrupted()
    }

    fn looks(&mut self) -> bool {
        self.inner.looks()
    }
}
