//! The outside world: clients of a UART over TCP, journals of what they said, and the same digest ever after.
#![forbid(unsafe_code)]

mod common;

use common::{folder, tina};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;
use tina_engine::Observer;
use tina_sim::journal::{End, Journal, JournalFile};

/// What comes in goes out again; nothing else ever happens.
const ECHO: &str = r#"// A wire from the host to the host.
Netlist(
    name: "echo",
    instances: { "host": (kind: "io.host", params: (receive_bytes: 16)) },
    wires: [Wire(from: "host.out", to: "host.in", depth: 2)],
    results: { "received": Sum("host.received"), "check": Xor("host.check") },
)
"#;

/// What comes in on the left goes out on the right.
const THROUGH: &str = r#"// A wire between two ports.
Netlist(
    name: "through",
    instances: {
        "left": (kind: "io.host", params: (receive_bytes: 4096)),
        "right": (kind: "io.host"),
    },
    wires: [Wire(from: "left.out", to: "right.in", depth: 2)],
    results: { "received": Sum("left.received") },
)
"#;

/// Two ports that nobody is at, and a source that is none.
const SEVERAL: &str = r#"// Three sorts of instances.
Netlist(
    name: "several",
    instances: {
        "left": (kind: "io.host"),
        "right": (kind: "io.host"),
        "source": (kind: "flow.source"),
        "sink": (kind: "flow.sink", params: (limit: 10)),
    },
    wires: [
        Wire(from: "source.out", to: "sink.in"),
        Wire(from: "left.out", to: "right.in"),
        Wire(from: "right.out", to: "left.in"),
    ],
    results: { "count": Sum("sink.count") },
)
"#;

fn shipped(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../netlists");
    root.join(name).display().to_string()
}

fn calculator() -> String {
    let program = shipped("programs/calculator.elf");
    format!("{} --program {program}", shipped("cpu1.ron"))
}

/// A run that waits for clients.
struct Run {
    child: Child,
    said: BufReader<ChildStderr>,
    addresses: Vec<SocketAddr>,
}

impl Run {
    /// Starts a run with so many UARTs and live pages at ports that the host chooses.
    fn start(folder: &Path, arguments: &str, places: usize) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tina-hw"))
            .args(arguments.split_whitespace())
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut addresses = Vec::new();
        while addresses.len() < places {
            let mut line = String::new();
            assert!(
                said.read_line(&mut line).unwrap() > 0,
                "it ended: {arguments}"
            );
            if line.starts_with("uart ") || line.starts_with("live at ") {
                let (_, address) = line.trim().rsplit_once(' ').unwrap();
                let address = address.trim_start_matches("http://").trim_end_matches('/');
                addresses.push(address.parse().unwrap());
            }
        }
        Self {
            child,
            said,
            addresses,
        }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addresses[0]).unwrap()
    }

    fn interrupt(&self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Standard output, standard error, exit code.
    fn end(mut self) -> (String, String, i32) {
        let (mut out, mut err) = (String::new(), String::new());
        let mut printed = self.child.stdout.take().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| printed.read_to_string(&mut out).unwrap());
            self.said.read_to_string(&mut err).unwrap();
        });
        let status = self.child.wait().unwrap();
        (out, err, status.code().expect("it ends by itself"))
    }
}

