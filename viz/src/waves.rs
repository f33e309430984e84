//! Waveforms: signals of a trace over a window of time, as rows of a picture or of a terminal.
//!
//! ```text
//!   Trace, selection ──fold──► rows ──read, reduce──► Sheet ──┬─► picture   lanes, buses, curves, cursors
//!                              (few)  (to the columns there are) └─► text   the same in letters
//! ```
//! More signals than there are rows for become rows of activity, one for each array, and the sheet says so.
//! What happens faster than the columns there are becomes activity as well: where it was and how much.

mod fold;
mod pieces;
mod lanes;
mod picture;
mod text;

use crate::time::{Clock, thousands};
use crate::trace::{Radix, ReadError, Trace, ValueKind};
use fold::Row;
use pieces::{Activity, Piece};

/// Rows of a sheet if nobody says otherwise.
pub const ROWS_DEFAULT: usize = 64;

/// The most rows of a sheet.
pub const ROWS_MAX: usize = 600;

/// What to show, and how.
#[derive(Clone, Debug)]
pub struct WaveOptions {
    /// The first time.
    pub from: u64,
    /// The last time, later than the first.
    pub to: u64,
    /// Marked times.
    pub cursors: Vec<u64>,
    /// How bits are written.
    pub radix: Radix,
    /// More signals are folded; 1 to [`ROWS_MAX`].
    pub rows_max: usize,
    /// The title; the name of the trace, usually.
    pub title: String,
}

/// How a signal is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// One bit: high and low.
    Digital,
    /// A value between transitions.
    Bus,
    /// A curve.
    Curve,
    /// Something that happens at moments.
    Event,
}

/// A row of the sheet.
enum Lane {
    /// One signal.
    Signal {
        label: String,
        style: Style,
        width: u32,
        pieces: Vec<Piece>,
        /// What stands in each piece.
        texts: Vec<String>,
        /// Texts at the cursors.
        marked: Vec<String>,
    },
    /// Many signals, folded.
    Folded {
        label: String,
        count: usize,
        activity: Activity,
    },
    /// The scope of the rows that follow.
    Heading { text: String },
}

/// Rows that are read and reduced, ready to be drawn.
pub struct Sheet {
    options: WaveOptions,
    clock: Clock,
    lanes: Vec<Lane>,
    /// The scopes that all signals have in common.
    common: String,
    /// What a reader must know to read the rows.
    notes: Vec<String>,
}

/// Columns of a picture that hold one change each.
const PICTURE_COLUMNS: usize = 500;

impl Sheet {
    /// Reads signals for a picture.
    ///
    /// # Errors
    /// The trace is broken where it is about one of them.
    pub fn for_picture(
        trace: &mut Trace,
        signals: &[usize],
        curves: &[usize],
        options: WaveOptions,
    ) -> Result<Self, ReadError> {
        Self::read(trace, signals, curves, options, PICTURE_COLUMNS)
    }

    /// Reads signals for a terminal that is so many letters wide.
    ///
    /// # Errors
    /// The trace is broken where it is about one of them.
    pub fn for_text(
        trace: &mut Trace,
        signals: &[usize],
        curves: &[usize],
        options: WaveOptions,
        width: usize,
    ) -> Result<Self, ReadError> {
        let columns = text::lane_columns(trace, signals, width);
        Self::read(trace, signals, curves, options, columns)
    }

    fn read(
        trace: &mut Trace,
        signals: &[usize],
        curves: &[usize],
        options: WaveOptions,
        columns: usize,
    ) -> Result<Self, ReadError> {
        let rows = fold::rows(trace.signals(), signals, options.rows_max);
        let common = fold::common_scope(trace.signals(), signals);
        let folded: usize = rows
            .iter()
            .map(|row| row.signals.len())
            .filter(|&count| count > 1)
            .sum();
        let mut lanes = Vec::new();
        let mut scope = None;
        let has_headings = fold::has_headings(&rows);
        for row in &rows {
            if has_headings && scope.as_ref() != Some(&row.scope) {
                scope = Some(row.scope.clone());
                let text = fold::without(&row.scope, &common).to_owned();
                lanes.extend((!text.is_empty()).then_some(Lane::Heading { text }));
            }
            let label = if has_headings {
                row.leaf.clone()
            } else {
                fold::without(&row.full_name(), &common).to_owned()
            };
            lanes.push(lane(trace, row, label, curves, &options, columns)?);
        }
        let clock = Clock::new(trace.exponent(), options.from, options.to, 8);
        let mut sheet = Self {
            options,
            clock,
            lanes,
            common,
            notes: Vec::new(),
        };
        sheet.take_notes(folded);
        Ok(sheet)
    }

