//! W1, W2 and W3 as machines give the counts and checks of the plain loops, at every number of
//! shards and without sleeping. The long runs are made from the netlists.

use std::sync::Arc;
use tina_benches::machines::{bands, mesh, pipeline, systolic, total};
use tina_engine::{Blueprint, HostOptions, Limits, Machine, Outcome};
use tina_modules::catalogue;

/// One run per number of shards, and one that never sleeps; all have one digest and `expected` totals.
fn check(blueprint: Blueprint, cycles: u64, expected: &[(&str, u64)]) {
    let blueprint = Arc::new(blueprint);
    let mut digest = None;
    for (shard_count, no_sleep) in [
        (1, false),
        (1, true),
        (2, false),
        (3, false),
        (5, false),
        (5, true),
        (8, false),
    ] {
        let placement = bands(&blueprint, shard_count);
        let host = HostOptions {
            no_sleep,
            ..HostOptions::default()
        };
        let mut machine = Machine::boot(&blueprint, &catalogue(), &placement, &host).unwrap();
        let report = machine.run(
            &Limits {
                cycles: Some(cycles),
                max_cycles: None,
            },
            &mut (),
        );
        let way = format!("{shard_count} shards, no_sleep {no_sleep}");
        assert_eq!(report.outcome, Outcome::CyclesDone, "{way}");
        assert_eq!(*digest.get_or_insert(report.digest), report.digest, "{way}");
        for &(name, value) in expected {
            assert_eq!(
                total(&mut machine, name, u64::wrapping_add),
                value,
                "{name}, {way}"
            );
        }
    }
}

#[test]
fn w1() {
    let expected = [("count", 975), ("check", 0x76c7_1b5f_9481_1fcf)];
    check(pipeline(&catalogue(), 1024).unwrap(), 2_000, &expected);
}

#[test]
fn w2() {
    let expected = [
        ("delivered", 98_205),
        ("latency_sum", 4_039_008),
        ("check", 0x05e2_b017_c9f7_44d8),
    ];
    check(mesh(&catalogue(), 16, 0.25).unwrap(), 2_000, &expected);
}

#[test]
fn w3() {
    let expected = [
        ("sum", 0x5a51_bf1c_a466_0458),
        ("firings", 2_015_232),
        ("drained", 124_896),
    ];
    check(systolic(&catalogue(), 32).unwrap(), 2_000, &expected);
}
