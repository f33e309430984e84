//! HOT. Load/store: from accesses of bytes, halves and words to requests of whole words.
//!
//! | port | | signal | |
//! |---|---|---|---|
//! | `access` | in | [`MemoryRequest`] | from execute, checked |
//! | `request` | out | [`DataRequest`] | to the data cache |
//!
//! One access per edge, one edge of latency. Everything that is popped will be performed: execute
//! has made the checks. The tag of a request says what write-back does with the reply
//! ([`ReplyUse`]), so nothing has to be remembered here.

use super::access::Access;
use super::image::Image;
use super::instruction::{Load, Store};
use super::platform::TOHOST_SYMBOL;
use super::signals::{DataOperation, DataRequest, MemoryRequest};
use tina_engine::{BuildError, Cycle, Effect, In, Module, Out, Results, State, Wiring};

/// What write-back does with a reply of the data cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyUse {
    /// Nothing: a store, or a load into `x0`.
    Nothing,
    /// Part of the word goes to a register.
    Register {
        /// The register, not 0.
        register: u8,
        /// Which part of the word.
        load: Load,
        /// The two low bits of the address.
        offset: u8,
    },
    /// A fence is passed.
    Fence,
    /// A nonzero word was stored to `tohost`: the run ends.
    Exit,
}

const LOADS: [Load; 5] = [
    Load::Byte,
    Load::Half,
    Load::Word,
    Load::ByteUnsigned,
    Load::HalfUnsigned,
];

const TAG_NOTHING: u16 = 0;
const TAG_FENCE: u16 = 1;
const TAG_EXIT: u16 = 2;

impl ReplyUse {
    /// As the tag of a request: register in bits 0 to 4, 0 for none; then the offset in bits 5 and 6
    /// and the part in bits 7 to 9; without a register, bits 5 and 6 say the rest.
    #[inline]
    #[must_use]
    pub const fn tag(self) -> u16 {
        match self {
            Self::Nothing => TAG_NOTHING << 5,
            Self::Fence => TAG_FENCE << 5,
            Self::Exit => TAG_EXIT << 5,
            Self::Register {
                register,
                load,
                offset,
            } => register as u16 | (offset as u16) << 5 | (load as u16) << 7,
        }
    }

    /// The use that a tag stands for.
    #[inline]
    #[must_use]
    pub const fn of_tag(tag: u16) -> Self {
        let register = (tag & 31) as u8;
        let offset = tag >> 5 & 3;
        if register == 0 {
            return match offset {
                TAG_FENCE => Self::Fence,
                TAG_EXIT => Self::Exit,
                _ => Self::Nothing,
            };
        }
        let part = (tag >> 7 & 7) as usize;
        let load = LOADS[if part < LOADS.len() {
            part
        } else {
            Load::Word as usize
        }];
        Self::Register {
            register,
            load,
            offset: offset as u8,
        }
    }
}

/// The load/store unit of the core.
pub struct LoadStore {
    access: In<MemoryRequest>,
    request: Out<DataRequest>,
    /// Address of the word that ends the run; 1, which no word has, without one.
    tohost: u32,
    load_count: u64,
    store_count: u64,
    atomic_count: u64,
    device_count: u64,
}

impl Module for LoadStore {
    const KIND: &'static str = "riscv.load_store";
    const SUMMARY: &'static str = "load/store unit of a core: in access, out request";
    const COST_NS: f64 = 4.0;
    type Params = ();

