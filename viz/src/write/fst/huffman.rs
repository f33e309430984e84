//! HOT. Prefix codes as deflate has them: canonical, shortest words for what is frequent, no word longer
//! than a limit.

/// Symbols of the largest alphabet: literals, the end of a block, lengths.
pub(super) const SYMBOLS_MAX: usize = 286;

/// The longest word of any code.
const BITS_MAX: usize = 15;

/// A code for `N` symbols.
pub(super) struct Code<const N: usize> {
    /// Bits of each symbol's word; 0 for a symbol that does not occur.
    pub(super) lengths: [u8; N],
    /// Its word, the first bit lowest, and above 16 bits its length.
    pub(super) words: [u32; N],
}

impl<const N: usize> Code<N> {
    pub(super) const EMPTY: Self = Self {
        lengths: [0; N],
        words: [0; N],
    };

    /// The code of words of these lengths.
    pub(super) fn of_lengths(lengths: [u8; N]) -> Self {
        let mut code = Self {
            lengths,
            words: [0; N],
        };
        code.assign();
        code
    }

    /// Makes the code for symbols that occur so often, with words of at most `limit` bits. At least one
    /// symbol must occur; a symbol alone has a word of one bit.
    pub(super) fn fit(&mut self, counts: &[u32; N], limit: usize, space: &mut Space) {
        const { assert!(N <= SYMBOLS_MAX) };
        self.lengths.fill(0);
        let mut used = 0;
        for (symbol, &count) in counts.iter().enumerate() {
            debug_assert!(count < 1 << 23);
            space.order[used] = count << 9 | symbol as u32;
            used += usize::from(count > 0);
        }
        let order = &mut space.order[..used];
        order.sort_unstable();
        let symbol = |&entry: &u32| (entry & 511) as usize;
        if used <= 2 {
            order
                .iter()
                .for_each(|entry| self.lengths[symbol(entry)] = 1);
        } else {
            let per_length = lengths_wanted(order, limit, &mut space.tree);
            let mut rarest = order.iter();
            for length in (1..=limit).rev() {
                for entry in rarest.by_ref().take(per_length[length]) {
                    self.lengths[symbol(entry)] = length as u8;
                }
            }
        }
        self.assign();
    }

    /// Numbers the words: shorter ones first, then in the order of symbols.
    fn assign(&mut self) {
        let mut next = [0u32; BITS_MAX + 1];
        for &length in &self.lengths {
            next[usize::from(length)] += 1;
        }
        next[0] = 0;
        let (mut first, mut before) = (0, 0);
        for count in &mut next {
            first = (first + before) << 1;
            before = std::mem::replace(count, first);
        }
        for (word, &length) in self.words.iter_mut().zip(&self.lengths) {
            let length = u32::from(length);
            *word = 0;
            if length > 0 {
                let number = &mut next[length as usize];
                *word = number.reverse_bits() >> (32 - length) | length << 16;
                *number += 1;
            }
        }
    }
}

/// What fitting a code needs beside it.
pub(super) struct Space {
    /// Counts and symbols, the rarest first.
    order: [u32; SYMBOLS_MAX + 1],
    tree: [u32; SYMBOLS_MAX],
}

impl Space {
    pub(super) const EMPTY: Self = Self {
        order: [0; SYMBOLS_MAX + 1],
        tree: [0; SYMBOLS_MAX],
    };
}

