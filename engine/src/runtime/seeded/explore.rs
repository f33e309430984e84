//! Many seeds of one scenario inside a test: each run twice and compared, a failure made smaller and told
//! with the line that repeats it.

use super::super::spec::Specification;
use super::faults::Faults;
use super::simulation::{Exercised, Simulation};
use crate::io::World;
use crate::random::Random;
use std::cell::Cell;
use std::error::Error;
use std::ops::{Deref, DerefMut, Range, RangeInclusive};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Names of the variables of a replay line.
const SEED: &str = "TINA_SEED";
const SHARDS: &str = "TINA_SHARDS";
const FAULTS: &str = "TINA_FAULTS";
/// Name of the variable that asks for more seeds than the plan does.
const SEEDS: &str = "TINA_SEEDS";
/// Runs spent on making a failure smaller.
const SHRINKING_RUNS: u32 = 200;
/// The stream of the generator of what a seed's run is like.
const STREAM: u64 = 0x7377_726d;

/// Which seeds a scenario is run for, on how many shards, and what goes wrong.
#[derive(Clone, Debug)]
pub struct Plan {
    name: String,
    seeds: Range<u64>,
    shards: RangeInclusive<usize>,
    faults: Faults,
    swarm: bool,
}

impl Plan {
    /// A plan of 100 seeds on 1 to 4 shards, where whatever a loaded host does goes wrong.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            seeds: 0..100,
            shards: 1..=4,
            faults: Faults::interleaving(),
            swarm: true,
        }
    }

    /// Runs for these seeds.
    #[must_use]
    pub fn seeds(mut self, seeds: Range<u64>) -> Self {
        self.seeds = seeds;
        self
    }

    /// On a number of shards out of this range, drawn for each seed.
    #[must_use]
    pub fn shards(mut self, shards: RangeInclusive<usize>) -> Self {
        self.shards = shards;
        self
    }

    /// With these faults.
    #[must_use]
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Whether each seed draws some of the kinds of faults and leaves out the others, as it does unless told
    /// otherwise: what hides behind one kind is found without it.
    #[must_use]
    pub fn swarm(mut self, swarm: bool) -> Self {
        self.swarm = swarm;
        self
    }

    /// What the run of a seed is like.
    fn settings(&self, seed: u64) -> Settings {
        let mut random = Random::keyed(seed, STREAM, 0);
        let (first, last) = (*self.shards.start(), *self.shards.end());
        let spread = last.saturating_sub(first) as u64 + 1;
        let shards = first + random.below(spread) as usize;
        let faults = if self.swarm {
            self.faults.swarm(&mut random)
        } else {
            self.faults
        };
        Settings {
            seed,
            shards,
            faults,
        }
    }
}

/// What one run is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Settings {
    seed: u64,
    shards: usize,
    faults: Faults,
}

impl Settings {
    /// The line that repeats the run.
    fn replay_line(&self) -> String {
        let faults = ron::to_string(&self.faults).expect("numbers and ratios are written");
        // Cargo says the package, the test runner names its threads after tests.
        let package = std::env::var("CARGO_PKG_NAME").unwrap_or_else(|_| "PACKAGE".to_owned());
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("TEST");
        format!(
            "{SEED}={} {SHARDS}={} {FAULTS}='{faults}' cargo test -p {package} {test}",
            self.seed, self.shards
        )
    }

    /// The run that a replay line asks for, if one does.
    fn from_environment(plan: &Plan) -> Result<Option<Self>, String> {
        let Ok(seed) = std::env::var(SEED) else {
            return Ok(None);
        };
        let seed = seed
            .parse()
            .map_err(|_| format!("{SEED} is {seed:?}: expected a whole number"))?;
        let mut settings = plan.settings(seed);
        if let Ok(shards) = std::env::var(SHARDS) {
            settings.shards = shards
                .parse()
                .ok()
                .filter(|&count| count > 0)
                .ok_or_else(|| format!("{SHARDS} is {shards:?}: expected a number of shards"))?;
        }
        if let Ok(faults) = std::env::var(FAULTS) {
            settings.faults =
                ron::from_str(&faults).map_err(|error| format!("{FAULTS}: {error}"))?;
        }
        Ok(Some(settings))
    }
}

/// One run of a scenario: it boots a runtime, which is then reached through this.
pub struct Trial {
    settings: Settings,
    simulation: Option<Simulation>,
    /// Of runtimes that are gone.
    past_trace: u64,
    log: Vec<String>,
}

