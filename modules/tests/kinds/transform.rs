//! Butterflies of a transform, one at a time; whole transforms are tested where their netlist is.

use crate::rig::{Pace, Payload, Ran, Recorder, Script, kinds, run_of};
use tina_engine::Catalogue;
use tina_modules::transform::field::{PRIME, power, root};
use tina_modules::transform::{Butterfly, ButterflyParams, TransformSink, TransformSinkParams};
use tina_modules::{Assembly, Site, WireShape, catalogue};

impl Payload for u32 {
    const SCRIPT: &'static str = "test.number_script";
    const RECORDER: &'static str = "test.number_recorder";
    fn of(number: u64) -> Self {
        number as Self
    }
    fn number(self) -> u64 {
        u64::from(self)
    }
}

fn number_kinds() -> Catalogue {
    kinds().with::<Script<u32>>().with::<Recorder<u32>>()
}

fn at(stage: u32, number: u32) -> Site {
    Site {
        path: "butterfly".to_owned(),
        index: [stage, number, 0],
        domain: 0,
    }
}

/// A butterfly of an eight-point transform between scripts and recorders.
fn butterfly(stage: u32, number: u32, pairs: &[(u64, u64)], paces: [Pace; 2]) -> Ran {
    run_of(&number_kinds(), 64, |assembly| {
        let params = ButterflyParams { points: 8 };
        let middle = assembly.add::<Butterfly>(at(stage, number), params)?;
        let a = pairs.iter().map(|pair| (0, pair.0)).collect();
        let b = pairs.iter().map(|pair| (0, pair.1)).collect();
        for (lane, items, pace) in [(0, a, paces[0]), (1, b, paces[1])] {
            let script = assembly.add::<Script<u32>>(format!("script{lane}").as_str(), items)?;
            let end = assembly.add::<Recorder<u32>>(format!("end{lane}").as_str(), pace)?;
            let (input, output) = (format!("in[{lane}]"), format!("out[{lane}]"));
            assembly.wire((script, "out"), (middle, &input), WireShape::default())?;
            assembly.wire((middle, &output), (end, "in"), WireShape::default())?;
        }
        Ok(())
    })
}

#[test]
fn a_butterfly_keeps_pairs_together_whoever_is_slow() {
    let top = u64::from(PRIME) - 1;
    let pairs = [(1, 2), (top, top), (0, 1), (5, 0), (top, 0), (0, top)];
    // Stage 0 of eight points: butterfly 3 turns by the third power of the root of order 8.
    let factor = u64::from(power(root(3), 3));
    let prime = u64::from(PRIME);
    let sums: Vec<u64> = pairs.iter().map(|(a, b)| (a + b) % prime).collect();
    let differences: Vec<u64> = pairs
        .iter()
        .map(|(a, b)| (a + prime - b) % prime * factor % prime)
        .collect();
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

#[test]
fn butterflies_that_no_transform_has_are_refused() {
    let catalogue = catalogue();
    for (points, stage, number) in [(0, 0, 0), (1, 0, 0), (6, 0, 0), (8, 3, 0), (8, 0, 4)] {
        let mut assembly = Assembly::new(&catalogue);
        let added = assembly.add::<Butterfly>(at(stage, number), ButterflyParams { points });
        assert!(added.is_err(), "{points} points, [{stage}][{number}]");
    }
}

#[test]
fn the_check_of_a_lane_depends_on_order_and_lane() {
    let check = |first: u32, numbers: &[u64]| {
        let ran = run_of(&number_kinds(), 32, |assembly| {
            let items = numbers.iter().map(|number| (0, *number)).collect();
            let script = assembly.add::<Script<u32>>("script", items)?;
            let params = TransformSinkParams { first };
            let sink = assembly.add::<TransformSink>("sink", params)?;
            assembly.wire((script, "out"), (sink, "in"), WireShape::default())
        });
        assert_eq!(ran.result("sink", "count"), numbers.len() as u64);
        ran.result("sink", "check")
    };
    assert_ne!(check(0, &[1, 2]), check(0, &[2, 1]));
    assert_ne!(check(0, &[1, 2]), check(1, &[1, 2]));
    assert_ne!(check(0, &[0]), check(0, &[0, 0]));
}
