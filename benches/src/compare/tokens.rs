//! What a program without cycles must give: the results of so many items, in closed form.
//!
//! Such a program works off as many items as the timed model brought to its end, so that both do the
//! same work; how they are divided over time is nobody's result.

use crate::plain::{FACTOR, SEED_STEP, step};
use crate::subjects::{Model, Run, Totals};

/// How many items such a program is given, and what it must say in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenStream {
    /// Items of the source; of each source, if there are several.
    pub tokens: u64,
    /// Items that go through FIFOs.
    pub transfers: u64,
    /// The results.
    pub totals: Totals,
}

/// The stream of a timed run; `None` for a model whose results mean nothing without cycles.
#[must_use]
pub fn stream(model: Model, timed: &Run) -> Option<TokenStream> {
    let total = |name: &str| {
        let mut totals = timed.totals.iter();
        totals.find(|total| total.0 == name).map(|total| total.1)
    };
    match model {
        Model::Pipeline(stage_count) => {
            let tokens = total("count")?;
            let named = [
                ("count", tokens),
                ("check", pipeline_check(stage_count, tokens)),
            ];
            Some(TokenStream {
                tokens,
                transfers: tokens * (stage_count as u64 + 1),
                totals: totals(&named),
            })
        }
        Model::Systolic(side) => {
            let count = side as u64;
            let tokens = total("firings")? / (count * count);
            let named = [
                ("sum", systolic_sum(count, tokens)),
                ("firings", tokens * count * count),
                ("drained", tokens * 2 * count),
            ];
            Some(TokenStream {
                tokens,
                transfers: tokens * 2 * count * (count + 1),
                totals: totals(&named),
            })
        }
        Model::Mesh(..) => None,
    }
}

fn totals(named: &[(&str, u64)]) -> Totals {
    let named = named.iter();
    named
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect()
}

/// All stages together are one affine map; the xor of what it makes of 0, 1, 2, ….
fn pipeline_check(stage_count: usize, tokens: u64) -> u64 {
    let (mut factor, mut addend) = (1u64, 0u64);
    for _ in 0..stage_count {
        factor = factor.wrapping_mul(FACTOR);
        addend = addend.wrapping_mul(FACTOR).wrapping_add(1);
    }
    let map = |item: u64| item.wrapping_mul(factor).wrapping_add(addend);
    (0..tokens).fold(0, |check, item| check ^ map(item))
}

/// Every item of a row meets the item of every column with the same number: the sum of the products
/// is, per number, the product of the sums.
fn systolic_sum(side: u64, tokens: u64) -> u64 {
    let mut states: Vec<u64> = (1..=2 * side)
        .map(|number| number.wrapping_mul(SEED_STEP))
        .collect();
    let (rows, columns) = states.split_at_mut(side as usize);
    let next_sum = |states: &mut [u64]| {
        states.iter_mut().fold(0u64, |sum, state| {
            *state = step(*state);
            sum.wrapping_add((*state as i64 >> 32) as u64)
        })
    };
    (0..tokens).fold(0, |sum, _| {
        sum.wrapping_add(next_sum(rows).wrapping_mul(next_sum(columns)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pipeline_pops_the_first_items_of_its_stream() {
        let model = Model::Pipeline(64);
        let timed = model.plain(1_000)().unwrap();
        assert_eq!(stream(model, &timed).unwrap().totals, timed.totals);
    }

    #[test]
    fn the_array_adds_every_pair_once() {
        // Long enough that the whole stream has gone through a timed array whose sources have more:
        // compared is one element, to which nothing but its own stream comes.
        let model = Model::Systolic(1);
        let timed = model.plain(1_000)().unwrap();
        let stream = stream(model, &timed).unwrap();
        assert_eq!(stream.tokens, 999);
        assert_eq!(stream.totals[..2], timed.totals[..2]);
        // Two by two, by hand.
        let value = |number: u64| step(number.wrapping_mul(SEED_STEP)) as i64 >> 32;
        let expected = (value(1) + value(2)).wrapping_mul(value(3) + value(4));
        assert_eq!(systolic_sum(2, 1), expected as u64);
    }
}
