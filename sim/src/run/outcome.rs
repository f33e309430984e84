//! What an outcome is called, what it means to the caller of the program, and the story behind it.

use std::fmt::Write;
use tina_engine::{Blueprint, Catalogue, Fault, FaultCause, Outcome, Timebase};

use super::number::thousands;

/// One word for an outcome, as `--json` prints it.
#[must_use]
pub const fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Finished { code: 0, .. } => "finished",
        Outcome::Finished { .. } => "failed",
        Outcome::CyclesDone => "cycles",
        Outcome::Drained { .. } => "drained",
        Outcome::Deadlock(_) => "deadlock",
        Outcome::LimitReached => "limit",
        Outcome::Faulted(_) => "fault",
        Outcome::Interrupted => "interrupted",
    }
}

/// The base-clock cycle of what ended a run, where something did before the end of its epoch.
#[must_use]
pub fn end_cycle(outcome: &Outcome, blueprint: &Blueprint) -> Option<u64> {
    let period = Timebase::of(&blueprint.domains).map_or(1, |base| base.period_ticks[0]);
    match outcome {
        Outcome::Finished { tick, .. } => Some(tick / period),
        Outcome::Drained { cycle } => Some(*cycle),
        Outcome::Faulted(faults) => faults.iter().map(|fault| fault.tick / period).min(),
        Outcome::CyclesDone
        | Outcome::Deadlock(_)
        | Outcome::LimitReached
        | Outcome::Interrupted => None,
    }
}

/// The exit code of the program.
#[must_use]
pub const fn exit_code(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Finished { code: 0, .. } | Outcome::CyclesDone | Outcome::Drained { .. } => 0,
        Outcome::Finished { .. } => 1,
        Outcome::Deadlock(_) => 3,
        Outcome::LimitReached => 4,
        Outcome::Faulted(_) => 5,
        Outcome::Interrupted => 130,
    }
}

/// The outcome in a sentence, or for faults and deadlocks in a paragraph.
#[must_use]
pub fn describe(outcome: &Outcome, blueprint: &Blueprint, catalogue: &Catalogue) -> String {
    match outcome {
        Outcome::Finished {
            code,
            instance,
            tick,
        } => {
            let path = &blueprint.instances[*instance as usize].path;
            let period = Timebase::of(&blueprint.domains).map_or(1, |base| base.period_ticks[0]);
            let verb = if *code == 0 { "finished" } else { "failed" };
            format!(
                "{verb}: `{path}` said exit code {code} in cycle {}",
                thousands(tick / period)
            )
        }
        Outcome::CyclesDone => "the cycles asked for were run".to_owned(),
        Outcome::Drained { cycle } => {
            format!(
                "nothing can happen any more after cycle {}",
                thousands(*cycle)
            )
        }
        Outcome::Deadlock(deadlock) => deadlock.to_string(),
        Outcome::LimitReached => "the limit of cycles was reached".to_owned(),
        Outcome::Faulted(faults) => describe_faults(faults, blueprint, catalogue),
        Outcome::Interrupted => "interrupted".to_owned(),
    }
}

fn describe_faults(faults: &[Fault], blueprint: &Blueprint, catalogue: &Catalogue) -> String {
    /// The first faults tell the story; the rest is often its echo.
    const SHOWN_MAX: usize = 8;
    let mut text = String::new();
    for fault in &faults[..faults.len().min(SHOWN_MAX)] {
        let instance = &blueprint.instances[fault.instance as usize];
        let kind = catalogue.kind(instance.kind).name();
        let (path, cycle) = (&instance.path, thousands(fault.cycle));
        let separator = if text.is_empty() { "" } else { "\n" };
        let cause = match &fault.cause {
            FaultCause::Panic(message) => format!("panicked: {message}"),
            FaultCause::Crash(reason) => format!("crashed: {reason}"),
            FaultCause::Hardware(fault) => format!("hit a hardware fault: {fault}"),
            FaultCause::Overslept => "overslept: it asked to sleep, and acted when it was clocked \
                                      although nothing it can see had changed"
                .to_owned(),
        };
        write!(
            text,
            "{separator}module `{path}` ({kind}) in its cycle {cycle} {cause}"
        )
        .expect("writing to a string succeeds");
    }
    if faults.len() > SHOWN_MAX {
        write!(text, "\nand {} more modules", faults.len() - SHOWN_MAX)
            .expect("writing to a string succeeds");
    }
    text
}
