//! `flow.source`: counts.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `out` | out | u64 | needed |
//!
//! Pushes `start`, `start + step`, `start + 2·step` … (defaults 0 and 1) whenever there is room;
//! after `limit` items, if given, it stops for good. Result: `sent`.
//!
//! Latency: first item at edge 0. Throughput: one item per cycle.

use serde::Deserialize;
use tina_engine::{BuildError, Cycle, Effect, Module, Out, Results, State, Wiring};

/// Parameters of [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceParams {
    /// First item.
    pub start: u64,
    /// Difference of neighbouring items.
    pub step: u64,
    /// Number of items; without it there is no end.
    pub limit: Option<u64>,
}

impl Default for SourceParams {
    fn default() -> Self {
        Self {
            start: 0,
            step: 1,
            limit: None,
        }
    }
}

/// A counting source.
pub struct Source {
    out: Out<u64>,
    next: u64,
    step: u64,
    sent: u64,
    limit: u64,
}

impl Module for Source {
    const KIND: &'static str = "flow.source";
    const SUMMARY: &'static str = "counts from `start` by `step`, `limit` times or for ever: out";
    type Params = SourceParams;

    fn build(params: SourceParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            out: wiring.output("out")?,
            next: params.start,
            step: params.step,
            sent: 0,
            limit: params.limit.unwrap_or(u64::MAX),
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if self.sent < self.limit && self.out.try_push(self.next).is_ok() {
            self.next = self.next.wrapping_add(self.step);
            self.sent += 1;
        }
        if self.sent == self.limit {
            Effect::Done
        } else {
            Effect::Receive
        }
    }

    fn state(&mut self, state: &mut State<'_>) {
        state.value(&mut self.next).value(&mut self.sent);
    }

    fn report(&self, results: &mut Results) {
        results
            .count("sent", self.sent)
            .described("items", "pushed so far");
    }
}
