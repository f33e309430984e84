//! A profile of a machine on one shard, taken at the start of a run.

use super::boot::{RunError, boot};
use super::stopwatch::Stopwatch;
use crate::design::Design;
use crate::profile::Profile;
use tina_engine::{Catalogue, HostOptions, Limits, Machine, Observer, Report, handshake_time};

/// How far a machine had come from where it started, and how long that had taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) cycle: u64,
    pub(super) seconds: f64,
}

/// The first stretch of a run on one shard.
pub(super) struct Stretch {
    /// What was measured.
    pub(super) profile: Profile,
    /// Where it stood at the end of each part.
    pub(super) marks: Vec<Mark>,
    /// The end of the run, if it came so soon.
    pub(super) report: Option<Report>,
}

impl Stretch {
    /// Cycle and time at its end.
    pub(super) fn end(&self) -> Mark {
        *self.marks.last().expect("a stretch has at least one part")
    }
}

/// Runs a machine from where it stands for about `seconds`, sampling.
pub(super) fn stretch(
    machine: &mut Machine,
    design: &Design,
    catalogue: &Catalogue,
    limits: &Limits,
    seconds: f64,
    observer: &mut dyn Observer,
) -> Stretch {
    let mut marks: Vec<Mark> = Vec::new();
    let start = machine.cycle();
    machine.start_sampling();
    let time = Stopwatch::start();
    let report = loop {
        let last = marks.last().copied();
        let (cycle, spent) = last.map_or((0, 0.0), |mark| (mark.cycle, mark.seconds));
        // A few parts, each of what the pace so far says, but at least an epoch.
        let part = match last {
            Some(mark) if mark.seconds > 0.0 => {
                (mark.cycle as f64 * (seconds - spent).min(seconds / 4.0) / mark.seconds) as u64
            }
            _ => 1,
        };
        let end = start.saturating_add(cycle).saturating_add(part.max(1));
        let report = machine.run_part(limits, end, observer);
        marks.push(Mark {
            cycle: machine.cycle() - start,
            seconds: time.seconds(),
        });
        if report.is_some() || time.seconds() >= seconds {
            break report;
        }
    };
    Stretch {
        profile: sampled(machine, design, catalogue),
        marks,
        report,
    }
}

/// Ends sampling. A cycle takes what all threads together were busy with it; the handshake is left
/// open.
fn sampled(machine: &mut Machine, design: &Design, catalogue: &Catalogue) -> Profile {
    let samples = machine
        .stop_sampling()
        .expect("sampling was begun before the run");
    let threads = machine.thread_times();
    let busy = threads.iter().map(|it| it.total.saturating_sub(it.wait));
    let busy_ns = busy.map(|time| time.as_secs_f64() * 1e9).sum::<f64>();
    let cycle_ns = busy_ns / samples.cycles.max(1) as f64;
    Profile::of(design, catalogue, &samples, cycle_ns, None)
}

/// The same, and the handshake.
pub(super) fn measured(machine: &mut Machine, design: &Design, catalogue: &Catalogue) -> Profile {
    Profile {
        handshake_ns: handshake_ns(),
        ..sampled(machine, design, catalogue)
    }
}

/// Nanoseconds of a frame from core to core.
pub(super) fn handshake_ns() -> Option<f64> {
    handshake_time().map(|time| time.as_secs_f64() * 1e9)
}

/// Measures a design for a while: from cycle 0 on one shard, for about `seconds`.
///
/// # Errors
/// When it cannot be booted.
pub fn measure(
    design: &Design,
    catalogue: &Catalogue,
    limits: &Limits,
    seconds: f64,
    observer: &mut dyn Observer,
) -> Result<Profile, RunError> {
    let host = HostOptions::default();
    let mut machine = boot(design, catalogue, 1, &host)?.machine;
    let first = stretch(&mut machine, design, catalogue, limits, seconds, observer);
    Ok(Profile {
        handshake_ns: handshake_ns(),
        ..first.profile
    })
}
