//! A run under overload, and its verdict.

use super::crowd::{self, Crowd};
use super::door::{CONNECTIONS, Came, Door, Listen};
use super::memory::{Resident, resident};
use super::options::Options;
use super::people::{AreYouDone, Giver, QUESTIONS, Role, Taker, Work};
use super::tally::{Given, Taken, Tally};
use crate::servers::ours::Connection;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use tina_engine::io::{IoChoice, IoPlan};
use tina_engine::runtime::{
    Child, Counter, KindLimits, Level, LinkLimits, Runtime, Specification, Strategy, SupervisorSpec,
};
use tina_sim::run::Stopwatch;

const PATIENCE: Duration = Duration::from_secs(30);
/// How often everybody is asked whether all is done, and between that.
const LOOKS_MAX: usize = 2000;
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);
/// Part of the load that is to warm up.
const WARM_UP: f64 = 1.0 / 6.0;

/// What was seen.
#[derive(Clone, Debug)]
pub struct Seen {
    /// By givers.
    pub given: Given,
    /// By takers.
    pub taken: Taken,
    /// By clients.
    pub crowd: Crowd,
    /// Connections that the server let in, and turned away.
    pub let_in: u64,
    /// The others.
    pub turned_away: u64,
    /// Messages counted by the runtime: offered, accepted, refused, come back.
    pub counted: [u64; 4],
    /// Before: when it was warm. After: at the end of the load.
    pub resident: Option<(Resident, Resident)>,
    /// Bytes of the arenas and buffers of all shards, fixed at boot.
    pub planned_bytes: usize,
    /// Longest a message may wait: every place of its mailbox, at the mean time between two that are
    /// handled.
    pub bound_nanos: f64,
}

fn specification(options: &Options, role: &Role, came: &Arc<Came>) -> (Specification, usize) {
    let isolates = usize::from(options.isolates);
    let shards = usize::from(options.shards);
    let mut takers = SupervisorSpec::new("takers", Strategy::OneForOne);
    let mut givers = SupervisorSpec::new("givers", Strategy::OneForOne);
    for number in 0..isolates {
        let taker = Child::new::<Taker>(role.tally.clone());
        takers = takers.child(taker.named(format!("taker {number} of {{shard}}")));
        let giver = Child::new::<Giver>(role.clone());
        givers = givers.child(giver.named(format!("giver {number} of {{shard}}")));
    }
    let door = Child::new::<Door>(came.clone()).named("door {shard}");
    let doors = SupervisorSpec::new("doors", Strategy::OneForOne)
        .supervisor(SupervisorSpec::new(CONNECTIONS, Strategy::OneForOne))
        .child(door);
    let plan = IoPlan {
        // Room for one fewer than there are isolates for, so that both ways of turning away are seen.
        descriptor_slots: options.connections,
        receive_buffers: options.connections,
        transfer_buffers: 1,
        ..IoPlan::default()
    };
    let operations = |slots| KindLimits {
        operations: 1,
        ..KindLimits::slots(slots)
    };
    let taker = KindLimits {
        mailbox_slots: options.mailbox,
        ..KindLimits::slots(isolates)
    };
    let giver = KindLimits {
        calls: QUESTIONS as u16,
        ..KindLimits::slots(isolates)
    };
    let specification = Specification::new(shards)
        .kind::<Taker>(taker)
        .kind::<Giver>(giver)
        .kind::<Door>(operations(1))
        .kind::<Connection>(operations(options.connections as usize))
        .links(LinkLimits::default())
        .log(Level::Warning, 4096)
        .io(IoChoice::Auto, plan)
        .tree(takers)
        .tree(givers)
        .tree(doors);
    let arena: usize = specification
        .regions()
        .iter()
        .map(|region| region.bytes)
        .sum();
    let planned = shards * (arena + plan.buffer_bytes() + plan.table_bytes());
    (specification, planned)
}

