//! What is measured, as data: a workload is an entry of [`SUBJECTS`].
//!
//! A subject is a netlist with parameters and, where there is one, the same design as a plain loop
//! and as a tuned one. All of them start at cycle 0, are set up before time counts, and say in a
//! [`Run`] what they did, so that nobody is timed who computes something else.

use crate::plain::{Mesh, Pipeline, Systolic};
use crate::tuned::{TunedPipeline, TunedSystolic};
use std::fs;
use std::hint::black_box;
use std::path::Path;
use tina_engine::{HostOptions, Limits, Outcome, Resources};
use tina_modules::catalogue;
use tina_modules::riscv::image::Image;
use tina_sim::design::{Design, LoadOptions, load};
use tina_sim::run::{RunOptions, Stopwatch, boot, execute};

/// A workload.
pub struct Subject {
    /// Its name on command lines.
    pub name: &'static str,
    /// Its name in tables.
    pub title: &'static str,
    /// Its file in `netlists/`.
    pub netlist: &'static str,
    /// Values of the netlist's parameters.
    pub set: &'static [(&'static str, &'static str)],
    /// How far it is run; without it, to the end its modules give it.
    pub cycles: Option<u64>,
    /// The same design by hand.
    pub model: Option<Model>,
    /// Results after `cycles`, some of them or all; the others are those of the model, or what the
    /// first form gives.
    pub expected: &'static [(&'static str, u64)],
    /// Other netlists that are measured beside it.
    pub variants: &'static [Variant],
    /// Harts that execute instructions, 0 if it is not about them.
    pub hart_count: u64,
    /// Whether its modules are elements, fired many at a time.
    pub has_elements: bool,
    /// Whether it is there to tell about tina-hw alone, and runs only if witnesses are asked for.
    pub is_witness: bool,
}

/// A design that exists as a plain loop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Model {
    /// W1 with so many stages.
    Pipeline(usize),
    /// W2 with side and rate.
    Mesh(usize, f64),
    /// W3 and W4 with this side.
    Systolic(usize),
}

/// Another netlist of the same workload.
pub struct Variant {
    /// Its name in front of `-1`, `-2`, … for the number of shards.
    pub name: &'static str,
    /// Its name in tables.
    pub title: &'static str,
    /// Its file in `netlists/`.
    pub netlist: &'static str,
    /// Values of its parameters.
    pub set: &'static [(&'static str, &'static str)],
    /// Whether it must give the results of the workload, or is another workload to compare with,
    /// which is measured on one shard, if witnesses are asked for.
    pub same_results: bool,
}

/// Names and values of the results of a run.
pub type Totals = Vec<(String, u64)>;

/// What a run did.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// How long it took, set-up and the gathering of results left out.
    pub seconds: f64,
    /// Cycles of the base clock.
    pub cycles: u64,
    /// Items pushed into FIFOs, where somebody counts them.
    pub transfers: Option<u64>,
    /// The results of the workload.
    pub totals: Totals,
}

/// A form that is set up.
pub type Ready<'a> = Box<dyn FnOnce() -> Result<Run, String> + 'a>;

/// What most entries have in common.
const USUAL: Subject = Subject {
    name: "",
    title: "",
    netlist: "",
    set: &[],
    cycles: Some(20_000),
    model: None,
    expected: &[],
    variants: &[],
    hart_count: 0,
    has_elements: false,
    is_witness: false,
};

