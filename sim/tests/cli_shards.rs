//! Shards by measurement: `--shards auto`, profiles and predictions, as users meet them. No test
//! depends on how fast the host is.
#![forbid(unsafe_code)]

mod common;

use common::tina;
use std::fs;
use std::path::{Path, PathBuf};

/// A chain.
const CHAIN: &str = r#"// A chain of stages.
Netlist(
    name: "chain",
    params: { "stages": 12 },
    wire_defaults: (depth: 2),
    cycles: 3000,
    instances: {
        "source": (kind: "flow.source"),
        "stage": (kind: "math.multiply_add", array: ["stages"], params: (factor: 3, addend: 1)),
        "sink": (kind: "flow.sink"),
    },
    wires: [Chain(of: "stage", head: "source.out", tail: "sink.in")],
    results: { "count": Sum("sink.count"), "check": Xor("sink.check") },
)
"#;

/// Something else.
const OTHER: &str = r#"// A source and a sink.
Netlist(
    name: "other",
    instances: { "a": (kind: "flow.source"), "b": (kind: "flow.sink") },
    wires: [Wire(from: "a.out", to: "b.in")],
    cycles: 2000,
)
"#;

fn folder(name: &str) -> PathBuf {
    common::folder(name, &[("chain.ron", CHAIN), ("other.ron", OTHER)])
}

/// The object `--json` prints, and it must be there.
fn json(folder: &Path, arguments: &str) -> serde_json::Value {
    let (out, err, code) = tina(folder, &format!("run {arguments} --json"));
    assert_eq!((err.as_str(), code), ("", 0));
    serde_json::from_str(&out).unwrap()
}

/// What a wrong profile is answered.
fn refusal(folder: &Path, profile: &str) -> String {
    fs::write(folder.join("profile.json"), profile).unwrap();
    let (out, err, code) = tina(folder, "run chain.ron --profile-in profile.json");
    assert_eq!((out.as_str(), code), ("", 2));
    err
}

#[test]
fn auto_changes_nothing_but_the_host() {
    let folder = folder("auto");
    let mut plain = json(&folder, "chain.ron");
    for variation in ["", "--threads 1", "--cycles 3000", "--no-sleep"] {
        let mut auto = json(&folder, &format!("chain.ron --shards auto {variation}"));
        let host = auto["host"].take();
        assert!(host["auto"]["reason"].is_string(), "{host}");
        assert!(
            host["threads_spent"][0]["busy_seconds"].is_number(),
            "{host}"
        );
        plain["host"].take();
        assert_eq!(auto, plain, "{variation}");
    }
    let (out, ..) = tina(&folder, "run chain.ron --shards auto");
    assert!(out.contains("\nshards        "), "{out}");
}

#[test]
fn a_run_that_drains_ends_at_the_same_cycle_with_auto() {
    let folder = folder("auto_drains");
    let text = CHAIN
        .replace("cycles: 3000,", "")
        .replace("\"flow.source\")", "\"flow.source\", params: (limit: 5))");
    fs::write(folder.join("drains.ron"), text).unwrap();
    let (plain, auto) = (
        json(&folder, "drains.ron"),
        json(&folder, "drains.ron --shards auto"),
    );
    assert_eq!(plain["outcome"], "drained");
    for key in ["outcome", "cycles", "digest", "results"] {
        assert_eq!(plain[key], auto[key], "{key}");
    }
}

#[test]
fn a_profile_is_written_read_and_changes_nothing() {
    let folder = folder("profile");
    let measured = json(&folder, "chain.ron --profile-out profile.json");
    let placed = json(&folder, "chain.ron --profile-in profile.json --shards 3");
    assert_eq!(measured["digest"], placed["digest"]);
    let text = fs::read_to_string(folder.join("profile.json")).unwrap();
    let profile: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(profile["tina_hw_profile"], 1);
    assert_eq!(profile["netlist"], "chain");
    let busy = profile["instances"]["stage[3]"].as_f64().unwrap();
    assert!((0.9..=1.1).contains(&busy), "{busy}");
    let carried = profile["wires"]["stage[3].out"].as_f64().unwrap();
    assert!((0.9..=1.1).contains(&carried), "{carried}");
    let (out, err, code) = tina(
        &folder,
        "check chain.ron --shards 2 --profile-in profile.json",
    );
    assert_eq!((err.as_str(), code), ("", 0));
    assert!(out.contains("\npredicted, on 2 cores: "), "{out}");
}

