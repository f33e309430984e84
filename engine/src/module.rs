//! What a hardware module is: parameters, ports taken from the wiring, a clock edge, results.

use crate::effect::Effect;
use crate::heading::Heading;
use crate::probes::Probes;
use crate::state::State;
use crate::statistic::{Histogram, Statistic, StatisticValue};
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

    /// Visits everything that [`clock`](Self::clock) changes, for checkpoints: the same fields in the
    /// same order whether they are written or put back. Ports, handles and parameters are no state,
    /// nor is what follows from the rest. A module without any says so by an empty body; one that
    /// leaves this out has no checkpoints, and nor has a machine with it.
    fn state(&mut self, state: &mut State<'_>) {
        state.undeclared();
    }

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

    /// Says for which output the item at each input waits. Asked after edges at which stalls are looked
    /// for, when what is still at an input was left there: inputs can be peeked at, and nothing may
    /// change. A module that leaves this out is judged by what its ports do; one that chooses among
    /// outputs by what the item is, as a router does, had better say it.
    fn heading(&self, heading: &mut Heading<'_>) {
        let _ = heading;
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
///
/// ```
/// # use tina_engine::{Histogram, Results};
/// # let (mut results, hits, waits) = (Results::default(), 3, Histogram::default());
/// results.count("hits", hits).described("accesses", "answered at once");
/// results.histogram("wait", &waits).described("cycles", "from request to answer");
/// ```
#[derive(Debug, Default)]
pub struct Results {
    entries: Vec<(&'static str, ResultValue)>,
    statistics: Vec<Statistic>,
}

/// A result that was just reported, to say what it means.
#[derive(Debug)]
pub struct Described<'a> {
    statistic: &'a mut Statistic,
}

impl Described<'_> {
    /// What is counted, in the plural, and what it means.
    pub fn described(self, unit: &'static str, description: &'static str) {
        self.statistic.unit = unit;
        self.statistic.description = description;
    }
}

impl Results {
    /// Reports a count.
    pub fn count(&mut self, name: &'static str, value: u64) -> Described<'_> {
        self.entries.push((name, ResultValue::Count(value)));
        self.statistic(name, StatisticValue::Count(value))
    }

    /// Reports a check value.
    pub fn check(&mut self, name: &'static str, value: u64) -> Described<'_> {
        self.entries.push((name, ResultValue::Check(value)));
        self.statistic(name, StatisticValue::Check(value))
    }

    /// Reports a histogram; totals of a netlist do not know it.
    pub fn histogram(&mut self, name: &'static str, histogram: &Histogram) -> Described<'_> {
        self.statistic(name, StatisticValue::Histogram(Box::new(*histogram)))
    }

    fn statistic(&mut self, name: &'static str, value: StatisticValue) -> Described<'_> {
        self.statistics.push(Statistic {
            name,
            unit: "",
            description: "",
            value,
        });
        let statistic = self.statistics.last_mut().expect("pushed above");
        Described { statistic }
    }

    /// Counts and check values, in order.
    #[must_use]
    pub fn entries(&self) -> &[(&'static str, ResultValue)] {
        &self.entries
    }

    /// Everything that was reported, in order.
    #[must_use]
    pub fn statistics(&self) -> &[Statistic] {
        &self.statistics
    }
}
