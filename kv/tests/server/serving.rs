//! Commands and replies: in order, wherever they are cut, on however many shards.

use crate::rig::{Rig, SMALL, bulk, command};
use proptest::prelude::*;
use std::io::{Read, Write};
use tina_engine::io::IoChoice;

const COMMANDS: &str = "PING\r\nSET a 1\r\nset b two\r\nSET c 3 EX 100\r\nMGET a b nothing c\r\nTTL c\r\n\
    INCR a\r\nDECRBY a 5\r\nINCR b\r\nAPPEND b !\r\nSTRLEN b\r\nEXISTS a b c d a\r\nDBSIZE\r\n\
    SET a x NX\r\nSET a x XX GET\r\nGETDEL a\r\nGET a\r\nMSET d 1 e 2 f 3\r\nDEL b d nothing\r\nDBSIZE\r\n\
    TYPE e\r\nPERSIST c\r\nTTL c\r\nPEXPIRE e 0\r\nEXISTS e\r\nECHO \"a b\"\r\nset \"k y\" \"\\x00\\n\"\r\n\
    strlen 'k y'\r\nFLUSHALL\r\nDBSIZE\r\nKEYS *\r\nHMM x\r\nSELECT 1\r\nQUIT\r\nPING\r\n";

const REPLIES: &str = "+PONG\n+OK\n+OK\n+OK\n*4\n$1\n1\n$3\ntwo\n$-1\n$1\n3\n:100\n\
    :2\n:-3\n-ERR value is not an integer or out of range\n:4\n:4\n:4\n:3\n\
    $-1\n$2\n-3\n$1\nx\n$-1\n+OK\n:2\n:3\n\
    +string\n:1\n:-1\n:1\n:0\n$3\na b\n+OK\n\
    :2\n+OK\n:0\n*0\n-ERR unknown command 'HMM', with args beginning with: 'x'\n\
    -ERR DB index is out of range\n+OK\n";

#[test]
fn commands_are_answered_in_order_on_any_number_of_shards() {
    for (shards, choice) in [
        (1, IoChoice::Auto),
        (3, IoChoice::Auto),
        (3, IoChoice::Portable),
    ] {
        let rig = Rig::with(shards, choice, SMALL, None);
        assert_eq!(rig.say(COMMANDS), REPLIES);
        assert_eq!(rig.end(), [""; 0]);
    }
}

#[test]
fn it_does_not_matter_where_commands_are_cut() {
    let rig = Rig::new(3);
    let text = [
        &command(&[b"SET", b"key", b"a\r\nb"])[..],
        b"\r\nMGET key other key\r\n*0\r\n",
        &command(&[b"DEL", b"key", b"other", b"third"]),
        b"ping\nDBSIZE\r\n",
    ]
    .concat();
    let expected = [
        b"+OK\r\n*3\r\n",
        &bulk(b"a\r\nb")[..],
        b"$-1\r\n",
        &bulk(b"a\r\nb"),
        b":1\r\n+PONG\r\n:0\r\n",
    ]
    .concat();
    for at in 1..text.len() {
        let (first, second) = text.split_at(at);
        assert_eq!(rig.talk([first, second]), expected, "cut at {at}");
    }
    assert_eq!(rig.talk(text.chunks(1)), expected);
    rig.end();
}

#[test]
fn who_sends_the_next_command_after_the_reply_is_served_on() {
    let rig = Rig::new(3);
    let mut stream = rig.connect();
    for number in 0..200 {
        let set = format!("SET key:{number} {number}\r\nGET key:{}\r\n", number / 2);
        stream.write_all(set.as_bytes()).unwrap();
        let expected = [b"+OK\r\n", &bulk((number / 2).to_string().as_bytes())[..]].concat();
        let mut reply = vec![0; expected.len()];
        stream.read_exact(&mut reply).unwrap();
        assert_eq!(reply, expected);
    }
    assert_eq!(rig.say("DBSIZE\r\n"), ":200\n");
    // It has said nothing, and is still connected when the server ends.
    rig.end();
}

