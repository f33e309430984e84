//! A runtime on one thread: who has the next turn, how time passes, and what is looked at in between.

use super::super::boot::{RuntimeBootError, lay_out};
use super::super::call::{ReplyTo, keep_dropped, keep_dropped_no_more};
use super::super::claim::CallError;
use super::super::doors::Knock;
use super::super::handle::Address;
use super::super::log::LogRecord;
use super::super::mail::Lane;
use super::super::metrics::Metrics;
use super::super::notice::NoticeId;
use super::super::orders::Phase;
use super::super::parcel::Parcel;
use super::super::refusal::{SendError, Undelivered};
use super::super::shard::RuntimeShard;
use super::super::site::{Past, ShardSeat, Site};
use super::super::spec::Specification;
use super::super::thread::make_shard;
use super::super::timer::{Nanos, TICK_NANOS, nanos};
use super::disturbance::Disturbance;
use super::faults::Faults;
use super::view::View;
use crate::hash::mix;
use crate::io::{World, WorldCounters};
use crate::random::Random;
use ringbuf::CachingCons;
use ringbuf::traits::Consumer;
use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// The stream of the generator of who has the next turn.
const STREAM: u64 = 0x7475_726e;
/// Turns after which the accounts of the shard are looked at, on average.
const AUDIT: u64 = 64;
/// Records of the log that are kept for whoever asks why.
const LOG_KEPT: usize = 200;

/// Something that must never be was found after a turn.
#[derive(Clone, PartialEq, Eq)]
pub struct Violation {
    pub(super) text: String,
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Violation {}

/// How much was done in a seeded run, and what went wrong on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exercised {
    /// Turns of shards.
    pub turns: u64,
    /// Events that isolates handled.
    pub events: u64,
    /// Threads that stood still.
    pub stalls: u64,
    /// Links that showed nothing for a while.
    pub holds: u64,
    /// Shards cut off from the others.
    pub partitions: u64,
    /// Isolates that crashed.
    pub crashes: u64,
    /// Isolates that ended as by a panic.
    pub panics: u64,
    /// Starts that failed.
    pub failed_starts: u64,
    /// Shards whose isolates all ended.
    pub shard_crashes: u64,
    /// Quarantines ended.
    pub revivals: u64,
    /// Jumps of the clock.
    pub clock_jumps: u64,
    /// Audits of a shard's accounts.
    pub audits: u64,
    /// Network and disk.
    pub world: WorldCounters,
}

/// A call from outside whose answer may come.
pub struct Asked<R> {
    id: NoticeId,
    replies: PhantomData<fn() -> R>,
}

/// A runtime whose shards are given turns one after the other, in an order and with faults drawn from a
/// seed. See the head of this module for what it is good for.
pub struct Simulation {
    // Order of fields: shards are dropped before the world they are in.
    pub(super) shards: Vec<RuntimeShard>,
    pub(super) site: Arc<Site>,
    pub(super) world: World,
    pub(super) disturbance: Disturbance,
    pub(super) random: Random,
    pub(super) now: Nanos,
    skew: Vec<Nanos>,
    /// Shards whose last turn found nothing, since anything has changed.
    quiet: Vec<bool>,
    pub(super) exercised: Exercised,
    trace: u64,
    logs: Vec<CachingCons<super::super::site::LogRing>>,
    kept: VecDeque<LogRecord>,
    /// By shard and desk, the last generation seen there.
    generations: Vec<Vec<u32>>,
    is_over: bool,
    /// Found during a call.
    amiss: Option<Violation>,
}

impl Simulation {
    /// Boots a runtime in a world of its own. Threads, pinning, the watchdog and the choice of a back end of
    /// the specification mean nothing here.
    ///
    /// # Errors
    /// When the specification is wrong.
    pub fn boot(
        specification: Specification,
        seed: u64,
        faults: &Faults,
    ) -> Result<Self, RuntimeBootError> {
        let world = World::new(seed, faults.world);
        Self::boot_in(world, specification, seed, faults)
    }

