//! What a hardware module is: parameters, ports taken from the wiring, a clock edge, results.

use crate::effect::Effect;
use crate::probes::Probes;
use crate::time::Cycle;
use crate::wiring::{BuildError, Wiring};
use serde::de::DeserializeOwned;

/// A clocked isolate: a state machine that moves values between its ports at clock edges.
///
/// Its file's head comment holds the port table, its latency and its throughput; the type's own
/// [`SUMMARY`](Self::SUMMARY) is the line `tina-hw list` prints.
pub trait Module: Sized + 'static {
    /// The name netlists use, `family.noun`.
    const KIND: &'static str;

    /// One line: what it does and its ports.
    const SUMMARY: &'static str;

    /// Cost of one busy edge in nanoseconds, as first weight for the partitioner.
    const COST_NS: f64 = 3.0;

    /// Parameters as the netlist gives them: a serde struct with `deny_unknown_fields`; `()` for
    /// none. Numbers may be written as expressions in the netlist.
    type Params: DeserializeOwned + Clone + Send + Sync + 'static;

    /// Takes its ports, memories and handles from `wiring`.
    ///
    /// It is called once to learn the shape of the module (ports, memory sizes) and once to build
    /// it for real, with the same answers expected: ports must depend on parameters and index only.
    ///
    /// # Errors
    /// When a parameter is out of range; [`BuildError::param`] says which.
    fn build(params: Self::Params, wiring: &mut Wiring<'_>) -> Result<Self, BuildError>;

    /// One rising edge. Must not block, allocate or look at anything but itself and its ports.
    fn clock(&mut self, now: Cycle) -> Effect;

    /// Named results, asked for after a run. No edge is being evaluated then: ports have nothing ready
    /// and no room.
    fn report(&self, results: &mut Results) {
        let _ = results;
    }

    /// Named fields that traces show: always the same ones in the same order. Looked at, while they
    /// are recorded, after edges at which the module was clocked; ports have nothing to say then.
    fn probe(&self, probes: &mut Probes<'_>) {
        let _ = probes;
    }
}

/// A value a module reports at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultValue {
    /// A count, printed in decimal.
    Count(u64),
    /// A check value, printed as 64 bits in hexadecimal.
    Check(u64),
}

impl ResultValue {
    /// The number, however it is printed.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::Count(value) | Self::Check(value) => value,
        }
    }
}

/// Collects the results of one instance.
#[derive(Debug, Default)]
pub struct Results {
    entries: Vec<(&'static str, ResultValue)>,
}

impl Results {
    /// Reports a count.
    pub fn count(&mut self, name: &'static str, value: u64) {
        self.entries.push((name, ResultValue::Count(value)));
    }

    /// Reports a check value.
    pub fn check(&mut self, name: &'static str, value: u64) {
        self.entries.push((name, ResultValue::Check(value)));
    }

    /// What was reported, in order.
    #[must_use]
    pub fn entries(&self) -> &[(&'static str, ResultValue)] {
        &self.entries
    }
}
