//! `tina-hw run`.

use super::arguments::{RunArguments, Shards};
use super::failure::{DIGESTS_DIFFER, Failure, INTERRUPTED};
use super::input;
use super::outside::{self, Outside, Watched, end_of};
use super::resume::{Builds, latest};
use super::terminal::{Guest, Terminal, complain, print};
use crate::design::Design;
use crate::origin::Origin;
use crate::run::{
    EpochFile, Joined, Keep, Manifest, Onlooker, Phases, RunFolder, RunOptions, RunReport, Variant,
    describe, execute, execute_with, record_flight, thousands, what_if_deeper,
};
use std::fs;
use std::path::Path;
use tina_engine::{Catalogue, HostOptions, Limits, Observer, Outcome};

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
        seeded: arguments.seeded,
        pin: true,
        join: true,
        stalls: arguments.stalls.options(),
        ..HostOptions::default()
    };
    let origin = Origin::of(&design, &arguments.input.set);
    let checkpoints = &arguments.checkpoints;
    let resumed = match &checkpoints.resume {
        Some(path) => Some(latest(
            path,
            &origin,
            &limits,
            Builds::of(checkpoints.any_build),
        )?),
        None => None,
    };
    if let Some((checkpoint, path)) = &resumed
        && !arguments.quiet
    {
        let cycle = thousands(checkpoint.cycle);
        complain(&format!("resumed at cycle {cycle} from {}", path.display()));
    }
    check_any_build(arguments)?;
    let checkpoint = resumed.as_ref().map(|(checkpoint, _)| checkpoint);
    let mut outside = outside::open(arguments, &design, catalogue, &origin, checkpoint)?;
    let resumed_from = resumed.as_ref().map(|(checkpoint, _)| checkpoint.cycle);
    let mut options = RunOptions {
        journal: outside.followed.clone(),
        shard_count,
        auto,
        profile,
        measure: arguments.profile_out.is_some(),
        host,
        limits,
        start: resumed.map(|(checkpoint, _)| checkpoint.snapshot),
        keep: keep(arguments, &origin)?,
        phases: phases(arguments, resumed_from)?,
        trace: arguments.trace.order(),
        series: arguments.out.is_some(),
        timeline: arguments.out.is_some() || arguments.timeline.is_some(),
    };
    let manifest = Manifest::new(&design, origin, command_line(), &limits, resumed_from);
    let report = observed(
        arguments,
        &design,
        catalogue,
        &options,
        (&mut outside, manifest),
    );
    let story = match &report {
        Ok(report) => describe(&report.outcome, &design.blueprint, catalogue),
        Err(failure) => failure.text.clone(),
    };
    outside.close(&story, arguments.quiet);
    let report = report?;

    tell_the_story(&report, &design, catalogue);
    tell_what_was_kept(&report, arguments.quiet);
    if arguments.json {
        print(&format!("{:#}\n", report.to_json()))?;
    } else if !arguments.quiet {
        print(&report.text(&design, catalogue))?;
        if let (Some(rows), Some(stalls)) = (arguments.stalls.stalls, &report.stalls) {
            print(&stalls.text(rows as usize))?;
        }
    }
    // After the report, which must not be lost with a file that cannot be written.
    write_files(arguments, &report, &design, catalogue)?;
    outside.check_written()?;
    outside.check_end(&report)?;
    if is_run_again(arguments, &report) {
        options.journal = outside.journal()?;
    }
    look_back(arguments, &design, catalogue, &options, &report)?;
    if let Some(Err(reason)) = &report.trace {
        return Err(Failure::input(format_args!("the trace failed: {reason}")));
    }
    if arguments.verify && report.outcome != Outcome::Interrupted {
        let code = match &options.journal {
            Some(_) => verify_joined(arguments, &design, catalogue, &options, &report)?,
            None => verify(arguments, &design, catalogue, &limits, &report)?,
        };
        if code != 0 {
            return Ok(code);
        }
    }
    Ok(report.exit_code())
}

fn check_any_build(arguments: &RunArguments) -> Result<(), Failure> {
    let checkpoints = &arguments.checkpoints;
    let has_other = checkpoints.resume.is_some() || arguments.outside.journal_in.is_some();
    if checkpoints.any_build && !has_other {
        return Err(Failure::input(
            "--any-build is for a checkpoint or a journal: give it --resume or --journal-in",
        ));
    }
    Ok(())
}

