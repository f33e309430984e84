//! Instructions of RV32IMA with Zicsr and Zifencei: decoding, arithmetic, text.
//!
//! A 32-bit word is decoded once into an [`Instruction`], 16 bytes that every later stage
//! reads without looking at encodings again. The record is a pure function of the word, and
//! decoding is its only constructor, so the word alone stands for it in digests. Register
//! numbers are 0 where the format has no such operand: `x0` is never a dependency.
//!
//! The arithmetic of every instruction is here, once, for the pipeline and for the reference
//! interpreter alike; the enums are split so that each function is total. Sources: "The RISC-V
//! Instruction Set Manual, Volume I: Unprivileged ISA" (20191213) for I, M, A, Zicsr, Zifencei and
//! the opcode map of its chapter 24; "Volume II: Privileged Architecture" (20211203) for
//! MRET and WFI.
//!
//! Knows nothing of memory, of CSR contents, of privilege or of time.

mod decode;
mod text;

pub use text::REGISTER_NAMES;

use super::csr::CsrChange;
use tina_engine::{FieldValues, Signal, absorb};

/// An operation on two words that takes one cycle in any pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alu {
    /// Sum, modulo 2^32.
    Add,
    /// Difference, modulo 2^32.
    Sub,
    /// Shift left by the low five bits.
    ShiftLeft,
    /// 1 if less, signed.
    Less,
    /// 1 if less, unsigned.
    LessUnsigned,
    /// Exclusive or.
    Xor,
    /// Shift right by the low five bits, zeros enter.
    ShiftRight,
    /// Shift right by the low five bits, copies of the sign enter.
    ShiftRightArithmetic,
    /// Or.
    Or,
    /// And.
    And,
}

/// When a branch is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Equal.
    Equal,
    /// Not equal.
    NotEqual,
    /// Less, signed.
    Less,
    /// Greater or equal, signed.
    GreaterEqual,
    /// Less, unsigned.
    LessUnsigned,
    /// Greater or equal, unsigned.
    GreaterEqualUnsigned,
}

/// Width and extension of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// One byte, sign-extended.
    Byte,
    /// Two bytes, sign-extended.
    Half,
    /// Four bytes.
    Word,
    /// One byte, zero-extended.
    ByteUnsigned,
    /// Two bytes, zero-extended.
    HalfUnsigned,
}

/// Width of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// One byte.
    Byte,
    /// Two bytes.
    Half,
    /// Four bytes.
    Word,
}

/// An operation of the M extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MulDiv {
    /// Low word of the product.
    Mul,
    /// High word, signed × signed.
    MulHigh,
    /// High word, signed × unsigned.
    MulHighSignedUnsigned,
    /// High word, unsigned × unsigned.
    MulHighUnsigned,
    /// Signed quotient, rounded towards zero.
    Divide,
    /// Unsigned quotient.
    DivideUnsigned,
    /// Signed remainder, with the sign of the dividend.
    Remainder,
    /// Unsigned remainder.
    RemainderUnsigned,
}

impl MulDiv {
    /// What traces call them, in order of declaration.
    pub const NAMES: &'static [&'static str] = &[
        "mul", "mulh", "mulhsu", "mulhu", "div", "divu", "rem", "remu",
    ];
}

/// A read-modify-write operation of the A extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amo {
    /// The operand replaces the word.
    Swap,
    /// Sum, modulo 2^32.
    Add,
    /// Exclusive or.
    Xor,
    /// And.
    And,
    /// Or.
    Or,
    /// Signed minimum.
    Min,
    /// Signed maximum.
    Max,
    /// Unsigned minimum.
    MinUnsigned,
    /// Unsigned maximum.
    MaxUnsigned,
}

/// What an instruction does. `Illegal` is what remains of a word with no meaning here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `rd = rs1 op rs2`.
    Alu(Alu),
    /// `rd = rs1 op immediate`.
    AluImmediate(Alu),
    /// `rd = immediate`.
    Lui,
    /// `rd = pc + immediate`.
    Auipc,
    /// `rd = pc + 4; pc = pc + immediate`.
    Jal,
    /// `rd = pc + 4; pc = (rs1 + immediate) & !1`.
    Jalr,
    /// `if rs1 ? rs2 { pc = pc + immediate }`.
    Branch(Condition),
    /// `rd = memory[rs1 + immediate]`.
    Load(Load),
    /// `memory[rs1 + immediate] = rs2`.
    Store(Store),
    /// `rd = rs1 op rs2`, in the multiplier or the divider.
    MulDiv(MulDiv),
    /// LR.W: `rd = memory[rs1]`, and reserve.
    LoadReserved,
    /// SC.W: store `rs2` if still reserved; `rd` = 0 on success, 1 on failure.
    StoreConditional,
    /// `rd = memory[rs1]; memory[rs1] = rd op rs2`, atomically.
    Amo(Amo),
    /// `rd = csr; csr = csr op rs1`.
    Csr(CsrChange),
    /// `rd = csr; csr = csr op zimm`.
    CsrImmediate(CsrChange),
    /// FENCE, whatever its sets.
    Fence,
    /// FENCE.I: later fetches of this hart see its earlier stores.
    FenceI,
    /// Call of the environment.
    Ecall,
    /// Breakpoint.
    Ebreak,
    /// Return from a machine-mode trap.
    Mret,
    /// Wait for interrupt; allowed to do nothing.
    Wfi,
    /// No instruction of this machine.
    Illegal,
}

