//! Numbers as people read them.

use tina_engine::ResultValue;

/// A whole number in groups of three digits.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A result: counts in groups, checks in hexadecimal.
pub(super) fn result(value: ResultValue) -> String {
    match value {
        ResultValue::Count(count) => thousands(count),
        ResultValue::Check(check) => hexadecimal(check),
    }
}

/// All 64 bits.
pub(super) fn hexadecimal(value: u64) -> String {
    format!("{value:#018x}")
}

/// Seconds in the unit that suits them.
pub(super) fn duration(seconds: f64) -> String {
    match seconds {
        _ if seconds >= 1.0 => format!("{seconds:.3} s"),
        _ if seconds >= 1e-3 => format!("{:.3} ms", seconds * 1e3),
        _ => format!("{:.1} us", seconds * 1e6),
    }
}

/// The middle of some measurements; 0 of none.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.len(), sorted.len() % 2) {
        (0, _) => 0.0,
        (_, 1) => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// A quotient; nothing of nothing is nothing.
pub(super) fn ratio(numerator: f64, denominator: f64) -> f64 {
    if denominator > 0.0 {
        numerator / denominator
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_three_digits() {
        let texts = [0, 7, 999, 1_000, 65_536, 1_234_567].map(thousands);
        assert_eq!(texts, ["0", "7", "999", "1,000", "65,536", "1,234,567"]);
        assert_eq!(result(ResultValue::Check(0xbeef)), "0x000000000000beef");
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(
            [1.5, 0.25, 0.000_070_2].map(duration),
            ["1.500 s", "250.000 ms", "70.2 us"]
        );
    }

    #[test]
    fn medians_ignore_order() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
    }
}
