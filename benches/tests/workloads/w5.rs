//! Quicksort on independent harts: each leaves the checksum that sorting on the host gives.

use crate::rig::{run, run_on_one_hart, run_once, xorshift};
use tina_engine::Outcome;

/// What the program computes on a hart, without the program.
fn checksum(hart: u32, count: usize) -> u32 {
    let mut numbers = xorshift(hart, count);
    numbers.sort_unstable();
    let step = |check: u32, number: &u32| check.wrapping_mul(31).wrapping_add(*number);
    numbers.iter().fold(0, step)
}

#[test]
fn every_hart_leaves_its_own_checksum() {
    let (rows, columns, count) = (2, 3, 64);
    let set = [("rows", "2"), ("columns", "3"), ("numbers", "64")];
    let ran = run("w5_quicksort.ron", &set, None);
    assert!(matches!(ran.outcome, Outcome::Finished { code: 0, .. }));
    assert_eq!(ran.total("failures"), 0);
    let mut sum = 0;
    for hart in 0..rows * columns {
        let memory = format!("hart[{}][{}].memory", hart / columns, hart % columns);
        let expected = u64::from(checksum(hart, count));
        assert_eq!(ran.value(&memory, "result"), expected, "hart {hart}");
        sum += expected;
    }
    assert_eq!(ran.total("result_sum"), sum);
}

/// The table of the netlist's head comment, its first line in full.
#[test]
fn sixty_four_harts_end_in_their_cycle() {
    let ran = run_once("w5_quicksort.ron", &[], None);
    let Outcome::Finished { code, tick, .. } = ran.outcome else {
        panic!("{:?}", ran.outcome)
    };
    assert_eq!((code, tick), (0, 43_859));
    assert_eq!(ran.total("last_finished") + 4, 43_859);
    assert_eq!(ran.total("instructions"), 1_885_810);
    assert_eq!(ran.digest, 0xa6ad_342c_64a6_4d8d);
}

/// The results in the netlist's head comment.
#[test]
fn the_host_sorts_as_the_table_says() {
    for (harts, sum) in [
        (64, 0x1f_22f9_380e_u64),
        (256, 0x7d_39df_b02b),
        (1024, 0x1f3_4161_d553),
        (4096, 0x7f1_51e3_29fb),
    ] {
        let found = (0..harts).map(|hart| u64::from(checksum(hart, 256)));
        assert_eq!(found.sum::<u64>(), sum, "{harts} harts");
    }
}

#[test]
fn a_hart_that_fails_fails_the_run() {
    let set = [("rows", "1"), ("columns", "2"), ("numbers", "2049")];
    let ran = run("w5_quicksort.ron", &set, None);
    assert!(matches!(ran.outcome, Outcome::Finished { code: 1, .. }));
    assert_eq!(ran.total("failures"), 2);
}

#[test]
fn the_edges_of_the_count_are_sorted_too() {
    for (text, count) in [("0", 0), ("1", 1), ("2", 2), ("40", 40)] {
        let set = [("rows", "1"), ("columns", "1"), ("numbers", text)];
        let ran = run("w5_quicksort.ron", &set, None);
        assert!(matches!(ran.outcome, Outcome::Finished { code: 0, .. }));
        assert_eq!(ran.total("result_sum"), u64::from(checksum(0, count)));
    }
}

#[test]
fn a_memory_of_its_own_is_a_memory() {
    for name in [
        "arithmetic",
        "atomic",
        "branches",
        "csr",
        "fencei",
        "hazards",
        "memory",
        "multiply",
        "traps",
    ] {
        for latency in [1, 3] {
            let ran = run_on_one_hart(&format!("conformance/{name}.elf"), latency);
            let passed = matches!(ran.outcome, Outcome::Finished { code: 0, .. });
            assert!(passed, "{name}, latency {latency}: {:?}", ran.outcome);
        }
    }
}
