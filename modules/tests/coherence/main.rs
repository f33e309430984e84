//! Harts that do nothing but load, store and fight for atomics on a few lines, with caches so
//! small that lines are evicted all the time: do they see one memory?
//!
//! What single harts can check they check themselves (`traffic`); here the totals are compared. The
//! caches and homes assert their own invariants (one owner, one answer per order) all along.
#![allow(missing_docs, reason = "a test")]

mod traffic;
mod machine;

use machine::{Sizes, blueprint, catalogue, run};
use proptest::prelude::*;
use std::sync::Arc;
use tina_engine::{Blueprint, InstanceResults, Outcome};

/// The value of result `name` of every instance that has it.
fn values(results: &[InstanceResults], name: &str) -> Vec<u64> {
    let entries = results.iter().flat_map(|instance| &instance.entries);
    entries.filter(|entry| entry.0 == name).map(|entry| entry.1.number()).collect()
}

fn sum(results: &[InstanceResults], name: &str) -> u64 {
    values(results, name).iter().sum()
}

/// Compares what all harts did with what memory says, as hart 0 read it in the end.
fn check_totals(sizes: Sizes, results: &[InstanceResults]) {
    let tickets = sum(results, "tickets_drawn");
    assert_eq!(sum(results, "tickets"), tickets, "every ticket was drawn once");
    assert_eq!(sum(results, "ticket_sum"), tickets * tickets.saturating_sub(1) / 2, "and none twice");
    assert_eq!(sum(results, "conditional"), sum(results, "conditionals_done"));
    assert_eq!(sum(results, "guarded"), sum(results, "guarded_done"));
    assert_eq!(sum(results, "lock"), 0);
    assert_eq!(sum(results, "done"), u64::from(sizes.tiles()));
    let offered = values(results, "maximum_offered");
    assert_eq!(sum(results, "maximum"), offered.into_iter().max().unwrap());
    let offered = values(results, "minimum_offered");
    let minimum = offered.into_iter().map(|offer| offer as u32 as i32).min().unwrap();
    assert_eq!(sum(results, "minimum") as u32 as i32, minimum);
}

fn run_checked(sizes: Sizes, machine: &Arc<Blueprint>, shards: usize, no_sleep: bool) -> (u64, u64) {
    let (report, results) = run(machine, &catalogue(), shards, no_sleep);
    assert!(matches!(report.outcome, Outcome::Drained { .. }), "{sizes:?}: {:?}", report.outcome);
    check_totals(sizes, &results);
    (report.cycles, report.digest)
}

fn small() -> Sizes {
    Sizes {
        width: 2,
        height: 2,
        words: 5,
        operations: 400,
        pause: 0,
        burst: 4,
        sets: 2,
        ways: 1,
        bank_latency: 3,
        wire_latency: 1,
        wire_depth: 2,
        seed: 1,
    }
}

#[test]
fn four_harts_agree_on_memory_at_every_shard_count_with_and_without_sleep() {
    let sizes = small();
    let machine = Arc::new(blueprint(sizes, &catalogue()));
    let expected = run_checked(sizes, &machine, 1, false);
    for (shards, no_sleep) in [(1, true), (2, false), (3, false), (4, true)] {
        assert_eq!(run_checked(sizes, &machine, shards, no_sleep), expected, "{shards} shards");
    }
}

#[test]
fn one_hart_alone_agrees_with_itself() {
    let sizes = Sizes { width: 1, height: 1, operations: 2000, ..small() };
    run_checked(sizes, &Arc::new(blueprint(sizes, &catalogue())), 1, false);
}

#[test]
fn the_races_of_the_protocol_happen() {
    // Otherwise the tests above would prove little.
    let sizes = Sizes { width: 3, height: 2, wire_latency: 5, operations: 1000, ..small() };
    let machine = Arc::new(blueprint(sizes, &catalogue()));
    let (_, results) = run(&machine, &catalogue(), 1, false);
    for name in [
        "upgrades",
        "evictions",
        "write_backs",
        "invalidations",
        "recalls",
        "crossings",
        "failed_conditionals",
    ] {
        assert!(sum(&results, name) > 10, "{name}: {}", sum(&results, name));
    }
}

#[test]
fn a_machine_with_more_tiles_than_directory_groups_agrees() {
    let sizes = Sizes { width: 9, height: 8, operations: 40, pause: 20, ..small() };
    run_checked(sizes, &Arc::new(blueprint(sizes, &catalogue())), 2, false);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn harts_agree_on_memory(
        (width, height) in (1..4u32, 1..3u32),
        words in 1..9u32,
        pause in prop_oneof![Just(0u32), 0..40u32],
        burst in 1..6usize,
        (set_bits, ways) in (0..3u32, 1..4u32),
        bank_latency in 1..12u32,
        (wire_latency, wire_depth) in (1..6u32, 1..5u32),
        shards in 1..5usize,
        no_sleep: bool,
        seed: u64,
    ) {
        let sizes = Sizes {
            width, height, words, operations: 150, pause, burst, sets: 1 << set_bits, ways,
            bank_latency, wire_latency, wire_depth, seed,
        };
        let machine = Arc::new(blueprint(sizes, &catalogue()));
        let expected = run_checked(sizes, &machine, 1, false);
        prop_assert_eq!(run_checked(sizes, &machine, shards, no_sleep), expected);
    }
}
