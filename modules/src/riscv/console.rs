//! `riscv.console`: the devices of a machine: a UART, and the number of harts.
//!
//! | port | way | carries |
//! |---|---|---|
//! | `request` | in | class 1: loads and stores of device registers |
//! | `order` | out | class 2: one reply per request |
//!
//! Registers: see `platform` and `uart`. A byte that is sent is taken only when the console has room (a
//! bounded number of bytes per epoch), so nothing is lost. Bytes of the host are received at the start of
//! an epoch, as many as the receive FIFO has room for (`receive_bytes`); the others wait outside. Stores to
//! the hart count change nothing.
//!
//! Latency: the reply is pushed at the edge at which the request is popped. One request per edge.

use super::coherence::{NO_LINE, NODES_MAX, Order, OrderKind, Request, RequestKind};
use super::platform::{self, Device, Region};
use super::uart::{Consequence, Status, Uart};
use serde::Deserialize;
use tina_engine::{
    BuildError, Cycle, Effect, In, Inlet, Module, Out, Results, State, Wiring, absorb,
};

/// Parameters of the devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsoleParams {
    /// Harts of the machine.
    pub harts: u32,
    /// Bytes the receive FIFO of the UART holds, 1 to 4096; that of a 16550 has 16.
    #[serde(default = "receive_bytes_default")]
    pub receive_bytes: u32,
}

fn receive_bytes_default() -> u32 {
    16
}

/// UART and hart count.
pub struct Console {
    requests: In<Request>,
    orders: Out<Order>,
    console: tina_engine::Console,
    inlet: Inlet,
    uart: Uart,
    harts: u32,
    printed: u64,
    received: u64,
    check: u64,
}

impl Module for Console {
    const KIND: &'static str = "riscv.console";
    const SUMMARY: &'static str = "UART and hart count, on the network: request -> order";
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
            inlet: wiring
                .inlet(params.receive_bytes as usize)
                .map_err(|error| BuildError::param("receive_bytes", error.to_string()))?,
            uart: Uart::default(),
            harts: params.harts,
            printed: 0,
            received: 0,
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
        let device = match request.kind {
            RequestKind::DeviceLoad | RequestKind::DeviceStore => {
                platform::region(request.address, 0)
            }
            RequestKind::Read | RequestKind::Own | RequestKind::Fetch => {
                return Effect::Crash("a request for a line of RAM reached the devices");
            }
        };
        let word = match (request.kind, device) {
            (RequestKind::DeviceLoad, Region::Device(Device::HartCount)) => self.harts,
            (RequestKind::DeviceLoad, Region::Device(Device::Uart(register))) => {
                self.load(register)
            }
            (RequestKind::DeviceStore, Region::Device(Device::Uart(register))) => {
                if self.uart.sends(register) && !self.console.has_room() {
                    // Room comes with the next epoch, which wakes nobody.
                    return Effect::Yield;
                }
                self.store(register, request.word as u8);
                0
            }
            _ => 0,
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
        state
            .value(&mut self.uart)
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
            .described("bytes", "taken by the guest so far");
        results
            .check("check", self.check)
            .described("", "digest of all bytes in order");
    }
}

impl Console {
    /// A load of a register: its byte where the guest looks for it.
    fn load(&mut self, register: u32) -> u32 {
        let status = Status {
            received: self.inlet.peek(),
            can_send: self.console.has_room(),
        };
        let (value, consequence) = self.uart.load(register, status);
        if consequence == Consequence::Taken {
            self.inlet.pop();
            self.received += 1;
        }
        u32::from(value) << (8 * (register & 3))
    }

    /// A store to a register; there is room for what it sends.
    fn store(&mut self, register: u32, byte: u8) {
        match self.uart.store(register, byte) {
            Consequence::Sent(byte) => {
                self.console.print(byte);
                self.printed += 1;
                self.check = absorb(self.check, u64::from(byte));
            }
            Consequence::Emptied => {
                while self.inlet.ready() {
                    self.inlet.pop();
                }
            }
            Consequence::Nothing | Consequence::Taken => {}
        }
    }
}
