//! A placed machine with its threads: boot, run, ask.

mod figures;
mod snapshot;
mod record;
mod timeline;
mod stalls;
mod deadlock;
mod host;

pub use figures::{KindTime, Samples, ThreadTimes};
pub use host::AttachError;
pub use record::RecordOrder;
pub use timeline::ShardTimeline;

use crate::blueprint::Blueprint;
use crate::crew::{Answer, Berths, Command, Printed, serve};
use crate::group::Fault;
use crate::input::InputMark;
use crate::kind::{Catalogue, Kind};
use crate::line::LineBell;
use crate::meeting::{EpochRecord, Meeting, Order, Stop};
use crate::module::Results;
use crate::plan::{Placement, Plan, Watched, hosted};
use crate::platform::{self, Beds};
use crate::record::Recording;
use crate::report::{BootError, HostOptions, InstanceResults, Limits, Observer, Outcome, Report};
use crate::ring::ring;
use crate::shard::{BootShardError, Rings, Shard};
use crate::stall::StallSchedule;
use crate::time::{TICK_MAX, Tick};
use ringbuf::traits::{Consumer, Split};
use ringbuf::{HeapCons, HeapRb};
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

struct Hand {
    commands: Sender<Command>,
    thread: Option<JoinHandle<()>>,
    printed: HeapCons<Printed>,
    entered: HeapCons<Printed>,
    /// Time in runs, and how much of it was spent waiting.
    total: Duration,
    wait: Duration,
}

/// A machine on its threads.
pub struct Machine {
    hands: Vec<Hand>,
    answers: Receiver<Answer>,
    records: HeapCons<EpochRecord>,
    meeting: Arc<Meeting>,
    beds: Arc<Beds>,
    blueprint: Arc<Blueprint>,
    plan: Arc<Plan>,
    /// By number of the kind.
    kind_names: Vec<&'static str>,
    /// Shards of the placement, of which those of a thread may have been joined.
    placed_count: usize,
    epoch_cycles: u64,
    /// First tick that has not been run.
    now: Tick,
    digest: u64,
    unprinted: Vec<Printed>,
    /// What has entered and nobody was told of, and what has entered in all.
    untold: Vec<Printed>,
    input: InputMark,
    /// Of the lines that modules are attached to.
    bells: Vec<LineBell>,
    /// Cycle at which sampling began.
    sampled_from: u64,
    /// Wires that can be recorded.
    recorded: Arc<[u32]>,
    /// Present while something is recorded.
    recording: Option<Recording>,
    /// Present while stalls are counted.
    stall_schedule: Option<StallSchedule>,
}

/// Bytes a thread's rings for what is printed and what enters hold.
const PRINTED_SLOTS: usize = 1 << 14;
/// Epochs the record ring holds.
const RECORD_SLOTS: usize = 1 << 14;
/// How often the owner looks at consoles, records and the observer.
const LOOK: Duration = Duration::from_millis(50);

