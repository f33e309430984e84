//! Messages: in order, never lost without a word, refused truthfully, here and between shards.

use crate::puppet::{Diary, LONG, Note, Order, Puppet, Stage, Stubborn, boot, boot_in, stage};
use tina_engine::runtime::{
    CallError, Child, Counter, Effect, KindLimits, Lane, Specification, Strategy, SupervisorSpec,
    Undelivered,
};

fn told(notes: &[Note]) -> Vec<u64> {
    let numbers = notes.iter().filter_map(|note| match note {
        Note::Message(number) => Some(*number),
        _ => None,
    });
    numbers.collect()
}

#[test]
fn messages_arrive_in_order_on_the_same_shard_and_on_another() {
    for shard in [0, 1] {
        let diary = Diary::new();
        let runtime = boot(2, &[(0, "ann"), (shard, "bob")], &diary);
        runtime.introduce("ann", "bob");
        runtime.act("ann", |ann, context| {
            for number in 0..10 {
                context
                    .send(ann.peer.unwrap(), Order::Tell(number))
                    .unwrap();
            }
            Effect::Receive
        });
        diary.await_note("bob", Note::Message(9), 1);
        assert_eq!(told(&diary.of("bob")), (0..10).collect::<Vec<u64>>());
    }
}

#[test]
fn a_full_mailbox_hands_the_message_back() {
    let diary = Diary::new();
    let runtime = boot(1, &[(0, "ann")], &diary);
    runtime.act("ann", |ann, context| {
        let me = context.address();
        for number in 0..16 {
            context.send(me, Order::Tell(number)).unwrap();
        }
        let refused = context.send(me, Order::Tell(16)).unwrap_err();
        assert_eq!(refused.why, Undelivered::MailboxFull);
        let Order::Tell(number) = refused.message else {
            panic!("another message")
        };
        ann.diary
            .write(ann.name, Note::Refused(refused.why, number));
        Effect::Receive
    });
    diary.await_note("ann", Note::Message(15), 1);
    assert_eq!(
        diary.of("ann")[1],
        Note::Refused(Undelivered::MailboxFull, 16)
    );
}

#[test]
fn a_message_that_another_shard_refuses_comes_back_with_its_reason() {
    let diary = Diary::new();
    let runtime = boot(2, &[(0, "ann"), (1, "bob")], &diary);
    runtime.introduce("ann", "bob");
    // Bob hears nothing but notices until his sleep is over: his mailbox fills up.
    runtime.act("bob", |bob, _| {
        bob.diary.write(bob.name, Note::Message(0));
        Effect::Sleep(crate::puppet::LONG)
    });
    diary.await_note("bob", Note::Message(0), 1);
    runtime.act("ann", |ann, context| {
        for number in 0..20 {
            context
                .send(ann.peer.unwrap(), Order::Tell(number))
                .unwrap();
        }
        Effect::Receive
    });
    diary.await_note("ann", Note::Refused(Undelivered::MailboxFull, 19), 1);
    let refused: Vec<Note> = diary
        .of("ann")
        .into_iter()
        .filter(|note| matches!(note, Note::Refused(..)))
        .collect();
    let expected: Vec<Note> = (16..20)
        .map(|number| Note::Refused(Undelivered::MailboxFull, number))
        .collect();
    assert_eq!(refused, expected);
}

#[test]
fn a_ring_that_is_full_refuses_at_once() {
    let diary = Diary::new();
    let runtime = boot(2, &[(0, "ann"), (1, "bob")], &diary);
    runtime.introduce("ann", "bob");
    runtime.act("ann", |ann, context| {
        // No more than 256 in one turn, whatever the other shard does meanwhile.
        let sent = (0..300)
            .take_while(|&number| context.send(ann.peer.unwrap(), Order::Tell(number)).is_ok());
        ann.diary
            .write(ann.name, Note::Message(sent.count() as u64));
        Effect::Receive
    });
    diary.await_note("ann", Note::Message(256), 1);
}

