//! The section of the README that tells how fast things are, written from the committed figures.
//!
//! Sentences stand here, every number comes from the JSON; a test compares the README with what this
//! module would write.

use super::report::{Family, Figures, FormReport, Report, SubjectReport};
use super::table::{significant, verdict};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use tina_sim::run::thousands;

/// The committed figures, from the root of the repository.
pub const FIGURES: &str = "benches/results/compare.json";
/// The chart drawn from them.
pub const CHART: &str = "benches/results/compare.svg";
const README: &str = "README.md";
/// Everything between these lines is ours.
const START: &str = "<!-- figures: written by `compare --readme`, do not edit -->\n";
const END: &str = "<!-- figures: end -->\n";

/// The committed figures.
///
/// # Errors
/// When they cannot be read.
pub fn committed(root: &Path) -> Result<Report, String> {
    let file = root.join(FIGURES);
    let text = fs::read_to_string(&file).map_err(|error| format!("{FIGURES}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{FIGURES}: {error}"))
}

/// Writes the section into the README.
///
/// # Errors
/// When the README cannot be read or written, or has no place for it.
pub fn rewrite(root: &Path, report: &Report) -> Result<(), String> {
    let file = root.join(README);
    let old = fs::read_to_string(&file).map_err(|error| format!("{README}: {error}"))?;
    let new = replaced(&old, report)?;
    fs::write(&file, new).map_err(|error| format!("{README}: {error}"))
}

/// A README with the section that fits the figures.
///
/// # Errors
/// When it has no place for it.
pub fn replaced(readme: &str, report: &Report) -> Result<String, String> {
    let missing = |marker: &str| format!("{README} has no line `{}`", marker.trim());
    let (before, rest) = readme.split_once(START).ok_or_else(|| missing(START))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| missing(END))?;
    Ok(format!("{before}{START}{}{END}{after}", section(report)))
}

/// The section.
fn section(report: &Report) -> String {
    let mut text = String::new();
    conditions(&mut text, report);
    let compared: Vec<&SubjectReport> = report
        .subjects
        .iter()
        .filter(|subject| !subject.is_witness)
        .collect();
    if !compared.is_empty() {
        let _ = writeln!(
            text,
            "![Thousands of cycles per second of every form]({CHART})\n"
        );
        matrix(
            &mut text,
            &compared,
            "Thousands of cycles per second",
            |figures| Some(figures.kilohertz),
        );
        matrix(
            &mut text,
            &compared,
            "Time relative to tina-hw on one shard (above 1: slower)",
            |figures| figures.of_one_shard,
        );
        verdicts(&mut text, &compared);
    }
    shards(&mut text, report);
    harts(&mut text, report);
    activity(&mut text, report);
    left_out(&mut text, report);
    text
}

fn conditions(text: &mut String, report: &Report) {
    let host = &report.host;
    let date = report
        .date
        .as_ref()
        .map_or(String::new(), |date| format!(" on {date}"));
    let _ = writeln!(
        text,
        "Measured{date} at commit {} by `compare {}`: {}, {} cores ({}), {} GiB; {}; {}.{}\n",
        host.revision,
        report.arguments.join(" "),
        host.processor,
        host.cores,
        host.caches.join(", "),
        host.memory_gibibytes,
        host.system,
        host.rustc,
        host.remark
            .as_ref()
            .map_or(String::new(), |remark| format!(" {remark}")),
    );
    let _ = writeln!(
        text,
        "Medians of up to {} rounds; in each round every form of a workload runs once, one after the \
         other, and a ratio is the median of the ratios of the rounds. Set-up is not counted. Every run \
         of every form had to give the results of the workload.\n",
        report.rounds
    );
    let versions: Vec<String> = report
        .tools
        .iter()
        .filter_map(|tool| Some(format!("{} ({})", tool.label, tool.version.as_ref()?)))
        .collect();
    if !versions.is_empty() {
        let _ = writeln!(text, "Others: {}.\n", versions.join("; "));
    }
}

