//! Streams: every item arrives, in order, when its data sheet says so.

use crate::rig::{ALWAYS, Pace, Ran, Script, record, run, script, wire};
use tina_engine::{Outcome, absorb};
use tina_modules::flow::{
    Arbiter, ArbiterParams, Checksum, ChecksumParams, Delay, DelayParams, Fork, ForkParams, Join,
    JoinMode, JoinParams, Sink, SinkParams, Source, SourceParams,
};

#[test]
fn a_source_counts_to_its_limit() {
    let ran = run(64, |assembly| {
        let params = SourceParams {
            start: 7,
            step: 3,
            limit: Some(4),
        };
        let source = assembly.add::<Source>("source", params)?;
        record(assembly, (source, "out"), "end", ALWAYS)
    });
    assert_eq!(ran.of("end"), [(1, 7), (2, 10), (3, 13), (4, 16)]);
    assert_eq!(ran.result("source", "sent"), 4);
}

#[test]
fn a_source_waits_for_room() {
    let ran = run(64, |assembly| {
        let source = assembly.add::<Source>("source", SourceParams::default())?;
        record(
            assembly,
            (source, "out"),
            "end",
            Pace { from: 10, every: 5 },
        )
    });
    assert_eq!(ran.of("end")[..3], [(10, 0), (15, 1), (20, 2)]);
    // Two slots are filled before the first pop, one after each.
    assert_eq!(ran.result("source", "sent"), 2 + 11);
}

#[test]
fn a_sink_ends_the_run_at_its_limit() {
    let ran = run(1000, |assembly| {
        let source = assembly.add::<Source>("source", SourceParams::default())?;
        let sink = assembly.add::<Sink>("sink", SinkParams { limit: Some(5) })?;
        wire(assembly, (source, "out"), (sink, "in"))
    });
    assert!(matches!(
        ran.outcome,
        Outcome::Finished {
            code: 0,
            instance: 1,
            tick: 5
        }
    ));
    assert_eq!(ran.result("sink", "count"), 5);
    assert_eq!(ran.result("sink", "check"), 4, "0 ^ 1 ^ 2 ^ 3 ^ 4");
}

#[test]
fn a_checksum_tells_right_from_wrong() {
    let right = [5, 6, 7].into_iter().fold(0, absorb);
    let cases = [
        ([5, 6, 7], Some(right), 0),
        ([6, 5, 7], Some(right), 1),
        ([6, 5, 7], None, 0),
    ];
    for (items, expect, expected_code) in cases {
        let ran = run(1000, |assembly| {
            let source = script(assembly, "source", items)?;
            let params = ChecksumParams {
                limit: Some(3),
                expect,
            };
            let sink = assembly.add::<Checksum>("sink", params)?;
            wire(assembly, (source, "out"), (sink, "in"))
        });
        let Outcome::Finished { code, .. } = ran.outcome else {
            panic!("not finished")
        };
        assert_eq!(code, expected_code, "{items:?}");
        assert_eq!(ran.result("sink", "count"), 3);
    }
}

#[test]
fn the_slowest_reader_of_a_fork_sets_the_pace() {
    let ran = run(200, |assembly| {
        let source = script(assembly, "source", 0..20)?;
        let fork = assembly.add::<Fork>("fork", ForkParams { outputs: 3 })?;
        wire(assembly, (source, "out"), (fork, "in"))?;
        record(assembly, (fork, "out[0]"), "fast", ALWAYS)?;
        record(
            assembly,
            (fork, "out[1]"),
            "slow",
            Pace { from: 0, every: 4 },
        )?;
        record(
            assembly,
            (fork, "out[2]"),
            "late",
            Pace { from: 30, every: 1 },
        )
    });
    for end in ["fast", "slow", "late"] {
        assert_eq!(ran.numbers(end), (0..20).collect::<Vec<_>>(), "{end}");
    }
    // Two slots towards the late reader, so the third item leaves after its first pop.
    let fast = ran.of("fast");
    assert_eq!(fast[..2], [(2, 0), (3, 1)]);
    assert!(fast[2].0 > 30, "{fast:?}");
}

#[test]
fn a_join_combines_or_takes_turns() {
    let joined = |mode| -> Ran {
        run(100, move |assembly| {
            let join = assembly.add::<Join>("join", JoinParams { inputs: 3, mode })?;
            let streams = [[1, 2, 3], [10, 20, 30], [100, 200, 300]];
            for (index, items) in streams.into_iter().enumerate() {
                let source = script(assembly, &format!("source[{index}]"), items)?;
                wire(assembly, (source, "out"), (join, &format!("in[{index}]")))?;
            }
            record(assembly, (join, "out"), "end", ALWAYS)
        })
    };
    assert_eq!(
        joined(JoinMode::Sum).of("end"),
        [(2, 111), (3, 222), (4, 333)]
    );
    assert_eq!(
        joined(JoinMode::Xor).numbers("end"),
        [1 ^ 10 ^ 100, 2 ^ 20 ^ 200, 3 ^ 30 ^ 300]
    );
    let expected = [1, 10, 100, 2, 20, 200, 3, 30, 300];
    assert_eq!(joined(JoinMode::InTurn).numbers("end"), expected);
}

#[test]
fn an_arbiter_is_fair_and_skips_who_has_nothing() {
    let ran = run(100, |assembly| {
        let arbiter = assembly.add::<Arbiter>("arbiter", ArbiterParams { inputs: 3 })?;
        let streams = [vec![1, 2, 3], vec![10], vec![100, 200, 300]];
        for (index, items) in streams.into_iter().enumerate() {
            let source = script(assembly, &format!("source[{index}]"), items)?;
            wire(
                assembly,
                (source, "out"),
                (arbiter, &format!("in[{index}]")),
            )?;
        }
        record(assembly, (arbiter, "out"), "end", ALWAYS)
    });
    assert_eq!(ran.numbers("end"), [1, 10, 100, 2, 200, 3, 300]);
}

#[test]
fn a_delay_line_holds_each_item_and_runs_at_full_rate() {
    let delayed = |cycles, pace| {
        run(200, move |assembly| {
            let source = script(assembly, "source", 0..12)?;
            let delay = assembly.add::<Delay>("delay", DelayParams { cycles })?;
            wire(assembly, (source, "out"), (delay, "in"))?;
            record(assembly, (delay, "out"), "end", pace)
        })
    };
    // Popped from the source's wire in cycle 1 at the earliest, seen one cycle after the push.
    let on_time = |cycles| {
        (0..12)
            .map(|item| (item + 2 + cycles, item))
            .collect::<Vec<_>>()
    };
    for cycles in [1, 2, 7] {
        assert_eq!(
            delayed(cycles, ALWAYS).of("end"),
            on_time(u64::from(cycles))
        );
    }
    let late = delayed(3, Pace { from: 50, every: 1 }).of("end");
    assert_eq!(
        late.iter().map(|item| item.1).collect::<Vec<_>>(),
        (0..12).collect::<Vec<_>>()
    );
    assert_eq!(late[..2], [(50, 0), (51, 1)]);
}

#[test]
fn a_delay_line_wakes_up_for_a_lonely_item() {
    let ran = run(200, |assembly| {
        let items = vec![(0, 7), (40, 8), (42, 9)];
        let source = assembly.add::<Script<u64>>("source", items)?;
        let delay = assembly.add::<Delay>("delay", DelayParams { cycles: 9 })?;
        wire(assembly, (source, "out"), (delay, "in"))?;
        record(assembly, (delay, "out"), "end", ALWAYS)
    });
    assert_eq!(ran.of("end"), [(11, 7), (51, 8), (53, 9)]);
}
