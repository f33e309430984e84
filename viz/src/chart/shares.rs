//! Bars of parts beside each other.

use super::{LEFT, MARGIN, RIGHT, SMALL, Shares, WIDTH, head};
use crate::drawing::{Area, Drawing, Ink, Look, Type, elided_start};

const ROW: f64 = 20.0;
const NAME_MAX: f64 = 300.0;
/// The narrowest part that has its share written in it.
const WRITTEN: f64 = 30.0;

pub(super) fn draw(shares: &Shares) -> Drawing {
    let set = Type::plain(SMALL, Ink::Text);
    let widths = shares.rows.iter().map(|row| set.width(&row.0));
    let left = MARGIN + widths.fold(LEFT - MARGIN - 10.0, f64::max).min(NAME_MAX) + 10.0;
    let width = LEFT + WIDTH - left;
    let top = 76.0;
    let height = top + ROW * shares.rows.len() as f64 + MARGIN;
    let mut drawing = Drawing::new(left + width + RIGHT, height);
    head(&mut drawing, &shares.title, &shares.legend);
    let mut x = MARGIN;
    for part in &shares.parts {
        let square = Area::new(x, 52.0, 10.0, 10.0);
        drawing.rectangle(square, 2.0, Look::filled(part.ink));
        drawing.text((x + 15.0, 61.0), &part.name, Type::plain(SMALL, Ink::Muted));
        x += 32.0 + Type::plain(SMALL, Ink::Muted).width(&part.name);
    }
    for (number, (name, numbers)) in shares.rows.iter().enumerate() {
        let y = top + ROW * number as f64;
        let name_shown = elided_start(name, SMALL, false, NAME_MAX);
        drawing.text((left - 8.0, y + ROW / 2.0 + 2.5), &name_shown, set.end());
        let sum: f64 = numbers.iter().sum();
        let mut x = left;
        for (part, number) in shares.parts.iter().zip(numbers) {
            let share = if sum > 0.0 { number / sum } else { 0.0 };
            if share <= 0.0 {
                continue;
            }
            let area = Area::new(x, y, width * share, ROW - 3.0);
            drawing.rectangle(area, 0.0, Look::filled(part.ink));
            let text = format!("{:.0} %", share * 100.0);
            drawing.hint(format!("{name}, {}: {text}", part.name));
            if area.width >= WRITTEN {
                let place = (x + area.width / 2.0, y + ROW / 2.0 + 2.0);
                drawing.text(place, &text, Type::plain(9.0, Ink::Paper).middle());
            }
            x += area.width;
        }
    }
    drawing
}
