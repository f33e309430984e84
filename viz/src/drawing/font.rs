//! The fonts in this crate: widths of texts, and outlines for the painter of pixels.

use ab_glyph::{Font, FontRef};
use std::sync::LazyLock;

static PLAIN: LazyLock<FontRef<'static>> =
    LazyLock::new(|| font(include_bytes!("../../fonts/DejaVuSans.ttf")));
static BOLD: LazyLock<FontRef<'static>> =
    LazyLock::new(|| font(include_bytes!("../../fonts/DejaVuSans-Bold.ttf")));

fn font(bytes: &'static [u8]) -> FontRef<'static> {
    FontRef::try_from_slice(bytes).expect("the fonts of the crate are well formed")
}

pub(super) fn face(bold: bool) -> &'static FontRef<'static> {
    if bold { &BOLD } else { &PLAIN }
}

/// Width of a text in units, at a size in units.
#[must_use]
pub fn text_width(text: &str, size: f64, bold: bool) -> f64 {
    let font = face(bold);
    let per_em = f64::from(font.units_per_em().expect("the fonts have a size"));
    let advance = |letter| f64::from(font.h_advance_unscaled(font.glyph_id(letter)));
    text.chars().map(advance).sum::<f64>() * size / per_em
}

/// A text that fits: its end is left out if there is no room, and all of it if there is none at all.
#[must_use]
pub fn elided(text: &str, size: f64, bold: bool, room: f64) -> String {
    if text_width(text, size, bold) <= room {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    fitting(letters.len(), size, bold, room, |count| {
        letters[..count].iter().chain(&['…']).collect()
    })
}

/// The same, but the beginning is left out.
#[must_use]
pub fn elided_start(text: &str, size: f64, bold: bool, room: f64) -> String {
    if text_width(text, size, bold) <= room {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    fitting(letters.len(), size, bold, room, |count| {
        ['…']
            .iter()
            .chain(&letters[letters.len() - count..])
            .collect()
    })
}

/// The longest of the texts made of fewer than `count` letters that fits.
fn fitting(
    count: usize,
    size: f64,
    bold: bool,
    room: f64,
    text: impl Fn(usize) -> String,
) -> String {
    let (mut fits, mut too_long) = (0, count);
    while fits + 1 < too_long {
        let middle = fits.midpoint(too_long);
        if text_width(&text(middle), size, bold) <= room {
            fits = middle;
        } else {
            too_long = middle;
        }
    }
    if fits == 0 { String::new() } else { text(fits) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out() {
        assert_eq!(elided("router", 10.0, false, 100.0), "router");
        let room = text_width("rou…", 10.0, false) + 0.1;
        assert_eq!(elided("router", 10.0, false, room), "rou…");
        assert_eq!(elided_start("routed", 10.0, false, room + 1.0), "…ted");
        assert_eq!(elided("router", 10.0, false, 3.0), "");
        assert!(text_width("mmm", 10.0, true) > text_width("mmm", 10.0, false));
    }
}
