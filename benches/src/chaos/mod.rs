//! A storm: isolates crash and fault by the thousand under load, and those who have nothing to do with it
//! must not miss a beat.
//!
//! On two calm shards isolates crash; on two others they fault as well, and take their shard along. Keepers
//! ask each other, and those on the stormy shards; callers exchange bytes over TCP. Whoever crashes or
//! faults has a socket, a buffer, an operation, a call and a watch in its hands. What must hold is in
//! [`Report::failures`] if it does not.

mod process;
mod tally;
mod isolates;
mod sockets;
mod discipline;

use isolates::{
    CALM, Crasher, FAULTER_NAMES, Faulter, KEEPER_NAMES, KEEPERS, Keeper, LONG, Misdeed, Part,
    SHARDS_MAX,
};
use process::Holdings;
use sockets::{Caller, Connection, Listener, missed_trips};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tally::{MANNERS, MOMENTS, Tally, read};
use tina_engine::io::{IoChoice, IoPlan};
use tina_engine::runtime::{
    Address, Budget, Child, Counter, Handle, KindLimits, Level, Metrics, OnFault, Runtime,
    Specification, Strategy, SupervisorSpec,
};
use tina_engine::{Drill, FaultSignal};

const SHARDS: usize = SHARDS_MAX;
const CRASHERS: usize = 4;
const CALLERS: usize = 3;
/// Looks at whether something has come about, each a fifth of a millisecond after the other at least.
const LOOKS_MAX: u32 = 150_000;
/// Restarts in a second that nobody sees.
const PATIENCE: u32 = 20_000;
/// Looks before somebody on a fresh shard faults: what it serves is to get going.
const LULL: u32 = 20;
const NAP: Duration = Duration::from_micros(200);
/// What resident memory may have grown by: pages that allocators and threads had not touched before.
const GROWTH_BYTES: usize = 4 << 20;

/// How much of a storm.
#[derive(Clone, Copy)]
pub struct Storm {
    /// Crashes, at least.
    pub crashes: u64,
    /// Hardware faults, at least.
    pub faults: u64,
    /// What serves files and sockets.
    pub io: IoChoice,
    /// Called on a shard's thread that is about to panic.
    pub before_panic: fn(),
}

/// What came of it.
#[derive(Default)]
pub struct Report {
    lines: Vec<String>,
    /// What should have held and did not.
    pub failures: Vec<String>,
}

