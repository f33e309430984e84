//! The digests of a run, epoch by epoch, in bounded memory.
//!
//! Digests are cumulative, so that every second record may be dropped when the table is full: a
//! difference is still seen, between two records further apart.

use tina_engine::EpochRecord;

/// Records a stream keeps: 1.5 MiB.
const RECORDS_MAX: usize = 1 << 16;

/// The epochs of a run, thinned to every 2ⁿ-th once there are many, and the last.
#[derive(Clone, Debug)]
pub struct Stream {
    stride: u64,
    records: Vec<EpochRecord>,
    last: Option<EpochRecord>,
    records_max: usize,
}

impl Default for Stream {
    fn default() -> Self {
        Self::with_limit(RECORDS_MAX)
    }
}

impl Stream {
    fn with_limit(records_max: usize) -> Self {
        Self {
            stride: 1,
            records: Vec::new(),
            last: None,
            records_max,
        }
    }

    /// Takes the record of the next epoch.
    pub fn push(&mut self, record: EpochRecord) {
        self.last = Some(record);
        if !record.index.is_multiple_of(self.stride) {
            return;
        }
        if self.records.len() == self.records_max {
            self.thin(self.stride * 2);
        }
        if record.index.is_multiple_of(self.stride) {
            self.records.push(record);
        }
    }

    fn thin(&mut self, stride: u64) {
        self.stride = stride;
        self.records
            .retain(|record| record.index.is_multiple_of(stride));
    }

    /// Epochs seen.
    #[must_use]
    pub fn epoch_count(&self) -> u64 {
        self.last.map_or(0, |record| record.index + 1)
    }

    /// The cycles between which two streams part: the last one known to be equal and the first
    /// one known to differ. `None` if they are equal to the end.
    #[must_use]
    pub fn first_difference(&self, other: &Self) -> Option<(u64, u64)> {
        let stride = self.stride.max(other.stride);
        let on_stride = |record: &&EpochRecord| record.index.is_multiple_of(stride);
        let ours = self.records.iter().filter(on_stride).chain(&self.last);
        let theirs = other.records.iter().filter(on_stride).chain(&other.last);
        let mut equal_until = 0;
        let mut pairs = ours.zip(theirs);
        if let Some((ours, theirs)) = pairs.find(|(ours, theirs)| {
            let equal = ours == theirs;
            if equal {
                equal_until = ours.cycle;
            }
            !equal
        }) {
            return Some((equal_until, ours.cycle.max(theirs.cycle)));
        }
        // Equal as far as the shorter goes; the ends are in both, so equal ends are equal runs.
        let end = |stream: &Self| stream.last.map_or(0, |record| record.cycle);
        (end(self) != end(other)).then(|| (equal_until, end(self).max(end(other))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(limit: usize, epoch_count: u64, odd_from: u64) -> Stream {
        let mut stream = Stream::with_limit(limit);
        for index in 0..epoch_count {
            let digest = if index >= odd_from {
                1_000 + index
            } else {
                index
            };
            stream.push(EpochRecord {
                index,
                cycle: 10 * (index + 1),
                digest,
            });
        }
        stream
    }

    #[test]
    fn a_difference_lies_between_two_epochs() {
        let straight = stream(64, 20, u64::MAX);
        assert_eq!(straight.first_difference(&stream(64, 20, u64::MAX)), None);
        assert_eq!(
            straight.first_difference(&stream(64, 20, 7)),
            Some((70, 80))
        );
        assert_eq!(straight.first_difference(&stream(64, 20, 0)), Some((0, 10)));
        assert_eq!(
            straight.first_difference(&stream(64, 20, 19)),
            Some((190, 200))
        );
    }

    #[test]
    fn a_run_that_ends_early_differs() {
        let straight = stream(64, 20, u64::MAX);
        assert_eq!(
            straight.first_difference(&stream(64, 12, u64::MAX)),
            Some((120, 130))
        );
        assert_eq!(
            straight.first_difference(&Stream::default()),
            Some((0, 200))
        );
        assert_eq!(Stream::default().first_difference(&Stream::default()), None);
    }

    #[test]
    fn memory_is_bounded_and_differences_are_still_seen() {
        let long = stream(16, 1_000, u64::MAX);
        assert!(long.records.len() <= 16, "{} records", long.records.len());
        assert_eq!(long.epoch_count(), 1_000);
        assert_eq!(long.first_difference(&stream(64, 1_000, u64::MAX)), None);
        let (equal, differs) = long.first_difference(&stream(64, 1_000, 333)).unwrap();
        assert!(equal <= 3_330 && differs >= 3_340, "{equal} {differs}");
        assert!(differs - equal <= 10 * long.stride, "{equal} {differs}");
    }
}
