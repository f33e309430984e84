//! `tina-hw swarm`.

use super::arguments::SwarmArguments;
use super::failure::{DIGESTS_DIFFER, Failure, INTERRUPTED};
use super::input;
use super::table;
use super::terminal::{Guest, Terminal, complain, print};
use crate::run::{self, Swarm, SwarmDivergence, SwarmPlan, thousands};
use std::time::Duration;
use tina_engine::{Catalogue, core_count};

pub(super) fn swarm(arguments: &SwarmArguments, catalogue: &Catalogue) -> Result<u8, Failure> {
    let design = input::design(&arguments.input, catalogue)?;
    let limits = arguments.limits.limits(&design);
    let plan = SwarmPlan {
        seeds: arguments.seeds.clone(),
        time: arguments.seconds.map(Duration::from_secs),
        shard_count_max: arguments.shards,
        thread_count: core_count(),
    };
    let mut terminal = Terminal::new(Guest::Nowhere, true, &limits)?;
    let swarm = run::swarm(&design, catalogue, &plan, &limits, &mut terminal)?;
    terminal.finish()?;
    print(&text(&swarm))?;
    if let Some(why) = &swarm.not_moved {
        complain(&format!(
            "warning: no run was saved to go on elsewhere: {why}"
        ));
    }
    if let Some(found) = &swarm.divergence {
        complain(&differs(arguments, found));
        return Ok(DIGESTS_DIFFER);
    }
    if swarm.interrupted {
        return Ok(INTERRUPTED);
    }
    print(&format!(
        "equal: {} runs, {} digests compared\n",
        thousands(swarm.run_count),
        thousands(swarm.epoch_count)
    ))?;
    Ok(0)
}

fn text(swarm: &Swarm) -> String {
    let mut table = table::table(&["exercised", "runs"]);
    let shards = (1..).zip(&swarm.by_shards).filter(|(_, runs)| **runs > 0);
    for (count, &runs) in shards {
        let plural = if count == 1 { "" } else { "s" };
        table.add_row([format!("{count} shard{plural}"), thousands(runs)]);
    }
    for (what, runs) in [
        ("every module at every edge", swarm.no_sleep_count),
        ("elements one by one", swarm.no_vectors_count),
        ("saved, and gone on elsewhere", swarm.moved_count),
    ] {
        table.add_row([what.to_owned(), thousands(runs)]);
    }
    table.add_row(["all".to_owned(), thousands(swarm.run_count)]);
    table::text(table, 1..2)
}

fn differs(arguments: &SwarmArguments, found: &SwarmDivergence) -> String {
    let mut text = format!("error: seed {} differs from the plain run", found.seed);
    if let Some(divergence) = &found.divergence {
        text.push_str(&format!("\n  {divergence}"));
    }
    let sets = arguments.input.set.iter();
    let sets: String = sets
        .map(|(name, value)| format!(" --set {name}={value}"))
        .collect();
    text.push_str(&format!(
        "\n  this line repeats it: tina-hw swarm {}{sets} --shards {} --seeds {}..{}",
        arguments.input.netlist.display(),
        arguments.shards,
        found.seed,
        found.seed + 1
    ));
    text
}
