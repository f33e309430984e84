//! The plain loops give the counts and checks that every simulator of the workloads must give.

use tina_benches::plain::{
    Mesh, MeshResults, Pipeline, PipelineResults, Systolic, SystolicResults,
};

#[test]
fn w1() {
    let cases = [
        (2_000, 975, 0x76c7_1b5f_9481_1fcf),
        (20_000, 18_975, 0xbfea_c04d_7a70_661f),
    ];
    for (cycles, count, check) in cases {
        assert_eq!(
            Pipeline::new(1024).run(cycles),
            PipelineResults { count, check }
        );
    }
}

#[test]
fn w2() {
    let cases = [
        (2_000, 0.25, 98_205, 4_039_008, 0x05e2_b017_c9f7_44d8),
        (20_000, 0.01, 51_392, 653_509, 0x1eb7_4bbb_98a9_6511),
        (20_000, 0.05, 255_977, 3_321_417, 0x98aa_4f22_fb40_4e79),
        (20_000, 0.25, 995_098, 42_379_778, 0x518a_2637_c6d6_b9fd),
    ];
    for (cycles, rate, delivered, latency_sum, check) in cases {
        let expected = MeshResults {
            delivered,
            latency_sum,
            check,
        };
        assert_eq!(Mesh::new(16, rate).run(cycles), expected, "rate {rate}");
    }
}

#[test]
fn w3() {
    let cases = [
        (2_000, 0x5a51_bf1c_a466_0458, 2_015_232, 124_896),
        (20_000, 0x0b27_0ed4_942c_4d7b, 20_447_232, 1_276_896),
    ];
    for (cycles, sum, firings, drained) in cases {
        let expected = SystolicResults {
            sum,
            firings,
            drained,
        };
        assert_eq!(Systolic::new(32).run(cycles), expected);
    }
}