#[test]
fn a_profile_of_another_form_is_used_by_path_with_a_warning() {
    let folder = folder("profile_by_path");
    json(&folder, "chain.ron --profile-out profile.json");
    let arguments = "run chain.ron --set stages=20 --shards 2 --profile-in profile.json";
    let (_, err, code) = tina(&folder, arguments);
    assert_eq!(code, 0);
    assert_eq!(
        err.trim_end(),
        "warning: profile.json: the profile is of another form of the netlist: 14 of 22 \
         instances are in it, the others count as its average"
    );
}

#[test]
fn a_profile_that_does_not_fit_is_refused() {
    let folder = folder("profile_refused");
    json(&folder, "other.ron --profile-out other.json");
    let other = fs::read_to_string(folder.join("other.json")).unwrap();
    assert_eq!(
        refusal(&folder, &other).trim_end(),
        "error: profile.json: this is a profile of the netlist `other`: measure `chain` \
         with --profile-out"
    );
    let late = other.replace("\"tina_hw_profile\": 1", "\"tina_hw_profile\": 7");
    assert_eq!(
        refusal(&folder, &late).trim_end(),
        "error: profile.json: this profile has version 7; this program reads version 1: \
         measure again with --profile-out"
    );
    assert_eq!(
        refusal(&folder, "Netlist()").trim_end(),
        "error: profile.json: this is not a profile: expected value at line 1 column 1"
    );
    let odd = other.replace("\"flow.sink\":", "\"flow.sink\": -1, \"x\":");
    assert_eq!(
        refusal(&folder, &odd).trim_end(),
        "error: profile.json: this profile cannot have been measured: `flow.sink` is not \
         a number from 0 to 1e12"
    );
    let (out, err, code) = tina(&folder, "run chain.ron --profile-in nothing.json");
    insta::assert_snapshot!(format!("{out}{err}exit {code}"), @r"
    error: cannot read nothing.json: No such file or directory (os error 2)
    exit 2
    ");
    insta::assert_snapshot!(
        tina(&folder, "run chain.ron --shards many").1,
        @r"
    error: invalid value 'many' for '--shards <N|auto>': it is a number or `auto`

    For more information, try '--help'.
    "
    );
}

#[test]
fn compare_predicts_and_knows_auto() {
    let folder = folder("predict");
    let (out, err, code) = tina(
        &folder,
        "compare chain.ron --shards 1,auto --rounds 1 --predict",
    );
    assert_eq!((err.as_str(), code), ("", 0));
    let rows: Vec<&str> = out.lines().collect();
    assert!(rows[2].starts_with("auto ("), "{out}");
    let start = rows
        .iter()
        .position(|row| row.starts_with("cores"))
        .unwrap();
    assert!(
        rows[start - 1].starts_with("predictions, not measurements"),
        "{out}"
    );
    let cores = rows[start + 1..].iter();
    let cores: Vec<&str> = cores
        .map(|row| row.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(cores, ["2", "4", "8", "16", "32", "64"]);
}

#[test]
fn a_seed_changes_turns_and_places_and_no_result() {
    let folder = folder("seeded");
    let plain = json(&folder, "chain.ron");
    for seed in 0..6 {
        let seeded = json(&folder, &format!("chain.ron --shards 4 --seeded {seed}"));
        assert_eq!(plain["digest"], seeded["digest"], "seed {seed}");
        assert_eq!(plain["results"], seeded["results"], "seed {seed}");
        assert_eq!(seeded["host"]["threads"], 1);
    }
    let (out, err, code) = tina(&folder, "run chain.ron --seeded 1 --threads 2");
    assert_eq!((out.as_str(), code), ("", 2));
    assert!(err.contains("cannot be used with"), "{err}");
}

#[test]
fn a_swarm_tells_what_it_exercised() {
    let folder = folder("swarm");
    let (out, err, code) = tina(
        &folder,
        "swarm chain.ron --cycles 5000 --seeds 10..30 --shards 3",
    );
    assert_eq!((err.as_str(), code), ("", 0));
    insta::assert_snapshot!(out, @r"
    exercised                     runs
    1 shard                          8
    2 shards                         6
    3 shards                         6
    every module at every edge      10
    elements one by one              7
    saved, and gone on elsewhere     3
    all                             20
    equal: 20 runs, 100 digests compared
    ");
    let (out, err, code) = tina(&folder, "swarm chain.ron --seeds 5..5");
    assert_eq!((out.as_str(), code), ("", 2));
    assert!(err.contains("--seeds"), "{err}");
}
