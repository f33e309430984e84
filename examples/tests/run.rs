//! Every example runs and prints what it always printed.

use std::process::{Command, Output};

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .output()
        .expect("an example can be started")
}

/// Runs an example without arguments and compares all that it prints.
fn check(program: &str, expected: &str) {
    let output = run(program, &[]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        expected.trim()
    );
    assert_eq!(errors, "");
}

#[test]
fn first_module() {
    check(
        env!("CARGO_BIN_EXE_first_module"),
        r"
exit code 0
count 10
check 88
",
    );
}

#[test]
fn back_pressure() {
    check(
        env!("CARGO_BIN_EXE_back_pressure"),
        r"
depth latency   sent  taken  of 1000 cycles
    2       1   1000    991
    1       1    508    496
    2       3    344    330
    6       3   1000    989
",
    );
}

#[test]
fn two_clocks() {
    check(
        env!("CARGO_BIN_EXE_two_clocks"),
        r"
300 fast cycles, 100 slow ones
    slow_to_fast: 100 items
    fast_to_slow: 99 items
3000 fast cycles, 1000 slow ones
    slow_to_fast: 1000 items
    fast_to_slow: 999 items
3000000 fast cycles, 1000000 slow ones
    slow_to_fast: 1000000 items
    fast_to_slow: 999999 items
",
    );
}

#[test]
fn keyed_randomness() {
    check(
        env!("CARGO_BIN_EXE_keyed_randomness"),
        r"
       one die: 956 throws, 3334 points
   among eight: 956 throws, 3334 points
on four shards: 956 throws, 3334 points
  another seed: 997 throws, 3527 points
",
    );
}

#[test]
fn drive_from_rust() {
    check(
        env!("CARGO_BIN_EXE_drive_from_rust"),
        r"
100 cycles, 87 items (shards: 1)
1000 cycles, 987 items (shards: 1)
100 cycles, 87 items (shards: 2)
1000 cycles, 987 items (shards: 2)
10 epochs, same digests: true
",
    );
}

/// The kind of the example is known to every command.
#[test]
fn own_catalogue() {
    let program = env!("CARGO_BIN_EXE_own_catalogue");
    let netlist = concat!(env!("CARGO_MANIFEST_DIR"), "/own_catalogue.ron");
    for (arguments, expected) in [
        (
            &["list", "example.histogram"][..],
            "counts items by remainder",
        ),
        (
            &["run", netlist],
            "`histogram` said exit code 0 in cycle 1,002",
        ),
        (
            &["run", netlist, "--set", "items=10", "--shards", "2"],
            "fullest",
        ),
        (&["verify", netlist, "--shards", "1,2,3"], "equal"),
    ] {
        let output = run(program, arguments);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        assert!(printed.contains(expected), "{arguments:?}: {printed}");
    }
    let wrong = run(program, &["run", netlist, "--set", "item=10"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&wrong.stderr).contains("items"),
        "{wrong:?}"
    );
}

#[test]
fn crashing_workers() {
    check(
        env!("CARGO_BIN_EXE_crashing_workers"),
        r"
jobs done 999, sum of squares 332833500
jobs tried again 10
workers started again 10
shut down, forced: false
",
    );
}

#[test]
fn parallel_picture() {
    check(
        env!("CARGO_BIN_EXE_parallel_picture"),
        r"
480 rows, 480 as they were one by one
points that stay: 60587, one by one 60587
",
    );
}

#[test]
fn echo_server() {
    check(
        env!("CARGO_BIN_EXE_echo_server"),
        r"
200 connections, 3293 echoes
67 isolates crashed; 2 descriptors and 0 buffers left
shut down
",
    );
}

#[test]
fn http_server() {
    check(
        env!("CARGO_BIN_EXE_http_server"),
        r"
GET /hello/you: HTTP/1.1 200 OK: Hello you!
POST /counter: HTTP/1.1 200 OK: 1
POST /counter: HTTP/1.1 200 OK: 2
GET /panic: HTTP/1.1 500 Internal Server Error: 500 Internal Server Error
GET /counter: HTTP/1.1 200 OK: 2
shut down
",
    );
}
