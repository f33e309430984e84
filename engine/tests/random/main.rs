//! Random machines on random placements: the digest stream of every epoch is the same whatever the
//! shards, threads and sleeping.

#[path = "../common/mod.rs"]
mod common;
mod stalls;
use common::{Board, Digests, Seen, catalogue, moved};
use proptest::prelude::*;
use tina_engine::{HostOptions, Limits, Placement};

/// A wire by the order of its ends: (producer, consumer, depth, latency, credit, lanes).
type WireSketch = (usize, usize, u32, u32, u32, u8);

#[derive(Clone, Debug)]
struct Sketch {
    /// Per module: clock domain and how often it naps.
    modules: Vec<(u8, u64)>,
    wires: Vec<WireSketch>,
    /// Counters that feed modules: (module, limit).
    feeds: Vec<(usize, u64)>,
    epoch_cycles: u64,
    /// Whether the cycles are the goal, or a machine may stand still before.
    goal: bool,
}

fn sketch() -> impl Strategy<Value = Sketch> {
    (2..9usize).prop_flat_map(|count| {
        let depth = prop_oneof![1..5u32, Just(24)];
        let wire = (0..count, 0..count, depth, 1..4u32, 1..4u32, 1..4u8);
        (
            prop::collection::vec((0..2u8, prop_oneof![Just(0), 1..6u64]), count),
            prop::collection::vec(wire, count..3 * count),
            prop::collection::vec((0..count, prop_oneof![1..40u64, Just(u64::MAX)]), 1..4),
            prop_oneof![Just(1u64), Just(7), Just(64)],
            any::<bool>(),
        )
            .prop_map(|(modules, wires, feeds, epoch_cycles, goal)| Sketch {
                modules,
                wires,
                feeds,
                epoch_cycles,
                goal,
            })
    })
}

fn board(sketch: &Sketch) -> Board {
    let mut board = Board::new(catalogue());
    board.blueprint.epoch_cycles = sketch.epoch_cycles;
    let count = |end: fn(&WireSketch) -> usize, module| {
        sketch.wires.iter().filter(|w| end(w) == module).count()
    };
    let mut inputs = vec![0; sketch.modules.len()];
    let mut outputs = vec![0; sketch.modules.len()];
    for (number, &(domain, habit)) in sketch.modules.iter().enumerate() {
        let fed = sketch.feeds.iter().filter(|feed| feed.0 == number).count();
        let params = std::collections::BTreeMap::from([
            ("inputs", (count(|w| w.1, number) + fed) as u64),
            ("outputs", count(|w| w.0, number) as u64),
            ("habit", habit),
        ]);
        board.add("test.mixer", domain, params);
    }
    for &(from, to, depth, latency, credit, lanes) in &sketch.wires {
        let (out, input) = (
            format!("out[{}]", outputs[from]),
            format!("in[{}]", inputs[to]),
        );
        outputs[from] += 1;
        inputs[to] += 1;
        board.wide_wire(
            (from as u32, &out),
            (to as u32, &input),
            depth,
            latency,
            credit,
            lanes,
        );
    }
    for &(to, limit) in &sketch.feeds {
        let counter = board.add("test.counter", 0, limit);
        let input = format!("in[{}]", inputs[to]);
        inputs[to] += 1;
        board.wire((counter, "out"), (to as u32, &input), 2, 1, 1);
    }
    board
}

fn host(thread_count: usize, no_sleep: bool) -> HostOptions {
    HostOptions {
        thread_count: Some(thread_count),
        no_sleep,
        no_vectors: false,
        pin: false,
        join: false,
        ..HostOptions::default()
    }
}

/// Shards in turns that are drawn.
fn seeded(seed: u64, no_sleep: bool) -> HostOptions {
    HostOptions {
        seeded: Some(seed),
        ..host(1, no_sleep)
    }
}

fn limits(goal: bool) -> Limits {
    match goal {
        true => Limits {
            cycles: Some(500),
            max_cycles: None,
        },
        false => Limits {
            cycles: None,
            max_cycles: Some(500),
        },
    }
}

fn run(
    board: &Board,
    goal: bool,
    placement: &Placement,
    thread_count: usize,
    no_sleep: bool,
) -> Seen {
    run_on(board, goal, placement, &host(thread_count, no_sleep))
}

fn run_on(board: &Board, goal: bool, placement: &Placement, host: &HostOptions) -> Seen {
    let mut machine = board.boot(placement, host);
    let mut digests = Digests::default();
    let report = machine.run(&limits(goal), &mut digests);
    (
        report.outcome,
        digests.0,
        machine.results(),
        machine.wire_digests(),
    )
}

/// Places for the instances of a board, from random numbers.
fn placement(board: &Board, places: &[u8], shard_count: usize) -> Placement {
    let places = &places[..board.blueprint.instances.len()];
    let shard_of = places.iter().map(|&place| place % shard_count as u8);
    Placement {
        shard_count,
        shard_of: shard_of.collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn placement_threads_and_sleep_change_nothing(
        sketch in sketch(),
        places in prop::collection::vec(0..4u8, 13),
        shard_count in 1..5usize,
        thread_count in 1..3usize,
        seed: u64,
    ) {
        let board = board(&sketch);
        let single = Placement::single(board.blueprint.instances.len());
        let expected = run(&board, sketch.goal, &single, 1, false);
        prop_assert_eq!(&expected, &run(&board, sketch.goal, &single, 1, true));
        let placement = placement(&board, &places, shard_count);
        prop_assert_eq!(&expected, &run(&board, sketch.goal, &placement, thread_count, false));
        prop_assert_eq!(&expected, &run(&board, sketch.goal, &placement, thread_count, true));
        let seeded = run_on(&board, sketch.goal, &placement, &seeded(seed, false));
        prop_assert_eq!(&expected, &seeded);
    }

    #[test]
    fn a_machine_goes_on_from_its_snapshot_on_any_placement(
        sketch in sketch(),
        places in prop::collection::vec(0..4u8, 26),
        shard_counts in (1..5usize, 1..5usize),
        no_sleep: (bool, bool),
        pause in 0..500u64,
        seed: u64,
    ) {
        let board = board(&sketch);
        let single = Placement::single(board.blueprint.instances.len());
        let expected = run(&board, sketch.goal, &single, 1, false);
        let first = placement(&board, &places, shard_counts.0);
        let second = placement(&board, &places[13..], shard_counts.1);
        let hosts = [host(1, no_sleep.0), host(2, no_sleep.1)];
        let ways = [(&first, &hosts[0]), (&second, &hosts[1])];
        prop_assert_eq!(&expected, &moved(&board, ways, pause, &limits(sketch.goal)));
        let hosts = [seeded(seed, no_sleep.0), seeded(!seed, no_sleep.1)];
        let ways = [(&first, &hosts[0]), (&second, &hosts[1])];
        prop_assert_eq!(expected, moved(&board, ways, pause, &limits(sketch.goal)));
    }
}
