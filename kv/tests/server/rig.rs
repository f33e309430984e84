//! A server under test, a client that reads to the end, and the allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tina_engine::in_run;
use tina_engine::io::IoChoice;
use tina_engine::runtime::{Counter, Level, Runtime, Specification};
use tina_kv::{Durability, Limits, LogFiles, Server};

/// Longer than any test takes.
pub const LONG: Duration = Duration::from_secs(60);
/// When all servers are booted.
pub const DATE_MILLIS: u64 = 1_700_000_000_000;

struct Sealed;

fn check() {
    if in_run() && !std::thread::panicking() {
        std::process::abort();
    }
}

// SAFETY: hands every request to the system's allocator unchanged.
unsafe impl GlobalAlloc for Sealed {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        check();
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Sealed = Sealed;

/// Few of everything.
pub const SMALL: Limits = Limits {
    connections: 20,
    keys: 1000,
    store_bytes: 8 << 20,
    value_bytes: 1 << 20,
    long_commands: 3,
    idle: None,
    patience: LONG,
};

pub struct Rig {
    pub runtime: Runtime,
    pub server: Server,
    pub address: SocketAddr,
    /// Keys that were there from the start.
    pub keys: u64,
}

impl Rig {
    pub fn new(shards: usize) -> Self {
        Self::with(shards, IoChoice::Auto, SMALL, None)
    }

    pub fn with(shards: usize, choice: IoChoice, limits: Limits, files: Option<&LogFiles>) -> Self {
        let server = Server::new(shards, limits, files, (DATE_MILLIS, 5)).unwrap();
        let specification = Specification::new(shards).log(Level::Warning, 4096);
        let runtime = Runtime::boot(server.install(specification, choice)).unwrap();
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let (address, keys) = server.open(&runtime, local).unwrap();
        Self {
            runtime,
            server,
            address,
            keys,
        }
    }

    pub fn logged(shards: usize, directory: &Directory) -> Self {
        Self::with(shards, IoChoice::Auto, SMALL, Some(&directory.files()))
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Sends bytes in parts, and gives back everything that comes.
    pub fn talk<'b>(&self, parts: impl IntoIterator<Item = &'b [u8]>) -> Vec<u8> {
        let mut stream = self.connect();
        for part in parts {
            stream.write_all(part).unwrap();
        }
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    }

    /// Sends commands for people; every line of the replies.
    pub fn say(&self, text: &str) -> String {
        String::from_utf8(self.talk([text.as_bytes()]))
            .unwrap()
            .replace('\r', "")
    }

    /// Has the store of a shard fail, and waits until another is there.
    pub fn fail(&self, shard: usize) {
        self.server.fail(&self.runtime, shard).unwrap();
        while self.runtime.metrics().total(Counter::Restarted) == 0 {
            std::thread::yield_now();
        }
    }

    /// Nothing is left behind.
    pub fn end(mut self) -> Vec<String> {
        assert!(!self.runtime.shutdown(LONG).forced);
        let metrics = self.runtime.metrics();
        let taken = metrics.total(Counter::PayloadsTaken);
        assert_eq!(taken, metrics.total(Counter::PayloadsGivenBack));
        let mut log = Vec::new();
        self.runtime
            .drain_log(|record| log.push(record.to_string()));
        log
    }
}

/// A directory of a test's own, with nothing in it.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kv-{name}"));
        // There may be none yet.
        let _removed = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn files(&self) -> LogFiles {
        LogFiles {
            path: self.0.join("log"),
            durability: Durability::Always,
        }
    }

    pub fn log(&self, shard: usize) -> PathBuf {
        self.files().path_of(shard)
    }
}

/// A command as programs send it.
pub fn command(arguments: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        bytes.extend(format!("${}\r\n", argument.len()).bytes());
        bytes.extend(*argument);
        bytes.extend(b"\r\n");
    }
    bytes
}

pub fn bulk(value: &[u8]) -> Vec<u8> {
    let mut bytes = format!("${}\r\n", value.len()).into_bytes();
    bytes.extend(value);
    bytes.extend(b"\r\n");
    bytes
}
