//! One design as many seeds have it: every run must have the digests of the plain one.
//!
//! A seed draws the number of shards, which instance is where, in what turns shards go on, whether modules
//! sleep and elements go many at a time, and for some of them a cycle at which the machine is saved and goes
//! on elsewhere. Seeds are spread over threads; what is told does not depend on how.

use super::boot::{RunError, boot};
use super::divergence::{Divergence, find};
use super::stopwatch::Stopwatch;
use super::stream::Stream;
use super::variant::Variant;
use crate::design::Design;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tina_engine::{Catalogue, EpochRecord, Limits, Observer, Outcome, Random};

/// The stream of the generator of what a seed's run is like.
const STREAM: u64 = 0x7377_6172;

/// How often it is asked whether to stop.
const LOOK: Duration = Duration::from_millis(20);
const HELD: &str = "runners do not panic with it held";

/// What is run.
#[derive(Clone, Debug)]
pub struct SwarmPlan {
    /// Seeds.
    pub seeds: Range<u64>,
    /// No run is begun after so long.
    pub time: Option<Duration>,
    /// The most shards a seed may draw.
    pub shard_count_max: usize,
    /// Threads that run seeds.
    pub thread_count: usize,
}

/// What a swarm found.
#[derive(Clone, Debug, Default)]
pub struct Swarm {
    /// Runs that were made, besides the plain one.
    pub run_count: u64,
    /// Epochs whose digests were compared.
    pub epoch_count: u64,
    /// Cycles simulated.
    pub cycle_count: u64,
    /// Runs by number of shards, from one on.
    pub by_shards: Vec<u64>,
    /// Runs that clocked every module at every edge.
    pub no_sleep_count: u64,
    /// Runs that clocked elements one by one.
    pub no_vectors_count: u64,
    /// Runs that were saved, and went on in another machine.
    pub moved_count: u64,
    /// Why no run was, if the machine cannot be saved.
    pub not_moved: Option<String>,
    /// The first seed whose run differs.
    pub divergence: Option<SwarmDivergence>,
    /// Whether the observer asked to stop.
    pub interrupted: bool,
}

/// A seed whose run differs from the plain one.
#[derive(Clone, Debug)]
pub struct SwarmDivergence {
    /// The seed.
    pub seed: u64,
    /// What was run.
    pub variant: Variant,
    /// Where it differs, if it could be found out.
    pub divergence: Option<Divergence>,
}

/// How the run of a seed is made.
struct Course {
    variant: Variant,
    /// The cycle by which the machine is saved, and how it goes on.
    moves: Option<(u64, Variant)>,
}

impl Course {
    fn of(seed: u64, shard_count_max: usize, cycles: u64) -> Self {
        let mut random = Random::keyed(seed, STREAM, 0);
        let mut variant = |seed| Variant {
            shard_count: 1 + random.below(shard_count_max as u64) as usize,
            thread_count: None,
            no_sleep: random.chance(1, 4),
            no_vectors: random.chance(1, 3),
            seeded: Some(seed),
        };
        let (first, second) = (variant(seed), variant(!seed));
        let moves = random.chance(1, 3);
        let at = random.below(cycles.max(1));
        Self {
            variant: first,
            moves: moves.then_some((at, second)),
        }
    }
}

/// Runs a design as every seed of the plan has it, and compares each run with the plain one.
///
/// `observer` sees the plain run, and is asked throughout whether to stop.
///
/// # Errors
/// When a run cannot be placed or booted.
pub fn swarm(
    design: &Design,
    catalogue: &Catalogue,
    plan: &SwarmPlan,
    limits: &Limits,
    observer: &mut dyn Observer,
) -> Result<Swarm, RunError> {
    let time = Stopwatch::start();
    let mut reference = Epochs::watching(Some(observer));
    let mut machine = boot(design, catalogue, 1, &plain().host())?.machine;
    let report = machine.run(limits, &mut reference);
    let not_moved = machine.snapshot().err().map(|error| error.to_string());
    let moves = not_moved.is_none();
    drop(machine);
    let reference = reference.stream;
    let found = Mutex::new(Swarm {
        by_shards: vec![0; plan.shard_count_max],
        not_moved,
        ..Swarm::default()
    });
    let field = Field {
        moves,
        design,
        catalogue,
        plan,
        limits,
        reference: &reference,
        cycles: report.cycles,
        outcome: report.outcome.clone(),
        next: AtomicU64::new(plan.seeds.start),
        is_over: AtomicBool::new(false),
    };
    let failure = std::thread::scope(|scope| {
        let (done, runs) = mpsc::channel();
        let runners: Vec<_> = (0..plan.thread_count.max(1))
            .map(|_| {
                let done = done.clone();
                let (field, found) = (&field, &found);
                scope.spawn(move || field.work(found, &done))
            })
            .collect();
        drop(done);
        while runs.recv_timeout(LOOK) != Err(RecvTimeoutError::Disconnected) {
            let late = plan
                .time
                .is_some_and(|limit| time.seconds() > limit.as_secs_f64());
            let interrupted = observer.interrupted();
            if late || interrupted {
                field.is_over.store(true, Ordering::Relaxed);
            }
            found.lock().expect(HELD).interrupted |= interrupted;
        }
        let results = runners.into_iter().map(|runner| {
            runner
                .join()
                .expect("a panic of the engine ends the process")
        });
        results.collect::<Result<(), RunError>>()
    });
    failure?;
    let mut swarm = found.into_inner().expect("all runners have ended");
    if let Some(found) = &mut swarm.divergence {
        let pair = [plain(), found.variant.clone()];
        found.divergence = Some(find(design, catalogue, pair, (0, report.cycles))?);
    }
    Ok(swarm)
}

