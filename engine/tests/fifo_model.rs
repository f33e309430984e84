//! A wire against a queue with time stamps: whatever its ends try, in whatever clocks, with whatever
//! depth, latency, credit latency and lanes, in one shard or two.

mod common;
use common::{Board, Counter, Sink, blocks};
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::VecDeque;
use tina_engine::*;

/// How many transfers are tried at each edge: a short pattern, repeated.
#[derive(Clone, Debug, Deserialize)]
struct Pattern(Vec<u64>);

impl Pattern {
    fn at(&self, cycle: Cycle) -> u64 {
        self.0[cycle as usize % self.0.len()]
    }
}

/// What a probe saw: cycle and item of every transfer.
type Log = Vec<(u64, u64)>;

fn report(log: &Log, results: &mut Results) {
    for &(cycle, item) in log {
        results.count("cycle", cycle);
        results.count("item", item);
    }
}

struct Pusher {
    out: Out<u64>,
    pattern: Pattern,
    log: Log,
}
impl Module for Pusher {
    const KIND: &'static str = "test.pusher";
    const SUMMARY: &'static str = "pushes by a pattern | out: u64";
    type Params = Vec<u64>;
    fn build(pattern: Vec<u64>, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let out = wiring.wide_output("out", LANES_MAX)?;
        Ok(Self {
            out,
            pattern: Pattern(pattern),
            log: Log::new(),
        })
    }
    fn clock(&mut self, now: Cycle) -> Effect {
        for _ in 0..self.pattern.at(now).min(u64::from(self.out.lanes())) {
            let item = self.log.len() as u64;
            if self.out.try_push(item).is_ok() {
                self.log.push((now, item));
            }
        }
        Effect::Yield
    }
    fn report(&self, results: &mut Results) {
        report(&self.log, results);
    }
}

struct Popper {
    input: In<u64>,
    pattern: Pattern,
    log: Log,
}
impl Module for Popper {
    const KIND: &'static str = "test.popper";
    const SUMMARY: &'static str = "pops by a pattern | in: u64";
    type Params = Vec<u64>;
    fn build(pattern: Vec<u64>, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let input = wiring.wide_input("in", LANES_MAX)?;
        Ok(Self {
            input,
            pattern: Pattern(pattern),
            log: Log::new(),
        })
    }
    fn clock(&mut self, now: Cycle) -> Effect {
        for _ in 0..self.pattern.at(now).min(u64::from(self.input.lanes())) {
            if let Some(item) = self.input.try_pop() {
                self.log.push((now, item));
            }
        }
        Effect::Yield
    }
    fn report(&self, results: &mut Results) {
        report(&self.log, results);
    }
}

/// A wire between two patterns.
#[derive(Clone, Debug)]
struct Case {
    /// Periods of producer and consumer in ticks.
    periods: [u64; 2],
    patterns: [Vec<u64>; 2],
    depth: u32,
    latency: u32,
    credit: u32,
    lanes: u8,
}

const TICKS: u64 = 120;

/// The laws of time, word by word.
fn model(case: &Case) -> [Log; 2] {
    let [producer, consumer] = case.periods;
    let mut items: VecDeque<(u64, u64)> = VecDeque::new();
    // Ticks from which free slots may be filled, in the order in which they became free.
    let mut free: VecDeque<u64> = (0..case.depth).map(|_| 0).collect();
    let mut logs = [Log::new(), Log::new()];
    let [pushes, pops] = case.patterns.clone().map(Pattern);
    for tick in 0..TICKS {
        let mut freed = Vec::new();
        if tick.is_multiple_of(consumer) {
            let cycle = tick / consumer;
            for _ in 0..pops.at(cycle).min(u64::from(case.lanes)) {
                if items.front().is_some_and(|&(visible, _)| visible <= tick) {
                    logs[1].push((cycle, items.pop_front().unwrap().1));
                    freed.push((tick / producer + u64::from(case.credit)) * producer);
                }
            }
        }
        if tick.is_multiple_of(producer) {
            let cycle = tick / producer;
            for _ in 0..pushes.at(cycle).min(u64::from(case.lanes)) {
                if free.front().is_some_and(|&from| from <= tick) {
                    free.pop_front();
                    let item = logs[0].len() as u64;
                    logs[0].push((cycle, item));
                    items.push_back(((tick / consumer + u64::from(case.latency)) * consumer, item));
                }
            }
        }
        free.extend(freed);
    }
    logs
}

fn domains(periods: [u64; 2]) -> Vec<Domain> {
    // The base clock's period of one tick makes cycles ticks.
    std::iter::once(1)
        .chain(periods)
        .map(|period| Domain {
            name: String::new(),
            period_numerator: period * 100,
            period_denominator: 7,
        })
        .collect()
}