#[test]
fn an_address_of_one_that_has_ended_is_stale_for_ever() {
    for shard in [0, 1] {
        let diary = Diary::new();
        let runtime = boot(2, &[(0, "ann"), (shard, "bob")], &diary);
        runtime.introduce("ann", "bob");
        runtime.settle("ann");
        let old = runtime.puppet("bob");
        runtime.act("bob", |_, _| Effect::Crash("on purpose"));
        diary.await_note("bob", Note::Started, 2);
        let new = runtime.puppet("bob");
        assert_eq!(old.handle().slot(), new.handle().slot());
        assert_ne!(old, new);
        runtime.act("ann", |ann, context| {
            if let Err(refused) = context.send(ann.peer.unwrap(), Order::Tell(7)) {
                ann.diary.write(ann.name, Note::Refused(refused.why, 7));
            }
            Effect::Receive
        });
        diary.await_note("ann", Note::Refused(Undelivered::Stale, 7), 1);
        runtime.settle("bob");
        assert_eq!(told(&diary.of("bob")), []);
    }
}

#[test]
fn the_high_lane_goes_first_but_lets_one_in_eight_pass() {
    let diary = Diary::new();
    let limits = KindLimits {
        mailbox_slots: 64,
        ..KindLimits::slots(4)
    };
    let specification = Specification::new(1).kind::<crate::puppet::Puppet>(limits);
    let runtime = boot_in(specification, &[(0, "ann")], &diary);
    runtime.act("ann", |_, context| {
        let me = context.address();
        for number in 0..3 {
            context.send(me, Order::Tell(number)).unwrap();
        }
        for number in 100..120 {
            context
                .send_in(me, Lane::High, Order::Tell(number))
                .unwrap();
        }
        Effect::Receive
    });
    diary.await_note("ann", Note::Message(2), 1);
    let mut expected: Vec<u64> = (100..107).collect();
    expected.push(0);
    expected.extend(107..114);
    expected.push(1);
    expected.extend(114..120);
    expected.push(2);
    assert_eq!(told(&diary.of("ann")), expected);
}

#[test]
fn one_kind_cannot_take_the_envelopes_another_is_sure_of() {
    let diary = Diary::new();
    let limits = KindLimits {
        mail_max: Some(3),
        ..KindLimits::slots(4)
    };
    let specification = Specification::new(1).kind::<crate::puppet::Puppet>(limits);
    let runtime = boot_in(specification, &[(0, "ann")], &diary);
    runtime.act("ann", |ann, context| {
        let me = context.address();
        let refused = (0..16).find_map(|number| context.send(me, Order::Tell(number)).err());
        ann.diary
            .write(ann.name, Note::Refused(refused.unwrap().why, 0));
        Effect::Receive
    });
    diary.await_note("ann", Note::Refused(Undelivered::PoolExhausted, 0), 1);
}

#[test]
fn who_yields_for_ever_hears_messages_and_lets_others_run() {
    let diary = Diary::new();
    let runtime = boot_in(stage(1), &[(0, "ann"), (0, "bob")], &diary);
    runtime.act("ann", |_, _| Effect::Yield);
    runtime.settle("bob");
    runtime.settle("ann");
    assert!(diary.of("ann").contains(&Note::Resumed));
}

#[test]
fn an_address_of_another_runtime_reaches_nobody_who_takes_other_messages() {
    let diary = Diary::new();
    let limits = KindLimits::slots(4);
    let other = Specification::new(1)
        .kind::<Stubborn>(limits)
        .kind::<Puppet>(limits);
    let other = boot_in(other, &[(0, "eve")], &diary);
    let tree = SupervisorSpec::new("mute", Strategy::OneForOne)
        .child(Child::new::<Stubborn>(()).named("mute"));
    let here = Specification::new(2)
        .kind::<Puppet>(limits)
        .kind::<Stubborn>(limits)
        .tree_on(0, tree);
    let runtime = boot_in(here, &[(0, "ann")], &diary);
    let eve = other.puppet("eve");
    let refused = runtime.send(eve, Order::Tell(1)).unwrap_err();
    assert_eq!(refused.why, Undelivered::Foreign);
    let asked = runtime.call(eve, LONG, |reply| Order::Ask(1, reply));
    assert_eq!(asked, Err(CallError::Undelivered(Undelivered::Foreign)));
    runtime
        .send(runtime.puppet("ann"), Order::Meet(eve))
        .unwrap();
    runtime.act("ann", |ann, context| {
        let refused = context.send(ann.peer.unwrap(), Order::Tell(2)).unwrap_err();
        assert_eq!(refused.why, Undelivered::Foreign);
        Effect::Receive
    });
    runtime.settle("ann");
    other.settle("eve");
    assert_eq!(runtime.metrics().total(Counter::EndedAbnormally), 0);
    assert_eq!(runtime.metrics().total(Counter::RefusedForeign), 1);
}
