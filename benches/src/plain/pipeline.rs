//! W1: 1024 stages in a chain between a source that counts and a sink; FIFOs of two slots. A stage
//! turns x into x·A + 1.

use super::FACTOR;
use super::fifo::Fifo;

/// The pipeline and its state.
pub struct Pipeline {
    fifos: Vec<Fifo<2>>,
    next: u64,
    results: PipelineResults,
}

/// What the sink saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PipelineResults {
    /// Items popped.
    pub count: u64,
    /// Their xor.
    pub check: u64,
}

impl PipelineResults {
    /// The results under the names of the netlist.
    #[must_use]
    pub fn totals(&self) -> [(&'static str, u64); 2] {
        [("count", self.count), ("check", self.check)]
    }
}

impl Pipeline {
    /// A pipeline of `stage_count` stages.
    #[must_use]
    pub fn new(stage_count: usize) -> Self {
        let fifos = vec![Fifo::EMPTY; stage_count + 1];
        Self {
            fifos,
            next: 0,
            results: PipelineResults::default(),
        }
    }

    /// Runs `cycles` more cycles.
    pub fn run(&mut self, cycles: u64) -> PipelineResults {
        for _ in 0..cycles {
            self.clock();
        }
        self.results
    }

    /// Items pushed into FIFOs so far; each FIFO counts modulo 2³².
    #[must_use]
    pub fn transfers(&self) -> u64 {
        self.fifos.iter().map(Fifo::push_count).sum()
    }

    fn clock(&mut self) {
        if self.fifos[0].has_room() {
            self.fifos[0].push(self.next);
            self.next += 1;
        }
        for stage in 1..self.fifos.len() {
            let [input, output] = &mut self.fifos[stage - 1..=stage] else {
                unreachable!("a slice of two")
            };
            if input.ready() && output.has_room() {
                output.push(input.pop().wrapping_mul(FACTOR).wrapping_add(1));
            }
        }
        let last = self
            .fifos
            .last_mut()
            .expect("there is one FIFO more than stages");
        if last.ready() {
            self.results.count += 1;
            self.results.check ^= last.pop();
        }
        for fifo in &mut self.fifos {
            fifo.commit();
        }
    }
}