impl Trial {
    fn new(settings: Settings) -> Self {
        Self {
            settings,
            simulation: None,
            past_trace: 0,
            log: Vec::new(),
        }
    }

    /// The seed of this run.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.settings.seed
    }

    /// How many shards this run is to have.
    #[must_use]
    pub fn shard_count(&self) -> usize {
        self.settings.shards
    }

    /// What goes wrong in this run.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.settings.faults
    }

    /// A generator of the scenario's own, which no draw of the run disturbs.
    #[must_use]
    pub fn random(&self, stream: u64) -> Random {
        Random::keyed(self.settings.seed, !STREAM, stream)
    }

    /// Boots the runtime, in a world of its own.
    ///
    /// # Errors
    /// When the specification is wrong.
    pub fn boot(&mut self, specification: Specification) -> Result<(), Box<dyn Error>> {
        let world = World::new(self.settings.seed, self.settings.faults.world);
        self.boot_in(world, specification)
    }

    /// Ends the runtime at once, as when power is lost, and boots another one on what the disk has kept.
    ///
    /// # Errors
    /// When the specification is wrong.
    ///
    /// # Panics
    /// When nothing was booted before.
    pub fn lose_power(&mut self, specification: Specification) -> Result<(), Box<dyn Error>> {
        let world = self.world().clone();
        self.close();
        world.lose_power();
        self.boot_in(world, specification)
    }

    fn boot_in(
        &mut self,
        world: World,
        specification: Specification,
    ) -> Result<(), Box<dyn Error>> {
        let Settings { seed, faults, .. } = self.settings;
        let seed = seed ^ self.past_trace;
        let booted = Simulation::boot_in(world, specification, seed, &faults)?;
        self.simulation = Some(booted);
        Ok(())
    }

    /// Keeps what is to be known of a runtime that is going to be dropped.
    fn close(&mut self) {
        if let Some(mut simulation) = self.simulation.take() {
            self.past_trace ^= simulation.trace_hash().rotate_left(1);
            let lines = simulation.log();
            self.log.extend(lines.iter().map(ToString::to_string));
        }
    }
}

impl Deref for Trial {
    type Target = Simulation;

    fn deref(&self) -> &Simulation {
        let booted = self.simulation.as_ref();
        booted.expect("the scenario boots before it does anything else")
    }
}

impl DerefMut for Trial {
    fn deref_mut(&mut self) -> &mut Simulation {
        let booted = self.simulation.as_mut();
        booted.expect("the scenario boots before it does anything else")
    }
}

/// What came of a run.
struct Outcome {
    result: Result<(), String>,
    trace: u64,
    exercised: Exercised,
    log: Vec<String>,
}

/// What a scenario answers.
pub(super) type Verdict = Result<(), Box<dyn Error>>;

/// The seeds of a plan, or as many as the environment asks for.
fn seeds(plan: &Plan) -> Range<u64> {
    let first = plan.seeds.start;
    match std::env::var(SEEDS).map(|count| count.parse::<u64>()) {
        Ok(Ok(count)) => first..first + count,
        Ok(Err(_)) => panic!("{SEEDS}: expected a number of seeds"),
        Err(_) => plan.seeds.clone(),
    }
}

fn run(settings: Settings, scenario: &impl Fn(&mut Trial) -> Verdict) -> Outcome {
    let mut trial = Trial::new(settings);
    let result = catch_unwind(AssertUnwindSafe(|| scenario(&mut trial)));
    let result = match result {
        Ok(verdict) => verdict.map_err(|error| error.to_string()),
        Err(payload) => Err(crate::panics::message_of(payload.as_ref())),
    };
    let exercised = trial.simulation.as_ref().map(Simulation::exercised);
    trial.close();
    Outcome {
        result,
        trace: trial.past_trace,
        exercised: exercised.unwrap_or_default(),
        log: trial.log,
    }
}

