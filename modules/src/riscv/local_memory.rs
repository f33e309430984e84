//! HOT. `riscv.local_memory`: a RAM of its own for one core, in the place of its caches.
//!
//! | port | way | carries |
//! |---|---|---|
//! | `fetch` | in | addresses of instructions wanted, in order |
//! | `fetched` | out | one reply per request, in order |
//! | `invalidate` | in | `fence.i`: a fetch sees every store before it |
//! | `invalidated` | out | done |
//! | `request` | in | loads, stores, atomics and fences of the core, in program order |
//! | `reply` | out | one reply per request, in order, when it has been performed |
//! | `report` | out | once: the exit code of the program |
//!
//! It answers as a cache that always hits: a fetch and an access per edge, each at the edge at which
//! it is popped, the reply visible one edge later. A slower memory is one behind wires of greater
//! latency. A fetch outside RAM is answered as a fault. Fetches and stores of one edge: the fetch
//! sees the word as it was.
//!
//! The RAM holds the program at the start, one copy for each such module. The program knows this
//! platform by three symbols, each a word in RAM:
//!
//! * `argument`: holds the parameter of that name when the run begins, if it is given;
//! * `result`: what it holds in the end is this module's result of that name;
//! * `report`: storing a nonzero word there ends the program, with the exit code that storing it to
//!   `tohost` would give (see `platform`). The code is pushed to port `report` at the next edge, and
//!   the hart stands still from then on: nothing is answered any more.
//!
//! The hart count is a parameter; what is stored to the console is lost, as there is none.
//!
//! Results: `fetches`, `accesses`; `finished`, the cycle of the report, and `failures`, 1 if its code
//! was not 0; `result`.

use super::image::Image;
use super::instruction::merge_lanes;
use super::platform::{HART_COUNT, RAM_BASE, UART_BASE, exit_code};
use super::ram_map::RAM_BYTES_MAX;
use super::signals::{DataOperation, DataReply, DataRequest, FetchReply, FetchRequest};
use super::uart::{self, TRANSMITTER_EMPTY};
use serde::{Deserialize, Serialize};
use tina_engine::{BuildError, Cycle, Effect, In, Memory, Module, Out, Results, State, Wiring};

/// A program that waits until the console takes a byte does not wait.
const LINE_STATUS_WORD: u32 = UART_BASE + (uart::LINE_STATUS & !3);

/// Symbol of the word that holds the argument.
pub const ARGUMENT_SYMBOL: &str = "argument";

/// Symbol of the word that holds the result.
pub const RESULT_SYMBOL: &str = "result";

/// Symbol of the word that ends the program.
pub const REPORT_SYMBOL: &str = "report";

/// Parameters of a local memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalMemoryParams {
    /// Bytes of RAM, a multiple of 4; the core must be told the same.
    pub ram_bytes: u32,
    /// What a load of the hart count gives.
    pub harts: u32,
    /// What the program finds in the word named `argument`.
    #[serde(default)]
    pub argument: Option<u32>,
}

/// How far the program has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    Running,
    /// Its exit code could not be pushed yet.
    Report(u32),
    Reported,
}

/// The memory of one core.
pub struct LocalMemory {
    fetches: In<FetchRequest>,
    fetched: Out<FetchReply>,
    requests: In<DataRequest>,
    replies: Out<DataReply>,
    ram: Memory<u32>,
    /// Address of the word that ends the program; 1, which no word has, without one.
    report_address: u32,
    /// Address reserved by `LR`.
    reservation: Option<u32>,
    stage: Stage,
    fetch_count: u64,
    access_count: u64,
    harts: u32,
    code: u32,
    finished: Cycle,
    result_address: Option<u32>,
    invalidate: In<()>,
    invalidated: Out<()>,
    report: Out<u64>,
}

