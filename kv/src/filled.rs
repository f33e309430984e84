//! Payloads as what is written to.

use crate::resp::Sink;
use tina_engine::runtime::{Context, Isolate, NoPayload, Payload};

/// A payload in which room was made.
pub(crate) struct Filled<'a>(pub(crate) &'a mut Payload);

impl Sink for Filled<'_> {
    fn put(&mut self, bytes: &[u8]) {
        self.0.append(bytes).expect("room was made for it");
    }
}

/// Moves a payload's bytes into a longer one if there is no room for so many more.
pub(crate) fn make_room<I: Isolate>(
    payload: &mut Payload,
    bytes: usize,
    context: &mut Context<'_, I>,
) -> Result<(), NoPayload> {
    if payload.room() < bytes {
        let mut longer = context.payload(payload.len() + bytes)?;
        longer
            .append(payload)
            .expect("it was taken with room for them");
        *payload = longer;
    }
    Ok(())
}
