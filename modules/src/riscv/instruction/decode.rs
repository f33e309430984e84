//! Decoding: the opcode map of RV32IMA_Zicsr_Zifencei (Unprivileged ISA, chapter 24).
//!
//! Reserved encodings are illegal; hints and the ignored fields of FENCE and FENCE.I are not.

use super::{Alu, Amo, Condition, Instruction, Load, MulDiv, Operation, Store};
use crate::riscv::csr::CsrChange;

/// Which fields of a word are operands.
#[derive(Clone, Copy)]
enum Format {
    R,
    I,
    S,
    B,
    U,
    J,
    /// `rd` and `rs1` only.
    Csr,
    /// `rd` only.
    CsrImmediate,
    None,
}

pub(super) const fn decode(word: u32) -> Instruction {
    let (operation, format) = operation(word);
    let rd = (word >> 7 & 0x1f) as u8;
    let rs1 = (word >> 15 & 0x1f) as u8;
    let rs2 = (word >> 20 & 0x1f) as u8;
    let (rd, rs1, rs2, immediate) = match format {
        Format::R => (rd, rs1, rs2, 0),
        Format::I => (rd, rs1, 0, immediate_i(word)),
        Format::S => (0, rs1, rs2, immediate_s(word)),
        Format::B => (0, rs1, rs2, immediate_b(word)),
        Format::U => (rd, 0, 0, word & 0xffff_f000),
        Format::J => (rd, 0, 0, immediate_j(word)),
        Format::Csr => (rd, rs1, 0, 0),
        Format::CsrImmediate => (rd, 0, 0, 0),
        Format::None => (0, 0, 0, 0),
    };
    // Shift amounts are five bits; the sixth and the function bits above are not part of them.
    let immediate = match operation {
        Operation::AluImmediate(Alu::ShiftLeft | Alu::ShiftRight | Alu::ShiftRightArithmetic) => {
            immediate & 0x1f
        }
        _ => immediate,
    };
    Instruction {
        word,
        immediate,
        operation,
        rd,
        rs1,
        rs2,
    }
}

const fn operation(word: u32) -> (Operation, Format) {
    use Operation as Op;
    let funct3 = word >> 12 & 7;
    let funct7 = word >> 25;
    match word & 0x7f {
        0x37 => (Op::Lui, Format::U),
        0x17 => (Op::Auipc, Format::U),
        0x6f => (Op::Jal, Format::J),
        0x67 if funct3 == 0 => (Op::Jalr, Format::I),
        0x63 => branch(funct3),
        0x03 => load(funct3),
        0x23 => store(funct3),
        0x13 => immediate_operation(funct3, funct7),
        0x33 => register_operation(funct3, funct7),
        0x0f if funct3 == 0 => (Op::Fence, Format::None),
        0x0f if funct3 == 1 => (Op::FenceI, Format::None),
        0x2f if funct3 == 2 => atomic(word),
        0x73 => system(word, funct3),
        _ => ILLEGAL,
    }
}

const ILLEGAL: (Operation, Format) = (Operation::Illegal, Format::None);

const fn branch(funct3: u32) -> (Operation, Format) {
    let condition = match funct3 {
        0 => Condition::Equal,
        1 => Condition::NotEqual,
        4 => Condition::Less,
        5 => Condition::GreaterEqual,
        6 => Condition::LessUnsigned,
        7 => Condition::GreaterEqualUnsigned,
        _ => return ILLEGAL,
    };
    (Operation::Branch(condition), Format::B)
}

const fn load(funct3: u32) -> (Operation, Format) {
    let load = match funct3 {
        0 => Load::Byte,
        1 => Load::Half,
        2 => Load::Word,
        4 => Load::ByteUnsigned,
        5 => Load::HalfUnsigned,
        _ => return ILLEGAL,
    };
    (Operation::Load(load), Format::I)
}

const fn store(funct3: u32) -> (Operation, Format) {
    let store = match funct3 {
        0 => Store::Byte,
        1 => Store::Half,
        2 => Store::Word,
        _ => return ILLEGAL,
    };
    (Operation::Store(store), Format::S)
}

