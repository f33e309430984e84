//! Checkpoint files as users meet them: runs that stop and go on, and files that are refused.
#![forbid(unsafe_code)]

mod common;

use common::{folder, tina};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tina_engine::HostOptions;
use tina_sim::checkpoint::{Checkpoint, list, this_build};
use tina_sim::design::{LoadOptions, load_text};
use tina_sim::origin::Origin;
use tina_sim::run::boot;

/// A ring of streams that never ends.
const RING: &str = r#"Netlist(
    name: "ring",
    params: { "step": 3 },
    epoch: 128,
    instances: {
        "source": (kind: "flow.source", params: (step: "step")),
        "fork": (kind: "flow.fork", params: (outputs: 2)),
        "delay": (kind: "flow.delay", params: (cycles: 20)),
        "adder": (kind: "math.adder"),
        "sum": (kind: "flow.checksum"),
    },
    wires: [
        Wire(from: "source.out", to: "fork.in"),
        Wire(from: "fork.out[0]", to: "delay.in", depth: 8, latency: 3),
        Wire(from: "fork.out[1]", to: "adder.b", depth: 40),
        Wire(from: "delay.out", to: "adder.a"),
        Wire(from: "adder.sum", to: "sum.in"),
    ],
    results: { "count": Sum("sum.count"), "check": Sum("sum.check") },
)
"#;

fn ring(name: &str) -> PathBuf {
    let folder = folder(name, &[("ring.ron", RING)]);
    // What an earlier round of this test left.
    let _ = fs::remove_dir_all(folder.join("saved"));
    folder
}

