//! Tables without rules, numbers to the right.

use comfy_table::{CellAlignment, Table, presets};
use std::ops::Range;

/// A table with these columns.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = headless();
    table.set_header(header);
    table
}

/// A table without a line of titles.
pub(super) fn headless() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

/// The text of a table whose columns in `numbers` are aligned to the right; ends a line.
pub(super) fn text(mut table: Table, numbers: Range<usize>) -> String {
    for column in numbers {
        let column = table.column_mut(column).expect("the table has this column");
        column.set_cell_alignment(CellAlignment::Right);
    }
    let indent = |line: &str| format!("{}\n", line.strip_prefix(' ').unwrap_or(line).trim_end());
    table.lines().map(|line| indent(&line)).collect()
}
