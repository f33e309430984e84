//! The parallel sort: its harts print the checksum that sorting on the host gives.

use crate::rig::{Ran, run, run_once, xorshift};
use tina_engine::{Outcome, absorb};

const KEYS: usize = 128;

/// The line that hart 0 prints, without the program.
fn line(harts: u32) -> String {
    let mut numbers: Vec<u32> = (0..harts).flat_map(|hart| xorshift(hart, KEYS)).collect();
    numbers.sort_unstable();
    let places = (1u32..).zip(&numbers);
    let check = places.fold(0u32, |sum, (place, number)| {
        sum.wrapping_add(place.wrapping_mul(*number))
    });
    format!(
        "{harts} harts sorted {} numbers: {check:#010x} ok\n",
        numbers.len()
    )
}

fn assert_printed(ran: &Ran, harts: u32) {
    let line = line(harts);
    let check = line
        .bytes()
        .fold(0, |check, byte| absorb(check, u64::from(byte)));
    let finished = matches!(ran.outcome, Outcome::Finished { code: 0, .. });
    assert!(finished, "{:?}", ran.outcome);
    assert_eq!(ran.total("printed"), line.len() as u64);
    assert_eq!(ran.total("console_check"), check, "not {line}");
}

#[test]
fn a_few_harts_print_the_checksum_of_the_host() {
    let set = [("rows", "2"), ("columns", "2")];
    assert_printed(&run("w6_parallel_sort.ron", &set, None), 4);
}

/// One hart has nobody to wait for; of three, the last run has no partner; of five, the tree has an
/// inner node with one child.
#[test]
fn numbers_of_harts_need_not_be_powers_of_two() {
    for (columns, harts) in [("1", 1), ("3", 3), ("5", 5)] {
        let set = [("rows", "1"), ("columns", columns)];
        assert_printed(&run_once("w6_parallel_sort.ron", &set, None), harts);
    }
}

/// The first line of the table in the netlist's head comment.
#[test]
fn sixteen_harts_end_in_their_cycle() {
    let ran = run_once("w6_parallel_sort.ron", &[], None);
    assert_printed(&ran, 16);
    let Outcome::Finished { tick, .. } = ran.outcome else {
        panic!("{:?}", ran.outcome)
    };
    assert_eq!(tick, 46_356);
    assert_eq!(ran.total("instructions"), 421_693);
    assert_eq!(ran.digest, 0x833a_bda8_1b26_a7c6);
}

/// The checksums in that table.
#[test]
fn the_host_sorts_as_the_table_says() {
    for (harts, check) in [
        (64, "0x6cac14c9"),
        (256, "0xfad1156c"),
        (1024, "0x347d9984"),
    ] {
        assert!(line(harts).contains(check), "{}", line(harts));
    }
}
