//! All statistics, instances of an array folded to a row.

use super::files::{Files, Statistic};
use super::number::{folded, short};
use std::collections::BTreeMap;
use tina_viz::report::{Content, Section};

/// Rows of the table; arrays come before their elements, so this is much.
const ROWS_MAX: usize = 500;
/// Histograms that are drawn.
const HISTOGRAMS_MAX: usize = 12;

pub(super) fn sections(files: &Files) -> Vec<Section> {
    let Some(statistics) = &files.statistics else {
        return Vec::new();
    };
    let mut order = Vec::new();
    let mut groups: BTreeMap<(String, &str), Vec<&Statistic>> = BTreeMap::new();
    for statistic in &statistics.statistics {
        let key = (folded(&statistic.path), statistic.name.as_str());
        let group = groups.entry(key.clone()).or_default();
        if group.is_empty() {
            order.push(key);
        }
        group.push(statistic);
    }
    let mut sections = Vec::new();
    let rows: Vec<Vec<String>> = order
        .iter()
        .filter_map(|key| row(key, &groups[key]))
        .collect();
    if !rows.is_empty() {
        sections.push(table(rows));
    }
    let histograms: Vec<Content> = order
        .iter()
        .filter_map(|key| histogram(key, &groups[key]))
        .take(HISTOGRAMS_MAX)
        .flatten()
        .collect();
    if !histograms.is_empty() {
        sections.push(Section {
            heading: "Histograms".to_owned(),
            text: "One bar for each number of bits; instances of an array together.".to_owned(),
            contents: histograms,
        });
    }
    sections
}

fn table(mut rows: Vec<Vec<String>>) -> Section {
    let count = rows.len();
    rows.truncate(ROWS_MAX);
    let titles = [
        "instances",
        "",
        "what",
        "sum",
        "least",
        "greatest",
        "unit",
        "meaning",
    ];
    let text = if count > ROWS_MAX {
        format!("The first {ROWS_MAX} of {count} rows; all are in stats.json.")
    } else {
        "Instances of an array together; each by itself is in stats.json.".to_owned()
    };
    Section {
        heading: "Statistics".to_owned(),
        text,
        contents: vec![Content::Table {
            columns: titles.map(str::to_owned).to_vec(),
            rows,
            numbers: vec![false, true, false, true, true, true, false, false],
        }],
    }
}

/// A count of one or several instances; checks and histograms have none.
fn row((path, name): &(String, &str), group: &[&Statistic]) -> Option<Vec<String>> {
    let numbers: Option<Vec<u64>> = group.iter().map(|it| it.value.as_u64()).collect();
    let numbers = numbers?;
    let sum: f64 = numbers.iter().map(|&number| number as f64).sum();
    let (least, most) = (numbers.iter().min()?, numbers.iter().max()?);
    let is_alone = numbers.len() == 1;
    let extreme = |number: u64| {
        if is_alone {
            String::new()
        } else {
            short(number as f64)
        }
    };
    Some(vec![
        path.clone(),
        if is_alone {
            String::new()
        } else {
            format!("×{}", numbers.len())
        },
        (*name).to_owned(),
        short(sum),
        extreme(*least),
        extreme(*most),
        group[0].unit.clone(),
        group[0].description.clone(),
    ])
}

/// The buckets of all instances, added up: a line that says what they are, and bars.
fn histogram((path, name): &(String, &str), group: &[&Statistic]) -> Option<[Content; 2]> {
    let mut buckets: BTreeMap<u64, (Option<u64>, f64)> = BTreeMap::new();
    for statistic in group {
        for bucket in statistic.value["buckets"].as_array()? {
            let slot = buckets.entry(bucket[0].as_u64()?).or_default();
            slot.0 = bucket[1].as_u64();
            slot.1 += bucket[2].as_f64()?;
        }
    }
    if buckets.is_empty() {
        return None;
    }
    let bar = |(low, (high, count)): (u64, (Option<u64>, f64))| {
        let range = match high {
            Some(high) if high == low => short(low as f64),
            Some(high) => format!("{} to {}", short(low as f64), short(high as f64)),
            None => format!("{} and more", short(low as f64)),
        };
        (range, count)
    };
    let unit = &group[0].unit;
    Some([
        Content::Text(format!(
            "{name} of {path}, in {unit}: {}",
            group[0].description
        )),
        Content::Bars {
            bars: buckets.into_iter().map(bar).collect(),
            unit: "times".to_owned(),
        },
    ])
}
