//! Journals that are whole, cut, changed, of other machines and of other runs.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tina_engine::Observer;

fn origin() -> Origin {
    Origin {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        netlists: Vec::new(),
        set: BTreeMap::from([("k".to_owned(), "4".to_owned())]),
        seed: 7,
        program: None,
    }
}

const INPUTS: [(u64, u32, &[u8]); 4] = [
    (0, 3, b"now"),
    (2048, 1, b"a"),
    (2048, 3, b"bcd"),
    (9_000_192, 1, &[0, 255]),
];
const END: End = End {
    cycle: 9_001_216,
    digest: 0x1234,
    interrupted: true,
};

fn path(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("tina-journal-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// The bytes of a whole journal.
fn written(name: &str) -> Vec<u8> {
    let path = path(name);
    let mut nobody = ();
    let mut file = JournalFile::create(&path, &origin(), Base::default(), &mut nobody).unwrap();
    for (cycle, instance, bytes) in INPUTS {
        file.input(cycle, instance, bytes);
    }
    file.finish(END).unwrap();
    fs::read(path).unwrap()
}

fn mark(count: usize) -> InputMark {
    let bytes = |(cycle, instance, bytes): (u64, u32, &'static [u8])| {
        bytes.iter().map(move |&byte| (cycle, instance, byte))
    };
    let all = INPUTS.into_iter().take(count).flat_map(bytes);
    all.fold(InputMark::default(), |mark, (cycle, instance, byte)| {
        mark.after(cycle, instance, byte)
    })
}

#[test]
fn what_was_written_is_read() {
    let journal = Journal::decode(&written("whole")).unwrap();
    assert_eq!((journal.end, journal.origin.clone()), (Some(END), origin()));
    let inputs = journal.inputs.iter();
    let inputs: Vec<_> = inputs
        .map(|it| (it.cycle, it.instance, it.bytes.as_slice()))
        .collect();
    assert_eq!(inputs, INPUTS);
    journal.check_whole().unwrap();
    journal.check_build().unwrap();
    journal.check(&origin()).unwrap();
    let other = Origin {
        seed: 8,
        ..origin()
    };
    let refusal = journal.check(&other).unwrap_err().to_string();
    assert_eq!(
        refusal,
        "is of another machine: it was made with seed 7, not 8"
    );
}

#[test]
fn a_journal_knows_the_run_it_belongs_to() {
    let journal = Journal::decode(&written("start")).unwrap();
    for (start, count) in [(0, 0), (1024, 1), (2048, 1), (4096, 3), (10_000_000, 4)] {
        journal.check_start(start, mark(count)).unwrap();
        let other = mark((count + 1) % 5);
        let refusal = journal.check_start(start, other).unwrap_err();
        assert!(
            matches!(refusal, JournalError::OtherRun { .. }),
            "{refusal}"
        );
    }
}

#[test]
fn what_came_later_is_cut_off_where_a_run_is_gone_on_with() {
    let bytes = written("cut");
    let journal = Journal::decode(&bytes).unwrap();
    let mut nobody = ();
    let path = path("cut");
    let mut file = JournalFile::resume(&path, &journal, 2048, &mut nobody).unwrap();
    file.input(4096, 0, b"other");
    file.finish(END).unwrap();
    let resumed = Journal::read(&path).unwrap();
    let cycles: Vec<u64> = resumed.inputs.iter().map(|input| input.cycle).collect();
    assert_eq!(cycles, [0, 4096]);
}

#[test]
fn every_end_that_comes_too_early_is_found_out() {
    let bytes = written("truncated");
    for length in 0..bytes.len() {
        match Journal::decode(&bytes[..length]) {
            Ok(journal) => {
                let refusal = journal.check_whole().unwrap_err().to_string();
                assert!(refusal.starts_with("is truncated: "), "{refusal}");
                assert!(journal.inputs.len() <= INPUTS.len());
            }
            Err(JournalError::NoHead) => {}
            Err(error) => panic!("{length} bytes: {error}"),
        }
    }
    let mut longer = bytes;
    longer.extend([0; 3]);
    let refusal = Journal::decode(&longer).unwrap_err();
    assert!(matches!(refusal, JournalError::Corrupt { .. }), "{refusal}");
}

#[test]
fn records_cannot_be_left_out_or_change_places() {
    let bytes = written("records");
    // The records in the middle are those of three bytes and one, at known places from the end.
    let mut at = PREFACE_BYTES + word_at(&bytes, 12).unwrap() as usize + SEAL_BYTES;
    let mut places = vec![at];
    while let Some(length) = word_at(&bytes, at) {
        at += 4 + length as usize + SEAL_BYTES;
        places.push(at);
    }
    assert_eq!(places.len(), INPUTS.len() + 2);
    let [first, second, third] = [places[0], places[1], places[2]];
    let left_out = [&bytes[..first], &bytes[second..]].concat();
    let swapped = [
        &bytes[..first],
        &bytes[second..third],
        &bytes[first..second],
        &bytes[third..],
    ]
    .concat();
    for wrong in [left_out, swapped] {
        let refusal = Journal::decode(&wrong).unwrap_err();
        let expected = JournalError::Corrupt { at: first as u64 };
        assert_eq!(refusal.to_string(), expected.to_string());
    }
}

proptest! {
    #[test]
    fn no_flipped_bit_goes_unnoticed(place in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut bytes = written("flipped");
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        // A length that leads beyond the end looks like a file that was cut off.
        let refused = match Journal::decode(&bytes) {
            Ok(journal) => journal.check_whole().is_err(),
            Err(_) => true,
        };
        prop_assert!(refused, "bit {bit} of byte {place}");
    }

    #[test]
    fn whatever_stands_there_it_is_refused_in_words(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut file = MAGIC.to_vec();
        file.extend(1u32.to_le_bytes());
        file.extend(bytes);
        prop_assert!(Journal::decode(&file).is_err());
    }
}
