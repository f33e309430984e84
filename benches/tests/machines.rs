//! W1, W2 and W3 as machines give the counts and checks of the plain loops, at every number of
//! shards and without sleeping.

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
    let build = || pipeline(&catalogue(), 1024).unwrap();
    check(
        build(),
        2_000,
        &[("count", 975), ("check", 0x76c7_1b5f_9481_1fcf)],
    );
    check(
        build(),
        20_000,
        &[("count", 18_975), ("check", 0xbfea_c04d_7a70_661f)],
    );
}

#[test]
fn w2() {
    let cases = [
        (2_000, 0.25, 98_205, 4_039_008, 0x05e2_b017_c9f7_44d8),
        (20_000, 0.01, 51_392, 653_509, 0x1eb7_4bbb_98a9_6511),
        (20_000, 0.05, 255_977, 3_321_417, 0x98aa_4f22_fb40_4e79),
        (20_000, 0.25, 995_098, 42_379_778, 0x518a_2637_c6d6_b9fd),
    ];
    for (cycles, rate, delivered, latency_sum, value) in cases {
        let expected = [
            ("delivered", delivered),
            ("latency_sum", latency_sum),
            ("check", value),
        ];
        check(mesh(&catalogue(), 16, rate).unwrap(), cycles, &expected);
    }
}

#[test]
fn w3() {
    let cases = [
        (2_000, 0x5a51_bf1c_a466_0458, 2_015_232, 124_896),
        (20_000, 0x0b27_0ed4_942c_4d7b, 20_447_232, 1_276_896),
    ];
    for (cycles, sum, firings, drained) in cases {
        let expected = [("sum", sum), ("firings", firings), ("drained", drained)];
        check(systolic(&catalogue(), 32).unwrap(), cycles, &expected);
    }
}
