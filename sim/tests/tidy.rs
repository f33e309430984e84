//! Rules of the house that neither rustfmt nor clippy knows, one test each.
//!
//! A rule reads text, not syntax: it leans on rustfmt's layout (indentation closes a function,
//! `mod tests` stands last) and is meant to be short rather than impossible to fool. Where a file
//! may break a rule it is listed here by name, with the reason.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file before its tests. Aim for 500 with tests; at this many it must be divided.
const CODE_LINES_MAX: usize = 600;
/// Lines of a file of tests alone.
const TEST_LINES_MAX: usize = 800;
/// Lines of a function. Aim for 70.
const FUNCTION_LINES_MAX: usize = 110;
/// Columns of a line: rustfmt leaves long strings and comments alone.
const COLUMNS_MAX: usize = 120;

/// Files that may hold unsafe code; each block says why it is sound.
const UNSAFE_FILES: &[&str] = &[
    "engine/src/arena.rs",                     // the mapping, typed views of it
    "engine/src/fifo.rs",                      // slots of the arena, read and written by index
    "engine/src/port.rs",                      // the two ends of those slots
    "engine/src/ring.rs",                      // the ring between two shards
    "engine/src/link.rs",                      // frames on that ring
    "engine/src/codec.rs",                     // items of a slot as the bytes of a checkpoint
    "engine/src/fifo/snapshot.rs",             // items of a slot, written down and put back
    "engine/src/bank.rs",                      // words of many FIFOs, side by side
    "engine/src/vector/sweep.rs",              // reads and writes eight of them at a time
    "engine/src/tape.rs", // words of items that may be padding, a tape that ports point to
    "engine/src/wheel.rs", // marks a node as valid when zeroed
    "engine/src/handle.rs", // marks a record as valid when zeroed
    "engine/src/runtime/parcel.rs", // a value of any type in 96 bytes
    "engine/src/runtime/outbox.rs", // the same, off a ring
    "engine/src/runtime/links.rs", // ends of rings whose threads are no more
    "engine/src/runtime/site.rs", // what such a thread had
    "engine/src/runtime/warden.rs", // buries it
    "engine/src/runtime/remains.rs", // gives back what its shards had
    "engine/src/estate.rs", // the same, block by block
    "engine/src/io/remains.rs", // and gives back the rest
    "engine/src/io/shard_io.rs", // a back end that outlives its shard
    "engine/src/runtime/boot.rs", // empties the rings when all threads are no more
    "engine/src/runtime/payload.rs", // blocks of bytes with one owner each
    "engine/src/runtime/free_slots.rs", // values that a model of it guards with slots
    "engine/src/trap.rs", // a number that stands in memory when a fault happens
    "engine/src/trap/boundary.rs", // the frame, in assembly, that faults return to
    "engine/src/trap/handler.rs", // signal handlers
    "engine/src/trap/map.rs", // asks the loader what lies where
    "engine/src/trap/report.rs", // text from a signal handler
    "engine/src/trap/stack.rs", // a stack for the signal handler
    "engine/src/trap/tests.rs", // wild pointers for the C library
    "engine/src/shard/fault.rs", // a mark on the stack of the sweep that a fault has cut
    "engine/src/drill.rs", // faults on purpose
    "engine/src/sealed.rs", // a global allocator
    "engine/src/io/buffer.rs", // buffers of one mapping, lent to the kernel and to helpers
    "engine/src/io/uring.rs", // addresses that the kernel reads and writes
    "engine/src/io/uring/provided.rs", // a ring that the kernel reads
    "engine/src/io/portable.rs", // descriptors and bytes of operations in flight
    "engine/src/runtime/seeded/simulation.rs", // empties the rings of a runtime that is gone
    "engine/src/io/simulated.rs", // bytes of operations in flight
    "engine/src/io/helper.rs", // the same, on another thread
    "engine/src/io/ledger.rs", // closes what a condemned shard had open
    "engine/src/io/tests/stop.rs", // condemns one
    "http/tests/server/rig.rs", // an allocator that shards may not use
    "kv/tests/server/rig.rs", // the same
];

/// Names what it forbids.
const THIS_FILE: &str = "sim/tests/tidy.rs";

