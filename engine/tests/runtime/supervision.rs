//! Supervisors: who is started again, in which order, how often, and what happens beyond that.

use crate::puppet::{Diary, LONG, Note, Puppet, Stage, boot, boot_in, child, script, stage};
use crate::sealed::unseal;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tina_engine::runtime::{
    Backoff, Budget, Child, Context, Counter, Effect, Ending, Event, Isolate, KindLimits, Level,
    Restart, Runtime, Strategy, SupervisorSpec,
};

/// A supervisor over ann, bob and cid.
fn trio(strategy: Strategy, diary: &Diary) -> SupervisorSpec {
    ["ann", "bob", "cid"]
        .iter()
        .fold(SupervisorSpec::new("trio", strategy), |spec, name| {
            spec.child(child(name, diary))
        })
}

fn started(diary: &Diary) -> Vec<&'static str> {
    let all = diary.all();
    all.iter()
        .filter(|(_, note)| *note == Note::Started)
        .map(|(who, _)| *who)
        .collect()
}

/// Who is started after bob crashed.
fn started_again(strategy: Strategy) -> Vec<&'static str> {
    let diary = Diary::new();
    let runtime = Runtime::boot(stage(1).tree(trio(strategy, &diary))).unwrap();
    runtime.act("bob", |_, _| Effect::Crash("on purpose"));
    diary.await_note("bob", Note::Started, 2);
    for name in ["ann", "bob", "cid"] {
        runtime.settle(name);
    }
    let all = started(&diary);
    assert_eq!(all[..3], ["ann", "bob", "cid"]);
    all[3..].to_vec()
}

#[test]
fn a_strategy_says_who_is_started_again_and_in_which_order() {
    assert_eq!(started_again(Strategy::OneForOne), ["bob"]);
    assert_eq!(started_again(Strategy::OneForAll), ["ann", "bob", "cid"]);
    assert_eq!(started_again(Strategy::RestForOne), ["bob", "cid"]);
}

#[test]
fn others_are_ended_in_reverse_and_before_anybody_is_started() {
    let diary = Diary::new();
    let runtime = Runtime::boot(stage(1).tree(trio(Strategy::OneForAll, &diary))).unwrap();
    runtime.act("ann", |_, _| Effect::Crash("on purpose"));
    diary.await_note("cid", Note::Started, 2);
    let order = [
        ("ann", Note::Dropped),
        ("cid", Note::Dropped),
        ("bob", Note::Dropped),
        ("ann", Note::Started),
        ("bob", Note::Started),
        ("cid", Note::Started),
    ];
    assert_eq!(diary.all()[3..], order);
}

#[test]
fn restart_says_which_endings_count() {
    for (restart, after_done, after_crash) in [
        (Restart::Permanent, true, true),
        (Restart::Transient, false, true),
        (Restart::Temporary, false, false),
    ] {
        for (crash, again) in [(false, after_done), (true, after_crash)] {
            let diary = Diary::new();
            let supervisor = SupervisorSpec::new("one", Strategy::OneForOne)
                .child(child("ann", &diary).restart(restart))
                .child(child("bob", &diary));
            let runtime = Runtime::boot(stage(1).tree(supervisor)).unwrap();
            runtime.act(
                "ann",
                match crash {
                    true => |_, _| Effect::Crash("on purpose"),
                    false => |_, _| Effect::Done,
                },
            );
            diary.await_note("ann", Note::Dropped, 1);
            runtime.settle("bob");
            let times = diary
                .of("ann")
                .iter()
                .filter(|&&note| note == Note::Started)
                .count();
            assert_eq!(
                times,
                1 + usize::from(again),
                "{restart:?}, crashed: {crash}"
            );
            assert_eq!(runtime.find::<crate::puppet::Order>("ann").is_some(), again);
        }
    }
}

