//! Glommio: an executor per thread, a task per module, local channels of two slots within an executor and
//! shared ones between neighbours. Without time: every source sends `tokens` items, and what is counted
//! is the whole stream.
#![forbid(unsafe_code)]

use glommio::channels::local_channel::{self, LocalReceiver, LocalSender};
use glommio::channels::shared_channel::{self, ConnectedReceiver, ConnectedSender};
use glommio::channels::shared_channel::{SharedReceiver, SharedSender};
use glommio::{ExecutorJoinHandle, LocalExecutorBuilder, Placement, Task, spawn_local};
use std::mem;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::{Arc, Barrier};
use std::time::Duration;
use tina_rivals::arguments::{Arguments, Workload};
use tina_rivals::report::{self, Results, Run};
use tina_rivals::rules;

const SLOTS: usize = 2;
/// How long an executor without work waits for its neighbour before it sleeps.
const SPIN: Duration = Duration::from_millis(1);

fn main() -> ExitCode {
    report::main("glommio", |arguments| match arguments.workload {
        Workload::Pipeline { stages } => Some(pipeline(stages, arguments)),
        Workload::Systolic { side } => Some(systolic(side, arguments)),
        Workload::Mesh { .. } => None,
    })
}

/// Where items come from.
enum Inlet {
    Local(LocalReceiver<u64>),
    Shared(ConnectedReceiver<u64>),
}

impl Inlet {
    async fn recv(&self) -> Option<u64> {
        match self {
            Self::Local(receiver) => receiver.recv().await,
            Self::Shared(receiver) => receiver.recv().await,
        }
    }
}

/// Where they go.
enum Outlet {
    Local(LocalSender<u64>),
    Shared(ConnectedSender<u64>),
}

impl Outlet {
    async fn send(&self, item: u64) {
        let sent = match self {
            Self::Local(sender) => sender.send(item).await,
            Self::Shared(sender) => sender.send(item).await,
        };
        sent.expect("the receiver is there");
    }
}

fn wire() -> (Outlet, Inlet) {
    let (sender, receiver) = local_channel::new_bounded(SLOTS);
    (Outlet::Local(sender), Inlet::Local(receiver))
}

/// What a module, or many, leave behind: for W1 count and check, for W3 sum, firings and drained.
#[derive(Clone, Copy, Default)]
struct Totals {
    value: u64,
    firings: u64,
    drained: u64,
}

impl Totals {
    fn add(&mut self, other: Self) {
        self.value = self.value.wrapping_add(other.value);
        self.firings += other.firings;
        self.drained += other.drained;
    }
}

/// One executor's part of a design: builds it in its thread, waits until all are there, and runs.
fn executor<F>(number: usize, barrier: Arc<Barrier>, build: F) -> ExecutorJoinHandle<Totals>
where
    F: AsyncFnOnce() -> Vec<Task<Totals>> + Send + 'static,
{
    // Two slots of 8 bytes need no buffers for I/O: small rings, so that no limit on locked memory matters.
    let builder = LocalExecutorBuilder::new(Placement::Fixed(number % cpu_count()))
        .spin_before_park(SPIN)
        .io_memory(1 << 16)
        .ring_depth(16);
    let handle = builder.spawn(move || async move {
        let tasks = build().await;
        barrier.wait();
        let mut totals = Totals::default();
        for task in tasks {
            totals.add(task.await);
        }
        totals
    });
    handle.expect("an executor can be started")
}

fn cpu_count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Runs from the moment in which all executors are ready.
fn measure(
    barrier: &Barrier,
    executors: Vec<ExecutorJoinHandle<Totals>>,
    results: impl FnOnce(Totals) -> Results,
) -> Run {
    barrier.wait();
    Run::of(|| {
        let mut totals = Totals::default();
        for executor in executors {
            totals.add(executor.join().expect("an executor ends"));
        }
        results(totals)
    })
}

/// Which of `count` items the part `number` of `part_count` has.
fn share(count: usize, number: usize, part_count: usize) -> Range<usize> {
    count * number / part_count..count * (number + 1) / part_count
}

/// The ends of channels between executors, before they are connected there: for each part, those from
/// the one before it and those to the one behind it.
type Ends = Vec<(Vec<SharedReceiver<u64>>, Vec<SharedSender<u64>>)>;

/// Divides a design into parts, with `width` channels over each border.
fn borders(part_count: usize, width: usize) -> Ends {
    let mut ends: Ends = vec![Default::default()];
    for after in 1..part_count {
        let mut receivers = Vec::new();
        for _ in 0..width {
            let (sender, receiver) = shared_channel::new_bounded(SLOTS);
            ends[after - 1].1.push(sender);
            receivers.push(receiver);
        }
        ends.push((receivers, Vec::new()));
    }
    ends
}

