//! What may stand on the command line.

mod later;
mod pictures;
mod stalls;
mod outside;

pub(super) use later::{DiffArguments, ReplayArguments};
use outside::OutsideArguments;
pub(super) use outside::UartArgument;
pub(super) use pictures::{
    GraphArguments, HeatArgument, PlotArguments, RadixArgument, ReportArguments,
};
use stalls::StallArguments;

use crate::design::Design;
use crate::run::{Contender, FlightOrder, RunFolder, Variant};
use crate::trace::{Glob, TraceOrder, What};
use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ops::Range;
use std::path::{Path, PathBuf};
use tina_engine::{Limits, SHARDS_MAX, core_count};
use tina_viz::write::Format;

/// The clocked hardware simulator whose result does not depend on the number of shards.
#[derive(Parser)]
#[command(
    name = "tina-hw",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
#[command(
    after_help = "Exit codes: 0 finished, 1 the guest or a self-check failed, 2 wrong usage or \
    input, 3 deadlock, 4 --max-cycles reached, 5 a module faulted, 6 digests differ, 130 interrupted."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Run a netlist to its end.
    Run(Box<RunArguments>),
    /// Run a netlist at several shard counts and compare the digests of every epoch.
    Verify(VerifyArguments),
    /// Run a netlist as many seeds have it, on all cores, and compare each with the plain run.
    Swarm(SwarmArguments),
    /// Check a netlist: warnings, rate limits of wires, placement, memory.
    Check(CheckArguments),
    /// Compare the speed of several shard counts.
    Compare(CompareArguments),
    /// Make waves of a run that is over, from its checkpoints.
    Replay(ReplayArguments),
    /// Compare two runs, netlists or seeds: the first cycle, wire and value that differ.
    Diff(DiffArguments),
    /// List the kinds of module, or what is known of one.
    List(ListArguments),
    /// Draw signals of a trace, of any simulator: waveforms, or a heat map of a grid.
    Plot(PlotArguments),
    /// Draw a netlist: its hierarchy as boxes, arrays folded, wires in bundles.
    Graph(GraphArguments),
    /// Show a run that is over on one page: what came out, how it went, where it was held up.
    Report(ReportArguments),
}

/// What to load.
#[derive(Args)]
pub(super) struct InputArguments {
    /// The netlist, a RON file.
    pub(super) netlist: PathBuf,
    /// Give a parameter of the netlist another value; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    pub(super) set: Vec<(String, String)>,
    /// Seed of everything random in the netlist.
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
    /// The guest's program, an ELF file; instead of the one the netlist names.
    #[arg(long, value_name = "ELF")]
    pub(super) program: Option<PathBuf>,
}

/// When to end.
#[derive(Args)]
pub(super) struct LimitArguments {
    /// Run that many cycles of the base clock: reaching them is success.
    #[arg(long, value_name = "N", conflicts_with = "max_cycles", value_parser = cycle_count())]
    pub(super) cycles: Option<u64>,
    /// Give up after that many cycles of the base clock: reaching them is a failure.
    #[arg(long, value_name = "N", value_parser = cycle_count())]
    pub(super) max_cycles: Option<u64>,
}

impl LimitArguments {
    /// The limits given, or else those of the netlist.
    pub(super) fn limits(&self, design: &Design) -> Limits {
        if self.cycles.is_some() || self.max_cycles.is_some() {
            return Limits {
                cycles: self.cycles,
                max_cycles: self.max_cycles,
            };
        }
        Limits {
            cycles: design.run.cycles,
            max_cycles: design.run.max_cycles,
        }
    }
}

