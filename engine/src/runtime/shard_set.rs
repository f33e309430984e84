//! A set of shards, small enough to be copied: which of them a turn has to do with.

use super::handle::RUNTIME_SHARDS_MAX;

const WORDS: usize = (RUNTIME_SHARDS_MAX + 1).div_ceil(64);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ShardSet([u64; WORDS]);

impl ShardSet {
    #[inline]
    pub(crate) fn insert(&mut self, shard: usize) {
        self.0[shard / 64] |= 1 << (shard % 64);
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    #[inline]
    pub(crate) fn contains(&self, shard: usize) -> bool {
        self.0[shard / 64] >> (shard % 64) & 1 == 1
    }

    /// Whether every member is one of `other`.
    #[inline]
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        let words = self.0.iter().zip(&other.0);
        words.fold(0, |rest, (mine, others)| rest | (mine & !others)) == 0
    }

    /// Takes the members out, in order.
    #[inline]
    pub(crate) fn take(&mut self) -> impl Iterator<Item = usize> + use<> {
        let words = std::mem::take(&mut self.0);
        words.into_iter().enumerate().flat_map(|(index, mut word)| {
            std::iter::from_fn(move || {
                let bit = word.trailing_zeros() as usize;
                let member = (word != 0).then_some(index * 64 + bit);
                word &= word.wrapping_sub(1);
                member
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn members_come_out_once_and_in_order(members in prop::collection::btree_set(0..255usize, 0..40)) {
            let mut set = ShardSet::default();
            members.iter().for_each(|&member| set.insert(member));
            prop_assert_eq!(set.is_empty(), members.is_empty());
            prop_assert_eq!(set.take().collect::<BTreeSet<usize>>(), members);
            prop_assert!(set.is_empty());
        }
    }
}
