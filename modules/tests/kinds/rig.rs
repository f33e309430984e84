//! A test bench for modules: scripted inputs, recorded outputs, and every run made three ways.

use serde::Deserialize;
use std::sync::{Arc, Mutex};
use tina_engine::{
    BuildError, Catalogue, Cycle, Effect, HostOptions, In, Limits, Machine, Module, Out, Outcome,
    Placement, Resources, ResultValue, Signal, Wiring,
};
use tina_modules::{Assembly, AssemblyError, InstanceId, WireShape, catalogue};

/// Pushes value v as soon as cycle c has come and there is room, for each (c, v) in order.
pub struct Script<T: Payload> {
    out: Out<T>,
    items: Vec<(Cycle, u64)>,
    next: usize,
}

/// A signal that tests can write as a number.
pub trait Payload: Signal {
    const SCRIPT: &'static str;
    const RECORDER: &'static str;
    fn of(number: u64) -> Self;
    fn number(self) -> u64;
}

impl Payload for u64 {
    const SCRIPT: &'static str = "test.script";
    const RECORDER: &'static str = "test.recorder";
    fn of(number: u64) -> Self {
        number
    }
    fn number(self) -> u64 {
        self
    }
}

impl<T: Payload> Module for Script<T> {
    const KIND: &'static str = T::SCRIPT;
    const SUMMARY: &'static str = "items at given cycles: out";
    type Params = Vec<(Cycle, u64)>;

    fn build(items: Self::Params, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            out: wiring.output("out")?,
            items,
            next: 0,
        })
    }

    fn clock(&mut self, now: Cycle) -> Effect {
        let Some(&(cycle, number)) = self.items.get(self.next) else {
            return Effect::Done;
        };
        if now < cycle {
            return Effect::Sleep(cycle - now);
        }
        if self.out.try_push(T::of(number)).is_ok() {
            self.next += 1;
        }
        Effect::Receive
    }
}

/// What all recorders of a run saw.
#[derive(Default)]
struct Log(Mutex<Vec<Seen>>);

/// One item popped by a recorder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    pub recorder: String,
    pub cycle: Cycle,
    pub number: u64,
}

/// When a recorder pops: at cycle `from` and every `every` cycles after it.
#[derive(Clone, Copy, Deserialize)]
pub struct Pace {
    pub from: Cycle,
    pub every: u64,
}

pub const ALWAYS: Pace = Pace { from: 0, every: 1 };

/// Pops at its pace and writes down what came when.
pub struct Recorder<T: Payload> {
    input: In<T>,
    path: String,
    pace: Pace,
    log: Arc<Log>,
}

impl<T: Payload> Module for Recorder<T> {
    const KIND: &'static str = T::RECORDER;
    const SUMMARY: &'static str = "writes down what comes: in";
    type Params = Pace;

    fn build(pace: Pace, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let log = wiring
            .resource::<Arc<Log>>()
            .ok_or_else(|| BuildError::new("no log"))?;
        let (log, path) = (Arc::clone(log), wiring.path().to_owned());
        Ok(Self {
            input: wiring.input("in")?,
            path,
            pace,
            log,
        })
    }

    fn clock(&mut self, now: Cycle) -> Effect {
        if now >= self.pace.from
            && (now - self.pace.from).is_multiple_of(self.pace.every)
            && let Some(item) = self.input.try_pop()
        {
            let seen = Seen {
                recorder: self.path.clone(),
                cycle: now,
                number: item.number(),
            };
            self.log.0.lock().unwrap().push(seen);
        }
        Effect::Yield
    }
}

/// What a run came to.
pub struct Ran {
    pub outcome: Outcome,
    pub seen: Vec<Seen>,
    results: Vec<(String, &'static str, ResultValue)>,
}

impl Ran {
    /// Result `name` of the instance at `path`.
    pub fn result(&self, path: &str, name: &str) -> u64 {
        let found = self
            .results
            .iter()
            .find(|entry| entry.0 == path && entry.1 == name);
        found
            .unwrap_or_else(|| panic!("no result {path}.{name}"))
            .2
            .number()
    }

