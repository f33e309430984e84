//! Shutting down: everybody is told, has time, and is ended if that was not enough.

use crate::puppet::{Diary, LONG, Note, Order, Stage, boot};
use std::time::Duration;
use tina_engine::runtime::{CallError, Effect, ReplyTo, Shutdown, Undelivered};

#[test]
fn isolates_finish_what_they_have() {
    let diary = Diary::new();
    let mut runtime = boot(2, &[(0, "ann"), (1, "bob")], &diary);
    runtime.send(runtime.puppet("ann"), Order::Tell(1)).unwrap();
    runtime.settle("ann");
    let ann = runtime.puppet("ann");
    assert_eq!(runtime.shutdown(LONG), Shutdown { forced: false });
    let expected = [
        Note::Started,
        Note::Message(1),
        Note::Stopping,
        Note::Dropped,
    ];
    assert_eq!(diary.of("ann"), expected);
    assert_eq!(
        diary.of("bob"),
        [Note::Started, Note::Stopping, Note::Dropped]
    );
    let refused = runtime.send(ann, Order::Tell(2)).unwrap_err();
    assert_eq!(refused.why, Undelivered::Stale);
}

#[test]
fn who_yields_or_sleeps_hears_of_it() {
    let diary = Diary::new();
    let mut runtime = boot(2, &[(0, "ann"), (1, "bob")], &diary);
    // Ann hears that she is to stop and goes on all the same.
    runtime.act("ann", |_, context| {
        context
            .send(context.address(), Order::Act(|_, _| Effect::Yield))
            .unwrap();
        Effect::Receive
    });
    fn deaf(
        _: &mut crate::puppet::Puppet,
        context: &mut tina_engine::runtime::Context<'_, crate::puppet::Puppet>,
    ) -> Effect {
        context.timer(Duration::from_millis(1)).ok();
        Effect::Sleep(LONG)
    }
    runtime.act("bob", deaf);
    let shutdown = runtime.shutdown(Duration::from_millis(20));
    // Both end well: who sleeps hears of it as well.
    assert_eq!(shutdown, Shutdown { forced: false });
    assert_eq!(diary.of("bob").last(), Some(&Note::Dropped));
}

#[test]
fn one_that_never_ends_is_ended_by_force() {
    let diary = Diary::new();
    let mut runtime = crate::puppet::boot_in(
        crate::puppet::stage(1)
            .kind::<crate::puppet::Stubborn>(tina_engine::runtime::KindLimits::slots(1))
            .tree(
                tina_engine::runtime::SupervisorSpec::new("s", Default::default()).child(
                    tina_engine::runtime::Child::new::<crate::puppet::Stubborn>(()),
                ),
            ),
        &[(0, "ann")],
        &diary,
    );
    assert_eq!(
        runtime.shutdown(Duration::from_millis(10)),
        Shutdown { forced: true }
    );
}

#[test]
fn a_door_that_is_full_says_so() {
    let diary = Diary::new();
    let runtime = crate::puppet::boot_in(crate::puppet::stage(1).door(0), &[(0, "ann")], &diary);
    let ann = runtime.puppet("ann");
    let full = Undelivered::LinkFull;
    assert_eq!(runtime.send(ann, Order::Tell(1)).unwrap_err().why, full);
    let answer = runtime.call(ann, LONG, |reply| Order::Ask(1, reply));
    assert_eq!(answer, Err(CallError::Undelivered(full)));
}

#[test]
fn a_call_from_outside_ends_when_nobody_answers() {
    let diary = Diary::new();
    let runtime = boot(1, &[(0, "ann")], &diary);
    let timeout = Duration::from_millis(1);
    let answer = runtime.call(runtime.puppet("ann"), timeout, Order::Keep);
    assert_eq!(answer, Err(CallError::TimedOut));
    let old = runtime.puppet("ann");
    runtime.act("ann", |_, _| Effect::Crash("on purpose"));
    diary.await_note("ann", Note::Started, 2);
    let answer = runtime.call(old, LONG, |reply| Order::Ask(1, reply));
    assert_eq!(answer, Err(CallError::Undelivered(Undelivered::Stale)));
    // A right to answer may leave the runtime, and be used or dropped there.
    let answer = runtime.call(runtime.puppet("ann"), timeout, |reply: ReplyTo<u64>| {
        drop(reply);
        Order::Tell(1)
    });
    assert_eq!(answer, Err(CallError::NoReply));
}
