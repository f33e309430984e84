//! `tina-hw diff`: where two runs part.

use super::arguments::DiffArguments;
use super::failure::{DIGESTS_DIFFER, Failure};
use super::input;
use super::outside;
use super::picture::{self, PictureFormat};
use super::resume::Builds;
use super::terminal::{complain, print};
use crate::checkpoint::{Checkpoint, nearest};
use crate::design::Design;
use crate::journal::Journal;
use crate::run::{
    Common, Manifest, RunFolder, RunOptions, Side, WireDifference, execute, first_wire,
    read_epochs, thousands,
};
use crate::trace::{Glob, TimeAxis, TraceOrder, What};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tina_engine::{Catalogue, HostOptions, Limits, Snapshot, Timebase};
use tina_viz::drawing::Drawing;
use tina_viz::trace::{Radix, Trace};
use tina_viz::waves::{ROWS_DEFAULT, Sheet, WaveOptions};

/// One of the two that are compared.
struct Subject {
    name: String,
    /// Of a folder: its manifest, and the digests of its epochs by cycle.
    run: Option<(RunFolder, Manifest, BTreeMap<u64, u64>)>,
    /// What came into it from outside.
    journal: Option<Arc<Journal>>,
    /// What was run, or why it cannot be run again.
    design: Result<Design, String>,
}

pub(super) fn diff(arguments: &DiffArguments, catalogue: &Catalogue) -> Result<u8, Failure> {
    let second = match (&arguments.second, arguments.seed_a, arguments.seed_b) {
        (Some(second), ..) => second,
        (None, Some(a), Some(b)) if a != b => &arguments.first,
        (None, ..) => {
            return Err(Failure::input(
                "one netlist is compared with itself: give another, or two seeds by --seed-a and --seed-b",
            ));
        }
    };
    // A wrong name is said before anything is simulated.
    if let Some(output) = &arguments.output {
        PictureFormat::of_path(output)?;
    }
    let mut subjects = [
        subject(&arguments.first, arguments.seed_a, arguments, catalogue)?,
        subject(second, arguments.seed_b, arguments, catalogue)?,
    ];
    if subjects[0].name == subjects[1].name {
        let seeds = [arguments.seed_a, arguments.seed_b].map(Option::unwrap_or_default);
        for (subject, seed) in subjects.iter_mut().zip(seeds) {
            subject.name = format!("{} with seed {seed}", subject.name);
        }
    }
    let [first, second] = &subjects;
    let recorded = match (&first.run, &second.run) {
        (Some((_, _, ours)), Some((_, _, theirs))) => Some(compared(ours, theirs)?),
        (None, _) | (_, None) => None,
    };
    if let Some(Compared {
        until,
        differs: None,
    }) = recorded
    {
        let cycle = thousands(until);
        print(&format!(
            "equal in every epoch until cycle {cycle}, as far as both go\n"
        ))?;
        return Ok(0);
    }
    let designs = match (&first.design, &second.design) {
        (Ok(ours), Ok(theirs)) => [ours, theirs],
        (Err(reason), _) | (_, Err(reason)) => {
            let Some(Compared {
                until,
                differs: Some(cycle),
            }) = recorded
            else {
                return Err(Failure::input(reason));
            };
            complain(&format!(
                "error: {} and {} differ between cycle {} and cycle {}\n  no closer: {reason}",
                first.name,
                second.name,
                thousands(until),
                thousands(cycle)
            ));
            return Ok(DIGESTS_DIFFER);
        }
    };
    simulated(&subjects, designs, recorded, arguments, catalogue)
}

/// A folder of a run, or a netlist.
fn subject(
    path: &Path,
    seed: Option<u64>,
    arguments: &DiffArguments,
    catalogue: &Catalogue,
) -> Result<Subject, Failure> {
    let name = path.display().to_string();
    if !path.is_dir() {
        let input = arguments.input(path, seed);
        let design = input::design_in_silence(&input, catalogue)?;
        return Ok(Subject {
            name,
            run: None,
            journal: None,
            design: Ok(design),
        });
    }
    let folder = RunFolder::new(path);
    let manifest = folder.read_manifest().map_err(Failure::input)?;
    let epochs = folder.epochs();
    let records = read_epochs(&epochs)
        .map_err(|reason| Failure::input(format_args!("{} {reason}", epochs.display())))?;
    let design = input::design_of(&manifest.origin, catalogue)
        .map_err(|failure| format!("{name}: {}", failure.text.trim_start_matches("error: ")));
    // Where it was interrupted does not matter: both are run as far as the other goes.
    let journal = folder.journal();
    let journal = if journal.is_file() {
        let mut read = outside::read(&journal, &manifest.origin, Builds::Any, true)?;
        read.end = None;
        Some(Arc::new(read))
    } else {
        None
    };
    Ok(Subject {
        name,
        journal,
        run: Some((folder, manifest, records.into_iter().collect())),
        design,
    })
}

