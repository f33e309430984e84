//! Units of time: what one step of a trace stands for, times as text, and the ticks of an axis.

use std::fmt;

/// A unit of time that traces are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeUnit {
    /// 10⁻¹⁵ s.
    Femtoseconds,
    /// 10⁻¹² s.
    Picoseconds,
    /// 10⁻⁹ s.
    Nanoseconds,
    /// 10⁻⁶ s.
    Microseconds,
    /// 10⁻³ s.
    Milliseconds,
    /// 1 s.
    Seconds,
}

impl TimeUnit {
    /// All, from the smallest.
    pub const ALL: [Self; 6] = [
        Self::Femtoseconds,
        Self::Picoseconds,
        Self::Nanoseconds,
        Self::Microseconds,
        Self::Milliseconds,
        Self::Seconds,
    ];

    /// As it is written behind a number.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Femtoseconds => "fs",
            Self::Picoseconds => "ps",
            Self::Nanoseconds => "ns",
            Self::Microseconds => "us",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
        }
    }

    /// The power of ten it is of a second.
    #[must_use]
    pub const fn exponent(self) -> i8 {
        match self {
            Self::Femtoseconds => -15,
            Self::Picoseconds => -12,
            Self::Nanoseconds => -9,
            Self::Microseconds => -6,
            Self::Milliseconds => -3,
            Self::Seconds => 0,
        }
    }
}

/// One step of a trace's time: 1, 10 or 100 of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timescale {
    value: u8,
    unit: TimeUnit,
}

impl Timescale {
    /// One nanosecond.
    pub const NANOSECOND: Self = Self {
        value: 1,
        unit: TimeUnit::Nanoseconds,
    };

    /// So many of a unit; nothing if it is not 1, 10 or 100, which is all that trace formats know.
    #[must_use]
    pub const fn new(value: u8, unit: TimeUnit) -> Option<Self> {
        match value {
            1 | 10 | 100 => Some(Self { value, unit }),
            _ => None,
        }
    }

    /// 1, 10 or 100.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.value
    }

    /// The unit.
    #[must_use]
    pub const fn unit(self) -> TimeUnit {
        self.unit
    }

    /// The power of ten it is of a second.
    #[must_use]
    pub const fn exponent(self) -> i8 {
        let zeros = match self.value {
            100 => 2,
            10 => 1,
            _ => 0,
        };
        self.unit.exponent() + zeros
    }
}

impl fmt::Display for Timescale {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.value, self.unit.symbol())
    }
}

/// How the times of a trace are shown: in which unit, or as plain steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The power of ten that a step is of a second, where it is known.
    exponent: Option<i8>,
    /// The unit of texts.
    unit: TimeUnit,
}

/// Marks of an axis of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticks {
    /// Where, in steps, and what stands there.
    pub marks: Vec<(u64, String)>,
    /// Steps from one to the next.
    pub step: u64,
}

impl Clock {
    /// For a trace with this step, the unit such that about `mark_count` marks from one time to the other
    /// are whole numbers.
    #[must_use]
    pub fn new(exponent: Option<i8>, from: u64, to: u64, mark_count: usize) -> Self {
        let zeros = step(to.saturating_sub(from), mark_count).ilog10() as i8;
        let least = exponent.unwrap_or(0).saturating_add(zeros);
        let mut fitting = TimeUnit::ALL
            .into_iter()
            .filter(|unit| unit.exponent() <= least);
        Self {
            // What is below femtoseconds is shown as steps.
            exponent: exponent.filter(|exponent| (-15..=9).contains(exponent)),
            unit: fitting.next_back().unwrap_or(TimeUnit::Femtoseconds),
        }
    }

