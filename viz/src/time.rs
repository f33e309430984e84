//! Units of time: what one step of a trace stands for.

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
}
