//! Streamed bodies, events and metrics.

use crate::rig::{CHOICES, Rig, read_until};
use std::io::{Read, Write};

#[test]
fn a_stream_ends_in_the_way_the_version_has() {
    for choice in CHOICES {
        let rig = Rig::new(choice);
        let answer = rig.say("GET /count/5000 HTTP/1.0\r\n\r\n");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with("connection: close"), "{head}");
        let numbers: Vec<u64> = body.lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(numbers, (1..=5000).rev().collect::<Vec<u64>>());
        let answer = rig.say(
            "GET /count/none HTTP/1.1\r\nHost: x\r\n\r\nHEAD /count/2 HTTP/1.1\r\nHost: x\r\n\r\n",
        );
        assert_eq!(crate::malformed::statuses(&answer), "400 200");
        rig.end();
    }
}

#[test]
fn events_reach_everybody_who_follows() {
    for choice in CHOICES {
        let mut rig = Rig::new(choice);
        rig.feed.publish_from(&rig.runtime, "", "before").unwrap();
        let mut streams = [rig.connect(), rig.connect(), rig.connect()];
        for stream in &mut streams {
            stream
                .write_all(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
                .unwrap();
            let text = read_until(stream, |text| text.contains("data: before\n\n"));
            assert!(text.contains("content-type: text/event-stream\r\n"));
        }
        assert_eq!(rig.feed.follower_count(), 3);
        rig.feed
            .publish_from(&rig.runtime, "step", "one\ntwo")
            .unwrap();
        for stream in &mut streams {
            read_until(stream, |text| {
                text.ends_with("id: 2\nevent: step\ndata: one\ndata: two\n\n\r\n")
            });
        }
        // Who comes back goes on where it was.
        let mut again = rig.connect();
        again
            .write_all(b"GET /events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 1\r\n\r\n")
            .unwrap();
        let text = read_until(&mut again, |text| text.contains("data: two"));
        assert!(text.contains("id: 2\n") && !text.contains("before"));
        // Who goes away is forgotten as soon as there is something to send.
        drop(streams);
        while rig.feed.follower_count() > 1 {
            rig.feed.publish_from(&rig.runtime, "", "more").unwrap();
        }
        assert!(
            rig.feed
                .publish_from(&rig.runtime, "long", &"x".repeat(2000))
                .is_err()
        );
        // The end of the runtime is the end of the stream.
        std::thread::scope(|scope| {
            let ended = scope.spawn(|| rig.runtime.shutdown(crate::rig::LONG).forced);
            let mut rest = String::new();
            again.read_to_string(&mut rest).unwrap();
            assert!(rest.ends_with("0\r\n\r\n"), "{rest:?}");
            drop(again);
            assert!(!ended.join().unwrap());
        });
    }
}

#[test]
fn who_falls_behind_is_told_what_was_missed() {
    let rig = Rig::new(CHOICES[0]);
    for number in 1..=40 {
        rig.feed
            .publish_from(&rig.runtime, "", &format!("event {number}"))
            .unwrap();
    }
    let mut stream = rig.connect();
    stream
        .write_all(b"GET /events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 4\r\n\r\n")
        .unwrap();
    let text = read_until(&mut stream, |text| text.contains("event 40\n\n"));
    // The feed keeps 16 events.
    assert!(
        text.contains("event: missed\ndata: 20\n\nid: 25\n"),
        "{text}"
    );
    drop(stream);
    rig.end();
}

#[test]
fn metrics_are_read_while_shards_run() {
    for choice in CHOICES {
        let rig = Rig::new(choice);
        let answer = rig.say("GET /metrics HTTP/1.0\r\n\r\n");
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        for wanted in [
            "# TYPE tina_turns_total counter\n",
            "tina_turn_nanoseconds_count{shard=\"1\"} ",
            "# HELP tina_http_requests_total Requests whose head was read.\n",
            "tina_http_responses_5xx_total{shard=\"1\"} 0\n",
        ] {
            assert!(body.contains(wanted), "{wanted} is not in {body}");
        }
        rig.end();
    }
}

#[test]
fn a_stream_for_a_peer_that_sends_no_more_is_whole() {
    for choice in CHOICES {
        let rig = Rig::new(choice);
        let answer = rig.say("GET /count/200000 HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(answer.ends_with("\n1\n\r\n0\r\n\r\n"));
        // Nobody would know whether it goes on waiting for somebody.
        let answer = rig.say("GET /silence HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(answer.ends_with("\r\n\r\n0002\r\nab\r\n"), "{answer}");
        rig.end();
    }
}

#[test]
fn a_stream_that_shutdown_cuts_is_not_whole() {
    for choice in CHOICES {
        let mut rig = Rig::new(choice);
        let mut stream = rig.connect();
        stream
            .write_all(b"GET /count/1000000000 HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        read_until(&mut stream, |text| text.contains("\n999999990\n"));
        std::thread::scope(|scope| {
            let ended = scope.spawn(|| rig.runtime.shutdown(crate::rig::LONG).forced);
            let mut rest = Vec::new();
            let _reset = stream.read_to_end(&mut rest);
            assert!(!rest.ends_with(b"0\r\n\r\n"));
            assert!(!ended.join().unwrap());
        });
    }
}
