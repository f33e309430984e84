//! Clients that others have made, where they are installed.

use crate::rig::Rig;
use std::process::Command;

/// What a program says, if it is there.
fn run(rig: &Rig, program: &str, arguments: &[&str]) -> Option<String> {
    let port = rig.address.port().to_string();
    let mut command = Command::new(program);
    let output = command.args(["-p", &port]).args(arguments).output().ok()?;
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// `apt-get install redis-tools` brings both programs.
#[test]
fn redis_cli_and_redis_benchmark_find_what_they_need() {
    let rig = Rig::new(2);
    if run(&rig, "redis-cli", &["ping"]).is_none() {
        println!("skipped: there is no redis-cli here");
        return;
    }
    let cli = |arguments: &[&str]| run(&rig, "redis-cli", arguments).unwrap();
    assert_eq!(cli(&["set", "a", "b c", "ex", "100"]), "OK\n");
    assert_eq!(cli(&["mget", "a", "x"]), "b c\n\n");
    assert_eq!(cli(&["ttl", "a"]), "100\n");
    assert_eq!(cli(&["--scan"]), "a\n");
    assert_eq!(
        cli(&["incr", "a"]).trim(),
        "ERR value is not an integer or out of range"
    );
    assert!(cli(&["info"]).contains("server_name:tina-kv"));
    let speed = [
        "-q",
        "-n",
        "300",
        "-c",
        "5",
        "-r",
        "100",
        "-P",
        "4",
        "-t",
        "ping,set,get,incr,mset",
    ];
    let report = run(&rig, "redis-benchmark", &speed).unwrap();
    assert_eq!(report.matches("requests per second").count(), 6, "{report}");
    assert!(!report.contains("ERR"), "{report}");
    rig.end();
}
