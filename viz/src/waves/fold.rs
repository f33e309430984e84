//! Which signals share a row.
//!
//! While there are more rows than allowed, the largest group of signals that are alike is folded: first those
//! that differ in indices, then those that differ in digits, then all of a scope, then all of the scopes
//! around it. What is not folded keeps its row and its place.

use crate::trace::SignalInfo;
use std::collections::BTreeMap;

/// Signals that share a row, and its name in two parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) scope: String,
    pub(super) leaf: String,
    pub(super) signals: Vec<usize>,
}

impl Row {
    pub(super) fn full_name(&self) -> String {
        match (self.scope.as_str(), self.leaf.as_str()) {
            ("", leaf) => leaf.to_owned(),
            (scope, leaf) => format!("{scope}.{leaf}"),
        }
    }
}

/// What is alike in names at a level of folding.
fn key(info: &SignalInfo, level: usize) -> (String, String) {
    let indices = |name: &str| starred(name, false);
    match level {
        0 => (
            indices(info.scope()),
            indices(&info.name[info.scope_length..]),
        ),
        1 => (
            starred(info.scope(), true),
            starred(&info.name[info.scope_length..], true),
        ),
        _ => {
            let scope = starred(info.scope(), true);
            let parts: Vec<&str> = scope.split('.').collect();
            let kept = parts.len().saturating_sub(level - 2);
            (parts[..kept].join("."), "*".to_owned())
        }
    }
}

/// The name with stars for indices, and for digits if wanted.
fn starred(name: &str, digits: bool) -> String {
    let mut out = String::new();
    let mut in_index = false;
    for letter in name.chars() {
        match letter {
            '[' => {
                in_index = true;
                out.push_str("[*]");
            }
            ']' if in_index => in_index = false,
            _ if in_index => {}
            _ if digits && letter.is_ascii_digit() => {
                if !out.ends_with('*') {
                    out.push('*');
                }
            }
            _ => out.push(letter),
        }
    }
    out
}

/// At most so many rows, in the order of their first signals.
pub(super) fn rows(infos: &[SignalInfo], signals: &[usize], rows_max: usize) -> Vec<Row> {
    let single = |&signal: &usize| Row {
        scope: infos[signal].scope().to_owned(),
        leaf: infos[signal].leaf(),
        signals: vec![signal],
    };
    if signals.len() <= rows_max {
        return signals.iter().map(single).collect();
    }
    let mut level = 0;
    loop {
        let mut groups: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        for &signal in signals {
            groups
                .entry(key(&infos[signal], level))
                .or_default()
                .push(signal);
        }
        // Ends: at some level no scope is left to tell two signals apart.
        if groups.len() <= rows_max.max(1) {
            return folded(groups, signals, rows_max, &single);
        }
        level += 1;
    }
}

/// Folds the largest groups until there are few enough rows.
fn folded(
    groups: BTreeMap<(String, String), Vec<usize>>,
    signals: &[usize],
    rows_max: usize,
    single: &dyn Fn(&usize) -> Row,
) -> Vec<Row> {
    let mut groups: Vec<((String, String), Vec<usize>)> = groups.into_iter().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.1.len()));
    let mut row_count = signals.len();
    let mut rows = Vec::new();
    for ((scope, leaf), members) in groups {
        if row_count > rows_max && members.len() > 1 {
            row_count -= members.len() - 1;
            rows.push(Row {
                scope,
                leaf,
                signals: members,
            });
        } else {
            rows.extend(members.iter().map(single));
        }
    }
    let mut place = vec![0; signals.iter().max().map_or(0, |most| most + 1)];
    for (number, &signal) in signals.iter().enumerate() {
        place[signal] = number;
    }
    rows.sort_by_key(|row| place[row.signals[0]]);
    rows
}

/// Whether headings save more than they cost: at least two rows below each, on average.
pub(super) fn has_headings(rows: &[Row]) -> bool {
    let scopes = 1 + rows
        .windows(2)
        .filter(|pair| pair[0].scope != pair[1].scope)
        .count();
    rows.len() >= 2 * scopes
}

/// The scopes that all have in common.
pub(super) fn common_scope(infos: &[SignalInfo], signals: &[usize]) -> String {
    let mut scopes = signals.iter().map(|&signal| infos[signal].scope());
    let Some(first) = scopes.next() else {
        return String::new();
    };
    let mut common: Vec<&str> = first.split('.').collect();
    for scope in scopes {
        let same = common
            .iter()
            .zip(scope.split('.'))
            .take_while(|(a, b)| **a == *b)
            .count();
        common.truncate(same);
    }
    common.join(".")
}

/// A name inside a scope.
pub(super) fn without<'n>(name: &'n str, scope: &str) -> &'n str {
    match name.strip_prefix(scope) {
        Some("") => "",
        Some(rest) if !scope.is_empty() => rest.strip_prefix('.').unwrap_or(name),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_indices() {
        assert_eq!(starred("tile[3][4].in2", false), "tile[*][*].in2");
        assert_eq!(starred("tile[3][4].in23b4", true), "tile[*][*].in*b*");
        assert_eq!(without("top.a.b", "top"), "a.b");
        assert_eq!(without("topa.b", "top"), "topa.b");
        assert_eq!(without("top", "top"), "");
    }
}
