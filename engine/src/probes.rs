//! What modules show of their inside in traces: named fields, sampled when a module has been clocked.

/// A named field of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeField {
    /// Name in traces, unique in its module.
    pub name: &'static str,
    /// Width in bits, 1 to 64.
    pub bits: u32,
    /// What its values are called, from 0 on; empty for a number.
    pub values: &'static [&'static str],
}

/// Takes the fields a module shows, always the same ones in the same order.
///
/// A module that shows something should show state that changes only when it acts: it is looked at
/// after the edges at which it was woken, and how often that is may depend on the host.
pub struct Probes<'a> {
    purpose: Purpose<'a>,
}

enum Purpose<'a> {
    /// To learn which fields there are.
    Learn(&'a mut Vec<ProbeField>),
    /// To see which have changed: the values seen last, how many have been shown, whom to tell.
    Compare {
        last: &'a mut [u64],
        shown: usize,
        all: bool,
        changed: &'a mut dyn FnMut(usize, u64),
    },
}

impl<'a> Probes<'a> {
    /// Learns which fields there are.
    pub(crate) fn learn(fields: &'a mut Vec<ProbeField>) -> Self {
        Self {
            purpose: Purpose::Learn(fields),
        }
    }

    /// Tells `changed` of every field whose value is not that in `last`, or of `all`, by its number.
    pub(crate) fn compare(
        last: &'a mut [u64],
        all: bool,
        changed: &'a mut dyn FnMut(usize, u64),
    ) -> Self {
        Self {
            purpose: Purpose::Compare {
                last,
                shown: 0,
                all,
                changed,
            },
        }
    }

    /// A number of `bits` bits, 1 to 64; what exceeds them is cut off.
    #[inline(always)]
    pub fn number(&mut self, name: &'static str, bits: u32, value: u64) {
        self.field(name, bits, &[], value);
    }

    /// A flag.
    #[inline(always)]
    pub fn flag(&mut self, name: &'static str, value: bool) {
        self.field(name, 1, &[], u64::from(value));
    }

    /// One of several things: number `value` of `values`.
    #[inline(always)]
    pub fn choice(&mut self, name: &'static str, values: &'static [&'static str], value: u64) {
        let bits = usize::BITS - values.len().saturating_sub(1).leading_zeros();
        self.field(name, bits.max(1), values, value);
    }

    #[inline(always)]
    fn field(
        &mut self,
        name: &'static str,
        bits: u32,
        values: &'static [&'static str],
        value: u64,
    ) {
        // Most of what is looked at has not changed, and what was seen last is cut off already.
        if let Purpose::Compare {
            last,
            shown,
            all: false,
            ..
        } = &mut self.purpose
            && last.get(*shown) == Some(&value)
        {
            *shown += 1;
            return;
        }
        self.tell(name, bits, values, value);
    }

    #[inline(never)]
    fn tell(&mut self, name: &'static str, bits: u32, values: &'static [&'static str], value: u64) {
        let bits = bits.clamp(1, 64);
        match &mut self.purpose {
            Purpose::Learn(fields) => {
                if fields.len() < PROBE_FIELDS_MAX {
                    fields.push(ProbeField { name, bits, values });
                }
            }
            Purpose::Compare {
                last,
                shown,
                all,
                changed,
            } => {
                let value = value & u64::MAX >> (64 - bits);
                // A module that shows more than it first said is not followed there.
                if let Some(before) = last.get_mut(*shown)
                    && (*all || *before != value)
                {
                    *before = value;
                    changed(*shown, value);
                }
                *shown += 1;
            }
        }
    }
}

/// The most fields of a module that are shown.
pub const PROBE_FIELDS_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn show(probes: &mut Probes<'_>, state: u64, count: u64) {
        probes.choice("state", &["idle", "busy", "done"], state);
        probes.number("count", 4, count);
        probes.flag("odd", count % 2 == 1);
    }

    #[test]
    fn only_what_changed_is_told() {
        let mut fields = Vec::new();
        show(&mut Probes::learn(&mut fields), 0, 0);
        let widths: Vec<(&str, u32)> = fields.iter().map(|it| (it.name, it.bits)).collect();
        assert_eq!(widths, [("state", 2), ("count", 4), ("odd", 1)]);
        let mut last = [0; 3];
        let mut seen = |all, state, count| {
            let mut told = Vec::new();
            let mut tell = |number, value| told.push((number, value));
            show(
                &mut Probes::compare(&mut last, all, &mut tell),
                state,
                count,
            );
            told
        };
        assert_eq!(seen(true, 0, 0), [(0, 0), (1, 0), (2, 0)]);
        assert_eq!(seen(false, 1, 0), [(0, 1)]);
        assert_eq!(seen(false, 1, 17), [(1, 1), (2, 1)]);
        assert_eq!(seen(false, 1, 1), []);
    }
}