impl Module for LocalMemory {
    const KIND: &'static str = "riscv.local_memory";
    const SUMMARY: &'static str = "RAM of one core, with its program: fetch -> fetched; request -> reply; invalidate -> invalidated; exit code to report";
    const COST_NS: f64 = 8.0;
    type Params = LocalMemoryParams;

    fn build(params: LocalMemoryParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let LocalMemoryParams {
            ram_bytes,
            harts,
            argument,
        } = params;
        if ram_bytes == 0 || ram_bytes > RAM_BYTES_MAX || !ram_bytes.is_multiple_of(4) {
            let message = format!("{ram_bytes}; it is a multiple of 4 up to {RAM_BYTES_MAX}");
            return Err(BuildError::param("ram_bytes", message));
        }
        let image = wiring
            .resource::<Image>()
            .ok_or_else(|| BuildError::new("a core needs a program: none was given"))?;
        image
            .check_within(RAM_BASE, ram_bytes)
            .map_err(|error| BuildError::param("ram_bytes", error.to_string()))?;
        let argument = argument
            .map(|value| {
                let address = word_of(image, ARGUMENT_SYMBOL, ram_bytes)?;
                let address = address.ok_or_else(|| {
                    let message = format!("the program has no symbol `{ARGUMENT_SYMBOL}`");
                    BuildError::param("argument", message)
                })?;
                Ok((address, value))
            })
            .transpose()?;
        let fill = |ram: &mut [u32]| {
            // What lies behind the program stays untouched, so that the host need not back it.
            let end = image.segments().last().map_or(0, |segment| segment.end());
            let used = end.saturating_sub(u64::from(RAM_BASE)).div_ceil(4) as usize;
            image.copy_words(RAM_BASE, &mut ram[..used]);
            if let Some((address, value)) = argument {
                ram[index(address)] = value;
            }
        };
        Ok(Self {
            fetches: wiring.input("fetch")?,
            fetched: wiring.output("fetched")?,
            invalidate: wiring.input("invalidate")?,
            invalidated: wiring.output("invalidated")?,
            requests: wiring.input("request")?,
            replies: wiring.output("reply")?,
            report: wiring.output("report")?,
            ram: wiring.memory_with(ram_bytes as usize / 4, fill)?,
            report_address: word_of(image, REPORT_SYMBOL, ram_bytes)?.unwrap_or(1),
            result_address: word_of(image, RESULT_SYMBOL, ram_bytes)?,
            reservation: None,
            stage: Stage::Running,
            fetch_count: 0,
            access_count: 0,
            harts,
            code: 0,
            finished: 0,
        })
    }

    #[inline(always)]
    fn clock(&mut self, now: Cycle) -> Effect {
        if self.stage != Stage::Running {
            return self.hand_in();
        }
        if let Some(request) = self.fetches.item()
            && let Some(room) = self.fetched.room()
        {
            let FetchRequest {
                address,
                predicted,
                epoch,
            } = request.take();
            let word = self.ram.get(index(address)).copied();
            room.push(FetchReply {
                address,
                predicted,
                word: word.unwrap_or(0),
                epoch,
                fault: word.is_none(),
            });
            self.fetch_count += 1;
        }
        if let Some(request) = self.requests.item()
            && let Some(room) = self.replies.room()
        {
            let request = request.take();
            let tag = request.tag;
            let data = access(&mut self.ram, &mut self.reservation, &request, self.harts);
            room.push(DataReply { data, tag });
            self.access_count += 1;
            if request.address == self.report_address {
                self.look_at_report(now);
            }
        }
        if self.invalidate.ready() {
            self.pass_invalidation();
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        state
            .memory(&mut self.ram)
            .value(&mut self.reservation)
            .value(&mut self.stage)
            .value(&mut self.fetch_count)
            .value(&mut self.access_count)
            .value(&mut self.code)
            .value(&mut self.finished);
    }

    fn report(&self, results: &mut Results) {
        results
            .count("fetches", self.fetch_count)
            .described("fetches", "answered");
        results
            .count("accesses", self.access_count)
            .described("accesses", "answered");
        results
            .count("finished", self.finished)
            .described("", "cycle in which the program reported its end");
        results
            .count("failures", u64::from(self.code != 0))
            .described("programs", "that reported a failure");
        let result = self
            .result_address
            .map_or(0, |address| self.ram[index(address)]);
        results
            .check("result", u64::from(result))
            .described("", "what the program left as its result");
    }
}

impl LocalMemory {
    /// After an access to the word that ends the program: does it say so?
    #[cold]
    #[inline(never)]
    fn look_at_report(&mut self, now: Cycle) {
        if let Some(code) = exit_code(self.ram[index(self.report_address)]) {
            self.stage = Stage::Report(code);
            self.code = code;
            self.finished = now;
        }
    }

