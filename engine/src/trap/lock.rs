//! Locks of the engine that user code takes by way of it. Whoever faults with one of them held would hold
//! it for ever, so that such a fault is not contained.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

thread_local! {
    static HELD_COUNT: Cell<u32> = const { Cell::new(0) };
}

/// Whether the calling thread holds such a lock, or is about to.
pub(super) fn is_held() -> bool {
    HELD_COUNT.get() > 0
}

/// A lock that is held, and known to be.
pub(crate) struct Locked<'a, T> {
    // Given back before it counts as given back.
    guard: MutexGuard<'a, T>,
    _held: Held,
}

struct Held;

impl Held {
    fn one_more() -> Self {
        HELD_COUNT.set(HELD_COUNT.get() + 1);
        Self
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD_COUNT.set(HELD_COUNT.get() - 1);
    }
}

/// Takes a lock that nobody panics with, or whose value is whole at any time.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> Locked<'_, T> {
    let held = Held::one_more();
    Locked {
        guard: mutex.lock().unwrap_or_else(PoisonError::into_inner),
        _held: held,
    }
}

impl<T> Deref for Locked<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for Locked<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}
