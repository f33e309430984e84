//! What all connections of a server share: it is made at boot and never changes, but for what is counted.

use crate::counters::Counters;
use crate::limits::Limits;
use crate::routes::Routes;
use std::net::SocketAddr;
use std::sync::Mutex;

#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) routes: Routes,
    pub(crate) limits: Limits,
    /// Per shard.
    pub(crate) counters: Vec<Counters>,
    /// Where every shard listens, for one whose listener is started again.
    pub(crate) addresses: Mutex<Vec<SocketAddr>>,
}
