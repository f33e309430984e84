//! What is asked of stalls on the command line.

use clap::Args;
use tina_engine::StallOptions;

/// What is asked of stalls.
#[derive(Args)]
pub(in crate::cli) struct StallArguments {
    /// Count why ports move nothing, and print the wires that are held up most and the way to what holds
    /// them up; in tables of so many rows.
    #[arg(long, value_name = "ROWS", num_args = 0..=1, require_equals = true,
        default_missing_value = "20", value_parser = clap::value_parser!(u32).range(1..))]
    pub(in crate::cli) stalls: Option<u32>,
    /// Look at one edge in N, chosen by its number alone; 1 counts every edge and takes longer.
    #[arg(long, value_name = "N", default_value_t = 128, requires = "stalls",
        value_parser = clap::value_parser!(u32).range(1..=STALLS_EVERY_MAX))]
    pub(in crate::cli) stalls_every: u32,
}

impl StallArguments {
    /// What the engine is to watch.
    pub(in crate::cli) fn options(&self) -> StallOptions {
        StallOptions {
            every: self.stalls.map_or(0, |_| self.stalls_every),
            recorded: false,
        }
    }
}

/// The longest distance of edges that are looked at.
const STALLS_EVERY_MAX: i64 = 1 << 20;
