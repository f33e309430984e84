//! What is written is what two readers of other authors read: `wellen` both formats, `vcd` its own.
#![forbid(unsafe_code)]

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tina_viz::write::{
    Format, Header, Scope, Signal, SignalKind, TimeUnit, Timescale, TraceWriter, WriteError,
};

/// A signal of a random trace.
#[derive(Clone, Debug)]
struct Shape {
    path: Vec<&'static str>,
    kind: SignalKind,
    width_bits: u32,
}

/// Something that happens: steps of time since the last, to which signal, the words or unknown.
#[derive(Clone, Debug)]
struct Change {
    after: u64,
    signal: usize,
    words: Option<Vec<u64>>,
}

/// Of every signal by full name: times and values, as text.
type Record = BTreeMap<String, Vec<(u64, String)>>;

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn shape() -> impl Strategy<Value = Shape> {
    let names = ["top", "core", "tile[3]", "router[0][1]", "a:b", "$odd"];
    let path = prop::collection::vec(prop::sample::select(names.to_vec()), 1..4);
    let bits =
        prop_oneof![Just(1), 2u32..65, 65u32..513].prop_map(|width| (SignalKind::Bits, width));
    let kind = prop_oneof![
        8 => bits,
        1 => Just((SignalKind::Event, 1)),
        1 => Just((SignalKind::Real, 64)),
    ];
    (path, kind).prop_map(|(path, (kind, width_bits))| Shape {
        path,
        kind,
        width_bits,
    })
}

fn change() -> impl Strategy<Value = Change> {
    let word = prop_oneof![Just(0), 0u64..4, any::<u64>()];
    let words = prop::option::weighted(0.9, prop::collection::vec(word, 8));
    let after = prop_oneof![3 => Just(0), 3 => Just(1), 1 => 2u64..1_000_000];
    (after, any::<prop::sample::Index>(), words).prop_map(|(after, signal, words)| Change {
        after,
        signal: signal.index(1 << 16),
        words,
    })
}

/// Puts a signal where its path leads.
fn place(scopes: &mut Vec<Scope>, path: &[&str], signal: Signal) {
    let index = scopes.iter().position(|scope| scope.name == path[0]);
    let index = index.unwrap_or_else(|| {
        scopes.push(Scope {
            name: path[0].to_owned(),
            ..Scope::default()
        });
        scopes.len() - 1
    });
    match &path[1..] {
        [] => scopes[index].signals.push(signal),
        rest => place(&mut scopes[index].scopes, rest, signal),
    }
}

fn header(shapes: &[Shape]) -> Header {
    let mut root = Vec::new();
    for (number, shape) in shapes.iter().enumerate() {
        let signal = Signal {
            id: number as u32,
            name: format!("s{number}"),
            width_bits: shape.width_bits,
            kind: shape.kind,
            values: (number == 0).then(|| vec!["IDLE".to_owned(), "BUSY".to_owned()]),
        };
        place(&mut root, &shape.path, signal);
    }
    Header {
        timescale: Timescale::new(10, TimeUnit::Picoseconds).unwrap(),
        version: "round trip $end".to_owned(),
        comment: "written\nby a test".to_owned(),
        root,
    }
}

/// The value as all readers here show it.
fn value(shape: &Shape, words: Option<&[u64]>) -> String {
    match (shape.kind, words) {
        (SignalKind::Event, _) => "event".to_owned(),
        (SignalKind::Real, words) => real(words.map_or(f64::NAN, |words| f64::from_bits(words[0]))),
        (SignalKind::Bits, None) => "x".repeat(shape.width_bits as usize),
        (SignalKind::Bits, Some(words)) => (0..shape.width_bits as usize)
            .rev()
            .map(|bit| {
                if words[bit / 64] >> (bit % 64) & 1 == 1 {
                    '1'
                } else {
                    '0'
                }
            })
            .collect(),
    }
}

