//! The atomics of the ring, through one door: the model checker's under `--cfg tina_loom`.

#[cfg(tina_loom)]
pub(crate) use loom::cell::UnsafeCell;
#[cfg(tina_loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};

#[cfg(not(tina_loom))]
pub(crate) use std::sync::atomic::{AtomicU64, Ordering};

/// A cell with the face of the model checker's.
#[cfg(not(tina_loom))]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(tina_loom))]
impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    #[inline(always)]
    pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}
