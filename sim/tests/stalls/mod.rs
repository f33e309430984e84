//! Planted bottlenecks are named: the module, the port and the cause, and the way to them.

use crate::common::tina;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tina_engine::{
    BuildError, Cause, Cycle, Direction, Effect, HostOptions, In, Limits, Module, Out,
    StallOptions, State, Wiring,
};
use tina_modules::noc::Packet;
use tina_sim::design::{Design, LoadOptions, load_text};
use tina_sim::run::{Head, Phases, RunOptions, RunReport, StallReport, execute};

/// Works so many cycles on each item, passes it on, and is done after `limit` items.
struct Worker {
    params: WorkerParams,
    input: In<u64>,
    out: Out<u64>,
    /// The item at hand and the cycle at which it is finished.
    item: Option<(u64, Cycle)>,
    done: u64,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkerParams {
    cycles: u64,
    limit: Option<u64>,
}

impl Module for Worker {
    const KIND: &'static str = "test.worker";
    const SUMMARY: &'static str = "works on each item: in; out";
    type Params = WorkerParams;

    fn build(params: WorkerParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            params,
            input: wiring.input("in")?,
            out: wiring.output("out")?,
            item: None,
            done: 0,
        })
    }

    fn clock(&mut self, now: Cycle) -> Effect {
        if let Some((item, ready)) = self.item {
            if ready > now {
                return Effect::Sleep(ready - now);
            }
            if self.out.try_push(item).is_err() {
                return Effect::Receive;
            }
            self.item = None;
            self.done += 1;
            if self.params.limit == Some(self.done) {
                return Effect::Done;
            }
        }
        if let Some(item) = self.input.try_pop() {
            self.item = Some((item, now + self.params.cycles));
            return Effect::Sleep(self.params.cycles);
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        state.value(&mut self.item).value(&mut self.done);
    }
}

/// Takes a packet and works on it for so many cycles.
struct Drain {
    cycles: u64,
    input: In<Packet>,
    until: Cycle,
}

impl Module for Drain {
    const KIND: &'static str = "test.drain";
    const SUMMARY: &'static str = "takes packets now and then: in";
    type Params = WorkerParams;

    fn build(params: WorkerParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            cycles: params.cycles,
            input: wiring.input("in")?,
            until: 0,
        })
    }

    fn clock(&mut self, now: Cycle) -> Effect {
        if now < self.until {
            return Effect::Sleep(self.until - now);
        }
        if self.input.try_pop().is_some() {
            self.until = now + self.cycles;
            return Effect::Sleep(self.cycles);
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        state.value(&mut self.until);
    }
}

fn catalogue() -> tina_engine::Catalogue {
    tina_modules::catalogue().with::<Worker>().with::<Drain>()
}

fn design(instances: &str, wires: &str) -> Design {
    let text = format!(
        "Netlist(name: \"planted\", epoch: 64, clocks: {{ \"fast\": \"1 ns\", \"slow\": \"8 ns\" }},
            wire_defaults: (depth: 2, latency: 1), instances: {{ {instances} }}, wires: [ {wires} ])"
    );
    load_text("planted.ron", &text, &LoadOptions::default(), &catalogue())
        .unwrap_or_else(|found| panic!("{found}"))
}

/// Runs so many cycles, every edge counted.
fn run(design: &Design, cycles: u64, shard_count: usize, phases: Option<Phases>) -> RunReport {
    let options = RunOptions {
        shard_count,
        host: HostOptions {
            stalls: StallOptions {
                every: 1,
                recorded: false,
            },
            ..HostOptions::default()
        },
        limits: Limits {
            cycles: Some(cycles),
            max_cycles: None,
        },
        phases,
        ..RunOptions::default()
    };
    execute(design, &catalogue(), &options, &mut ()).unwrap()
}