fn real(number: f64) -> String {
    if number.is_nan() {
        "unknown".to_owned()
    } else {
        format!("{number:e}")
    }
}

/// Of several values at a time the last; what stays the same is no change, and unknown at first.
///
/// FST has a value of every signal at its start, so what has happened at time 0 and what has not look the
/// same: of events that is left out.
fn normal(record: Record) -> Record {
    let changes = |(name, all): (String, Vec<(u64, String)>)| {
        let mut kept: Vec<(u64, String)> = Vec::new();
        for (time, value) in all {
            if kept.last().is_some_and(|last| last.0 == time) {
                kept.pop();
            }
            let same = kept.last().is_some_and(|last| last.1 == value);
            let first = kept.is_empty() && value.trim_matches('x').is_empty();
            let first = first || (kept.is_empty() && value == "unknown");
            let event = value == "event";
            if (event && time > 0) || !(event || same || first) {
                kept.push((time, value));
            }
        }
        (name, kept)
    };
    record.into_iter().map(changes).collect()
}

/// Writes a trace; says what is in it.
fn write(path: &Path, shapes: &[Shape], changes: &[Change]) -> Record {
    let mut record: Record = Record::new();
    let name = |index: usize| format!("{}.s{index}", shapes[index].path.join("."));
    for index in 0..shapes.len() {
        record.insert(name(index), Vec::new());
    }
    let format = Format::of_path(path).unwrap();
    let mut writer = TraceWriter::create(path, format, &header(shapes)).unwrap();
    let mut time = 0;
    for change in changes {
        time += change.after;
        let index = change.signal % shapes.len();
        let shape = &shapes[index];
        let words = change.words.as_deref();
        match words {
            Some(words) => writer.set(time, index as u32, words).unwrap(),
            None => writer.set_unknown(time, index as u32).unwrap(),
        }
        let changes = record.get_mut(&name(index)).unwrap();
        if shape.kind != SignalKind::Event || words.is_some() {
            changes.push((time, value(shape, words)));
        }
    }
    let bytes = writer.finish().unwrap();
    assert_eq!(fs::metadata(path).unwrap().len(), bytes);
    normal(record)
}

fn read_by_wellen(path: &Path) -> Record {
    let mut wave = wellen::simple::read(path).unwrap();
    let scale = wave.hierarchy().timescale().unwrap();
    let zeros = scale.factor.ilog10() as i8;
    assert_eq!(scale.unit.to_exponent().map(|unit| unit + zeros), Some(-11));
    let vars: Vec<(String, wellen::SignalRef)> = wave
        .hierarchy()
        .all_vars()
        .map(|var| {
            let var = &wave.hierarchy()[var];
            (var.full_name(wave.hierarchy()), var.signal_ref())
        })
        .collect();
    let ids: Vec<wellen::SignalRef> = vars.iter().map(|var| var.1).collect();
    wave.load_signals(&ids);
    let times = wave.time_table();
    let changes = |id| {
        let signal = wave.get_signal(id).unwrap();
        let changes = signal.iter_changes().map(|(time, value)| {
            let text = match value {
                wellen::SignalValueRef::Event => "event".to_owned(),
                wellen::SignalValueRef::Real(number) => real(number),
                other => other.to_string(),
            };
            (times[time as usize], text)
        });
        changes.collect()
    };
    normal(
        vars.into_iter()
            .map(|(name, id)| (name, changes(id)))
            .collect(),
    )
}

