//! A hardware fault of an isolate condemns its shard, which is built anew; everybody else goes on, is told,
//! and no sum is off by one.

use crate::puppet::{Diary, LONG, Note, Order, Puppet, Stage, boot_in, child, stage};
use std::sync::atomic::{AtomicBool, Ordering};
use tina_engine::runtime::{
    Budget, CallError, Child, Context, Counter, Effect, Ending, Event, Isolate, KindLimits,
    Metrics, OnFault, Runtime, Shutdown, Specification, Strategy, SupervisorSpec, Undelivered,
};
use tina_engine::{Drill, FaultSignal};

const SEGMENT: Drill = Drill::Signal(FaultSignal::Segment);

/// So many rebuilds in any time.
fn patient(shards: usize, rebuilds: u32) -> Specification {
    let budget = Budget {
        restarts: rebuilds,
        window: LONG,
    };
    stage(shards)
        .threads(shards)
        .on_fault(OnFault::RebuildShard)
        .escalation(Budget::default(), budget)
}

fn fault(_: &mut Puppet, _: &mut Context<'_, Puppet>) -> Effect {
    SEGMENT.provoke();
    Effect::Receive
}

/// Sums that hold once everything has come to an end.
fn check_sums(metrics: &Metrics) {
    let total = |counter| metrics.total(counter);
    let refused = [
        Counter::RefusedMailboxFull,
        Counter::RefusedPoolExhausted,
        Counter::RefusedStale,
        Counter::RefusedLinkFull,
        Counter::RefusedForeign,
        Counter::Returned,
    ];
    let told = total(Counter::Accepted) + refused.map(total).iter().sum::<u64>();
    assert_eq!(total(Counter::Offered), told, "{metrics:?}");
    let ended = total(Counter::Handled) + total(Counter::Discarded);
    assert_eq!(total(Counter::Accepted), ended, "{metrics:?}");
    let ended = total(Counter::CallsReplied) + total(Counter::CallsFailed);
    let ended = ended + total(Counter::CallsAbandoned);
    assert_eq!(total(Counter::Calls), ended, "{metrics:?}");
    let ended = total(Counter::EndedNormally) + total(Counter::EndedAbnormally);
    assert_eq!(total(Counter::Started), ended, "{metrics:?}");
}

fn log_of(runtime: &mut Runtime) -> Vec<String> {
    let mut lines = Vec::new();
    runtime.drain_log(|record| lines.push(format!("{:?} {}", record.level, record.text())));
    lines
}

