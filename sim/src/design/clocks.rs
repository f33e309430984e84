//! Clock domains of a machine: global by name, the first one being the base clock.

use super::scope::Scope;
use crate::diagnostic::{Code, Diagnostic, Findings, Refusal, Span};
use crate::netlist::Clock;
use crate::netlist::expression::{Expression, Located};
use tina_engine::{DOMAINS_MAX, Domain, Timebase, TimebaseError};

/// Units of a period in picoseconds, and of a frequency in periods of picoseconds at one.
const PERIODS: [(&str, u64); 4] = [
    ("ps", 1),
    ("ns", 1000),
    ("us", 1_000_000),
    ("ms", 1_000_000_000),
];
const FREQUENCIES: [(&str, u64); 4] = [
    ("GHz", 1000),
    ("MHz", 1_000_000),
    ("kHz", 1_000_000_000),
    ("Hz", 1_000_000_000_000),
];

/// All clocks of the files of a machine.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    domains: Vec<Domain>,
    spans: Vec<Span>,
}

impl Clocks {
    /// Adds the clocks of a file; one that is there already must have the same period.
    pub(crate) fn add(&mut self, clocks: &[Clock], scope: &Scope<'_>, found: &mut Findings) {
        for clock in clocks {
            let Some((numerator, denominator)) = found.keep(period(clock, scope)) else {
                continue;
            };
            let domain = Domain {
                name: clock.name.text.clone(),
                period_numerator: numerator,
                period_denominator: denominator,
            };
            match self.number(&clock.name.text) {
                Some(known) if self.domains[usize::from(known)] != domain => {
                    let message = format!("clock `{}` has two different periods", clock.name.text);
                    found.add(
                        Diagnostic::error(Code::Clock, message)
                            .at(clock.span, "this one")
                            .also(self.spans[usize::from(known)], "and this one")
                            .note("clocks are global by name: all files mean the same one"),
                    );
                }
                Some(_) => {}
                None if self.domains.len() == DOMAINS_MAX => {
                    let message = format!("more than {DOMAINS_MAX} clocks");
                    found.add(Diagnostic::error(Code::TooMany, message).at(clock.name.span, ""));
                    return;
                }
                None => {
                    self.domains.push(domain);
                    self.spans.push(clock.span);
                }
            }
        }
    }

    /// The domains and their common tick; one clock of 1 ns where none was declared.
    pub(crate) fn finish(mut self, found: &mut Findings) -> (Vec<Domain>, Timebase) {
        if self.domains.is_empty() {
            self.domains.push(Domain {
                name: "clock".to_owned(),
                period_numerator: 1000,
                period_denominator: 1,
            });
        }
        match Timebase::of(&self.domains) {
            Ok(timebase) => (self.domains, timebase),
            Err(error) => {
                let mut diagnostic = Diagnostic::error(Code::Clock, error.to_string());
                if let TimebaseError::TooFine { domain } | TimebaseError::ZeroPeriod { domain } =
                    error
                    && let Some(&span) = self.spans.get(domain)
                {
                    diagnostic =
                        diagnostic.at(span, format!("clock `{}`", self.domains[domain].name));
                }
                found.add(diagnostic);
                (self.domains, Timebase::single())
            }
        }
    }

    fn number(&self, name: &str) -> Option<u8> {
        number(&self.domains, name)
    }
}

/// Number of the domain called `name`.
pub(crate) fn number(domains: &[Domain], name: &str) -> Option<u8> {
    domains
        .iter()
        .position(|domain| domain.name == name)
        .map(|number| number as u8)
}

