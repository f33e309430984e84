//! Requests and responses: in order, kept alive, drained, timed, and survived.

use crate::malformed::statuses;
use crate::rig::{CHOICES, LARGE, Rig, read_until};
use proptest::prelude::*;
use std::io::{Read, Write};
use std::time::Duration;
use tina_engine::runtime::Counter;
use tina_http::{HttpCounter, Limits};

/// Requests of every shape, one behind the other.
const PIPELINE: &str = "GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n\
    POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345\
    HEAD /hello/b HTTP/1.1\r\nHost: x\r\n\r\n\
    POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\na: b\r\n\r\n\
    GET /count/3 HTTP/1.1\r\nHost: x\r\n\r\n\
    GET /empty HTTP/1.1\r\nHost: x\r\n\r\n\
    POST /hello/a HTTP/1.1\r\nHost: x\r\n\r\n\
    POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi\
    GET /hello/c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n\
    GET /hello/never HTTP/1.1\r\nHost: x\r\n\r\n";

const ANSWERS: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nGET a\
    HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\n12345\
    HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 6\r\n\r\n\
    HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nabcde\
    HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncache-control: no-store\r\ntransfer-encoding: chunked\r\n\r\n\
    0006\r\n3\n2\n1\n\r\n0\r\n\r\n\
    HTTP/1.1 204 No Content\r\n\r\n\
    HTTP/1.1 405 Method Not Allowed\r\nallow: GET, HEAD\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 23\r\n\r\n\
    405 Method Not Allowed\n\
    HTTP/1.1 100 Continue\r\n\r\n\
    HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nhi\
    HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\ncontent-length: 5\r\n\r\nGET c";

#[test]
fn requests_behind_each_other_are_answered_in_order() {
    for choice in CHOICES {
        let rig = Rig::new(choice);
        assert_eq!(rig.say(PIPELINE), ANSWERS);
        rig.end();
    }
}

#[test]
fn it_does_not_matter_where_a_request_is_cut() {
    for choice in CHOICES {
        let rig = Rig::new(choice);
        for at in 1..PIPELINE.len() {
            let (first, second) = PIPELINE.as_bytes().split_at(at);
            assert_eq!(rig.talk([first, second]), ANSWERS, "cut at {at}");
        }
        assert_eq!(rig.talk(PIPELINE.as_bytes().chunks(1)), ANSWERS);
        rig.end();
    }
}

#[test]
fn it_does_not_matter_how_often_a_request_is_cut() {
    let rig = Rig::new(CHOICES[0]);
    let strategy = proptest::collection::vec(1usize..120, 1..20);
    let config = ProptestConfig::with_cases(40);
    proptest!(config, |(lengths in strategy)| {
        let mut rest = PIPELINE.as_bytes();
        let mut parts = Vec::new();
        for length in lengths {
            let (part, more) = rest.split_at(length.min(rest.len()));
            parts.push(part);
            rest = more;
        }
        parts.push(rest);
        prop_assert_eq!(rig.talk(parts), ANSWERS);
    });
    rig.end();
}