fn read_by_vcd(path: &Path) -> Record {
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let mut parser = vcd::Parser::new(file);
    let header = parser.parse_header().unwrap();
    let mut names: BTreeMap<vcd::IdCode, (String, vcd::VarType, usize)> = BTreeMap::new();
    let mut pending: Vec<(String, &vcd::ScopeItem)> = header
        .items
        .iter()
        .map(|item| (String::new(), item))
        .collect();
    while let Some((path, item)) = pending.pop() {
        match item {
            vcd::ScopeItem::Scope(scope) => {
                let path = format!("{path}{}.", scope.identifier);
                pending.extend(scope.items.iter().map(|item| (path.clone(), item)));
            }
            vcd::ScopeItem::Var(var) => {
                let name = format!("{path}{}", var.reference);
                names.insert(var.code, (name, var.var_type, var.size as usize));
            }
            _ => {}
        }
    }
    let mut record: Record = names
        .values()
        .map(|name| (name.0.clone(), Vec::new()))
        .collect();
    let mut time = 0;
    for command in parser {
        let (id, text) = match command.unwrap() {
            vcd::Command::Timestamp(now) => {
                time = now;
                continue;
            }
            vcd::Command::ChangeScalar(id, value) => (id, value.to_string()),
            vcd::Command::ChangeVector(id, value) => {
                let text = value.to_string();
                let fill = if text.starts_with('x') { "x" } else { "0" };
                (id, fill.repeat(names[&id].2 - text.len()) + &text)
            }
            vcd::Command::ChangeReal(id, value) => (id, real(value)),
            other => panic!("{other:?}"),
        };
        let (name, kind, _) = &names[&id];
        let text = if *kind == vcd::VarType::Event {
            "event".to_owned()
        } else {
            text
        };
        record.get_mut(name).unwrap().push((time, text));
    }
    normal(record)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Runs end within a scope and beyond it, several are put at one instant, some long after the one before.
    #[test]
    fn neighbours_put_in_runs_are_read_as_they_were_put(
        widths in prop::collection::vec(
            prop_oneof![Just(1), 2u32..=8, 9u32..=16, 17u32..=56, 57u32..=64], 1..40
        ),
        runs in prop::collection::vec(
            (
                prop_oneof![3 => Just(0), 9 => Just(1), 1 => 2u64..1000],
                any::<prop::sample::Index>(),
                prop::option::weighted(0.99, prop::collection::vec(prop_oneof![0u64..3, any::<u64>()], 1..24)),
            ),
            0..900,
        ),
    ) {
        let shapes: Vec<Shape> = widths
            .iter()
            .enumerate()
            .map(|(number, &width_bits)| Shape {
                path: vec![if number < 25 { "top" } else { "core" }],
                kind: SignalKind::Bits,
                width_bits,
            })
            .collect();
        let name = |index: usize| format!("{}.s{index}", shapes[index].path[0]);
        let folder = folder("round_trip_runs");
        for file in ["wave.fst", "wave.vcd"] {
            let path = folder.join(file);
            let format = Format::of_path(&path).unwrap();
            let mut writer = TraceWriter::create(&path, format, &header(&shapes)).unwrap();
            let mut expected: Record = (0..shapes.len()).map(|index| (name(index), Vec::new())).collect();
            let mut time = 0;
            for (after, first, words) in &runs {
                time += after;
                let first = first.index(shapes.len());
                let mut note = |index: usize, words: Option<&[u64]>| {
                    let changes = expected.get_mut(&name(index)).unwrap();
                    changes.push((time, value(&shapes[index], words)));
                };
                if let Some(words) = words {
                    let words = &words[..words.len().min(shapes.len() - first)];
                    writer.advance(time).unwrap();
                    writer.put(first as u32, words);
                    for (number, word) in words.iter().enumerate() {
                        note(first + number, Some(&[*word]));
                    }
                } else {
                    writer.set_unknown(time, first as u32).unwrap();
                    note(first, None);
                }
            }
            writer.finish().unwrap();
            let (expected, read) = (normal(expected), read_by_wellen(&path));
            for (signal, changes) in &expected {
                prop_assert_eq!(changes, &read[signal], "{}: {}", file, signal);
            }
        }
    }

    #[test]
    fn readers_agree_with_the_writer(
        shapes in prop::collection::vec(shape(), 1..120),
        changes in prop::collection::vec(change(), 0..400),
    ) {
        let folder = folder("round_trip");
        for name in ["wave.fst", "wave.vcd"] {
            let path = folder.join(name);
            let expected = write(&path, &shapes, &changes);
            let mut read = vec![read_by_wellen(&path)];
            if name.ends_with("vcd") {
                read.push(read_by_vcd(&path));
            }
            for read in read {
                prop_assert!(read.keys().eq(expected.keys()), "{name}: {:?}", read.keys());
                for (signal, changes) in &read {
                    prop_assert_eq!(changes, &expected[signal], "{}: {}", name, signal);
                }
            }
        }
    }
}

