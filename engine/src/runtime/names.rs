//! Well-known names: who lives under each of them now, on whatever shard, in whatever generation.

use super::handle::Handle;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) struct Names {
    /// In order of name.
    names: Vec<(String, AtomicU64)>,
}

impl Names {
    pub(crate) fn new(mut names: Vec<String>) -> Self {
        names.sort_unstable();
        let names = names.into_iter();
        Self {
            names: names.map(|name| (name, AtomicU64::new(0))).collect(),
        }
    }

    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        let found = self
            .names
            .binary_search_by(|(other, _)| other.as_str().cmp(name));
        found.ok().map(|index| index as u32)
    }

    /// Who has the name now; nobody, while a supervisor has not started it again.
    pub(crate) fn find(&self, name: &str) -> Option<Handle> {
        let number = self.number(name)?;
        // Acquire: whoever finds the isolate finds what was done before it got its name.
        let bits = self.names[number as usize].1.load(Ordering::Acquire);
        (bits != 0).then(|| Handle::from_bits(bits))
    }

    /// Nobody of `shard` has a name any more.
    pub(crate) fn lose_shard(&self, shard: usize) {
        for (_, has) in &self.names {
            let handle = Handle::from_bits(has.load(Ordering::Relaxed));
            if handle != Handle::NOBODY && handle.shard() == shard {
                has.store(Handle::NOBODY.bits(), Ordering::Release);
            }
        }
    }

    pub(crate) fn give(&self, number: u32, to: Handle) {
        self.names[number as usize]
            .1
            .store(to.bits(), Ordering::Release);
    }
}
