//! No thread of a machine allocates after boot: a global allocator that counts what shard threads
//! ask for while they run.

mod common;
use common::{blocks, pipeline};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use tina_engine::{HostOptions, Limits, in_run};

struct Sealed;

static ALLOCATION_COUNT: AtomicUsize = AtomicUsize::new(0);

fn check() {
    if in_run() {
        ALLOCATION_COUNT.fetch_add(1, Ordering::Relaxed);
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

#[test]
fn a_run_allocates_nothing_on_the_threads_of_shards() {
    let board = pipeline(200);
    for (shard_count, thread_count) in [(1, 1), (4, 2)] {
        let host = HostOptions {
            thread_count: Some(thread_count),
            ..HostOptions::default()
        };
        let mut machine = board.boot(&blocks(&board, shard_count), &host);
        let limits = Limits {
            cycles: Some(20_000),
            max_cycles: None,
        };
        let report = machine.run(&limits, &mut ());
        assert_eq!(report.cycles, 20_000);
        assert_eq!(
            ALLOCATION_COUNT.load(Ordering::SeqCst),
            0,
            "{shard_count} shards"
        );
    }
}
