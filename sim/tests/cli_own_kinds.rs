//! A whole `tina-hw` with kinds of its own, each of which does something wrong, and what the
//! program says of it.
//!
//! This file is the program, too: started with `AS_PROGRAM` set, it hands its arguments to the
//! command line.
#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU64, Ordering};
use tina_engine::{
    BuildError, Catalogue, Cycle, Drill, Effect, FaultSignal, Module, Out, Random, State, Wiring,
};

const AS_PROGRAM: &str = "TINA_HW_AS_PROGRAM";

/// A kind with one output that is built from `()`.
macro_rules! culprit {
    ($name:ident, $kind:literal, |$this:ident, $now:ident| $clock:block) => {
        struct $name {
            out: Out<u64>,
        }
        impl Module for $name {
            const KIND: &'static str = $kind;
            const SUMMARY: &'static str = "does wrong: out";
            type Params = ();
            fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
                Ok(Self {
                    out: wiring.output("out")?,
                })
            }
            fn clock(&mut self, $now: Cycle) -> Effect {
                let $this = self;
                $clock
            }
        }
    };
}

culprit!(Panics, "wrong.panics", |this, now| {
    assert!(now < 1_500, "the counter is {now}");
    if this.out.has_room() {
        this.out.push(now);
    }
    Effect::Yield
});

culprit!(Overflows, "wrong.overflows", |this, now| {
    if now == 1_234 {
        Drill::StackOverflow.provoke();
    }
    if this.out.has_room() {
        this.out.push(now);
    }
    Effect::Yield
});

culprit!(GoesWild, "wrong.goes_wild", |this, now| {
    if now == 9 {
        Drill::Signal(FaultSignal::Segment).provoke();
    }
    if this.out.has_room() {
        this.out.push(now);
    }
    Effect::Yield
});

culprit!(Crashes, "wrong.crashes", |this, now| {
    if now == 7 && this.out.has_room() {
        return Effect::Crash("seven is enough");
    }
    Effect::Yield
});

culprit!(PushesTwice, "wrong.pushes_twice", |this, now| {
    if this.out.has_room() {
        this.out.push(now);
        this.out.push(now + 1);
    }
    Effect::Yield
});

culprit!(Oversleeps, "wrong.oversleeps", |this, now| {
    if now % 7 == 3 && this.out.has_room() {
        this.out.push(now);
    }
    // Nothing that this module can see changes in cycle 3.
    Effect::Receive
});

/// Gives away in one cycle how many of its kind were built before it: a state outside all modules,
/// which differs from run to run.
struct Remembers {
    out: Out<u64>,
    earlier_builds: u64,
}

impl Module for Remembers {
    const KIND: &'static str = "wrong.remembers";
    const SUMMARY: &'static str = "does wrong: out";
    type Params = ();

    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        static BUILDS: AtomicU64 = AtomicU64::new(0);
        let earlier_builds = BUILDS.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            out: wiring.output("out")?,
            earlier_builds,
        })
    }

    fn clock(&mut self, now: Cycle) -> Effect {
        if self.out.has_room() {
            self.out.push(if now == 1_300 {
                self.earlier_builds % 2
            } else {
                5
            });
        }
        Effect::Yield
    }
}

/// Shows in one cycle which seed it has.
struct Sows {
    out: Out<u64>,
    random: Random,
}

impl Module for Sows {
    const KIND: &'static str = "wrong.sows";
    const SUMMARY: &'static str = "does wrong: out";
    type Params = ();

    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            out: wiring.output("out")?,
            random: wiring.random(0),
        })
    }

    fn clock(&mut self, now: Cycle) -> Effect {
        let bits = self.random.bits();
        if self.out.has_room() {
            self.out.push(if now == 3_700 { bits >> 56 } else { 5 });
        }
        Effect::Yield
    }

    fn state(&mut self, state: &mut State<'_>) {
        state.value(&mut self.random);
    }
}

