//! Traces of random machines hold, in the eyes of readers by other authors, what the modules themselves
//! say they moved; and they are the same bytes at every number of shards and threads.
#![forbid(unsafe_code)]

use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tina_engine::*;
use tina_sim::design::{Design, LoadOptions, load_text};
use tina_sim::run::{RunOptions, execute};
use tina_sim::trace::{Glob, TraceOrder, What};

signal! {
    /// Fields narrower and wider than a word.
    struct Flit { tag: u8 = 3, data: u64 = 64, line: [u32; 3] = 96 }
}

impl Flit {
    /// One for each number.
    fn of(number: u64) -> Self {
        let low = number as u32;
        Self {
            tag: number as u8 & 7,
            data: number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            line: [low, !low, low.rotate_left(16)],
        }
    }

    /// Its fields as readers show them.
    fn shown(&self) -> [(&'static str, String); 3] {
        let [low, middle, high] = self.line;
        [
            ("tag", format!("{:03b}", self.tag)),
            ("data", format!("{:064b}", self.data)),
            ("line", format!("{high:032b}{middle:032b}{low:032b}")),
        ]
    }
}

/// What a module moved: (tick, instance, port, the item if it was pushed).
type Moves = Arc<Mutex<Vec<(Tick, u32, String, Option<Flit>)>>>;

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WitnessParams {
    inputs: u64,
    outputs: u64,
    period: u64,
    instance: u64,
}

/// Pops and pushes at random and writes down what it does.
struct Witness {
    params: WitnessParams,
    inputs: Box<[In<Flit>]>,
    outputs: Box<[Out<Flit>]>,
    made: u64,
    random: Random,
    moves: Moves,
}

impl Module for Witness {
    const KIND: &'static str = "test.witness";
    const SUMMARY: &'static str = "moves and tells | in[n]: Flit | out[n]: Flit";
    type Params = WitnessParams;
    fn build(params: WitnessParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            inputs: (0..params.inputs)
                .map(|index| wiring.wide_input(&format!("in[{index}]"), 2))
                .collect::<Result<_, _>>()?,
            outputs: (0..params.outputs)
                .map(|index| wiring.wide_output(&format!("out[{index}]"), 2))
                .collect::<Result<_, _>>()?,
            made: 0,
            random: wiring.random(0),
            moves: wiring.resource::<Moves>().unwrap().clone(),
            params,
        })
    }
    fn clock(&mut self, now: Cycle) -> Effect {
        let (tick, number) = (now * self.params.period, self.params.instance as u32);
        let mut moves = Vec::new();
        for (port, input) in self.inputs.iter_mut().enumerate() {
            for _ in 0..input.lanes() {
                if self.random.below(2) == 0 && input.try_pop().is_some() {
                    moves.push((tick, number, format!("in[{port}]"), None));
                }
            }
        }
        for (port, output) in self.outputs.iter_mut().enumerate() {
            for _ in 0..output.lanes() {
                let flit = Flit::of(self.made / 2);
                if self.random.below(2) == 0 && output.try_push(flit).is_ok() {
                    self.made += 1;
                    moves.push((tick, number, format!("out[{port}]"), Some(flit)));
                }
            }
        }
        self.moves.lock().unwrap().extend(moves);
        Effect::Yield
    }
    fn probe(&self, probes: &mut Probes<'_>) {
        probes.number("made", 16, self.made);
        probes.choice("parity", &["even", "odd"], self.made % 2);
    }
}

/// (producer, consumer, depth, latency, credit, lanes)
type WireSketch = (usize, usize, u32, u32, u32, u8);

#[derive(Clone, Debug)]
struct Sketch {
    fast: Vec<bool>,
    wires: Vec<WireSketch>,
}

fn sketch() -> impl Strategy<Value = Sketch> {
    (2..5usize).prop_flat_map(|count| {
        let wire = (0..count, 0..count, 1..5u32, 1..4u32, 1..4u32, 1..3u8);
        (
            prop::collection::vec(any::<bool>(), count),
            prop::collection::vec(wire, count..2 * count),
        )
            .prop_map(|(fast, wires)| Sketch { fast, wires })
    })
}

/// Ports of each wire: the n-th output and input of their instances.
fn ends(sketch: &Sketch) -> Vec<(String, String)> {
    let mut counts = vec![(0, 0); sketch.fast.len()];
    let mut ends = Vec::new();
    for &(from, to, ..) in &sketch.wires {
        ends.push((
            format!("out[{}]", counts[from].0),
            format!("in[{}]", counts[to].1),
        ));
        counts[from].0 += 1;
        counts[to].1 += 1;
    }
    ends
}

