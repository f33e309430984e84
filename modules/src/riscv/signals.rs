//! What travels on the wires of a core: between its stages, and between the core and its caches.
//!
//! ```text
//!            FetchRequest          FetchReply           DecodedInstruction
//!   fetch ─────────────────► icache ────────► decode ───────────────────────► execute
//!     ▲                        ▲ │ (): invalidate, done                       │  │  │ ▲
//!     │                        └─┴────────────────────────────────────────────┘  │  │ │
//!     │  Resolution                                                              │  │ │ RegisterWrite
//!     └──────────────────────────────────────────────────────────────────────────┤  │ │
//!                   MultiplyRequest ┌───────────────────────────────────────────┘  │ │
//!                                multiply ──RegisterWrite──► write_back ───────────┼─┘
//!                                                               ▲                  │
//!                    DataReply: dcache ─────────────────────────┘                  │
//!                                  ▲─── DataRequest ─── load_store ◄─MemoryRequest─┘
//! ```
//!
//! The caches' side of it: the instruction cache has `request: In<FetchRequest>`,
//! `reply: Out<FetchReply>`, `invalidate: In<()>` (forget every line) and `invalidated: Out<()>` (it
//! is done; requests popped from then on see what memory holds); the data cache has
//! `request: In<DataRequest>` and `reply: Out<DataReply>`. The core sends `invalidate` when every
//! store before it has been performed, and drops the replies to requests made before
//! `invalidated` came.
//!
//! Each type packs its fields into as few words as it can when it enters a digest: that is what a
//! transfer costs. Knows no module.

use super::access::Access;
use super::instruction::{Amo, Instruction, MulDiv, amo};
use tina_engine::{Field, FieldValues, Signal, absorb};

/// Two 32-bit halves as one word of a digest.
const fn pair(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

/// From fetch to the instruction cache: the word at `address` is wanted.
///
/// Every request is answered by one [`FetchReply`], in order, also when the address is no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchRequest {
    /// Where the instruction lies: a multiple of 4.
    pub address: u32,
    /// Where fetch goes next: handed through to the stage that checks it.
    pub predicted: u32,
    /// Flips at every redirection of fetch; handed through. What carries the old value lies on a
    /// path that is not taken.
    pub epoch: bool,
}

impl Signal for FetchRequest {
    const NAME: &'static str = "FetchRequest";
    const BITS: u32 = 65;
    const FIELDS: &'static [Field] = &[
        Field::new("address", 32),
        Field::new("predicted", 32),
        Field::new("epoch", 1),
    ];
    #[inline(always)]
    fn absorb_into(&self, digest: u64) -> u64 {
        // Bit 0 of an address of an instruction is always 0.
        absorb(
            digest,
            pair(self.address ^ u32::from(self.epoch), self.predicted),
        )
    }
    fn fields_into(&self, fields: &mut FieldValues<'_>) {
        fields.number(u64::from(self.address));
        fields.number(u64::from(self.predicted));
        fields.number(u64::from(self.epoch));
    }
}

/// From the instruction cache to decode: an instruction word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchReply {
    /// As requested.
    pub address: u32,
    /// As requested.
    pub predicted: u32,
    /// The instruction, 0 where there is none.
    pub word: u32,
    /// As requested.
    pub epoch: bool,
    /// There is no memory at the address: an instruction access fault if it comes to that.
    pub fault: bool,
}

impl Signal for FetchReply {
    const NAME: &'static str = "FetchReply";
    const BITS: u32 = 98;
    const FIELDS: &'static [Field] = &[
        Field::new("address", 32),
        Field::new("predicted", 32),
        Field::new("word", 32),
        Field::new("epoch", 1),
        Field::new("fault", 1),
    ];
    #[inline(always)]
    fn absorb_into(&self, digest: u64) -> u64 {
        let flags = u32::from(self.epoch) | u32::from(self.fault) << 1;
        let digest = absorb(digest, pair(self.address, self.predicted));
        absorb(digest, pair(self.word, flags))
    }
    fn fields_into(&self, fields: &mut FieldValues<'_>) {
        fields.number(u64::from(self.address));
        fields.number(u64::from(self.predicted));
        fields.number(u64::from(self.word));
        fields.number(u64::from(self.epoch));
        fields.number(u64::from(self.fault));
    }
}

