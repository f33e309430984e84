//! A report as a drawing: a panel for each workload, a bar for each form, one logarithmic scale.
//!
//! ```text
//!  W1 pipeline                        panels in two columns, filled from the left
//!    plain loop    ████████████ 956   a bar starts at the left end of the scale
//!    tina-hw, …    █████████ 338
//!                  |    |    |        a line at each power of ten
//! ```
//! Texts have a place of their own, sized for the longest, so that none meets another.

use super::report::{Family, FormReport, Report, SubjectReport};
use super::table::significant;
use std::fmt::Write;

const ROW: f64 = 17.0;
const BAR: f64 = 12.0;
/// Width of a letter of the labels, generously: fonts differ.
const LETTER: f64 = 6.4;
const SCALE_WIDTH: f64 = 330.0;
/// Behind the longest bar, for its number.
const NUMBER_WIDTH: f64 = 60.0;
const PANEL_HEAD: f64 = 24.0;
const PANEL_FOOT: f64 = 34.0;
const GAP: f64 = 24.0;
const HEAD: f64 = 66.0;

/// The decades of the scale.
struct Scale {
    low: i32,
    high: i32,
}

impl Scale {
    fn of(report: &Report) -> Self {
        let figures = report.subjects.iter().flat_map(shown);
        let logs = figures.filter_map(|form| Some(form.figures?.kilohertz.log10()));
        let (low, high) = logs.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), log| {
            (low.min(log), high.max(log))
        });
        if low > high {
            return Self { low: 0, high: 1 };
        }
        // A bar at the very end of the scale would have no length.
        let low = (low - 0.1).floor() as i32;
        Self {
            low,
            high: (high.ceil() as i32).max(low + 1),
        }
    }

    fn x(&self, log: f64) -> f64 {
        (log - f64::from(self.low)) / f64::from(self.high - self.low) * SCALE_WIDTH
    }
}

/// The drawing as SVG.
#[must_use]
pub fn svg(report: &Report) -> String {
    let scale = Scale::of(report);
    let subjects: Vec<&SubjectReport> = report
        .subjects
        .iter()
        .filter(|subject| shown(subject).next().is_some())
        .collect();
    let letters = subjects.iter().flat_map(|subject| shown(subject));
    let letters = letters
        .map(|form| form.label.chars().count())
        .max()
        .unwrap_or(0);
    let label_width = letters as f64 * LETTER;
    let panel_width = label_width + 8.0 + SCALE_WIDTH + NUMBER_WIDTH;
    let width = 2.0 * panel_width + 3.0 * GAP;
    let mut bottoms = [HEAD; 2];
    let mut panels = String::new();
    for subject in subjects {
        let column = usize::from(bottoms[1] < bottoms[0]);
        let left = GAP + column as f64 * (panel_width + GAP);
        let bars_left = left + label_width + 8.0;
        bottoms[column] += panel(&mut panels, subject, &scale, (bars_left, bottoms[column]));
    }
    let height = bottoms[0].max(bottoms[1]) + GAP;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    legend(&mut svg, report);
    svg.push_str(&panels);
    svg.push_str("</svg>\n");
    svg
}

fn legend(svg: &mut String, report: &Report) {
    let title = format!(
        "Thousands of cycles per second, more is better; {}, {} cores",
        report.host.processor, report.host.cores
    );
    text(
        svg,
        (GAP, 24.0),
        "font-size=\"15\" font-weight=\"bold\"",
        &title,
    );
    let mut x = GAP;
    for (family, label) in [
        (Family::Tina, "tina-hw"),
        (Family::Loop, "loops by hand"),
        (Family::Timed, "others that model every cycle"),
        (Family::Untimed, "others without cycles, for as many items"),
    ] {
        rectangle(svg, (x, 38.0), BAR, colour(family));
        text(svg, (x + BAR + 6.0, 48.0), "", label);
        x += BAR + 30.0 + label.chars().count() as f64 * LETTER;
    }
}

