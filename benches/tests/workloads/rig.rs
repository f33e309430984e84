//! Runs a netlist in every way that must not matter.

use std::path::{Path, PathBuf};
use tina_engine::{HostOptions, InstanceResults, Limits, Outcome, Resources};
use tina_modules::catalogue;
use tina_modules::riscv::image::Image;
use tina_sim::design::{Design, LoadOptions, load};
use tina_sim::run::boot;

/// What a run came to, however it was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    pub outcome: Outcome,
    pub cycles: u64,
    pub digest: u64,
    /// The netlist's results, by name.
    pub totals: Vec<(String, u64)>,
    /// Results of single instances: path, name and value.
    values: Vec<(String, &'static str, u64)>,
}

impl Ran {
    /// A result of the netlist.
    pub fn total(&self, name: &str) -> u64 {
        let found = self.totals.iter().find(|(total, _)| total == name);
        found.unwrap_or_else(|| panic!("no result {name}")).1
    }

    /// Result `name` of the instance at `path`.
    pub fn value(&self, path: &str, name: &str) -> u64 {
        let found = self
            .values
            .iter()
            .find(|entry| entry.0 == path && entry.1 == name);
        found.unwrap_or_else(|| panic!("no result {path}.{name}")).2
    }
}

/// The numbers that the guest programs sort: hart `hart` draws `count` of them.
pub fn xorshift(hart: u32, count: usize) -> Vec<u32> {
    let mut state = (hart + 1).wrapping_mul(0x9E37_79B9);
    let draws = (0..count).map(|_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    });
    draws.collect()
}

/// Where the netlists of the repository are.
fn netlists() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../netlists")
}

/// A netlist with these parameters, and with its program or another.
fn design(path: &Path, set: &[(&str, &str)], program: Option<&str>) -> Design {
    let set = set
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let load_program = |path: &Path, resources: &mut Resources| {
        let file = std::fs::read(path).map_err(|error| error.to_string())?;
        resources.insert(Image::from_elf(&file).map_err(|error| error.to_string())?);
        Ok(())
    };
    let options = LoadOptions {
        set,
        program: program.map(|name| netlists().join("programs").join(name)),
        load_program: Some(&load_program),
        ..LoadOptions::default()
    };
    load(path, &options, &catalogue()).unwrap_or_else(|wrong| panic!("{}", wrong.render(false)))
}

/// Runs a netlist of the repository for `cycles`, or to its end, in every way; what all of them came
/// to.
pub fn run(file: &str, set: &[(&str, &str)], cycles: Option<u64>) -> Ran {
    let design = design(&netlists().join(file), set, None);
    let first = run_one_way(&design, cycles, 1, false);
    for (shard_count, no_sleep) in [(1, true), (2, false), (3, false), (5, false), (5, true)] {
        let ran = run_one_way(&design, cycles, shard_count, no_sleep);
        let way = format!("{file} {set:?}, {shard_count} shards, no_sleep {no_sleep}");
        assert_eq!(ran, first, "{way}");
    }
    first
}

/// Runs a netlist of the repository for `cycles`, or to its end, once.
pub fn run_once(file: &str, set: &[(&str, &str)], cycles: Option<u64>) -> Ran {
    let design = design(&netlists().join(file), set, None);
    run_one_way(&design, cycles, 1, false)
}

/// Runs a program on a hart with a memory of its own that answers `latency` edges later, to its end.
pub fn run_on_one_hart(program: &str, latency: u32) -> Ran {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/workloads/one_hart.ron");
    let latency = latency.to_string();
    let design = design(&path, &[("latency", &latency)], Some(program));
    run_one_way(&design, None, 1, false)
}

fn run_one_way(design: &Design, cycles: Option<u64>, shard_count: usize, no_sleep: bool) -> Ran {
    let host = HostOptions {
        no_sleep,
        ..HostOptions::default()
    };
    let booted = boot(design, &catalogue(), shard_count, &host);
    let mut machine = booted.unwrap().machine;
    let cycles = cycles.or(design.run.cycles);
    let limits = Limits {
        cycles,
        max_cycles: cycles.is_none().then_some(2_000_000),
    };
    let report = machine.run(&limits, &mut ());
    let results = machine.results();
    let totals = design.totals.iter().map(|total| {
        let value = total.evaluate(&results).unwrap().number();
        (total.name.clone(), value)
    });
    Ran {
        outcome: report.outcome,
        cycles: report.cycles,
        digest: report.digest,
        totals: totals.collect(),
        values: values(design, &results),
    }
}

fn values(design: &Design, results: &[InstanceResults]) -> Vec<(String, &'static str, u64)> {
    let path = |instance: u32| &design.blueprint.instances[instance as usize].path;
    let entries = results.iter().flat_map(|one| {
        let entries = one.entries.iter();
        entries.map(|(name, value)| (path(one.instance).clone(), *name, value.number()))
    });
    entries.collect()
}
