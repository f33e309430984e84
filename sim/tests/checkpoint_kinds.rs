//! Every kind of the catalogue goes on from a checkpoint as if there had been none: the state that
//! its module declares is all of it.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tina_engine::{
    BuildError, Catalogue, Cycle, Effect, EpochRecord, HostOptions, In, InstanceResults, Limits,
    Machine, Module, Observer, Out, Outcome, Resources, State, Wiring, absorb,
};
use tina_modules::memory::{RamReply, RamRequest};
use tina_modules::riscv::coherence::{Answer, LINE_BYTES, Order, OrderKind, Request};
use tina_modules::riscv::image::Image;
use tina_modules::riscv::signals::{DataOperation, DataReply, DataRequest};
use tina_sim::checkpoint::Checkpoint;
use tina_sim::design::{Design, LoadOptions, load, load_text};
use tina_sim::origin::Origin;
use tina_sim::run::boot;

/// Words all over a RAM, most of them written before they are read.
struct RamDriver {
    requests: Out<RamRequest>,
    replies: In<RamReply>,
    next: u64,
    check: u64,
}

impl Module for RamDriver {
    const KIND: &'static str = "test.ram_driver";
    const SUMMARY: &'static str = "writes and reads: reply; request";
    type Params = ();

    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            requests: wiring.output("request")?,
            replies: wiring.input("reply")?,
            next: 1,
            check: 0,
        })
    }

    fn clock(&mut self, now: Cycle) -> Effect {
        if let Some(reply) = self.replies.try_pop() {
            self.check = absorb(self.check, reply.data ^ u64::from(reply.tag) ^ now);
        }
        if self.requests.has_room() {
            self.next = self.next.wrapping_mul(6_364_136_223_846_793_005) + 1;
            self.requests.push(RamRequest {
                write: self.next >> 40 & 3 != 0,
                address: (self.next >> 33) as u32 % 64,
                data: self.next,
                tag: self.next as u32,
            });
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        state.value(&mut self.next).value(&mut self.check);
    }

    fn report(&self, results: &mut tina_engine::Results) {
        results.check("check", self.check);
    }
}

/// Streams that meet, part, wait and end.
const STREAMS: &str = r#"Netlist(
    name: "streams",
    epoch: 64,
    clocks: { "fast": "2 ns", "slow": "3 ns" },
    instances: {
        "count": (kind: "flow.source", params: (start: 3, step: 7)),
        "few": (kind: "flow.source", params: (limit: 300)),
        "fork": (kind: "flow.fork", params: (outputs: 4)),
        "delay": (kind: "flow.delay", clock: "slow", params: (cycles: 37)),
        "join": (kind: "flow.join", params: (inputs: 2, mode: InTurn)),
        "arbiter": (kind: "flow.arbiter", clock: "slow", params: (inputs: 2)),
        "map": (kind: "math.map", params: (operation: Xor, value: 85)),
        "sums": (kind: "math.accumulate", params: (every: 5, restart: true)),
        "adder": (kind: "math.adder"),
        "scale": (kind: "math.multiply_add", params: (factor: 5, addend: 1)),
        "feed": (kind: "flow.source", params: (limit: 77)),
        "sink": (kind: "flow.sink"),
        "other": (kind: "flow.sink", clock: "slow"),
        "sum": (kind: "flow.checksum", params: (limit: 1200)),
        "driver": (kind: "test.ram_driver"),
        "ram": (kind: "memory.ram", params: (words: 64, latency: 9, banks: 4, bank_busy: 3)),
    },
    wires: [
        Wire(from: "count.out", to: "fork.in"),
        Wire(from: "fork.out[0]", to: "delay.in", depth: 5, latency: 3),
        Wire(from: "fork.out[1]", to: "map.in"),
        Wire(from: "fork.out[2]", to: "sums.in"),
        Wire(from: "fork.out[3]", to: "scale.in"),
        Wire(from: "delay.out", to: "join.in[0]", depth: 40, latency: 2),
        Wire(from: "map.out", to: "join.in[1]", depth: 64),
        Wire(from: "scale.out", to: "adder.a"),
        Wire(from: "join.out", to: "adder.b"),
        Wire(from: "sums.out", to: "arbiter.in[0]"),
        Wire(from: "few.out", to: "arbiter.in[1]"),
        Wire(from: "arbiter.out", to: "other.in"),
        Wire(from: "driver.request", to: "ram.request"),
        Wire(from: "ram.reply", to: "driver.reply"),
        Wire(from: "adder.sum", to: "sum.in", depth: 9),
        Wire(from: "feed.out", to: "sink.in"),
    ],
)
"#;

