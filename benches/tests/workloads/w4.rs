//! The large systolic array against the plain loop, and its counts against their closed forms.

use crate::rig::run;
use tina_benches::plain::{Systolic, SystolicResults};
use tina_engine::Outcome;

#[test]
fn the_array_gives_the_sums_of_the_plain_loop() {
    for (n, text, cycles) in [(256, "256", 20), (48, "48", 150), (5, "5", 700)] {
        let ran = run("w4_systolic.ron", &[("n", text)], Some(cycles));
        assert_eq!(ran.outcome, Outcome::CyclesDone);
        let found = SystolicResults {
            sum: ran.total("sum"),
            firings: ran.total("firings"),
            drained: ran.total("drained"),
        };
        assert_eq!(found, Systolic::new(n).run(cycles), "n = {n}");
    }
}

/// The formulas of the netlist's head comment, and its table.
#[test]
fn nothing_waits_but_for_the_first_operands() {
    let mut array = Systolic::new(256);
    let mut cycles_done = 0;
    for (cycles, sum) in [(600, None), (2_000, Some(0x32bd_7601_8908_9527))] {
        let results = array.run(cycles - cycles_done);
        cycles_done = cycles;
        let n = 256;
        assert_eq!(results.firings, n * n * (cycles - n));
        assert_eq!(
            results.drained,
            2 * (n * (cycles - n - 1) - n * (n - 1) / 2)
        );
        assert!(sum.is_none_or(|sum| sum == results.sum));
    }
}
