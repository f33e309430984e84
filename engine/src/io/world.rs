//! A simulated outside: sockets that talk and a disk, in place of the operating system's, on one clock
//! and drawn from one seed.
//!
//! ```text
//!   shard 0: ShardIo ── Simulated ──┐                     ┌── Disk: files, what is durable of them
//!   shard 1: ShardIo ── Simulated ──┼── World ── events ──┤
//!   a client outside of all shards ─┘   clock    by time  └── streams, listeners, datagrams
//! ```
//!
//! Nothing happens but by an event, and events happen in order of their time, so that the same seed and the
//! same calls give the same world on every machine. Bytes of a stream arrive in order, late, in pieces of
//! any size, or not until a partition heals; datagrams may be lost, doubled or overtake each other; a
//! connection may be reset. Whatever goes wrong is drawn from [`WorldFaults`].
//!
//! Knows places and bytes, not operations, buffers or isolates.

mod disk;
mod faults;
mod stream;
mod listen;
mod datagram;

pub use faults::{DiskFaults, NetworkFaults, Ratio, WorldFaults};

use super::errno::Errno;
use crate::random::Random;
use datagram::Datagrams;
use disk::{Disk, OpenedFile};
use listen::Listener;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use stream::Stream;

pub(crate) use stream::Tried;

pub(crate) type Nanos = u64;

/// A host that is none of the shards: what is not known yet is far away.
const ELSEWHERE: usize = usize::MAX;
/// The stream of the generator of everything that is drawn here.
const STREAM: u64 = 0x776f_726c;
/// What is lost between hosts that a partition parts is sent again after so long.
const RESEND: Nanos = 20_000_000;

/// Where a socket is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Place {
    Internet(SocketAddr),
    Unix(Vec<u8>),
}

/// What is to happen at its time.
enum Event {
    /// A shard looks at its operation again.
    Try { host: usize, slot: u32 },
    /// Something arrives at an end of a stream.
    Arrive(u32),
    /// A peer has taken bytes: its sender has room again.
    Room(u32),
    /// A connection is asked for, for the so-manieth time.
    Knock { number: u32, attempt: u32 },
    /// The answer to that has come.
    Connected {
        number: u32,
        result: Result<(), Errno>,
    },
    /// A datagram arrives.
    Datagram {
        to: SocketAddr,
        from: SocketAddr,
        from_host: usize,
        bytes: Vec<u8>,
    },
}

enum Object {
    Stream(Box<Stream>),
    Listener(Listener),
    Datagrams(Datagrams),
    File(OpenedFile),
}

struct Entry {
    object: Object,
    /// Names of it that are open.
    name_count: u32,
}

/// How much was done in a world, and what went wrong on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorldCounters {
    /// Events that happened.
    pub event_count: u64,
    /// Connections made.
    pub connection_count: u64,
    /// Bytes that arrived on streams.
    pub stream_bytes: u64,
    /// Reads, writes and sends that were cut short.
    pub partial_count: u64,
    /// Connections reset.
    pub reset_count: u64,
    /// Connections refused though somebody listened.
    pub refused_count: u64,
    /// Datagrams lost.
    pub lost_count: u64,
    /// Datagrams that arrived twice.
    pub doubled_count: u64,
    /// Times that something had to be sent again because of a partition.
    pub resent_count: u64,
    /// Errors of the disk.
    pub disk_error_count: u64,
    /// `fsync`s that did nothing.
    pub lost_sync_count: u64,
    /// Writes that went elsewhere.
    pub misdirected_count: u64,
    /// Reads that found a bit turned over.
    pub rotten_count: u64,
    /// Writes torn apart when power was lost.
    pub torn_count: u64,
}

impl WorldCounters {
    /// Adds what was done in another world.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.event_count, other.event_count),
            (&mut self.connection_count, other.connection_count),
            (&mut self.stream_bytes, other.stream_bytes),
            (&mut self.partial_count, other.partial_count),
            (&mut self.reset_count, other.reset_count),
            (&mut self.refused_count, other.refused_count),
            (&mut self.lost_count, other.lost_count),
            (&mut self.doubled_count, other.doubled_count),
            (&mut self.resent_count, other.resent_count),
            (&mut self.disk_error_count, other.disk_error_count),
            (&mut self.lost_sync_count, other.lost_sync_count),
            (&mut self.misdirected_count, other.misdirected_count),
            (&mut self.rotten_count, other.rotten_count),
            (&mut self.torn_count, other.torn_count),
        ] {
            *sum += more;
        }
    }
}

