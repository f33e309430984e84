//! Kinds of isolates in a boot specification: how many, what each may have, and how they are made.

use super::group::{IsolateGroup, TypedGroup};
use super::handle::SLOTS_MAX;
use super::isolate::Isolate;
use super::nursery::Nursery;
use crate::arena::Arena;
use std::any::{Any, TypeId};
use std::marker::PhantomData;

/// The most messages in a mailbox.
pub(crate) const MAILBOX_SLOTS_MAX: u32 = 1 << 24;

/// How many isolates of a kind a shard has room for, and what each of them may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindLimits {
    /// Isolates per shard.
    pub slots: usize,
    /// Messages in a mailbox.
    pub mailbox_slots: u32,
    /// Calls outstanding.
    pub calls: u16,
    /// Timers.
    pub timers: u16,
    /// Isolates watched or followed.
    pub monitors: u16,
    /// Operations of I/O in flight.
    pub operations: u16,
    /// Turns it gets in proportion to other kinds.
    pub weight: u32,
    /// Envelopes all isolates of the kind may hold together; none: as many as their mailboxes do.
    pub mail_max: Option<u32>,
    /// Envelopes no other kind can take from it.
    pub mail_reserve: u32,
}

impl Default for KindLimits {
    fn default() -> Self {
        Self {
            slots: 1,
            mailbox_slots: 16,
            calls: 4,
            timers: 2,
            monitors: 2,
            operations: 0,
            weight: 1,
            mail_max: None,
            mail_reserve: 1,
        }
    }
}

impl KindLimits {
    /// The defaults for so many isolates.
    #[must_use]
    pub fn slots(slots: usize) -> Self {
        Self {
            slots,
            ..Self::default()
        }
    }

    /// The same, but no more than a specification may say.
    pub(crate) fn within_range(&self) -> Self {
        Self {
            slots: self.slots.min(SLOTS_MAX),
            mailbox_slots: self.mailbox_slots.min(MAILBOX_SLOTS_MAX),
            ..*self
        }
    }

    pub(crate) fn mail_slots(&self) -> usize {
        self.slots * self.mailbox_slots as usize
    }

    pub(crate) fn notices(&self) -> usize {
        self.slots
            * (usize::from(self.calls)
                + usize::from(self.timers)
                + usize::from(self.monitors)
                + usize::from(self.operations))
    }
}

/// A kind whatever its type.
pub(crate) trait AnyKind: Send + Sync {
    fn name(&self) -> &'static str;
    fn isolate(&self) -> TypeId;
    fn message(&self) -> TypeId;
    fn bytes(&self, slots: usize) -> usize;
    fn carve(
        &self,
        arena: &Arena,
        slots: usize,
        number: usize,
    ) -> (Box<dyn IsolateGroup>, Box<dyn Any>);
}

pub(crate) struct KindOf<I>(PhantomData<fn(I)>);

impl<I: Isolate> KindOf<I> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<I: Isolate> AnyKind for KindOf<I> {
    fn name(&self) -> &'static str {
        I::KIND
    }
    fn isolate(&self) -> TypeId {
        TypeId::of::<I>()
    }
    fn message(&self) -> TypeId {
        TypeId::of::<I::Message>()
    }
    fn bytes(&self, slots: usize) -> usize {
        TypedGroup::<I>::bytes(slots) + Nursery::<I>::bytes(slots)
    }
    fn carve(
        &self,
        arena: &Arena,
        slots: usize,
        number: usize,
    ) -> (Box<dyn IsolateGroup>, Box<dyn Any>) {
        let group = TypedGroup::<I>::carve(arena, slots, number);
        let nursery = Nursery::<I>::carve(arena, slots);
        (Box::new(group), Box::new(nursery))
    }
}
