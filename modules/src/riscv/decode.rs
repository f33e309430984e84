//! HOT. The second stage: from instruction words to instructions.
//!
//! | port | | signal | |
//! |---|---|---|---|
//! | `fetched` | in | [`FetchReply`] | from the instruction cache |
//! | `decoded` | out | [`DecodedInstruction`] | to execute |
//!
//! One instruction per edge, one edge of latency. A small memo spares the host decoding the
//! same word twice; it has no meaning in the simulated machine.

use super::instruction::Instruction;
use super::signals::{DecodedInstruction, FetchReply};
use tina_engine::{BuildError, Cycle, Effect, In, Module, Out, State, Wiring};

/// Decoded words that are remembered, by the low bits of where they stood.
const MEMO: usize = 64;

/// The second stage of the core.
pub struct Decode {
    fetched: In<FetchReply>,
    decoded: Out<DecodedInstruction>,
    memo: [Instruction; MEMO],
}

impl Module for Decode {
    const KIND: &'static str = "riscv.decode";
    const SUMMARY: &'static str = "second stage of a core: decoding; in fetched, out decoded";
    const COST_NS: f64 = 5.0;
    type Params = ();

    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            fetched: wiring.input("fetched")?,
            decoded: wiring.output("decoded")?,
            memo: [Instruction::NOP; MEMO],
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if let Some(room) = self.decoded.room()
            && let Some(fetched) = self.fetched.try_pop()
        {
            let FetchReply {
                address,
                predicted,
                word,
                epoch,
                fault,
            } = fetched;
            let memo = &mut self.memo[(address >> 2) as usize % MEMO];
            if memo.word() != word {
                *memo = Instruction::decode(word);
            }
            let instruction = *memo;
            room.push(DecodedInstruction {
                address,
                predicted,
                instruction,
                epoch,
                fault,
            });
        }
        Effect::Receive
    }

    fn state(&mut self, _state: &mut State<'_>) {
        // The memo only spares decoding again.
    }
}