/// Both ends wait for each other when they connect, so this is done for the whole border at once.
async fn connect_inlets(receivers: Vec<SharedReceiver<u64>>) -> Vec<Inlet> {
    let mut inlets = Vec::new();
    for receiver in receivers {
        inlets.push(Inlet::Shared(receiver.connect().await));
    }
    inlets
}

async fn connect_outlets(senders: Vec<SharedSender<u64>>) -> Vec<Outlet> {
    let mut outlets = Vec::new();
    for sender in senders {
        outlets.push(Outlet::Shared(sender.connect().await));
    }
    outlets
}

fn pipeline(stages: usize, arguments: Arguments) -> Run {
    let (threads, tokens) = (arguments.threads, arguments.tokens);
    let barrier = Arc::new(Barrier::new(threads + 1));
    let ends = borders(threads, 1).into_iter();
    let executors = ends.enumerate().map(|(number, (inlets, outlets))| {
        let stage_count = share(stages, number, threads).len();
        executor(number, Arc::clone(&barrier), async move || {
            let outlet = connect_outlets(outlets).await.pop();
            let mut last = match connect_inlets(inlets).await.pop() {
                Some(inlet) => inlet,
                None => {
                    let (outlet, inlet) = wire();
                    spawn_local(count_up(outlet, tokens)).detach();
                    inlet
                }
            };
            for _ in 1..stage_count {
                let (next, behind) = wire();
                spawn_local(stage(mem::replace(&mut last, behind), next)).detach();
            }
            match outlet {
                Some(outlet) => vec![spawn_local(async {
                    stage(last, outlet).await;
                    Totals::default()
                })],
                None => {
                    let (next, behind) = wire();
                    spawn_local(stage(last, next)).detach();
                    vec![spawn_local(take(behind))]
                }
            }
        })
    });
    let executors = executors.collect();
    measure(&barrier, executors, |totals| Results::Pipeline {
        count: totals.drained,
        check: totals.value,
    })
}

async fn count_up(outlet: Outlet, tokens: u64) {
    for number in 0..tokens {
        outlet.send(number).await;
    }
}

async fn stage(inlet: Inlet, outlet: Outlet) {
    while let Some(item) = inlet.recv().await {
        outlet.send(rules::stage(item)).await;
    }
}

async fn take(inlet: Inlet) -> Totals {
    let mut totals = Totals::default();
    while let Some(item) = inlet.recv().await {
        totals.drained += 1;
        totals.value ^= item;
    }
    totals
}

fn systolic(side: usize, arguments: Arguments) -> Run {
    let (threads, tokens) = (arguments.threads, arguments.tokens);
    let barrier = Arc::new(Barrier::new(threads + 1));
    let ends = borders(threads, side).into_iter();
    let executors = ends.enumerate().map(|(number, (inlets, outlets))| {
        let rows = share(side, number, threads);
        executor(number, Arc::clone(&barrier), async move || {
            let is_last = outlets.is_empty();
            let mut outlets = connect_outlets(outlets).await;
            let mut columns = connect_inlets(inlets).await;
            if columns.is_empty() {
                columns = (side..2 * side)
                    .map(|number| source(number, tokens))
                    .collect();
            }
            let mut tasks = Vec::new();
            for row in rows.clone() {
                let mut west = source(row, tokens);
                for (column, north) in columns.iter_mut().enumerate() {
                    let (east, behind) = wire();
                    let (mut south, below) = wire();
                    if !is_last && row + 1 == rows.end {
                        mem::swap(&mut south, &mut outlets[column]);
                    }
                    let inputs = (mem::replace(&mut west, behind), mem::replace(north, below));
                    tasks.push(spawn_local(element(inputs, (east, south))));
                }
                tasks.push(spawn_local(drain(west)));
            }
            if is_last {
                tasks.extend(columns.into_iter().map(|south| spawn_local(drain(south))));
            }
            tasks
        })
    });
    let executors = executors.collect();
    measure(&barrier, executors, |totals| Results::Systolic {
        sum: totals.value,
        firings: totals.firings,
        drained: totals.drained,
    })
}

fn source(number: usize, tokens: u64) -> Inlet {
    let (outlet, inlet) = wire();
    let feed = async move {
        let mut state = rules::first_state(number);
        for _ in 0..tokens {
            state = rules::step(state);
            outlet.send(rules::operand(state)).await;
        }
    };
    spawn_local(feed).detach();
    inlet
}

async fn element((west, north): (Inlet, Inlet), (east, south): (Outlet, Outlet)) -> Totals {
    let mut totals = Totals::default();
    while let (Some(a), Some(b)) = (west.recv().await, north.recv().await) {
        totals.value = totals.value.wrapping_add(a.wrapping_mul(b));
        totals.firings += 1;
        east.send(a).await;
        south.send(b).await;
    }
    totals
}

async fn drain(inlet: Inlet) -> Totals {
    Totals {
        drained: take(inlet).await.drained,
        ..Totals::default()
    }
}
