//! Bodies of every length come back as they were, in chunks or not.

use crate::malformed::statuses;
use crate::rig::{CHOICES, Rig};
use proptest::prelude::*;

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