/// Runs a scenario for every seed of a plan, twice, and compares the traces. What was exercised in all runs.
/// With the variables of a replay line set, it runs that one and no other; with `TINA_SEEDS=N`, N seeds.
///
/// # Panics
/// At the first run that fails, or that differs from its repetition: with the failure, the last lines of the
/// log, and the line that repeats the smallest run found that fails.
pub fn check(plan: &Plan, scenario: impl Fn(&mut Trial) -> Verdict) -> Exercised {
    let name = &plan.name;
    let asked_for = match Settings::from_environment(plan) {
        Ok(asked_for) => asked_for,
        Err(text) => panic!("{text}"),
    };
    let mut total = Exercised::default();
    let all = seeds(plan).map(|seed| plan.settings(seed));
    let chosen = asked_for.into_iter();
    let settings: Vec<Settings> = if asked_for.is_some() {
        chosen.collect()
    } else {
        all.collect()
    };
    for settings in settings {
        let outcome = run(settings, &scenario);
        total.add(&outcome.exercised);
        if let Err(text) = outcome.result {
            let (smaller, outcome) = match asked_for {
                Some(_) => (settings, outcome_of(text, outcome.log)),
                None => shrink(settings, outcome_of(text, outcome.log), &scenario),
            };
            panic!("{}", report(name, &smaller, &outcome));
        }
        let again = run(settings, &scenario);
        assert!(
            again.result.is_ok() && again.trace == outcome.trace,
            "{name}: the same seed gave two different runs ({:#018x} and {:#018x}): something in it depends on \
             what is not drawn from the seed, as time, addresses or the order of a hash map\n  {}",
            outcome.trace,
            again.trace,
            settings.replay_line(),
        );
    }
    total
}

/// A failure: its text and the log before it.
type Failure = (String, Vec<String>);

fn outcome_of(text: String, log: Vec<String>) -> Failure {
    (text, log)
}

fn report(name: &str, settings: &Settings, (text, log): &Failure) -> String {
    let first = log.len().saturating_sub(30);
    let lines = log[first..].join("\n    ");
    format!(
        "{name}: seed {} on {} shards fails: {text}\n  the log before:\n    {lines}\n  this line repeats it:\n    {}",
        settings.seed,
        settings.shards,
        settings.replay_line()
    )
}

/// Makes a failing run smaller for as long as it fails, in whatever way: without a kind of fault, on fewer
/// shards, with faults that end sooner.
fn shrink(
    mut best: Settings,
    mut failure: Failure,
    scenario: &impl Fn(&mut Trial) -> Verdict,
) -> (Settings, Failure) {
    let runs = Cell::new(0);
    let mut attempt = |smaller: Settings, best: &mut Settings| {
        runs.set(runs.get() + 1);
        let outcome = run(smaller, scenario);
        if let Err(text) = outcome.result {
            *best = smaller;
            failure = (text, outcome.log);
            return true;
        }
        false
    };
    let mut goes_on = true;
    while goes_on && runs.get() < SHRINKING_RUNS {
        goes_on = false;
        for smaller in smaller_ones(&best) {
            if runs.get() < SHRINKING_RUNS && attempt(smaller, &mut best) {
                goes_on = true;
                break;
            }
        }
    }
    (best, failure)
}

/// Runs that are a little smaller, the most telling first.
fn smaller_ones(settings: &Settings) -> Vec<Settings> {
    let mut all = Vec::new();
    for shards in 1..settings.shards {
        all.push(Settings {
            shards,
            ..*settings
        });
    }
    let kind_count = Faults::none().kinds().len();
    for kind in 0..kind_count {
        let mut smaller = *settings;
        let ratio = &mut *smaller.faults.kinds()[kind].1;
        if !ratio.is_never() {
            *ratio = crate::io::Ratio::NEVER;
            all.push(smaller);
        }
    }
    let turns = settings.faults.turns.min(1 << 20);
    for fewer in [turns / 8, turns / 2, turns - turns / 8] {
        if fewer < settings.faults.turns && fewer > 0 {
            let mut smaller = *settings;
            smaller.faults.turns = fewer;
            all.push(smaller);
        }
    }
    all
}

impl Exercised {
    /// Adds what another run exercised.
    pub fn add(&mut self, other: &Self) {
        let Self {
            turns,
            events,
            stalls,
            holds,
            partitions,
            crashes,
            panics,
            failed_starts,
            shard_crashes,
            revivals,
            clock_jumps,
            audits,
            world,
        } = self;
        for (sum, more) in [
            (turns, other.turns),
            (events, other.events),
            (stalls, other.stalls),
            (holds, other.holds),
            (partitions, other.partitions),
            (crashes, other.crashes),
            (panics, other.panics),
            (failed_starts, other.failed_starts),
            (shard_crashes, other.shard_crashes),
            (revivals, other.revivals),
            (clock_jumps, other.clock_jumps),
            (audits, other.audits),
        ] {
            *sum += more;
        }
        world.add(&other.world);
    }
}
