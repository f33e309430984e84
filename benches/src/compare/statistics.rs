//! Medians of measurements, and ratios of forms that ran in the same round.

/// Seconds of a run and the round it ran in.
pub type Sample = (usize, f64);

/// The middle of some measurements; `None` of none.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.len(), sorted.len() % 2) {
        (0, _) => None,
        (_, 1) => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The median of the seconds.
#[must_use]
pub fn median_seconds(samples: &[Sample]) -> Option<f64> {
    median(samples.iter().map(|sample| sample.1))
}

/// How many times as long as `base` it took: the median of the ratios of the rounds in which both ran,
/// so that what slows a host down for a while does not count.
#[must_use]
pub fn ratio(samples: &[Sample], base: &[Sample]) -> Option<f64> {
    let in_same_round = |&(round, seconds): &Sample| {
        let other = base.iter().find(|other| other.0 == round)?;
        (other.1 > 0.0).then_some(seconds / other.1)
    };
    median(samples.iter().filter_map(in_same_round))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_compares_what_ran_in_the_same_round() {
        // The host was ten times slower in round 2, in which the first form did not run.
        let first = [(0, 2.0), (1, 4.0)];
        let base = [(0, 1.0), (1, 2.0), (2, 10.0)];
        assert_eq!(ratio(&first, &base), Some(2.0));
        assert_eq!(median_seconds(&base), Some(2.0));
        assert_eq!(median_seconds(&first), Some(3.0));
        assert_eq!(ratio(&first, &[]), None);
        assert_eq!(median_seconds(&[]), None);
    }
}
