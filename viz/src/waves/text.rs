//! A sheet in letters, for a terminal.

use super::pieces::{Activity, Piece, What};
use super::{Lane, Sheet, Style, cursor_name};
use crate::trace::{Radix, Trace, Value};

/// The narrowest a terminal is taken to be, in letters.
const WIDTH_MIN: usize = 40;
const LABEL_MAX: usize = 32;

/// The letters that lanes are drawn with.
struct Letters {
    low: char,
    high: char,
    rise: char,
    fall: char,
    /// Where a bus takes another value.
    edge: char,
    /// The rest of a bus.
    wire: char,
    unknown: char,
    high_z: char,
    unset: char,
    busy: char,
    event: char,
    cursor: char,
    tick: char,
    /// From the least to the greatest.
    curve: &'static [char],
    /// From nothing to the most.
    shades: &'static [char],
    elided: char,
}

const UNICODE: Letters = Letters {
    low: '▁',
    high: '▔',
    rise: '╱',
    fall: '╲',
    edge: '╳',
    wire: '─',
    unknown: '▒',
    high_z: '┄',
    unset: ' ',
    busy: '▓',
    event: '↑',
    cursor: '┊',
    tick: '╷',
    curve: &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
    shades: &[' ', '░', '▒', '▓', '█'],
    elided: '…',
};