#[derive(Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    pub(super) input: InputArguments,
    #[command(flatten)]
    pub(super) limits: LimitArguments,
    /// Shards, 1 to 255, or `auto`: as many as the run is worth, by a short measurement.
    #[arg(long, value_name = "N|auto", default_value = "1", value_parser = shards)]
    pub(super) shards: Shards,
    /// Threads, 1 to 255; the default is the smaller of shards and cores.
    #[arg(long, value_name = "N", value_parser = shard_count())]
    pub(super) threads: Option<usize>,
    /// Place instances by what was measured before.
    #[arg(long, value_name = "FILE.json", conflicts_with = "profile_out")]
    pub(super) profile_in: Option<PathBuf>,
    /// Measure the run, for later placement: what modules cost, how busy they are, what wires carry.
    #[arg(long, value_name = "FILE.json")]
    pub(super) profile_out: Option<PathBuf>,
    /// Clock every module at every edge; the result is the same.
    #[arg(long)]
    pub(super) no_sleep: bool,
    /// Clock elements one by one instead of many at a time; the result is the same.
    #[arg(long)]
    pub(super) no_vectors: bool,
    /// Put instances on shards, and give shards turns on one thread, as this seed has it; the result is the
    /// same.
    #[arg(long, value_name = "SEED", conflicts_with_all = ["threads", "timeline", "out", "profile_in", "profile_out"])]
    pub(super) seeded: Option<u64>,
    /// Run again at another shard count and compare the digests of every epoch.
    #[arg(long)]
    pub(super) verify: bool,
    #[command(flatten)]
    pub(super) checkpoints: CheckpointArguments,
    /// Print one JSON object on standard output; what the guest prints goes to standard error.
    #[arg(long)]
    pub(super) json: bool,
    /// Write all statistics of the run to a file: JSON or CSV, by its ending.
    #[arg(long, value_name = "FILE.json|.csv", value_parser = statistics_file)]
    pub(super) stats: Option<PathBuf>,
    /// Keep the run in this folder: manifest, digests of all epochs, statistics, counts over time, what
    /// shards did with their time, checkpoints, and of a run that ended badly its last cycles.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Write what every shard did with its time, for ui.perfetto.dev and chrome://tracing.
    #[arg(long, value_name = "FILE.json", value_parser = timeline_file)]
    pub(super) timeline: Option<PathBuf>,
    /// Measure what comes after so many cycles apart from what came before.
    #[arg(long, value_name = "N")]
    pub(super) warmup: Option<u64>,
    /// End the measurement after so many cycles; what follows is the drain.
    #[arg(long, value_name = "N", requires = "warmup", value_parser = cycle_count())]
    pub(super) measure: Option<u64>,
    #[command(flatten)]
    pub(super) stalls: StallArguments,
    #[command(flatten)]
    pub(super) trace: TraceArguments,
    #[command(flatten)]
    pub(super) outside: OutsideArguments,
    #[command(flatten)]
    pub(super) aftermath: AftermathArguments,
    /// Print what the guest prints and nothing else.
    #[arg(long, short)]
    pub(super) quiet: bool,
}

/// What is saved of a run, and where it goes on.
#[derive(Args)]
pub(super) struct CheckpointArguments {
    /// Save the machine in this folder when it is interrupted, and when its cycles are done.
    #[arg(long, value_name = "DIR")]
    pub(super) checkpoint_dir: Option<PathBuf>,
    /// Save it after every N cycles, too, at the end of the epoch.
    #[arg(long, value_name = "N", value_parser = cycle_count())]
    pub(super) checkpoint_every: Option<u64>,
    /// Keep the N latest checkpoints of this machine in the folder; the default is all.
    #[arg(long, value_name = "N", requires = "checkpoint_every",
        value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub(super) checkpoint_keep: Option<usize>,
    /// Go on from a checkpoint, or from the latest whole one of a folder; at any shard count.
    #[arg(long, value_name = "FILE|DIR")]
    pub(super) resume: Option<PathBuf>,
    /// Go on from a checkpoint, or by a journal, that another build of this program made, too.
    #[arg(long)]
    pub(super) any_build: bool,
}

