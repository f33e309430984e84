//! Items as the untyped words of a slot, and as the bytes of a checkpoint.
//!
//! Does not know FIFOs: whoever has the words of a slot has them from a wire of the codec's type.

use crate::signal::{SIGNAL_BYTES_MAX, Signal};
use crate::state::{Loader, Saver, StateError};
use std::mem::{MaybeUninit, size_of};

/// The payload words of a slot; padding of a signal may make them uninitialised.
pub(crate) type Words = [MaybeUninit<u64>];

/// Room for the words of any item.
pub(crate) type AnyItem = [MaybeUninit<u64>; SIGNAL_BYTES_MAX / 8];

/// Writes and reads the items of one wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Codec {
    /// Of an item that was pushed.
    pub(crate) save: fn(&Words, &mut Saver),
    /// The words it stands in, the first of them.
    pub(crate) load: fn(&mut Loader<'_>) -> Result<AnyItem, StateError>,
}

impl Codec {
    /// For signals of type `T`.
    pub(crate) fn of<T: Signal>() -> Self {
        Self {
            save: |words, saver| {
                assert_eq!(
                    words.len(),
                    size_of::<T>().div_ceil(8),
                    "words of another type"
                );
                // SAFETY: the caller hands over the words of a slot that has been written by a push
                // of this type; values stay in their slots after a pop.
                unsafe { &*words.as_ptr().cast::<T>() }.save(saver);
            },
            load: |loader| {
                const { assert!(size_of::<T>() <= SIGNAL_BYTES_MAX && align_of::<T>() <= 8) };
                let mut words: AnyItem = [MaybeUninit::new(0); SIGNAL_BYTES_MAX / 8];
                // SAFETY: a signal has at most that many bytes and the alignment of a word.
                unsafe { words.as_mut_ptr().cast::<T>().write(T::load(loader)?) };
                Ok(words)
            },
        }
    }
}

/// The word that an item of an element's signal is.
pub(crate) fn word_of(item: &AnyItem) -> u64 {
    // SAFETY: signals of elements are numbers of 64 bits, and `load` wrote one.
    unsafe { item[0].assume_init() }
}
