//! Values of signals, and how they are written.

use wellen::SignalValueRef;

/// A value at a time.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Up to 64 bits, all of them 0 or 1.
    Number(u64),
    /// Other bits, one letter each, the most significant first: `0`, `1`, `x`, `z` and those of VHDL.
    Bits(Box<str>),
    /// A floating-point number.
    Real(f64),
    /// Text.
    Text(Box<str>),
    /// It happens.
    Event,
}

/// What happened to a signal in a window of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// The value at the beginning, where one was set before.
    pub before: Option<Value>,
    /// When it became what, in order of time.
    pub list: Vec<(u64, Value)>,
}

impl Changes {
    /// When it happened or became another value. The first value of all is no change, nor is one after
    /// an unknown one.
    pub fn times(&self) -> impl Iterator<Item = u64> {
        let mut was_known = self
            .before
            .as_ref()
            .is_some_and(|value| !value.is_unknown());
        self.list.iter().filter_map(move |(time, value)| {
            let is_change = was_known || *value == Value::Event;
            was_known = !value.is_unknown();
            is_change.then_some(*time)
        })
    }
}

/// How bits are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Radix {
    /// 0x and the digits of base 16.
    Hexadecimal,
    /// Without a sign.
    Decimal,
    /// Two's complement.
    Signed,
    /// 0b and the bits.
    Binary,
}

impl Value {
    pub(super) fn of(value: &SignalValueRef<'_>) -> Self {
        match value {
            SignalValueRef::Event => Self::Event,
            SignalValueRef::Real(number) => Self::Real(*number),
            SignalValueRef::String(text) => Self::Text((*text).into()),
            SignalValueRef::BitVec(bits) => {
                let bytes = bits.be_bytes().filter(|bytes| bytes.len() <= 8);
                if let Some(bytes) = bytes {
                    let mask = u64::MAX >> (64 - bits.width().clamp(1, 64));
                    let number = bytes
                        .iter()
                        .fold(0, |sum, &byte| sum << 8 | u64::from(byte));
                    return Self::Number(number & mask);
                }
                let text = bits.bit_string();
                let is_known = text.bytes().all(|bit| matches!(bit, b'0' | b'1'));
                match u64::from_str_radix(&text, 2) {
                    Ok(number) if is_known && text.len() <= 64 => Self::Number(number),
                    _ => Self::Bits(text.into()),
                }
            }
        }
    }

    /// Whether a bit of it is neither 0 nor 1 nor z, or it is not a number.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Bits(bits) => bits
                .bytes()
                .any(|bit| !matches!(bit, b'0' | b'1' | b'z' | b'h' | b'l')),
            Self::Real(number) => number.is_nan(),
            Self::Number(_) | Self::Text(_) | Self::Event => false,
        }
    }

    /// Whether nobody drives it: all bits are z.
    #[must_use]
    pub fn is_high_z(&self) -> bool {
        matches!(self, Self::Bits(bits) if bits.bytes().all(|bit| bit == b'z'))
    }

    /// The value as a point of a curve.
    #[must_use]
    pub fn number(&self, radix: Radix, width: u32) -> Option<f64> {
        match self {
            Self::Number(number) if radix == Radix::Signed => Some(signed(*number, width) as f64),
            Self::Number(number) => Some(*number as f64),
            Self::Real(number) => (!number.is_nan()).then_some(*number),
            Self::Bits(bits) => bits.bytes().try_fold(0.0, |sum, bit| match bit {
                b'0' | b'1' => Some(sum * 2.0 + f64::from(bit - b'0')),
                _ => None,
            }),
            Self::Text(_) | Self::Event => None,
        }
    }

    /// The value of a signal of a width as text.
    #[must_use]
    pub fn text(&self, radix: Radix, width: u32) -> String {
        match self {
            Self::Number(number) => match radix {
                Radix::Hexadecimal if width > 3 => {
                    format!("{number:0digits$x}", digits = width.div_ceil(4) as usize)
                }
                Radix::Hexadecimal | Radix::Decimal => number.to_string(),
                Radix::Signed => signed(*number, width).to_string(),
                Radix::Binary => format!("{number:0digits$b}", digits = width as usize),
            },
            Self::Bits(bits) if self.is_high_z() => bits[..1].to_owned(),
            Self::Bits(bits) if bits.bytes().all(|bit| bit == b'x') => "x".to_owned(),
            Self::Bits(bits) => match radix {
                Radix::Binary => bits.to_string(),
                Radix::Hexadecimal | Radix::Decimal | Radix::Signed => grouped(bits),
            },
            Self::Real(number) => short_real(*number),
            Self::Text(text) => text.to_string(),
            Self::Event => String::new(),
        }
    }
}

/// Two's complement of a width.
fn signed(number: u64, width: u32) -> i64 {
    let shift = 64 - width.clamp(1, 64);
    ((number << shift) as i64) >> shift
}

/// A letter for each four bits; x or z where one of them is.
fn grouped(bits: &str) -> String {
    let bytes = bits.as_bytes();
    let groups = bytes.rchunks(4).rev();
    groups
        .map(|group| {
            let known = group.iter().all(|bit| matches!(bit, b'0' | b'1'));
            if known {
                let digit = group
                    .iter()
                    .fold(0, |sum, bit| sum * 2 + u32::from(bit - b'0'));
                char::from_digit(digit, 16).expect("four bits are a digit")
            } else if group.iter().all(|bit| *bit == b'z') {
                'z'
            } else {
                'x'
            }
        })
        .collect()
}

/// At most six digits that count.
fn short_real(number: f64) -> String {
    if number.is_nan() {
        return "x".to_owned();
    }
    let size = number.abs();
    if number != 0.0 && !(1e-4..1e7).contains(&size) {
        return format!("{number:.3e}");
    }
    let places = if number == 0.0 {
        0
    } else {
        (5 - size.log10().floor() as i32).clamp(0, 9)
    };
    let text = format!("{number:.*}", places as usize);
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_short_and_exact() {
        let number = |number, radix, width| Value::Number(number).text(radix, width);
        assert_eq!(number(0x2a, Radix::Hexadecimal, 8), "2a");
        assert_eq!(number(5, Radix::Hexadecimal, 3), "5");
        assert_eq!(number(0xfe, Radix::Signed, 8), "-2");
        assert_eq!(number(u64::MAX, Radix::Signed, 64), "-1");
        assert_eq!(number(6, Radix::Binary, 5), "00110");
        let bits = |bits: &str, radix| Value::Bits(bits.into()).text(radix, bits.len() as u32);
        assert_eq!(bits("xxxx", Radix::Decimal), "x");
        assert_eq!(bits("1x1010zzzz", Radix::Hexadecimal), "xaz");
        assert_eq!(bits("1x", Radix::Binary), "1x");
        let wide = format!("1{:064b}", 0xabc);
        assert_eq!(bits(&wide, Radix::Hexadecimal), "10000000000000abc");
        for (number, text) in [
            (0.0, "0"),
            (1.5, "1.5"),
            (-0.25, "-0.25"),
            (1e9, "1.000e9"),
            (123456.0, "123456"),
        ] {
            assert_eq!(Value::Real(number).text(Radix::Decimal, 64), text);
        }
    }
}
