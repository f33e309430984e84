//! A sharded key-value store that `redis-cli` and `redis-benchmark` can talk to.
//!
//! Without an address it tries itself out: it sets keys over TCP, has a store fail in the midst of it, and
//! shows what its log has kept. With one, `key_value 127.0.0.1:6380`, it serves there until its input ends;
//! `docs/key-value.md` is a walk through it.
#![forbid(unsafe_code)]

use clap::{Parser, ValueEnum};
use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tina_engine::io::IoChoice;
use tina_engine::runtime::{Level, Runtime, Specification};
use tina_kv::{Durability, Limits, LogFiles, Server};

const PATIENCE: Duration = Duration::from_secs(20);

/// A sharded key-value store that speaks a part of the Redis protocol.
#[derive(Parser)]
struct Arguments {
    /// Where to serve; without it, it tries itself out.
    address: Option<SocketAddr>,
    /// Shards, each with a thread and keys of its own.
    #[arg(long, default_value_t = 2)]
    shards: usize,
    /// What the names of the shards' logs begin with; without it, keys live as long as the process.
    #[arg(long, value_name = "FILE")]
    append_only: Option<PathBuf>,
    /// When the log is on the disk.
    #[arg(long, value_enum, default_value_t = Fsync::Always)]
    fsync: Fsync,
    /// MiB for keys and values, per shard.
    #[arg(long, default_value_t = 256)]
    memory: usize,
    /// Keys, per shard.
    #[arg(long, default_value_t = 1 << 20)]
    keys: u32,
    /// Connections, per shard.
    #[arg(long, default_value_t = 1000)]
    connections: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Fsync {
    /// Before anything is answered.
    Always,
    /// About every second.
    Everysec,
    /// When the system likes.
    No,
}

impl Arguments {
    fn limits(&self) -> Limits {
        Limits {
            keys: self.keys,
            store_bytes: self.memory << 20,
            connections: self.connections,
            ..Limits::default()
        }
    }

    fn log_files(&self) -> Option<LogFiles> {
        let path = self.append_only.clone()?;
        let durability = match self.fsync {
            Fsync::Always => Durability::Always,
            Fsync::Everysec => Durability::EverySecond,
            Fsync::No => Durability::Never,
        };
        Some(LogFiles { path, durability })
    }
}

/// When it is, in milliseconds since 1970, and a number that nobody can guess.
#[expect(
    clippy::disallowed_methods,
    reason = "times to live outlast the process, so they are counted by the date"
)]
fn date_and_secret() -> Result<(u64, u64), Box<dyn Error>> {
    let date = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let secret = RandomState::new().hash_one(date);
    Ok((date.as_millis() as u64, secret))
}

fn boot(arguments: &Arguments) -> Result<(Runtime, Server), Box<dyn Error>> {
    let files = arguments.log_files();
    let at = date_and_secret()?;
    let server = Server::new(arguments.shards, arguments.limits(), files.as_ref(), at)?;
    let specification = Specification::new(arguments.shards).log(Level::Warning, 4096);
    let runtime = Runtime::boot(server.install(specification, IoChoice::Auto))?;
    Ok((runtime, server))
}

fn end(runtime: &mut Runtime) {
    let forced = runtime.shutdown(PATIENCE).forced;
    runtime.drain_log(|record| println!("  {record}"));
    println!("shut down{}", if forced { ", by force" } else { "" });
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let Some(address) = arguments.address else {
        return try_it_out();
    };
    let (mut runtime, server) = boot(&arguments)?;
    let (address, keys) = server.open(&runtime, address)?;
    println!("{keys} keys at {address}");
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    end(&mut runtime);
    Ok(())
}

/// A client that sends lines and reads lines.
struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// The first line of the reply.
    fn say(&mut self, command: &str) -> std::io::Result<String> {
        // In one piece: what is behind it would wait until the first is acknowledged.
        let line = format!("{command}\r\n");
        self.stream.get_mut().write_all(line.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

/// What is written before a store fails and before the server ends is there afterwards.
fn try_it_out() -> Result<(), Box<dyn Error>> {
    let directory = std::env::temp_dir().join(format!("key-value-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let arguments = Arguments {
        address: None,
        shards: 2,
        append_only: Some(directory.join("log")),
        fsync: Fsync::Always,
        memory: 16,
        keys: 10_000,
        connections: 100,
    };
    let local = SocketAddr::from(([127, 0, 0, 1], 0));

    let (mut runtime, server) = boot(&arguments)?;
    let (address, keys) = server.open(&runtime, local)?;
    println!("{keys} keys at the start");
    let mut client = Client::connect(address)?;
    for number in 0..200 {
        client.say(&format!("SET key:{number} {number}"))?;
    }
    println!("DBSIZE   {}", client.say("DBSIZE")?);
    println!("INCR     {}", client.say("INCR key:41")?);
    println!("INCR     {}", client.say("INCR text")?);
    println!("APPEND   {}", client.say("APPEND text !")?);
    println!("INCR     {}", client.say("INCR text")?);

    server.fail(&runtime, 0)?;
    let keys = server.ready(&runtime)?;
    println!("a store has failed and read its log again: {keys} keys");
    println!("DBSIZE   {}", client.say("DBSIZE")?);
    end(&mut runtime);
    drop(runtime);

    let (mut runtime, server) = boot(&arguments)?;
    let (address, keys) = server.open(&runtime, local)?;
    println!("{keys} keys after the server was started again");
    let mut client = Client::connect(address)?;
    println!("STRLEN   {}", client.say("STRLEN text")?);
    println!("INCR     {}", client.say("INCR key:41")?);
    end(&mut runtime);
    std::fs::remove_dir_all(&directory)?;
    Ok(())
}
