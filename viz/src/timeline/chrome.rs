//! Timelines as Chrome's trace events: one JSON object, one event a line.

use super::{Span, Timeline, Track};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Beside the events: viewers pass over what they do not know.
const FIRST_NAMES: &str = "firstNames";

pub(super) fn write(timeline: &Timeline) -> String {
    let mut events = Vec::new();
    let mut named = BTreeSet::new();
    for (number, track) in timeline.tracks.iter().enumerate() {
        let of = |kind: &str, argument: Value| json!({"ph": "M", "name": kind, "pid": track.process, "tid": number + 1, "args": argument});
        if named.insert(track.process) {
            events.push(of("process_name", json!({"name": track.process_name})));
        }
        events.push(of("thread_name", json!({"name": track.name})));
        events.push(of("thread_sort_index", json!({"sort_index": number})));
    }
    let mut spans: Vec<&Span> = timeline.spans.iter().collect();
    spans.sort_by(|a, b| {
        let order = a.start_ns.total_cmp(&b.start_ns);
        let order = order.then(a.track.cmp(&b.track));
        order.then_with(|| a.name.cmp(&b.name))
    });
    for span in spans {
        let details: Map<String, Value> = span.details.iter().cloned().collect();
        events.push(json!({
            "ph": "X",
            "name": span.name,
            "pid": timeline.tracks[span.track].process,
            "tid": span.track + 1,
            // The format counts microseconds.
            "ts": span.start_ns / 1e3,
            "dur": span.duration_ns / 1e3,
            "args": details,
        }));
    }
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    format!(
        "{{\"displayTimeUnit\":\"ns\",\"{FIRST_NAMES}\":{},\"traceEvents\":[\n{}\n]}}\n",
        json!(timeline.first_names),
        lines.join(",\n")
    )
}

pub(super) fn read(text: &str) -> Result<Timeline, String> {
    let object: Value =
        serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let events = object["traceEvents"].as_array();
    let events = events.ok_or("there are no `traceEvents` in it")?;
    let of_sort = |sort: &'static str| {
        let numbered = events.iter().enumerate();
        numbered.filter(move |(_, event)| event["ph"] == sort)
    };
    let place = |event: &Value| (event["pid"].as_u64(), event["tid"].as_u64());
    let mut processes = BTreeMap::new();
    let mut tracks = BTreeMap::new();
    let mut timeline = Timeline::default();
    for (_, event) in of_sort("M") {
        let name = event["args"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        match event["name"].as_str() {
            Some("process_name") => _ = processes.insert(event["pid"].as_u64(), name),
            Some("thread_name") => {
                tracks.insert(place(event), timeline.tracks.len());
                let process = event["pid"].as_u64().and_then(|it| u32::try_from(it).ok());
                timeline.tracks.push(Track {
                    process: process.ok_or("a process has no number")?,
                    process_name: String::new(),
                    name,
                });
            }
            _ => {}
        }
    }
    for track in &mut timeline.tracks {
        let name = processes.get(&Some(u64::from(track.process)));
        track.process_name = name.cloned().unwrap_or_default();
    }
    for (number, event) in of_sort("X") {
        let quantity = |field: &str| {
            let value = event[field].as_f64();
            value.ok_or_else(|| format!("event {number} has no number `{field}`"))
        };
        let (start, duration) = (quantity("ts")?, quantity("dur")?);
        let track = tracks.get(&place(event)).ok_or_else(|| {
            let (process, thread) = (&event["pid"], &event["tid"]);
            format!("event {number} is of thread {thread} of process {process}, which has no name")
        })?;
        let details = event["args"].as_object().into_iter().flatten();
        timeline.spans.push(Span {
            track: *track,
            name: event["name"].as_str().unwrap_or_default().to_owned(),
            start_ns: start * 1e3,
            duration_ns: duration * 1e3,
            details: details
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        });
    }
    let first = object[FIRST_NAMES].as_array().into_iter().flatten();
    let first = first.filter_map(|name| name.as_str().map(str::to_owned));
    timeline.first_names = first.collect();
    Ok(timeline)
}
