//! What is left of a shard that was condemned, and how it is buried. Does not know shards, nor reads any of
//! their memory.

use crate::estate::Estate;
use crate::io::IoRemains;

pub(crate) struct Remains {
    pub(crate) estate: Estate,
    pub(crate) io: Option<IoRemains>,
}

impl Remains {
    /// Closes and gives back everything.
    ///
    /// # Safety
    /// The thread of the shard has ended, and nothing of the shard is ever used or dropped again.
    pub(crate) unsafe fn bury(self) {
        if let Some(io) = self.io {
            // SAFETY: the caller's.
            unsafe { io.bury() };
        }
        // SAFETY: the caller's.
        unsafe { self.estate.give_back() };
    }
}
