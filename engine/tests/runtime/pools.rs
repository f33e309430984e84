//! Pools: work that would stall a shard, done beside it, bounded, and answered exactly once.

use crate::puppet::{Diary, LONG, Note, Puppet, Stage, boot_in, stage};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;
use tina_engine::runtime::{
    CallError, Context, Counter, Effect, NotOffloaded, Runtime, Shutdown, Specification,
};

fn with_pool(threads: usize, jobs: usize) -> Specification {
    stage(1).pool("pool", threads, jobs)
}

fn offload<R: Send + 'static>(
    context: &mut Context<'_, Puppet>,
    timeout: Duration,
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<tina_engine::runtime::CallId<R>, NotOffloaded> {
    let pool = context.pool("pool").unwrap();
    context.offload(pool, timeout, work)
}

#[test]
fn what_a_job_gives_back_comes_as_the_end_of_a_call() {
    let diary = Diary::new();
    let mut runtime = boot_in(with_pool(2, 4), &[(0, "ann")], &diary);
    runtime.act("ann", |ann, context| {
        assert!(context.pool("another").is_none());
        let sum = offload(context, LONG, || (1..=100).sum::<u64>()).unwrap();
        ann.call = Some(sum);
        Effect::Call
    });
    diary.await_note("ann", Note::Reply(Ok(5050)), 1);
    assert_eq!(runtime.shutdown(LONG), Shutdown { forced: false });
    let metrics = runtime.metrics();
    assert_eq!(metrics.total(Counter::Jobs), 1);
    assert_eq!(metrics.total(Counter::CallsReplied), 1);
}

#[test]
fn a_job_that_panics_ends_its_call_and_the_pool_goes_on() {
    let diary = Diary::new();
    let runtime = boot_in(with_pool(1, 4), &[(0, "ann")], &diary);
    for round in 1..=3 {
        runtime.act("ann", |ann, context| {
            let job = offload(context, LONG, || -> u64 { panic!("a job that fails") });
            ann.call = Some(job.unwrap());
            Effect::Call
        });
        diary.await_note("ann", Note::Reply(Err(CallError::Panicked)), round);
    }
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn what_panics_when_it_is_dropped_ends_no_thread_of_a_pool() {
    let diary = Diary::new();
    let mut runtime = boot_in(with_pool(1, 4), &[(0, "ann")], &diary);
    for round in 1..=3 {
        runtime.act("ann", |ann, context| {
            let job = offload(context, LONG, || -> u64 { std::panic::panic_any(Bomb) });
            ann.call = Some(job.unwrap());
            Effect::Call
        });
        diary.await_note("ann", Note::Reply(Err(CallError::Panicked)), round);
    }
    assert_eq!(runtime.shutdown(LONG), Shutdown { forced: false });
}

/// A gate that jobs wait at, until it is opened.
struct Barrier {
    arrivals: Mutex<Receiver<()>>,
    arrive: Mutex<Sender<()>>,
    open: AtomicBool,
}

impl Barrier {
    fn new() -> Self {
        let (sender, receiver) = channel();
        Self {
            arrivals: Mutex::new(receiver),
            arrive: Mutex::new(sender),
            open: AtomicBool::new(false),
        }
    }

    fn pass(&self) -> u64 {
        self.arrive.lock().unwrap().send(()).unwrap();
        while !self.open.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        7
    }

    fn await_arrival(&self) {
        self.arrivals.lock().unwrap().recv_timeout(LONG).unwrap();
    }

    fn open(&self) {
        self.open.store(true, Ordering::Release);
    }
}

#[test]
fn one_job_more_than_may_wait_is_refused_and_counted() {
    static GATE: OnceLock<Barrier> = OnceLock::new();
    let gate = GATE.get_or_init(Barrier::new);
    let diary = Diary::new();
    let runtime = boot_in(with_pool(1, 2), &[(0, "ann")], &diary);
    runtime.act("ann", |ann, context| {
        ann.call = Some(offload(context, LONG, || GATE.get().unwrap().pass()).unwrap());
        Effect::Receive
    });
    gate.await_arrival();
    runtime.act("ann", |ann, context| {
        for _ in 0..2 {
            offload(context, LONG, || 8u64).unwrap();
        }
        let refused = offload(context, LONG, || 9u64);
        assert_eq!(refused, Err(NotOffloaded::PoolFull));
        // The call that was not begun counts against no quota: one of four is left.
        assert_eq!(offload(context, LONG, || 9u64), Err(NotOffloaded::PoolFull));
        ann.diary.write(ann.name, Note::Message(1));
        Effect::Receive
    });
    diary.await_note("ann", Note::Message(1), 1);
    assert_eq!(runtime.metrics().total(Counter::JobsRefused), 2);
    gate.open();
    diary.await_note("ann", Note::Reply(Ok(7)), 1);
}

#[test]
fn a_job_nobody_waits_for_any_more_is_not_begun() {
    static GATE: OnceLock<Barrier> = OnceLock::new();
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let gate = GATE.get_or_init(Barrier::new);
    let diary = Diary::new();
    let runtime = boot_in(with_pool(1, 8), &[(0, "ann"), (0, "bob")], &diary);
    runtime.act("bob", |bob, context| {
        bob.call = Some(offload(context, LONG, || GATE.get().unwrap().pass()).unwrap());
        Effect::Receive
    });
    gate.await_arrival();
    runtime.act("ann", |ann, context| {
        let late = offload(context, Duration::from_millis(1), || {
            RUNS.fetch_add(1, Ordering::Relaxed);
            1
        });
        ann.call = Some(late.unwrap());
        Effect::Receive
    });
    diary.await_note("ann", Note::Reply(Err(CallError::TimedOut)), 1);
    gate.open();
    diary.await_note("bob", Note::Reply(Ok(7)), 1);
    runtime.act("ann", |ann, context| {
        ann.call = Some(offload(context, LONG, || 2).unwrap());
        Effect::Receive
    });
    diary.await_note("ann", Note::Reply(Ok(2)), 1);
    assert_eq!(RUNS.load(Ordering::Relaxed), 0);
}

#[test]
fn a_job_that_does_not_end_forces_the_shutdown_and_does_not_hold_it_up() {
    static GATE: OnceLock<Barrier> = OnceLock::new();
    let gate = GATE.get_or_init(Barrier::new);
    let diary = Diary::new();
    let mut runtime: Runtime = boot_in(with_pool(1, 8), &[(0, "ann")], &diary);
    runtime.act("ann", |ann, context| {
        ann.call = Some(offload(context, LONG, || GATE.get().unwrap().pass()).unwrap());
        Effect::Receive
    });
    gate.await_arrival();
    let shutdown = runtime.shutdown(Duration::from_millis(10));
    assert_eq!(shutdown, Shutdown { forced: true });
    gate.open();
}
