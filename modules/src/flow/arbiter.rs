//! `flow.arbiter`: lets several streams share one wire, in fair turns.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `in[0]` … `in[inputs − 1]` | in | u64 | needed |
//! | `out` | out | u64 | needed |
//!
//! When the output has room it passes on an item of the first input that has one, in cyclic order
//! from its pointer (first 0), and moves the pointer behind that input. So an input that has an
//! item waits for at most inputs − 1 items of others.
//!
//! Latency: none of its own. Throughput: one item per cycle.

use serde::Deserialize;
use tina_engine::{BuildError, Cycle, Effect, In, Module, Out, State, Wiring};

/// The most inputs of an arbiter.
pub const ARBITER_INPUTS_MAX: u32 = 1024;

/// Parameters of [`Arbiter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArbiterParams {
    /// Number of inputs, 1 to [`ARBITER_INPUTS_MAX`].
    pub inputs: u32,
}

/// Round robin among inputs.
pub struct Arbiter {
    inputs: Box<[In<u64>]>,
    out: Out<u64>,
    pointer: u32,
}

impl Module for Arbiter {
    const KIND: &'static str = "flow.arbiter";
    const SUMMARY: &'static str = "passes items of its inputs on, round robin: in[0..inputs]; out";
    type Params = ArbiterParams;

    fn build(params: ArbiterParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        if params.inputs == 0 || params.inputs > ARBITER_INPUTS_MAX {
            let message = format!(
                "{}; an arbiter has 1 to {ARBITER_INPUTS_MAX}",
                params.inputs
            );
            return Err(BuildError::param("inputs", message));
        }
        Ok(Self {
            inputs: wiring.inputs("in", params.inputs as usize)?,
            out: wiring.output("out")?,
            pointer: 0,
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if self.out.has_room() {
            let (before, from) = self.inputs.split_at(self.pointer as usize);
            let ready = |inputs: &[In<u64>]| inputs.iter().position(In::ready);
            let winner = ready(from)
                .map(|index| index + before.len())
                .or_else(|| ready(before));
            if let Some(winner) = winner {
                self.out.push(self.inputs[winner].pop());
                self.pointer = if winner + 1 == self.inputs.len() {
                    0
                } else {
                    winner as u32 + 1
                };
            }
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        state.value(&mut self.pointer);
    }
}
