//! Measures tina-hw beside plain loops and other simulators, on the same work, in one run.
//!
//! `compare --help` tells the options. Tables go to standard output, progress to standard error.
//! Exit code 1 if a form of our own gave wrong results or the comparison could not be made.
#![forbid(unsafe_code)]

use clap::Parser;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tina_benches::compare::options::Options;
use tina_benches::compare::report::{Family, Report};
use tina_benches::compare::{chart, readme, rounds, table};

fn main() -> ExitCode {
    match compare(&Options::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(options: &Options) -> Result<ExitCode, String> {
    let root = root();
    if options.readme {
        publish(&root)?;
        return Ok(ExitCode::SUCCESS);
    }
    if options.build {
        let failed = rounds::build(options, &target_directory(), &mut |said| {
            eprintln!("{said}")
        })?;
        failed
            .iter()
            .for_each(|failed| eprintln!("not built: {failed}"));
        return Ok(ExitCode::SUCCESS);
    }
    let report = rounds::run(options, &target_directory(), &mut |said| {
        eprintln!("{said}")
    })?;
    let text = table::text(&report);
    print!("{text}");
    if let Some(file) = &options.text {
        write(file, &text)?;
    }
    if let Some(file) = &options.json {
        write(file, &json(&report)?)?;
    }
    if let Some(file) = &options.svg {
        write(file, &chart::svg(&report))?;
    }
    if options.record {
        write(&root.join(readme::FIGURES), &json(&report)?)?;
        publish(&root)?;
    }
    let mut forms = report.subjects.iter().flat_map(|subject| &subject.forms);
    let ours = |family: Family| matches!(family, Family::Tina | Family::Witness | Family::Loop);
    Ok(
        match forms.find(|form| ours(form.family) && form.error.is_some()) {
            Some(_) => ExitCode::FAILURE,
            None => ExitCode::SUCCESS,
        },
    )
}

/// Makes chart and section of the README from the committed JSON.
fn publish(root: &Path) -> Result<(), String> {
    let report = readme::committed(root)?;
    write(&root.join(readme::CHART), &chart::svg(&report))?;
    readme::rewrite(root, &report)
}

fn json(report: &Report) -> Result<String, String> {
    let text = serde_json::to_string_pretty(report).map_err(|error| error.to_string())?;
    Ok(text + "\n")
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    if let Some(directory) = file.parent() {
        fs::create_dir_all(directory)
            .map_err(|error| format!("{}: {error}", directory.display()))?;
    }
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

/// The root of the repository.
fn root() -> PathBuf {
    let crate_directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_directory
        .parent()
        .unwrap_or(crate_directory)
        .to_owned()
}

/// Where cargo put this program, whose directory is `release` or `debug` of that one.
fn target_directory() -> PathBuf {
    let program = std::env::current_exe().ok();
    let target = program
        .as_deref()
        .and_then(|program| program.ancestors().nth(2));
    target.map_or_else(|| root().join("target"), Path::to_owned)
}