/// A decoded instruction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    word: u32,
    immediate: u32,
    operation: Operation,
    rd: u8,
    rs1: u8,
    rs2: u8,
}

const _: () = assert!(size_of::<Instruction>() <= 16);

impl Instruction {
    /// `addi x0, x0, 0`: what a bubble in a pipeline holds.
    pub const NOP: Self = Self {
        word: 0x0000_0013,
        immediate: 0,
        operation: Operation::AluImmediate(Alu::Add),
        rd: 0,
        rs1: 0,
        rs2: 0,
    };

    /// Decodes a word; one without meaning becomes [`Operation::Illegal`].
    #[must_use]
    pub const fn decode(word: u32) -> Self {
        decode::decode(word)
    }

    /// What it does.
    #[inline]
    #[must_use]
    pub const fn operation(self) -> Operation {
        self.operation
    }

    /// Destination register, 0 if none.
    #[inline]
    #[must_use]
    pub const fn rd(self) -> u8 {
        self.rd
    }

    /// First source register, 0 if none.
    #[inline]
    #[must_use]
    pub const fn rs1(self) -> u8 {
        self.rs1
    }

    /// Second source register, 0 if none.
    #[inline]
    #[must_use]
    pub const fn rs2(self) -> u8 {
        self.rs2
    }

    /// Immediate, sign-extended and in place (the value of LUI, the byte offset of a branch); 0 for
    /// formats without one and for CSR instructions.
    #[inline]
    #[must_use]
    pub const fn immediate(self) -> u32 {
        self.immediate
    }

    /// The word it was decoded from: what `mtval` holds after an illegal-instruction trap.
    #[inline]
    #[must_use]
    pub const fn word(self) -> u32 {
        self.word
    }

    /// The CSR a [`Operation::Csr`] or [`Operation::CsrImmediate`] speaks of.
    #[inline]
    #[must_use]
    pub const fn csr_number(self) -> u16 {
        (self.word >> 20) as u16
    }

    /// The five-bit operand of a [`Operation::CsrImmediate`].
    #[inline]
    #[must_use]
    pub const fn csr_immediate(self) -> u32 {
        self.word >> 15 & 0x1f
    }

    /// Whether a CSR instruction writes its CSR: set and clear do not if the operand field is 0
    /// (Unprivileged ISA, chapter 9). The field decides, not the content of the register.
    #[inline]
    #[must_use]
    pub const fn writes_csr(self) -> bool {
        match self.operation {
            Operation::Csr(CsrChange::Write) | Operation::CsrImmediate(CsrChange::Write) => true,
            Operation::Csr(CsrChange::Set | CsrChange::Clear)
            | Operation::CsrImmediate(CsrChange::Set | CsrChange::Clear) => {
                self.csr_immediate() != 0
            }
            _ => false,
        }
    }

    /// Acquire and release bits of an atomic instruction: (`aq`, `rl`).
    #[inline]
    #[must_use]
    pub const fn ordering(self) -> (bool, bool) {
        (self.word >> 26 & 1 == 1, self.word >> 25 & 1 == 1)
    }
}

impl Default for Instruction {
    fn default() -> Self {
        Self::NOP
    }
}

impl Signal for Instruction {
    const NAME: &'static str = "instruction";
    const BITS: u32 = 32;

    #[inline(always)]
    fn absorb_into(&self, digest: u64) -> u64 {
        absorb(digest, u64::from(self.word))
    }
    fn fields_into(&self, fields: &mut FieldValues<'_>) {
        fields.number(u64::from(self.word));
    }
}

/// The result of an [`Alu`] operation.
#[inline]
#[must_use]
pub const fn alu(operation: Alu, a: u32, b: u32) -> u32 {
    match operation {
        Alu::Add => a.wrapping_add(b),
        Alu::Sub => a.wrapping_sub(b),
        Alu::ShiftLeft => a << (b & 31),
        Alu::Less => ((a as i32) < (b as i32)) as u32,
        Alu::LessUnsigned => (a < b) as u32,
        Alu::Xor => a ^ b,
        Alu::ShiftRight => a >> (b & 31),
        Alu::ShiftRightArithmetic => ((a as i32) >> (b & 31)) as u32,
        Alu::Or => a | b,
        Alu::And => a & b,
    }
}

