//! What a store is asked for: one key's worth of a command, as bytes in a payload and in the log.
//!
//! ```text
//!   operation | how | number (8) | bytes of key (4) | bytes of value (4) | key | value
//! ```

use crate::resp::Sink;

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $number:literal),* $(,)?) => {
        /// What is to be done with a key, or with all of a shard.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operation { $($(#[$doc])* $name = $number),* }

        impl Operation {
            fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}
// Numbers stand in logs: they are never given to another operation.
operations!(
    /// The value.
    Get = 0,
    /// A new value, as [`SetHow`] says; the number is when it expires.
    Set = 1,
    /// The value, for the last time.
    GetDelete = 2,
    /// More bytes at the end of the value.
    Append = 3,
    /// Bytes of the value.
    Length = 4,
    /// The number is added to the value.
    Add = 5,
    /// The key is gone.
    Delete = 6,
    /// Whether it is there.
    Exists = 7,
    /// When it expires, in milliseconds since 1970; as [`ExpireHow`] says.
    Expire = 8,
    /// It does not expire.
    Persist = 9,
    /// How long it lives, or until when: as [`TimeHow`] says.
    Time = 10,
    /// What kind of value it has.
    Type = 11,
    /// Keys of the shard.
    Count = 12,
    /// No key is left on the shard.
    Flush = 13,
    /// Some keys, from the slot in the number on; the first four bytes of the value say of how many slots.
    Scan = 14,
    /// All keys that a pattern describes.
    Keys = 15,
);

/// Bytes before the key.
pub const REQUEST_HEAD_BYTES: usize = 18;

/// One thing that a store is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// What is to be done.
    pub operation: Operation,
    /// Bits that say how.
    pub how: u8,
    /// A number that belongs to it.
    pub number: i64,
    /// With which key; the pattern, where keys are listed.
    pub key: &'a [u8],
    /// Bytes that belong to it.
    pub value: &'a [u8],
}

impl<'a> Request<'a> {
    /// Without a number, a value or anything special.
    #[must_use]
    pub fn plain(operation: Operation, key: &'a [u8]) -> Self {
        Self {
            operation,
            how: 0,
            number: 0,
            key,
            value: &[],
        }
    }

    /// Bytes of it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        REQUEST_HEAD_BYTES + self.key.len() + self.value.len()
    }

    /// Writes it.
    pub fn encode(&self, sink: &mut impl Sink) {
        let mut head = [0; REQUEST_HEAD_BYTES];
        head[0] = self.operation as u8;
        head[1] = self.how;
        head[2..10].copy_from_slice(&self.number.to_le_bytes());
        head[10..14].copy_from_slice(&(self.key.len() as u32).to_le_bytes());
        head[14..18].copy_from_slice(&(self.value.len() as u32).to_le_bytes());
        sink.put(&head);
        sink.put(self.key);
        sink.put(self.value);
    }

    /// The request at the beginning of some bytes, if one is there.
    #[must_use]
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<REQUEST_HEAD_BYTES>()?;
        let length = |at: usize| {
            let bytes = [head[at], head[at + 1], head[at + 2], head[at + 3]];
            u32::from_le_bytes(bytes) as usize
        };
        let (key, rest) = rest.split_at_checked(length(10))?;
        let value = rest.get(..length(14))?;
        let [operation, how, number @ .., _, _, _, _, _, _, _, _] = *head;
        Some(Self {
            operation: Operation::from_number(operation)?,
            how,
            number: i64::from_le_bytes(number),
            key,
            value,
        })
    }
}

/// How a value is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetHow {
    /// Only if the key is not there.
    pub if_new: bool,
    /// Only if it is.
    pub if_there: bool,
    /// The reply is the value of before.
    pub get: bool,
    /// It expires when it would have before.
    pub keep_expiry: bool,
    /// The reply is 1 or 0.
    pub number: bool,
}

impl SetHow {
    /// As bits.
    #[must_use]
    pub fn bits(self) -> u8 {
        u8::from(self.if_new)
            | u8::from(self.if_there) << 1
            | u8::from(self.get) << 2
            | u8::from(self.keep_expiry) << 3
            | u8::from(self.number) << 4
    }

    pub(crate) fn from_bits(bits: u8) -> Self {
        let bit = |number: u8| bits >> number & 1 == 1;
        Self {
            if_new: bit(0),
            if_there: bit(1),
            get: bit(2),
            keep_expiry: bit(3),
            number: bit(4),
        }
    }
}

/// When a new time to live counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpireHow {
    /// Only if it has none.
    pub if_none: bool,
    /// Only if it has one.
    pub if_some: bool,
    /// Only if it is longer than the one it has.
    pub if_later: bool,
    /// Only if it is shorter.
    pub if_sooner: bool,
}

impl ExpireHow {
    /// As bits.
    #[must_use]
    pub fn bits(self) -> u8 {
        u8::from(self.if_none)
            | u8::from(self.if_some) << 1
            | u8::from(self.if_later) << 2
            | u8::from(self.if_sooner) << 3
    }

    pub(crate) fn from_bits(bits: u8) -> Self {
        let bit = |number: u8| bits >> number & 1 == 1;
        Self {
            if_none: bit(0),
            if_some: bit(1),
            if_later: bit(2),
            if_sooner: bit(3),
        }
    }
}

/// How a time is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeHow {
    /// In milliseconds, not seconds.
    pub in_millis: bool,
    /// Since 1970, not from now.
    pub is_date: bool,
}

impl TimeHow {
    /// As bits.
    #[must_use]
    pub fn bits(self) -> u8 {
        u8::from(self.in_millis) | u8::from(self.is_date) << 1
    }

    pub(crate) fn from_bits(bits: u8) -> Self {
        Self {
            in_millis: bits & 1 == 1,
            is_date: bits >> 1 & 1 == 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_and_nothing_that_is_cut(
            (operation, how, number) in (0..16u8, any::<u8>(), any::<i64>()),
            key in prop::collection::vec(any::<u8>(), 0..9),
            value in prop::collection::vec(any::<u8>(), 0..9),
        ) {
            let operation = Operation::from_number(operation).unwrap();
            let request = Request { operation, how, number, key: &key, value: &value };
            let mut bytes = Vec::new();
            request.encode(&mut bytes);
            prop_assert_eq!(bytes.len(), request.bytes());
            for cut in 0..bytes.len() {
                prop_assert_eq!(Request::decode(&bytes[..cut]), None);
            }
            bytes.push(0);
            prop_assert_eq!(Request::decode(&bytes), Some(request));
        }
    }

    #[test]
    fn bits_come_back() {
        for bits in 0..32 {
            assert_eq!(SetHow::from_bits(bits).bits(), bits);
            assert_eq!(ExpireHow::from_bits(bits & 15).bits(), bits & 15);
            assert_eq!(TimeHow::from_bits(bits & 3).bits(), bits & 3);
        }
    }
}