fn catalogue() -> Catalogue {
    tina_modules::catalogue().with::<RamDriver>()
}

fn load_program(path: &Path, resources: &mut Resources) -> Result<(), String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    resources.insert(Image::from_elf(&bytes).map_err(|error| error.to_string())?);
    Ok(())
}

fn netlists() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../netlists")
}

fn shipped(name: &str, set: &[(&str, &str)], program: Option<&str>) -> Design {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let options = LoadOptions {
        set: set.iter().map(owned).collect(),
        program: program.map(|program| netlists().join("programs").join(program)),
        load_program: Some(&load_program),
        ..LoadOptions::default()
    };
    load(&netlists().join(name), &options, &catalogue()).unwrap_or_else(|found| panic!("{found}"))
}

#[derive(Default, Debug, PartialEq, Eq)]
struct Seen {
    epochs: Vec<EpochRecord>,
    printed: String,
}

impl Observer for Seen {
    fn console(&mut self, bytes: &[u8]) {
        self.printed.push_str(&String::from_utf8_lossy(bytes));
    }

    fn epoch(&mut self, record: EpochRecord) {
        self.epochs.push(record);
    }
}

type End = (Outcome, u64, Seen, Vec<InstanceResults>);

fn finish(mut machine: Machine, limits: &Limits, mut seen: Seen) -> End {
    let report = machine.run(limits, &mut seen);
    (report.outcome, report.digest, seen, machine.results())
}

fn booted(design: &Design, shard_count: usize, host: &HostOptions) -> Machine {
    let booted = boot(design, &catalogue(), shard_count, host).unwrap();
    let mut machine = booted.machine;
    machine.set_epoch_cycles(64);
    machine
}

/// Bytes come into every port of the host, faster than they leave it at first.
fn joined(machine: &mut Machine, design: &Design) {
    let hosts = (0..).zip(&design.blueprint.instances);
    let hosts = hosts.filter(|(_, it)| catalogue().kind(it.kind).name() == "io.host");
    let hosts: Vec<u32> = hosts.map(|(number, _)| number).collect();
    if hosts.is_empty() {
        return;
    }
    let inputs = [(0, 60), (64, 4), (640, 30), (1_280, 9)];
    let inputs = inputs.into_iter().flat_map(|(cycle, count)| {
        let bytes: Box<[u8]> = (0..count).map(|n| b'a' + (cycle as u8 + n) % 26).collect();
        hosts.iter().map(move |&host| (cycle, host, bytes.clone()))
    });
    machine.follow(inputs.collect::<Vec<_>>(), None);
}

/// Goes on from checkpoints of several cycles, each time in another form; the kinds that did.
fn goes_on(design: &Design, cycles: u64, pauses: &[u64]) -> BTreeSet<String> {
    let limits = Limits {
        cycles: Some(cycles),
        ..Limits::default()
    };
    let straight = HostOptions::default();
    let mut machine = booted(design, 1, &straight);
    joined(&mut machine, design);
    let expected = finish(machine, &limits, Seen::default());
    for (number, &pause) in pauses.iter().enumerate() {
        let one_by_one = HostOptions {
            no_vectors: true,
            ..HostOptions::default()
        };
        let (first, second) = match number % 3 {
            0 => ((1, &straight), (3, &straight)),
            1 => ((2, &one_by_one), (1, &straight)),
            _ => ((3, &straight), (2, &one_by_one)),
        };
        let mut seen = Seen::default();
        let mut machine = booted(design, first.0, first.1);
        joined(&mut machine, design);
        assert_eq!(machine.run_part(&limits, pause, &mut seen), None);
        let written = Checkpoint {
            origin: Origin::of(design, &[]),
            build: String::new(),
            cycle: machine.cycle(),
            snapshot: Arc::new(machine.snapshot().unwrap()),
        };
        let read = Checkpoint::decode(&written.encode()).unwrap();
        assert_eq!(read, written);
        let mut machine = booted(design, second.0, second.1);
        machine.restore(read.snapshot).unwrap();
        joined(&mut machine, design);
        let resumed = finish(machine, &limits, seen);
        assert!(resumed == expected, "{}: from cycle {pause}", design.name);
    }
    let instances = &design.blueprint.instances;
    let catalogue = catalogue();
    let kinds = instances
        .iter()
        .map(|instance| catalogue.kind(instance.kind).name());
    kinds.map(str::to_owned).collect()
}