/// Whether the run, or a part of it, is run once more.
fn is_run_again(arguments: &RunArguments, report: &RunReport) -> bool {
    let aftermath = &arguments.aftermath;
    let ended_badly = matches!(
        report.outcome,
        Outcome::Deadlock(_) | Outcome::Faulted(_) | Outcome::LimitReached
    );
    let is_looked_at =
        aftermath.what_if_depth || aftermath.flight(arguments.out.as_deref()).is_some();
    let is_verified = arguments.verify && report.outcome != Outcome::Interrupted;
    is_verified || (ended_badly && is_looked_at)
}

/// The words of the command, the program's own name first.
fn command_line() -> Vec<String> {
    let words = std::env::args_os();
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}

/// Runs the design before the eyes of whoever sits at the terminal, and keeps its folder.
fn observed(
    arguments: &RunArguments,
    design: &Design,
    catalogue: &Catalogue,
    options: &RunOptions,
    (outside, mut manifest): (&mut Outside, Manifest),
) -> Result<RunReport, Failure> {
    let guest = if arguments.json {
        Guest::StandardError
    } else {
        Guest::StandardOutput
    };
    let with_bar = !arguments.quiet && !arguments.json;
    let mut terminal = Terminal::new(guest, with_bar, &options.limits)?;
    let Some(path) = &arguments.out else {
        let report = joined(
            design,
            catalogue,
            options,
            (outside, &manifest.origin),
            &mut terminal,
        )?;
        terminal.finish()?;
        return Ok(report);
    };
    let folder = RunFolder::new(path);
    let unwritable = |error: &std::io::Error| Failure::file("write to", path, error);
    folder
        .write_manifest(&manifest)
        .map_err(|error| unwritable(&error))?;
    outside.prepare_folder(&folder)?;
    let mut epochs =
        EpochFile::create(&folder.epochs(), &mut terminal).map_err(|error| unwritable(&error))?;
    let report = joined(
        design,
        catalogue,
        options,
        (outside, &manifest.origin),
        &mut epochs,
    )?;
    outside.complete_folder(&folder);
    let written = epochs.finish();
    terminal.finish()?;
    manifest.end(&report, design, catalogue);
    written
        .and_then(|()| folder.write_manifest(&manifest))
        .map_err(|error| unwritable(&error))?;
    Ok(report)
}

/// Runs the design, joined to the outside world.
fn joined(
    design: &Design,
    catalogue: &Catalogue,
    options: &RunOptions,
    (outside, origin): (&mut Outside, &Origin),
    observer: &mut dyn Observer,
) -> Result<RunReport, Failure> {
    let live = outside.live();
    let joined = Joined {
        lines: std::mem::take(&mut outside.lines),
        onlooker: live.as_ref().map(|live| live as &dyn Onlooker),
    };
    let run = |observer: &mut dyn Observer| {
        execute_with(design, catalogue, options, joined, observer).map_err(Failure::from)
    };
    match &live {
        Some(live) => {
            let mut watched = Watched::new(live.clone(), observer);
            outside.observed(origin, &mut watched, run, end_of)
        }
        None => outside.observed(origin, observer, run, end_of),
    }
}

/// Which checkpoints are kept, and where.
fn keep(arguments: &RunArguments, origin: &Origin) -> Result<Option<Keep>, Failure> {
    let checkpoints = &arguments.checkpoints;
    let every = checkpoints.checkpoint_every;
    let of_run = || {
        let out = arguments.out.as_ref().filter(|_| every.is_some());
        out.map(|out| RunFolder::new(out).checkpoints())
    };
    let folder = checkpoints.checkpoint_dir.clone().or_else(of_run);
    if folder.is_none() && every.is_some() {
        return Err(Failure::input(
            "--checkpoint-every needs a folder: give it --checkpoint-dir or --out",
        ));
    }
    Ok(folder.map(|folder| Keep {
        folder,
        every,
        count: checkpoints.checkpoint_keep,
        origin: origin.clone(),
    }))
}

/// Which part of the run is measured.
fn phases(arguments: &RunArguments, resumed_from: Option<u64>) -> Result<Option<Phases>, Failure> {
    let Some(warmup) = arguments.warmup else {
        return Ok(None);
    };
    if arguments.shards == Shards::Auto {
        return Err(Failure::input(
            "--warmup needs a number of shards: `auto` measures a part of the run of its own",
        ));
    }
    if let Some(cycle) = resumed_from.filter(|&cycle| cycle > warmup) {
        return Err(Failure::input(format_args!(
            "the checkpoint is of cycle {}, when the warm-up of {} cycles was over",
            thousands(cycle),
            thousands(warmup)
        )));
    }
    Ok(Some(Phases {
        warmup,
        measure: arguments.measure,
    }))
}

