//! The store against a map of the standard library.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn value(store: &Store, place: Place) -> Vec<u8> {
    store.value_pieces(place).flatten().copied().collect()
}

proptest! {
    /// It holds what a map would, but for what it refuses; what it refuses does not fit; and when all is
    /// removed, all room is there again.
    #[test]
    fn it_is_a_map_with_an_end(steps in prop::collection::vec((0..4u8, 0..12u8, 0..200usize), 0..120)) {
        let mut store = Store::new(8, 64 * 16, 7);
        let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for (step, number, length) in steps {
            let key = vec![number; usize::from(number) * 9];
            let bytes: Vec<u8> = (0..length).map(|at| (at + length) as u8).collect();
            let found = store.find(&key);
            prop_assert_eq!(found.is_some(), model.contains_key(&key));
            match (step, found) {
                (0 | 1, _) => match store.put(&key, &bytes) {
                    Ok(_) => {
                        model.insert(key, bytes);
                    }
                    Err(Full) => {
                        let old = model.get(&key).map_or(0, |old| chunks_of(key.len() + old.len()));
                        let need = chunks_of(key.len() + bytes.len());
                        let is_out_of_keys = found.is_none() && model.len() == 8;
                        prop_assert!(is_out_of_keys || need > old + store.chunks.free_count());
                    }
                },
                (2, Some(place)) if store.append(place, &bytes).is_ok() => {
                    model.get_mut(&key).unwrap().extend(&bytes);
                }
                (3, Some(place)) => {
                    store.remove(place);
                    model.remove(&key);
                }
                _ => {}
            }
            prop_assert_eq!(store.count(), model.len());
            let places = (0..store.slots()).filter_map(|slot| store.scan(slot));
            let all: BTreeMap<Vec<u8>, Vec<u8>> = places
                .map(|place| (store.key(place).flatten().copied().collect(), value(&store, place)))
                .collect();
            prop_assert_eq!(&all, &model);
            let used: usize = model.iter().map(|(key, value)| chunks_of(key.len() + value.len())).sum();
            prop_assert_eq!(store.chunks.free_count(), 16 - used);
        }
        store.clear();
        prop_assert_eq!((store.count(), store.chunks.free_count()), (0, 16));
        for number in 0..8u8 {
            prop_assert!(store.put(&[number], b"").is_ok());
        }
        prop_assert_eq!(store.put(b"ninth", b""), Err(Full));
    }
}

#[test]
fn a_key_stays_in_its_slot_whatever_happens_to_others() {
    let mut store = Store::new(100, 64 * 1000, 1);
    let place = store.put(b"stays", b"1").unwrap();
    for number in 0..90u8 {
        store.put(&[number], &[number; 100]).unwrap();
    }
    store.put(b"stays", &[7; 300]).unwrap();
    for number in 0..90u8 {
        store.remove(store.find(&[number]).unwrap());
    }
    assert_eq!(store.find(b"stays"), Some(place));
    assert_eq!(value(&store, place), [7; 300]);
}

#[test]
fn an_expired_key_is_there_for_nobody() {
    let mut store = Store::new(4, 640, 1);
    let place = store.put(b"key", b"value").unwrap();
    store.set_expiry(place, 100);
    assert_eq!(store.find_live(b"key", 99), Some(place));
    assert_eq!(store.find_live(b"key", 100), None);
    assert_eq!(store.find(b"key"), Some(place));
}
