//! Other simulators and libraries: which there are, how they are built and called.
//!
//! The list is `benches/rivals/rivals.ron`, whose head says what its fields mean. A rival is built
//! once for each size it needs; a program gets its workload as arguments and answers with one line of
//! JSON, whose seconds do not count its set-up.

use super::host::first_line;
use super::report::Tool;
use super::tokens::TokenStream;
use crate::subjects::{Model, Run};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Seconds after which a build is given up.
const BUILD_SECONDS_MAX: u32 = 900;
/// Seconds after which a run is given up.
const RUN_SECONDS_MAX: u32 = 120;
/// What `timeout` ends with when it ended the program.
const TIMED_OUT: i32 = 124;

/// An entry of the list.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rival {
    /// Short name.
    pub name: String,
    /// Name in tables.
    pub label: String,
    directory: String,
    /// Whether it models cycles.
    pub timed: bool,
    /// Threads it uses.
    pub threads: usize,
    workloads: Vec<String>,
    /// Per workload: the largest size that is built.
    #[serde(default)]
    sizes_max: BTreeMap<String, usize>,
    needs: Vec<String>,
    version: Vec<String>,
    build: Vec<Vec<String>>,
    program: String,
    arguments: Vec<String>,
    /// A sentence for the reader.
    pub note: String,
}

/// All rivals and what was built of them.
pub struct Rivals {
    rivals: Vec<Rival>,
    source: PathBuf,
    target: PathBuf,
    /// Directory and command of every build that succeeded.
    built: Vec<(PathBuf, Vec<String>)>,
}

/// How a model is asked for.
struct Call {
    /// In the list.
    listed: &'static str,
    /// On the command line.
    workload: &'static str,
    size: usize,
    parameters: Vec<String>,
}

impl Call {
    fn of(model: Model) -> Self {
        let (listed, workload, size, parameters) = match model {
            Model::Pipeline(stages) => ("w1", "w1", stages, vec![format!("stages={stages}")]),
            Model::Mesh(k, rate) => {
                let parameters = vec![format!("k={k}"), format!("rate={rate}")];
                ("w2", "w2", k, parameters)
            }
            Model::Systolic(n) if n >= 128 => ("w4", "w3", n, vec![format!("n={n}")]),
            Model::Systolic(n) => ("w3", "w3", n, vec![format!("n={n}")]),
        };
        Self {
            listed,
            workload,
            size,
            parameters,
        }
    }
}

