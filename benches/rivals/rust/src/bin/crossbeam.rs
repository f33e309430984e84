//! crossbeam: a bounded channel of two slots per wire and few threads. Each thread has a run of
//! neighbouring modules (a thousand threads on two cores would measure the kernel) and goes round them;
//! a module moves on while it has items and room. A thread that found nothing to do backs off. Without
//! time: every source sends `tokens` items, and what is counted is the whole stream.
#![forbid(unsafe_code)]

use crossbeam_channel::{Receiver, Sender, bounded};
use crossbeam_utils::Backoff;
use std::mem;
use std::process::ExitCode;
use std::thread;
use tina_rivals::arguments::{Arguments, Workload};
use tina_rivals::report::{self, Results, Run};
use tina_rivals::rules;

const SLOTS: usize = 2;

fn main() -> ExitCode {
    report::main("crossbeam", |arguments| match arguments.workload {
        Workload::Pipeline { stages } => Some(pipeline(stages, arguments)),
        Workload::Systolic { side } => Some(systolic(side, arguments)),
        Workload::Mesh { .. } => None,
    })
}

/// A module: has its channels, and goes as far as they let it.
enum Module {
    Counter {
        next: u64,
        end: u64,
        output: Sender<u64>,
    },
    Stage {
        input: Receiver<u64>,
        output: Sender<u64>,
    },
    Sink {
        input: Receiver<u64>,
        count: u64,
        check: u64,
    },
    Operands {
        state: u64,
        left: u64,
        output: Sender<u64>,
    },
    Element {
        west: Receiver<u64>,
        north: Receiver<u64>,
        east: Sender<u64>,
        south: Sender<u64>,
        sum: u64,
        firings: u64,
    },
}

impl Module {
    /// Moves what can be moved; returns how many items.
    #[inline]
    fn go(&mut self) -> u64 {
        let mut moved = 0;
        match self {
            Self::Counter { next, end, output } => {
                while next < end && output.try_send(*next).is_ok() {
                    *next += 1;
                    moved += 1;
                }
            }
            Self::Stage { input, output } => {
                while !output.is_full()
                    && let Ok(item) = input.try_recv()
                {
                    put(output, rules::stage(item));
                    moved += 1;
                }
            }
            Self::Sink {
                input,
                count,
                check,
            } => {
                while let Ok(item) = input.try_recv() {
                    *check ^= item;
                    moved += 1;
                }
                *count += moved;
            }
            Self::Operands {
                state,
                left,
                output,
            } => {
                while *left > 0 && !output.is_full() {
                    *state = rules::step(*state);
                    *left -= 1;
                    put(output, rules::operand(*state));
                    moved += 1;
                }
            }
            Self::Element {
                west,
                north,
                east,
                south,
                sum,
                firings,
            } => {
                while !(west.is_empty() || north.is_empty() || east.is_full() || south.is_full()) {
                    let (a, b) = (take(west), take(north));
                    *sum = sum.wrapping_add(a.wrapping_mul(b));
                    put(east, a);
                    put(south, b);
                    moved += 1;
                }
                *firings += moved;
            }
        }
        moved
    }
}

/// Nobody else fills a channel in which there was room, or empties one in which there was an item.
#[inline(always)]
fn put(output: &Sender<u64>, item: u64) {
    output.try_send(item).expect("there is room");
}

#[inline(always)]
fn take(input: &Receiver<u64>) -> u64 {
    input.try_recv().expect("there is an item")
}

/// Runs the modules until they have moved `moves` items.
fn work(mut modules: Vec<Module>, mut moves: u64) -> Vec<Module> {
    let backoff = Backoff::new();
    while moves > 0 {
        let moved: u64 = modules.iter_mut().map(Module::go).sum();
        moves -= moved;
        if moved == 0 {
            backoff.snooze();
        } else {
            backoff.reset();
        }
    }
    modules
}

/// Runs all groups, one thread each; `moves` says how often each module moves in all.
fn run(
    groups: Vec<Vec<Module>>,
    moves: u64,
    collect: impl FnOnce(&mut dyn Iterator<Item = Module>) -> Results,
) -> Run {
    Run::of(|| {
        let ended: Vec<Vec<Module>> = thread::scope(|scope| {
            let start = |group: Vec<Module>| {
                let moves = moves * group.len() as u64;
                scope.spawn(move || work(group, moves))
            };
            let threads: Vec<_> = groups.into_iter().map(start).collect();
            let join = threads.into_iter().map(|thread| thread.join());
            join.map(|group| group.expect("a thread ends")).collect()
        });
        collect(&mut ended.into_iter().flatten())
    })
}

/// Divides a list into `count` runs.
fn divide<T>(items: Vec<T>, count: usize) -> Vec<Vec<T>> {
    let length = items.len().div_ceil(count);
    let mut items = items.into_iter();
    let groups = (0..count).map(|_| items.by_ref().take(length).collect());
    groups.collect()
}

fn pipeline(stages: usize, arguments: Arguments) -> Run {
    let (output, mut last) = bounded(SLOTS);
    let mut modules = vec![Module::Counter {
        next: 0,
        end: arguments.tokens,
        output,
    }];
    for _ in 0..stages {
        let (output, behind) = bounded(SLOTS);
        let input = mem::replace(&mut last, behind);
        modules.push(Module::Stage { input, output });
    }
    modules.push(Module::Sink {
        input: last,
        count: 0,
        check: 0,
    });
    let groups = divide(modules, arguments.threads);
    run(groups, arguments.tokens, |modules| {
        let mut results = Results::Pipeline { count: 0, check: 0 };
        for module in modules {
            if let Module::Sink { count, check, .. } = module {
                results = Results::Pipeline { count, check };
            }
        }
        results
    })
}

fn systolic(side: usize, arguments: Arguments) -> Run {
    let source = |number: usize| {
        let (output, receiver) = bounded(SLOTS);
        let module = Module::Operands {
            state: rules::first_state(number),
            left: arguments.tokens,
            output,
        };
        (module, receiver)
    };
    let sink = |input| Module::Sink {
        input,
        count: 0,
        check: 0,
    };
    let (mut first, mut columns): (Vec<_>, Vec<_>) = (side..2 * side).map(source).unzip();
    let mut rows = Vec::new();
    for number in 0..side {
        let (head, mut west) = source(number);
        let mut row = vec![head];
        for column in &mut columns {
            let (east, behind) = bounded(SLOTS);
            let (south, below) = bounded(SLOTS);
            row.push(Module::Element {
                west: mem::replace(&mut west, behind),
                north: mem::replace(column, below),
                east,
                south,
                sum: 0,
                firings: 0,
            });
        }
        row.push(sink(west));
        rows.push(row);
    }
    first.append(&mut rows[0]);
    rows[0] = first;
    let last = rows.last_mut().expect("there is a row");
    last.extend(columns.into_iter().map(sink));

    let groups = divide(rows, arguments.threads);
    let groups = groups
        .into_iter()
        .map(|rows| rows.into_iter().flatten().collect());
    run(groups.collect(), arguments.tokens, |modules| {
        let (mut total, mut fired, mut drained) = (0u64, 0, 0);
        for module in modules {
            match module {
                Module::Element { sum, firings, .. } => {
                    total = total.wrapping_add(sum);
                    fired += firings;
                }
                Module::Sink { count, .. } => drained += count,
                Module::Counter { .. } | Module::Stage { .. } | Module::Operands { .. } => {}
            }
        }
        Results::Systolic {
            sum: total,
            firings: fired,
            drained,
        }
    })
}
