//! HOT. The last stage: results that took their time go to the registers.
//!
//! | port | | signal | |
//! |---|---|---|---|
//! | `loaded` | in | [`DataReply`] | from the data cache |
//! | `product` | in | [`RegisterWrite`] | from multiply |
//! | `write` | out | [`RegisterWrite`] | to the registers in execute |
//!
//! One edge of latency, one register per edge; a product goes first. A reply that concerns no
//! register (a store's) takes no turn on the write port. It also ends the run when the store to
//! `tohost` has been performed.
//!
//! The core sends at most one instruction per edge to multiply and load/store together, so
//! neither can starve the other here.

use super::load_store::ReplyUse;
use super::platform;
use super::signals::{DataReply, RegisterWrite};
use tina_engine::{BuildError, Cycle, Effect, Finish, In, Item, Module, Out, Room, State, Wiring};

/// The last stage of the core.
pub struct WriteBack {
    loaded: In<DataReply>,
    product: In<RegisterWrite>,
    write: Out<RegisterWrite>,
    finish: Finish,
}

impl Module for WriteBack {
    const KIND: &'static str = "riscv.write_back";
    const SUMMARY: &'static str =
        "last stage of a core: register writes, end of the run; in loaded, product, out write";
    const COST_NS: f64 = 4.0;
    type Params = ();

    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            loaded: wiring.input("loaded")?,
            product: wiring.input("product")?,
            write: wiring.output("write")?,
            finish: wiring.finish(),
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        let mut room = self.write.room();
        if let Some(product) = self.product.item()
            && let Some(room) = room.take()
        {
            room.push(product.take());
        }
        let Some(reply) = self.loaded.item() else {
            return Effect::Receive;
        };
        let DataReply { data, tag } = *reply;
        match ReplyUse::of_tag(tag) {
            ReplyUse::Register {
                register,
                load,
                offset,
            } => {
                let value = load.extract(data, u32::from(offset));
                pass(reply, room, RegisterWrite { value, register });
            }
            ReplyUse::Fence => pass(
                reply,
                room,
                RegisterWrite {
                    value: 0,
                    register: 0,
                },
            ),
            ReplyUse::Nothing => {
                reply.take();
            }
            ReplyUse::Exit => {
                reply.take();
                self.finish.raise(platform::exit_code(data).unwrap_or(0));
            }
        }
        Effect::Receive
    }

    fn state(&mut self, _state: &mut State<'_>) {}
}

/// Turns a reply into a write if the port is free at this edge.
#[inline(always)]
fn pass(reply: Item<'_, DataReply>, room: Option<Room<'_, RegisterWrite>>, write: RegisterWrite) {
    if let Some(room) = room {
        reply.take();
        room.push(write);
    }
}
