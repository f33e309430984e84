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
use tina_sim::checkpoint::{Checkpoint, list};
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
        "error: newer is of format 9, of a newer tina-hw; this one reads format 1\n"
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