/// Files that may ask the host for the time of day.
const HOST_FILES: &[&str] = &[
    "sim/src/run/stopwatch.rs",          // speed of a run, for people
    "examples/key_value.rs",             // when keys expire is a date, for it outlasts the process
    "benches/rivals/rust/src/report.rs", // times a rival, in a workspace of its own
];

/// Functions of hot files that run while a machine is built or printed.
const COLD_FUNCTIONS: &[(&str, &str)] = &[
    ("engine/src/fifo.rs", "show"),         // an item as text, for people
    ("engine/src/ring.rs", "ring"),         // makes the ring
    ("engine/src/io/buffer.rs", "new"),     // makes the buffers
    ("engine/src/io/descriptor.rs", "new"), // makes the table
    ("engine/src/io/pending.rs", "new"),    // makes the table
];

/// Modules that use one below them, and why neither can stand above the other.
const MUTUAL: &[(&str, &str)] = &[
    ("engine/src/group.rs", "kind"), // a kind makes groups, a group reads its parameters
    ("engine/src/vector.rs", "kind"), // the same
    ("engine/src/runtime/isolate.rs", "context"), // a handler is handed a context, which is typed by it
    ("http/src/action.rs", "connection"), // an action asks in the name of a connection, which has actions
    ("sim/src/design/block.rs", "items"), // a netlist stands in a netlist: they recurse
    ("sim/src/design/block.rs", "connect"),
];

/// What belongs to one place, and what to use elsewhere.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    (
        "HashMap",
        &[],
        "BTreeMap or a sorted Vec: no order may come from a hash",
    ),
    (
        "HashSet",
        &[],
        "BTreeSet or a sorted Vec: no order may come from a hash",
    ),
    (
        "Instant::now",
        HOST_FILES,
        "sim::run::Stopwatch or the engine's platform",
    ),
    (
        "SystemTime",
        HOST_FILES,
        "nothing: no result may depend on the date",
    ),
    (
        "thread::spawn",
        HOST_FILES,
        "std::thread::scope, or the engine's threads",
    ),
    ("dbg!", &[], "a test"),
    ("todo!", &[], "the code"),
    ("unimplemented!", &[], "the code, or an error"),
    ("TODO", &[], "an issue"),
    ("FIXME", &[], "an issue"),
    ("XXX", &[], "an issue"),
    (
        "thread::sleep",
        &[],
        "a condition: nothing waits for time to pass",
    ),
];

struct File {
    /// Path from the root of the repository, with forward slashes.
    name: String,
    text: String,
}

impl File {
    /// Everything before the file's own tests: `#[cfg(test)]`, or a condition with `test` in it,
    /// on a module.
    fn code(&self) -> &str {
        let is_start = |at: usize| {
            let mut lines = self.text[at + 1..].lines();
            let condition = lines.next().is_some_and(|line| has_word(line, "test"));
            condition && lines.next().is_some_and(|line| line.starts_with("mod "))
        };
        let mut starts = self.text.match_indices("\n#[cfg(").map(|(at, _)| at);
        let end = starts.find(|&at| is_start(at)).unwrap_or(self.text.len());
        &self.text[..end]
    }

    fn is_rust(&self) -> bool {
        self.name.ends_with(".rs")
    }

    /// Whether it is there to be read by a test.
    fn is_test_input(&self) -> bool {
        self.name.contains("/tests/bad/") || self.name.contains("/tests/good/")
    }

    /// Whether all of it is tests: a `tests.rs` beside its module, or a file in `tests/`.
    fn is_test(&self) -> bool {
        self.name.ends_with("/tests.rs") || self.name.contains("/tests/")
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
}

/// All text files of the project, in order of name.
fn files() -> Vec<File> {
    const DIRECTORIES: &[&str] = &[
        "engine", "http", "kv", "modules", "sim", "viz", "benches", "examples", "netlists", ".ci",
    ];
    const ENDINGS: &[&str] = &["rs", "toml", "ron", "md", "c", "h", "S", "ld", "sh", "run"];
    let mut paths: Vec<PathBuf> = Vec::new();
    let mut pending: Vec<PathBuf> = DIRECTORIES.iter().map(|name| root().join(name)).collect();
    pending.retain(|path| path.is_dir());
    let entries = |path: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(path).expect("a directory of the project can be read");
        entries
            .map(|entry| entry.expect("an entry can be read").path())
            .collect()
    };
    paths.extend(entries(root()).into_iter().filter(|path| path.is_file()));
    while let Some(directory) = pending.pop() {
        for path in entries(&directory) {
            if path.is_dir() {
                if !path.ends_with("target") {
                    pending.push(path);
                }
            } else {
                paths.push(path);
            }
        }
    }
    paths.retain(|path| {
        let ending = path
            .extension()
            .or(path.file_name())
            .and_then(|ending| ending.to_str());
        ending.is_some_and(|ending| ENDINGS.contains(&ending))
    });
    paths.sort();
    let files: Vec<File> = paths
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root()).expect("found below the root");
            let name = name
                .to_str()
                .expect("names are plain text")
                .replace('\\', "/");
            File {
                name,
                text: fs::read_to_string(&path).expect("a source file is text"),
            }
        })
        .collect();
    assert!(files.len() > 20, "only {} files were found", files.len());
    files
}