const fn immediate_operation(funct3: u32, funct7: u32) -> (Operation, Format) {
    let alu = match (funct3, funct7) {
        (0, _) => Alu::Add,
        (1, 0x00) => Alu::ShiftLeft,
        (2, _) => Alu::Less,
        (3, _) => Alu::LessUnsigned,
        (4, _) => Alu::Xor,
        (5, 0x00) => Alu::ShiftRight,
        (5, 0x20) => Alu::ShiftRightArithmetic,
        (6, _) => Alu::Or,
        (7, _) => Alu::And,
        _ => return ILLEGAL,
    };
    (Operation::AluImmediate(alu), Format::I)
}

const fn register_operation(funct3: u32, funct7: u32) -> (Operation, Format) {
    let alu = match (funct7, funct3) {
        (0x00, 0) => Alu::Add,
        (0x20, 0) => Alu::Sub,
        (0x00, 1) => Alu::ShiftLeft,
        (0x00, 2) => Alu::Less,
        (0x00, 3) => Alu::LessUnsigned,
        (0x00, 4) => Alu::Xor,
        (0x00, 5) => Alu::ShiftRight,
        (0x20, 5) => Alu::ShiftRightArithmetic,
        (0x00, 6) => Alu::Or,
        (0x00, 7) => Alu::And,
        (0x01, _) => return (Operation::MulDiv(mul_div(funct3)), Format::R),
        _ => return ILLEGAL,
    };
    (Operation::Alu(alu), Format::R)
}

const fn mul_div(funct3: u32) -> MulDiv {
    match funct3 {
        0 => MulDiv::Mul,
        1 => MulDiv::MulHigh,
        2 => MulDiv::MulHighSignedUnsigned,
        3 => MulDiv::MulHighUnsigned,
        4 => MulDiv::Divide,
        5 => MulDiv::DivideUnsigned,
        6 => MulDiv::Remainder,
        _ => MulDiv::RemainderUnsigned,
    }
}

const fn atomic(word: u32) -> (Operation, Format) {
    let amo = match word >> 27 {
        0b00010 if word >> 20 & 0x1f == 0 => return (Operation::LoadReserved, Format::R),
        0b00011 => return (Operation::StoreConditional, Format::R),
        0b00001 => Amo::Swap,
        0b00000 => Amo::Add,
        0b00100 => Amo::Xor,
        0b01100 => Amo::And,
        0b01000 => Amo::Or,
        0b10000 => Amo::Min,
        0b10100 => Amo::Max,
        0b11000 => Amo::MinUnsigned,
        0b11100 => Amo::MaxUnsigned,
        _ => return ILLEGAL,
    };
    (Operation::Amo(amo), Format::R)
}

const fn system(word: u32, funct3: u32) -> (Operation, Format) {
    use Operation as Op;
    match funct3 {
        0 => match word {
            0x0000_0073 => (Op::Ecall, Format::None),
            0x0010_0073 => (Op::Ebreak, Format::None),
            0x3020_0073 => (Op::Mret, Format::None),
            0x1050_0073 => (Op::Wfi, Format::None),
            _ => ILLEGAL,
        },
        1 => (Op::Csr(CsrChange::Write), Format::Csr),
        2 => (Op::Csr(CsrChange::Set), Format::Csr),
        3 => (Op::Csr(CsrChange::Clear), Format::Csr),
        5 => (Op::CsrImmediate(CsrChange::Write), Format::CsrImmediate),
        6 => (Op::CsrImmediate(CsrChange::Set), Format::CsrImmediate),
        7 => (Op::CsrImmediate(CsrChange::Clear), Format::CsrImmediate),
        _ => ILLEGAL,
    }
}

// Immediates: the sign is always bit 31 of the word (Unprivileged ISA, section 2.3).

const fn immediate_i(word: u32) -> u32 {
    (word as i32 >> 20) as u32
}

const fn immediate_s(word: u32) -> u32 {
    (word as i32 >> 25 << 5) as u32 | word >> 7 & 0x1f
}

const fn immediate_b(word: u32) -> u32 {
    (word as i32 >> 31 << 12) as u32
        | (word >> 7 & 1) << 11
        | (word >> 25 & 0x3f) << 5
        | (word >> 8 & 0xf) << 1
}

const fn immediate_j(word: u32) -> u32 {
    (word as i32 >> 31 << 20) as u32
        | word & 0x000f_f000
        | (word >> 20 & 1) << 11
        | (word >> 21 & 0x3ff) << 1
}