/// The workloads.
pub const SUBJECTS: &[Subject] = &[
    Subject {
        name: "w1",
        has_elements: true,
        title: "W1 pipeline",
        netlist: "w1_pipeline.ron",
        model: Some(Model::Pipeline(1024)),
        expected: &[("count", 18_975), ("check", 0xbfea_c04d_7a70_661f)],
        ..USUAL
    },
    Subject {
        name: "w2-light",
        title: "W2 mesh, light",
        netlist: "w2_mesh.ron",
        set: &[("rate", "0.05")],
        model: Some(Model::Mesh(16, 0.05)),
        expected: &[
            ("delivered", 255_977),
            ("latency_sum", 3_321_417),
            ("check", 0x98aa_4f22_fb40_4e79),
        ],
        ..USUAL
    },
    Subject {
        name: "w2-heavy",
        title: "W2 mesh, heavy",
        netlist: "w2_mesh.ron",
        set: &[("rate", "0.25")],
        model: Some(Model::Mesh(16, 0.25)),
        expected: &[
            ("delivered", 995_098),
            ("latency_sum", 42_379_778),
            ("check", 0x518a_2637_c6d6_b9fd),
        ],
        ..USUAL
    },
    Subject {
        name: "w2-32",
        title: "W2 mesh 32×32, heavy",
        netlist: "w2_mesh.ron",
        set: &[("k", "32"), ("rate", "0.25")],
        cycles: Some(5_000),
        model: Some(Model::Mesh(32, 0.25)),
        ..USUAL
    },
    Subject {
        name: "w2-64-low",
        title: "W2 mesh 64×64, 1 %",
        netlist: "w2_mesh.ron",
        set: &[("k", "64"), ("rate", "0.01")],
        cycles: Some(2_000),
        model: Some(Model::Mesh(64, 0.01)),
        variants: &[Variant {
            name: "saturated",
            title: "tina-hw, the same mesh saturated (25 %)",
            netlist: "w2_mesh.ron",
            set: &[("k", "64"), ("rate", "0.25")],
            same_results: false,
        }],
        ..USUAL
    },
    Subject {
        name: "w3",
        has_elements: true,
        title: "W3 systolic 32×32",
        netlist: "w3_systolic.ron",
        model: Some(Model::Systolic(32)),
        expected: &[
            ("sum", 0x0b27_0ed4_942c_4d7b),
            ("firings", 20_447_232),
            ("drained", 1_276_896),
        ],
        ..USUAL
    },
    Subject {
        name: "w4",
        has_elements: true,
        title: "W4 systolic 256×256",
        netlist: "w4_systolic.ron",
        cycles: Some(2_000),
        model: Some(Model::Systolic(256)),
        expected: &[
            ("sum", 0x32bd_7601_8908_9527),
            ("firings", 114_294_784),
            ("drained", 827_136),
        ],
        ..USUAL
    },
    Subject {
        name: "w5",
        title: "W5 quicksort, 256 harts",
        netlist: "w5_quicksort.ron",
        set: &[("rows", "16"), ("columns", "16")],
        cycles: None,
        expected: &[
            ("instructions", 7_543_830),
            ("result_sum", 0x007d_39df_b02b),
        ],
        hart_count: 256,
        ..USUAL
    },
    Subject {
        name: "w6",
        title: "W6 parallel sort, 64 harts",
        netlist: "w6_parallel_sort.ron",
        set: &[("rows", "8"), ("columns", "8")],
        cycles: None,
        expected: &[
            ("instructions", 2_170_055),
            ("console_check", 0xf4ff_a5d8_c107_27ee),
        ],
        hart_count: 64,
        ..USUAL
    },
    Subject {
        name: "w7",
        has_elements: true,
        title: "W7 transform, 2048 points",
        netlist: "w7_ntt.ron",
        cycles: Some(2_000),
        expected: &[("check", 0xf2cf_ea14_5436_c1e6)],
        ..USUAL
    },
    Subject {
        name: "cpu1",
        title: "cpu1.ron, one hart",
        netlist: "cpu1.ron",
        cycles: None,
        hart_count: 1,
        is_witness: true,
        ..USUAL
    },
    Subject {
        name: "cpu",
        title: "cpu.ron, eight harts",
        netlist: "cpu.ron",
        cycles: None,
        hart_count: 8,
        is_witness: true,
        ..USUAL
    },
];

impl Model {
    /// The plain loop.
    #[must_use]
    pub fn plain(self, cycles: u64) -> Ready<'static> {
        match self {
            Self::Pipeline(stage_count) => {
                let mut pipeline = Pipeline::new(stage_count);
                Box::new(move || {
                    let (seconds, results) = time(|| pipeline.run(cycles));
                    let transfers = Some(pipeline.transfers());
                    Ok(Run::of(seconds, cycles, transfers, &results.totals()))
                })
            }
            Self::Mesh(side, rate) => {
                let mut mesh = Mesh::new(side, rate);
                Box::new(move || {
                    let (seconds, results) = time(|| mesh.run(cycles));
                    let transfers = Some(mesh.transfers());
                    Ok(Run::of(seconds, cycles, transfers, &results.totals()))
                })
            }
            Self::Systolic(side) => {
                let mut systolic = Systolic::new(side);
                Box::new(move || {
                    let (seconds, results) = time(|| systolic.run(cycles));
                    let transfers = Some(systolic.transfers());
                    Ok(Run::of(seconds, cycles, transfers, &results.totals()))
                })
            }
        }
    }

    /// The tuned loop, where there is one.
    #[must_use]
    pub fn tuned(self, cycles: u64) -> Option<Ready<'static>> {
        match self {
            Self::Pipeline(stage_count) => {
                let mut pipeline = TunedPipeline::new(stage_count);
                Some(Box::new(move || {
                    let (seconds, results) = time(|| pipeline.run(cycles));
                    Ok(Run::of(seconds, cycles, None, &results.totals()))
                }))
            }
            Self::Systolic(32) => Some(tuned_systolic::<32>(cycles)),
            Self::Systolic(256) => Some(tuned_systolic::<256>(cycles)),
            Self::Systolic(_) | Self::Mesh(..) => None,
        }
    }
}