fn design(sketch: &Sketch, catalogue: &Catalogue, moves: &Moves) -> Design {
    let mut text = String::from(
        "Netlist(name: \"random\", clocks: { \"slow\": \"400 MHz\", \"fast\": \"1200 MHz\" }, epoch: 16,\n\
         instances: {\n",
    );
    for (number, fast) in sketch.fast.iter().enumerate() {
        let count = |end: fn(&WireSketch) -> usize| {
            sketch
                .wires
                .iter()
                .filter(|wire| end(wire) == number)
                .count()
        };
        let (clock, period) = if *fast { ("fast", 1) } else { ("slow", 3) };
        let (inputs, outputs) = (count(|wire| wire.1), count(|wire| wire.0));
        writeln!(
            text,
            "\"w{number}\": (kind: \"test.witness\", clock: \"{clock}\", params: (inputs: {inputs}, \
             outputs: {outputs}, period: {period}, instance: {number})),"
        )
        .unwrap();
    }
    text.push_str("},\nwires: [\n");
    for ((from, to, depth, latency, credit, lanes), (out, input)) in
        sketch.wires.iter().zip(ends(sketch))
    {
        writeln!(
            text,
            "Wire(from: \"w{from}.{out}\", to: \"w{to}.{input}\", depth: {depth}, \
             latency: {latency}, credit: {credit}, lanes: {lanes}),"
        )
        .unwrap();
    }
    text.push_str("],\n)\n");
    let mut resources = Resources::default();
    resources.insert(moves.clone());
    let options = LoadOptions {
        resources,
        ..LoadOptions::default()
    };
    load_text("random.ron", &text, &options, catalogue).unwrap_or_else(|wrong| panic!("{wrong}"))
}

const CYCLES: u64 = 60;
/// Steps of a tick: a third of 2.5 ns, in femtoseconds and rounded down.
fn step(tick: Tick) -> u64 {
    tick * 2_500_000 / 3
}

/// Of every signal by full name: steps and values, as bits.
type Record = BTreeMap<String, Vec<(u64, String)>>;

/// What a trace of the window must hold, by what the modules wrote down of the whole run.
fn expected(sketch: &Sketch, moves: &Moves, window: &Range<u64>) -> Record {
    let moves = moves.lock().unwrap();
    let window = 3 * window.start..3 * window.end.min(CYCLES);
    let mut record = Record::new();
    for ((from, to, depth, .., lanes), (out, input)) in sketch.wires.iter().zip(ends(sketch)) {
        let period = if sketch.fast[*from] { 1 } else { 3 };
        let name = format!("w{from}.{out}");
        let mut fields: Vec<Vec<(u64, String)>> = vec![Vec::new(); 4 * usize::from(*lanes)];
        let mut occupancies = Vec::new();
        let mut occupancy = 0usize;
        for tick in 0..window.end {
            let of = |instance: usize, port: &str| {
                let here = |m: &&(Tick, u32, String, Option<Flit>)| {
                    (m.0, m.1 as usize, m.2.as_str()) == (tick, instance, port)
                };
                moves
                    .iter()
                    .filter(here)
                    .filter_map(|m| m.3)
                    .collect::<Vec<_>>()
            };
            let pushed = of(*from, &out);
            let pops = moves
                .iter()
                .filter(|m| (m.0, m.1 as usize, m.2.as_str()) == (tick, *to, &input))
                .count();
            occupancy = occupancy + pushed.len() - pops;
            if !window.contains(&tick) {
                continue;
            }
            for lane in 0..usize::from(*lanes) {
                let signals = &mut fields[4 * lane..4 * lane + 4];
                // Between two edges of the producer everything stays as it is.
                if tick % period == 0 || tick == window.start {
                    let valid = u8::from(pushed.len() > lane).to_string();
                    signals[0].push((step(tick), valid));
                }
                if let Some(flit) = pushed.get(lane) {
                    for (signal, (_, value)) in signals[1..].iter_mut().zip(flit.shown()) {
                        signal.push((step(tick), value));
                    }
                }
            }
            let width = (u32::BITS - depth.leading_zeros()) as usize;
            occupancies.push((step(tick), format!("{occupancy:0width$b}")));
        }
        record.insert(format!("{name}.occupancy"), occupancies);
        for lane in 0..*lanes {
            let scope = match lanes {
                1 => String::new(),
                _ => format!("lane[{lane}]."),
            };
            for (index, field) in ["valid", "tag", "data", "line"].into_iter().enumerate() {
                let changes = std::mem::take(&mut fields[4 * usize::from(lane) + index]);
                record.insert(format!("{name}.{scope}{field}"), changes);
            }
        }
    }
    for (number, _) in sketch.fast.iter().enumerate() {
        let mut made = 0;
        let (mut counts, mut parities) = (Vec::new(), Vec::new());
        for tick in 0..window.end {
            made += moves
                .iter()
                .filter(|m| m.0 == tick && m.1 as usize == number && m.3.is_some())
                .count();
            if window.contains(&tick) {
                counts.push((step(tick), format!("{made:016b}")));
                parities.push((step(tick), (made % 2).to_string()));
            }
        }
        record.insert(format!("w{number}.made"), counts);
        record.insert(format!("w{number}.parity"), parities);
    }
    normal(record)
}