const ASCII: Letters = Letters {
    low: '_',
    high: '~',
    rise: '/',
    fall: '\\',
    edge: 'X',
    wire: '-',
    unknown: 'x',
    high_z: 'z',
    unset: ' ',
    busy: '#',
    event: '^',
    cursor: ':',
    tick: '|',
    curve: &['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    shades: &[' ', '.', ':', '*', '#'],
    elided: '~',
};

/// Letters that are left for lanes beside the labels of these signals.
pub(super) fn lane_columns(trace: &Trace, signals: &[usize], width: usize) -> usize {
    let infos = trace.signals();
    let names = signals
        .iter()
        .map(|&signal| infos[signal].full_name().chars().count());
    let label = names.max().unwrap_or(0).min(LABEL_MAX);
    width.max(WIDTH_MIN).saturating_sub(label + 2).max(8)
}

impl Sheet {
    /// Lanes in letters: of Unicode, or of ASCII alone. `width` is that of the terminal, in letters.
    #[must_use]
    pub fn text(&self, width: usize, ascii: bool) -> String {
        let letters = if ascii { &ASCII } else { &UNICODE };
        let label_width = self
            .lanes
            .iter()
            .map(label_length)
            .max()
            .unwrap_or(0)
            .min(LABEL_MAX);
        let columns = width.max(WIDTH_MIN).saturating_sub(label_width + 2).max(8);
        let scale = Scale {
            from: self.options.from,
            span: u128::from(self.options.to - self.options.from).max(1),
            columns,
        };
        let mut out = format!("{}: {}", self.options.title, self.window_text());
        if !self.common.is_empty() {
            out.push_str(&format!(", in {}", self.common));
        }
        out.push_str("\n\n");
        let indent = " ".repeat(label_width + 2);
        for line in self.axis_lines(&scale, letters) {
            out.push_str(&format!("{indent}{line}\n"));
        }
        for lane in &self.lanes {
            match lane {
                Lane::Heading { text } => {
                    out.push_str(&format!("{text}\n"));
                }
                Lane::Signal { label, .. } | Lane::Folded { label, .. } => {
                    let mut row = lane_letters(lane, &scale, letters);
                    for &cursor in &self.options.cursors {
                        let column = scale.column(cursor);
                        if matches!(row[column], ' ') || row[column] == letters.low {
                            row[column] = letters.cursor;
                        }
                    }
                    let label = fitted(label, label_width, letters.elided);
                    let row: String = row.into_iter().collect();
                    out.push_str(format!("{label:label_width$}  {row}").trim_end());
                    out.push('\n');
                }
            }
        }
        self.write_end(&mut out, &scale, &indent);
        out
    }

    /// Numbers and marks below them.
    fn axis_lines(&self, scale: &Scale, letters: &Letters) -> [String; 2] {
        let (from, to) = (self.options.from, self.options.to);
        let widest = self.clock.text(to).chars().count() + 3;
        let ticks = self.clock.ticks(from, to, (scale.columns / widest).max(1));
        let mut numbers = String::new();
        let mut marks = vec![' '; scale.columns];
        let unit = format!(" {}", self.clock.unit());
        for (number, (time, text)) in ticks.marks.iter().enumerate() {
            let column = scale.column(*time);
            marks[column] = letters.tick;
            let taken = numbers.chars().count();
            let text = if number == 0 {
                format!("{text}{unit}")
            } else {
                text.clone()
            };
            let fits = column + text.chars().count() <= scale.columns;
            if fits && (taken == 0 || taken < column) {
                numbers.push_str(&" ".repeat(column - taken));
                numbers.push_str(&text);
            }
        }
        let marks: String = marks.into_iter().collect();
        [numbers, marks.trim_end().to_owned()]
    }

    /// Cursors, values at them, notes.
    fn write_end(&self, out: &mut String, scale: &Scale, indent: &str) {
        let mut marks = vec![' '; scale.columns];
        for (number, &cursor) in self.options.cursors.iter().enumerate() {
            let name = cursor_name(number);
            marks[scale.column(cursor)] = name.chars().next().unwrap_or(' ');
        }
        if !self.options.cursors.is_empty() {
            let marks: String = marks.into_iter().collect();
            out.push_str(&format!("{indent}{}\n\n", marks.trim_end()));
            for text in self.cursor_texts() {
                out.push_str(&format!("{text}\n"));
            }
            self.write_marked(out);
        }
        for note in &self.notes {
            out.push_str(&format!("{note}\n"));
        }
    }
}

impl Sheet {
    /// A table of values at the cursors.
    fn write_marked(&self, out: &mut String) {
        let rows: Vec<(&String, &Vec<String>)> = self
            .lanes
            .iter()
            .filter_map(|lane| match lane {
                Lane::Signal { label, marked, .. } => Some((label, marked)),
                Lane::Folded { .. } | Lane::Heading { .. } => None,
            })
            .collect();
        let length = |text: &str| text.chars().count();
        let first = rows.iter().map(|row| length(row.0)).max().unwrap_or(0);
        let mut titles = String::new();
        let mut lines: Vec<String> = rows.iter().map(|row| format!("{:first$}", row.0)).collect();
        for number in 0..self.options.cursors.len() {
            let widths = rows.iter().map(|row| length(&row.1[number]));
            let width = widths.max().unwrap_or(0).max(3);
            titles.push_str(&format!("  {:>width$}", cursor_name(number)));
            for (line, row) in lines.iter_mut().zip(&rows) {
                line.push_str(&format!("  {:>width$}", row.1[number]));
            }
        }
        out.push_str(&format!("{:first$}{titles}\n{}\n", "", lines.join("\n")));
    }
}

struct Scale {
    from: u64,
    span: u128,
    columns: usize,
}

impl Scale {
    fn column(&self, time: u64) -> usize {
        let column = u128::from(time - self.from) * self.columns as u128 / self.span;
        (column as usize).min(self.columns - 1)
    }

    /// First and past the last column of a piece: where it begins, and where the next begins.
    fn columns(&self, piece: &Piece) -> (usize, usize) {
        let start = self.column(piece.from);
        let end = u128::from(piece.to - self.from) * self.columns as u128 / self.span;
        (
            start,
            (end as usize).clamp(start + 1, self.columns.max(start + 1)),
        )
    }
}

fn label_length(lane: &Lane) -> usize {
    match lane {
        Lane::Heading { .. } => 0,
        Lane::Signal { label, .. } => label.chars().count(),
        Lane::Folded { label, .. } => label.chars().count(),
    }
}

/// The end of a text that is too long.
fn fitted(text: &str, width: usize, elided: char) -> String {
    let count = text.chars().count();
    if count <= width {
        return text.to_owned();
    }
    let end: String = text.chars().skip(count + 1 - width).collect();
    format!("{elided}{end}")
}

fn lane_letters(lane: &Lane, scale: &Scale, letters: &Letters) -> Vec<char> {
    let mut row = vec![letters.unset; scale.columns];
    match lane {
        Lane::Heading { .. } => {}
        Lane::Folded { activity, .. } => shade(&mut row, activity, letters),
        Lane::Signal {
            style,
            width,
            pieces,
            texts,
            ..
        } => match style {
            Style::Digital => digital(&mut row, pieces, scale, letters),
            Style::Bus => bus(&mut row, pieces, texts, scale, letters),
            Style::Curve => curve(&mut row, pieces, *width, scale, letters),
            Style::Event => events(&mut row, pieces, scale, letters),
        },
    }
    row
}

fn digital(row: &mut [char], pieces: &[Piece], scale: &Scale, letters: &Letters) {
    let mut before = None;
    for piece in pieces {
        let (start, end) = scale.columns(piece);
        let (letter, bit) = match &piece.what {
            What::Unset => (letters.unset, None),
            What::Busy { .. } => (letters.busy, None),
            What::Value(Value::Number(0)) => (letters.low, Some(false)),
            What::Value(Value::Number(_)) => (letters.high, Some(true)),
            What::Value(value) if value.is_high_z() => (letters.high_z, None),
            What::Value(_) => (letters.unknown, None),
        };
        row[start..end].fill(letter);
        match (before, bit) {
            (Some(false), Some(true)) => row[start] = letters.rise,
            (Some(true), Some(false)) => row[start] = letters.fall,
            _ => {}
        }
        before = bit;
    }
}

fn bus(row: &mut [char], pieces: &[Piece], texts: &[String], scale: &Scale, letters: &Letters) {
    for (number, (piece, text)) in pieces.iter().zip(texts).enumerate() {
        let (start, end) = scale.columns(piece);
        let value = match &piece.what {
            What::Unset => continue,
            What::Busy { .. } => {
                row[start..end].fill(letters.busy);
                continue;
            }
            What::Value(value) => value,
        };
        let is_unknown = value.is_unknown();
        let rest = match () {
            () if is_unknown => letters.unknown,
            () if value.is_high_z() => letters.high_z,
            () => letters.wire,
        };
        row[start..end].fill(rest);
        let first = start + usize::from(number > 0);
        if number > 0 {
            row[start] = letters.edge;
        }
        let length = text.chars().count();
        if value.is_high_z() || end <= first {
            continue;
        }
        let room = end - first;
        let shown: Vec<char> = if length <= room {
            text.chars().collect()
        } else if room > 2 {
            text.chars()
                .take(room - 1)
                .chain([letters.elided])
                .collect()
        } else {
            Vec::new()
        };
        row[first..first + shown.len()].copy_from_slice(&shown);
    }
}

fn curve(row: &mut [char], pieces: &[Piece], width: u32, scale: &Scale, letters: &Letters) {
    let number = |piece: &Piece| match &piece.what {
        What::Unset => None,
        What::Busy { range, .. } => range.map(|range| range.1),
        What::Value(value) => value.number(Radix::Decimal, width),
    };
    let numbers = || pieces.iter().filter_map(number);
    let low = numbers().fold(0.0, f64::min);
    let high = numbers().fold(low, f64::max);
    let steps = letters.curve.len() - 1;
    for piece in pieces {
        let (start, end) = scale.columns(piece);
        let letter = match number(piece) {
            None if piece.what == What::Unset => letters.unset,
            None => letters.unknown,
            Some(number) => {
                let share = if high > low {
                    (number - low) / (high - low)
                } else {
                    0.0
                };
                letters.curve[(share * steps as f64).round() as usize]
            }
        };
        row[start..end].fill(letter);
    }
}

fn events(row: &mut [char], pieces: &[Piece], scale: &Scale, letters: &Letters) {
    for piece in pieces {
        let (start, end) = scale.columns(piece);
        match piece.what {
            What::Unset => {}
            What::Busy { .. } => row[start..end].fill(letters.busy),
            What::Value(_) => row[start] = letters.event,
        }
    }
}

fn shade(row: &mut [char], activity: &Activity, letters: &Letters) {
    let count = row.len();
    let sums: Vec<u64> = (0..count)
        .map(|column| {
            let cells = column * Activity::COLUMNS / count
                ..((column + 1) * Activity::COLUMNS).div_ceil(count);
            cells.map(|cell| activity.column(cell)).max().unwrap_or(0)
        })
        .collect();
    let most = sums.iter().copied().max().unwrap_or(0).max(1);
    let steps = letters.shades.len() as u64 - 1;
    for (letter, sum) in row.iter_mut().zip(sums) {
        *letter = letters.shades[(sum * steps).div_ceil(most) as usize];
    }
}
