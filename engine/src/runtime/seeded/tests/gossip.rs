//! Messages and calls between isolates that crash, on shards that fall.

use super::super::*;
use crate::io::Ratio;
use crate::runtime::canary::{Canary, plant};
use crate::runtime::{
    Address, Child, Context, Counter, Effect, Event, Handle, Isolate, KindLimits, LinkLimits,
    ReplyTo, SendError, Specification, Strategy, SupervisorSpec,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(3600);
const NAMES: [&str; 8] = ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7"];

/// What becomes of a message that is not accepted.
const REFUSALS: [Counter; 6] = [
    Counter::RefusedMailboxFull,
    Counter::RefusedPoolExhausted,
    Counter::RefusedStale,
    Counter::RefusedLinkFull,
    Counter::RefusedForeign,
    Counter::Returned,
];

enum Talk {
    /// Say something to somebody, so many times more. For whoever has this handle.
    Gossip(u32, Handle),
    /// A question that may be answered, kept or forgotten.
    Question(ReplyTo<u64>),
    /// Forget what you keep.
    Forget,
}

struct Gossiper {
    kept: Vec<ReplyTo<u64>>,
    calls: u64,
    /// It waits for answers as long as it takes, and listens meanwhile.
    patient: bool,
    /// Messages that reached somebody else.
    misdelivered: Arc<AtomicU64>,
}

impl Gossiper {
    fn somebody(context: &mut Context<'_, Self>) -> Option<Address<Talk>> {
        let number = context.random().below(NAMES.len() as u64) as usize;
        context.find(NAMES[number])
    }

    fn gossip(&mut self, context: &mut Context<'_, Self>, left: u32) {
        for _ in 0..2 {
            let Some(other) = Self::somebody(context) else {
                continue;
            };
            if let Err(SendError { message, .. }) =
                context.send(other, Talk::Gossip(left, other.handle()))
            {
                drop(message);
            }
        }
        let patience = if self.patient {
            LONG
        } else {
            Duration::from_millis(1 + context.random().below(20))
        };
        if let Some(other) = Self::somebody(context)
            && context.call(other, patience, Talk::Question).is_ok()
        {
            self.calls += 1;
        }
    }
}

impl Isolate for Gossiper {
    const KIND: &'static str = "gossiper";
    type Message = Talk;
    type Init = Arc<AtomicU64>;

    fn start(
        misdelivered: Arc<AtomicU64>,
        context: &mut Context<'_, Self>,
    ) -> Result<Self, &'static str> {
        Ok(Self {
            kept: Vec::new(),
            calls: 0,
            patient: context.random().chance(1, 2),
            misdelivered,
        })
    }

    fn handle(&mut self, event: Event<Talk>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(Talk::Gossip(left, to)) => {
                if to != context.address().handle() {
                    self.misdelivered.fetch_add(1, Ordering::Relaxed);
                }
                if left > 0 {
                    self.gossip(context, left - 1);
                }
                if self.calls > 0 && !self.patient && context.random().chance(1, 4) {
                    return Effect::Call;
                }
                if context.random().chance(1, 8) {
                    return Effect::Sleep(Duration::from_micros(context.random().below(3000)));
                }
            }
            Event::Message(Talk::Question(reply_to)) => match context.random().below(3) {
                0 => context.reply(reply_to, 1),
                1 => drop(reply_to),
                _ => self.kept.push(reply_to),
            },
            Event::Message(Talk::Forget) => self.kept.clear(),
            Event::Reply(_) => self.calls -= 1,
            Event::Stopping => return Effect::Done,
            _ => {}
        }
        Effect::Receive
    }
}

