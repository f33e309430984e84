//! What is read of a signal over a window of time.

use super::Reading;
use crate::trace::{Changes, Radix, ReadError, Trace, Value, ValueKind};

/// A number for a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// How often it changes or happens.
    Changes,
    /// Its mean, each value counted for as long as it lasts.
    Mean,
    /// The greatest value.
    Greatest,
}

impl Measure {
    /// In words, for a legend.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Changes => "number of changes",
            Self::Mean => "mean value",
            Self::Greatest => "greatest value",
        }
    }

    /// Reads signals of a trace; one that has no number gives none.
    ///
    /// # Errors
    /// The trace is broken where it is about one of them.
    pub fn read(
        self,
        trace: &mut Trace,
        signals: &[usize],
        from: u64,
        to: u64,
    ) -> Result<Vec<Reading>, ReadError> {
        let mut readings = Vec::new();
        for &signal in signals {
            let changes = trace.changes(signal, from, to)?;
            let info = &trace.signals()[signal];
            let width = match info.kind {
                ValueKind::Bits(width) => width,
                ValueKind::Real | ValueKind::Text | ValueKind::Event => 64,
            };
            if let Some(number) = self.of(&changes, from, to, width) {
                let name = info.name.clone();
                readings.push(Reading { name, number });
            }
        }
        Ok(readings)
    }

    fn of(self, changes: &Changes, from: u64, to: u64, width: u32) -> Option<f64> {
        let number = |value: &Value| value.number(Radix::Decimal, width);
        let values = || {
            changes
                .before
                .iter()
                .chain(changes.list.iter().map(|change| &change.1))
        };
        match self {
            Self::Changes => Some(changes.times().count() as f64),
            Self::Greatest => values().filter_map(number).reduce(f64::max),
            Self::Mean => {
                let starts = [from]
                    .into_iter()
                    .chain(changes.list.iter().map(|change| change.0));
                let ends = changes.list.iter().map(|change| change.0).chain([to]);
                let all = [changes.before.as_ref()].into_iter();
                let all = all.chain(changes.list.iter().map(|change| Some(&change.1)));
                let (mut sum, mut steps) = (0.0, 0.0);
                for ((start, end), value) in starts.zip(ends).zip(all) {
                    if let Some(number) = value.and_then(number) {
                        sum += number * (end - start) as f64;
                        steps += (end - start) as f64;
                    }
                }
                (steps > 0.0).then(|| sum / steps)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_weighted_by_time() {
        let changes = Changes {
            before: Some(Value::Number(4)),
            list: vec![(12, Value::Number(0)), (18, Value::Bits("xx".into()))],
        };
        let of = |measure: Measure| measure.of(&changes, 10, 20, 8);
        assert_eq!(of(Measure::Changes), Some(2.0));
        assert_eq!(of(Measure::Greatest), Some(4.0));
        assert_eq!(
            of(Measure::Mean),
            Some(1.0),
            "4 for two steps, 0 for six, unknown for two"
        );
        assert_eq!(Measure::Mean.of(&Changes::default(), 0, 9, 1), None);
        let first = Changes {
            before: None,
            list: vec![(0, Value::Number(0)), (5, Value::Number(1))],
        };
        assert_eq!(
            Measure::Changes.of(&first, 0, 9, 1),
            Some(1.0),
            "the first value is no change"
        );
    }
}
