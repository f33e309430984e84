//! Stores that fail under load: what is lost is lost whole, callers are told, nobody else notices, and
//! nothing is left behind.

use crate::rig::{Directory, Rig, command};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use tina_engine::runtime::Counter;

fn read_line(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

#[test]
fn without_a_log_a_store_that_fails_is_empty_and_the_others_are_as_they_were() {
    let rig = Rig::new(3);
    let sets: String = (0..99)
        .map(|number| format!("SET key:{number} {number}\r\n"))
        .collect();
    rig.say(&sets);
    let exists = |rig: &Rig| -> Vec<String> {
        let asks: String = (0..99)
            .map(|number| format!("EXISTS key:{number}\r\n"))
            .collect();
        rig.say(&asks).lines().map(str::to_owned).collect()
    };
    let before = rig.connect();
    rig.fail(1);
    let after = exists(&rig);
    let lost = after.iter().filter(|line| *line == ":0").count();
    assert!(
        (20..46).contains(&lost),
        "{lost} of 99 were on one of three shards"
    );
    assert_eq!(after.iter().filter(|line| *line == ":1").count(), 99 - lost);
    // A connection that asks the store that is gone is told once, and finds the next.
    let mut stream = BufReader::new(before);
    for number in 0..99 {
        let set = command(&[b"SET", format!("key:{number}").as_bytes(), b"x"]);
        stream.get_mut().write_all(&set).unwrap();
        assert_eq!(read_line(&mut stream), "+OK");
    }
    assert_eq!(rig.say("DBSIZE\r\n"), ":99\n");
    assert!(rig.runtime.metrics().total(Counter::Restarted) == 1);
    rig.end();
}

/// What a client knows of its keys: what was acknowledged last, and what may have happened since.
#[derive(Default)]
struct Known(BTreeMap<usize, (u32, u32)>);

/// Writes numbers that only grow into keys of its own, many at a time, and says what it knows.
fn write_until(mut stream: BufReader<TcpStream>, client: usize, rounds: u32) -> Known {
    let mut known = Known::default();
    for round in 1..=rounds {
        let keys: Vec<usize> = (0..16).map(|key| (key * 7 + round as usize) % 40).collect();
        let mut asks = Vec::new();
        for key in &keys {
            let name = format!("{client}:{key}");
            asks.extend(command(&[
                b"SET",
                name.as_bytes(),
                round.to_string().as_bytes(),
            ]));
        }
        stream.get_mut().write_all(&asks).unwrap();
        for &key in &keys {
            let reply = read_line(&mut stream);
            let (acknowledged, tried) = known.0.entry(key).or_default();
            *tried = round;
            if reply == "+OK" {
                *acknowledged = round;
            } else {
                assert!(
                    reply.starts_with("-LOADING") || reply.contains("has failed"),
                    "{reply}"
                );
            }
        }
    }
    known
}

#[test]
fn nothing_acknowledged_is_lost_when_stores_fail_under_load() {
    let directory = Directory::new("load");
    let rig = Rig::logged(3, &directory);
    let known: Vec<Known> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let stream = BufReader::new(rig.connect());
                scope.spawn(move || write_until(stream, client, 100))
            })
            .collect();
        // Not more often than its supervisor lets it.
        let mut failed = 0;
        while failed < 6 && !clients.iter().all(|client| client.is_finished()) {
            let restarted = rig.runtime.metrics().total(Counter::Restarted);
            if restarted == failed {
                rig.server.fail(&rig.runtime, failed as usize % 3).unwrap();
                failed += 1;
            }
            std::thread::yield_now();
        }
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect()
    });
    rig.end();
    let rig = Rig::logged(3, &directory);
    for (client, known) in known.iter().enumerate() {
        let keys: String = known
            .0
            .keys()
            .map(|key| format!(" {client}:{key}"))
            .collect();
        let reply = rig
            .say(&format!("MGET{keys}\r\n"))
            .replace("$-1\n", "$1\n0\n");
        let values = reply.lines().skip(2).step_by(2);
        assert_eq!(values.clone().count(), known.0.len());
        for ((key, &(acknowledged, tried)), value) in known.0.iter().zip(values) {
            let value: u32 = value.parse().unwrap();
            assert!(
                (acknowledged..=tried).contains(&value),
                "{client}:{key} is {value}, was acknowledged as {acknowledged} and tried as {tried}"
            );
        }
    }
    rig.end();
}
