//! `io.host`: a port to the outside world: bytes come in and go out through plain FIFOs.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `in` | in | u8: to the host | may be left out |
//! | `out` | out | u8: from the host | may be left out |
//!
//! What the host sends enters at the start of an epoch, at most `receive_bytes` that have not left through
//! `out` yet; the rest waits outside. What comes through `in` is popped only when it can be printed (a bounded
//! number of bytes per epoch), so nothing is lost. `tina-hw run --uart` says who is outside; without anybody,
//! nothing comes in, and what goes out is printed.
//!
//! Latency: a byte is pushed at the first edge at which it is there. One byte per cycle each way.

use serde::Deserialize;
use tina_engine::{
    BuildError, Console, Cycle, Effect, In, Inlet, Module, Out, Results, State, Wiring, absorb,
};

/// Parameters of [`Host`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostParams {
    /// Bytes it holds that have come in, 1 to 4096.
    #[serde(default = "receive_bytes_default")]
    pub receive_bytes: u32,
}

fn receive_bytes_default() -> u32 {
    64
}

/// A port to the outside world.
pub struct Host {
    input: In<u8>,
    out: Out<u8>,
    inlet: Inlet,
    console: Console,
    printed: u64,
    received: u64,
    check: u64,
}

impl Module for Host {
    const KIND: &'static str = "io.host";
    const SUMMARY: &'static str = "bytes to and from the host: in; out";
    type Params = HostParams;

    fn build(params: HostParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            input: wiring.optional_input("in")?,
            out: wiring.optional_output("out")?,
            inlet: wiring
                .inlet(params.receive_bytes as usize)
                .map_err(|error| BuildError::param("receive_bytes", error.to_string()))?,
            console: wiring.console(),
            printed: 0,
            received: 0,
            check: 0,
        })
    }

    fn clock(&mut self, _now: Cycle) -> Effect {
        if self.inlet.ready() && self.out.has_room() {
            self.out.push(self.inlet.pop());
            self.received += 1;
        }
        if self.input.ready() {
            if !self.console.has_room() {
                // Room comes with the next epoch, which wakes nobody.
                return Effect::Yield;
            }
            let byte = self.input.pop();
            self.console.print(byte);
            self.printed += 1;
            self.check = absorb(self.check, u64::from(byte));
        }
        if self.inlet.ready() && self.out.has_room() {
            return Effect::Yield;
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        state
            .value(&mut self.printed)
            .value(&mut self.received)
            .value(&mut self.check);
    }

    fn report(&self, results: &mut Results) {
        results
            .count("printed", self.printed)
            .described("bytes", "printed so far");
        results
            .count("received", self.received)
            .described("bytes", "passed on from the host so far");
        results
            .check("check", self.check)
            .described("", "digest of all printed bytes in order");
    }
}
