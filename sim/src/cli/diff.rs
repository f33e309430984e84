//! `tina-hw diff`: where two runs part.

use super::arguments::DiffArguments;
use super::failure::{DIGESTS_DIFFER, Failure};
use super::input;
use super::resume::nearest_start;
use super::terminal::{complain, print};
use crate::checkpoint::Checkpoint;
use crate::design::Design;
use crate::run::{
    Common, Manifest, RunFolder, Side, WireDifference, first_wire, read_epochs, thousands,
};
use std::collections::BTreeMap;
use std::path::Path;
use tina_engine::{Catalogue, HostOptions};

/// One of the two that are compared.
struct Subject {
    name: String,
    /// Of a folder: its manifest, and the digests of its epochs by cycle.
    run: Option<(RunFolder, Manifest, BTreeMap<u64, u64>)>,
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
    Ok(Subject {
        name,
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
    let side = |index: usize| {
        let design = designs[index];
        let start = subjects[index]
            .run
            .as_ref()
            .and_then(|(folder, manifest, _)| {
                nearest_start(&folder.checkpoints(), &manifest.origin, until)
            });
        Side {
            design,
            shard_count: arguments.shards,
            host: HostOptions::default(),
            start: start.map(|checkpoint: Checkpoint| checkpoint.snapshot),
        }
    };
    let found = first_wire(&[side(0), side(1)], catalogue, (until, end))?;
    let [first, second] = [&subjects[0].name, &subjects[1].name];
    match (found, recorded) {
        (Some(wire), _) => {
            complain(&story(first, second, &wire));
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
         between {}",
        wire.cycle, wire.wire, wire.items[0], wire.items[1], wire.modules
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
