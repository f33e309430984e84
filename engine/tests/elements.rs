//! Elements fired many at a time do what each does as a module of its own: the same digests, results,
//! outcomes and faults, on every placement.

mod common;
use common::{Board, Digests, Seen, moved};
use proptest::prelude::*;
use tina_engine::*;

/// Passes x · 5 + its number on.
struct Scale;
impl Element<1, 1, 1> for Scale {
    const KIND: &'static str = "test.scale";
    const SUMMARY: &'static str = "in; out";
    const INPUTS: [&'static str; 1] = ["in[0]"];
    const OUTPUTS: [&'static str; 1] = ["out[0]"];
    const CONSTANT_WORDS: usize = 1;
    type Params = ();
    type Signal = u64;

    fn state((): &(), place: Place<'_>) -> Result<[u64; 1], BuildError> {
        Ok([u64::from(place.instance)])
    }
    fn fire<L: Lane>([number]: &mut [L; 1], [item]: [L; 1]) -> [L; 1] {
        [item * L::splat(5) + *number]
    }
    fn report(_state: &[u64; 1], firings: u64, results: &mut Results) {
        results.count("count", firings);
    }
}

/// Orders two items and keeps their sum.
struct Order;
impl Element<2, 2, 1> for Order {
    const KIND: &'static str = "test.order";
    const SUMMARY: &'static str = "in; out";
    const INPUTS: [&'static str; 2] = ["in[0]", "in[1]"];
    const OUTPUTS: [&'static str; 2] = ["out[0]", "out[1]"];
    type Params = ();
    type Signal = u64;

    fn state((): &(), _place: Place<'_>) -> Result<[u64; 1], BuildError> {
        Ok([0])
    }
    fn fire<L: Lane>([sum]: &mut [L; 1], [a, b]: [L; 2]) -> [L; 2] {
        *sum = sum.rotate_left(3) + a - b;
        let swap = b.below(a);
        [swap.select(b, a) ^ *sum, swap.select(a, b)]
    }
    fn report(&[sum]: &[u64; 1], _firings: u64, results: &mut Results) {
        results.check("sum", sum);
    }
}

/// Pushes 0, 1, 2, …
struct Spring;
impl Element<0, 1, 1> for Spring {
    const KIND: &'static str = "test.spring";
    const SUMMARY: &'static str = "; out";
    const INPUTS: [&'static str; 0] = [];
    const OUTPUTS: [&'static str; 1] = ["out[0]"];
    type Params = ();
    type Signal = u64;

    fn state((): &(), _place: Place<'_>) -> Result<[u64; 1], BuildError> {
        Ok([0])
    }
    fn fire<L: Lane>([next]: &mut [L; 1], []: [L; 0]) -> [L; 1] {
        let now = *next;
        *next = now + L::splat(1);
        [now]
    }
}

/// Xors what it pops.
struct Drain;
impl Element<1, 0, 1> for Drain {
    const KIND: &'static str = "test.drain";
    const SUMMARY: &'static str = "in;";
    const INPUTS: [&'static str; 1] = ["in[0]"];
    const OUTPUTS: [&'static str; 0] = [];
    type Params = ();
    type Signal = u64;

    fn state((): &(), _place: Place<'_>) -> Result<[u64; 1], BuildError> {
        Ok([0])
    }
    fn fire<L: Lane>([check]: &mut [L; 1], [item]: [L; 1]) -> [L; 0] {
        *check = *check ^ item;
        []
    }
    fn report(&[check]: &[u64; 1], _firings: u64, results: &mut Results) {
        results.check("check", check);
    }
}

/// Panics at the first item that is `bad`, as a lane of its own can tell.
struct Picky;
impl Element<1, 1, 1> for Picky {
    const KIND: &'static str = "test.picky";
    const SUMMARY: &'static str = "in; out";
    const INPUTS: [&'static str; 1] = ["in[0]"];
    const OUTPUTS: [&'static str; 1] = ["out[0]"];
    const CONSTANT_WORDS: usize = 1;
    type Params = u64;
    type Signal = u64;

    fn state(&bad: &u64, _place: Place<'_>) -> Result<[u64; 1], BuildError> {
        Ok([bad])
    }
    fn fire<L: Lane>([bad]: &mut [L; 1], [item]: [L; 1]) -> [L; 1] {
        // The one question on a lane that leads to a branch: is the mask anywhere set?
        let mask = Shown(item.equals(*bad));
        if let Some(lane) = mask.words().iter().position(|&mask| mask != 0) {
            // Every third one uses up the stack instead.
            assert!(Shown(*bad).words()[lane] % 3 == 0, "a bad item");
            Drill::StackOverflow.provoke();
        }
        [item]
    }
}

/// Reads a lane without knowing what it is, by its size.
struct Shown<L>(L);
impl<L: Lane> Shown<L> {
    fn words(&self) -> &[u64] {
        let words = size_of::<L>() / 8;
        // SAFETY: a lane is so many words.
        unsafe { std::slice::from_raw_parts((&raw const self.0).cast::<u64>(), words) }
    }
}

fn elements() -> Catalogue {
    common::catalogue()
        .with_element::<Scale, _, _, _>()
        .with_element::<Order, _, _, _>()
        .with_element::<Spring, _, _, _>()
        .with_element::<Drain, _, _, _>()
        .with_element::<Picky, _, _, _>()
}

#[derive(Clone, Debug)]
struct Sketch {
    /// Per element: whether it is an `Order`, and whether it is in the other clock domain.
    elements: Vec<(bool, bool)>,
    /// How far the rows of outputs and inputs are shifted against each other.
    shift: usize,
    /// Pairs of inputs that change places.
    swaps: Vec<(usize, usize)>,
    /// Depths other than 2: (number of the wire, depth).
    depths: Vec<(usize, u32)>,
    /// Of the inputs left over, every so many is fed by a module that is no element.
    every: usize,
    epoch_cycles: u64,
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let domain = prop_oneof![9 => Just(false), 1 => Just(true)];
    let element = (prop::bool::weighted(0.3), domain);
    let count = prop_oneof![1..12usize, 60..70usize, 100..150usize];
    count
        .prop_flat_map(move |count| {
            (
                prop::collection::vec(element.clone(), count),
                0..2 * count,
                prop::collection::vec((0..2 * count, 0..2 * count), 0..6),
                prop::collection::vec((0..2 * count, 1..4u32), 0..6),
                1..4usize,
                prop_oneof![Just(1u64), Just(7), Just(64)],
            )
        })
        .prop_map(
            |(elements, shift, swaps, depths, every, epoch_cycles)| Sketch {
                elements,
                shift,
                swaps,
                depths,
                every,
                epoch_cycles,
            },
        )
}

fn board(sketch: &Sketch) -> Board {
    let mut board = Board::new(elements());
    board.blueprint.epoch_cycles = sketch.epoch_cycles;
    let mut outputs = Vec::new();
    let mut inputs = Vec::new();
    for &(order, other) in &sketch.elements {
        let kind = if order { "test.order" } else { "test.scale" };
        let number = board.add(kind, u8::from(other), ());
        for port in 0..=usize::from(order) {
            outputs.push((number, port));
            inputs.push((number, port));
        }
    }
    let count = inputs.len();
    for &(a, b) in &sketch.swaps {
        inputs.swap(a % count, b % count);
    }
    let shift = sketch.shift % count;
    let depth_of = |wire: usize| {
        let odd = sketch.depths.iter().find(|entry| entry.0 == wire);
        odd.map_or(2, |entry| entry.1)
    };
    for (number, &(to, port)) in inputs.iter().enumerate() {
        let input = format!("in[{port}]");
        match number.checked_sub(shift) {
            Some(from) => {
                let (from, port) = outputs[from];
                let out = format!("out[{port}]");
                board.wire((from, &out), (to, &input), depth_of(number), 1, 1);
            }
            None if number % sketch.every == 0 => {
                let counter = board.add("test.counter", 0, 30 + number as u64);
                board.wire((counter, "out"), (to, &input), 2, 1, 1);
            }
            None => {
                let spring = board.add("test.spring", 0, ());
                board.wire((spring, "out[0]"), (to, &input), depth_of(number), 1, 1);
            }
        }
    }
    for &(from, port) in &outputs[count - shift..] {
        let drain = board.add("test.drain", 0, ());
        let out = format!("out[{port}]");
        board.wire((from, &out), (drain, "in[0]"), 2, 1, 1);
    }
    board
}

fn run(board: &Board, placement: &Placement, no_sleep: bool, no_vectors: bool) -> Seen {
    run_recorded(board, placement, no_sleep, no_vectors, &[])
}

/// Takes what is recorded and forgets it.
struct Nowhere;
impl RecordSink for Nowhere {
    fn open(&mut self, _: Tick, _: &[u64]) -> std::io::Result<()> {
        Ok(())
    }
    fn instant(&mut self, _: &Happened<'_>) -> std::io::Result<()> {
        Ok(())
    }
    fn close(&mut self, _: Tick) -> std::io::Result<()> {
        Ok(())
    }
}

fn host(placement: &Placement, no_sleep: bool, no_vectors: bool, recorded: &[u32]) -> HostOptions {
    HostOptions {
        thread_count: Some(placement.shard_count.min(2)),
        no_sleep,
        no_vectors,
        pin: false,
        recorded: recorded.into(),
        ..HostOptions::default()
    }
}

const LIMITS: Limits = Limits {
    cycles: None,
    max_cycles: Some(300),
};

fn run_recorded(
    board: &Board,
    placement: &Placement,
    no_sleep: bool,
    no_vectors: bool,
    recorded: &[u32],
) -> Seen {
    let host = host(placement, no_sleep, no_vectors, recorded);
    let mut machine = board.boot(placement, &host);
    if !recorded.is_empty() {
        let order = RecordOrder {
            window: 0..u64::MAX,
            instances: Vec::new(),
            stalls: false,
        };
        machine.start_recording(&order, Box::new(Nowhere)).unwrap();
    }
    let mut digests = Digests::default();
    let report = machine.run(&LIMITS, &mut digests);
    let wires = machine.wire_digests();
    (report.outcome, digests.0, machine.results(), wires)
}

fn stalls(board: &Board, placement: &Placement, no_sleep: bool, no_vectors: bool) -> Stalls {
    let host = HostOptions {
        stalls: StallOptions {
            every: 2,
            recorded: false,
        },
        ..host(placement, no_sleep, no_vectors, &[])
    };
    let mut machine = board.boot(placement, &host);
    machine.run(&LIMITS, &mut ());
    machine.stalls().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn stalls_are_the_same_however_elements_are_stepped(
        sketch in sketch(),
        places in prop::collection::vec(0..4u8, 1000),
        shard_count in 1..4usize,
        no_sleep: bool,
    ) {
        let board = board(&sketch);
        let count = board.blueprint.instances.len();
        let single = Placement::single(count);
        let expected = stalls(&board, &single, false, true);
        prop_assert_eq!(&expected, &stalls(&board, &single, no_sleep, false));
        let shard_of = (0..count).map(|n| places[n / 10] % shard_count as u8).collect();
        let placement = Placement { shard_count, shard_of };
        prop_assert_eq!(&expected, &stalls(&board, &placement, no_sleep, false));
    }

    #[test]
    fn many_at_a_time_is_one_by_one(
        sketch in sketch(),
        places in prop::collection::vec(0..4u8, 1000),
        shard_count in 1..4usize,
        some in any::<u64>(),
    ) {
        let board = board(&sketch);
        let count = board.blueprint.instances.len();
        let single = Placement::single(count);
        let expected = run(&board, &single, false, true);
        prop_assert_eq!(&expected, &run(&board, &single, false, false));
        prop_assert_eq!(&expected, &run(&board, &single, true, false));
        // Runs of instances stay together, as they do where a cut is good.
        let shard_of = (0..count).map(|n| places[n / 10] % shard_count as u8).collect();
        let placement = Placement { shard_count, shard_of };
        prop_assert_eq!(&expected, &run(&board, &placement, false, false));
        prop_assert_eq!(&expected, &run(&board, &placement, true, false));
        // A wire that is recorded stands in no bank.
        let all = 0..board.blueprint.wires.len() as u32;
        let part: Vec<u32> = all.clone().filter(|wire| some >> (wire % 64) & 1 == 1).collect();
        prop_assert_eq!(&expected, &run_recorded(&board, &placement, false, false, &part));
        let all: Vec<u32> = all.collect();
        prop_assert_eq!(&expected, &run_recorded(&board, &single, true, false, &all));
    }

    #[test]
    fn elements_go_on_from_a_snapshot_however_they_are_stepped(
        sketch in sketch(),
        places in prop::collection::vec(0..4u8, 1000),
        shard_counts in (1..4usize, 1..4usize),
        no_vectors: (bool, bool),
        pause in 0..300u64,
    ) {
        let board = board(&sketch);
        let count = board.blueprint.instances.len();
        let expected = run(&board, &Placement::single(count), false, true);
        let placement = |shard_count: usize, shift: usize| {
            let shard_of = (0..count).map(|n| places[n / 10 + shift] % shard_count as u8).collect();
            Placement { shard_count, shard_of }
        };
        let [first, second] = [placement(shard_counts.0, 0), placement(shard_counts.1, 500)];
        let hosts = [
            host(&first, false, no_vectors.0, &[]),
            host(&second, false, no_vectors.1, &[]),
        ];
        let ways = [(&first, &hosts[0]), (&second, &hosts[1])];
        prop_assert_eq!(expected, moved(&board, ways, pause, &LIMITS));
    }

    #[test]
    fn the_element_that_faults_is_the_one_that_is_named(
        bad in prop::collection::vec(0..200u64, 1..100),
    ) {
        let mut board = Board::new(elements());
        for &bad in &bad {
            let spring = board.add("test.spring", 0, ());
            let picky = board.add("test.picky", 0, bad);
            let drain = board.add("test.drain", 0, ());
            board.wire((spring, "out[0]"), (picky, "in[0]"), 2, 1, 1);
            board.wire((picky, "out[0]"), (drain, "in[0]"), 2, 1, 1);
        }
        let single = Placement::single(board.blueprint.instances.len());
        let seen = run(&board, &single, false, false);
        prop_assert_eq!(&seen, &run(&board, &single, false, true));
        let outcome = seen.0;
        // Item n is popped at edge n + 1, and all that happens within an epoch of 64 is reported.
        let end = (bad.iter().min().unwrap() + 1) / 64 * 64 + 64;
        let mut expected: Vec<(u64, u32)> = bad
            .iter()
            .enumerate()
            .filter(|&(_, &bad)| bad + 1 < end)
            .map(|(number, &bad)| (bad + 1, 3 * number as u32 + 1))
            .collect();
        expected.sort_unstable();
        let Outcome::Faulted(faults) = outcome else {
            panic!("{outcome:?}")
        };
        let seen: Vec<_> = faults.iter().map(|it| (it.cycle, it.instance)).collect();
        prop_assert_eq!(seen, expected);
        for fault in &faults {
            let overflows = bad[fault.instance as usize / 3] % 3 == 0;
            let as_expected = match &fault.cause {
                FaultCause::Panic(text) => !overflows && text.contains("a bad item"),
                FaultCause::Hardware(fault) => overflows && fault.stack_overflow,
                _ => false,
            };
            prop_assert!(as_expected, "{fault:?}");
        }
    }
}
