//! Arithmetic modules, item by item.

use crate::rig::{ALWAYS, Pace, record, run, script, wire};
use tina_modules::math::{
    Accumulate, AccumulateParams, Adder, Map, MapParams, MultiplyAdd, MultiplyAddParams, Operation,
};

#[test]
fn an_adder_waits_for_both_and_wraps() {
    let ran = run(64, |assembly| {
        let a = script(assembly, "a", [1, u64::MAX, 5])?;
        let b = script(assembly, "b", [10, 2])?;
        let adder = assembly.add_element::<Adder, _, _, _>("adder", ())?;
        wire(assembly, (a, "out"), (adder, "a"))?;
        wire(assembly, (b, "out"), (adder, "b"))?;
        record(assembly, (adder, "sum"), "end", ALWAYS)
    });
    assert_eq!(ran.of("end"), [(2, 11), (3, 1)]);
}

#[test]
fn multiply_add_keeps_order_under_back_pressure() {
    let ran = run(64, |assembly| {
        let source = script(assembly, "source", 0..10)?;
        let params = MultiplyAddParams {
            factor: 3,
            addend: 1,
        };
        let stage = assembly.add_element::<MultiplyAdd, _, _, _>("stage", params)?;
        wire(assembly, (source, "out"), (stage, "in"))?;
        record(assembly, (stage, "out"), "end", Pace { from: 0, every: 3 })
    });
    assert_eq!(
        ran.numbers("end"),
        (0..10).map(|x| 3 * x + 1).collect::<Vec<_>>()
    );
}

#[test]
fn every_operation_does_what_it_is_called() {
    use Operation::*;
    let cases = [
        (Add, 3, u64::MAX, 2),
        (Subtract, 3, 5, u64::MAX - 1),
        (Multiply, 1 << 63, 3, 1 << 63),
        (And, 0b1100, 0b1010, 0b1000),
        (Or, 0b1100, 0b1010, 0b1110),
        (Xor, 0b1100, 0b1010, 0b0110),
        (ShiftLeft, 3, 63, 1 << 63),
        (ShiftRight, 1 << 63, 63, 1),
        (Min, 4, 9, 4),
        (Max, 4, 9, 9),
    ];
    for (operation, item, value, expected) in cases {
        let ran = run(32, |assembly| {
            let source = script(assembly, "source", [item])?;
            let map = assembly.add::<Map>("map", MapParams { operation, value })?;
            wire(assembly, (source, "out"), (map, "in"))?;
            record(assembly, (map, "out"), "end", ALWAYS)
        });
        assert_eq!(ran.numbers("end"), [expected], "{operation:?}");
    }
}

#[test]
fn sums_run_on_or_restart() {
    let cases = [
        (1, false, vec![1, 3, 6, 10, 15, 21, 28], 28),
        (3, false, vec![6, 21], 28),
        (3, true, vec![6, 15], 7),
    ];
    for (every, restart, expected, total) in cases {
        let ran = run(64, |assembly| {
            let source = script(assembly, "source", 1..=7)?;
            let params = AccumulateParams { every, restart };
            let sum = assembly.add::<Accumulate>("sum", params)?;
            wire(assembly, (source, "out"), (sum, "in"))?;
            record(assembly, (sum, "out"), "end", Pace { from: 0, every: 2 })
        });
        assert_eq!(
            ran.numbers("end"),
            expected,
            "every {every}, restart {restart}"
        );
        assert_eq!(ran.result("sum", "total"), total);
    }
}