fn plain() -> Variant {
    Variant {
        shard_count: 1,
        thread_count: None,
        no_sleep: false,
        no_vectors: false,
        seeded: None,
    }
}

/// What all runners share.
struct Field<'a> {
    design: &'a Design,
    catalogue: &'a Catalogue,
    plan: &'a SwarmPlan,
    limits: &'a Limits,
    reference: &'a Stream,
    cycles: u64,
    /// Whether machines can be saved and go on elsewhere.
    moves: bool,
    outcome: Outcome,
    next: AtomicU64,
    is_over: AtomicBool,
}

impl Field<'_> {
    /// Runs seeds until there are no more, or one has failed.
    fn work(&self, found: &Mutex<Swarm>, done: &Sender<()>) -> Result<(), RunError> {
        while !self.is_over.load(Ordering::Relaxed) {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            if seed >= self.plan.seeds.end {
                break;
            }
            let mut course = Course::of(seed, self.plan.shard_count_max, self.cycles);
            course.moves = course.moves.filter(|_| self.moves);
            let (stream, outcome) = self.run(&course)?;
            let differs = self.reference.first_difference(&stream).is_some();
            // Whoever listens outlives the runners.
            let _ = done.send(());
            let mut swarm = found.lock().expect(HELD);
            swarm.run_count += 1;
            swarm.epoch_count += stream.epoch_count();
            swarm.cycle_count += self.cycles;
            swarm.by_shards[course.variant.shard_count - 1] += 1;
            swarm.no_sleep_count += u64::from(course.variant.no_sleep);
            swarm.no_vectors_count += u64::from(course.variant.no_vectors);
            swarm.moved_count += u64::from(course.moves.is_some());
            let is_first = swarm
                .divergence
                .as_ref()
                .is_none_or(|other| seed < other.seed);
            if (differs || outcome != self.outcome) && is_first {
                swarm.divergence = Some(SwarmDivergence {
                    seed,
                    variant: course.variant,
                    divergence: None,
                });
                self.is_over.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    fn run(&self, course: &Course) -> Result<(Stream, Outcome), RunError> {
        let mut epochs = Epochs::watching(None);
        let (design, catalogue) = (self.design, self.catalogue);
        let variant = &course.variant;
        let mut machine = boot(design, catalogue, variant.shard_count, &variant.host())?.machine;
        if let Some((at, next)) = &course.moves {
            let part = machine.run_part(self.limits, *at, &mut epochs);
            if let Some(report) = part {
                return Ok((epochs.stream, report.outcome));
            }
            let snapshot = Arc::new(machine.snapshot().map_err(RunError::Snapshot)?);
            machine = boot(design, catalogue, next.shard_count, &next.host())?.machine;
            machine.restore(snapshot).map_err(RunError::Snapshot)?;
        }
        let report = machine.run(self.limits, &mut epochs);
        Ok((epochs.stream, report.outcome))
    }
}

/// Keeps the epochs, and passes on what an observer wants to know.
struct Epochs<'a> {
    stream: Stream,
    observer: Option<&'a mut dyn Observer>,
}

impl<'a> Epochs<'a> {
    fn watching(observer: Option<&'a mut dyn Observer>) -> Self {
        Self {
            stream: Stream::default(),
            observer,
        }
    }
}

impl Observer for Epochs<'_> {
    fn epoch(&mut self, record: EpochRecord) {
        self.stream.push(record);
    }

    fn progress(&mut self, cycle: u64) {
        if let Some(observer) = &mut self.observer {
            observer.progress(cycle);
        }
    }

    fn interrupted(&mut self) -> bool {
        self.observer
            .as_mut()
            .is_some_and(|observer| observer.interrupted())
    }
}
