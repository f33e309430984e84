//! `tina-hw verify`.

use super::arguments::VerifyArguments;
use super::failure::{DIGESTS_DIFFER, Failure, INTERRUPTED};
use super::input;
use super::table;
use super::terminal::{Guest, Terminal, complain, print};
use crate::run::{self, Verification, thousands};
use tina_engine::Catalogue;

pub(super) fn verify(arguments: &VerifyArguments, catalogue: &Catalogue) -> Result<u8, Failure> {
    let design = input::design(&arguments.input, catalogue)?;
    let limits = arguments.limits.limits(&design);
    let variants = arguments
        .variants
        .variants(arguments.no_sleep, arguments.no_vectors);
    let mut terminal = Terminal::new(Guest::Nowhere, true, &limits)?;
    let verification = run::verify(&design, catalogue, &variants, &limits, &mut terminal)?;
    terminal.finish()?;
    print(&table(&verification))?;
    if verification.interrupted {
        return Ok(INTERRUPTED);
    }
    match &verification.divergence {
        Some(divergence) => {
            complain(&format!("error: {divergence}"));
            Ok(DIGESTS_DIFFER)
        }
        None if variants.len() == 1 => {
            print("1 run: there is nothing to compare it with\n")?;
            Ok(0)
        }
        None => {
            let epoch_count = verification.runs.first().map_or(0, |run| run.epoch_count);
            print(&format!(
                "equal: {} runs, {} epoch{} each\n",
                variants.len(),
                thousands(epoch_count),
                if epoch_count == 1 { "" } else { "s" },
            ))?;
            Ok(0)
        }
    }
}

fn table(verification: &Verification) -> String {
    let mut table = table::table(&[
        "run", "outcome", "digest", "threads", "cycles", "epochs", "seconds",
    ]);
    for run in &verification.runs {
        table.add_row([
            run.variant.to_string(),
            run::word(&run.outcome).to_owned(),
            format!("{:#018x}", run.digest),
            run.thread_count.to_string(),
            thousands(run.cycles),
            thousands(run.epoch_count),
            format!("{:.3}", run.wall_seconds),
        ]);
    }
    table::text(table, 3..7)
}
