//! What a run leaves in its folder, what is made of it later, and its statistics.
#![forbid(unsafe_code)]

mod common;
mod stalls;

use common::{folder, tina};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tina_sim::run::{RunFolder, read_epochs};

/// Traffic on a small mesh, for a while.
const MESH: &str = r#"Netlist(
    name: "mesh",
    params: { "k": 3, "rate": 0.2 },
    epoch: 256,
    cycles: 4000,
    wire_defaults: (depth: 4, latency: 1),
    instances: {
        "router": (kind: "noc.router", array: ["k", "k"], params: (width: "k", height: "k")),
        "source": (
            kind: "noc.generator",
            array: ["k", "k"],
            params: (width: "k", height: "k", rate: "rate"),
        ),
        "sink": (kind: "noc.sink", array: ["k", "k"], params: (width: "k", height: "k")),
    },
    wires: [
        Mesh(of: "router", north: "north", east: "east", south: "south", west: "west"),
        Each(from: "source.out", to: "router.local_in"),
        Each(from: "router.local_out", to: "sink.in"),
    ],
    results: { "delivered": Sum("sink[*][*].delivered"), "check": Xor("sink[*][*].check") },
)
"#;

fn mesh(name: &str) -> PathBuf {
    let folder = folder(name, &[("mesh.ron", MESH)]);
    // What an earlier round of this test left.
    for old in ["out", "other"] {
        let _ = fs::remove_dir_all(folder.join(old));
    }
    folder
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_run_leaves_its_manifest_and_its_digests() {
    let folder = mesh("leaves");
    let line = "run mesh.ron --set rate=0.3 --seed 4 --out out --checkpoint-every 1000 --shards 2";
    let (out, err, code) = tina(&folder, line);
    assert_eq!(code, 0, "{err}");
    let run = RunFolder::new(&folder.join("out"));
    let manifest = run.read_manifest().unwrap();
    assert_eq!(manifest.netlist, "mesh");
    assert_eq!(manifest.command_line[1..].join(" "), line);
    assert_eq!((manifest.origin.seed, manifest.epoch_cycles), (4, 256));
    assert_eq!(manifest.origin.set["rate"], "0.3");
    let end = manifest.end.unwrap();
    assert_eq!(
        (end.outcome.as_str(), end.cycles, end.exit_code),
        ("cycles", 4000, 0)
    );
    assert!(out.contains(&end.digest), "{out}");
    assert_eq!(manifest.host["shards"], 2);
    let epochs = read_epochs(&run.epochs()).unwrap();
    assert_eq!(epochs.len(), 16);
    let (cycle, digest) = epochs[15];
    assert_eq!((cycle, format!("{digest:#018x}")), (4000, end.digest));
    let saved = fs::read_dir(run.checkpoints()).unwrap().count();
    assert_eq!(saved, 4, "cycles 1024, 2048, 3072 and the end");
    assert_eq!(json(&run.statistics())["digest"], end_digest(&out));
    // A run that was killed has no end, and its last record may be cut.
    let bytes = fs::read(run.epochs()).unwrap();
    fs::write(run.epochs(), &bytes[..bytes.len() - 3]).unwrap();
    assert_eq!(read_epochs(&run.epochs()).unwrap().len(), 15);
}

fn end_digest(out: &str) -> String {
    let line = out.lines().find(|line| line.starts_with("digest")).unwrap();
    line.split_whitespace().nth(1).unwrap().to_owned()
}

#[test]
fn what_is_measured_is_what_came_in_between() {
    let folder = mesh("measured");
    let line = "run mesh.ron --warmup 1000 --measure 1500 --stats";
    assert_eq!(tina(&folder, &format!("{line} a.json")).2, 0);
    assert_eq!(tina(&folder, &format!("{line} b.json --shards 3")).2, 0);
    let (out, err, code) = tina(&folder, &format!("{line} a.csv"));
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("measured      cycles 1,024 to 2,560\n"),
        "{out}"
    );
    let (mut a, mut b) = (json(&folder.join("a.json")), json(&folder.join("b.json")));
    for stats in [&mut a, &mut b] {
        let host = stats.as_object_mut().unwrap().remove("host").unwrap();
        assert!(host["hostSeconds"].is_number());
    }
    assert_eq!(a, b, "nothing else depends on the host");
    assert_eq!((&a["schema"], &a["simCycles"]), (&3.into(), &4000.into()));
    let count_until = |cycles: u64| {
        let line = format!("run mesh.ron --cycles {cycles} --stats c.json");
        assert_eq!(tina(&folder, &line).2, 0);
        let stats = json(&folder.join("c.json"));
        stats["results"]["delivered"].as_u64().unwrap()
    };
    let between = count_until(2560) - count_until(1024);
    let phases = &a["phases"];
    assert_eq!(phases["measure"]["results"]["delivered"], between);
    assert_eq!(phases["measure"]["cycles"], serde_json::json!([1024, 2560]));
    assert_eq!(phases["drain"]["cycles"], serde_json::json!([2560, 4000]));
    let statistics = a["statistics"].as_array().unwrap();
    let delivered = statistics.iter().filter(|it| it["name"] == "delivered");
    let sum: u64 = delivered.map(|it| it["measured"].as_u64().unwrap()).sum();
    assert_eq!(sum, between);
    assert_eq!(statistics[0]["unit"], "packets");
    let csv = fs::read_to_string(folder.join("a.csv")).unwrap();
    let mut lines = csv.lines();
    let head = lines.next().unwrap();
    assert_eq!(
        head,
        "schema,path,name,type,unit,description,value,measured"
    );
    assert!(
        csv.contains("3,sim,simCycles,number,cycles,of the base clock,4000,\n"),
        "{csv}"
    );
    let total = csv
        .lines()
        .find(|line| line.starts_with("3,results,delivered,"))
        .unwrap();
    assert!(total.ends_with(&format!(",{between}")), "{total}");
}

