//! Payload types of wires.
//!
//! A signal is `Copy`, at most 64 bytes, and knows its width and fields, so that digests never
//! read padding and traces can name the parts.

use crate::hash::absorb;
use crate::state::{Loader, Saver, StateError};
use std::fmt::Debug;

/// The most bytes a signal may take: one cache line.
pub const SIGNAL_BYTES_MAX: usize = 64;

/// A named part of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name in traces.
    pub name: &'static str,
    /// Width in bits.
    pub bits: u32,
    /// What its values are called, from 0 on; empty for a number.
    pub values: &'static [&'static str],
}

impl Field {
    /// A number of so many bits.
    #[must_use]
    pub const fn new(name: &'static str, bits: u32) -> Self {
        Self::choice(name, bits, &[])
    }

    /// One of several things, by name.
    #[must_use]
    pub const fn choice(name: &'static str, bits: u32, values: &'static [&'static str]) -> Self {
        Self { name, bits, values }
    }

    /// Words of 64 bits that hold it.
    #[must_use]
    pub const fn word_count(&self) -> usize {
        self.bits.div_ceil(64) as usize
    }
}

/// A type that can travel on a wire. Implement it with [`signal!`](crate::signal!) for structs.
pub trait Signal: Copy + Debug + 'static {
    /// Name shown in errors and traces.
    const NAME: &'static str;
    /// Width in bits.
    const BITS: u32;
    /// Parts, most significant first; a plain number has none.
    const FIELDS: &'static [Field] = &[];
    /// Takes every field into a running digest.
    fn absorb_into(&self, digest: u64) -> u64;
    /// Writes it into a checkpoint; [`saved_by_serde!`](crate::saved_by_serde) writes both
    /// methods of a type that serde can write.
    fn save(&self, saver: &mut Saver);
    /// Reads what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// When it is no such signal.
    fn load(loader: &mut Loader<'_>) -> Result<Self, StateError>;
    /// Tells the value of each of [`FIELDS`](Self::FIELDS), in order; of a type without fields its
    /// one value.
    fn fields_into(&self, fields: &mut FieldValues<'_>);
}

/// The most words a field may take: those of the largest signal.
const FIELD_WORDS_MAX: usize = SIGNAL_BYTES_MAX / 8;

/// Collects the values of fields as words of 64 bits, the lowest first, each field in words of its own.
pub struct FieldValues<'a> {
    /// Widths still to come.
    widths: FieldWidths,
    words: &'a mut Vec<u64>,
}

#[derive(Clone, Copy)]
enum FieldWidths {
    Fields(&'static [Field]),
    /// The one value of a type without fields.
    Whole(u32),
}

impl<'a> FieldValues<'a> {
    /// Appends the words of a value's fields to `words`.
    #[inline]
    pub(crate) fn append<T: Signal>(value: &T, words: &'a mut Vec<u64>) {
        let widths = if T::FIELDS.is_empty() {
            FieldWidths::Whole(T::BITS)
        } else {
            FieldWidths::Fields(T::FIELDS)
        };
        value.fields_into(&mut FieldValues { widths, words });
    }

    #[inline(always)]
    fn next_width(&mut self) -> u32 {
        match &mut self.widths {
            FieldWidths::Fields([field, rest @ ..]) => {
                let width = field.bits;
                self.widths = FieldWidths::Fields(rest);
                width
            }
            // What no field is declared for is not kept.
            FieldWidths::Fields([]) => 0,
            FieldWidths::Whole(width) => std::mem::take(width),
        }
    }

    /// The next field is a number; what exceeds its width is cut off.
    // Called for every field of every item that is recorded.
    #[inline(always)]
    pub fn number(&mut self, value: u64) {
        match self.next_width() {
            0 => {}
            width @ 1..=64 => self.words.push(value & u64::MAX >> (64 - width)),
            width => {
                self.words.push(value);
                let rest = width.div_ceil(64) as usize - 1;
                self.words.extend(std::iter::repeat_n(0, rest));
            }
        }
    }

