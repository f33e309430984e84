//! `riscv.console`: the devices of a machine: a console that prints, and the number of harts.
//!
//! | port | way | carries |
//! |---|---|---|
//! | `request` | in | class 1: loads and stores of device registers |
//! | `order` | out | class 2: one reply per request |
//!
//! Registers: see `platform`. A store to the console prints its low byte; it is taken only when the
//! console has room (a bounded number of bytes per epoch), so nothing is lost. Stores to the
//! hart count change nothing; a load of the console gives 0.
//!
//! Latency: the reply is pushed at the edge at which the request is popped. One request per edge.

use super::coherence::{NO_LINE, NODES_MAX, Order, OrderKind, Request, RequestKind};
use super::platform::{CONSOLE_TRANSMIT, HART_COUNT};
use serde::Deserialize;
use tina_engine::{BuildError, Cycle, Effect, In, Module, Out, Results, State, Wiring, absorb};

/// Parameters of the devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsoleParams {
    /// Harts of the machine.
    pub harts: u32,
}

/// Console and hart count.
pub struct Console {
    requests: In<Request>,
    orders: Out<Order>,
    console: tina_engine::Console,
    harts: u32,
    printed: u64,
    check: u64,
}

impl Module for Console {
    const KIND: &'static str = "riscv.console";
    const SUMMARY: &'static str = "console and hart count, on the network: request -> order";
    const COST_NS: f64 = 6.0;
    type Params = ConsoleParams;

    fn build(params: ConsoleParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        if params.harts == 0 || params.harts > NODES_MAX {
            let message = format!("{}; a machine has 1 to {NODES_MAX} harts", params.harts);
            return Err(BuildError::param("harts", message));
        }
        Ok(Self {
            requests: wiring.input("request")?,
            orders: wiring.output("order")?,
            console: wiring.console(),
            harts: params.harts,
            printed: 0,
            check: 0,
        })
    }

    fn clock(&mut self, _now: Cycle) -> Effect {
        if !self.orders.has_room() {
            return Effect::Receive;
        }
        let Some(&request) = self.requests.peek() else {
            return Effect::Receive;
        };
        let word = match (request.kind, request.address & !3) {
            (RequestKind::DeviceLoad, HART_COUNT) => self.harts,
            (RequestKind::DeviceStore, CONSOLE_TRANSMIT) => {
                if !self.console.has_room() {
                    // Room comes with the next epoch, which wakes nobody.
                    return Effect::Yield;
                }
                let byte = request.word as u8;
                self.console.print(byte);
                self.printed += 1;
                self.check = absorb(self.check, u64::from(byte));
                0
            }
            (RequestKind::DeviceLoad | RequestKind::DeviceStore, _) => 0,
            (RequestKind::Read | RequestKind::Own | RequestKind::Fetch, _) => {
                return Effect::Crash("a request for a line of RAM reached the devices");
            }
        };
        self.requests.pop();
        let mut line = NO_LINE;
        line[0] = word;
        self.orders.push(Order {
            destination: request.source,
            // A reply goes back along the request's path; nothing reads its source but traces.
            source: request.destination,
            kind: OrderKind::DeviceReply,
            address: request.address,
            line,
        });
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        state.value(&mut self.printed).value(&mut self.check);
    }

    fn report(&self, results: &mut Results) {
        results
            .count("printed", self.printed)
            .described("bytes", "printed so far");
        results
            .check("check", self.check)
            .described("", "digest of all bytes in order");
    }
}
