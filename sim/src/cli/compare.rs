//! `tina-hw compare`.

use super::arguments::CompareArguments;
use super::failure::{DIGESTS_DIFFER, Failure, INTERRUPTED};
use super::input;
use super::table;
use super::terminal::{Guest, Terminal, complain, print};
use crate::design::Design;
use crate::profile::Profile;
use crate::run::{self, Comparison, Contender, Terms, thousands};
use crate::scaling::predict;
use tina_engine::Catalogue;

/// Seconds of the measurement behind a prediction.
const MEASURE_SECONDS: f64 = 0.2;
/// Cores that are predicted for, besides those of the host.
const CORE_COUNTS: [usize; 6] = [2, 4, 8, 16, 32, 64];

pub(super) fn compare(arguments: &CompareArguments, catalogue: &Catalogue) -> Result<u8, Failure> {
    let design = input::design(&arguments.input, catalogue)?;
    let limits = arguments.limits.limits(&design);
    let profile = input::profile(arguments.profile_in.as_deref(), &design, catalogue)?;
    let mut terminal = Terminal::new(Guest::Nowhere, true, &limits)?;
    let terms = Terms {
        limits,
        profile: profile.as_ref(),
        round_count: usize::from(arguments.rounds),
    };
    let contenders = arguments.contenders();
    let (comparisons, interrupted) =
        run::compare(&design, catalogue, &contenders, &terms, &mut terminal)?;
    let profile = match profile {
        None if arguments.predict && !interrupted => {
            let seconds = MEASURE_SECONDS;
            let measured = run::measure(&design, catalogue, &limits, seconds, &mut terminal)?;
            Some(measured)
        }
        profile => profile,
    };
    terminal.finish()?;
    print(&table(&comparisons))?;
    if interrupted {
        complain("interrupted");
        return Ok(INTERRUPTED);
    }
    if let (true, Some(profile)) = (arguments.predict, &profile) {
        print(&predictions(&design, catalogue, profile, &comparisons))?;
    }
    let mut digests = comparisons.iter().map(|comparison| comparison.digest);
    let first = digests.next();
    if digests.any(|digest| Some(digest) != first) {
        complain("error: the digests differ; `tina-hw verify` finds out where");
        return Ok(DIGESTS_DIFFER);
    }
    Ok(0)
}

/// What the model says of more cores, beside what was measured where there are so many.
fn predictions(
    design: &Design,
    catalogue: &Catalogue,
    profile: &Profile,
    comparisons: &[Comparison],
) -> String {
    let mut table = table::table(&[
        "cores",
        "predicted speed-up",
        "measured",
        "us per cycle",
        "bound by",
        "wires cut",
        "items per cycle",
    ]);
    for count in CORE_COUNTS {
        // More shards than instances, or than hand placement allows, are not predicted.
        let Ok(prediction) = predict(design, catalogue, profile, count) else {
            continue;
        };
        table.add_row([
            count.to_string(),
            format!("{:.2}", prediction.speed_up),
            measured(comparisons, count).map_or_else(String::new, |it| format!("{it:.2}")),
            format!("{:.3}", prediction.cycle_ns / 1e3),
            prediction.bound.word().to_owned(),
            thousands(prediction.cut_wire_count as u64),
            format!("{:.1}", prediction.cut_items),
        ]);
    }
    let handshake = match profile.handshake_ns {
        Some(ns) => format!("a frame takes {ns:.0} ns from core to core"),
        None => "this host has one core, so the way of a frame is assumed".to_owned(),
    };
    format!(
        "\npredictions, not measurements, a shard on each core: one shard takes {:.3} us a cycle, \
         {handshake}\n{}",
        profile.cycle_ns / 1e3,
        table::text(table, 0..4),
    )
}

/// The speed-up of so many shards on as many threads over one shard.
fn measured(comparisons: &[Comparison], count: usize) -> Option<f64> {
    let of = |count: usize| {
        let fixed = |it: &&Comparison| matches!(it.contender, Contender::Fixed(_));
        let mut same = comparisons.iter().filter(fixed);
        same.find(|it| it.shard_count == count && it.thread_count == count)
    };
    Some(of(1)?.median_seconds() / of(count)?.median_seconds())
}

fn table(comparisons: &[Comparison]) -> String {
    let mut table = table::table(&[
        "run",
        "threads",
        "cycles",
        "median s",
        "fastest s",
        "MHz",
        "speed-up",
    ]);
    let first_median = comparisons.first().map_or(0.0, Comparison::median_seconds);
    for comparison in comparisons {
        let median = comparison.median_seconds();
        let fastest = comparison
            .wall_seconds
            .iter()
            .copied()
            .fold(f64::INFINITY, f64::min);
        table.add_row([
            name(comparison),
            comparison.thread_count.to_string(),
            thousands(comparison.cycles),
            format!("{median:.4}"),
            format!("{fastest:.4}"),
            format!("{:.3}", comparison.cycles as f64 / median / 1e6),
            format!("{:.2}", first_median / median),
        ]);
    }
    table::text(table, 1..7)
}

/// A contender by name; of `auto`, what it came to.
fn name(comparison: &Comparison) -> String {
    match &comparison.contender {
        Contender::Fixed(variant) => variant.to_string(),
        auto @ Contender::Auto { .. } => format!("{auto} ({})", comparison.shard_count),
    }
}