/// What is done about a run that ended badly.
#[derive(Args)]
pub(super) struct AftermathArguments {
    /// After a deadlock, run again with the smallest full wire of the wait-for cycle one slot deeper, and
    /// say whether that helps.
    #[arg(long)]
    pub(super) what_if_depth: bool,
    /// After a fault, a deadlock or --max-cycles, run again and write the last N cycles of the modules
    /// concerned to the file of --flight-file. With --out that is done for 200 cycles; 0 leaves it out.
    #[arg(long, value_name = "N")]
    pub(super) flight: Option<u64>,
    /// The trace that --flight writes; the default is flight.fst, in the folder of --out if there is one.
    #[arg(long, value_name = "FILE", value_parser = trace_path)]
    pub(super) flight_file: Option<PathBuf>,
}

/// Cycles before the end of a run that ended badly, where its folder is kept.
const FLIGHT_CYCLES: u64 = 200;

impl AftermathArguments {
    /// The recording of the end that is asked for, of a run that may have a folder.
    pub(super) fn flight(&self, out: Option<&Path>) -> Option<FlightOrder> {
        let cycles = self.flight.or(out.map(|_| FLIGHT_CYCLES));
        let path = || match (&self.flight_file, out) {
            (Some(path), _) => path.clone(),
            (None, Some(out)) => RunFolder::new(out).flight(),
            (None, None) => PathBuf::from("flight.fst"),
        };
        let cycles = cycles.filter(|&cycles| cycles > 0)?;
        Some(FlightOrder {
            cycles,
            path: path(),
        })
    }
}

/// What of a run is written into a trace.
#[derive(Args)]
pub(super) struct TraceArguments {
    /// Write a trace of the run for a waveform viewer: FILE.fst or FILE.vcd.
    #[arg(long, value_name = "FILE", value_parser = trace_path)]
    pub(super) trace: Option<PathBuf>,
    /// Trace only what this matches, such as 'tile[*].router.*': instances, their ports and all in
    /// them; a wire by either of its ends. May be repeated.
    #[arg(long, value_name = "GLOB", requires = "trace", value_parser = Glob::new)]
    pub(super) trace_scope: Vec<Glob>,
    /// Trace only from cycle A on and before cycle B, of the base clock.
    #[arg(long, value_name = "A..B", requires = "trace", value_parser = window)]
    pub(super) trace_window: Option<Range<u64>>,
    /// Write a save file for GTKWave beside the trace, FILE.gtkw: it opens with the signals in groups.
    #[arg(long, requires = "trace")]
    pub(super) trace_save: bool,
    /// What to trace, separated by commas; the default is transfers, occupancy and probes.
    #[arg(long, value_name = "WHAT", requires = "trace", value_delimiter = ',')]
    pub(super) trace_what: Vec<TraceWhat>,
}

/// A part of a trace.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TraceWhat {
    /// Items pushed to wires, with their fields.
    Transfers,
    /// Items in wires.
    Occupancy,
    /// Fields that modules show.
    Probes,
    /// A square wave for each clock domain.
    Clocks,
    /// Why the two ends of a wire moved no item, at every edge.
    Stalls,
}

impl TraceArguments {
    /// The trace that is asked for.
    pub(super) fn order(&self) -> Option<TraceOrder> {
        self.trace.as_ref().map(|path| TraceOrder {
            path: path.clone(),
            scopes: self.trace_scope.clone(),
            window: self.trace_window.clone().unwrap_or(0..u64::MAX),
            what: what_of(&self.trace_what),
            save_file: self.trace_save,
        })
    }
}

/// The parts that are asked for.
fn what_of(parts: &[TraceWhat]) -> What {
    let asked = |what| parts.contains(&what);
    if parts.is_empty() {
        return What::default();
    }
    What {
        transfers: asked(TraceWhat::Transfers),
        occupancy: asked(TraceWhat::Occupancy),
        probes: asked(TraceWhat::Probes),
        clocks: asked(TraceWhat::Clocks),
        stalls: asked(TraceWhat::Stalls),
    }
}