/// Cycles in which caches are in any of their stages.
const SOON: [u64; 12] = [
    3_000, 3_500, 4_100, 4_800, 5_600, 6_500, 7_500, 8_600, 9_800, 11_100, 12_500, 14_000,
];

/// What comes in at one leaves at the other, slowly.
const HOSTS: &str = r#"Netlist(
    name: "hosts",
    instances: { "left": (kind: "io.host"), "right": (kind: "io.host") },
    wires: [
        Wire(from: "left.out", to: "right.in", depth: 1, latency: 8),
        Wire(from: "right.out", to: "left.in", depth: 2, latency: 5),
    ],
    results: { "check": Xor("*.check") },
)"#;

fn small_caches() -> Design {
    let text = fs::read_to_string(netlists().join("cpu.ron")).unwrap();
    let small = r#"ram_latency: "ram_latency", instruction_bytes: 512, data_bytes: 256, ways: 4)"#;
    let text = text.replace(r#"ram_latency: "ram_latency")"#, small);
    let name = netlists().join("small_caches.ron");
    let options = LoadOptions {
        set: vec![("ram_bytes".to_owned(), "1 << 20".to_owned())],
        load_program: Some(&load_program),
        ..LoadOptions::default()
    };
    load_text(name.to_str().unwrap(), &text, &options, &catalogue())
        .unwrap_or_else(|found| panic!("{found}"))
}

#[test]
fn every_kind_goes_on() {
    let options = LoadOptions::default();
    let streams = load_text("streams.ron", STREAMS, &options, &catalogue())
        .unwrap_or_else(|found| panic!("{found}"));
    let ram = ("ram_bytes", "1 << 20");
    let mut kinds = goes_on(&streams, 3_000, &[1, 60, 500, 1_111, 2_000, 2_500]);
    let hosts = load_text("hosts.ron", HOSTS, &options, &catalogue())
        .unwrap_or_else(|found| panic!("{found}"));
    kinds.extend(goes_on(&hosts, 2_000, &[1, 64, 200, 700, 1_290]));
    kinds.extend(goes_on(
        &shipped("w2_mesh.ron", &[("k", "5")], None),
        1_500,
        &[64, 800, 1_100],
    ));
    kinds.extend(goes_on(
        &shipped("w3_systolic.ron", &[("n", "9")], None),
        600,
        &[1, 90, 300],
    ));
    kinds.extend(goes_on(
        &shipped("w7_ntt.ron", &[("stages", "5")], None),
        400,
        &[1, 90, 300],
    ));
    kinds.extend(goes_on(
        &shipped(
            "w5_quicksort.ron",
            &[("rows", "1"), ("columns", "2"), ("numbers", "64")],
            None,
        ),
        12_000,
        &[1_000, 3_000, 7_000],
    ));
    let cpu = |program: &str| shipped("cpu.ron", &[ram], Some(program));
    kinds.extend(goes_on(
        &cpu("parallel.elf"),
        30_000,
        &[1_000, 12_000, 20_000],
    ));
    kinds.extend(goes_on(
        &cpu("atomics.elf"),
        30_000,
        &[2_000, 7_000, 15_000],
    ));
    // Caches so small that they evict all the time, saved often.
    kinds.extend(goes_on(&small_caches(), 20_000, &SOON));
    let catalogue = tina_modules::catalogue();
    let missing: Vec<&str> = catalogue
        .kinds()
        .iter()
        .map(|kind| kind.name())
        .filter(|name| !kinds.contains(*name))
        .collect();
    assert!(missing.is_empty(), "not tried: {missing:?}");
}

#[test]
fn a_program_that_ends_ends_at_the_same_cycle() {
    let design = shipped("cpu1.ron", &[], Some("hello.elf"));
    let expected = finish(
        booted(&design, 1, &HostOptions::default()),
        &Limits::default(),
        Seen::default(),
    );
    assert!(matches!(expected.0, Outcome::Finished { code: 0, .. }));
    let last = expected.2.epochs.last().unwrap().cycle;
    assert!(!expected.2.printed.is_empty());
    goes_on(&design, last + 5_000, &[last / 4, last / 2, last * 3 / 4]);
}

/// A core that asks for the same word at every edge.
struct Asking {
    requests: Out<DataRequest>,
    replies: In<DataReply>,
    check: u64,
}

impl Module for Asking {
    const KIND: &'static str = "test.asking";
    const SUMMARY: &'static str = "asks for a word: reply; request";
    type Params = ();

    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            requests: wiring.output("request")?,
            replies: wiring.input("reply")?,
            check: 0,
        })
    }

    fn clock(&mut self, now: Cycle) -> Effect {
        if let Some(reply) = self.replies.try_pop() {
            self.check = absorb(self.check, u64::from(reply.data) ^ now);
        }
        if self.requests.has_room() {
            self.requests.push(DataRequest {
                address: 0x8000_0040,
                data: 0,
                tag: 0,
                mask: 15,
                operation: DataOperation::Load,
                uncached: false,
            });
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        state.value(&mut self.check);
    }

    fn report(&self, results: &mut tina_engine::Results) {
        results.check("check", self.check);
    }
}

