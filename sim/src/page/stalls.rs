//! Why it is slow: what was counted at the ports, where that was asked for.

use super::files::{Files, StallPort, Stalls};
use super::number::folded;
use std::collections::BTreeMap;
use tina_viz::chart::{Part, Shares};
use tina_viz::drawing::Ink;
use tina_viz::heat::{HeatMap, Reading};
use tina_viz::report::{Content, Section};

/// Wires and kinds of ports that are drawn.
const ROWS_MAX: usize = 24;
/// Arrays that have maps, and the elements that such an array has at least.
const ARRAYS_MAX: usize = 3;
const ELEMENTS_MIN: usize = 4;

/// Names of causes and their colours; what is not known here is grey.
const INKS: [(&str, Ink); 8] = [
    ("moved", Ink::Lane),
    ("empty", Ink::Edge),
    ("full", Ink::Unknown),
    ("credit", Ink::HighZ),
    ("arbitration", Ink::Event),
    ("latency", Ink::Bus),
    ("partner", Ink::Cursor),
    ("asleep", Ink::Muted),
];

pub(super) fn section(files: &Files) -> Option<Section> {
    let stalls = files.statistics.as_ref()?.stalls.as_ref()?;
    let mut contents = Vec::new();
    contents.extend(critical_path(stalls));
    contents.extend(ranked(stalls).map(Content::Picture));
    let maps = maps(stalls);
    if !maps.is_empty() {
        contents.push(Content::Pictures(
            maps.iter().map(HeatMap::picture).collect(),
        ));
    }
    contents.extend(kinds(stalls).map(Content::Picture));
    let looked = if stalls.every > 1 {
        format!("at one edge in {}", stalls.every)
    } else {
        "at every edge".to_owned()
    };
    Some(Section {
        heading: "Stalls".to_owned(),
        text: format!("Why ports moved no item, counted {looked}."),
        contents,
    })
}

fn critical_path(stalls: &Stalls) -> Option<Content> {
    let path = stalls.critical_path.as_ref()?;
    let mut lines = vec!["critical path along full wires".to_owned()];
    let steps = path.steps.iter().enumerate();
    lines.extend(steps.map(|(number, step)| format!("{:>4}  {}", number + 1, step.text)));
    if let Some(head) = &path.head {
        let text = head["text"].as_str().or_else(|| head.as_str());
        lines.extend(text.map(|text| format!("head  {text}")));
    }
    Some(Content::Verbatim(lines.join("\n")))
}

fn parts(stalls: &Stalls) -> Vec<Part> {
    let part = |name: &String| Part {
        name: name.clone(),
        ink: INKS
            .iter()
            .find(|(known, _)| known == name)
            .map_or(Ink::Muted, |(_, ink)| *ink),
    };
    stalls.causes.iter().map(part).collect()
}

fn row(stalls: &Stalls, name: String, counts: &BTreeMap<String, u64>) -> (String, Vec<f64>) {
    let count = |cause: &String| counts.get(cause).copied().unwrap_or(0) as f64;
    (name, stalls.causes.iter().map(count).collect())
}

/// The outputs that were held up most.
fn ranked(stalls: &Stalls) -> Option<tina_viz::drawing::Drawing> {
    let outputs = stalls.ports.iter().filter(|port| port.way == "out");
    let outputs: BTreeMap<String, &StallPort> = outputs.map(|port| (port.name(), port)).collect();
    let rows = stalls.ranking.iter().take(ROWS_MAX).filter_map(|wire| {
        let port = outputs.get(&wire.output)?;
        Some(row(stalls, wire.output.clone(), &port.counts))
    });
    let rows: Vec<(String, Vec<f64>)> = rows.collect();
    (!rows.is_empty()).then(|| {
        let shares = Shares {
            title: "Outputs that were held up most".to_owned(),
            legend: "share of the edges that were looked at".to_owned(),
            parts: parts(stalls),
            rows,
        };
        shares.picture()
    })
}

fn kinds(stalls: &Stalls) -> Option<tina_viz::drawing::Drawing> {
    let kinds = stalls.kinds.iter().take(ROWS_MAX);
    let rows = kinds.map(|kind| {
        let name = format!("{}.{} ({}) ×{}", kind.kind, kind.port, kind.way, kind.ports);
        row(stalls, name, &kind.counts)
    });
    let rows: Vec<(String, Vec<f64>)> = rows.collect();
    (!rows.is_empty()).then(|| {
        let shares = Shares {
            title: "All ports of a kind".to_owned(),
            legend: "share of the edges that were looked at".to_owned(),
            parts: parts(stalls),
            rows,
        };
        shares.picture()
    })
}

/// Of the arrays whose outputs carry most: what they carry, and how long they are held up.
fn maps(stalls: &Stalls) -> Vec<HeatMap> {
    let mut arrays: BTreeMap<String, Vec<&StallPort>> = BTreeMap::new();
    for port in stalls.ports.iter().filter(|port| port.way == "out") {
        if port.path.contains('[') && port.edges > 0 {
            arrays.entry(folded(&port.path)).or_default().push(port);
        }
    }
    let mut arrays: Vec<(String, Vec<&StallPort>)> = arrays.into_iter().collect();
    let moved = |ports: &[&StallPort]| ports.iter().map(|port| port.count("moved")).sum::<u64>();
    arrays.sort_by_key(|(_, ports)| std::cmp::Reverse(moved(ports)));
    let is_grid = |ports: &[&StallPort]| {
        let mut paths: Vec<&str> = ports.iter().map(|port| port.path.as_str()).collect();
        paths.dedup();
        paths.len() >= ELEMENTS_MIN
    };
    let grids = arrays
        .iter()
        .filter(|(_, ports)| is_grid(ports))
        .take(ARRAYS_MAX);
    let mut maps = Vec::new();
    for (array, ports) in grids {
        let map = |title: String, legend: &str, causes: &[&str]| {
            let reading = |port: &&StallPort| {
                let count: u64 = causes.iter().map(|cause| port.count(cause)).sum();
                Reading {
                    name: port.name(),
                    number: count as f64 / port.edges as f64,
                }
            };
            let readings: Vec<Reading> = ports.iter().map(reading).collect();
            let is_any = readings.iter().any(|reading| reading.number > 0.0);
            is_any
                .then(|| HeatMap::new(&title, legend, &readings).ok())
                .flatten()
        };
        maps.extend(map(
            format!("Load of {array}"),
            "edges at which outputs moved an item, as a share",
            &["moved"],
        ));
        maps.extend(map(
            format!("Stalls of {array}"),
            "edges at which outputs had no room, as a share",
            &["full", "credit"],
        ));
    }
    maps
}