    /// Boots a runtime in a world that is there already, as after a loss of power.
    ///
    /// # Errors
    /// When the specification is wrong.
    pub fn boot_in(
        world: World,
        specification: Specification,
        seed: u64,
        faults: &Faults,
    ) -> Result<Self, RuntimeBootError> {
        let thread_count = specification.shard_count;
        let (site, ends) = lay_out(specification, thread_count, Some(world.clone()))?;
        let site = Arc::new(site);
        let shard_count = site.specification.shard_count;
        let claims_max = site.specification.call_count() * shard_count + 64;
        keep_dropped(site.common.runtime, claims_max);
        let mut random = Random::keyed(seed, STREAM, 0);
        let skew = (0..shard_count)
            .map(|_| random.below(1 + 1000 * u64::from(faults.skew_micros)))
            .collect();
        let mut simulation = Self {
            shards: Vec::new(),
            disturbance: Disturbance::new(*faults, seed, shard_count),
            now: nanos(world.now()),
            world,
            random,
            skew,
            quiet: vec![false; shard_count],
            exercised: Exercised::default(),
            trace: mix(seed),
            logs: site.logs.iter().cloned().map(CachingCons::new).collect(),
            kept: VecDeque::new(),
            generations: Vec::new(),
            is_over: false,
            amiss: None,
            site: site.clone(),
        };
        for (number, ends) in ends.into_iter().enumerate() {
            let past = Past::default();
            let seat = ShardSeat { number, ends, past };
            let mut shard = make_shard(&site, seat).map_err(RuntimeBootError::Host)?;
            shard.core.seeded.begin(faults.failed_start, seed, number);
            shard.begin();
            let desks = shard.core.desks.iter();
            simulation
                .generations
                .push(desks.map(|desk| desk.generation).collect());
            simulation.shards.push(shard);
        }
        Ok(simulation)
    }

    /// Gives one shard a turn, after whatever goes wrong before it; false if nothing will ever happen unless
    /// somebody outside does something.
    ///
    /// # Errors
    /// When the accounts of a shard do not add up.
    pub fn step(&mut self) -> Result<bool, Violation> {
        self.step_before(Nanos::MAX)
    }

    /// The same, but time goes no further than to `end` where nobody has anything to do.
    fn step_before(&mut self, end: Nanos) -> Result<bool, Violation> {
        if let Some(violation) = self.amiss.take() {
            return Err(violation);
        }
        if self.disturb() {
            self.quiet.fill(false);
        }
        self.disturbance.settle(self.now, &mut self.shards);
        self.world.advance(Duration::from_nanos(self.now));
        for (shard, quiet) in self.quiet.iter_mut().enumerate() {
            *quiet &= !self.world.waits_for(shard);
        }
        let awake: Vec<usize> = (0..self.shards.len())
            .filter(|&shard| !self.quiet[shard] && !self.disturbance.is_stalled(shard, self.now))
            .collect();
        if awake.is_empty() {
            return Ok(self.skip(end));
        }
        let shard = awake[self.random.below(awake.len() as u64) as usize];
        self.give_turn(shard)?;
        let passed = self
            .random
            .below(u64::from(self.disturbance.turn_nanos()) + 1);
        self.now += 1 + passed;
        Ok(true)
    }

    fn give_turn(&mut self, number: usize) -> Result<(), Violation> {
        let at = self.now + self.skew[number];
        let shard = &mut self.shards[number];
        let moved = shard.turn(at);
        let noted = std::mem::take(&mut shard.core.seeded.trace);
        self.exercised.turns += 1;
        self.exercised.events += std::mem::take(&mut shard.core.seeded.event_count);
        self.exercised.failed_starts += std::mem::take(&mut shard.core.seeded.failed_start_count);
        if moved {
            self.quiet.fill(false);
            self.note(mix(noted ^ at) ^ number as u64);
        } else {
            self.quiet[number] = true;
        }
        if self.random.chance(1, AUDIT) {
            self.audit(number)?;
        }
        Ok(())
    }

    /// Looks at the accounts of one shard.
    fn audit(&mut self, number: usize) -> Result<(), Violation> {
        self.exercised.audits += 1;
        self.take_logs();
        let shard = &self.shards[number];
        let violation = |text| Violation {
            text: format!("shard {number}, turn {}: {text}", self.exercised.turns),
        };
        shard.audit().map_err(violation)?;
        let seen = &mut self.generations[number];
        for (desk, (seen, seat)) in seen.iter_mut().zip(shard.core.desks.iter()).enumerate() {
            if seat.generation < *seen {
                let text = format!(
                    "desk {desk} went from generation {seen} to {}",
                    seat.generation
                );
                return Err(violation(text));
            }
            *seen = seat.generation;
        }
        Ok(())
    }