/// What stays the same is no change, and unknown is what everything is at first.
fn normal(record: Record) -> Record {
    let changes = |(name, all): (String, Vec<(u64, String)>)| {
        let mut kept: Vec<(u64, String)> = Vec::new();
        for (time, value) in all {
            let same = match kept.last() {
                Some(last) => last.1 == value,
                None => value.starts_with('x'),
            };
            if !same {
                kept.push((time, value));
            }
        }
        (name, kept)
    };
    record.into_iter().map(changes).collect()
}

fn read_by_wellen(path: &Path) -> Record {
    let mut wave = wellen::simple::read(path).unwrap();
    let scale = wave.hierarchy().timescale().unwrap();
    assert_eq!(
        (scale.factor, scale.unit.to_exponent()),
        (1, Some(-15)),
        "a third of 2.5 ns is no whole number of anything"
    );
    let hierarchy = wave.hierarchy();
    let vars: Vec<(String, wellen::SignalRef)> = hierarchy
        .all_vars()
        .map(|var| {
            (
                hierarchy[var].full_name(hierarchy),
                hierarchy[var].signal_ref(),
            )
        })
        .collect();
    let ids: Vec<wellen::SignalRef> = vars.iter().map(|var| var.1).collect();
    wave.load_signals(&ids);
    let times = wave.time_table();
    let changes = |id| {
        let signal = wave.get_signal(id).unwrap();
        let changes = signal.iter_changes();
        changes
            .map(|(time, value)| (times[time as usize], value.to_string()))
            .collect()
    };
    normal(
        vars.into_iter()
            .map(|(name, id)| (name, changes(id)))
            .collect(),
    )
}

fn read_by_vcd(path: &Path) -> Record {
    let mut parser = vcd::Parser::new(fs::read(path).map(std::io::Cursor::new).unwrap());
    let header = parser.parse_header().unwrap();
    let mut names = BTreeMap::new();
    let mut pending: Vec<(String, &vcd::ScopeItem)> = header
        .items
        .iter()
        .map(|item| (String::new(), item))
        .collect();
    while let Some((path, item)) = pending.pop() {
        match item {
            vcd::ScopeItem::Scope(scope) => {
                let path = format!("{path}{}.", scope.identifier);
                pending.extend(scope.items.iter().map(|item| (path.clone(), item)));
            }
            vcd::ScopeItem::Var(var) => {
                names.insert(
                    var.code,
                    (format!("{path}{}", var.reference), var.size as usize),
                );
            }
            _ => {}
        }
    }
    let mut record: Record = names
        .values()
        .map(|it| (it.0.clone(), Vec::new()))
        .collect();
    let mut time = 0;
    for command in parser {
        let (id, text) = match command.unwrap() {
            vcd::Command::Timestamp(now) => {
                time = now;
                continue;
            }
            vcd::Command::ChangeScalar(id, value) => (id, value.to_string()),
            vcd::Command::ChangeVector(id, value) => (id, value.to_string()),
            other => panic!("{other:?}"),
        };
        let (name, width) = &names[&id];
        let text = "0".repeat(width - text.len()) + &text;
        record.get_mut(name).unwrap().push((time, text));
    }
    normal(record)
}

struct Way<'a> {
    shard_count: usize,
    window: Range<u64>,
    scopes: &'a [&'a str],
    what: What,
}

