//! The server as its user sees it: made of limits, put into a specification, opened at an address when the
//! runtime runs.

use crate::asking::StoreOrder;
use crate::connection::Connection;
use crate::limits::{KV_SHARDS_MAX, Limits, LogFiles};
use crate::listener::{CONNECTIONS, Listen, Listener};
use crate::log::{LOG_HEAD_BYTES, LogError, LogOwner};
use crate::owner::Owner;
use crate::site::{ADDRESSES_MAX, Site};
use std::fmt;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tina_engine::io::{IoChoice, Refusal};
use tina_engine::runtime::{
    Address, CallError, Child, KindLimits, LinkLimits, Outside, Specification, Strategy,
    SupervisorSpec,
};

/// How long a shard may take to begin to listen, and its store to read its log.
const LISTEN_PATIENCE: Duration = Duration::from_secs(10);
const LOG_PATIENCE: Duration = Duration::from_secs(3600);
/// A store may be started again so often in so long.
const STORE_RESTARTS: u32 = 10;
const STORE_WINDOW: Duration = Duration::from_secs(60);

/// Why there is no server.
#[derive(Debug)]
pub enum ServerError {
    /// More shards than connections have places for, or none.
    Shards(usize),
    /// A limit is out of range.
    Limit(&'static str, usize, usize),
    /// A log cannot be read.
    Log(PathBuf, io::Error),
    /// A log is none of this server's.
    OtherLog(PathBuf, LogError),
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shards(count) => {
                write!(
                    f,
                    "{count} shards are asked for; there may be 1 to {KV_SHARDS_MAX}"
                )
            }
            Self::Limit(what, value, max) => write!(f, "{what} is {value}; it may be 1 to {max}"),
            Self::Log(path, error) => {
                write!(f, "the log {} cannot be read: {error}", path.display())
            }
            Self::OtherLog(path, error) => write!(f, "the log {}: {error}", path.display()),
        }
    }
}

impl std::error::Error for ServerError {}

/// Why a server does not listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The runtime was booted without the server: see [`Server::install`].
    NotInstalled,
    /// A shard's store does not work: its log, if there is one, cannot be read or written.
    Store(usize, CallError),
    /// A shard did not answer.
    Shard(usize, CallError),
    /// The address cannot be had.
    Refused(SocketAddr, Refusal),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInstalled => f.write_str("this runtime was booted without the server"),
            Self::Store(shard, why) => write!(
                f,
                "the store of shard {shard} does not work, as when its log cannot be opened: {why}"
            ),
            Self::Shard(shard, why) => write!(f, "shard {shard} did not begin to listen: {why}"),
            Self::Refused(address, why) => write!(f, "cannot listen at {address}: {why}"),
        }
    }
}

impl std::error::Error for OpenError {}

/// A key-value store: limits, logs, and the memory of its shards. Cloning it gives the same server.
#[derive(Clone)]
pub struct Server {
    site: Arc<Site>,
}

impl Server {
    /// A server for a runtime of so many shards, which takes all memory for keys now. It keeps logs if
    /// it is given files. `date_millis` are the milliseconds since 1970 when the runtime will be booted,
    /// by which keys expire; `secret` is a number that clients do not know.
    ///
    /// # Errors
    /// When a limit is out of range, or a log is another server's.
    pub fn new(
        shard_count: usize,
        limits: Limits,
        files: Option<&LogFiles>,
        (date_millis, secret): (u64, u64),
    ) -> Result<Self, ServerError> {
        if !(1..=KV_SHARDS_MAX).contains(&shard_count) {
            return Err(ServerError::Shards(shard_count));
        }
        for (what, value, max) in [
            ("connections", limits.connections, 1 << 16),
            ("keys", limits.keys as usize, 1 << 30),
            ("store_bytes", limits.store_bytes, 1 << 36),
            ("value_bytes", limits.value_bytes, 64 << 20),
            ("long_commands", limits.long_commands, 1 << 12),
        ] {
            if !(1..=max).contains(&value) {
                return Err(ServerError::Limit(what, value, max));
            }
        }
        if let Some(files) = files {
            (0..shard_count).try_for_each(|shard| check_log(files, shard, shard_count))?;
        }
        let site = Site::new(shard_count, limits, files, (date_millis, secret));
        Ok(Self {
            site: Arc::new(site),
        })
    }

