//! `flow.join`: makes one stream of several.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `in[0]` … `in[inputs − 1]` | in | u64 | needed |
//! | `out` | out | u64 | needed |
//!
//! Under `Xor` and `Sum` it waits until every input has an item and the output has room, pops one of
//! each and pushes their xor or their sum modulo 2⁶⁴. Under `InTurn` it passes on one item of
//! `in[0]`, then one of `in[1]` and so on, and waits for whose turn it is.
//!
//! Latency: none of its own. Throughput: one result per cycle.

use serde::Deserialize;
use tina_engine::{BuildError, Cycle, Effect, In, Module, Out, State, Wiring};

/// The most inputs of a join.
pub const JOIN_INPUTS_MAX: u32 = 1024;

/// How items become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum JoinMode {
    /// The xor of one item of each input.
    Xor,
    /// The sum of one item of each input.
    Sum,
    /// The items themselves, one input after the other.
    InTurn,
}

/// Parameters of [`Join`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinParams {
    /// Number of inputs, 1 to [`JOIN_INPUTS_MAX`].
    pub inputs: u32,
    /// How items become one.
    pub mode: JoinMode,
}

/// Many inputs, one output.
pub struct Join {
    inputs: Box<[In<u64>]>,
    out: Out<u64>,
    mode: JoinMode,
    /// In turn: whose turn it is.
    turn: u32,
}

impl Module for Join {
    const KIND: &'static str = "flow.join";
    const SUMMARY: &'static str = "one item of each input becomes one (`Xor`, `Sum`), or all pass in turn (`InTurn`): in[0..inputs]; out";
    type Params = JoinParams;

    fn build(params: JoinParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        if params.inputs == 0 || params.inputs > JOIN_INPUTS_MAX {
            let message = format!("{}; a join has 1 to {JOIN_INPUTS_MAX}", params.inputs);
            return Err(BuildError::param("inputs", message));
        }
        Ok(Self {
            inputs: wiring.inputs("in", params.inputs as usize)?,
            out: wiring.output("out")?,
            mode: params.mode,
            turn: 0,
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if !self.out.has_room() {
            return Effect::Receive;
        }
        match self.mode {
            JoinMode::Xor => self.combine(|a, b| a ^ b),
            JoinMode::Sum => self.combine(u64::wrapping_add),
            JoinMode::InTurn => {
                if let Some(item) = self.inputs[self.turn as usize].try_pop() {
                    self.out.push(item);
                    self.turn += 1;
                    if self.turn as usize == self.inputs.len() {
                        self.turn = 0;
                    }
                }
            }
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        state.value(&mut self.turn);
    }
}

impl Join {
    #[inline(always)]
    fn combine(&mut self, operation: impl Fn(u64, u64) -> u64) {
        if self.inputs.iter().all(In::ready) {
            self.out
                .push(self.inputs.iter_mut().map(In::pop).fold(0, operation));
        }
    }
}
