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
                &[$($crate::Field { name: stringify!($field), bits: $bits }),*];
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
        assert_eq!(
            Flit::FIELDS[1],
            Field {
                name: "last",
                bits: 1
            }
        );
        assert_ne!(
            flit.absorb_into(0),
            Flit { last: true, ..flit }.absorb_into(0)
        );
        assert_ne!(flit.absorb_into(0), Flit { data: 6, ..flit }.absorb_into(0));
    }
}
