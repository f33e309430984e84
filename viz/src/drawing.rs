//! A drawing: shapes and texts at exact places, painted as SVG or as pixels.
//!
//! ```text
//!   a picture ──lays out──► Drawing ──┬─► svg     text, sharp at any size, hints on what is pointed at
//!                                     └─► pixels  PNG, twice as many pixels as units
//! ```
//! Both painters paint the same list in the same order, so a picture is laid out once. Widths of texts are
//! those of the fonts in this crate. Colours are roles ([`Ink`]); a [`Theme`] says which colours they are.

mod ink;
mod font;
mod svg;
mod pixels;

pub use font::{elided, elided_start, text_width};
pub use ink::{Ink, Theme};
pub use pixels::PixelError;

pub(crate) use svg::escaped;

/// The most a side of a drawing may measure, in units.
pub const SIDE_MAX: f64 = 30_000.0;

/// Shapes and texts on a sheet.
#[derive(Clone, Debug, Default)]
pub struct Drawing {
    width: f64,
    height: f64,
    shapes: Vec<Shape>,
}

/// How a shape is filled and outlined.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Look {
    pub(crate) fill: Option<Ink>,
    pub(crate) stroke: Option<Ink>,
    pub(crate) stroke_width: f64,
    pub(crate) dashed: bool,
    /// Share of the fill that covers what is below, 0 to 1; 0 stands for 1.
    pub(crate) fill_opacity: f64,
}

impl Look {
    /// Filled, without an outline.
    #[must_use]
    pub fn filled(ink: Ink) -> Self {
        Self {
            fill: Some(ink),
            ..Self::default()
        }
    }

    /// A line of this width.
    #[must_use]
    pub fn line(ink: Ink, width: f64) -> Self {
        Self {
            stroke: Some(ink),
            stroke_width: width,
            ..Self::default()
        }
    }

    /// The same with an outline.
    #[must_use]
    pub fn outlined(self, ink: Ink, width: f64) -> Self {
        Self {
            stroke: Some(ink),
            stroke_width: width,
            ..self
        }
    }

    /// The same with dashes for its line.
    #[must_use]
    pub fn dashed(self) -> Self {
        Self {
            dashed: true,
            ..self
        }
    }

    /// The same with a fill that lets through what is below.
    #[must_use]
    pub fn opacity(self, share: f64) -> Self {
        Self {
            fill_opacity: share,
            ..self
        }
    }
}

/// Which end of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its left end.
    Start,
    /// Its middle.
    Middle,
    /// Its right end.
    End,
}

/// How a text is set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Type {
    /// Size in units.
    pub size: f64,
    /// Bold or not.
    pub bold: bool,
    /// Its colour.
    pub ink: Ink,
    /// Which end is given.
    pub anchor: Anchor,
}

impl Type {
    /// Plain text from its left end.
    #[must_use]
    pub fn plain(size: f64, ink: Ink) -> Self {
        Self {
            size,
            bold: false,
            ink,
            anchor: Anchor::Start,
        }
    }

    /// The same in bold.
    #[must_use]
    pub fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// The same, the middle given.
    #[must_use]
    pub fn middle(self) -> Self {
        Self {
            anchor: Anchor::Middle,
            ..self
        }
    }

    /// The same, the right end given.
    #[must_use]
    pub fn end(self) -> Self {
        Self {
            anchor: Anchor::End,
            ..self
        }
    }

    /// Width of a text set so.
    #[must_use]
    pub fn width(&self, text: &str) -> f64 {
        text_width(text, self.size, self.bold)
    }
}

/// A rectangle: its left top corner, width and height.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Area {
    /// Left end.
    pub x: f64,
    /// Upper end.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl Area {
    /// From its left top corner, width and height.
    #[must_use]
    pub fn new(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }

    /// Right end.
    #[must_use]
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    /// Lower end.
    #[must_use]
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// The point in its middle.
    #[must_use]
    pub fn middle(&self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Rectangle {
        area: Area,
        radius: f64,
        look: Look,
        hint: Option<String>,
    },
    Path {
        points: Vec<(f64, f64)>,
        is_closed: bool,
        look: Look,
        hint: Option<String>,
    },
    Text {
        place: (f64, f64),
        text: String,
        set: Type,
    },
}

impl Shape {
    /// The same shape further down.
    fn lower(&self, by: f64) -> Self {
        let mut shape = self.clone();
        match &mut shape {
            Self::Rectangle { area, .. } => area.y += by,
            Self::Path { points, .. } => points.iter_mut().for_each(|point| point.1 += by),
            Self::Text { place, .. } => place.1 += by,
        }
        shape
    }
}

impl Drawing {
    /// An empty sheet.
    #[must_use]
    pub fn new(width: f64, height: f64) -> Self {
        let side = |length: f64| length.ceil().clamp(1.0, SIDE_MAX);
        let mut drawing = Self {
            width: side(width),
            height: side(height),
            shapes: Vec::new(),
        };
        let sheet = Area::new(0.0, 0.0, drawing.width, drawing.height);
        drawing.rectangle(sheet, 0.0, Look::filled(Ink::Paper));
        drawing
    }

    /// Several sheets above each other as one.
    #[must_use]
    pub fn above_each_other(sheets: &[Self]) -> Self {
        let width = sheets.iter().map(|sheet| sheet.width).fold(0.0, f64::max);
        let mut all = Self::new(width, sheets.iter().map(|sheet| sheet.height).sum());
        let mut top = 0.0;
        for sheet in sheets {
            // Each brings its paper, which is the first of its shapes.
            all.shapes
                .extend(sheet.shapes.iter().skip(1).map(|shape| shape.lower(top)));
            top += sheet.height;
        }
        all
    }

