//! Cycles, ticks and clock domains: simulated time in exact integers.
//!
//! A *tick* is the greatest common divisor of all clock periods of a machine, so the period of
//! every domain is a whole number of ticks and nothing drifts: 3 GHz beside 1 GHz has a tick of
//! one third of a nanosecond. Edge `n` of a domain falls on tick `n × period`.

use std::fmt;

/// Index of a rising edge of one clock domain; the first edge is 0.
pub type Cycle = u64;

/// Simulated time in ticks, the common divisor of all periods.
pub type Tick = u64;

/// Ticks stay below this, so that the top bit of a stamp is free for the state of a FIFO slot.
pub const TICK_MAX: Tick = (1 << 62) - 1;

/// The most clock domains a machine may have.
pub const DOMAINS_MAX: usize = 15;

/// A clock domain: a name and a rational period in picoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Name used in the netlist.
    pub name: String,
    /// Numerator of the period in picoseconds, at least 1.
    pub period_numerator: u64,
    /// Denominator of the period in picoseconds, at least 1.
    pub period_denominator: u64,
}

/// The periods of all domains in ticks, and the length of a tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timebase {
    /// Period of each domain in ticks, each at least 1.
    pub period_ticks: Vec<u64>,
    /// Length of a tick in picoseconds, as a fraction in lowest terms.
    pub tick_picoseconds: (u64, u64),
}

/// Why no common tick exists for a set of clock domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimebaseError {
    /// A period has a zero numerator or denominator.
    ZeroPeriod {
        /// Index of the domain.
        domain: usize,
    },
    /// The common tick is so fine that a period would exceed 2³² ticks.
    TooFine {
        /// Index of the domain whose period overflowed.
        domain: usize,
    },
    /// More domains than [`DOMAINS_MAX`], or none.
    DomainCount {
        /// How many were given.
        count: usize,
    },
}

impl fmt::Display for TimebaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroPeriod { domain } => write!(f, "clock domain {domain} has a period of zero"),
            Self::TooFine { domain } => write!(
                f,
                "clock domain {domain} would last more than 2^32 ticks of the common divisor of all periods"
            ),
            Self::DomainCount { count } => {
                write!(f, "{count} clock domains; a machine has 1 to {DOMAINS_MAX}")
            }
        }
    }
}

impl std::error::Error for TimebaseError {}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Timebase {
    /// The coarsest tick that divides every period.
    ///
    /// # Errors
    /// When a period is zero, or a period in ticks would exceed 2³².
    pub fn of(domains: &[Domain]) -> Result<Self, TimebaseError> {
        if domains.is_empty() || domains.len() > DOMAINS_MAX {
            return Err(TimebaseError::DomainCount {
                count: domains.len(),
            });
        }
        // gcd of fractions: gcd of numerators over lcm of denominators, in lowest terms.
        let mut numerator: u128 = 0;
        let mut denominator: u128 = 1;
        for (index, domain) in domains.iter().enumerate() {
            let (n, d) = (
                u128::from(domain.period_numerator),
                u128::from(domain.period_denominator),
            );
            if n == 0 || d == 0 {
                return Err(TimebaseError::ZeroPeriod { domain: index });
            }
            let shared = gcd(n, d);
            let (n, d) = (n / shared, d / shared);
            numerator = gcd(numerator, n);
            denominator = denominator / gcd(denominator, d) * d;
            if denominator > u128::from(u64::MAX) {
                return Err(TimebaseError::TooFine { domain: index });
            }
        }
        let mut period_ticks = Vec::with_capacity(domains.len());
        for (index, domain) in domains.iter().enumerate() {
            // Below 2^64 × 2^64: both factors are checked to fit 64 bits.
            let ticks = u128::from(domain.period_numerator) * denominator
                / u128::from(domain.period_denominator)
                / numerator;
            if ticks > 1 << 32 {
                return Err(TimebaseError::TooFine { domain: index });
            }
            period_ticks.push(u64::try_from(ticks).expect("checked to be at most 2^32"));
        }
        let tick_picoseconds = (
            u64::try_from(numerator).expect("divides a 64-bit numerator"),
            u64::try_from(denominator).expect("checked to fit 64 bits"),
        );
        Ok(Self {
            period_ticks,
            tick_picoseconds,
        })
    }

    /// One domain with a period of one tick: what a machine without declared clocks uses.
    #[must_use]
    pub fn single() -> Self {
        Self {
            period_ticks: vec![1],
            tick_picoseconds: (1000, 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(numerator: u64, denominator: u64) -> Domain {
        Domain {
            name: String::new(),
            period_numerator: numerator,
            period_denominator: denominator,
        }
    }

    #[test]
    fn three_gigahertz_beside_one_is_exact() {
        let base = Timebase::of(&[domain(1000, 3), domain(1000, 1)]).unwrap();
        assert_eq!(base.period_ticks, [1, 3]);
        assert_eq!(base.tick_picoseconds, (1000, 3));
    }

    #[test]
    fn coprime_periods_share_their_unit() {
        assert_eq!(
            Timebase::of(&[domain(7, 1), domain(5, 1)])
                .unwrap()
                .period_ticks,
            [7, 5]
        );
        assert_eq!(
            Timebase::of(&[domain(10, 1), domain(15, 1)])
                .unwrap()
                .period_ticks,
            [2, 3]
        );
    }

    #[test]
    fn impossible_periods_are_errors() {
        assert_eq!(
            Timebase::of(&[domain(0, 1)]),
            Err(TimebaseError::ZeroPeriod { domain: 0 })
        );
        assert_eq!(
            Timebase::of(&[domain(u64::MAX, 1), domain(1, u64::MAX)]),
            Err(TimebaseError::TooFine { domain: 0 })
        );
    }
}
