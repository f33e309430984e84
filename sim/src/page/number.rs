//! Numbers on a page, and names with stars.

use crate::run::thousands;
use serde_json::Value;

/// A number with few digits.
pub(super) fn short(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return thousands(number as u64);
    }
    match number {
        _ if number >= 1000.0 => thousands(number.round() as u64),
        _ if number >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.3}"),
    }
}

/// A value of a JSON file.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Number(number) => short(number.as_f64().unwrap_or(0.0)),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A path with stars for its indices.
pub(super) fn folded(path: &str) -> String {
    let mut folded = String::with_capacity(path.len());
    let mut is_inside = false;
    for letter in path.chars() {
        match letter {
            '[' => folded.push_str("[*"),
            ']' => folded.push(']'),
            _ if is_inside => {}
            _ => folded.push(letter),
        }
        is_inside = letter == '[' || (is_inside && letter != ']');
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_short() {
        assert_eq!(
            [1.0, 1234567.0, 0.1234, 12.34, 5432.1].map(short).join(" "),
            "1 1,234,567 0.123 12.3 5,432"
        );
        assert_eq!(
            folded("tile[3][0].core.cache[7]"),
            "tile[*][*].core.cache[*]"
        );
        assert_eq!(folded("top"), "top");
    }
}
