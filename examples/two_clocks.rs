//! Two clock domains: a source at 3 GHz, a sink at 1 GHz, and not a cycle of drift.
//!
//! Periods are exact fractions, so three fast edges last exactly as long as one slow edge, for ever.
//! Edges that fall on one instant see the state before it, like edges of one clock. The
//! latency of a wire counts edges of its consumer, the credit edges of its producer.
#![forbid(unsafe_code)]

use tina_engine::Limits;
use tina_modules::catalogue;
use tina_sim::design::{LoadOptions, load_text};
use tina_sim::run::{RunOptions, execute};

const NETLIST: &str = r#"
Netlist(
    name: "two_clocks",
    clocks: { "fast": "3 GHz", "slow": "1 GHz" },
    instances: {
        "slow_source": (kind: "flow.source", clock: "slow"),
        "fast_sink": (kind: "flow.sink", clock: "fast"),
        "fast_source": (kind: "flow.source", clock: "fast"),
        "slow_sink": (kind: "flow.sink", clock: "slow"),
    },
    wires: [
        Wire(from: "slow_source.out", to: "fast_sink.in"),
        Wire(from: "fast_source.out", to: "slow_sink.in"),
    ],
    results: { "slow_to_fast": Sum("fast_sink.count"), "fast_to_slow": Sum("slow_sink.count") },
)"#;

fn main() {
    let kinds = catalogue();
    let design = load_text("two_clocks.ron", NETLIST, &LoadOptions::default(), &kinds)
        .unwrap_or_else(|wrong| panic!("{wrong}"));
    // The first clock is the base clock: cycles count in it.
    for cycles in [300, 3_000, 3_000_000] {
        let limits = Limits {
            cycles: Some(cycles),
            max_cycles: None,
        };
        let options = RunOptions {
            limits,
            ..RunOptions::default()
        };
        let report = execute(&design, &kinds, &options, &mut ()).expect("a small machine boots");
        println!("{cycles} fast cycles, {} slow ones", cycles / 3);
        for (name, count) in &report.totals {
            println!("    {name}: {} items", count.number());
        }
    }
}
