//! Changes reduced to what can be told apart on so many columns.

use super::Style;
use crate::trace::{Changes, Radix, Value};

/// A stretch of time in which a row looks the same.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// Nothing is known yet: no value was ever set.
    Unset,
    /// It has this value; an event happens at its beginning.
    Value(Value),
    /// It changes so often that its values cannot be told apart.
    Busy {
        changes: u64,
        /// The least and greatest of them, if they are numbers.
        range: Option<(f64, f64)>,
        has_unknown: bool,
    },
}

/// Cuts a window into pieces; what is shorter than a column stands by itself or, beside another such, is
/// busy. Busy pieces end with columns, so that one can see where it was more and where less.
pub(super) fn pieces(
    changes: Changes,
    (from, to): (u64, u64),
    columns: usize,
    style: Style,
    radix: Radix,
    width: u32,
) -> Vec<Piece> {
    let mut collector = Collector {
        from,
        span: u128::from(to - from).max(1),
        columns: columns as u128,
        radix,
        width,
        done: Vec::new(),
        short: Vec::new(),
    };
    let mut start = from;
    let first = match (changes.before, style) {
        (_, Style::Event) | (None, _) => What::Unset,
        (Some(value), _) => What::Value(value),
    };
    let mut current = first;
    for (time, value) in changes.list {
        if time > start {
            collector.add(start, time, current);
            start = time;
        }
        current = What::Value(value);
    }
    collector.add(start, to, current);
    collector.settle();
    collector.done
}

struct Collector {
    from: u64,
    span: u128,
    columns: u128,
    radix: Radix,
    width: u32,
    done: Vec<Piece>,
    /// Pieces shorter than a column, one after the other.
    short: Vec<Piece>,
}

impl Collector {
    fn column(&self, time: u64) -> u128 {
        u128::from(time - self.from) * self.columns / self.span
    }

    fn add(&mut self, from: u64, to: u64, what: What) {
        let is_short = u128::from(to - from) * self.columns < self.span && what != What::Unset;
        let piece = Piece { from, to, what };
        if is_short {
            let apart =
                self.short.len() > 1 && self.column(self.short[0].from) != self.column(from);
            if apart {
                self.settle();
            }
            self.short.push(piece);
        } else {
            self.settle();
            self.done.push(piece);
        }
    }

    /// Ends a row of short pieces: one stays what it is, several become one that is busy.
    fn settle(&mut self) {
        let short = std::mem::take(&mut self.short);
        let (Some(first), Some(last)) = (short.first(), short.last()) else {
            return;
        };
        if short.len() == 1 {
            self.done.extend(short);
            return;
        }
        let (from, to) = (first.from, last.to);
        let values = || {
            short.iter().filter_map(|piece| match &piece.what {
                What::Value(value) => Some(value),
                What::Unset | What::Busy { .. } => None,
            })
        };
        let numbers = values().filter_map(|value| value.number(self.radix, self.width));
        let range = numbers.fold(None, |range: Option<(f64, f64)>, number| {
            let (low, high) = range.unwrap_or((number, number));
            Some((low.min(number), high.max(number)))
        });
        let what = What::Busy {
            changes: short.len() as u64,
            range,
            has_unknown: values().any(Value::is_unknown),
        };
        self.done.push(Piece { from, to, what });
    }
}

impl Changes {
    /// The value at a time.
    pub(super) fn at(&self, time: u64) -> Option<&Value> {
        let count = self.list.partition_point(|change| change.0 <= time);
        match count.checked_sub(1) {
            Some(last) => Some(&self.list[last].1),
            None => self.before.as_ref(),
        }
    }
}

/// How much many signals change: a table of times and signals.
pub(super) struct Activity {
    signal_count: usize,
    /// Changes of the signals of a row in a column, row by row.
    cells: Vec<u64>,
    rows: usize,
}

impl Activity {
    /// Columns of the table.
    pub(super) const COLUMNS: usize = 200;
    /// Rows of the table; of more signals, neighbours share one.
    const ROWS_MAX: usize = 24;

    pub(super) fn new(signal_count: usize) -> Self {
        let rows = signal_count.clamp(1, Self::ROWS_MAX);
        Self {
            signal_count,
            cells: vec![0; rows * Self::COLUMNS],
            rows,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn add(&mut self, signal: usize, changes: &Changes, (from, to): (u64, u64)) {
        let row = signal * self.rows / self.signal_count;
        let span = u128::from(to - from).max(1);
        for time in changes.times() {
            let column = u128::from(time - from) * Self::COLUMNS as u128 / span;
            let column = (column as usize).min(Self::COLUMNS - 1);
            self.cells[row * Self::COLUMNS + column] += 1;
        }
    }

    /// The most changes in a cell.
    pub(super) fn most(&self) -> u64 {
        self.cells.iter().copied().max().unwrap_or(0)
    }

    /// Changes in the cells of a row.
    pub(super) fn row(&self, row: usize) -> &[u64] {
        &self.cells[row * Self::COLUMNS..][..Self::COLUMNS]
    }

    /// Changes of all signals in a column.
    pub(super) fn column(&self, column: usize) -> u64 {
        (0..self.rows).map(|row| self.row(row)[column]).sum()
    }
}
