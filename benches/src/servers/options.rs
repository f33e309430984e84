//! The command line of `servers`.

use super::wire::Wire;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use tina_engine::io::IoChoice;

/// Measures servers on the runtime beside those of other libraries: requests per second, latency, and
/// processor time of a request, at equal cores.
#[derive(Clone, Debug, Parser)]
#[command(name = "servers")]
pub struct Options {
    /// What is measured.
    #[command(flatten)]
    pub measured: Measured,
    /// What this program does instead of measuring.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What is measured, and how.
#[derive(Clone, Debug, Args)]
pub struct Measured {
    /// Rounds; in each, every server runs once
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: u16,
    /// Seconds of a measurement, after a quarter of that to warm up
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    pub connections: u16,
    /// Cores of a server [default: half of those there are]
    #[arg(long)]
    pub cores: Option<usize>,
    /// What is asked of servers [default: all]
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<Wire>,
    /// Servers, by name, as `tina`, `tina-poller`, `tokio`, `hyper`, `glommio`, `redis` [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub forms: Vec<String>,
    /// Also write all figures to a file, as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// What the program does instead of measuring.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Serve until the standard input ends
    Serve(Serve),
    /// Ask a server that runs already, and say how it answers
    Load(Load),
}

/// One of our own servers.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// What it serves
    #[arg(value_enum)]
    pub wire: Wire,
    /// Shards, a thread each
    #[arg(long, default_value_t = 1)]
    pub shards: usize,
    /// What its I/O is made of
    #[arg(long, value_enum, default_value_t = BackEnd::Uring)]
    pub back_end: BackEnd,
}

/// A load on its own.
#[derive(Clone, Debug, Args)]
pub struct Load {
    /// What is asked
    #[arg(value_enum)]
    pub wire: Wire,
    /// The server's address
    pub address: std::net::SocketAddr,
    /// Seconds, after a quarter of that to warm up
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    pub connections: u16,
}

/// What a server's I/O is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BackEnd {
    /// io_uring
    Uring,
    /// The portable poller
    Poller,
    /// No runtime at all: a bare loop over epoll, for echo alone
    Bare,
}

impl BackEnd {
    /// What that is for the runtime; none without one.
    pub(super) fn choice(self) -> Option<IoChoice> {
        match self {
            Self::Uring => Some(IoChoice::Uring),
            Self::Poller => Some(IoChoice::Portable),
            Self::Bare => None,
        }
    }
}

impl Measured {
    pub(super) fn wants(&self, wire: Wire, name: &str) -> bool {
        (self.only.is_empty() || self.only.contains(&wire))
            && (self.forms.is_empty() || self.forms.iter().any(|form| form == name))
    }
}
