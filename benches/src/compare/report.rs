//! What was measured, as data: the JSON that is committed, and all figures derived from it.

use super::statistics::{Sample, median_seconds, ratio};
use serde::{Deserialize, Serialize};

/// Of the layout of the JSON.
pub const SCHEMA: u32 = 1;

/// One run of the comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The day, if the caller told.
    pub date: Option<String>,
    /// The arguments of `compare`.
    pub arguments: Vec<String>,
    /// Rounds asked for.
    pub rounds: u16,
    /// Where it ran.
    pub host: Host,
    /// The rivals and their versions.
    pub tools: Vec<Tool>,
    /// The workloads.
    pub subjects: Vec<SubjectReport>,
}

/// The machine and what the forms were compiled with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Model of the processor.
    pub processor: String,
    /// Cores the process may use.
    pub cores: usize,
    /// Caches of one core, such as `L1 Data 48K`.
    pub caches: Vec<String>,
    /// Main memory.
    pub memory_gibibytes: u64,
    /// Operating system, kernel and architecture.
    pub system: String,
    /// Version of the Rust compiler.
    pub rustc: String,
    /// Commit of this repository; `+` if files were changed.
    pub revision: String,
    /// Busy processes per core in the last minute before the run, where the system tells.
    pub load_before: Option<f64>,
    /// What somebody said of it.
    pub remark: Option<String>,
}

/// A rival.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Short name.
    pub name: String,
    /// Name in tables.
    pub label: String,
    /// The first line it says of its version.
    pub version: Option<String>,
    /// Why it was left out.
    pub missing: Option<String>,
    /// A sentence for the reader.
    pub note: String,
}

/// A workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectReport {
    /// Short name.
    pub name: String,
    /// Name in tables.
    pub title: String,
    /// File in `netlists/`.
    pub netlist: String,
    /// Its parameters, `name=value`.
    pub set: Vec<String>,
    /// Cycles of one run.
    pub cycles: u64,
    /// Items pushed into FIFOs in one run, where somebody counts them.
    pub transfers: Option<u64>,
    /// Harts that execute instructions.
    pub harts: u64,
    /// Whether it tells about tina-hw alone.
    pub is_witness: bool,
    /// The results every form had to give.
    pub results: Vec<Total>,
    /// Its forms.
    pub forms: Vec<FormReport>,
}

/// A result by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Total {
    /// Its name in the netlist.
    pub name: String,
    /// Its value, in decimal digits: more than a number in JSON holds everywhere.
    pub value: String,
}

/// A way to run a workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormReport {
    /// Short name.
    pub name: String,
    /// Name in tables.
    pub label: String,
    /// Whose it is.
    pub family: Family,
    /// Threads it uses.
    pub threads: usize,
    /// Round and seconds of every run.
    pub samples: Vec<Sample>,
    /// Derived from the samples.
    pub figures: Option<Figures>,
    /// Why there are none.
    pub error: Option<String>,
}

/// Whose a form is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Family {
    /// tina-hw.
    Tina,
    /// tina-hw under special circumstances, or doing other work: not compared with others.
    Witness,
    /// A loop by hand.
    Loop,
    /// A simulator or a library that models every cycle.
    Timed,
    /// One that works off the stream of items and knows no cycles.
    Untimed,
}

/// What is derived from the samples of a form.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Median of the seconds.
    pub seconds: f64,
    /// Thousands of cycles (or, where there are none, of the items a cycle takes in) per second.
    pub kilohertz: f64,
    /// Nanoseconds per item that went through a FIFO.
    pub transfer_nanoseconds: Option<f64>,
    /// Time relative to tina-hw on one shard.
    pub of_one_shard: Option<f64>,
    /// Time relative to the plain loop.
    pub of_plain: Option<f64>,
}

impl SubjectReport {
    /// The form of this name, if it has figures.
    #[must_use]
    pub fn form(&self, name: &str) -> Option<&FormReport> {
        let mut forms = self.forms.iter();
        forms.find(|form| form.name == name && form.figures.is_some())
    }

    /// How many times as long as `base` the form `name` took.
    #[must_use]
    pub fn ratio(&self, name: &str, base: &str) -> Option<f64> {
        ratio(&self.form(name)?.samples, &self.form(base)?.samples)
    }

