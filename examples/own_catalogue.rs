//! A whole `tina-hw` with a kind of one's own inside.
//!
//! Add kinds to the catalogue, hand it to `cli::main`, and every command knows them:
//!
//! ```text
//! cargo run -p tina-examples --bin own_catalogue -- list example.histogram
//! cargo run -p tina-examples --bin own_catalogue -- run examples/own_catalogue.ron
//! cargo run -p tina-examples --bin own_catalogue -- verify examples/own_catalogue.ron --shards 1,2
//! ```
#![forbid(unsafe_code)]

use serde::Deserialize;
use std::process::ExitCode;
use tina_engine::{BuildError, Cycle, Effect, Finish, In, Memory, Module, Results, Wiring};

/// Parameters of a histogram, as the netlist gives them. A wrong name there is an error that
/// shows the line and the nearest right name.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct HistogramParams {
    /// Number of bins, at least 1.
    bins: u32,
    /// Items after which the run ends.
    limit: u64,
}

/// Counts items by their remainder and ends the run.
struct Histogram {
    input: In<u64>,
    bins: Memory<u64>,
    count: u64,
    limit: u64,
    finish: Finish,
}

impl Module for Histogram {
    const KIND: &'static str = "example.histogram";
    const SUMMARY: &'static str = "counts items by remainder, ends the run after `limit`: in";
    type Params = HistogramParams;

    fn build(params: HistogramParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        if params.bins == 0 {
            return Err(BuildError::param("bins", "0; a histogram has at least 1"));
        }
        Ok(Self {
            input: wiring.input("in")?,
            // Big state comes from the arena of the shard: `check` shows what it costs.
            bins: wiring.memory(params.bins as usize)?,
            count: 0,
            limit: params.limit,
            finish: wiring.finish(),
        })
    }

    fn clock(&mut self, _now: Cycle) -> Effect {
        if let Some(item) = self.input.try_pop() {
            let bin = item % self.bins.len() as u64;
            self.bins[bin as usize] += 1;
            self.count += 1;
            if self.count == self.limit {
                self.finish.raise(0);
                return Effect::Done;
            }
        }
        Effect::Receive
    }

    fn report(&self, results: &mut Results) {
        results.count("fullest", self.bins.iter().copied().max().unwrap_or(0));
        results.count("emptiest", self.bins.iter().copied().min().unwrap_or(0));
    }
}

fn main() -> ExitCode {
    tina_sim::cli::main(tina_modules::catalogue().with::<Histogram>())
}