impl Drop for Run {
    /// Of a test that failed, nothing runs on.
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// What a run prints as its digest.
fn digest(out: &str) -> &str {
    let mut lines = out.lines();
    lines
        .find(|line| line.starts_with("digest"))
        .unwrap_or_default()
}

/// Types a line and waits for the prompt after the answer.
fn ask(client: &mut TcpStream, line: &str) -> String {
    client.write_all(line.as_bytes()).unwrap();
    read_until(client, "> ")
}

fn read_until(client: &mut TcpStream, end: &str) -> String {
    let mut heard = Vec::new();
    while !heard.ends_with(end.as_bytes()) {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        heard.push(byte[0]);
    }
    String::from_utf8(heard).unwrap()
}

/// Talks with the calculator until it ends.
fn talk(run: Run) -> (String, String, i32) {
    let mut client = run.connect();
    // The greeting may have come before the client, and was dropped then.
    client.write_all(b"12 * -3\n").unwrap();
    let answer = read_until(&mut client, "= -36\n> ");
    assert!(answer.ends_with("12 * -3\n= -36\n> "), "{answer}");
    assert_eq!(ask(&mut client, "7/2+1\n"), "7/2+1\n= 4\n> ");
    assert_eq!(ask(&mut client, "1/0\n"), "1/0\ndivision by zero\n> ");
    client.write_all(b"quit\n").unwrap();
    let mut rest = String::new();
    client.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "quit\nbye\n");
    run.end()
}

#[test]
fn a_talk_is_the_same_again_whatever_it_is_run_on() {
    let folder = folder("bridge_talk", &[]);
    let _ = fs::remove_dir_all(folder.join("saved"));
    let machine = calculator();
    let live = "--uart tcp:127.0.0.1:0 --journal-out talk.journal --checkpoint-dir saved";
    let live = format!("{live} --checkpoint-every 20000 --checkpoint-keep 40");
    let arguments = format!("run {machine} {live} --shards 2");
    let run = Run::start(&folder, &arguments, 1);
    let (out, err, code) = talk(run);
    assert_eq!(code, 0, "{err}");
    let expected = digest(&out);
    for how in [
        "--shards 1",
        "--shards 2",
        "--shards 3 --threads 1",
        "--no-sleep",
        "--shards 3 --trace talk.vcd --trace-window 0..2000",
        "--stalls --verify",
        "--shards auto",
    ] {
        let (out, err, code) = tina(
            &folder,
            &format!("run {machine} --journal-in talk.journal {how}"),
        );
        assert_eq!((digest(&out), code), (expected, 0), "{how}: {err}");
        assert!(out.contains("= -36\n"), "{how}: {out}");
    }
    let mut saved: Vec<PathBuf> = fs::read_dir(folder.join("saved"))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect();
    saved.sort();
    // Whatever part of the talk was over.
    for path in [saved.first(), saved.get(saved.len() / 2), saved.last()]
        .into_iter()
        .flatten()
    {
        let path = path.display();
        let (out, err, code) = tina(
            &folder,
            &format!("run {machine} --journal-in talk.journal --resume {path} --shards 3"),
        );
        assert_eq!((digest(&out), code), (expected, 0), "{path}: {err}");
    }
}

#[test]
fn a_machine_that_sleeps_waits_for_the_host() {
    let folder = folder("bridge_echo", &[("echo.ron", ECHO)]);
    let live = "--uart tcp:127.0.0.1:0 --journal-out echo.journal";
    let run = Run::start(&folder, &format!("run echo.ron {live} --shards 2"), 1);
    let mut client = run.connect();
    // More than all buffers on the way hold: the client is held back, and nothing is lost.
    let sent: Vec<u8> = (0..300_000u32)
        .map(|n| b' ' + ((n * 7 + n / 251) % 95) as u8)
        .collect();
    let mut reader = client.try_clone().unwrap();
    let mut heard = vec![0; sent.len()];
    std::thread::scope(|scope| {
        scope.spawn(|| client.write_all(&sent).unwrap());
        reader.read_exact(&mut heard).unwrap();
    });
    assert!(heard == sent, "bytes were lost or changed places");
    // While one talks, a second is turned away; afterwards it is welcome.
    let mut second = run.connect();
    assert_eq!(second.read(&mut [0]).unwrap_or(0), 0);
    assert_eq!(ask(&mut client, "one> "), "one> ");
    drop(client);
    drop(reader);
    let mut third = loop {
        let mut client = run.connect();
        let mut byte = [0];
        // Until the host has seen that the first is gone.
        if client.write_all(b"x").is_ok() && client.read(&mut byte).is_ok_and(|count| count == 1) {
            break client;
        }
    };
    assert_eq!(ask(&mut third, "three> "), "three> ");
    // Who has said all may still listen.
    third.write_all(b"last").unwrap();
    third.shutdown(Shutdown::Write).unwrap();
    let mut last = [0; 4];
    third.read_exact(&mut last).unwrap();
    assert_eq!(&last, b"last");
    run.interrupt();
    let (out, err, code) = run.end();
    assert_eq!(code, 130, "{err}");
    for how in ["--shards 1", "--shards 2 --no-sleep"] {
        let arguments = format!("run echo.ron --journal-in echo.journal {how}");
        let (again, err, code) = tina(&folder, &arguments);
        // The run was interrupted there, so it is again.
        assert_eq!((digest(&again), code), (digest(&out), 130), "{how}: {err}");
    }
}