/// What a run printed without what the host did.
fn results(out: &str) -> String {
    let is_result = |line: &&str| {
        let word = line.split_whitespace().next().unwrap_or("");
        ["digest", "cycles", "count", "check"].contains(&word)
    };
    let lines: Vec<&str> = out.lines().filter(is_result).collect();
    assert!(lines.len() >= 3, "{out}");
    lines.join("\n")
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_run_goes_on_at_another_shard_count() {
    let folder = ring("goes_on");
    let (straight, ..) = tina(&folder, "run ring.ron --cycles 10000");
    let first =
        "run ring.ron --cycles 5000 --shards 2 --checkpoint-every 1000 --checkpoint-dir saved";
    let (_, err, code) = tina(&folder, first);
    assert_eq!(code, 0, "{err}");
    assert_eq!(
        err,
        "saved at cycle 5,000: saved/cycle-0000000000005000.checkpoint\n"
    );
    let expected = [1_024, 2_048, 3_072, 4_096, 5_000];
    let found: Vec<u64> = list(&folder.join("saved"))
        .unwrap()
        .into_iter()
        .rev()
        .map(|(cycle, _)| cycle)
        .collect();
    assert_eq!(found, expected);
    for (resume, cycle) in [
        ("saved", "5,000"),
        ("saved/cycle-0000000000002048.checkpoint", "2,048"),
    ] {
        for shards in ["1", "3", "auto"] {
            let line = format!("run ring.ron --cycles 10000 --shards {shards} --resume {resume}");
            let (out, err, code) = tina(&folder, &line);
            assert_eq!(code, 0, "{err}");
            assert!(
                err.contains(&format!("resumed at cycle {cycle} from saved/")),
                "{err}"
            );
            assert_eq!(results(&out), results(&straight), "{line}");
        }
    }
    // The latest that is not too late.
    let (_, err, code) = tina(&folder, "run ring.ron --cycles 3500 --resume saved");
    assert_eq!(code, 0);
    assert!(err.contains("resumed at cycle 3,072 "), "{err}");
}

#[test]
fn an_interrupted_run_is_saved() {
    let folder = ring("interrupted");
    let mut child = Command::new(env!("CARGO_BIN_EXE_tina-hw"))
        .args([
            "run",
            "ring.ron",
            "--checkpoint-every",
            "20000",
            "--checkpoint-dir",
            "saved",
            "--quiet",
        ])
        .current_dir(&folder)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let saved = folder.join("saved");
    // The run is under way when its first checkpoint is there.
    while list(&saved).map_or(0, |found| found.len()) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let err = String::from_utf8(output.stderr).unwrap();
    let (cycle, path) = list(&saved).unwrap().swap_remove(0);
    assert!(err.contains("interrupted\nsaved at cycle "), "{err}");
    assert!(
        err.contains(path.file_name().unwrap().to_str().unwrap()),
        "{err}"
    );
    let line = format!("run ring.ron --cycles {}", cycle + 1_000);
    let (straight, ..) = tina(&folder, &line);
    let (resumed, ..) = tina(&folder, &format!("{line} --resume saved --shards 2"));
    assert_eq!(results(&resumed), results(&straight));
}

/// Killed at any moment, a run leaves whole checkpoints and perhaps one that is not finished and
/// does not have the name of one.
#[test]
fn a_killed_run_loses_nothing_older() {
    let folder = ring("killed");
    let saved = folder.join("saved");
    let mut latest = 0;
    for round in 0..12u64 {
        let mut arguments = vec![
            "run",
            "ring.ron",
            "--checkpoint-every",
            "1",
            "--checkpoint-dir",
            "saved",
        ];
        if round > 0 {
            arguments.extend(["--resume", "saved"]);
        }
        let mut child = Command::new(env!("CARGO_BIN_EXE_tina-hw"))
            .args(arguments)
            .current_dir(&folder)
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Some checkpoints later, at whatever moment of writing one.
        let goal = latest + 128 * (1 + round % 5);
        loop {
            let found = list(&saved).unwrap_or_default();
            if found.first().is_some_and(|(cycle, _)| *cycle >= goal) {
                break;
            }
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
            (0..round * 500).for_each(|_| std::hint::spin_loop());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let found = list(&saved).unwrap();
        for (cycle, path) in &found {
            let checkpoint = Checkpoint::read(path).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(checkpoint.cycle, *cycle);
        }
        let cycles: Vec<u64> = found.iter().map(|(cycle, _)| *cycle).collect();
        let all: Vec<u64> = (1..=cycles[0] / 128)
            .rev()
            .map(|epoch| epoch * 128)
            .collect();
        assert_eq!(cycles, all);
        latest = cycles[0];
        let unfinished = names(&saved).len() - found.len();
        assert!(unfinished <= 1, "{unfinished} unfinished");
    }
    // The next run removes what was left unfinished.
    let line = format!("run ring.ron --cycles {latest} --resume saved --checkpoint-dir saved");
    assert_eq!(tina(&folder, &line).2, 0);
    assert!(
        names(&saved)
            .iter()
            .all(|name| name.ends_with(".checkpoint"))
    );
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_no_reason_to_stop() {
    let folder = ring("unwritable");
    // A folder stands where the file belongs.
    fs::create_dir_all(folder.join("saved/cycle-0000000000000512.checkpoint/x")).unwrap();
    let line = "run ring.ron --cycles 2000 --checkpoint-every 512 --checkpoint-dir saved";
    let (out, err, code) = tina(&folder, line);
    assert_eq!(code, 0, "{err}");
    let (straight, ..) = tina(&folder, "run ring.ron --cycles 2000");
    assert_eq!(results(&out), results(&straight));
    let warning = "warning: the checkpoint of cycle 512 could not be written: ";
    assert!(err.starts_with(warning), "{err}");
    assert!(err.contains("saved at cycle 2,000: "), "{err}");
    assert!(
        names(&folder.join("saved"))
            .iter()
            .all(|name| name.ends_with(".checkpoint"))
    );
    assert_eq!(
        tina(&folder, "run ring.ron --cycles 1500 --resume saved").2,
        0
    );
}

#[test]
fn what_is_no_use_is_refused_with_the_reason() {
    let folder = ring("refused");
    let save = "run ring.ron --cycles 1000 --checkpoint-every 512 --checkpoint-dir saved --quiet";
    assert_eq!(tina(&folder, save).2, 0);
    let [early, late] = [512, 1_000].map(|cycle| format!("saved/cycle-{cycle:016}.checkpoint"));
    let whole = fs::read(folder.join(&early)).unwrap();
    let refusal = |arguments: &str| {
        let (_, err, code) = tina(&folder, &format!("run ring.ron --cycles 2000 {arguments}"));
        assert_eq!(code, 2, "{err}");
        err
    };
    fs::write(folder.join("short"), &whole[..100]).unwrap();
    let expected = format!(
        "error: short is truncated: 100 of {} bytes are there\n",
        whole.len()
    );
    assert_eq!(refusal("--resume short"), expected);
    fs::write(folder.join("long"), [&whole[..], b"??"].concat()).unwrap();
    let expected = format!(
        "error: long is corrupt: it has {} bytes, 2 more than were written\n",
        whole.len() + 2
    );
    assert_eq!(refusal("--resume long"), expected);
    let mut flipped = whole.clone();
    flipped[200] ^= 4;
    fs::write(folder.join("flipped"), &flipped).unwrap();
    assert_eq!(
        refusal("--resume flipped"),
        "error: flipped is corrupt: its checksum does not fit its contents\n"
    );
    let mut newer = whole.clone();
    newer[8] = 9;
    fs::write(folder.join("newer"), &newer).unwrap();
    assert_eq!(
        refusal("--resume newer"),
        "error: newer is of format 9, of a newer tina-hw; this one reads format 3\n"
    );
    assert_eq!(
        refusal("--resume ring.ron"),
        "error: ring.ron is no checkpoint\n"
    );
    assert_eq!(
        refusal("--resume nowhere"),
        "error: nowhere cannot be read: No such file or directory (os error 2)\n"
    );
    fs::create_dir_all(folder.join("empty")).unwrap();
    assert_eq!(
        refusal("--resume empty"),
        "error: empty has no checkpoints: their files are called cycle-<number>.checkpoint\n"
    );
    assert_eq!(
        refusal(&format!("--resume {late} --seed 5")),
        format!("error: {late} is of another machine: it was made with seed 0, not 5\n")
    );
    assert_eq!(
        refusal(&format!("--resume {late} --set step=9")),
        format!(
            "error: {late} is of another machine: it was made with no --set step, and this has --set step=9\n"
        )
    );
    let (_, err, code) = tina(
        &folder,
        &format!("run ring.ron --cycles 900 --resume {late}"),
    );
    assert_eq!(
        (err.as_str(), code),
        (
            format!("error: {late} is of cycle 1,000, and the run ends at cycle 900\n").as_str(),
            2
        )
    );
    // Of a folder, the latest that is whole; the others are complained of.
    fs::write(folder.join(&late), &flipped).unwrap();
    let (_, err, code) = tina(&folder, "run ring.ron --cycles 2000 --resume saved");
    assert_eq!(code, 0);
    assert_eq!(
        err,
        format!(
            "warning: {late} is corrupt: its checksum does not fit its contents\n\
             resumed at cycle 512 from {early}\n"
        )
    );
    let other = folder.join("other.ron");
    fs::write(&other, RING.replace("cycles: 20", "cycles: 21")).unwrap();
    let (_, err, code) = tina(&folder, "run other.ron --cycles 2000 --resume saved");
    assert_eq!(code, 2);
    assert!(
        err.starts_with("error: saved has no checkpoint to go on from:\n"),
        "{err}"
    );
    assert!(
        err.contains("other.ron` is not what it was when it was made"),
        "{err}"
    );
    let (_, err, code) = tina(&folder, "run ring.ron --checkpoint-every 5");
    assert_eq!(code, 2);
    assert_eq!(
        err,
        "error: --checkpoint-every needs a folder: give it --checkpoint-dir or --out\n"
    );
    let (_, err, code) = tina(&folder, "run ring.ron --cycles 9 --checkpoint-dir ring.ron");
    assert_eq!(code, 2);
    assert!(
        err.starts_with("error: cannot write to ring.ron: "),
        "{err}"
    );
}

/// What was saved by another build of the same version is no start, unless one says so.
#[test]
fn a_checkpoint_of_another_build_is_announced() {
    let folder = ring("other_build");
    let save = "run ring.ron --cycles 1000 --checkpoint-every 512 --checkpoint-dir saved --quiet";
    assert_eq!(tina(&folder, save).2, 0);
    let late = "saved/cycle-0000000000001000.checkpoint";
    let mut checkpoint = Checkpoint::read(&folder.join(late)).unwrap();
    // The program that is tested is not this one.
    assert_ne!(checkpoint.build, this_build());
    assert!(checkpoint.check_build().is_err());
    checkpoint.build = "of yesterday".to_owned();
    checkpoint.write(&folder.join("saved")).unwrap();
    let reason = format!(
        "{late} was made by another build of version {}, whose modules may do other things; --any-build",
        checkpoint.origin.version
    );
    let line = "run ring.ron --cycles 2000 --resume";
    let (_, err, code) = tina(&folder, &format!("{line} {late}"));
    assert_eq!(code, 2);
    assert!(err.starts_with(&format!("error: {reason}")), "{err}");
    let (out, err, code) = tina(&folder, &format!("{line} saved"));
    assert_eq!(code, 0);
    assert!(err.starts_with(&format!("warning: {reason}")), "{err}");
    assert!(err.contains("resumed at cycle 512 from "), "{err}");
    let (all_the_same, err, code) = tina(&folder, &format!("{line} saved --any-build"));
    assert_eq!(code, 0);
    assert!(
        err.starts_with(&format!("warning: {late} was made by another build: ")),
        "{err}"
    );
    assert!(err.contains("resumed at cycle 1,000 from "), "{err}");
    assert_eq!(results(&all_the_same), results(&out));
    let replay = "replay saved --window 1100..1200 --trace wave.vcd";
    let (_, err, code) = tina(&folder, replay);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("replayed from cycle 512 of "), "{err}");
    let (_, err, code) = tina(&folder, &format!("{replay} --any-build"));
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("replayed from cycle 1,000 of "), "{err}");
}

#[test]
fn old_checkpoints_go_when_newer_ones_are_safe() {
    let folder = ring("keep");
    let saved = folder.join("saved");
    let cycles = || -> Vec<u64> { list(&saved).unwrap().into_iter().map(|it| it.0).collect() };
    // Of another machine, and no checkpoint at all: not ours to remove.
    let foreign = "run ring.ron --seed 9 --cycles 128 --checkpoint-dir saved --quiet";
    assert_eq!(tina(&folder, foreign).2, 0);
    fs::write(saved.join("cycle-0000000000000200.checkpoint"), "mine").unwrap();
    let line = "run ring.ron --checkpoint-every 256 --checkpoint-dir saved --checkpoint-keep 2";
    let (_, err, code) = tina(&folder, &format!("{line} --cycles 1500"));
    assert_eq!(code, 0, "{err}");
    assert_eq!(cycles(), [1_500, 1_280, 200, 128]);
    // A run that goes on counts what is there already; what is later than it has come stays.
    let (_, err, code) = tina(&folder, &format!("{line} --cycles 2000 --resume saved"));
    assert_eq!(code, 0, "{err}");
    assert_eq!(cycles(), [2_000, 1_792, 200, 128]);
    let (_, err, code) = tina(&folder, &format!("{line} --cycles 600"));
    assert_eq!(code, 0, "{err}");
    assert_eq!(cycles(), [2_000, 1_792, 600, 512, 200, 128]);
    // One that cannot be written takes none away.
    fs::create_dir_all(saved.join("cycle-0000000000002304.checkpoint/x")).unwrap();
    let (_, err, code) = tina(&folder, &format!("{line} --cycles 2310 --resume saved"));
    assert_eq!(code, 0);
    assert!(
        err.contains("warning: the checkpoint of cycle 2304 could not be written: "),
        "{err}"
    );
    assert!(cycles().contains(&2_048), "{:?}", cycles());
    let (_, err, code) = tina(&folder, "run ring.ron --checkpoint-keep 2");
    assert_eq!(code, 2);
    assert!(err.contains("--checkpoint-every"), "{err}");
}

/// Where there is no room for a checkpoint the run goes on, says so, and what was saved before stays whole.
#[test]
fn a_checkpoint_that_finds_no_room_costs_a_warning() {
    // A FIFO that nobody empties: the later, the larger.
    let filling = r#"Netlist(
    name: "filling",
    epoch: 128,
    instances: {
        "source": (kind: "flow.source", params: (step: 977)),
        "none": (kind: "flow.source", params: (limit: 0)),
        "join": (kind: "flow.join", params: (inputs: 2, mode: Sum)),
        "sink": (kind: "flow.sink"),
    },
    wires: [
        Wire(from: "source.out", to: "join.in[0]", depth: 9000),
        Wire(from: "none.out", to: "join.in[1]"),
        Wire(from: "join.out", to: "sink.in"),
    ],
)"#;
    let folder = folder("no_room", &[("filling.ron", filling)]);
    let _ = fs::remove_dir_all(folder.join("saved"));
    let saved = folder.join("saved");
    let line = "run filling.ron --cycles 6000 --checkpoint-every 512 --checkpoint-dir saved \
                --checkpoint-keep 1 --quiet";
    let program = env!("CARGO_BIN_EXE_tina-hw");
    // Blocks of 512 bytes, and a signal where a file grows beyond them.
    let script = format!("ulimit -f 8; exec {program} {line}");
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(&folder)
        .output()
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert!(
        err.contains("could not be written: File too large"),
        "{err}"
    );
    // The last that found room is there, is whole and serves; nothing unfinished is left.
    let found = list(&saved).unwrap();
    assert_eq!((found.len(), names(&saved).len()), (1, 1), "{err}");
    assert!((512..3_000).contains(&found[0].0), "{found:?}");
    Checkpoint::read(&found[0].1).unwrap_or_else(|error| panic!("{error}"));
    let (_, err, code) = tina(&folder, "run filling.ron --cycles 6000 --resume saved");
    assert_eq!(code, 0, "{err}");
}

