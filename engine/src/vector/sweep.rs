//! HOT. One edge of the regular lanes of a vector group.
//!
//! Strip by strip of 64 lanes: who fires is a handful of operations on planes; then the words of
//! eight lanes at a time are popped and computed ([`Seated::compute`]), and when all of the strip are,
//! pushed ([`Seated::deliver`]). Pushing apart from popping keeps a load from meeting a store of
//! another alignment that is still on its way.
//!
//! The same code is compiled for several widths of vector registers; which runs is decided when the
//! machine boots, and cannot be seen in a result. Arrays are filled in plain loops here: a closure that
//! is not inlined is compiled for the narrowest registers.

#![allow(
    clippy::needless_range_loop,
    reason = "plain loops are inlined whatever the registers"
)]

use super::{Progress, Seated};
use crate::bank::{LANES, PLANE, digest_after};
use crate::element::{Element, Lane, Many};
use crate::hash::GOLDEN;
use crate::time::Tick;

/// Eights of lanes in a strip.
const EIGHTS: usize = PLANE / LANES;

/// The widest vector instructions of the host that the code was compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// What every x86-64 has, or whatever another processor was compiled for.
    Common,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Reach {
    pub(super) fn of_host() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            // All that `strips_avx2` and `strips_avx512` enable: a host may hide any of them.
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            if avx2 {
                return if avx512 { Self::Avx512 } else { Self::Avx2 };
            }
        }
        Self::Common
    }
}

/// What the lanes of a strip push, until all are computed.
pub(super) struct Scratch<const O: usize> {
    words: [[Many; O]; EIGHTS],
}

impl<const O: usize> Scratch<O> {
    pub(super) const EMPTY: Self = Self {
        words: [[Many::ZERO; O]; EIGHTS],
    };

    /// What lane `bit` of the strip pushes.
    pub(super) fn note(&mut self, bit: usize, words: [u64; O]) {
        for (many, word) in self.words[bit / LANES].iter_mut().zip(words) {
            many.0[bit % LANES] = word;
        }
    }
}

/// Reads [`LANES`] words.
///
/// # Safety
/// They must be readable; no other alignment than that of a word is needed.
#[inline(always)]
unsafe fn read(words: *const u64) -> Many {
    // SAFETY: the caller's.
    Many(unsafe { words.cast::<[u64; LANES]>().read_unaligned() })
}

/// Writes [`LANES`] words.
///
/// # Safety
/// They must be writable, and nobody may hold a reference to them.
#[inline(always)]
unsafe fn write(words: *mut u64, many: Many) {
    // SAFETY: the caller's.
    unsafe { words.cast::<[u64; LANES]>().write_unaligned(many.0) };
}

/// 64 bits of a row of planes from bit `first` on.
#[inline(always)]
fn bits_from(first: isize, plane: impl Fn(isize) -> u64) -> u64 {
    let (word, shift) = place(first);
    plane(word) >> shift | plane(word + 1) << 1 << (63 - shift)
}

/// Number of the plane that holds bit `first`, and its place there.
#[inline(always)]
fn place(first: isize) -> (isize, u32) {
    (
        first.div_euclid(PLANE as isize),
        first.rem_euclid(PLANE as isize) as u32,
    )
}

