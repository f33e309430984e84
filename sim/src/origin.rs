//! What a design was made of: enough to make it again, and to tell that it is not another.
//!
//! Two designs of equal origin are the same machine; a comment more in a netlist makes another. Knows
//! nothing of runs or shards.

use crate::design::Design;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Lends the hash of the program to whoever asks what a design was made of; put among the resources
/// beside the program itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramFile {
    /// Where it was read.
    pub path: PathBuf,
    /// BLAKE3 of its bytes, in hexadecimal.
    pub blake3: String,
}

/// BLAKE3 of some bytes, in hexadecimal.
#[must_use]
pub fn hash_of(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// A file by its contents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashedFile {
    /// Where it was read, from the root of the file system on.
    pub path: String,
    /// BLAKE3 of its bytes, in hexadecimal.
    pub blake3: String,
}

/// What a design was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Version of this program.
    pub version: String,
    /// The netlist and all it includes, the first one first.
    pub netlists: Vec<HashedFile>,
    /// Parameters that were given another value, and that value as it was written.
    pub set: BTreeMap<String, String>,
    /// Seed of everything random.
    pub seed: u64,
    /// The guest's program.
    pub program: Option<HashedFile>,
}

/// In what an origin differs from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginDifference {
    text: String,
}

impl fmt::Display for OriginDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Origin {
    /// What this design was made of, with the values of parameters that it was given.
    #[must_use]
    pub fn of(design: &Design, set: &[(String, String)]) -> Self {
        let file = |(name, text): (&str, &str)| HashedFile {
            path: absolute(Path::new(name)),
            blake3: hash_of(text.as_bytes()),
        };
        let program = design.blueprint.resources.get::<ProgramFile>();
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            netlists: design.files().map(file).collect(),
            set: set.iter().cloned().collect(),
            seed: design.blueprint.seed,
            program: program.map(|program| HashedFile {
                path: absolute(&program.path),
                blake3: program.blake3.clone(),
            }),
        }
    }

    /// The first netlist.
    #[must_use]
    pub fn netlist(&self) -> Option<&HashedFile> {
        self.netlists.first()
    }

    /// The parameters in the form of `--set`.
    #[must_use]
    pub fn set_list(&self) -> Vec<(String, String)> {
        let pair = |(name, value): (&String, &String)| (name.clone(), value.clone());
        self.set.iter().map(pair).collect()
    }

    /// In what `other` is not the same machine; where files lie does not count.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<OriginDifference> {
        let text = self
            .version_difference(other)
            .or_else(|| self.netlist_difference(other))
            .or_else(|| self.set_difference(other))
            .or_else(|| {
                let (ours, theirs) = (self.seed, other.seed);
                (ours != theirs).then(|| format!("it was made with seed {ours}, not {theirs}"))
            })
            .or_else(|| self.program_difference(other))?;
        Some(OriginDifference { text })
    }

    fn version_difference(&self, other: &Self) -> Option<String> {
        let (ours, theirs) = (&self.version, &other.version);
        (ours != theirs)
            .then(|| format!("it was made by version {ours} of tina-hw, and this is {theirs}"))
    }

    fn netlist_difference(&self, other: &Self) -> Option<String> {
        for (ours, theirs) in self.netlists.iter().zip(&other.netlists) {
            if ours.blake3 != theirs.blake3 {
                let path = &theirs.path;
                return Some(format!("`{path}` is not what it was when it was made"));
            }
        }
        let (ours, theirs) = (self.netlists.len(), other.netlists.len());
        (ours != theirs)
            .then(|| format!("it was made of {ours} netlist files, and this is of {theirs}"))
    }

    fn set_difference(&self, other: &Self) -> Option<String> {
        let names = self.set.keys().chain(other.set.keys());
        let value = |origin: &Self, name: &str| match origin.set.get(name) {
            Some(value) => format!("--set {name}={value}"),
            None => format!("no --set {name}"),
        };
        let name = names
            .into_iter()
            .find(|name| self.set.get(*name) != other.set.get(*name))?;
        let (ours, theirs) = (value(self, name), value(other, name));
        Some(format!("it was made with {ours}, and this has {theirs}"))
    }

    fn program_difference(&self, other: &Self) -> Option<String> {
        match (&self.program, &other.program) {
            (Some(ours), Some(theirs)) => (ours.blake3 != theirs.blake3).then(|| {
                let path = &theirs.path;
                format!("the program `{path}` is not the one it was made with")
            }),
            (Some(ours), None) => Some(format!(
                "it was made with the program `{}`, and this has none",
                ours.path
            )),
            (None, Some(theirs)) => Some(format!(
                "it was made without a program, and this has `{}`",
                theirs.path
            )),
            (None, None) => None,
        }
    }
}

/// A path that means the same whatever folder one stands in.
fn absolute(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        let file = |path: &str| HashedFile {
            path: path.to_owned(),
            blake3: hash_of(path.as_bytes()),
        };
        Origin {
            version: "1.0.0".to_owned(),
            netlists: vec![file("a.ron"), file("b.ron")],
            set: BTreeMap::from([("k".to_owned(), "4".to_owned())]),
            seed: 7,
            program: Some(file("a.elf")),
        }
    }

    fn difference(change: impl FnOnce(&mut Origin)) -> String {
        let mut other = origin();
        change(&mut other);
        origin()
            .difference(&other)
            .map_or_else(String::new, |difference| difference.to_string())
    }

    #[test]
    fn every_part_counts_but_places() {
        assert_eq!(difference(|_| {}), "");
        assert_eq!(
            difference(|it| it.netlists[1].path = "c/b.ron".to_owned()),
            ""
        );
        let changed = |it: &mut Origin| it.netlists[1].blake3 = hash_of(b"");
        assert_eq!(
            difference(changed),
            "`b.ron` is not what it was when it was made"
        );
        assert_eq!(
            difference(|it| it.set.clear()),
            "it was made with --set k=4, and this has no --set k"
        );
        assert_eq!(
            difference(|it| it.seed = 8),
            "it was made with seed 7, not 8"
        );
        assert_eq!(
            difference(|it| it.program = None),
            "it was made with the program `a.elf`, and this has none"
        );
        assert_eq!(
            difference(|it| it.version = "1.0.1".to_owned()),
            "it was made by version 1.0.0 of tina-hw, and this is 1.0.1"
        );
    }
}
