//! What every isolate may know of the runtime it is in: who has a name, and what all shards count.

use super::core::Common;
use super::handle::Address;
use super::metrics;
use std::fmt;
use std::sync::Arc;

/// Names and counters of a running runtime, readable from any thread without stopping a shard, and
/// without memory of its own.
#[derive(Clone)]
pub struct Directory {
    common: Arc<Common>,
}

impl Directory {
    pub(crate) fn new(common: Arc<Common>) -> Self {
        Self { common }
    }

    /// Who has a well-known name now, on whatever shard, if it takes messages of type `M`.
    #[must_use]
    pub fn find<M: 'static>(&self, name: &str) -> Option<Address<M>> {
        self.common.find(name)
    }

    /// Parts of the text that [`write_metrics`](Self::write_metrics) writes.
    pub const METRICS_PARTS: usize = metrics::FAMILIES;

    /// Writes one part of what all shards count, in the text format of Prometheus, version 0.0.4.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn write_metrics(&self, part: usize, out: &mut dyn fmt::Write) -> fmt::Result {
        metrics::write_family(&self.common.metrics, part, out)
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Directory({} shards)", self.common.metrics.len())
    }
}
