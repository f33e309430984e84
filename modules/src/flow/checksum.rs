//! `flow.checksum`: takes a stream and proves that it is the right one.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `in` | in | u64 | needed |
//!
//! Pops whenever there is an item and takes it into a running digest in which order counts
//! ([`absorb`], starting from 0). Results: `count`, `check`. After `limit` items, if given, it ends
//! the run: with exit code 0 when the digest is the one it was told to `expect`, or none was, else 1.
//!
//! Latency: none. Throughput: one item per cycle.

use serde::Deserialize;
use tina_engine::{BuildError, Cycle, Effect, Finish, In, Module, Results, State, Wiring, absorb};

/// Parameters of [`Checksum`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChecksumParams {
    /// Items after which the run ends, at least 1.
    pub limit: Option<u64>,
    /// The digest that these items must have; only with `limit`.
    pub expect: Option<u64>,
}

/// A sink that checks itself.
pub struct Checksum {
    input: In<u64>,
    count: u64,
    check: u64,
    limit: u64,
    expect: Option<u64>,
    finish: Option<Finish>,
}

impl Module for Checksum {
    const KIND: &'static str = "flow.checksum";
    const SUMMARY: &'static str =
        "digest of a stream, ends the run after `limit` items, compares with `expect`: in";
    type Params = ChecksumParams;

    fn build(params: ChecksumParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        if params.limit == Some(0) {
            return Err(BuildError::param("limit", "0 items; a limit is at least 1"));
        }
        if params.expect.is_some() && params.limit.is_none() {
            return Err(BuildError::param("expect", "says nothing without `limit`"));
        }
        Ok(Self {
            input: wiring.input("in")?,
            count: 0,
            check: 0,
            limit: params.limit.unwrap_or(u64::MAX),
            expect: params.expect,
            finish: params.limit.map(|_| wiring.finish()),
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if let Some(item) = self.input.try_pop() {
            self.count += 1;
            self.check = absorb(self.check, item);
            if self.count == self.limit {
                let right = self.expect.is_none_or(|expect| expect == self.check);
                if let Some(finish) = &mut self.finish {
                    finish.raise(u32::from(!right));
                }
                return Effect::Done;
            }
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        state.value(&mut self.count).value(&mut self.check);
    }

    fn report(&self, results: &mut Results) {
        results
            .count("count", self.count)
            .described("items", "taken so far");
        results
            .check("check", self.check)
            .described("", "digest of all items in order");
    }
}
