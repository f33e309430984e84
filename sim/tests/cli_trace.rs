//! Traces as users of the program ask for them, and what they are told when they cannot be had.
#![forbid(unsafe_code)]

mod common;

use common::{folder, tina};
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

/// A row of stages that never ends by itself.
const ROW: &str = r#"// A row of stages.
Netlist(
    name: "row",
    instances: {
        "source": (kind: "flow.source"),
        "stage": (kind: "flow.delay", array: [4], params: (cycles: 1)),
        "sink": (kind: "flow.sink"),
    },
    wires: [
        Chain(of: "stage", head: "source.out", tail: "sink.in"),
    ],
)
"#;

#[test]
fn a_trace_is_written_beside_the_report() {
    let folder = folder("trace_written", &[("row.ron", ROW)]);
    let plain = tina(&folder, "run row.ron --cycles 100 --json").0;
    let digest = |text: &str| {
        text.lines()
            .find(|line| line.contains("digest"))
            .map(str::to_owned)
    };
    for arguments in [
        "--trace row.fst",
        "--trace row.vcd --trace-window 10..20",
        "--trace row.fst --trace-scope stage[*] --trace-what occupancy,clocks --shards 2",
        "--trace row.fst --shards auto",
    ] {
        let (out, wrong, code) = tina(
            &folder,
            &format!("run row.ron --cycles 100 --json {arguments}"),
        );
        assert_eq!((wrong.as_str(), code), ("", 0), "{arguments}");
        assert_eq!(digest(&out), digest(&plain), "{arguments}");
    }
    let (out, ..) = tina(
        &folder,
        "run row.ron --cycles 100 --trace row.vcd --trace-scope stage[1]",
    );
    let line = out.lines().find(|line| line.starts_with("trace")).unwrap();
    assert!(
        line.contains("row.vcd, ") && line.contains("2 wires"),
        "{line}"
    );
    let text = fs::read_to_string(folder.join("row.vcd")).unwrap();
    // Both wires have their names on the producer's side.
    for scope in ["stage[0]", "stage[1]", "out"] {
        assert!(
            text.contains(&format!("$scope module {scope} $end")),
            "{text}"
        );
    }
    assert!(
        !text.contains("stage[2]") && text.ends_with("#100\n"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_traced_is_refused_with_the_reason() {
    let folder = folder("trace_refused", &[("row.ron", ROW)]);
    for (arguments, message) in [
        (
            "--trace row.fts",
            "the name of a trace ends in `.fst` or `.vcd`",
        ),
        ("--trace row.fts", "did you mean `row.fst`?"),
        (
            "--trace row",
            "the name of a trace ends in `.fst` or `.vcd`",
        ),
        (
            "--trace no/row.fst",
            "error: cannot create no/row.fst.part: No such file",
        ),
        (
            "--trace row.fst --trace-window 7..7",
            "cycle 7 is not in it; 7..8 is that cycle alone",
        ),
        ("--trace row.fst --trace-window 7", "it is written A..B"),
        (
            "--trace row.fst --trace-scope stag[*].out",
            "did you mean `stage[*].out`?",
        ),
        (
            "--trace row.fst --trace-scope a..b",
            "none of them is empty",
        ),
        (
            "--trace row.fst --trace-what probes",
            "nothing that is selected can be recorded",
        ),
        ("--trace-window 7..8", "--trace <FILE>"),
    ] {
        let (out, wrong, code) = tina(&folder, &format!("run row.ron --cycles 10 {arguments}"));
        assert_eq!((out.as_str(), code), ("", 2), "{arguments}: {wrong}");
        assert!(wrong.contains(message), "{arguments}: {wrong}");
        assert!(!folder.join("row.fst").exists(), "{arguments}");
    }
}

#[test]
fn a_full_disk_ends_the_run() {
    let folder = folder("trace_full", &[("row.ron", ROW)]);
    for name in ["row.fst", "row.vcd"] {
        let part = folder.join(format!("{name}.part"));
        let _ = fs::remove_file(&part);
        symlink("/dev/full", &part).unwrap();
        // Without a limit: only the disk ends it.
        let (_, wrong, code) = tina(&folder, &format!("run row.ron --trace {name} --quiet"));
        assert_eq!(code, 2, "{wrong}");
        let reason = format!("cannot write {name}.part: No space left on device");
        assert!(wrong.contains(&reason), "{wrong}");
        assert!(!folder.join(name).exists());
    }
}

#[test]
fn a_limit_of_file_sizes_ends_the_run() {
    let folder = folder("trace_limit", &[("row.ron", ROW)]);
    let script = format!(
        "ulimit -f 64; exec {} run row.ron --trace row.vcd --quiet",
        env!("CARGO_BIN_EXE_tina-hw")
    );
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(&folder)
        .output()
        .unwrap();
    let wrong = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{wrong}");
    assert!(
        wrong.contains("cannot write row.vcd.part: File too large"),
        "{wrong}"
    );
}
