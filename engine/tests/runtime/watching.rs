//! Monitors, followers, and news of shards.

use crate::puppet::{Act, Diary, Note, Order, Puppet, Stage, boot, boot_in, stage};
use std::time::Duration;
use tina_engine::runtime::{Budget, Context, Effect, Ending, Runtime, Undelivered, WatchError};

#[test]
fn who_watches_is_told_how_the_other_ended() {
    for shard in [0, 1] {
        let diary = Diary::new();
        let runtime = boot(2, &[(0, "ann"), (shard, "bob")], &diary);
        runtime.introduce("ann", "bob");
        runtime.act("ann", |ann, context| {
            context.monitor(ann.peer.unwrap().handle()).unwrap();
            let unwanted = context.monitor(ann.peer.unwrap().handle()).unwrap();
            assert!(context.unmonitor(unwanted));
            assert!(!context.unmonitor(unwanted));
            // What is sent after arrives after.
            context.send(ann.peer.unwrap(), Order::Tell(1)).unwrap();
            Effect::Receive
        });
        diary.await_note("bob", Note::Message(1), 1);
        runtime.act("bob", |_, _| Effect::Crash("on purpose"));
        diary.await_note("ann", Note::Down(Ending::Crashed("on purpose")), 1);
        // Whoever watches one that is gone is told so at once.
        runtime.act("ann", |ann, context| {
            context.monitor(ann.peer.unwrap().handle()).unwrap();
            Effect::Receive
        });
        diary.await_note("ann", Note::Down(Ending::Gone), 1);
        let downs = diary
            .of("ann")
            .into_iter()
            .filter(|note| matches!(note, Note::Down(_)));
        assert_eq!(downs.count(), 2);
    }
}

#[test]
fn who_follows_ends_with_the_other_but_not_if_that_was_done() {
    for shard in [0, 1] {
        let diary = Diary::new();
        let runtime = boot(2, &[(0, "ann"), (shard, "bob")], &diary);
        let crash: Act = |_, _| Effect::Crash("on purpose");
        let done: Act = |_, _| Effect::Done;
        for (round, (end, starts)) in [(crash, 2), (done, 2), (crash, 3)].into_iter().enumerate() {
            runtime.introduce("ann", "bob");
            runtime.act("ann", |ann, context| {
                context.follow(ann.peer.unwrap().handle()).unwrap();
                context.send(ann.peer.unwrap(), Order::Tell(1)).unwrap();
                Effect::Receive
            });
            diary.await_note("bob", Note::Message(1), round + 1);
            runtime.act("bob", end);
            diary.await_note("bob", Note::Started, round + 2);
            diary.await_note("ann", Note::Started, starts);
            runtime.settle("ann");
            let ann = diary
                .of("ann")
                .into_iter()
                .filter(|&note| note == Note::Started);
            assert_eq!(ann.count(), starts);
        }
    }
}

#[test]
fn shards_hear_of_a_shard_that_restarts_and_of_one_in_quarantine() {
    let diary = Diary::new();
    let never = Budget {
        restarts: 0,
        window: Duration::from_secs(60),
    };
    let once = Budget {
        restarts: 1,
        ..never
    };
    let runtime = boot_in(
        stage(2).escalation(never, once),
        &[(0, "ann"), (1, "bob")],
        &diary,
    );
    runtime.act("ann", |_, context| {
        context.watch_peers().unwrap();
        Effect::Receive
    });
    runtime.settle("ann");
    // The tree's own supervisor allows three.
    for number in 1..=4 {
        runtime.act("bob", |_, _| Effect::Crash("on purpose"));
        diary.await_note("bob", Note::Started, 1 + number);
    }
    diary.await_note("ann", Note::Peer(1, true), 1);
    for number in 5..=7 {
        runtime.act("bob", |_, _| Effect::Crash("on purpose"));
        diary.await_note("bob", Note::Started, 1 + number);
    }
    runtime.act("bob", |_, _| Effect::Crash("on purpose"));
    diary.await_note("ann", Note::Peer(1, false), 2);
    assert!(runtime.find::<Order>("bob").is_none());
    runtime.settle("ann");
    runtime.revive(1);
    diary.await_note("ann", Note::Peer(1, true), 2);
    diary.await_note("bob", Note::Started, 9);
    runtime.settle("bob");
    let peers = |note: &Note| matches!(note, Note::Peer(..));
    let heard: Vec<Note> = diary.of("ann").into_iter().filter(peers).collect();
    let (down, up) = (Note::Peer(1, false), Note::Peer(1, true));
    assert_eq!(heard, [down, up, down, up]);
}

#[test]
fn a_watch_across_shards_has_room_for_its_end_from_the_start() {
    let diary = Diary::new();
    let specification = stage(2).watches_and_refusals(2, 16);
    let runtime = boot_in(specification, &[(0, "ann"), (1, "bob"), (1, "cid")], &diary);
    runtime.introduce("ann", "bob");
    runtime.introduce("cid", "ann");
    let watch: Act = |puppet, context| {
        context.monitor(puppet.peer.unwrap().handle()).unwrap();
        context.send(puppet.peer.unwrap(), Order::Tell(1)).unwrap();
        Effect::Receive
    };
    runtime.act("cid", watch);
    runtime.act("cid", watch);
    diary.await_note("ann", Note::Message(1), 2);
    // Both of what Ann's shard may keep are Cid's, so that Ann may not begin what she could not end.
    runtime.act("ann", |ann, context| {
        let refused = context.monitor(ann.peer.unwrap().handle());
        assert_eq!(refused, Err(WatchError::ProxiesUsedUp));
        Effect::Receive
    });
    runtime.settle("ann");
    runtime.act("cid", |_, _| Effect::Crash("on purpose"));
    diary.await_note("cid", Note::Started, 2);
    for round in 1..=20 {
        runtime.act("ann", watch_and_stop);
        diary.await_note("bob", Note::Message(2), round);
    }
    runtime.act("ann", watch);
    diary.await_note("bob", Note::Message(1), 1);
    runtime.act("bob", |_, _| Effect::Crash("on purpose"));
    diary.await_note("ann", Note::Down(Ending::Crashed("on purpose")), 1);
}

