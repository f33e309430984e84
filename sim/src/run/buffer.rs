//! An observer that keeps what it sees until it is known which machine's story is told.

use tina_engine::{EpochRecord, Observer};

/// Keeps consoles and epochs; the rest is passed on.
pub(super) struct Buffer<'a> {
    pub(super) inner: &'a mut dyn Observer,
    kept: Kept,
}

/// What was seen.
#[derive(Default)]
pub(super) struct Kept {
    console: Vec<u8>,
    epochs: Vec<EpochRecord>,
}

impl<'a> Buffer<'a> {
    pub(super) fn new(inner: &'a mut dyn Observer) -> Self {
        Self {
            inner,
            kept: Kept::default(),
        }
    }

    pub(super) fn into_kept(self) -> Kept {
        self.kept
    }
}

impl Kept {
    /// Tells it all.
    pub(super) fn tell(&self, observer: &mut dyn Observer) {
        if !self.console.is_empty() {
            observer.console(&self.console);
        }
        for &record in &self.epochs {
            observer.epoch(record);
        }
    }
}

impl Observer for Buffer<'_> {
    fn console(&mut self, bytes: &[u8]) {
        self.kept.console.extend_from_slice(bytes);
    }

    fn epoch(&mut self, record: EpochRecord) {
        self.kept.epochs.push(record);
    }

    fn progress(&mut self, cycle: u64) {
        self.inner.progress(cycle);
    }

    fn interrupted(&mut self) -> bool {
        self.inner.interrupted()
    }
}
