//! News of isolates that end.

use super::ending::Ending;
use super::handle::Handle;
use super::notice::NoticeId;

/// A watch kept by an isolate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonitorId(pub(crate) NoticeId);

/// An isolate that was watched has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Down {
    /// The watch, which is over.
    pub monitor: MonitorId,
    /// Who has ended.
    pub who: Handle,
    /// Why.
    pub ending: Ending,
}