impl Machine {
    /// Plans, maps and builds a machine; every module is ready for its first edge.
    ///
    /// # Errors
    /// When blueprint and placement do not fit, the host refuses memory or threads, or a module
    /// refuses to be built.
    pub fn boot(
        blueprint: &Arc<Blueprint>,
        catalogue: &Catalogue,
        placement: &Placement,
        host: &HostOptions,
    ) -> Result<Self, BootError> {
        let core_count = platform::core_count();
        let thread_count = host
            .thread_count
            .unwrap_or(core_count)
            .clamp(1, placement.shard_count.max(1));
        let thread_count = if host.seeded.is_some() {
            1
        } else {
            thread_count
        };
        let vectors = !host.no_vectors;
        let watched = Watched {
            recorded: &host.recorded,
            stalls: host.stalls.any(),
        };
        let plan = if host.join && host.seeded.is_none() {
            let joined = placement.joined(blueprint, thread_count);
            joined.and_then(|it| Plan::watching(blueprint, catalogue, &it, vectors, watched))
        } else {
            Plan::watching(blueprint, catalogue, placement, vectors, watched)
        };
        let plan = Arc::new(plan.map_err(BootError::Plan)?);
        let shard_count = plan.shards.len();
        let (record_writer, records) = HeapRb::new(RECORD_SLOTS).split();
        let meeting = Arc::new(Meeting::new(thread_count, record_writer));
        let beds = Arc::new(Beds::new(thread_count));
        let (answer_sender, answers) = mpsc::channel();
        let mut rings = rings(blueprint, &plan);
        let own_core = thread_count <= core_count;
        // One thread alone is better placed by the host, which knows what else is running.
        let pin = host.pin && own_core && thread_count > 1;
        let cores = if pin { platform::cores() } else { Vec::new() };
        let mut hands = Vec::with_capacity(thread_count);
        for number in 0..thread_count {
            let (commands, command_receiver) = mpsc::channel();
            let (print_writer, printed) = HeapRb::new(PRINTED_SLOTS).split();
            let (entered_writer, entered) = HeapRb::new(PRINTED_SLOTS).split();
            let hosted = hosted(number, thread_count, shard_count);
            let name = format!("shards {}..{}", hosted.start, hosted.end);
            let berths = Berths {
                number,
                own_core,
                shards: hosted
                    .map(|shard| (shard, std::mem::take(&mut rings[shard])))
                    .collect(),
                blueprint: blueprint.clone(),
                catalogue: catalogue.clone(),
                plan: plan.clone(),
                no_sleep: host.no_sleep,
                seeded: host.seeded,
                meeting: meeting.clone(),
                beds: beds.clone(),
                printed: print_writer,
                entered: entered_writer,
                commands: command_receiver,
                answers: answer_sender.clone(),
            };
            let core = cores.get(number).copied();
            let thread = platform::spawn(name, core, || serve(berths)).map_err(BootError::Host)?;
            hands.push(Hand {
                commands,
                thread: Some(thread),
                printed,
                entered,
                total: Duration::ZERO,
                wait: Duration::ZERO,
            });
        }
        drop(answer_sender);
        let mut machine = Self {
            hands,
            answers,
            records,
            meeting,
            beds,
            blueprint: blueprint.clone(),
            plan,
            kind_names: catalogue.kinds().iter().map(Kind::name).collect(),
            placed_count: placement.shard_count,
            epoch_cycles: blueprint.epoch_cycles,
            now: 0,
            digest: 0,
            unprinted: Vec::new(),
            untold: Vec::new(),
            input: InputMark::default(),
            bells: Vec::new(),
            sampled_from: 0,
            recorded: host.recorded.clone(),
            recording: None,
            stall_schedule: None,
        };
        machine.await_boot()?;
        if host.stalls.every > 0 {
            machine.count_stalls(StallSchedule::new(host.stalls.every));
        }
        Ok(machine)
    }

