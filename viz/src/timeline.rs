//! Timelines: what each of several tracks did and for how long, as Chrome's trace JSON, which Perfetto
//! (<https://ui.perfetto.dev>) and `chrome://tracing` open, and as a drawing.

mod chrome;
mod picture;

use crate::drawing::Drawing;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;

/// What happened on a number of tracks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// The tracks, from top to bottom.
    pub tracks: Vec<Track>,
    /// What they did, in any order.
    pub spans: Vec<Span>,
    /// Names of spans that come first among the colours; others follow in the order of the alphabet.
    pub first_names: Vec<String>,
}

/// Something that does one thing at a time, such as a shard, in a process such as a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Number of the process.
    pub process: u32,
    /// Name of the process.
    pub process_name: String,
    /// Name of the track.
    pub name: String,
}

/// A stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Number of the track.
    pub track: usize,
    /// What was done: spans of one name have one colour.
    pub name: String,
    /// When it began, in nanoseconds.
    pub start_ns: f64,
    /// How long it lasted, in nanoseconds.
    pub duration_ns: f64,
    /// More about it.
    pub details: Vec<(String, Value)>,
}

/// Why a text is no timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineError {
    text: String,
}

impl fmt::Display for TimelineError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl std::error::Error for TimelineError {}

impl Timeline {
    /// The trace events, in order of time; a viewer shows names of processes and tracks.
    ///
    /// # Panics
    /// If a span is of a track that is not there.
    #[must_use]
    pub fn chrome_json(&self) -> String {
        chrome::write(self)
    }

    /// Reads what [`chrome_json`](Self::chrome_json) writes: names of processes and threads, and events of a
    /// length (`ph` is `X`). Events of other sorts are left out.
    ///
    /// # Errors
    /// When it is something else.
    pub fn read_chrome_json(text: &str) -> Result<Self, TimelineError> {
        chrome::read(text).map_err(|text| TimelineError { text })
    }

    /// The timeline as a drawing: a row for each track, a colour for each name. What is shorter than a
    /// column of the drawing shares it: heights are parts of the column's time.
    #[must_use]
    pub fn picture(&self, title: &str) -> Drawing {
        picture::draw(self, title)
    }

    /// When the first span begins and the last one ends, in nanoseconds.
    fn extent(&self) -> (f64, f64) {
        let starts = self.spans.iter().map(|span| span.start_ns);
        let start = starts.fold(f64::INFINITY, f64::min);
        let ends = self
            .spans
            .iter()
            .map(|span| span.start_ns + span.duration_ns);
        let end = ends.fold(start, f64::max);
        if start.is_finite() {
            (start, end)
        } else {
            (0.0, 0.0)
        }
    }

    /// Names of spans: those that come first, then the others in the order of the alphabet.
    fn names(&self) -> Vec<&str> {
        let others: BTreeSet<&str> = self.spans.iter().map(|span| span.name.as_str()).collect();
        let first = self.first_names.iter().map(String::as_str);
        let mut names: Vec<&str> = first.filter(|name| others.contains(name)).collect();
        let rest = others
            .into_iter()
            .filter(|name| !self.first_names.iter().any(|it| it == name));
        names.extend(rest);
        names
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::drawing::Theme;
    use serde_json::json;

    pub(crate) fn sample() -> Timeline {
        let span = |track, name: &str, start_ns, duration_ns| Span {
            track,
            name: name.to_owned(),
            start_ns,
            duration_ns,
            details: vec![("epoch".to_owned(), json!(3))],
        };
        let track = |process: u32, name: &str| Track {
            process,
            process_name: format!("thread {process}"),
            name: name.to_owned(),
        };
        Timeline {
            tracks: vec![track(1, "shard 0"), track(2, "shard 1")],
            spans: vec![
                span(1, "work", 0.0, 5_000.0),
                span(0, "work", 0.0, 3_000.0),
                span(0, "wait for shard 1", 3_000.0, 2_500.0),
            ],
            first_names: vec!["work".to_owned(), "never".to_owned()],
        }
    }

    #[test]
    fn viewers_find_tracks_and_spans() {
        let object: Value = serde_json::from_str(&sample().chrome_json()).unwrap();
        let events = object["traceEvents"].as_array().unwrap();
        let named = |kind: &'static str| events.iter().filter(move |event| event["name"] == kind);
        let processes: Vec<&Value> = named("process_name")
            .map(|it| &it["args"]["name"])
            .collect();
        assert_eq!(processes, ["thread 1", "thread 2"]);
        let threads: Vec<&Value> = named("thread_name").map(|it| &it["args"]["name"]).collect();
        assert_eq!(threads, ["shard 0", "shard 1"]);
        let spans: Vec<&Value> = events.iter().filter(|event| event["ph"] == "X").collect();
        assert_eq!(spans.len(), 3);
        assert_eq!(spans[0]["name"], "work");
        let track = |event: &Value| (event["pid"].as_u64(), event["tid"].as_u64());
        // No number is 0: viewers take that for the idle task of the host.
        assert_eq!(track(spans[0]), (Some(1), Some(1)));
        assert_eq!(track(spans[1]), (Some(2), Some(2)));
        assert_eq!(
            (&spans[2]["ts"], &spans[2]["dur"]),
            (&json!(3.0), &json!(2.5))
        );
        assert_eq!(spans[2]["args"]["epoch"], 3);
    }

    #[test]
    fn what_is_written_is_read() {
        let mut read = Timeline::read_chrome_json(&sample().chrome_json()).unwrap();
        assert_eq!(read.first_names, ["work", "never"]);
        let order = |a: &Span, b: &Span| (a.track, &a.name).cmp(&(b.track, &b.name));
        read.spans.sort_by(order);
        let mut expected = sample();
        expected.spans.sort_by(order);
        assert_eq!(read, expected);
        let said = |text: &str| Timeline::read_chrome_json(text).unwrap_err().to_string();
        assert_eq!(said("{}"), "there are no `traceEvents` in it");
        assert!(said("{\"traceEvents\": [").starts_with("it is no JSON: EOF"));
        let lost =
            r#"{"traceEvents": [{"ph": "X", "pid": 1, "tid": 4, "name": "a", "ts": 1, "dur": 1}]}"#;
        assert_eq!(
            said(lost),
            "event 0 is of thread 4 of process 1, which has no name"
        );
        let bare = r#"{"traceEvents": [{"ph": "X", "pid": 1, "tid": 4, "name": "a"}]}"#;
        assert_eq!(said(bare), "event 0 has no number `ts`");
    }

    #[test]
    fn a_timeline_is_drawn_with_its_names() {
        let svg = sample().picture("shards").svg(Theme::Light);
        for text in [
            "wait for shard 1",
            "shard 0",
            "55 %",
            "wait for shard 1: 2.500 us, 45 %",
        ] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        assert!(!svg.contains("never"));
        assert!(Timeline::default().picture("nothing").width() > 0.0);
    }
}
