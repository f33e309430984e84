//! A drawing as SVG.

use super::ink::{Ink, Theme};
use super::{Anchor, Area, Drawing, Look, Shape, Type};
use std::fmt::Write;

/// The fonts that texts were measured in first, then what is most like them.
const FONTS: &str = "'DejaVu Sans',Verdana,'Segoe UI',sans-serif";

pub(super) fn paint(drawing: &Drawing, theme: Theme) -> String {
    let (width, height) = (Short(drawing.width()), Short(drawing.height()));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" font-family=\"{FONTS}\">\n"
    );
    for shape in drawing.shapes() {
        match shape {
            Shape::Rectangle {
                area,
                radius,
                look,
                hint,
            } => {
                rectangle(&mut svg, area, *radius);
                finish(&mut svg, look, theme, hint.as_deref(), "rect");
            }
            Shape::Path {
                points,
                is_closed,
                look,
                hint,
            } => {
                path(&mut svg, points, *is_closed);
                finish(&mut svg, look, theme, hint.as_deref(), "path");
            }
            Shape::Text { place, text, set } => write_text(&mut svg, *place, text, set, theme),
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// A number with at most two digits behind the point, and no more than needed.
struct Short(f64);

impl std::fmt::Display for Short {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Adding zero makes minus zero plus zero.
        let rounded = (self.0 * 100.0).round() / 100.0 + 0.0;
        write!(out, "{rounded}")
    }
}

fn rectangle(svg: &mut String, area: &Area, radius: f64) {
    let corner = [area.x, area.y, area.width, area.height].map(Short);
    let [x, y, width, height] = corner;
    put(
        svg,
        format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\""),
    );
    if radius > 0.0 {
        put(svg, format_args!(" rx=\"{}\"", Short(radius)));
    }
}

/// Horizontal and vertical steps, which lanes are made of, take one number.
fn path(svg: &mut String, points: &[(f64, f64)], is_closed: bool) {
    svg.push_str("<path d=\"");
    let mut last: Option<(f64, f64)> = None;
    for &(x, y) in points {
        match last {
            None => put(svg, format_args!("M{} {}", Short(x), Short(y))),
            Some((_, last_y)) if last_y == y => put(svg, format_args!("H{}", Short(x))),
            Some((last_x, _)) if last_x == x => put(svg, format_args!("V{}", Short(y))),
            Some(_) => put(svg, format_args!("L{} {}", Short(x), Short(y))),
        }
        last = Some((x, y));
    }
    svg.push_str(if is_closed { "Z\"" } else { "\"" });
}

/// The look of an open element, what it hints at, and its end.
fn finish(svg: &mut String, look: &Look, theme: Theme, hint: Option<&str>, element: &str) {
    let colour = |svg: &mut String, role: &str, ink: Option<Ink>| match (ink, theme) {
        (None, _) => put(svg, format_args!(" {role}=\"none\"")),
        (Some(ink), Theme::Page) => put(svg, format_args!("{role}:{};", ink.css(theme))),
        (Some(ink), _) => put(svg, format_args!(" {role}=\"{}\"", ink.css(theme))),
    };
    if look.fill.is_none() {
        colour(svg, "fill", None);
    }
    if theme == Theme::Page {
        // Variables have no meaning in attributes of the older kind.
        svg.push_str(" style=\"");
    }
    if look.fill.is_some() {
        colour(svg, "fill", look.fill);
    }
    if look.stroke.is_some() {
        colour(svg, "stroke", look.stroke);
    }
    if theme == Theme::Page {
        svg.push('"');
    }
    if look.stroke.is_some() && look.stroke_width != 1.0 {
        put(
            svg,
            format_args!(" stroke-width=\"{}\"", Short(look.stroke_width)),
        );
    }
    if look.dashed {
        svg.push_str(" stroke-dasharray=\"4 3\"");
    }
    if look.fill_opacity > 0.0 && look.fill_opacity < 1.0 {
        put(
            svg,
            format_args!(" fill-opacity=\"{}\"", Short(look.fill_opacity)),
        );
    }
    match hint {
        Some(hint) => put(
            svg,
            format_args!("><title>{}</title></{element}>\n", escaped(hint)),
        ),
        None => svg.push_str("/>\n"),
    }
}

fn write_text(svg: &mut String, (x, y): (f64, f64), text: &str, set: &Type, theme: Theme) {
    put(
        svg,
        format_args!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\"",
            Short(x),
            Short(y),
            Short(set.size)
        ),
    );
    match theme {
        Theme::Page => put(svg, format_args!(" style=\"fill:{}\"", set.ink.css(theme))),
        Theme::Light | Theme::Dark => put(svg, format_args!(" fill=\"{}\"", set.ink.css(theme))),
    }
    if set.bold {
        svg.push_str(" font-weight=\"bold\"");
    }
    match set.anchor {
        Anchor::Start => {}
        Anchor::Middle => svg.push_str(" text-anchor=\"middle\""),
        Anchor::End => svg.push_str(" text-anchor=\"end\""),
    }
    put(svg, format_args!(">{}</text>\n", escaped(text)));
}

/// Text as XML and HTML have it; what they cannot have is replaced.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            _ if letter.is_control() || letter == '\u{fffe}' || letter == '\u{ffff}' => {
                out.push('\u{fffd}')
            }
            _ => out.push(letter),
        }
    }
    out
}

fn put(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.write_fmt(text).expect("writing to a string succeeds");
}