fn specification(trial: &Trial, misdelivered: &Arc<AtomicU64>) -> Specification {
    let limits = KindLimits {
        mailbox_slots: 5,
        calls: 3,
        ..KindLimits::slots(NAMES.len())
    };
    let links = LinkLimits {
        messages: 3,
        replies: 1,
    };
    let mut specification = Specification::new(trial.shard_count())
        .kind::<Gossiper>(limits)
        .links(links)
        .watches_and_refusals(4, 1)
        .seed(trial.seed());
    for (number, name) in NAMES.iter().enumerate() {
        let tree = SupervisorSpec::new(format!("tree {number}"), Strategy::OneForOne)
            .budget(3, Duration::from_millis(10))
            .backoff(Duration::from_micros(100), Duration::from_millis(5))
            .child(Child::new::<Gossiper>(misdelivered.clone()).named(*name));
        specification = specification.tree_on(number % trial.shard_count(), tree);
    }
    specification
}

/// Talks until the faults are over, and then looks whether all has come to an end and adds up.
fn talk(trial: &mut Trial) -> Result<(), Box<dyn std::error::Error>> {
    let misdelivered = Arc::new(AtomicU64::new(0));
    trial.boot(specification(trial, &misdelivered))?;
    let mut random = trial.random(0);
    for round in 0..40 {
        let name = NAMES[random.below(NAMES.len() as u64) as usize];
        if let Some(to) = trial.find::<Talk>(name) {
            let talk = if round % 5 == 0 {
                Talk::Forget
            } else {
                Talk::Gossip(3, to.handle())
            };
            trial.send(to, talk).ok();
        }
        trial.run_for(Duration::from_micros(random.below(2000)))?;
    }
    settle(trial)?;
    match misdelivered.load(Ordering::Relaxed) {
        0 => Ok(()),
        count => Err(format!("{count} messages reached somebody else").into()),
    }
}

/// Once nothing goes wrong any more, everything that was begun comes to an end, and the sums are right.
fn settle(trial: &mut Trial) -> Result<(), Box<dyn std::error::Error>> {
    trial.calm();
    for shard in 0..trial.shard_count() {
        trial.revive(shard);
    }
    // Who waits for an answer has it, or is told that there is none.
    for _ in 0..3 {
        trial.run_for(Duration::from_millis(50))?;
        for name in NAMES {
            if let Some(to) = trial.find::<Talk>(name) {
                trial.send(to, Talk::Forget).ok();
            }
        }
    }
    let calls = |view: &View<'_>| {
        let begun = view.total(Counter::Calls);
        let ended = [
            Counter::CallsReplied,
            Counter::CallsFailed,
            Counter::CallsAbandoned,
        ];
        begun - ended.map(|counter| view.total(counter)).iter().sum::<u64>()
    };
    let is_still = |view: &View<'_>| {
        let accepted = view.total(Counter::Accepted);
        let waiting = accepted - view.total(Counter::Handled) - view.total(Counter::Discarded);
        let refused = REFUSALS.map(|counter| view.total(counter));
        let told = accepted + refused.iter().sum::<u64>();
        waiting == 0 && calls(view) == 0 && view.total(Counter::Offered) == told
    };
    if !trial.run_until(Duration::from_secs(5), is_still)? {
        return Err("something never comes to an end".into());
    }
    if trial.shutdown(LONG)? {
        return Err("the shutdown had to be forced".into());
    }
    if !is_still(&trial.view()) {
        return Err("the shutdown lost something".into());
    }
    Ok(())
}

#[test]
fn nothing_is_lost_whatever_the_host_does() {
    let plan = Plan::new("gossip")
        .seeds(0..60)
        .faults(Faults::interleaving());
    let exercised = check(&plan, talk);
    println!("{} turns of shards, twice", exercised.turns);
    assert!(exercised.stalls > 0 && exercised.holds > 0 && exercised.partitions > 0);
    assert_eq!((exercised.crashes, exercised.shard_crashes), (0, 0));
}

#[test]
fn nothing_is_lost_without_a_word_whoever_crashes() {
    let faults = Faults {
        shard_crash: Ratio::one_in(200),
        revival: Ratio::one_in(100),
        ..Faults::harsh()
    };
    let plan = Plan::new("crashing gossip").seeds(0..150).faults(faults);
    let exercised = check(&plan, talk);
    println!("{} turns of shards, twice", exercised.turns);
    for (what, count) in [
        ("crashes", exercised.crashes),
        ("panics", exercised.panics),
        ("failed starts", exercised.failed_starts),
        ("shard crashes", exercised.shard_crashes),
        ("revivals", exercised.revivals),
        ("clock jumps", exercised.clock_jumps),
        ("audits", exercised.audits),
    ] {
        assert!(count > 0, "no {what} in {exercised:?}");
    }
}

