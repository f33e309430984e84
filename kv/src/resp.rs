//! The protocol of Redis, version 2: where a command ends, what its arguments are, how replies are written.
//!
//! ```text
//!   *3␍␊ $3␍␊ SET␍␊ $3␍␊ key␍␊ $5␍␊ value␍␊        or, for people,        SET key "a value"␍␊
//! ```
//!
//! [`frame`] looks at what has arrived and copies nothing; a command is taken up when all of it is there.

use crate::number::{Digits, parse};
use std::fmt;

/// The longest line: that of a command for people, or of a length.
const LINE_BYTES_MAX: usize = 64 << 10;
/// The most arguments of a command.
const ARGUMENTS_MAX: i64 = 1 << 20;

/// Why a connection cannot go on: nobody knows where the next command would begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// The line with the number of arguments is too long.
    LongCount,
    /// The number of arguments is none.
    Count,
    /// Something else stands where an argument begins.
    NoArgument(u8),
    /// The line with the length of an argument is too long.
    LongLength,
    /// The length of an argument is none, or more than is allowed.
    Length,
    /// A line for people is too long.
    LongLine,
    /// A quote in it is not closed, or followed by something else than a space.
    Quotes,
    /// The command is longer than any buffer.
    LongCommand(usize),
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LongCount => f.write_str("too big mbulk count string"),
            Self::Count => f.write_str("invalid multibulk length"),
            Self::NoArgument(byte) if byte.is_ascii_graphic() => {
                write!(f, "expected '$', got '{}'", char::from(*byte))
            }
            Self::NoArgument(byte) => write!(f, "expected '$', got '\\x{byte:02x}'"),
            Self::LongLength => f.write_str("too big bulk count string"),
            Self::Length => f.write_str("invalid bulk length"),
            Self::LongLine => f.write_str("too big inline request"),
            Self::Quotes => f.write_str("unbalanced quotes in request"),
            Self::LongCommand(bytes) => write!(f, "a command may have {bytes} bytes"),
        }
    }
}

/// What stands at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A command that has not arrived as a whole: it has at least so many bytes.
    Part {
        /// Bytes from its beginning, those that are there included.
        bytes_min: usize,
    },
    /// A line for people.
    Line {
        /// Bytes before the line's end.
        length: usize,
        /// Bytes with it.
        bytes: usize,
    },
    /// A command.
    Command {
        /// Arguments, its name among them; none is no command.
        arguments: u32,
        /// Bytes before the first argument.
        head: usize,
        /// Bytes of all.
        bytes: usize,
    },
}

/// A line's end in `bytes` from `at` on: bytes up to it, and those of the end.
fn line_end(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let length = bytes[at..].iter().position(|&byte| byte == b'\n')?;
    let is_full = length > 0 && bytes[at + length - 1] == b'\r';
    Some((at + length - usize::from(is_full), at + length + 1))
}

/// The line with a number that begins at `at`, behind its mark: the number, and where the line ends.
fn number_line(
    bytes: &[u8],
    at: usize,
    long: ProtocolError,
    bad: ProtocolError,
) -> Result<Option<(i64, usize)>, ProtocolError> {
    // A number is short: what has no end after so many bytes never will.
    let window = &bytes[..bytes.len().min(at + 64)];
    let Some((end, next)) = line_end(window, at) else {
        return if window.len() < bytes.len() {
            Err(long)
        } else {
            Ok(None)
        };
    };
    let number = parse(&bytes[at + 1..end]).ok_or(bad)?;
    Ok(Some((number, next)))
}

/// What stands at the beginning of what has arrived, where no argument may have more than so many bytes.
///
/// # Errors
/// When it can never become a command.
pub fn frame(bytes: &[u8], argument_bytes_max: usize) -> Result<Frame, ProtocolError> {
    let part = Ok(Frame::Part {
        bytes_min: bytes.len() + 1,
    });
    match bytes.first() {
        None => return part,
        Some(b'*') => {}
        Some(_) => return line(bytes),
    }
    let head = number_line(bytes, 0, ProtocolError::LongCount, ProtocolError::Count)?;
    let Some((count, head)) = head else {
        return part;
    };
    if count > ARGUMENTS_MAX {
        return Err(ProtocolError::Count);
    }
    let arguments = u32::try_from(count).unwrap_or(0);
    let mut at = head;
    for _ in 0..arguments {
        match bytes.get(at) {
            None => return part,
            Some(b'$') => {}
            Some(&other) => return Err(ProtocolError::NoArgument(other)),
        }
        let line = number_line(bytes, at, ProtocolError::LongLength, ProtocolError::Length)?;
        let Some((length, start)) = line else {
            return part;
        };
        let length = usize::try_from(length).map_err(|_| ProtocolError::Length)?;
        if length > argument_bytes_max {
            return Err(ProtocolError::Length);
        }
        at = start + length + 2;
        if at > bytes.len() {
            return Ok(Frame::Part { bytes_min: at });
        }
    }
    Ok(Frame::Command {
        arguments,
        head,
        bytes: at,
    })
}

