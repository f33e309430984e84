//! No thread of a machine allocates after boot: a global allocator that counts what shard threads
//! ask for while they run.

mod common;
use common::{blocks, pipeline};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tina_engine::{HostOptions, Limits, Machine};

struct Sealed;

static SEALED: AtomicBool = AtomicBool::new(false);
static BROKEN_SEALS: AtomicUsize = AtomicUsize::new(0);

fn check() {
    if SEALED.load(Ordering::Relaxed)
        && std::thread::current().name().is_some_and(|name| name.starts_with("shards"))
    {
        BROKEN_SEALS.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: hands every request to the system's allocator unchanged.
unsafe impl GlobalAlloc for Sealed {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        check();
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Sealed = Sealed;

/// Allocations on shard threads from here to `cycles`, the questions after the run included.
fn allocations(machine: &mut Machine, cycles: u64) -> usize {
    BROKEN_SEALS.store(0, Ordering::SeqCst);
    SEALED.store(true, Ordering::SeqCst);
    let report = machine.run(&Limits { cycles: Some(cycles), max_cycles: None }, &mut ());
    SEALED.store(false, Ordering::SeqCst);
    assert_eq!(report.cycles, cycles);
    BROKEN_SEALS.load(Ordering::SeqCst)
}

#[test]
fn a_run_allocates_nothing_on_the_threads_of_shards() {
    let board = pipeline(200);
    for (shard_count, thread_count) in [(1, 1), (4, 2)] {
        let host = HostOptions { thread_count: Some(thread_count), ..HostOptions::default() };
        let mut machine = board.boot(&blocks(&board, shard_count), &host);
        // The first run is let off: threads start their channels and thread-locals in it.
        allocations(&mut machine, 64);
        // What is left is the answers to the questions that end a run, however long it was.
        let short = allocations(&mut machine, 128);
        let long = allocations(&mut machine, 20_000);
        assert_eq!(short, long, "{shard_count} shards");
    }
}