/// The outputs on the path, its head, and what is said of it.
fn blamed(design: &Design) -> (Vec<String>, Head, String) {
    let report = run(design, 1_000, 1, None);
    let elsewhere = run(design, 1_000, 3, None);
    let (stalls, other) = (report.stalls.unwrap(), elsewhere.stalls.unwrap());
    assert_eq!(stalls.ports(), other.ports());
    assert_eq!(stalls.text(9), other.text(9));
    let path = stalls.path().unwrap();
    let output = |wire: &u32| {
        let mut ports = stalls.ports().iter().filter(|port| port.wire == *wire);
        let from = design.blueprint.wires[*wire as usize].from;
        let output = ports.find(|it| (it.instance, it.port) == (from.instance, from.port));
        stalls.name(output.unwrap())
    };
    let text = stalls.text(3);
    let head = text.lines().last().unwrap().to_owned();
    (path.wires.iter().map(output).collect(), path.head, head)
}

/// Source, three stages and whatever follows.
fn chain(unit: &str) -> Design {
    design(
        &format!(
            r#""source": (kind: "flow.source"), "sink": (kind: "flow.sink"), "unit": {unit},
            "stage": (kind: "math.multiply_add", array: [3], params: (factor: 3, addend: 1))"#
        ),
        r#"Chain(of: "stage", out: "out", in: "in", head: "source.out", tail: "unit.in"),
        Wire(from: "unit.out", to: "sink.in")"#,
    )
}

const CHAIN: [&str; 4] = ["source.out", "stage[0].out", "stage[1].out", "stage[2].out"];

