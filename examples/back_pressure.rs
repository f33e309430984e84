//! Back-pressure: a pipeline runs as fast as its slowest wire, and nothing is lost.
//!
//! A wire has `depth` slots. What is pushed can be popped `latency` edges later, and a slot
//! that was popped can be filled again `credit` edges later, so a wire carries at most
//! depth / (latency + credit) items per edge. A stage that finds no room keeps its item, the wire
//! before it fills up, and so the pressure travels back to the source, which waits.
#![forbid(unsafe_code)]

use tina_engine::Limits;
use tina_modules::catalogue;
use tina_sim::design::{LoadOptions, load_text};
use tina_sim::run::{RunOptions, execute};

const NETLIST: &str = r#"
Netlist(
    name: "back_pressure",
    params: { "depth": 2, "latency": 1 },
    instances: {
        "source": (kind: "flow.source"),
        "stage": (kind: "math.map", array: 8, params: (operation: Add, value: 1)),
        "sink": (kind: "flow.sink"),
    },
    wires: [
        Wire(from: "source.out", to: "stage[0].in"),
        Chain(of: "stage"),
        // The last wire is the bottleneck, if there is one.
        Wire(from: "stage[7].out", to: "sink.in", depth: "depth", latency: "latency"),
    ],
    results: { "sent": Sum("source.sent"), "taken": Sum("sink.count") },
)"#;

fn main() {
    let kinds = catalogue();
    println!("depth latency   sent  taken  of 1000 cycles");
    for (depth, latency) in [("2", "1"), ("1", "1"), ("2", "3"), ("6", "3")] {
        let set = [("depth", depth), ("latency", latency)];
        let set = set
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
        let options = LoadOptions {
            set,
            ..LoadOptions::default()
        };
        let design = load_text("back_pressure.ron", NETLIST, &options, &kinds)
            .unwrap_or_else(|wrong| panic!("{wrong}"));
        let limits = Limits {
            cycles: Some(1000),
            max_cycles: None,
        };
        let options = RunOptions {
            limits,
            ..RunOptions::default()
        };
        let report = execute(&design, &kinds, &options, &mut ()).expect("a small machine boots");
        let [sent, taken] = [0, 1].map(|total| report.totals[total].1.number());
        println!("{depth:>5} {latency:>7} {sent:>6} {taken:>6}");
    }
}