/// What a [`DataRequest`] asks of the memory system.
///
/// All of them happen at one instant between those before and those behind them (the memory
/// system answers in order), and atomics happen at one instant for all harts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum DataOperation {
    /// Answers the word.
    Load,
    /// Replaces the bytes named by the mask; answers the data of the request.
    Store,
    /// Answers the word and reserves it.
    LoadReserved,
    /// Replaces the word if it is still reserved; answers 0 if it did and 1 if not.
    StoreConditional,
    /// `amoswap`: answers the old word, stores the operand.
    Swap,
    /// `amoadd`: answers the old word, stores the sum.
    Add,
    /// `amoxor`.
    Xor,
    /// `amoand`.
    And,
    /// `amoor`.
    Or,
    /// `amomin`, signed.
    Min,
    /// `amomax`, signed.
    Max,
    /// `amominu`, unsigned.
    MinUnsigned,
    /// `amomaxu`, unsigned.
    MaxUnsigned,
    /// Touches no memory (the address is 0): its answer, like all in order, says that everything
    /// before it has been performed. Answers 0.
    Fence,
}

impl DataOperation {
    /// What traces call them, in order of declaration.
    pub const NAMES: &'static [&'static str] = &[
        "load",
        "store",
        "load_reserved",
        "store_conditional",
        "swap",
        "add",
        "xor",
        "and",
        "or",
        "min",
        "max",
        "min_unsigned",
        "max_unsigned",
        "fence",
    ];

    /// What the instruction set calls an operation that reads and writes a word at one instant;
    /// nothing for the others.
    #[must_use]
    #[inline]
    pub const fn amo(self) -> Option<Amo> {
        Some(match self {
            Self::Swap => Amo::Swap,
            Self::Add => Amo::Add,
            Self::Xor => Amo::Xor,
            Self::And => Amo::And,
            Self::Or => Amo::Or,
            Self::Min => Amo::Min,
            Self::Max => Amo::Max,
            Self::MinUnsigned => Amo::MinUnsigned,
            Self::MaxUnsigned => Amo::MaxUnsigned,
            Self::Load
            | Self::Store
            | Self::LoadReserved
            | Self::StoreConditional
            | Self::Fence => return None,
        })
    }

    /// Whether the cache needs the right to write the line.
    #[must_use]
    #[inline]
    pub const fn needs_ownership(self) -> bool {
        !matches!(self, Self::Load | Self::LoadReserved | Self::Fence)
    }

    /// The word that memory holds after a read-modify-write of `old` with `operand`; for the
    /// others the operand.
    #[must_use]
    #[inline]
    pub const fn combine(self, old: u32, operand: u32) -> u32 {
        match self.amo() {
            Some(operation) => amo(operation, old, operand),
            None => operand,
        }
    }
}

impl From<Amo> for DataOperation {
    #[inline]
    fn from(operation: Amo) -> Self {
        match operation {
            Amo::Swap => Self::Swap,
            Amo::Add => Self::Add,
            Amo::Xor => Self::Xor,
            Amo::And => Self::And,
            Amo::Or => Self::Or,
            Amo::Min => Self::Min,
            Amo::Max => Self::Max,
            Amo::MinUnsigned => Self::MinUnsigned,
            Amo::MaxUnsigned => Self::MaxUnsigned,
        }
    }
}

/// From load/store to the data cache.
///
/// Every request is answered by one [`DataReply`], in order, when it has been performed. Addresses
/// were checked before: memory or a device is there, and nothing crosses a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataRequest {
    /// The word: a multiple of 4.
    pub address: u32,
    /// The operand, in the byte lanes named by the mask.
    pub data: u32,
    /// Handed through to the reply.
    pub tag: u16,
    /// Which bytes of the word are meant, bit 0 for the lowest: loads name what they look at
    /// (the reply holds the whole word all the same), stores what they replace. 15 for atomics.
    pub mask: u8,
    /// What is to be done.
    pub operation: DataOperation,
    /// A device: must reach it exactly once, and never a cache. Only loads and stores.
    pub uncached: bool,
}