#[test]
fn a_long_latency_is_named_with_the_queue_before_it() {
    let design = chain(r#"(kind: "test.worker", params: (cycles: 5))"#);
    let (path, head, text) = blamed(&design);
    assert_eq!(
        (path, head),
        (CHAIN.map(str::to_owned).to_vec(), Head::Latency)
    );
    assert_eq!(
        text,
        "head  unit is at work: its own latency keeps the item at `in` 79.6 % of cycles; it takes one in 5.0 cycles"
    );
}

#[test]
fn the_report_reads_so() {
    let design = chain(r#"(kind: "test.worker", params: (cycles: 5))"#);
    let report = run(&design, 1_000, 1, None);
    assert_eq!(report.stalls.unwrap().text(3), CHAIN_TEXT);
}

const CHAIN_TEXT: &str = "
stalls, cycles 0 to 1,000, counted at every edge
  outputs without room, in %          their consumers, in % of their cycles
  cycles  full  credit  port          moved  empty  full  credit  arbitration  latency  partner  asleep  port
     796  79.6       -  stage[2].out   20.0    0.4     -       -            -     79.6        -       -  unit.in
     795  79.5       -  stage[1].out   20.1    0.3  79.6       -            -        -        -       -  stage[2].in
     794  79.4       -  stage[0].out   20.3    0.2  79.5       -            -        -        -       -  stage[1].in
  and 1 more

  all ports of a kind, in % of their cycles
  ports  way  moved  empty  full  credit  arbitration  latency  partner  asleep  port
      3  in    20.3    0.2  79.5       -            -        -        -       -  math.multiply_add.in
      3  out   20.3    0.2  79.5       -            -        -        -       -  math.multiply_add.out
      1  in    20.0    0.4     -       -            -     79.6        -       -  test.worker.in
  and 3 more

critical path along full wires, through the output that was held up most (*)
   1  source.out full 79.3 % of cycles, because stage[0] kept the item at `in` 79.4 % of cycles for want of room at `out`
   2  stage[0].out full 79.4 % of cycles, because stage[1] kept the item at `in` 79.5 % of cycles for want of room at `out`
   3  stage[1].out full 79.5 % of cycles, because stage[2] kept the item at `in` 79.6 % of cycles for want of room at `out`
   4* stage[2].out full 79.6 % of cycles
head  unit is at work: its own latency keeps the item at `in` 79.6 % of cycles; it takes one in 5.0 cycles
";

#[test]
fn a_consumer_with_a_slow_clock_is_named() {
    let design = design(
        r#""source": (kind: "flow.source"), "sink": (kind: "flow.sink", clock: "slow"),
        "stage": (kind: "math.map", params: (operation: Xor, value: 85))"#,
        r#"Wire(from: "source.out", to: "stage.in"), Wire(from: "stage.out", to: "sink.in", depth: 32)"#,
    );
    let (path, head, text) = blamed(&design);
    assert_eq!(
        (path, head),
        (
            vec!["source.out".to_owned(), "stage.out".to_owned()],
            Head::Pace
        )
    );
    assert_eq!(
        text,
        "head  sink takes every item it sees at `in`, one in every cycle of its clock `slow`, and is no faster"
    );
}

#[test]
fn a_narrow_arbiter_is_named() {
    let design = design(
        r#""source": (kind: "flow.source", array: [3]), "sink": (kind: "flow.sink"),
        "narrow": (kind: "flow.arbiter", params: (inputs: 3))"#,
        r#"Each(from: "source.out", to: "narrow.in"), Wire(from: "narrow.out", to: "sink.in")"#,
    );
    let (path, head, text) = blamed(&design);
    assert_eq!(
        (path, head),
        (vec!["source[2].out".to_owned()], Head::Arbitration(Some(3)))
    );
    assert_eq!(
        text,
        "head  narrow serves others: `in[2]` lost its arbitration 66.6 % of cycles, mostly for \
         `out`, which moves an item 99.9 % of cycles; the busiest other input is `in[0]`, served 33.3 %"
    );
}

#[test]
fn a_wire_with_too_few_credits_is_named() {
    let design = design(
        r#""source": (kind: "flow.source"), "sink": (kind: "flow.sink"),
        "stage": (kind: "math.map", params: (operation: Xor, value: 85))"#,
        r#"Wire(from: "source.out", to: "stage.in"),
        Wire(from: "stage.out", to: "sink.in", depth: 3, latency: 7, credit: 2)"#,
    );
    let (path, head, text) = blamed(&design);
    assert_eq!(path, ["source.out", "stage.out"]);
    assert_eq!(head, Head::Slots);
    assert_eq!(
        text,
        "head  the wire from stage.out itself: 3 slots for a round trip of 9 cycles; 9 would keep it moving"
    );
}

#[test]
fn a_late_partner_is_named_with_who_makes_it_late() {
    let design = design(
        r#""fast": (kind: "flow.source"), "late": (kind: "flow.source"), "sink": (kind: "flow.sink"),
        "unit": (kind: "test.worker", params: (cycles: 9)),
        "stage": (kind: "math.map", params: (operation: Xor, value: 85)),
        "join": (kind: "flow.join", params: (inputs: 2, mode: Xor))"#,
        r#"Wire(from: "fast.out", to: "join.in[0]"), Wire(from: "late.out", to: "unit.in"),
        Wire(from: "unit.out", to: "stage.in"), Wire(from: "stage.out", to: "join.in[1]"),
        Wire(from: "join.out", to: "sink.in")"#,
    );
    let (path, head, text) = blamed(&design);
    assert_eq!(path, ["fast.out"]);
    assert_eq!(head, Head::Partner(vec![3, 2]));
    assert_eq!(
        text,
        "head  join kept the item at `in[0]` 88.9 % of cycles for want of another: its `in[1]` was \
         empty 89.0 %, which is 2 wires behind unit.out, at work 88.9 %"
    );
}

#[test]
fn a_module_that_is_done_is_named() {
    let (path, head, text) = blamed(&chain(
        r#"(kind: "test.worker", params: (cycles: 1, limit: 9))"#,
    ));
    assert_eq!(
        (path, head),
        (CHAIN.map(str::to_owned).to_vec(), Head::Asleep)
    );
    assert_eq!(
        text,
        "head  unit is done and takes nothing any more, 79.7 % of cycles"
    );
}

#[test]
fn a_ring_of_full_wires_is_named() {
    let design = design(
        r#""source": (kind: "flow.source"), "fork": (kind: "flow.fork", params: (outputs: 2)),
        "arbiter": (kind: "flow.arbiter", params: (inputs: 2)), "sink": (kind: "flow.sink")"#,
        r#"Wire(from: "source.out", to: "arbiter.in[0]"), Wire(from: "arbiter.out", to: "fork.in"),
        Wire(from: "fork.out[0]", to: "arbiter.in[1]"), Wire(from: "fork.out[1]", to: "sink.in")"#,
    );
    let (path, head, text) = blamed(&design);
    assert_eq!(path, ["source.out", "arbiter.out", "fork.out[0]"]);
    assert_eq!(head, Head::Ring(1));
    assert_eq!(
        text,
        "head  a ring of 2 full wires: arbiter waits for room at arbiter.out, which waits for it"
    );
}

/// A mesh of 4 × 4 whose sink at [1][2] takes a packet in 12 cycles.
fn hot_spot() -> Design {
    let sinks: String = (0..16)
        .map(|node| {
            if node == 6 {
                return r#""sink6": (kind: "test.drain", params: (cycles: 12)),"#.to_owned();
            }
            format!(
                r#""sink{node}": (kind: "noc.sink", params: (width: 4, height: 4, node: {node})),"#
            )
        })
        .collect();
    let wires: String = (0..16)
        .map(|node| {
            format!(
                r#"Wire(from: "router[{}][{}].local_out", to: "sink{node}.in"),"#,
                node / 4,
                node % 4
            )
        })
        .collect();
    let sides = "params: (width: 4, height: 4";
    design(
        &format!(
            r#""router": (kind: "noc.router", array: [4, 4], {sides})),
            "generator": (kind: "noc.generator", array: [4, 4], {sides}, rate: 0.2)), {sinks}"#
        ),
        &format!(
            r#"Mesh(of: "router"), Each(from: "generator.out", to: "router.local_in"), {wires}"#
        ),
    )
}

#[test]
fn the_hot_spot_of_a_mesh_is_named() {
    let (path, head, text) = blamed(&hot_spot());
    assert_eq!(path.last().unwrap(), "router[1][2].local_out");
    assert!(path.len() > 2, "{path:?}");
    assert_eq!(head, Head::Latency);
    assert_eq!(
        text,
        "head  sink6 is at work: its own latency keeps the item at `in` 90.2 % of cycles; it takes one in 12.0 cycles"
    );
}

/// Packets for a slow sink and for others stand in one queue. While the first of them waits for the sink, other
/// inputs of its router are served: only the router knows that it has not lost to them.
#[test]
fn a_router_says_where_its_packets_go() {
    let sides = "width: 3, height: 1";
    let design = design(
        &format!(
            r#""router": (kind: "noc.router", array: [1, 3], params: ({sides})),
            "generator": (kind: "noc.generator", array: [1, 3], params: ({sides}, rate: 0.9)),
            "left": (kind: "noc.sink", params: ({sides}, node: 0)),
            "slow": (kind: "test.drain", params: (cycles: 12)),
            "right": (kind: "noc.sink", params: ({sides}, node: 2))"#
        ),
        r#"Mesh(of: "router"), Each(from: "generator.out", to: "router.local_in"),
        Wire(from: "router[0][0].local_out", to: "left.in"),
        Wire(from: "router[0][1].local_out", to: "slow.in"),
        Wire(from: "router[0][2].local_out", to: "right.in")"#,
    );
    let (path, head, _) = blamed(&design);
    assert_eq!(
        path,
        [
            "generator[0][2].out",
            "router[0][2].west",
            "router[0][1].local_out"
        ]
    );
    assert_eq!(head, Head::Latency);
    let report = run(&design, 1_000, 1, None);
    let stalls = report.stalls.unwrap();
    let mut ports = stalls.ports().iter();
    // An input has the name of an output.
    let west = ports.find(|port| {
        let shape = &design.blueprint.instances[port.instance as usize].shape;
        stalls.name(port) == "router[0][1].west"
            && shape.ports[usize::from(port.port)].direction == Direction::In
    });
    let (full, lost) = west
        .map(|it| (it.count(Cause::Full), it.count(Cause::Arbitration)))
        .unwrap();
    assert!(full > 700 && lost < 100, "{full} {lost}");
}

/// Every port has one cause at every edge, whatever part of the run is counted.
#[test]
fn causes_add_up_to_the_cycles_that_were_measured() {
    let design = hot_spot();
    let whole = run(&design, 1_000, 2, None).stalls.unwrap();
    let phases = Phases {
        warmup: 256,
        measure: Some(512),
    };
    let part = run(&design, 1_000, 2, Some(phases)).stalls.unwrap();
    let edges = |stalls: &StallReport, count: u64| {
        for port in stalls.ports() {
            assert_eq!(port.edges(), count, "{}", stalls.name(port));
        }
    };
    edges(&whole, 1_000);
    edges(&part, 512);
    for (part, whole) in part.ports().iter().zip(whole.ports()) {
        assert!(part.count(Cause::Moved) <= whole.count(Cause::Moved));
    }
}

#[test]
fn files_hold_what_is_printed() {
    let mesh = crate::mesh("stalls");
    let line = "run mesh.ron --stalls=4 --stalls-every 8 --warmup 512 --measure 2048 --stats";
    let (text, _, code) = tina(&mesh, &format!("{line} all.json --out out"));
    assert_eq!(code, 0);
    assert!(
        text.contains(
            "\nstalls, cycles 512 to 2,560, counted at one edge in 8: 256 of the base clock;"
        ),
        "{text}"
    );
    let read = |name: &str| fs::read_to_string(mesh.join(name)).unwrap();
    let file: Value = serde_json::from_str(&read("all.json")).unwrap();
    assert_eq!(file["schema"], 3);
    let stalls = &file["stalls"];
    assert_eq!(stalls["every"], 8);
    assert_eq!(stalls["cycles"], serde_json::json!([512, 2560]));
    assert_eq!(stalls["ports_left_out"], 0);
    let ports = stalls["ports"].as_array().unwrap();
    // Two ends of the wires between neighbours, of those from sources, and of those to sinks.
    assert_eq!(ports.len(), 2 * (24 + 9 + 9));
    for port in ports {
        let counts = port["counts"].as_object().unwrap();
        let sum: u64 = counts.values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!((sum, port["edges"].as_u64()), (256, Some(256)), "{port}");
    }
    let kept: Value = serde_json::from_str(&read("out/stats.json")).unwrap();
    assert_eq!(&kept["stalls"], stalls);

    let (text, _, _) = tina(&mesh, &format!("{line} all.csv --json --shards 3"));
    let printed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(printed["stalls"]["critical_path"], stalls["critical_path"]);
    assert_eq!(printed["stalls"]["ranking"], stalls["ranking"]);
    let moved = &ports.iter().find(|it| it["port"] == "local_out").unwrap()["counts"]["moved"];
    let row = format!(
        "3,router[0][0],stalls::local_out::out::moved,count,edges,of those that were looked at,{moved},"
    );
    assert!(read("all.csv").lines().any(|line| line == row), "{row}");

    let (_, err, code) = tina(&mesh, "run mesh.ron --stalls-every 0 --stalls");
    assert_eq!(code, 2, "{err}");
    let (_, err, code) = tina(&mesh, "run mesh.ron --stalls-every 8");
    assert!(code == 2 && err.contains("--stalls"), "{err}");
}

/// Edges of each value of each signal that readers of other authors find in a trace of 4,000 cycles.
fn edges_of_values(path: &Path) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut wave = wellen::simple::read(path).unwrap();
    let hierarchy = wave.hierarchy();
    let name = |var: wellen::VarRef| {
        (
            hierarchy[var].full_name(hierarchy),
            hierarchy[var].signal_ref(),
        )
    };
    let vars: Vec<(String, wellen::SignalRef)> = hierarchy.all_vars().map(name).collect();
    let ids: Vec<wellen::SignalRef> = vars.iter().map(|var| var.1).collect();
    wave.load_signals(&ids);
    let times = wave.time_table();
    let mut all = BTreeMap::new();
    for (name, id) in vars {
        let changes: Vec<(u64, String)> = wave
            .get_signal(id)
            .unwrap()
            .iter_changes()
            .map(|(time, value)| (times[time as usize], value.to_string()))
            .collect();
        let mut edges = BTreeMap::new();
        for (index, (from, value)) in changes.iter().enumerate() {
            let until = changes.get(index + 1).map_or(4_000, |next| next.0);
            *edges.entry(value.clone()).or_insert(0) += until - from;
        }
        all.insert(name, edges);
    }
    all
}

