//! What came out.

use super::files::Files;
use super::number::{short, value};
use crate::run::{Manifest, thousands};
use tina_viz::report::{Content, Section};

/// How it ended, in a sentence.
pub(super) fn sentence(manifest: &Manifest) -> String {
    match &manifest.end {
        Some(end) => {
            let story = end
                .story
                .lines()
                .next()
                .unwrap_or_default()
                .trim_end_matches(':');
            format!("{story}; {} cycles", thousands(end.cycles))
        }
        None => "the run has not ended, or was killed".to_owned(),
    }
}

pub(super) fn section(files: &Files) -> Section {
    let manifest = &files.manifest;
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut pair = |name: &str, value: String| pairs.push((name.to_owned(), value));
    let mut story = None;
    if let Some(end) = &manifest.end {
        pair(
            "outcome",
            format!("{} (exit code {})", end.outcome, end.exit_code),
        );
        if end.story.contains('\n') {
            story = Some(end.story.clone());
        } else {
            pair("how", end.story.clone());
        }
        pair("cycles", thousands(end.cycles));
        if let Some(cycle) = end.end_cycle {
            pair("ended in cycle", thousands(cycle));
        }
        pair("digest", end.digest.clone());
        for (name, result) in end.results.as_object().into_iter().flatten() {
            pair(name, value(result));
        }
    }
    if let Some(cycle) = manifest.resumed_from {
        pair("resumed from cycle", thousands(cycle));
    }
    let host = |name: &str| manifest.host[name].as_f64();
    if let (Some(shards), Some(threads)) = (host("shards"), host("threads")) {
        let joined = host("joined_shards").filter(|&joined| joined < shards);
        let joined = joined.map_or_else(String::new, |it| format!(", joined to {}", short(it)));
        pair("host: shards", format!("{}{joined}", short(shards)));
        pair("host: threads", short(threads));
    }
    if let (Some(seconds), Some(rate)) = (host("wall_seconds"), host("megahertz")) {
        pair(
            "host: time",
            format!("{seconds:.3} s, {rate:.3} MHz simulated"),
        );
    }
    for other in &files.others {
        pair("beside it", other.clone());
    }
    let mut contents = vec![Content::Pairs(pairs)];
    contents.extend(story.map(Content::Verbatim));
    Section {
        heading: "Summary".to_owned(),
        text: "Everything but the lines of the host is the same whenever this run is repeated."
            .to_owned(),
        contents,
    }
}
