//! One timer for all deadlines of a connection. It is set anew only when a deadline comes closer: most
//! are over long before.

use super::Connection;
use std::time::Duration;
use tina_engine::runtime::{Context, QuotaUsedUp, TimerId};

#[derive(Debug, Default)]
pub(crate) struct Alarm {
    /// When something must have happened.
    pub(crate) due: Option<Duration>,
    timer: Option<(TimerId, Duration)>,
}

impl Alarm {
    /// Sees to it that the timer runs out when it is time, or before.
    pub(crate) fn arm(&mut self, context: &mut Context<'_, Connection>) -> Result<(), QuotaUsedUp> {
        let Some(due) = self.due else { return Ok(()) };
        let after = due.saturating_sub(context.now());
        match &mut self.timer {
            Some((_, at)) if *at <= due => {}
            Some((timer, at)) => {
                context.renew_timer(*timer, after);
                *at = due;
            }
            None => self.timer = Some((context.timer(after)?, due)),
        }
        Ok(())
    }

    /// The timer has run out; whether it is time.
    pub(crate) fn rings(&mut self, now: Duration) -> bool {
        self.timer = None;
        self.due.is_some_and(|due| due <= now)
    }
}
