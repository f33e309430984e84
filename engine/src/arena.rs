//! One mapping per shard, carved once at boot, with a guard page at both ends.
//!
//! ```text
//!   guard | ShardHead | flags | kinds … | FIFOs … | memories … | guard
//!         ^ base, a multiple of a huge page
//! ```
//!
//! Columns and memories are raw views into the mapping; the shard that owns the arena drops them
//! first.
//!
//! Knows nothing of modules, wires or time.

use std::cell::Cell;
use std::io;
use std::marker::PhantomData;
use std::mem::{align_of, size_of};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// The most bytes an arena may hold.
const ARENA_BYTES_MAX: usize = 1 << 36;

const PAGE: usize = 4096;
const HUGE_PAGE: usize = 2 << 20;

/// Types for which a run of zero bytes is a valid value.
///
/// # Safety
/// All-zero bytes must be a valid value, and dropping it must be a no-op.
pub(crate) unsafe trait Zeroed: 'static {}
macro_rules! zeroed {
    ($($type:ty),*) => {$(
        // SAFETY: integers (and cells of them) are valid as zero bytes and need no drop.
        unsafe impl Zeroed for $type {}
    )*};
}
zeroed!(
    u8,
    u16,
    u32,
    u64,
    i8,
    i16,
    i32,
    i64,
    Cell<u8>,
    Cell<u16>,
    Cell<u32>,
    Cell<u64>
);
// SAFETY: an array of zeroed items is zero bytes.
unsafe impl<T: Zeroed, const N: usize> Zeroed for [T; N] {}

/// A mapped arena and how much of it has been carved.
pub(crate) struct Arena {
    mapping: NonNull<u8>,
    mapping_bytes: usize,
    base: NonNull<u8>,
    capacity_bytes: usize,
    used_bytes: Cell<usize>,
}

impl Arena {
    /// Maps at least `bytes` of zeroed memory between two guard pages.
    pub(crate) fn map(bytes: usize) -> io::Result<Self> {
        let capacity = bytes.next_multiple_of(PAGE).max(PAGE);
        if capacity > ARENA_BYTES_MAX {
            return Err(io::Error::new(
                io::ErrorKind::OutOfMemory,
                format!("a shard asks for {bytes} bytes; an arena holds at most {ARENA_BYTES_MAX}"),
            ));
        }
        let reserve = HUGE_PAGE + capacity + 2 * PAGE;
        // SAFETY: an anonymous reservation at an address of the kernel's choice.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                reserve,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = start.cast::<u8>();
        let base_offset = (start.addr() + PAGE).next_multiple_of(HUGE_PAGE) - start.addr();
        // What lies outside the guards is given back; the guards stay reserved without access.
        let low = base_offset - PAGE;
        let high = base_offset + capacity + PAGE;
        // SAFETY: all three ranges lie inside the reservation made above and are page aligned.
        let protected = unsafe {
            if low > 0 {
                libc::munmap(start.cast(), low);
            }
            if reserve > high {
                libc::munmap(start.add(high).cast(), reserve - high);
            }
            libc::mprotect(
                start.add(base_offset).cast(),
                capacity,
                libc::PROT_READ | libc::PROT_WRITE,
            )
        };
        // SAFETY: inside the reservation, never null.
        let (mapping, base) = unsafe {
            (
                NonNull::new_unchecked(start.add(low)),
                NonNull::new_unchecked(start.add(base_offset)),
            )
        };
        let arena = Self {
            mapping,
            mapping_bytes: high - low,
            base,
            capacity_bytes: capacity,
            used_bytes: Cell::new(0),
        };
        if protected != 0 {
            return Err(io::Error::last_os_error());
        }
        if capacity >= HUGE_PAGE {
            // Advice only: where transparent huge pages are off, small pages serve.
            // SAFETY: the range was mapped above.
            unsafe { libc::madvise(base.as_ptr().cast(), capacity, libc::MADV_HUGEPAGE) };
        }
        Ok(arena)
    }

    /// Offset of something carved from this arena.
    pub(crate) fn offset_of<T: ?Sized>(&self, carved: ArenaRef<T>) -> usize {
        let offset = carved.value.cast::<u8>().addr().get() - self.base.addr().get();
        assert!(offset <= self.capacity_bytes, "carved from another arena");
        offset
    }

