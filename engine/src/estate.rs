//! What a shard has taken of the process, written down when it is made: so that it can be given back when
//! the shard is condemned, and nothing of its memory may be read, let alone dropped.
//!
//! Blocks are given back to the allocator as they are; what is in them is not looked at. That is sound
//! because a shard takes and gives nothing after it is made: what was written down then is what it has.

use crate::arena::Arena;
use std::alloc::{Layout, dealloc};
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

#[derive(Default)]
pub(crate) struct Estate {
    blocks: Vec<(NonNull<u8>, Layout)>,
    mappings: Vec<(NonNull<u8>, usize)>,
    /// Each gives back one share of something that others have shares of.
    shares: Vec<Box<dyn FnOnce() + Send>>,
}

// SAFETY: addresses, which are used when whoever used them before is no more.
unsafe impl Send for Estate {}

/// The address of something shared, on its way to another thread.
struct Shared<T: ?Sized>(*const T);

// SAFETY: shares of it may be given back on any thread, for `T` may be used on any.
unsafe impl<T: ?Sized + Send + Sync> Send for Shared<T> {}

impl<T: ?Sized> Shared<T> {
    /// # Safety
    /// A share is left that nobody will use or drop.
    unsafe fn give_back(self) {
        // SAFETY: the caller's.
        unsafe { Arc::decrement_strong_count(self.0) };
    }
}

impl Estate {
    fn block(&mut self, start: *const u8, layout: Layout) {
        if layout.size() > 0
            && let Some(start) = NonNull::new(start.cast_mut())
        {
            self.blocks.push((start, layout));
        }
    }

    fn array<T>(&mut self, start: *const T, capacity: usize) {
        let layout = Layout::array::<T>(capacity).expect("it has been allocated");
        self.block(start.cast(), layout);
    }

    /// Room for items, not the items.
    pub(crate) fn vec<T>(&mut self, items: &Vec<T>) {
        self.array(items.as_ptr(), items.capacity());
    }

    /// The same of a queue that has never held any.
    pub(crate) fn fresh_queue<T>(&mut self, items: &VecDeque<T>) {
        assert!(items.is_empty(), "its first place is where its room begins");
        self.array(items.as_slices().0.as_ptr(), items.capacity());
    }

    /// A box, not what the value in it has taken besides.
    pub(crate) fn boxed<T: ?Sized>(&mut self, value: &T) {
        self.block((&raw const *value).cast(), Layout::for_value(value));
    }

    pub(crate) fn arena(&mut self, arena: &Arena) {
        self.mappings.push(arena.mapping());
    }

    pub(crate) fn share<T: ?Sized + Send + Sync + 'static>(&mut self, value: &Arc<T>) {
        let shared = Shared(Arc::as_ptr(value));
        self.shares.push(Box::new(move || {
            // SAFETY: `Estate::give_back`'s caller says that the share that is written down here is left.
            unsafe { shared.give_back() };
        }));
    }

    /// Gives everything back.
    ///
    /// # Safety
    /// Whatever is written down is as it was then, and is never used or dropped again.
    pub(crate) unsafe fn give_back(self) {
        for (start, layout) in self.blocks {
            // SAFETY: allocated with this layout by the global allocator, as boxes and vectors are.
            unsafe { dealloc(start.as_ptr(), layout) };
        }
        for (start, bytes) in self.mappings {
            // SAFETY: mapped for an arena, which is never used again.
            unsafe { libc::munmap(start.as_ptr().cast(), bytes) };
        }
        self.shares.into_iter().for_each(|give_back| give_back());
    }
}

/// A value in a place of its own, which is still there when whoever keeps it is forgotten.
pub(crate) struct Kept<T>(NonNull<T>);

// SAFETY: as a box is.
unsafe impl<T: Send> Send for Kept<T> {}

impl<T> Kept<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(NonNull::from(Box::leak(Box::new(value))))
    }

    /// The same value, to be kept by somebody else when the keeper is forgotten.
    ///
    /// # Safety
    /// One of the two is used at a time, and one of them is forgotten.
    pub(crate) unsafe fn again(&self) -> Self {
        Self(self.0)
    }
}

impl<T> Deref for Kept<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: leaked in `new`, dropped in `drop`, and this is its keeper.
        unsafe { self.0.as_ref() }
    }
}

impl<T> DerefMut for Kept<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { self.0.as_mut() }
    }
}

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        // SAFETY: as above, and this is its last use.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Run under a sanitizer or Valgrind, this shows what is given back twice or never.
    #[test]
    fn what_was_written_down_is_given_back_when_its_owner_is_forgotten() {
        let shared: Arc<str> = "shared".into();
        let arena = Arena::map(5000).unwrap();
        let owner = (
            vec![1u64, 2],
            Box::new([3u8; 100]) as Box<dyn Send>,
            VecDeque::<u32>::with_capacity(10),
            Vec::<u64>::new(),
            shared.clone(),
            arena,
        );
        let mut estate = Estate::default();
        estate.vec(&owner.0);
        estate.boxed(&*owner.1);
        estate.fresh_queue(&owner.2);
        estate.vec(&owner.3);
        estate.share(&owner.4);
        estate.arena(&owner.5);
        assert_eq!(estate.blocks.len(), 3, "an empty vector has taken nothing");
        std::mem::forget(owner);
        assert_eq!(Arc::strong_count(&shared), 2);
        // SAFETY: the owner is forgotten.
        unsafe { estate.give_back() };
        assert_eq!(Arc::strong_count(&shared), 1);
    }
}
