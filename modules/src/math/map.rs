//! `math.map`: applies one operation with a constant to every item.
//!
//! | port | way | carries | wire |
//! |---|---|---|---|
//! | `in` | in | u64 | needed |
//! | `out` | out | u64 | needed |
//!
//! Moves an item whenever there is one and there is room. Arithmetic is modulo 2⁶⁴; shifts are
//! logical and take 0 to 63 places.
//!
//! Latency: none of its own. Throughput: one item per cycle.

use serde::Deserialize;
use tina_engine::{BuildError, Cycle, Effect, In, Module, Out, State, Wiring};

/// What becomes of an item x, with the constant v.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Operation {
    /// x + v.
    Add,
    /// x − v.
    Subtract,
    /// x · v.
    Multiply,
    /// x and v, bit by bit.
    And,
    /// x or v, bit by bit.
    Or,
    /// x xor v, bit by bit.
    Xor,
    /// x shifted towards the high end by v places.
    ShiftLeft,
    /// x shifted towards the low end by v places.
    ShiftRight,
    /// The smaller of both.
    Min,
    /// The larger of both.
    Max,
}

/// Parameters of [`Map`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapParams {
    /// What becomes of an item.
    pub operation: Operation,
    /// The constant.
    pub value: u64,
}

/// A stage with one operation.
pub struct Map {
    input: In<u64>,
    out: Out<u64>,
    value: u64,
    operation: Operation,
}

impl Module for Map {
    const KIND: &'static str = "math.map";
    const SUMMARY: &'static str = "applies `operation` with the constant `value`: in; out";
    type Params = MapParams;

    fn build(params: MapParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let MapParams { operation, value } = params;
        if matches!(operation, Operation::ShiftLeft | Operation::ShiftRight) && value > 63 {
            return Err(BuildError::param(
                "value",
                format!("{value} places; a shift takes 0 to 63"),
            ));
        }
        Ok(Self {
            input: wiring.input("in")?,
            out: wiring.output("out")?,
            value,
            operation,
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if let Some(item) = self.input.item()
            && let Some(room) = self.out.room()
        {
            room.push(self.operation.apply(item.take(), self.value));
        }
        Effect::Receive
    }

    fn state(&mut self, _state: &mut State<'_>) {}
}

impl Operation {
    #[inline(always)]
    fn apply(self, item: u64, value: u64) -> u64 {
        match self {
            Self::Add => item.wrapping_add(value),
            Self::Subtract => item.wrapping_sub(value),
            Self::Multiply => item.wrapping_mul(value),
            Self::And => item & value,
            Self::Or => item | value,
            Self::Xor => item ^ value,
            Self::ShiftLeft => item << value,
            Self::ShiftRight => item >> value,
            Self::Min => item.min(value),
            Self::Max => item.max(value),
        }
    }
}
