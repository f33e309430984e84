//! Measures what a recording costs: a saturated mesh (W2 heavy) unrecorded, with every wire as FST and as
//! VCD, and with one port of one router; and how large the files are beside a VCD file packed by `gzip`.
//!
//! Runs are interleaved, and each is compared with the unrecorded run of its round. The writer has a thread
//! of its own, so the ratio of times depends on whether a second core is free; the ratio of processor time
//! (user and system, all threads) does not. Needs `--release` and, for the last line, `gzip`.
#![forbid(unsafe_code)]

use clap::Parser;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use tina_benches::compare::statistics::{Sample, median, ratio};
use tina_engine::{Catalogue, Limits};
use tina_sim::design::{Design, LoadOptions, load_text};
use tina_sim::run::{RunOptions, execute};
use tina_sim::trace::{Glob, TraceOrder, What};

/// Measures what a recording costs on a saturated mesh.
#[derive(Parser)]
#[command(name = "recording")]
struct Options {
    /// Cycles of a run; the runs that tell what a cycle costs are four times as long
    #[arg(long, default_value_t = 5000)]
    cycles: u64,
    /// Runs of each
    #[arg(long, default_value_t = 7)]
    rounds: u32,
    /// The port that is recorded alone
    #[arg(long, default_value = "router[3][4].east")]
    port: String,
    /// Where the traces are written, and taken away again
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    folder: PathBuf,
}

const LONGER: u64 = 4;

/// One way to run the mesh, and what was measured.
struct Case {
    name: &'static str,
    file: Option<&'static str>,
    is_one_port: bool,
    cycles: u64,
    wall: Vec<Sample>,
    processor_seconds: f64,
    bytes: u64,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match measure(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<(), String> {
    let netlist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../netlists/w2_mesh.ron");
    let text =
        fs::read_to_string(&netlist).map_err(|error| format!("{}: {error}", netlist.display()))?;
    let catalogue = tina_modules::catalogue();
    let design = load_text("w2_mesh.ron", &text, &LoadOptions::default(), &catalogue)
        .map_err(|_| "netlists/w2_mesh.ron is not what this program knows".to_owned())?;
    let glob = Glob::new(&options.port)?;
    let mut cases = cases(options.cycles);
    for round in 0..options.rounds {
        for case in &mut cases {
            case.run(round as usize, options, &glob, &design, &catalogue)?;
        }
    }
    print_times(&cases);
    let vcd = packed_bytes(&options.folder.join("recording.vcd"))?;
    let [_, fst, ..] = &cases[..] else {
        return Err("a case is missing".to_owned());
    };
    println!(
        "file      FST {} bytes, VCD packed by gzip {vcd}: {:.3}",
        fst.bytes,
        fst.bytes as f64 / vcd as f64
    );
    for case in &cases {
        if let Some(file) = case.file {
            // Another case of the same name may have taken it away.
            let _ = fs::remove_file(options.folder.join(file));
        }
    }
    Ok(())
}

fn cases(cycles: u64) -> Vec<Case> {
    let case = |name, file, is_one_port, cycles| Case {
        name,
        file,
        is_one_port,
        cycles,
        wall: Vec::new(),
        processor_seconds: 0.0,
        bytes: 0,
    };
    vec![
        case("unrecorded", None, false, cycles),
        case("every wire, FST", Some("recording.fst"), false, cycles),
        case("every wire, VCD", Some("recording.vcd"), false, cycles),
        case("one port, FST", Some("recording-one.fst"), true, cycles),
        case("unrecorded, longer", None, false, LONGER * cycles),
        case(
            "one port, longer",
            Some("recording-one.fst"),
            true,
            LONGER * cycles,
        ),
    ]
}

impl Case {
    fn run(
        &mut self,
        round: usize,
        options: &Options,
        port: &Glob,
        design: &Design,
        catalogue: &Catalogue,
    ) -> Result<(), String> {
        let order = self.file.map(|file| TraceOrder {
            path: options.folder.join(file),
            scopes: if self.is_one_port {
                vec![port.clone()]
            } else {
                Vec::new()
            },
            save_file: false,
            window: 0..u64::MAX,
            what: What::default(),
        });
        let run = RunOptions {
            limits: Limits {
                cycles: Some(self.cycles),
                ..Limits::default()
            },
            trace: order,
            ..RunOptions::default()
        };
        let before = processor_seconds()?;
        let report =
            execute(design, catalogue, &run, &mut ()).map_err(|error| error.to_string())?;
        self.processor_seconds += processor_seconds()? - before;
        self.wall.push((round, report.host.wall_seconds));
        if let Some(written) = report.trace {
            self.bytes = written?.bytes;
        }
        Ok(())
    }

    fn seconds(&self) -> f64 {
        median(self.wall.iter().map(|sample| sample.1)).unwrap_or(f64::NAN)
    }
}

fn print_times(cases: &[Case]) {
    println!(
        "{:<20}{:>8}{:>12}{:>8}{:>18}{:>14}",
        "W2 heavy", "cycles", "time", "times", "processor, times", "bytes"
    );
    for case in cases {
        let same_length = |base: &&Case| base.file.is_none() && base.cycles == case.cycles;
        let Some(base) = cases.iter().find(same_length) else {
            continue;
        };
        println!(
            "{:<20}{:>8}{:>9.1} ms{:>8.3}{:>18.2}{:>14}",
            case.name,
            case.cycles,
            case.seconds() * 1e3,
            ratio(&case.wall, &base.wall).unwrap_or(f64::NAN),
            case.processor_seconds / base.processor_seconds,
            case.bytes
        );
    }
    let [plain, .., one, plain_longer, one_longer] = cases else {
        return;
    };
    let more = (one_longer.seconds() - one.seconds()) / (plain_longer.seconds() - plain.seconds());
    println!(
        "one port  {:.3} times as long for each further cycle, start and end of a run apart",
        more
    );
}

/// Time that all threads of this process have run, the ended ones included.
fn processor_seconds() -> Result<f64, String> {
    /// What Linux tells these times in, on every architecture it is built for.
    const TICKS_PER_SECOND: f64 = 100.0;
    let text = fs::read_to_string("/proc/self/stat").map_err(|error| error.to_string())?;
    // Behind the name, which may contain anything, state comes first and then numbers.
    let fields = text
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let ticks = fields
        .skip(11)
        .take(2)
        .map(|field| field.parse::<f64>().unwrap_or(f64::NAN));
    Ok(ticks.sum::<f64>() / TICKS_PER_SECOND)
}

fn packed_bytes(path: &Path) -> Result<usize, String> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let packed = Command::new("gzip")
        .arg("-c")
        .stdin(file)
        .stdout(Stdio::piped())
        .output();
    let packed = packed.map_err(|error| format!("gzip: {error}"))?;
    Ok(packed.stdout.len())
}