/// What two streams of digests say.
#[derive(Clone, Copy)]
struct Compared {
    /// The last cycle after which they are equal.
    until: u64,
    /// The first after which they are not.
    differs: Option<u64>,
}

fn compared(ours: &BTreeMap<u64, u64>, theirs: &BTreeMap<u64, u64>) -> Result<Compared, Failure> {
    let mut until = None;
    for (&cycle, digest) in ours {
        match theirs.get(&cycle) {
            Some(other) if other == digest => until = Some(cycle),
            Some(_) => {
                return Ok(Compared {
                    until: until.unwrap_or(0),
                    differs: Some(cycle),
                });
            }
            None => {}
        }
    }
    let until = until.ok_or_else(|| {
        Failure::input("no epoch of one ends in a cycle in which an epoch of the other does")
    })?;
    Ok(Compared {
        until,
        differs: None,
    })
}

/// Simulates both to find the first difference.
fn simulated(
    subjects: &[Subject; 2],
    designs: [&Design; 2],
    recorded: Option<Compared>,
    arguments: &DiffArguments,
    catalogue: &Catalogue,
) -> Result<u8, Failure> {
    let common = Common::of(designs[0], designs[1]);
    note_structure(subjects, &common)?;
    let (until, end) = match recorded {
        // Digests of other wires say nothing of those that both have.
        Some(Compared {
            until,
            differs: Some(cycle),
        }) if common.is_alike() => (until, cycle),
        _ => (0, end_of(designs, arguments)),
    };
    let side = |index: usize| -> Result<Side<'_>, Failure> {
        Ok(Side {
            design: designs[index],
            shard_count: arguments.shards,
            host: HostOptions::default(),
            start: start(&subjects[index], until)?,
            journal: subjects[index].journal.clone(),
        })
    };
    let found = first_wire(&[side(0)?, side(1)?], catalogue, (until, end))?;
    let [first, second] = [&subjects[0].name, &subjects[1].name];
    match (found, recorded) {
        (Some(wire), _) => {
            complain(&story(first, second, &wire));
            if let Some(output) = &arguments.output {
                let sheet = |(index, letter): (usize, &str)| {
                    let name = &subjects[index].name;
                    let trace = beside(output, letter);
                    waves(&side(index)?, &wire, name, &trace, catalogue)
                };
                let sheets: Result<Vec<Drawing>, Failure> =
                    [(0, "a"), (1, "b")].into_iter().map(sheet).collect();
                picture::write(&Drawing::above_each_other(&sheets?), output, false)?;
            }
            Ok(DIGESTS_DIFFER)
        }
        (
            None,
            Some(Compared {
                differs: Some(cycle),
                ..
            }),
        ) if common.is_alike() => {
            complain(&format!(
                "error: {first} and {second} differ between cycle {} and cycle {}, but not when both are \
                 run again: what made the difference is not in the netlist",
                thousands(until),
                thousands(cycle)
            ));
            Ok(DIGESTS_DIFFER)
        }
        (None, _) => {
            print(&format!(
                "equal until cycle {}, or as far as they run\n",
                thousands(end)
            ))?;
            Ok(0)
        }
    }
}

/// Where a subject is simulated from, not later than cycle `until`; its journal must be of the run that stood there.
fn start(subject: &Subject, until: u64) -> Result<Option<Arc<Snapshot>>, Failure> {
    let Some((folder, manifest, _)) = &subject.run else {
        return Ok(None);
    };
    let start = nearest(&folder.checkpoints(), &manifest.origin, until);
    let (cycle, mark) = start
        .as_ref()
        .map_or_else(Default::default, |it| (it.cycle, it.snapshot.input()));
    match &subject.journal {
        Some(journal) => journal
            .check_start(cycle, mark)
            .map_err(|error| outside::refused(&folder.journal(), &error))?,
        None if mark.bytes > 0 => {
            return Err(Failure::input(format_args!(
                "something came into the run in {} from outside, and its journal is missing: {}",
                subject.name,
                folder.journal().display()
            )));
        }
        None => {}
    }
    Ok(start.map(|checkpoint: Checkpoint| checkpoint.snapshot))
}

/// Cycles drawn before the difference, and behind it.
const CYCLES_AROUND: (u64, u64) = (20, 8);