fn trace_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match Format::of_path(&path) {
        Ok(_) => Ok(path),
        Err(error) => Err(error.to_string()),
    }
}

/// Cycles `A..B`; either may be left out.
fn window(text: &str) -> Result<Range<u64>, String> {
    const FORM: &str = "it is written A..B: from cycle A on and before cycle B";
    let (start, end) = text.split_once("..").ok_or(FORM)?;
    let cycle = |text: &str, default| match text {
        "" => Ok(default),
        text => text.parse::<u64>().map_err(|_| FORM.to_owned()),
    };
    let window = cycle(start, 0)?..cycle(end, u64::MAX)?;
    if window.is_empty() {
        let last = window.start.saturating_add(1);
        return Err(format!(
            "it is empty: cycle {} is not in it; {}..{last} is that cycle alone",
            window.start, window.start
        ));
    }
    Ok(window)
}

#[derive(Args)]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    pub(super) input: InputArguments,
    #[command(flatten)]
    pub(super) limits: LimitArguments,
    #[command(flatten)]
    pub(super) variants: VariantArguments,
    /// Add each run once more with every module clocked at every edge.
    #[arg(long)]
    pub(super) no_sleep: bool,
    /// Add each run once more with elements clocked one by one instead of many at a time.
    #[arg(long)]
    pub(super) no_vectors: bool,
}

#[derive(Args)]
pub(super) struct SwarmArguments {
    #[command(flatten)]
    pub(super) input: InputArguments,
    #[command(flatten)]
    pub(super) limits: LimitArguments,
    /// Seeds A..B: from A on and before B.
    #[arg(long, value_name = "A..B", default_value = "0..100", value_parser = window)]
    pub(super) seeds: Range<u64>,
    /// Begin no more runs after so many seconds.
    #[arg(long = "for", value_name = "SECONDS")]
    pub(super) seconds: Option<u64>,
    /// The most shards that a seed may draw, 1 to 255.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = shard_count())]
    pub(super) shards: usize,
}

#[derive(Args)]
pub(super) struct CompareArguments {
    #[command(flatten)]
    pub(super) input: InputArguments,
    #[command(flatten)]
    pub(super) limits: LimitArguments,
    /// Shard counts, 1 to 255 each, or `auto`, separated by commas.
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', default_value = "1,2,4,8", value_parser = shards)]
    pub(super) shards: Vec<Shards>,
    /// Thread counts to combine them with; the default is the smaller of shards and cores.
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', value_parser = shard_count())]
    pub(super) threads: Vec<usize>,
    /// Place instances by what was measured before.
    #[arg(long, value_name = "FILE.json")]
    pub(super) profile_in: Option<PathBuf>,
    /// Also predict the speed on 2 to 64 cores, from a short measurement or --profile-in.
    #[arg(long)]
    pub(super) predict: bool,
    /// Runs of each; the median counts.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(super) rounds: u16,
}

impl CompareArguments {
    /// Every shard count with every thread count; `auto` once.
    pub(super) fn contenders(&self) -> Vec<Contender> {
        let mut contenders = Vec::new();
        for shards in &self.shards {
            let Shards::Count(count) = shards else {
                let shard_count_max = shards.most(None);
                contenders.push(Contender::Auto { shard_count_max });
                continue;
            };
            let variants = VariantArguments {
                shards: vec![*count],
                threads: self.threads.clone(),
            };
            let variants = variants.variants(false, false).into_iter();
            contenders.extend(variants.map(Contender::Fixed));
        }
        contenders
    }
}

/// Several ways to run one netlist.
#[derive(Args)]
pub(super) struct VariantArguments {
    /// Shard counts, 1 to 255 each, separated by commas.
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', default_value = "1,2,4,8", value_parser = shard_count())]
    pub(super) shards: Vec<usize>,
    /// Thread counts to combine them with; the default is the smaller of shards and cores.
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', value_parser = shard_count())]
    pub(super) threads: Vec<usize>,
}