    /// Derives the figures of all forms.
    pub fn derive(&mut self) {
        let samples_of = |name: &str| {
            let form = self.forms.iter().find(|form| form.name == name);
            form.map_or(Vec::new(), |form| form.samples.clone())
        };
        let (one_shard, plain) = (samples_of("shards-1"), samples_of("plain"));
        for form in &mut self.forms {
            form.figures = median_seconds(&form.samples).map(|seconds| Figures {
                seconds,
                kilohertz: self.cycles as f64 / seconds / 1e3,
                transfer_nanoseconds: match (self.transfers, form.family) {
                    (_, Family::Witness) | (None, _) => None,
                    (Some(transfers), _) => Some(seconds * 1e9 / transfers as f64),
                },
                of_one_shard: ratio(&form.samples, &one_shard),
                of_plain: ratio(&form.samples, &plain),
            });
        }
    }

    /// Every form that is not ours and is faster than the fastest tina-hw with at most as many
    /// threads, and how many times.
    #[must_use]
    pub fn faster(&self) -> Vec<(&FormReport, &FormReport, f64)> {
        let ours = |threads: usize| {
            let forms = self.forms.iter().filter(move |form| {
                form.family == Family::Tina && form.threads <= threads && form.figures.is_some()
            });
            forms.min_by(|a, b| seconds(a).total_cmp(&seconds(b)))
        };
        let others = self.forms.iter().filter(|form| {
            form.figures.is_some() && !matches!(form.family, Family::Tina | Family::Witness)
        });
        let mut faster: Vec<_> = others
            .filter_map(|form| {
                let best = ours(form.threads)?;
                let times = ratio(&best.samples, &form.samples)?;
                (times > 1.0).then_some((form, best, times))
            })
            .collect();
        faster.sort_by(|a, b| b.2.total_cmp(&a.2));
        faster
    }
}

/// Median seconds; infinite without any.
fn seconds(form: &FormReport) -> f64 {
    form.figures
        .map_or(f64::INFINITY, |figures| figures.seconds)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A form with these seconds in its rounds.
    pub(crate) fn form(name: &str, family: Family, threads: usize, seconds: &[f64]) -> FormReport {
        FormReport {
            name: name.to_owned(),
            label: format!("label of {name}"),
            family,
            threads,
            samples: seconds.iter().copied().enumerate().collect(),
            figures: None,
            error: seconds.is_empty().then(|| "wrong results".to_owned()),
        }
    }

    /// A workload with a form of each family.
    pub(crate) fn subject() -> SubjectReport {
        let mut subject = SubjectReport {
            name: "w1".to_owned(),
            title: "W1 pipeline".to_owned(),
            netlist: "w1_pipeline.ron".to_owned(),
            set: Vec::new(),
            cycles: 2_000,
            transfers: Some(1_000_000),
            harts: 0,
            is_witness: false,
            results: vec![Total {
                name: "count".to_owned(),
                value: "975".to_owned(),
            }],
            forms: vec![
                form("plain", Family::Loop, 1, &[2.0, 2.0]),
                form("tuned", Family::Loop, 1, &[0.5, 0.5]),
                form("shards-1", Family::Tina, 1, &[1.0, 1.0]),
                form("shards-2", Family::Tina, 2, &[0.5, 0.75]),
                form("sim", Family::Timed, 2, &[0.8, 0.8]),
                form("go", Family::Untimed, 2, &[30.0]),
                form("wrong", Family::Timed, 1, &[]),
            ],
        };
        subject.derive();
        subject
    }

    #[test]
    fn figures_follow_from_samples() {
        let subject = subject();
        let plain = subject.form("plain").unwrap().figures.unwrap();
        assert_eq!(plain.kilohertz, 1.0);
        assert_eq!(plain.transfer_nanoseconds, Some(2_000.0));
        assert_eq!(plain.of_one_shard, Some(2.0));
        assert_eq!(subject.ratio("go", "shards-1"), Some(30.0));
        assert!(subject.form("wrong").is_none());
    }

    #[test]
    fn who_is_faster_is_said_among_equals_in_threads() {
        let subject = subject();
        let faster = subject.faster();
        let names: Vec<_> = faster
            .iter()
            .map(|(form, ours, times)| (form.name.as_str(), ours.name.as_str(), *times))
            .collect();
        // `sim` is faster than one shard, but has two threads, and two shards are faster.
        assert_eq!(names, [("tuned", "shards-1", 2.0)]);
    }

    #[test]
    fn a_report_survives_its_json() {
        let subject = subject();
        let text = serde_json::to_string_pretty(&subject).unwrap();
        assert_eq!(
            serde_json::from_str::<SubjectReport>(&text).unwrap(),
            subject
        );
    }
}