impl Signal for DataRequest {
    const NAME: &'static str = "DataRequest";
    const BITS: u32 = 89;
    const FIELDS: &'static [Field] = &[
        Field::new("address", 32),
        Field::new("data", 32),
        Field::new("tag", 16),
        Field::new("mask", 4),
        Field::choice("operation", 4, DataOperation::NAMES),
        Field::new("uncached", 1),
    ];
    #[inline(always)]
    fn absorb_into(&self, digest: u64) -> u64 {
        let control = u64::from(self.tag)
            | u64::from(self.mask) << 16
            | (self.operation as u64) << 24
            | u64::from(self.uncached) << 32;
        absorb(absorb(digest, pair(self.address, self.data)), control)
    }
    fn fields_into(&self, fields: &mut FieldValues<'_>) {
        fields.number(u64::from(self.address));
        fields.number(u64::from(self.data));
        fields.number(u64::from(self.tag));
        fields.number(u64::from(self.mask));
        fields.number(self.operation as u64);
        fields.number(u64::from(self.uncached));
    }
}

/// From the data cache to write-back: a request has been performed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataReply {
    /// See [`DataOperation`].
    pub data: u32,
    /// As requested.
    pub tag: u16,
}

impl Signal for DataReply {
    const NAME: &'static str = "DataReply";
    const BITS: u32 = 48;
    const FIELDS: &'static [Field] = &[Field::new("data", 32), Field::new("tag", 16)];
    #[inline(always)]
    fn absorb_into(&self, digest: u64) -> u64 {
        absorb(digest, pair(self.data, u32::from(self.tag)))
    }
    fn fields_into(&self, fields: &mut FieldValues<'_>) {
        fields.number(u64::from(self.data));
        fields.number(u64::from(self.tag));
    }
}

/// From decode to execute: an instruction, where it stands and where fetch went behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodedInstruction {
    /// Where it stands.
    pub address: u32,
    /// Where the instruction behind it in the pipeline stands.
    pub predicted: u32,
    /// What it does; meaningless with `fault`.
    pub instruction: Instruction,
    /// See [`FetchRequest::epoch`].
    pub epoch: bool,
    /// See [`FetchReply::fault`].
    pub fault: bool,
}

impl Signal for DecodedInstruction {
    const NAME: &'static str = "DecodedInstruction";
    const BITS: u32 = FetchReply::BITS;
    const FIELDS: &'static [Field] = &[
        Field::new("address", 32),
        Field::new("predicted", 32),
        Field::new("instruction", 32),
        Field::new("epoch", 1),
        Field::new("fault", 1),
    ];
    #[inline(always)]
    fn absorb_into(&self, digest: u64) -> u64 {
        let flags = u32::from(self.epoch) | u32::from(self.fault) << 1;
        let digest = absorb(digest, pair(self.address, self.predicted));
        absorb(digest, pair(self.instruction.word(), flags))
    }
    fn fields_into(&self, fields: &mut FieldValues<'_>) {
        fields.number(u64::from(self.address));
        fields.number(u64::from(self.predicted));
        fields.number(u64::from(self.instruction.word()));
        fields.number(u64::from(self.epoch));
        fields.number(u64::from(self.fault));
    }
}

/// What kind of jump an instruction is: what the predictor of fetch remembers of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Jump {
    /// A branch that may be taken or not.
    Conditional,
    /// Always taken, to where it went the last time.
    Always,
    /// The same, and leaves a return address (in `ra` or `t0`).
    Call,
    /// To the return address of the last call.
    Return,
    /// None: an instruction behind which fetch must start anew.
    Not,
}

impl Jump {
    /// What traces call them, in order of declaration.
    pub const NAMES: &'static [&'static str] = &["conditional", "always", "call", "return", "not"];
}

/// From execute to fetch: where the program went behind an instruction.
///
/// It comes for all branches, calls and returns, and for all else when the prediction was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// Where the instruction stands.
    pub address: u32,
    /// Where the program goes on.
    pub target: u32,
    /// What kind of jump it is.
    pub jump: Jump,
    /// The branch was taken; true for all but conditional ones.
    pub taken: bool,
    /// Fetch went elsewhere and must go to the target, in the other epoch.
    pub redirect: bool,
}