fn tuned_systolic<const SIDE: usize>(cycles: u64) -> Ready<'static> {
    let mut systolic = Box::new(TunedSystolic::<SIDE>::new());
    Box::new(move || {
        let (seconds, results) = time(|| systolic.run(cycles));
        Ok(Run::of(seconds, cycles, None, &results.totals()))
    })
}

fn time<R>(run: impl FnOnce() -> R) -> (f64, R) {
    let stopwatch = Stopwatch::start();
    let result = black_box(run());
    (stopwatch.seconds(), result)
}

impl Run {
    fn of(seconds: f64, cycles: u64, transfers: Option<u64>, totals: &[(&str, u64)]) -> Self {
        let totals = totals.iter();
        Self {
            seconds,
            cycles,
            transfers,
            totals: totals
                .map(|(name, value)| ((*name).to_owned(), *value))
                .collect(),
        }
    }
}

/// A machine of a design, placed by the partitioner and booted with a thread for each shard (but no
/// more than cores), ready to run `cycles` or to its end.
///
/// # Errors
/// When it cannot be placed or booted.
pub fn machine(
    design: &Design,
    shard_count: usize,
    cycles: Option<u64>,
) -> Result<Ready<'_>, String> {
    machine_on(design, shard_count, cycles, &host())
}

/// The same on one shard with elements clocked one by one.
///
/// # Errors
/// When the host refuses memory or threads.
pub fn scalar_machine(design: &Design, cycles: Option<u64>) -> Result<Ready<'_>, String> {
    let host = HostOptions {
        no_vectors: true,
        ..host()
    };
    machine_on(design, 1, cycles, &host)
}

fn machine_on<'a>(
    design: &'a Design,
    shard_count: usize,
    cycles: Option<u64>,
    host: &HostOptions,
) -> Result<Ready<'a>, String> {
    let mut machine = boot(design, &catalogue(), shard_count, host)
        .map_err(|error| error.to_string())?
        .machine;
    Ok(Box::new(move || {
        let limits = Limits {
            cycles,
            max_cycles: None,
        };
        let (seconds, report) = time(|| machine.run(&limits, &mut ()));
        well_ended(&report.outcome)?;
        let instances = machine.results();
        let value = |total: &tina_sim::design::Total| {
            let value = total.evaluate(&instances)?;
            Ok((total.name.clone(), value.number()))
        };
        Ok(Run {
            seconds,
            cycles: report.cycles,
            transfers: None,
            totals: design
                .totals
                .iter()
                .map(value)
                .collect::<Result<_, String>>()?,
        })
    }))
}

/// A run that finds out itself how many shards it is worth, up to the number of cores; its seconds
/// count what that takes.
///
/// # Errors
/// When it cannot be placed or booted, or fails.
pub fn automatic(design: &Design, cycles: Option<u64>) -> Result<Run, String> {
    let options = RunOptions {
        shard_count: std::thread::available_parallelism().map_or(1, usize::from),
        auto: true,
        host: host(),
        limits: Limits {
            cycles,
            max_cycles: None,
        },
        ..RunOptions::default()
    };
    let report = execute(design, &catalogue(), &options, &mut ());
    let report = report.map_err(|error| error.to_string())?;
    well_ended(&report.outcome)?;
    let totals = report.totals.iter();
    Ok(Run {
        seconds: report.host.wall_seconds,
        cycles: report.cycles,
        transfers: None,
        totals: totals
            .map(|(name, value)| (name.clone(), value.number()))
            .collect(),
    })
}

/// As the program `tina-hw` uses its host.
fn host() -> HostOptions {
    HostOptions {
        pin: true,
        join: true,
        ..HostOptions::default()
    }
}

fn well_ended(outcome: &Outcome) -> Result<(), String> {
    match outcome {
        Outcome::CyclesDone | Outcome::Finished { code: 0, .. } | Outcome::Drained { .. } => Ok(()),
        outcome => Err(format!("the run ended with {outcome:?}")),
    }
}

/// A netlist of the repository and the program it names, elaborated with these parameters.
///
/// # Errors
/// When it is missing or wrong: the message of the simulator.
pub fn design(file: &str, set: &[(&str, &str)]) -> Result<Design, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../netlists")
        .join(file);
    let set = set
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let load_program = |path: &Path, resources: &mut Resources| {
        let bytes = fs::read(path).map_err(|error| error.to_string())?;
        resources.insert(Image::from_elf(&bytes).map_err(|error| error.to_string())?);
        Ok(())
    };
    let options = LoadOptions {
        set,
        load_program: Some(&load_program),
        ..LoadOptions::default()
    };
    load(&path, &options, &catalogue()).map_err(|wrong| wrong.render(false))
}

/// [`design`], for tests and benchmarks.
///
/// # Panics
/// When it is missing or wrong.
#[must_use]
pub fn netlist(file: &str, set: &[(&str, &str)]) -> Design {
    design(file, set).unwrap_or_else(|wrong| panic!("{wrong}"))
}
