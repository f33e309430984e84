//! How the run went: instructions per cycle and results over time.

use super::files::Files;
use crate::run::{Curve, Series};
use tina_viz::chart::{Chart, Line};
use tina_viz::report::{Content, Section};

/// Results that have a frame each; more of them are rows.
const FRAMES_MAX: usize = 3;

pub(super) fn sections(files: &Files) -> Vec<Section> {
    let Some(series) = files
        .series
        .as_ref()
        .filter(|series| series.cycles.len() > 1)
    else {
        return Vec::new();
    };
    let is_instructions = |curve: &&Curve| curve.name == "instructions" && has_harts(series);
    let (instructions, results): (Vec<&Curve>, Vec<&Curve>) =
        series.curves.iter().partition(is_instructions);
    let mut sections = Vec::new();
    if !instructions.is_empty() {
        sections.push(instructions_per_cycle(series, &instructions));
    }
    if !results.is_empty() {
        sections.push(results_over_time(series, &results));
    }
    sections
}

fn has_harts(series: &Series) -> bool {
    series.curves.iter().any(|curve| !curve.path.is_empty())
}

/// What came in each interval, per cycle.
fn rates(series: &Series, curve: &Curve) -> Vec<f64> {
    let intervals = series.cycles.windows(2).zip(curve.values.windows(2));
    let rate = |(cycles, values): (&[u64], &[u64])| {
        values[1].saturating_sub(values[0]) as f64 / (cycles[1] - cycles[0]) as f64
    };
    intervals.map(rate).collect()
}

fn chart(series: &Series, title: &str, legend: &str, lines: Vec<Line>) -> Chart {
    Chart {
        title: title.to_owned(),
        legend: legend.to_owned(),
        edges: series.cycles.clone(),
        edge_unit: "cycles".to_owned(),
        lines,
    }
}

fn instructions_per_cycle(series: &Series, curves: &[&Curve]) -> Section {
    let hart_count = curves.iter().filter(|curve| !curve.path.is_empty()).count();
    let all_count = hart_count + series.left_out;
    let line = |curve: &&Curve| {
        let is_main = curve.path.is_empty();
        let mut numbers = rates(series, curve);
        if is_main {
            numbers
                .iter_mut()
                .for_each(|number| *number /= all_count.max(1) as f64);
        }
        Line {
            name: if is_main {
                format!("mean of {all_count} cores")
            } else {
                curve.path.clone()
            },
            numbers,
            is_main,
        }
    };
    let mut lines: Vec<Line> = curves.iter().map(line).collect();
    if all_count == 1 {
        lines.retain(|line| !line.is_main);
    }
    let title = "Instructions per cycle";
    let chart = chart(
        series,
        title,
        "completed instructions per cycle of the base clock",
        lines,
    );
    let mut contents = vec![Content::Picture(chart.curves())];
    if hart_count > 1 {
        let chart = Chart {
            title: "Core by core".to_owned(),
            ..chart
        };
        contents.push(Content::Picture(chart.rows()));
    }
    let text = if series.left_out > 0 {
        format!(
            "Between two ends of epochs. The mean is of all cores; {} of them have no curve of their own.",
            series.left_out
        )
    } else {
        "Between two ends of epochs.".to_owned()
    };
    Section {
        heading: title.to_owned(),
        text,
        contents,
    }
}

fn results_over_time(series: &Series, curves: &[&Curve]) -> Section {
    let line = |curve: &&Curve| Line {
        name: curve.name.clone(),
        numbers: rates(series, curve),
        is_main: false,
    };
    let mut lines: Vec<Line> = curves.iter().map(line).collect();
    let title = "Results over time";
    let (contents, text) = if lines.len() <= FRAMES_MAX {
        let frame = |line: Line| {
            let name = line.name.clone();
            let chart = chart(series, &name, "per cycle of the base clock", vec![line]);
            Content::Picture(chart.curves())
        };
        let frames = lines.into_iter().map(frame).collect();
        (frames, "How fast the totals of the netlist grow.")
    } else {
        lines.iter_mut().for_each(normalise);
        let chart = chart(
            series,
            title,
            "share of each one's own greatest rate",
            lines,
        );
        let text = "How fast the totals of the netlist grow, each compared with itself: when the phases of the run \
                    come and go.";
        (vec![Content::Picture(chart.rows())], text)
    };
    Section {
        heading: title.to_owned(),
        text: text.to_owned(),
        contents,
    }
}

/// To shares of the greatest.
fn normalise(line: &mut Line) {
    let most = line.numbers.iter().copied().fold(0.0, f64::max);
    if most > 0.0 {
        line.numbers.iter_mut().for_each(|number| *number /= most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_per_cycle_and_never_below_nothing() {
        let curve = Curve {
            path: String::new(),
            name: "things".to_owned(),
            values: vec![10, 30, 20, 24],
        };
        let series = Series {
            schema: 1,
            netlist: String::new(),
            cycles: vec![0, 10, 20, 28],
            curves: Vec::new(),
            left_out: 0,
        };
        assert_eq!(rates(&series, &curve), [2.0, 0.0, 0.5]);
    }
}
