//! What was run: the manifest and the stream of digests.

use super::files::Files;
use crate::run::thousands;
use tina_viz::report::{Content, Section};

/// Epochs whose digests are shown.
const EPOCHS_SHOWN: usize = 12;

pub(super) fn sections(files: &Files) -> Vec<Section> {
    let mut sections = vec![manifest(files)];
    sections.extend(digests(files));
    sections
}

fn manifest(files: &Files) -> Section {
    let manifest = &files.manifest;
    let origin = &manifest.origin;
    let mut pairs = vec![
        ("version".to_owned(), origin.version.clone()),
        ("seed".to_owned(), origin.seed.to_string()),
        (
            "cycles of an epoch".to_owned(),
            thousands(manifest.epoch_cycles),
        ),
    ];
    let limits = [
        ("cycles asked for", manifest.cycles),
        ("limit of cycles", manifest.max_cycles),
    ];
    for (name, cycles) in limits {
        pairs.extend(cycles.map(|cycles| (name.to_owned(), thousands(cycles))));
    }
    for (name, value) in &origin.set {
        pairs.push((format!("--set {name}"), value.clone()));
    }
    let file = |what: &str, path: &str, blake3: &str| {
        vec![what.to_owned(), path.to_owned(), blake3.to_owned()]
    };
    let netlists = origin.netlists.iter();
    let mut rows: Vec<Vec<String>> = netlists
        .map(|it| file("netlist", &it.path, &it.blake3))
        .collect();
    rows.extend(
        origin
            .program
            .iter()
            .map(|it| file("program", &it.path, &it.blake3)),
    );
    Section {
        heading: "Manifest".to_owned(),
        text: "What the machine was made of: enough to make it again.".to_owned(),
        contents: vec![
            Content::Verbatim(manifest.command_line.join(" ")),
            Content::Pairs(pairs),
            Content::Table {
                columns: ["file", "path", "BLAKE3"].map(str::to_owned).to_vec(),
                rows,
                numbers: vec![false; 3],
            },
        ],
    }
}

fn digests(files: &Files) -> Option<Section> {
    let count = files.epochs.len();
    let last = count.checked_sub(1)?;
    // The first, the last, and some between them at equal distances.
    let steps = EPOCHS_SHOWN.min(count);
    let mut shown: Vec<usize> = (0..steps)
        .map(|step| step * last / (steps - 1).max(1))
        .collect();
    shown.dedup();
    let row = |epoch: usize| {
        let (cycle, digest) = files.epochs[epoch];
        vec![
            thousands(epoch as u64 + 1),
            thousands(cycle),
            format!("{digest:#018x}"),
        ]
    };
    Some(Section {
        heading: "Digests".to_owned(),
        text: format!(
            "Of every transfer on every wire, up to the end of an epoch: {} of {} epochs. `tina-hw diff` compares \
             two runs by all of them.",
            shown.len(),
            thousands(count as u64)
        ),
        contents: vec![Content::Table {
            columns: ["epoch", "cycles", "digest"].map(str::to_owned).to_vec(),
            rows: shown.into_iter().map(row).collect(),
            numbers: vec![true, true, false],
        }],
    })
}
