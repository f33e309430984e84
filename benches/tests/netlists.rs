//! The netlists of W1, W2 and W3 give the counts and checks of the plain loops, however many shards
//! the partitioner makes of them and whether or not modules sleep.

use tina_benches::subjects::netlist;
use tina_engine::{HostOptions, Limits, Outcome};
use tina_modules::catalogue;
use tina_sim::run::boot;

/// Runs a netlist in every way for the cycles it asks for itself, or as many as given.
fn check(file: &str, set: &[(&str, &str)], cycles: Option<u64>, expected: &[(&str, u64)]) {
    let design = netlist(file, set);
    let cycles = cycles.or(design.run.cycles);
    let mut digest = None;
    for (shard_count, no_sleep) in [
        (1, false),
        (1, true),
        (2, false),
        (3, false),
        (5, false),
        (8, false),
        (8, true),
    ] {
        let host = HostOptions {
            no_sleep,
            ..HostOptions::default()
        };
        let mut machine = boot(&design, &catalogue(), shard_count, &host)
            .unwrap()
            .machine;
        let report = machine.run(
            &Limits {
                cycles,
                max_cycles: None,
            },
            &mut (),
        );
        let way = format!("{file} {set:?}, {shard_count} shards, no_sleep {no_sleep}");
        assert_eq!(report.outcome, Outcome::CyclesDone, "{way}");
        assert_eq!(*digest.get_or_insert(report.digest), report.digest, "{way}");
        let results = machine.results();
        let totals: Vec<(&str, u64)> = design
            .totals
            .iter()
            .map(|total| {
                (
                    total.name.as_str(),
                    total.evaluate(&results).unwrap().number(),
                )
            })
            .collect();
        assert_eq!(totals, expected, "{way}");
    }
}

#[test]
fn w1() {
    let expected = |count, check| [("count", count), ("check", check)];
    check(
        "w1_pipeline.ron",
        &[],
        Some(2_000),
        &expected(975, 0x76c7_1b5f_9481_1fcf),
    );
    check(
        "w1_pipeline.ron",
        &[],
        None,
        &expected(18_975, 0xbfea_c04d_7a70_661f),
    );
}

#[test]
fn w2() {
    let cases = [
        (
            Some(2_000),
            "0.25",
            98_205,
            4_039_008,
            0x05e2_b017_c9f7_44d8,
        ),
        (None, "0.01", 51_392, 653_509, 0x1eb7_4bbb_98a9_6511),
        (None, "0.05", 255_977, 3_321_417, 0x98aa_4f22_fb40_4e79),
        (None, "0.25", 995_098, 42_379_778, 0x518a_2637_c6d6_b9fd),
    ];
    for (cycles, rate, delivered, latency_sum, value) in cases {
        let expected = [
            ("delivered", delivered),
            ("latency_sum", latency_sum),
            ("check", value),
        ];
        check(
            "w2_mesh.ron",
            &[("k", "16"), ("rate", rate)],
            cycles,
            &expected,
        );
    }
}

#[test]
fn w3() {
    let expected =
        |sum, firings, drained| [("sum", sum), ("firings", firings), ("drained", drained)];
    let short = expected(0x5a51_bf1c_a466_0458, 2_015_232, 124_896);
    check("w3_systolic.ron", &[("n", "32")], Some(2_000), &short);
    let long = expected(0x0b27_0ed4_942c_4d7b, 20_447_232, 1_276_896);
    check("w3_systolic.ron", &[("n", "32")], None, &long);
}
