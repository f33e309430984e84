//! `flow.fork`: gives every item to all of its outputs.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `in` | in | u64 | needed |
//! | `out[0]` … `out[outputs − 1]` | out | u64 | needed |
//!
//! Pops an item when there is one and every output has room, and pushes it to all of them at that
//! edge: the slowest reader sets the pace.
//!
//! Latency: none of its own. Throughput: one item per cycle.

use serde::Deserialize;
use tina_engine::{BuildError, Cycle, Effect, In, Module, Out, State, Wiring};

/// The most outputs of a fork.
pub const FORK_OUTPUTS_MAX: u32 = 1024;

/// Parameters of [`Fork`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForkParams {
    /// Number of outputs, 1 to [`FORK_OUTPUTS_MAX`].
    pub outputs: u32,
}

/// One input, many copies.
pub struct Fork {
    input: In<u64>,
    outputs: Box<[Out<u64>]>,
}

impl Module for Fork {
    const KIND: &'static str = "flow.fork";
    const SUMMARY: &'static str = "copies each item to all outputs at once: in; out[0..outputs]";
    type Params = ForkParams;

    fn build(params: ForkParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        if params.outputs == 0 || params.outputs > FORK_OUTPUTS_MAX {
            let message = format!("{}; a fork has 1 to {FORK_OUTPUTS_MAX}", params.outputs);
            return Err(BuildError::param("outputs", message));
        }
        Ok(Self {
            input: wiring.input("in")?,
            outputs: wiring.outputs("out", params.outputs as usize)?,
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if self.input.ready() && self.outputs.iter().all(Out::has_room) {
            let item = self.input.pop();
            for output in &mut self.outputs {
                output.push(item);
            }
        }
        Effect::Receive
    }

    fn state(&mut self, _state: &mut State<'_>) {}
}