#[test]
fn who_comes_after_one_that_never_read_is_served() {
    let folder = folder("bridge_next", &[("through.ron", THROUGH)]);
    let live = "--uart left=tcp:127.0.0.1:0 --uart right=tcp:127.0.0.1:0";
    let run = Run::start(&folder, &format!("run through.ron {live}"), 2);
    let mut feeder = run.connect();
    // It says nothing, and hears nothing either.
    let deaf = TcpStream::connect(run.addresses[1]).unwrap();
    deaf.shutdown(Shutdown::Write).unwrap();
    // Until all buffers on the way are full.
    let patience = Some(Duration::from_millis(1500));
    feeder.set_write_timeout(patience).unwrap();
    while feeder.write(&[b'.'; 4096]).is_ok() {}
    let mut next = TcpStream::connect(run.addresses[1]).unwrap();
    let mut heard = vec![0; 100_000];
    next.read_exact(&mut heard).unwrap();
    run.interrupt();
    assert_eq!(run.end().2, 130);
}

#[test]
fn a_run_that_was_interrupted_goes_on_with_its_journal() {
    let folder = folder("bridge_resume", &[("echo.ron", ECHO)]);
    let _ = fs::remove_dir_all(folder.join("run"));
    let live = "--uart tcp:127.0.0.1:0 --out run";
    let run = Run::start(
        &folder,
        &format!("run echo.ron {live} --checkpoint-every 1"),
        1,
    );
    assert_eq!(ask(&mut run.connect(), "before> "), "before> ");
    run.interrupt();
    let (_, err, code) = run.end();
    assert_eq!(code, 130, "{err}");

    let run = Run::start(&folder, &format!("run echo.ron {live} --resume run"), 1);
    assert_eq!(ask(&mut run.connect(), "after> "), "after> ");
    run.interrupt();
    let (out, ..) = run.end();

    // From the beginning, in one go, and from every checkpoint: the same.
    let whole = "run echo.ron --journal-in run/input.journal";
    let (again, err, code) = tina(&folder, whole);
    assert_eq!((digest(&again), code), (digest(&out), 130), "{err}");
    assert!(again.contains("before> after> "), "{again}");
    let (again, err, _) = tina(&folder, &format!("{whole} --resume run --shards 2"));
    assert_eq!(digest(&again), digest(&out), "{err}");

    // Waves of what was said, from the nearest checkpoint, with the journal of the folder.
    let replay = "replay run --window 0..6000 --trace said.vcd";
    let (_, err, code) = tina(&folder, replay);
    assert_eq!(code, 0, "{err}");
    let whole = format!("{whole} --trace whole.vcd --trace-window 0..6000");
    assert_eq!(tina(&folder, &whole).2, 130);
    let waves = |name| fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(waves("said.vcd"), waves("whole.vcd"));

    // A checkpoint of which something came in is of no use without the journal.
    fs::rename(folder.join("run/input.journal"), folder.join("kept")).unwrap();
    assert_eq!(
        tina(&folder, replay).1,
        "error: something came into the run from outside: give its journal with --journal-in\n"
    );
    let (_, err, code) = tina(&folder, &format!("{replay} --journal-in kept"));
    assert_eq!(code, 0, "{err}");
    let (_, err, _) = tina(&folder, "run echo.ron --resume run --cycles 100000000");
    assert!(err.contains("note: from here on nothing comes in"), "{err}");
}

