//! Timers: how host time becomes the ticks of the wheel, and the name of a timer.

use super::notice::NoticeId;
use crate::time::Tick;
use std::time::Duration;

/// Nanoseconds since the runtime was booted.
pub(crate) type Nanos = u64;

/// Nanoseconds of a tick of the wheel: how exactly timers are kept. They are never early.
pub(crate) const TICK_NANOS: Nanos = 100_000;

/// A timer of an isolate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerId(pub(crate) NoticeId);

pub(crate) fn nanos(duration: Duration) -> Nanos {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The first tick that is over `after` from `now`, at the earliest.
pub(crate) fn due(now: Nanos, after: Duration) -> Tick {
    now.saturating_add(nanos(after)).div_ceil(TICK_NANOS)
}

/// Ticks of a period, at least 1.
pub(crate) fn period_ticks(period: Duration) -> Tick {
    nanos(period).div_ceil(TICK_NANOS).max(1)
}