fn rust_files() -> impl Iterator<Item = File> {
    files().into_iter().filter(File::is_rust)
}

/// Fails with one line per finding.
fn report(findings: Vec<String>) {
    assert!(
        findings.is_empty(),
        "{} findings:\n{}",
        findings.len(),
        findings.join("\n")
    );
}

/// Without comments and the insides of strings, line by line.
fn bare(line: &str) -> String {
    let mut out = String::new();
    let mut characters = line.chars().peekable();
    let mut in_string = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' if in_string => {
                characters.next();
            }
            '"' => {
                in_string = !in_string;
                out.push('"');
            }
            '/' if !in_string && characters.peek() == Some(&'/') => break,
            _ if in_string => {}
            _ => out.push(character),
        }
    }
    out
}

/// Whether `word` stands in `text` with no letter, digit or underscore around it.
fn has_word(text: &str, word: &str) -> bool {
    let inside = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        let open_start = word.starts_with(inside) && before.is_some_and(inside);
        let open_end = word.ends_with(inside) && after.is_some_and(inside);
        !open_start && !open_end
    })
}

#[test]
fn every_file_says_what_it_is() {
    let headless = rust_files().filter(|file| !file.text.starts_with("//! "));
    let headless = headless.map(|file| format!("{}: starts without a `//!` comment", file.name));
    let mut findings: Vec<String> = headless.collect();
    let netlists = files().into_iter();
    let netlists = netlists.filter(|file| file.name.ends_with(".ron") && !file.is_test_input());
    let headless = netlists.filter(|file| !file.text.starts_with("//"));
    findings.extend(headless.map(|file| format!("{}: starts without a comment", file.name)));
    report(findings);
}

#[test]
fn files_are_short() {
    let mut findings = Vec::new();
    for file in rust_files() {
        let (lines, limit) = if file.is_test() {
            (file.text.lines().count(), TEST_LINES_MAX)
        } else {
            (file.code().lines().count(), CODE_LINES_MAX)
        };
        if lines > limit {
            findings.push(format!("{}: {lines} lines, limit {limit}", file.name));
        }
    }
    report(findings);
}

#[test]
fn functions_are_short() {
    let mut findings = Vec::new();
    for file in rust_files().filter(|file| !file.is_test()) {
        let lines: Vec<&str> = file.code().lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let starts = has_word(&bare(line), "fn") && !line.trim_end().ends_with([';', '}', ',']);
            if !starts {
                continue;
            }
            let closing = format!("{}}}", " ".repeat(indent));
            let length = lines[number..].iter().position(|line| *line == closing);
            if let Some(length) = length.filter(|&length| length >= FUNCTION_LINES_MAX) {
                let place = format!("{}:{}", file.name, number + 1);
                findings.push(format!(
                    "{place}: {} lines, limit {FUNCTION_LINES_MAX}",
                    length + 1
                ));
            }
        }
    }
    report(findings);
}

#[test]
fn lines_are_short_and_clean() {
    let mut findings = Vec::new();
    for file in files().into_iter().filter(|file| !file.is_test_input()) {
        let limit = if file.is_rust() { COLUMNS_MAX } else { 200 };
        for (number, line) in file.text.lines().enumerate() {
            let mut find =
                |what: String| findings.push(format!("{}:{}: {what}", file.name, number + 1));
            let columns = line.chars().count();
            // Texts and snapshots cannot be broken everywhere.
            let is_text = line.contains('"') || file.is_test() || file.name.ends_with(".md");
            if columns > limit && !is_text {
                find(format!("{columns} columns, limit {limit}"));
            }
            if line.ends_with([' ', '\t']) {
                find("blanks at the end of the line".to_owned());
            }
            if file.is_rust() && line.contains('\t') {
                find("a tab".to_owned());
            }
        }
        if !file.text.is_empty() && !file.text.ends_with('\n') {
            findings.push(format!("{}: does not end in a line break", file.name));
        }
    }
    report(findings);
}

