//! Butterflies of a transform, one at a time; whole transforms are tested where their netlist is.

use crate::rig::{Pace, Ran, record, run, script, wire};
use proptest::prelude::*;
use tina_modules::transform::field::{PRIME, power, root};
use tina_modules::transform::{Butterfly, ButterflyParams, TransformSink, TransformSinkParams};
use tina_modules::{Assembly, Site, catalogue};

fn at(stage: u32, number: u32) -> Site {
    Site {
        path: "butterfly".to_owned(),
        index: [stage, number, 0],
        domain: 0,
    }
}

/// A butterfly of an eight-point transform between scripts and recorders.
fn butterfly(stage: u32, number: u32, pairs: &[(u64, u64)], paces: [Pace; 2]) -> Ran {
    run(64, |assembly| {
        let params = ButterflyParams { points: 8 };
        let place = at(stage, number);
        let middle = assembly.add_element::<Butterfly, _, _, _>(place, params)?;
        let a = script(assembly, "script0", pairs.iter().map(|pair| pair.0))?;
        let b = script(assembly, "script1", pairs.iter().map(|pair| pair.1))?;
        wire(assembly, (a, "out"), (middle, "in[0]"))?;
        wire(assembly, (b, "out"), (middle, "in[1]"))?;
        record(assembly, (middle, "out[0]"), "end0", paces[0])?;
        record(assembly, (middle, "out[1]"), "end1", paces[1])
    })
}

/// What such a butterfly makes of pairs, by definition.
fn expected(stage: u32, number: u32, pairs: &[(u64, u64)]) -> [Vec<u64>; 2] {
    let (prime, half) = (u64::from(PRIME), 4 >> stage);
    let factor = u64::from(power(root(3 - stage), number % half));
    let sum = |(a, b): &(u64, u64)| (a + b) % prime;
    let difference = |(a, b): &(u64, u64)| (a + prime - b) % prime * factor % prime;
    [
        pairs.iter().map(sum).collect(),
        pairs.iter().map(difference).collect(),
    ]
}

#[test]
fn a_butterfly_keeps_pairs_together_whoever_is_slow() {
    let top = u64::from(PRIME) - 1;
    let pairs = [(1, 2), (top, top), (0, 1), (5, 0), (top, 0), (0, top)];
    let [sums, differences] = expected(0, 3, &pairs);
    let fast = Pace { from: 0, every: 1 };
    let slow = Pace { from: 3, every: 4 };
    for paces in [[fast, fast], [slow, fast], [fast, slow]] {
        let ran = butterfly(0, 3, &pairs, paces);
        assert_eq!(ran.numbers("end0"), sums);
        assert_eq!(ran.numbers("end1"), differences);
        assert_eq!(ran.result("butterfly", "count"), 6);
    }
}

#[test]
fn the_last_stage_only_adds_and_subtracts() {
    let fast = Pace { from: 0, every: 1 };
    let ran = butterfly(2, 1, &[(9, 4), (4, 9)], [fast, fast]);
    assert_eq!(ran.of("end0"), [(2, 13), (3, 13)]);
    assert_eq!(ran.of("end1"), [(2, 5), (3, u64::from(PRIME) - 5)]);
}

/// Numbers below the prime, often those at the ends.
fn number() -> impl Strategy<Value = u64> {
    let prime = u64::from(PRIME);
    prop_oneof![0..3u64, prime - 3..prime, 0..prime]
}

proptest! {
    #[test]
    fn numbers_are_what_division_says(
        stage in 0..3u32,
        number in 0..4u32,
        pairs in prop::collection::vec((number(), number()), 1..40),
    ) {
        let ran = butterfly(stage, number, &pairs, [Pace { from: 0, every: 1 }; 2]);
        let [sums, differences] = expected(stage, number, &pairs);
        prop_assert_eq!(ran.numbers("end0"), sums);
        prop_assert_eq!(ran.numbers("end1"), differences);
    }
}

#[test]
fn butterflies_that_no_transform_has_are_refused() {
    let catalogue = catalogue();
    for (points, stage, number) in [(0, 0, 0), (1, 0, 0), (6, 0, 0), (8, 3, 0), (8, 0, 4)] {
        let mut assembly = Assembly::new(&catalogue);
        let params = ButterflyParams { points };
        let added = assembly.add_element::<Butterfly, _, _, _>(at(stage, number), params);
        assert!(added.is_err(), "{points} points, [{stage}][{number}]");
    }
}

#[test]
fn the_check_of_a_lane_depends_on_order_and_lane() {
    let check = |first: u32, numbers: &[u64]| {
        let ran = run(32, |assembly| {
            let script = script(assembly, "script", numbers.iter().copied())?;
            let params = TransformSinkParams { first };
            let sink = assembly.add_element::<TransformSink, _, _, _>("sink", params)?;
            wire(assembly, (script, "out"), (sink, "in"))
        });
        assert_eq!(ran.result("sink", "count"), numbers.len() as u64);
        ran.result("sink", "check")
    };
    assert_ne!(check(0, &[1, 2]), check(0, &[2, 1]));
    assert_ne!(check(0, &[1, 2]), check(1, &[1, 2]));
    assert_ne!(check(0, &[0]), check(0, &[0, 0]));
}