pub(crate) struct State {
    pub(crate) now: Nanos,
    pub(crate) faults: WorldFaults,
    pub(crate) counters: WorldCounters,
    random: Random,
    events: BTreeMap<(Nanos, u64), Event>,
    event_number: u64,
    objects: BTreeMap<u32, Entry>,
    next_number: u32,
    /// By host, operations to be looked at.
    tries: BTreeMap<usize, VecDeque<u32>>,
    listeners: BTreeMap<Place, Vec<u32>>,
    datagrams: BTreeMap<SocketAddr, Vec<u32>>,
    next_port: u16,
    /// Hosts on the one side of a partition.
    parted: Vec<usize>,
    disk: Disk,
}

/// A simulated world; clones are the same one.
#[derive(Clone)]
pub struct World {
    state: Arc<Mutex<State>>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}

/// An open file or socket of a world. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct SimulatedFile {
    number: u32,
    world: World,
}

impl SimulatedFile {
    pub(crate) fn number(&self) -> i32 {
        self.number as i32
    }

    pub(crate) fn duplicate(&self) -> Self {
        let mut state = self.world.lock();
        let entry = state.objects.get_mut(&self.number);
        entry.expect("open as long as it has a name").name_count += 1;
        Self {
            number: self.number,
            world: self.world.clone(),
        }
    }
}

impl Drop for SimulatedFile {
    fn drop(&mut self) {
        self.world.lock().close(self.number);
    }
}

impl World {
    /// A world in which only `faults` go wrong, drawn from `seed`.
    #[must_use]
    pub fn new(seed: u64, faults: WorldFaults) -> Self {
        let state = State {
            now: 0,
            disk: Disk::new(),
            faults,
            counters: WorldCounters::default(),
            random: Random::keyed(seed, STREAM, 0),
            events: BTreeMap::new(),
            event_number: 0,
            objects: BTreeMap::new(),
            next_number: 1,
            tries: BTreeMap::new(),
            listeners: BTreeMap::new(),
            datagrams: BTreeMap::new(),
            next_port: 49_152,
            parted: Vec::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // What a panic left behind is looked at by whoever reports it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn file(&self, number: u32) -> SimulatedFile {
        SimulatedFile {
            number,
            world: self.clone(),
        }
    }

    /// Time since the world began.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.lock().now)
    }

    /// Lets everything happen that is due by `now`, since the world began.
    pub fn advance(&self, now: Duration) {
        self.lock().advance(nanos(now));
    }

    /// Whether a shard has operations to look at.
    pub(crate) fn waits_for(&self, shard: usize) -> bool {
        self.lock().has_tries(shard)
    }

    /// When the next thing happens.
    #[must_use]
    pub fn next_event(&self) -> Option<Duration> {
        self.lock().next_event().map(Duration::from_nanos)
    }

    /// What was done and what went wrong so far.
    #[must_use]
    pub fn counters(&self) -> WorldCounters {
        self.lock().counters
    }

    /// From now on only this goes wrong.
    pub fn set_faults(&self, faults: WorldFaults) {
        self.lock().faults = faults;
    }

    /// Nothing gets from these shards to others or to the outside, nor back, until it heals with an empty
    /// list. What is on its way on a stream waits; datagrams are lost.
    pub fn part(&self, shards: &[usize]) {
        self.lock().parted = shards.to_vec();
    }

    /// Sockets, files and processes open are gone; of what was written to the disk and not synchronised, some
    /// is there, some is not, and some is torn at a sector's edge.
    ///
    /// # Panics
    /// While files of this world are open: end the runtime first.
    pub fn lose_power(&self) {
        let state = &mut *self.lock();
        assert!(
            state.objects.is_empty(),
            "the runtime of a world that loses power is gone"
        );
        state.events.clear();
        state
            .disk
            .lose_power(&mut state.random, &mut state.counters);
    }

    /// What a file holds, as a reader would find it now; none if there is no such file.
    #[must_use]
    pub fn read_file(&self, path: &str) -> Option<Vec<u8>> {
        self.lock().disk.content(path.as_bytes())
    }

    /// Makes a file, or replaces what it holds, durably.
    pub fn write_file(&self, path: &str, bytes: &[u8]) {
        self.lock().disk.replace(path.as_bytes(), bytes);
    }

    /// Files and sockets that are open.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.lock().objects.len()
    }
}

