//! A module of one's own, wired into a netlist of ten lines.
//!
//! A module is a struct that holds its ports and its state; `clock` is one rising edge. It moves
//! items only when there is something to take and room to give, and then says when it wants to be
//! clocked again. `Receive` means: when something at one of my ports changes.
#![forbid(unsafe_code)]

use tina_engine::{BuildError, Cycle, Effect, In, Limits, Module, Out, Wiring};
use tina_modules::catalogue;
use tina_sim::design::{LoadOptions, load_text};
use tina_sim::run::{RunOptions, execute};

/// Doubles what it takes.
struct Doubler {
    input: In<u64>,
    out: Out<u64>,
}

impl Module for Doubler {
    const KIND: &'static str = "example.doubler";
    const SUMMARY: &'static str = "doubles each item: in; out";
    type Params = ();

    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            input: wiring.input("in")?,
            out: wiring.output("out")?,
        })
    }

    fn clock(&mut self, _now: Cycle) -> Effect {
        if self.input.ready() && self.out.has_room() {
            self.out.push(self.input.pop() * 2);
        }
        Effect::Receive
    }
}

const NETLIST: &str = r#"
Netlist(
    name: "first",
    instances: {
        "source": (kind: "flow.source", params: (start: 1, limit: 10)),
        "doubler": (kind: "example.doubler", array: 3),
        "sink": (kind: "flow.sink", params: (limit: 10)),
    },
    wires: [Chain(of: "doubler", head: "source.out", tail: "sink.in")],
    results: { "count": Sum("sink.count"), "check": Xor("sink.check") },
)"#;

fn main() {
    let kinds = catalogue().with::<Doubler>();
    let design = load_text("first.ron", NETLIST, &LoadOptions::default(), &kinds)
        .unwrap_or_else(|wrong| panic!("{wrong}"));
    let limits = Limits {
        cycles: None,
        max_cycles: Some(1000),
    };
    let options = RunOptions {
        limits,
        ..RunOptions::default()
    };
    let report = execute(&design, &kinds, &options, &mut ()).expect("a small machine boots");
    println!("exit code {}", report.exit_code());
    // The check is the xor of 1, 2, … 10, doubled three times: 11 · 8.
    for (name, value) in &report.totals {
        println!("{name} {}", value.number());
    }
}