fn catalogue() -> Catalogue {
    tina_modules::catalogue()
        .with::<Panics>()
        .with::<Overflows>()
        .with::<GoesWild>()
        .with::<Crashes>()
        .with::<PushesTwice>()
        .with::<Oversleeps>()
        .with::<Remembers>()
        .with::<Sows>()
}

fn main() -> ExitCode {
    if std::env::var_os(AS_PROGRAM).is_some() {
        return tina_sim::cli::main(catalogue());
    }
    let cases: &[(&str, fn())] = &[
        ("a panic names instance, kind, cycle and message", a_panic),
        (
            "a hardware fault names instance, kind and cycle, and is recorded",
            hardware_faults,
        ),
        ("a crash names its reason", a_crash),
        ("a second push in an edge is a fault", a_second_push),
        ("a module that oversleeps is named", an_oversleeper),
        (
            "a difference is tracked down to cycle, wire and value",
            a_difference,
        ),
        ("run --verify finds a difference", a_difference_after_a_run),
        ("compare notices a difference", a_difference_in_a_comparison),
        ("swarm finds a difference", a_difference_in_a_swarm),
        ("diff finds what a seed changes", a_difference_of_seeds),
        ("what cannot be saved is named", an_undeclared_state),
        ("own kinds are listed", own_kinds_are_listed),
    ];
    for (name, case) in cases {
        case();
        println!("test {name} ... ok");
    }
    println!("\ntest result: ok. {} passed; 0 failed", cases.len());
    ExitCode::SUCCESS
}

/// What the program printed and its exit code, for a netlist with one culprit.
fn tina(kind: &str, arguments: &[&str]) -> String {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own_kinds");
    fs::create_dir_all(&directory).unwrap();
    let netlist = format!(
        "// One culprit.\n\
         Netlist(\n    name: \"culprit\",\n    instances: {{\n        \
             \"culprit\": (kind: \"wrong.{kind}\"),\n        \
             \"delay\": (kind: \"flow.delay\", params: (cycles: 2)),\n        \
             \"sink\": (kind: \"flow.sink\"),\n    }},\n    \
             wires: [\n        Wire(from: \"culprit.out\", to: \"delay.in\"),\n        \
             Wire(from: \"delay.out\", to: \"sink.in\"),\n    ],\n)\n"
    );
    let file = format!("{kind}.ron");
    fs::write(directory.join(&file), netlist).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(arguments)
        .env(AS_PROGRAM, "1")
        .current_dir(&directory)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    without_lines(&format!(
        "{}{}exit {code}",
        text(output.stdout),
        text(output.stderr)
    ))
}