/// The trace of one side beside the picture: `wave-a.fst` beside `wave.svg`.
fn beside(output: &Path, letter: &str) -> PathBuf {
    let stem = output.file_stem().unwrap_or_default().to_string_lossy();
    output.with_file_name(format!("{stem}-{letter}.fst"))
}

/// What one side does around the difference, at both ends of the wire, as a trace and as a sheet.
fn waves(
    side: &Side<'_>,
    wire: &WireDifference,
    name: &str,
    path: &Path,
    catalogue: &Catalogue,
) -> Result<Drawing, Failure> {
    let window =
        wire.cycle.saturating_sub(CYCLES_AROUND.0)..wire.cycle.saturating_add(CYCLES_AROUND.1);
    let scopes: Result<Vec<Glob>, String> = wire.paths.iter().map(|path| Glob::new(path)).collect();
    let options = RunOptions {
        shard_count: side.shard_count,
        limits: Limits {
            cycles: Some(window.end),
            max_cycles: None,
        },
        // Not from behind the window, where the difference was looked for.
        start: side
            .start
            .clone()
            .filter(|start| start.cycle(&side.design.blueprint) <= window.start),
        journal: side.journal.clone(),
        trace: Some(TraceOrder {
            path: path.to_owned(),
            scopes: scopes.map_err(Failure::input)?,
            window: window.clone(),
            what: What::default(),
            save_file: false,
        }),
        ..RunOptions::default()
    };
    let report = execute(side.design, catalogue, &options, &mut ())?;
    if let Some(Err(reason)) = &report.trace {
        return Err(Failure::input(format_args!("the trace failed: {reason}")));
    }
    let mut trace = Trace::open(path).map_err(Failure::input)?;
    let base = Timebase::of(&side.design.blueprint.domains).map_or(1, |base| base.period_ticks[0]);
    let axis = TimeAxis::of(&side.design.blueprint, false);
    let time = |cycle: u64| axis.at(cycle.saturating_mul(base));
    let signals: Vec<usize> = (0..trace.signals().len()).collect();
    let wave_options = WaveOptions {
        from: time(window.start),
        to: time(window.end),
        cursors: vec![time(wire.cycle)],
        radix: Radix::Hexadecimal,
        rows_max: ROWS_DEFAULT,
        title: name.to_owned(),
    };
    let sheet =
        Sheet::for_picture(&mut trace, &signals, &[], wave_options).map_err(Failure::input)?;
    Ok(sheet.picture())
}

/// As far as both are to be run.
fn end_of(designs: [&Design; 2], arguments: &DiffArguments) -> u64 {
    const CYCLES_DEFAULT: u64 = 1_000_000;
    let of_netlist = |design: &Design| design.run.cycles.or(design.run.max_cycles);
    arguments
        .cycles
        .or_else(|| designs.into_iter().filter_map(of_netlist).max())
        .unwrap_or(CYCLES_DEFAULT)
}

/// Wires that only one of them has.
fn note_structure(subjects: &[Subject; 2], common: &Common) -> Result<(), Failure> {
    for (subject, only) in subjects.iter().zip(common.only()) {
        if let Some(example) = only.first() {
            let plural = if only.len() == 1 { "" } else { "s" };
            complain(&format!(
                "note: {} wire{plural} only in {}, such as {example}",
                only.len(),
                subject.name
            ));
        }
    }
    if common.wire_count() == 0 {
        return Err(Failure::input("they have no wire in common"));
    }
    Ok(())
}

fn story(first: &str, second: &str, wire: &WireDifference) -> String {
    let mut text = format!(
        "error: {first} and {second} differ first in cycle {} on wire {}\n  {first}: {}\n  {second}: {}\n  \
         between {} and {}",
        wire.cycle, wire.wire, wire.items[0], wire.items[1], wire.modules[0], wire.modules[1]
    );
    if wire.items[0] == wire.items[1] {
        text.push_str("\n  the item is the same: it was popped in different cycles");
    }
    if wire.other_count > 0 {
        text.push_str(&format!(
            "\n  {} more wires differ in that cycle",
            wire.other_count
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_compared_where_both_have_epochs() {
        let stream = |pairs: &[(u64, u64)]| pairs.iter().copied().collect::<BTreeMap<_, _>>();
        let ours = stream(&[(10, 1), (20, 2), (25, 9), (30, 3)]);
        let same = compared(&ours, &stream(&[(10, 1), (30, 3)])).ok().unwrap();
        assert_eq!((same.until, same.differs), (30, None));
        let other = compared(&ours, &stream(&[(10, 1), (20, 7)])).ok().unwrap();
        assert_eq!((other.until, other.differs), (10, Some(20)));
        assert!(compared(&ours, &stream(&[(11, 1)])).is_err());
    }
}