/// Runs a run that ended badly again, as far as that was asked for.
fn look_back(
    arguments: &RunArguments,
    design: &Design,
    catalogue: &Catalogue,
    options: &RunOptions,
    report: &RunReport,
) -> Result<(), Failure> {
    let quiet = arguments.quiet || arguments.json;
    if let (true, Outcome::Deadlock(deadlock)) =
        (arguments.aftermath.what_if_depth, &report.outcome)
    {
        let mut terminal = Terminal::new(Guest::Nowhere, !quiet, &options.limits)?;
        let journal = options.journal.as_deref();
        let told = what_if_deeper(design, catalogue, deadlock, journal, &mut terminal)?;
        terminal.finish()?;
        complain(&told);
    }
    if let Some(order) = arguments.aftermath.flight(arguments.out.as_deref()) {
        let mut terminal = Terminal::new(Guest::Nowhere, !quiet, &options.limits)?;
        let flight = record_flight(design, catalogue, options, report, &order, &mut terminal)?;
        terminal.finish()?;
        match flight {
            Some(Ok(written)) => complain(&format!("flight recorder: {written}")),
            Some(Err(reason)) => {
                return Err(Failure::input(format_args!(
                    "the flight recorder failed: {reason}"
                )));
            }
            None => {}
        }
    }
    Ok(())
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

/// Where the run can go on from.
fn tell_what_was_kept(report: &RunReport, quiet: bool) {
    for failure in &report.kept.failures {
        complain(&format!("warning: {failure}"));
    }
    if let Some((cycle, path)) = &report.kept.last
        && (!quiet || report.outcome == Outcome::Interrupted)
    {
        let cycle = thousands(*cycle);
        complain(&format!("saved at cycle {cycle}: {}", path.display()));
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| Failure::file("write", path, &error))
}

fn write_files(
    arguments: &RunArguments,
    report: &RunReport,
    design: &Design,
    catalogue: &Catalogue,
) -> Result<(), Failure> {
    let json = || format!("{:#}\n", report.to_stats_json(design, catalogue));
    let timeline = || report.timeline(design).chrome_json();
    if let Some(out) = &arguments.out {
        let folder = RunFolder::new(out);
        write(&folder.statistics(), &json())?;
        if let Some(series) = &report.series {
            write(&folder.series(), &series.to_json())?;
        }
        write(&folder.host_timeline(), &timeline())?;
    }
    if let Some(path) = &arguments.timeline {
        write(path, &timeline())?;
    }
    if let Some(path) = &arguments.stats {
        if path.extension().is_some_and(|ending| ending == "csv") {
            write(path, &report.to_stats_csv(design))?;
        } else {
            write(path, &json())?;
        }
    }
    if let (Some(path), Some(profile)) = (&arguments.profile_out, &report.profile) {
        write(path, &profile.to_json(design, catalogue))?;
    }
    Ok(())
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
        seeded: arguments.seeded,
    };
    let other_count = if report.host.shard_count == 1 { 2 } else { 1 };
    let reference = Variant {
        shard_count: other_count,
        thread_count: None,
        no_sleep: false,
        no_vectors: false,
        seeded: None,
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

/// The same run at another shard count, with what came in, and how both ended compared.
fn verify_joined(
    arguments: &RunArguments,
    design: &Design,
    catalogue: &Catalogue,
    options: &RunOptions,
    report: &RunReport,
) -> Result<u8, Failure> {
    let quiet = arguments.quiet || arguments.json;
    let mut terminal = Terminal::new(Guest::Nowhere, !quiet, &options.limits)?;
    let shard_count = if report.host.shard_count == 1 { 2 } else { 1 };
    let options = RunOptions {
        shard_count,
        auto: false,
        limits: options.limits,
        start: options.start.clone(),
        journal: options.journal.clone(),
        ..RunOptions::default()
    };
    let again = execute(design, catalogue, &options, &mut terminal)?;
    terminal.finish()?;
    let (ours, theirs) = ((report.cycles, report.digest), (again.cycles, again.digest));
    if ours == theirs {
        if !quiet {
            print(&format!(
                "{:<12}  {shard_count} shards end in the same cycle with the same digest\n",
                "verified"
            ))?;
        }
        return Ok(0);
    }
    complain(&format!(
        "error: on {shard_count} shards it ends in cycle {} with digest 0x{:016x}, not in cycle {} with \
         0x{:016x}",
        thousands(theirs.0),
        theirs.1,
        thousands(ours.0),
        ours.1
    ));
    Ok(DIGESTS_DIFFER)
}