#[test]
fn every_kind_of_fault_costs_one_shard_and_nobody_else() {
    let diary = Diary::new();
    let cast = [(0, "ann"), (1, "bob"), (1, "cid")];
    let mut runtime = boot_in(patient(2, 100), &cast, &diary);
    let acts: [fn(&mut Puppet, &mut Context<'_, Puppet>) -> Effect; 6] = [
        |_, _| provoke(0),
        |_, _| provoke(1),
        |_, _| provoke(2),
        |_, _| provoke(3),
        |_, _| provoke(4),
        |_, _| provoke(5),
    ];
    for (round, act) in acts.into_iter().enumerate() {
        let old = runtime.puppet("cid");
        runtime.act("bob", act);
        diary.await_note("cid", Note::Started, 2 + round);
        runtime.settle("bob");
        runtime.settle("cid");
        runtime.settle("ann");
        assert_ne!(runtime.puppet("cid"), old);
        let answer = runtime.call(old, LONG, |reply| Order::Ask(1, reply));
        assert_eq!(answer, Err(CallError::Undelivered(Undelivered::Stale)));
    }
    assert_eq!(diary.of("ann"), [Note::Started], "she never noticed");
    assert!(
        !diary.of("cid").contains(&Note::Dropped),
        "nothing is dropped"
    );
    assert_eq!(runtime.shutdown(LONG), Shutdown { forced: false });
    let metrics = runtime.metrics();
    assert_eq!(metrics.shards[1].counter(Counter::Rebuilds), 6);
    assert_eq!(metrics.shards[0].counter(Counter::Rebuilds), 0);
    check_sums(&metrics);
    let log = log_of(&mut runtime);
    let said = |text: &str| log.iter().filter(|line| line.contains(text)).count();
    assert_eq!(said("puppet: SIGSEGV at address 0x10"), 1, "{log:?}");
    assert_eq!(said("puppet: stack overflow"), 1, "{log:?}");
    assert_eq!(said("the shard is built anew"), 6, "{log:?}");
}

fn provoke(number: usize) -> Effect {
    Drill::ALL[number].provoke();
    Effect::Receive
}

#[test]
fn others_are_told_at_once_and_their_calls_fail() {
    let diary = Diary::new();
    let cast = [(0, "ann"), (0, "eve"), (1, "bob")];
    let mut runtime = boot_in(patient(2, 100), &cast, &diary);
    runtime.introduce("ann", "bob");
    runtime.introduce("eve", "bob");
    runtime.act("ann", |ann, context| {
        let bob = ann.peer.expect("introduced");
        context.watch_peers().expect("the first one");
        context.monitor(bob.handle()).expect("the second one");
        ann.call = context.call(bob, LONG, Order::Keep).ok();
        assert!(ann.call.is_some());
        Effect::Receive
    });
    runtime.act("eve", |eve, context| {
        context
            .link(eve.peer.expect("introduced").handle())
            .expect("the first one");
        Effect::Receive
    });
    runtime.settle("ann");
    runtime.settle("eve");
    runtime.settle("bob");
    runtime.act("bob", fault);
    // Down, the end of the call and the end of the watch; then up again.
    diary.await_note("ann", Note::Peer(1, true), 1);
    let notes = diary.of("ann");
    for note in [
        Note::Peer(1, false),
        Note::Reply(Err(CallError::NoReply)),
        Note::Down(Ending::WithShard),
    ] {
        assert_eq!(
            notes.iter().filter(|&&it| it == note).count(),
            1,
            "{notes:?}"
        );
    }
    diary.await_note("eve", Note::Started, 2);
    // Watching goes on as before.
    diary.await_note("bob", Note::Started, 2);
    runtime.introduce("ann", "bob");
    runtime.act("ann", |ann, context| {
        context
            .monitor(ann.peer.expect("introduced").handle())
            .expect("one of two");
        Effect::Receive
    });
    runtime.settle("ann");
    // In a later turn: what was sent in the one before has been published.
    runtime.settle("ann");
    runtime.settle("bob");
    runtime.act("bob", |_, _| Effect::Crash("on purpose"));
    diary.await_note("ann", Note::Down(Ending::Crashed("on purpose")), 1);
    assert_eq!(runtime.shutdown(LONG), Shutdown { forced: false });
    check_sums(&runtime.metrics());
}

/// Faults as soon as it keeps a right to answer.
fn fault_when_asked(puppet: &mut Puppet, context: &mut Context<'_, Puppet>) -> Effect {
    if puppet.kept.is_some() {
        return fault(puppet, context);
    }
    let me = context.address();
    context
        .send(me, Order::Act(fault_when_asked))
        .expect("room");
    Effect::Receive
}

#[test]
fn a_question_from_outside_that_nobody_will_answer_fails_at_once() {
    let diary = Diary::new();
    let runtime = boot_in(patient(2, 100), &[(1, "bob")], &diary);
    runtime.act("bob", fault_when_asked);
    let answer = runtime.call(runtime.puppet("bob"), LONG, Order::Keep);
    assert_eq!(answer, Err(CallError::NoReply));
    diary.await_note("bob", Note::Started, 2);
    runtime.settle("bob");
}

/// Sends at every step down, until its stack is at its end: most probably somewhere in the engine.
fn send_for_ever(depth: u64, context: &mut Context<'_, Puppet>) -> u64 {
    let frame = std::hint::black_box([depth; 3]);
    if depth == u64::MAX {
        return 0;
    }
    let peer = context.find::<Order>("ann").expect("she is always there");
    context.send(peer, Order::Tell(depth)).ok();
    send_for_ever(depth + 1, context) + frame[depth as usize % 3]
}

fn send_here_for_ever(depth: u64, context: &mut Context<'_, Puppet>) -> u64 {
    let frame = std::hint::black_box([depth; 3]);
    if depth == u64::MAX {
        return 0;
    }
    let me = context.address();
    context.send(me, Order::Tell(depth)).ok();
    send_here_for_ever(depth + 1, context) + frame[depth as usize % 3]
}

#[test]
fn a_stack_that_overflows_while_something_is_sent_leaves_no_message_uncounted() {
    let diary = Diary::new();
    let mut runtime = boot_in(patient(2, 100), &[(0, "ann"), (1, "bob")], &diary);
    for round in 0..6 {
        runtime.act(
            "bob",
            match round % 2 {
                0 => |_, context| {
                    std::hint::black_box(send_for_ever(0, context));
                    Effect::Receive
                },
                _ => |_, context| {
                    std::hint::black_box(send_here_for_ever(0, context));
                    Effect::Receive
                },
            },
        );
        diary.await_note("bob", Note::Started, 2 + round);
        runtime.settle("bob");
        runtime.settle("ann");
    }
    assert_eq!(runtime.shutdown(LONG), Shutdown { forced: false });
    let metrics = runtime.metrics();
    assert_eq!(metrics.total(Counter::Rebuilds), 6);
    check_sums(&metrics);
}

#[test]
fn a_shard_that_faults_too_often_is_in_quarantine_until_it_is_revived() {
    let diary = Diary::new();
    let cast = [(0, "ann"), (1, "bob")];
    let mut runtime = boot_in(patient(2, 2), &cast, &diary);
    for round in 0..2 {
        runtime.act("bob", fault);
        diary.await_note("bob", Note::Started, 2 + round);
    }
    let bob = runtime.puppet("bob");
    runtime.act("bob", fault);
    // Who sends there is told that nobody is.
    let answer = runtime.call(bob, LONG, |reply| Order::Ask(1, reply));
    assert!(answer.is_err());
    let answer = runtime.call(bob, LONG, |reply| Order::Ask(1, reply));
    assert_eq!(answer, Err(CallError::Undelivered(Undelivered::Stale)));
    assert!(runtime.find::<Order>("bob").is_none());
    runtime.settle("ann");
    runtime.revive(1);
    diary.await_note("bob", Note::Started, 4);
    runtime.settle("bob");
    // Its budget is a fresh one.
    runtime.act("bob", fault);
    diary.await_note("bob", Note::Started, 5);
    assert_eq!(runtime.shutdown(LONG), Shutdown { forced: false });
    let metrics = runtime.metrics();
    assert_eq!(metrics.total(Counter::Rebuilds), 4);
    check_sums(&metrics);
    let log = log_of(&mut runtime);
    let said = |text: &str| log.iter().filter(|line| line.contains(text)).count();
    assert_eq!(said("in quarantine until it is revived"), 1, "{log:?}");
    assert_eq!(said("the shard is revived"), 1, "{log:?}");
}

#[test]
fn faults_and_restarts_of_a_shard_have_one_budget() {
    let diary = Diary::new();
    let budget = |restarts| Budget {
        restarts,
        window: LONG,
    };
    let specification = patient(1, 2).escalation(budget(0), budget(2));
    let bob = SupervisorSpec::new("bob", Strategy::OneForOne)
        .budget(0, LONG)
        .child(child("bob", &diary));
    let runtime = Runtime::boot(specification.tree(bob)).unwrap();
    runtime.act("bob", fault);
    diary.await_note("bob", Note::Started, 2);
    // The supervisor gives up, and so does the root.
    runtime.act("bob", |_, _| Effect::Crash("on purpose"));
    diary.await_note("bob", Note::Started, 3);
    let bob = runtime.puppet("bob");
    runtime.act("bob", fault);
    while runtime.find::<Order>("bob").is_some() {
        std::thread::yield_now();
    }
    let answer = runtime.call(bob, LONG, |reply| Order::Ask(1, reply));
    assert_eq!(answer, Err(CallError::Undelivered(Undelivered::Stale)));
    runtime.revive(0);
    diary.await_note("bob", Note::Started, 4);
}

/// When a faulty isolate faults.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum When {
    Starting,
    Dropped,
    Stopping,
}

