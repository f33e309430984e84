//! Keyed randomness: dice that do not care who else throws.
//!
//! A module's random numbers depend on the seed of the run, on its own path and on the number of the
//! stream it asks for. So a module added elsewhere, another number of shards or a module
//! that draws more often changes nobody else's draws, and a seed repeats the run.
#![forbid(unsafe_code)]

use tina_engine::{BuildError, Cycle, Effect, Limits, Module, Out, Random, Wiring};
use tina_modules::catalogue;
use tina_sim::design::{LoadOptions, load_text};
use tina_sim::run::{RunOptions, execute};

/// Pushes a number from 1 to 6 in every third cycle on average.
struct Die {
    out: Out<u64>,
    pause: Random,
    face: Random,
}

impl Module for Die {
    const KIND: &'static str = "example.die";
    const SUMMARY: &'static str = "throws a die now and then: out";
    type Params = ();

    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            out: wiring.output("out")?,
            pause: wiring.random(0),
            face: wiring.random(1),
        })
    }

    fn clock(&mut self, _now: Cycle) -> Effect {
        // It draws at every edge, so it must be clocked at every edge: `Yield`, not `Receive`.
        if self.pause.chance(1, 3) && self.out.has_room() {
            self.out.push(1 + self.face.below(6));
        }
        Effect::Yield
    }
}

const NETLIST: &str = r#"
Netlist(
    name: "keyed_randomness",
    params: { "dice": 1 },
    instances: {
        "die": (kind: "example.die", array: "dice"),
        "total": (kind: "math.accumulate", array: "dice"),
        "sink": (kind: "flow.sink", array: "dice"),
    },
    wires: [
        Each(from: "die.out", to: "total.in"),
        Each(from: "total.out", to: "sink.in"),
    ],
    // Of the first die only.
    results: { "points": Sum("total[0].total"), "throws": Sum("sink[0].count") },
)"#;

fn main() {
    let kinds = catalogue().with::<Die>();
    for (what, dice, seed, shard_count) in [
        ("one die", "1", 0, 1),
        ("among eight", "8", 0, 1),
        ("on four shards", "8", 0, 4),
        ("another seed", "8", 1, 1),
    ] {
        let set = vec![("dice".to_owned(), dice.to_owned())];
        let options = LoadOptions {
            set,
            seed,
            ..LoadOptions::default()
        };
        let design = load_text("keyed_randomness.ron", NETLIST, &options, &kinds)
            .unwrap_or_else(|wrong| panic!("{wrong}"));
        let limits = Limits {
            cycles: Some(3000),
            max_cycles: None,
        };
        let options = RunOptions {
            shard_count,
            limits,
            ..RunOptions::default()
        };
        let report = execute(&design, &kinds, &options, &mut ()).expect("a small machine boots");
        let [points, throws] = [0, 1].map(|index| report.totals[index].1.number());
        println!("{what:>14}: {throws} throws, {points} points");
    }
}