/// Watches and stops; tries again as long as the other shard has not said that it watches no more.
fn watch_and_stop(ann: &mut Puppet, context: &mut Context<'_, Puppet>) -> Effect {
    if let Ok(monitor) = context.monitor(ann.peer.unwrap().handle()) {
        assert!(context.unmonitor(monitor));
        context.send(ann.peer.unwrap(), Order::Tell(2)).unwrap();
    } else {
        let again = Order::Act(watch_and_stop);
        context.send(context.address(), again).unwrap();
    }
    Effect::Receive
}

fn times(diary: &Diary, who: &str, wanted: Note) -> usize {
    diary
        .of(who)
        .into_iter()
        .filter(|&note| note == wanted)
        .count()
}

/// Ann is linked to Bob, on the same shard and on another, and both have heard of it.
fn linked(check: impl Fn(&Runtime, &Diary)) {
    for shard in [0, 1] {
        let diary = Diary::new();
        let runtime = boot(2, &[(0, "ann"), (shard, "bob")], &diary);
        runtime.introduce("ann", "bob");
        runtime.introduce("bob", "ann");
        runtime.act("ann", |ann, context| {
            context.link(ann.peer.unwrap().handle()).unwrap();
            context.send(ann.peer.unwrap(), Order::Tell(1)).unwrap();
            Effect::Receive
        });
        diary.await_note("bob", Note::Message(1), 1);
        // What Bob's shard asked of Ann's is there before what Bob says.
        runtime.act("bob", |bob, context| {
            context.send(bob.peer.unwrap(), Order::Tell(2)).unwrap();
            Effect::Receive
        });
        diary.await_note("ann", Note::Message(2), 1);
        check(&runtime, &diary);
    }
}

#[test]
fn whoever_of_a_link_fails_the_other_ends_too() {
    for (first, second) in [("ann", "bob"), ("bob", "ann")] {
        linked(|runtime, diary| {
            runtime.act(first, |_, _| Effect::Crash("on purpose"));
            diary.await_note(first, Note::Started, 2);
            diary.await_note(second, Note::Started, 2);
            runtime.settle(first);
            runtime.settle(second);
            assert_eq!(times(diary, "ann", Note::Started), 2);
            assert_eq!(times(diary, "bob", Note::Started), 2);
        });
        linked(|runtime, diary| {
            runtime.act(first, |_, _| Effect::Done);
            diary.await_note(first, Note::Started, 2);
            runtime.settle(first);
            runtime.settle(second);
            assert_eq!(times(diary, second, Note::Started), 1);
        });
    }
}

#[test]
fn a_link_needs_a_monitor_of_both() {
    for shard in [0, 1] {
        let diary = Diary::new();
        let runtime = boot(2, &[(0, "ann"), (shard, "bob")], &diary);
        runtime.introduce("ann", "bob");
        runtime.introduce("bob", "ann");
        runtime.act("bob", |bob, context| {
            for _ in 0..2 {
                context.monitor(bob.peer.unwrap().handle()).unwrap();
            }
            Effect::Receive
        });
        runtime.settle("bob");
        runtime.act("ann", |ann, context| {
            match context.link(ann.peer.unwrap().handle()) {
                Err(why) => {
                    assert_eq!(why, WatchError::OthersQuotaUsedUp);
                    // Nothing is left of it.
                    for _ in 0..2 {
                        context.monitor(ann.peer.unwrap().handle()).unwrap();
                    }
                    Effect::Crash("it was refused here")
                }
                Ok(_) => Effect::Receive,
            }
        });
        // On another shard the refusal comes as an ending.
        diary.await_note("ann", Note::Started, 2);
        diary.await_note(
            "bob",
            Note::Down(match shard {
                0 => Ending::Crashed("it was refused here"),
                _ => Ending::Linked(runtime.puppet("bob").handle()),
            }),
            2,
        );
        assert_eq!(times(&diary, "bob", Note::Started), 1);
    }
}

#[test]
fn an_isolate_may_be_ended_by_another() {
    for shard in [0, 1] {
        let diary = Diary::new();
        let runtime = boot(2, &[(0, "ann"), (shard, "bob")], &diary);
        runtime.introduce("ann", "bob");
        let ann = runtime.puppet("ann").handle();
        runtime.act("ann", |ann, context| {
            let bob = ann.peer.unwrap().handle();
            context.monitor(bob).unwrap();
            context.end(bob).unwrap();
            Effect::Receive
        });
        diary.await_note("ann", Note::Down(Ending::ByOther(ann)), 1);
        diary.await_note("bob", Note::Started, 2);
        if shard == 0 {
            runtime.act("ann", |ann, context| {
                let gone = context.end(ann.peer.unwrap().handle());
                assert_eq!(gone, Err(Undelivered::Stale));
                context.end(context.address().handle()).unwrap();
                Effect::Receive
            });
            diary.await_note("ann", Note::Started, 2);
        }
    }
}