/// Whether a branch is taken.
#[inline]
#[must_use]
pub const fn branch_taken(condition: Condition, a: u32, b: u32) -> bool {
    match condition {
        Condition::Equal => a == b,
        Condition::NotEqual => a != b,
        Condition::Less => (a as i32) < (b as i32),
        Condition::GreaterEqual => (a as i32) >= (b as i32),
        Condition::LessUnsigned => a < b,
        Condition::GreaterEqualUnsigned => a >= b,
    }
}

/// The result of a [`MulDiv`] operation. Division by zero gives a quotient of all ones and the
/// dividend as remainder; the one signed overflow gives the dividend and 0 (Unprivileged ISA,
/// table 7.1). Neither traps.
#[inline]
#[must_use]
pub const fn mul_div(operation: MulDiv, a: u32, b: u32) -> u32 {
    let (signed_a, signed_b) = (a as i32, b as i32);
    match operation {
        MulDiv::Mul => a.wrapping_mul(b),
        MulDiv::MulHigh => ((signed_a as i64 * signed_b as i64) >> 32) as u32,
        MulDiv::MulHighSignedUnsigned => ((signed_a as i64 * b as i64) >> 32) as u32,
        MulDiv::MulHighUnsigned => ((a as u64 * b as u64) >> 32) as u32,
        MulDiv::Divide if b == 0 => u32::MAX,
        MulDiv::Divide => signed_a.wrapping_div(signed_b) as u32,
        MulDiv::DivideUnsigned if b == 0 => u32::MAX,
        MulDiv::DivideUnsigned => a / b,
        MulDiv::Remainder if b == 0 => a,
        MulDiv::Remainder => signed_a.wrapping_rem(signed_b) as u32,
        MulDiv::RemainderUnsigned if b == 0 => a,
        MulDiv::RemainderUnsigned => a % b,
    }
}

/// The word an [`Amo`] leaves in memory; the register gets `old`.
#[inline]
#[must_use]
pub const fn amo(operation: Amo, old: u32, operand: u32) -> u32 {
    let operand_is_less = (operand as i32) < (old as i32);
    match operation {
        Amo::Swap => operand,
        Amo::Add => old.wrapping_add(operand),
        Amo::Xor => old ^ operand,
        Amo::And => old & operand,
        Amo::Or => old | operand,
        Amo::Min => {
            if operand_is_less {
                operand
            } else {
                old
            }
        }
        Amo::Max => {
            if operand_is_less {
                old
            } else {
                operand
            }
        }
        Amo::MinUnsigned => {
            if operand < old {
                operand
            } else {
                old
            }
        }
        Amo::MaxUnsigned => {
            if operand < old {
                old
            } else {
                operand
            }
        }
    }
}

impl Load {
    /// Bytes read, which is also the alignment asked for.
    #[inline]
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            Self::Byte | Self::ByteUnsigned => 1,
            Self::Half | Self::HalfUnsigned => 2,
            Self::Word => 4,
        }
    }

    /// The register value of an aligned access at `address` within the aligned `word` around it.
    #[inline]
    #[must_use]
    pub const fn extract(self, word: u32, address: u32) -> u32 {
        let shifted = word >> (8 * (address & 3));
        match self {
            Self::Byte => shifted as i8 as u32,
            Self::Half => shifted as i16 as u32,
            Self::Word => shifted,
            Self::ByteUnsigned => shifted as u8 as u32,
            Self::HalfUnsigned => shifted as u16 as u32,
        }
    }
}

impl Store {
    /// Bytes written, which is also the alignment asked for.
    #[inline]
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            Self::Byte => 1,
            Self::Half => 2,
            Self::Word => 4,
        }
    }

    /// The byte lanes of an aligned store at `address`: one bit a byte of the aligned word.
    #[inline]
    #[must_use]
    pub const fn byte_lanes(self, address: u32) -> u8 {
        let lanes = match self {
            Self::Byte => 0b0001,
            Self::Half => 0b0011,
            Self::Word => 0b1111,
        };
        lanes << (address & 3)
    }

    /// The store's data moved to its byte lanes.
    #[inline]
    #[must_use]
    pub const fn place(self, value: u32, address: u32) -> u32 {
        value << (8 * (address & 3))
    }

    /// The aligned word after the store.
    #[inline]
    #[must_use]
    pub const fn merge(self, word: u32, value: u32, address: u32) -> u32 {
        merge_lanes(word, self.place(value, address), self.byte_lanes(address))
    }
}

/// `old` with the bytes of `new` whose lane bit is set.
#[inline]
#[must_use]
pub const fn merge_lanes(old: u32, new: u32, byte_lanes: u8) -> u32 {
    // Spread the four lane bits to the low bit of each byte, then fill the bytes.
    let spread = (byte_lanes as u32 & 0xf).wrapping_mul(0x0020_4081) & 0x0101_0101;
    let mask = spread * 0xff;
    old & !mask | new & mask
}

#[cfg(test)]
mod tests;