    /// Puts it into a specification of as many shards: its I/O, payloads and links, three kinds of isolates,
    /// and a supervision tree on every shard.
    #[must_use]
    pub fn install(&self, specification: Specification, choice: IoChoice) -> Specification {
        let site = &self.site;
        let limits = &site.limits;
        let everybody = (limits.connections * site.shards) as u32;
        let connections = KindLimits {
            slots: limits.connections,
            mailbox_slots: 2,
            calls: site.shards as u16,
            timers: 1,
            monitors: 0,
            operations: 2, // one that receives, one that sends
            ..KindLimits::default()
        };
        let owners = KindLimits {
            mailbox_slots: everybody + 16, // one question of each connection, and what tests ask
            calls: 0,
            timers: 1,
            monitors: 0,
            operations: 1,
            ..KindLimits::slots(1)
        };
        let listeners = KindLimits {
            operations: ADDRESSES_MAX,
            ..KindLimits::slots(1)
        };
        let links = LinkLimits {
            messages: (limits.connections as u32).clamp(256, 1 << 14),
            replies: (limits.connections as u32).clamp(256, 1 << 14),
        };
        let mut specification = specification
            .io(choice, limits.io_plan())
            .links(links)
            .kind::<Owner>(owners)
            .kind::<Listener>(listeners)
            .kind::<Connection>(connections);
        for (bytes, count) in limits.payloads(site.shards) {
            specification = specification.payloads(bytes, count);
        }
        let store = Child::new::<Owner>(site.clone()).named("kv store {shard}");
        let listener = Child::new::<Listener>(site.clone()).named("kv listener {shard}");
        specification.tree(
            SupervisorSpec::new("kv", Strategy::OneForOne)
                .budget(STORE_RESTARTS, STORE_WINDOW)
                .supervisor(SupervisorSpec::new(CONNECTIONS, Strategy::OneForOne))
                .child(store)
                .child(listener),
        )
    }

    /// Waits until every store has read its log, those that have just failed among them, and says how many
    /// keys there are.
    ///
    /// # Errors
    /// A store does not work, or the runtime does not have the server.
    pub fn ready(&self, mut runtime: impl Outside) -> Result<u64, OpenError> {
        let shards = self.site.store_names.iter().enumerate();
        shards
            .map(|(shard, name)| ready(&mut runtime, shard, name))
            .sum()
    }

    /// Waits until every shard has read its log, and begins to serve at an address, on every shard: port 0
    /// lets the system choose one. Says where that is, and how many keys there are.
    ///
    /// # Errors
    /// A store does not work, the address cannot be had, or the runtime does not have the server.
    pub fn open(
        &self,
        mut runtime: impl Outside,
        address: SocketAddr,
    ) -> Result<(SocketAddr, u64), OpenError> {
        let keys = self.ready(&mut runtime)?;
        let mut bound = address;
        for shard in 0..self.site.shards {
            let listener = listener(&runtime, shard)?;
            let listening =
                runtime.call(listener, LISTEN_PATIENCE, |reply| Listen::At(bound, reply));
            bound = listening
                .map_err(|why| OpenError::Shard(shard, why))?
                .map_err(|why| OpenError::Refused(bound, why))?;
        }
        self.site.addresses().push(bound);
        Ok((bound, keys))
    }

    /// Has the store of a shard fail: its memory is lost, and what its log says is there again.
    ///
    /// # Errors
    /// The runtime does not have the server.
    pub fn fail(&self, mut runtime: impl Outside, shard: usize) -> Result<(), OpenError> {
        let name = self.site.store_names.get(shard);
        let store = name.and_then(|name| runtime.find(name));
        let store = store.ok_or(OpenError::NotInstalled)?;
        // If the door is full it has enough to do; whoever tests asks again.
        let _sent = runtime.send(store, StoreOrder::Crash);
        Ok(())
    }
}

fn listener(runtime: &impl Outside, shard: usize) -> Result<Address<Listen>, OpenError> {
    let found = runtime.find(&format!("kv listener {shard}"));
    found.ok_or(OpenError::NotInstalled)
}

/// Keys of a shard's store, as soon as it has read its log.
fn ready(runtime: &mut impl Outside, shard: usize, name: &str) -> Result<u64, OpenError> {
    let mut failed = OpenError::NotInstalled;
    // One that fails while it is asked is followed by another, so often.
    for _ in 0..=STORE_RESTARTS {
        let store = runtime.find(name);
        match store.map(|store| runtime.call(store, LOG_PATIENCE, StoreOrder::Ready)) {
            Some(Ok(keys)) => return Ok(keys),
            Some(Err(why)) => failed = OpenError::Store(shard, why),
            // It has just ended: its supervisor acts in the shard's next turn.
            None => {}
        }
        let listener = listener(runtime, shard)?;
        let turn = runtime.call(listener, LISTEN_PATIENCE, Listen::Turn);
        turn.map_err(|why| OpenError::Shard(shard, why))?;
    }
    Err(failed)
}

/// Whether the log of a shard is one, and of so many shards.
fn check_log(files: &LogFiles, shard: usize, shard_count: usize) -> Result<(), ServerError> {
    let path = files.path_of(shard);
    let owner = LogOwner {
        shard: shard as u8,
        shards: shard_count as u8,
    };
    let mut head = Vec::new();
    match std::fs::File::open(&path) {
        Ok(file) => {
            let read = file.take(LOG_HEAD_BYTES as u64).read_to_end(&mut head);
            read.map_err(|error| ServerError::Log(path.clone(), error))?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(ServerError::Log(path, error)),
    }
    let checked = owner.check(&head);
    checked.map_err(|error| ServerError::OtherLog(path, error))
}
