//! Requests against a map of the standard library, and what they record against what they did.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const SCOPE: Scope = Scope {
    now: 1_000,
    shard: 1,
    shards: 3,
    value_bytes_max: 100,
    reply_bytes_max: 4096,
};

/// What is recorded, one after the other.
#[derive(Default)]
struct Tape(Vec<u8>);

impl Journal for Tape {
    fn record(&mut self, request: &Request<'_>) {
        request.encode(&mut self.0);
    }
}

/// Carries out and checks that no more was written than was said before.
fn reply(store: &mut Store, request: &Request<'_>, now: Millis, tape: &mut Tape) -> String {
    let scope = Scope { now, ..SCOPE };
    let mut sink = Vec::new();
    let room = reply_bytes_max(store, request, &scope);
    let before = tape.0.len();
    execute(store, request, &scope, &mut sink, tape);
    assert!(sink.len() <= room, "{request:?}");
    assert!(
        tape.0.len() - before <= journal_bytes_max(request),
        "{request:?}"
    );
    String::from_utf8(sink).unwrap()
}

fn everything(store: &Store) -> BTreeMap<Vec<u8>, (Vec<u8>, Millis)> {
    let places = (0..store.slots()).filter_map(|slot| store.scan(slot));
    let entry = |place| {
        let key = store.key_pieces(place).flatten().copied().collect();
        let value = store.value_pieces(place).flatten().copied().collect();
        (key, (value, store.expires_at(place)))
    };
    places.map(entry).collect()
}

fn bulk(value: Option<&Vec<u8>>) -> String {
    match value {
        None => "$-1\r\n".into(),
        Some(value) => format!("${}\r\n{}\r\n", value.len(), String::from_utf8_lossy(value)),
    }
}

/// What a request does to a map, and the reply.
fn model(
    map: &mut BTreeMap<Vec<u8>, (Vec<u8>, Millis)>,
    request: &Request<'_>,
    now: Millis,
) -> String {
    let key = request.key.to_vec();
    map.retain(|it, (_, at)| *it != key || *at == 0 || *at > now);
    let old = map.get(&key).cloned();
    let value = old.as_ref().map(|(value, _)| value);
    match request.operation {
        Operation::Get => bulk(value),
        Operation::GetDelete => {
            map.remove(&key);
            bulk(value)
        }
        Operation::Set => {
            let how = SetHow::from_bits(request.how);
            let is_wanted = !(how.if_new && old.is_some() || how.if_there && old.is_none());
            if is_wanted {
                let kept = old.as_ref().map(|(_, at)| *at).filter(|_| how.keep_expiry);
                let at = kept.unwrap_or(request.number as Millis);
                map.insert(key, (request.value.to_vec(), at));
            }
            match (how.get, how.number, is_wanted) {
                (true, _, _) => bulk(value),
                (_, true, _) => format!(":{}\r\n", u8::from(is_wanted)),
                (_, _, true) => "+OK\r\n".into(),
                (_, _, false) => "$-1\r\n".into(),
            }
        }
        Operation::Append => {
            let (mut value, at) = old.unwrap_or_default();
            value.extend(request.value);
            if value.len() > SCOPE.value_bytes_max {
                return String::from_utf8(LONG_VALUE.to_vec()).unwrap();
            }
            let reply = format!(":{}\r\n", value.len());
            map.insert(key, (value, at));
            reply
        }
        Operation::Add => {
            let (value, at) = old.clone().unwrap_or((b"0".to_vec(), 0));
            let Some(number) = parse(&value) else {
                return String::from_utf8(NO_NUMBER.to_vec()).unwrap();
            };
            let Some(sum) = number.checked_add(request.number) else {
                return String::from_utf8(OVERFLOW.to_vec()).unwrap();
            };
            map.insert(key, (sum.to_string().into_bytes(), at));
            format!(":{sum}\r\n")
        }
        Operation::Delete => format!(":{}\r\n", u8::from(map.remove(&key).is_some())),
        Operation::Exists => format!(":{}\r\n", u8::from(old.is_some())),
        Operation::Persist => {
            let had = old.is_some_and(|(_, at)| at != 0);
            map.entry(key).and_modify(|(_, at)| *at = 0);
            format!(":{}\r\n", u8::from(had))
        }
        other => panic!("{other:?} has a test of its own"),
    }
}

const OPERATIONS: [Operation; 8] = [
    Operation::Get,
    Operation::Set,
    Operation::GetDelete,
    Operation::Append,
    Operation::Add,
    Operation::Delete,
    Operation::Exists,
    Operation::Persist,
];

