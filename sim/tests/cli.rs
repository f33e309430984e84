//! The program `tina-hw` as its users meet it: what it prints and how it ends.
#![forbid(unsafe_code)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A source, a sink that ends the run after ten items, and results.
const SMALL: &str = r#"// A source and a sink.
Netlist(
    name: "small",
    instances: {
        "source": (kind: "flow.source"),
        "sink": (kind: "flow.sink", params: (limit: 10)),
    },
    wires: [Wire(from: "source.out", to: "sink.in")],
    results: { "count": Sum("sink.count"), "check": Sum("sink.check") },
)
"#;

/// An adder that waits for its own sum.
const DEADLOCK: &str = r#"// An adder that waits for its own sum.
Netlist(
    name: "deadlock",
    instances: {
        "source": (kind: "flow.source"),
        "adder": (kind: "math.adder"),
        "fork": (kind: "flow.fork", params: (outputs: 2)),
        "sink": (kind: "flow.sink"),
    },
    wires: [
        Wire(from: "source.out", to: "adder.a"),
        Wire(from: "adder.sum", to: "fork.in"),
        Wire(from: "fork.out[0]", to: "adder.b"),
        Wire(from: "fork.out[1]", to: "sink.in"),
    ],
)
"#;

/// A checksum that does not hold.
const WRONG_SUM: &str = r#"// A checksum that does not hold.
Netlist(
    name: "wrong_sum",
    instances: {
        "source": (kind: "flow.source"),
        "sum": (kind: "flow.checksum", params: (limit: 10, expect: 1)),
    },
    wires: [Wire(from: "source.out", to: "sum.in")],
)
"#;

/// Two instances placed by hand that a wire ties together.
const TIED: &str = r#"// Placed apart, tied together.
Netlist(
    name: "tied",
    cycles: 10,
    instances: {
        "source": (kind: "flow.source", shard: 0),
        "sink": (kind: "flow.sink", shard: 2),
    },
    wires: [Wire(from: "source.out", to: "sink.in", no_cut: true)],
)
"#;

/// A bank of RAM smaller than a program.
const RAM: &str = r#"// A bank of RAM, alone.
Netlist(
    name: "ram",
    instances: {
        "home": (
            kind: "riscv.home",
            params: (ram_bytes: 4096, banks: 1, node: 0, tiles: 1, latency: 2),
        ),
    },
)
"#;

/// A folder of its own for each test, so that messages can name files without their folder.
fn folder(name: &str) -> PathBuf {
    let netlists = [
        ("small.ron", SMALL),
        ("deadlock.ron", DEADLOCK),
        ("wrong_sum.ron", WRONG_SUM),
        ("tied.ron", TIED),
    ];
    common::folder(name, &netlists)
}

struct Answer {
    out: String,
    err: String,
    code: i32,
}

fn tina(folder: &Path, arguments: &str) -> Answer {
    let (out, err, code) = common::tina(folder, arguments);
    Answer { out, err, code }
}

/// Standard output, then standard error, then the exit code.
fn all(folder: &Path, arguments: &str) -> String {
    let Answer { out, err, code } = tina(folder, arguments);
    format!("{out}{err}exit {code}")
}

/// The same without the line that tells of the host.
fn lasting(folder: &Path, arguments: &str) -> String {
    let text = all(folder, arguments);
    text.lines()
        .filter(|line| !line.starts_with("speed "))
        .collect::<Vec<_>>()
        .join("\n")
}

/// With another number for the digest: it is what the engine defines it to be.
fn without_digest(text: &str) -> String {
    let start = text.find("digest        0x").expect("there is a digest") + 16;
    let digest = &text[start..start + 16];
    assert!(
        digest.chars().all(|digit| digit.is_ascii_hexdigit()),
        "{digest}"
    );
    text.replace(digest, "0123456789abcdef")
}

