//! Budgets, escalation and quarantine, as configured: counted on a shard of its own.

use super::Report;
use super::isolates::LONG;
use tina_engine::Drill;
use tina_engine::runtime::{
    Address, Budget, CallError, Child, Context, Counter, Effect, Event, Isolate, KindLimits,
    OnFault, ReplyTo, Runtime, Specification, Strategy, SupervisorSpec, Undelivered,
};

/// Ends as it is told.
struct Fragile(fn());

enum Blow {
    Crash,
    Panic,
    Fault,
    Ask(ReplyTo<u64>),
}

impl Isolate for Fragile {
    const KIND: &'static str = "fragile";
    type Message = Blow;
    type Init = fn();

    fn start(before_panic: fn(), _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        Ok(Self(before_panic))
    }

    fn handle(&mut self, event: Event<Blow>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(Blow::Crash) => return Effect::Crash("on purpose"),
            Event::Message(Blow::Panic) => {
                (self.0)();
                panic!("on purpose");
            }
            Event::Message(Blow::Fault) => Drill::StackOverflow.provoke(),
            Event::Message(Blow::Ask(to)) => context.reply(to, 1),
            Event::Stopping => return Effect::Done,
            _ => {}
        }
        Effect::Receive
    }
}

/// Restarts that the supervisor, the root and the shard may have: small, and none alike.
const SUPERVISOR: u64 = 2;
const ROOT: u64 = 1;
const SHARD: u64 = 3;

struct Trial {
    runtime: Runtime,
    last: Option<Address<Blow>>,
}

impl Trial {
    fn new(before_panic: fn()) -> Self {
        let budget = |restarts| Budget {
            restarts: restarts as u32,
            window: LONG,
        };
        let fragile = Child::new::<Fragile>(before_panic).named("fragile");
        let tree = SupervisorSpec::new("tree", Strategy::OneForOne)
            .budget(SUPERVISOR as u32, LONG)
            .child(fragile);
        let specification = Specification::new(1)
            .kind::<Fragile>(KindLimits::slots(1))
            .tree(tree)
            .on_fault(OnFault::RebuildShard)
            .escalation(budget(ROOT), budget(SHARD));
        Self {
            runtime: Runtime::boot(specification).expect("it is right and small"),
            last: None,
        }
    }

    /// Strikes whoever is there until the log says that the shard is in quarantine; how often that took.
    fn strike(&mut self, blow: fn(u64) -> Blow) -> u64 {
        let mut count = 0;
        for _ in 0..super::LOOKS_MAX {
            let mut is_over = false;
            self.runtime
                .drain_log(|record| is_over |= record.text().contains("is in quarantine"));
            if is_over {
                return count;
            }
            let found = self.runtime.find::<Blow>("fragile");
            if let Some(who) = found.filter(|&who| Some(who) != self.last)
                && self.runtime.send(who, blow(count)).is_ok()
            {
                count += 1;
                self.last = Some(who);
            }
            super::nap();
        }
        count
    }

    fn ask(&self, who: Option<Address<Blow>>) -> Result<u64, CallError> {
        let stale = Err(CallError::Undelivered(Undelivered::Stale));
        who.map_or(stale, |who| self.runtime.call(who, LONG, Blow::Ask))
    }
}

/// Strikes isolates until their shard is in quarantine, revives it, and does so again.
pub(super) fn check(report: &mut Report, before_panic: fn()) {
    let crash = |count| {
        if count % 2 == 0 {
            Blow::Crash
        } else {
            Blow::Panic
        }
    };
    let crashes = (SUPERVISOR + 1) * (ROOT + 1) * (SHARD + 1);
    let escalations = (ROOT + 1) * (SHARD + 1) + SHARD + 1;
    check_one(
        report,
        before_panic,
        crash,
        ("crashes", crashes, escalations, SHARD, 0),
    );
    let faults = SHARD + 1;
    check_one(
        report,
        before_panic,
        |_| Blow::Fault,
        ("faults", faults, 0, 0, faults),
    );
}

fn check_one(
    report: &mut Report,
    before_panic: fn(),
    blow: fn(u64) -> Blow,
    (what, expected, escalations, restarts, rebuilds): (&str, u64, u64, u64, u64),
) {
    let mut trial = Trial::new(before_panic);
    for round in 1..=2 {
        let count = trial.strike(blow);
        report.equal(
            &format!("{expected} {what} lead to quarantine"),
            &count,
            &expected,
        );
        let metrics = trial.runtime.metrics();
        let counted = [
            Counter::Escalations,
            Counter::ShardRestarts,
            Counter::Rebuilds,
        ];
        let counted = counted.map(|counter| metrics.total(counter));
        let right = [escalations, restarts, rebuilds].map(|count| count * round);
        report.equal(
            "escalations, restarts and rebuilds of the shard",
            &counted,
            &right,
        );
        let stale = Err(CallError::Undelivered(Undelivered::Stale));
        report.equal(
            "in quarantine nobody is reached",
            &trial.ask(trial.last),
            &stale,
        );
        trial.runtime.revive(0);
        let revived = loop {
            if let Some(who) = trial.runtime.find::<Blow>("fragile") {
                break who;
            }
            super::nap();
        };
        report.equal(
            "revived, somebody answers",
            &trial.ask(Some(revived)),
            &Ok(1),
        );
    }
    let shutdown = trial.runtime.shutdown(LONG);
    report.check("the shutdown is not forced", !shutdown.forced, shutdown);
}