fn bits(name: &str, id: u32, width_bits: u32) -> Signal {
    Signal {
        id,
        name: name.to_owned(),
        width_bits,
        kind: SignalKind::Bits,
        values: None,
    }
}

fn one_scope(signals: Vec<Signal>) -> Header {
    Header {
        timescale: Timescale::NANOSECOND,
        version: "test".to_owned(),
        comment: String::new(),
        root: vec![Scope {
            name: "top".to_owned(),
            scopes: Vec::new(),
            signals,
        }],
    }
}

/// Several blocks of FST: the values of the first one hold in the others.
#[test]
fn long_traces_are_written_in_blocks() {
    let path = folder("blocks").join("wave.fst");
    let header = one_scope(vec![bits("wide", 0, 512), bits("still", 1, 8)]);
    let mut writer = TraceWriter::create(&path, Format::Fst, &header).unwrap();
    writer.set(0, 1, &[0x5a]).unwrap();
    let words = |step: u64| {
        [
            step,
            !step,
            step,
            step << 3,
            0,
            step,
            1,
            step.rotate_left(60),
        ]
    };
    const STEPS: u64 = 400_000;
    for step in 1..STEPS {
        writer.set(step, 0, &words(step)).unwrap();
    }
    writer.finish().unwrap();
    let mut wave = wellen::simple::read(&path).unwrap();
    let ids: Vec<wellen::SignalRef> = wave.hierarchy().signals().collect();
    wave.load_signals(&ids);
    assert_eq!(wave.time_table().len() as u64, STEPS);
    let wide = wave.get_signal(ids[0]).unwrap();
    for (index, value) in wide.iter_changes().skip(1) {
        let words = words(wave.time_table()[index as usize]);
        let text: String = words
            .iter()
            .rev()
            .map(|word| format!("{word:064b}"))
            .collect();
        assert_eq!(value.to_string(), text);
    }
    let still: Vec<String> = wave
        .get_signal(ids[1])
        .unwrap()
        .iter_changes()
        .map(|(_, value)| value.to_string())
        .collect();
    assert_eq!(still, ["01011010"]);
}

/// Every change of every signal of an FST file, by name.
fn changes_of(path: &Path) -> Vec<(String, Vec<(u64, String)>)> {
    let mut wave = wellen::simple::read(path).unwrap();
    let vars: Vec<(String, wellen::SignalRef)> = wave
        .hierarchy()
        .all_vars()
        .map(|var| {
            let var = &wave.hierarchy()[var];
            (var.name(wave.hierarchy()).to_owned(), var.signal_ref())
        })
        .collect();
    let ids: Vec<wellen::SignalRef> = vars.iter().map(|var| var.1).collect();
    wave.load_signals(&ids);
    let changes = |id| {
        let signal = wave.get_signal(id).unwrap();
        let changes = signal.iter_changes();
        let times = wave.time_table();
        changes
            .map(|(time, value)| (times[time as usize], value.to_string()))
            .collect()
    };
    vars.into_iter()
        .map(|(name, id)| (name, changes(id)))
        .collect()
}

