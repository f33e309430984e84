//! Recordings of random machines: they change nothing, are the same at every number of shards and
//! threads, and hold exactly what the modules themselves say they moved.

mod common;
use common::{Board, Digests, catalogue};
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use tina_engine::*;

/// What a module moved: (tick, instance, port, pushed or popped, value).
type Moves = Arc<Mutex<Vec<(Tick, u32, String, bool, u64)>>>;

#[derive(Clone, Deserialize)]
struct WitnessParams {
    inputs: u64,
    outputs: u64,
    period: u64,
    instance: u64,
}

/// Moves items at random, remembers some, and writes down whatever it does.
struct Witness {
    params: WitnessParams,
    inputs: Box<[In<u64>]>,
    outputs: Box<[Out<u64>]>,
    held: Vec<u64>,
    made: u64,
    random: Random,
    moves: Option<Moves>,
}

impl Witness {
    fn note(&self, now: Cycle, port: String, pushed: bool, value: u64) {
        if let Some(moves) = &self.moves {
            let tick = now * self.params.period;
            let instance = self.params.instance as u32;
            let mut moves = moves.lock().unwrap();
            moves.push((tick, instance, port, pushed, value));
        }
    }
}

impl Module for Witness {
    const KIND: &'static str = "test.witness";
    const SUMMARY: &'static str = "mixes and tells | in[n]: u64 | out[n]: u64";
    type Params = WitnessParams;
    fn build(params: WitnessParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            inputs: (0..params.inputs)
                .map(|index| wiring.wide_input(&format!("in[{index}]"), 4))
                .collect::<Result<_, _>>()?,
            outputs: (0..params.outputs)
                .map(|index| wiring.wide_output(&format!("out[{index}]"), 4))
                .collect::<Result<_, _>>()?,
            held: Vec::with_capacity(8),
            made: 0,
            random: wiring.random(0),
            moves: wiring.resource::<Moves>().cloned(),
            params,
        })
    }
    fn clock(&mut self, now: Cycle) -> Effect {
        for port in 0..self.inputs.len() {
            for _ in 0..self.inputs[port].lanes() {
                if self.held.len() < 8
                    && let Some(value) = self.inputs[port].try_pop()
                {
                    self.held.push(value);
                    self.note(now, format!("in[{port}]"), false, value);
                }
            }
        }
        for port in 0..self.outputs.len() {
            for _ in 0..self.outputs[port].lanes() {
                // One with nothing to pass on makes something at times.
                let value = self.held.pop().unwrap_or(self.made << 8 | 7);
                if self.random.below(3) > 0 && self.outputs[port].try_push(value).is_ok() {
                    self.made += 1;
                    self.note(now, format!("out[{port}]"), true, value);
                }
            }
        }
        // Draws at every edge, so it must see every edge.
        Effect::Yield
    }
    fn probe(&self, probes: &mut Probes<'_>) {
        probes.number("held", 4, self.held.len() as u64);
        probes.number("made", 64, self.made);
    }
}

type WireSketch = (usize, usize, u32, u32, u32, u8);

#[derive(Clone, Debug)]
struct Sketch {
    domains: Vec<u8>,
    wires: Vec<WireSketch>,
    epoch_cycles: u64,
}

fn sketch() -> impl Strategy<Value = Sketch> {
    (2..6usize).prop_flat_map(|count| {
        let depth = prop_oneof![1..5u32, Just(24)];
        let wire = (0..count, 0..count, depth, 1..4u32, 1..4u32, 1..4u8);
        (
            prop::collection::vec(0..2u8, count),
            prop::collection::vec(wire, count..3 * count),
            prop_oneof![Just(1u64), Just(7), Just(64)],
        )
            .prop_map(|(domains, wires, epoch_cycles)| Sketch {
                domains,
                wires,
                epoch_cycles,
            })
    })
}

/// Ticks of the periods of the two domains of a [`Board`].
const PERIODS: [u64; 2] = [3, 1];

fn board(sketch: &Sketch, moves: Option<Moves>) -> Board {
    let mut board = Board::new(catalogue().with::<Witness>());
    board.blueprint.epoch_cycles = sketch.epoch_cycles;
    if let Some(moves) = moves {
        board.blueprint.resources.insert(moves);
    }
    let mut inputs = vec![0; sketch.domains.len()];
    let mut outputs = vec![0; sketch.domains.len()];
    let mut ends = Vec::new();
    for wire in &sketch.wires {
        ends.push((
            format!("out[{}]", outputs[wire.0]),
            format!("in[{}]", inputs[wire.1]),
        ));
        outputs[wire.0] += 1;
        inputs[wire.1] += 1;
    }
    for (number, &domain) in sketch.domains.iter().enumerate() {
        let params = BTreeMap::from([
            ("inputs", inputs[number] as u64),
            ("outputs", outputs[number] as u64),
            ("period", PERIODS[usize::from(domain)]),
            ("instance", number as u64),
        ]);
        board.add("test.witness", domain, params);
    }
    for (&(from, to, depth, latency, credit, lanes), (out, input)) in sketch.wires.iter().zip(&ends)
    {
        let (from, to) = ((from as u32, out.as_str()), (to as u32, input.as_str()));
        board.wide_wire(from, to, depth, latency, credit, lanes);
    }
    board
}