impl VariantArguments {
    /// Every shard count with every thread count, and all of them again without sleeping or without
    /// vectors if asked.
    pub(super) fn variants(&self, also_no_sleep: bool, also_no_vectors: bool) -> Vec<Variant> {
        let threads: Vec<Option<usize>> = if self.threads.is_empty() {
            vec![None]
        } else {
            self.threads.iter().copied().map(Some).collect()
        };
        let mut variants = Vec::new();
        let ways = [
            (true, false, false),
            (also_no_sleep, true, false),
            (also_no_vectors, false, true),
        ];
        for (_, no_sleep, no_vectors) in ways.into_iter().filter(|way| way.0) {
            for &shard_count in &self.shards {
                for &thread_count in &threads {
                    variants.push(Variant {
                        shard_count,
                        thread_count,
                        no_sleep,
                        no_vectors,
                        seeded: None,
                    });
                }
            }
        }
        variants
    }
}

#[derive(Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    pub(super) input: InputArguments,
    /// Shards to place it on, 1 to 255.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = shard_count())]
    pub(super) shards: usize,
    /// Place instances by what was measured before, and predict how fast they run.
    #[arg(long, value_name = "FILE.json")]
    pub(super) profile_in: Option<PathBuf>,
    /// Run it with every module clocked at every edge, and name those that sleep too long.
    #[arg(long)]
    pub(super) sleep: bool,
    /// Cycles for `--sleep`; the default is the netlist's own, else 20000.
    #[arg(long, value_name = "N", requires = "sleep", value_parser = cycle_count())]
    pub(super) cycles: Option<u64>,
}

#[derive(Args)]
pub(super) struct ListArguments {
    /// A kind, such as `flow.source`, or a family, such as `flow`.
    pub(super) kind: Option<String>,
}

fn shard_count() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=SHARDS_MAX as u64)
}

/// How many shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shards {
    /// So many.
    Count(usize),
    /// As many as the run is worth.
    Auto,
}

impl Shards {
    /// So many, or at most one for each core and thread there is.
    pub(super) fn most(self, thread_count: Option<usize>) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Auto => core_count()
                .min(thread_count.unwrap_or(usize::MAX))
                .min(SHARDS_MAX),
        }
    }
}

fn shards(text: &str) -> Result<Shards, String> {
    match text.parse() {
        _ if text == "auto" => Ok(Shards::Auto),
        Ok(count) if (1..=SHARDS_MAX).contains(&count) => Ok(Shards::Count(count)),
        Ok(count) => Err(format!("{count} is not in 1..={SHARDS_MAX}")),
        Err(_) => Err("it is a number or `auto`".to_owned()),
    }
}

fn cycle_count() -> RangedU64ValueParser<u64> {
    RangedU64ValueParser::new().range(1..)
}

fn statistics_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("json" | "csv") => Ok(path),
        _ => Err("its name ends in .json or .csv".to_owned()),
    }
}

fn timeline_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("json") => Ok(path),
        _ => Err("its name ends in .json".to_owned()),
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("it is written NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_description_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn variants_are_all_combinations() {
        let arguments = VariantArguments {
            shards: vec![1, 2],
            threads: vec![1, 2],
        };
        let texts: Vec<String> = arguments
            .variants(true, true)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            texts.join("; "),
            "1 shard on 1 thread; 1 shard on 2 threads; 2 shards on 1 thread; 2 shards on 2 threads; \
             1 shard on 1 thread without sleeping; 1 shard on 2 threads without sleeping; \
             2 shards on 1 thread without sleeping; 2 shards on 2 threads without sleeping; \
             1 shard on 1 thread without vectors; 1 shard on 2 threads without vectors; \
             2 shards on 1 thread without vectors; 2 shards on 2 threads without vectors"
        );
    }
}