#[test]
fn a_panic_ends_one_isolate_and_nobody_else() {
    let diary = Diary::new();
    let mut runtime = boot(1, &[(0, "ann"), (0, "bob")], &diary);
    runtime.act("bob", |bob, _| {
        bob.number = 99;
        Effect::Receive
    });
    runtime.act("ann", |_, _| {
        unseal();
        panic!("the sky falls")
    });
    diary.await_note("ann", Note::Started, 2);
    runtime.act("bob", |bob, _| {
        bob.diary.write(bob.name, Note::Message(bob.number));
        Effect::Receive
    });
    diary.await_note("bob", Note::Message(99), 1);
    assert_eq!(
        diary.of("ann"),
        [Note::Started, Note::Dropped, Note::Started]
    );
    let mut log = Vec::new();
    runtime.drain_log(|record| log.push((record.level, record.text().to_owned())));
    let (level, text) = &log[0];
    assert_eq!(*level, Level::Error);
    assert!(
        text.starts_with("puppet panicked: the sky falls ("),
        "{text}"
    );
    assert_eq!(log[1].1, "puppet ended: Panicked");
    assert_eq!(
        log[2].1,
        "supervisor ann starts it again (OneForOne, in 0ns)"
    );
}

#[test]
fn a_start_that_refuses_or_panics_is_an_ending() {
    let diary = Diary::new();
    let runtime = boot(1, &[(0, "ann")], &diary);
    runtime.act("ann", |ann, context| {
        let mut refusing = script("bob", &ann.diary);
        refusing.begin = |_| Err("not today");
        let bob = context.spawn::<Puppet>(refusing).unwrap();
        context.monitor(bob.handle()).unwrap();
        let mut panicking = script("cid", &ann.diary);
        panicking.begin = |_| {
            unseal();
            panic!("on purpose")
        };
        let cid = context.spawn::<Puppet>(panicking).unwrap();
        context.monitor(cid.handle()).unwrap();
        Effect::Receive
    });
    diary.await_note("ann", Note::Down(Ending::NotStarted("not today")), 1);
    diary.await_note("ann", Note::Down(Ending::Panicked), 1);
}

#[test]
fn a_supervisor_that_gives_up_is_started_again_by_its_own() {
    let diary = Diary::new();
    let inner = SupervisorSpec::new("inner", Strategy::OneForOne)
        .budget(1, LONG)
        .child(child("bob", &diary))
        .child(child("cid", &diary));
    let outer = SupervisorSpec::new("outer", Strategy::RestForOne)
        .child(child("ann", &diary))
        .supervisor(inner)
        .child(child("dot", &diary));
    let runtime = Runtime::boot(stage(1).tree(outer)).unwrap();
    for times in 2..=3 {
        runtime.act("bob", |_, _| Effect::Crash("on purpose"));
        diary.await_note("bob", Note::Started, times);
    }
    diary.await_note("dot", Note::Started, 2);
    assert_eq!(
        started(&diary),
        ["ann", "bob", "cid", "dot", "bob", "bob", "cid", "dot"]
    );
    assert_eq!(runtime.metrics().total(Counter::Escalations), 1);
}

#[test]
fn dynamic_children_are_started_again_and_leave_with_their_supervisor() {
    let diary = Diary::new();
    let supervisor = SupervisorSpec::new("pool", Strategy::OneForOne).child(child("ann", &diary));
    let runtime = Runtime::boot(stage(1).tree(supervisor)).unwrap();
    runtime.act("ann", |ann, context| {
        let pool = context.supervisor("pool").unwrap();
        let script = script("bob", &ann.diary);
        let bob = context
            .spawn_under::<Puppet>(pool, Restart::Permanent, script)
            .unwrap();
        ann.peer = Some(bob);
        let crash = crate::puppet::Order::Act(|_, _| Effect::Crash("on purpose"));
        context.send(bob, crash).unwrap();
        Effect::Receive
    });
    diary.await_note("bob", Note::Started, 2);
    for times in 2..=4 {
        // The first failure was bob's: the third of these is one too many for the supervisor.
        runtime.act("ann", |_, _| Effect::Crash("on purpose"));
        diary.await_note("ann", Note::Started, times);
    }
    runtime.settle("ann");
    assert_eq!(started(&diary), ["ann", "bob", "bob", "ann", "ann", "ann"]);
}

