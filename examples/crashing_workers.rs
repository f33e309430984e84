//! A dispatcher gives jobs to workers on two shards; some jobs make their worker panic. Supervisors start
//! workers again, whoever waits for one is told at once, and every job is done in the end.
//!
//! What to look at: a call that ends with [`CallError::NoReply`] the moment its worker panics; names
//! that lead to the worker of now and not to the one that is gone; a supervisor's budget.

use std::time::Duration;
use tina_engine::runtime::{
    Address, CallError, CallId, Child, Context, Counter, Effect, Event, Isolate, KindLimits, Reply,
    ReplyTo, Runtime, Specification, Strategy, SupervisorSpec,
};

const JOBS: u64 = 1_000;
const SHARDS: usize = 2;
/// Workers on each shard.
const WORKERS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(10);

/// Square this number.
struct Job {
    number: u64,
    attempt: u32,
    reply_to: ReplyTo<u64>,
}

/// Squares numbers, and does not survive the first attempt at some of them.
struct Worker;

impl Isolate for Worker {
    const KIND: &'static str = "worker";
    type Message = Job;
    type Init = ();

    fn start((): (), _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        Ok(Self)
    }

    fn handle(&mut self, event: Event<Job>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(job) => {
                assert!(
                    job.number % 97 != 0 || job.attempt > 0,
                    "{} is too much at once",
                    job.number
                );
                context.reply(job.reply_to, job.number * job.number);
            }
            Event::Stopping => return Effect::Done,
            _ => {}
        }
        Effect::Receive
    }
}

/// What the jobs brought.
struct Summary {
    sum: u64,
    jobs: u64,
    retries: u64,
}

/// Tell me when all is done.
struct Report(ReplyTo<Summary>);

/// What a worker has to do.
#[derive(Clone, Copy)]
enum Hand {
    Empty,
    /// It was asked.
    Asked(CallId<u64>, Task),
    /// It is to be asked, again or for the first time.
    Full(Task),
}

#[derive(Clone, Copy)]
struct Task {
    number: u64,
    attempt: u32,
}

struct Dispatcher {
    /// By worker.
    hands: [Hand; SHARDS * WORKERS],
    next: u64,
    summary: Summary,
    report_to: Option<ReplyTo<Summary>>,
}

const NAMES: [&str; SHARDS * WORKERS] = [
    "worker 0 on 0",
    "worker 1 on 0",
    "worker 2 on 0",
    "worker 3 on 0",
    "worker 0 on 1",
    "worker 1 on 1",
    "worker 2 on 1",
    "worker 3 on 1",
];

impl Dispatcher {
    /// Gives every worker that has nothing to do a job, and asks those who are to be asked.
    fn dispatch(&mut self, context: &mut Context<'_, Self>) {
        for (hand, name) in self.hands.iter_mut().zip(NAMES) {
            if matches!(hand, Hand::Empty) && self.next < JOBS {
                *hand = Hand::Full(Task {
                    number: self.next,
                    attempt: 0,
                });
                self.next += 1;
            }
            let Hand::Full(task) = *hand else { continue };
            // Nobody has the name while the supervisor has not started the worker again; then, or if
            // the question is refused, it is asked when the timer runs out.
            let address: Option<Address<Job>> = context.find(name);
            let call = address.and_then(|address| {
                let ask = |reply_to| Job {
                    number: task.number,
                    attempt: task.attempt,
                    reply_to,
                };
                context.call(address, PATIENCE, ask).ok()
            });
            if let Some(call) = call {
                *hand = Hand::Asked(call, task);
            }
        }
    }

    fn take(&mut self, mut reply: Reply) {
        for hand in &mut self.hands {
            let Hand::Asked(call, mut task) = *hand else {
                continue;
            };
            match reply.of(call) {
                Err(other) => reply = other,
                Ok(Ok(square)) => {
                    self.summary.sum += square;
                    self.summary.jobs += 1;
                    *hand = Hand::Empty;
                    return;
                }
                Ok(Err(error)) => {
                    // Its worker was told and ended, or had ended before it was told.
                    let told = error == CallError::NoReply;
                    self.summary.retries += u64::from(told);
                    task.attempt += u32::from(told);
                    *hand = Hand::Full(task);
                    return;
                }
            }
        }
    }
}

impl Isolate for Dispatcher {
    const KIND: &'static str = "dispatcher";
    type Message = Report;
    type Init = ();

    fn start((): (), context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        context
            .timer_every(Duration::from_millis(1))
            .map_err(|_| "it may have a timer")?;
        Ok(Self {
            hands: [Hand::Empty; SHARDS * WORKERS],
            next: 1,
            summary: Summary {
                sum: 0,
                jobs: 0,
                retries: 0,
            },
            report_to: None,
        })
    }

    fn handle(&mut self, event: Event<Report>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(Report(reply_to)) => self.report_to = Some(reply_to),
            Event::Reply(reply) => {
                self.take(reply);
                self.dispatch(context);
            }
            Event::Timer(_) => self.dispatch(context),
            Event::Stopping => return Effect::Done,
            _ => {}
        }
        if self.summary.jobs == JOBS - 1
            && let Some(report_to) = self.report_to.take()
        {
            let Summary { sum, jobs, retries } = self.summary;
            context.reply(report_to, Summary { sum, jobs, retries });
        }
        Effect::Receive
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dispatchers = KindLimits {
        calls: (SHARDS * WORKERS) as u16,
        ..KindLimits::slots(1)
    };
    let mut workers =
        SupervisorSpec::new("workers", Strategy::OneForOne).budget(20, Duration::from_secs(1));
    for number in 0..WORKERS {
        let worker = Child::new::<Worker>(()).named(format!("worker {number} on {{shard}}"));
        workers = workers.child(worker);
    }
    let desk = SupervisorSpec::new("desk", Strategy::OneForOne)
        .child(Child::new::<Dispatcher>(()).named("dispatcher"));
    let specification = Specification::new(SHARDS)
        .kind::<Worker>(KindLimits::slots(WORKERS))
        .kind::<Dispatcher>(dispatchers)
        .tree(workers)
        .tree_on(0, desk);
    let mut runtime = Runtime::boot(specification)?;
    let dispatcher = runtime
        .find("dispatcher")
        .ok_or("the dispatcher is there from the start")?;
    let summary = runtime.call(dispatcher, PATIENCE, Report)?;
    println!("jobs done {}, sum of squares {}", summary.jobs, summary.sum);
    println!("jobs tried again {}", summary.retries);
    let metrics = runtime.metrics();
    println!(
        "workers started again {}",
        metrics.total(Counter::Restarted)
    );
    let shutdown = runtime.shutdown(PATIENCE);
    println!("shut down, forced: {}", shutdown.forced);
    Ok(())
}
