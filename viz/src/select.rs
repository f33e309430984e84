//! Selections of names by patterns: `tile[*].router[0..2].*`.
//!
//! Names are parts joined by dots, a part is a name and indices in brackets. A pattern has the same form:
//! `*` and `?` stand for letters of a part, `[*]` for any index, `[2]` for one, `[0..4]` for those from 0 to
//! before 4, and `**` for any number of parts. Indices that a pattern does not mention are taken whole, and
//! a pattern that ends at a scope takes all in it. A pattern that fits nothing from the outermost scope on is
//! looked for in every scope.

use std::collections::BTreeSet;
use std::fmt;

/// A pattern of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<PatternPart>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PatternPart {
    Any,
    Named { name: Vec<char>, index: Vec<Index> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Index {
    All,
    Range(u64, u64),
    /// Anything else, compared as letters.
    Text(Vec<char>),
}

/// Why a pattern selects nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SelectError {
    /// It is not one.
    Form {
        /// As it was given.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No name is like it.
    NoMatch {
        /// As it was given.
        pattern: String,
        /// Patterns that select something and are nearest to it, at most three.
        nearest: Vec<String>,
        /// Names there are to select from.
        count: usize,
    },
}

impl fmt::Display for SelectError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form { pattern, reason } => {
                write!(out, "`{pattern}` is no pattern of names: {reason}")
            }
            Self::NoMatch {
                pattern,
                nearest,
                count,
            } => {
                write!(out, "`{pattern}` matches none of {count} names")?;
                for (number, name) in nearest.iter().enumerate() {
                    let before = if number == 0 { "; did you mean" } else { " or" };
                    write!(out, "{before} `{name}`")?;
                }
                out.write_str(if nearest.is_empty() { "" } else { "?" })
            }
        }
    }
}

impl std::error::Error for SelectError {}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A part is empty, a bracket is not closed, or a range is empty.
    pub fn new(text: &str) -> Result<Self, SelectError> {
        let wrong = |reason: &str| SelectError::Form {
            pattern: text.to_owned(),
            reason: reason.to_owned(),
        };
        let mut parts = Vec::new();
        for part in split(text) {
            if part == "**" {
                parts.push(PatternPart::Any);
                continue;
            }
            let (name, brackets) = part.split_at(part.find('[').unwrap_or(part.len()));
            if name.is_empty() && brackets.is_empty() {
                return Err(wrong("a part of it is empty"));
            }
            let mut index = Vec::new();
            let mut rest = brackets;
            while let Some(inner) = rest.strip_prefix('[') {
                let Some((inner, after)) = inner.split_once(']') else {
                    return Err(wrong("a `]` is missing"));
                };
                index.push(Index::of(inner).ok_or_else(|| wrong("a range in it is empty"))?);
                rest = after;
            }
            if !rest.is_empty() {
                return Err(wrong("behind `]` comes `.`, `[` or the end"));
            }
            parts.push(PatternPart::Named {
                name: name.chars().collect(),
                index,
            });
        }
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }

    fn fits(&self, name: &[NamePart<'_>]) -> bool {
        fits(&self.parts, name)
    }
}

impl Index {
    fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "*" {
            return Some(Self::All);
        }
        if let Some((first, end)) = text.split_once("..") {
            let (first, end) = (first.trim().parse().ok()?, end.trim().parse().ok()?);
            return (first < end).then_some(Self::Range(first, end));
        }
        Some(Self::Text(text.chars().collect()))
    }

    fn fits(&self, index: &str) -> bool {
        match self {
            Self::All => true,
            Self::Range(first, end) => index
                .parse::<u64>()
                .is_ok_and(|index| (*first..*end).contains(&index)),
            Self::Text(text) => letters_fit(text, &index.chars().collect::<Vec<char>>()),
        }
    }
}

/// A part of a name.
struct NamePart<'n> {
    name: Vec<char>,
    index: Vec<&'n str>,
}