/// A table with a row for each form and a column for each workload.
fn matrix(
    text: &mut String,
    subjects: &[&SubjectReport],
    title: &str,
    figure: impl Fn(&Figures) -> Option<f64>,
) {
    let mut forms: Vec<&FormReport> = Vec::new();
    for form in subjects.iter().flat_map(|subject| &subject.forms) {
        let known = forms.iter().any(|other| other.name == form.name);
        if !known && form.family != Family::Witness && form.figures.is_some() {
            forms.push(form);
        }
    }
    // Forms of one family stand together, whichever workload brought them first.
    forms.sort_by_key(|form| rank(form.family));
    let titles: Vec<&str> = subjects
        .iter()
        .map(|subject| subject.title.as_str())
        .collect();
    let _ = writeln!(text, "**{title}**\n");
    let _ = writeln!(text, "| form | threads | {} |", titles.join(" | "));
    let _ = writeln!(text, "|---|---:|{}", "---:|".repeat(subjects.len()));
    for form in &forms {
        let cells: Vec<String> = subjects
            .iter()
            .map(|subject| {
                let figures = subject.form(&form.name).and_then(|form| form.figures);
                let value = figures.and_then(|figures| figure(&figures));
                value.map_or("–".to_owned(), significant)
            })
            .collect();
        let star = if form.family == Family::Untimed {
            " \\*"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "| {}{star} | {} | {} |",
            form.label,
            form.threads,
            cells.join(" | ")
        );
    }
    text.push('\n');
    if forms.iter().any(|form| form.family == Family::Untimed) {
        text.push_str(
            "\\* has no cycles: it works off as many items, in any order; its figure is that of the \
             cycles in which the others do as much.\n\n",
        );
    }
}

const fn rank(family: Family) -> usize {
    match family {
        Family::Tina | Family::Witness => 0,
        Family::Loop => 1,
        Family::Timed => 2,
        Family::Untimed => 3,
    }
}

fn verdicts(text: &mut String, subjects: &[&SubjectReport]) {
    let _ = writeln!(text, "**Who is faster than tina-hw on as many threads**\n");
    for subject in subjects {
        for line in verdict(subject) {
            let line = line.strip_prefix("FASTER than tina-hw: ").unwrap_or(&line);
            let _ = writeln!(text, "* {}: {line}", subject.title);
        }
    }
    text.push('\n');
}

/// What shards bring and cost.
fn shards(text: &mut String, report: &Report) {
    let columns = [
        ("2 shards: times as fast as 1", "shards-1", "shards-2"),
        ("8 shards: time of 2", "shards-8", "shards-2"),
        (
            "2 shards, one core busy: time of 1 alone",
            "busy-2",
            "shards-1",
        ),
        ("`--shards auto`: time of 1", "auto", "shards-1"),
    ];
    let columns: Vec<_> = columns
        .into_iter()
        .filter(|(_, form, base)| {
            let mut subjects = report.subjects.iter();
            subjects.any(|subject| subject.ratio(form, base).is_some())
        })
        .collect();
    if columns.is_empty() {
        return;
    }
    let titles: Vec<&str> = columns.iter().map(|column| column.0).collect();
    let _ = writeln!(text, "**Shards** (ratios)\n");
    let _ = writeln!(text, "| workload | {} |", titles.join(" | "));
    let _ = writeln!(text, "|---|{}", "---:|".repeat(columns.len()));
    for subject in &report.subjects {
        let cell = |(_, form, base): &(&str, &str, &str)| {
            subject
                .ratio(form, base)
                .map_or("–".to_owned(), |ratio| format!("{ratio:.2}"))
        };
        let cells: Vec<String> = columns.iter().map(cell).collect();
        if cells.iter().any(|cell| cell != "–") {
            let _ = writeln!(text, "| {} | {} |", subject.title, cells.join(" | "));
        }
    }
    text.push('\n');
}

