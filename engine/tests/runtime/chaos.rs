//! A small storm of crashes and hardware faults under load, in a process of its own, whose descriptors,
//! threads and memory are counted. `cargo run --release -p tina-benches --bin chaos` is the large one.

#[path = "../../../benches/src/chaos/mod.rs"]
mod storm;

use crate::sealed::unseal;
use std::process::Command;
use storm::{Storm, run};
use tina_engine::io::IoChoice;

/// Set for the process of its own: what serves files and sockets.
const CASE: &str = "TINA_CHAOS_CASE";

/// What the other process does; not a test of its own.
#[test]
fn let_a_storm_pass() {
    let Ok(case) = std::env::var(CASE) else {
        return;
    };
    let report = run(&Storm {
        crashes: 400,
        faults: 60,
        io: match case.as_str() {
            "portable" => IoChoice::Portable,
            _ => IoChoice::Auto,
        },
        before_panic: unseal,
    });
    println!("{report}");
    assert!(report.failures.is_empty(), "{:?}", report.failures);
}

#[test]
fn whoever_has_nothing_to_do_with_crashes_and_faults_never_misses_a_beat() {
    for case in ["auto", "portable"] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "chaos::let_a_storm_pass", "--nocapture"])
            .env(CASE, case)
            .output()
            .unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{case}: {shown}{said}");
        assert!(
            shown.contains("every fault cost one shard, once"),
            "{shown}"
        );
    }
}