/// Faults once, and not again when it is started anew.
struct Faulty(When, &'static AtomicBool);

impl Faulty {
    fn strike(&self, when: When) {
        if self.0 == when && !self.1.swap(true, Ordering::Relaxed) {
            Drill::StackOverflow.provoke();
        }
    }
}

impl Isolate for Faulty {
    const KIND: &'static str = "faulty";
    type Message = ();
    type Init = (When, &'static AtomicBool);

    fn start((when, has): Self::Init, _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        let faulty = Self(when, has);
        faulty.strike(When::Starting);
        Ok(faulty)
    }

    fn handle(&mut self, event: Event<()>, _: &mut Context<'_, Self>) -> Effect {
        if matches!(event, Event::Stopping) {
            self.strike(When::Stopping);
        }
        Effect::Done
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.strike(When::Dropped);
    }
}

#[test]
fn whoever_faults_in_its_start_its_drop_or_the_shutdown_costs_its_shard() {
    static HAS: [AtomicBool; 3] = [const { AtomicBool::new(false) }; 3];
    let whens = [When::Starting, When::Dropped, When::Stopping];
    for (when, has) in whens.into_iter().zip(&HAS) {
        let diary = Diary::new();
        let faulty = SupervisorSpec::new("faulty", Strategy::OneForOne)
            .child(Child::new::<Faulty>((when, has)).named("faulty"));
        let specification = patient(2, 100)
            .kind::<Faulty>(KindLimits::slots(1))
            .tree_on(1, faulty);
        let mut runtime = boot_in(specification, &[(0, "ann"), (1, "bob")], &diary);
        if when == When::Dropped {
            let faulty = runtime.find("faulty").unwrap();
            runtime.send(faulty, ()).unwrap();
            diary.await_note("bob", Note::Started, 2);
        }
        runtime.settle("ann");
        runtime.settle("bob");
        assert_eq!(runtime.shutdown(LONG), Shutdown { forced: false });
        assert!(has.load(Ordering::Relaxed), "{when:?}");
        let metrics = runtime.metrics();
        assert_eq!(metrics.total(Counter::Rebuilds), 1, "{when:?}");
        check_sums(&metrics);
    }
}

#[test]
fn shards_of_one_thread_go_down_together_and_others_do_not() {
    let diary = Diary::new();
    let cast = [(0, "ann"), (1, "bob"), (2, "cid"), (3, "dan")];
    let specification = patient(4, 1).threads(2);
    let mut runtime = boot_in(specification, &cast, &diary);
    // Only who faulted uses up its budget.
    for round in 0..2 {
        runtime.act(if round == 0 { "cid" } else { "dan" }, fault);
        diary.await_note("cid", Note::Started, 2 + round);
        diary.await_note("dan", Note::Started, 2 + round);
        cast.iter().for_each(|(_, name)| runtime.settle(name));
    }
    runtime.act("dan", fault);
    diary.await_note("cid", Note::Started, 4);
    while runtime.find::<Order>("dan").is_some() {
        std::thread::yield_now();
    }
    for name in ["ann", "bob", "cid"] {
        runtime.settle(name);
    }
    // It stays where it is when a neighbour goes down, and has no more to say.
    runtime.act("cid", fault);
    while runtime.find::<Order>("cid").is_some() {
        std::thread::yield_now();
    }
    runtime.revive(3);
    diary.await_note("dan", Note::Started, 4);
    runtime.settle("dan");
    assert_eq!(diary.of("ann"), [Note::Started]);
    assert_eq!(diary.of("bob"), [Note::Started]);
    assert_eq!(runtime.shutdown(LONG), Shutdown { forced: false });
    check_sums(&runtime.metrics());
}

#[test]
fn a_runtime_ends_in_whatever_state_its_shards_are() {
    // In quarantine; just after a fault; while one faults; with nobody asked.
    for case in 0..4 {
        let diary = Diary::new();
        let rebuilds = if case == 0 { 0 } else { 100 };
        let mut runtime = boot_in(patient(2, rebuilds), &[(0, "ann"), (1, "bob")], &diary);
        runtime.act("bob", fault);
        match case {
            0 => {
                while runtime.find::<Order>("bob").is_some() {
                    std::thread::yield_now();
                }
            }
            1 => diary.await_note("bob", Note::Started, 2),
            _ => {}
        }
        if case < 3 {
            assert_eq!(runtime.shutdown(LONG), Shutdown { forced: false });
        }
    }
}