#[test]
fn what_is_long_arrives_whole() {
    for choice in CHOICES {
        let rig = Rig::new(choice);
        let answer = rig
            .say("GET /large HTTP/1.1\r\nHost: x\r\n\r\nGET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(answer.contains("content-length: 200000\r\n\r\n"));
        let body = &answer.split_once("\r\n\r\n").unwrap().1[..LARGE.len()];
        assert_eq!(body.as_bytes(), &LARGE);
        assert!(answer.ends_with("GET a"));
        let answer = rig.say("HEAD /large HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(
            answer.ends_with("content-length: 200000\r\n\r\n"),
            "{answer}"
        );
        rig.end();
    }
}

#[test]
fn a_handler_may_ask_an_isolate_of_another_shard() {
    let rig = Rig::new(CHOICES[0]);
    // Several connections, so that both shards serve.
    for sum in 1..=8 {
        let answer = rig.say("POST /add/1 HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(answer.ends_with(&format!("\r\n\r\n{sum}")), "{answer}");
    }
    let answer = rig.say(
        "POST /add/nothing HTTP/1.1\r\nHost: x\r\n\r\nGET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n",
    );
    assert_eq!(statuses(&answer), "502 200");
    rig.end();
}

#[test]
fn a_handler_that_fails_costs_its_connection_only() {
    for choice in CHOICES {
        let rig = Rig::new(choice);
        let mut bystander = rig.connect();
        for (path, times) in [
            ("/panic", 3),
            ("/too_long", 1),
            ("/unsendable", 1),
            ("/content_of_none", 1),
        ] {
            for _ in 0..times {
                let two = format!(
                    "GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\nGET {path} HTTP/1.1\r\nHost: x\r\n\r\n"
                );
                let answer = rig.say(&two);
                assert_eq!(statuses(&answer), "200 500");
                assert!(answer.ends_with(
                    "connection: close\r\ncontent-length: 26\r\n\r\n500 Internal Server Error\n"
                ));
            }
        }
        bystander
            .write_all(b"GET /hello/b HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        read_until(&mut bystander, |text| text.ends_with("GET b"));
        assert_eq!(rig.server.count(HttpCounter::Panicked), 3);
        drop(bystander);
        let metrics = || rig.runtime.metrics().total(Counter::EndedAbnormally);
        while metrics() < 3 {
            std::thread::yield_now();
        }
        rig.end();
    }
}

#[test]
fn connections_that_dawdle_are_closed() {
    let limits = Limits {
        idle: Duration::from_millis(30),
        head: Duration::from_millis(30),
        body: Duration::from_millis(30),
        linger: Duration::from_millis(30),
        ..Limits::default()
    };
    for choice in CHOICES {
        let rig = Rig::with(choice, limits);
        let cases = [
            ("", ""),
            ("GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n", "200"),
            ("GET /hello/a HTTP/1.1\r\nHo", "408"),
            (
                "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n1",
                "408",
            ),
            (
                "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n1",
                "408",
            ),
        ];
        for (request, status) in cases {
            let mut stream = rig.connect();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert_eq!(statuses(&answer), status, "{request}");
        }
        assert_eq!(rig.server.count(HttpCounter::Expired), 5);
        rig.end();
    }
}

#[test]
fn what_is_in_flight_is_finished_at_shutdown() {
    for choice in CHOICES {
        let mut rig = Rig::new(choice);
        let mut idle = rig.connect();
        idle.write_all(b"GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        read_until(&mut idle, |text| text.ends_with("GET a"));
        let mut busy = rig.connect();
        busy.write_all(
            b"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
        )
        .unwrap();
        read_until(&mut busy, |text| text.ends_with("\r\n\r\n"));
        std::thread::scope(|scope| {
            let ended = scope.spawn(|| rig.runtime.shutdown(crate::rig::LONG).forced);
            // The idle one is closed, which tells that the other knows.
            assert_eq!(idle.read(&mut [0; 16]).unwrap(), 0);
            drop(idle);
            busy.write_all(b"last").unwrap();
            let mut answer = String::new();
            busy.read_to_string(&mut answer).unwrap();
            assert!(
                answer.contains("200 OK") && answer.ends_with("last"),
                "{answer}"
            );
            drop(busy);
            assert!(!ended.join().unwrap());
        });
    }
}

#[test]
fn a_reply_waits_for_what_is_being_sent() {
    // More than the system's buffers take, so that something is in flight when a reply comes.
    const PAIRS: u64 = 1500;
    let pair = "GET /page HTTP/1.1\r\nHost: x\r\n\r\nPOST /add/1 HTTP/1.1\r\nHost: x\r\n\r\n";
    for choice in CHOICES {
        let rig = Rig::new(choice);
        let mut stream = rig.connect();
        let mut writer = stream.try_clone().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                writer
                    .write_all(pair.repeat(PAIRS as usize).as_bytes())
                    .unwrap();
                writer.shutdown(std::net::Shutdown::Write).unwrap();
            });
            let served = || rig.server.count(HttpCounter::Requests);
            rig.await_count(HttpCounter::Requests, 100);
            // Until no more is taken: some connections later nothing has been served but they.
            loop {
                let before = served();
                for _ in 0..20 {
                    rig.say("GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n");
                }
                if served() == before + 20 {
                    break;
                }
            }
            let mut answers = String::new();
            stream.read_to_string(&mut answers).unwrap();
            assert!(answers.ends_with(&format!("\r\n\r\n{PAIRS}")));
        });
        rig.end();
    }
}

#[test]
fn a_request_that_is_being_answered_is_not_late() {
    let limits = Limits {
        idle: Duration::from_millis(30),
        head: Duration::from_millis(30),
        body: Duration::from_millis(30),
        ..Limits::default()
    };
    let later = "POST /add/later HTTP/1.1\r\nHost: x\r\n";
    for choice in CHOICES {
        for body in ["\r\n", "Content-Length: 2\r\n\r\nab"] {
            let rig = Rig::with(choice, limits);
            let mut patient = rig.connect();
            let request = format!("{later}{body}");
            let (first, second) = request.split_at(request.len() - 1);
            patient.write_all(first.as_bytes()).unwrap();
            rig.await_count(HttpCounter::BytesReceived, first.len() as u64);
            patient.write_all(second.as_bytes()).unwrap();
            rig.await_count(HttpCounter::Requests, 1);
            // These have the same patience, begin to wait later, on either shard, and see it end.
            for _ in 0..8 {
                assert_eq!(rig.connect().read(&mut [0; 16]).unwrap(), 0);
            }
            rig.say("POST /add/1 HTTP/1.1\r\nHost: x\r\n\r\n");
            let answer = read_until(&mut patient, |text| text.ends_with("\r\n\r\n1"));
            assert_eq!(statuses(&answer), "200");
            drop(patient);
            rig.end();
        }
    }
}