#[test]
fn a_trace_is_of_its_seed() {
    let traces: Vec<u64> = (0..20)
        .map(|seed| {
            let specification = Specification::new(2).kind::<Gossiper>(KindLimits::slots(2));
            let tree = SupervisorSpec::new("two", Strategy::OneForOne)
                .child(Child::new::<Gossiper>(Arc::default()).named("a{shard}"));
            let specification = specification.tree(tree);
            let mut simulation =
                Simulation::boot(specification, seed % 10, &Faults::none()).unwrap();
            let to = simulation.find::<Talk>("a0").unwrap();
            for _ in 0..10 {
                simulation.send(to, Talk::Gossip(2, to.handle())).ok();
            }
            simulation.run_for(Duration::from_millis(5)).unwrap();
            simulation.trace_hash()
        })
        .collect();
    assert_eq!(traces[..10], traces[10..]);
    let all = traces
        .iter()
        .fold(0, |all, &trace| crate::hash::mix(all ^ trace));
    println!("traces of ten seeds: {all:#018x}, in any build");
    let mut different = traces[..10].to_vec();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), 10);
}

/// A scenario that fails whenever somebody crashes.
fn nobody_crashes(trial: &mut Trial) -> Result<(), Box<dyn std::error::Error>> {
    trial.boot(specification(trial, &Arc::default()))?;
    trial.run_for(Duration::from_millis(20))?;
    if trial.exercised().crashes > 0 {
        return Err("somebody crashed".into());
    }
    Ok(())
}

#[test]
fn a_failure_is_made_smaller_and_told_with_the_line_that_repeats_it() {
    let plan = Plan::new("fragile")
        .shards(1..=4)
        .swarm(false)
        .faults(Faults::harsh());
    let failed = std::panic::catch_unwind(|| check(&plan, nobody_crashes));
    let text = crate::panics::message_of(failed.unwrap_err().as_ref());
    assert!(text.contains("somebody crashed"), "{text}");
    let line = text.lines().last().unwrap();
    assert!(
        line.contains("TINA_SEED=") && line.contains("cargo test -p tina-engine"),
        "{line}"
    );
    // Only what is needed for the failure is left.
    let faults = line.split('\'').nth(1).unwrap();
    let faults: Faults = ron::from_str(faults).unwrap();
    let expected = Faults {
        crash: Ratio::one_in(400),
        ..Faults::none()
    };
    assert_eq!(
        (faults.crash, faults.stall, faults.panic),
        (expected.crash, expected.stall, expected.panic)
    );
    assert!(faults.turns < u64::MAX);
}

/// What is planted, how rarely it does harm, and the seeds within which it is to be found.
const CANARIES: [(Canary, u32, u64); 5] = [
    (Canary::LostWakeUp, 20, 20),
    (Canary::LeakedEnvelope, 100, 20),
    (Canary::DroppedReply, 20, 100),
    (Canary::StaleHandle, 1, 200),
    (Canary::MissingFence, 20, 20),
];

#[test]
fn bugs_that_are_planted_are_found() {
    let faults = Faults {
        shard_crash: Ratio::NEVER,
        ..Faults::harsh()
    };
    for (canary, rarity, seeds) in CANARIES {
        // Planted anew for each run, so that runs of one seed are the same.
        let harmed = |trial: &mut Trial| {
            plant(Some(canary), rarity);
            talk(trial)
        };
        let found = (0..seeds).find(|&seed| {
            let plan = Plan::new("planted").seeds(seed..seed + 1).faults(faults);
            std::panic::catch_unwind(|| check(&plan, harmed)).is_err()
        });
        plant(None, 1);
        let found = found.unwrap_or_else(|| panic!("{canary:?} is not found within {seeds} seeds"));
        println!("{canary:?}, every {rarity} chances: found by seed {found}");
    }
}