#[test]
fn a_trace_shows_the_cause_at_both_ends_of_a_wire() {
    let mesh = crate::mesh("stall_traces");
    let line = "run mesh.ron --quiet --stalls --stalls-every 1 --trace-what stalls --trace";
    for (trace, more) in [
        ("a.vcd", "--stats a.json"),
        ("a.fst", "--shards 3 --threads 2"),
    ] {
        let (_, err, code) = tina(&mesh, &format!("{line} {trace} {more}"));
        assert_eq!(code, 0, "{err}");
    }
    let expected: Value =
        serde_json::from_str(&fs::read_to_string(mesh.join("a.json")).unwrap()).unwrap();
    for trace in ["a.vcd", "a.fst"] {
        let read = edges_of_values(&mesh.join(trace));
        let ports = expected["stalls"]["ports"].as_array().unwrap();
        assert_eq!(read.len(), ports.len());
        for port in ports {
            let text = |key: &str| port[key].as_str().unwrap();
            // A wire has its name from its producer.
            let signal = match text("way") {
                "out" => format!("{}.{}.stall_out", text("path"), text("port")),
                _ => format!("{}.stall_in", text("peer")),
            };
            for (number, name) in Cause::NAMES.into_iter().enumerate() {
                let counted = port["counts"][name].as_u64().unwrap();
                let shown = read[&signal].get(&format!("{number:03b}"));
                assert_eq!(
                    shown.copied().unwrap_or(0),
                    counted,
                    "{trace} {signal} {name}"
                );
            }
        }
    }
    let text = fs::read_to_string(mesh.join("a.vcd")).unwrap();
    assert!(
        text.contains("3 = credit") || text.contains("credit"),
        "{}",
        &text[..600]
    );
}

