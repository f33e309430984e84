//! Finds the end of a request's head, byte by byte, so that what is refused, and why, does not depend
//! on how the bytes arrived.
//!
//! Every line ends in CR LF: a bare LF or CR is where two servers disagree about what a request is.

use crate::limits::Limits;
use crate::status::Status;

/// What has been looked at of a head that is not whole yet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scan {
    at: usize,
    line_start: usize,
    /// Where the header fields begin, once the request line is whole.
    fields_start: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scanned {
    Partial,
    /// It takes so many bytes, the empty line included.
    Whole(usize),
    Refused(Status),
}

impl Scan {
    /// Goes on with a head of which so much is there.
    pub(crate) fn go_on(&mut self, bytes: &[u8], limits: &Limits) -> Scanned {
        while let Some(&byte) = bytes.get(self.at) {
            let after_return = self.at > self.line_start && bytes[self.at - 1] == b'\r';
            if (byte == b'\n') != after_return || byte == 0 {
                return Scanned::Refused(Status::BAD_REQUEST);
            }
            if byte == b'\n' {
                let line_bytes = self.at - 1 - self.line_start;
                if line_bytes == 0 && self.fields_start.is_some() {
                    return Scanned::Whole(self.at + 1);
                }
                self.line_start = self.at + 1;
                self.fields_start.get_or_insert(self.at + 1);
            } else if let Some(refused) = self.too_long(byte, limits) {
                return Scanned::Refused(refused);
            }
            self.at += 1;
        }
        Scanned::Partial
    }

    fn too_long(&self, byte: u8, limits: &Limits) -> Option<Status> {
        let (start, limit, status) = match self.fields_start {
            None => (0, limits.request_line_bytes, Status::URI_TOO_LONG),
            Some(start) => (start, limits.head_bytes, Status::HEADERS_TOO_LARGE),
        };
        // The end of the last line is not counted.
        (byte != b'\r' && self.at - start >= limit as usize).then_some(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan(parts: &[&[u8]]) -> Scanned {
        let limits = Limits {
            request_line_bytes: 20,
            head_bytes: 30,
            ..Limits::default()
        };
        let (mut scan, mut bytes) = (Scan::default(), Vec::new());
        for part in parts {
            bytes.extend_from_slice(part);
            match scan.go_on(&bytes, &limits) {
                Scanned::Partial => {}
                done => return done,
            }
        }
        Scanned::Partial
    }

    #[test]
    fn lines_end_in_return_and_feed_and_are_not_too_long() {
        let cases: [(&[u8], Scanned); 9] = [
            (b"GET / HTTP/1.1\r\n\r\nmore", Scanned::Whole(18)),
            (b"GET / HTTP/1.1\r\na: b\r\n\r\n", Scanned::Whole(24)),
            (b"GET / HTTP/1.1\r\na: b\r\n", Scanned::Partial),
            (b"GET / HTTP/1.1\n\n", Scanned::Refused(Status::BAD_REQUEST)),
            (
                b"GET / HTTP/1.1\r\ra: b",
                Scanned::Refused(Status::BAD_REQUEST),
            ),
            (b"GET /\0", Scanned::Refused(Status::BAD_REQUEST)),
            (b"GET /23456789 HTTP/1", Scanned::Partial),
            (
                b"GET /23456789 HTTP/1.1",
                Scanned::Refused(Status::URI_TOO_LONG),
            ),
            (
                b"GET / HTTP/1.1\r\na: 0123456789\r\nb: 0123456789012345",
                Scanned::Refused(Status::HEADERS_TOO_LARGE),
            ),
        ];
        for (bytes, expected) in cases {
            assert_eq!(scan(&[bytes]), expected, "{}", bytes.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_bytes_arrive(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'a'), Just(b':')], 0..60),
            cut in 0usize..60,
        ) {
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            let singly: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(scan(&[first, second]), scan(&[&bytes]));
            prop_assert_eq!(scan(&singly), scan(&[&bytes]));
        }
    }
}
