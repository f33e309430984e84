//! An allocator that no shard's thread may use, unless it unwinds from a panic.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use tina_engine::in_run;

struct Sealed;

thread_local! {
    /// A panic makes its message before it counts as one.
    static OPEN: Cell<bool> = const { Cell::new(false) };
}

/// Lets this thread allocate from now on, because it is about to panic on purpose.
pub fn unseal() {
    OPEN.set(true);
}

fn check() {
    if in_run() && !OPEN.get() && !std::thread::panicking() {
        std::process::abort();
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