    /// All of it, guards among it.
    pub(crate) fn mapping(&self) -> (NonNull<u8>, usize) {
        (self.mapping, self.mapping_bytes)
    }

    pub(crate) fn used_bytes(&self) -> usize {
        self.used_bytes.get()
    }

    /// Takes `bytes` from the front of what is left; the offset from the base and the pointer.
    pub(crate) fn carve_bytes(&self, bytes: usize, align: usize) -> (usize, NonNull<u8>) {
        assert!(
            align.is_power_of_two() && align <= PAGE,
            "alignment {align} of a region"
        );
        let offset = self.used_bytes.get().next_multiple_of(align);
        let end = offset
            .checked_add(bytes)
            .expect("a region's end fits the address space");
        assert!(
            end <= self.capacity_bytes,
            "the plan gave {} bytes, carving needs {end}",
            self.capacity_bytes
        );
        self.used_bytes.set(end);
        // SAFETY: offset ≤ end ≤ capacity, checked above.
        (offset, unsafe { self.base.add(offset) })
    }

    /// A column of `count` zeroed items.
    pub(crate) fn carve<T: Zeroed>(&self, count: usize) -> Column<T> {
        let (_, start) = self.carve_bytes(count * size_of::<T>(), align_of::<T>());
        Column {
            start: start.cast(),
            count,
            owns: PhantomData,
        }
    }

    /// One zeroed value made of cells, shared by whoever holds the reference.
    pub(crate) fn carve_shared<T: Zeroed>(&self) -> ArenaRef<T> {
        let (_, start) = self.carve_bytes(size_of::<T>(), align_of::<T>());
        ArenaRef {
            value: start.cast(),
        }
    }

    /// A zeroed slice of cells, shared by whoever holds the reference.
    pub(crate) fn carve_shared_slice<T: Zeroed>(&self, count: usize) -> ArenaRef<[T]> {
        let (_, start) = self.carve_bytes(count * size_of::<T>(), align_of::<T>());
        ArenaRef {
            value: NonNull::slice_from_raw_parts(start.cast(), count),
        }
    }

    /// Room for `capacity` items of any type, filled one by one.
    pub(crate) fn carve_batch<M>(&self, capacity: usize) -> Batch<M> {
        let (_, start) = self.carve_bytes(capacity * size_of::<M>(), align_of::<M>());
        Batch {
            start: start.cast(),
            count: 0,
            capacity,
            owns: PhantomData,
        }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: exactly the range that `map` kept; its users are dropped before the arena.
        unsafe { libc::munmap(self.mapping.as_ptr().cast(), self.mapping_bytes) };
    }
}

/// A shared view of something carved: only ever made of cells, never exclusive.
pub(crate) struct ArenaRef<T: ?Sized> {
    value: NonNull<T>,
}

impl<T: ?Sized> Clone for ArenaRef<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: ?Sized> Copy for ArenaRef<T> {}

impl<T: ?Sized> Deref for ArenaRef<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: carved zeroed and aligned; holders are dropped before the arena, and nobody ever
        // makes a unique reference to it.
        unsafe { self.value.as_ref() }
    }
}

impl<T> ArenaRef<[T]> {
    /// The part of `count` items from `start` on.
    pub(crate) fn part(self, start: usize, count: usize) -> Self {
        let part = &self[start..start + count];
        Self {
            value: NonNull::from(part),
        }
    }
}

/// A fixed slice of an arena. Not `Send`: it belongs to the thread of its shard.
pub(crate) struct Column<T> {
    start: NonNull<T>,
    count: usize,
    owns: PhantomData<*mut T>,
}

impl<T> Deref for Column<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: `carve` gave this range to this column alone, zeroed and aligned.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.count) }
    }
}

