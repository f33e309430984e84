//! A drawing as PNG, by the bitmap of `plotters`.
//!
//! Shapes are painted four times as large, without soft edges, and made half as small: every edge is soft
//! then, and there are two pixels for each unit. Letters are painted from the outlines of their font.

use super::font::face;
use super::ink::Theme;
use super::{Anchor, Drawing, Look, Shape, Type};
use ab_glyph::{Font, Glyph, PxScale, ScaleFont, point};
use plotters::prelude::{BitMapBackend, DrawingBackend};
use plotters::style::{RGBAColor, ShapeStyle};
use std::fmt;

/// Pixels of the file for each unit.
const PIXELS: f64 = 2.0;
/// Painted pixels for each of the file, along each side.
const FINE: usize = 2;
/// Pixels of a file: 64 million.
const PIXELS_MAX: f64 = 64e6;

/// Why a drawing cannot be a PNG file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PixelError {
    /// It is too large.
    TooLarge {
        /// Its width in units.
        width: u32,
        /// Its height in units.
        height: u32,
    },
}

impl fmt::Display for PixelError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { width, height } => write!(
                out,
                "the picture is {width} × {height}, too large for PNG, at most {:.0} million; SVG has no such limit",
                PIXELS_MAX / PIXELS / PIXELS / 1e6
            ),
        }
    }
}

impl std::error::Error for PixelError {}

pub(super) fn paint(drawing: &Drawing, theme: Theme) -> Result<Vec<u8>, PixelError> {
    let (width, height) = (drawing.width() * PIXELS, drawing.height() * PIXELS);
    if width * height > PIXELS_MAX {
        return Err(PixelError::TooLarge {
            width: drawing.width() as u32,
            height: drawing.height() as u32,
        });
    }
    let size = [width as usize, height as usize];
    let fine = size.map(|side| side * FINE);
    let mut buffer = vec![255; fine[0] * fine[1] * 3];
    let backend = BitMapBackend::with_buffer(&mut buffer, (fine[0] as u32, fine[1] as u32));
    let mut canvas = Canvas {
        backend,
        scale: PIXELS * FINE as f64,
        theme,
    };
    for shape in drawing.shapes() {
        canvas.shape(shape);
    }
    drop(canvas);
    Ok(encode(&halved(&buffer, size), size))
}

/// Means of squares of painted pixels.
fn halved(buffer: &[u8], [width, height]: [usize; 2]) -> Vec<u8> {
    let row = width * FINE * 3;
    let mut pixels = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                let mut sum = 0usize;
                for fine_y in 0..FINE {
                    for fine_x in 0..FINE {
                        let at = (y * FINE + fine_y) * row + (x * FINE + fine_x) * 3;
                        sum += usize::from(buffer[at + channel]);
                    }
                }
                pixels.push(((sum + FINE * FINE / 2) / (FINE * FINE)) as u8);
            }
        }
    }
    pixels
}

fn encode(pixels: &[u8], [width, height]: [usize; 2]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(pixels))
        .expect("a picture of this size is written to memory");
    file
}

struct Canvas<'b> {
    backend: BitMapBackend<'b>,
    scale: f64,
    theme: Theme,
}

