//! A hardware fault of an isolate condemns its shard, which is built anew; everybody else goes on, is told,
//! and no sum is off by one.

use crate::puppet::{Diary, LONG, Note, Order, Puppet, Stage, boot_in, stage};
use tina_engine::runtime::{
    Budget, CallError, Context, Counter, Effect, Ending, Metrics, OnFault, Runtime, Shutdown,
    Specification, Undelivered,
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
