//! What may stand on the command line of commands about runs that are over.

use super::{
    InputArguments, TraceWhat, assignment, cycle_count, shard_count, trace_path, what_of, window,
};
use crate::trace::{Glob, TraceOrder};
use clap::Args;
use std::ops::Range;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(in crate::cli) struct ReplayArguments {
    /// The folder of the checkpoints, or of the run that has them.
    pub(in crate::cli) folder: PathBuf,
    /// Trace from cycle A on and before cycle B, of the base clock.
    #[arg(long, value_name = "A..B", value_parser = window)]
    pub(in crate::cli) window: Range<u64>,
    /// Where the waves go: FILE.fst or FILE.vcd.
    #[arg(long, value_name = "FILE", value_parser = trace_path)]
    trace: PathBuf,
    /// Trace only what this matches, such as 'tile[*].router.*'; may be repeated.
    #[arg(long, value_name = "GLOB", value_parser = Glob::new)]
    trace_scope: Vec<Glob>,
    /// What to trace, separated by commas; the default is transfers, occupancy and probes.
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    trace_what: Vec<TraceWhat>,
    /// Shards, 1 to 255; not those of the run.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = shard_count())]
    pub(in crate::cli) shards: usize,
    /// Threads, 1 to 255; the default is the smaller of shards and cores.
    #[arg(long, value_name = "N", value_parser = shard_count())]
    pub(in crate::cli) threads: Option<usize>,
    /// What came into the run from outside; the default is the journal in the folder of the run.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) journal_in: Option<PathBuf>,
    /// Start from checkpoints that another build of this program made, too.
    #[arg(long)]
    pub(in crate::cli) any_build: bool,
    /// Print nothing.
    #[arg(long, short)]
    pub(in crate::cli) quiet: bool,
}

impl ReplayArguments {
    /// The trace that is asked for.
    pub(in crate::cli) fn order(&self) -> TraceOrder {
        TraceOrder {
            path: self.trace.clone(),
            scopes: self.trace_scope.clone(),
            window: self.window.clone(),
            what: what_of(&self.trace_what),
            save_file: false,
        }
    }
}

#[derive(Args)]
pub(in crate::cli) struct DiffArguments {
    /// The folder of a run (`run --out`), or a netlist.
    pub(in crate::cli) first: PathBuf,
    /// Another; may be left out where two seeds are given.
    pub(in crate::cli) second: Option<PathBuf>,
    /// Seed of the first, where it is a netlist.
    #[arg(long, value_name = "SEED")]
    pub(in crate::cli) seed_a: Option<u64>,
    /// Seed of the second, where it is a netlist.
    #[arg(long, value_name = "SEED")]
    pub(in crate::cli) seed_b: Option<u64>,
    /// Give a parameter of the netlists another value; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// The guest's program, an ELF file; instead of the one a netlist names.
    #[arg(long, value_name = "ELF")]
    program: Option<PathBuf>,
    /// Compare so many cycles of netlists; the default is the netlists' own, else 1000000.
    #[arg(long, value_name = "N", value_parser = cycle_count())]
    pub(in crate::cli) cycles: Option<u64>,
    /// Draw the waves around the difference, too: FILE-a.svg and FILE-b.svg (or .png), and the traces
    /// beside them.
    #[arg(long, short, value_name = "FILE.svg|.png")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// Shards that both are simulated on.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = shard_count())]
    pub(in crate::cli) shards: usize,
}

impl DiffArguments {
    /// What to load for one of both.
    pub(in crate::cli) fn input(&self, netlist: &Path, seed: Option<u64>) -> InputArguments {
        InputArguments {
            netlist: netlist.to_owned(),
            set: self.set.clone(),
            seed: seed.unwrap_or_default(),
            program: self.program.clone(),
        }
    }
}
