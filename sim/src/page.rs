//! A run that is over, on one page: what came out, how it went, where it was held up, what the host did.
//!
//! ```text
//!   run.json  stats.json  series.json  epochs.digests  host-timeline.json
//!        └────────┴───────────┴──────────────┴───────────────┘
//!                             ▼
//!                  page: sections, charts, maps
//! ```
//! Made of the files of the run's folder and of nothing else: the netlist need not be there any more. A file
//! that is missing costs its sections and a warning. Knows nothing of how a machine is run.

mod files;
mod number;
mod summary;
mod course;
mod stalls;
mod maps;
mod tables;
mod host;
mod origin;
mod live;

pub use live::{live_metrics, live_page};

use crate::run::RunFolder;
use files::Files;
use tina_viz::report::{Page, Section};

/// The page of a run, and what is missing of it.
///
/// # Errors
/// When the folder holds no run.
pub fn page(folder: &RunFolder) -> Result<(Page, Vec<String>), String> {
    let files = Files::read(folder)?;
    let manifest = &files.manifest;
    let mut sections: Vec<Section> = vec![summary::section(&files)];
    sections.extend(course::sections(&files));
    sections.extend(stalls::section(&files));
    sections.extend(maps::section(&files));
    sections.extend(tables::sections(&files));
    sections.extend(host::section(&files));
    sections.extend(origin::sections(&files));
    let page = Page {
        title: format!("{}: a run of tina-hw", manifest.netlist),
        subtitle: summary::sentence(manifest),
        sections,
    };
    Ok((page, files.warnings))
}