#[test]
fn unsafe_code_lives_in_listed_files() {
    let mut findings = Vec::new();
    for file in rust_files() {
        let listed = UNSAFE_FILES.contains(&file.name.as_str())
            || file.name.starts_with("engine/src/platform/")
            || file.name.starts_with("engine/tests/")
            || file.name == THIS_FILE;
        for (number, line) in file.text.lines().enumerate() {
            if !listed && has_word(&bare(line), "unsafe") {
                findings.push(format!("{}:{}: unsafe code", file.name, number + 1));
            }
        }
        let crate_root = file.name.ends_with("/src/lib.rs") || file.name.contains("/src/bin/");
        let forbids = file.text.contains("\n#![forbid(unsafe_code)]\n");
        if crate_root && !file.name.starts_with("engine/") && !forbids {
            findings.push(format!("{}: does not forbid unsafe code", file.name));
        }
    }
    report(findings);
}

#[test]
fn the_host_is_asked_in_listed_files_only() {
    let mut findings = Vec::new();
    for file in rust_files().filter(|file| file.name != THIS_FILE) {
        let is_platform = file.name.starts_with("engine/src/platform");
        for (number, line) in file.code().lines().enumerate() {
            // Comments count where there are any: they are where things are left to be done.
            let line = if line.contains("//") {
                line.to_owned()
            } else {
                bare(line)
            };
            for (word, files, instead) in FORBIDDEN {
                let listed = files.contains(&file.name.as_str());
                let listed = listed || (!files.is_empty() && is_platform);
                if !listed && has_word(&line, word) {
                    findings.push(format!(
                        "{}:{}: `{word}`; use {instead}",
                        file.name,
                        number + 1
                    ));
                }
            }
        }
    }
    report(findings);
}

#[test]
fn hot_files_neither_allocate_nor_format() {
    const COLD: &[&str] = &[
        "format!",
        "println!",
        "eprintln!",
        "Mutex",
        "RwLock",
        "Rc",
        "Box::new",
        "Vec::new",
        "String::new",
        "to_string",
        "to_owned",
        "collect",
    ];
    let mut findings = Vec::new();
    for file in rust_files().filter(|file| file.text.starts_with("//! HOT")) {
        let lines: Vec<&str> = file.code().lines().collect();
        let mut cold_until: Option<String> = None;
        for (number, line) in lines.iter().enumerate() {
            if is_cold(&file.name, &lines[number..]) {
                let indent = line.len() - line.trim_start().len();
                cold_until = Some(format!("{}}}", " ".repeat(indent)));
            } else if cold_until.as_deref() == Some(line) {
                cold_until = None;
            }
            let line = bare(line);
            for word in COLD
                .iter()
                .filter(|word| cold_until.is_none() && has_word(&line, word))
            {
                findings.push(format!(
                    "{}:{}: `{word}` in a hot file",
                    file.name,
                    number + 1
                ));
            }
        }
    }
    report(findings);
}

/// Whether a function starts here that is marked `#[cold]`, builds something, or is listed.
fn is_cold(file: &str, lines: &[&str]) -> bool {
    if lines[0].trim() == "#[cold]" {
        return true;
    }
    let line = bare(lines[0]);
    let Some(name) = line.split_once("fn ").map(|(_, rest)| first_names(rest)[0]) else {
        return false;
    };
    let signature_end = lines
        .iter()
        .position(|line| line.trim_end().ends_with('{'))
        .unwrap_or(0);
    let builds = lines[..=signature_end]
        .iter()
        .any(|line| has_word(line, "BuildError"));
    builds || COLD_FUNCTIONS.contains(&(file, name))
}