impl Signal for Resolution {
    const NAME: &'static str = "Resolution";
    const BITS: u32 = 69;
    const FIELDS: &'static [Field] = &[
        Field::new("address", 32),
        Field::new("target", 32),
        Field::choice("jump", 3, Jump::NAMES),
        Field::new("taken", 1),
        Field::new("redirect", 1),
    ];
    #[inline(always)]
    fn absorb_into(&self, digest: u64) -> u64 {
        let control = self.jump as u64 | u64::from(self.taken) << 3 | u64::from(self.redirect) << 4;
        absorb(absorb(digest, pair(self.address, self.target)), control)
    }
    fn fields_into(&self, fields: &mut FieldValues<'_>) {
        fields.number(u64::from(self.address));
        fields.number(u64::from(self.target));
        fields.number(self.jump as u64);
        fields.number(u64::from(self.taken));
        fields.number(u64::from(self.redirect));
    }
}

/// From execute to multiply: operands of a multiplication or division.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MultiplyRequest {
    /// First operand.
    pub a: u32,
    /// Second operand.
    pub b: u32,
    /// What is asked for.
    pub operation: MulDiv,
    /// Register that waits for the result.
    pub register: u8,
}

impl Signal for MultiplyRequest {
    const NAME: &'static str = "MultiplyRequest";
    const BITS: u32 = 72;
    const FIELDS: &'static [Field] = &[
        Field::new("a", 32),
        Field::new("b", 32),
        Field::choice("operation", 3, MulDiv::NAMES),
        Field::new("register", 5),
    ];
    #[inline(always)]
    fn absorb_into(&self, digest: u64) -> u64 {
        let control = self.operation as u64 | u64::from(self.register) << 8;
        absorb(absorb(digest, pair(self.a, self.b)), control)
    }
    fn fields_into(&self, fields: &mut FieldValues<'_>) {
        fields.number(u64::from(self.a));
        fields.number(u64::from(self.b));
        fields.number(self.operation as u64);
        fields.number(u64::from(self.register));
    }
}

/// From execute to load/store: an access that has passed its checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryRequest {
    /// First byte accessed.
    pub address: u32,
    /// What is stored, or the operand of an atomic.
    pub data: u32,
    /// What is done.
    pub access: Access,
    /// Register that waits for the answer, 0 for none.
    pub register: u8,
    /// A device stands at the address.
    pub device: bool,
}

impl Signal for MemoryRequest {
    const NAME: &'static str = "MemoryRequest";
    const BITS: u32 = 76;
    const FIELDS: &'static [Field] = &[
        Field::new("address", 32),
        Field::new("data", 32),
        Field::new("access", 6),
        Field::new("register", 5),
        Field::new("device", 1),
    ];
    #[inline(always)]
    fn absorb_into(&self, digest: u64) -> u64 {
        let control = u64::from(self.access.code())
            | u64::from(self.register) << 8
            | u64::from(self.device) << 16;
        absorb(absorb(digest, pair(self.address, self.data)), control)
    }
    fn fields_into(&self, fields: &mut FieldValues<'_>) {
        fields.number(u64::from(self.address));
        fields.number(u64::from(self.data));
        fields.number(u64::from(self.access.code()));
        fields.number(u64::from(self.register));
        fields.number(u64::from(self.device));
    }
}

/// From multiply to write-back and from write-back to execute: a register has its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterWrite {
    /// The value.
    pub value: u32,
    /// The register; 0 says that a fence is passed.
    pub register: u8,
}

impl Signal for RegisterWrite {
    const NAME: &'static str = "RegisterWrite";
    const BITS: u32 = 37;
    const FIELDS: &'static [Field] = &[Field::new("value", 32), Field::new("register", 5)];
    #[inline(always)]
    fn absorb_into(&self, digest: u64) -> u64 {
        absorb(digest, pair(self.value, u32::from(self.register)))
    }
    fn fields_into(&self, fields: &mut FieldValues<'_>) {
        fields.number(u64::from(self.value));
        fields.number(u64::from(self.register));
    }
}

#[cfg(test)]
mod tests;
