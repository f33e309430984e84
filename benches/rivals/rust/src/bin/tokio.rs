//! Tokio: a task per module and a bounded channel of two slots per wire. Without time: every source sends
//! `tokens` items, and what is counted is the whole stream.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use tina_rivals::arguments::{Arguments, Workload};
use tina_rivals::report::{self, Results, Run};
use tina_rivals::rules;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::{JoinHandle, JoinSet};

const SLOTS: usize = 2;

fn main() -> ExitCode {
    report::main("tokio", |arguments| {
        let runtime = runtime(arguments.threads);
        match arguments.workload {
            Workload::Pipeline { stages } => Some(pipeline(&runtime, stages, arguments)),
            Workload::Systolic { side } => Some(systolic(&runtime, side, arguments)),
            Workload::Mesh { .. } => None,
        }
    })
}

/// One thread needs no stealing.
fn runtime(threads: usize) -> Runtime {
    let runtime = if threads == 1 {
        Builder::new_current_thread().build()
    } else {
        Builder::new_multi_thread().worker_threads(threads).build()
    };
    runtime.expect("threads can be started")
}

fn pipeline(runtime: &Runtime, stages: usize, arguments: Arguments) -> Run {
    let (source, mut last) = channel(SLOTS);
    for _ in 0..stages {
        let (next, behind) = channel(SLOTS);
        runtime.spawn(stage(std::mem::replace(&mut last, behind), next));
    }
    let sink = runtime.spawn(async move {
        let (mut count, mut check) = (0, 0);
        while let Some(item) = last.recv().await {
            count += 1;
            check ^= item;
        }
        Results::Pipeline { count, check }
    });
    // Nothing moves before the source does.
    Run::of(|| {
        runtime.spawn(async move {
            for number in 0..arguments.tokens {
                source.send(number).await.expect("the stage is there");
            }
        });
        runtime.block_on(sink).expect("the sink ends")
    })
}

async fn stage(mut input: Receiver<u64>, output: Sender<u64>) {
    while let Some(item) = input.recv().await {
        let item = rules::stage(item);
        output.send(item).await.expect("the next stage is there");
    }
}

fn systolic(runtime: &Runtime, side: usize, arguments: Arguments) -> Run {
    let mut sources = Vec::new();
    let mut elements = JoinSet::new();
    let mut sinks: Vec<JoinHandle<u64>> = Vec::new();
    let mut source = |number| {
        let (sender, receiver) = channel(SLOTS);
        sources.push((number, sender));
        receiver
    };
    let mut columns: Vec<Receiver<u64>> = (side..2 * side).map(&mut source).collect();
    for row in 0..side {
        let mut west = source(row);
        for north in &mut columns {
            let (east, behind) = channel(SLOTS);
            let (south, below) = channel(SLOTS);
            let inputs = (
                std::mem::replace(&mut west, behind),
                std::mem::replace(north, below),
            );
            elements.spawn_on(element(inputs, (east, south)), runtime.handle());
        }
        sinks.push(runtime.spawn(drain(west)));
    }
    sinks.extend(columns.into_iter().map(|south| runtime.spawn(drain(south))));
    Run::of(|| {
        for (number, sender) in sources {
            runtime.spawn(feed(number, sender, arguments.tokens));
        }
        runtime.block_on(async {
            let (mut sum, mut firings, mut drained) = (0u64, 0, 0);
            while let Some(element) = elements.join_next().await {
                let (its_sum, its_firings) = element.expect("an element ends");
                sum = sum.wrapping_add(its_sum);
                firings += its_firings;
            }
            for sink in sinks {
                drained += sink.await.expect("a sink ends");
            }
            Results::Systolic {
                sum,
                firings,
                drained,
            }
        })
    })
}

async fn feed(number: usize, output: Sender<u64>, tokens: u64) {
    let mut state = rules::first_state(number);
    for _ in 0..tokens {
        state = rules::step(state);
        let item = rules::operand(state);
        output.send(item).await.expect("the element is there");
    }
}

async fn element(
    (mut west, mut north): (Receiver<u64>, Receiver<u64>),
    (east, south): (Sender<u64>, Sender<u64>),
) -> (u64, u64) {
    let (mut sum, mut firings) = (0u64, 0);
    while let (Some(a), Some(b)) = (west.recv().await, north.recv().await) {
        sum = sum.wrapping_add(a.wrapping_mul(b));
        firings += 1;
        east.send(a).await.expect("the east is there");
        south.send(b).await.expect("the south is there");
    }
    (sum, firings)
}

async fn drain(mut input: Receiver<u64>) -> u64 {
    let mut drained = 0;
    while input.recv().await.is_some() {
        drained += 1;
    }
    drained
}
