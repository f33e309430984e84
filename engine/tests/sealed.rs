//! No thread of a machine allocates after boot: a global allocator that counts what shard threads
//! ask for while they run.

mod common;
use common::{blocks, pipeline};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use tina_engine::{
    Happened, HostOptions, Limits, RecordOrder, RecordSink, StallOptions, Tick, in_run,
};

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

/// Takes what is recorded and forgets it.
struct Nowhere;
impl RecordSink for Nowhere {
    fn open(&mut self, _: Tick, _: &[u64]) -> std::io::Result<()> {
        Ok(())
    }
    fn instant(&mut self, _: &Happened<'_>) -> std::io::Result<()> {
        Ok(())
    }
    fn close(&mut self, _: Tick) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_run_allocates_nothing_on_the_threads_of_shards() {
    let board = pipeline(200);
    let all: Vec<u32> = (0..board.blueprint.wires.len() as u32).collect();
    for (shard_count, thread_count, recorded) in
        [(1, 1, &[][..]), (4, 2, &[]), (1, 1, &all), (4, 2, &all)]
    {
        let host = HostOptions {
            thread_count: Some(thread_count),
            recorded: recorded.into(),
            stalls: StallOptions {
                every: 16,
                recorded: shard_count > 1,
            },
            ..HostOptions::default()
        };
        let mut machine = board.boot(&blocks(&board, shard_count), &host);
        if !recorded.is_empty() {
            let order = RecordOrder {
                window: 0..u64::MAX,
                instances: Vec::new(),
                stalls: shard_count > 1,
            };
            machine.start_recording(&order, Box::new(Nowhere)).unwrap();
        }
        // Noting what shards do with their time takes no memory either.
        if !recorded.is_empty() || shard_count > 1 {
            machine.start_timeline();
        }
        let limits = Limits {
            cycles: Some(20_000),
            max_cycles: None,
        };
        let report = machine.run(&limits, &mut ());
        assert_eq!(report.cycles, 20_000);
        assert_eq!(
            ALLOCATION_COUNT.load(Ordering::SeqCst),
            0,
            "{shard_count} shards, {} wires recorded",
            recorded.len()
        );
    }
}
