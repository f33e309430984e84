//! Calls: exactly one end each, whatever happens to whom was asked.

use crate::puppet::{Diary, LONG, Note, Order, Stage, boot};
use crate::sealed::unseal;
use std::time::Duration;
use tina_engine::runtime::{CallError, Effect, NotCalled, Runtime, Undelivered};

/// Ann asks Bob to keep the right to answer, on the same shard and on another.
fn ask(check: impl Fn(&Runtime, &Diary)) {
    for shard in [0, 1] {
        let diary = Diary::new();
        let runtime = boot(2, &[(0, "ann"), (shard, "bob")], &diary);
        runtime.introduce("ann", "bob");
        runtime.act("ann", |ann, context| {
            ann.call = Some(context.call(ann.peer.unwrap(), LONG, Order::Keep).unwrap());
            Effect::Call
        });
        // Bob is asked before he does anything else.
        let mut kept = false;
        while !kept {
            runtime.act("bob", |bob, _| {
                bob.diary
                    .write("bob has it", Note::Message(u64::from(bob.kept.is_some())));
                Effect::Receive
            });
            runtime.settle("bob");
            kept = diary.of("bob has it").contains(&Note::Message(1));
        }
        check(&runtime, &diary);
    }
}

#[test]
fn a_reply_may_come_later() {
    ask(|runtime, diary| {
        runtime.act("bob", |bob, context| {
            context.reply(bob.kept.take().unwrap(), 17);
            Effect::Receive
        });
        diary.await_note("ann", Note::Reply(Ok(17)), 1);
    });
}

#[test]
fn who_drops_the_right_to_answer_answers() {
    ask(|runtime, diary| {
        runtime.act("bob", |bob, _| {
            bob.kept = None;
            Effect::Receive
        });
        diary.await_note("ann", Note::Reply(Err(CallError::NoReply)), 1);
    });
}

#[test]
fn who_crashes_answers() {
    ask(|runtime, diary| {
        runtime.act("bob", |_, _| Effect::Crash("on purpose"));
        diary.await_note("ann", Note::Reply(Err(CallError::NoReply)), 1);
    });
}

#[test]
fn who_panics_answers() {
    ask(|runtime, diary| {
        runtime.act("bob", |_, _| {
            unseal();
            panic!("on purpose")
        });
        diary.await_note("ann", Note::Reply(Err(CallError::NoReply)), 1);
    });
}

#[test]
fn a_right_passed_on_to_a_third_shard_still_answers() {
    let diary = Diary::new();
    let runtime = boot(3, &[(0, "ann"), (1, "bob"), (2, "cid")], &diary);
    runtime.introduce("ann", "bob");
    runtime.introduce("bob", "cid");
    runtime.act("ann", |ann, context| {
        ann.call = Some(context.call(ann.peer.unwrap(), LONG, Order::Keep).unwrap());
        Effect::Call
    });
    while !diary.of("bob").contains(&Note::Message(1)) {
        runtime.act("bob", |bob, context| {
            if let Some(kept) = bob.kept.take() {
                context
                    .send(bob.peer.unwrap(), Order::Ask(4, kept))
                    .unwrap();
                bob.diary.write(bob.name, Note::Message(1));
            }
            Effect::Receive
        });
        runtime.settle("bob");
    }
    diary.await_note("ann", Note::Reply(Ok(8)), 1);
}

#[test]
fn a_call_ends_in_time_and_a_late_reply_is_dropped() {
    for shard in [0, 1] {
        let diary = Diary::new();
        let runtime = boot(2, &[(0, "ann"), (shard, "bob")], &diary);
        runtime.introduce("ann", "bob");
        runtime.act("ann", |ann, context| {
            let timeout = Duration::from_millis(1);
            ann.call = Some(
                context
                    .call(ann.peer.unwrap(), timeout, Order::Keep)
                    .unwrap(),
            );
            Effect::Call
        });
        diary.await_note("ann", Note::Reply(Err(CallError::TimedOut)), 1);
        runtime.settle("bob");
        runtime.act("bob", |bob, context| {
            context.reply(bob.kept.take().unwrap(), 17);
            Effect::Receive
        });
        runtime.settle("bob");
        runtime.settle("ann");
        let replies = diary
            .of("ann")
            .into_iter()
            .filter(|note| matches!(note, Note::Reply(_)));
        assert_eq!(replies.count(), 1);
    }
}

#[test]
fn a_question_to_one_that_has_ended_fails_at_once() {
    for shard in [0, 1] {
        let diary = Diary::new();
        let runtime = boot(2, &[(0, "ann"), (shard, "bob")], &diary);
        runtime.introduce("ann", "bob");
        runtime.settle("ann");
        runtime.act("bob", |_, _| Effect::Crash("on purpose"));
        diary.await_note("bob", Note::Started, 2);
        runtime.act("ann", |ann, context| {
            match context.call(ann.peer.unwrap(), LONG, |reply| Order::Ask(1, reply)) {
                Ok(call) => {
                    ann.call = Some(call);
                    Effect::Call
                }
                Err(NotCalled::Undelivered(why)) => {
                    let error = CallError::Undelivered(why);
                    ann.diary.write(ann.name, Note::Reply(Err(error)));
                    Effect::Receive
                }
                Err(NotCalled::QuotaUsedUp) => panic!("the first call"),
            }
        });
        let stale = CallError::Undelivered(Undelivered::Stale);
        diary.await_note("ann", Note::Reply(Err(stale)), 1);
    }
}

#[test]
fn messages_wait_while_a_call_is_waited_for() {
    ask(|runtime, diary| {
        runtime.send(runtime.puppet("ann"), Order::Tell(5)).unwrap();
        runtime.settle("bob");
        runtime.act("bob", |bob, context| {
            context.reply(bob.kept.take().unwrap(), 1);
            Effect::Receive
        });
        diary.await_note("ann", Note::Message(5), 1);
        let notes = diary.of("ann");
        assert_eq!(notes, [Note::Started, Note::Reply(Ok(1)), Note::Message(5)]);
    });
}

#[test]
fn no_isolate_has_more_calls_than_its_kind_may() {
    let diary = Diary::new();
    let runtime = boot(1, &[(0, "ann"), (0, "bob")], &diary);
    runtime.introduce("ann", "bob");
    runtime.act("ann", |ann, context| {
        for _ in 0..4 {
            let _call = context.call(ann.peer.unwrap(), LONG, Order::Keep).unwrap();
        }
        let refused = context.call(ann.peer.unwrap(), LONG, Order::Keep);
        assert_eq!(refused, Err(NotCalled::QuotaUsedUp));
        ann.diary.write(ann.name, Note::Message(1));
        Effect::Done
    });
    diary.await_note("ann", Note::Message(1), 1);
}

#[test]
fn who_waits_for_a_call_it_never_made_is_ended() {
    let diary = Diary::new();
    let runtime = boot(1, &[(0, "ann")], &diary);
    runtime.act("ann", |_, _| Effect::Call);
    diary.await_note("ann", Note::Started, 2);
}