/// A home that grants what it is asked for, and then has another line given up at every edge.
struct Ordering {
    misses: In<Request>,
    answers: In<Answer>,
    orders: Out<Order>,
    granted: bool,
}

impl Module for Ordering {
    const KIND: &'static str = "test.ordering";
    const SUMMARY: &'static str = "grants a line, orders others back: miss, answer; order";
    type Params = ();

    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            misses: wiring.input("miss")?,
            answers: wiring.input("answer")?,
            orders: wiring.output("order")?,
            granted: false,
        })
    }

    fn clock(&mut self, _now: Cycle) -> Effect {
        self.answers.try_pop();
        if !self.orders.has_room() {
            return Effect::Receive;
        }
        let order = |kind, address| Order {
            destination: 0,
            source: 0,
            kind,
            address,
            line: Default::default(),
        };
        if let Some(request) = self.misses.try_pop() {
            self.granted = true;
            let address = request.address & !(LINE_BYTES - 1);
            self.orders.push(order(OrderKind::GrantShared, address));
        } else if self.granted {
            self.orders.push(order(OrderKind::Invalidate, 0x8000_1000));
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        state.value(&mut self.granted);
    }
}

/// With a core and a home that both want something of it at every edge, a data cache serves them in turn: whose
/// turn it is, is part of its state.
#[test]
fn a_data_cache_remembers_whose_turn_it_is() {
    let text = r#"Netlist(
    name: "turns",
    instances: {
        "core": (kind: "test.asking"),
        "cache": (
            kind: "riscv.data_cache",
            params: (node: 0, bytes: 512, ways: 2, ram_bytes: 65536, banks: 1, device_node: 1),
        ),
        "home": (kind: "test.ordering"),
    },
    wires: [
        Wire(from: "core.request", to: "cache.request", depth: 4),
        Wire(from: "cache.reply", to: "core.reply", depth: 4),
        Wire(from: "cache.miss", to: "home.miss"),
        Wire(from: "cache.answer", to: "home.answer", depth: 4),
        Wire(from: "home.order", to: "cache.order", depth: 4),
    ],
)"#;
    let catalogue = tina_modules::catalogue()
        .with::<Asking>()
        .with::<Ordering>();
    let design = load_text("turns.ron", text, &LoadOptions::default(), &catalogue)
        .unwrap_or_else(|found| panic!("{found}"));
    let limits = Limits {
        cycles: Some(200),
        ..Limits::default()
    };
    let machine = || {
        let host = HostOptions::default();
        let mut machine = boot(&design, &catalogue, 1, &host).unwrap().machine;
        machine.set_epoch_cycles(1);
        machine
    };
    let end = |mut machine: Machine| {
        let report = machine.run(&limits, &mut ());
        (report.outcome, report.digest, machine.results())
    };
    let expected = end(machine());
    let count = |name: &str| {
        let mut entries = expected.2.iter().flat_map(|it| &it.entries);
        entries.find(|it| it.0 == name).unwrap().1.number()
    };
    assert!(
        count("hits") > 80 && count("invalidations") > 80,
        "{expected:?}"
    );
    for pause in 60..66 {
        let mut first = machine();
        assert_eq!(first.run_part(&limits, pause, &mut ()), None);
        let mut second = machine();
        second.restore(Arc::new(first.snapshot().unwrap())).unwrap();
        assert_eq!(end(second), expected, "from cycle {pause}");
    }
}