impl Canvas<'_> {
    fn shape(&mut self, shape: &Shape) {
        match shape {
            Shape::Rectangle {
                area, radius, look, ..
            } => {
                let radius = radius.min(area.width / 2.0).min(area.height / 2.0);
                let points = if radius > 0.0 {
                    rounded(area, radius)
                } else {
                    vec![
                        (area.x, area.y),
                        (area.right(), area.y),
                        (area.right(), area.bottom()),
                        (area.x, area.bottom()),
                    ]
                };
                if let (Some(ink), 0.0) = (look.fill, radius) {
                    // Exact to the pixel: the far corner is the last pixel inside.
                    let style = self.style(ink, look);
                    let corner = self.at((area.x, area.y));
                    let (right, bottom) = self.at((area.right(), area.bottom()));
                    let far = ((right - 1).max(corner.0), (bottom - 1).max(corner.1));
                    never_fails(self.backend.draw_rect(corner, far, &style, true));
                    self.outline(&points, true, look);
                } else {
                    self.polygon(&points, look);
                }
            }
            Shape::Path {
                points,
                is_closed: true,
                look,
                ..
            } => self.polygon(points, look),
            Shape::Path { points, look, .. } => self.outline(points, false, look),
            Shape::Text { place, text, set } => self.text(*place, text, set),
        }
    }

    fn at(&self, (x, y): (f64, f64)) -> (i32, i32) {
        (
            (x * self.scale).round() as i32,
            (y * self.scale).round() as i32,
        )
    }

    fn style(&self, ink: super::Ink, look: &Look) -> ShapeStyle {
        let [red, green, blue] = ink.rgb(self.theme);
        let opacity = if look.fill_opacity > 0.0 {
            look.fill_opacity
        } else {
            1.0
        };
        ShapeStyle {
            color: RGBAColor(red, green, blue, opacity),
            filled: true,
            stroke_width: 1,
        }
    }

    fn polygon(&mut self, points: &[(f64, f64)], look: &Look) {
        if let Some(ink) = look.fill {
            let style = self.style(ink, look);
            let corners: Vec<(i32, i32)> = points.iter().map(|&point| self.at(point)).collect();
            never_fails(self.backend.fill_polygon(corners, &style));
        }
        self.outline(points, true, look);
    }

    /// Each step of a line is a rectangle along it, longer by half its width at both ends.
    fn outline(&mut self, points: &[(f64, f64)], is_closed: bool, look: &Look) {
        let Some(ink) = look.stroke else { return };
        let style = self.style(ink, &Look::default());
        let mut steps: Vec<[(f64, f64); 2]> =
            points.windows(2).map(|pair| [pair[0], pair[1]]).collect();
        if is_closed && points.len() > 2 {
            steps.push([points[points.len() - 1], points[0]]);
        }
        for step in steps {
            for [from, to] in if look.dashed {
                dashes(step)
            } else {
                vec![step]
            } {
                let (dx, dy) = (to.0 - from.0, to.1 - from.1);
                let length = dx.hypot(dy);
                let half = look.stroke_width / 2.0;
                let (ux, uy) = if length > 0.0 {
                    (dx / length * half, dy / length * half)
                } else {
                    (half, 0.0)
                };
                let corners = [
                    (from.0 - ux - uy, from.1 - uy + ux),
                    (to.0 + ux - uy, to.1 + uy + ux),
                    (to.0 + ux + uy, to.1 + uy - ux),
                    (from.0 - ux + uy, from.1 - uy - ux),
                ]
                .map(|corner| self.at(corner));
                if dx == 0.0 || dy == 0.0 {
                    let low = (
                        corners.iter().map(|corner| corner.0).min().unwrap_or(0),
                        corners.iter().map(|corner| corner.1).min().unwrap_or(0),
                    );
                    let high = (
                        corners.iter().map(|corner| corner.0).max().unwrap_or(0) - 1,
                        corners.iter().map(|corner| corner.1).max().unwrap_or(0) - 1,
                    );
                    let high = (high.0.max(low.0), high.1.max(low.1));
                    never_fails(self.backend.draw_rect(low, high, &style, true));
                } else {
                    never_fails(self.backend.fill_polygon(corners, &style));
                }
            }
        }
    }

    fn text(&mut self, (x, y): (f64, f64), text: &str, set: &Type) {
        let font = face(set.bold);
        let per_em = font.units_per_em().expect("the fonts have a size");
        // A scale is the height of a line, a size that of the em square.
        let size = set.size * self.scale;
        let scale = PxScale::from(size as f32 * font.height_unscaled() / per_em);
        let scaled = font.as_scaled(scale);
        let left = match set.anchor {
            Anchor::Start => x,
            Anchor::Middle => x - set.width(text) / 2.0,
            Anchor::End => x - set.width(text),
        };
        let style = self.style(set.ink, &Look::default());
        let mut pen = (left * self.scale) as f32;
        for letter in text.chars() {
            let glyph: Glyph = font
                .glyph_id(letter)
                .with_scale_and_position(scale, point(pen, (y * self.scale) as f32));
            pen += scaled.h_advance(glyph.id);
            let Some(outline) = font.outline_glyph(glyph) else {
                continue;
            };
            let bounds = outline.px_bounds();
            let corner = (bounds.min.x as i32, bounds.min.y as i32);
            outline.draw(|dx, dy, coverage| {
                let at = (corner.0 + dx as i32, corner.1 + dy as i32);
                let RGBAColor(red, green, blue, _) = style.color;
                let colour = RGBAColor(red, green, blue, f64::from(coverage.clamp(0.0, 1.0)));
                let colour = plotters::style::Color::to_backend_color(&colour);
                never_fails(self.backend.draw_pixel(at, colour));
            });
        }
    }
}

/// The corners as eighths of circles.
fn rounded(area: &super::Area, radius: f64) -> Vec<(f64, f64)> {
    const STEPS: u8 = 8;
    let centres = [
        (area.right() - radius, area.y + radius, -90.0),
        (area.right() - radius, area.bottom() - radius, 0.0),
        (area.x + radius, area.bottom() - radius, 90.0),
        (area.x + radius, area.y + radius, 180.0),
    ];
    let mut points = Vec::new();
    for (x, y, start) in centres {
        for step in 0..=STEPS {
            let angle: f64 = start + 90.0 * f64::from(step) / f64::from(STEPS);
            let (sine, cosine) = angle.to_radians().sin_cos();
            points.push((x + radius * cosine, y + radius * sine));
        }
    }
    points
}

/// A step in dashes of four units, three apart.
fn dashes([from, to]: [(f64, f64); 2]) -> Vec<[(f64, f64); 2]> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy);
    let point = |along: f64| (from.0 + dx * along / length, from.1 + dy * along / length);
    let mut pieces = Vec::new();
    let mut along = 0.0;
    while along < length {
        pieces.push([point(along), point((along + 4.0).min(length))]);
        along += 7.0;
    }
    pieces
}

/// Painting in memory has no error to make.
fn never_fails(result: Result<(), impl fmt::Debug>) {
    result.expect("memory can be painted on");
}
