//! Files that are no traces, or no longer: an error each time, and never a panic.
#![forbid(unsafe_code)]

use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use tina_viz::select::select;
use tina_viz::trace::{Radix, ReadError, Trace, Value};
use tina_viz::waves::{Sheet, WaveOptions};
use tina_viz::write::{Format, Header, Scope, Signal, SignalKind, Timescale, TraceWriter};

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("read");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A trace of a grid, two signals for each element, that counts up.
fn write(name: &str, side: u32) -> PathBuf {
    let path = folder().join(name);
    let signal = |id, name: &str, width_bits| Signal {
        id,
        name: name.to_owned(),
        width_bits,
        kind: SignalKind::Bits,
        values: None,
    };
    let scope = |number: u32| Scope {
        name: format!("tile[{}][{}]", number / side, number % side),
        scopes: Vec::new(),
        signals: vec![
            signal(2 * number, "valid", 1),
            signal(2 * number + 1, "count", 12),
        ],
    };
    let header = Header {
        timescale: Timescale::NANOSECOND,
        version: "test".to_owned(),
        comment: String::new(),
        root: vec![Scope {
            name: "top".to_owned(),
            scopes: (0..side * side).map(scope).collect(),
            signals: Vec::new(),
        }],
    };
    let mut writer = TraceWriter::create(&path, Format::of_path(&path).unwrap(), &header).unwrap();
    for time in 0..64u64 {
        for number in 0..side * side {
            writer
                .set(time, 2 * number, &[time >> (number % 5) & 1])
                .unwrap();
            writer.set(time, 2 * number + 1, &[time / 2]).unwrap();
        }
    }
    writer.finish().unwrap();
    path
}

/// Reads all there is to read.
fn read_all(path: &Path) -> Result<usize, ReadError> {
    let mut trace = Trace::open(path)?;
    let mut count = 0;
    for signal in 0..trace.signals().len() {
        count += trace.changes(signal, 0, u64::MAX)?.list.len();
    }
    Ok(count)
}

fn options(rows_max: usize) -> WaveOptions {
    WaveOptions {
        from: 0,
        to: 63,
        cursors: vec![10],
        radix: Radix::Hexadecimal,
        rows_max,
        title: "grid".to_owned(),
    }
}

#[test]
fn a_thousand_signals_are_folded_into_few_rows() {
    let mut trace = Trace::open(&write("thousand.fst", 23)).unwrap();
    let all: Vec<usize> = (0..trace.signals().len()).collect();
    assert_eq!(all.len(), 1058);
    let sheet = Sheet::for_picture(&mut trace, &all, &[], options(64)).unwrap();
    assert_eq!(sheet.row_count(), 2);
    let svg = sheet.picture().svg(tina_viz::drawing::Theme::Light);
    for text in [
        "1,058 signals are folded into 2 rows",
        "529 signals",
        ">tile[*][*]<",
    ] {
        assert!(svg.contains(text), "{text}");
    }
    let sheet = Sheet::for_text(&mut trace, &all, &[], options(1), 80).unwrap();
    assert_eq!(sheet.row_count(), 1);
    let names: Vec<String> = trace
        .signals()
        .iter()
        .map(|signal| signal.full_name())
        .collect();
    let few = select(&names, &["tile[3][*].valid"]).unwrap();
    let sheet = Sheet::for_picture(&mut trace, &few, &[], options(64)).unwrap();
    assert_eq!(sheet.row_count(), 23, "few are not folded");
}

#[test]
fn a_window_has_the_value_from_before() {
    for name in ["window.fst", "window.vcd"] {
        let mut trace = Trace::open(&write(name, 1)).unwrap();
        assert_eq!(
            (trace.exponent(), trace.extent()),
            (Some(-9), Some((0, 63)))
        );
        let count = trace
            .signals()
            .iter()
            .position(|signal| signal.leaf() == "count")
            .unwrap();
        let changes = trace.changes(count, 11, 14).unwrap();
        assert_eq!(changes.before, Some(Value::Number(5)));
        assert_eq!(
            changes.list,
            [(12, Value::Number(6)), (14, Value::Number(7))]
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn broken_files_are_errors(
        is_fst in any::<bool>(),
        cut in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        is_cut in any::<bool>(),
    ) {
        let name = if is_fst { "whole.fst" } else { "whole.vcd" };
        let mut bytes = fs::read(write(name, 2)).unwrap();
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        for (at, byte) in flips {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        let path = folder().join(format!("broken_{name}"));
        fs::write(&path, &bytes).unwrap();
        if let Err(error) = read_all(&path) {
            let text = error.to_string();
            prop_assert!(!text.contains('\n') && text.contains("broken_whole"), "{text}");
        }
    }

    #[test]
    fn an_fst_file_that_is_cut_off_is_refused(cut in any::<prop::sample::Index>()) {
        let bytes = fs::read(write("cut.fst", 2)).unwrap();
        let path = folder().join("is_cut.fst");
        fs::write(&path, &bytes[..cut.index(bytes.len())]).unwrap();
        prop_assert!(Trace::open(&path).is_err());
    }
}

/// A VCD file that is cut in its body is read as far as it goes, and that it was cut is said where that can be
/// known: anywhere in a line or in a section, and between two lines of a file of our own.
#[test]
fn a_vcd_file_that_is_cut_in_its_body_is_warned_of() {
    let whole = fs::read_to_string(write("cut.vcd", 2)).unwrap();
    let (declarations, body) = whole.split_once("$enddefinitions $end\n").unwrap();
    let (_, declarations) = declarations.split_once("$end\n").unwrap();
    let body = &format!("{body}#64\n");
    let path = folder().join("is_cut.vcd");
    let warning = |version: &str, body: &str| {
        let text = format!("$version {version} $end\n{declarations}$enddefinitions $end\n{body}");
        fs::write(&path, text).unwrap();
        // Half a time is an error: nothing can be read from there on.
        match Trace::open(&path) {
            Ok(trace) => trace.warning().map(str::to_owned),
            Err(error) => Some(error.to_string()),
        }
    };
    for version in ["tina-hw 0.1.0", "another"] {
        assert_eq!(warning(version, body), None, "{version}");
    }
    let mut kinds = std::collections::BTreeSet::new();
    let ends = (1..body.len()).filter(|&end| end % 7 == 0 || body[..end].ends_with('\n'));
    for cut in ends.map(|end| &body[..end]) {
        let last = cut.trim_end().lines().last().unwrap_or_default();
        // Between two lines, after a time: that is how a whole file ends.
        let looks_whole = cut.ends_with('\n') && last.starts_with('#');
        let found = warning("tina-hw 0.1.0", cut);
        assert_eq!(found.is_none(), looks_whole, "{last}");
        kinds.extend(found);
    }
    let cut_off = kinds
        .iter()
        .filter(|kind| kind.starts_with("the file ends "));
    assert_eq!(cut_off.count(), 2, "{kinds:?}");
    let open = "#0\n$dumpvars\n0!\n";
    for version in ["tina-hw 0.1.0", "another"] {
        let found = warning(version, open);
        assert_eq!(
            found.as_deref(),
            Some("the file ends within `$dumpvars`: it was cut off")
        );
        assert_eq!(warning(version, &format!("{open}$end\n#9\n")), None);
    }
}
