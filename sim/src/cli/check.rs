//! `tina-hw check`.

use super::arguments::CheckArguments;
use super::failure::Failure;
use super::input;
use super::table::{table, text as table_text};
use super::terminal::{Guest, Terminal, complain, print};
use crate::design::Design;
use crate::partition::{Hints, Partition, Summary, partition};
use crate::profile::Profile;
use crate::run::{RunOptions, describe, execute, thousands};
use crate::scaling::{Prediction, of_placement};
use std::fmt::Write;
use std::io::{self, IsTerminal};
use tina_engine::{Catalogue, HostOptions, Limits, Outcome, Placement, Plan};

/// Cycles of `--sleep` where neither the command line nor the netlist says.
const SLEEP_CHECK_CYCLES: u64 = 20_000;
/// Lines of a list that are shown; the rest is counted.
const LINES_MAX: usize = 20;

pub(super) fn check(arguments: &CheckArguments, catalogue: &Catalogue) -> Result<u8, Failure> {
    let design = input::design_in_silence(&arguments.input, catalogue)?;
    let mut text = overview(&design, catalogue);
    text.push_str(&warnings(&design));
    text.push_str(&rate_caps(&design));
    let profile = input::profile(arguments.profile_in.as_deref(), &design, catalogue)?;
    text.push_str(&placement(
        &design,
        catalogue,
        arguments.shards,
        profile.as_ref(),
    )?);
    print(&text)?;
    if arguments.sleep {
        check_sleep(arguments, &design, catalogue)
    } else {
        Ok(0)
    }
}

fn overview(design: &Design, catalogue: &Catalogue) -> String {
    let blueprint = &design.blueprint;
    let mut counts = vec![0u64; catalogue.kinds().len()];
    for instance in &blueprint.instances {
        counts[instance.kind as usize] += 1;
    }
    let mut text = format!(
        "{}: {} instances, {} wires, {} clock{}, epochs of {} cycles\n\n",
        design.name,
        thousands(blueprint.instances.len() as u64),
        thousands(blueprint.wires.len() as u64),
        blueprint.domains.len(),
        if blueprint.domains.len() == 1 {
            ""
        } else {
            "s"
        },
        thousands(blueprint.epoch_cycles),
    );
    let mut table = table(&["kind", "instances", "ns per busy edge"]);
    for (kind, count) in catalogue.kinds().iter().zip(counts) {
        if count > 0 {
            table.add_row([
                kind.name().to_owned(),
                thousands(count),
                format!("{:.1}", kind.cost_ns()),
            ]);
        }
    }
    text.push_str(&table_text(table, 1..3));
    text
}

fn warnings(design: &Design) -> String {
    match (design.warnings.is_empty(), design.rate_caps.is_empty()) {
        (true, true) => return "\nno warnings\n".to_owned(),
        // What follows is one.
        (true, false) => return String::new(),
        (false, _) => {}
    }
    let rendered = design.warnings.render(io::stdout().is_terminal());
    format!("\n{}\n", rendered.trim_end())
}

/// Wires that cannot carry an item per edge, and the depth that would let them.
fn rate_caps(design: &Design) -> String {
    if design.rate_caps.is_empty() {
        return "every wire can carry an item per edge\n".to_owned();
    }
    let rendered = design
        .rate_cap_warnings()
        .render(io::stdout().is_terminal());
    format!("\n{}\n", rendered.trim_end())
}

fn placement(
    design: &Design,
    catalogue: &Catalogue,
    shard_count: usize,
    profile: Option<&Profile>,
) -> Result<String, Failure> {
    let weights = profile.map(|profile| profile.weights(design, catalogue));
    let hints = Hints::of(design, weights.as_ref());
    let Partition { shard_of, summary } =
        partition(&design.blueprint, catalogue, hints, shard_count).map_err(Failure::input)?;
    let plan = Plan::new(
        &design.blueprint,
        catalogue,
        &Placement {
            shard_count,
            shard_of,
        },
        true,
    )
    .map_err(Failure::input)?;
    let mut text = format!("\n{}", cut(&summary));
    line(&mut text, "");
    text.push_str(&shards(&summary, &plan));
    if !summary.links.is_empty() {
        line(&mut text, "");
        text.push_str(&links(&summary));
    }
    if let Some(profile) = profile {
        line(&mut text, "");
        text.push_str(&prediction(&of_placement(&summary, profile), profile));
    }
    Ok(text)
}