/// What a command refuses, and in which words.
fn refusal(folder: &Path, arguments: &str) -> String {
    let (out, err, code) = tina(folder, arguments);
    assert_eq!((out.as_str(), code), ("", 2), "{arguments}: {err}");
    err
}

#[test]
fn what_cannot_be_joined_is_refused_in_words() {
    let files = [("several.ron", SEVERAL), ("echo.ron", ECHO)];
    let folder = folder("bridge_errors", &files);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let systolic = shipped("w3_systolic.ron");
    for (arguments, expected) in [
        (
            format!("run {systolic} --uart tcp:127.0.0.1:0"),
            "error: `w3_systolic` has no UART: none of its instances takes bytes from outside, as those of \
             the kinds `riscv.console` and `io.host` do\n"
                .to_owned(),
        ),
        (
            "run several.ron --uart tcp:127.0.0.1:0".to_owned(),
            "error: there are 2 UARTs: say which is meant, as in --uart left=tcp:127.0.0.1:5555; they are \
             `left`, `right`\n"
                .to_owned(),
        ),
        (
            "run several.ron --uart lift=tcp:127.0.0.1:0".to_owned(),
            "error: there is no UART `lift`; did you mean `left`?\n".to_owned(),
        ),
        (
            "run several.ron --uart source=tcp:127.0.0.1:0".to_owned(),
            "error: `source` is a `flow.source`, which takes no bytes from outside\n".to_owned(),
        ),
        (
            "run several.ron --uart left=tcp:127.0.0.1:0 --uart left=tcp:127.0.0.1:0".to_owned(),
            "error: `left` leads to two places; a UART has one line\n".to_owned(),
        ),
        (
            format!("run echo.ron --uart tcp:{taken}"),
            format!("error: cannot listen at {taken}: Address already in use (os error 98)\n"),
        ),
        (
            "run echo.ron --uart tcp:127.0.0.1:0 --verify".to_owned(),
            "error: --verify runs it again, with what came in from outside: give it --journal-out\n"
                .to_owned(),
        ),
        (
            "run echo.ron --any-build".to_owned(),
            "error: --any-build is for a checkpoint or a journal: give it --resume or --journal-in\n"
                .to_owned(),
        ),
        (
            "run echo.ron --journal-in nowhere".to_owned(),
            "error: nowhere cannot be read: No such file or directory (os error 2)\n".to_owned(),
        ),
        (
            "run echo.ron --journal-in echo.ron".to_owned(),
            "error: echo.ron is no journal\n".to_owned(),
        ),
    ] {
        let err = refusal(&folder, &arguments);
        assert!(err.ends_with(&expected), "{arguments}: {err}");
    }
    for (arguments, expected) in [
        ("--uart mars", "it is written tcp:ADDRESS:PORT"),
        ("--journal-out j", "--uart"),
        (
            "--journal-in j --uart tcp:127.0.0.1:0",
            "cannot be used with",
        ),
    ] {
        let err = refusal(&folder, &format!("run echo.ron {arguments}"));
        assert!(err.contains(expected), "{arguments}: {err}");
    }
}

