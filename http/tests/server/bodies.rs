//! Bodies of every length come back as they were, in chunks or not.

use crate::malformed::statuses;
use crate::rig::{CHOICES, PIPE, Rig, read_until};
use proptest::prelude::*;
use std::io::{Read, Write};
use tina_http::{HttpCounter, Limits};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn bodies_come_back(
        bodies in proptest::collection::vec((proptest::collection::vec(b'a'..=b'z', 0..16_000), 1usize..4000, any::<bool>()), 1..6),
        cut in 1usize..5000,
    ) {
        for choice in CHOICES {
            let rig = Rig::new(choice);
            let (mut sent, mut expected) = (Vec::new(), String::new());
            for (body, chunk_bytes, in_chunks) in &bodies {
                sent.extend_from_slice(b"POST /echo HTTP/1.1\r\nHost: x\r\n");
                if *in_chunks {
                    sent.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                    for chunk in body.chunks(*chunk_bytes) {
                        sent.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                        sent.extend_from_slice(chunk);
                        sent.extend_from_slice(b"\r\n");
                    }
                    sent.extend_from_slice(b"0\r\n\r\n");
                } else {
                    sent.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
                    sent.extend_from_slice(body);
                }
                expected += &format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n", body.len());
                expected += std::str::from_utf8(body).unwrap();
            }
            // What is sent and what comes back fit into the system's buffers.
            prop_assert_eq!(rig.talk(sent.chunks(cut)), expected);
            rig.end();
        }
    }
}

#[test]
fn bodies_of_any_length_are_taken_as_they_arrive() {
    for choice in CHOICES {
        let rig = Rig::new(choice);
        let body = "abc".repeat(300_000);
        let sum: u64 = body.bytes().map(u64::from).sum();
        let head = "POST /sum/bytes HTTP/1.1\r\nHost: x\r\n";
        let plain = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        let chunk = format!("{:x}\r\n{body}\r\n", body.len());
        let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n");
        let both = rig.talk([plain.as_bytes(), chunked.as_bytes()]);
        let expected = format!("\r\n\r\n{} {sum}", body.len());
        assert_eq!(both.matches(&expected).count(), 2, "{both}");
        let cases = [
            (format!("{head}Content-Length: 1048577\r\n\r\n"), "413"),
            (
                format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n"),
                "413",
            ),
            (
                format!("{head}Transfer-Encoding: chunked\r\n\r\n1\r\nab"),
                "400",
            ),
            (
                "POST /sum/words HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na".to_owned(),
                "404",
            ),
            (
                format!("{head}Expect: 100-continue\r\nContent-Length: 1\r\n\r\na"),
                "100 200",
            ),
            (format!("{head}\r\n"), "200"),
        ];
        for (request, status) in cases {
            assert_eq!(statuses(&rig.say(&request)), status);
        }
        let refused = [head.as_bytes(), b"Content-Length: 2\r\n\r\n\xff\xff"];
        assert_eq!(statuses(&rig.talk(refused)), "422");
        rig.end();
    }
}

#[test]
fn files_are_sent_as_they_are() {
    for choice in CHOICES {
        let rig = Rig::new(choice);
        let manifest = include_str!("../../Cargo.toml");
        let get = |path: &str| rig.say(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        let answer = get("/manifest");
        let length = format!("content-length: {}\r\n\r\n{manifest}", manifest.len());
        assert!(answer.ends_with(&length), "{answer}");
        let answer = rig.say(
            "GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\nGET /src/connection/file.rs HTTP/1.1\r\nHost: x\r\n\r\n\
             HEAD /manifest HTTP/1.1\r\nHost: x\r\n\r\nGET /hello/b HTTP/1.1\r\nHost: x\r\n\r\n",
        );
        assert!(
            answer.contains("GET aHTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n")
        );
        assert!(answer.contains(include_str!("../../src/connection/file.rs")));
        assert!(answer.ends_with("GET b"));
        for path in [
            "/gone",
            "/src/gone",
            "/src/../Cargo.toml",
            "/src/.hidden",
            "/src/%2e%2e/Cargo.toml",
            "/src/a//b",
        ] {
            assert_eq!(statuses(&get(path)), "404", "{path}");
        }
        rig.end();
    }
}

#[test]
fn a_body_in_chunks_is_no_request_though_a_file_must_wait() {
    let data = "0\r\n\r\nGET /hello/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let sent = format!(
        "GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n\
         GET /manifest HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\
         {:x}\r\n{data}\r\n0\r\n\r\nGET /hello/b HTTP/1.1\r\nHost: x\r\n\r\n",
        data.len()
    );
    for choice in CHOICES {
        let rig = Rig::new(choice);
        let answer = rig.say(&sent);
        assert!(answer.contains(include_str!("../../Cargo.toml")));
        assert!(!answer.contains("smuggled"), "{answer}");
        assert!(answer.ends_with("GET b"), "{answer}");
        rig.end();
    }
}