/// Everything a sink was told, in words.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn say(&self, line: String) -> io::Result<()> {
        self.0.lock().unwrap().push(line);
        Ok(())
    }
    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl RecordSink for Log {
    fn open(&mut self, tick: Tick, occupancies: &[u64]) -> io::Result<()> {
        self.say(format!("open {tick} {occupancies:?}"))
    }
    fn instant(&mut self, happened: &Happened<'_>) -> io::Result<()> {
        for transfers in happened.transfers {
            let items: Vec<&[u64]> = happened.items(transfers).collect();
            let (tick, number) = (happened.tick, transfers.number);
            self.say(format!(
                "{tick} wire {number} pops {} pushes {items:?}",
                transfers.pops
            ))?;
        }
        for (field, value) in happened.probes {
            self.say(format!("{} field {field} = {value}", happened.tick))?;
        }
        Ok(())
    }
    fn close(&mut self, tick: Tick) -> io::Result<()> {
        self.say(format!("close {tick}"))
    }
}

const CYCLES: u64 = 100;

struct Way<'a> {
    shard_count: usize,
    thread_count: usize,
    no_sleep: bool,
    recorded: &'a [u32],
    window: std::ops::Range<u64>,
}

/// Runs a machine, recorded or not: digests of all epochs, and what the sink was told.
fn run(board: &Board, way: &Way<'_>) -> (Vec<EpochRecord>, Vec<String>) {
    let count = board.blueprint.instances.len();
    let placement = Placement {
        shard_count: way.shard_count,
        shard_of: (0..count)
            .map(|index| (index * 7 % way.shard_count) as u8)
            .collect(),
    };
    let host = HostOptions {
        thread_count: Some(way.thread_count),
        no_sleep: way.no_sleep,
        recorded: way.recorded.into(),
        ..HostOptions::default()
    };
    let mut machine = board.boot(&placement, &host);
    let log = Log::default();
    if !way.recorded.is_empty() {
        let order = RecordOrder {
            window: way.window.clone(),
            instances: (0..count as u32).collect(),
            stalls: false,
        };
        machine
            .start_recording(&order, Box::new(log.clone()))
            .unwrap();
    }
    let mut digests = Digests::default();
    let limits = Limits {
        cycles: Some(CYCLES),
        max_cycles: None,
    };
    machine.run(&limits, &mut digests);
    machine.stop_recording().unwrap();
    (digests.0, log.lines())
}

/// Of each instant and wire: items popped, and those pushed.
type Happenings = BTreeMap<(Tick, usize), (u32, Vec<[u64; 1]>)>;

