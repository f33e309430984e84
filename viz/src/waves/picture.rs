//! A sheet as a drawing.
//!
//! ```text
//!   title, window
//!            marked   gutter │ 0      10      20  axis
//!   scope ─────────────────────────────────────── heading
//!   label         A        4 │ ▁▁▁▔▔▔▔▁▁▁ <2a><3f> lanes
//!                          0 │      ┊ cursor
//!                            │      A 12 ns
//!   notes
//! ```

use super::lanes::{
    Columns, INSET, MARGIN, MARKED_WIDTH_MAX, SMALL, TEXT, draw_lane, folded_text, row_height,
};
use super::{Lane, Sheet, Style, cursor_name};
use crate::drawing::{Area, Drawing, Ink, Look, Type, elided};

const PLOT_WIDTH: f64 = 960.0;
const LABEL_WIDTH_MAX: f64 = 270.0;
/// Cursors whose values stand beside the labels.
const MARKED_MAX: usize = 3;
const HEAD: f64 = 46.0;
const AXIS: f64 = 24.0;
const FLAG: f64 = 18.0;

impl Lane {
    fn height(&self) -> f64 {
        match self {
            Self::Heading { .. } => 22.0,
            Self::Folded { activity, .. } => {
                (activity.rows() as f64 * row_height(activity) + 2.0 * INSET).max(34.0)
            }
            Self::Signal { style, .. } => match style {
                Style::Digital | Style::Event => 22.0,
                Style::Bus => 25.0,
                Style::Curve => 54.0,
            },
        }
    }
}

impl Sheet {
    /// The picture.
    #[must_use]
    pub fn picture(&self) -> Drawing {
        let heights: f64 = self.lanes.iter().map(Lane::height).sum();
        let columns = self.columns(heights);
        let flags = self.flags(&columns);
        let flag_rows = flags.iter().map(|flag| flag.row + 1).max().unwrap_or(0);
        let notes_height = self.notes.len() as f64 * 15.0;
        let width = columns.plot.right() + MARGIN;
        let height = columns.plot.bottom() + 8.0 + flag_rows as f64 * FLAG + notes_height + MARGIN;
        let mut drawing = Drawing::new(width, height);
        self.head(&mut drawing, &columns);
        self.axis(&mut drawing, &columns);
        let mut y = columns.plot.y;
        for lane in &self.lanes {
            let area = Area::new(columns.plot.x, y, columns.plot.width, lane.height());
            draw_lane(&mut drawing, lane, area, &columns);
            y = area.bottom();
        }
        self.cursors(&mut drawing, &columns, &flags);
        for (number, note) in self.notes.iter().enumerate() {
            let base = height - MARGIN - notes_height + 15.0 * (number as f64 + 1.0) - 3.0;
            drawing.text((MARGIN, base), note, Type::plain(SMALL, Ink::Muted));
        }
        drawing
    }

    fn columns(&self, heights: f64) -> Columns {
        let label = Type::plain(TEXT, Ink::Text);
        let mut label_width: f64 = 60.0;
        let marked_count = match self.options.cursors.len() {
            count if count <= MARKED_MAX => count,
            _ => 0,
        };
        let mut marked_widths = vec![14.0_f64; marked_count];
        let mut gutter = 0.0;
        for lane in &self.lanes {
            match lane {
                Lane::Signal {
                    label: text,
                    marked,
                    style,
                    ..
                } => {
                    label_width = label_width.max(label.width(text));
                    for (width, text) in marked_widths.iter_mut().zip(marked) {
                        *width = width.max(label.width(text)).min(MARKED_WIDTH_MAX);
                    }
                    if *style == Style::Curve {
                        gutter = 44.0;
                    }
                }
                Lane::Folded {
                    label: text,
                    count,
                    activity,
                } => {
                    label_width = label_width.max(label.width(text));
                    label_width = label_width
                        .max(Type::plain(SMALL, Ink::Muted).width(&folded_text(*count, activity)));
                }
                Lane::Heading { .. } => {}
            }
        }
        let label_width = label_width.min(LABEL_WIDTH_MAX);
        let mut right = MARGIN + label_width;
        let mut marked = Vec::new();
        for width in marked_widths {
            right += 12.0 + width;
            marked.push(right);
        }
        let left = (right + gutter + 12.0).round();
        Columns {
            label_width,
            marked,
            plot: Area::new(left, HEAD + AXIS, PLOT_WIDTH, heights),
            from: self.options.from,
            span: (self.options.to - self.options.from).max(1) as f64,
        }
    }

