//! The server as its user sees it: made of routes and limits, put into a specification, opened at an
//! address when the runtime runs.

use crate::connection::Connection;
use crate::counters::{Counters, HttpCounter};
use crate::limits::Limits;
use crate::listener::{ADDRESSES_MAX, CONNECTIONS, Listen, Listener};
use crate::routes::{RouteError, Routes};
use crate::site::Site;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tina_engine::io::{IoPlan, Refusal};
use tina_engine::runtime::{
    Address, CallError, Child, KindLimits, Outside, Specification, Strategy, SupervisorSpec,
};

/// How long a shard may take to begin to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything that is wrong with the routes of a server.
#[derive(Debug)]
pub struct RouteErrors(pub Vec<RouteError>);

impl fmt::Display for RouteErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let line_break = if index > 0 { "\n" } else { "" };
            write!(f, "{line_break}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for RouteErrors {}

/// Why a server does not listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The runtime was booted without the server: see [`Server::install`].
    NotInstalled,
    /// A shard did not answer.
    Shard(usize, CallError),
    /// The address cannot be had.
    Refused(SocketAddr, Refusal),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInstalled => f.write_str("this runtime was booted without the server"),
            Self::Shard(shard, why) => write!(f, "shard {shard} did not begin to listen: {why}"),
            Self::Refused(address, why) => write!(f, "cannot listen at {address}: {why}"),
        }
    }
}

impl std::error::Error for OpenError {}

/// An HTTP/1.1 server: routes, limits, and what is counted. Cloning it gives the same server.
#[derive(Clone, Debug)]
pub struct Server {
    site: Arc<Site>,
}

impl Server {
    /// A server for a runtime of so many shards.
    ///
    /// # Errors
    /// When routes are wrong, with all that is wrong.
    pub fn new(shard_count: usize, routes: Routes, limits: Limits) -> Result<Self, RouteErrors> {
        if !routes.errors.is_empty() {
            return Err(RouteErrors(routes.errors));
        }
        Ok(Self {
            site: Arc::new(Site {
                routes,
                limits,
                counters: (0..shard_count).map(|_| Counters::default()).collect(),
                addresses: Mutex::new(Vec::with_capacity(usize::from(ADDRESSES_MAX))),
            }),
        })
    }

    /// What it needs of each shard's I/O, for [`Specification::io`]; add what others need.
    #[must_use]
    pub fn io_plan(&self) -> IoPlan {
        self.site.limits.io_plan()
    }

    /// Puts it into a specification: two kinds of isolates, `http.listener` and `http.connection`, and a
    /// supervision tree, `http`, on every shard.
    ///
    /// The specification must have as many shards as the server was made for: a listener on a shard
    /// beyond them refuses to start.
    #[must_use]
    pub fn install(&self, specification: Specification) -> Specification {
        let site = self.site.clone();
        let listener = Child::new::<Listener>(site).named("http listener {shard}");
        let connections = KindLimits {
            slots: self.site.limits.connections,
            mailbox_slots: 4,
            calls: 1,
            timers: 1,
            monitors: 0,
            operations: 3, // one that receives, one that sends, one on a file
            ..KindLimits::default()
        };
        let listeners = KindLimits {
            operations: ADDRESSES_MAX,
            ..KindLimits::slots(1)
        };
        specification
            .kind::<Listener>(listeners)
            .kind::<Connection>(connections)
            .tree(
                SupervisorSpec::new("http", Strategy::OneForOne)
                    .supervisor(SupervisorSpec::new(CONNECTIONS, Strategy::OneForOne))
                    .child(listener),
            )
    }

    /// Begins to serve at an address, on every shard, and says where that is: port 0 lets the system
    /// choose one. A server may be opened at up to four addresses.
    ///
    /// # Errors
    /// The address cannot be had, or the runtime does not have the server.
    pub fn open(
        &self,
        mut runtime: impl Outside,
        address: SocketAddr,
    ) -> Result<SocketAddr, OpenError> {
        let mut bound = address;
        for shard in 0..self.site.counters.len() {
            let listener: Option<Address<Listen>> = runtime.find(&format!("http listener {shard}"));
            let listener = listener.ok_or(OpenError::NotInstalled)?;
            let listening = runtime.call(listener, PATIENCE, |reply| Listen::At(bound, reply));
            bound = listening
                .map_err(|why| OpenError::Shard(shard, why))?
                .map_err(|why| OpenError::Refused(bound, why))?;
        }
        let addresses = self.site.addresses.lock();
        addresses
            .unwrap_or_else(PoisonError::into_inner)
            .push(bound);
        Ok(bound)
    }

    /// What all shards have counted.
    #[must_use]
    pub fn count(&self, counter: HttpCounter) -> u64 {
        let shards = self.site.counters.iter();
        shards.map(|shard| shard.read(counter)).sum()
    }
}
