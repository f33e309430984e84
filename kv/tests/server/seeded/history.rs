//! What clients asked and were told, and whether for one key it can have happened in some order.

use std::collections::BTreeSet;
use std::time::Duration;

/// What was asked of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Set(u64),
    Get,
    Delete,
}

/// What was told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was set.
    Set,
    /// What the key had.
    Got(Option<u64>),
    /// Whether there was something to be deleted.
    Deleted(bool),
    /// Nothing, or an error: it may have happened, now or later, or never.
    Nothing,
}

#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub key: usize,
    pub ask: Ask,
    pub told: Told,
    pub asked_at: Duration,
    pub told_at: Duration,
}

#[derive(Default)]
pub struct History {
    pub entries: Vec<Entry>,
    pub next_value: u64,
}

impl History {
    /// Notes a question; its number.
    pub fn ask(&mut self, key: usize, ask: Ask, now: Duration) -> usize {
        self.entries.push(Entry {
            key,
            ask,
            told: Told::Nothing,
            asked_at: now,
            told_at: Duration::MAX,
        });
        self.entries.len() - 1
    }

    pub fn tell(&mut self, number: usize, told: Told, now: Duration) {
        let entry = &mut self.entries[number];
        (entry.told, entry.told_at) = (told, now);
    }
}

/// Whether what was asked of a key, and told, can have happened one after the other, each between being
/// asked and being told.
pub fn check_key(history: &History, key: usize) -> Result<(), String> {
    let of_key = history.entries.iter().filter(|entry| entry.key == key);
    // A question whose answer nobody knows says nothing.
    let entries: Vec<Entry> = of_key
        .filter(|entry| !(entry.ask == Ask::Get && entry.told == Told::Nothing))
        .copied()
        .collect();
    let mut search = Search {
        entries: &entries,
        seen: BTreeSet::new(),
    };
    let mut done = vec![false; entries.len()];
    if search.goes_on(&mut done, None) {
        return Ok(());
    }
    let lines: Vec<String> = entries.iter().map(|entry| format!("{entry:?}")).collect();
    Err(format!(
        "what was told of key {key} can have happened in no order:\n{}",
        lines.join("\n")
    ))
}

struct Search<'a> {
    entries: &'a [Entry],
    seen: BTreeSet<(Vec<bool>, Option<u64>)>,
}

impl Search<'_> {
    /// Whether the rest can have happened after what is done, from this value on.
    fn goes_on(&mut self, done: &mut Vec<bool>, value: Option<u64>) -> bool {
        let must = |number: usize| self.entries[number].told != Told::Nothing;
        if (0..done.len()).all(|number| done[number] || !must(number)) {
            return true;
        }
        if !self.seen.insert((done.clone(), value)) {
            return false;
        }
        let left = (0..done.len()).filter(|&number| !done[number]);
        let first_told = left.map(|number| self.entries[number].told_at).min();
        for number in 0..done.len() {
            let entry = self.entries[number];
            // Nothing happens before it is asked, and what was told before that has happened.
            if done[number] || first_told.is_some_and(|told| entry.asked_at > told) {
                continue;
            }
            if let Some(next) = after(&entry, value) {
                done[number] = true;
                if self.goes_on(done, next) {
                    return true;
                }
                done[number] = false;
            }
        }
        false
    }
}

/// The value after an entry, if it can happen to this one.
fn after(entry: &Entry, value: Option<u64>) -> Option<Option<u64>> {
    match (entry.ask, entry.told) {
        (Ask::Set(new), _) => Some(Some(new)),
        (Ask::Get, Told::Got(got)) => (got == value).then_some(value),
        (Ask::Delete, Told::Deleted(was)) => (was == value.is_some()).then_some(None),
        (Ask::Delete, _) => Some(None),
        (Ask::Get, _) => Some(value),
    }
}

#[test]
fn orders_are_found_or_there_is_none() {
    let at = Duration::from_millis;
    let mut history = History::default();
    let mut add = |ask, told, from, to| {
        let number = history.ask(0, ask, at(from));
        history.tell(number, told, at(to));
    };
    add(Ask::Set(1), Told::Set, 0, 10);
    add(Ask::Get, Told::Got(None), 5, 6);
    add(Ask::Get, Told::Got(Some(1)), 5, 6);
    add(Ask::Delete, Told::Deleted(true), 20, 30);
    let unknown = history.ask(0, Ask::Set(2), at(40));
    assert_eq!(history.entries[unknown].told, Told::Nothing);
    let number = history.ask(0, Ask::Get, at(100));
    history.tell(number, Told::Got(Some(2)), at(101));
    assert_eq!(check_key(&history, 0), Ok(()));
    history.entries[number].told = Told::Got(Some(1));
    assert!(check_key(&history, 0).unwrap_err().contains("in no order"));
}