fn name_parts(name: &str) -> Vec<NamePart<'_>> {
    split(name)
        .map(|part| {
            let (name, brackets) = part.split_at(part.find('[').unwrap_or(part.len()));
            let index = brackets.split('[').skip(1);
            NamePart {
                name: name.chars().collect(),
                index: index.map(|index| index.trim_end_matches(']')).collect(),
            }
        })
        .collect()
}

/// At dots outside brackets.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0usize;
    text.split(move |letter| {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == '.' && depth == 0
    })
}

fn fits(pattern: &[PatternPart], name: &[NamePart<'_>]) -> bool {
    match (pattern, name) {
        // What is left of the name stands in the scope.
        ([], _) => true,
        ([PatternPart::Any, rest @ ..], _) => {
            (0..=name.len()).any(|skipped| fits(rest, &name[skipped..]))
        }
        (_, []) => false,
        (
            [
                PatternPart::Named {
                    name: letters,
                    index,
                },
                rest @ ..,
            ],
            [part, after @ ..],
        ) => {
            let indices_fit = index.len() <= part.index.len()
                && index
                    .iter()
                    .zip(&part.index)
                    .all(|(index, text)| index.fits(text));
            indices_fit && letters_fit(letters, &part.name) && fits(rest, after)
        }
    }
}

/// Letters with `*` for any and `?` for one.
fn letters_fit(pattern: &[char], text: &[char]) -> bool {
    let (mut at, mut in_text) = (0, 0);
    // Where the last star stands, and up to where it reaches so far.
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(&letter) if letter == '?' || letter == text[in_text] => {
                at += 1;
                in_text += 1;
            }
            _ => {
                let Some((star_at, reach)) = star else {
                    return false;
                };
                star = Some((star_at, reach + 1));
                at = star_at + 1;
                in_text = reach + 1;
            }
        }
    }
    pattern[at..].iter().all(|&letter| letter == '*')
}

/// The indices of the names that the patterns select, pattern by pattern, each once; all names if there is
/// no pattern.
///
/// # Errors
/// A pattern is none or selects nothing.
pub fn select<S: AsRef<str>>(names: &[String], patterns: &[S]) -> Result<Vec<usize>, SelectError> {
    if patterns.is_empty() {
        return Ok((0..names.len()).collect());
    }
    let parts: Vec<Vec<NamePart<'_>>> = names.iter().map(|name| name_parts(name)).collect();
    let mut chosen = Vec::new();
    let mut is_chosen = vec![false; names.len()];
    for pattern in patterns {
        let mut pattern = Pattern::new(pattern.as_ref())?;
        // A name with brackets and dots of its own is meant as it stands.
        let fits = |pattern: &Pattern| -> Vec<usize> {
            let all = 0..names.len();
            all.filter(|&index| names[index] == pattern.text || pattern.fits(&parts[index]))
                .collect()
        };
        let mut found = fits(&pattern);
        if found.is_empty() {
            pattern.parts.insert(0, PatternPart::Any);
            found = fits(&pattern);
        }
        if found.is_empty() {
            return Err(SelectError::NoMatch {
                nearest: nearest(names, &pattern.text),
                pattern: pattern.text,
                count: names.len(),
            });
        }
        for index in found {
            if !std::mem::replace(&mut is_chosen[index], true) {
                chosen.push(index);
            }
        }
    }
    Ok(chosen)
}

