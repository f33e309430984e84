//! Bugs planted on purpose, in tests alone: what finds bugs is to find these. At most one is alive at a
//! time, on the thread that planted it, and it does its harm every so many chances.

use std::cell::Cell;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Canary {
    /// Something was sent, and no bell is rung.
    LostWakeUp,
    /// An envelope that was emptied is not given back.
    LeakedEnvelope,
    /// A reply is dropped on its way.
    DroppedReply,
    /// A handle of a generation that is gone reaches whoever lives there now.
    StaleHandle,
    /// The bell is heard before what it was rung for can be seen, as without a fence.
    MissingFence,
}

thread_local! {
    static PLANTED: Cell<Option<(Canary, u32)>> = const { Cell::new(None) };
    static CHANCES: Cell<u32> = const { Cell::new(0) };
}

/// From now on this canary does harm every `rarity` chances; none does without one.
pub(crate) fn plant(canary: Option<Canary>, rarity: u32) {
    PLANTED.set(canary.map(|canary| (canary, rarity)));
    CHANCES.set(0);
}

/// Whether the canary does its harm now.
pub(crate) fn sings(canary: Canary) -> bool {
    let Some((planted, rarity)) = PLANTED.get() else {
        return false;
    };
    if planted != canary {
        return false;
    }
    CHANCES.set(CHANCES.get() + 1);
    CHANCES.get().is_multiple_of(rarity)
}