fn machine(case: &Case, shard_count: usize) -> Machine {
    let mut board = Board::new(Catalogue::new().with::<Pusher>().with::<Popper>());
    board.blueprint.domains = domains(case.periods);
    board.blueprint.epoch_cycles = 50;
    let pusher = board.add("test.pusher", 1, case.patterns[0].clone());
    let popper = board.add("test.popper", 2, case.patterns[1].clone());
    let Case {
        depth,
        latency,
        credit,
        lanes,
        ..
    } = *case;
    board.wide_wire(
        (pusher, "out"),
        (popper, "in"),
        depth,
        latency,
        credit,
        lanes,
    );
    let host = HostOptions {
        thread_count: Some(1),
        ..HostOptions::default()
    };
    board.boot(&blocks(&board, shard_count), &host)
}

fn logs(case: &Case, shard_count: usize) -> [Log; 2] {
    let mut machine = machine(case, shard_count);
    let limits = Limits {
        cycles: Some(TICKS),
        max_cycles: None,
    };
    assert_eq!(machine.run(&limits, &mut ()).outcome, Outcome::CyclesDone);
    let mut logs = [Log::new(), Log::new()];
    for results in machine.results() {
        let numbers: Vec<u64> = results
            .entries
            .iter()
            .map(|(_, value)| value.number())
            .collect();
        logs[results.instance as usize] =
            numbers.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    }
    logs
}

fn case() -> impl Strategy<Value = Case> {
    let pattern = || prop::collection::vec(0..4u64, 1..9);
    let wire = (1..7u32, 1..5u32, 1..5u32, 1..4u8);
    ([1..5u64, 1..5u64], [pattern(), pattern()], wire).prop_map(
        |(periods, patterns, (depth, latency, credit, lanes))| Case {
            periods,
            patterns,
            depth,
            latency,
            credit,
            lanes,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_wire_is_a_queue_with_time_stamps(case in case()) {
        let expected = model(&case);
        prop_assert_eq!(&logs(&case, 1), &expected);
        prop_assert_eq!(&logs(&case, 2), &expected);
    }
}

/// Cycles of the first pushes and pops, computed by hand from the periods.
#[test]
fn wires_between_clocks_follow_the_table() {
    type Row = ([u64; 2], (u32, u32, u32), [u64; 4], [u64; 4]);
    let table: [Row; 6] = [
        // Slow to fast: two consumer edges after the push.
        ([3, 1], (8, 2, 1), [0, 1, 2, 3], [2, 5, 8, 11]),
        // Fast to slow: one slot, back at the first producer edge after the pop.
        ([1, 3], (1, 1, 1), [0, 4, 7, 10], [1, 2, 3, 4]),
        // 2 to 3: pushes at 0, 2, 4, 6 are seen at 3, 3, 6, 9, popped one per edge.
        ([2, 3], (8, 1, 1), [0, 1, 2, 3], [1, 2, 3, 4]),
        // The same with one slot: push 0, pop 3, push 4, pop 6, push 8, pop 9, push 10.
        ([2, 3], (1, 1, 1), [0, 2, 4, 5], [1, 2, 3, 4]),
        // 3 to 2 with one slot: push 0, pop 2, push 3, pop 4, push 6, pop 8, push 9.
        ([3, 2], (1, 1, 1), [0, 1, 2, 3], [1, 2, 4, 5]),
        // Two synchroniser edges and two credit edges: push 0, pop 4, push 9, pop 12, push 18.
        ([3, 2], (1, 2, 2), [0, 3, 6, 9], [2, 6, 11, 15]),
    ];
    for (periods, (depth, latency, credit), pushes, pops) in table {
        let patterns = [vec![1], vec![1]];
        let case = Case {
            periods,
            patterns,
            depth,
            latency,
            credit,
            lanes: 1,
        };
        for shard_count in [1, 2] {
            let seen = logs(&case, shard_count)
                .map(|log| log.iter().take(4).map(|entry| entry.0).collect::<Vec<_>>());
            assert_eq!(
                seen,
                [pushes.to_vec(), pops.to_vec()],
                "{case:?}, {shard_count} shards"
            );
        }
    }
}

#[test]
fn a_wire_reaches_its_rate_cap_exactly() {
    for depth in 1..8u32 {
        for (latency, credit) in [(1, 1), (1, 4), (3, 2), (5, 5)] {
            let mut board =
                Board::new(Catalogue::new().with::<Counter>().with::<Sink>()).single_clock();
            let source = board.add("test.counter", 0, u64::MAX);
            let sink = board.add("test.sink", 0, ());
            board.wire((source, "out"), (sink, "in"), depth, latency, credit);
            let (slots, round_trip) = board.blueprint.wires[0].rate_cap();
            let rounds = 20;
            // What is pushed within whole round trips is popped a latency later.
            let cycles = u64::from(rounds * round_trip + latency);
            let expected = u64::from(rounds * slots.min(round_trip));
            for shard_count in [1, 2] {
                let mut machine = board.boot(&blocks(&board, shard_count), &HostOptions::default());
                machine.run(
                    &Limits {
                        cycles: Some(cycles),
                        max_cycles: None,
                    },
                    &mut (),
                );
                let count = machine.results()[0].entries[0];
                assert_eq!(
                    count,
                    ("count", ResultValue::Count(expected)),
                    "{depth}, {latency}, {credit}"
                );
            }
        }
    }
}
