//! What goes wrong while a machine is booted is an error that names the instance, and never a
//! module on ports of another type.

mod common;
use common::{Board, Counter, Sink};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tina_engine::*;

/// How a [`Fickle`] module breaks its word when it is built for real.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whim {
    OtherSignal,
    OtherDirection,
    MorePorts,
    FewerPorts,
    MoreMemory,
    MoreConsoles,
    Panic,
    PanicInFill,
}

/// Asks for other things when it is built than when it was probed.
struct Fickle {
    _out: Option<Out<u64>>,
}

const WHIMS: [Whim; 8] = [
    Whim::OtherSignal,
    Whim::OtherDirection,
    Whim::MorePorts,
    Whim::FewerPorts,
    Whim::MoreMemory,
    Whim::MoreConsoles,
    Whim::Panic,
    Whim::PanicInFill,
];

thread_local! {
    /// Probes run on the thread of the test, builds on others.
    static PROBING: AtomicU64 = const { AtomicU64::new(0) };
}

impl Module for Fickle {
    const KIND: &'static str = "test.fickle";
    const SUMMARY: &'static str = "breaks its word | out: u64";
    type Params = u64;
    fn build(whim: u64, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let _memory = wiring.memory_with::<u64>(100, |words| {
            if WHIMS[whim as usize] == Whim::PanicInFill {
                words[100] = 1;
            }
        })?;
        if PROBING.with(|probing| probing.load(Ordering::Relaxed)) == 1 {
            return Ok(Self {
                _out: Some(wiring.output("out")?),
            });
        }
        let out = match WHIMS[whim as usize] {
            Whim::OtherSignal => {
                let _out: Out<[u64; 8]> = wiring.output("out")?;
                None
            }
            Whim::OtherDirection => {
                let _input: In<u64> = wiring.input("out")?;
                None
            }
            Whim::FewerPorts => None,
            Whim::MorePorts => {
                let out = wiring.output("out")?;
                let _more: Out<u64> = wiring.output("more")?;
                Some(out)
            }
            Whim::MoreMemory => {
                let _memory = wiring.memory::<u64>(1 << 20)?;
                Some(wiring.output("out")?)
            }
            Whim::MoreConsoles => {
                let _console = wiring.console();
                Some(wiring.output("out")?)
            }
            Whim::Panic => panic!("the build panics on purpose"),
            Whim::PanicInFill => Some(wiring.output("out")?),
        };
        Ok(Self { _out: out })
    }
    fn clock(&mut self, _now: Cycle) -> Effect {
        Effect::Receive
    }
}

#[test]
fn a_module_that_is_built_otherwise_than_it_was_probed_is_named() {
    for whim in WHIMS {
        let catalogue = Catalogue::new()
            .with::<Counter>()
            .with::<Sink>()
            .with::<Fickle>();
        let mut board = Board::new(catalogue).single_clock();
        PROBING.with(|probing| probing.store(1, Ordering::Relaxed));
        let number = WHIMS.iter().position(|&other| other == whim).unwrap() as u64;
        let fickle = board.add("test.fickle", 0, number);
        let sink = board.add("test.sink", 0, ());
        let source = board.add("test.counter", 0, 5u64);
        let other = board.add("test.sink", 0, ());
        board.wire((fickle, "out"), (sink, "in"), 2, 1, 1);
        board.wire((source, "out"), (other, "in"), 2, 1, 1);
        // The other thread boots well, and must be sent home.
        let placement = Placement {
            shard_count: 2,
            shard_of: vec![0, 0, 1, 1],
        };
        let host = HostOptions {
            thread_count: Some(2),
            ..HostOptions::default()
        };
        let blueprint = Arc::new(board.blueprint.clone());
        let booted = Machine::boot(&blueprint, &board.catalogue, &placement, &host);
        match booted.err() {
            Some(BootError::Module(path, error)) => {
                assert_eq!(path, "m[0]", "{whim:?}: {error}");
            }
            other => panic!("{whim:?}: {other:?}"),
        }
    }
}

#[test]
fn a_blueprint_with_numbers_out_of_range_is_an_error() {
    let mut board = common::pipeline(1);
    board.blueprint.instances[1].domain = 1;
    let boot = |board: &Board| {
        let placement = Placement::single(board.blueprint.instances.len());
        let blueprint = Arc::new(board.blueprint.clone());
        Machine::boot(
            &blueprint,
            &board.catalogue,
            &placement,
            &HostOptions::default(),
        )
        .err()
    };
    assert!(matches!(
        boot(&board),
        Some(BootError::Plan(PlanError::Instance { instance: 1, .. }))
    ));
    board.blueprint.instances[1].domain = 0;
    board.blueprint.instances[2].kind = 99;
    assert!(matches!(
        boot(&board),
        Some(BootError::Plan(PlanError::Instance { instance: 2, .. }))
    ));
}

/// Asks for consoles and memories of all sizes, nothing among them.
struct Hoarder {
    _memories: Vec<Memory<u8>>,
    _consoles: Vec<Console>,
}
impl Module for Hoarder {
    const KIND: &'static str = "test.hoarder";
    const SUMMARY: &'static str = "asks for memories and consoles";
    type Params = Vec<u64>;
    fn build(sizes: Vec<u64>, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let mut memories = Vec::new();
        let mut consoles = Vec::new();
        for size in sizes {
            consoles.push(wiring.console());
            memories.push(wiring.memory(size as usize)?);
        }
        Ok(Self {
            _memories: memories,
            _consoles: consoles,
        })
    }
    fn clock(&mut self, _now: Cycle) -> Effect {
        Effect::Receive
    }
}

#[test]
fn the_plan_covers_what_is_used_and_little_more() {
    let catalogue = common::catalogue().with::<Hoarder>();
    for sizes in [
        vec![],
        vec![0u64],
        vec![1],
        vec![0, 0, 65],
        vec![3, 100_000, 1],
    ] {
        let mut board = Board::new(catalogue.clone());
        for instance in 0..60u32 {
            board.add("test.hoarder", (instance % 2) as u8, sizes.clone());
        }
        for wire in 1..30 {
            let source = board.add("test.counter", (wire % 2) as u8, 1u64);
            let sink = board.add("test.sink", (wire / 2 % 2) as u8, ());
            board.wire(
                (source, "out"),
                (sink, "in"),
                wire,
                1 + wire % 3,
                1 + wire % 2,
            );
        }
        for shard_count in [1, 2, 7] {
            let placement = Placement {
                shard_count,
                shard_of: (0..board.blueprint.instances.len())
                    .map(|index| (index % shard_count) as u8)
                    .collect(),
            };
            let machine = board.boot(&placement, &HostOptions::default());
            for (used, regions) in machine
                .used_bytes()
                .into_iter()
                .zip(machine.plan().regions())
            {
                let planned: usize = regions.iter().map(|region| region.bytes).sum();
                assert!(used <= planned, "{used} of {planned}");
                assert!(planned <= used + used / 10 + 4096, "{used} of {planned}");
            }
        }
    }
}