/// What the log of a recording of all wires from cycle 0 must be, by what the modules wrote down.
fn expected_lines(board: &Board, moves: &Moves) -> Vec<String> {
    let port = |end: PortRef| {
        let shape = &board.blueprint.instances[end.instance as usize].shape;
        (
            end.instance,
            shape.ports[usize::from(end.port)].name.clone(),
        )
    };
    let mut happened = Happenings::new();
    for (tick, instance, name, pushed, value) in &*moves.lock().unwrap() {
        let here = (*instance, name.clone());
        let mut wires = board.blueprint.wires.iter();
        let end = |wire: &Wire| if *pushed { wire.from } else { wire.to };
        let number = wires.position(|wire| port(end(wire)) == here).unwrap();
        let entry = happened.entry((*tick, number)).or_default();
        if *pushed {
            entry.1.push([*value]);
        } else {
            entry.0 += 1;
        }
    }
    let mut lines = Vec::new();
    for ((tick, number), (pops, pushes)) in &happened {
        lines.push(format!(
            "{tick} wire {number} pops {pops} pushes {pushes:?}"
        ));
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_recording_changes_nothing_and_holds_what_modules_moved(
        sketch in sketch(),
        some in any::<u32>(),
        window in (0..CYCLES, 1..CYCLES),
    ) {
        let moves = Moves::default();
        let silent = board(&sketch, None);
        let telling = board(&sketch, Some(moves.clone()));
        let all: Vec<u32> = (0..sketch.wires.len() as u32).collect();
        let part: Vec<u32> = all.iter().copied().filter(|wire| some >> wire & 1 == 1).collect();
        let way = |shard_count, recorded| Way {
            shard_count,
            thread_count: 1 + shard_count % 2,
            no_sleep: shard_count == 3,
            recorded,
            window: 0..u64::MAX,
        };
        let (digests, _) = run(&silent, &way(1, &[]));
        let (telling_digests, log) = run(&telling, &way(1, &all));
        prop_assert_eq!(&digests, &telling_digests);
        let transfers: Vec<String> =
            log.iter().filter(|line| line.contains("wire")).cloned().collect();
        prop_assert_eq!(transfers, expected_lines(&telling, &moves));
        for shard_count in 1..4 {
            let (others, lines) = run(&silent, &way(shard_count, &all));
            prop_assert_eq!(&digests, &others);
            prop_assert_eq!(&log, &lines);
            let (others, _) = run(&silent, &way(shard_count, &part));
            prop_assert_eq!(&digests, &others);
        }
        // A window holds what the whole recording holds of that time.
        let window = window.0..window.0 + window.1;
        let ticks = 3 * window.start..3 * window.end;
        let within = |line: &&String| {
            let tick = line.split(' ').next().unwrap().parse::<u64>();
            tick.is_ok_and(|tick| ticks.contains(&tick)) && line.contains("wire")
        };
        let expected: Vec<&String> = log.iter().filter(within).collect();
        let mut first = None;
        for shard_count in 1..4 {
            let windowed = Way { window: window.clone(), ..way(shard_count, &all) };
            let (others, lines) = run(&silent, &windowed);
            prop_assert_eq!(&digests, &others);
            let first = first.get_or_insert(lines.clone());
            prop_assert_eq!(&*first, &lines);
            let wires: Vec<&String> = lines.iter().filter(|line| line.contains("wire")).collect();
            prop_assert_eq!(&wires, &expected);
            prop_assert_eq!(&lines[0], &format!("open {} {:?}", ticks.start, occupancies(&log, &all, ticks.start)));
        }
    }
}

/// Items in each wire before an instant, by the log of a whole recording.
fn occupancies(log: &[String], wires: &[u32], before: Tick) -> Vec<u64> {
    let mut counts = vec![0; wires.len()];
    for line in log.iter().filter(|line| line.contains("wire")) {
        let words: Vec<&str> = line.split(' ').collect();
        if words[0].parse::<u64>().unwrap() < before {
            let pushes = line.matches('[').count() as u64 - 1;
            let count: &mut u64 = &mut counts[words[2].parse::<usize>().unwrap()];
            *count = *count + pushes - words[4].parse::<u64>().unwrap();
        }
    }
    counts
}

#[test]
fn fields_of_modules_are_told_when_they_change() {
    let sketch = Sketch {
        domains: vec![0, 0],
        wires: vec![(0, 1, 2, 1, 1, 1)],
        epoch_cycles: 16,
    };
    let board = board(&sketch, None);
    let way = Way {
        shard_count: 2,
        thread_count: 2,
        no_sleep: false,
        recorded: &[0],
        window: 10..13,
    };
    let (_, lines) = run(&board, &way);
    // Two fields of each of two modules, at the least once each.
    assert_eq!(lines[0], "open 30 [1]");
    for field in 0..4 {
        let told = lines
            .iter()
            .any(|line| line.starts_with(&format!("30 field {field} =")));
        assert!(told, "{lines:#?}");
    }
    let made: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains("field 1 ="))
        .collect();
    assert!(made.windows(2).all(|pair| pair[0] != pair[1]), "{made:#?}");
}

/// A sink that can take nothing.
struct Refuses;
impl RecordSink for Refuses {
    fn open(&mut self, _: Tick, _: &[u64]) -> io::Result<()> {
        Err(io::Error::other("no room"))
    }
    fn instant(&mut self, _: &Happened<'_>) -> io::Result<()> {
        panic!("called after it failed")
    }
    fn close(&mut self, _: Tick) -> io::Result<()> {
        panic!("called after it failed")
    }
}

/// A sink that breaks.
struct Panics;
impl RecordSink for Panics {
    fn open(&mut self, _: Tick, _: &[u64]) -> io::Result<()> {
        panic!("broken")
    }
    fn instant(&mut self, _: &Happened<'_>) -> io::Result<()> {
        Ok(())
    }
    fn close(&mut self, _: Tick) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_sink_that_fails_ends_the_run_with_its_reason() {
    let sinks: [(Box<dyn RecordSink>, &str); 2] = [
        (Box::new(Refuses), "no room"),
        (Box::new(Panics), "panicked: broken"),
    ];
    for (sink, reason) in sinks {
        let board = common::pipeline(3);
        let host = HostOptions {
            recorded: [0, 1, 2, 3].into(),
            ..HostOptions::default()
        };
        let mut machine = board.boot(&common::blocks(&board, 2), &host);
        let order = RecordOrder {
            window: 0..u64::MAX,
            instances: Vec::new(),
            stalls: false,
        };
        machine.start_recording(&order, sink).unwrap();
        assert!(machine.start_recording(&order, Box::new(Refuses)).is_err());
        // Without a limit only the failure can end it.
        let report = machine.run(&Limits::default(), &mut ());
        assert_eq!(report.outcome, Outcome::Interrupted);
        let error = machine.stop_recording().unwrap_err().to_string();
        assert!(error.starts_with(reason), "{error}");
    }
}
