//! Short text, cut where it is too long: the errors that a connection writes itself.

use std::fmt;

const TEXT_BYTES_MAX: usize = 200;

pub(crate) struct Text {
    bytes: [u8; TEXT_BYTES_MAX],
    length: usize,
}

impl Text {
    /// An error of the protocol: a line, whatever bytes are in it.
    pub(crate) fn error(text: fmt::Arguments<'_>) -> Self {
        let mut line = Self {
            bytes: [0; TEXT_BYTES_MAX],
            length: 0,
        };
        // What is too long is cut, which is no error.
        let _cut = fmt::write(&mut line, format_args!("-{text}"));
        for byte in &mut line.bytes[..line.length] {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
        let end = line.length;
        line.bytes[end..end + 2].copy_from_slice(b"\r\n");
        line.length += 2;
        line
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = TEXT_BYTES_MAX - 2 - self.length;
        let count = text.len().min(room);
        self.bytes[self.length..self.length + count].copy_from_slice(&text.as_bytes()[..count]);
        self.length += count;
        Ok(())
    }
}

/// Bytes that may be anything, as text that is no longer than a word.
pub(crate) struct Word<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in &self.0[..self.0.len().min(64)] {
            let byte = if byte.is_ascii_graphic() || byte == b' ' {
                byte
            } else {
                b'?'
            };
            fmt::Write::write_char(f, char::from(byte))?;
        }
        Ok(())
    }
}