    /// The next field is a signal itself: its fields in a row, the first one highest.
    #[inline]
    pub fn signal<T: Signal>(&mut self, value: &T) {
        if T::FIELDS.is_empty() && (1..=64).contains(&T::BITS) {
            let width = self.next_width();
            let own = FieldWidths::Whole(T::BITS.min(width));
            let beyond = width.div_ceil(64).saturating_sub(1) as usize;
            value.fields_into(&mut FieldValues {
                widths: own,
                words: self.words,
            });
            self.words.extend(std::iter::repeat_n(0, beyond));
        } else {
            self.packed(Packed::of(value));
        }
    }

    fn packed(&mut self, mut packed: Packed) {
        let width = self.next_width();
        packed.cut(width);
        let count = (width.div_ceil(64) as usize).min(FIELD_WORDS_MAX);
        self.words.extend(&packed.words[..count]);
    }
}

/// A number of up to 512 bits, lowest word first.
#[derive(Clone, Copy)]
struct Packed {
    words: [u64; FIELD_WORDS_MAX],
}

impl Packed {
    const ZERO: Self = Self {
        words: [0; FIELD_WORDS_MAX],
    };

    /// The fields of a value, the first one highest.
    fn of<T: Signal>(value: &T) -> Self {
        let mut words = Vec::new();
        FieldValues::append(value, &mut words);
        let whole = [Field::new(T::NAME, T::BITS)];
        let fields = if T::FIELDS.is_empty() {
            &whole[..]
        } else {
            T::FIELDS
        };
        let mut packed = Self::ZERO;
        let mut rest = &words[..];
        for field in fields {
            let (own, behind) = rest.split_at(field.word_count().min(rest.len()));
            rest = behind;
            packed.shift_up(field.bits);
            packed
                .words
                .iter_mut()
                .zip(own)
                .for_each(|(word, own)| *word |= own);
        }
        packed
    }

    fn shift_up(&mut self, bits: u32) {
        let (words, bits) = ((bits / 64) as usize, bits % 64);
        for index in (0..FIELD_WORDS_MAX).rev() {
            let word = |back: usize| index.checked_sub(back).map_or(0, |at| self.words[at]);
            let low = if bits == 0 {
                0
            } else {
                word(words + 1) >> (64 - bits)
            };
            self.words[index] = word(words) << bits | low;
        }
    }