#[test]
fn a_journal_that_is_not_the_whole_truth_is_refused() {
    let folder = folder("bridge_journals", &[("echo.ron", ECHO)]);
    let live = "--uart tcp:127.0.0.1:0 --journal-out said";
    let run = Run::start(&folder, &format!("run echo.ron {live}"), 1);
    assert_eq!(ask(&mut run.connect(), "a word> "), "a word> ");
    run.interrupt();
    run.end();
    let said = fs::read(folder.join("said")).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    write("cut", &said[..said.len() - 5]);
    let mut flipped = said.clone();
    let middle = said.len() - 60;
    flipped[middle] ^= 4;
    write("flipped", &flipped);
    let refusal = |arguments: &str| refusal(&folder, &format!("run echo.ron {arguments}"));
    let cut = refusal("--journal-in cut");
    assert!(cut.starts_with("error: cut is truncated: it has "), "{cut}");
    let flipped = refusal("--journal-in flipped");
    assert!(
        flipped.starts_with("error: flipped is corrupt: "),
        "{flipped}"
    );
    assert_eq!(
        refusal("--journal-in said --seed 1"),
        "error: said is of another machine: it was made with seed 0, not 1\n"
    );
    // What is there of it can be had all the same; then nothing comes any more, and nothing ever happens.
    let partial = "run echo.ron --journal-in cut --journal-partial";
    let (out, err, code) = tina(&folder, partial);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("a word> "), "{out}");
}

#[test]
fn a_run_that_ends_elsewhere_than_its_journal_is_another_run() {
    let folder = folder("bridge_ends", &[("echo.ron", ECHO)]);
    let live = "run echo.ron --uart tcp:127.0.0.1:0 --journal-out said";
    let run = Run::start(&folder, live, 1);
    assert_eq!(ask(&mut run.connect(), "a word> "), "a word> ");
    run.interrupt();
    assert_eq!(run.end().2, 130);
    let said = Journal::read(&folder.join("said")).unwrap();
    let write = |name: &str, end: End| {
        let mut nobody = ();
        let path = folder.join(name);
        let file = JournalFile::create(&path, &said.origin, said.base, &mut nobody);
        let mut file = file.unwrap();
        for input in &said.inputs {
            file.input(input.cycle, input.instance, &input.bytes);
        }
        file.finish(end).unwrap();
    };
    let end = said.end.unwrap();
    let interrupted = false;
    let (later, sooner) = (end.cycle + 1024, end.cycle - 1);
    for (name, cycle) in [("later", later), ("sooner", sooner)] {
        write(
            name,
            End {
                cycle,
                interrupted,
                ..end
            },
        );
        let again = format!("run echo.ron --any-build --journal-in {name}");
        let (out, err, code) = tina(&folder, &again);
        assert_eq!(code, 6, "{name}: {out}{err}");
        assert!(err.contains("error: it ended after "), "{name}: {err}");
        // Who asks for less gets less.
        let (_, err, code) = tina(&folder, &format!("{again} --cycles 1"));
        assert_eq!(code, 0, "{name}: {err}");
    }
}

#[test]
fn a_folder_holds_the_journal_of_its_own_run() {
    let folder = folder("bridge_folder", &[("echo.ron", ECHO)]);
    for name in ["live", "left", "right"] {
        let _ = fs::remove_dir_all(folder.join(name));
    }
    let live = "run echo.ron --uart tcp:127.0.0.1:0 --journal-out said --out live";
    let run = Run::start(&folder, live, 1);
    assert_eq!(ask(&mut run.connect(), "a word> "), "a word> ");
    run.interrupt();
    assert_eq!(run.end().2, 130);
    let bytes = |name: &str| fs::read(folder.join(name)).unwrap();
    assert!(bytes("said") == bytes("live/input.journal"));

    // Two that part at the second word, written down without an end.
    let said = Journal::read(&folder.join("said")).unwrap();
    let write = |name: &str, words: [&[u8]; 2]| {
        let mut nobody = ();
        let path = folder.join(name);
        let file = JournalFile::create(&path, &said.origin, said.base, &mut nobody);
        let mut file = file.unwrap();
        for (cycle, word) in [0, 8192].into_iter().zip(words) {
            file.input(cycle, said.inputs[0].instance, word);
        }
    };
    for (name, word) in [("left", b"on"), ("right", b"in")] {
        write("words", [b"come ", word]);
        let how = "--any-build --journal-partial --journal-in words --checkpoint-every 1";
        let (_, err, code) = tina(&folder, &format!("run echo.ron {how} --out {name}"));
        assert_eq!(code, 0, "{err}");
        assert!(bytes("words") == bytes(&format!("{name}/input.journal")));
    }
    let (_, err, code) = tina(&folder, "diff left right");
    assert_eq!(code, 6, "{err}");
    assert!(err.contains("differ first in cycle 8192 on wire"), "{err}");
    let kept = folder.join("right/input.journal");
    fs::remove_file(&kept).unwrap();
    let err = refusal(&folder, "diff left right");
    assert!(err.contains("its journal is missing"), "{err}");
    write("right/input.journal", [b"came ", b"in"]);
    let err = refusal(&folder, "diff left right");
    assert!(err.contains("is of another run"), "{err}");
    write("right/input.journal", [b"come ", &[b'.'; 100]]);
    let err = refusal(&folder, "diff left right");
    assert!(err.contains("the journal does not fit: `host`"), "{err}");

    // Where nothing comes in there is no journal, whatever lay there.
    let (_, err, code) = tina(&folder, "run echo.ron --out live");
    assert_eq!(code, 0, "{err}");
    assert!(!folder.join("live/input.journal").exists());
}

