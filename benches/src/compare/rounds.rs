//! The run of the comparison: builds, checks, and alternates between the forms of a workload.
//!
//! In each round every form runs once, in an order that begins with another form each time, so that
//! whatever else the host does falls on all of them. A slow form leaves when its budget is used up.

use super::forms::{Bench, Form, Target, forms};
use super::host::host;
use super::options::Options;
use super::report::{FormReport, Report, SCHEMA, SubjectReport, Tool, Total};
use super::rivals::Rivals;
use super::table::of_subject;
use crate::subjects::{SUBJECTS, Subject};
use std::path::Path;

/// Part of the cycles that every form runs before any figure is taken.
const CHECK_PART: u64 = 10;
/// The fewest cycles of that.
const CHECK_CYCLES_MIN: u64 = 64;

/// A workload and its forms before they run.
struct Task {
    subject: &'static Subject,
    forms: Vec<Form>,
    reports: Vec<FormReport>,
}

/// Builds every rival that was asked for: workload, rival and reason of those that cannot be built.
///
/// # Errors
/// When the list of rivals is wrong.
pub fn build(
    options: &Options,
    target_directory: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<String>, String> {
    let mut rivals = Rivals::load(target_directory)?;
    let tasks = tasks(options, &mut rivals, progress);
    let failed = |task: &Task| {
        let errors = task.reports.iter().filter_map(|report| {
            let error = report.error.as_ref()?;
            Some(format!("{}, {}: {error}", task.subject.title, report.label))
        });
        errors.collect::<Vec<_>>()
    };
    Ok(tasks.iter().flat_map(failed).collect())
}

/// Runs everything that was asked for; says what it does through `progress`.
///
/// # Errors
/// When the list of rivals is wrong, or a plain loop does not give what the list of workloads says. A
/// form that fails is in the report.
pub fn run(
    options: &Options,
    target_directory: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Report, String> {
    // The host is asked first, for how busy it was before.
    let host = host(options.remark.clone());
    let mut rivals = Rivals::load(target_directory)?;
    let tasks = tasks(options, &mut rivals, progress);
    let mut subjects = Vec::new();
    for task in tasks {
        let subject = run_task(task, options, &rivals, progress)?;
        progress(&format!("\n{}", of_subject(&subject)));
        subjects.push(subject);
    }
    let takes_part = |tool: &Tool| options.wants_form(&tool.name);
    Ok(Report {
        schema: SCHEMA,
        date: options.date.clone(),
        arguments: std::env::args().skip(1).collect(),
        rounds: options.rounds,
        host,
        tools: rivals
            .list()
            .iter()
            .map(|rival| rivals.tool(rival))
            .filter(takes_part)
            .collect(),
        subjects,
    })
}

/// What was asked for, with all its rivals built, so that nothing is built while anything is timed.
fn tasks(options: &Options, rivals: &mut Rivals, progress: &mut dyn FnMut(&str)) -> Vec<Task> {
    let chosen = SUBJECTS.iter().filter(|subject| {
        options.wants_subject(subject.name) && (!subject.is_witness || options.wants_witnesses())
    });
    let mut tasks: Vec<Task> = chosen
        .map(|subject| {
            let forms = forms(subject, rivals.list(), options);
            Task {
                subject,
                reports: forms.iter().map(report_of).collect(),
                forms,
            }
        })
        .collect();
    for task in &mut tasks {
        for (form, report) in task.forms.iter().zip(&mut task.reports) {
            let Some((rival, model)) = form.rival() else {
                continue;
            };
            report.error = rivals.tool(rival).missing;
            if report.error.is_none() {
                progress(&format!("{}: building {}", task.subject.title, form.label));
                report.error = rivals.build(rival, model).err();
            }
        }
    }
    tasks
}

/// Checks and times the forms of a workload.
fn run_task(
    task: Task,
    options: &Options,
    rivals: &Rivals,
    progress: &mut dyn FnMut(&str),
) -> Result<SubjectReport, String> {
    let Task {
        subject,
        forms,
        mut reports,
    } = task;
    let cycles = subject
        .cycles
        .map(|cycles| options.cycles.unwrap_or(cycles));
    let in_subject = |error: String| format!("{}: {error}", subject.title);
    let bench = Bench::new(subject, Some(rivals)).map_err(in_subject)?;
    let check_cycles = cycles.map(|cycles| (cycles / CHECK_PART).max(CHECK_CYCLES_MIN));
    if check_cycles.is_some() {
        let mut check = Target::of(subject, check_cycles).map_err(in_subject)?;
        for (form, report) in forms.iter().zip(&mut reports) {
            if report.error.is_none() {
                progress(&format!("{}: checking {}", subject.title, form.label));
                report.error = bench.measure(form, &mut check).err();
            }
        }
    }
    let mut target = Target::of(subject, cycles).map_err(in_subject)?;
    for round in 0..usize::from(options.rounds) {
        progress(&format!("{}: round {}", subject.title, round + 1));
        for step in 0..forms.len() {
            let index = (round + step) % forms.len();
            let report = &mut reports[index];
            if report.error.is_some() || !has_budget(report, options.budget) {
                continue;
            }
            match bench.measure(&forms[index], &mut target) {
                Ok(seconds) => report.samples.push((round, rounded(seconds))),
                Err(error) => {
                    report.samples.clear();
                    report.error = Some(error);
                }
            }
        }
    }
    let run = target.run.unwrap_or_else(|| crate::subjects::Run {
        seconds: 0.0,
        cycles: cycles.unwrap_or(0),
        transfers: None,
        totals: Vec::new(),
    });
    let total = |(name, value): &(String, u64)| Total {
        name: name.clone(),
        value: value.to_string(),
    };
    let set = subject.set.iter();
    let mut report = SubjectReport {
        name: subject.name.to_owned(),
        title: subject.title.to_owned(),
        netlist: subject.netlist.to_owned(),
        set: set.map(|(name, value)| format!("{name}={value}")).collect(),
        cycles: run.cycles,
        transfers: run.transfers,
        harts: subject.hart_count,
        is_witness: subject.is_witness,
        results: run.totals.iter().map(total).collect(),
        forms: reports,
    };
    report.derive();
    Ok(report)
}

fn report_of(form: &Form) -> FormReport {
    FormReport {
        name: form.name.clone(),
        label: form.label.clone(),
        family: form.family,
        threads: form.threads,
        samples: Vec::new(),
        figures: None,
        error: None,
    }
}

/// To ten nanoseconds: what is written shall be what is derived from.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1e8).round().max(1.0) / 1e8
}

/// Whether another run as long as the last is within the budget; the first always is.
fn has_budget(report: &FormReport, budget: f64) -> bool {
    let used: f64 = report.samples.iter().map(|sample| sample.1).sum();
    let next = report.samples.last().map_or(0.0, |sample| sample.1);
    used + next <= budget || report.samples.is_empty()
}
