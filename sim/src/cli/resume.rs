//! From a path to the checkpoint to go on from.

use super::failure::Failure;
use super::terminal::complain;
use crate::checkpoint::{Checkpoint, CheckpointError, list};
use crate::origin::Origin;
use crate::run::{RunFolder, thousands};
use std::path::{Path, PathBuf};
use tina_engine::Limits;

/// Whose checkpoints are of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Builds {
    /// Those that this program made.
    Own,
    /// Those of other builds, too; they are complained of.
    Any,
}

impl Builds {
    /// As the command line says.
    pub(super) fn of(any: bool) -> Self {
        if any { Self::Any } else { Self::Own }
    }
}

/// The checkpoint in this file, or the latest whole one in this folder, of the machine of this
/// origin; later ones that are no use are complained of.
pub(super) fn latest(
    path: &Path,
    origin: &Origin,
    limits: &Limits,
    builds: Builds,
) -> Result<(Checkpoint, PathBuf), Failure> {
    let end = limits.cycles.or(limits.max_cycles).unwrap_or(u64::MAX);
    if !path.is_dir() {
        let checkpoint = read(path, origin, builds).map_err(|error| refused(path, &error))?;
        let cycle = checkpoint.cycle;
        if cycle > end {
            return Err(Failure::input(format_args!(
                "{} is of cycle {}, and the run ends at cycle {}",
                path.display(),
                thousands(cycle),
                thousands(end)
            )));
        }
        return Ok((checkpoint, path.to_owned()));
    }
    nearest(&folder_of(path), origin, end, builds)
}

/// Where the checkpoints of a run's folder lie; of any other folder, the folder itself.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    let run = RunFolder::new(path);
    if run.manifest().is_file() {
        run.checkpoints()
    } else {
        path.to_owned()
    }
}

/// Any whole checkpoint of a folder, to tell what was run.
pub(super) fn any(folder: &Path) -> Result<Checkpoint, Failure> {
    let all = list(folder).map_err(|error| Failure::file("read", folder, &error))?;
    let mut refusal = None;
    for (_, path) in &all {
        match Checkpoint::read(path) {
            Ok(checkpoint) => return Ok(checkpoint),
            Err(error) => refusal.get_or_insert_with(|| refused(path, &error)),
        };
    }
    Err(refusal.unwrap_or_else(|| none(folder)))
}

fn none(folder: &Path) -> Failure {
    Failure::input(format_args!(
        "{} has no checkpoints: their files are called cycle-<number>.checkpoint",
        folder.display()
    ))
}

/// The latest whole checkpoint in a folder that is not later than cycle `end`.
pub(super) fn nearest(
    folder: &Path,
    origin: &Origin,
    end: u64,
    builds: Builds,
) -> Result<(Checkpoint, PathBuf), Failure> {
    let all = list(folder).map_err(|error| Failure::file("read", folder, &error))?;
    let shown = folder.display();
    if all.is_empty() {
        return Err(none(folder));
    }
    let first = all.iter().map(|(cycle, _)| *cycle).min().unwrap_or(0);
    let mut refusals = Vec::new();
    for (_, path) in all.into_iter().filter(|(cycle, _)| *cycle <= end) {
        match read(&path, origin, builds) {
            Ok(checkpoint) => {
                refusals
                    .iter()
                    .for_each(|refusal| complain(&format!("warning: {refusal}")));
                return Ok((checkpoint, path));
            }
            Err(error) => refusals.push(format!("{} {error}", path.display())),
        }
    }
    if refusals.is_empty() {
        return Err(Failure::input(format_args!(
            "{shown} has no checkpoint up to cycle {}; its first is of cycle {}",
            thousands(end),
            thousands(first)
        )));
    }
    let reasons = refusals.join("\n  ");
    Err(Failure::input(format_args!(
        "{shown} has no checkpoint to go on from:\n  {reasons}"
    )))
}

fn read(path: &Path, origin: &Origin, builds: Builds) -> Result<Checkpoint, CheckpointError> {
    let checkpoint = Checkpoint::read(path)?;
    checkpoint.check(origin)?;
    match (checkpoint.check_build(), builds) {
        (Ok(()), _) => {}
        (Err(error), Builds::Own) => return Err(error),
        (Err(_), Builds::Any) => complain(&format!(
            "warning: {} was made by another build: what modules do may have changed since",
            path.display()
        )),
    }
    Ok(checkpoint)
}

fn refused(path: &Path, error: &CheckpointError) -> Failure {
    Failure::input(format_args!("{} {error}", path.display()))
}
