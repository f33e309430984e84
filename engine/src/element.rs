//! Processing elements: modules that do one thing, so that the engine can do it for many at once.
//!
//! An element *fires* at every edge at which each of its inputs has an item and each of its outputs
//! has room: it pops all, computes, pushes all. What it computes is written once, over a [`Lane`]:
//! one word, or eight words of eight elements side by side. In a netlist an element is a module like
//! any other; digests and results are the same however it is stepped.
//!
//! Does not know how elements are stepped together; `vector` does that.

#![allow(
    clippy::needless_range_loop,
    reason = "plain loops over arrays are inlined, closures are not always"
)]

use crate::bank::LANES;
use crate::effect::Effect;
use crate::module::{Module, Results};
use crate::port::{In, Out};
use crate::signal::Signal;
use crate::state::State;
use crate::time::Cycle;
use crate::wiring::{BuildError, Place, Wiring};
use serde::de::DeserializeOwned;
use std::ops::{Add, BitAnd, BitOr, BitXor, Mul, Not, Sub};

/// A word of 64 bits, or one of each of several elements. Arithmetic is modulo 2⁶⁴. There are no
/// branches on lanes: a choice is a [`select`](Self::select) on a mask of all zeros or all ones.
pub trait Lane:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Not<Output = Self>
{
    /// The same word everywhere.
    fn splat(word: u64) -> Self;
    /// Towards the high end by 0 to 63 places.
    #[must_use]
    fn shift_left(self, places: u32) -> Self;
    /// Towards the low end by 0 to 63 places, zeros from above.
    #[must_use]
    fn shift_right(self, places: u32) -> Self;
    /// Towards the low end by 0 to 63 places, copies of the sign from above.
    #[must_use]
    fn shift_right_signed(self, places: u32) -> Self;
    /// Round towards the high end by 0 to 63 places.
    #[must_use]
    fn rotate_left(self, places: u32) -> Self;
    /// A mask: where it is less than `other`, both taken as unsigned.
    #[must_use]
    fn below(self, other: Self) -> Self;
    /// A mask: where it equals `other`.
    #[must_use]
    fn equals(self, other: Self) -> Self;
    /// With `self` as the mask: `yes` where it is set, `no` elsewhere.
    #[inline(always)]
    #[must_use]
    fn select(self, yes: Self, no: Self) -> Self {
        (self & yes) | (!self & no)
    }
}

/// The word of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct One(pub(crate) u64);

/// The words of [`LANES`] elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub(crate) struct Many(pub(crate) [u64; LANES]);

const fn mask(set: bool) -> u64 {
    (set as u64).wrapping_neg()
}

macro_rules! operators {
    ($($operator:ident $function:ident $word:expr;)*) => {$(
        impl $operator for One {
            type Output = Self;
            #[inline(always)]
            fn $function(self, other: Self) -> Self {
                let word: fn(u64, u64) -> u64 = $word;
                Self(word(self.0, other.0))
            }
        }
        impl $operator for Many {
            type Output = Self;
            #[inline(always)]
            fn $function(self, other: Self) -> Self {
                let word: fn(u64, u64) -> u64 = $word;
                self.with(other, word)
            }
        }
    )*};
}
operators!(
    Add add u64::wrapping_add;
    Sub sub u64::wrapping_sub;
    Mul mul u64::wrapping_mul;
    BitAnd bitand |a, b| a & b;
    BitOr bitor |a, b| a | b;
    BitXor bitxor |a, b| a ^ b;
);

impl Not for One {
    type Output = Self;
    #[inline(always)]
    fn not(self) -> Self {
        Self(!self.0)
    }
}

impl Not for Many {
    type Output = Self;
    #[inline(always)]
    fn not(self) -> Self {
        self.map(|word| !word)
    }
}

impl Many {
    pub(crate) const ZERO: Self = Self([0; LANES]);

