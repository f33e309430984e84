//! Latencies, counted in buckets of a fixed relative width.

/// Buckets of each power of two: a value is known to a thirty-second.
const PARTS: usize = 32;
const PART_BITS: u32 = PARTS.ilog2();
/// Powers of two of nanoseconds; what is longer (68 s) falls into the last bucket.
const POWERS: usize = 32;

/// Counts of values by size, in place: 8 KiB.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: [u64; PARTS * POWERS],
    count: u64,
    maximum: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: [0; PARTS * POWERS],
            count: 0,
            maximum: 0,
        }
    }
}

impl Histogram {
    /// Counts a value.
    pub fn add(&mut self, value: u64) {
        let bucket = bucket(value).min(self.counts.len() - 1);
        self.counts[bucket] += 1;
        self.count += 1;
        self.maximum = self.maximum.max(value);
    }

    /// Counts everything that another has counted.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.count += other.count;
        self.maximum = self.maximum.max(other.maximum);
    }

    /// Values counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The largest value.
    #[must_use]
    pub fn maximum(&self) -> u64 {
        self.maximum
    }

    /// What this part of the values does not exceed, to a bucket; 0 of none.
    #[must_use]
    pub fn quantile(&self, part: f64) -> u64 {
        let rank = (self.count as f64 * part).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, &count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper(bucket).min(self.maximum);
            }
        }
        self.maximum
    }
}

fn bucket(value: u64) -> usize {
    if value < PARTS as u64 {
        return value as usize;
    }
    let power = value.ilog2() - PART_BITS;
    let part = (value >> power) as usize - PARTS;
    (power as usize + 1) * PARTS + part
}

/// The largest value of a bucket.
fn upper(bucket: usize) -> u64 {
    if bucket < PARTS {
        return bucket as u64;
    }
    let (power, part) = (bucket / PARTS - 1, bucket % PARTS);
    (((PARTS + part + 1) as u64) << power) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_known_to_a_thirty_second() {
        for value in (0..200_000).chain((200_000..60_000_000_000).step_by(7_654_321)) {
            let upper = upper(bucket(value));
            assert!(upper >= value, "{value}");
            assert!(upper - value <= value / 32, "{value}: {upper}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_values() {
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|value| histogram.add(value));
        for (part, value) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = histogram.quantile(part) as f64;
            assert!((found - value).abs() <= value / 32.0, "{part}: {found}");
        }
        let mut both = Histogram::default();
        both.add(5_000);
        both.merge(&histogram);
        assert_eq!((both.count(), both.maximum()), (1001, 5_000));
        assert_eq!(Histogram::default().quantile(0.5), 0);
    }
}
