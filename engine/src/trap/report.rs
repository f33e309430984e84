//! Text for standard error from within a signal handler: no allocation, no lock, no buffer of std.

use std::fmt::{self, Write};

/// Collects text and writes it in few pieces.
struct Lines {
    bytes: [u8; 512],
    length: usize,
}

impl Lines {
    fn flush(&mut self) {
        // SAFETY: so many bytes are there. A standard error that is gone is nobody's concern here.
        unsafe { libc::write(2, self.bytes.as_ptr().cast(), self.length) };
        self.length = 0;
    }
}

impl Write for Lines {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            if self.length == self.bytes.len() {
                self.flush();
            }
            self.bytes[self.length] = byte;
            self.length += 1;
        }
        Ok(())
    }
}

/// Writes a report.
pub(super) fn report(write: impl FnOnce(&mut dyn Write) -> fmt::Result) {
    let mut lines = Lines {
        bytes: [0; 512],
        length: 0,
    };
    // What fails to be formatted is left out.
    let _ = write(&mut lines);
    lines.flush();
}
