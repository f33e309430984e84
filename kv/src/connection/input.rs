//! What has arrived and is not taken up: in a payload that is given back when nothing is left.

use super::{Connection, Over};
use crate::filled::Filled;
use crate::resp::{ProtocolError, Sink, put_number, split_line};
use tina_engine::io::Part;
use tina_engine::runtime::{Context, NoPayload, Payload};

#[derive(Default)]
pub(super) struct Input {
    payload: Option<Payload>,
    start: usize,
    /// The command at hand has at least so many bytes.
    need: usize,
    /// What has arrived and found no room.
    arrived: Option<Part>,
}

impl Input {
    pub(super) fn bytes(&self) -> &[u8] {
        self.payload
            .as_ref()
            .map_or(&[], |payload| &payload[self.start..])
    }

    pub(super) fn waits_for_payload(&self) -> bool {
        self.arrived.is_some()
    }

    /// Bytes that the command has at least whose beginning is there.
    pub(super) fn needs(&mut self, bytes: usize) {
        self.need = bytes;
    }

    /// So many bytes have been taken up.
    pub(super) fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        self.need = 0;
        if self.bytes().is_empty() {
            self.clear();
        }
    }

    pub(super) fn clear(&mut self) {
        (self.payload, self.start, self.need) = (None, 0, 0);
    }

    /// Bytes that have arrived: nothing is received before they have found room.
    pub(super) fn arrived(&mut self, part: Part) {
        assert!(self.arrived.is_none(), "nothing was received meanwhile");
        self.arrived = Some(part);
    }

    /// Takes in what has arrived, if there is room for it.
    pub(super) fn take_up_arrived(
        &mut self,
        context: &mut Context<'_, Connection>,
    ) -> Result<(), Over> {
        let Some(part) = self.arrived else {
            return Ok(());
        };
        match self.make_room(part.length as usize, context) {
            Ok(()) => {}
            Err(NoPayload::NoneFree) => return Ok(()),
            Err(NoPayload::TooLong { .. }) => return Err(Over::Crash("a payload is too short")),
        }
        let mut io = context.io();
        if let Some(payload) = &mut self.payload {
            payload
                .append(io.part(part)?)
                .expect("room was made for it");
        }
        io.release(part.buffer)?;
        self.arrived = None;
        Ok(())
    }

    /// Room for more bytes, and for all of the command at hand, so that it is moved once.
    fn make_room(
        &mut self,
        bytes: usize,
        context: &mut Context<'_, Connection>,
    ) -> Result<(), NoPayload> {
        let held = self.bytes().len();
        let need = (held + bytes).max(self.need);
        let Some(payload) = &mut self.payload else {
            self.payload = Some(context.payload(need)?);
            return Ok(());
        };
        if payload.capacity() >= self.start + need {
            return Ok(());
        }
        if payload.capacity() >= need {
            payload.copy_within(self.start.., 0);
            payload.truncate(held);
        } else {
            let mut longer = context.payload(need)?;
            longer.append(&payload[self.start..]).expect("it is longer");
            *payload = longer;
        }
        self.start = 0;
        Ok(())
    }
}

/// Writes a line's arguments as programs do, and says how many there are.
pub(super) fn write_form(line: &[u8], form: &mut Payload) -> Result<u32, ProtocolError> {
    // First how long each is, then its bytes: the line is divided twice.
    let mut number = 0;
    let count = split_line(line, |byte| number += u32::from(byte.is_none()))?;
    for wanted in 0..count {
        let (mut number, mut length) = (0, 0);
        split_line(line, |byte| match byte {
            Some(_) if number == wanted => length += 1,
            Some(_) => {}
            None => number += 1,
        })?;
        let mut sink = Filled(form);
        put_number(&mut sink, b'$', length);
        let mut number = 0;
        split_line(line, |byte| match byte {
            Some(byte) if number == wanted => sink.put(&[byte]),
            Some(_) => {}
            None => number += 1,
        })?;
        sink.put(b"\r\n");
    }
    Ok(count)
}
