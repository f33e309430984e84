//! `run.json`: what was run, how, and how it ended; and the folder it lies in.
//!
//! ```text
//!   run.json    the manifest       epochs.digests       the digest of every epoch
//!   stats.json  all statistics     series.json          counts over time
//!   flight.fst  how it ended,      host-timeline.json   what the shards did with their time
//!               if it ended badly  checkpoints/         if any were asked for
//!                                  input.journal        what came in, if anything could
//! ```
//! What the host did stands under `host` in the first two and in the file that is named after it; everything
//! else is the same whenever the run is repeated.

use super::number::hexadecimal;
use super::outcome::{describe, word};
use super::report::{RunReport, results_json};
use crate::design::Design;
use crate::origin::Origin;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tina_engine::{Catalogue, Limits};

/// Number of the form of the manifest.
pub const SCHEMA: u32 = 1;

const MANIFEST: &str = "run.json";
const EPOCHS: &str = "epochs.digests";
const STATISTICS: &str = "stats.json";
const SERIES: &str = "series.json";
const HOST_TIMELINE: &str = "host-timeline.json";
const FLIGHT: &str = "flight.fst";
const CHECKPOINTS: &str = "checkpoints";
const JOURNAL: &str = "input.journal";

/// A folder that holds a run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// The run in this folder, which need not be there yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> PathBuf {
        self.path.join(MANIFEST)
    }

    /// The digest stream.
    #[must_use]
    pub fn epochs(&self) -> PathBuf {
        self.path.join(EPOCHS)
    }

    /// The statistics.
    #[must_use]
    pub fn statistics(&self) -> PathBuf {
        self.path.join(STATISTICS)
    }

    /// Counts over time.
    #[must_use]
    pub fn series(&self) -> PathBuf {
        self.path.join(SERIES)
    }

    /// What its shards did with their time, for viewers of Chrome's trace events.
    #[must_use]
    pub fn host_timeline(&self) -> PathBuf {
        self.path.join(HOST_TIMELINE)
    }

    /// The waves of its end, if it ended badly.
    #[must_use]
    pub fn flight(&self) -> PathBuf {
        self.path.join(FLIGHT)
    }

    /// What came into it from outside.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join(JOURNAL)
    }

    /// Where its checkpoints lie.
    #[must_use]
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join(CHECKPOINTS)
    }

    /// Writes the manifest, as a whole or not at all.
    ///
    /// # Errors
    /// When the host refuses.
    pub fn write_manifest(&self, manifest: &Manifest) -> io::Result<()> {
        fs::create_dir_all(&self.path)?;
        let text = serde_json::to_string_pretty(manifest)?;
        let unfinished = self.path.join(format!("{MANIFEST}.unfinished"));
        fs::write(&unfinished, text + "\n")?;
        fs::rename(&unfinished, self.manifest())
    }

    /// Reads the manifest.
    ///
    /// # Errors
    /// When there is none, or it is none.
    pub fn read_manifest(&self) -> Result<Manifest, String> {
        let path = self.manifest();
        let shown = path.display();
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("{shown} cannot be read: {error}"))?;
        let schema: Schema = serde_json::from_str(&text)
            .map_err(|error| format!("{shown} is no manifest: {error}"))?;
        if schema.schema != SCHEMA {
            return Err(format!(
                "{shown} is of schema {}; this tina-hw reads schema {SCHEMA}",
                schema.schema
            ));
        }
        serde_json::from_str(&text).map_err(|error| format!("{shown} is no manifest: {error}"))
    }
}

#[derive(Deserialize)]
struct Schema {
    schema: u32,
}

/// What was run, how, and how it ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Number of its form.
    pub schema: u32,
    /// Name of the netlist.
    pub netlist: String,
    /// The command that ran it, word by word.
    pub command_line: Vec<String>,
    /// What the machine was made of.
    pub origin: Origin,
    /// Cycles that were asked for.
    pub cycles: Option<u64>,
    /// The limit of cycles.
    pub max_cycles: Option<u64>,
    /// Base-clock cycles of an epoch.
    pub epoch_cycles: u64,
    /// The cycle of the checkpoint from which it went on.
    pub resumed_from: Option<u64>,
    /// How it ended; nothing while it runs, and of a run that was killed.
    pub end: Option<End>,
    /// What the host did: shards, threads, placement, times.
    pub host: Value,
}

/// How a run ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct End {
    /// In a word.
    pub outcome: String,
    /// In a sentence.
    pub story: String,
    /// Of the program.
    pub exit_code: u8,
    /// Base-clock cycles run.
    pub cycles: u64,
    /// Cycle of what ended it.
    pub end_cycle: Option<u64>,
    /// Digest of every transfer, in hexadecimal.
    pub digest: String,
    /// The totals of the netlist.
    pub results: Value,
}

impl Manifest {
    /// Of a run that is about to begin.
    #[must_use]
    pub fn new(
        design: &Design,
        origin: Origin,
        command_line: Vec<String>,
        limits: &Limits,
        resumed_from: Option<u64>,
    ) -> Self {
        Self {
            schema: SCHEMA,
            netlist: design.name.clone(),
            command_line,
            origin,
            cycles: limits.cycles,
            max_cycles: limits.max_cycles,
            epoch_cycles: design.blueprint.epoch_cycles,
            resumed_from,
            end: None,
            host: Value::Null,
        }
    }

    /// The run ended so.
    pub fn end(&mut self, report: &RunReport, design: &Design, catalogue: &Catalogue) {
        let totals = report
            .totals
            .iter()
            .map(|(name, value)| (name.as_str(), *value));
        self.end = Some(End {
            outcome: word(&report.outcome).to_owned(),
            story: describe(&report.outcome, &design.blueprint, catalogue),
            exit_code: report.exit_code(),
            cycles: report.cycles,
            end_cycle: report.end_cycle,
            digest: hexadecimal(report.digest),
            results: results_json(totals),
        });
        self.host = report.host_json();
    }
}