impl Rivals {
    /// Reads the list. Programs are built below `target`.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub fn load(target: &Path) -> Result<Self, String> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("rivals");
        let file = source.join("rivals.ron");
        let text =
            fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(Self {
            rivals: parse(&text).map_err(|error| format!("{}: {error}", file.display()))?,
            source,
            target: target.join("rivals"),
            built: Vec::new(),
        })
    }

    /// The rivals in the order of the list.
    #[must_use]
    pub fn list(&self) -> &[Rival] {
        &self.rivals
    }

    /// Whether it can be built here, and which version of it this is.
    #[must_use]
    pub fn tool(&self, rival: &Rival) -> Tool {
        let missing = rival.needs.iter().find(|need| !is_there(need));
        let version = self.expand(rival, &rival.version, None);
        Tool {
            name: rival.name.clone(),
            label: rival.label.clone(),
            version: missing
                .is_none()
                .then(|| first_line(&version, &self.source.join(&rival.directory)))
                .flatten(),
            missing: missing.map(|need| format!("`{need}` is missing")),
            note: rival.note.clone(),
        }
    }

    /// Builds what runs this model, unless that was done before.
    ///
    /// # Errors
    /// When a command fails: the end of what it printed.
    pub fn build(&mut self, rival: &Rival, model: Model) -> Result<(), String> {
        let directory = self.source.join(&rival.directory);
        let call = Call::of(model);
        let out = self.target.join(&rival.directory);
        fs::create_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
        let program = self.expand(rival, std::slice::from_ref(&rival.program), Some(&call));
        for command in &rival.build {
            let command = self.expand(rival, command, Some(&call));
            let step = (directory.clone(), command);
            if self.built.contains(&step) {
                continue;
            }
            let stamp = Stamp::of(&out, &directory, &step.1, &program[0]);
            if !stamp.holds(&program[0]) {
                run_build(&step.1, &directory)?;
                stamp.set();
            }
            self.built.push(step);
        }
        Ok(())
    }

    /// Runs it once: what it did and its seconds, both as it says.
    ///
    /// # Errors
    /// When it fails or says something else than was agreed.
    pub fn run(
        &self,
        rival: &Rival,
        model: Model,
        cycles: u64,
        tokens: Option<&TokenStream>,
    ) -> Result<Run, String> {
        let call = Call::of(model);
        let program = self.expand(rival, std::slice::from_ref(&rival.program), Some(&call));
        let mut command = limited(&program[0], RUN_SECONDS_MAX);
        command.args(&rival.arguments).arg(call.workload);
        command.args(&call.parameters);
        command.arg(format!("cycles={cycles}"));
        command.arg(format!("threads={}", rival.threads));
        if let Some(tokens) = tokens {
            command.arg(format!("tokens={}", tokens.tokens));
        }
        let output = command
            .current_dir(self.source.join(&rival.directory))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{}: {error}", program[0]))?;
        if output.status.code() == Some(TIMED_OUT) {
            return Err(format!("it ran for more than {RUN_SECONDS_MAX} seconds"));
        }
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            let complaint = end_of(if complaint.trim().is_empty() {
                &said
            } else {
                &complaint
            });
            return Err(format!("it ended with {}: {complaint}", output.status));
        }
        let line = said.lines().rfind(|line| line.starts_with('{'));
        answer(line.unwrap_or_default(), cycles)
    }

    fn expand(&self, rival: &Rival, words: &[String], call: Option<&Call>) -> Vec<String> {
        let source = self.source.join(&rival.directory);
        let out = self.target.join(&rival.directory);
        let expand = |word: &String| {
            let word = word
                .replace("{source}", &source.to_string_lossy())
                .replace("{out}", &out.to_string_lossy())
                .replace("{threads}", &rival.threads.to_string());
            match call {
                None => word,
                Some(call) => word
                    .replace("{workload}", call.workload)
                    .replace("{size}", &call.size.to_string()),
            }
        };
        words.iter().map(expand).collect()
    }
}

impl Rival {
    /// Whether it can run this model.
    #[must_use]
    pub fn runs(&self, model: Model) -> bool {
        let Call { listed, size, .. } = Call::of(model);
        let fits = self.sizes_max.get(listed).is_none_or(|&max| size <= max);
        fits && self.workloads.iter().any(|workload| workload == listed)
    }
}

/// Says that a program was built by this command from these sources, so that it is not built again.
struct Stamp {
    file: PathBuf,
    text: String,
}

impl Stamp {
    fn of(out: &Path, sources: &Path, command: &[String], program: &str) -> Self {
        let name = format!("stamp-{:016x}", hash(&(command, program)));
        let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
        read_all(sources, &mut files);
        files.sort();
        Self {
            file: out.join(name),
            text: format!("{:016x}\n", hash(&files)),
        }
    }

    fn holds(&self, program: &str) -> bool {
        let said = fs::read_to_string(&self.file);
        Path::new(program).is_file() && said.is_ok_and(|said| said == self.text)
    }

