//! The isolates of a thread as suspects of a hardware fault: whose handler, start or end was being run.

use super::core::Common;
use super::handle::Handle;
use super::metrics::ShardMetrics;
use super::spec::OnFault;
use crate::trap::Suspects;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(crate) struct Tenants {
    pub(crate) metrics: Vec<Arc<ShardMetrics>>,
    pub(crate) common: Arc<Common>,
    pub(crate) on_fault: OnFault,
}

impl Tenants {
    fn running(&self) -> Option<Handle> {
        let running = self.metrics.iter();
        let running = running.map(|shard| Handle::from_bits(shard.running.load(Ordering::Relaxed)));
        running.into_iter().find(|&it| it != Handle::NOBODY)
    }
}

impl Tenants {
    /// Who has faulted.
    pub(crate) fn culprit(&self) -> Handle {
        self.running().expect("faults of nobody are not contained")
    }
}

impl Suspects for Tenants {
    fn is_running(&self) -> bool {
        self.running().is_some()
    }

    fn ends_process(&self) -> bool {
        self.on_fault == OnFault::EndProcess
    }

    fn name(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let Some(handle) = self.running() else {
            return out.write_str("nobody");
        };
        let kind = self.common.kinds.get(handle.kind());
        let kind = kind.map_or("?", |kind| kind.name);
        write!(out, "isolate {kind} {handle}")
    }
}