#[test]
fn a_module_uses_only_those_above_it() {
    let files: Vec<File> = rust_files().collect();
    let mut findings = Vec::new();
    for parent in &files {
        let directory = directory_below(&parent.name);
        let modules: Vec<&str> = parent.code().lines().filter_map(module_name).collect();
        let crate_root = parent.name.ends_with("lib.rs");
        for (rank, module) in modules.iter().enumerate() {
            let (leaf, branch) = (
                format!("{directory}{module}.rs"),
                format!("{directory}{module}/"),
            );
            let is_leaf = |file: &File| file.name == leaf || file.name == format!("{branch}mod.rs");
            for file in files
                .iter()
                .filter(|file| is_leaf(file) || file.name.starts_with(&branch))
            {
                if file.is_test() {
                    continue;
                }
                // From below the crate root every file may say `crate::`; `super::` only the leaf.
                let prefix = match (crate_root, is_leaf(file)) {
                    (true, _) => "crate::",
                    (false, true) => "super::",
                    (false, false) => "super::super::",
                };
                for later in &modules[rank + 1..] {
                    let mutual = MUTUAL.contains(&(file.name.as_str(), later));
                    if !mutual && uses(file.code(), prefix, later) {
                        findings.push(format!(
                            "{}: uses `{later}`, which stands below it in {}",
                            file.name, parent.name
                        ));
                    }
                }
            }
        }
    }
    report(findings);
}

/// Where the files of the modules declared in a file lie.
fn directory_below(name: &str) -> String {
    let roots = ["lib.rs", "main.rs", "mod.rs"];
    let directory = roots
        .iter()
        .find_map(|root| name.strip_suffix(root).filter(|path| path.ends_with('/')));
    directory.map_or_else(|| name.replace(".rs", "/"), str::to_owned)
}

/// The name in `mod name;`, whatever its visibility.
fn module_name(line: &str) -> Option<&str> {
    let declaration = line.strip_suffix(';')?;
    let (before, name) = declaration.split_once("mod ")?;
    let plain = before.is_empty() || before == "pub " || before.starts_with("pub(");
    plain.then_some(name)
}

/// Whether `code` names `prefix` followed by `module`, alone or in braces.
fn uses(code: &str, prefix: &str, module: &str) -> bool {
    let code: String = code.lines().map(|line| bare(line) + "\n").collect();
    code.match_indices(prefix).any(|(at, _)| {
        let deeper = prefix == "super::" && code[..at].ends_with("super::");
        let rest = &code[at + prefix.len()..];
        !deeper && first_names(rest).contains(&module)
    })
}

/// The first segments of a path: one, or those at the outer level of a brace.
fn first_names(path: &str) -> Vec<&str> {
    let end_of = |text: &str| {
        text.find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(text.len())
    };
    let Some(list) = path.strip_prefix('{') else {
        return vec![&path[..end_of(path)]];
    };
    let mut names = Vec::new();
    let mut depth = 0;
    let mut expects_name = true;
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => expects_name = true,
            _ if expects_name && (character.is_alphabetic() || character == '_') => {
                names.push(&list[at..at + end_of(&list[at..])]);
                expects_name = false;
            }
            _ => {}
        }
    }
    names
}

#[test]
fn nothing_speaks_of_the_machine_it_was_written_on() {
    // Put together here so that this file does not contain them.
    let words = [
        ["/", "work/"],
        ["/", "tmp/"],
        ["/", "home/"],
        ["/", "Users/"],
        ["/", "root/"],
        ["sha", "red/"],
    ];
    let words = words.map(|parts| parts.concat());
    let mut findings = Vec::new();
    for file in files() {
        for (number, line) in file.text.lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(word.as_str())) {
                findings.push(format!("{}:{}: `{word}`", file.name, number + 1));
            }
        }
    }
    report(findings);
}

#[test]
fn the_rules_find_what_they_look_for() {
    assert_eq!(
        bare(r#"let a = "unsafe // \" no"; // unsafe"#),
        r#"let a = ""; "#
    );
    assert!(has_word("x = unsafe {", "unsafe"));
    assert!(!has_word("unsafe_code", "unsafe"));
    assert_eq!(module_name("pub(crate) mod fifo;"), Some("fifo"));
    assert_eq!(module_name("mod tests {"), None);
    assert!(uses(
        "use crate::{fifo::{In, Out}, wheel};",
        "crate::",
        "wheel"
    ));
    assert!(!uses(
        "use crate::{fifo::{wheel, Out}, time};",
        "crate::",
        "wheel"
    ));
    assert!(uses("    super::graph::Graph", "super::", "graph"));
    assert!(!uses("// crate::graph", "crate::", "graph"));
}