/// The period of a clock in picoseconds, as a fraction in lowest terms.
fn period(clock: &Clock, scope: &Scope<'_>) -> Result<(u64, u64), Refusal> {
    let text = clock.text.trim_end();
    let refuse = |message: &str| {
        Diagnostic::error(Code::Clock, format!("`{}` is not a clock", clock.text))
            .at(clock.span, message)
            .help("a number, then ps, ns, us, ms, Hz, kHz, MHz or GHz: `750 MHz`, `10/3 ns`")
    };
    let unit_start = text
        .trim_end_matches(|c: char| c.is_ascii_alphabetic())
        .len();
    let (amount, unit) = text.split_at(unit_start);
    let located = Located {
        text: &clock.text,
        span: clock.span,
        exact: clock.exact,
    };
    let (numerator, denominator) = match fraction(amount) {
        Some(fraction) => fraction,
        None => {
            let formula = Expression::parse(located.part(0..unit_start))?;
            let value =
                scope.integer(&formula, "the number of a clock", 1..=i128::from(u64::MAX))?;
            (value.unsigned_abs(), 1)
        }
    };
    let lookup = |units: &[(&str, u64)]| {
        units
            .iter()
            .find(|(name, _)| *name == unit)
            .map(|&(_, factor)| u128::from(factor))
    };
    let (numerator, denominator) = if let Some(picoseconds) = lookup(&PERIODS) {
        (numerator.checked_mul(picoseconds), Some(denominator))
    } else if let Some(picoseconds) = lookup(&FREQUENCIES) {
        (denominator.checked_mul(picoseconds), Some(numerator))
    } else {
        return Err(refuse("expected a unit of time or frequency at the end").into());
    };
    let (Some(numerator), Some(denominator)) = (numerator, denominator) else {
        return Err(refuse("too large").into());
    };
    if numerator == 0 || denominator == 0 {
        return Err(refuse("a clock cannot have a period or a frequency of zero").into());
    }
    let shared = gcd(numerator, denominator);
    match (
        u64::try_from(numerator / shared),
        u64::try_from(denominator / shared),
    ) {
        (Ok(numerator), Ok(denominator)) => Ok((numerator, denominator)),
        _ => Err(refuse("the period in picoseconds needs more than 64 bits").into()),
    }
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// `3`, `3.25` or `10/3` as a fraction; nothing where it is a formula instead.
fn fraction(text: &str) -> Option<(u128, u128)> {
    let digits = |text: &str| -> Option<u128> {
        (text.len() <= 30 && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse().ok())?
    };
    let text = text.trim();
    if let Some((over, under)) = text.split_once('/') {
        return Some((digits(over.trim())?, digits(under.trim())?));
    }
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 9 {
        return None;
    }
    let scale = 10_u128.pow(decimals.len() as u32);
    let tail = if decimals.is_empty() {
        0
    } else {
        digits(decimals)?
    };
    Some((digits(whole)?.checked_mul(scale)?.checked_add(tail)?, scale))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Sources;
    use crate::netlist::node::Name;

    fn read(text: &str) -> Option<(u64, u64)> {
        let source = Sources::default().add("a", text.into());
        let span = Span {
            source,
            start: 0,
            end: text.len() as u32,
        };
        let name = Name {
            span,
            text: "core".into(),
        };
        let clock = Clock {
            name,
            text: text.into(),
            span,
            exact: true,
        };
        period(
            &clock,
            &Scope {
                names: &[],
                values: &[],
                locals: &[],
            },
        )
        .ok()
    }

    #[test]
    fn periods_and_frequencies_are_exact() {
        assert_eq!(read("1 GHz"), Some((1000, 1)));
        assert_eq!(read("3GHz"), Some((1000, 3)));
        assert_eq!(read("750 MHz"), Some((4000, 3)));
        assert_eq!(read("10/3 ns"), Some((10_000, 3)));
        assert_eq!(read("2.5 ns"), Some((2500, 1)));
        assert_eq!(read("2 * 5 us"), Some((10_000_000, 1)));
        assert_eq!(read("32.768 kHz"), Some((244_140_625, 8)));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "", "GHz", "1", "1 parsec", "0 ns", "0 MHz", "1/0 ns", "-1 ns", "1e400 ns",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read("99999999999999999999999999999 ms"), None);
    }
}
