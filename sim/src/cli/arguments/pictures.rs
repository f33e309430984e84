//! What may stand on the command line of commands that draw.

use super::{InputArguments, shard_count};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use tina_viz::waves::{ROWS_DEFAULT, ROWS_MAX};

#[derive(Args)]
pub(in crate::cli) struct GraphArguments {
    #[command(flatten)]
    pub(in crate::cli) input: InputArguments,
    /// The picture to write.
    #[arg(long, short, value_name = "FILE.svg|.png")]
    pub(in crate::cli) output: PathBuf,
    /// Place it on so many shards, 1 to 255, and show where, and which wires are cut.
    #[arg(long, value_name = "N", value_parser = shard_count())]
    pub(in crate::cli) shards: Option<usize>,
    /// A picture on a dark ground.
    #[arg(long)]
    pub(in crate::cli) dark: bool,
}

#[derive(Args)]
pub(in crate::cli) struct PlotArguments {
    /// The trace, FST, VCD or GHW; for --heat also what `run --stats` wrote.
    pub(in crate::cli) trace: PathBuf,
    /// The picture to write; without it, or with --text, the waves are drawn in the terminal.
    #[arg(long, short, value_name = "FILE.svg|.png")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// Signals to show, such as `tile[*].router.*` or a scope; may be repeated; the default is all.
    #[arg(long, short, value_name = "GLOB")]
    pub(in crate::cli) signals: Vec<String>,
    /// Times to show, in steps or with a unit: `1000..5000`, `1.2us..`, `..400ns`; the default is all.
    #[arg(long, short, value_name = "A..B")]
    pub(in crate::cli) window: Option<String>,
    /// Signals to show as curves, such as occupancies; may be repeated.
    #[arg(long, value_name = "GLOB")]
    pub(in crate::cli) analog: Vec<String>,
    /// Mark a time; may be repeated.
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) cursor: Vec<String>,
    /// How numbers are written.
    #[arg(long, value_enum, default_value_t = RadixArgument::Hex)]
    pub(in crate::cli) radix: RadixArgument,
    /// Rows there are room for; of more signals, those that are alike are folded. 1 to 600.
    #[arg(long, value_name = "N", default_value_t = ROWS_DEFAULT as u16,
        value_parser = clap::value_parser!(u16).range(1..=ROWS_MAX as i64))]
    pub(in crate::cli) rows: u16,
    /// Draw a grid as a heat map of this measure of its signals in the window.
    #[arg(long, value_enum, num_args = 0..=1, default_missing_value = "changes", require_equals = true,
        value_name = "MEASURE")]
    pub(in crate::cli) heat: Option<HeatArgument>,
    /// Draw in the terminal, with letters.
    #[arg(long)]
    pub(in crate::cli) text: bool,
    /// Letters of ASCII alone.
    #[arg(long, requires = "text")]
    pub(in crate::cli) ascii: bool,
    /// Width of a drawing of letters; the default is the terminal's, or 120.
    #[arg(long, value_name = "LETTERS", value_parser = clap::value_parser!(u16).range(40..=1_000))]
    pub(in crate::cli) width: Option<u16>,
    /// A picture on a dark ground.
    #[arg(long)]
    pub(in crate::cli) dark: bool,
}

/// How bits of a trace are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum RadixArgument {
    /// Base 16.
    Hex,
    /// Base 10, without a sign.
    Dec,
    /// Base 10, two's complement.
    Signed,
    /// Base 2.
    Bin,
}

/// What is read of the signals of a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum HeatArgument {
    /// How often they change.
    Changes,
    /// Their mean over time.
    Mean,
    /// Their greatest value.
    Max,
}

#[derive(Args)]
pub(in crate::cli) struct ReportArguments {
    /// The folder of the run, as `run --out` leaves it.
    pub(in crate::cli) folder: PathBuf,
    /// The page to write: one file with all in it, for any browser.
    #[arg(long, short, value_name = "FILE.html", value_parser = page_file)]
    pub(in crate::cli) output: PathBuf,
}

fn page_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("html" | "htm") => Ok(path),
        _ => Err("its name ends in .html".to_owned()),
    }
}