    /// What recorder `path` popped: (cycle, number).
    pub fn of(&self, path: &str) -> Vec<(Cycle, u64)> {
        let mine = self.seen.iter().filter(|seen| seen.recorder == path);
        mine.map(|seen| (seen.cycle, seen.number)).collect()
    }

    /// The same without the cycles.
    pub fn numbers(&self, path: &str) -> Vec<u64> {
        self.of(path)
            .into_iter()
            .map(|(_, number)| number)
            .collect()
    }
}

/// The kinds of the catalogue and those of the rig.
pub fn kinds() -> Catalogue {
    catalogue().with::<Script<u64>>().with::<Recorder<u64>>()
}

/// Builds a machine and runs it for `cycles` on one shard, on one that never sleeps, and on two;
/// all three must agree.
pub fn run_of(
    catalogue: &Catalogue,
    cycles: u64,
    build: impl Fn(&mut Assembly<'_>) -> Result<(), AssemblyError>,
) -> Ran {
    let run = |shard_count: usize, no_sleep: bool| {
        let log = Arc::new(Log::default());
        let mut resources = Resources::default();
        resources.insert(Arc::clone(&log));
        let mut assembly = Assembly::new(catalogue)
            .with_epoch(16)
            .with_resources(resources);
        build(&mut assembly).unwrap();
        let blueprint = Arc::new(assembly.finish().unwrap());
        let shard_of = (0..blueprint.instances.len())
            .map(|index| (index % shard_count) as u8)
            .collect();
        let placement = Placement {
            shard_count,
            shard_of,
        };
        let host = HostOptions {
            no_sleep,
            pin: false,
            ..HostOptions::default()
        };
        let mut machine = Machine::boot(&blueprint, catalogue, &placement, &host).unwrap();
        let report = machine.run(
            &Limits {
                cycles: Some(cycles),
                max_cycles: None,
            },
            &mut (),
        );
        let mut seen = std::mem::take(&mut *log.0.lock().unwrap());
        seen.sort_by(|a, b| (a.cycle, &a.recorder).cmp(&(b.cycle, &b.recorder)));
        let results = machine.results().into_iter().flat_map(|of| {
            let path = blueprint.instances[of.instance as usize].path.clone();
            of.entries
                .into_iter()
                .map(move |(name, value)| (path.clone(), name, value))
        });
        (
            report.digest,
            Ran {
                outcome: report.outcome,
                seen,
                results: results.collect(),
            },
        )
    };
    let (digest, ran) = run(1, false);
    for (shard_count, no_sleep) in [(1, true), (2, false)] {
        let (other_digest, other) = run(shard_count, no_sleep);
        let way = format!("{shard_count} shards, no_sleep {no_sleep}");
        assert_eq!(ran.seen, other.seen, "{way}");
        assert_eq!(ran.results, other.results, "{way}");
        assert_eq!(digest, other_digest, "{way}");
    }
    ran
}

/// [`run_of`] with the kinds of this crate.
pub fn run(cycles: u64, build: impl Fn(&mut Assembly<'_>) -> Result<(), AssemblyError>) -> Ran {
    run_of(&kinds(), cycles, build)
}

/// A script whose items all may come at once.
pub fn script(
    assembly: &mut Assembly<'_>,
    path: &str,
    numbers: impl IntoIterator<Item = u64>,
) -> Result<InstanceId, AssemblyError> {
    let items = numbers.into_iter().map(|number| (0, number)).collect();
    assembly.add::<Script<u64>>(path, items)
}

/// A wire with two slots.
pub fn wire(
    assembly: &mut Assembly<'_>,
    from: (InstanceId, &str),
    to: (InstanceId, &str),
) -> Result<(), AssemblyError> {
    assembly.wire(from, to, WireShape::default())
}

/// A recorder on output `name` of `instance`, called like it.
pub fn record(
    assembly: &mut Assembly<'_>,
    from: (InstanceId, &str),
    path: &str,
    pace: Pace,
) -> Result<(), AssemblyError> {
    let recorder = assembly.add::<Recorder<u64>>(path, pace)?;
    wire(assembly, from, (recorder, "in"))
}
