//! A report as text.

use super::report::{Family, FormReport, Report, SubjectReport};
use comfy_table::{CellAlignment, Table, presets};
use std::fmt::Write;
use tina_sim::run::thousands;

/// All of it.
#[must_use]
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    let host = &report.host;
    let line = |text: &mut String, line: &str| _ = writeln!(text, "{line}");
    line(
        &mut text,
        &format!("{}, {} cores; {}", host.processor, host.cores, host.system),
    );
    line(
        &mut text,
        &format!("{}; commit {}", host.rustc, host.revision),
    );
    for tool in &report.tools {
        let said = tool.version.as_deref().unwrap_or("version unknown");
        let said = tool
            .missing
            .as_deref()
            .map_or(said.to_owned(), |missing| format!("left out: {missing}"));
        line(&mut text, &format!("{}: {said}", tool.label));
    }
    for subject in &report.subjects {
        text.push('\n');
        text.push_str(&of_subject(subject));
    }
    if report
        .subjects
        .iter()
        .flat_map(|subject| &subject.forms)
        .any(is_untimed)
    {
        line(
            &mut text,
            "\n* works off as many items and knows no cycles; its kHz are cycles in which the timed forms do as much",
        );
    }
    text
}

fn is_untimed(form: &FormReport) -> bool {
    form.family == Family::Untimed
}

/// The table of a workload.
#[must_use]
pub fn of_subject(subject: &SubjectReport) -> String {
    let mut text = format!("{}: {} cycles", subject.title, thousands(subject.cycles));
    if let Some(transfers) = subject.transfers {
        let _ = write!(text, ", {} transfers", thousands(transfers));
    }
    text.push('\n');
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "form",
        "threads",
        "runs",
        "median s",
        "kHz",
        "ns/transfer",
        "time / 1 shard",
        "time / plain",
    ]);
    for form in &subject.forms {
        table.add_row(row(form));
    }
    for column in 1..8 {
        let column = table
            .column_mut(column)
            .expect("the table has eight columns");
        column.set_cell_alignment(CellAlignment::Right);
    }
    for line in table.lines() {
        let _ = writeln!(text, "{}", line.trim_end());
    }
    for form in &subject.forms {
        if let Some(error) = &form.error {
            let _ = writeln!(text, "  no figure for {}: {error}", form.label);
        }
    }
    for line in verdict(subject) {
        let _ = writeln!(text, "  {line}");
    }
    text
}

fn row(form: &FormReport) -> [String; 8] {
    let star = if is_untimed(form) { " *" } else { "" };
    let label = format!("{}{star}", form.label);
    let threads = form.threads.to_string();
    let runs = form.samples.len().to_string();
    let Some(figures) = form.figures else {
        let none = || "-".to_owned();
        return [label, threads, runs, none(), none(), none(), none(), none()];
    };
    let optional = |value: Option<f64>| value.map_or("-".to_owned(), significant);
    [
        label,
        threads,
        runs,
        format!("{:.4}", figures.seconds),
        significant(figures.kilohertz),
        optional(figures.transfer_nanoseconds),
        optional(figures.of_one_shard),
        optional(figures.of_plain),
    ]
}

/// Who is faster than tina-hw, in words.
#[must_use]
pub fn verdict(subject: &SubjectReport) -> Vec<String> {
    let ours = subject
        .forms
        .iter()
        .filter(|form| form.family == Family::Tina);
    let others = subject.forms.iter().filter(|form| {
        form.figures.is_some() && !matches!(form.family, Family::Tina | Family::Witness)
    });
    if ours.filter(|form| form.figures.is_some()).count() == 0 || others.count() == 0 {
        return Vec::new();
    }
    let faster = subject.faster();
    if faster.is_empty() {
        return vec!["nobody is faster than tina-hw on as many threads".to_owned()];
    }
    let line = |(form, best, times): &(&FormReport, &FormReport, f64)| {
        format!(
            "FASTER than tina-hw: {}, {} times as fast as {}",
            form.label,
            significant(*times),
            best.label
        )
    };
    faster.iter().map(line).collect()
}

/// Three significant digits, but all digits before the point.
#[must_use]
pub fn significant(value: f64) -> String {
    match value.abs() {
        size if size >= 1e6 => thousands(value.round() as u64),
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.0995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::subject;
    use super::*;

    #[test]
    fn a_table_says_who_is_faster_and_who_failed() {
        let text = of_subject(&subject());
        assert!(
            text.starts_with("W1 pipeline: 2,000 cycles, 1,000,000 transfers\n"),
            "{text}"
        );
        assert!(text.contains("label of go *"), "{text}");
        assert!(
            text.contains("no figure for label of wrong: wrong results"),
            "{text}"
        );
        let verdict =
            "FASTER than tina-hw: label of tuned, 2.00 times as fast as label of shards-1";
        assert!(text.contains(verdict), "{text}");
    }

    #[test]
    fn nobody_faster_is_said_too() {
        let mut subject = subject();
        subject.forms.retain(|form| form.name != "tuned");
        assert_eq!(
            verdict(&subject),
            ["nobody is faster than tina-hw on as many threads"]
        );
        subject.forms.retain(|form| form.family == Family::Tina);
        assert!(verdict(&subject).is_empty());
    }

    #[test]
    fn numbers_have_three_digits() {
        let values = [1234.5, 99.96, 9.996, 0.5, 0.0123, 1_234_567.0];
        let texts = values.map(significant);
        assert_eq!(texts, ["1234", "100", "10.0", "0.50", "0.012", "1,234,567"]);
    }
}
