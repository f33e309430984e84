//! Small things first users stumbled over, one test each.
#![forbid(unsafe_code)]

mod common;

use common::tina;
use std::fs;
use std::path::{Path, PathBuf};

/// A source, a sink that ends the run, a parameter nobody uses and a wire below full rate.
const SMALL: &str = r#"// A source and a sink.
Netlist(
    name: "small",
    params: { "spare": 1 },
    cycles: 100,
    instances: {
        "source": (kind: "flow.source"),
        "sink": (kind: "flow.sink", params: (limit: 10)),
    },
    wires: [Wire(from: "source.out", to: "sink.in", depth: 1)],
    results: { "count": Sum("sink.count") },
)
"#;

fn folder(name: &str) -> PathBuf {
    common::folder(name, &[("small.ron", SMALL)])
}

#[test]
fn a_bad_program_is_one_mistake() {
    let folder = folder("bad_program");
    let cpu = Path::new(env!("CARGO_MANIFEST_DIR")).join("../netlists/cpu1.ron");
    let arguments = format!("run {} --program small.ron", cpu.display());
    let (_, err, code) = tina(&folder, &arguments);
    assert_eq!(code, 2);
    assert_eq!(err.matches("error[").count(), 1, "{err}");
    assert!(err.starts_with("error[N0080]"), "{err}");
}

#[test]
fn quiet_is_quiet_about_warnings() {
    let folder = folder("quiet");
    assert!(tina(&folder, "run small.ron").1.contains("N0090"));
    let answer = tina(&folder, "run small.ron --quiet");
    assert_eq!(answer, (String::new(), String::new(), 0));
}

#[test]
fn check_does_not_deny_the_warnings_that_follow() {
    let folder = folder("check_warnings");
    let text = SMALL.replace("params: { \"spare\": 1 },", "");
    fs::write(folder.join("capped.ron"), text).unwrap();
    let (out, ..) = tina(&folder, "check capped.ron --shards 1");
    assert!(out.contains("warning[N0091]"), "{out}");
    assert!(!out.contains("no warnings"), "{out}");
}

#[test]
fn json_has_the_cycle_of_the_end() {
    let folder = folder("end_cycle");
    let end = |arguments: &str| {
        let (out, ..) = tina(&folder, &format!("run small.ron --json {arguments}"));
        let object: serde_json::Value = serde_json::from_str(&out).unwrap();
        object["end_cycle"].clone()
    };
    // At half rate the tenth item comes in cycle 19.
    assert_eq!(end(""), 19);
    assert!(end("--cycles 5").is_null());
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let folder = folder("byte_order_mark");
    fs::write(folder.join("marked.ron"), format!("\u{feff}{SMALL}")).unwrap();
    assert_eq!(tina(&folder, "run marked.ron --quiet").2, 0);
}

#[test]
fn one_run_is_not_called_equal() {
    let folder = folder("one_run");
    let (out, _, code) = tina(&folder, "verify small.ron --shards 1");
    assert_eq!(code, 0);
    assert!(!out.contains("equal"), "{out}");
    assert!(
        out.ends_with("1 run: there is nothing to compare it with\n"),
        "{out}"
    );
}

#[test]
fn what_an_included_netlist_says_of_runs_is_not_ignored_in_silence() {
    let folder = folder("included");
    let outer = r#"// Another netlist, included.
Netlist(
    name: "outer",
    cycles: 10,
    instances: { "inner": (netlist: "small.ron") },
)
"#;
    fs::write(folder.join("outer.ron"), outer).unwrap();
    let (_, err, code) = tina(&folder, "run outer.ron");
    assert_eq!(code, 0, "{err}");
    let said = "`cycles` and `results` of netlist `small` have no meaning where it is included";
    assert!(err.contains(said), "{err}");
    let (_, err, _) = tina(&folder, "run small.ron");
    assert!(!err.contains("included"), "{err}");
}
