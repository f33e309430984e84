//! The command line of `overload`.

use clap::Parser;

/// Offers isolates and connections many times what they can take, and checks what is promised for it: no
/// memory is taken, every refused message is told to its sender, what was offered is what was handled and
/// refused, and what is accepted does not wait for long.
#[derive(Clone, Copy, Debug, Parser)]
#[command(name = "overload")]
pub struct Options {
    /// Seconds of load, a sixth of which is to warm up
    #[arg(long, default_value_t = 60.0)]
    pub seconds: f64,
    /// How many times what can be taken is offered
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub times: u32,
    /// Shards, a thread each
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub shards: u8,
    /// Isolates that give, and as many that take, per shard
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub isolates: u16,
    /// Messages in a mailbox
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_535))]
    pub mailbox: u32,
    /// Connections per shard that there is room for
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub connections: u32,
}
