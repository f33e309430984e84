//! Where things happen: counts of grids as heat maps.

use super::files::Files;
use super::number::folded;
use std::collections::BTreeMap;
use tina_viz::heat::{HeatMap, Reading};
use tina_viz::report::{Content, Section};

/// Maps on a page: those whose counts differ most from place to place.
const MAPS_MAX: usize = 6;
/// Elements that a map needs.
const ELEMENTS_MIN: usize = 4;

/// Standard deviation over mean that a map needs: what is nearly even is said by the table.
const SPREAD_MIN: f64 = 0.02;

/// The readings of one count in one array, and how uneven they are.
struct Candidate<'a> {
    array: String,
    name: &'a str,
    unit: &'a str,
    readings: Vec<Reading>,
    spread: f64,
}

pub(super) fn section(files: &Files) -> Option<Section> {
    let statistics = files.statistics.iter().flat_map(|it| &it.statistics);
    let counts = statistics.filter_map(|it| {
        let number = it.value.as_u64()?;
        Some((it.path.as_str(), it.name.as_str(), it.unit.as_str(), number))
    });
    section_of(
        counts,
        "Counts of the whole run by place: those that differ most from one place to another.",
    )
}

/// Maps of counts: path, name, unit, number.
pub(super) fn section_of<'a>(
    counts: impl Iterator<Item = (&'a str, &'a str, &'a str, u64)>,
    text: &str,
) -> Option<Section> {
    let mut candidates = candidates(counts);
    // Equal spreads stay in the order of names.
    candidates.sort_by(|a, b| b.spread.total_cmp(&a.spread));
    let map = |candidate: &Candidate<'_>| {
        let title = format!("{} of {}", candidate.name, candidate.array);
        HeatMap::new(&title, candidate.unit, &candidate.readings).ok()
    };
    let maps: Vec<_> = candidates.iter().filter_map(map).take(MAPS_MAX).collect();
    if maps.is_empty() {
        return None;
    }
    Some(Section {
        heading: "Heat maps".to_owned(),
        text: text.to_owned(),
        contents: vec![Content::Pictures(
            maps.iter().map(HeatMap::picture).collect(),
        )],
    })
}

fn candidates<'a>(
    counts: impl Iterator<Item = (&'a str, &'a str, &'a str, u64)>,
) -> Vec<Candidate<'a>> {
    let mut arrays: BTreeMap<(String, &str), Vec<(Reading, &str)>> = BTreeMap::new();
    for (path, name, unit, number) in counts.filter(|(path, ..)| path.contains('[')) {
        let reading = Reading {
            name: format!("{path}.{name}"),
            number: number as f64,
        };
        let array = arrays.entry((folded(path), name));
        array.or_default().push((reading, unit));
    }
    let candidates = arrays.into_iter().map(|((array, name), list)| {
        let unit = list.first().map_or("", |reading| reading.1);
        let readings: Vec<Reading> = list.into_iter().map(|reading| reading.0).collect();
        Candidate {
            spread: spread(&readings),
            array,
            name,
            unit,
            readings,
        }
    });
    let is_uneven =
        |it: &Candidate<'_>| it.readings.len() >= ELEMENTS_MIN && it.spread >= SPREAD_MIN;
    candidates.filter(is_uneven).collect()
}

/// Standard deviation over mean.
fn spread(readings: &[Reading]) -> f64 {
    let count = readings.len() as f64;
    let mean = readings.iter().map(|it| it.number).sum::<f64>() / count;
    if mean <= 0.0 {
        return 0.0;
    }
    let squares = readings.iter().map(|it| (it.number - mean).powi(2));
    (squares.sum::<f64>() / count).sqrt() / mean
}