#[test]
fn instants_may_be_far_apart_and_late() {
    let path = folder("far").join("wave.fst");
    let header = one_scope(vec![bits("bit", 0, 1), bits("byte", 1, 8)]);
    let mut writer = TraceWriter::create(&path, Format::Fst, &header).unwrap();
    let times = [7, 8, 1 << 32, (1 << 32) + 1, 1 << 62];
    for (number, &time) in times.iter().enumerate() {
        writer.advance(time).unwrap();
        writer.put(0, &[number as u64, number as u64]);
    }
    writer.advance(u64::MAX / 2).unwrap();
    writer.finish().unwrap();
    let [bit, byte] = &changes_of(&path)[..] else {
        panic!("two signals");
    };
    for (number, &time) in times.iter().enumerate() {
        assert_eq!(bit.1[number], (time, (number % 2).to_string()));
        assert_eq!(byte.1[number], (time, format!("{number:08b}")));
    }
    let wave = wellen::simple::read(&path).unwrap();
    assert_eq!(wave.time_table().last(), Some(&(u64::MAX / 2)));
}

#[test]
fn traces_in_which_nothing_or_little_happens_are_whole() {
    let folder = folder("little");
    let header = one_scope(vec![bits("a", 0, 1), bits("b", 1, 9)]);
    for name in ["empty.fst", "empty.vcd"] {
        let path = folder.join(name);
        let writer = TraceWriter::create(&path, Format::of_path(&path).unwrap(), &header).unwrap();
        writer.finish().unwrap();
        for (name, changes) in changes_of(&path) {
            let known = changes.iter().filter(|(_, value)| !value.contains('x'));
            assert_eq!(known.count(), 0, "{name}: {changes:?}");
        }
    }
    // The very first instant, and no other.
    let path = folder.join("first.fst");
    let mut writer = TraceWriter::create(&path, Format::Fst, &header).unwrap();
    writer.set(0, 1, &[0x155]).unwrap();
    writer.finish().unwrap();
    let changes = changes_of(&path);
    assert_eq!(changes[1].1.last(), Some(&(0, "101010101".to_owned())));
}

/// Equal chains stand in a file once, whatever the widths; signals that are idle lie between them.
#[test]
fn signals_that_change_alike_are_told_apart_from_those_that_do_not() {
    let path = folder("alike").join("wave.fst");
    let widths = [4, 8, 4, 3, 4, 8, 4, 1, 1, 1, 64, 64];
    let named = |(id, &width): (usize, &u32)| bits(&format!("s{id}"), id as u32, width);
    let header = one_scope(widths.iter().enumerate().map(named).collect());
    let mut writer = TraceWriter::create(&path, Format::Fst, &header).unwrap();
    let value = |id: u32, time: u64| match id {
        0 | 4 | 6 => Some(time % 11),
        1 | 5 | 10 | 11 => Some(time % 7),
        3 => Some(time % 5),
        7 | 9 => Some(time % 2),
        _ => None,
    };
    for time in 0..2000 {
        writer.advance(time).unwrap();
        for id in 0..widths.len() as u32 {
            if let Some(value) = value(id, time) {
                writer.put(id, &[value]);
            }
        }
    }
    writer.finish().unwrap();
    for (id, (name, changes)) in changes_of(&path).into_iter().enumerate() {
        let known: Vec<_> = changes
            .into_iter()
            .filter(|(_, value)| !value.contains('x'))
            .collect();
        let width = widths[id] as usize;
        let expected: Vec<_> = (0..2000)
            .filter_map(|time| Some((time, format!("{:0width$b}", value(id as u32, time)?))))
            .collect();
        assert_eq!(known, expected, "{name}");
    }
    let bytes = fs::metadata(&path).unwrap().len();
    assert!(bytes < 8000, "{bytes} bytes");
}

