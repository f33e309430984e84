//! An allocator that holds the engine, and whoever runs on it, to taking no memory after boot.

use crate::crew::in_run;
use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator, but for threads that host shards: one that allocates or frees while it runs,
/// and does not unwind from a panic, ends the process.
///
/// A panic makes its message before it counts as one: where panics are expected, the process would end.
///
/// ```
/// use tina_engine::SealedAllocator;
///
/// #[global_allocator]
/// static ALLOCATOR: SealedAllocator = SealedAllocator;
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SealedAllocator;

fn check() {
    if in_run() && !std::thread::panicking() {
        std::process::abort();
    }
}

// SAFETY: hands every request to the system's allocator unchanged.
unsafe impl GlobalAlloc for SealedAllocator {
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