/// A module that says it is at work is not called idle for want of items.
#[test]
fn work_under_way_is_latency() {
    let design = design(
        r#""source": (kind: "flow.source", params: (limit: 1)), "sink": (kind: "flow.sink"),
        "delay": (kind: "flow.delay", params: (cycles: 30))"#,
        r#"Wire(from: "source.out", to: "delay.in"), Wire(from: "delay.out", to: "sink.in")"#,
    );
    let report = run(&design, 64, 1, None);
    let stalls = report.stalls.unwrap();
    let named = |name: &str| {
        let port = stalls.ports().iter().find(|port| stalls.name(port) == name);
        port.unwrap().counts
    };
    // Pushed at edge 0, popped at 1, pushed at 31: at work at the edges from 1 to 30.
    assert_eq!(named("delay.out"), [1, 33, 0, 0, 0, 30, 0, 0]);
    assert_eq!(named("delay.in"), [1, 63, 0, 0, 0, 0, 0, 0]);
    assert_eq!(named("source.out"), [1, 0, 0, 0, 0, 0, 0, 63]);
}

/// What was counted of a run that went on from a checkpoint is what a run without a pause counts there.
#[test]
fn a_run_that_goes_on_counts_from_where_it_stands() {
    let mesh = crate::mesh("stalls_resumed");
    let stalls = |line: &str| {
        let (_, err, code) = tina(&mesh, &format!("run mesh.ron {line} --stats stats.json"));
        assert_eq!(code, 0, "{err}");
        let text = fs::read_to_string(mesh.join("stats.json")).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["stalls"].clone()
    };
    let whole = stalls("--warmup 2048 --stalls --stalls-every 4 --out out --checkpoint-every 2048");
    let resumed = stalls("--resume out/checkpoints --cycles 4000 --stalls --stalls-every 4");
    assert_eq!(resumed["cycles"], serde_json::json!([4000, 4000]));
    fs::remove_dir_all(mesh.join("out")).unwrap();
    stalls("--cycles 2048 --checkpoint-dir out");
    let resumed = stalls("--resume out --shards 2 --cycles 4000 --stalls --stalls-every 4");
    assert_eq!(resumed, whole);
    let auto = stalls("--shards auto --stalls --stalls-every 4");
    assert_eq!(
        auto,
        stalls("--stalls --stalls-every 4 --no-sleep --threads 2 --shards 3")
    );
}
