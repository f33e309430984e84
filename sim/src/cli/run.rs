//! `tina-hw run`.

use super::arguments::RunArguments;
use super::failure::{DIGESTS_DIFFER, Failure, INTERRUPTED};
use super::input;
use super::terminal::{Guest, Terminal, complain, print};
use crate::design::Design;
use crate::run::{RunOptions, RunReport, Variant, describe, execute};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tina_engine::{Catalogue, HostOptions, Limits, Outcome};

pub(super) fn run(arguments: &RunArguments, catalogue: &Catalogue) -> Result<u8, Failure> {
    let design = input::design(&arguments.input, catalogue)?;
    let limits = arguments.limits.limits(&design);
    note_empty_shards(&design, arguments);
    let host = HostOptions {
        thread_count: arguments.threads,
        no_sleep: arguments.no_sleep,
        pin: true,
        join: true,
    };
    let options = RunOptions {
        shard_count: arguments.shards,
        host,
        limits,
    };
    let guest = if arguments.json {
        Guest::StandardError
    } else {
        Guest::StandardOutput
    };
    let with_bar = !arguments.quiet && !arguments.json;
    let mut terminal = Terminal::new(guest, with_bar, &limits)?;
    let report = execute(&design, catalogue, &options, &mut terminal)?;
    terminal.finish()?;

    tell_the_story(&report, &design, catalogue);
    if arguments.json {
        print(&format!("{:#}\n", report.to_json()))?;
    } else if !arguments.quiet {
        print(&report.text(&design, catalogue))?;
    }
    // After the report, which must not be lost with a file that cannot be written.
    if let Some(path) = &arguments.stats {
        write_json(path, &report.to_stats_json(&design, catalogue))?;
    }
    if arguments.verify && report.outcome != Outcome::Interrupted {
        let code = verify(arguments, &design, catalogue, &limits)?;
        if code != 0 {
            return Ok(code);
        }
    }
    Ok(report.exit_code())
}

/// More shards than instances works; it is only of no use.
fn note_empty_shards(design: &Design, arguments: &RunArguments) {
    let instance_count = design.blueprint.instances.len();
    if arguments.shards > instance_count && !arguments.quiet {
        complain(&format!(
            "note: {} shards for {instance_count} instance{}: {} shards stay empty",
            arguments.shards,
            if instance_count == 1 { "" } else { "s" },
            arguments.shards - instance_count,
        ));
    }
}

/// What went wrong, for people, even where nothing else is printed.
fn tell_the_story(report: &RunReport, design: &Design, catalogue: &Catalogue) {
    match &report.outcome {
        Outcome::Deadlock(_) | Outcome::Faulted(_) | Outcome::Finished { code: 1.., .. } => {
            complain(&format!(
                "error: {}",
                describe(&report.outcome, &design.blueprint, catalogue)
            ));
        }
        Outcome::LimitReached => complain(&format!(
            "error: the limit of {} cycles was reached before anything ended the run",
            report.cycles
        )),
        Outcome::Interrupted => complain("interrupted"),
        Outcome::Finished { code: 0, .. } | Outcome::CyclesDone | Outcome::Drained { .. } => {}
    }
}

fn write_json(path: &Path, value: &Value) -> Result<(), Failure> {
    fs::write(path, format!("{value:#}\n")).map_err(|error| Failure::file("write", path, &error))
}

/// The same run and a reference at another shard count, digests compared.
fn verify(
    arguments: &RunArguments,
    design: &Design,
    catalogue: &Catalogue,
    limits: &Limits,
) -> Result<u8, Failure> {
    let variant = Variant {
        shard_count: arguments.shards,
        thread_count: arguments.threads,
        no_sleep: arguments.no_sleep,
    };
    let other_count = if arguments.shards == 1 { 2 } else { 1 };
    let reference = Variant {
        shard_count: other_count,
        thread_count: None,
        no_sleep: false,
    };
    let mut terminal = Terminal::new(Guest::Nowhere, !arguments.quiet && !arguments.json, limits)?;
    let variants = [variant, reference];
    let verification = crate::run::verify(design, catalogue, &variants, limits, &mut terminal)?;
    terminal.finish()?;
    if verification.interrupted {
        return Ok(INTERRUPTED);
    }
    let [variant, reference] = &variants;
    match verification.divergence {
        Some(divergence) => {
            complain(&format!("error: {divergence}"));
            Ok(DIGESTS_DIFFER)
        }
        None => {
            if !arguments.quiet && !arguments.json {
                print(&format!(
                    "{:<12}  {variant} and {reference} are equal in every epoch\n",
                    "verified"
                ))?;
            }
            Ok(0)
        }
    }
}