#[test]
fn the_report_does_not_need_the_journal() {
    let folder = folder("bridge_null", &[("echo.ron", ECHO)]);
    let live = "run echo.ron --uart tcp:127.0.0.1:0 --journal-out /dev/null";
    let run = Run::start(&folder, live, 1);
    assert_eq!(ask(&mut run.connect(), "a word> "), "a word> ");
    run.interrupt();
    let (out, err, code) = run.end();
    assert_eq!(code, 130, "{err}");
    assert!(digest(&out).starts_with("digest"), "{out}");
}

#[test]
fn two_talks_part_where_another_word_was_said() {
    let folder = folder("bridge_diff", &[("echo.ron", ECHO)]);
    for (name, word) in [("one", "a word> "), ("two", "a ward> ")] {
        let live = format!("run echo.ron --uart tcp:127.0.0.1:0 --out {name}");
        let run = Run::start(&folder, &live, 1);
        assert_eq!(ask(&mut run.connect(), word), word);
        run.interrupt();
        assert_eq!(run.end().2, 130);
    }
    let (_, err, code) = tina(&folder, "diff one two");
    assert_eq!(code, 6, "{err}");
    assert!(err.contains("host.out"), "{err}");
    let (out, err, code) = tina(&folder, "diff one one");
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("equal in every epoch"), "{out}");
}

