//! Commands as the plan that becomes of them.

use super::*;
use crate::resp::put_number;
use std::fmt::Write;

/// A plan in words.
struct Words(String);

impl Plan for Words {
    fn shards(&self) -> usize {
        1
    }
    fn text(&mut self, reply: &[u8]) -> Planned {
        self.0 += &String::from_utf8_lossy(reply).replace("\r\n", "|");
        Ok(())
    }
    fn open(&mut self, merge: Merge, parts: usize) -> Planned {
        write!(self.0, "{merge:?} {parts}:").unwrap();
        Ok(())
    }
    fn part(&mut self, _: usize, request: &Request<'_>) -> Planned {
        let Request {
            operation,
            how,
            number,
            key,
            value,
        } = request;
        let (key, value) = (String::from_utf8_lossy(key), String::from_utf8_lossy(value));
        let value = value.replace('\n', "10").replace('\0', "");
        write!(self.0, " {operation:?}({key},{value},{number},{how})").unwrap();
        Ok(())
    }
}

fn plan(command: &str) -> String {
    let mut bytes = Vec::new();
    let words: Vec<&str> = command.split(' ').collect();
    words
        .iter()
        .for_each(|word| put_bulk(&mut bytes, word.as_bytes()));
    let arguments = Arguments::new(&bytes, words.len() as u32);
    let (mut client, mut said) = (Client::new(7, false), Words(String::new()));
    take_up(arguments, 1_000, &mut client, &mut said).unwrap();
    said.0
}

#[test]
fn commands_become_requests() {
    for (command, expected) in [
        ("GET a", "One 1: Get(a,,0,0)"),
        ("get", "-ERR wrong number of arguments for 'get' command|"),
        ("mget a b", "Array 2: Get(a,,0,0) Get(b,,0,0)"),
        ("set a b", "One 1: Set(a,b,0,0)"),
        ("set a b ex 2 nx", "One 1: Set(a,b,3000,1)"),
        ("set a b XX get PXAT 5", "One 1: Set(a,b,5,6)"),
        ("set a b keepttl", "One 1: Set(a,b,0,8)"),
        ("set a b keepttl ex 1", "-ERR syntax error|"),
        ("set a b nx xx", "-ERR syntax error|"),
        ("set a b ex", "-ERR syntax error|"),
        ("set a b ex 0", "-ERR invalid expire time in 'set' command|"),
        (
            "set a b ex 9223372036854775807",
            "-ERR invalid expire time in 'set' command|",
        ),
        (
            "set a b ex x",
            "-ERR value is not an integer or out of range|",
        ),
        ("setnx a b", "One 1: Set(a,b,0,17)"),
        ("getset a b", "One 1: Set(a,b,0,4)"),
        ("setex a 1 b", "One 1: Set(a,b,2000,0)"),
        ("mset a 1 b 2", "AllWell 2: Set(a,1,0,0) Set(b,2,0,0)"),
        (
            "mset a 1 b",
            "-ERR wrong number of arguments for 'mset' command|",
        ),
        ("incr a", "One 1: Add(a,,1,0)"),
        ("decrby a 5", "One 1: Add(a,,-5,0)"),
        (
            "decrby a -9223372036854775808",
            "-ERR value is not an integer or out of range|",
        ),
        ("del a b", "Sum 2: Delete(a,,0,0) Delete(b,,0,0)"),
        ("pexpire a 5 gt", "One 1: Expire(a,,1005,4)"),
        ("expireat a 5", "One 1: Expire(a,,5000,0)"),
        (
            "expire a 5 nx gt",
            "-ERR NX and XX, GT or LT options at the same time are not compatible|",
        ),
        ("expire a 5 zz", "-ERR Unsupported option zz|"),
        ("pttl a", "One 1: Time(a,,0,1)"),
        ("expiretime a", "One 1: Time(a,,0,2)"),
        ("dbsize", "Sum 1: Count(,,0,0)"),
        ("flushall async", "AllWell 1: Flush(,,0,0)"),
        ("keys a*", "Keys 1: Keys(a*,,0,0)"),
        ("scan 5 match x* count 10", "One 1: Scan(x*,10,5,0)"),
        ("scan x", "-ERR invalid cursor|"),
        ("scan 0 count 0", "-ERR syntax error|"),
        ("scan 0 type hash", "*2|$1|0|*0|"),
    ] {
        assert_eq!(plan(command), expected, "{command}");
    }
}

#[test]
fn what_needs_no_key_is_answered_at_once() {
    for (command, expected) in [
        ("ping", "+PONG|"),
        ("ping x", "$1|x|"),
        (
            "ping x y",
            "-ERR wrong number of arguments for 'ping' command|",
        ),
        ("echo hello", "$5|hello|"),
        ("select 0", "+OK|"),
        ("select 1", "-ERR DB index is out of range|"),
        (
            "config get save appendonly",
            "*4|$4|save|$0||$10|appendonly|$2|no|",
        ),
        ("config get nothing", "*0|"),
        (
            "config set save x",
            "-ERR only CONFIG GET is known: limits are given at the start|",
        ),
        ("client id", ":7|"),
        ("client getname", "$-1|"),
        ("client setinfo lib-name x", "+OK|"),
        ("client kill x", "-ERR unknown subcommand 'kill' of CLIENT|"),
        ("hello 3", "-NOPROTO unsupported protocol version|"),
        ("command docs", "*0|"),
        ("nothing", "-ERR unknown command 'nothing'|"),
        (
            "LPUSH a b",
            "-ERR unknown command 'LPUSH', with args beginning with: 'a'|",
        ),
    ] {
        assert_eq!(plan(command), expected, "{command}");
    }
    assert!(plan("hello 2").starts_with("*14|$6|server|$7|tina-kv|"));
}

#[test]
fn names_are_remembered_and_a_line_stays_a_line() {
    let mut client = Client::new(1, false);
    let mut say = |words: &[&[u8]]| {
        let mut bytes = Vec::new();
        words.iter().for_each(|word| put_bulk(&mut bytes, word));
        let mut said = Words(String::new());
        let arguments = Arguments::new(&bytes, words.len() as u32);
        take_up(arguments, 0, &mut client, &mut said).unwrap();
        said.0
    };
    assert_eq!(say(&[b"CLIENT", b"SETNAME", b"me"]), "+OK|");
    assert_eq!(say(&[b"client", b"getname"]), "$2|me|");
    assert!(say(&[b"client", b"setname", b"a b"]).starts_with("-ERR Client names"));
    assert_eq!(say(&[b"a\r\nb"]), "-ERR unknown command 'a??b'|");
    let long = [b'x'; 1000];
    assert!(say(&[&long]).len() < 210);
    let mut head = Vec::new();
    put_number(&mut head, b'*', -1);
    assert_eq!(head, b"*-1\r\n");
}

#[test]
fn keys_spread_and_stay_where_they_are() {
    let mut counts = [0; 3];
    for number in 0..3_000 {
        counts[shard_of(format!("key:{number:012}").as_bytes(), 3)] += 1;
    }
    assert!(
        counts.iter().all(|count| (900..1100).contains(count)),
        "{counts:?}"
    );
    // Logs are read by shard: this may not change.
    assert_eq!(
        [&b"a"[..], b"b", b"c", b"key"].map(|key| shard_of(key, 5)),
        [1, 1, 2, 4]
    );
}