pub(crate) fn nanos(time: Duration) -> Nanos {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl State {
    pub(crate) fn next_event(&self) -> Option<Nanos> {
        self.events.first_key_value().map(|(&(at, _), _)| at)
    }

    pub(crate) fn advance(&mut self, now: Nanos) {
        while let Some(entry) = self.events.first_entry() {
            let at = entry.key().0;
            if at > now {
                break;
            }
            let event = entry.remove();
            self.now = self.now.max(at);
            self.counters.event_count += 1;
            self.happen(event);
        }
        self.now = self.now.max(now);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Try { host, slot } => self.try_now(host, slot),
            Event::Arrive(number) => self.arrive(number),
            Event::Room(number) => self.room(number),
            Event::Knock { number, attempt } => self.knock(number, attempt),
            Event::Connected { number, result } => self.connected(number, result),
            Event::Datagram {
                to,
                from,
                from_host,
                bytes,
            } => self.datagram_arrives(to, from, from_host, bytes),
        }
    }

    fn schedule(&mut self, at: Nanos, event: Event) {
        self.event_number += 1;
        self.events
            .insert((at.max(self.now), self.event_number), event);
    }

    /// The shard looks at its operation at once.
    fn try_now(&mut self, host: usize, slot: u32) {
        self.tries.entry(host).or_default().push_back(slot);
    }

    /// The shard looks at its operation after `delay`.
    pub(crate) fn try_after(&mut self, host: usize, slot: u32, delay: Nanos) {
        if delay == 0 {
            self.try_now(host, slot);
        } else {
            self.schedule(self.now.saturating_add(delay), Event::Try { host, slot });
        }
    }

    pub(crate) fn next_try(&mut self, host: usize) -> Option<u32> {
        self.tries.get_mut(&host)?.pop_front()
    }

    pub(crate) fn has_tries(&self, host: usize) -> bool {
        self.tries.get(&host).is_some_and(|tries| !tries.is_empty())
    }

    /// Nobody looks at operations of this host any more.
    pub(crate) fn forget_host(&mut self, host: usize) {
        self.tries.remove(&host);
    }

    fn add(&mut self, object: Object) -> u32 {
        let number = self.next_number;
        self.next_number += 1;
        let name_count = 1;
        self.objects.insert(number, Entry { object, name_count });
        number
    }

    fn close(&mut self, number: u32) {
        let entry = self.objects.get_mut(&number);
        let entry = entry.expect("open as long as it has a name");
        entry.name_count -= 1;
        if entry.name_count > 0 {
            return;
        }
        let entry = self.objects.remove(&number).expect("looked at just now");
        match entry.object {
            Object::Stream(stream) => self.close_stream(*stream),
            Object::Listener(listener) => self.close_listener(number, listener),
            Object::Datagrams(socket) => self.close_datagrams(number, &socket),
            Object::File(_) => {}
        }
    }

    /// What a call takes that does not wait, up to `most`.
    pub(crate) fn call_time(&mut self, most: Nanos) -> Nanos {
        self.random.below(most)
    }

    fn draws(&mut self, chance: Ratio) -> bool {
        chance.draw(&mut self.random)
    }

    /// So many of `count` bytes are moved at once: all, or by chance fewer.
    fn piece(&mut self, count: usize) -> usize {
        if count > 1 && self.draws(self.faults.network.partial) {
            self.counters.partial_count += 1;
            return 1 + self.random.below(count as u64 - 1) as usize;
        }
        count
    }

    /// What something takes from one host to another, by the faults of the network.
    fn latency(&mut self, from: usize, to: usize) -> Nanos {
        let [least, most] = self.faults.network.latency_micros;
        let spread = u64::from(most.saturating_sub(least)) * 1000;
        let network = u64::from(least) * 1000 + self.random.below(spread + 1);
        // What stays in one host is quicker, and still later than at once.
        if from == to {
            1 + network / 8
        } else {
            1 + network
        }
    }

    fn are_parted(&self, one: usize, other: usize) -> bool {
        self.parted.contains(&one) != self.parted.contains(&other)
    }

    /// A port that nobody has, of those for whoever asks for none.
    fn free_port(&mut self) -> u16 {
        loop {
            let port = self.next_port;
            self.next_port = if port == u16::MAX { 49_152 } else { port + 1 };
            let has_it = |address: &SocketAddr| address.port() == port;
            let listens = self
                .listeners
                .keys()
                .any(|place| matches!(place, Place::Internet(address) if has_it(address)));
            if !listens && !self.datagrams.keys().any(has_it) {
                return port;
            }
        }
    }

    /// The address with a port, where it asks for any.
    fn with_port(&mut self, mut address: SocketAddr) -> SocketAddr {
        if address.port() == 0 {
            address.set_port(self.free_port());
        }
        address
    }
}