/// A checkpoint of a machine at work.
fn whole() -> &'static [u8] {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let catalogue = tina_modules::catalogue();
        let options = LoadOptions::default();
        let design = load_text("ring.ron", RING, &options, &catalogue).unwrap();
        let booted = boot(&design, &catalogue, 1, &HostOptions::default()).unwrap();
        let mut machine = booted.machine;
        let limits = tina_engine::Limits::default();
        assert_eq!(machine.run_part(&limits, 500, &mut ()), None);
        let checkpoint = Checkpoint {
            origin: Origin::of(&design, &[]),
            build: this_build().to_owned(),
            cycle: machine.cycle(),
            snapshot: std::sync::Arc::new(machine.snapshot().unwrap()),
        };
        assert_eq!(
            Checkpoint::decode(&checkpoint.encode()).unwrap(),
            checkpoint
        );
        checkpoint.encode()
    })
}

#[test]
fn every_byte_counts() {
    let whole = whole();
    for at in 0..whole.len() {
        let mut bytes = whole.to_vec();
        bytes[at] ^= 1 << (at % 8);
        assert!(Checkpoint::decode(&bytes).is_err(), "byte {at} flipped");
        assert!(
            Checkpoint::decode(&whole[..at]).is_err(),
            "cut at byte {at}"
        );
    }
}

proptest! {
    #[test]
    fn whatever_is_written_over_it_is_seen(at in 0..whole().len(), other: Vec<u8>) {
        let mut bytes = whole().to_vec();
        let end = (at + other.len()).min(bytes.len());
        bytes[at..end].copy_from_slice(&other[..end - at]);
        let decoded = Checkpoint::decode(&bytes);
        prop_assert_eq!(decoded.is_ok(), bytes == whole());
    }

    #[test]
    fn whatever_is_read_is_no_panic(bytes: Vec<u8>) {
        prop_assert!(Checkpoint::decode(&bytes).is_err());
    }
}
