//! Who an isolate is: 64 bits that say shard, kind, slot and generation.
//!
//! ```text
//!   63      56 55      48 47           28 27            0
//!   | shard 8 | kind  8  |    slot 20    | generation 28 |
//! ```
//!
//! A slot's generation moves on whenever its isolate ends, so that a handle kept too long is stale
//! and stays so: it fails closed, and never reaches whoever lives in the slot now. Generation 0 is
//! nobody's, so the handle of 64 zero bits is nobody.

use std::fmt;
use std::marker::PhantomData;

pub(crate) const GENERATION_BITS: u32 = 28;
pub(crate) const SLOT_BITS: u32 = 20;
/// The last generation of a slot; a slot that has used it up is never given out again.
pub(crate) const GENERATION_MAX: u32 = (1 << GENERATION_BITS) - 1;

/// The most isolates of one kind in one shard.
pub const SLOTS_MAX: usize = 1 << SLOT_BITS;
/// The most kinds of isolates.
pub const ISOLATE_KINDS_MAX: usize = 254;
/// The most shards of a runtime.
pub const RUNTIME_SHARDS_MAX: usize = 255;

/// An isolate, whatever messages it takes. Printed as `shard.kind.slot#generation`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handle(u64);

impl Handle {
    /// Nobody has this handle: the sender of what comes from outside.
    pub const NOBODY: Self = Self(0);

    pub(crate) fn new(shard: u8, kind: u8, slot: u32, generation: u32) -> Self {
        debug_assert!(slot < SLOTS_MAX as u32 && generation <= GENERATION_MAX);
        Self(
            u64::from(shard) << 56
                | u64::from(kind) << 48
                | u64::from(slot) << GENERATION_BITS
                | u64::from(generation),
        )
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    /// The shard it lives on.
    #[must_use]
    pub const fn shard(self) -> usize {
        (self.0 >> 56) as usize
    }

    /// The number of its kind, in order of registration.
    #[must_use]
    pub const fn kind(self) -> usize {
        (self.0 >> 48) as usize & 0xff
    }

    /// Its slot among those of its kind and shard.
    #[must_use]
    pub const fn slot(self) -> usize {
        (self.0 >> GENERATION_BITS) as usize & (SLOTS_MAX - 1)
    }

    /// How many isolates have lived in that slot, itself included.
    #[must_use]
    pub const fn generation(self) -> u32 {
        self.0 as u32 & GENERATION_MAX
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shard, kind, slot) = (self.shard(), self.kind(), self.slot());
        write!(f, "{shard}.{kind}.{slot}#{}", self.generation())
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// An isolate that takes messages of type `M`. A plain number: copied, stored and sent freely.
pub struct Address<M> {
    handle: Handle,
    takes: PhantomData<fn(M)>,
}

impl<M> Address<M> {
    /// The caller has made sure that the isolate's kind takes `M`.
    pub(crate) const fn of(handle: Handle) -> Self {
        Self {
            handle,
            takes: PhantomData,
        }
    }

    /// The same isolate without the type of its messages.
    #[must_use]
    pub const fn handle(self) -> Handle {
        self.handle
    }
}

impl<M> Clone for Address<M> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<M> Copy for Address<M> {}
impl<M> PartialEq for Address<M> {
    fn eq(&self, other: &Self) -> bool {
        self.handle == other.handle
    }
}
impl<M> Eq for Address<M> {}
impl<M> fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.handle, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_handle_keeps_its_four_parts(
            shard in 0..255u8,
            kind in 0..254u8,
            slot in 0..SLOTS_MAX as u32,
            generation in 1..=GENERATION_MAX,
        ) {
            let handle = Handle::new(shard, kind, slot, generation);
            prop_assert_eq!(handle.shard(), usize::from(shard));
            prop_assert_eq!(handle.kind(), usize::from(kind));
            prop_assert_eq!(handle.slot(), slot as usize);
            prop_assert_eq!(handle.generation(), generation);
            prop_assert_ne!(handle, Handle::NOBODY);
            prop_assert_eq!(Handle::from_bits(handle.bits()), handle);
        }
    }
}
