//! How long a frame takes from one core to another, measured through the ring that shards use.

use crate::platform::{self, now};
use crate::ring::{RingReader, RingWriter, Word, ring};
use std::sync::mpsc;
use std::time::Duration;

/// Round trips of a batch, and batches; the median batch counts, so that a few that were interrupted
/// do not.
const ROUND_TRIPS: u32 = 40;
const BATCHES: usize = 11;
/// Looks at an empty ring before the core is offered to others.
const PATIENCE: u32 = 100_000;

/// The time of a frame from one core to another and until it is seen there; `None` on a host that
/// gives this process a single core. Takes less than a millisecond.
#[must_use]
pub fn handshake_time() -> Option<Duration> {
    if platform::core_count() < 2 {
        return None;
    }
    let cores = platform::cores();
    let (mut ping, from_us) = ring(4);
    let (to_us, mut pong) = ring(4);
    let echo = move || echo(from_us, to_us);
    let (sender, receiver) = mpsc::channel();
    let mut measure = move || {
        let mut times: Vec<Duration> = (0..BATCHES).map(|_| batch(&mut ping, &mut pong)).collect();
        times.sort_unstable();
        // Whoever asked waits for this answer.
        let _ = sender.send(times[BATCHES / 2] / (2 * ROUND_TRIPS));
    };
    let (go, ready) = mpsc::channel::<()>();
    let measuring = move || {
        // Nobody says go if there is nobody to answer.
        if ready.recv().is_ok() {
            measure();
        }
    };
    let measuring = platform::spawn("handshake".to_owned(), cores.first().copied(), measuring);
    let measuring = measuring.ok()?;
    let echoing = platform::spawn("echo".to_owned(), cores.get(1).copied(), echo).ok()?;
    go.send(()).ok()?;
    let time = receiver.recv().ok();
    measuring.join().ok()?;
    echoing.join().ok()?;
    time
}

fn batch(ping: &mut RingWriter, pong: &mut RingReader) -> Duration {
    let began = now();
    for _ in 0..ROUND_TRIPS {
        send(ping, 1);
        receive(pong);
    }
    began.elapsed()
}

/// Sends back what comes, as often as the other side measures.
fn echo(mut from: RingReader, mut to: RingWriter) {
    for _ in 0..ROUND_TRIPS as usize * BATCHES {
        receive(&mut from);
        send(&mut to, 1);
    }
}

/// One frame is under way at a time, so there is always room.
fn send(writer: &mut RingWriter, number: u64) {
    let roomy = writer.has_room(1);
    assert!(roomy, "one frame is under way at a time");
    writer.put(Word::new(number));
    writer.publish();
}

fn receive(reader: &mut RingReader) {
    let mut round = 0u32;
    while !reader.ready() {
        round = round.saturating_add(1);
        if round < PATIENCE {
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
    reader.take_number();
    reader.finish();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_takes_time_where_there_are_two_cores() {
        let time = handshake_time();
        assert_eq!(time.is_some(), platform::core_count() > 1);
        assert!(time.is_none_or(|time| time > Duration::ZERO));
    }
}
