//! What a server counts: per shard, written by that shard alone, readable from anywhere at any time.

use crate::status::Status;
use crate::stream::{Chunk, Next};
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use tina_engine::runtime::{Directory, Parcel};

macro_rules! counters {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal,)*) => {
        /// What is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum HttpCounter { $($(#[doc = $doc])* $variant,)* }

        impl HttpCounter {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in the text of metrics, with what tells it from its like.
            const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            const fn help(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),*),)* }
            }
        }
    };
}

counters! {
    /// Connections accepted.
    Accepted = "http_connections_accepted",
    /// Connections closed at once because there was no room for them.
    TurnedAway = "http_connections_turned_away",
    /// Connections that are over.
    Closed = "http_connections_closed",
    /// Requests whose head was read.
    Requests = "http_requests",
    /// Responses of success.
    Succeeded = "http_responses_2xx",
    /// Responses that lead elsewhere.
    Redirected = "http_responses_3xx",
    /// Responses that blame the client.
    Refused = "http_responses_4xx",
    /// Responses that blame the server.
    Failed = "http_responses_5xx",
    /// Connections closed because a deadline was over.
    Expired = "http_deadlines_expired",
    /// Connections closed because no buffer was free.
    NoBuffer = "http_buffers_exhausted",
    /// Handlers that panicked.
    Panicked = "http_handlers_panicked",
    /// Bytes received.
    BytesReceived = "http_bytes_received",
    /// Bytes sent.
    BytesSent = "http_bytes_sent",
}

const COUNT: usize = HttpCounter::ALL.len();

/// Apart from those of other shards, so that no two write to one cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counters([AtomicU64; COUNT]);

impl Counters {
    pub(crate) fn count(&self, counter: HttpCounter) {
        self.add(counter, 1);
    }

    pub(crate) fn add(&self, counter: HttpCounter, by: u64) {
        let counter = &self.0[counter as usize];
        // Only its shard writes: no lock on the bus is needed.
        counter.store(counter.load(Ordering::Relaxed) + by, Ordering::Relaxed);
    }

    pub(crate) fn read(&self, counter: HttpCounter) -> u64 {
        self.0[counter as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn count_response(&self, status: Status) {
        self.count(match status.number() {
            ..300 => HttpCounter::Succeeded,
            300..400 => HttpCounter::Redirected,
            400..500 => HttpCounter::Refused,
            500.. => HttpCounter::Failed,
        });
    }
}

/// Writes one counter of all shards in the text format of Prometheus.
pub(crate) fn write_family(
    shards: &[Counters],
    counter: HttpCounter,
    out: &mut dyn Write,
) -> fmt::Result {
    let name = counter.name();
    writeln!(out, "# HELP tina_{name}_total {}", counter.help().trim())?;
    writeln!(out, "# TYPE tina_{name}_total counter")?;
    for (number, shard) in shards.iter().enumerate() {
        let value = shard.read(counter);
        writeln!(out, "tina_{name}_total{{shard=\"{number}\"}} {value}")?;
    }
    Ok(())
}

/// Writes the text of metrics from the part on that `state` is the number of.
pub(crate) fn fill_metrics(
    counters: &[Counters],
    directory: &Directory,
    state: &mut Parcel,
    chunk: &mut Chunk<'_>,
) -> Next {
    const PARTS: usize = Directory::METRICS_PARTS + HttpCounter::ALL.len();
    let first: usize = std::mem::replace(state, Parcel::empty())
        .open()
        .unwrap_or_default();
    for part in first..PARTS {
        let is_written = chunk.attempt(|chunk| match part.checked_sub(Directory::METRICS_PARTS) {
            None => directory.write_metrics(part, chunk),
            Some(index) => write_family(counters, HttpCounter::ALL[index], chunk),
        });
        if !is_written {
            *state = Parcel::new(part);
            return Next::More;
        }
    }
    Next::End
}
