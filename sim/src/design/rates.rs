//! Wires that cannot carry an item per edge, whatever happens.

use crate::diagnostic::{Code, Diagnostic, Span};
use std::fmt;
use tina_engine::Wire;

/// Equal wires of one statement whose depth caps their rate (law: rate ≤ depth / round trip).
#[derive(Clone, Debug)]
pub struct RateCap {
    /// The statement.
    pub span: Span,
    /// The first of the wires: path and port of its output.
    pub from: String,
    /// The first of the wires: path and port of its input.
    pub to: String,
    /// How many wires it speaks of.
    pub wire_count: u64,
    /// Its numbers.
    pub wire: Wire,
    /// The cap in items per edge of the slower clock, as a fraction.
    pub rate: (u64, u64),
    /// The depth from which on the cap is gone.
    pub depth_needed: u64,
}

impl RateCap {
    /// The cap of a wire between clocks of these periods, if there is one.
    pub(crate) fn of(wire: &Wire, from_period: u64, to_period: u64) -> Option<((u64, u64), u64)> {
        // Synchroniser stages count in consumer edges, credits in producer edges (law 7).
        let round_trip = u64::from(wire.latency) * to_period + u64::from(wire.credit) * from_period;
        let slower = from_period.max(to_period);
        let capacity = u64::from(wire.depth) * slower;
        let wanted = u64::from(wire.lanes) * round_trip;
        (capacity < wanted).then(|| {
            let shared = gcd(capacity, round_trip);
            (
                (capacity / shared, round_trip / shared),
                wanted.div_ceil(slower),
            )
        })
    }

    /// The same cap of no wires yet, seen from the netlist that includes this one as `prefix`.
    pub(crate) fn inside(&self, prefix: &str) -> Self {
        let (from, to) = (
            format!("{prefix}.{}", self.from),
            format!("{prefix}.{}", self.to),
        );
        Self {
            from,
            to,
            wire_count: 0,
            ..self.clone()
        }
    }

    /// The cap as a warning at the statement.
    #[must_use]
    pub fn warning(&self) -> Diagnostic {
        Diagnostic::warning(Code::RateCap, self.to_string())
            .at(self.span, "")
            .help(format!("a depth of {} lifts the cap", self.depth_needed))
    }
}

impl fmt::Display for RateCap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` to `{}`", self.from, self.to)?;
        if self.wire_count > 1 {
            write!(f, " and {} more", self.wire_count - 1)?;
        }
        let (numerator, denominator) = self.rate;
        write!(
            f,
            ": depth {} caps the rate at {numerator}/{denominator} item per edge",
            self.wire.depth
        )?;
        if self.wire.lanes > 1 {
            write!(f, " of {} lanes", self.wire.lanes)?;
        }
        Ok(())
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tina_engine::PortRef;

    fn wire(depth: u32, latency: u32, credit: u32, lanes: u8) -> Wire {
        let port = PortRef {
            instance: 0,
            port: 0,
        };
        Wire {
            from: port,
            to: port,
            depth,
            latency,
            credit,
            lanes,
        }
    }

    #[test]
    fn depth_is_credits() {
        assert_eq!(RateCap::of(&wire(2, 1, 1, 1), 1, 1), None);
        assert_eq!(RateCap::of(&wire(1, 1, 1, 1), 1, 1), Some(((1, 2), 2)));
        assert_eq!(RateCap::of(&wire(2, 3, 3, 1), 1, 1), Some(((1, 3), 6)));
        assert_eq!(RateCap::of(&wire(2, 1, 1, 2), 1, 1), Some(((1, 1), 4)));
    }

    #[test]
    fn clocks_of_both_ends_count() {
        // Producer three times as fast: latency in slow edges, credit in fast ones.
        assert_eq!(RateCap::of(&wire(1, 1, 1, 1), 1, 3), Some(((3, 4), 2)));
        assert_eq!(RateCap::of(&wire(2, 1, 1, 1), 1, 3), None);
    }
}
