//! `tina-hw compare`.

use super::arguments::CompareArguments;
use super::failure::{DIGESTS_DIFFER, Failure, INTERRUPTED};
use super::input;
use super::table;
use super::terminal::{Guest, Terminal, complain, print};
use crate::run::{self, Comparison, thousands};
use tina_engine::Catalogue;

pub(super) fn compare(arguments: &CompareArguments, catalogue: &Catalogue) -> Result<u8, Failure> {
    let design = input::design(&arguments.input, catalogue)?;
    let limits = arguments.limits.limits(&design);
    let variants = arguments.variants.variants(false);
    let mut terminal = Terminal::new(Guest::Nowhere, true, &limits)?;
    let rounds = usize::from(arguments.rounds);
    let (comparisons, interrupted) = run::compare(
        &design,
        catalogue,
        &variants,
        &limits,
        rounds,
        &mut terminal,
    )?;
    terminal.finish()?;
    print(&table(&comparisons))?;
    if interrupted {
        complain("interrupted");
        return Ok(INTERRUPTED);
    }
    let mut digests = comparisons.iter().map(|comparison| comparison.digest);
    let first = digests.next();
    if digests.any(|digest| Some(digest) != first) {
        complain("error: the digests differ; `tina-hw verify` finds out where");
        return Ok(DIGESTS_DIFFER);
    }
    Ok(0)
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
            comparison.variant.to_string(),
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
