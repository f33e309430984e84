//! Assembler text of an instruction, for reports: ABI register names, no aliases, targets
//! relative to the instruction (`beq a0,a1,.+16`), as no instruction knows its address.

use super::{Alu, Amo, Condition, Instruction, Load, MulDiv, Operation, Store};
use crate::riscv::csr::{self, CsrChange};
use std::fmt;

/// ABI names of the integer registers.
pub const REGISTER_NAMES: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
];

impl fmt::Display for Instruction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [rd, rs1, rs2] =
            [self.rd, self.rs1, self.rs2].map(|number| REGISTER_NAMES[usize::from(number)]);
        let signed = self.immediate as i32;
        match self.operation {
            Operation::Alu(alu) => write!(out, "{} {rd},{rs1},{rs2}", alu_name(alu)),
            Operation::AluImmediate(alu) => self.alu_immediate(alu, rd, rs1, out),
            Operation::Lui => write!(out, "lui {rd},{:#x}", self.immediate >> 12),
            Operation::Auipc => write!(out, "auipc {rd},{:#x}", self.immediate >> 12),
            Operation::Jal => write!(out, "jal {rd},.{signed:+}"),
            Operation::Jalr => write!(out, "jalr {rd},{signed}({rs1})"),
            Operation::Branch(condition) => {
                write!(out, "{} {rs1},{rs2},.{signed:+}", condition_name(condition))
            }
            Operation::Load(load) => write!(out, "{} {rd},{signed}({rs1})", load_name(load)),
            Operation::Store(store) => write!(out, "{} {rs2},{signed}({rs1})", store_name(store)),
            Operation::MulDiv(mul_div) => write!(out, "{} {rd},{rs1},{rs2}", mul_div_name(mul_div)),
            Operation::LoadReserved => write!(out, "lr.w{} {rd},({rs1})", self.ordering_suffix()),
            Operation::StoreConditional => {
                write!(out, "sc.w{} {rd},{rs2},({rs1})", self.ordering_suffix())
            }
            Operation::Amo(amo) => {
                write!(
                    out,
                    "{}{} {rd},{rs2},({rs1})",
                    amo_name(amo),
                    self.ordering_suffix()
                )
            }
            Operation::Csr(change) => {
                write!(
                    out,
                    "{} {rd},{},{rs1}",
                    change_name(change),
                    CsrName(self.csr_number())
                )
            }
            Operation::CsrImmediate(change) => {
                write!(
                    out,
                    "{}i {rd},{},{}",
                    change_name(change),
                    CsrName(self.csr_number()),
                    self.csr_immediate()
                )
            }
            Operation::Fence => write!(
                out,
                "fence {},{}",
                FenceSet(self.word >> 24),
                FenceSet(self.word >> 20)
            ),
            Operation::FenceI => out.write_str("fence.i"),
            Operation::Ecall => out.write_str("ecall"),
            Operation::Ebreak => out.write_str("ebreak"),
            Operation::Mret => out.write_str("mret"),
            Operation::Wfi => out.write_str("wfi"),
            Operation::Illegal => write!(out, "illegal {:#010x}", self.word),
        }
    }
}

impl fmt::Debug for Instruction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:08x} {self}", self.word)
    }
}

impl Instruction {
    fn alu_immediate(
        &self,
        alu: Alu,
        rd: &str,
        rs1: &str,
        out: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        match alu {
            Alu::ShiftLeft | Alu::ShiftRight | Alu::ShiftRightArithmetic => {
                write!(out, "{}i {rd},{rs1},{:#x}", alu_name(alu), self.immediate)
            }
            Alu::LessUnsigned => write!(out, "sltiu {rd},{rs1},{}", self.immediate as i32),
            _ => write!(
                out,
                "{}i {rd},{rs1},{}",
                alu_name(alu),
                self.immediate as i32
            ),
        }
    }

    const fn ordering_suffix(&self) -> &'static str {
        match self.ordering() {
            (false, false) => "",
            (true, false) => ".aq",
            (false, true) => ".rl",
            (true, true) => ".aqrl",
        }
    }
}

/// Predecessor or successor set of a FENCE, in the low four bits.
struct FenceSet(u32);

impl fmt::Display for FenceSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 & 0xf == 0 {
            return out.write_str("0");
        }
        for (bit, letter) in [(8, "i"), (4, "o"), (2, "r"), (1, "w")] {
            if self.0 & bit != 0 {
                out.write_str(letter)?;
            }
        }
        Ok(())
    }
}

/// A CSR, by name if this machine has it.
struct CsrName(u16);

impl fmt::Display for CsrName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match csr::name(self.0) {
            Some(name) => out.write_str(name),
            None => write!(out, "{:#x}", self.0),
        }
    }
}

const fn alu_name(alu: Alu) -> &'static str {
    match alu {
        Alu::Add => "add",
        Alu::Sub => "sub",
        Alu::ShiftLeft => "sll",
        Alu::Less => "slt",
        Alu::LessUnsigned => "sltu",
        Alu::Xor => "xor",
        Alu::ShiftRight => "srl",
        Alu::ShiftRightArithmetic => "sra",
        Alu::Or => "or",
        Alu::And => "and",
    }
}

const fn condition_name(condition: Condition) -> &'static str {
    match condition {
        Condition::Equal => "beq",
        Condition::NotEqual => "bne",
        Condition::Less => "blt",
        Condition::GreaterEqual => "bge",
        Condition::LessUnsigned => "bltu",
        Condition::GreaterEqualUnsigned => "bgeu",
    }
}

const fn load_name(load: Load) -> &'static str {
    match load {
        Load::Byte => "lb",
        Load::Half => "lh",
        Load::Word => "lw",
        Load::ByteUnsigned => "lbu",
        Load::HalfUnsigned => "lhu",
    }
}

const fn store_name(store: Store) -> &'static str {
    match store {
        Store::Byte => "sb",
        Store::Half => "sh",
        Store::Word => "sw",
    }
}

const fn mul_div_name(mul_div: MulDiv) -> &'static str {
    match mul_div {
        MulDiv::Mul => "mul",
        MulDiv::MulHigh => "mulh",
        MulDiv::MulHighSignedUnsigned => "mulhsu",
        MulDiv::MulHighUnsigned => "mulhu",
        MulDiv::Divide => "div",
        MulDiv::DivideUnsigned => "divu",
        MulDiv::Remainder => "rem",
        MulDiv::RemainderUnsigned => "remu",
    }
}

const fn amo_name(amo: Amo) -> &'static str {
    match amo {
        Amo::Swap => "amoswap.w",
        Amo::Add => "amoadd.w",
        Amo::Xor => "amoxor.w",
        Amo::And => "amoand.w",
        Amo::Or => "amoor.w",
        Amo::Min => "amomin.w",
        Amo::Max => "amomax.w",
        Amo::MinUnsigned => "amominu.w",
        Amo::MaxUnsigned => "amomaxu.w",
    }
}

const fn change_name(change: CsrChange) -> &'static str {
    match change {
        CsrChange::Write => "csrrw",
        CsrChange::Set => "csrrs",
        CsrChange::Clear => "csrrc",
    }
}