    #[inline(always)]
    fn map(self, word: impl Fn(u64) -> u64) -> Self {
        let mut result = Self::ZERO;
        for lane in 0..LANES {
            result.0[lane] = word(self.0[lane]);
        }
        result
    }

    #[inline(always)]
    fn with(self, other: Self, word: impl Fn(u64, u64) -> u64) -> Self {
        let mut result = Self::ZERO;
        for lane in 0..LANES {
            result.0[lane] = word(self.0[lane], other.0[lane]);
        }
        result
    }

    /// All ones in the lanes whose bit of `bits` is set. From a table: few lines of it are used, and
    /// a load is what compilers make of it for every width.
    #[inline(always)]
    pub(crate) fn mask_of(bits: u8) -> Self {
        MASKS[usize::from(bits)]
    }
}

static MASKS: [Many; 256] = {
    let mut masks = [Many::ZERO; 256];
    let mut bits = 0;
    while bits < 256 {
        let mut lane = 0;
        while lane < LANES {
            masks[bits].0[lane] = mask(bits >> lane & 1 == 1);
            lane += 1;
        }
        bits += 1;
    }
    masks
};

impl Lane for One {
    #[inline(always)]
    fn splat(word: u64) -> Self {
        Self(word)
    }
    #[inline(always)]
    fn shift_left(self, places: u32) -> Self {
        Self(self.0 << (places & 63))
    }
    #[inline(always)]
    fn shift_right(self, places: u32) -> Self {
        Self(self.0 >> (places & 63))
    }
    #[inline(always)]
    fn shift_right_signed(self, places: u32) -> Self {
        Self((self.0 as i64 >> (places & 63)) as u64)
    }
    #[inline(always)]
    fn rotate_left(self, places: u32) -> Self {
        Self(self.0.rotate_left(places & 63))
    }
    #[inline(always)]
    fn below(self, other: Self) -> Self {
        Self(mask(self.0 < other.0))
    }
    #[inline(always)]
    fn equals(self, other: Self) -> Self {
        Self(mask(self.0 == other.0))
    }
}

impl Lane for Many {
    #[inline(always)]
    fn splat(word: u64) -> Self {
        Self([word; LANES])
    }
    #[inline(always)]
    fn shift_left(self, places: u32) -> Self {
        self.map(|word| word << (places & 63))
    }
    #[inline(always)]
    fn shift_right(self, places: u32) -> Self {
        self.map(|word| word >> (places & 63))
    }
    #[inline(always)]
    fn shift_right_signed(self, places: u32) -> Self {
        self.map(|word| (word as i64 >> (places & 63)) as u64)
    }
    #[inline(always)]
    fn rotate_left(self, places: u32) -> Self {
        self.map(|word| word.rotate_left(places & 63))
    }
    #[inline(always)]
    fn below(self, other: Self) -> Self {
        self.with(other, |own, other| mask(own < other))
    }
    #[inline(always)]
    fn equals(self, other: Self) -> Self {
        self.with(other, |own, other| mask(own == other))
    }
}

/// Signals that are one word: what elements pass on.
pub trait WordSignal: Signal {
    /// Its 64 bits, as digests take them.
    fn to_word(self) -> u64;
    /// The signal with these bits.
    fn of_word(word: u64) -> Self;
}

impl WordSignal for u64 {
    #[inline(always)]
    fn to_word(self) -> u64 {
        self
    }
    #[inline(always)]
    fn of_word(word: u64) -> Self {
        word
    }
}

impl WordSignal for i64 {
    #[inline(always)]
    fn to_word(self) -> u64 {
        self as u64
    }
    #[inline(always)]
    fn of_word(word: u64) -> Self {
        word as Self
    }
}

