//! Patterns for paths of instances and ports.
//!
//! A path is segments between dots, `tile[3].router.north`. In a segment `*` stands for any run of
//! characters and `?` for one; the segment `**` stands for any number of segments. A pattern selects
//! what it matches and everything below that.

use std::fmt;

/// A pattern for paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    text: String,
}

impl Glob {
    /// A pattern as it is typed.
    ///
    /// # Errors
    /// When it or one of its segments is empty.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.split('.').any(str::is_empty) {
            return Err("it is segments between dots, and none of them is empty".to_owned());
        }
        Ok(Self {
            text: text.to_owned(),
        })
    }

    /// Whether the pattern matches `path` or something that it is part of.
    #[must_use]
    pub fn selects(&self, path: &str) -> bool {
        let pattern: Vec<&str> = self.text.split('.').collect();
        let path: Vec<&str> = path.split('.').collect();
        segments_match(&pattern, &path)
    }

    /// Whether the pattern selects an instance: as a path, or by all that is in it.
    #[must_use]
    pub fn selects_instance(&self, path: &str) -> bool {
        let whole = self
            .text
            .strip_suffix(".*")
            .or(self.text.strip_suffix(".**"));
        let whole = whole.and_then(|whole| Self::new(whole).ok());
        self.selects(path) || whole.is_some_and(|whole| whole.selects(path))
    }

    /// The pattern as it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether the pattern matches the path or its beginning.
fn segments_match(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], _) => true,
        (["**", rest @ ..], _) => {
            (0..=path.len()).any(|skipped| segments_match(rest, &path[skipped..]))
        }
        (_, []) => false,
        ([first, rest @ ..], [segment, below @ ..]) => {
            segment_matches(first.as_bytes(), segment.as_bytes()) && segments_match(rest, below)
        }
    }
}

/// The usual two fingers: on a mismatch the last star takes one character more.
fn segment_matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut place) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while place < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(&wanted) if wanted == b'?' || wanted == text[place] => {
                at += 1;
                place += 1;
            }
            _ => match star {
                Some((star_at, taken)) => {
                    star = Some((star_at, taken + 1));
                    at = star_at + 1;
                    place = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&rest| rest == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, path: &str, selected: bool) {
        let glob = Glob::new(pattern).unwrap();
        assert_eq!(glob.selects(path), selected, "`{pattern}` and `{path}`");
    }

    #[test]
    fn patterns_select_what_they_match_and_all_below() {
        check("tile[*].router.*", "tile[3].router.north", true);
        check("tile[*].router.*", "tile[3].router", false);
        check("tile[*].router", "tile[3].router.north", true);
        check("tile[*]", "tile[3][4].core.fetch", true);
        check("tile[1]", "tile[12].core", false);
        check("tile[?]", "tile[12].core", false);
        check("**.fetch", "tile[3].core.fetch.request", true);
        check("**.fetch", "fetch", true);
        check("**.fetch", "tile[3].prefetch", false);
        check("**", "anything.at.all", true);
        check("core.*.in", "core.a.b.in", false);
        check("c*r*e", "core.x", true);
        check("c*r*x", "core.x", false);
    }

    #[test]
    fn instances_are_selected_by_all_that_is_in_them() {
        let glob = |text| Glob::new(text).unwrap();
        assert!(glob("tile[*].router.*").selects_instance("tile[0].router"));
        assert!(!glob("tile[*].router.north").selects_instance("tile[0].router"));
        assert!(glob("tile[0]").selects_instance("tile[0].router"));
    }

    #[test]
    fn empty_segments_are_refused() {
        assert!(Glob::new("").is_err());
        assert!(Glob::new("tile..router").is_err());
        assert!(Glob::new("tile.").is_err());
    }
}
