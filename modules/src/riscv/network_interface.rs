//! `riscv.network_interface`: joins the two caches of a tile to its routers.
//!
//! | port | way | carries |
//! |---|---|---|
//! | `instruction_miss`, `data_miss` | in | class 1 from the two caches |
//! | `request_out` | out | class 1 to the network |
//! | `order_in` | in | class 2 from the network |
//! | `instruction_order`, `data_order` | out | class 2 to the two caches |
//!
//! At an edge it moves one request, the caches taking turns when both have one, and one order,
//! by its kind. An order that finds no room holds up those behind it; both caches always
//! make room (see `coherence`). Class 3 needs no interface: the data cache alone speaks it.
//!
//! Latency: one edge each way. Throughput: one packet per edge and class.

use super::coherence::{Order, OrderKind, Request};
use tina_engine::{BuildError, Cycle, Effect, In, Module, Out, State, Wiring};

/// Joins the caches of a tile to the network.
pub struct NetworkInterface {
    misses: [In<Request>; 2],
    requests: Out<Request>,
    orders_in: In<Order>,
    orders: [Out<Order>; 2],
    /// Which cache goes first when both have a request.
    turn: usize,
}

const INSTRUCTION: usize = 0;
const DATA: usize = 1;

impl Module for NetworkInterface {
    const KIND: &'static str = "riscv.network_interface";
    const SUMMARY: &'static str = "joins two caches to the network: instruction_miss, data_miss -> request_out; \
         order_in -> instruction_order, data_order";
    const COST_NS: f64 = 6.0;
    type Params = ();

    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            misses: [
                wiring.input("instruction_miss")?,
                wiring.input("data_miss")?,
            ],
            requests: wiring.output("request_out")?,
            orders_in: wiring.input("order_in")?,
            orders: [
                wiring.output("instruction_order")?,
                wiring.output("data_order")?,
            ],
            turn: INSTRUCTION,
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if self.requests.has_room() {
            let chosen = if self.misses[self.turn].ready() {
                self.turn
            } else {
                1 - self.turn
            };
            if let Some(request) = self.misses[chosen].try_pop() {
                self.requests.push(request);
                self.turn = 1 - chosen;
            }
        }
        if let Some(order) = self.orders_in.peek() {
            let cache = match order.kind {
                OrderKind::GrantFetch => INSTRUCTION,
                OrderKind::GrantShared
                | OrderKind::GrantOwned
                | OrderKind::Invalidate
                | OrderKind::RecallAll
                | OrderKind::RecallWrite
                | OrderKind::DeviceReply => DATA,
            };
            if self.orders[cache].has_room() {
                let order = self.orders_in.pop();
                self.orders[cache].push(order);
            }
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        state.value(&mut self.turn);
    }
}
