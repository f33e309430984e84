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

/// The straight way to the join holds two items; the other gives its first after three.
const FORK: &str = r#"// A fork whose ways meet again, one of them too short.
Netlist(
    name: "fork",
    instances: {
        "source": (kind: "flow.source"),
        "fork": (kind: "flow.fork", params: (outputs: 2)),
        "blocks": (kind: "math.accumulate", params: (every: 3, restart: true)),
        "join": (kind: "flow.join", params: (inputs: 2, mode: Sum)),
        "sink": (kind: "flow.sink"),
        "elsewhere": (kind: "flow.source", params: (limit: 5)),
        "bin": (kind: "flow.sink"),
    },
    wires: [
        Wire(from: "source.out", to: "fork.in"),
        Wire(from: "fork.out[0]", to: "join.in[0]"),
        Wire(from: "fork.out[1]", to: "blocks.in", depth: 4),
        Wire(from: "blocks.out", to: "join.in[1]"),
        Wire(from: "join.out", to: "sink.in"),
        Wire(from: "elsewhere.out", to: "bin.in"),
    ],
)
"#;

#[test]
fn a_planted_deadlock_is_named_and_its_last_cycles_are_kept() {
    let folder = folder("trace_flight", &[("fork.ron", FORK)]);
    let mut first: Option<(String, Vec<u8>)> = None;
    for shards in 1..4 {
        let arguments = format!(
            "run fork.ron --quiet --shards {shards} --what-if-depth --flight 3 --flight-file end.vcd"
        );
        let (_, wrong, code) = tina(&folder, &arguments);
        assert_eq!(code, 3, "{wrong}");
        let kept = fs::read(folder.join("end.vcd")).unwrap();
        let first = first.get_or_insert((wrong.clone(), kept.clone()));
        assert_eq!(*first, (wrong, kept));
    }
    let (told, kept) = first.unwrap();
    // The text up to what the flight recorder says of the size of its file.
    let told = told.split("flight recorder").next().unwrap();
    insta::assert_snapshot!(told, @r"
    error: deadlock: nothing can change after cycle 5
      wires that hold items: 2
      wait-for cycle of 3:
        fork.out[0] waits for room at join.in[0] (full, 2 of 2, 0 credits, last transfer in cycle 2)
        join.in[1] waits for an item from blocks.out (empty, 0 of 2, 2 credits, never used)
        blocks.in waits for an item from fork.out[1] (empty, 0 of 4, 4 credits, last transfer in cycle 3)
      component of 3 modules, fixed since cycle 3: fork, blocks, join
      2 modules outside wait for it
    one slot more only delays it: with fork.out[0] -> join.in[0] 3 slots deep instead of 2 it stands still after cycle 7 instead of 5
    ");
    let kept = String::from_utf8(kept).unwrap();
    // Wires of the component and those that lead to it and from it, and nothing else.
    for (scope, there) in [
        ("fork", true),
        ("blocks", true),
        ("source", true),
        ("elsewhere", false),
    ] {
        let scope = format!("$scope module {scope} $end");
        assert_eq!(kept.contains(&scope), there, "{scope}\n{kept}");
    }
}

#[test]
fn the_end_of_a_run_that_was_given_up_is_kept() {
    let folder = folder("trace_limit_flight", &[("row.ron", ROW)]);
    let (_, wrong, code) = tina(&folder, "run row.ron --quiet --max-cycles 50 --flight 5");
    assert_eq!(code, 4, "{wrong}");
    assert!(wrong.contains("flight recorder: flight.fst, "), "{wrong}");
    assert!(folder.join("flight.fst").exists());
    fs::remove_file(folder.join("flight.fst")).unwrap();
    // One that ended well leaves nothing behind.
    let (_, wrong, code) = tina(&folder, "run row.ron --quiet --cycles 50 --flight 5");
    assert_eq!((wrong.as_str(), code), ("", 0));
    assert!(!folder.join("flight.fst").exists());
}

/// What one slot more does is said, whatever it is.
#[test]
fn one_slot_more_helps_or_does_not() {
    // The run is over with the first item that comes through: for that the straight way must hold three.
    let helps = FORK.replace(
        r#""sink": (kind: "flow.sink")"#,
        r#""sink": (kind: "flow.sink", params: (limit: 1))"#,
    );
    // Two ways are too short: one of them deeper is of no use.
    let does_not = FORK
        .replace("outputs: 2", "outputs: 3")
        .replace("inputs: 2", "inputs: 3")
        .replace(
            r#"Wire(from: "join.out""#,
            r#"Wire(from: "fork.out[2]", to: "join.in[2]"),
        Wire(from: "join.out""#,
        );
    // Nothing is full: each waits for the other's first item.
    let nothing_full = FORK
        .replace(r#"Wire(from: "source.out", to: "fork.in"),"#, "")
        .replace(
            r#"Wire(from: "join.out", to: "sink.in"),"#,
            r#"Wire(from: "join.out", to: "fork.in"),"#,
        )
        .replace(r#""source": (kind: "flow.source"),"#, "")
        .replace(
            r#""sink": (kind: "flow.sink"),"#,
            r#""sink": (kind: "flow.sink", params: (limit: 9)),"#,
        )
        .replace(r#"to: "bin.in""#, r#"to: "sink.in""#)
        .replace(r#""bin": (kind: "flow.sink"),"#, "");
    for (name, netlist, told) in [
        (
            "helps",
            helps,
            "a deeper FIFO helps: with fork.out[0] -> join.in[0] 3 slots deep instead of 2 it does not stand still \
             within 1,024 cycles\n",
        ),
        (
            "does_not",
            does_not,
            "a deeper FIFO does not help: with fork.out[0] -> join.in[0] 3 slots deep instead of 2 nothing changes \
             after cycle 5 either\n",
        ),
        (
            "nothing_full",
            nothing_full,
            "a deeper FIFO would not help: no wire of the wait-for cycle is full\n",
        ),
    ] {
        let folder = folder(&format!("what_if_{name}"), &[("fork.ron", &netlist)]);
        let (_, wrong, code) = tina(&folder, "run fork.ron --quiet --what-if-depth");
        assert_eq!(code, 3, "{name}: {wrong}");
        assert!(wrong.ends_with(told), "{name}: {wrong}");
    }
}

/// With a folder for the run, its end is kept there without being asked for: from the last checkpoint on.
#[test]
fn the_end_of_a_run_lies_in_its_folder() {
    let folder = folder("trace_flight_out", &[("row.ron", ROW), ("fork.ron", FORK)]);
    let line = "run row.ron --quiet --max-cycles 9000 --flight 64 --flight-file end.vcd";
    let (_, wrong, code) = tina(&folder, line);
    assert_eq!(code, 4, "{wrong}");
    let kept = fs::read(folder.join("end.vcd")).unwrap();
    let _ = fs::remove_dir_all(folder.join("out"));
    let line = format!("{line} --out out --checkpoint-every 3000");
    let (_, wrong, code) = tina(&folder, &line);
    assert_eq!(code, 4, "{wrong}");
    // The same, whether it was run from cycle 0 on or from a checkpoint.
    assert_eq!(fs::read(folder.join("end.vcd")).unwrap(), kept);
    for (line, there) in [
        ("run fork.ron --quiet --out out", true),
        ("run fork.ron --quiet --out out --flight 0", false),
        ("run row.ron --quiet --cycles 50 --out out", false),
    ] {
        let _ = fs::remove_dir_all(folder.join("out"));
        let (_, wrong, _) = tina(&folder, line);
        assert_eq!(
            folder.join("out/flight.fst").exists(),
            there,
            "{line}: {wrong}"
        );
        assert_eq!(
            wrong.contains("flight recorder: out/flight.fst, "),
            there,
            "{wrong}"
        );
    }
}

/// Modules show what they do: where the program is, what a cache waits for, whom a router let pass.
#[test]
fn modules_of_the_risc_v_machine_show_their_inside() {
    let folder = folder("trace_probes", &[]);
    let netlist = concat!(env!("CARGO_MANIFEST_DIR"), "/../netlists/cpu.ron");
    let line = format!("run {netlist} --cycles 1500 --trace cpu.vcd --trace-what probes --json");
    let (out, wrong, code) = tina(&folder, &line);
    assert_eq!((wrong.as_str(), code), ("", 0));
    let text = fs::read_to_string(folder.join("cpu.vcd")).unwrap();
    for (bits, name, count) in [
        (32, "pc", 8),
        (48, "retired", 8),
        (2, "stage", 16),
        (48, "misses", 16),
        (3, "grant_east", 24),
    ] {
        let of_width = format!("$var wire {bits} ");
        let declared = text.lines().filter(|line| {
            line.starts_with(&of_width) && line.split_whitespace().nth(4) == Some(name)
        });
        assert_eq!(declared.count(), count, "{name}");
    }
    assert!(!text.contains("occupancy"), "only what was asked for");
    // The last value of a hart's count is what it reports.
    let code = |path: &[&str], name: &str| {
        let mut rest = text.as_str();
        for scope in path {
            rest = rest
                .split_once(&format!("$scope module {scope} $end"))
                .unwrap()
                .1;
        }
        let line = rest
            .lines()
            .find(|line| line.split_whitespace().nth(4) == Some(name));
        line.unwrap().split_whitespace().nth(3).unwrap().to_owned()
    };
    let code = code(&["tile[0][0]", "core", "execute"], "retired");
    let mut changes = text
        .lines()
        .filter(|line| line.split_once(' ').is_some_and(|it| it.1 == code));
    let last = changes.next_back().unwrap();
    let last = u64::from_str_radix(&last[1..last.find(' ').unwrap()], 2).unwrap();
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let all = report["results"]["instructions"].as_u64().unwrap();
    assert!(last > 100 && last < all, "{last} of {all}");
}

/// GTKWave finds every name of the save file in the trace: scopes as groups, ranges as it writes them itself.
#[test]
fn a_save_file_shows_signals_in_groups() {
    let folder = folder("trace_save", &[("row.ron", ROW)]);
    let line = "run row.ron --cycles 20 --quiet --trace row.vcd";
    let _ = fs::remove_file(folder.join("row.gtkw"));
    assert_eq!(tina(&folder, line).2, 0);
    assert!(
        !folder.join("row.gtkw").exists(),
        "only where it is asked for"
    );
    let (_, wrong, code) = tina(
        &folder,
        &format!("{line} --trace-save --trace-scope stage[1]"),
    );
    assert_eq!((wrong.as_str(), code), ("", 0));
    insta::assert_snapshot!(fs::read_to_string(folder.join("row.gtkw")).unwrap(), @r#"
    [*]
    [dumpfile] "row.vcd"
    [savefile] "row.gtkw"
    [timestart] 0
    @800200
    -stage[0].out
    @28
    stage[0].out.valid
    @22
    stage[0].out.value[63:0]
    @24
    stage[0].out.occupancy[1:0]
    @1000200
    -stage[0].out
    @800200
    -stage[1].out
    @28
    stage[1].out.valid
    @22
    stage[1].out.value[63:0]
    @24
    stage[1].out.occupancy[1:0]
    @1000200
    -stage[1].out
    "#);
    // Beyond a screen, groups are shut.
    let many = ROW.replace("array: [4]", "array: [20]");
    fs::write(folder.join("many.ron"), many).unwrap();
    let line = "run many.ron --cycles 20 --quiet --trace many.fst --trace-save";
    assert_eq!(tina(&folder, line).2, 0);
    let text = fs::read_to_string(folder.join("many.gtkw")).unwrap();
    let count = |flags: &str| text.lines().filter(|line| *line == flags).count();
    assert_eq!((count("@800200"), count("@1000200")), (8, 8));
    assert_eq!((count("@c00200"), count("@1400200")), (13, 13));
    let (_, wrong, code) = tina(&folder, "run row.ron --cycles 9 --trace-save");
    assert_eq!(code, 2);
    assert!(wrong.contains("--trace <FILE>"), "{wrong}");
    fs::create_dir_all(folder.join("taken.gtkw")).unwrap();
    let (_, wrong, code) = tina(
        &folder,
        "run row.ron --cycles 9 --trace taken.vcd --trace-save",
    );
    assert_eq!(code, 2);
    assert!(
        wrong.starts_with("error: cannot write taken.gtkw: "),
        "{wrong}"
    );
}
