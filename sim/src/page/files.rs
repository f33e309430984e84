//! The files of a run's folder, as far as they are there.

use crate::run::{Manifest, RunFolder, STATISTICS_SCHEMA, Series, read_epochs};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tina_viz::timeline::Timeline;

/// What is known of a run.
pub(super) struct Files {
    pub(super) manifest: Manifest,
    pub(super) statistics: Option<Statistics>,
    pub(super) series: Option<Series>,
    /// Cycles run and digest, epoch by epoch.
    pub(super) epochs: Vec<(u64, u64)>,
    pub(super) timeline: Option<Timeline>,
    /// Names of the checkpoints and of a flight recording, if there are any.
    pub(super) others: Vec<String>,
    /// What is missing, and why.
    pub(super) warnings: Vec<String>,
}

/// What is read of `stats.json`.
#[derive(Deserialize)]
pub(super) struct Statistics {
    schema: u32,
    pub(super) statistics: Vec<Statistic>,
    /// Of runs whose stalls were counted.
    #[serde(default)]
    pub(super) stalls: Option<Stalls>,
}

/// What was counted of stalls.
#[derive(Deserialize)]
pub(super) struct Stalls {
    /// One edge in so many was looked at.
    pub(super) every: u32,
    /// Names of the causes, in their order.
    pub(super) causes: Vec<String>,
    pub(super) kinds: Vec<StallKind>,
    pub(super) ranking: Vec<StallWire>,
    pub(super) critical_path: Option<StallPath>,
    pub(super) ports: Vec<StallPort>,
}

/// The ports of one name of a kind.
#[derive(Deserialize)]
pub(super) struct StallKind {
    pub(super) kind: String,
    pub(super) port: String,
    pub(super) way: String,
    pub(super) ports: u64,
    pub(super) counts: BTreeMap<String, u64>,
}

/// A wire among those that were held up most.
#[derive(Deserialize)]
pub(super) struct StallWire {
    pub(super) output: String,
}

/// From a full wire to what holds it up.
#[derive(Deserialize)]
pub(super) struct StallPath {
    pub(super) steps: Vec<StallStep>,
    #[serde(default)]
    pub(super) head: Option<Value>,
}

#[derive(Deserialize)]
pub(super) struct StallStep {
    pub(super) text: String,
}

/// A port and how often each cause was found there.
#[derive(Deserialize)]
pub(super) struct StallPort {
    pub(super) path: String,
    pub(super) port: String,
    pub(super) way: String,
    pub(super) edges: u64,
    pub(super) counts: BTreeMap<String, u64>,
}

impl StallPort {
    /// Path of the instance and name of the port.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.path, self.port)
    }

    pub(super) fn count(&self, cause: &str) -> u64 {
        self.counts.get(cause).copied().unwrap_or(0)
    }
}

/// A number, or several, that an instance reported.
#[derive(Deserialize)]
pub(super) struct Statistic {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) description: String,
    pub(super) value: Value,
}

impl Files {
    pub(super) fn read(folder: &RunFolder) -> Result<Self, String> {
        let manifest = folder.read_manifest()?;
        let mut warnings = Vec::new();
        if manifest.end.is_none() {
            let note = "the run has not ended, or was killed: run.json has no end";
            warnings.push(note.to_owned());
        }
        let statistics = part(&folder.statistics(), &mut warnings, statistics);
        let series = part(&folder.series(), &mut warnings, Series::read);
        let timeline = part(&folder.host_timeline(), &mut warnings, |text| {
            Timeline::read_chrome_json(text).map_err(|error| error.to_string())
        });
        let epochs = read_epochs(&folder.epochs()).unwrap_or_else(|reason| {
            warnings.push(format!("{} {reason}", folder.epochs().display()));
            Vec::new()
        });
        Ok(Self {
            manifest,
            statistics,
            series,
            epochs,
            timeline,
            others: others(folder),
            warnings,
        })
    }
}

/// A file, read; what is wrong with it is a warning.
fn part<T>(
    path: &Path,
    warnings: &mut Vec<String>,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let shown = path.display();
    let read = match fs::read_to_string(path) {
        Ok(text) => read(&text).map_err(|reason| format!("{shown} is of no use: {reason}")),
        Err(error) => Err(format!("{shown} cannot be read: {error}")),
    };
    read.map_err(|warning| warnings.push(warning)).ok()
}

fn statistics(text: &str) -> Result<Statistics, String> {
    let read: Statistics = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if read.schema == STATISTICS_SCHEMA {
        Ok(read)
    } else {
        Err(format!(
            "it is of schema {}, not {STATISTICS_SCHEMA}",
            read.schema
        ))
    }
}

/// What else lies there, in the order of names.
fn others(folder: &RunFolder) -> Vec<String> {
    let mut names = Vec::new();
    let saved = crate::checkpoint::list(&folder.checkpoints()).unwrap_or_default();
    let saved: Vec<PathBuf> = saved.into_iter().map(|(_, path)| path).collect();
    let shown = |path: &Path| path.file_name().unwrap_or_default().display().to_string();
    match &saved[..] {
        [] => {}
        [one] => names.push(format!("checkpoints/{}", shown(one))),
        [last, .., first] => names.push(format!(
            "checkpoints/: {}, from {} to {}",
            saved.len(),
            shown(first),
            shown(last)
        )),
    }
    if folder.flight().is_file() {
        names.push(format!("{}: the last cycles", shown(&folder.flight())));
    }
    names
}