impl<E, const I: usize, const O: usize, const W: usize> Seated<E, I, O, W>
where
    E: Element<I, O, W>,
{
    /// Fires all regular lanes that can; true if any did.
    pub(super) fn sweep_regular(&mut self, now: Tick) -> bool {
        match self.reach {
            Reach::Common => self.strips(now),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Reach::of_host` found these features.
            Reach::Avx2 => unsafe { self.strips_avx2(now) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Reach::Avx512 => unsafe { self.strips_avx512(now) },
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn strips_avx2(&mut self, now: Tick) -> bool {
        self.strips(now)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl")]
    fn strips_avx512(&mut self, now: Tick) -> bool {
        self.strips(now)
    }

    #[inline(always)]
    fn strips(&mut self, now: Tick) -> bool {
        let mut fired = false;
        while self.progress.strip < self.alive.len() {
            let strip = self.progress.strip;
            if !self.progress.known {
                let fires = self.who_fires(strip);
                self.progress.fires = fires;
                if fires == 0 {
                    self.progress.strip += 1;
                    continue;
                }
                self.progress.known = true;
            }
            self.compute(strip);
            let fires = self.progress.fires;
            for bank in &self.banks {
                let popped = &bank.planes(strip as isize).popped;
                popped.set(popped.get() | fires);
                bank.touch();
            }
            self.deliver(strip, fires, now);
            self.count_firings(strip, fires);
            fired |= fires != 0;
            self.progress = Progress {
                strip: strip + 1,
                ..Progress::default()
            };
        }
        fired
    }

    /// Adds one to the counts of these lanes of a strip: the carry goes two planes far on average.
    #[inline(always)]
    pub(super) fn count_firings(&mut self, strip: usize, fires: u64) {
        let mut carry = fires;
        for plane in &mut self.firings[strip * PLANE..(strip + 1) * PLANE] {
            if carry == 0 {
                break;
            }
            let before = *plane;
            *plane = before ^ carry;
            carry &= before;
        }
        self.clock_count += u64::from(fires.count_ones());
    }

    /// The lanes of a strip that have an item at every input and room at every output.
    #[inline(always)]
    fn who_fires(&self, strip: usize) -> u64 {
        let mut fires = self.alive[strip] & self.regular[strip];
        for bank in &self.banks {
            let planes = bank.planes(strip as isize);
            fires &= planes.one.get() | planes.two.get();
        }
        if fires == 0 {
            return 0;
        }
        for output in 0..O {
            for route in self.routes_of(strip, output) {
                let full = bits_from(route.first, |word| route.bank.planes(word).two.get());
                fires &= !(full & route.lanes);
            }
        }
        fires
    }

    #[inline(always)]
    fn routes_of(&self, strip: usize, output: usize) -> &[super::Route] {
        let number = strip * O + output;
        let start = if number == 0 {
            0
        } else {
            self.route_ends[number - 1]
        };
        &self.routes[start as usize..self.route_ends[number] as usize]
    }

    /// Computes what the lanes that fire push, eight by eight, and their new state.
    #[inline(always)]
    fn compute(&mut self, strip: usize) {
        let fires = self.progress.fires;
        let mut heads = [0; I];
        for input in 0..I {
            heads[input] = self.banks[input].planes(strip as isize).head.get();
        }
        while self.progress.computed < EIGHTS {
            let eight = self.progress.computed;
            let firing = (fires >> (eight * LANES)) as u8;
            if firing != 0 {
                let lane = strip * PLANE + eight * LANES;
                let mut inputs = [Many::ZERO; I];
                for input in 0..I {
                    let bank = &self.banks[input];
                    let second = (heads[input] >> (eight * LANES)) as u8;
                    // SAFETY: rows have room for whole strips, and only this thread reaches them.
                    inputs[input] = unsafe { first_eight(bank, lane as isize, second) };
                }
                self.scratch.words[eight] = self.fire_eight(lane, firing, inputs);
            }
            self.progress.computed += 1;
        }
    }

    #[inline(always)]
    fn fire_eight(&mut self, lane: usize, firing: u8, inputs: [Many; I]) -> [Many; O] {
        let row = self.state_row;
        let words = self.state.as_mut_ptr();
        let mut before = [Many::ZERO; W];
        for word in 0..W {
            // SAFETY: the column has W rows of whole strips.
            before[word] = unsafe { read(words.add(word * row + lane)) };
        }
        let mut state = before;
        let outputs = E::fire(&mut state, inputs);
        for word in E::CONSTANT_WORDS..W {
            let after = choose(firing, state[word], before[word]);
            // SAFETY: as above.
            unsafe { write(words.add(word * row + lane), after) };
        }
        outputs
    }

    /// Pushes what was computed.
    #[inline(always)]
    fn deliver(&mut self, strip: usize, fires: u64, now: Tick) {
        for output in 0..O {
            for route in self.routes_of(strip, output) {
                let lanes = fires & route.lanes;
                if lanes == 0 {
                    continue;
                }
                let bank = &route.bank;
                if lanes.is_power_of_two() {
                    let bit = lanes.trailing_zeros() as usize;
                    let word = self.scratch.words[bit / LANES][output].0[bit % LANES];
                    bank.push((route.first + bit as isize) as usize, word, now);
                    continue;
                }
                let tails = bits_from(route.first, |word| bank.planes(word).tail.get());
                let (word, shift) = place(route.first);
                let low = &bank.planes(word).pushed;
                low.set(low.get() | lanes << shift);
                let high = &bank.planes(word + 1).pushed;
                high.set(high.get() | lanes >> 1 >> (63 - shift));
                bank.touch();
                for eight in 0..EIGHTS {
                    let words = self.scratch.words[eight][output];
                    let pushing = (lanes >> (eight * LANES)) as u8;
                    if pushing == 0 {
                        continue;
                    }
                    let second = (tails >> (eight * LANES)) as u8;
                    let first = route.first + (eight * LANES) as isize;
                    // SAFETY: one of these FIFOs is the bank's, so all lie within LANES of its rows;
                    // only this thread reaches them.
                    unsafe { push_eight(bank, first, pushing, second, words, now) };
                }
            }
        }
    }
}

/// `yes` in the lanes of `bits`, `no` elsewhere; mostly it is all of them.
#[inline(always)]
fn choose(bits: u8, yes: Many, no: Many) -> Many {
    if bits == u8::MAX {
        yes
    } else {
        Many::mask_of(bits).select(yes, no)
    }
}

/// The words at the heads of the FIFOs from `lane` on; those of `second` stand in slot 1. Mostly all
/// stand in the same slot, and the other is not looked at.
///
/// # Safety
/// The rows of the bank must reach from `lane` for [`LANES`] words, for this thread alone.
#[inline(always)]
unsafe fn first_eight(bank: &crate::bank::Bank, lane: isize, second: u8) -> Many {
    // SAFETY: the caller's.
    unsafe {
        match second {
            0 => read(bank.slot(0, lane)),
            u8::MAX => read(bank.slot(1, lane)),
            _ => {
                let slots = (read(bank.slot(0, lane)), read(bank.slot(1, lane)));
                Many::mask_of(second).select(slots.1, slots.0)
            }
        }
    }
}

/// Pushes the words of the lanes `pushing` into the FIFOs from `first` on; those of `second` fill
/// slot 1.
///
/// # Safety
/// The rows of the bank must reach from `first` for [`LANES`] words, for this thread alone.
#[inline(always)]
unsafe fn push_eight(
    bank: &crate::bank::Bank,
    first: isize,
    pushing: u8,
    second: u8,
    words: Many,
    now: Tick,
) {
    let digest = bank.digest(first);
    // SAFETY: the caller's.
    unsafe {
        for number in 0..2 {
            let filling = pushing & if number == 0 { !second } else { second };
            let slot = bank.slot(number, first);
            if filling == u8::MAX {
                write(slot, words);
            } else if filling != 0 {
                write(slot, Many::mask_of(filling).select(words, read(slot)));
            }
        }
        let before = read(digest);
        let after = Many::splat(now) + (before.rotate_left(29) ^ words) * Many::splat(GOLDEN);
        debug_assert_eq!(after.0[0], digest_after(before.0[0], words.0[0], now));
        write(digest, choose(pushing, after, before));
    }
}
