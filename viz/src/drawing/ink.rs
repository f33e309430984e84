//! Colours by what they are for.
//!
//! Scales and categories are computed in OKLCH (Ottosson, "A perceptual color space for image
//! processing", 2020), where equal steps look equal.

/// What a colour is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// The sheet.
    Paper,
    /// Something that stands out from the sheet a little.
    Panel,
    /// Text.
    Text,
    /// Text that explains.
    Muted,
    /// Lines of a grid.
    Faint,
    /// Outlines of boxes.
    Edge,
    /// Digital lanes.
    Lane,
    /// Outlines of buses.
    Bus,
    /// Insides of buses.
    BusFill,
    /// What is not known.
    Unknown,
    /// Behind what is not known.
    UnknownFill,
    /// What is not driven.
    HighZ,
    /// What happens at a moment.
    Event,
    /// Curves.
    Curve,
    /// Below curves.
    CurveFill,
    /// Marked times.
    Cursor,
    /// One of many that are told apart, such as shards.
    Category(u16),
    /// The same as a light background.
    CategoryFill(u16),
    /// From nothing, 0, to the most there is, 255.
    Scale(u8),
}

/// Which colours the roles are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Theme {
    /// On white.
    #[default]
    Light,
    /// On nearly black.
    Dark,
    /// As the page says that an SVG stands in, by variables named `--ink-…`.
    Page,
}

/// Steps of the scale that share a variable of a page.
const PAGE_SCALE_STEP: u8 = 4;
/// Categories that have a variable of a page; others have the colour of the light theme in both.
const PAGE_CATEGORIES: u16 = 64;

