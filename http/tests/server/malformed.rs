//! Requests on which two servers might disagree, and others that are none.

use crate::rig::{CHOICES, Rig};

/// What is sent, and the first line of the answers: all of them, for what is smuggled would be answered
/// too.
const CASES: &[(&str, &str)] = &[
    // Well-formed, for comparison.
    ("GET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n", "200"),
    ("\r\nGET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n", "200"),
    ("GET http://x/hello/a HTTP/1.1\r\nHost: X\r\n\r\n", "200"),
    ("GET /hello/a HTTP/1.0\r\n\r\n", "200"),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        "200",
    ),
    ("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "404"),
    // Two ways to tell where the body ends, or a wrong one.
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n",
        "400",
    ),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        "400",
    ),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "400",
    ),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\na",
        "400",
    ),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na",
        "400",
    ),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\na",
        "400",
    ),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\na",
        "400",
    ),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\na",
        "400",
    ),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n",
        "400",
    ),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "400",
    ),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
        "400",
    ),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
        "400",
    ),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "400",
    ),
    (
        "POST /echo HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "400",
    ),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "400",
    ),
    // Chunks.
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
        "400",
    ),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n",
        "400",
    ),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\na\n0\n\n",
        "400",
    ),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;\r\na\r\n0\r\n\r\n",
        "400",
    ),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
        "400",
    ),
    // Lines.
    ("GET /hello/a HTTP/1.1\nHost: x\n\n", "400"),
    ("GET /hello/a HTTP/1.1\r\nHost: x\n\r\n", "400"),
    ("GET /hello/a HTTP/1.1\rHost: x\r\n\r\n", "400"),
    (
        "GET /hello/a HTTP/1.1\r\nHost: x\r\na: b\r\n c\r\n\r\n",
        "400",
    ),
    ("GET /hello/a HTTP/1.1\r\nHost: x\r\na : b\r\n\r\n", "400"),
    ("GET /hello/a HTTP/1.1\r\n Host: x\r\n\r\n", "400"),
    ("GET /hello/a HTTP/1.1\r\nHost: x\r\na\r\n\r\n", "400"),
    ("GET /hello/a HTTP/1.1\r\nHost: x\r\na: \0\r\n\r\n", "400"),
    ("GET  /hello/a HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
    ("GET /hello/a HTTP/1.1 \r\nHost: x\r\n\r\n", "400"),
    ("GET /hello/ä HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
    ("GET /hello/a#b HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
    ("GET hello/a HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
    ("GET /hello/a\r\n\r\n", "400"),
    ("GET /hello/a HTTP/2.0\r\nHost: x\r\n\r\n", "505"),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"),
    ("\u{16}\u{3}\u{1}\0\u{1}", "400"),
    ("\r\n\r\nGET /hello/a HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
    // Hosts.
    ("GET /hello/a HTTP/1.1\r\n\r\n", "400"),
    ("GET /hello/a HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "400"),
    ("GET /hello/a HTTP/1.1\r\nHost: x y\r\n\r\n", "400"),
    ("GET /hello/a HTTP/1.1\r\nHost: x/y\r\n\r\n", "400"),
    ("GET /hello/a HTTP/1.1\r\nHost: u@x\r\n\r\n", "400"),
    ("GET http://y/hello/a HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
    ("GET ftp://x/hello/a HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
    ("CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", "501"),
    // Well-formed, and refused.
    ("BREW /hello/a HTTP/1.1\r\nHost: x\r\n\r\n", "501"),
    ("get /hello/a HTTP/1.1\r\nHost: x\r\n\r\n", "501"),
    (
        "POST /hello/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na",
        "405",
    ),
    ("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", "404"),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: a miracle\r\nContent-Length: 1\r\n\r\na",
        "417",
    ),
    (
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 16385\r\n\r\n",
        "413",
    ),
    (
        "POST /short HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345",
        "413",
    ),
    (
        "POST /short HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n",
        "413",
    ),
];

/// The statuses of all responses in what came back.
pub fn statuses(answer: &str) -> String {
    let lines = answer
        .lines()
        .filter_map(|line| line.split("HTTP/1.1 ").nth(1));
    let numbers: Vec<&str> = lines.map(|line| line.split(' ').next().unwrap()).collect();
    numbers.join(" ")
}

#[test]
fn what_servers_might_disagree_about_is_refused_once() {
    for choice in CHOICES {
        let rig = Rig::new(choice);
        for (request, status) in CASES {
            let answer = rig.say(request);
            assert_eq!(statuses(&answer), *status, "{request:?} brought {answer:?}");
            let closes = answer.contains("connection: close\r\n");
            assert_eq!(
                closes,
                !matches!(*status, "200" | "404") || request.contains("1.0\r\n\r\n"),
                "{request:?}: {answer:?}"
            );
        }
        rig.end();
    }
}

#[test]
fn what_is_too_long_is_refused_however_it_arrives() {
    let rig = Rig::new(CHOICES[0]);
    let long_line = format!("GET /{} HTTP/1.1\r\n", "a".repeat(2048));
    let long_field = format!(
        "GET / HTTP/1.1\r\nHost: x\r\na: {}\r\n\r\n",
        "b".repeat(9000)
    );
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "a: b\r\n".repeat(64));
    for (request, status) in [(long_line, "414"), (long_field, "431"), (many, "431")] {
        assert_eq!(statuses(&rig.say(&request)), status);
        let parts = request.as_bytes().chunks(700);
        assert_eq!(statuses(&rig.talk(parts)), status);
    }
    rig.end();
}