    /// Width in units.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.width
    }

    /// Height in units.
    #[must_use]
    pub fn height(&self) -> f64 {
        self.height
    }

    pub(crate) fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// A rectangle with rounded corners.
    pub fn rectangle(&mut self, area: Area, radius: f64, look: Look) {
        self.shapes.push(Shape::Rectangle {
            area,
            radius,
            look,
            hint: None,
        });
    }

    /// A line through points.
    pub fn line(&mut self, points: Vec<(f64, f64)>, look: Look) {
        self.shapes.push(Shape::Path {
            points,
            is_closed: false,
            look,
            hint: None,
        });
    }

    /// An area between points.
    pub fn polygon(&mut self, points: Vec<(f64, f64)>, look: Look) {
        self.shapes.push(Shape::Path {
            points,
            is_closed: true,
            look,
            hint: None,
        });
    }

    /// A text; its baseline is given.
    pub fn text(&mut self, place: (f64, f64), text: &str, set: Type) {
        if !text.is_empty() {
            self.shapes.push(Shape::Text {
                place,
                text: text.to_owned(),
                set,
            });
        }
    }

    /// What is shown of the last shape when it is pointed at, where the format can.
    pub fn hint(&mut self, text: String) {
        match self.shapes.last_mut() {
            Some(Shape::Rectangle { hint, .. } | Shape::Path { hint, .. }) => *hint = Some(text),
            Some(Shape::Text { .. }) | None => {}
        }
    }

    /// Lines at 45 degrees inside an area: what is not known.
    pub fn hatch(&mut self, area: Area, step: f64, look: Look) {
        let mut along = step;
        while along < area.width + area.height {
            // From the left or lower edge up to the upper or right one.
            let start = if along <= area.height {
                (area.x, area.y + along)
            } else {
                (area.x + along - area.height, area.bottom())
            };
            let end = if along <= area.width {
                (area.x + along, area.y)
            } else {
                (area.right(), area.y + along - area.width)
            };
            self.line(vec![start, end], look);
            along += step;
        }
    }

    /// As an SVG file.
    #[must_use]
    pub fn svg(&self, theme: Theme) -> String {
        svg::paint(self, theme)
    }

    /// As a PNG file.
    ///
    /// # Errors
    /// It would have more pixels than is sensible.
    pub fn png(&self, theme: Theme) -> Result<Vec<u8>, PixelError> {
        pixels::paint(self, theme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Drawing {
        let mut drawing = Drawing::new(60.0, 40.0);
        drawing.rectangle(
            Area::new(10.0, 10.0, 20.0, 20.0),
            0.0,
            Look::filled(Ink::Unknown),
        );
        drawing.hint("a <hint>".to_owned());
        drawing.line(vec![(0.0, 5.0), (60.0, 5.0)], Look::line(Ink::Text, 2.0));
        drawing.text((35.0, 30.0), "a<b", Type::plain(10.0, Ink::Text));
        drawing
    }

    #[test]
    fn svg_is_escaped_and_stable() {
        let svg = sample().svg(Theme::Light);
        assert!(
            svg.contains("a &lt;hint&gt;") && svg.contains(">a&lt;b</text>"),
            "{svg}"
        );
        assert_eq!(svg, sample().svg(Theme::Light));
        assert_ne!(svg, sample().svg(Theme::Dark));
    }

    #[test]
    fn pixels_have_the_colours_of_the_theme() {
        let png = sample().png(Theme::Light).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(png))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (120, 80));
        let at = |x: usize, y: usize| &pixels[(y * 120 + x) * 3..][..3];
        assert_eq!(at(2, 70), [255, 255, 255]);
        assert_eq!(at(40, 40), Ink::Unknown.rgb(Theme::Light));
        assert_eq!(at(60, 10), Ink::Text.rgb(Theme::Light));
        let dark = (70..110).any(|x| at(x, 55)[0] < 100);
        assert!(dark, "the text is there");
    }

    #[test]
    fn sheets_stand_above_each_other() {
        let all = Drawing::above_each_other(&[sample(), Drawing::new(80.0, 10.0), sample()]);
        assert_eq!((all.width(), all.height()), (80.0, 90.0));
        let svg = all.svg(Theme::Light);
        assert_eq!(svg.matches("a &lt;hint&gt;").count(), 2);
        for at in ["y=\"10\"", "y=\"60\"", "y=\"30\"", "y=\"80\""] {
            assert!(svg.contains(at), "{at}: {svg}");
        }
        assert_eq!(Drawing::above_each_other(&[]).height(), 1.0);
    }

    #[test]
    fn hatches_stay_in_their_area() {
        let area = Area::new(5.0, 7.0, 30.0, 12.0);
        let mut drawing = Drawing::new(50.0, 50.0);
        drawing.hatch(area, 4.0, Look::line(Ink::Unknown, 1.0));
        assert!(drawing.shapes.len() > 8);
        for shape in &drawing.shapes[1..] {
            let Shape::Path { points, .. } = shape else {
                panic!()
            };
            for &(x, y) in points {
                assert!(x >= area.x && x <= area.right() && y >= area.y && y <= area.bottom());
            }
        }
    }
}
