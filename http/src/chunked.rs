//! The chunked coding of bodies (RFC 9112, section 7.1), read byte by byte wherever chunks are cut.
//!
//! Sizes have at most eight digits. Extensions and trailers must be well-formed and short, and are ignored:
//! nobody here has agreed with the peer on what they mean.

use crate::response::is_token;
use std::ops::Range;

/// Bytes of the extensions of a chunk, or of all trailers.
const IGNORED_BYTES_MAX: u32 = 1024;
const SIZE_DIGITS_MAX: u32 = 8;

/// How far a body has been read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunked {
    state: State,
    /// Bytes of the chunk that are to come.
    left: u64,
    /// Digits of the size, or bytes ignored.
    count: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size,
    ExtensionStart,
    Extension,
    Quoted,
    Escaped,
    SizeFeed,
    Data,
    DataReturn,
    DataFeed,
    LineStart,
    TrailerName,
    TrailerValue,
    TrailerFeed,
    LastFeed,
}

/// What comes next in some bytes of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// All of them were read; more is to come.
    Partial,
    /// Data lies there; what is before it is read as well.
    Data(Range<usize>),
    /// The body ends in front of that byte.
    End(usize),
    /// It is no such body.
    Malformed,
}

impl Chunked {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Size,
            left: 0,
            count: 0,
        }
    }

    /// Reads on from the first of these bytes.
    pub(crate) fn next(&mut self, bytes: &[u8]) -> Piece {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.state == State::Data {
                let count = usize::try_from(self.left).unwrap_or(usize::MAX);
                let end = at + count.min(bytes.len() - at);
                self.left -= (end - at) as u64;
                if self.left == 0 {
                    self.state = State::DataReturn;
                }
                return Piece::Data(at..end);
            }
            at += 1;
            if self.state == State::LastFeed && byte == b'\n' {
                return Piece::End(at);
            }
            match self.step(byte) {
                Some(state) => self.state = state,
                None => return Piece::Malformed,
            }
        }
        Piece::Partial
    }

    /// The state behind a byte that is not data; none if it cannot stand there.
    fn step(&mut self, byte: u8) -> Option<State> {
        match (self.state, byte) {
            (State::Size, b'\r') if self.count > 0 => Some(State::SizeFeed),
            (State::Size, b';') if self.count > 0 => {
                self.count = 0;
                Some(State::ExtensionStart)
            }
            (State::Size, _) => {
                let digit = (byte as char).to_digit(16)?;
                self.count += 1;
                self.left = self.left * 16 + u64::from(digit);
                (self.count <= SIZE_DIGITS_MAX).then_some(State::Size)
            }
            (State::ExtensionStart, _) if is_token(byte) => self.ignore(State::Extension),
            (State::Extension, b'\r') => Some(State::SizeFeed),
            (State::Extension, b';') => self.ignore(State::ExtensionStart),
            (State::Extension, b'"') => self.ignore(State::Quoted),
            (State::Extension, _) if is_token(byte) || byte == b'=' => {
                self.ignore(State::Extension)
            }
            (State::Quoted, b'"') => self.ignore(State::Extension),
            (State::Quoted, b'\\') => self.ignore(State::Escaped),
            (State::Quoted | State::Escaped, _) if is_text(byte) => self.ignore(State::Quoted),
            (State::SizeFeed, b'\n') => {
                self.count = 0;
                Some(if self.left == 0 {
                    State::LineStart
                } else {
                    State::Data
                })
            }
            (State::DataReturn, b'\r') => Some(State::DataFeed),
            (State::DataFeed, b'\n') => Some(State::Size),
            (State::LineStart, b'\r') => Some(State::LastFeed),
            (State::LineStart | State::TrailerName, _) if is_token(byte) => {
                self.ignore(State::TrailerName)
            }
            (State::TrailerName, b':') => self.ignore(State::TrailerValue),
            (State::TrailerValue, b'\r') => Some(State::TrailerFeed),
            (State::TrailerValue, _) if is_text(byte) => self.ignore(State::TrailerValue),
            (State::TrailerFeed, b'\n') => Some(State::LineStart),
            _ => None,
        }
    }

    fn ignore(&mut self, state: State) -> Option<State> {
        self.count += 1;
        (self.count <= IGNORED_BYTES_MAX).then_some(state)
    }
}

/// What values may consist of.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The data of a body, and what is behind it.
    fn decode(parts: &[&[u8]]) -> Option<(Vec<u8>, usize)> {
        let (mut chunked, mut data, mut read) = (Chunked::new(), Vec::new(), 0);
        for part in parts {
            let mut rest = *part;
            loop {
                match chunked.next(rest) {
                    Piece::Partial => break,
                    Piece::Data(range) => {
                        data.extend_from_slice(&rest[range.clone()]);
                        read += range.end;
                        rest = &rest[range.end..];
                        continue;
                    }
                    Piece::End(at) => return Some((data, read + at)),
                    Piece::Malformed => return None,
                }
            }
            read += rest.len();
        }
        None
    }

    #[test]
    fn what_is_no_chunked_body_is_malformed() {
        let good: [(&[u8], &[u8]); 4] = [
            (b"0\r\n\r\n", b""),
            (b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
            (
                b"00000003;a;b=c;d=\"e\\\"\"\r\nabc\r\n0\r\nx: y\r\n\r\n",
                b"abc",
            ),
            (b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
        ];
        for (bytes, data) in good {
            assert_eq!(
                decode(&[bytes]),
                Some((data.to_vec(), bytes.len())),
                "{}",
                bytes.escape_ascii()
            );
        }
        let bad: [&[u8]; 16] = [
            b"\r\n",
            b"g\r\n",
            b"+1\r\na\r\n0\r\n\r\n",
            b"0x1\r\na\r\n0\r\n\r\n",
            b" 1\r\na\r\n0\r\n\r\n",
            b"1 \r\na\r\n0\r\n\r\n",
            b"-1\r\n",
            b"000000001\r\na\r\n0\r\n\r\n",
            b"1\na\n0\n\n",
            b"1\r\nab\r\n0\r\n\r\n",
            b"1;\r\na\r\n0\r\n\r\n",
            b"1;a\nb\r\na\r\n0\r\n\r\n",
            b"1\r\na\n0\r\n\r\n",
            b"0\r\nx y: z\r\n\r\n",
            b"0\r\n: z\r\n\r\n",
            b"0\r\nx: y\n\r\n",
        ];
        for bytes in bad {
            assert_eq!(decode(&[bytes]), None, "{}", bytes.escape_ascii());
        }
        assert_eq!(decode(&[b"1;", &[b'a'; 1100], b"\r\n"]), None);
    }

    proptest! {
        /// Whatever is written in chunks is read again, wherever it is cut on its way.
        #[test]
        fn chunks_are_read_as_they_were_written(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..6),
            cuts in 1usize..7,
        ) {
            let mut bytes = Vec::new();
            for chunk in &chunks {
                bytes.extend_from_slice(format!("{:X}\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
            let length = bytes.len();
            bytes.extend_from_slice(b"GET");
            let parts: Vec<&[u8]> = bytes.chunks(cuts).collect();
            prop_assert_eq!(decode(&parts), Some((chunks.concat(), length)));
        }
    }
}
