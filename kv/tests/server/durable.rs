//! What was acknowledged is there again: after a store has failed, after the server was started again, and
//! after what was not acknowledged was torn.

use crate::rig::{Directory, Rig, SMALL};
use std::fs::OpenOptions;
use std::io::Write;
use tina_kv::Server;

/// Every key with its value, as clients see them.
fn everything(rig: &Rig) -> Vec<String> {
    let keys = rig.say("KEYS *\r\n");
    let mut keys: Vec<&str> = keys.lines().skip(2).step_by(2).collect();
    keys.sort_unstable();
    let asks: String = keys
        .iter()
        .map(|key| format!("STRLEN {key}\r\nPTTL {key}\r\nMGET {key}\r\n"))
        .collect();
    let answers = rig.say(&asks);
    let lines: Vec<&str> = answers.lines().collect();
    // A number, another, and a list of one.
    let entry = |(key, lines): (&&str, &[&str])| format!("{key} {}", lines.concat());
    keys.iter().zip(lines.chunks(5)).map(entry).collect()
}

#[test]
fn what_was_acknowledged_is_there_after_a_start() {
    let directory = Directory::new("start");
    let rig = Rig::logged(3, &directory);
    assert_eq!(rig.keys, 0);
    let sets: String = (0..100)
        .map(|number| format!("SET key:{number} {number}\r\nINCR key:{}\r\n", number / 2))
        .collect();
    rig.say(&sets);
    rig.say("DEL key:1 key:2 key:3\r\nAPPEND key:4 abc\r\nSET gone 1 PX 1\r\nGETDEL key:5\r\nSETEX key:6 1000 x\r\nPERSIST key:6\r\n");
    let before = everything(&rig);
    assert_eq!(
        before
            .iter()
            .filter(|entry| entry.starts_with("key"))
            .count(),
        96
    );
    assert_eq!(rig.end(), [""; 0]);
    for _ in 0..2 {
        let rig = Rig::logged(3, &directory);
        assert!(rig.keys >= 96);
        let after = everything(&rig);
        let kept = |entries: &[String]| -> Vec<String> {
            entries
                .iter()
                .filter(|entry| entry.starts_with("key"))
                .cloned()
                .collect()
        };
        assert_eq!(kept(&after), kept(&before));
        assert_eq!(rig.end(), [""; 0]);
    }
    let rig = Rig::logged(3, &directory);
    rig.say("FLUSHALL\r\nSET last 1\r\n");
    rig.end();
    assert_eq!(Rig::logged(3, &directory).keys, 1);
}

#[test]
fn a_torn_end_is_cut_off_and_what_comes_after_it_is_kept() {
    let directory = Directory::new("torn");
    let rig = Rig::logged(1, &directory);
    rig.say("SET first 1\r\nSET second 2\r\n");
    rig.end();
    let path = directory.log(0);
    let whole = std::fs::metadata(&path).unwrap().len();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(whole - 1).unwrap();
    let rig = Rig::logged(1, &directory);
    assert_eq!(
        rig.say("MGET first second\r\nSET third 3\r\n"),
        "*2\n$1\n1\n$-1\n+OK\n"
    );
    let log = rig.end();
    assert!(
        log[0].contains("the log was not whole: it is cut off at byte"),
        "{log:?}"
    );
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"what no record is, and more than one could be long")
        .unwrap();
    let rig = Rig::logged(1, &directory);
    assert_eq!(
        rig.say("MGET first second third\r\n"),
        "*3\n$1\n1\n$-1\n$1\n3\n"
    );
    rig.end();
}

#[test]
fn a_store_that_fails_is_as_it_was_when_it_has_read_its_log() {
    let directory = Directory::new("fails");
    let rig = Rig::logged(2, &directory);
    let sets: String = (0..100)
        .map(|number| format!("SET key:{number} {number}\r\n"))
        .collect();
    rig.say(&sets);
    rig.fail(0);
    // Until it has read its log it says so.
    let after = loop {
        let answer = rig.say("KEYS *\r\n");
        if !answer.starts_with('-') {
            break answer;
        }
        assert!(
            answer.starts_with("-LOADING") || answer.contains("has failed"),
            "{answer}"
        );
    };
    assert!(after.starts_with("*100\n"));
    assert_eq!(everything(&rig).len(), 100);
    rig.end();
}

#[test]
fn the_logs_of_another_number_of_shards_are_refused_by_name() {
    let directory = Directory::new("other");
    Rig::logged(2, &directory).end();
    let refused = Server::new(3, SMALL, Some(&directory.files()), (0, 0));
    let text = refused.err().unwrap().to_string();
    assert!(text.ends_with(
        "log.0: it is the log of shard 0 of 2: keys belong to other shards when there are more or fewer"
    ));
    std::fs::write(directory.log(1), "something else").unwrap();
    let refused = Server::new(2, SMALL, Some(&directory.files()), (0, 0));
    let text = refused.err().unwrap().to_string();
    assert!(
        text.ends_with("log.1: it is no log of this program"),
        "{text}"
    );
}
