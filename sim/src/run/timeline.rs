//! What the shards of a run did with their time, as a timeline to be looked at.
//!
//! A stretch in which a shard did one thing is one span. Where neighbours had to be merged to bound the
//! memory, a stretch is shown as one span for each thing done in it, in a fixed order: how long each took is
//! exact, and when it was is known as far as the stretch goes; `changes` says how many changes were merged.

use serde_json::json;
use std::time::Duration;
use tina_engine::{Doing, ShardTimeline, TimeSlice};
use tina_viz::timeline::{Span, Timeline, Track};

/// The timeline of a machine of this name.
pub(super) fn timeline(machine: &str, shards: &[ShardTimeline]) -> Timeline {
    let track = |shard: &ShardTimeline| Track {
        process: 1,
        process_name: format!("tina-hw {machine}"),
        name: name(shard),
    };
    let of_shard = |(number, shard): (usize, &ShardTimeline)| {
        let slices = shard.slices.iter();
        slices
            .flat_map(|slice| spans(number, slice, shards))
            .collect::<Vec<_>>()
    };
    Timeline {
        tracks: shards.iter().map(track).collect(),
        spans: shards.iter().enumerate().flat_map(of_shard).collect(),
        first_names: vec![word(Doing::Work, shards), word(Doing::Meet, shards)],
    }
}

/// The shards of the placement that it stands for.
fn name(shard: &ShardTimeline) -> String {
    let (first, count) = (shard.placed.start, shard.placed.len());
    if count == 1 {
        format!("shard {first}")
    } else {
        format!("shards {first} to {}", first + count - 1)
    }
}

fn spans(track: usize, slice: &TimeSlice, shards: &[ShardTimeline]) -> Vec<Span> {
    let mut start = slice.start;
    let span = |&(doing, time): &(Doing, Duration)| {
        let span = Span {
            track,
            name: word(doing, shards),
            start_ns: start.as_nanos() as f64,
            duration_ns: time.as_nanos() as f64,
            details: if slice.change_count > 1 {
                vec![("changes".to_owned(), json!(slice.change_count))]
            } else {
                Vec::new()
            },
        };
        start += time;
        span
    };
    slice.spent.iter().map(span).collect()
}

/// What a shard does, in words.
fn word(doing: Doing, shards: &[ShardTimeline]) -> String {
    match doing {
        Doing::Work => "work".to_owned(),
        Doing::WaitFor(peer) => match shards.get(usize::from(peer)) {
            Some(shard) => format!("wait for {}", name(shard)),
            None => format!("wait for shard {peer}"),
        },
        Doing::WaitForWriter => "wait for the trace".to_owned(),
        Doing::Meet => "end of epoch".to_owned(),
        Doing::Pause => "pause".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_slices_are_laid_out_in_order() {
        let time = Duration::from_nanos;
        let shard = |placed, slices| ShardTimeline {
            placed,
            thread: 0,
            slices,
        };
        let slice = |start, spent: &[(Doing, u64)], change_count| TimeSlice {
            start: time(start),
            spent: spent.iter().map(|&(doing, ns)| (doing, time(ns))).collect(),
            change_count,
        };
        let shards = [
            shard(
                0..4,
                vec![
                    slice(0, &[(Doing::Work, 5)], 1),
                    slice(5, &[(Doing::Work, 7), (Doing::WaitFor(1), 3)], 9),
                ],
            ),
            shard(4..5, vec![slice(0, &[(Doing::WaitFor(0), 15)], 1)]),
        ];
        let timeline = timeline("m", &shards);
        assert_eq!(timeline.tracks[0].name, "shards 0 to 3");
        let seen: Vec<(&str, f64, f64)> = timeline
            .spans
            .iter()
            .map(|span| (span.name.as_str(), span.start_ns, span.duration_ns))
            .collect();
        assert_eq!(
            seen,
            [
                ("work", 0.0, 5.0),
                ("work", 5.0, 7.0),
                ("wait for shard 4", 12.0, 3.0),
                ("wait for shards 0 to 3", 0.0, 15.0)
            ]
        );
        assert_eq!(timeline.spans[2].details[0].1, 9);
    }
}
