//! How isolates end.

use super::handle::Handle;

/// Why an isolate ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It answered [`Effect::Done`](super::Effect::Done).
    Done,
    /// It answered [`Effect::Crash`](super::Effect::Crash) with this reason.
    Crashed(&'static str),
    /// It panicked; the log has the message.
    Panicked,
    /// [`Isolate::start`](super::Isolate::start) refused with this reason.
    NotStarted(&'static str),
    /// It answered [`Effect::Call`](super::Effect::Call) with no call outstanding, or
    /// [`Effect::Io`](super::Effect::Io) with no operation in flight.
    NothingToWaitFor,
    /// An isolate it follows or is linked to ended abnormally.
    Linked(Handle),
    /// Another isolate ended it.
    ByOther(Handle),
    /// The watchdog found it stuck in a handler, and it was ended when the handler returned.
    Stuck,
    /// Its supervisor ended it, because a sibling ended or the supervisor itself gave up.
    BySupervisor,
    /// Its shard was restarted or put in quarantine.
    WithShard,
    /// The runtime was shut down and it had not ended in time.
    AtShutdown,
    /// There was nobody to watch: it had ended before.
    Gone,
    /// The other shard had no room to remember who watches.
    NotWatched,
}

impl Ending {
    /// Whether this is how an isolate ends that has done its work.
    #[must_use]
    pub const fn is_normal(self) -> bool {
        matches!(self, Self::Done | Self::AtShutdown)
    }
}