    /// Nobody has anything to do now: goes to the next moment at which somebody may, or to `end`.
    fn skip(&mut self, end: Nanos) -> bool {
        let mut next = self.disturbance.next_change(self.now);
        let mut sooner = |at: Option<Nanos>| {
            next = next.into_iter().chain(at).min();
        };
        sooner(self.world.next_event().map(nanos));
        for (shard, skew) in self.shards.iter().zip(&self.skew) {
            sooner(shard.next_due().map(|due| due.saturating_sub(*skew)));
        }
        let Some(next) = next else {
            return false;
        };
        // Who is due and finds nothing looks again a little later.
        let next = if next <= self.now {
            self.now + TICK_NANOS
        } else {
            next
        };
        self.now = next.min(end);
        self.quiet.fill(false);
        true
    }

    /// Steps until so much time has passed, or nothing can happen any more.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn run_for(&mut self, time: Duration) -> Result<(), Violation> {
        self.run_until(time, |_| false).map(|_| ())
    }

    /// Steps until something is so, looking after every turn; false if it is not so within `limit` of the
    /// world's time, or nothing can happen any more.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn run_until(
        &mut self,
        limit: Duration,
        mut is_so: impl FnMut(&View<'_>) -> bool,
    ) -> Result<bool, Violation> {
        let end = self.now.saturating_add(nanos(limit));
        while self.now < end {
            if is_so(&self.view()) {
                return Ok(true);
            }
            if !self.step_before(end)? {
                break;
            }
        }
        Ok(is_so(&self.view()))
    }

    /// From now on nothing goes wrong any more, and what was cut off is joined again.
    pub fn calm(&mut self) {
        self.disturbance.calm(&mut self.shards);
        self.world.part(&[]);
        self.world.set_faults(Default::default());
        for shard in &mut self.shards {
            shard.core.seeded.calm();
        }
        self.quiet.fill(false);
    }

    /// Shuts down as a runtime does; whether isolates had to be ended.
    ///
    /// # Errors
    /// As [`step`](Self::step), and when it does not come to an end.
    pub fn shutdown(&mut self, limit: Duration) -> Result<bool, Violation> {
        self.order(Phase::Draining);
        let end = self.now.saturating_add(nanos(limit));
        while !self.is_finished() && self.now < end && self.step_before(end)? {}
        let forced = !self.is_finished();
        self.order(Phase::Forced);
        for _ in 0..1_000_000 {
            if self.is_finished() {
                self.is_over = true;
                for shard in 0..self.shards.len() {
                    self.audit(shard)?;
                }
                return Ok(forced);
            }
            self.step()?;
        }
        let text = "the shutdown does not come to an end".to_owned();
        Err(Violation { text })
    }

    fn is_finished(&self) -> bool {
        self.shards.iter().all(RuntimeShard::is_finished)
    }

    fn order(&mut self, phase: Phase) {
        self.site.orders.advance(phase);
        self.ring_doors();
    }

    fn ring_doors(&mut self) {
        self.site.bells.ring_all_doors();
        self.quiet.fill(false);
    }

    /// Ends the quarantine of a shard, if it is in one.
    pub fn revive(&mut self, shard: usize) {
        self.site.orders.revive(shard);
        self.ring_doors();
    }

    /// Who has a well-known name now, if it takes messages of type `M`.
    #[must_use]
    pub fn find<M: 'static>(&self, name: &str) -> Option<Address<M>> {
        self.site.common.find(name)
    }

    /// Sends a message from outside. `Ok` means that it waits in front of the isolate's shard.
    ///
    /// # Errors
    /// With the message, when too many wait there, or the address is another runtime's.
    pub fn send<M: Send + 'static>(
        &mut self,
        to: Address<M>,
        message: M,
    ) -> Result<(), SendError<M>> {
        let shard = to.handle().shard();
        if !self.site.common.takes::<M>(to.handle()) || shard >= self.shards.len() {
            let why = Undelivered::Foreign;
            return Err(SendError { why, message });
        }
        let knock = Knock {
            target: to.handle(),
            lane: Lane::Normal,
            parcel: Parcel::new(message),
            call: None,
        };
        self.quiet.fill(false);
        self.site.doors.knock(shard, knock).map_err(|knock| {
            let message = knock.parcel.open().ok().expect("packed above");
            let why = Undelivered::LinkFull;
            SendError { why, message }
        })
    }

    /// Asks a question from outside, whose answer [`answer`](Self::answer) may bring later.
    ///
    /// # Errors
    /// When too many wait in front of the shard, or the address is another runtime's.
    pub fn ask<M: Send + 'static, R: Send + 'static>(
        &mut self,
        to: Address<M>,
        ask: impl FnOnce(ReplyTo<R>) -> M,
    ) -> Result<Asked<R>, Undelivered> {
        let shard = to.handle().shard();
        if !self.site.common.takes::<M>(to.handle()) || shard >= self.shards.len() {
            return Err(Undelivered::Foreign);
        }
        let claim = self.site.doors.sit_down(shard);
        let knock = Knock {
            target: to.handle(),
            lane: Lane::Normal,
            parcel: Parcel::new(ask(ReplyTo::new(claim))),
            call: Some(claim),
        };
        self.quiet.fill(false);
        if let Err(knock) = self.site.doors.knock(shard, knock) {
            let full = Undelivered::LinkFull;
            drop(
                self.site
                    .doors
                    .complete(claim.id, Err(CallError::Undelivered(full))),
            );
            drop(knock);
            drop(self.site.doors.take_reply(claim.id));
            return Err(full);
        }
        Ok(Asked {
            id: claim.id,
            replies: PhantomData,
        })
    }

    /// Asks a question from outside, and gives shards turns until it is answered or `timeout` has passed.
    /// What is found amiss meanwhile, the next step tells.
    ///
    /// # Errors
    /// As a call of an isolate.
    pub fn call<M: Send + 'static, R: Send + 'static>(
        &mut self,
        to: Address<M>,
        timeout: Duration,
        ask: impl FnOnce(ReplyTo<R>) -> M,
    ) -> Result<R, CallError> {
        let asked = self.ask(to, ask).map_err(CallError::Undelivered)?;
        let end = self.now.saturating_add(nanos(timeout));
        loop {
            if let Some(answer) = self.answer(&asked) {
                return answer;
            }
            let goes_on = self.now < end
                && match self.step_before(end) {
                    Ok(goes_on) => goes_on,
                    Err(violation) => {
                        self.amiss = Some(violation);
                        false
                    }
                };
            if !goes_on {
                self.site.doors.leave(asked.id);
                return Err(CallError::TimedOut);
            }
        }
    }

    /// The end of a question from outside, once.
    #[expect(
        clippy::missing_panics_doc,
        reason = "the type of the reply is the call's"
    )]
    pub fn answer<R: 'static>(&mut self, asked: &Asked<R>) -> Option<Result<R, CallError>> {
        let outcome = self.site.doors.take_reply(asked.id)?;
        Some(outcome.map(|parcel| {
            let opened = parcel.open();
            opened
                .ok()
                .expect("a right to answer is typed as the call it belongs to")
        }))
    }

    /// All shards as they are now.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View {
            shards: &self.shards,
            now: self.now(),
        }
    }

    /// The figures of all shards.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let shards = self.site.common.metrics.iter();
        Metrics {
            shards: shards.map(|shard| shard.read()).collect(),
        }
    }

    /// Time since the world began.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.now)
    }

    /// The network and the disk.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// What was done so far.
    #[must_use]
    pub fn exercised(&self) -> Exercised {
        Exercised {
            world: self.world.counters(),
            ..self.exercised
        }
    }

    /// A number that two runs have in common only if the same isolates handled the same kinds of events, in
    /// the same order at the same times, and logged the same.
    #[must_use]
    pub fn trace_hash(&mut self) -> u64 {
        self.take_logs();
        mix(self.trace ^ self.exercised.turns)
    }

    fn note(&mut self, value: u64) {
        self.trace = mix(self.trace.rotate_left(17) ^ value);
    }

    fn take_logs(&mut self) {
        for shard in 0..self.logs.len() {
            while let Some(record) = self.logs[shard].try_pop() {
                let bytes = record.text().bytes();
                let text = bytes.fold(0, |hash, byte| mix(hash ^ u64::from(byte)));
                self.note(text ^ record.nanos);
                if self.kept.len() == LOG_KEPT {
                    self.kept.pop_front();
                }
                self.kept.push_back(record);
            }
        }
    }

    /// The last lines of the log, in the order in which shards were looked at.
    pub fn log(&mut self) -> Vec<LogRecord> {
        self.take_logs();
        self.kept.iter().copied().collect()
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        if !self.is_over {
            self.site.orders.advance(Phase::Forced);
            self.site.bells.ring_all_doors();
            for shard in &mut self.shards {
                shard.turn(self.now + TICK_NANOS);
            }
        }
        self.shards.clear();
        keep_dropped_no_more();
        // SAFETY: the shards, which had the ends of the rings, are gone, and this thread was theirs.
        unsafe { self.site.links.drain() };
    }
}