#[test]
fn bad_wishes_are_refused() {
    let folder = mesh("bad_wishes");
    let refusal = |arguments: &str| {
        let (_, err, code) = tina(&folder, arguments);
        assert_eq!(code, 2, "{err}");
        err
    };
    let err = refusal("run mesh.ron --stats stats.txt");
    assert!(err.contains("its name ends in .json or .csv"), "{err}");
    let err = refusal("run mesh.ron --warmup 5 --shards auto");
    assert!(
        err.starts_with("error: --warmup needs a number of shards"),
        "{err}"
    );
    let err = refusal("run mesh.ron --out mesh.ron");
    assert!(
        err.starts_with("error: cannot write to mesh.ron: "),
        "{err}"
    );
    let err = refusal("replay mesh.ron --window 1..2 --trace a.fst");
    assert!(err.starts_with("error: cannot read mesh.ron: "), "{err}");
    fs::create_dir_all(folder.join("nothing")).unwrap();
    let err = refusal("replay nothing --window 1..2 --trace a.fst");
    assert!(
        err.starts_with("error: nothing has no checkpoints"),
        "{err}"
    );
    let err = refusal("replay nothing --window 7..7 --trace a.fst");
    assert!(err.contains("it is empty"), "{err}");
    let err = refusal("diff mesh.ron");
    assert!(
        err.starts_with("error: one netlist is compared with itself"),
        "{err}"
    );
    let err = refusal("diff nothing mesh.ron");
    assert!(
        err.starts_with("error: nothing/run.json cannot be read: "),
        "{err}"
    );
}

/// The waves of a window are the same whether the run was recorded as it went or is replayed from the
/// checkpoint before, at any shard count.
#[test]
fn replayed_waves_are_those_of_the_run() {
    let folder = mesh("replayed");
    let line = "run mesh.ron --out out --checkpoint-every 700 --shards 2 --quiet";
    assert_eq!(tina(&folder, line).2, 0);
    for (window, from) in [
        ("2000..2300", "from cycle 1,536 of out/checkpoints/"),
        ("10..300", "from cycle 0"),
        ("768..900", "from cycle 768 of"),
        ("3900..4000", "from cycle 3,584 of"),
    ] {
        let straight = format!("run mesh.ron --trace a.vcd --trace-window {window} --quiet");
        let (_, err, code) = tina(&folder, &straight);
        assert_eq!(code, 0, "{err}");
        let expected = fs::read_to_string(folder.join("a.vcd")).unwrap();
        assert!(expected.lines().count() > 300, "{window}: {expected}");
        for shards in ["1", "3"] {
            let line = format!("replay out --window {window} --trace b.vcd --shards {shards}");
            let (_, err, code) = tina(&folder, &line);
            assert_eq!(code, 0, "{err}");
            assert!(err.contains(from), "{err}");
            let replayed = fs::read_to_string(folder.join("b.vcd")).unwrap();
            assert!(replayed == expected, "{window} at {shards} shards");
        }
    }
    // A netlist that is not what it was is not replayed.
    fs::write(folder.join("mesh.ron"), MESH.replace("0.2", "0.3")).unwrap();
    let (_, err, code) = tina(&folder, "replay out --window 1..9 --trace b.vcd");
    assert_eq!(code, 2);
    assert!(
        err.starts_with("error: it cannot be simulated again: "),
        "{err}"
    );
}

#[test]
fn runs_and_netlists_are_compared() {
    let folder = mesh("compared");
    for line in [
        "run mesh.ron --out out --checkpoint-every 1000 --quiet",
        "run mesh.ron --out other --shards 3 --quiet",
    ] {
        assert_eq!(tina(&folder, line).2, 0);
    }
    let (out, err, code) = tina(&folder, "diff out other");
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        out,
        "equal in every epoch until cycle 4,000, as far as both go\n"
    );
    // Two netlists that differ in a depth, which is felt when a FIFO is full for the first time.
    let deeper = MESH.replace("depth: 4", "depth: 1");
    fs::write(folder.join("deeper.ron"), deeper).unwrap();
    let (_, err, code) = tina(&folder, "diff mesh.ron deeper.ron");
    assert_eq!(code, 6, "{err}");
    assert!(
        err.starts_with("error: mesh.ron and deeper.ron differ first in cycle "),
        "{err}"
    );
    assert!(err.contains("\n  between "), "{err}");
    // Of other structure: only what both have is compared.
    let (out, err, code) = tina(&folder, "diff mesh.ron mesh.ron --seed-a 1 --seed-b 2");
    assert_eq!(code, 0, "nothing here depends on the seed: {err}");
    assert_eq!(out, "equal until cycle 4,000, or as far as they run\n");
    // Of another version, the streams alone tell.
    let run = RunFolder::new(&folder.join("other"));
    let mut manifest = run.read_manifest().unwrap();
    manifest.origin.version = "0.0.1".to_owned();
    run.write_manifest(&manifest).unwrap();
    let mut bytes = fs::read(run.epochs()).unwrap();
    bytes[16 + 5 * 16 + 9] ^= 1;
    fs::write(run.epochs(), bytes).unwrap();
    let (_, err, code) = tina(&folder, "diff out other");
    assert_eq!(code, 6);
    assert!(
        err.starts_with(
            "error: out and other differ between cycle 1,280 and cycle 1,536\n  no closer: "
        ),
        "{err}"
    );
    assert!(err.contains("made by version 0.0.1 of tina-hw"), "{err}");
}