#[test]
fn what_is_no_file_is_not_found() {
    let _gone = std::fs::remove_file(PIPE);
    let made = std::process::Command::new("mkfifo").arg(PIPE).status();
    assert!(made.unwrap().success());
    for choice in CHOICES {
        let rig = Rig::new(choice);
        let name = "a".repeat(300);
        for path in ["/src/connection", "/pipe", &format!("/src/{name}")] {
            let answer = rig.say(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
            assert_eq!(statuses(&answer), "404", "{path}");
        }
        rig.end();
    }
}

#[test]
fn the_longest_request_fits_with_what_arrives_behind_it() {
    // Together with what may arrive at once, these fill buffers but for the ends of lines.
    let limits = Limits {
        request_line_bytes: 2 << 10,
        head_bytes: 8 << 10,
        body_bytes: 18 << 10,
        response_bytes: 18 << 10,
        ..Limits::default()
    };
    let line = format!("POST /echo?{} HTTP/1.1", "q".repeat(2048 - 20));
    assert_eq!(line.len(), 2048);
    let fields = "Host: x\r\nContent-Length: 18432\r\na: ";
    let fields = format!("{fields}{}", "f".repeat((8 << 10) - fields.len()));
    let body = "b".repeat(18 << 10);
    let longest = format!("{line}\r\n{fields}\r\n\r\n{body}");
    let behind = "GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n".repeat(130);
    for choice in CHOICES {
        let rig = Rig::with(choice, limits);
        let mut stream = rig.connect();
        let (most, last) = longest.split_at(longest.len() - 1);
        stream.write_all(most.as_bytes()).unwrap();
        rig.await_count(HttpCounter::BytesReceived, most.len() as u64);
        let rest = format!("{last}{behind}");
        assert!(rest.len() > 4096);
        stream.write_all(&rest.as_bytes()[..4096]).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(&body));
        assert!(
            answer.ends_with("GET a"),
            "{}",
            &answer[answer.len() - 100..]
        );
        rig.end();
    }
}

#[test]
fn more_may_arrive_at_once_than_a_request_may_have() {
    let one = format!(
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n{}",
        "e".repeat(9000)
    );
    let all = one.repeat(20);
    for choice in CHOICES {
        let rig = Rig::receiving(choice, Limits::default(), 64 << 10);
        let mut stream = rig.connect();
        let (first, rest) = all.split_at(9);
        stream.write_all(first.as_bytes()).unwrap();
        rig.await_count(HttpCounter::BytesReceived, 9);
        stream.write_all(rest.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer.matches(&"e".repeat(9000)).count(), 20);
        let mut stream = rig.connect();
        let head = "POST /sum/bytes HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n";
        let upload = format!("{head}{}", "a".repeat(60_000));
        let (first, rest) = upload.split_at(9);
        let received = rig.server.count(HttpCounter::BytesReceived);
        stream.write_all(first.as_bytes()).unwrap();
        rig.await_count(HttpCounter::BytesReceived, received + 9);
        stream.write_all(rest.as_bytes()).unwrap();
        read_until(&mut stream, |text| text.ends_with("\r\n\r\n60000 5820000"));
        drop(stream);
        rig.end();
    }
}
