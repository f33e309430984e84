//! Counts the instructions of fixed small runs and compares them with the committed counts.
//!
//! `instructions` exits with 1 if a workload takes over three percent more than it did, or fewer: then
//! `instructions --write` commits what was reached. Needs valgrind, and `--release`.
#![forbid(unsafe_code)]

use clap::Parser;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use tina_benches::instructions::{
    CASES, COUNTS, Count, Counts, Judgement, child, compiler, count, judge,
};
use tina_sim::run::thousands;

/// Counts the instructions of fixed small runs and compares them with the committed counts.
#[derive(Parser)]
#[command(name = "instructions")]
struct Options {
    /// Write the counts instead of comparing them
    #[arg(long)]
    write: bool,
    /// Workloads to count
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// What this program does under valgrind: run this workload
    #[arg(long, hide = true, requires = "child_cycles")]
    child: Option<String>,
    #[arg(long, hide = true)]
    child_cycles: Option<u64>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let result = match (&options.child, options.child_cycles) {
        (Some(subject), Some(cycles)) => child(subject, cycles).map(|()| ExitCode::SUCCESS),
        _ => guard(&options),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

fn guard(options: &Options) -> Result<ExitCode, String> {
    if cfg!(debug_assertions) {
        return Err("only a release build is counted: `cargo run --release`".to_owned());
    }
    if !cfg!(target_arch = "x86_64") {
        println!("not judged: the committed counts are of x86-64");
        return Ok(ExitCode::SUCCESS);
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(COUNTS);
    let committed: Option<Counts> = match fs::read_to_string(&file) {
        Ok(text) => {
            Some(serde_json::from_str(&text).map_err(|error| format!("{COUNTS}: {error}"))?)
        }
        Err(_) => None,
    };
    let rustc = compiler();
    if let Some(committed) = &committed
        && committed.rustc != rustc
        && !options.write
    {
        println!(
            "not judged: the counts are of {}, this is {rustc}",
            committed.rustc
        );
        return Ok(ExitCode::SUCCESS);
    }
    let committed = committed.unwrap_or_else(|| Counts {
        rustc: rustc.clone(),
        cases: Vec::new(),
    });
    let mut failed = false;
    let mut cases: Vec<Count> = Vec::new();
    println!(
        "{:<10}{:>16}{:>18}{:>10}",
        "workload", "cycles", "instructions", "a cycle"
    );
    for case in CASES {
        if !options.only.is_empty() && !options.only.iter().any(|name| name == case.subject) {
            let kept = committed
                .cases
                .iter()
                .find(|count| count.subject == case.subject);
            cases.extend(kept.cloned());
            continue;
        }
        let count = count(case)?;
        let (judgement, change) = judge(&count, &committed);
        println!(
            "{:<10}{:>16}{:>18}{:>10.0}  {}",
            count.subject,
            format!("{}-{}", count.from, count.to),
            thousands(count.instructions),
            count.per_cycle(),
            sentence(judgement, change)
        );
        failed |= judgement != Judgement::Same;
        cases.push(count);
    }
    if !options.write {
        return Ok(if failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        });
    }
    let text = serde_json::to_string_pretty(&Counts { rustc, cases })
        .map_err(|error| error.to_string())?;
    if let Some(directory) = file.parent() {
        fs::create_dir_all(directory).map_err(|error| error.to_string())?;
    }
    fs::write(&file, text + "\n").map_err(|error| format!("{COUNTS}: {error}"))?;
    println!("written to {COUNTS}");
    Ok(ExitCode::SUCCESS)
}

fn sentence(judgement: Judgement, change: f64) -> String {
    match judgement {
        Judgement::Unknown => "not committed: run with --write".to_owned(),
        Judgement::Same => format!("{change:+.2} %"),
        Judgement::Faster => format!("{change:+.2} %: faster, run with --write and commit"),
        Judgement::Slower => format!("{change:+.2} %: SLOWER"),
    }
}