#[test]
fn pauses_before_restarts_grow_and_others_run_meanwhile() {
    let diary = Diary::new();
    let supervisor = SupervisorSpec::new("slow", Strategy::OneForOne)
        .budget(10, LONG)
        .backoff(Duration::from_millis(1), Duration::from_millis(4))
        .child(child("ann", &diary));
    let specification = stage(1).tree(supervisor);
    let mut runtime = boot_in(specification, &[(0, "bob")], &diary);
    for times in 2..=5 {
        runtime.act("ann", |_, _| Effect::Crash("on purpose"));
        runtime.settle("bob");
        diary.await_note("ann", Note::Started, times);
    }
    let mut pauses = Vec::new();
    runtime.drain_log(|record| {
        let pause = record
            .text()
            .strip_prefix("supervisor slow starts it again (OneForOne, in ");
        pauses.extend(pause.map(milliseconds));
    });
    let expected = [1.0, 2.0, 4.0, 4.0];
    assert_eq!(pauses.len(), 4);
    for (pause, expected) in pauses.iter().zip(expected) {
        assert!((0.74..=1.26).contains(&(pause / expected)), "{pauses:?}");
    }
    assert_eq!(Backoff::default().first, Duration::ZERO);
}

/// Of a time as it stands in the log, and a bracket.
fn milliseconds(text: &str) -> f64 {
    let text = text.trim_end_matches(')');
    match text.strip_suffix("ms") {
        Some(number) => number.parse().unwrap(),
        None => text.trim_end_matches("µs").parse::<f64>().unwrap() / 1e3,
    }
}

/// Lets the one who is stuck go.
static FREE: AtomicBool = AtomicBool::new(false);

#[test]
fn a_watchdog_names_who_is_stuck_and_ends_it_when_it_returns() {
    let diary = Diary::new();
    let specification = stage(1).watchdog(Duration::from_millis(2));
    let mut runtime = boot_in(specification, &[(0, "ann")], &diary);
    runtime.act("ann", |_, _| {
        while !FREE.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        Effect::Receive
    });
    let mut named = false;
    while !named {
        runtime.drain_log(|record| {
            named |= record
                .text()
                .starts_with("puppet has been in its handler for ");
        });
        std::thread::yield_now();
    }
    FREE.store(true, Ordering::Relaxed);
    diary.await_note("ann", Note::Started, 2);
    let mut log = Vec::new();
    runtime.drain_log(|record| log.push(record.text().to_owned()));
    assert!(log.contains(&"puppet ended: Stuck".to_owned()), "{log:?}");
}

#[test]
fn names_follow_generations_and_are_nobodys_meanwhile() {
    let diary = Diary::new();
    let supervisor = SupervisorSpec::new("one", Strategy::OneForOne)
        .budget(10, LONG)
        .backoff(Duration::from_millis(1), Duration::from_millis(1))
        .child(Child::new::<Puppet>(script("ann", &diary)).named("ann on {shard}"));
    let runtime = Runtime::boot(stage(2).tree(supervisor)).unwrap();
    let first = runtime.puppet("ann on 1");
    assert_eq!(first.handle().shard(), 1);
    runtime.act("ann on 1", |_, _| Effect::Crash("on purpose"));
    diary.await_note("ann", Note::Started, 3);
    runtime.settle("ann on 1");
    let second = runtime.puppet("ann on 1");
    assert_eq!(
        second.handle().generation(),
        first.handle().generation() + 1
    );
    // A name leads to who takes such messages, and to nobody else.
    assert!(runtime.find::<u64>("ann on 1").is_none());
    assert!(runtime.find::<crate::puppet::Order>("ann on 2").is_none());
}

/// There, and nothing else.
struct Plain;

impl Isolate for Plain {
    const KIND: &'static str = "plain";
    type Message = ();
    type Init = ();

    fn start((): (), _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        Ok(Self)
    }

    fn handle(&mut self, event: Event<()>, _: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Stopping => Effect::Done,
            _ => Effect::Crash("it is told nothing"),
        }
    }
}