    fn build((): (), wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let tohost = wiring
            .resource::<Image>()
            .and_then(|image| image.symbol(TOHOST_SYMBOL));
        Ok(Self {
            access: wiring.input("access")?,
            request: wiring.output("request")?,
            tohost: tohost.unwrap_or(1),
            load_count: 0,
            store_count: 0,
            atomic_count: 0,
            device_count: 0,
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if let Some(room) = self.request.room()
            && let Some(access) = self.access.try_pop()
        {
            room.push(word_request(&access, self.tohost));
            self.count(&access);
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        state
            .value(&mut self.load_count)
            .value(&mut self.store_count)
            .value(&mut self.atomic_count)
            .value(&mut self.device_count);
    }

    fn report(&self, results: &mut Results) {
        results
            .count("loads", self.load_count)
            .described("instructions", "loads");
        results
            .count("stores", self.store_count)
            .described("instructions", "stores");
        results
            .count("atomics", self.atomic_count)
            .described("instructions", "atomics");
        results
            .count("device_accesses", self.device_count)
            .described("accesses", "of devices");
    }
}

impl LoadStore {
    #[inline(always)]
    fn count(&mut self, access: &MemoryRequest) {
        match access.access {
            Access::Load(_) => self.load_count += 1,
            Access::Store(_) => self.store_count += 1,
            Access::LoadReserved | Access::StoreConditional | Access::Amo(_) => {
                self.atomic_count += 1;
            }
            Access::Fence => {}
        }
        self.device_count += u64::from(access.device);
    }
}

/// An access as the data cache takes it.
#[inline(always)]
fn word_request(access: &MemoryRequest, tohost: u32) -> DataRequest {
    let &MemoryRequest {
        address,
        data,
        access,
        register,
        device,
    } = access;
    let word = address & !3;
    let (operation, placed, mask, reply_use) = match access {
        Access::Load(load) => {
            let mask = lanes(load.bytes(), address);
            let offset = (address & 3) as u8;
            (
                DataOperation::Load,
                0,
                mask,
                register_use(register, load, offset),
            )
        }
        Access::Store(store) => {
            let placed = store.place(data, address);
            let ends = word == tohost && matches!(store, Store::Word) && data != 0;
            let reply_use = if ends {
                ReplyUse::Exit
            } else {
                ReplyUse::Nothing
            };
            (
                DataOperation::Store,
                placed,
                store.byte_lanes(address),
                reply_use,
            )
        }
        Access::LoadReserved => (
            DataOperation::LoadReserved,
            0,
            15,
            register_use(register, Load::Word, 0),
        ),
        Access::StoreConditional => (
            DataOperation::StoreConditional,
            data,
            15,
            register_use(register, Load::Word, 0),
        ),
        Access::Amo(amo) => (
            DataOperation::from(amo),
            data,
            15,
            register_use(register, Load::Word, 0),
        ),
        Access::Fence => (DataOperation::Fence, 0, 0, ReplyUse::Fence),
    };
    DataRequest {
        address: word,
        data: placed,
        tag: reply_use.tag(),
        mask,
        operation,
        uncached: device,
    }
}

#[inline(always)]
const fn register_use(register: u8, load: Load, offset: u8) -> ReplyUse {
    if register == 0 {
        ReplyUse::Nothing
    } else {
        ReplyUse::Register {
            register,
            load,
            offset,
        }
    }
}

/// The byte lanes of an aligned access.
#[inline(always)]
const fn lanes(bytes: u32, address: u32) -> u8 {
    ((1 << bytes) - 1) << (address & 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_carry_every_use() {
        let mut tags = Vec::new();
        let mut check = |reply_use: ReplyUse| {
            let tag = reply_use.tag();
            assert_eq!(ReplyUse::of_tag(tag), reply_use);
            assert!(!tags.contains(&tag), "{reply_use:?}");
            tags.push(tag);
        };
        check(ReplyUse::Nothing);
        check(ReplyUse::Fence);
        check(ReplyUse::Exit);
        for load in LOADS {
            for register in 1..32 {
                for offset in 0..4 {
                    check(ReplyUse::Register {
                        register,
                        load,
                        offset,
                    });
                }
            }
        }
    }

    #[test]
    fn accesses_become_words() {
        const TOHOST: u32 = 0x8000_0040;
        let request = |access, address, data| {
            let access = MemoryRequest {
                address,
                data,
                access,
                register: 0,
                device: false,
            };
            let request = word_request(&access, TOHOST);
            (
                request.address,
                request.data,
                request.mask,
                ReplyUse::of_tag(request.tag),
            )
        };
        let nothing = ReplyUse::Nothing;
        assert_eq!(
            request(Access::Load(Load::Half), 0x102, 9),
            (0x100, 0, 0b1100, nothing)
        );
        assert_eq!(
            request(Access::Load(Load::Word), 0x100, 9),
            (0x100, 0, 0b1111, nothing)
        );
        assert_eq!(
            request(Access::Store(Store::Byte), 0x103, 0x1ab),
            (0x100, 0xab00_0000, 0b1000, nothing)
        );
        let word = Access::Store(Store::Word);
        assert_eq!(request(word, TOHOST, 3), (TOHOST, 3, 15, ReplyUse::Exit));
        assert_eq!(request(word, TOHOST, 0), (TOHOST, 0, 15, nothing));
        assert_eq!(request(word, TOHOST + 4, 3).3, nothing);
        assert_eq!(request(Access::Store(Store::Half), TOHOST, 3).3, nothing);
        assert_eq!(request(Access::Fence, 0, 0), (0, 0, 0, ReplyUse::Fence));
    }
}
