//! The log of a shard: records of fixed size in a bounded ring, taken out by another thread. What
//! finds no room is dropped and counted, never waited for.

use super::handle::Handle;
use super::metrics::{Counter, ShardMetrics};
use super::timer::Nanos;
use crate::estate::Estate;
use ringbuf::traits::Producer;
use ringbuf::wrap::Wrap;
use ringbuf::{CachingProd, HeapRb};
use std::fmt;
use std::sync::Arc;

/// The longest text of a record, in bytes; what is longer is cut.
pub const LOG_TEXT_BYTES: usize = 152;

/// How much a record matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For who looks for a fault.
    Debug,
    /// What happens in a healthy system.
    Info,
    /// A decision of a supervisor, a refusal, a limit reached.
    Warning,
    /// Something was given up.
    Error,
}

/// One line of the log.
#[derive(Clone, Copy)]
pub struct LogRecord {
    /// Since the runtime was booted.
    pub nanos: u64,
    /// Which shard.
    pub shard: usize,
    /// Whom it is about.
    pub isolate: Option<Handle>,
    /// How much it matters.
    pub level: Level,
    length: u8,
    text: [u8; LOG_TEXT_BYTES],
}

impl LogRecord {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        let bytes = &self.text[..usize::from(self.length)];
        // Texts are cut between letters.
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl fmt::Debug for LogRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for LogRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.nanos as f64 / 1e9;
        write!(f, "{seconds:.6} {:?} shard {}", self.level, self.shard)?;
        if let Some(isolate) = self.isolate {
            write!(f, " {isolate}")?;
        }
        write!(f, ": {}", self.text())
    }
}

struct Cut<'a> {
    record: &'a mut LogRecord,
}

impl fmt::Write for Cut<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let used = usize::from(self.record.length);
        let mut take = text.len().min(LOG_TEXT_BYTES - used);
        while !text.is_char_boundary(take) {
            take -= 1;
        }
        self.record.text[used..used + take].copy_from_slice(&text.as_bytes()[..take]);
        self.record.length += take as u8;
        if take < text.len() {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

pub(crate) struct LogWriter {
    shard: usize,
    ring: LogProducer,
    level: Level,
}

/// The end of a log that is written to.
pub(crate) type LogProducer = CachingProd<Arc<HeapRb<LogRecord>>>;

impl LogWriter {
    pub(crate) fn new(shard: usize, ring: LogProducer, level: Level) -> Self {
        Self { shard, ring, level }
    }

    /// Writes down its share of the ring.
    pub(crate) fn list(&self, estate: &mut Estate) {
        estate.share(self.ring.rb_ref());
    }

    pub(crate) fn write(
        &mut self,
        metrics: &ShardMetrics,
        nanos: Nanos,
        level: Level,
        isolate: Option<Handle>,
        text: fmt::Arguments<'_>,
    ) {
        self.write_about(self.shard, metrics, nanos, level, isolate, text);
    }

    /// Writes about a shard that is not the writer's.
    pub(crate) fn write_about(
        &mut self,
        shard: usize,
        metrics: &ShardMetrics,
        nanos: Nanos,
        level: Level,
        isolate: Option<Handle>,
        text: fmt::Arguments<'_>,
    ) {
        if level < self.level {
            return;
        }
        let mut record = LogRecord {
            nanos,
            shard,
            isolate,
            level,
            length: 0,
            text: [0; LOG_TEXT_BYTES],
        };
        // An error says that the text was cut.
        let _ = fmt::write(
            &mut Cut {
                record: &mut record,
            },
            text,
        );
        if self.ring.try_push(record).is_err() {
            metrics.count_from_anywhere(Counter::LogDropped);
        }
    }
}