    /// Clears all bits from `bits` on.
    fn cut(&mut self, bits: u32) {
        for (index, word) in self.words.iter_mut().enumerate() {
            let kept = (bits as usize).saturating_sub(index * 64).min(64);
            *word &= u64::MAX.checked_shr(64 - kept as u32).unwrap_or(0);
        }
    }
}

macro_rules! number_signals {
    ($($number:ident $bits:literal),*) => {$(
        impl Signal for $number {
            const NAME: &'static str = stringify!($number);
            const BITS: u32 = $bits;
            #[inline(always)]
            fn absorb_into(&self, digest: u64) -> u64 {
                absorb(digest, *self as u64)
            }
            fn save(&self, saver: &mut Saver) {
                saver.value(self);
            }
            fn load(loader: &mut Loader<'_>) -> Result<Self, StateError> {
                loader.value()
            }
            #[inline]
            fn fields_into(&self, fields: &mut FieldValues<'_>) {
                fields.number(*self as u64);
            }
        }
    )*};
}
number_signals!(u8 8, u16 16, u32 32, u64 64, i8 8, i16 16, i32 32, i64 64, bool 1);

impl Signal for () {
    const NAME: &'static str = "token";
    const BITS: u32 = 0;
    #[inline(always)]
    fn absorb_into(&self, digest: u64) -> u64 {
        absorb(digest, 0)
    }
    fn save(&self, _saver: &mut Saver) {}
    fn load(_loader: &mut Loader<'_>) -> Result<Self, StateError> {
        Ok(())
    }
    fn fields_into(&self, _fields: &mut FieldValues<'_>) {}
}

impl<T: Signal, const N: usize> Signal for [T; N] {
    const NAME: &'static str = "array";
    const BITS: u32 = T::BITS * N as u32;
    #[inline(always)]
    fn absorb_into(&self, digest: u64) -> u64 {
        self.iter()
            .fold(digest, |digest, item| item.absorb_into(digest))
    }
    fn save(&self, saver: &mut Saver) {
        self.iter().for_each(|item| item.save(saver));
    }
    fn load(loader: &mut Loader<'_>) -> Result<Self, StateError> {
        let items: Result<Vec<T>, StateError> = (0..N).map(|_| T::load(loader)).collect();
        Ok(Self::try_from(items?).expect("so many were read"))
    }
    /// One number, the first item lowest.
    fn fields_into(&self, fields: &mut FieldValues<'_>) {
        let mut packed = Packed::ZERO;
        for item in self.iter().rev() {
            packed.shift_up(T::BITS);
            let item = Packed::of(item);
            let words = packed.words.iter_mut().zip(item.words);
            words.for_each(|(word, own)| *word |= own);
        }
        fields.packed(packed);
    }
}

/// Declares a struct that can travel on a wire: fields with their widths in bits.
///
/// ```
/// tina_engine::signal! {
///     /// A read request of a cache.
///     pub struct ReadRequest {
///         /// Physical address, in bytes.
///         pub address: u32 = 32,
///         /// Tag echoed in the answer.
///         pub tag: u8 = 4,
///     }
/// }
/// # use tina_engine::Signal;
/// assert_eq!(ReadRequest::BITS, 36);
/// ```
#[macro_export]
macro_rules! signal {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident : $type:ty = $bits:expr),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis struct $name { $($(#[$field_meta])* $field_vis $field: $type),* }

        impl $crate::Signal for $name {
            const NAME: &'static str = stringify!($name);
            const BITS: u32 = 0 $(+ $bits)*;
            const FIELDS: &'static [$crate::Field] =
                &[$($crate::Field::new(stringify!($field), $bits)),*];
            #[inline(always)]
            fn absorb_into(&self, digest: u64) -> u64 {
                $(let digest = $crate::Signal::absorb_into(&self.$field, digest);)*
                digest
            }
            fn save(&self, saver: &mut $crate::Saver) {
                let _ = &saver;
                $($crate::Signal::save(&self.$field, saver);)*
            }
            fn load(loader: &mut $crate::Loader<'_>) -> Result<Self, $crate::StateError> {
                let _ = &loader;
                Ok(Self { $($field: $crate::Signal::load(loader)?),* })
            }
            #[inline]
            fn fields_into(&self, fields: &mut $crate::FieldValues<'_>) {
                $(fields.signal(&self.$field);)*
            }
        }
    };
}

/// Inside an `impl Signal` of a type that serde can write and read: its checkpoints.
#[macro_export]
macro_rules! saved_by_serde {
    () => {
        fn save(&self, saver: &mut $crate::Saver) {
            saver.value(self);
        }
        fn load(loader: &mut $crate::Loader<'_>) -> Result<Self, $crate::StateError> {
            loader.value()
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    signal! {
        struct Flit { data: u64 = 64, last: bool = 1 }
    }

    #[test]
    fn every_field_reaches_the_digest() {
        let flit = Flit {
            data: 5,
            last: false,
        };
        assert_eq!(Flit::BITS, 65);
        assert_eq!(Flit::FIELDS[1], Field::new("last", 1));
        assert_ne!(
            flit.absorb_into(0),
            Flit { last: true, ..flit }.absorb_into(0)
        );
        assert_ne!(flit.absorb_into(0), Flit { data: 6, ..flit }.absorb_into(0));
    }

    signal! {
        struct Burst { tag: u8 = 4, words: [u32; 3] = 96, flit: Flit = 65 }
    }

    fn words<T: Signal>(value: &T) -> Vec<u64> {
        let mut words = Vec::new();
        FieldValues::append(value, &mut words);
        words
    }

    #[test]
    fn fields_come_in_words_of_their_own() {
        let flit = Flit {
            data: 5,
            last: true,
        };
        assert_eq!(words(&flit), [5, 1]);
        assert_eq!(words(&-1i8), [0xff]);
        assert_eq!(words(&()), []);
        assert_eq!(words(&[1u8, 2, 3]), [0x03_02_01]);
        assert_eq!(words(&[1u64, 2]), [1, 2]);
        assert_eq!(words(&[flit, flit]), [5 << 1 | 1, 5 << 2 | 1 << 1, 0]);
    }

    #[test]
    fn nested_fields_are_cut_to_their_width() {
        let burst = Burst {
            tag: 0xfe,
            words: [1, 2, u32::MAX],
            flit: Flit {
                data: u64::MAX,
                last: false,
            },
        };
        let expected = [0xe, 2 << 32 | 1, 0xffff_ffff, u64::MAX << 1, 1];
        assert_eq!(words(&burst), expected);
    }
}
