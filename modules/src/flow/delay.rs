//! `flow.delay`: a delay line.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `in` | in | u64 | needed |
//! | `out` | out | u64 | needed |
//!
//! An item popped at edge t is pushed at edge t + `cycles`, or as soon after as there is room. The
//! line holds at most `cycles` items; while it is full, it pops none.
//!
//! Latency: `cycles`. Throughput: one item per cycle.

use serde::Deserialize;
use tina_engine::{BuildError, Cycle, Effect, Heading, In, Memory, Module, Out, State, Wiring};

/// The longest delay line.
pub const DELAY_CYCLES_MAX: u32 = 1 << 16;

/// Parameters of [`Delay`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelayParams {
    /// Length of the line, 1 to [`DELAY_CYCLES_MAX`].
    pub cycles: u32,
}

/// A line of items under way.
pub struct Delay {
    input: In<u64>,
    out: Out<u64>,
    /// A ring of (item, cycle from which it may leave).
    line: Memory<[u64; 2]>,
    /// Index of the oldest item.
    oldest: u32,
    count: u32,
}

impl Module for Delay {
    const KIND: &'static str = "flow.delay";
    const SUMMARY: &'static str = "holds each item for `cycles`: in; out";
    type Params = DelayParams;

    fn build(params: DelayParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        if params.cycles == 0 || params.cycles > DELAY_CYCLES_MAX {
            let message = format!("{}; a delay is 1 to {DELAY_CYCLES_MAX}", params.cycles);
            return Err(BuildError::param("cycles", message));
        }
        Ok(Self {
            input: wiring.input("in")?,
            out: wiring.output("out")?,
            line: wiring.memory(params.cycles as usize)?,
            oldest: 0,
            count: 0,
        })
    }

    #[inline(always)]
    fn clock(&mut self, now: Cycle) -> Effect {
        let length = self.line.len() as u32;
        if self.count > 0 {
            let [item, due] = self.line[self.oldest as usize];
            if due <= now && self.out.try_push(item).is_ok() {
                self.oldest = if self.oldest + 1 == length {
                    0
                } else {
                    self.oldest + 1
                };
                self.count -= 1;
            }
        }
        if self.count < length
            && let Some(item) = self.input.try_pop()
        {
            let free = self.oldest + self.count;
            let free = if free >= length { free - length } else { free };
            self.line[free as usize] = [item, now + u64::from(length)];
            self.count += 1;
        }
        if self.count == 0 {
            return Effect::Receive;
        }
        let due = self.line[self.oldest as usize][1];
        // Due already: the output is full and will say when it is not.
        if due > now {
            Effect::Sleep(due - now)
        } else {
            Effect::Receive
        }
    }

    fn state(&mut self, state: &mut State<'_>) {
        state
            .memory(&mut self.line)
            .value(&mut self.oldest)
            .value(&mut self.count);
    }

    fn heading(&self, heading: &mut Heading<'_>) {
        if self.count > 0 {
            heading.busy(&self.out);
        }
    }
}