/// Names like a pattern, with stars for their indices; compared whole, and the ends alone.
fn nearest(names: &[String], pattern: &str) -> Vec<String> {
    const SIMILAR: f64 = 0.6;
    const SHOWN_MAX: usize = 3;
    /// What is less like it than the best by this is not meant.
    const CLOSE: f64 = 0.25;
    let distinct: BTreeSet<String> = names.iter().map(|name| starred(name)).collect();
    let wanted = starred(pattern);
    let end = |name: &str| split(name).last().unwrap_or_default().to_owned();
    let mut near: Vec<(f64, &String)> = distinct
        .iter()
        .map(|name| {
            let whole = strsim::normalized_damerau_levenshtein(&wanted, name);
            let ends = strsim::normalized_damerau_levenshtein(&end(&wanted), &end(name));
            (whole.max(ends * 0.9), name)
        })
        .filter(|&(similarity, _)| similarity >= SIMILAR)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let best = near.first().map_or(0.0, |best| best.0);
    near.retain(|&(similarity, _)| similarity > best - CLOSE);
    near.into_iter()
        .take(SHOWN_MAX)
        .map(|(_, name)| name.clone())
        .collect()
}

/// `tile[3].data[7:0]` as `tile[*].data`.
fn starred(name: &str) -> String {
    let mut out = String::new();
    for (number, part) in split(name).enumerate() {
        if number > 0 {
            out.push('.');
        }
        let (start, brackets) = part.split_at(part.find('[').unwrap_or(part.len()));
        out.push_str(start);
        let indices = brackets
            .split('[')
            .skip(1)
            .filter(|index| !index.contains(':'));
        out.extend(indices.map(|_| "[*]"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        let mut names = vec!["top.clk".to_owned(), "top.data[7:0]".to_owned()];
        for x in 0..3 {
            for y in 0..2 {
                names.push(format!("top.tile[{x}][{y}].router.east"));
                names.push(format!("top.tile[{x}][{y}].router.queue[0]"));
            }
        }
        names.push("top.\\odd.name".to_owned());
        names
    }

    fn picked(pattern: &str) -> Vec<String> {
        let names = names();
        match select(&names, &[pattern]) {
            Ok(list) => list.into_iter().map(|index| names[index].clone()).collect(),
            Err(error) => vec![error.to_string()],
        }
    }

    #[test]
    fn patterns_select() {
        assert_eq!(picked("top.tile[1][1].router.east").len(), 1);
        assert_eq!(picked("top.tile[*][0].router.*").len(), 6);
        assert_eq!(
            picked("top.tile[0..2].router.east").len(),
            4,
            "indices not mentioned are whole"
        );
        assert_eq!(picked("top.tile").len(), 12, "a scope is all in it");
        assert_eq!(picked("**.east").len(), 6);
        assert_eq!(picked("clk"), ["top.clk"], "looked for in every scope");
        assert_eq!(picked("top.data"), ["top.data[7:0]"]);
        assert_eq!(picked("top.data[7:0]"), ["top.data[7:0]"]);
        assert_eq!(picked("top.\\odd.name"), ["top.\\odd.name"]);
        assert_eq!(picked("t?p.c*k"), ["top.clk"]);
        assert_eq!(picked("*").len(), names().len());
        assert_eq!(
            select(&names(), &["clk", "top.*", "clk"]).unwrap().len(),
            names().len()
        );
        assert_eq!(select::<&str>(&names(), &[]).unwrap().len(), names().len());
    }

    #[test]
    fn what_selects_nothing_is_told_what_would() {
        let said = [
            (
                "top.tile[*][*].ruoter.east",
                "`top.tile[*][*].ruoter.east` matches none of 15 names; did you mean \
                 `top.tile[*][*].router.east` or `top.tile[*][*].router.queue[*]`?",
            ),
            (
                "clck",
                "`clck` matches none of 15 names; did you mean `top.clk`?",
            ),
            ("zebra", "`zebra` matches none of 15 names"),
            (
                "top..clk",
                "`top..clk` is no pattern of names: a part of it is empty",
            ),
            (
                "top.tile[3",
                "`top.tile[3` is no pattern of names: a `]` is missing",
            ),
            (
                "a[3..3]",
                "`a[3..3]` is no pattern of names: a range in it is empty",
            ),
        ];
        for (pattern, expected) in said {
            assert_eq!(picked(pattern), [expected]);
        }
    }
}