    fn take_notes(&mut self, folded: usize) {
        if folded > 0 {
            let rows = self
                .lanes
                .iter()
                .filter(|lane| matches!(lane, Lane::Folded { .. }));
            self.notes.push(format!(
                "{} signals are folded into {} of activity: darker where more of them change",
                thousands(folded as u128),
                match rows.count() {
                    1 => "1 row".to_owned(),
                    count => format!("{count} rows"),
                }
            ));
        }
        let is_busy = |lane: &Lane| match lane {
            Lane::Signal { pieces, style, .. } => {
                *style != Style::Curve
                    && pieces
                        .iter()
                        .any(|piece| matches!(piece.what, pieces::What::Busy { .. }))
            }
            Lane::Folded { .. } | Lane::Heading { .. } => false,
        };
        if self.lanes.iter().any(is_busy) {
            self.notes
                .push("filled: it changes faster than can be shown".to_owned());
        }
    }

    /// How many signals are shown in rows of their own.
    #[must_use]
    pub fn row_count(&self) -> usize {
        let rows = self.lanes.iter();
        rows.filter(|lane| !matches!(lane, Lane::Heading { .. }))
            .count()
    }

    /// From the first to the last time, as text.
    fn window_text(&self) -> String {
        let (from, to) = (self.options.from, self.options.to);
        format!("{} to {}", self.clock.number(from), self.clock.text(to))
    }

    /// The name of a cursor and how far it is from the one before.
    fn cursor_texts(&self) -> Vec<String> {
        let mut texts = Vec::new();
        for (number, &time) in self.options.cursors.iter().enumerate() {
            let mut text = format!("{} {}", cursor_name(number), self.clock.text(time));
            if let Some(&before) = number
                .checked_sub(1)
                .and_then(|before| self.options.cursors.get(before))
            {
                let sign = if time >= before { "+" } else { "−" };
                let delta = self.clock.text(time.abs_diff(before));
                text.push_str(&format!(
                    " · Δ {sign}{delta} from {}",
                    cursor_name(number - 1)
                ));
            }
            texts.push(text);
        }
        texts
    }
}

/// A to Z, then numbers.
fn cursor_name(number: usize) -> String {
    match u8::try_from(number) {
        Ok(letter) if letter < 26 => char::from(b'A' + letter).to_string(),
        _ => (number + 1).to_string(),
    }
}

fn lane(
    trace: &mut Trace,
    row: &Row,
    label: String,
    curves: &[usize],
    options: &WaveOptions,
    columns: usize,
) -> Result<Lane, ReadError> {
    let (from, to) = (options.from, options.to);
    if let [signal] = row.signals[..] {
        let info = &trace.signals()[signal];
        let is_curve = curves.contains(&signal);
        let (style, width) = match info.kind {
            ValueKind::Event => (Style::Event, 1),
            ValueKind::Real if is_curve => (Style::Curve, 64),
            ValueKind::Bits(width) if is_curve => (Style::Curve, width),
            ValueKind::Bits(1) => (Style::Digital, 1),
            ValueKind::Bits(width) => (Style::Bus, width),
            ValueKind::Real | ValueKind::Text => (Style::Bus, 64),
        };
        let names = info.value_names.clone();
        let changes = trace.changes(signal, from, to)?;
        let text = |value: &crate::trace::Value| {
            let bits = value.text(Radix::Binary, width);
            let name = names
                .iter()
                .find(|name| name.0 == bits)
                .map(|name| name.1.clone());
            name.unwrap_or_else(|| value.text(options.radix, width))
        };
        let marked = options.cursors.iter();
        let marked = marked
            .map(|&time| changes.at(time).map_or_else(|| "–".to_owned(), text))
            .collect();
        let pieces = pieces::pieces(changes, (from, to), columns, style, options.radix, width);
        let texts = pieces
            .iter()
            .map(|piece| match &piece.what {
                pieces::What::Value(value) => text(value),
                pieces::What::Unset | pieces::What::Busy { .. } => String::new(),
            })
            .collect();
        return Ok(Lane::Signal {
            label,
            style,
            width,
            pieces,
            texts,
            marked,
        });
    }
    let mut activity = Activity::new(row.signals.len());
    for (number, &signal) in row.signals.iter().enumerate() {
        activity.add(number, &trace.changes(signal, from, to)?, (from, to));
    }
    Ok(Lane::Folded {
        label,
        count: row.signals.len(),
        activity,
    })
}
