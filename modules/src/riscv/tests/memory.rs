//! A memory for one core: fetches and accesses answered at the edge at which they come, or now and
//! then later. What is fetched changes only when the core says `invalidate`, as in the worst of caches.

use crate::riscv::image::Image;
use crate::riscv::instruction::merge_lanes;
use crate::riscv::platform::{HART_COUNT, RAM_BASE, UART_BASE, UART_BYTES};
use crate::riscv::signals::{DataOperation, DataReply, DataRequest, FetchReply, FetchRequest};
use crate::riscv::uart::{Consequence, Status, Uart};
use serde::Deserialize;
use std::sync::{Arc, Mutex};
use tina_engine::{
    BuildError, Console, Cycle, Effect, In, Memory, Module, Out, Random, Results, Wiring,
};

/// What the RAM holds when the run is over.
#[derive(Clone, Default)]
pub struct Snapshot(pub Arc<Mutex<Vec<u32>>>);

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestMemoryParams {
    pub ram_bytes: u32,
    /// Of 100 chances to answer, how many are let pass.
    pub refused_percent: u64,
}

pub struct TestMemory {
    fetch: In<FetchRequest>,
    fetched: Out<FetchReply>,
    invalidate: In<()>,
    invalidated: Out<()>,
    request: In<DataRequest>,
    reply: Out<DataReply>,
    code: Memory<u32>,
    ram: Memory<u32>,
    reservation: Option<u32>,
    refused_percent: u64,
    random: Random,
    console: Console,
    uart: Uart,
    snapshot: Snapshot,
}

impl Module for TestMemory {
    const KIND: &'static str = "test.memory";
    const SUMMARY: &'static str = "a memory for one core";
    type Params = TestMemoryParams;

    fn build(params: TestMemoryParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let image = wiring.resource::<Image>().expect("tests give a program");
        let ram_words = params.ram_bytes as usize / 4;
        let filled = |words: &mut [u32]| image.copy_words(RAM_BASE, words);
        Ok(Self {
            fetch: wiring.input("fetch")?,
            fetched: wiring.output("fetched")?,
            invalidate: wiring.input("invalidate")?,
            invalidated: wiring.output("invalidated")?,
            request: wiring.input("request")?,
            reply: wiring.output("reply")?,
            code: wiring.memory_with(ram_words, filled)?,
            ram: wiring.memory_with(ram_words, filled)?,
            reservation: None,
            refused_percent: params.refused_percent,
            random: wiring.random(0),
            console: wiring.console(),
            uart: Uart::default(),
            snapshot: wiring
                .resource::<Snapshot>()
                .expect("tests give a snapshot")
                .clone(),
        })
    }

    fn clock(&mut self, _now: Cycle) -> Effect {
        let mut waits = false;
        if self.invalidate.ready() && self.invalidated.has_room() {
            self.invalidate.pop();
            self.invalidated.push(());
            self.code.copy_from_slice(&self.ram);
        }
        if self.fetch.ready() && self.fetched.has_room() {
            if self.refuses() {
                waits = true;
            } else {
                self.answer_fetch();
            }
        }
        if self.request.ready() && self.reply.has_room() {
            if self.refuses() {
                waits = true;
            } else {
                self.answer_access();
            }
        }
        if waits {
            Effect::Yield
        } else {
            Effect::Receive
        }
    }

    fn report(&self, _results: &mut Results) {
        *self.snapshot.0.lock().unwrap() = self.ram.to_vec();
    }
}

impl TestMemory {
    fn refuses(&mut self) -> bool {
        self.refused_percent > 0 && self.random.chance(self.refused_percent, 100)
    }

    fn answer_fetch(&mut self) {
        let FetchRequest {
            address,
            predicted,
            epoch,
        } = self.fetch.pop();
        let word = self
            .code
            .get((address.wrapping_sub(RAM_BASE) / 4) as usize)
            .copied();
        let (word, fault) = (word.unwrap_or(0), word.is_none());
        self.fetched.push(FetchReply {
            address,
            predicted,
            word,
            epoch,
            fault,
        });
    }

    fn answer_access(&mut self) {
        let DataRequest {
            address,
            data,
            tag,
            mask,
            operation,
            uncached,
        } = self.request.pop();
        let answer = if uncached {
            match (address, operation) {
                (HART_COUNT, DataOperation::Load) => 1,
                (_, DataOperation::Store | DataOperation::Load)
                    if address - UART_BASE < UART_BYTES =>
                {
                    let lane = mask.trailing_zeros();
                    self.access_uart(operation, address - UART_BASE + lane, data >> (8 * lane))
                }
                _ => panic!("{operation:?} at {address:#x} should have been refused"),
            }
        } else {
            self.access(address, data, mask, operation)
        };
        self.reply.push(DataReply { data: answer, tag });
    }

    fn access_uart(&mut self, operation: DataOperation, register: u32, data: u32) -> u32 {
        if operation == DataOperation::Store {
            if let Consequence::Sent(byte) = self.uart.store(register, data as u8) {
                self.console.print(byte);
            }
            return data;
        }
        let status = Status {
            received: None,
            can_send: true,
        };
        u32::from(self.uart.load(register, status).0) << (8 * (register & 3))
    }

    fn access(&mut self, address: u32, data: u32, mask: u8, operation: DataOperation) -> u32 {
        if operation == DataOperation::Fence {
            return 0;
        }
        assert_eq!(address & 3, 0);
        let word = &mut self.ram[(address.wrapping_sub(RAM_BASE) / 4) as usize];
        let old = *word;
        match operation {
            DataOperation::Fence | DataOperation::Load => old,
            DataOperation::Store => {
                *word = merge_lanes(old, data, mask);
                data
            }
            DataOperation::LoadReserved => {
                self.reservation = Some(address);
                old
            }
            DataOperation::StoreConditional => {
                if self.reservation.take() == Some(address) {
                    *word = data;
                    0
                } else {
                    1
                }
            }
            _ => {
                *word = operation.combine(old, data);
                old
            }
        }
    }
}
