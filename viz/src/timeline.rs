//! Timelines: what each of several tracks did and for how long, as Chrome's trace JSON, which Perfetto
//! (<https://ui.perfetto.dev>) and `chrome://tracing` open, and as a drawing.

use crate::drawing::{Area, Drawing, Ink, Look, Type, elided};
use serde_json::{Map, Value, json};

/// What happened on a number of tracks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// The tracks, from top to bottom.
    pub tracks: Vec<Track>,
    /// What they did, in any order.
    pub spans: Vec<Span>,
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

impl Timeline {
    /// The trace events, in order of time; a viewer shows names of processes and tracks.
    ///
    /// # Panics
    /// If a span is of a track that is not there.
    #[must_use]
    pub fn chrome_json(&self) -> String {
        let mut events = Vec::new();
        let mut named = std::collections::BTreeSet::new();
        for (number, track) in self.tracks.iter().enumerate() {
            let of = |kind: &str, name: &str| json!({"ph": "M", "name": kind, "pid": track.process, "tid": number, "args": {"name": name}});
            if named.insert(track.process) {
                events.push(of("process_name", &track.process_name));
            }
            events.push(of("thread_name", &track.name));
        }
        for span in self.in_order() {
            let track = &self.tracks[span.track];
            let details: Map<String, Value> = span.details.iter().cloned().collect();
            events.push(json!({
                "ph": "X",
                "name": span.name,
                "pid": track.process,
                "tid": span.track,
                // The format counts microseconds.
                "ts": span.start_ns / 1e3,
                "dur": span.duration_ns / 1e3,
                "args": details,
            }));
        }
        let lines: Vec<String> = events.iter().map(Value::to_string).collect();
        format!(
            "{{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n{}\n]}}\n",
            lines.join(",\n")
        )
    }

    fn in_order(&self) -> Vec<&Span> {
        let mut spans: Vec<&Span> = self.spans.iter().collect();
        spans.sort_by(|a, b| {
            let order = a
                .start_ns
                .total_cmp(&b.start_ns)
                .then(a.track.cmp(&b.track));
            order.then_with(|| a.name.cmp(&b.name))
        });
        spans
    }

    /// The timeline as a drawing: a row for each track, a colour for each name.
    #[must_use]
    pub fn picture(&self, title: &str) -> Drawing {
        const MARGIN: f64 = 18.0;
        const WIDTH: f64 = 900.0;
        const ROW: f64 = 22.0;
        const LABEL_MAX: f64 = 180.0;
        let label = Type::plain(11.0, Ink::Text);
        let label_width = self
            .tracks
            .iter()
            .map(|track| label.width(&track.name))
            .fold(40.0, f64::max);
        let label_width = label_width.min(LABEL_MAX);
        let names = self.names();
        let start = self
            .spans
            .iter()
            .map(|span| span.start_ns)
            .fold(f64::INFINITY, f64::min);
        let end = self
            .spans
            .iter()
            .map(|span| span.start_ns + span.duration_ns)
            .fold(start, f64::max);
        let (left, top) = (MARGIN + label_width + 12.0, 62.0);
        let height = top + ROW * self.tracks.len() as f64 + 48.0;
        let mut drawing = Drawing::new(left + WIDTH + MARGIN, height);
        drawing.text((MARGIN, 26.0), title, Type::plain(14.0, Ink::Text).bold());
        let mut x = MARGIN;
        for (number, name) in names.iter().enumerate() {
            drawing.rectangle(
                Area::new(x, 36.0, 9.0, 9.0),
                1.5,
                Look::filled(Ink::Category(number as u16)),
            );
            drawing.text((x + 14.0, 44.5), name, Type::plain(10.0, Ink::Muted));
            x += 30.0 + Type::plain(10.0, Ink::Muted).width(name);
        }
        for (number, track) in self.tracks.iter().enumerate() {
            let y = top + ROW * number as f64;
            drawing.rectangle(
                Area::new(left, y, WIDTH, ROW - 4.0),
                0.0,
                Look::filled(Ink::Panel),
            );
            drawing.text(
                (MARGIN, y + 13.0),
                &elided(&track.name, 11.0, false, LABEL_MAX),
                label,
            );
        }
        let scale = if end > start {
            WIDTH / (end - start)
        } else {
            0.0
        };
        for span in self.in_order() {
            let number = names
                .iter()
                .position(|name| **name == span.name)
                .unwrap_or(0);
            let y = top + ROW * span.track as f64;
            let width = (span.duration_ns * scale).max(0.4);
            let area = Area::new(left + (span.start_ns - start) * scale, y, width, ROW - 4.0);
            drawing.rectangle(area, 0.0, Look::filled(Ink::Category(number as u16)));
            drawing.hint(format!("{}: {}", span.name, duration(span.duration_ns)));
        }
        if end > start {
            let y = top + ROW * self.tracks.len() as f64 + 14.0;
            let set = Type::plain(9.5, Ink::Muted);
            drawing.text((left, y), "0", set);
            drawing.text((left + WIDTH, y), &duration(end - start), set.end());
        }
        drawing
    }

    /// Names of spans, the order of the alphabet.
    fn names(&self) -> Vec<&String> {
        let mut names: Vec<&String> = self.spans.iter().map(|span| &span.name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// A length of time in a fitting unit.
fn duration(ns: f64) -> String {
    match ns {
        _ if ns >= 1e9 => format!("{:.3} s", ns / 1e9),
        _ if ns >= 1e6 => format!("{:.3} ms", ns / 1e6),
        _ if ns >= 1e3 => format!("{:.3} us", ns / 1e3),
        _ => format!("{ns:.0} ns"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::drawing::Theme;

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
            tracks: vec![track(0, "shard 0"), track(1, "shard 1")],
            spans: vec![
                span(1, "work", 0.0, 5_000.0),
                span(0, "work", 0.0, 3_000.0),
                span(0, "wait for shard 1", 3_000.0, 2_500.0),
            ],
        }
    }

    #[test]
    fn viewers_find_tracks_and_spans() {
        let object: Value = serde_json::from_str(&sample().chrome_json()).unwrap();
        let events = object["traceEvents"].as_array().unwrap();
        assert_eq!(events.len(), 4 + 3);
        assert_eq!(events[0]["args"]["name"], "thread 0");
        assert_eq!(events[4]["name"], "work");
        assert_eq!(
            (&events[4]["tid"], &events[5]["tid"]),
            (&json!(0), &json!(1))
        );
        assert_eq!(events[6]["ts"], 3.0);
        assert_eq!(events[6]["dur"], 2.5);
        assert_eq!(events[6]["args"]["epoch"], 3);
    }

    #[test]
    fn a_timeline_is_drawn_with_its_names() {
        let svg = sample().picture("shards").svg(Theme::Light);
        for text in ["wait for shard 1", "5.500 us", "shard 0"] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(Timeline::default().picture("nothing").width() > 0.0);
    }
}
