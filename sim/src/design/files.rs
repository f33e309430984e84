//! Netlist files: the first one and all it includes, each read once.
//!
//! All files are read before anything is elaborated, so that a cycle of includes is found whatever
//! the parameters are, and clocks of all files are known.

use crate::diagnostic::{Code, Diagnostic, Findings, Refusal, Sources, Span, nearest};
use crate::netlist::{FILE_BYTES_MAX, Netlist, What};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Sub-netlists nest at most so deep.
pub const INCLUDE_DEPTH_MAX: usize = 16;

/// A netlist file that could be read.
pub(crate) struct File {
    pub(crate) netlist: Netlist,
    pub(crate) folder: PathBuf,
    /// Names of the parameters and whether anything used them.
    pub(crate) params: Vec<(String, Cell<bool>)>,
    /// Numbers of the files it includes, by the path it names them with; `None` where unreadable.
    pub(crate) includes: BTreeMap<String, Option<usize>>,
}

/// All files of a machine, the including ones after what they include.
#[derive(Default)]
pub(crate) struct Files {
    pub(crate) sources: Sources,
    pub(crate) list: Vec<File>,
    /// What became of each path; `None` where the file could not be read.
    by_path: BTreeMap<PathBuf, Option<usize>>,
    /// Files being read: their identity, and how they are shown.
    chain: Vec<(PathBuf, String)>,
}

impl Files {
    /// Reads a file and all it includes.
    pub(crate) fn read(&mut self, path: &Path, found: &mut Findings) -> Option<usize> {
        let text = found.keep(read_text(path, None))?;
        self.add(path, text, found)
    }

    /// Takes a text as the file `path` would be, and reads all it includes.
    pub(crate) fn add(&mut self, path: &Path, text: String, found: &mut Findings) -> Option<usize> {
        let identity = identity(path);
        let shown = path.display().to_string();
        // Some editors start a file with a byte order mark, which is nothing to read.
        let text: std::sync::Arc<str> = text.trim_start_matches('\u{feff}').into();
        let source = self.sources.add(shown.clone(), text.clone());
        let netlist = Netlist::read(&text, source, found);
        self.chain.push((identity.clone(), shown));
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
        let file = netlist.map(|netlist| {
            let params = netlist
                .params
                .iter()
                .map(|param| (param.name.text.clone(), Cell::new(false)))
                .collect();
            let includes = self.read_includes(&netlist, &folder, found);
            File {
                netlist,
                folder,
                params,
                includes,
            }
        });
        self.chain.pop();
        let number = file.map(|file| {
            self.list.push(file);
            self.list.len() - 1
        });
        self.by_path.insert(identity, number);
        number
    }

    fn read_includes(
        &mut self,
        netlist: &Netlist,
        folder: &Path,
        found: &mut Findings,
    ) -> BTreeMap<String, Option<usize>> {
        let mut includes = BTreeMap::new();
        for declaration in &netlist.instances {
            if let What::Netlist(path, span) = &declaration.what
                && !includes.contains_key(path)
            {
                let number = self.include(&folder.join(path), *span, found);
                includes.insert(path.clone(), number);
            }
        }
        includes
    }

    fn include(&mut self, path: &Path, span: Span, found: &mut Findings) -> Option<usize> {
        let identity = identity(path);
        if let Some(start) = self.chain.iter().position(|(other, _)| *other == identity) {
            let mut chain: Vec<&str> = self.chain[start..]
                .iter()
                .map(|(_, shown)| shown.as_str())
                .collect();
            let first = chain[0];
            chain.push(first);
            found.add(
                Diagnostic::error(Code::IncludeCycle, format!("`{first}` includes itself"))
                    .at(span, "here the circle closes")
                    .note(chain.join(" -> ")),
            );
            return None;
        }
        if let Some(known) = self.by_path.get(&identity) {
            return *known;
        }
        if self.chain.len() == INCLUDE_DEPTH_MAX {
            let message = format!("sub-netlists nest deeper than {INCLUDE_DEPTH_MAX}");
            let chain: Vec<&str> = self.chain.iter().map(|(_, shown)| shown.as_str()).collect();
            found.add(
                Diagnostic::error(Code::IncludeDepth, message)
                    .at(span, "")
                    .note(chain.join(" -> ")),
            );
            return None;
        }
        match found.keep(read_text(path, Some(span))) {
            Some(text) => self.add(path, text, found),
            None => {
                self.by_path.insert(identity, None);
                None
            }
        }
    }
}

/// One name for a file, however it is reached.
fn identity(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn read_text(path: &Path, span: Option<Span>) -> Result<String, Refusal> {
    let place = |diagnostic: Diagnostic, text: &str| match span {
        Some(span) => diagnostic.at(span, text),
        None => diagnostic,
    };
    let unreadable = |reason: String| {
        let message = format!("cannot read `{}`: {reason}", path.display());
        place(Diagnostic::error(Code::Unreadable, message), "named here")
    };
    let too_large = || {
        let message = format!(
            "`{}` is larger than {} MiB",
            path.display(),
            FILE_BYTES_MAX >> 20
        );
        place(Diagnostic::error(Code::FileTooLarge, message), "named here")
    };
    let file = fs::File::open(path).map_err(|error| {
        let diagnostic = unreadable(reason(&error));
        match neighbour(path) {
            Some(name) => diagnostic.help(format!("there is `{name}` in that folder")),
            None => diagnostic,
        }
    })?;
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too large, whatever its metadata say.
    let taken = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    taken.map_err(|error| unreadable(reason(&error)))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(too_large().into());
    }
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        unreadable(format!("byte {offset} is not UTF-8 text")).into()
    })
}

/// What the system says, without its number.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}

/// The file in the same folder whose name is nearest.
fn neighbour(path: &Path) -> Option<String> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let name = path.file_name()?.to_str()?;
    let entries = fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".ron"))
        .collect();
    names.sort();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    nearest(name, &names).map(str::to_owned)
}