/// How fast this placement is predicted to be.
fn prediction(prediction: &Prediction, profile: &Profile) -> String {
    let mut text = format!(
        "predicted, on {} cores: {:.3} us a cycle against {:.3} us on one shard, {:.2} times as fast, \
         bound by {}\n",
        prediction.shard_count,
        prediction.cycle_ns / 1e3,
        profile.cycle_ns / 1e3,
        prediction.speed_up,
        prediction.bound.word(),
    );
    let mut table = table(&["shard", "work us", "frames us", "waiting us"]);
    for (number, shard) in prediction.shards.iter().enumerate().take(LINES_MAX) {
        let us = |ns: f64| format!("{:.3}", ns / 1e3);
        let times = [shard.work_ns, shard.frame_ns, shard.wait_ns].map(us);
        table.add_row([vec![number.to_string()], times.to_vec()].concat());
    }
    text.push_str(&table_text(table, 0..4));
    text
}

fn cut(summary: &Summary) -> String {
    let shard_count = summary.shards.len();
    if shard_count == 1 {
        return "on 1 shard no wire is cut\n".to_owned();
    }
    let cut_count = summary.cut_wire_count();
    let mut text = format!(
        "on {shard_count} shards by {}: {} wire{} cut, at most {} items per cycle over them, \
         heaviest shard {} of the mean\n",
        summary.method,
        thousands(cut_count as u64),
        if cut_count == 1 { "" } else { "s" },
        milli(summary.milli_transfers()),
        milli(summary.balance_permille()),
    );
    let empty_count = summary.empty_shard_count();
    if empty_count > 0 {
        line(
            &mut text,
            &format!(
                "{empty_count} shards stay empty: there are not enough instances that may be parted"
            ),
        );
    }
    text
}

fn shards(summary: &Summary, plan: &Plan) -> String {
    let mut table = table(&["shard", "instances", "ns per busy cycle", "arena bytes"]);
    let used = summary.shards.iter().zip(plan.regions()).enumerate();
    for (number, (shard, regions)) in used.filter(|(_, (shard, _))| shard.instance_count > 0) {
        let bytes: usize = regions.iter().map(|region| region.bytes).sum();
        table.add_row([
            number.to_string(),
            thousands(shard.instance_count as u64),
            milli(shard.load_ps),
            thousands(bytes as u64),
        ]);
    }
    table_text(table, 0..4)
}

fn links(summary: &Summary) -> String {
    let mut table = table(&["link", "wires", "items per cycle", "least latency"]);
    for link in summary.links.iter().take(LINES_MAX) {
        let cycles_milli = link.latency_ticks * 1_000 / summary.base_period_ticks;
        table.add_row([
            format!("{} to {}", link.from, link.to),
            thousands(link.wire_count as u64),
            milli(link.milli_transfers),
            format!("{} cycles", milli(cycles_milli)),
        ]);
    }
    let mut text = table_text(table, 1..4);
    if summary.links.len() > LINES_MAX {
        line(
            &mut text,
            &format!("and {} more", summary.links.len() - LINES_MAX),
        );
    }
    text
}

/// Clocks everything at every edge: a module that acts while it asked to sleep is a fault.
fn check_sleep(
    arguments: &CheckArguments,
    design: &Design,
    catalogue: &Catalogue,
) -> Result<u8, Failure> {
    let cycles = arguments
        .cycles
        .or(design.run.cycles)
        .or(design.run.max_cycles)
        .unwrap_or(SLEEP_CHECK_CYCLES);
    let limits = Limits {
        cycles: Some(cycles),
        max_cycles: None,
    };
    let options = RunOptions {
        host: HostOptions {
            no_sleep: true,
            ..HostOptions::default()
        },
        limits,
        ..RunOptions::default()
    };
    let mut terminal = Terminal::new(Guest::Nowhere, true, &limits)?;
    let report = execute(design, catalogue, &options, &mut terminal)?;
    terminal.finish()?;
    let story = describe(&report.outcome, &design.blueprint, catalogue);
    match report.outcome {
        Outcome::Faulted(_) => complain(&format!("error: {story}")),
        Outcome::Interrupted => complain("interrupted"),
        // How it ended is not what was checked.
        _ => print(&format!(
            "\nno module slept too long in {} cycles; the run ended so: {story}\n",
            thousands(report.cycles)
        ))?,
    }
    Ok(match report.outcome {
        Outcome::Faulted(_) | Outcome::Interrupted => report.exit_code(),
        _ => 0,
    })
}

/// Thousandths as a decimal.
fn milli(thousandths: u64) -> String {
    format!(
        "{}.{:03}",
        thousands(thousandths / 1_000),
        thousandths % 1_000
    )
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a string succeeds");
}