/// Runs a machine and traces it; the digest and the file.
fn trace(design: &Design, catalogue: &Catalogue, name: &str, way: &Way<'_>) -> (u64, PathBuf) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("traces");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    let options = RunOptions {
        shard_count: way.shard_count,
        host: HostOptions {
            thread_count: Some(1 + way.shard_count % 2),
            no_sleep: way.shard_count == 3,
            ..HostOptions::default()
        },
        limits: Limits {
            cycles: Some(CYCLES),
            max_cycles: None,
        },
        trace: Some(TraceOrder {
            path: path.clone(),
            scopes: way
                .scopes
                .iter()
                .map(|text| Glob::new(text).unwrap())
                .collect(),
            window: way.window.clone(),
            what: way.what,
            save_file: false,
        }),
        ..RunOptions::default()
    };
    let report = execute(design, catalogue, &options, &mut ()).unwrap();
    let written = report.trace.unwrap().unwrap();
    assert_eq!(written.bytes, fs::metadata(&path).unwrap().len());
    (report.digest, path)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn readers_of_other_authors_see_what_the_modules_moved(
        sketch in sketch(),
        start in 0..CYCLES - 1,
        length in 1..CYCLES,
    ) {
        let catalogue = Catalogue::new().with::<Witness>();
        let moves = Moves::default();
        let machine = design(&sketch, &catalogue, &moves);
        let limits = Limits { cycles: Some(CYCLES), max_cycles: None };
        let untraced = execute(
            &machine,
            &catalogue,
            &RunOptions { limits, ..RunOptions::default() },
            &mut (),
        )
        .unwrap();
        let moves_once = Arc::new(Mutex::new(moves.lock().unwrap().clone()));
        for (number, window) in [0..u64::MAX, start..start + length].into_iter().enumerate() {
            let expected = expected(&sketch, &moves_once, &window);
            for ending in ["fst", "vcd"] {
                let mut first: Option<Vec<u8>> = None;
                for shard_count in 1..4 {
                    let way = Way {
                        shard_count,
                        window: window.clone(),
                        scopes: &[],
                        what: What::default(),
                    };
                    let name = format!("random_{number}_{shard_count}.{ending}");
                    let (digest, path) = trace(&machine, &catalogue, &name, &way);
                    prop_assert_eq!(digest, untraced.digest);
                    let bytes = fs::read(&path).unwrap();
                    let first = first.get_or_insert_with(|| bytes.clone());
                    prop_assert!(*first == bytes, "{ending} differs at {shard_count} shards");
                    if shard_count > 1 {
                        continue;
                    }
                    let mut read = vec![read_by_wellen(&path)];
                    if ending == "vcd" {
                        read.push(read_by_vcd(&path));
                    }
                    for read in read {
                        prop_assert!(read.keys().eq(expected.keys()), "{:?}", read.keys());
                        for (signal, changes) in &read {
                            prop_assert_eq!(changes, &expected[signal], "{}: {}", ending, signal);
                        }
                    }
                }
            }
        }
    }
}

/// A chain of three.
fn chain() -> Sketch {
    Sketch {
        fast: vec![false, false, true],
        wires: vec![(0, 1, 2, 1, 1, 1), (1, 2, 2, 1, 1, 1)],
    }
}

fn names(scopes: &[&str], what: What) -> Vec<String> {
    let catalogue = Catalogue::new().with::<Witness>();
    let machine = design(&chain(), &catalogue, &Moves::default());
    let way = Way {
        shard_count: 1,
        window: 0..u64::MAX,
        scopes,
        what,
    };
    let name = format!("scope_{}.fst", scopes.len() + scopes.concat().len());
    let (_, path) = trace(&machine, &catalogue, &name, &way);
    let names = read_by_wellen(&path).into_keys().collect();
    fs::remove_file(path).unwrap();
    names
}

#[test]
fn scopes_select_wires_by_either_end_and_modules() {
    let occupancy = What {
        transfers: false,
        occupancy: true,
        probes: true,
        clocks: false,
        stalls: false,
    };
    // The wire into w1 has its name from w0.
    let expected = [
        "w0.out[0].occupancy",
        "w1.made",
        "w1.out[0].occupancy",
        "w1.parity",
    ];
    assert_eq!(names(&["w1"], occupancy), expected);
    assert_eq!(names(&["w1.in*"], occupancy), ["w0.out[0].occupancy"]);
    let both = [
        "w0.out[0].occupancy",
        "w2.made",
        "w2.parity",
        "w1.out[0].occupancy",
    ];
    let mut both = both.map(str::to_owned);
    both.sort();
    assert_eq!(names(&["w0.out[0]", "w2"], occupancy), both);
}

#[test]
fn clocks_have_their_periods() {
    let catalogue = Catalogue::new().with::<Witness>();
    let machine = design(&chain(), &catalogue, &Moves::default());
    let way = Way {
        shard_count: 2,
        window: 10..13,
        scopes: &[],
        what: What {
            transfers: false,
            occupancy: false,
            probes: false,
            clocks: true,
            stalls: false,
        },
    };
    let (_, path) = trace(&machine, &catalogue, "clocks.vcd", &way);
    let read = read_by_vcd(&path);
    let wave = |period: u64| {
        // In halves of a tick.
        let changes = (2 * 30..2 * 39).filter(move |half| half % period == 0);
        let level = move |half: u64| (1 - half / period % 2).to_string();
        changes
            .map(move |half| (half * 2_500_000 / 6, level(half)))
            .collect::<Vec<_>>()
    };
    assert_eq!(read["clocks.slow"], wave(3));
    assert_eq!(read["clocks.fast"], wave(1));
}
