//! Whole numbers as text, as strict as Redis is: no sign but a minus, no leading zeros, no spaces.

/// The most digits of a number, with its sign.
pub const DIGITS_MAX: usize = 20;

/// The number that a text is, if it is one in its only spelling.
#[must_use]
pub fn parse(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let is_spelled = match digits {
        [] => false,
        [b'0'] => digits.len() == text.len(),
        [first, ..] => *first != b'0' && digits.iter().all(u8::is_ascii_digit),
    };
    if !is_spelled || text.len() > DIGITS_MAX {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A number as text.
pub struct Digits {
    text: [u8; DIGITS_MAX],
    start: usize,
}

impl Digits {
    /// Writes it down.
    #[must_use]
    pub fn of(number: i64) -> Self {
        let mut digits = Self {
            text: [b'0'; DIGITS_MAX],
            start: DIGITS_MAX,
        };
        let mut rest = number.unsigned_abs();
        loop {
            digits.start -= 1;
            digits.text[digits.start] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            digits.start -= 1;
            digits.text[digits.start] = b'-';
        }
        digits
    }

    /// The text.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.text[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_has_one_spelling() {
        for bad in [
            "",
            "-",
            "+1",
            "01",
            "-0",
            "1 ",
            " 1",
            "1.0",
            "9223372036854775808",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad:?}");
        }
        for number in [0, 1, -1, i64::MAX, i64::MIN] {
            assert_eq!(parse(Digits::of(number).bytes()), Some(number));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number: i64) {
            let digits = Digits::of(number);
            let text = number.to_string();
            prop_assert_eq!(digits.bytes(), text.as_bytes());
            prop_assert_eq!(parse(digits.bytes()), Some(number));
        }
    }
}
