//! Multiplication and division: a unit beside execute that works on one operation at a time.
//!
//! | port | | signal | |
//! |---|---|---|---|
//! | `operands` | in | [`MultiplyRequest`] | from execute |
//! | `product` | out | [`RegisterWrite`] | to write-back |
//!
//! Latency, from the edge at which operands are popped to the edge at which write-back can pop the
//! result: `multiply_cycles` or `divide_cycles`. The unit takes the next operands at the edge at which
//! it sends a result, so these are also the edges per operation.

use super::instruction::{MulDiv, mul_div};
use super::signals::{MultiplyRequest, RegisterWrite};
use serde::Deserialize;
use tina_engine::{BuildError, Cycle, Effect, Heading, In, Module, Out, Results, State, Wiring};

/// The longest latency of the unit.
pub const CYCLES_MAX: u32 = 1 << 10;

/// Parameters of [`Multiply`].
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MultiplyParams {
    /// Cycles of a multiplication, 1 to [`CYCLES_MAX`].
    pub multiply_cycles: u32,
    /// Cycles of a division, 1 to [`CYCLES_MAX`].
    pub divide_cycles: u32,
}

impl Default for MultiplyParams {
    fn default() -> Self {
        // A pipelined 32 × 32 multiplier in three stages; a divider of two bits a cycle and
        // two cycles around it.
        Self {
            multiply_cycles: 3,
            divide_cycles: 18,
        }
    }
}

/// Multiplier and divider of the core.
pub struct Multiply {
    operands: In<MultiplyRequest>,
    product: Out<RegisterWrite>,
    multiply_cycles: u64,
    divide_cycles: u64,
    /// A result that waits, and the first edge at which it may be sent.
    pending: Option<(RegisterWrite, Cycle)>,
    multiplication_count: u64,
    division_count: u64,
}

impl Module for Multiply {
    const KIND: &'static str = "riscv.multiply";
    const SUMMARY: &'static str = "multiplier and divider of a core: in operands, out product";
    type Params = MultiplyParams;

    fn build(params: MultiplyParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            operands: wiring.input("operands")?,
            product: wiring.output("product")?,
            multiply_cycles: checked("multiply_cycles", params.multiply_cycles)?,
            divide_cycles: checked("divide_cycles", params.divide_cycles)?,
            pending: None,
            multiplication_count: 0,
            division_count: 0,
        })
    }

    #[inline(always)]
    fn clock(&mut self, now: Cycle) -> Effect {
        if self.pending.is_none() {
            self.start(now);
        }
        let Some((write, due)) = self.pending else {
            return Effect::Receive;
        };
        if now < due {
            return Effect::Sleep(due - now);
        }
        if self.product.has_room() {
            self.product.push(write);
            self.pending = None;
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        state
            .value(&mut self.pending)
            .value(&mut self.multiplication_count)
            .value(&mut self.division_count);
    }

    fn heading(&self, heading: &mut Heading<'_>) {
        if self.pending.is_some() {
            heading.busy(&self.product);
        }
    }

    fn report(&self, results: &mut Results) {
        results
            .count("multiplications", self.multiplication_count)
            .described("instructions", "done by the multiplier");
        results
            .count("divisions", self.division_count)
            .described("instructions", "done by the divider");
    }
}

fn checked(name: &'static str, value: u32) -> Result<u64, BuildError> {
    if (1..=CYCLES_MAX).contains(&value) {
        Ok(u64::from(value))
    } else {
        Err(BuildError::param(
            name,
            format!("{value}, but it must be 1 to {CYCLES_MAX}"),
        ))
    }
}

impl Multiply {
    fn start(&mut self, now: Cycle) {
        let Some(request) = self.operands.try_pop() else {
            return;
        };
        let MultiplyRequest {
            a,
            b,
            operation,
            register,
        } = request;
        let cycles = match operation {
            MulDiv::Mul
            | MulDiv::MulHigh
            | MulDiv::MulHighSignedUnsigned
            | MulDiv::MulHighUnsigned => {
                self.multiplication_count += 1;
                self.multiply_cycles
            }
            MulDiv::Divide
            | MulDiv::DivideUnsigned
            | MulDiv::Remainder
            | MulDiv::RemainderUnsigned => {
                self.division_count += 1;
                self.divide_cycles
            }
        };
        let write = RegisterWrite {
            value: mul_div(operation, a, b),
            register,
        };
        // What is pushed can be popped an edge later.
        self.pending = Some((write, now + cycles - 1));
    }
}
