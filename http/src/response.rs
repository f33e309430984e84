//! Writing a response into the buffer it is sent from: status line, fields, body, and a length that is
//! filled in when the body is known.

use crate::status::Status;
use std::fmt::{self, Write};
use std::sync::Arc;

/// A body that is there as a whole, of any length.
#[derive(Clone, Debug)]
pub enum Content {
    /// Part of the program.
    Static(&'static [u8]),
    /// Shared with whoever keeps it.
    Shared(Arc<[u8]>),
}

impl Content {
    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Static(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl From<&'static str> for Content {
    fn from(text: &'static str) -> Self {
        Self::Static(text.as_bytes())
    }
}

impl From<&'static [u8]> for Content {
    fn from(bytes: &'static [u8]) -> Self {
        Self::Static(bytes)
    }
}

impl From<Arc<[u8]>> for Content {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self::Shared(bytes)
    }
}

/// What a response depends on that is not the handler's to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// The request is for the head alone.
    pub(crate) is_head: bool,
    pub(crate) keep_alive: bool,
    /// 0 for HTTP/1.0, 1 for HTTP/1.1.
    pub(crate) minor: u8,
    /// Bytes of a body, at most.
    pub(crate) body_max: usize,
}

/// A proof that a response was written: what handlers return.
#[derive(Debug)]
#[must_use = "a handler returns it"]
pub struct Sent {
    pub(crate) length: usize,
    pub(crate) status: Status,
    /// What follows behind the bytes written.
    pub(crate) rest: Option<Content>,
    /// What the handler did wrong.
    pub(crate) defect: Option<&'static str>,
}

/// How the end of a body is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Chunked,
    Close,
}

/// A response that is to be written. Its last method takes it and gives the proof that a handler
/// returns, so that every request is answered once.
pub struct Response<'a> {
    bytes: &'a mut [u8],
    length: usize,
    status: Status,
    rules: Rules,
    has_line: bool,
    defect: Option<&'static str>,
}

impl<'a> Response<'a> {
    pub(crate) fn new(bytes: &'a mut [u8], rules: Rules) -> Self {
        Self {
            bytes,
            length: 0,
            status: Status::OK,
            rules,
            has_line: false,
            defect: None,
        }
    }

    /// Another status than 200.
    #[must_use]
    pub fn status(mut self, status: Status) -> Self {
        if self.has_line {
            self.defect = Some("a status was set behind a header field");
        }
        self.status = status;
        self
    }