#[test]
fn a_run_reports_its_results() {
    let folder = folder("a_run_reports_its_results");
    let expected = lasting(&folder, "run small.ron");
    insta::assert_snapshot!(without_digest(&expected), @r"
    outcome       finished: `sink` said exit code 0 in cycle 10
    cycles        1,024
    result        count = 10
                  check = 0x0000000000000001
    digest        0x0123456789abcdef
    exit 0
    ");
    for variation in [
        "--shards 2",
        "--shards 2 --threads 1",
        "--no-sleep",
        "--seed 0",
    ] {
        assert_eq!(
            lasting(&folder, &format!("run small.ron {variation}")),
            expected,
            "{variation}"
        );
    }
    insta::assert_snapshot!(all(&folder, "run small.ron --quiet"), @"exit 0");
}

#[test]
fn more_shards_than_instances_work_and_are_mentioned() {
    let folder = folder("more_shards_than_instances");
    insta::assert_snapshot!(without_digest(&lasting(&folder, "run small.ron --shards 8")), @r"
    outcome       finished: `sink` said exit code 0 in cycle 10
    cycles        1,024
    result        count = 10
                  check = 0x0000000000000001
    digest        0x0123456789abcdef
    note: 8 shards for 2 instances: 6 shards stay empty
    exit 0
    ");
    let text = all(&folder, "check small.ron --shards 8");
    // What follows is a table with bytes of arenas, which move with the engine.
    let (head, tables) = text.split_once("\n\nshard ").unwrap();
    insta::assert_snapshot!(head, @r"
    small: 2 instances, 1 wires, 1 clock, epochs of 1,024 cycles

    kind         instances  ns per busy edge
    flow.source          1               3.0
    flow.sink            1               3.0

    no warnings
    every wire can carry an item per edge

    on 8 shards by netlist order: 1 wire cut, at most 1.000 items per cycle over them, heaviest shard 4.000 of the mean
    6 shards stay empty: there are not enough instances that may be parted
    ");
    assert!(
        tables.contains("0 to 1      1            1.000   1.000 cycles\nexit 0"),
        "{tables}"
    );
}

#[test]
fn json_is_one_object() {
    let folder = folder("json_is_one_object");
    let answer = tina(&folder, "run small.ron --json --shards 2");
    assert_eq!((answer.err.as_str(), answer.code), ("", 0));
    let object: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    let keys: Vec<&String> = object.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "outcome",
            "cycles",
            "end_cycle",
            "digest",
            "results",
            "host"
        ]
    );
    assert_eq!(object["end_cycle"], 10);
    assert_eq!(object["outcome"], "finished");
    assert_eq!(object["cycles"], 1024);
    assert_eq!(object["results"]["count"], 10);
    assert_eq!(object["results"]["check"], "0x0000000000000001");
    assert_eq!(object["host"]["shards"], 2);
}

#[test]
fn statistics_differ_in_the_host_only() {
    let folder = folder("statistics");
    let stats = |arguments: &str| {
        assert_eq!(
            tina(
                &folder,
                &format!("run small.ron --quiet --stats stats.json {arguments}")
            )
            .code,
            0
        );
        let text = fs::read_to_string(folder.join("stats.json")).unwrap();
        let mut object: serde_json::Value = serde_json::from_str(&text).unwrap();
        let host = object.as_object_mut().unwrap().remove("host");
        assert!(host.unwrap()["wall_seconds"].is_number());
        object
    };
    let one = stats("");
    assert_eq!(one["instances"]["source"]["sent"], 12);
    assert_eq!(one, stats("--shards 2 --threads 1 --no-sleep"));
}

#[test]
fn every_outcome_has_its_exit_code() {
    let folder = folder("every_outcome");
    insta::assert_snapshot!(all(&folder, "run wrong_sum.ron --quiet"), @r"
    error: failed: `sum` said exit code 1 in cycle 10
    exit 1
    ");
    insta::assert_snapshot!(all(&folder, "run deadlock.ron --quiet"), @r"
    error: deadlock: nothing can change after cycle 1
      wires that hold items: 1
      wait-for chain of 1:
        source.out waits for room at adder.a (full, 2 of 2, 0 credits, last transfer in cycle 1)
      wait-for cycle of 2:
        adder.b waits for an item from fork.out[0] (empty, 0 of 2, 2 credits, never used)
        fork.in waits for an item from adder.sum (empty, 0 of 2, 2 credits, never used)
      component of 2 modules, fixed since cycle 0: adder, fork
      2 modules outside wait for it
    exit 3
    ");
    insta::assert_snapshot!(all(&folder, "run small.ron --quiet --max-cycles 5"), @r"
    error: the limit of 5 cycles was reached before anything ended the run
    exit 4
    ");
    insta::assert_snapshot!(all(&folder, "run small.ron --quiet --cycles 5"), @"exit 0");
    for shards in ["2", "4"] {
        let again = all(
            &folder,
            &format!("run deadlock.ron --quiet --shards {shards}"),
        );
        assert_eq!(again, all(&folder, "run deadlock.ron --quiet"));
    }
}

#[test]
fn verify_finds_equal_runs_equal() {
    let folder = folder("verify");
    let answer = tina(
        &folder,
        "verify small.ron --shards 1,2,3 --threads 1,2 --no-sleep",
    );
    assert_eq!((answer.err.as_str(), answer.code), ("", 0));
    let digests = answer
        .out
        .split_whitespace()
        .filter(|word| word.starts_with("0x"));
    let digests: Vec<&str> = digests.collect();
    assert_eq!(digests, vec![digests[0]; 12], "{}", answer.out);
    assert!(
        answer.out.ends_with("\nequal: 12 runs, 1 epoch each\n"),
        "{}",
        answer.out
    );
    let answer = tina(&folder, "run small.ron --verify --shards 2");
    assert!(
        answer
            .out
            .ends_with("verified      2 shards and 1 shard are equal in every epoch\n")
    );
}

#[test]
fn compare_prints_a_row_per_variant() {
    let answer = tina(
        &folder("compare"),
        "compare small.ron --shards 1,2 --rounds 3",
    );
    assert_eq!((answer.err.as_str(), answer.code), ("", 0));
    let rows: Vec<&str> = answer.out.lines().collect();
    assert!(
        rows[0].ends_with("speed-up") && rows[1].ends_with("1.00"),
        "{}",
        answer.out
    );
    assert_eq!(rows.len(), 3, "{}", answer.out);
}

#[test]
fn shard_counts_out_of_range_are_refused() {
    let folder = folder("shard_counts");
    insta::assert_snapshot!(all(&folder, "run small.ron --shards 0"), @r"
    error: invalid value '0' for '--shards <N|auto>': 0 is not in 1..=255

    For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(all(&folder, "run small.ron --shards 300"), @r"
    error: invalid value '300' for '--shards <N|auto>': 300 is not in 1..=255

    For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(all(&folder, "verify small.ron --shards 1,256"), @r"
    error: invalid value '256' for '--shards <N,N,…>': 256 is not in 1..=255

    For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(all(&folder, "run small.ron --threads 0"), @r"
    error: invalid value '0' for '--threads <N>': 0 is not in 1..=255

    For more information, try '--help'.
    exit 2
    ");
}

#[test]
fn wrong_usage_is_explained() {
    let folder = folder("wrong_usage");
    insta::assert_snapshot!(all(&folder, "rum small.ron"), @r"
    error: unrecognized subcommand 'rum'

      tip: a similar subcommand exists: 'run'

    Usage: tina-hw <COMMAND>

    For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(all(&folder, "run small.ron --shard 2"), @r"
    error: unexpected argument '--shard' found

      tip: a similar argument exists: '--shards'

    Usage: tina-hw run --shards <N|auto> <NETLIST>

    For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(all(&folder, "run small.ron --set k"), @r"
    error: invalid value 'k' for '--set <NAME=VALUE>': it is written NAME=VALUE

    For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(all(&folder, "run small.ron --set k=1"), @r"
    error[N0034]: netlist `small` has no parameter `k`
     --> --set:1:1
      |
    1 | k=1
      | ^ unknown parameter
    exit 2
    ");
    insta::assert_snapshot!(all(&folder, "run small.ron --cycles 3 --max-cycles 4"), @r"
    error: the argument '--cycles <N>' cannot be used with '--max-cycles <N>'

    Usage: tina-hw run --cycles <N> <NETLIST>

    For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(all(&folder, "run small.ron --cycles 0"), @r"
    error: invalid value '0' for '--cycles <N>': 0 is not in 1..18446744073709551615

    For more information, try '--help'.
    exit 2
    ");
    insta::assert_snapshot!(all(&folder, "run"), @r"
    error: the following required arguments were not provided:
      <NETLIST>

    Usage: tina-hw run <NETLIST>

    For more information, try '--help'.
    exit 2
    ");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = folder("files");
    fs::write(folder.join("text.ron"), "hello, world\n").unwrap();
    insta::assert_snapshot!(all(&folder, "run nothing_like_it.ron"), @r"
    error[N0001]: cannot read `nothing_like_it.ron`: no such file or directory
    exit 2
    ");
    insta::assert_snapshot!(all(&folder, "run text.ron"), @r"
    error[N0003]: this is not RON
     --> text.ron:1:6
      |
    1 | hello, world
      |      ^ Non-whitespace trailing characters
    exit 2
    ");
    insta::assert_snapshot!(all(&folder, "run small.ron --quiet --stats no/such/folder.json"), @r"
    error: cannot write no/such/folder.json: No such file or directory (os error 2)
    exit 2
    ");
}

#[test]
fn programs_that_cannot_be_loaded_are_explained() {
    let folder = folder("programs");
    fs::write(folder.join("text.elf"), "hello, world\n").unwrap();
    // The identification of a 32-bit little-endian file, an executable for x86.
    let mut header = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x03\0\x01\0\0\0".to_vec();
    header.resize(52, 0);
    fs::write(folder.join("x86.elf"), &header).unwrap();
    fs::write(folder.join("short.elf"), &header[..20]).unwrap();
    fs::File::create(folder.join("huge.elf"))
        .unwrap()
        .set_len(65 << 20)
        .unwrap();
    insta::assert_snapshot!(all(&folder, "run small.ron --program missing.elf"), @r"
    error[N0080]: program `missing.elf`: cannot be read: No such file or directory (os error 2)
    exit 2
    ");
    insta::assert_snapshot!(all(&folder, "run small.ron --program text.elf"), @r"
    error[N0080]: program `text.elf`: not an ELF file: it does not start with 0x7f 'E' 'L' 'F'
    exit 2
    ");
    insta::assert_snapshot!(all(&folder, "run small.ron --program x86.elf"), @r"
    error[N0080]: program `x86.elf`: wrong architecture: x86 (machine 3), expected RISC-V (machine 243)
    exit 2
    ");
    insta::assert_snapshot!(all(&folder, "run small.ron --program short.elf"), @r"
    error[N0080]: program `short.elf`: file truncated: 20 bytes, its headers speak of at least 52
    exit 2
    ");
    insta::assert_snapshot!(all(&folder, "run small.ron --program huge.elf"), @r"
    error[N0080]: program `huge.elf`: file too large: 68157440 bytes, the limit is 67108864
    exit 2
    ");
    fs::write(folder.join("ram.ron"), RAM).unwrap();
    let program = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../netlists/programs/parallel.elf"
    );
    fs::copy(program, folder.join("parallel.elf")).unwrap();
    let too_large = all(&folder, "run ram.ron --program parallel.elf");
    insta::assert_snapshot!(too_large.split("error[N0043]").next().unwrap(), @r"
    error[N0035]: kind `riscv.home` refuses `ram_bytes`: program too large: segment 1 (0x80000ac0..0x80010b40) does not lie within the memory (0x80000000..0x80001000, 4 KiB)
     --> ram.ron:7:33
      |
    7 |             params: (ram_bytes: 4096, banks: 1, node: 0, tiles: 1, latency: 2),
      |                                 ^^^^ instance `home`
    exit 2
    ");
    insta::assert_snapshot!(all(&folder, "run small.ron --program ."), @r"
    error[N0080]: program `.`: cannot be read: Is a directory (os error 21)
    exit 2
    ");
}

#[test]
fn contradictory_placement_is_refused_but_runs_on_one_shard() {
    let folder = folder("placement");
    insta::assert_snapshot!(all(&folder, "run tied.ron --quiet --shards 2"), @r"
    error: `sink` is placed on shard 2, but the run has shards 0 to 1; run it with 3 shards or more, or with 1
    exit 2
    ");
    insta::assert_snapshot!(all(&folder, "run tied.ron --quiet --shards 3"), @r"
    error: `source` is placed on shard 0 and `sink` on shard 2, but wires marked `no_cut` tie them together; the last of them is `source.out -> sink.in`
    exit 2
    ");
    insta::assert_snapshot!(all(&folder, "run tied.ron --quiet"), @"exit 0");
}

#[test]
fn kinds_are_listed_with_their_ports() {
    let folder = folder("list");
    insta::assert_snapshot!(all(&folder, "list flow.fork"), @r"
    flow.fork
      copies each item to all outputs at once: in; out[0..outputs]
      about 3.0 ns of host time per busy edge

    parameters
      outputs  a whole number (u32)

    ports, for example with outputs 1
      in   in      u64
      out  out[0]  u64
    exit 0
    ");
    insta::assert_snapshot!(all(&folder, "list flaw.fork"), @r"
    error: no kind or family is called `flaw.fork`; did you mean `flow.fork`?
    exit 2
    ");
    let answer = tina(&folder, "list");
    assert_eq!(
        answer.out.lines().count(),
        tina_modules::catalogue().kinds().len()
    );
    for kind in tina_modules::catalogue().kinds() {
        assert_eq!(
            tina(&folder, &format!("list {}", kind.name())).code,
            0,
            "{}",
            kind.name()
        );
    }
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let folder = folder("closed_pipe");
    let mut child = Command::new(env!("CARGO_BIN_EXE_tina-hw"))
        .args(["run", "small.ron"])
        .current_dir(&folder)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
#[cfg(target_os = "linux")]
fn an_interrupt_stops_the_run_at_the_end_of_an_epoch() {
    let folder = folder("interrupt");
    let endless = SMALL.replace(", params: (limit: 10)", "");
    fs::write(folder.join("endless.ron"), endless).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_tina-hw"))
        .args(["run", "endless.ron"])
        .current_dir(&folder)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let listens = || {
        let text = fs::read_to_string(&status).expect("the run does not end by itself");
        let caught = text
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:"))
            .unwrap();
        // Bit n - 1 is signal n; SIGINT is 2.
        u64::from_str_radix(caught.trim(), 16).unwrap() & 0b10 != 0
    };
    while !listens() {
        std::thread::yield_now();
    }
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "interrupted\n");
    assert_eq!(output.status.code(), Some(130), "{text}");
    assert!(text.starts_with("outcome       interrupted\n"), "{text}");
    let cycles = text
        .lines()
        .find_map(|line| line.strip_prefix("cycles        "))
        .unwrap();
    let cycles: u64 = cycles.replace(',', "").parse().unwrap();
    assert!(cycles > 0 && cycles.is_multiple_of(1024), "{cycles} cycles");
}