/// How many words there are to be of each length, for at least three symbols in ascending order.
///
/// Lengths of Huffman's code come from Moffat and Katajainen's method (In-place calculation of
/// minimum-redundancy codes, 1995). Words beyond the limit are cut to it, and for each that is then too
/// many the next shorter word is split.
fn lengths_wanted(
    order: &[u32],
    limit: usize,
    tree: &mut [u32; SYMBOLS_MAX],
) -> [usize; BITS_MAX + 1] {
    let count = order.len();
    let tree = &mut tree[..count];
    for (weight, &entry) in tree.iter_mut().zip(order) {
        *weight = entry >> 9;
    }
    // From the left: weights of inner nodes, which become the numbers of their parents.
    let (mut root, mut leaf) = (0, 0);
    for next in 0..count - 1 {
        let mut weight = 0;
        for _ in 0..2 {
            if leaf >= count || (root < next && tree[root] < tree[leaf]) {
                weight += tree[root];
                tree[root] = next as u32;
                root += 1;
            } else {
                weight += tree[leaf];
                leaf += 1;
            }
        }
        tree[next] = weight;
    }
    // From the right: depths of inner nodes.
    tree[count - 2] = 0;
    for next in (0..count - 2).rev() {
        tree[next] = tree[tree[next] as usize] + 1;
    }
    // What is not an inner node at a depth is a leaf.
    let mut per_length = [0; BITS_MAX + 1];
    let (mut places, mut depth, mut inner) = (1, 0, count - 1);
    while places > 0 {
        let deeper = tree[..inner].iter().rev();
        let nodes = deeper.take_while(|&&of| of == depth as u32).count();
        per_length[depth.min(limit)] += places - nodes;
        inner -= nodes;
        places = 2 * nodes;
        depth += 1;
    }
    // Each word of the limit takes one part of 2^limit.
    let taken = |per_length: &[usize]| -> usize {
        (1..=limit)
            .map(|length| per_length[length] << (limit - length))
            .sum()
    };
    for _ in 1 << limit..taken(&per_length) {
        let shorter = (1..limit).rev().find(|&length| per_length[length] > 0);
        let shorter = shorter.expect("fewer symbols than words of the limit");
        per_length[limit] -= 1;
        per_length[shorter] -= 1;
        per_length[shorter + 1] += 2;
    }
    per_length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Lengths by the book: join the two lightest until one is left.
    fn total_bits(counts: &[u32]) -> u64 {
        let mut weights: Vec<u64> = counts
            .iter()
            .filter(|&&count| count > 0)
            .map(|&count| count.into())
            .collect();
        let mut total = 0;
        while weights.len() > 1 {
            weights.sort_unstable_by(|a, b| b.cmp(a));
            let joined = weights.pop().unwrap() + weights.pop().unwrap();
            total += joined;
            weights.push(joined);
        }
        total
    }

    proptest! {
        #[test]
        fn codes_are_complete_and_short(
            few in prop::collection::vec((0..SYMBOLS_MAX, 1..60_000u32), 2..SYMBOLS_MAX),
            limit in 9..=15usize,
        ) {
            let mut counts = [0; SYMBOLS_MAX];
            few.iter().for_each(|&(symbol, count)| counts[symbol] = count);
            let mut code = Code::<SYMBOLS_MAX>::EMPTY;
            let mut space = Space::EMPTY;
            code.fit(&counts, limit, &mut space);
            let used = counts.iter().filter(|&&count| count > 0).count();
            let mut parts = 0;
            let mut bits = 0;
            for (&length, &count) in code.lengths.iter().zip(&counts) {
                prop_assert_eq!(length > 0, count > 0);
                prop_assert!(usize::from(length) <= limit);
                parts += if length > 0 { 1usize << (15 - length) } else { 0 };
                bits += u64::from(length) * u64::from(count);
            }
            if used > 1 {
                prop_assert_eq!(parts, 1 << 15, "every word is used");
                let best = total_bits(&counts);
                prop_assert!(bits >= best && (limit < 15 || bits * 1000 <= best * 1001), "{} of {}", bits, best);
            }
        }
    }

    #[test]
    fn the_limit_holds_where_counts_double() {
        let mut counts = [0; 19];
        (0..19).for_each(|symbol| counts[symbol] = 1 << symbol);
        let mut code = Code::<19>::EMPTY;
        let mut space = Space::EMPTY;
        code.fit(&counts, 7, &mut space);
        let parts: u32 = code.lengths.iter().map(|&length| 128 >> length).sum();
        assert_eq!((parts, code.lengths[18], code.lengths[0]), (128, 1, 7));
    }
}