    /// One that cannot be written costs the next run a build.
    fn set(&self) {
        let _ = fs::write(&self.file, &self.text);
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// All files below a directory; what cannot be read is as if it were not there.
fn read_all(directory: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        if path.is_dir() {
            read_all(&path, files);
        } else if let Ok(bytes) = fs::read(&path) {
            files.push((path, bytes));
        }
    }
}

fn parse(text: &str) -> Result<Vec<Rival>, String> {
    ron::from_str(text).map_err(|error| error.to_string())
}

/// A command on the search path, or a file.
pub(crate) fn is_there(need: &str) -> bool {
    if need.starts_with('/') {
        return Path::new(need).exists();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(need).is_file())
}

pub(crate) fn run_build(command: &[String], directory: &Path) -> Result<(), String> {
    let (program, arguments) = command.split_first().ok_or("an empty command")?;
    let output = limited(program, BUILD_SECONDS_MAX)
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    if output.status.code() == Some(TIMED_OUT) {
        return Err(format!(
            "its build took more than {BUILD_SECONDS_MAX} seconds"
        ));
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "`{}` failed: {}",
        command.join(" "),
        end_of(&complaint)
    ))
}

/// A program that is ended after some seconds, with all its children, where the host has `timeout`.
fn limited(program: &str, seconds: u32) -> Command {
    if !is_there("timeout") {
        return Command::new(program);
    }
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", &seconds.to_string(), program]);
    command
}

/// The last lines of what a program said.
fn end_of(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(4)..].join(" | ")
}

/// What a program said in its line of JSON.
fn answer(line: &str, cycles: u64) -> Result<Run, String> {
    let wrong = || format!("it said `{line}`");
    let said: Value = serde_json::from_str(line).map_err(|_| wrong())?;
    let seconds = said["seconds"].as_f64().filter(|seconds| *seconds > 0.0);
    let results = said["results"].as_object().ok_or_else(wrong)?;
    let total = |(name, value): (&String, &Value)| {
        let number = match value {
            Value::String(text) => {
                let digits = text.strip_prefix("0x")?;
                u64::from_str_radix(digits, 16).ok()?
            }
            value => value.as_u64()?,
        };
        Some((name.clone(), number))
    };
    let totals: Option<Vec<_>> = results.iter().map(total).collect();
    Ok(Run {
        seconds: seconds.ok_or_else(wrong)?,
        cycles,
        transfers: None,
        totals: totals.ok_or_else(wrong)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_the_repository_can_be_read() {
        let rivals = Rivals::load(Path::new("target")).unwrap();
        for rival in rivals.list() {
            assert!(rival.threads > 0, "{}", rival.name);
            assert!(
                rival
                    .workloads
                    .iter()
                    .all(|name| ["w1", "w2", "w3", "w4"].contains(&name.as_str())),
                "{}",
                rival.name
            );
        }
    }

    #[test]
    fn nothing_is_built_twice_from_the_same_sources() {
        let scratch = std::env::temp_dir().join(format!("tina-stamp-{}", std::process::id()));
        let source = scratch.join("source");
        fs::create_dir_all(&source).unwrap();
        fs::write(source.join("a.c"), "1").unwrap();
        let program = source.join("a.c").to_string_lossy().into_owned();
        let command = ["cc".to_owned()];
        let stamp = || Stamp::of(&scratch, &source, &command, &program);
        assert!(!stamp().holds(&program), "it was never built");
        stamp().set();
        assert!(stamp().holds(&program));
        assert!(!stamp().holds("no such program"));
        fs::write(source.join("a.c"), "2").unwrap();
        assert!(!stamp().holds(&program), "a source has changed");
        fs::remove_dir_all(&scratch).unwrap();
    }

    #[test]
    fn an_answer_has_numbers_and_checks() {
        let line =
            r#"{"rival":"x","seconds":0.5,"results":{"count":975,"check":"0x00000000000000ff"}}"#;
        let run = answer(line, 10).unwrap();
        assert_eq!(run.seconds, 0.5);
        assert_eq!(
            run.totals,
            [("count".to_owned(), 975), ("check".to_owned(), 255)]
        );
        for line in [
            "",
            "{}",
            r#"{"seconds":1,"results":{"check":"ff"}}"#,
            r#"{"seconds":0,"results":{}}"#,
        ] {
            assert!(answer(line, 10).is_err(), "{line}");
        }
    }
}