fn line(bytes: &[u8]) -> Result<Frame, ProtocolError> {
    match line_end(bytes, 0) {
        Some((length, _)) if length > LINE_BYTES_MAX => Err(ProtocolError::LongLine),
        Some((length, bytes)) => Ok(Frame::Line { length, bytes }),
        None if bytes.len() > LINE_BYTES_MAX => Err(ProtocolError::LongLine),
        None => Ok(Frame::Part {
            bytes_min: bytes.len() + 1,
        }),
    }
}

/// The arguments of a command, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Arguments<'a> {
    bytes: &'a [u8],
    left: u32,
}

impl<'a> Arguments<'a> {
    /// Those of a whole command: so many, in these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8], count: u32) -> Self {
        Self { bytes, left: count }
    }

    /// How many are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left as usize
    }
}

impl<'a> Iterator for Arguments<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        let (end, start) = line_end(self.bytes, 0)?;
        let length = usize::try_from(parse(self.bytes.get(1..end)?)?).ok()?;
        let argument = self.bytes.get(start..start + length)?;
        self.bytes = &self.bytes[(start + length + 2).min(self.bytes.len())..];
        Some(argument)
    }
}

/// Where bytes are written: whoever writes has made sure that there is room.
pub trait Sink {
    /// Adds bytes at the end.
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Bytes of a head with a number: a mark, the digits, an end.
pub const HEAD_BYTES_MAX: usize = 1 + crate::number::DIGITS_MAX + 2;

/// Writes a number behind a mark, as `:5` or `*2`.
pub fn put_number(sink: &mut impl Sink, mark: u8, number: i64) {
    sink.put(&[mark]);
    sink.put(Digits::of(number).bytes());
    sink.put(b"\r\n");
}

/// Writes bytes of any kind.
pub fn put_bulk(sink: &mut impl Sink, bytes: &[u8]) {
    put_number(sink, b'$', bytes.len() as i64);
    sink.put(bytes);
    sink.put(b"\r\n");
}

/// Nothing.
pub const NIL: &[u8] = b"$-1\r\n";
/// It is done.
pub const OK: &[u8] = b"+OK\r\n";

/// The number that a reply is, if it is one.
#[must_use]
pub fn number_of(reply: &[u8]) -> Option<i64> {
    parse(reply.strip_prefix(b":")?.strip_suffix(b"\r\n")?)
}

/// Divides a line for people into arguments and says how many: each is handed over byte by byte, and its
/// end by `None`.
///
/// # Errors
/// A quote is not closed, or followed by something else than a space.
pub fn split_line(line: &[u8], mut each: impl FnMut(Option<u8>)) -> Result<u32, ProtocolError> {
    let mut bytes = line.iter().copied().peekable();
    let mut count = 0;
    loop {
        while bytes.next_if(u8::is_ascii_whitespace).is_some() {}
        let Some(first) = bytes.peek().copied() else {
            return Ok(count);
        };
        count += 1;
        if first == b'"' || first == b'\'' {
            bytes.next();
            quoted(first, &mut bytes, &mut each)?;
        } else {
            while let Some(byte) = bytes.next_if(|byte| !byte.is_ascii_whitespace()) {
                each(Some(byte));
            }
        }
        each(None);
    }
}

fn quoted(
    quote: u8,
    bytes: &mut std::iter::Peekable<impl Iterator<Item = u8>>,
    each: &mut impl FnMut(Option<u8>),
) -> Result<(), ProtocolError> {
    loop {
        let byte = bytes.next().ok_or(ProtocolError::Quotes)?;
        if byte == quote {
            let is_end = bytes.peek().is_none_or(u8::is_ascii_whitespace);
            return is_end.then_some(()).ok_or(ProtocolError::Quotes);
        }
        let byte = match (byte, quote) {
            (b'\\', b'"') => escaped(bytes)?,
            (b'\\', _) => bytes.next_if_eq(&quote).unwrap_or(byte),
            _ => byte,
        };
        each(Some(byte));
    }
}

/// The byte behind a backslash: `\n`, `\x41`, or itself.
fn escaped(bytes: &mut std::iter::Peekable<impl Iterator<Item = u8>>) -> Result<u8, ProtocolError> {
    let byte = bytes.next().ok_or(ProtocolError::Quotes)?;
    let mut digit = || {
        let digit = bytes.next_if(u8::is_ascii_hexdigit)?;
        char::from(digit).to_digit(16)
    };
    Ok(match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'a' => 7,
        b'b' => 8,
        b'x' => match (digit(), digit()) {
            (Some(high), Some(low)) => (high << 4 | low) as u8,
            (Some(low), None) => low as u8,
            (None, _) => b'x',
        },
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(arguments: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_number(&mut bytes, b'*', arguments.len() as i64);
        arguments.iter().for_each(|it| put_bulk(&mut bytes, it));
        bytes
    }

    fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, ProtocolError> {
        let mut words = vec![Vec::new()];
        let count = split_line(line, |byte| match byte {
            Some(byte) => words.last_mut().unwrap().push(byte),
            None => words.push(Vec::new()),
        })?;
        assert_eq!(words.pop(), Some(Vec::new()));
        assert_eq!(words.len(), count as usize);
        Ok(words)
    }

    #[test]
    fn what_is_no_command_is_told_apart() {
        let long = [b"*", &[b'1'; 70][..]].concat();
        for (bytes, error) in [
            (&b"*x\r\n"[..], "invalid multibulk length"),
            (b"*1048577\r\n", "invalid multibulk length"),
            (&long, "too big mbulk count string"),
            (b"*1\r\n:1\r\n", "expected '$', got ':'"),
            (b"*1\r\n\x00", "expected '$', got '\\x00'"),
            (b"*1\r\n$-1\r\n", "invalid bulk length"),
            (b"*1\r\n$11\r\n", "invalid bulk length"),
            (b"*1\r\n$ 1\r\n", "invalid bulk length"),
        ] {
            let text = frame(bytes, 10).map_err(|error| error.to_string());
            assert_eq!(text, Err(error.to_owned()));
        }
        let line = vec![b'a'; LINE_BYTES_MAX + 1];
        assert_eq!(frame(&line, 10), Err(ProtocolError::LongLine));
    }

    #[test]
    fn people_may_quote() {
        let words = split(br#"set  "a \x41\n\"" 'it\'s' "" x"#).unwrap();
        assert_eq!(words, [&b"set"[..], b"a A\n\"", b"it's", b"", b"x"]);
        for bad in [&b"\"a"[..], b"'a'b", b"\"a\\"] {
            assert_eq!(split(bad), Err(ProtocolError::Quotes));
        }
    }

    proptest! {
        /// However the bytes of a command are cut, it is there when all are, and not before; how many it
        /// has at least is never said too high.
        #[test]
        fn a_command_is_there_when_its_last_byte_is(
            arguments in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
            next in prop::collection::vec(any::<u8>(), 0..6),
        ) {
            let whole = encode(&arguments);
            for cut in 0..whole.len() {
                let Ok(Frame::Part { bytes_min }) = frame(&whole[..cut], 40) else {
                    return Err(TestCaseError::fail(format!("cut at {cut}")));
                };
                prop_assert!(cut < bytes_min && bytes_min <= whole.len());
            }
            let all = [&whole[..], &next].concat();
            let Ok(Frame::Command { arguments: count, head, bytes }) = frame(&all, 40) else {
                return Err(TestCaseError::fail("it is whole"));
            };
            prop_assert_eq!(bytes, whole.len());
            let read: Vec<&[u8]> = Arguments::new(&all[head..bytes], count).collect();
            prop_assert_eq!(read, arguments);
        }

        #[test]
        fn any_bytes_are_a_frame_or_an_error(bytes in prop::collection::vec(prop::sample::select(b"*$12\r\n-aG\"".to_vec()), 0..40)) {
            match frame(&bytes, 100) {
                Ok(Frame::Part { bytes_min }) => prop_assert!(bytes_min > bytes.len()),
                Ok(Frame::Line { length, bytes: all }) => {
                    prop_assert!(length < all && all <= bytes.len());
                    let _ = split(&bytes[..length]);
                }
                Ok(Frame::Command { arguments, head, bytes: all }) => {
                    prop_assert!(all <= bytes.len());
                    prop_assert_eq!(Arguments::new(&bytes[head..all], arguments).count(), arguments as usize);
                }
                Err(_) => {}
            }
        }
    }
}