    fn head(&self, drawing: &mut Drawing, columns: &Columns) {
        let room = columns.plot.right() - MARGIN;
        let title = Type::plain(14.0, Ink::Text).bold();
        let text = elided(&self.options.title, 14.0, true, room);
        drawing.text((MARGIN, MARGIN + 8.0), &text, title);
        let mut parts = vec![self.window_text()];
        if !self.common.is_empty() {
            parts.insert(0, format!("in {}", self.common));
        }
        let text = elided(&parts.join(" · "), TEXT, false, room);
        drawing.text(
            (MARGIN, MARGIN + 25.0),
            &text,
            Type::plain(TEXT, Ink::Muted),
        );
        for (number, &right) in columns.marked.iter().enumerate() {
            let set = Type::plain(TEXT, Ink::Cursor).bold().end();
            drawing.text((right, HEAD + AXIS - 7.0), &cursor_name(number), set);
        }
    }

    fn axis(&self, drawing: &mut Drawing, columns: &Columns) {
        let (from, to) = (self.options.from, self.options.to);
        let set = Type::plain(SMALL, Ink::Muted).middle();
        // As many marks as there is room for, the last and widest of them taken for all.
        let unit = self.clock.unit();
        let widest = set
            .width(&self.clock.number(to))
            .max(set.width(&self.clock.number(from)));
        let widest = widest + set.width(unit);
        let count = (columns.plot.width / (widest + 30.0))
            .floor()
            .clamp(1.0, 14.0);
        let plot = columns.plot;
        let (top, bottom) = (plot.y, plot.bottom());
        let ticks = self.clock.ticks(from, to, count as usize);
        for (number, (time, text)) in ticks.marks.iter().enumerate() {
            let x = columns.x(*time).round() + 0.5;
            drawing.line(
                vec![(x, top - 5.0), (x, bottom)],
                Look::line(Ink::Faint, 1.0),
            );
            // The first says in what all are counted.
            let text = if number == 0 {
                format!("{text} {unit}")
            } else {
                text.clone()
            };
            let half = set.width(&text) / 2.0;
            let middle = x.clamp(plot.x + half - 6.0, plot.right() - half + 6.0);
            drawing.text((middle, top - 8.0), &text, set);
        }
        drawing.line(
            vec![(plot.x, top - 0.5), (plot.right(), top - 0.5)],
            Look::line(Ink::Edge, 1.0),
        );
    }

    /// Places for the flags of cursors: a row further down where two would meet.
    fn flags(&self, columns: &Columns) -> Vec<Flag> {
        let mut ends: Vec<f64> = Vec::new();
        let texts = self.cursor_texts();
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&index| (self.options.cursors[index], index));
        let mut flags = Vec::new();
        for index in order {
            let x = columns.x(self.options.cursors[index]);
            let width = Type::plain(SMALL, Ink::Paper).bold().width(&texts[index]) + 10.0;
            let left = (x - 6.0).clamp(columns.plot.x, columns.plot.right() - width);
            let row = ends
                .iter()
                .position(|&end| end + 4.0 <= left)
                .unwrap_or(ends.len());
            if row == ends.len() {
                ends.push(0.0);
            }
            ends[row] = left + width;
            flags.push(Flag {
                x,
                left,
                width,
                row,
                text: texts[index].clone(),
            });
        }
        flags
    }

    fn cursors(&self, drawing: &mut Drawing, columns: &Columns, flags: &[Flag]) {
        for flag in flags {
            let x = flag.x.round() + 0.5;
            let top = columns.plot.bottom() + 6.0 + flag.row as f64 * FLAG;
            let line = Look::line(Ink::Cursor, 1.0).dashed();
            drawing.line(vec![(x, columns.plot.y), (x, top)], line);
        }
        for flag in flags {
            let top = columns.plot.bottom() + 6.0 + flag.row as f64 * FLAG;
            let area = Area::new(flag.left, top, flag.width, FLAG - 3.0);
            drawing.rectangle(area, 3.0, Look::filled(Ink::Cursor));
            let set = Type::plain(SMALL, Ink::Paper).bold();
            drawing.text((flag.left + 5.0, top + 11.0), &flag.text, set);
        }
    }
}

struct Flag {
    x: f64,
    left: f64,
    width: f64,
    row: usize,
    text: String,
}
