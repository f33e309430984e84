//! `tina-hw run`.

use super::arguments::{RunArguments, Shards};
use super::failure::{DIGESTS_DIFFER, Failure, INTERRUPTED};
use super::input;
use super::terminal::{Guest, Terminal, complain, print};
use crate::design::Design;
use crate::run::{RunOptions, RunReport, Variant, describe, execute};
use std::fs;
use std::path::Path;
use tina_engine::{Catalogue, HostOptions, Limits, Outcome};

pub(super) fn run(arguments: &RunArguments, catalogue: &Catalogue) -> Result<u8, Failure> {
    let design = if arguments.quiet {
        input::design_in_silence(&arguments.input, catalogue)?
    } else {
        input::design(&arguments.input, catalogue)?
    };
    let limits = arguments.limits.limits(&design);
    let profile = input::profile(arguments.profile_in.as_deref(), &design, catalogue)?;
    let shard_count = arguments.shards.most(arguments.threads);
    let auto = arguments.shards == Shards::Auto;
    if !auto && !arguments.quiet {
        note_empty_shards(&design, shard_count);
    }
    let host = HostOptions {
        thread_count: arguments.threads,
        no_sleep: arguments.no_sleep,
        no_vectors: arguments.no_vectors,
        pin: true,
        join: true,
        ..HostOptions::default()
    };
    let options = RunOptions {
        shard_count,
        auto,
        profile,
        measure: arguments.profile_out.is_some(),
        host,
        limits,
        trace: arguments.trace.order(),
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
        let stats = report.to_stats_json(&design, catalogue);
        write(path, &format!("{stats:#}\n"))?;
    }
    if let (Some(path), Some(profile)) = (&arguments.profile_out, &report.profile) {
        write(path, &profile.to_json(&design, catalogue))?;
    }
    if let Some(Err(reason)) = &report.trace {
        return Err(Failure::input(format_args!("the trace failed: {reason}")));
    }
    if arguments.verify && report.outcome != Outcome::Interrupted {
        let code = verify(arguments, &design, catalogue, &limits, &report)?;
        if code != 0 {
            return Ok(code);
        }
    }
    Ok(report.exit_code())
}

/// More shards than instances works; it is only of no use.
fn note_empty_shards(design: &Design, shard_count: usize) {
    let instance_count = design.blueprint.instances.len();
    if shard_count > instance_count {
        complain(&format!(
            "note: {shard_count} shards for {instance_count} instance{}: {} shards stay empty",
            if instance_count == 1 { "" } else { "s" },
            shard_count - instance_count,
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

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| Failure::file("write", path, &error))
}

/// The same run and a reference at another shard count, digests compared.
fn verify(
    arguments: &RunArguments,
    design: &Design,
    catalogue: &Catalogue,
    limits: &Limits,
    report: &RunReport,
) -> Result<u8, Failure> {
    let variant = Variant {
        shard_count: report.host.shard_count,
        thread_count: arguments.threads,
        no_sleep: arguments.no_sleep,
        no_vectors: arguments.no_vectors,
    };
    let other_count = if report.host.shard_count == 1 { 2 } else { 1 };
    let reference = Variant {
        shard_count: other_count,
        thread_count: None,
        no_sleep: false,
        no_vectors: false,
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
