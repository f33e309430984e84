//! What was written and is to be sent, and what is being sent.

use super::{Connection, Over};
use tina_engine::io::{Buffer, Descriptor, Operation, Outcome, Part, Refusal};
use tina_engine::runtime::{Io, IoEvent, IoId};

#[derive(Debug, Default)]
pub(crate) struct Output {
    buffer: Option<Buffer>,
    length: u32,
    sending: Option<IoId>,
    /// An operation reads the path of a file in it.
    is_lent: bool,
}

impl Output {
    /// Whether nothing can be written now.
    pub(crate) fn is_sending(&self) -> bool {
        self.sending.is_some() || self.is_lent
    }

    pub(crate) fn is_sending_as(&self, id: IoId) -> bool {
        self.sending == Some(id)
    }

    pub(crate) fn lend(&mut self, is_lent: bool) {
        self.is_lent = is_lent;
    }

    /// Bytes written and not sent.
    pub(crate) fn length(&self) -> usize {
        self.length as usize
    }

    /// The buffer, and how much of it is written.
    pub(crate) fn open(&mut self, io: &mut Io<'_>) -> Result<(Buffer, usize), Refusal> {
        assert!(
            self.sending.is_none(),
            "nothing is written while it is sent"
        );
        let buffer = match self.buffer {
            Some(buffer) => buffer,
            None => *self.buffer.insert(io.take_buffer()?),
        };
        Ok((buffer, self.length()))
    }

    /// So many bytes more were written.
    pub(crate) fn wrote(&mut self, bytes: usize) {
        self.length += bytes as u32;
    }

    /// Begins to send what was written, and says how much; gives the buffer back if there is nothing.
    pub(crate) fn flush(&mut self, socket: Descriptor, mut io: Io<'_>) -> Result<u64, Refusal> {
        let Some(buffer) = self.buffer else {
            return Ok(0);
        };
        if self.length == 0 {
            self.buffer = None;
            io.release(buffer)?;
            return Ok(0);
        }
        let from = Part::first(buffer, self.length);
        self.sending = Some(io.submit(Operation::Send { socket, from })?);
        Ok(u64::from(self.length))
    }

    /// Sending has ended.
    pub(crate) fn sent(&mut self, event: &IoEvent, mut io: Io<'_>) -> Result<(), Over> {
        assert!(self.sending == Some(event.id), "nothing else is in flight");
        self.sending = None;
        match event.result {
            Ok(Outcome::Moved(moved)) if moved == u64::from(self.length) => {
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

impl Connection {
    /// Whether there is room for a whole response.
    pub(super) fn has_room(&mut self) -> bool {
        let limits = &self.site.limits;
        let need = limits.response_need() as usize;
        self.output.length() + need <= limits.buffer_bytes() as usize
    }
}