/// The RISC-V machines.
fn harts(text: &mut String, report: &Report) {
    let machines: Vec<_> = report
        .subjects
        .iter()
        .filter(|subject| subject.harts > 0)
        .collect();
    let forms = |subject: &SubjectReport| {
        let forms = subject.forms.clone().into_iter();
        forms
            .filter(|form| form.name.starts_with("shards-"))
            .collect::<Vec<_>>()
    };
    if machines.iter().all(|subject| forms(subject).is_empty()) {
        return;
    }
    let _ = writeln!(text, "**RISC-V**\n");
    text.push_str(
        "| machine | harts | form | threads | simulated MHz | core-cycles per second and host core | MIPS |\n\
         |---|---:|---|---:|---:|---:|---:|\n",
    );
    for subject in machines {
        let instructions = subject
            .results
            .iter()
            .find(|total| total.name == "instructions");
        let instructions = instructions.and_then(|total| total.value.parse::<f64>().ok());
        for form in forms(subject) {
            let Some(figures) = form.figures else {
                continue;
            };
            let core_cycles = subject.cycles as f64 * subject.harts as f64 / figures.seconds;
            let per_core = core_cycles / form.threads as f64;
            let mips = instructions.map(|count| count / figures.seconds / 1e6);
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} million | {} |",
                subject.title,
                subject.harts,
                form.label,
                form.threads,
                significant(figures.kilohertz / 1e3),
                significant(per_core / 1e6),
                mips.map_or("–".to_owned(), significant),
            );
        }
    }
    text.push('\n');
}

fn activity(text: &mut String, report: &Report) {
    for subject in &report.subjects {
        if let (Some(ratio), Some(form)) = (
            subject.ratio("saturated", "shards-1"),
            subject.form("saturated"),
        ) {
            let _ = writeln!(
                text,
                "**Low activity.** {}: {} cycles take tina-hw on one shard {} times as long in \"{}\".\n",
                subject.title,
                thousands(subject.cycles),
                significant(ratio),
                form.label,
            );
        }
    }
}

fn left_out(text: &mut String, report: &Report) {
    let missing = report
        .tools
        .iter()
        .filter_map(|tool| Some(format!("* {}: {}", tool.label, tool.missing.as_ref()?)));
    let failed = report.subjects.iter().flat_map(|subject| {
        let reason = |form: &FormReport| {
            let error = form
                .error
                .as_ref()
                .filter(|error| !error.ends_with("is missing"))?;
            Some(format!("* {}, {}: {error}", subject.title, form.label))
        };
        subject.forms.iter().filter_map(reason).collect::<Vec<_>>()
    });
    let lines: Vec<String> = missing.chain(failed).collect();
    if !lines.is_empty() {
        let _ = writeln!(text, "Left out:\n\n{}\n", lines.join("\n"));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::report::tests::{form, subject};
    use super::super::report::{Host, SCHEMA, Tool};
    use super::*;

    /// A report with one workload and a tool that is missing.
    pub(crate) fn report() -> Report {
        Report {
            schema: SCHEMA,
            date: Some("a day".to_owned()),
            arguments: vec!["--record".to_owned()],
            rounds: 2,
            host: Host {
                processor: "a processor".to_owned(),
                cores: 2,
                caches: vec!["L1 Data 48K".to_owned()],
                memory_gibibytes: 8,
                system: "a system".to_owned(),
                rustc: "a compiler".to_owned(),
                revision: "abc".to_owned(),
                load_before: None,
                remark: None,
            },
            tools: vec![Tool {
                name: "dam".to_owned(),
                label: "DAM".to_owned(),
                version: None,
                missing: Some("`dam` is missing".to_owned()),
                note: String::new(),
            }],
            subjects: vec![subject()],
        }
    }

    #[test]
    fn the_section_has_the_figures() {
        let mut report = report();
        let subject = &mut report.subjects[0];
        subject
            .forms
            .push(form("shards-8", Family::Witness, 2, &[0.75, 0.75]));
        subject.derive();
        let text = section(&report);
        for line in [
            "| label of plain | 1 | 1.00 |",
            "| label of go \\* | 2 | 30.0 |",
            "* W1 pipeline: label of tuned, 2.00 times as fast as label of shards-1",
            "| W1 pipeline | 1.67 | 1.25 |",
            "* DAM: `dam` is missing",
            "* W1 pipeline, label of wrong: wrong results",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn only_what_stands_between_the_markers_changes() {
        let readme = format!("before\n{START}old\n{END}after\n");
        let new = replaced(&readme, &report()).unwrap();
        assert!(
            new.starts_with(&format!("before\n{START}Measured on a day")),
            "{new}"
        );
        assert!(
            new.ends_with(&format!("{END}after\n")) && !new.contains("old\n"),
            "{new}"
        );
        assert_eq!(replaced(&new, &report()).unwrap(), new);
        assert!(replaced("nothing", &report()).is_err());
    }
}