#[test]
fn all_keys_are_listed_whichever_shard_has_them() {
    let rig = Rig::new(3);
    let sets: String = (0..150)
        .map(|number| format!("SET key:{number} x\r\n"))
        .collect();
    rig.say(&sets);
    rig.say("SET other 1\r\n");
    let sorted = |text: &str| {
        let mut keys: Vec<String> = text
            .lines()
            .filter(|line| line.starts_with("key"))
            .map(str::to_owned)
            .collect();
        keys.sort();
        keys
    };
    let mut expected: Vec<String> = (0..150).map(|number| format!("key:{number}")).collect();
    expected.sort();
    let keys = rig.say("KEYS key:*\r\n");
    assert!(keys.starts_with("*150\n"));
    assert_eq!(sorted(&keys), expected);
    let (mut cursor, mut found) = (String::from("0"), Vec::new());
    loop {
        let page = rig.say(&format!("SCAN {cursor} MATCH key:* COUNT 100\r\n"));
        cursor = page.lines().nth(2).unwrap().to_owned();
        found.extend(sorted(&page));
        if cursor == "0" {
            break;
        }
    }
    found.sort();
    assert_eq!(found, expected);
    rig.end();
}

#[test]
fn long_values_go_through_whole_however_many_are_asked_for_at_once() {
    let rig = Rig::new(3);
    let value = |number: u8, length: usize| -> Vec<u8> {
        (0..length)
            .map(|at| (at as u8).wrapping_mul(31) ^ number)
            .collect()
    };
    for length in [1 << 20, 70_000, 16_384, 16_383, 1] {
        let all: Vec<Vec<u8>> = (0..6).map(|number| value(number, length)).collect();
        let keys = [b"a", b"b", b"c", b"d", b"e", b"f"];
        let sets: Vec<u8> = keys
            .iter()
            .zip(&all)
            .flat_map(|(key, value)| command(&[b"SET", &key[..], value]))
            .collect();
        assert_eq!(rig.talk([&sets[..]]), b"+OK\r\n".repeat(6), "{length}");
        // Six megabytes of replies, where a reply has room for two.
        let get = command(&[b"MGET", b"a", b"b", b"c", b"d", b"e", b"f", b"a"]);
        let both = [&get[..], b"PING\r\nGET f\r\n"].concat();
        let mut expected = b"*7\r\n".to_vec();
        all.iter()
            .chain(&all[..1])
            .for_each(|value| expected.extend(bulk(value)));
        expected.extend(b"+PONG\r\n");
        expected.extend(bulk(&all[5]));
        assert!(rig.talk([&both[..]]) == expected, "{length}");
        assert_eq!(rig.say("STRLEN f\r\n"), format!(":{length}\n"));
    }
    rig.end();
}

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "d", "1", "7", "-3", "x y"])
        .prop_map(|word| format!("{word:?}"))
}

fn spoken() -> impl Strategy<Value = String> {
    let names = vec![
        "get", "set", "del", "mget", "mset", "exists", "incr", "append", "dbsize", "ttl", "getset",
        "persist", "flushdb", "incrby", "setnx", "strlen", "getdel", "ping", "echo", "keys", "hmm",
    ];
    (
        prop::sample::select(names),
        prop::collection::vec(word(), 0..6),
    )
        .prop_map(|(name, words)| format!("{name} {}\r\n", words.join(" ")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]
    /// One shard and three say the same, whatever is said, in one piece or in many.
    #[test]
    fn shards_are_no_matter_of_the_client(
        commands in prop::collection::vec(spoken(), 1..120),
        piece in 1..200usize,
    ) {
        let text: String = commands.into_iter().collect();
        let (one, three) = (Rig::new(1), Rig::new(3));
        let expected = one.say(&text);
        let parts = text.as_bytes().chunks(piece);
        let answer = String::from_utf8(three.talk(parts)).unwrap().replace('\r', "");
        prop_assert_eq!(answer, expected);
        one.end();
        three.end();
    }
}