    /// Adds a header field. Length, coding and persistence of the connection are the server's to say.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.header_bytes(name, value.as_bytes())
    }

    /// The same, with a value of any bytes a field may have.
    #[must_use]
    pub fn header_bytes(mut self, name: &str, value: &[u8]) -> Self {
        const OWN: [&str; 4] = [
            "content-length",
            "transfer-encoding",
            "connection",
            "trailer",
        ];
        let is_own = OWN.iter().any(|own| own.eq_ignore_ascii_case(name));
        let is_name = !name.is_empty() && name.bytes().all(is_token);
        let is_value = value
            .iter()
            .all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
        if is_own || !is_name || !is_value {
            self.defect = Some("a header field cannot be sent");
            return self;
        }
        self.line();
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            self.put(part);
        }
        self
    }

    /// Ends without a body.
    pub fn empty(mut self) -> Sent {
        self.line();
        self.connection();
        if !self.status.is_bodiless() {
            self.put(b"content-length: 0\r\n");
        }
        self.put(b"\r\n");
        self.sent(None)
    }

    /// Ends with a text.
    pub fn text(self, text: &str) -> Sent {
        self.body("text/plain; charset=utf-8", text.as_bytes())
    }

    /// Ends with HTML.
    pub fn html(self, text: &str) -> Sent {
        self.body("text/html; charset=utf-8", text.as_bytes())
    }

    /// Ends with a body of a type.
    pub fn body(self, content_type: &str, bytes: &[u8]) -> Sent {
        self.write(content_type, |body| {
            body.push(bytes);
            Ok(())
        })
    }

    /// Ends with a body that `write` writes where it is sent from. One that is longer than
    /// [`Limits::response_bytes`](crate::Limits::response_bytes), or an error, is answered with 500: give
    /// what is long as [`content`](Self::content) or as a stream.
    pub fn write(
        mut self,
        content_type: &str,
        write: impl FnOnce(&mut Body<'_>) -> fmt::Result,
    ) -> Sent {
        self.must_have_body();
        self = self.header("content-type", content_type);
        self.line();
        self.connection();
        self.put(b"content-length: ");
        let digits_at = self.length;
        let width = decimal_digits(self.rules.body_max);
        self.length += width;
        self.put(b"\r\n\r\n");
        let start = self.length;
        if self.defect.is_some() {
            return self.sent(None);
        }
        let Some(room) = self.bytes.get_mut(start..) else {
            self.defect = Some("the head of the response is too long");
            return self.sent(None);
        };
        let room_bytes = room.len().min(self.rules.body_max);
        let mut body = Body {
            bytes: &mut room[..room_bytes],
            length: 0,
            is_full: false,
        };
        let written = write(&mut body);
        let (length, is_full) = (body.length, body.is_full);
        if is_full {
            self.defect = Some("the body of the response is longer than `response_bytes`");
        } else if written.is_err() {
            self.defect = Some("the body of the response could not be written");
        }
        self.settle(digits_at, width, length);
        self.sent(None)
    }

    /// Writes the length where room was left for it, and closes what is left of the room.
    fn settle(&mut self, digits_at: usize, width: usize, length: usize) {
        let digits = decimal_digits(length);
        let body_at = digits_at + width;
        let tail = if self.rules.is_head { 4 } else { 4 + length };
        self.bytes
            .copy_within(body_at..body_at + tail, digits_at + digits);
        self.length = digits_at;
        // The room was there a moment ago.
        let _fits = write!(self, "{length}");
        self.length += tail;
    }

    fn must_have_body(&mut self) {
        if self.status.is_bodiless() {
            self.defect = Some("a response of this status has no body");
        }
    }

    /// Ends with a body that is there, of any length.
    pub fn content(mut self, content_type: &str, content: Content) -> Sent {
        self.must_have_body();
        self = self.header("content-type", content_type);
        let length = content.bytes().len();
        self.sized(length as u64);
        self.sent(Some(content))
    }

    /// The rest of the head, for a body of so many bytes.
    pub(crate) fn sized(&mut self, length: u64) {
        self.line();
        self.connection();
        // What does not fit is noted by `put`.
        let _fits = write!(self, "content-length: {length}\r\n\r\n");
    }

    /// The head of a body that is written bit by bit, and how its end will be told.
    pub(crate) fn streamed(mut self, content_type: &str) -> (Sent, End) {
        let end = if self.rules.minor > 0 {
            End::Chunked
        } else {
            self.rules.keep_alive = false;
            End::Close
        };
        self = self.header("content-type", content_type);
        self = self.header("cache-control", "no-store");
        self.line();
        self.connection();
        if end == End::Chunked {
            self.put(b"transfer-encoding: chunked\r\n");
        }
        self.put(b"\r\n");
        (self.sent(None), end)
    }

    /// What the server itself has to say.
    pub(crate) fn refusal(self, status: Status) -> Sent {
        let response = self.status(status);
        response.write("text/plain; charset=utf-8", |body| {
            writeln!(body, "{status}")
        })
    }

    pub(crate) fn sent(self, rest: Option<Content>) -> Sent {
        Sent {
            length: self.length,
            status: self.status,
            rest: rest.filter(|_| !self.rules.is_head),
            defect: self.defect,
        }
    }

    /// The status line, once.
    fn line(&mut self) {
        if !std::mem::replace(&mut self.has_line, true) {
            let status = self.status;
            let _fits = write!(self, "HTTP/1.1 {status}\r\n");
        }
    }

    fn connection(&mut self) {
        match (self.rules.keep_alive, self.rules.minor) {
            (false, _) => self.put(b"connection: close\r\n"),
            (true, 0) => self.put(b"connection: keep-alive\r\n"),
            (true, _) => {}
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        match self.bytes.get_mut(self.length..end) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.length = end;
            }
            None => self.defect = Some("the head of the response is too long"),
        }
    }
}

impl Write for Response<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text.as_bytes());
        Ok(())
    }
}

/// A body that is being written: [`write!`] works on it.
pub struct Body<'a> {
    bytes: &'a mut [u8],
    length: usize,
    is_full: bool,
}

impl Body<'_> {
    /// Adds bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        match self.bytes.get_mut(self.length..end) {
            Some(room) if !self.is_full => {
                room.copy_from_slice(bytes);
                self.length = end;
            }
            _ => self.is_full = true,
        }
    }
}

impl Write for Body<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        if self.is_full {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

pub(crate) fn decimal_digits(number: usize) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// Characters of names and methods (RFC 9110, section 5.6.2).
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_that_does_not_fit_is_a_defect() {
        let rules = Rules {
            is_head: false,
            keep_alive: true,
            minor: 1,
            body_max: 1000,
        };
        let whole = "HTTP/1.1 200 OK\r\na: b\r\ncontent-type: text/plain; charset=utf-8\r\n\
            content-length: 4\r\n\r\nbody";
        let mut fits = 0;
        for room in 0..200 {
            let mut bytes = vec![0; room];
            let sent = Response::new(&mut bytes, rules)
                .header("a", "b")
                .text("body");
            if sent.defect.is_none() {
                assert_eq!(&bytes[..sent.length], whole.as_bytes());
                fits += 1;
            }
        }
        // Room for the digits of the longest body is needed at first.
        assert_eq!(fits, 200 - (whole.len() + 3));
    }
}