proptest! {
    /// Replies are those of a map, and the journal makes the same store again.
    #[test]
    fn it_does_what_a_map_would_and_can_be_done_again(
        steps in prop::collection::vec((0..8usize, 0..4u8, 0..32u8, 0..3i64, 0..60u64, "[0-9a]{0,3}"), 0..80),
    ) {
        let mut store = Store::new(64, 1 << 14, 1);
        let (mut map, mut tape, mut now) = (BTreeMap::new(), Tape::default(), 1_000);
        for (operation, key, how, number, passed, value) in steps {
            now += passed;
            if number == 2 {
                let slots = usize::from(how)..usize::from(how) + 5;
                sweep(&mut store, slots, now, &mut tape);
            }
            let operation = OPERATIONS[operation];
            let expires = if number == 0 { 0 } else { now as i64 + number * 40 };
            let request = Request {
                operation,
                how: if operation == Operation::Set { how } else { 0 },
                number: if operation == Operation::Add { number - 1 } else { expires },
                key: &[key],
                value: value.as_bytes(),
            };
            let expected = model(&mut map, &request, now);
            prop_assert_eq!(reply(&mut store, &request, now, &mut tape), expected, "{:?}", request);
        }
        let mut again = Store::new(64, 1 << 14, 2);
        let mut rest = &tape.0[..];
        while !rest.is_empty() {
            let request = Request::decode(rest).unwrap();
            replay(&mut again, &request).unwrap();
            rest = &rest[request.bytes()..];
        }
        prop_assert_eq!(everything(&again), everything(&store));
    }

    /// Every key that is there is found by going on from cursor to cursor, whatever fits in a reply.
    #[test]
    fn a_scan_finds_every_key(keys in prop::collection::btree_set("[ab]{1,30}", 0..40), room in 200..400usize, count in 1..9u32) {
        let mut store = Store::new(64, 1 << 14, 1);
        for key in &keys {
            store.put(key.as_bytes(), b"").unwrap();
        }
        let mut found = Vec::new();
        let mut cursor = 0;
        loop {
            let request = Request {
                number: cursor / 3,
                value: &count.to_le_bytes(),
                ..Request::plain(Operation::Scan, b"*a*")
            };
            let scope = Scope { reply_bytes_max: room, ..SCOPE };
            let mut sink = Vec::new();
            let said = reply_bytes_max(&store, &request, &scope);
            execute(&mut store, &request, &scope, &mut sink, &mut ());
            prop_assert!(sink.len() <= said && said <= room);
            let text = String::from_utf8(sink).unwrap();
            let mut lines = text.split("\r\n").skip(2);
            cursor = lines.next().unwrap().parse().unwrap();
            found.extend(lines.skip(1).filter(|line| !line.is_empty() && !line.starts_with('$')).map(str::to_owned));
            if cursor % 3 != 1 {
                break;
            }
        }
        // The next shard's first slot.
        prop_assert_eq!(cursor, 2);
        found.sort();
        let with_a: Vec<&String> = keys.iter().filter(|key| key.contains('a')).collect();
        prop_assert_eq!(found.iter().collect::<Vec<_>>(), with_a);
    }
}

#[test]
fn expiry_counts_where_it_should() {
    let mut store = Store::new(8, 4096, 1);
    let mut tape = Tape::default();
    let key = &b"key"[..];
    store.put(key, b"value").unwrap();
    let time = |how: TimeHow| Request {
        how: how.bits(),
        ..Request::plain(Operation::Time, key)
    };
    let expire = |how: ExpireHow, number| Request {
        how: how.bits(),
        number,
        ..Request::plain(Operation::Expire, key)
    };
    let seconds = time(TimeHow::default());
    let any = ExpireHow::default();
    let if_later = ExpireHow {
        if_later: true,
        ..any
    };
    let if_none = ExpireHow {
        if_none: true,
        ..any
    };
    let if_sooner = ExpireHow {
        if_sooner: true,
        ..any
    };
    let date = TimeHow {
        in_millis: true,
        is_date: true,
    };
    for (request, now, expected) in [
        (seconds, 0, ":-1\r\n"),
        (expire(if_later, 5_000), 0, ":0\r\n"),
        (expire(if_none, 5_000), 0, ":1\r\n"),
        (expire(if_none, 6_000), 0, ":0\r\n"),
        (expire(if_later, 6_000), 0, ":1\r\n"),
        (expire(if_sooner, 6_000), 0, ":0\r\n"),
        (seconds, 499, ":6\r\n"),
        (seconds, 501, ":5\r\n"),
        (time(date), 501, ":6000\r\n"),
        (seconds, 6_000, ":-2\r\n"),
        (Request::plain(Operation::Exists, key), 6_000, ":0\r\n"),
        (expire(any, 7_000), 6_000, ":0\r\n"),
    ] {
        assert_eq!(
            reply(&mut store, &request, now, &mut tape),
            expected,
            "{request:?}"
        );
    }
    assert_eq!(store.count(), 0);
    store.put(key, b"value").unwrap();
    assert_eq!(reply(&mut store, &expire(any, -5), 9, &mut tape), ":1\r\n");
    assert_eq!(store.count(), 0);
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    // Two chunks of sixty bytes.
    let mut store = Store::new(2, 128, 1);
    let mut tape = Tape::default();
    let put = |key, value| Request {
        value,
        ..Request::plain(Operation::Set, key)
    };
    let append = |value| Request {
        operation: Operation::Append,
        ..put(b"key", value)
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (full, long) = (text(OUT_OF_MEMORY), text(LONG_VALUE));
    let bytes = [b'1'; 101];
    assert_eq!(
        reply(&mut store, &put(b"key", &bytes[..90]), 0, &mut tape),
        "+OK\r\n"
    );
    let (recorded, held) = (tape.0.len(), everything(&store));
    for (request, expected) in [
        (put(b"other", b""), &full),
        (put(b"key", &bytes), &long),
        (append(&bytes[..11]), &long),
        (Request::plain(Operation::Add, b"other"), &full),
    ] {
        assert_eq!(&reply(&mut store, &request, 0, &mut tape), expected);
    }
    assert_eq!((tape.0.len(), everything(&store)), (recorded, held));
}