/// Whether signals are set one by one or in a row makes no difference.
#[test]
fn both_ways_to_set_signals_give_the_same_file() {
    let folder = folder("ways");
    let mut event = bits("event", 2, 1);
    event.kind = SignalKind::Event;
    let mut real = bits("real", 3, 64);
    real.kind = SignalKind::Real;
    let header = one_scope(vec![
        bits("bit", 0, 1),
        bits("word", 1, 64),
        event,
        real,
        bits("odd", 4, 13),
    ]);
    for ending in ["fst", "vcd"] {
        let paths = ["one", "row"].map(|name| folder.join(format!("{name}.{ending}")));
        for (is_row, path) in paths.iter().enumerate() {
            let mut writer =
                TraceWriter::create(path, Format::of_path(path).unwrap(), &header).unwrap();
            for time in 0..300u64 {
                let words = [
                    time,
                    time * time,
                    1,
                    (time as f64 / 3.0).to_bits(),
                    time / 5,
                ];
                if is_row == 1 {
                    writer.advance(time).unwrap();
                    writer.put(0, &words);
                } else {
                    for (id, word) in words.into_iter().enumerate() {
                        writer.set(time, id as u32, &[word]).unwrap();
                    }
                }
            }
            writer.finish().unwrap();
        }
        let [one, row] = paths.map(|path| fs::read(path).unwrap());
        assert!(one == row, "{ending}");
    }
}

#[test]
fn values_have_names_in_fst() {
    let path = folder("names").join("wave.fst");
    let mut header = one_scope(
        (0..4)
            .map(|id| bits(&format!("state{id}"), id, 2))
            .collect(),
    );
    let names = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect());
    let signals = &mut header.root[0].signals;
    signals[0].values = names(&["IDLE", "BUSY", "a\\b"]);
    signals[1].values = names(&["OFF", "ON"]);
    signals[3].values = names(&["IDLE", "BUSY", "a\\b"]);
    let writer = TraceWriter::create(&path, Format::Fst, &header).unwrap();
    writer.finish().unwrap();
    let wave = wellen::simple::read(&path).unwrap();
    let hierarchy = wave.hierarchy();
    let tables: Vec<_> = hierarchy
        .all_vars()
        .map(|var| {
            hierarchy[var]
                .enum_type(hierarchy)
                .map(|(_, values)| values)
        })
        .collect();
    // Readers show a backslash as it is escaped in the file.
    let states = vec![("00", "IDLE"), ("01", "BUSY"), ("10", "a\\\\b")];
    let switch = vec![("00", "OFF"), ("01", "ON")];
    assert_eq!(
        tables,
        [Some(states.clone()), Some(switch), None, Some(states)]
    );
}

#[test]
fn a_dropped_writer_leaves_what_was_there() {
    let folder = folder("dropped");
    let path = folder.join("wave.vcd");
    fs::write(&path, "before").unwrap();
    let header = one_scope(vec![bits("a", 0, 1)]);
    let mut writer = TraceWriter::create(&path, Format::Vcd, &header).unwrap();
    writer.set(3, 0, &[1]).unwrap();
    assert!(folder.join("wave.vcd.part").exists());
    drop(writer);
    assert!(!folder.join("wave.vcd.part").exists());
    assert_eq!(fs::read_to_string(&path).unwrap(), "before");
}