impl Ink {
    /// The roles that are one colour each, by name.
    const NAMED: [(Self, &'static str); 16] = [
        (Self::Paper, "paper"),
        (Self::Panel, "panel"),
        (Self::Text, "text"),
        (Self::Muted, "muted"),
        (Self::Faint, "faint"),
        (Self::Edge, "edge"),
        (Self::Lane, "lane"),
        (Self::Bus, "bus"),
        (Self::BusFill, "bus-fill"),
        (Self::Unknown, "unknown"),
        (Self::UnknownFill, "unknown-fill"),
        (Self::HighZ, "high-z"),
        (Self::Event, "event"),
        (Self::Curve, "curve"),
        (Self::CurveFill, "curve-fill"),
        (Self::Cursor, "cursor"),
    ];

    /// Red, green and blue; a page is taken to be light.
    #[must_use]
    pub fn rgb(self, theme: Theme) -> [u8; 3] {
        let is_dark = theme == Theme::Dark;
        let (light, dark) = match self {
            Self::Paper => (0xff_ffff, 0x0f_141a),
            Self::Panel => (0xf4_f6f8, 0x18_1f27),
            Self::Text => (0x1d_2329, 0xe4_e9ee),
            Self::Muted => (0x5f_6a75, 0x94_a0ac),
            Self::Faint => (0xe3_e8ed, 0x26_2f38),
            Self::Edge => (0xa9_b4bf, 0x4c_5865),
            Self::Lane => (0x1b_7a5e, 0x4f_c49e),
            Self::Bus => (0x3a_6ea5, 0x74_a9dd),
            Self::BusFill => (0xed_f4fb, 0x18_2736),
            Self::Unknown => (0xc8_3c3c, 0xf0_7f7a),
            Self::UnknownFill => (0xfb_eaea, 0x3a_1d20),
            Self::HighZ => (0xb0_7a10, 0xdd_ac4b),
            Self::Event => (0x80_4bb4, 0xbb_93e4),
            Self::Curve => (0x2f_6fb5, 0x6f_aeeb),
            Self::CurveFill => (0xdb_e9f7, 0x1c_3146),
            Self::Cursor => (0xb8_3280, 0xef_7fc0),
            Self::Category(number) => {
                let lightness = if is_dark { 0.74 } else { 0.60 };
                return oklch(lightness, 0.125, hue(number));
            }
            Self::CategoryFill(number) => {
                let (lightness, chroma) = if is_dark {
                    (0.29, 0.045)
                } else {
                    (0.955, 0.028)
                };
                return oklch(lightness, chroma, hue(number));
            }
            Self::Scale(step) => return scale(step, is_dark),
        };
        let number: u32 = if is_dark { dark } else { light };
        let [_, red, green, blue] = number.to_be_bytes();
        [red, green, blue]
    }

    /// As SVG and CSS write it.
    pub(crate) fn css(self, theme: Theme) -> String {
        let named = Self::NAMED.iter().find(|named| named.0 == self);
        match (theme, self, named) {
            (Theme::Page, _, Some((_, name))) => format!("var(--ink-{name})"),
            (Theme::Page, Self::Scale(step), _) => {
                format!("var(--ink-scale-{})", step / PAGE_SCALE_STEP)
            }
            (Theme::Page, Self::Category(number), _) if number < PAGE_CATEGORIES => {
                format!("var(--ink-category-{number})")
            }
            (Theme::Page, Self::CategoryFill(number), _) => {
                let [red, green, blue] = Self::Category(number).rgb(Theme::Light);
                format!("rgb({red} {green} {blue}/0.15)")
            }
            _ => {
                let [red, green, blue] = self.rgb(theme);
                format!("#{red:02x}{green:02x}{blue:02x}")
            }
        }
    }

    /// What a page must say so that [`Theme::Page`] has this theme's colours.
    pub(crate) fn css_variables(theme: Theme) -> String {
        let named = Self::NAMED
            .iter()
            .map(|(ink, name)| (*ink, (*name).to_owned()));
        // The darkest and the lightest step are the ends of the scale.
        let steps = u8::MAX / PAGE_SCALE_STEP;
        let scale = (0..=steps).map(|step| {
            let share = u16::from(step) * 255 / u16::from(steps);
            (Self::Scale(share as u8), format!("scale-{step}"))
        });
        let categories = (0..PAGE_CATEGORIES)
            .map(|number| (Self::Category(number), format!("category-{number}")));
        let line = |(ink, name): (Self, String)| format!("--ink-{name}:{};", ink.css(theme));
        named.chain(scale).chain(categories).map(line).collect()
    }
}

/// Neighbours in number are far apart in colour: steps of the golden angle.
fn hue(number: u16) -> f64 {
    (255.0 + 137.507_764 * f64::from(number)) % 360.0
}

/// From nearly the sheet over blue to nearly its contrary.
fn scale(step: u8, is_dark: bool) -> [u8; 3] {
    let share = f64::from(step) / 255.0;
    let (from, to) = if is_dark { (0.26, 0.90) } else { (0.965, 0.36) };
    let lightness = from + (to - from) * share;
    let chroma = 0.012 + 0.125 * (std::f64::consts::PI * (0.12 + 0.7 * share)).sin() * share.sqrt();
    oklch(lightness, chroma, 235.0 + 35.0 * share)
}

/// The nearest colour a screen has.
fn oklch(lightness: f64, chroma: f64, hue: f64) -> [u8; 3] {
    let (sine, cosine) = hue.to_radians().sin_cos();
    let (a, b) = (chroma * cosine, chroma * sine);
    let long = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let medium = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let short = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    let linear = [
        4.076_741_662_1 * long - 3.307_711_591_3 * medium + 0.230_969_929_2 * short,
        -1.268_438_004_6 * long + 2.609_757_401_1 * medium - 0.341_319_396_5 * short,
        -0.004_196_086_3 * long - 0.703_418_614_7 * medium + 1.707_614_701_0 * short,
    ];
    linear.map(|light| {
        let light = light.clamp(0.0, 1.0);
        let coded = if light <= 0.003_130_8 {
            12.92 * light
        } else {
            1.055 * light.powf(1.0 / 2.4) - 0.055
        };
        (coded * 255.0).round() as u8
    })
}
