//! What the host did: how shards and threads spent their time.

use super::files::Files;
use super::number::short;
use serde_json::Value;
use tina_viz::report::{Content, Section};

pub(super) fn section(files: &Files) -> Option<Section> {
    let timeline = files.timeline.as_ref().filter(|it| !it.spans.is_empty());
    let mut contents = Vec::new();
    if let Some(timeline) = timeline {
        contents.push(Content::Picture(timeline.picture("Shards over time")));
    }
    let threads = files.manifest.host["threads_spent"].as_array();
    let threads = threads.map_or(&[][..], Vec::as_slice);
    if !threads.is_empty() {
        contents.push(Content::Table {
            columns: ["thread", "shards", "busy", "waiting", "waits for"]
                .map(str::to_owned)
                .to_vec(),
            rows: threads.iter().enumerate().map(thread).collect(),
            numbers: vec![true, true, true, true, false],
        });
    }
    (!contents.is_empty()).then(|| Section {
        heading: "Host".to_owned(),
        text: "How shards and threads spent this run; another run differs here and nowhere else. The figure at the \
               right is the share of work. host-timeline.json opens in ui.perfetto.dev."
            .to_owned(),
        contents,
    })
}

fn thread((number, spent): (usize, &Value)) -> Vec<String> {
    let seconds = |name: &str| format!("{:.3} s", spent[name].as_f64().unwrap_or(0.0));
    let waits = spent["wait_seconds_by_neighbour"].as_object();
    let waits = waits.into_iter().flatten().filter_map(|(peer, time)| {
        let time = time.as_f64().filter(|time| *time >= 0.000_5)?;
        Some(format!("shard {peer}: {time:.3} s"))
    });
    vec![
        number.to_string(),
        short(spent["shards"].as_f64().unwrap_or(0.0)),
        seconds("busy_seconds"),
        seconds("wait_seconds"),
        waits.collect::<Vec<_>>().join(", "),
    ]
}