#[test]
fn the_text_of_a_vcd_file() {
    let path = folder("text").join("wave.vcd");
    let mut state = bits("state", 1, 2);
    state.values = Some(vec!["IDLE".to_owned(), "BUSY".to_owned()]);
    let mut header = one_scope(vec![bits("valid", 0, 1), state]);
    header.root[0].scopes.push(Scope {
        name: "fifo[2]".to_owned(),
        scopes: Vec::new(),
        signals: vec![bits("occupancy", 2, 70), bits("alias", 0, 1)],
    });
    let mut writer = TraceWriter::create(&path, Format::Vcd, &header).unwrap();
    writer.set(0, 0, &[1]).unwrap();
    writer.set(0, 1, &[7]).unwrap(); // two of its bits count
    writer.set(4, 1, &[3]).unwrap(); // no change
    writer.set(5, 2, &[1, 2]).unwrap();
    writer.set_unknown(5, 1).unwrap();
    writer.advance(9).unwrap();
    writer.finish().unwrap();
    let expected = format!(
        "$version test $end\n$timescale 1 ns $end\n$scope module top $end\n$var wire 1 ! valid $end\n\
         $comment values of state: 0 = IDLE 1 = BUSY $end\n$var wire 2 \" state $end\n\
         $scope module fifo[2] $end\n$var wire 70 # occupancy $end\n$var wire 1 ! alias $end\n\
         $upscope $end\n$upscope $end\n$enddefinitions $end\n\
         #0\n1!\nb11 \"\n#5\nb10{:063}1 #\nbx \"\n#9\n",
        0
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
}

fn refused(header: &Header) -> String {
    let path = folder("refused").join("wave.fst");
    match TraceWriter::create(&path, Format::Fst, header) {
        Ok(_) => panic!("it is written"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn headers_that_are_none_are_refused() {
    let cases = [
        (
            bits("", 0, 1),
            "`top.` cannot stand in a trace: a name in it is empty",
        ),
        (
            bits("a b", 0, 1),
            "`top.a b` cannot stand in a trace: there is a ' ' in a name",
        ),
        (
            bits("a", 0, 0),
            "`top.a` cannot stand in a trace: it is 0 bits wide, expected 1 to 65536",
        ),
        (
            bits("a", 1, 1),
            "`signal 1` cannot stand in a trace: there is none of number 0, and numbers are without gaps",
        ),
    ];
    for (signal, expected) in cases {
        assert_eq!(refused(&one_scope(vec![signal])), expected);
    }
    let long = bits(&"n".repeat(513), 0, 1);
    assert!(refused(&one_scope(vec![long])).ends_with("a name is 513 bytes long, limit 512"));
    let twice = one_scope(vec![bits("a", 0, 1), bits("b", 0, 2)]);
    assert!(refused(&twice).contains("twice, with different widths"));
}

#[test]
fn files_that_cannot_be_written_say_why() {
    let folder = folder("unwritable");
    let header = one_scope(vec![bits("a", 0, 1)]);
    let error = |path: &Path| match TraceWriter::create(path, Format::Vcd, &header) {
        Ok(_) => panic!("it is written"),
        Err(error) => error.to_string(),
    };
    let path = folder.join("missing/wave.vcd");
    let expected = format!(
        "cannot create {}.part: No such file or directory (os error 2)",
        path.display()
    );
    assert_eq!(error(&path), expected);
    let expected = format!(
        "cannot create {}: something else is there that is not a plain file",
        folder.display()
    );
    assert_eq!(error(&folder), expected);
    for (name, hint) in [
        ("wave.fts", "; did you mean `wave.fst`?"),
        ("wave", ""),
        ("wave.png", ""),
    ] {
        let error = Format::of_path(Path::new(name)).unwrap_err();
        assert!(matches!(error, WriteError::Ending { .. }));
        let expected = format!("the name of a trace ends in `.fst` or `.vcd`, not as {name}{hint}");
        assert_eq!(error.to_string(), expected);
    }
}

/// The device that is always full stands for a full disk.
#[test]
fn a_full_disk_is_an_error() {
    let folder = folder("full");
    for name in ["wave.vcd", "wave.fst"] {
        let path = folder.join(name);
        let part = folder.join(format!("{name}.part"));
        let _ = fs::remove_file(&part);
        std::os::unix::fs::symlink("/dev/full", &part).unwrap();
        let header = one_scope(vec![bits("a", 0, 64)]);
        let error = TraceWriter::create(&path, Format::of_path(&path).unwrap(), &header)
            .and_then(|mut writer| {
                for time in 0..100_000 {
                    writer.set(time, 0, &[time])?;
                }
                writer.finish()
            })
            .unwrap_err();
        let expected = format!(
            "cannot write {}: No space left on device (os error 28)",
            part.display()
        );
        assert_eq!(error.to_string(), expected);
        assert!(!path.exists() && fs::symlink_metadata(&part).is_err());
    }
}