/// Runs it.
///
/// # Errors
/// The runtime cannot be booted, or does not come to rest.
pub fn run(options: &Options, progress: &mut dyn FnMut(&str)) -> Result<Seen, Box<dyn Error>> {
    let shards = usize::from(options.shards);
    let isolates = usize::from(options.isolates);
    let name =
        |what: &str, number| format!("{what} {} of {}", number % isolates, number / isolates);
    let takers = (0..shards * isolates).map(|number| name("taker", number));
    let role = Role {
        tally: Arc::new(Tally::default()),
        takers: takers.collect(),
        times: options.times,
        until: Duration::from_secs_f64(options.seconds),
    };
    let came = Arc::new(Came::default());
    let (specification, planned_bytes) = specification(options, &role, &came);
    let runtime = Runtime::boot(specification)?;
    let address = open(&runtime, shards)?;
    let clients = options.times as usize * options.connections as usize * shards;
    let before_the_end = options.seconds * 0.98;
    let clock = Stopwatch::start();
    let (crowd, resident) = thread::scope(|scope| {
        let crowd = scope.spawn(|| crowd::run(address, clients, before_the_end));
        for number in 0..shards * isolates {
            let giver = runtime
                .find(&name("giver", number))
                .ok_or("a giver is missing")?;
            runtime.call(giver, PATIENCE, AreYouDone)?;
        }
        let measured = watch(&clock, options.seconds * WARM_UP, before_the_end, progress);
        let crowd = crowd.join().map_err(|_| "the crowd panicked")??;
        Ok::<_, Box<dyn Error>>((crowd, measured))
    })?;
    let (given, taken, own_refused) = settle(&runtime, &role, |number| name("giver", number))?;
    let metrics = runtime.metrics();
    let refused = [
        Counter::RefusedMailboxFull,
        Counter::RefusedPoolExhausted,
        Counter::RefusedStale,
        Counter::RefusedLinkFull,
        Counter::RefusedForeign,
    ];
    let refused: u64 = refused.map(|counter| metrics.total(counter)).iter().sum();
    let mean_gap = taken.gap_sum as f64 / taken.gap_count.max(1) as f64;
    Ok(Seen {
        given,
        crowd,
        let_in: came.let_in.load(Ordering::Relaxed),
        turned_away: came.turned_away.load(Ordering::Relaxed),
        counted: [
            metrics.total(Counter::Offered) - own_refused,
            metrics.total(Counter::Accepted),
            refused - own_refused,
            metrics.total(Counter::Returned),
        ],
        resident,
        planned_bytes,
        bound_nanos: f64::from(options.mailbox + 1) * mean_gap,
        taken,
    })
}

fn open(runtime: &Runtime, shards: usize) -> Result<SocketAddr, Box<dyn Error>> {
    let mut address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    for shard in 0..shards {
        let door = runtime
            .find(&format!("door {shard}"))
            .ok_or("a door is missing")?;
        address = runtime.call(door, PATIENCE, |reply| Listen(address, reply))??;
    }
    Ok(address)
}

/// What is resident when all is warm, and at the end.
fn watch(
    clock: &Stopwatch,
    warm: f64,
    end: f64,
    progress: &mut dyn FnMut(&str),
) -> Option<(Resident, Resident)> {
    // Looking takes memory as well, once.
    resident()?;
    wait_until(clock, warm);
    let before = resident()?;
    progress(&format!("warm: {} KiB resident", before.all));
    wait_until(clock, end);
    Some((before, resident()?))
}

fn wait_until(clock: &Stopwatch, at: f64) {
    loop {
        let left = at - clock.seconds();
        if left <= 0.0 {
            return;
        }
        thread::park_timeout(Duration::from_secs_f64(left));
    }
}

