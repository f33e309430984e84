//! The tuned loops give the results of the plain ones, at every cycle of the start and after many.

use tina_benches::plain::{Pipeline, Systolic};
use tina_benches::tuned::{TunedPipeline, TunedSystolic};

#[test]
fn w1() {
    for stage_count in [1, 2, 7, 1024] {
        let (mut plain, mut tuned) = (Pipeline::new(stage_count), TunedPipeline::new(stage_count));
        for step in [1, 1, 1, 1, 1, 2, 3, 5, 8, 13, 1_000, 2_000] {
            let (plain, tuned) = (plain.run(step), tuned.run(step));
            assert_eq!(plain, tuned, "{stage_count} stages");
        }
    }
}

fn systolic<const SIDE: usize>() {
    let (mut plain, mut tuned) = (Systolic::new(SIDE), TunedSystolic::<SIDE>::new());
    for step in [1, 1, 1, 1, 1, 2, 3, 5, 8, 13, 200, 1_000] {
        let (plain, tuned) = (plain.run(step), tuned.run(step));
        assert_eq!(plain, tuned, "{SIDE} x {SIDE} elements");
    }
}

#[test]
fn w3() {
    systolic::<1>();
    systolic::<2>();
    systolic::<7>();
    systolic::<32>();
}
