//! What was written and is to be sent, and what is being sent.

use super::Over;
use tina_engine::io::{Buffer, Descriptor, Operation, Outcome, Part, Refusal};
use tina_engine::runtime::{Io, IoEvent, IoId};

#[derive(Default)]
pub(super) struct Output {
    buffer: Option<Buffer>,
    length: usize,
    sending: Option<IoId>,
}

impl Output {
    pub(super) fn is_sending(&self) -> bool {
        self.sending.is_some()
    }

    /// Writes as many of the bytes as there is room for, and says how many.
    pub(super) fn write(&mut self, bytes: &[u8], mut io: Io<'_>) -> Result<usize, Refusal> {
        let buffer = match self.buffer {
            Some(buffer) => buffer,
            None => *self.buffer.insert(io.take_buffer()?),
        };
        let room = &mut io.bytes_mut(buffer)?[self.length..];
        let count = bytes.len().min(room.len());
        room[..count].copy_from_slice(&bytes[..count]);
        self.length += count;
        Ok(count)
    }

    /// Writes all of the bytes, or none.
    pub(super) fn write_whole(&mut self, bytes: &[u8], io: Io<'_>) -> Result<bool, Refusal> {
        let before = self.length;
        let is_whole = self.write(bytes, io)? == bytes.len();
        if !is_whole {
            self.length = before;
        }
        Ok(is_whole)
    }

    /// Begins to send what was written; whether there was anything.
    pub(super) fn flush(&mut self, socket: Descriptor, mut io: Io<'_>) -> Result<bool, Refusal> {
        let Some(buffer) = self.buffer.filter(|_| self.length > 0) else {
            return Ok(false);
        };
        let from = Part::first(buffer, self.length as u32);
        self.sending = Some(io.submit(Operation::Send { socket, from })?);
        Ok(true)
    }

    /// Sending has ended.
    pub(super) fn sent(&mut self, event: &IoEvent, mut io: Io<'_>) -> Result<(), Over> {
        assert!(self.sending == Some(event.id), "nothing else is in flight");
        self.sending = None;
        match event.result {
            Ok(Outcome::Moved(moved)) if moved == self.length as u64 => {
                self.length = 0;
                if let Some(buffer) = self.buffer.take() {
                    io.release(buffer)?;
                }
                Ok(())
            }
            // The peer has gone away.
            Ok(_) | Err(_) => Err(Over::Done),
        }
    }
}
