//! Timers and sleeps.

use crate::puppet::{Diary, LONG, Note, Order, Stage, boot};
use std::time::Duration;
use tina_engine::runtime::{Counter, Effect, QuotaUsedUp};

#[test]
fn timers_run_out_in_order_and_not_early() {
    let diary = Diary::new();
    let runtime = boot(1, &[(0, "ann")], &diary);
    runtime.act("ann", |ann, context| {
        ann.number = context.now().as_nanos() as u64;
        context.timer(Duration::from_millis(5)).unwrap();
        let gone = context.timer(Duration::from_millis(1)).unwrap();
        assert_eq!(context.timer(LONG), Err(QuotaUsedUp));
        assert!(context.cancel_timer(gone));
        assert!(!context.cancel_timer(gone));
        Effect::Receive
    });
    diary.await_note("ann", Note::Timer, 1);
    runtime.act("ann", |ann, context| {
        let passed = context.now().as_nanos() as u64 - ann.number;
        ann.diary
            .write(ann.name, Note::Message(u64::from(passed >= 5_000_000)));
        Effect::Receive
    });
    diary.await_note("ann", Note::Message(1), 1);
    let timers = diary
        .of("ann")
        .into_iter()
        .filter(|&note| note == Note::Timer);
    assert_eq!(timers.count(), 1);
}

#[test]
fn a_timer_may_repeat_and_be_renewed() {
    let diary = Diary::new();
    let runtime = boot(1, &[(0, "ann")], &diary);
    runtime.act("ann", |_, context| {
        context.timer_every(Duration::from_millis(1)).unwrap();
        let far = context.timer(LONG).unwrap();
        assert!(context.renew_timer(far, Duration::ZERO));
        Effect::Receive
    });
    diary.await_note("ann", Note::Timer, 5);
}

#[test]
fn messages_wait_while_one_sleeps_and_other_events_do_not() {
    let diary = Diary::new();
    let runtime = boot(1, &[(0, "ann")], &diary);
    runtime.act("ann", |_, context| {
        context.send(context.address(), Order::Tell(1)).unwrap();
        Effect::Sleep(Duration::from_millis(2))
    });
    diary.await_note("ann", Note::Message(1), 1);
    assert_eq!(
        diary.of("ann"),
        [Note::Started, Note::Resumed, Note::Message(1)]
    );
    runtime.act("ann", |_, context| {
        context.send(context.address(), Order::Tell(2)).unwrap();
        context.timer(Duration::from_millis(1)).unwrap();
        Effect::Sleep(LONG)
    });
    diary.await_note("ann", Note::Message(2), 1);
    assert_eq!(diary.of("ann")[3..], [Note::Timer, Note::Message(2)]);
}

#[test]
fn a_time_longer_than_any_clock_is_for_ever() {
    let diary = Diary::new();
    let mut runtime = boot(1, &[(0, "ann")], &diary);
    runtime.act("ann", |_, context| {
        context.timer(Duration::MAX).unwrap();
        Effect::Sleep(Duration::MAX)
    });
    let sleeps = || runtime.metrics().total(Counter::Sleeps);
    while sleeps() == 0 {
        std::thread::yield_now();
    }
    assert_eq!(diary.of("ann"), [Note::Started]);
    assert!(!runtime.shutdown(Duration::MAX).forced);
}

/// A thread with nothing to do sleeps until something arrives: it is not woken by the clock.
#[test]
fn an_idle_runtime_sleeps() {
    let diary = Diary::new();
    let runtime = boot(2, &[(0, "ann"), (1, "bob")], &diary);
    let sleeps = || runtime.metrics().total(Counter::Sleeps);
    while sleeps() < 2 {
        std::thread::yield_now();
    }
    let before = sleeps();
    for _ in 0..1_000 {
        std::thread::yield_now();
    }
    assert_eq!(sleeps(), before);
    runtime.settle("ann");
    runtime.settle("bob");
}