    #[cold]
    #[inline(never)]
    fn hand_in(&mut self) -> Effect {
        match self.stage {
            Stage::Report(code) if self.report.has_room() => {
                self.report.push(u64::from(code));
                self.stage = Stage::Reported;
                Effect::Done
            }
            Stage::Report(_) | Stage::Running => Effect::Receive,
            Stage::Reported => Effect::Done,
        }
    }

    #[cold]
    #[inline(never)]
    fn pass_invalidation(&mut self) {
        if self.invalidated.has_room() {
            self.invalidate.pop();
            self.invalidated.push(());
        }
    }
}

/// Number of the word at an address in RAM; a number beyond all RAM for any other address.
#[inline(always)]
const fn index(address: u32) -> usize {
    (address.wrapping_sub(RAM_BASE) / 4) as usize
}

/// Address of the word that a symbol of the program names, if it has that symbol.
fn word_of(image: &Image, symbol: &str, ram_bytes: u32) -> Result<Option<u32>, BuildError> {
    let Some(address) = image.symbol(symbol) else {
        return Ok(None);
    };
    if address.is_multiple_of(4) && index(address) < ram_bytes as usize / 4 {
        Ok(Some(address))
    } else {
        Err(BuildError::new(format!(
            "symbol `{symbol}` of the program, {address:#010x}, is no word in RAM"
        )))
    }
}

/// Performs an access; what the reply carries.
#[inline(always)]
fn access(
    ram: &mut [u32],
    reservation: &mut Option<u32>,
    request: &DataRequest,
    harts: u32,
) -> u32 {
    let &DataRequest {
        address,
        data,
        mask,
        operation,
        uncached,
        ..
    } = request;
    if uncached {
        return device(request, harts);
    }
    if operation == DataOperation::Fence {
        return 0;
    }
    let word = &mut ram[index(address)];
    let old = *word;
    match operation {
        DataOperation::Fence | DataOperation::Load => old,
        DataOperation::Store => {
            *word = merge_lanes(old, data, mask);
            data
        }
        DataOperation::LoadReserved => {
            *reservation = Some(address);
            old
        }
        DataOperation::StoreConditional => {
            let failed = reservation.take() != Some(address);
            if !failed {
                *word = data;
            }
            u32::from(failed)
        }
        DataOperation::Swap
        | DataOperation::Add
        | DataOperation::Xor
        | DataOperation::And
        | DataOperation::Or
        | DataOperation::Min
        | DataOperation::Max
        | DataOperation::MinUnsigned
        | DataOperation::MaxUnsigned => {
            *word = operation.combine(old, data);
            old
        }
    }
}

#[cold]
#[inline(never)]
fn device(request: &DataRequest, harts: u32) -> u32 {
    match (request.operation, request.address) {
        (DataOperation::Load, HART_COUNT) => harts,
        (DataOperation::Load, LINE_STATUS_WORD) => {
            u32::from(TRANSMITTER_EMPTY) << (8 * (uart::LINE_STATUS & 3))
        }
        _ => 0,
    }
}
