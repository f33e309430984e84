//! Statistics that modules declare: counters and histograms with a unit and a description.

use serde::{Deserialize, Serialize};

/// Buckets of a [`Histogram`].
pub const HISTOGRAM_BUCKETS: usize = 32;

/// How often values of which size came: one bucket for 0, one for each number of bits, the last for all
/// that is larger. A module keeps it in its state; to take a value costs a few instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    sum: u64,
    buckets: [u64; HISTOGRAM_BUCKETS],
}

impl Histogram {
    /// Takes a value.
    #[inline]
    pub fn take(&mut self, value: u64) {
        let bits = (u64::BITS - value.leading_zeros()) as usize;
        self.sum = self.sum.wrapping_add(value);
        self.buckets[bits.min(HISTOGRAM_BUCKETS - 1)] += 1;
    }

    /// How many values came.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Their sum, modulo 2⁶⁴.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The buckets that any value fell into: its smallest value, its largest (none of the last bucket),
    /// and how many there were.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, Option<u64>, u64)> {
        let bucket = |(bits, &count): (usize, &u64)| {
            let low = if bits == 0 { 0 } else { 1 << (bits - 1) };
            let last = bits == HISTOGRAM_BUCKETS - 1;
            let high = (!last).then(|| if bits == 0 { 0 } else { (1 << bits) - 1 });
            (low, high, count)
        };
        let buckets = self.buckets.iter().enumerate().map(bucket);
        buckets.filter(|(_, _, count)| *count > 0)
    }

    /// What came since it was `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let mut since = *self;
        since.sum = since.sum.wrapping_sub(before.sum);
        for (bucket, before) in since.buckets.iter_mut().zip(before.buckets) {
            *bucket = bucket.saturating_sub(before);
        }
        since
    }
}

/// The value of a statistic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatisticValue {
    /// A count.
    Count(u64),
    /// A check value: 64 bits that say nothing by themselves.
    Check(u64),
    /// Values by their size.
    Histogram(Box<Histogram>),
}

/// A statistic of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistic {
    /// Its name.
    pub name: &'static str,
    /// What is counted, in the plural: `cycles`, `packets`; empty where the module does not say.
    pub unit: &'static str,
    /// What it means, in a few words; empty where the module does not say.
    pub description: &'static str,
    /// Its value.
    pub value: StatisticValue,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_into_the_bucket_of_their_size() {
        let mut histogram = Histogram::default();
        [0, 1, 2, 3, 4, 1 << 40]
            .into_iter()
            .for_each(|value| histogram.take(value));
        let buckets: Vec<_> = histogram.buckets().collect();
        let last = 1 << (HISTOGRAM_BUCKETS - 2);
        assert_eq!(
            buckets,
            [
                (0, Some(0), 1),
                (1, Some(1), 1),
                (2, Some(3), 2),
                (4, Some(7), 1),
                (last, None, 1)
            ]
        );
        assert_eq!((histogram.count(), histogram.sum()), (6, 10 + (1 << 40)));
        let before = histogram;
        histogram.take(3);
        let since: Vec<_> = histogram.since(&before).buckets().collect();
        assert_eq!(since, [(2, Some(3), 1)]);
        assert_eq!(histogram.since(&before).sum(), 3);
    }
}