/// What a server answers to a request: head and body.
fn get(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[test]
fn a_running_machine_can_be_looked_at_and_does_not_mind() {
    let folder = folder("bridge_live", &[]);
    let mesh = format!("run {} --set k=4", shipped("w2_mesh.ron"));
    let live = format!("{mesh} --cycles 1000000000 --http 127.0.0.1:0 --shards 2");
    let run = Run::start(&folder, &live, 1);
    let address = run.addresses[0];
    let cycle = |metrics: &str| -> u64 {
        let mut lines = metrics.lines();
        let line = lines.find(|line| line.starts_with("tina_hw_cycles_total "));
        line.unwrap().rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    let (head, page) = get(address, "/");
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(
        page.contains("<svg") && page.contains("latency_sum of sink"),
        "{page}"
    );
    assert!(
        page.contains("<dt>delivered</dt>") && page.ends_with("</html>\n"),
        "{page}"
    );
    let (head, first) = get(address, "/metrics");
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    assert!(first.contains("tina_hw_count_total{instance=\"sink[3][3]\",name=\"delivered\"} "));
    // Each look is of the machine as it is then.
    while cycle(&get(address, "/metrics").1) <= cycle(&first) {}
    let (_, host) = get(address, "/metrics/host");
    assert!(host.contains("tina_turns_total{shard=\"0\"}"), "{host}");
    assert!(get(address, "/nothing").0.starts_with("HTTP/1.1 404 "));
    // Events come by themselves, and the last one says how it ended.
    let mut follower = TcpStream::connect(address).unwrap();
    follower
        .write_all(b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    let told = read_until(&mut follower, "event: progress\ndata: {\"cycle\":");
    assert!(told.contains("content-type: text/event-stream"), "{told}");
    run.interrupt();
    let mut rest = String::new();
    let _ = follower.read_to_string(&mut rest);
    assert!(
        rest.contains("event: end\ndata: {\"story\":\"interrupted\"}"),
        "{rest}"
    );
    let (out, err, code) = run.end();
    assert_eq!(code, 130, "{err}");
    let cycles = out.lines().find(|line| line.starts_with("cycles")).unwrap();
    let cycles: String = cycles.chars().filter(char::is_ascii_digit).collect();
    let (alone, err, _) = tina(&folder, &format!("{mesh} --cycles {cycles}"));
    assert_eq!(digest(&alone), digest(&out), "{err}");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    assert_eq!(
        refusal(&folder, &format!("{mesh} --http {taken}")),
        format!("error: cannot listen at {taken}: Address already in use (os error 98)\n")
    );
    let err = refusal(&folder, &format!("{mesh} --http 8080"));
    assert!(
        err.contains("`8080` has no port: it is written ADDRESS:PORT"),
        "{err}"
    );
}

#[test]
fn a_machine_that_waits_for_the_host_can_be_looked_at() {
    let folder = folder("bridge_live_echo", &[("echo.ron", ECHO)]);
    let run = "run echo.ron --uart tcp:127.0.0.1:0 --http 127.0.0.1:0";
    let run = Run::start(&folder, run, 2);
    assert_eq!(ask(&mut run.connect(), "said> "), "said> ");
    let (_, metrics) = get(run.addresses[1], "/metrics");
    assert!(
        metrics.contains("tina_hw_result{name=\"received\"} 6\n"),
        "{metrics}"
    );
    run.interrupt();
    assert_eq!(run.end().2, 130);
}

#[test]
#[ignore = "needs Chromium; .ci/run runs it"]
fn a_browser_shows_the_machine_while_it_runs() {
    let folder = folder("bridge_browser", &[]);
    let machine = shipped("cpu.ron");
    let live = format!(
        "run {machine} --program {} --cycles 1000000000 --http 127.0.0.1:0",
        shipped("programs/calculator.elf")
    );
    let run = Run::start(&folder, &live, 1);
    let profile = folder.join("profile");
    let _ = fs::remove_dir_all(&profile);
    let browser = std::env::var("TINA_BROWSER").unwrap_or_else(|_| "chromium".to_owned());
    let mut browser = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
        ])
        .args(["--no-first-run", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--remote-debugging-port=0"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("http://{}/", run.addresses[0]))
        .stderr(Stdio::piped())
        .spawn()
        .expect("Chromium is there: apt-get install chromium, or name a browser in TINA_BROWSER");
    // The page, its events, and the page again whenever one came: three times at least.
    let mut own = 0;
    while requests(run.addresses[0]) - own <= 5 {
        own += 1;
        assert!(browser.try_wait().unwrap().is_none(), "the browser ended");
    }
    run.interrupt();
    assert_eq!(run.end().2, 130);
    browser.kill().unwrap();
    let said = browser.wait_with_output().unwrap().stderr;
    let said = String::from_utf8_lossy(&said);
    let complaints = said.lines().filter(|line| line.contains("CONSOLE"));
    // Of a server that is gone it may speak.
    let complaints: Vec<&str> = complaints.filter(|it| !it.contains("net::ERR_")).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
}

/// Requests a server has answered, this one among them or not.
fn requests(address: SocketAddr) -> u64 {
    let (_, metrics) = get(address, "/metrics/host");
    let mut lines = metrics.lines();
    let line = lines.find(|line| line.starts_with("tina_http_requests_total"));
    line.unwrap().rsplit_once(' ').unwrap().1.parse().unwrap()
}
