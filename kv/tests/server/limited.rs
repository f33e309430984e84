//! What is too much, and what is no command: refused with a word, and nobody else is harmed.

use crate::rig::{Rig, SMALL, bulk, command};
use std::io::{ErrorKind, Read, Write};
use tina_engine::io::IoChoice;
use tina_kv::{Limits, Server, ServerError};

#[test]
fn who_breaks_the_protocol_is_told_and_hung_up_on() {
    let rig = Rig::new(2);
    let long = [b"*1\r\n$", &b"9".repeat(70)[..]].concat();
    for (text, error) in [
        (&b"*x\r\n"[..], "invalid multibulk length"),
        (b"*2000000\r\n", "invalid multibulk length"),
        (b"*2\r\n$3\r\nGET\r\n:1\r\n", "expected '$', got ':'"),
        (b"*1\r\n$-5\r\n", "invalid bulk length"),
        (b"*1\r\n$1048577\r\n", "invalid bulk length"),
        (&long, "too big bulk count string"),
        (b"get \"a\r\n", "unbalanced quotes in request"),
        (&b"x".repeat(70_000), "too big inline request"),
    ] {
        let all = [b"PING\r\n", text, b"PING\r\n"].concat();
        let mut stream = rig.connect();
        // It may hang up before all is written.
        let _written = stream.write_all(&all);
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).unwrap();
        let reply = String::from_utf8(reply).unwrap();
        assert_eq!(reply, format!("+PONG\r\n-ERR Protocol error: {error}\r\n"));
    }
    assert_eq!(rig.say("PING\r\n"), "+PONG\n");
    rig.end();
}

#[test]
fn a_full_store_refuses_and_serves_on() {
    let limits = Limits {
        keys: 10,
        store_bytes: 64 * 40,
        ..SMALL
    };
    let rig = Rig::with(1, IoChoice::Auto, limits, None);
    let oom = "-OOM command not allowed when used memory > 'maxmemory'.\n";
    let many: String = (0..12)
        .map(|number| format!("SET {number} x\r\n"))
        .collect();
    assert_eq!(rig.say(&many), format!("{}{oom}{oom}", "+OK\n".repeat(10)));
    let long = command(&[b"APPEND", b"1", &[b'x'; 2000]]);
    assert_eq!(rig.talk([&long[..]]), oom.replace('\n', "\r\n").as_bytes());
    let both = "MSET 3 y new z\r\nGET 3\r\nDEL 1 2\r\nSET new 1\r\nDBSIZE\r\n";
    assert_eq!(rig.say(both), format!("{oom}$1\ny\n:2\n+OK\n:9\n"));
    rig.end();
}

#[test]
fn a_key_that_has_expired_makes_room() {
    let limits = Limits { keys: 1, ..SMALL };
    let rig = Rig::with(1, IoChoice::Auto, limits, None);
    assert_eq!(rig.say("SET a 1 PX 1\r\n"), "+OK\n");
    // It is swept within a quarter of a second.
    while rig.say("SET b 1\r\n") != "+OK\n" {}
    assert_eq!(rig.say("GET a\r\nDBSIZE\r\n"), "$-1\n:1\n");
    rig.end();
}

#[test]
fn connections_beyond_the_plan_are_closed_and_those_within_served() {
    let limits = Limits {
        connections: 3,
        ..SMALL
    };
    let rig = Rig::with(1, IoChoice::Auto, limits, None);
    let mut held: Vec<_> = (0..3).map(|_| rig.connect()).collect();
    let mut reply = [0; 7];
    for stream in &mut held {
        stream.write_all(b"PING\r\n").unwrap();
        stream.read_exact(&mut reply).unwrap();
    }
    let mut fourth = rig.connect();
    match fourth.read(&mut reply) {
        Ok(count) => assert_eq!(count, 0),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    drop(held.pop());
    // Its place is free as soon as its isolate has seen that it is gone.
    loop {
        let mut stream = rig.connect();
        let written = stream.write_all(b"PING\r\n");
        if written.is_ok() && stream.read_exact(&mut reply).is_ok() {
            break;
        }
    }
    rig.end();
}

#[test]
fn who_reads_slowly_holds_one_buffer_and_gets_everything() {
    let rig = Rig::new(2);
    let value = vec![b'v'; 200_000];
    rig.talk([&command(&[b"SET", b"key", &value])[..]]);
    let mut stream = rig.connect();
    let asks = command(&[b"GET", b"key"]).repeat(50);
    stream.write_all(&asks).unwrap();
    assert_eq!(rig.say("PING\r\n"), "+PONG\n");
    let mut reply = vec![0; bulk(&value).len()];
    for _ in 0..50 {
        stream.read_exact(&mut reply).unwrap();
        assert!(reply == bulk(&value));
    }
    rig.end();
}

#[test]
fn limits_out_of_range_are_named() {
    let new = |shards, limits| match Server::new(shards, limits, None, (0, 0)) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it was made"),
    };
    assert_eq!(
        new(33, SMALL),
        "33 shards are asked for; there may be 1 to 32"
    );
    let none = Limits { keys: 0, ..SMALL };
    assert_eq!(new(1, none), "keys is 0; it may be 1 to 1073741824");
    assert!(matches!(
        Server::new(0, SMALL, None, (0, 0)),
        Err(ServerError::Shards(0))
    ));
}