impl<T> DerefMut for Column<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`; `&mut self` makes it unique.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.count) }
    }
}

/// All modules of one kind in one shard, dense; they are dropped with the batch.
pub(crate) struct Batch<M> {
    start: NonNull<M>,
    count: usize,
    capacity: usize,
    owns: PhantomData<M>,
}

impl<M> Batch<M> {
    pub(crate) fn push(&mut self, item: M) {
        assert!(
            self.count < self.capacity,
            "the plan gave {} slots",
            self.capacity
        );
        // SAFETY: below capacity, so inside the carved range and not yet initialised.
        unsafe { self.start.add(self.count).write(item) };
        self.count += 1;
    }
}

impl<M> Deref for Batch<M> {
    type Target = [M];
    #[inline(always)]
    fn deref(&self) -> &[M] {
        // SAFETY: the first `count` items were written by `push`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.count) }
    }
}

impl<M> DerefMut for Batch<M> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [M] {
        // SAFETY: as in `deref`; `&mut self` makes it unique.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.count) }
    }
}

impl<M> Drop for Batch<M> {
    fn drop(&mut self) {
        // SAFETY: the first `count` items are initialised and dropped nowhere else.
        unsafe {
            std::ptr::slice_from_raw_parts_mut(self.start.as_ptr(), self.count).drop_in_place();
        }
    }
}

/// Words as bytes, low end first, for checkpoints.
pub(crate) trait Plain: Zeroed + Copy {
    const ZERO: Self;
    fn is_zero(&self) -> bool;
    fn put(&self, bytes: &mut Vec<u8>);
    /// Takes a word off the front, if there is one.
    fn take(bytes: &mut &[u8]) -> Option<Self>;
}

/// Words that a [`Memory`] may hold.
#[allow(private_bounds, reason = "sealed: a word is one of the integer types")]
pub trait Word: Plain {}
macro_rules! words {
    ($($type:ty),*) => {$(
        impl Plain for $type {
            const ZERO: Self = 0;
            #[inline(always)]
            fn is_zero(&self) -> bool {
                *self == 0
            }
            fn put(&self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
            fn take(bytes: &mut &[u8]) -> Option<Self> {
                let (word, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some(Self::from_le_bytes(*word))
            }
        }
        impl Word for $type {}
    )*};
}
words!(u8, u16, u32, u64);
impl<W: Word, const N: usize> Plain for [W; N] {
    const ZERO: Self = [W::ZERO; N];
    fn is_zero(&self) -> bool {
        self.iter().all(Plain::is_zero)
    }
    fn put(&self, bytes: &mut Vec<u8>) {
        self.iter().for_each(|word| word.put(bytes));
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let mut words = Self::ZERO;
        for word in &mut words {
            *word = W::take(bytes)?;
        }
        Some(words)
    }
}
impl<W: Word, const N: usize> Word for [W; N] {}

/// Big state of a module (a RAM, a cache, a table), carved from its shard's arena, zeroed.
///
/// It lives as long as the machine; a module must not move it into a place that outlives it.
pub struct Memory<W: Word> {
    column: Column<W>,
}

impl<W: Word> Memory<W> {
    pub(crate) fn carve(arena: &Arena, words: usize) -> Self {
        Self {
            column: arena.carve(words),
        }
    }
}

impl<W: Word> Deref for Memory<W> {
    type Target = [W];
    #[inline(always)]
    fn deref(&self) -> &[W] {
        &self.column
    }
}

impl<W: Word> DerefMut for Memory<W> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [W] {
        &mut self.column
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carving_is_aligned_zeroed_and_bounded() {
        let arena = Arena::map(10_000).unwrap();
        assert_eq!(arena.base.addr().get() % HUGE_PAGE, 0);
        let bytes = arena.carve::<u8>(3);
        let mut words = arena.carve::<u64>(100);
        assert_eq!(&bytes[..], [0; 3]);
        assert!(words.iter().all(|&word| word == 0));
        words[99] = 7;
        assert_eq!(arena.used_bytes(), 8 + 800);
    }

    #[test]
    #[should_panic(expected = "carving needs")]
    fn carving_beyond_the_plan_is_our_fault_and_loud() {
        let arena = Arena::map(4096).unwrap();
        let _column = arena.carve::<u8>(4097);
    }

    #[test]
    fn a_batch_drops_what_it_holds() {
        let counter = std::rc::Rc::new(());
        let arena = Arena::map(4096).unwrap();
        let mut batch = arena.carve_batch(4);
        batch.push(counter.clone());
        batch.push(counter.clone());
        assert_eq!(std::rc::Rc::strong_count(&counter), 3);
        drop(batch);
        assert_eq!(std::rc::Rc::strong_count(&counter), 1);
    }
}