/// A module that fires whenever all of its inputs have an item and all of its outputs have room.
///
/// All ports carry the same signal. `WORDS` words are its state: the first
/// [`CONSTANT_WORDS`](Self::CONSTANT_WORDS) of them are parameters that never change.
///
/// ```
/// use tina_engine::{BuildError, Element, Lane, Place, Results};
///
/// /// Adds two streams.
/// struct Adder;
///
/// impl Element<2, 1, 0> for Adder {
///     const KIND: &'static str = "example.adder";
///     const SUMMARY: &'static str = "adds two streams: a, b; sum";
///     const INPUTS: [&'static str; 2] = ["a", "b"];
///     const OUTPUTS: [&'static str; 1] = ["sum"];
///     type Params = ();
///     type Signal = u64;
///
///     fn state((): &(), _place: Place<'_>) -> Result<[u64; 0], BuildError> {
///         Ok([])
///     }
///
///     #[inline(always)]
///     fn fire<L: Lane>(_state: &mut [L; 0], [a, b]: [L; 2]) -> [L; 1] {
///         [a + b]
///     }
///
///     fn report(_state: &[u64; 0], firings: u64, results: &mut Results) {
///         results.count("sums", firings);
///     }
/// }
/// # let _ = tina_engine::Catalogue::new().with_element::<Adder, 2, 1, 0>();
/// ```
pub trait Element<const INPUTS: usize, const OUTPUTS: usize, const WORDS: usize>:
    Sized + 'static
{
    /// The name netlists use, `family.noun`.
    const KIND: &'static str;
    /// One line: what it does and its ports.
    const SUMMARY: &'static str;
    /// Cost of one firing in nanoseconds, as first weight for the partitioner.
    const COST_NS: f64 = 1.0;
    /// Names of the inputs.
    const INPUTS: [&'static str; INPUTS];
    /// Names of the outputs.
    const OUTPUTS: [&'static str; OUTPUTS];
    /// How many words at the start of the state never change.
    const CONSTANT_WORDS: usize = 0;
    /// Parameters, as those of a [`Module`].
    type Params: DeserializeOwned + Clone + Send + Sync + 'static;
    /// What its ports carry.
    type Signal: WordSignal;

    /// The state before the first edge.
    ///
    /// # Errors
    /// When a parameter is out of range; [`BuildError::param`] says which.
    fn state(params: &Self::Params, place: Place<'_>) -> Result<[u64; WORDS], BuildError>;

    /// One firing: what is pushed. Computed for lanes that do not fire too, on whatever words lie
    /// there, and then thrown away: it must be total.
    fn fire<L: Lane>(state: &mut [L; WORDS], inputs: [L; INPUTS]) -> [L; OUTPUTS];

    /// Named results, asked for after a run: `firings` is how often it fired.
    fn report(state: &[u64; WORDS], firings: u64, results: &mut Results) {
        let _ = (state, firings, results);
    }
}

/// Fires once, words in, words out.
#[inline(always)]
pub(crate) fn fire_one<E, const I: usize, const O: usize, const W: usize>(
    state: &mut [u64; W],
    inputs: [u64; I],
) -> [u64; O]
where
    E: Element<I, O, W>,
{
    let mut words = [One(0); W];
    for index in 0..W {
        words[index] = One(state[index]);
    }
    let mut items = [One(0); I];
    for index in 0..I {
        items[index] = One(inputs[index]);
    }
    let pushed = E::fire(&mut words, items);
    for index in E::CONSTANT_WORDS..W {
        state[index] = words[index].0;
    }
    let mut outputs = [0; O];
    for index in 0..O {
        outputs[index] = pushed[index].0;
    }
    outputs
}

/// Visits what changes of an element, however it is stepped.
pub(crate) fn visit_state<E, const I: usize, const O: usize, const W: usize>(
    words: &mut [u64; W],
    firings: &mut u64,
    state: &mut State<'_>,
) where
    E: Element<I, O, W>,
{
    for word in &mut words[E::CONSTANT_WORDS..] {
        state.value(word);
    }
    state.value(firings);
}

/// The ports of an element.
pub(crate) struct Ports<E, const I: usize, const O: usize, const W: usize>
where
    E: Element<I, O, W>,
{
    pub(crate) inputs: [In<E::Signal>; I],
    pub(crate) outputs: [Out<E::Signal>; O],
}

impl<E, const I: usize, const O: usize, const W: usize> Ports<E, I, O, W>
where
    E: Element<I, O, W>,
{
    pub(crate) fn take(wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            inputs: each(|index| wiring.input(E::INPUTS[index]))?,
            outputs: each(|index| wiring.output(E::OUTPUTS[index]))?,
        })
    }
}

/// An array whose items are made one by one.
fn each<T, const N: usize>(
    mut make: impl FnMut(usize) -> Result<T, BuildError>,
) -> Result<[T; N], BuildError> {
    let mut failure = None;
    let made = std::array::from_fn(|index| match (&failure, make(index)) {
        (None, Ok(item)) => Some(item),
        (None, Err(error)) => {
            failure = Some(error);
            None
        }
        (Some(_), _) => None,
    });
    match failure {
        Some(error) => Err(error),
        None => Ok(made.map(|item| item.expect("nothing failed"))),
    }
}

/// An element as a module of its own.
pub(crate) struct Alone<E, const I: usize, const O: usize, const W: usize>
where
    E: Element<I, O, W>,
{
    ports: Ports<E, I, O, W>,
    state: [u64; W],
    firings: u64,
}

impl<E, const I: usize, const O: usize, const W: usize> Module for Alone<E, I, O, W>
where
    E: Element<I, O, W>,
{
    const KIND: &'static str = E::KIND;
    const SUMMARY: &'static str = E::SUMMARY;
    const COST_NS: f64 = E::COST_NS;
    type Params = E::Params;

    fn build(params: E::Params, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            state: E::state(&params, wiring.place())?,
            ports: Ports::take(wiring)?,
            firings: 0,
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        // Plain loops: closures over arrays are not always inlined.
        let Ports { inputs, outputs } = &mut self.ports;
        for port in &*inputs {
            if !port.ready() {
                return Effect::Receive;
            }
        }
        for port in &*outputs {
            if !port.has_room() {
                return Effect::Receive;
            }
        }
        let mut words = [0; I];
        for index in 0..I {
            words[index] = inputs[index].pop().to_word();
        }
        let words = fire_one::<E, I, O, W>(&mut self.state, words);
        self.firings += 1;
        for index in 0..O {
            outputs[index].push(E::Signal::of_word(words[index]));
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        visit_state::<E, I, O, W>(&mut self.state, &mut self.firings, state);
    }

    fn report(&self, results: &mut Results) {
        E::report(&self.state, self.firings, results);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every operation, folded into one word.
    fn everything<L: Lane>(a: L, b: L, places: u32) -> L {
        let sums = (a + b) ^ (a - b) ^ (a * b);
        let bits = (a & b) ^ (a | !b);
        let shifts = a.shift_left(places) ^ a.shift_right(places) ^ a.shift_right_signed(places);
        let choice = a.below(b).select(a.rotate_left(places), b) ^ a.equals(b);
        (sums ^ bits).rotate_left(7) + (shifts ^ choice)
    }

    proptest! {
        #[test]
        fn many_lanes_compute_what_each_computes_alone(
            a: [u64; LANES],
            b: [u64; LANES],
            same: u8,
            places in 0u32..64,
        ) {
            let mut a = a;
            for lane in 0..LANES {
                if same >> lane & 1 == 1 {
                    a[lane] = b[lane];
                }
            }
            let many = everything(Many(a), Many(b), places);
            for lane in 0..LANES {
                prop_assert_eq!(many.0[lane], everything(One(a[lane]), One(b[lane]), places).0);
            }
        }

        #[test]
        fn masks_have_a_lane_for_each_bit(bits: u8) {
            let expected = std::array::from_fn(|lane| mask(bits >> lane & 1 == 1));
            prop_assert_eq!(Many::mask_of(bits), Many(expected));
        }
    }
}