impl Report {
    fn say(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn check(&mut self, what: &str, holds: bool, found: impl fmt::Debug) {
        if holds {
            self.lines.push(format!("ok      {what}"));
        } else {
            self.lines.push(format!("FAILED  {what}: {found:?}"));
            self.failures.push(format!("{what}: {found:?}"));
        }
    }

    fn equal<T: PartialEq + fmt::Debug>(&mut self, what: &str, found: &T, expected: &T) {
        self.check(what, found == expected, (found, expected));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Lets a storm pass, and looks at what is left.
pub fn run(storm: &Storm) -> Report {
    let mut report = Report::default();
    // What the drills and the first thread take of the process they take once.
    let before = Holdings::now();
    {
        let tally = Arc::new(Tally::default());
        let runtime = Runtime::boot(specification(storm, &tally));
        let mut weather = Weather {
            runtime: runtime.expect("the specification is right and small"),
            tally,
            last: vec![Handle::NOBODY; SHARDS * (CRASHERS + 1)],
            looks: vec![0; SHARDS * (CRASHERS + 1)],
            sent: 0,
            struck: 0,
            log: Vec::new(),
        };
        let warm = weather.pass(storm.crashes / 10, storm.faults / 10);
        report.say(format!("after a tenth: {warm}"));
        let after = weather.pass(storm.crashes, storm.faults);
        report.say(format!("after all:     {after}"));
        weather.report(&mut report);
        report.equal("no descriptor is left open", &after.files, &warm.files);
        report.equal("no thread is left", &after.threads, &warm.threads);
        let grown = after.mappings.saturating_sub(warm.mappings);
        // Threads that come and go leave stacks to be used again, which the C library may split or join.
        report.check(
            "no mapping is left",
            grown <= 8,
            (warm.mappings, after.mappings),
        );
        let grown = after.resident_bytes.saturating_sub(warm.resident_bytes);
        report.check("memory is as it was", grown <= GROWTH_BYTES, grown);
        weather.end(&mut report);
    }
    let gone = await_holdings(|now| now.files <= before.files && now.threads <= before.threads);
    report.say(format!("with no runtime: {gone}; before: {before}"));
    report.equal(
        "descriptors go with the runtime",
        &gone.files,
        &before.files,
    );
    report.equal(
        "threads go with the runtime",
        &gone.threads,
        &before.threads,
    );
    discipline::check(&mut report, storm.before_panic);
    report
}

fn nap() {
    std::thread::park_timeout(NAP);
}

/// What the process holds once it is as it should be, or at last.
fn await_holdings(mut is_right: impl FnMut(&Holdings) -> bool) -> Holdings {
    for _ in 0..LOOKS_MAX / 10 {
        let now = Holdings::now();
        if is_right(&now) {
            return now;
        }
        nap();
    }
    Holdings::now()
}

struct Weather {
    runtime: Runtime,
    tally: Arc<Tally>,
    /// To whom of each place something was sent last: nobody is sent two.
    last: Vec<Handle>,
    /// By place: for how many looks somebody has been there who was sent nothing.
    looks: Vec<u32>,
    /// Orders to crash, and to fault, so far.
    sent: usize,
    struck: usize,
    log: Vec<(Level, String)>,
}

impl Weather {
    /// Load, crashes and faults until there were so many, then calm; what the process holds then.
    fn pass(&mut self, crashes: u64, faults: u64) -> Holdings {
        self.tally.is_loaded.store(true, Ordering::Relaxed);
        let mut looks = 0;
        let (mut crashed, mut faulted) = (0, 0);
        while crashed < crashes || faulted < faults {
            self.strike(crashed < crashes, faulted < faults);
            nap();
            let now = (self.tally.crash_count(), self.tally.fault_count());
            looks = if now == (crashed, faulted) {
                looks + 1
            } else {
                0
            };
            assert!(
                looks < LOOKS_MAX,
                "nothing happens any more: {:?}",
                self.tally
            );
            (crashed, faulted) = now;
        }
        self.tally.is_loaded.store(false, Ordering::Relaxed);
        self.await_calm();
        // Connections that were hung up on are closed at the other end a little later.
        let (mut last, mut looks) = (Holdings::now(), 0);
        await_holdings(|now| {
            let is_same = std::mem::replace(&mut last, *now).files == now.files;
            looks = if is_same { looks + 1 } else { 0 };
            looks >= 50
        })
    }

    /// Sends everybody who has not been sent anything since it was started what it is to do.
    fn strike(&mut self, may_crash: bool, may_fault: bool) {
        for place in 0..self.last.len() {
            let (shard, number) = (place / (CRASHERS + 1), place % (CRASHERS + 1));
            let is_faulter = number == CRASHERS;
            if (is_faulter && (shard < CALM || !may_fault)) || (!is_faulter && !may_crash) {
                continue;
            }
            let name = if is_faulter {
                FAULTER_NAMES[shard].to_owned()
            } else {
                format!("crasher-{shard}-{number}")
            };
            let found: Option<Address<Misdeed>> = self.runtime.find(&name);
            let Some(who) = found.filter(|who| who.handle() != self.last[place]) else {
                continue;
            };
            self.looks[place] += 1;
            if is_faulter && self.looks[place] < LULL {
                continue;
            }
            self.looks[place] = 0;
            let misdeed = if is_faulter {
                self.struck += 1;
                let (moment, drill) = (self.struck % MOMENTS.len(), self.struck / MOMENTS.len());
                Misdeed::Fault(moment, drill % Drill::ALL.len())
            } else {
                self.sent += 1;
                // Who panics takes memory: on one shard nobody does, so that a sealed allocator can watch it.
                let manners = if shard == 0 { 1 } else { MANNERS.len() };
                Misdeed::Crash(self.sent % manners)
            };
            if self.runtime.send(who, misdeed).is_ok() {
                self.last[place] = who.handle();
            }
        }
        self.take_log();
    }

    fn take_log(&mut self) {
        let log = &mut self.log;
        self.runtime.drain_log(|record| {
            let matters = [
                "built anew",
                "quarantine",
                "keeper panicked",
                "caller panicked",
            ];
            if matters.iter().any(|text| record.text().contains(text)) {
                log.push((record.level, record.text().to_owned()));
            }
        });
    }

    /// Waits until nothing is under way.
    fn await_calm(&mut self) {
        for _ in 0..LOOKS_MAX {
            self.take_log();
            let metrics = self.runtime.metrics();
            let rebuilds = metrics.total(Counter::Rebuilds);
            let are_up = (0..SHARDS).all(|shard| {
                let keeper = KEEPER_NAMES[shard * KEEPERS];
                self.runtime.find::<isolates::Question>(keeper).is_some()
            });
            let is_idle = read(&self.tally.busy) == 0 && rebuilds == self.tally.fault_count();
            if is_idle && are_up && told(&metrics) == metrics.total(Counter::Offered) {
                return;
            }
            nap();
        }
    }

    /// What must hold when all is calm.
    fn report(&mut self, report: &mut Report) {
        let tally = self.tally.clone();
        for (manner, count) in MANNERS.iter().zip(&tally.crashes) {
            report.say(format!("{:>8} {manner}", read(count)));
        }
        for (moment, counts) in MOMENTS.iter().zip(&tally.faults) {
            for (drill, count) in Drill::ALL.iter().zip(counts) {
                report.say(format!("{:>8} {} {moment}", read(count), name_of(*drill)));
            }
        }
        report.equal("nobody is busy", &read(&tally.busy), &0);
        let starts = (CALM * KEEPERS) as u64;
        report.equal(
            "no keeper was started twice",
            &read(&tally.keeper_starts),
            &starts,
        );
        let asked = read(&tally.asked);
        report.say(format!("{asked:>8} questions among keepers"));
        report.equal(
            "every question of a keeper was answered",
            &read(&tally.answered),
            &asked,
        );
        report.equal("and served once", &read(&tally.served), &asked);
        let doomed = read(&tally.asked_doomed);
        report.say(format!("{doomed:>8} questions to shards that fault"));
        report.equal("each of them ended", &read(&tally.ended_doomed), &doomed);
        report.equal("and none by its time limit", &read(&tally.forgotten), &0);
        let (watches, ends) = (read(&tally.watches), read(&tally.ends));
        report.say(format!("{watches:>8} watches of those who fault"));
        let open = watches - ends;
        report.check("each was told of the end", open <= starts, (watches, ends));
        let trips = read(&tally.trips);
        report.say(format!(
            "{trips:>8} round trips over TCP between calm shards"
        ));
        report.equal("every one ended well", &missed_trips(&tally), &0);
        let (doomed, broken) = (read(&tally.trips_doomed), read(&tally.broken));
        report.say(format!(
            "{doomed:>8} to shards that fault, and {broken} connections broken"
        ));
        let faults = tally.fault_count();
        let rebuilds = self.runtime.metrics().total(Counter::Rebuilds);
        report.equal("every fault cost one shard, once", &rebuilds, &faults);
        let said = self
            .log
            .iter()
            .filter(|(_, text)| text.contains("is built anew"));
        report.equal("and the log says so", &(said.count() as u64), &faults);
        let mut others = self
            .log
            .iter()
            .filter(|(_, text)| !text.contains("is built anew"));
        let other = others.next();
        report.check("nothing else went wrong", other.is_none(), other);
    }

    /// Shuts down and looks at the sums.
    fn end(mut self, report: &mut Report) {
        let shutdown = self.runtime.shutdown(LONG);
        report.check("the shutdown is not forced", !shutdown.forced, shutdown);
        let metrics = self.runtime.metrics();
        let total = |counter| metrics.total(counter);
        let offered = total(Counter::Offered);
        report.say(format!("{offered:>8} messages offered"));
        report.equal(
            "offered = accepted + refused + returned",
            &told(&metrics),
            &offered,
        );
        let ended = total(Counter::Handled) + total(Counter::Discarded);
        report.equal(
            "accepted = handled + discarded",
            &ended,
            &total(Counter::Accepted),
        );
        let ended = total(Counter::CallsReplied) + total(Counter::CallsFailed);
        let ended = ended + total(Counter::CallsAbandoned);
        report.equal(
            "calls = replied + failed + abandoned",
            &ended,
            &total(Counter::Calls),
        );
        let ended = total(Counter::EndedNormally) + total(Counter::EndedAbnormally);
        report.equal("started = ended", &ended, &total(Counter::Started));
        report.equal(
            "no record of the log is lost",
            &total(Counter::LogDropped),
            &0,
        );
    }
}

/// Messages whose senders were told what became of them.
fn told(metrics: &Metrics) -> u64 {
    let counters = [
        Counter::Accepted,
        Counter::RefusedMailboxFull,
        Counter::RefusedPoolExhausted,
        Counter::RefusedStale,
        Counter::RefusedLinkFull,
        Counter::RefusedForeign,
        Counter::Returned,
    ];
    counters.iter().map(|&counter| metrics.total(counter)).sum()
}

fn name_of(drill: Drill) -> &'static str {
    match drill {
        Drill::Signal(signal) => FaultSignal::name(signal),
        Drill::StackOverflow => "stack overflow",
    }
}

/// Everybody, under supervisors who never give up.
fn specification(storm: &Storm, tally: &Arc<Tally>) -> Specification {
    let part = |number: usize| Part {
        tally: tally.clone(),
        number,
        next: Arc::new(AtomicU32::new(0)),
        before_panic: storm.before_panic,
    };
    let patient = |name: &str| {
        SupervisorSpec::new(name, Strategy::OneForOne).budget(PATIENCE, Duration::from_secs(1))
    };
    let with_io = |slots| KindLimits {
        operations: 2,
        ..KindLimits::slots(slots)
    };
    let listener = Child::new::<Listener>(()).named("listener-{shard}");
    let mut common = patient("all")
        .supervisor(patient("connections"))
        .child(listener);
    for number in 0..KEEPERS {
        let keeper = Child::new::<Keeper>(part(number)).named(format!("keeper-{{shard}}-{number}"));
        common = common.child(keeper);
    }
    let mut specification = Specification::new(SHARDS)
        .kind::<Listener>(with_io(1))
        .kind::<Connection>(with_io(32))
        .kind::<Caller>(with_io(CALLERS))
        .kind::<Keeper>(KindLimits {
            mailbox_slots: 1024,
            ..KindLimits::slots(KEEPERS)
        })
        .kind::<Crasher>(with_io(CRASHERS))
        .kind::<Faulter>(with_io(1))
        .io(storm.io, PLAN)
        .tree(common)
        .on_fault(OnFault::RebuildShard)
        .log(Level::Error, 1 << 11)
        .escalation(
            Budget::default(),
            Budget {
                restarts: PATIENCE,
                window: Duration::from_secs(1),
            },
        );
    for (shard, faulter) in FAULTER_NAMES.into_iter().enumerate() {
        let mut tree = patient("crashers");
        for number in 0..CRASHERS {
            let name = format!("crasher-{shard}-{number}");
            tree = tree.child(Child::new::<Crasher>(part(number)).named(name));
        }
        specification = specification.tree_on(shard, tree);
        let mut tree = patient("others");
        if shard < CALM {
            for number in 0..CALLERS {
                tree = tree.child(Child::new::<Caller>(part(number)));
            }
        } else {
            tree = tree.child(Child::new::<Faulter>(part(0)).named(faulter));
        }
        specification = specification.tree_on(shard, tree);
    }
    specification
}

const PLAN: IoPlan = IoPlan {
    owner_places: 1,
    operation_slots: 1,
    descriptor_slots: 128,
    receive_buffers: 32,
    receive_bytes: 4096,
    transfer_buffers: 64,
    transfer_bytes: 64,
    helper_threads: 1,
};