/// Starts a child of its supervisor, which is started while the supervisor starts its own.
fn spawn_plain(context: &mut Context<'_, Puppet>) -> Result<(), &'static str> {
    let plain = context.spawn::<Plain>(()).map_err(|_| "there is room")?;
    context
        .monitor(plain.handle())
        .map_err(|_| "it may watch one")?;
    Ok(())
}

#[test]
fn a_child_spawned_while_its_siblings_are_started_is_started_once() {
    let diary = Diary::new();
    let mut spawning = script("ann", &diary);
    spawning.begin = spawn_plain;
    let supervisor = SupervisorSpec::new("all", Strategy::OneForAll)
        .child(Child::new::<Puppet>(spawning).named("ann"))
        .child(child("bob", &diary));
    let specification = stage(1)
        .kind::<Plain>(KindLimits::slots(4))
        .tree(supervisor);
    let mut runtime = Runtime::boot(specification).unwrap();
    runtime.settle("ann");
    let started = |runtime: &Runtime| runtime.metrics().total(Counter::Started);
    assert_eq!(started(&runtime), 3);
    runtime.act("bob", |_, _| Effect::Crash("on purpose"));
    diary.await_note("bob", Note::Started, 2);
    runtime.settle("ann");
    assert_eq!(started(&runtime), 6);
    assert!(!diary.of("ann").contains(&Note::Down(Ending::Gone)));
    assert!(!runtime.shutdown(LONG).forced);
}

#[test]
fn a_first_child_that_was_there_for_a_while_only_stops_no_restart() {
    let diary = Diary::new();
    let pool = SupervisorSpec::new("pool", Strategy::OneForAll);
    let specification = stage(1).kind::<Plain>(KindLimits::slots(1)).tree(pool);
    let mut runtime = boot_in(specification, &[(0, "ann")], &diary);
    runtime.act("ann", |ann, context| {
        let pool = context.supervisor("pool").unwrap();
        context
            .spawn_under::<Plain>(pool, Restart::Temporary, ())
            .unwrap();
        let bob = script("bob", &ann.diary);
        let bob = context
            .spawn_under::<Puppet>(pool, Restart::Permanent, bob)
            .unwrap();
        let crash = crate::puppet::Order::Act(|_, _| Effect::Crash("on purpose"));
        context.send(bob, crash).unwrap();
        Effect::Receive
    });
    diary.await_note("bob", Note::Started, 2);
    // The slot of the one that is gone is free again, once.
    runtime.act("ann", |_, context| {
        let pool = context.supervisor("pool").unwrap();
        context
            .spawn_under::<Plain>(pool, Restart::Temporary, ())
            .unwrap();
        context
            .spawn_under::<Plain>(pool, Restart::Temporary, ())
            .unwrap_err();
        Effect::Receive
    });
    runtime.settle("ann");
    assert!(!runtime.shutdown(LONG).forced);
}

#[test]
fn a_shard_that_restarts_forgets_who_was_to_end_with_whom() {
    let diary = Diary::new();
    let never = Budget {
        restarts: 0,
        window: LONG,
    };
    let once = Budget {
        restarts: 1,
        ..never
    };
    let supervisor = SupervisorSpec::new("pair", Strategy::OneForOne)
        .budget(0, LONG)
        .child(child("ann", &diary))
        .child(child("bob", &diary))
        .child(child("cid", &diary));
    let specification = stage(1).escalation(never, once).tree(supervisor);
    let mut runtime = Runtime::boot(specification).unwrap();
    runtime.introduce("bob", "ann");
    runtime.act("bob", |bob, context| {
        context.follow(bob.peer.unwrap().handle()).unwrap();
        Effect::Yield
    });
    runtime.act("cid", |_, _| Effect::Crash("on purpose"));
    diary.await_note("cid", Note::Started, 2);
    runtime.settle("bob");
    let metrics = runtime.metrics();
    assert_eq!(metrics.total(Counter::ShardRestarts), 1);
    assert_eq!(metrics.total(Counter::Started), 6);
    let mut panics = 0;
    runtime.drain_log(|record| panics += usize::from(record.text().contains("panicked")));
    assert_eq!(panics, 0);
    // Once more is too often; whoever had something to do does not keep the shard awake.
    let bob = runtime.puppet("bob");
    runtime.act("bob", |_, _| Effect::Yield);
    runtime.act("cid", |_, _| Effect::Crash("on purpose"));
    while runtime.find::<crate::puppet::Order>("ann").is_some() {
        std::thread::yield_now();
    }
    let sleeps = || runtime.metrics().total(Counter::Sleeps);
    let before = sleeps();
    runtime.send(bob, crate::puppet::Order::Tell(1)).unwrap();
    while sleeps() == before {
        std::thread::yield_now();
    }
    assert!(!runtime.shutdown(LONG).forced);
}

/// Refuses to start every time but the first and the third.
fn start_first_and_third(_: &mut Context<'_, Puppet>) -> Result<(), &'static str> {
    static STARTS: AtomicU32 = AtomicU32::new(0);
    match STARTS.fetch_add(1, Ordering::Relaxed) {
        1 => Err("not now"),
        _ => Ok(()),
    }
}

#[test]
fn a_pause_that_begins_anew_is_not_cut_short_by_the_one_before() {
    let diary = Diary::new();
    // Whoever is armed last is woken first.
    let mut bob = script("bob", &diary);
    bob.begin = start_first_and_third;
    let pause = Duration::from_millis(5);
    let supervisor = SupervisorSpec::new("pair", Strategy::OneForAll)
        .backoff(pause, pause)
        .child(child("ann", &diary))
        .child(Child::new::<Puppet>(bob).named("bob"));
    let runtime = Runtime::boot(stage(1).tree(supervisor)).unwrap();
    runtime.act("ann", |_, _| Effect::Crash("on purpose"));
    diary.await_note("ann", Note::Started, 2);
    assert_eq!(started(&diary), ["ann", "bob", "bob", "bob", "ann"]);
}

#[test]
fn who_is_never_started_again_is_not_by_its_siblings_either() {
    let diary = Diary::new();
    let supervisor = SupervisorSpec::new("trio", Strategy::OneForAll)
        .budget(1, LONG)
        .child(child("ann", &diary))
        .child(child("bob", &diary).restart(Restart::Temporary))
        .child(child("cid", &diary));
    let runtime = Runtime::boot(stage(1).tree(supervisor)).unwrap();
    runtime.act("ann", |_, _| Effect::Crash("on purpose"));
    diary.await_note("cid", Note::Started, 2);
    assert_eq!(started(&diary)[3..], ["ann", "cid"]);
    assert!(runtime.find::<crate::puppet::Order>("bob").is_none());
    // Their supervisor gives up and is started again, and so is everybody it has.
    runtime.act("ann", |_, _| Effect::Crash("on purpose"));
    diary.await_note("cid", Note::Started, 3);
    assert_eq!(started(&diary)[5..], ["ann", "bob", "cid"]);
}

#[test]
fn a_shard_that_cannot_start_is_tried_as_often_as_was_said_and_not_deeper_each_time() {
    let diary = Diary::new();
    let mut ann = script("ann", &diary);
    ann.begin = |_| Err("never");
    let budget = |restarts| Budget {
        restarts,
        window: LONG,
    };
    let supervisor = SupervisorSpec::new("one", Strategy::OneForOne)
        .budget(0, LONG)
        .child(Child::new::<Puppet>(ann));
    let specification = stage(1)
        .escalation(budget(0), budget(20_000))
        .tree(supervisor);
    let mut runtime = Runtime::boot(specification).unwrap();
    assert_eq!(runtime.metrics().total(Counter::ShardRestarts), 20_000);
    assert_eq!(started(&diary).len(), 20_001);
    assert!(!runtime.shutdown(LONG).forced);
}

#[test]
fn a_child_that_cannot_say_what_it_starts_from_is_not_started() {
    let diary = Diary::new();
    let begun = script("ann", &diary);
    let said = AtomicBool::new(false);
    let ann = Child::with::<Puppet>(move |_| {
        if said.swap(true, Ordering::Relaxed) {
            unseal();
            panic!("nothing to say");
        }
        begun.clone()
    });
    let supervisor = SupervisorSpec::new("one", Strategy::OneForOne)
        .budget(0, LONG)
        .child(ann.named("ann"));
    let none = Budget {
        restarts: 0,
        window: LONG,
    };
    let once = Budget {
        restarts: 1,
        window: LONG,
    };
    let specification = stage(2).escalation(none, once).tree_on(1, supervisor);
    let mut runtime = boot_in(specification, &[(0, "bob")], &diary);
    runtime.act("bob", |_, context| {
        context.watch_peers().unwrap();
        Effect::Receive
    });
    runtime.settle("bob");
    runtime.act("ann", |_, _| Effect::Crash("on purpose"));
    // It is started once more and ends in quarantine.
    while runtime.metrics().total(Counter::Escalations) < 4 {
        std::thread::yield_now();
    }
    runtime.settle("bob");
    let mut log = Vec::new();
    runtime.drain_log(|record| log.push(record.text().to_owned()));
    let panicked = |text: &&String| text.starts_with("puppet panicked: nothing to say");
    assert_eq!(log.iter().filter(panicked).count(), 1, "{log:?}");
    let refused = "puppet ended: NotStarted(\"it has nothing to start from\")";
    assert!(log.iter().any(|text| text == refused), "{log:?}");
    assert!(!runtime.shutdown(LONG).forced);
}
