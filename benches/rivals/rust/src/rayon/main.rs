//! Rayon: a hand-written loop, divided into one chunk per thread, with a parallel for over the chunks in
//! every cycle. Timed, exact.
//!
//! A chunk owns its part of the state and clocks it in place. What crosses a border lies in the chunk as
//! well: before the edge `room` beyond the border, after it the items `leaving`. Between two
//! cycles one thread carries both over; there are few borders, so this costs less than a second
//! parallel phase.
#![forbid(unsafe_code)]

mod fifo;
mod pipeline;
mod mesh;
mod systolic;

use mesh::Mesh;
use pipeline::Pipeline;
use rayon::ThreadPool;
use rayon::prelude::*;
use std::ops::Range;
use std::process::ExitCode;
use systolic::Systolic;
use tina_rivals::arguments::{Arguments, Workload};
use tina_rivals::report::{self, Results, Run};

/// A design cut into chunks.
trait Chunked: Send {
    type Chunk: Send;

    fn chunks(&mut self) -> &mut [Self::Chunk];

    /// Clocks one chunk once.
    fn clock(chunk: &mut Self::Chunk, cycle: u64);

    /// Carries what left `before` into `after`, and back what `before` may send next.
    fn exchange(before: &mut Self::Chunk, after: &mut Self::Chunk);

    fn results(&self) -> Results;
}

fn main() -> ExitCode {
    report::main("rayon", run)
}

fn run(arguments: Arguments) -> Option<Run> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(arguments.threads)
        .build()
        .expect("threads can be started");
    let (cycles, chunk_count) = (arguments.cycles, arguments.threads);
    Some(match arguments.workload {
        Workload::Pipeline { stages } => measure(&pool, Pipeline::new(stages, chunk_count), cycles),
        Workload::Mesh { side, rate } => measure(&pool, Mesh::new(side, rate, chunk_count), cycles),
        Workload::Systolic { side } => measure(&pool, Systolic::new(side, chunk_count), cycles),
    })
}

fn measure<D: Chunked>(pool: &ThreadPool, mut design: D, cycles: u64) -> Run {
    pool.install(|| {
        Run::of(|| {
            let chunks = design.chunks();
            for cycle in 0..cycles {
                let one_each = chunks.par_iter_mut().with_max_len(1);
                one_each.for_each(|chunk| D::clock(chunk, cycle));
                for border in 1..chunks.len() {
                    let (before, after) = chunks.split_at_mut(border);
                    D::exchange(&mut before[border - 1], &mut after[0]);
                }
            }
            design.results()
        })
    })
}

/// Which of `count` items the chunk `number` of `chunk_count` has.
fn share(count: usize, number: usize, chunk_count: usize) -> Range<usize> {
    count * number / chunk_count..count * (number + 1) / chunk_count
}