    fn await_boot(&self) -> Result<(), BootError> {
        let mut failure = None;
        for _ in &self.hands {
            match self.answers.recv() {
                Ok(Answer::BootFailed(BootShardError::Memory(error))) => {
                    failure = Some(BootError::Host(error));
                }
                Ok(Answer::BootFailed(BootShardError::Module(instance, error))) => {
                    let path = self.blueprint.instances[instance as usize].path.clone();
                    failure = Some(BootError::Module(path, error));
                }
                Ok(Answer::Booted | Answer::Stopped(..)) => {}
                Err(mpsc::RecvError) => {
                    let error = io::Error::other("a shard's thread ended while it was booting");
                    return Err(failure.unwrap_or(BootError::Host(error)));
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// The memory plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Base-clock cycles executed since boot.
    #[must_use]
    pub fn cycle(&self) -> u64 {
        self.now.div_ceil(self.cycle_ticks())
    }

    /// From here on, epochs end at multiples of this many base-clock cycles, and in a machine
    /// with consoles where those of the blueprint do.
    ///
    /// # Panics
    /// When `cycles` is 0.
    pub fn set_epoch_cycles(&mut self, cycles: u64) {
        assert!(cycles > 0, "an epoch has at least 1 cycle");
        self.epoch_cycles = cycles;
    }

    fn has_consoles(&self) -> bool {
        let instances = &self.blueprint.instances;
        instances
            .iter()
            .any(|instance| instance.shape.console_count > 0)
    }

    fn cycle_ticks(&self) -> Tick {
        self.plan.timebase.period_ticks[0]
    }

    /// Runs from where the machine stands until something ends it. A machine that was stopped by
    /// its limits or its observer may be run on.
    ///
    /// # Panics
    /// When the engine itself fails: a thread ended that nobody ended.
    pub fn run(&mut self, limits: &Limits, observer: &mut dyn Observer) -> Report {
        loop {
            // Nobody looks at it in between, whatever the observer says.
            if let Some(report) = self.run_part(limits, u64::MAX, observer) {
                return report;
            }
        }
    }

    /// The same, but pauses at the end of the first epoch that reaches cycle `pause` if nothing has
    /// ended the run by then; the answer is `None` and the next call goes on as if there had been no
    /// pause.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn run_part(
        &mut self,
        limits: &Limits,
        pause: u64,
        observer: &mut dyn Observer,
    ) -> Option<Report> {
        let cycle_ticks = self.cycle_ticks();
        let cycles_max = TICK_MAX / cycle_ticks;
        let ticks = |cycles: u64| cycles.min(cycles_max) * cycle_ticks;
        let mut order = Order {
            start: self.now,
            epoch_ticks: ticks(self.epoch_cycles),
            console_epoch_ticks: if self.has_consoles() {
                ticks(self.blueprint.epoch_cycles)
            } else {
                Tick::MAX
            },
            cycle_ticks,
            goal: limits.cycles.map(ticks),
            limit: ticks(limits.max_cycles.unwrap_or(cycles_max)),
            pause: pause.saturating_mul(cycle_ticks),
        };
        if let Some(stop) = order.reached(self.now) {
            return Some(self.report(stop));
        }
        loop {
            if !self.bells.is_empty()
                && let Some(stop) = self.await_input(&order, observer)
            {
                return (stop != Stop::Paused).then(|| self.report(stop));
            }
            order.start = self.now;
            match self.run_until_stop(order, observer) {
                // Where something comes in time, it goes on as if it had been there at once.
                Stop::Starved => {}
                Stop::Paused => return None,
                stop => return Some(self.report(stop)),
            }
        }
    }

    /// Has all threads run until they are told to stop.
    fn run_until_stop(&mut self, order: Order, observer: &mut dyn Observer) -> Stop {
        self.meeting.interrupt.store(false, Ordering::Relaxed);
        self.meeting.look.store(false, Ordering::Relaxed);
        for hand in &self.hands {
            hand.commands
                .send(Command::Run(order))
                .expect("threads live as long as the machine");
        }
        let mut stop = None;
        let mut stopped_count = 0;
        while stopped_count < self.hands.len() {
            match self.answers.recv_timeout(LOOK) {
                Ok(Answer::Stopped(reason, times)) => {
                    stop = Some(reason);
                    stopped_count += 1;
                    let hand = &mut self.hands[times.number];
                    hand.total += times.total;
                    hand.wait += times.wait;
                }
                Ok(Answer::Booted | Answer::BootFailed(_)) => unreachable!("booted before"),
                Err(RecvTimeoutError::Timeout) => {
                    self.look(observer);
                    observer.progress(self.meeting.progress.load(Ordering::Relaxed));
                    let failed = self.recording.as_ref().is_some_and(Recording::failed);
                    if failed || observer.interrupted() {
                        self.meeting.interrupt.store(true, Ordering::Relaxed);
                    }
                    if observer.looks() {
                        self.meeting.look.store(true, Ordering::Relaxed);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("a shard's thread ended within a run")
                }
            }
        }
        self.look(observer);
        let cycle = self.meeting.progress.load(Ordering::Relaxed);
        observer.progress(cycle);
        self.now = cycle * self.cycle_ticks();
        let mut stop = stop.expect("every thread said why it stopped");
        // Parts may be too short for the look above.
        if stop == Stop::Paused && observer.interrupted() {
            stop = Stop::Interrupted;
        }
        stop
    }

    /// Passes on what consoles printed and what epochs ended.
    fn look(&mut self, observer: &mut dyn Observer) {
        let mut complete_cycle = None;
        while let Some(record) = self.records.try_pop() {
            self.digest = record.digest;
            complete_cycle = Some(record.cycle);
            observer.epoch(record);
        }
        for hand in &mut self.hands {
            self.unprinted.extend(hand.printed.pop_iter());
            self.untold.extend(hand.entered.pop_iter());
        }
        let Some(cycle) = complete_cycle else { return };
        // Threads may be an epoch apart; only what all have passed is in its final order. The sort
        // is stable: each console's bytes of one instant keep their order.
        let complete_until = cycle * self.cycle_ticks();
        self.tell_input(complete_until, observer);
        self.unprinted
            .sort_by_key(|printed| (printed.tick, printed.instance));
        let count = self
            .unprinted
            .partition_point(|printed| printed.tick < complete_until);
        let bytes: Vec<u8> = self
            .unprinted
            .drain(..count)
            .map(|printed| printed.byte)
            .collect();
        if !bytes.is_empty() {
            observer.console(&bytes);
        }
    }

    fn report(&self, stop: Stop) -> Report {
        let cycle_ticks = self.cycle_ticks();
        let outcome = match stop {
            Stop::Finished {
                tick,
                instance,
                code,
            } => Outcome::Finished {
                code,
                instance,
                tick,
            },
            Stop::GoalReached => Outcome::CyclesDone,
            Stop::LimitReached => Outcome::LimitReached,
            Stop::Interrupted | Stop::Paused | Stop::Starved => Outcome::Interrupted,
            Stop::Drained => Outcome::Drained {
                cycle: self.last_transfer() / cycle_ticks,
            },
            Stop::Deadlock => Outcome::Deadlock(self.explain_deadlock()),
            Stop::Faulted => {
                let mut faults: Vec<Fault> = self
                    .ask(|shard| shard.faults.clone())
                    .into_iter()
                    .flatten()
                    .collect();
                faults.sort_by_key(|fault| (fault.tick, fault.instance));
                Outcome::Faulted(faults)
            }
        };
        let clock_count = self
            .ask(|shard| shard.groups().map(|group| group.clock_count()).sum::<u64>())
            .into_iter()
            .sum();
        Report {
            outcome,
            cycles: self.cycle(),
            digest: self.digest,
            epoch_count: self.meeting.epoch_count(),
            shard_count: self.placed_count,
            joined_count: self.plan.shards.len(),
            thread_count: self.hands.len(),
            clock_count,
        }
    }

    /// Asks every shard; the answers come in the order of shards.
    fn ask<R: Send + 'static>(
        &self,
        question: impl Fn(&Shard) -> R + Clone + Send + 'static,
    ) -> Vec<R> {
        self.ask_threads(move |shards| shards.iter().map(question.clone()).collect())
    }

    fn ask_threads<R: Send + 'static>(
        &self,
        question: impl Fn(&mut [Shard]) -> Vec<R> + Clone + Send + 'static,
    ) -> Vec<R> {
        self.hands
            .iter()
            .flat_map(|hand| {
                let (sender, receiver) = mpsc::channel();
                let question = question.clone();
                let ask = move |shards: &mut [Shard]| {
                    sender.send(question(shards)).expect("the asker waits");
                };
                hand.commands
                    .send(Command::Ask(Box::new(ask)))
                    .expect("threads live as long as the machine");
                receiver.recv().expect("a question is answered")
            })
            .collect()
    }

    /// The shards that a thread hosts.
    fn hosted(&self, thread: usize) -> Range<usize> {
        hosted(thread, self.hands.len(), self.plan.shards.len())
    }

    /// Results of every instance that reports any, in netlist order.
    #[must_use]
    pub fn results(&self) -> Vec<InstanceResults> {
        let mut all: Vec<InstanceResults> = self
            .ask(|shard| {
                let mut collected = Vec::new();
                for group in shard.groups() {
                    for (index, &instance) in group.instance_numbers().iter().enumerate() {
                        let mut results = Results::default();
                        group.report(index, &mut results);
                        if !results.statistics().is_empty() {
                            collected.push(InstanceResults {
                                instance,
                                entries: results.entries().to_vec(),
                                statistics: results.statistics().to_vec(),
                            });
                        }
                    }
                }
                collected
            })
            .into_iter()
            .flatten()
            .collect();
        all.sort_by_key(|results| results.instance);
        all
    }

    /// Per wire, a digest of every push so far and of the state that pops left.
    #[must_use]
    pub fn wire_digests(&self) -> Vec<u64> {
        let count = self.blueprint.wires.len();
        let shares = self.ask(move |shard| {
            let mut digests = vec![0; count];
            shard.wire_digests(&mut digests);
            digests
        });
        shares.into_iter().fold(vec![0; count], |mut sums, share| {
            sums.iter_mut()
                .zip(share)
                .for_each(|(sum, digest)| *sum = u64::wrapping_add(*sum, digest));
            sums
        })
    }

    /// The tick of the last push on a wire and the item pushed, as its `Debug` text; `None` if nothing
    /// was pushed yet.
    #[must_use]
    pub fn last_item(&self, wire: u32) -> Option<(Tick, String)> {
        let port = self.blueprint.wires[wire as usize].from;
        let shape = &self.blueprint.instances[port.instance as usize].shape;
        let show = shape.ports[usize::from(port.port)].show;
        self.ask(move |shard| shard.last_item(wire, show))
            .into_iter()
            .flatten()
            .next()
    }

    /// Bytes used in each shard's arena.
    #[must_use]
    pub fn used_bytes(&self) -> Vec<usize> {
        self.ask(Shard::used_bytes)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // An observer that panicked leaves a run behind that nobody waits for any more.
        self.meeting.interrupt.store(true, Ordering::Relaxed);
        for hand in &mut self.hands {
            // The end of its commands ends the thread.
            let (commands, _) = mpsc::channel();
            hand.commands = commands;
        }
        while self
            .hands
            .iter()
            .any(|hand| hand.thread.as_ref().is_some_and(|it| !it.is_finished()))
        {
            // Nobody shall wait for room for what nobody will read.
            self.records.clear();
            self.hands
                .iter_mut()
                .for_each(|hand| _ = (hand.printed.clear(), hand.entered.clear()));
            std::thread::yield_now();
        }
        for hand in &mut self.hands {
            if let Some(thread) = hand.thread.take() {
                // A thread that panicked has been reported by the run that it ended.
                let _ = thread.join();
            }
        }
        // Not before: a shard may have waited for room on its tape.
        self.recording = None;
    }
}

/// One ring per ordered pair of shards that share a wire, sorted to the shards at their ends.
fn rings(blueprint: &Blueprint, plan: &Plan) -> Vec<Rings> {
    let mut rings: Vec<Rings> = plan.shards.iter().map(|_| Rings::default()).collect();
    for (number, shard) in plan.shards.iter().enumerate() {
        for (&peer, link) in &shard.links {
            let (writer, reader) = ring(link.ring_lines(blueprint));
            let number = u8::try_from(number).expect("at most 255 shards");
            rings[usize::from(number)].writers.insert(peer, writer);
            rings[usize::from(peer)].readers.insert(number, reader);
        }
    }
    rings
}
