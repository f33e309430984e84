//! `tina-hw replay`: waves of a run that is over.

use super::arguments::ReplayArguments;
use super::failure::Failure;
use super::input;
use super::outside::{OutsideReplay, of_folder};
use super::resume::{Builds, any, folder_of, nearest};
use super::terminal::{Guest, Terminal, complain, print};
use crate::run::{RunOptions, execute, thousands};
use tina_engine::{Catalogue, HostOptions, Limits, Outcome};

pub(super) fn replay(arguments: &ReplayArguments, catalogue: &Catalogue) -> Result<u8, Failure> {
    let folder = folder_of(&arguments.folder);
    let window = arguments.window.clone();
    let known = any(&folder)?;
    let origin = &known.origin;
    let design = input::design_of(origin, catalogue)?;
    // A window before the first checkpoint is reached from cycle 0.
    let builds = Builds::of(arguments.any_build);
    let start = nearest(&folder, origin, window.start, builds).ok();
    let outside = OutsideReplay {
        folder: &arguments.folder,
        journal_in: arguments.journal_in.as_deref(),
        builds,
    };
    let checkpoint = start.as_ref().map(|(checkpoint, _)| checkpoint);
    let journal = of_folder(&outside, &known, checkpoint)?;
    let from = match &start {
        Some((checkpoint, path)) => {
            format!(
                "from cycle {} of {}",
                thousands(checkpoint.cycle),
                path.display()
            )
        }
        None => {
            "from cycle 0: no checkpoint before the window is whole and of this build".to_owned()
        }
    };
    if !arguments.quiet {
        complain(&format!("replayed {from}"));
    }
    let limits = Limits {
        cycles: (window.end < u64::MAX).then_some(window.end),
        max_cycles: if window.end < u64::MAX {
            None
        } else {
            design.run.cycles.or(design.run.max_cycles)
        },
    };
    if limits.cycles.or(limits.max_cycles).is_none() {
        return Err(Failure::input(
            "the window has no end, and nor has the netlist: write it A..B",
        ));
    }
    let options = RunOptions {
        shard_count: arguments.shards,
        host: HostOptions {
            thread_count: arguments.threads,
            pin: true,
            join: true,
            ..HostOptions::default()
        },
        limits,
        start: start.map(|(checkpoint, _)| checkpoint.snapshot),
        journal: journal.clone(),
        trace: Some(arguments.order()),
        ..RunOptions::default()
    };
    let mut terminal = Terminal::new(Guest::Nowhere, !arguments.quiet, &limits)?;
    let report = execute(&design, catalogue, &options, &mut terminal)?;
    terminal.finish()?;
    match &report.trace {
        Some(Err(reason)) => {
            return Err(Failure::input(format_args!("the trace failed: {reason}")));
        }
        Some(Ok(written)) if !arguments.quiet => print(&format!("{written}\n"))?,
        Some(Ok(_)) | None => {}
    }
    if report.cycles <= window.start {
        return Err(Failure::input(format_args!(
            "the run ended after {} cycles, before the window",
            thousands(report.cycles)
        )));
    }
    // Whatever ended the run within the window, its waves are what was asked for.
    let end = journal.and_then(|journal| journal.end);
    let as_recorded = end.is_some_and(|end| end.interrupted && end.cycle == report.cycles);
    Ok(match report.outcome {
        Outcome::Interrupted if !as_recorded => report.exit_code(),
        _ => 0,
    })
}