    /// The name of the unit.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        if self.exponent.is_some() {
            self.unit.symbol()
        } else {
            "steps"
        }
    }

    /// A number of steps, exactly, without its unit.
    #[must_use]
    pub fn number(&self, steps: u64) -> String {
        let shift = self
            .exponent
            .map_or(0, |exponent| exponent - self.unit.exponent());
        let power = 10u128.pow(u32::from(shift.unsigned_abs()));
        if shift >= 0 {
            return thousands(u128::from(steps) * power);
        }
        let (whole, part) = (u128::from(steps) / power, u128::from(steps) % power);
        if part == 0 {
            return thousands(whole);
        }
        let digits = format!(
            "{part:0places$}",
            places = usize::from(shift.unsigned_abs())
        );
        format!("{}.{}", thousands(whole), digits.trim_end_matches('0'))
    }

    /// A number of steps with its unit.
    #[must_use]
    pub fn text(&self, steps: u64) -> String {
        format!("{} {}", self.number(steps), self.unit())
    }

    /// Marks from one time to another, at most so many.
    #[must_use]
    pub fn ticks(&self, from: u64, to: u64, mark_count: usize) -> Ticks {
        let step = step(to.saturating_sub(from), mark_count);
        let mut marks = Vec::new();
        let mut time = from.next_multiple_of(step);
        while time <= to {
            marks.push((time, self.number(time)));
            let Some(next) = time.checked_add(step) else {
                break;
            };
            time = next;
        }
        Ticks { marks, step }
    }

    /// Reads a time: a number of steps, or a number with a unit.
    ///
    /// # Errors
    /// What was expected instead.
    pub fn parse(text: &str, exponent: Option<i8>) -> Result<u64, String> {
        let text = text.trim();
        let end = text
            .find(|letter: char| letter.is_ascii_alphabetic())
            .unwrap_or(text.len());
        let (number, unit) = (text[..end].trim(), &text[end..]);
        let number = number.replace([',', '_'], "");
        if unit.is_empty() {
            let wrong = |_| {
                format!(
                    "`{text}` is no time: expected steps, as 1200, or a number with a unit, as 1.2us"
                )
            };
            return number.parse().map_err(wrong);
        }
        let Some(unit) = TimeUnit::ALL
            .into_iter()
            .find(|known| known.symbol() == unit)
        else {
            return Err(format!(
                "`{text}` is no time: the units are fs, ps, ns, us, ms and s"
            ));
        };
        let Some(exponent) = exponent else {
            return Err(format!(
                "`{text}` has a unit, and the trace does not say how long a step is"
            ));
        };
        let seconds: f64 = number
            .parse()
            .map_err(|_| format!("`{text}` is no time: `{number}` is no number"))?;
        let steps = seconds * 10f64.powi(i32::from(unit.exponent()) - i32::from(exponent));
        if steps >= 0.0 && steps <= u64::MAX as f64 {
            Ok(steps.round() as u64)
        } else {
            Err(format!("`{text}` is no time of a trace"))
        }
    }
}

/// One, two or five and zeros, such that at most so many fit into a span.
fn step(span: u64, mark_count: usize) -> u64 {
    let mut power = 1u64;
    loop {
        for digit in [1, 2, 5] {
            let step = power.saturating_mul(digit);
            if span / step <= mark_count as u64 || step == u64::MAX {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// A number with a comma after each three digits.
#[must_use]
pub fn thousands(number: u128) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timescale_is_a_power_of_ten() {
        assert_eq!(Timescale::new(2, TimeUnit::Nanoseconds), None);
        let scale = Timescale::new(100, TimeUnit::Picoseconds).unwrap();
        assert_eq!(
            (scale.exponent(), scale.to_string().as_str()),
            (-10, "100 ps")
        );
        let mut exponents: Vec<i8> = Vec::new();
        for unit in TimeUnit::ALL {
            exponents
                .extend([1, 10, 100].map(|value| Timescale::new(value, unit).unwrap().exponent()));
        }
        assert_eq!(exponents, (-15..=2).collect::<Vec<i8>>());
    }

    #[test]
    fn marks_are_round_and_few() {
        let clock = Clock::new(Some(-12), 0, 20_000, 10);
        assert_eq!(clock.unit(), "ns");
        let ticks = clock.ticks(500, 20_000, 10);
        assert_eq!(ticks.step, 2_000);
        let texts: Vec<&str> = ticks.marks.iter().map(|mark| mark.1.as_str()).collect();
        assert_eq!(texts.join(" "), "2 4 6 8 10 12 14 16 18 20");
        assert_eq!(clock.text(1_234), "1.234 ns");
        assert_eq!(Clock::new(None, 0, 9, 10).text(12_000), "12,000 steps");
        let coarse = Clock::new(Some(-8), 0, 5, 10);
        assert_eq!(coarse.text(3), "30 ns");
        for (from, to) in [(0, 0), (0, u64::MAX), (u64::MAX, u64::MAX), (7, 8)] {
            let ticks = Clock::new(Some(-9), from, to, 7).ticks(from, to, 7);
            assert!(ticks.marks.len() <= 8, "{from}..{to}: {ticks:?}");
        }
    }

    #[test]
    fn times_are_read_with_and_without_units() {
        assert_eq!(Clock::parse("1_200", None), Ok(1_200));
        assert_eq!(Clock::parse("1.2us", Some(-9)), Ok(1_200));
        assert_eq!(Clock::parse("3 ns", Some(-12)), Ok(3_000));
        assert!(
            Clock::parse("3ns", None)
                .unwrap_err()
                .contains("does not say how long")
        );
        assert!(
            Clock::parse("3 years", Some(-9))
                .unwrap_err()
                .contains("the units are")
        );
        assert!(Clock::parse("-3ns", Some(-9)).is_err() && Clock::parse("x", Some(-9)).is_err());
    }
}
