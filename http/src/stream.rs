//! Bodies that are written bit by bit, as the peer takes them.

use std::fmt::{self, Write};
use std::time::Duration;

/// How a streamed body goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// There is more: ask again as soon as the peer has taken this.
    More,
    /// There is nothing now. Ask again when the [`Waker`](crate::Waker) is used, or after that time. A
    /// connection that waits holds no buffer. Waiting without a time ends when the peer sends no more,
    /// and the body is not whole then.
    Wait(Option<Duration>),
    /// That was all.
    End,
    /// It cannot be completed: the connection is closed, so that the peer does not take it for whole.
    Abort,
}

/// Room for the next bytes of a streamed body. [`write!`] works on it; a text that does not fit is left
/// out as a whole, with an error.
#[derive(Debug)]
pub struct Chunk<'a> {
    bytes: &'a mut [u8],
    length: usize,
}

impl<'a> Chunk<'a> {
    pub(crate) fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, length: 0 }
    }

    /// Bytes written.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// Bytes that still fit.
    #[must_use]
    pub fn room(&self) -> usize {
        self.bytes.len() - self.length
    }

    /// Adds the bytes that fit, and says how many.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.room());
        self.bytes[self.length..][..count].copy_from_slice(&bytes[..count]);
        self.length += count;
        count
    }

    /// Does what `write` does, or, if that fails, nothing: true if it has been done.
    pub fn attempt(&mut self, write: impl FnOnce(&mut Self) -> fmt::Result) -> bool {
        let length = self.length;
        let done = write(self).is_ok();
        if !done {
            self.length = length;
        }
        done
    }

    /// Adds a server-sent event, or nothing if it does not fit.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn event(&mut self, name: &str, data: &str) -> fmt::Result {
        let length = self.length;
        let written = write_event(self, None, name, data);
        if written.is_err() {
            self.length = length;
        }
        written
    }
}

impl Write for Chunk<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() > self.room() {
            return Err(fmt::Error);
        }
        self.push(text.as_bytes());
        Ok(())
    }
}

/// One event as the HTML standard has it ("Server-sent events"): a line of data for each line.
pub(crate) fn write_event(
    out: &mut dyn Write,
    id: Option<u64>,
    name: &str,
    data: &str,
) -> fmt::Result {
    if let Some(id) = id {
        writeln!(out, "id: {id}")?;
    }
    if !name.is_empty() {
        // A line break would end the field.
        let name = name.split(['\r', '\n']).next().unwrap_or_default();
        writeln!(out, "event: {name}")?;
    }
    for line in data.split('\n') {
        for part in line.strip_suffix('\r').unwrap_or(line).split('\r') {
            writeln!(out, "data: {part}")?;
        }
    }
    out.write_str("\n")
}