/// Draws a workload; the left end of its bars and its top are given. Returns its height.
fn panel(svg: &mut String, subject: &SubjectReport, scale: &Scale, place: (f64, f64)) -> f64 {
    let (left, top) = place;
    let count = shown(subject).count() as f64;
    let (first, last) = (top + PANEL_HEAD, top + PANEL_HEAD + count * ROW);
    let bold = "font-size=\"13\" font-weight=\"bold\"";
    text(svg, (left, top + 14.0), bold, &subject.title);
    for decade in scale.low..=scale.high {
        let x = left + scale.x(f64::from(decade));
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{first:.1}\" x2=\"{x:.1}\" y2=\"{last:.1}\" stroke=\"#d0d7de\"/>"
        );
        let number = significant_power(decade);
        let grey = "text-anchor=\"middle\" fill=\"#57606a\" font-size=\"10\"";
        text(svg, (x, last + 13.0), grey, &number);
    }
    for (number, form) in shown(subject).enumerate() {
        let y = first + number as f64 * ROW;
        let kilohertz = form.figures.map_or(0.0, |figures| figures.kilohertz);
        let length = scale.x(kilohertz.log10());
        let base = y + BAR - 1.0;
        text(svg, (left - 8.0, base), "text-anchor=\"end\"", &form.label);
        rectangle(svg, (left, y + 1.0), length, colour(form.family));
        text(
            svg,
            (left + length + 5.0, base),
            "",
            &significant(kilohertz),
        );
    }
    PANEL_HEAD + count * ROW + PANEL_FOOT
}

/// The forms that have a bar, in the order of the report.
fn shown(subject: &SubjectReport) -> impl Iterator<Item = &FormReport> {
    let forms = subject.forms.iter().filter(|_| !subject.is_witness);
    forms.filter(|form| form.figures.is_some() && form.family != Family::Witness)
}

fn significant_power(decade: i32) -> String {
    if decade >= 0 {
        tina_sim::run::thousands(10u64.pow(decade.unsigned_abs()))
    } else {
        format!("{:.*}", decade.unsigned_abs() as usize, 10f64.powi(decade))
    }
}

fn colour(family: Family) -> &'static str {
    match family {
        Family::Tina | Family::Witness => "#1f6feb",
        Family::Loop => "#57606a",
        Family::Timed => "#d9822b",
        Family::Untimed => "#efc27b",
    }
}

fn rectangle(svg: &mut String, (x, y): (f64, f64), width: f64, fill: &str) {
    let _ = writeln!(
        svg,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" fill=\"{fill}\"/>"
    );
}

fn text(svg: &mut String, (x, y): (f64, f64), attributes: &str, text: &str) {
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let blank = if attributes.is_empty() { "" } else { " " };
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\"{blank}{attributes}>{escaped}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::super::readme::tests::report;
    use super::*;

    /// Number after `name="` in a line.
    fn attribute(line: &str, name: &str) -> f64 {
        let rest = line.split_once(&format!(" {name}=\"")).unwrap().1;
        rest.split_once('"').unwrap().0.parse().unwrap()
    }

    #[test]
    fn faster_forms_have_longer_bars_and_failed_ones_none() {
        let svg = svg(&report());
        let bars = svg.lines().filter(|line| line.starts_with("<rect x="));
        let lengths: Vec<f64> = bars.skip(4).map(|line| attribute(line, "width")).collect();
        assert_eq!(lengths.len(), 6, "{svg}");
        assert!(
            lengths[0] < lengths[2],
            "one shard is faster than the plain loop"
        );
        assert!(lengths[5] > 0.0 && lengths[5] < lengths[0], "go is slowest");
        assert!(!svg.contains("label of wrong"));
        assert!(svg.contains(">label of shards-1<"));
    }

    #[test]
    fn texts_of_a_column_do_not_meet() {
        let mut report = report();
        report.subjects = vec![report.subjects[0].clone(); 3];
        let svg = svg(&report);
        let texts = svg.lines().filter(|line| line.starts_with("<text"));
        let mut places: Vec<(i64, i64)> = texts
            .map(|line| (attribute(line, "x") as i64, attribute(line, "y") as i64))
            .collect();
        places.sort_unstable();
        for pair in places.windows(2) {
            let apart = pair[0].0 != pair[1].0 || pair[1].1 - pair[0].1 >= 12;
            assert!(apart, "{pair:?}");
        }
    }
}
