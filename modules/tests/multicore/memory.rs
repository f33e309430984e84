//! Harts that do nothing but load, store and fight for atomics on a few lines, with caches so
//! small that lines are evicted all the time: do they see one memory?
//!
//! What single harts can check they check themselves (`traffic`); here the totals are compared. The
//! caches and homes assert their own invariants (one owner, one answer per order) all along.

use crate::fabric::{Builder, Fabric, run, site};
use crate::traffic::{Layout, Traffic, TrafficParams};
use proptest::prelude::*;
use std::sync::Arc;
use tina_engine::{Blueprint, Catalogue, InstanceResults, Outcome, Resources};
use tina_modules::riscv::coherence::LINE_BYTES;
use tina_modules::riscv::platform::RAM_BASE;

/// What the harts of a machine do; the size of its RAM follows from it.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    fabric: Fabric,
    words: u32,
    operations: u32,
    pause: u32,
    burst: usize,
}

fn catalogue() -> Catalogue {
    tina_modules::catalogue().with::<Traffic>()
}

fn machine(sizes: Sizes) -> Arc<Blueprint> {
    let Sizes {
        mut fabric,
        words,
        operations,
        pause,
        burst,
    } = sizes;
    let tiles = fabric.tiles();
    let used = Layout::new(tiles, words).end() - RAM_BASE;
    fabric.ram_bytes = used.next_multiple_of(LINE_BYTES).max(LINE_BYTES * tiles);
    let catalogue = catalogue();
    let mut builder = Builder::new(fabric, &catalogue, Resources::default());
    for (hart, caches) in (0..tiles).zip(builder.memory_side()) {
        let params = TrafficParams {
            hart,
            tiles,
            words,
            operations,
            pause,
            burst,
        };
        let traffic = builder.add::<Traffic>(site("traffic", hart), params);
        builder.wire((traffic, "request"), (caches.data, "request"));
        builder.wire((caches.data, "reply"), (traffic, "reply"));
        builder.wire((traffic, "fetch"), (caches.instruction, "request"));
        builder.wire((caches.instruction, "reply"), (traffic, "fetched"));
        builder.wire((traffic, "invalidate"), (caches.instruction, "invalidate"));
        builder.wire(
            (caches.instruction, "invalidated"),
            (traffic, "invalidated"),
        );
    }
    builder.finish()
}

/// The value of result `name` of every instance that has it.
fn values(results: &[InstanceResults], name: &str) -> Vec<u64> {
    let entries = results.iter().flat_map(|instance| &instance.entries);
    entries
        .filter(|entry| entry.0 == name)
        .map(|entry| entry.1.number())
        .collect()
}

fn sum(results: &[InstanceResults], name: &str) -> u64 {
    values(results, name).iter().sum()
}

/// Compares what all harts did with what memory says, as hart 0 read it in the end.
fn check_totals(sizes: Sizes, results: &[InstanceResults]) {
    assert_eq!(sum(results, "finished"), u64::from(sizes.fabric.tiles()));
    let tickets = sum(results, "tickets_drawn");
    assert_eq!(
        sum(results, "tickets"),
        tickets,
        "every ticket was drawn once"
    );
    assert_eq!(
        sum(results, "ticket_sum"),
        tickets * tickets.saturating_sub(1) / 2,
        "and none twice"
    );
    assert_eq!(
        sum(results, "conditional"),
        sum(results, "conditionals_done")
    );
    assert_eq!(sum(results, "guarded"), sum(results, "guarded_done"));
    assert_eq!(sum(results, "lock"), 0);
    assert_eq!(sum(results, "done"), u64::from(sizes.fabric.tiles()));
    let offered = values(results, "maximum_offered");
    assert_eq!(sum(results, "maximum"), offered.into_iter().max().unwrap());
    let offered = values(results, "minimum_offered");
    let minimum = offered
        .into_iter()
        .map(|offer| offer as u32 as i32)
        .min()
        .unwrap();
    assert_eq!(sum(results, "minimum") as u32 as i32, minimum);
}

fn run_checked(
    sizes: Sizes,
    machine: &Arc<Blueprint>,
    shards: usize,
    no_sleep: bool,
) -> (u64, u64) {
    let (report, results) = run(machine, &catalogue(), shards, no_sleep, &mut ());
    assert!(
        matches!(report.outcome, Outcome::Drained { .. }),
        "{sizes:?}: {:?}",
        report.outcome
    );
    check_totals(sizes, &results);
    (report.cycles, report.digest)
}

const FABRIC: Fabric = Fabric {
    width: 2,
    height: 2,
    ram_bytes: 0,
    sets: 2,
    ways: 1,
    bank_latency: 3,
    wire_latency: 1,
    wire_depth: 2,
    reservation_hold: 64,
    seed: 1,
};

const SIZES: Sizes = Sizes {
    fabric: FABRIC,
    words: 5,
    operations: 400,
    pause: 0,
    burst: 4,
};

#[test]
fn four_harts_agree_on_memory_at_every_shard_count_with_and_without_sleep() {
    let machine = machine(SIZES);
    let expected = run_checked(SIZES, &machine, 1, false);
    for (shards, no_sleep) in [(1, true), (2, false), (3, false), (4, true)] {
        assert_eq!(
            run_checked(SIZES, &machine, shards, no_sleep),
            expected,
            "{shards} shards"
        );
    }
}

#[test]
fn one_hart_alone_agrees_with_itself() {
    let fabric = Fabric {
        width: 1,
        height: 1,
        ..FABRIC
    };
    let sizes = Sizes {
        fabric,
        operations: 2000,
        ..SIZES
    };
    run_checked(sizes, &machine(sizes), 1, false);
}

/// Otherwise the other tests would prove little.
#[test]
fn the_races_of_the_protocol_happen() {
    let fabric = Fabric {
        width: 3,
        height: 2,
        wire_latency: 5,
        reservation_hold: 16,
        ..FABRIC
    };
    let sizes = Sizes {
        fabric,
        operations: 1000,
        ..SIZES
    };
    let (_, results) = run(&machine(sizes), &catalogue(), 1, false, &mut ());
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
    let fabric = Fabric {
        width: 9,
        height: 8,
        ..FABRIC
    };
    let sizes = Sizes {
        fabric,
        operations: 40,
        pause: 20,
        ..SIZES
    };
    run_checked(sizes, &machine(sizes), 2, false);
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
        let sets = 1 << set_bits;
        let fabric = Fabric {
            width, height, sets, ways, bank_latency, wire_latency, wire_depth, seed, ..FABRIC
        };
        let sizes = Sizes { fabric, words, operations: 150, pause, burst };
        let machine = machine(sizes);
        let expected = run_checked(sizes, &machine, 1, false);
        prop_assert_eq!(run_checked(sizes, &machine, shards, no_sleep), expected);
    }
}

/// With `LR` on shared copies, six harts took each other's reservations away for ever.
#[test]
fn harts_that_reserve_one_line_do_not_starve_each_other() {
    let fabric = Fabric {
        width: 3,
        height: 2,
        sets: 1,
        bank_latency: 1,
        wire_latency: 3,
        ..FABRIC
    };
    let fabric = Fabric {
        seed: 5_248_825_965_505_322_567,
        ..fabric
    };
    let sizes = Sizes {
        fabric,
        operations: 150,
        burst: 1,
        ..SIZES
    };
    run_checked(sizes, &machine(sizes), 1, false);
}