/// Waits until nobody gives any more, and everything offered has come to its end; and how many of the questions
/// that were asked to see it were refused.
fn settle(
    runtime: &Runtime,
    role: &Role,
    giver: impl Fn(usize) -> String,
) -> Result<(Given, Taken, u64), Box<dyn Error>> {
    let mut seen = (Given::default(), Taken::default());
    let mut own_refused = 0;
    for _ in 0..LOOKS_MAX {
        role.tally.clear();
        let mut is_done = true;
        for number in 0..role.takers.len() {
            let giver = runtime.find(&giver(number)).ok_or("a giver has ended")?;
            is_done &= runtime.call(giver, PATIENCE, AreYouDone)?;
        }
        for taker in role.takers.iter() {
            let taker = runtime.find(taker).ok_or("a taker has ended")?;
            // One whose mailbox is still full is not done.
            let is_told = runtime.call(taker, PATIENCE, Work::Report).is_ok();
            is_done &= is_told;
            own_refused += u64::from(!is_told);
        }
        seen = role.tally.read();
        let (given, taken) = &seen;
        if is_done && given.offered == taken.handled + given.refused + given.returned {
            return Ok((seen.0, seen.1, own_refused));
        }
        thread::park_timeout(BETWEEN_LOOKS);
    }
    Err(format!(
        "it does not come to rest: {:?}, {} handled",
        seen.0, seen.1.handled
    )
    .into())
}

impl Seen {
    /// Whatever was lost, counted wrongly or not told of, whatever the host did meanwhile.
    #[must_use]
    pub fn miscounted(&self, options: &Options) -> Vec<String> {
        let (given, handled) = (&self.given, self.taken.handled);
        let questions_ended = given.answered + given.lost;
        let [counted, accepted, refused, returned] = self.counted;
        let crowd = &self.crowd;
        // The runtime's own counters have what this process asked from outside as well.
        list(&[
            (
                handled > 0 && given.offered >= u64::from(options.times) * handled,
                format!(
                    "{} offered are not {} times {handled}",
                    given.offered, options.times
                ),
            ),
            (
                given.offered == handled + given.refused + given.returned,
                format!("{given:?} do not add up with {handled} handled"),
            ),
            (
                given.lost == 0 && questions_ended <= given.questions,
                format!("questions without an answer or a refusal: {given:?}"),
            ),
            (
                refused == given.refused && returned == given.returned,
                format!(
                    "the runtime refused {refused} and returned {returned}: {given:?} were told"
                ),
            ),
            (
                counted == accepted + refused + returned,
                format!("the runtime counted {:?}", self.counted),
            ),
            (
                crowd.cut == 0,
                format!("{} connections were cut", crowd.cut),
            ),
            (
                crowd.served == self.let_in && crowd.turned_away == self.turned_away,
                format!(
                    "the server let in {} and turned away {}",
                    self.let_in, self.turned_away
                ),
            ),
            (
                crowd.connected == crowd.served + crowd.turned_away,
                format!("{} clients came", crowd.connected),
            ),
        ])
    }

    /// Memory that was taken, and work that waited for too long.
    #[must_use]
    pub fn exceeded(&self) -> Vec<String> {
        let grown = self
            .resident
            .filter(|(before, after)| after.anonymous > before.anonymous);
        let grown = grown.map(|(before, after)| {
            format!(
                "memory: {} KiB became {} KiB",
                before.anonymous, after.anonymous
            )
        });
        let p99 = self.taken.latency.quantile(0.99) as f64;
        // What the host takes the cores away for is not the runtime's.
        let limit = self.bound_nanos + self.taken.gap_max as f64;
        let late = (p99 > limit).then(|| {
            format!("of 100 accepted one waited {p99:.0} ns or more: the bound is {limit:.0}")
        });
        grown.into_iter().chain(late).collect()
    }
}

fn list(facts: &[(bool, String)]) -> Vec<String> {
    let wrong = facts.iter().filter(|(holds, _)| !holds);
    wrong.map(|(_, what)| what.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn under_ten_times_the_load_nothing_is_lost_without_a_word() {
        let arguments = [
            "overload",
            "--seconds",
            "0.5",
            "--isolates",
            "3",
            "--mailbox",
            "5",
        ];
        let options = Options::parse_from(arguments);
        let seen = run(&options, &mut |_| {}).unwrap();
        let none: [String; 0] = [];
        assert_eq!(seen.miscounted(&options), none);
        assert!(seen.given.refused > 0 && seen.given.returned > 0 && seen.given.answered > 0);
        assert!(seen.crowd.turned_away > 0 && seen.crowd.served > 0);
    }
}