fn a_panic() {
    let expected = tina("panics", &["run", "panics.ron", "--quiet", "--shards", "1"]);
    insta::assert_snapshot!(expected, @r"
    error: module `culprit` (wrong.panics) in its cycle 1,500 panicked: the counter is 1500 (sim/tests/cli_own_kinds.rs)
    exit 5
    ");
    for shards in ["2", "3"] {
        let text = tina(
            "panics",
            &["run", "panics.ron", "--quiet", "--shards", shards],
        );
        assert_eq!(text, expected, "{shards} shards");
    }
}

fn hardware_faults() {
    let recorded = |kind: &str, shards: &str| {
        let file = format!("{kind}.ron");
        let line = [
            "run",
            &file,
            "--quiet",
            "--shards",
            shards,
            "--flight",
            "20",
            "--flight-file",
        ];
        let trace = format!("{kind}_{shards}.fst");
        let text = tina(kind, &[&line[..], &[&trace]].concat());
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own_kinds");
        assert!(directory.join(&trace).is_file(), "{trace}: {text}");
        // How well it packs depends on the names in it, such as the folder's.
        let text = without_instructions(&text).replace(&trace, "FILE");
        let (before, after) = text
            .split_once("FILE, ")
            .expect("the recorder says what it wrote");
        let (_, after) = after.split_once(" bytes").expect("and how much");
        format!("{before}FILE, N bytes{after}")
    };
    let overflows = recorded("overflows", "1");
    insta::assert_snapshot!(overflows, @r"
    error: module `culprit` (wrong.overflows) in its cycle 1,234 hit a hardware fault: stack overflow (SIGSEGV in the instruction at 0x)
    flight recorder: FILE, N bytes; 3 signals of 1 wires and of modules
    exit 5
    ");
    let goes_wild = recorded("goes_wild", "1");
    insta::assert_snapshot!(goes_wild, @r"
    error: module `culprit` (wrong.goes_wild) in its cycle 9 hit a hardware fault: SIGSEGV at address 0x10, instruction 0x
    flight recorder: FILE, N bytes; 3 signals of 1 wires and of modules
    exit 5
    ");
    assert_eq!(recorded("overflows", "3"), overflows);
    assert_eq!(recorded("goes_wild", "3"), goes_wild);
    let json = tina("overflows", &["run", "overflows.ron", "--json"]);
    assert!(json.contains("\"outcome\": \"fault\""), "{json}");
}

fn a_crash() {
    insta::assert_snapshot!(tina("crashes", &["run", "crashes.ron", "--quiet"]), @r"
    error: module `culprit` (wrong.crashes) in its cycle 7 crashed: seven is enough
    exit 5
    ");
}

fn a_second_push() {
    let text = tina(
        "pushes_twice",
        &["run", "pushes_twice.ron", "--quiet", "--shards", "2"],
    );
    insta::assert_snapshot!(text, @r"
    error: module `culprit` (wrong.pushes_twice) in its cycle 0 panicked: pushed to one output more often in one edge than its wire has lanes (engine/src/port.rs)
    exit 5
    ");
}

fn an_oversleeper() {
    let text = tina(
        "oversleeps",
        &["check", "oversleeps.ron", "--sleep", "--shards", "1"],
    );
    insta::assert_snapshot!(error_of(&text), @r"
    error: module `culprit` (wrong.oversleeps) in its cycle 3 overslept: it asked to sleep, and acted when it was clocked although nothing it can see had changed
    exit 5
    ");
}

fn a_difference() {
    let arguments = [
        "verify",
        "remembers.ron",
        "--shards",
        "1,2",
        "--cycles",
        "5000",
    ];
    let text = tina("remembers", &arguments);
    insta::assert_snapshot!(error_of(&text), @r"
    error: 1 shard and 2 shards differ first in cycle 1300 on wire culprit.out -> delay.in
      1 shard: 1 pushed in cycle 1300
      2 shards: 0 pushed in cycle 1300
    exit 6
    ");
}

fn a_difference_after_a_run() {
    let arguments = [
        "run",
        "remembers.ron",
        "--quiet",
        "--shards",
        "3",
        "--cycles",
        "5000",
        "--verify",
    ];
    insta::assert_snapshot!(tina("remembers", &arguments), @r"
    error: 3 shards and 1 shard differ first in cycle 1300 on wire culprit.out -> delay.in
      3 shards: 0 pushed in cycle 1300
      1 shard: 1 pushed in cycle 1300
    exit 6
    ");
}

fn a_difference_in_a_comparison() {
    let arguments = [
        "compare",
        "remembers.ron",
        "--shards",
        "1,2",
        "--rounds",
        "1",
        "--cycles",
        "5000",
    ];
    insta::assert_snapshot!(error_of(&tina("remembers", &arguments)), @r"
    error: the digests differ; `tina-hw verify` finds out where
    exit 6
    ");
}

fn a_difference_in_a_swarm() {
    let arguments = [
        "swarm",
        "remembers.ron",
        "--seeds",
        "4..5",
        "--cycles",
        "5000",
    ];
    let text = tina("remembers", &arguments);
    assert!(
        text.contains("does not say what the state of a module is"),
        "{text}"
    );
    insta::assert_snapshot!(error_of(&text), @r"
    error: seed 4 differs from the plain run
      1 shard and 2 shards as seed 4 has it differ first in cycle 1300 on wire culprit.out -> delay.in
      1 shard: 1 pushed in cycle 1300
      2 shards as seed 4 has it: 0 pushed in cycle 1300
      this line repeats it: tina-hw swarm remembers.ron --shards 8 --seeds 4..5
    exit 6
    ");
}

fn a_difference_of_seeds() {
    let line = [
        "diff", "sows.ron", "--seed-a", "1", "--seed-b", "2", "--cycles", "9000",
    ];
    insta::assert_snapshot!(tina("sows", &line), @r"
    error: sows.ron with seed 1 and sows.ron with seed 2 differ first in cycle 3700 on wire culprit.out -> delay.in
      sows.ron with seed 1: 25 pushed in cycle 3700
      sows.ron with seed 2: 215 pushed in cycle 3700
      between culprit (wrong.sows) and delay (flow.delay)
    exit 6
    ");
    let drawn = [&line[..], &["-o", "wave.svg"]].concat();
    assert!(tina("sows", &drawn).ends_with("exit 6"));
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own_kinds");
    // One sheet: what the first does above, what the second does below.
    let text = fs::read_to_string(directory.join("wave.svg")).unwrap();
    assert!(text.starts_with("<svg"), "{text}");
    let (above, below) = text.split_once(">sows.ron with seed 2</text>").unwrap();
    for (half, title, value) in [(above, "seed 1", "19"), (below, "", "d7")] {
        for text in [title, "culprit", value] {
            assert!(half.contains(text), "{text}: {half}");
        }
    }
    for trace in ["wave-a.fst", "wave-b.fst"] {
        assert!(directory.join(trace).is_file(), "{trace}");
    }
    // The same from what two runs left, from their checkpoints on.
    for (seed, out) in [("1", "a"), ("2", "b")] {
        let line = [
            "run", "sows.ron", "--quiet", "--cycles", "9000", "--seed", seed, "--out", out,
        ];
        let saved = [&line[..], &["--checkpoint-every", "2000"]].concat();
        assert!(tina("sows", &saved).ends_with("exit 0"));
    }
    insta::assert_snapshot!(tina("sows", &["diff", "a", "b"]), @r"
    error: a and b differ first in cycle 3700 on wire culprit.out -> delay.in
      a: 25 pushed in cycle 3700
      b: 215 pushed in cycle 3700
      between culprit (wrong.sows) and delay (flow.delay)
    exit 6
    ");
}

fn an_undeclared_state() {
    let line = [
        "run",
        "panics.ron",
        "--quiet",
        "--cycles",
        "9",
        "--checkpoint-dir",
        "saved",
    ];
    insta::assert_snapshot!(tina("panics", &line), @r"
    error: kind `wrong.panics` does not say what the state of a module is (`Module::state`), so the machine cannot be saved
    exit 2
    ");
}

fn own_kinds_are_listed() {
    insta::assert_snapshot!(tina("panics", &["list", "wrong"]), @r"
    wrong.panics        does wrong: out
    wrong.overflows     does wrong: out
    wrong.goes_wild     does wrong: out
    wrong.crashes       does wrong: out
    wrong.pushes_twice  does wrong: out
    wrong.oversleeps    does wrong: out
    wrong.remembers     does wrong: out
    wrong.sows          does wrong: out
    exit 0
    ");
}

/// Places in sources without their line, which moves with every edit.
fn without_lines(text: &str) -> String {
    let mut parts = text.split(".rs:");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(".rs");
        out.push_str(part.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    }
    out
}

/// Instructions without their place, which moves with every build.
fn without_instructions(text: &str) -> String {
    let mut parts = text.split("instruction ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (at, part) = part.split_at(part.find("0x").map_or(0, |start| start + 2));
        out.push_str("instruction ");
        out.push_str(at);
        out.push_str(part.trim_start_matches(|digit: char| digit.is_ascii_hexdigit()));
    }
    out
}

/// From the first error on.
fn error_of(text: &str) -> &str {
    text.find("error:").map_or("", |start| &text[start..])
}
