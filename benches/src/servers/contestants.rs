//! The servers that are compared: how each is built and started.

use super::cores::confine;
use super::options::BackEnd;
use super::wire::Wire;
use crate::compare::host::first_line;
use crate::compare::rivals::{is_there, run_build};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// A server that is compared.
#[derive(Clone, Copy, Debug)]
pub struct Contestant {
    /// Short name.
    pub name: &'static str,
    /// Name in tables.
    pub label: &'static str,
    /// What it serves.
    pub wire: Wire,
    program: Program,
}

#[derive(Clone, Copy, Debug)]
enum Program {
    /// This one.
    Ours(BackEnd),
    /// A program of `benches/rivals/rust`, the feature it is built with and the crate whose version counts.
    Rust(&'static str, &'static str, &'static str),
    /// `redis-server`.
    Redis,
}

const fn contestant(
    name: &'static str,
    label: &'static str,
    wire: Wire,
    program: Program,
) -> Contestant {
    Contestant {
        name,
        label,
        wire,
        program,
    }
}

/// All of them. Others are related to the first of ours of the same wire, and ours to the first rival.
pub const CONTESTANTS: [Contestant; 9] = [
    contestant(
        "tina",
        "tina-engine, io_uring",
        Wire::Echo,
        Program::Ours(BackEnd::Uring),
    ),
    contestant(
        "tina-poller",
        "tina-engine, poller",
        Wire::Echo,
        Program::Ours(BackEnd::Poller),
    ),
    contestant(
        "tokio",
        "Tokio",
        Wire::Echo,
        Program::Rust("echo-tokio", "tokio", "tokio"),
    ),
    contestant(
        "bare",
        "bare epoll loop, no runtime",
        Wire::Echo,
        Program::Ours(BackEnd::Bare),
    ),
    contestant(
        "glommio",
        "Glommio",
        Wire::Echo,
        Program::Rust("echo-glommio", "glommio", "glommio"),
    ),
    contestant(
        "tina",
        "tina-http, io_uring",
        Wire::Http,
        Program::Ours(BackEnd::Uring),
    ),
    contestant(
        "tina-poller",
        "tina-http, poller",
        Wire::Http,
        Program::Ours(BackEnd::Poller),
    ),
    contestant(
        "hyper",
        "hyper on Tokio",
        Wire::Http,
        Program::Rust("http-hyper", "hyper", "hyper"),
    ),
    contestant("redis", "Redis", Wire::Kv, Program::Redis),
];

/// Where things are: the sources of the rivals and what is built of them.
#[derive(Clone, Debug)]
pub struct Places {
    source: PathBuf,
    target: PathBuf,
}

impl Places {
    /// Programs are built below `target`.
    #[must_use]
    pub fn below(target: &Path) -> Self {
        Self {
            source: Path::new(env!("CARGO_MANIFEST_DIR")).join("rivals/rust"),
            target: target.join("rivals/rust"),
        }
    }
}

/// A server that runs; ended when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Running {
    /// Its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ours and the Rust rivals end with their input, but whoever hangs is not waited for.
        drop(self.child.stdin.take());
        let _gone = self.child.kill();
        let _ended = self.child.wait();
    }
}

impl Contestant {
    /// Builds it, unless it is this program; its version, if it has one of its own.
    ///
    /// # Errors
    /// Why it does not take part.
    pub fn build(&self, places: &Places) -> Result<Option<String>, String> {
        match self.program {
            Program::Ours(_) => Ok(None),
            Program::Rust(program, feature, library) => {
                let target = places.target.to_string_lossy();
                let words = [
                    "cargo",
                    "build",
                    "--release",
                    "--locked",
                    "--target-dir",
                    &target,
                ];
                let wanted = ["--features", feature, "--bin", program];
                let command: Vec<String> = words
                    .iter()
                    .chain(&wanted)
                    .map(|&word| word.to_owned())
                    .collect();
                run_build(&command, &places.source)?;
                let tree = [
                    "cargo",
                    "tree",
                    "--locked",
                    "--all-features",
                    "--depth",
                    "0",
                ];
                let tree: Vec<&str> = tree.iter().chain(&["--invert", library]).copied().collect();
                Ok(first_line(&tree, &places.source))
            }
            Program::Redis if !is_there("redis-server") => {
                Err("`redis-server` is missing".to_owned())
            }
            Program::Redis => Ok(first_line(&["redis-server", "--version"], Path::new("."))),
        }
    }

    /// Starts it on some cores, with a thread for each where it can have several.
    ///
    /// # Errors
    /// Why it does not run.
    pub fn start(&self, places: &Places, cores: &[usize]) -> Result<Running, String> {
        let threads = cores.len().to_string();
        let mut command = match self.program {
            Program::Ours(BackEnd::Bare) if cores.len() > 1 => {
                return Err("it has one thread".to_owned());
            }
            Program::Ours(back_end) => {
                let program = std::env::current_exe().map_err(|error| error.to_string())?;
                let mut command = Command::new(program);
                let back_end = match back_end {
                    BackEnd::Uring => "uring",
                    BackEnd::Poller => "poller",
                    BackEnd::Bare => "bare",
                };
                command.args(["serve", self.wire.name(), "--shards", &threads]);
                command.args(["--back-end", back_end]);
                command
            }
            Program::Rust(program, ..) => {
                let mut command = Command::new(places.target.join("release").join(program));
                command.arg(format!("threads={threads}"));
                command
            }
            Program::Redis => return start_redis(cores),
        };
        let mut child = spawn(&mut command, cores)?;
        let mut line = String::new();
        let out = child.stdout.take().ok_or("it has no standard output")?;
        let read = BufReader::new(out).read_line(&mut line);
        let address = line.trim().strip_prefix("listening ").map(str::parse);
        match (read, address) {
            (Ok(_), Some(Ok(address))) => Ok(Running { child, address }),
            _ => {
                let _gone = child.kill();
                let ended = child
                    .wait_with_output()
                    .map_err(|error| error.to_string())?;
                let complaint = String::from_utf8_lossy(&ended.stderr);
                let complaint = complaint.lines().last().unwrap_or("without a word");
                Err(format!("it did not start: {complaint}"))
            }
        }
    }
}

/// A child is confined as the thread that starts it is.
fn spawn(command: &mut Command, cores: &[usize]) -> Result<Child, String> {
    thread::scope(|scope| {
        let started = scope.spawn(|| {
            confine(cores)?;
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .map_err(|error| error.to_string())
        });
        let started = started.join();
        started.map_err(|_| "starting it panicked".to_owned())?
    })
}

/// Redis says nothing of where it listens, so a port is looked for that nobody has.
fn start_redis(cores: &[usize]) -> Result<Running, String> {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr());
    let address = free.map_err(|error| error.to_string())?;
    let mut command = Command::new("redis-server");
    command.args(["--port", &address.port().to_string()]);
    // In memory alone, as ours.
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    if cores.len() > 1 {
        command.args(["--io-threads", &cores.len().to_string()]);
    }
    let child = spawn(&mut command, cores)?;
    let running = Running { child, address };
    for _ in 0..100 {
        if TcpStream::connect(address).is_ok() {
            return Ok(running);
        }
        thread::park_timeout(Duration::from_millis(50));
    }
    Err("it did not listen within 5 s".to_owned())
}
