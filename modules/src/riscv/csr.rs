//! Control and status registers of a machine-mode hart, and its traps.
//!
//! One privilege mode (M) and no interrupt source: `mstatus.MPP` is always M and `mip` is always
//! 0, so only exceptions trap. Every register legalises what is written to it (WARL). An access to a
//! register that is not here, or a write to a read-only one, is an illegal instruction, which the
//! caller raises. Source: "The RISC-V Instruction Set Manual, Volume II: Privileged
//! Architecture" (20211203), chapters 2 and 3, and Volume I, chapters 9 and 10.
//!
//! Time comes from outside: `now`, the cycle of the caller's clock, so that nothing is done in
//! cycles in which nothing happens. Knows nothing of instructions' encodings or of pipelines.

use serde::{Deserialize, Serialize};
use std::fmt;

// Numbers (Privileged Architecture, tables 2.2 to 2.6).

/// Machine status.
pub const MSTATUS: u16 = 0x300;
/// Extensions of this hart.
pub const MISA: u16 = 0x301;
/// Interrupt enables.
pub const MIE: u16 = 0x304;
/// Address and mode of the trap vector.
pub const MTVEC: u16 = 0x305;
/// Upper half of `mstatus`.
pub const MSTATUSH: u16 = 0x310;
/// A word for the trap handler.
pub const MSCRATCH: u16 = 0x340;
/// Address of the instruction that trapped.
pub const MEPC: u16 = 0x341;
/// Cause of the trap.
pub const MCAUSE: u16 = 0x342;
/// Address or word of the trap.
pub const MTVAL: u16 = 0x343;
/// Pending interrupts.
pub const MIP: u16 = 0x344;
/// Cycles, low half.
pub const MCYCLE: u16 = 0xb00;
/// Retired instructions, low half.
pub const MINSTRET: u16 = 0xb02;
/// Cycles, high half.
pub const MCYCLEH: u16 = 0xb80;
/// Retired instructions, high half.
pub const MINSTRETH: u16 = 0xb82;
/// Cycles, low half, read-only.
pub const CYCLE: u16 = 0xc00;
/// Retired instructions, low half, read-only.
pub const INSTRET: u16 = 0xc02;
/// Cycles, high half, read-only.
pub const CYCLEH: u16 = 0xc80;
/// Retired instructions, high half, read-only.
pub const INSTRETH: u16 = 0xc82;
/// Vendor: 0, none.
pub const MVENDORID: u16 = 0xf11;
/// Architecture: 0, none.
pub const MARCHID: u16 = 0xf12;
/// Implementation: 0, none.
pub const MIMPID: u16 = 0xf13;
/// Number of this hart.
pub const MHARTID: u16 = 0xf14;
/// Configuration structure: 0, none.
pub const MCONFIGPTR: u16 = 0xf15;

/// What `misa` reads: 32 bits, extensions A, I and M.
pub const MISA_VALUE: u32 = 1 << 30 | MISA_A | MISA_I | MISA_M;

// The letter's place in the alphabet is its bit.
const MISA_A: u32 = 1;
const MISA_I: u32 = 1 << 8;
const MISA_M: u32 = 1 << 12;

const MSTATUS_MIE: u32 = 1 << 3;
const MSTATUS_MPIE: u32 = 1 << 7;
const MSTATUS_MPP_MACHINE: u32 = 3 << 11;

/// Software, timer and external interrupt: the enables that exist.
const MIE_WRITABLE: u32 = 1 << 3 | 1 << 7 | 1 << 11;

/// Mode 2 and 3 of `mtvec` are reserved; its second bit stays 0.
const MTVEC_WRITABLE: u32 = !0b10;

/// Instructions are aligned to four bytes.
const MEPC_WRITABLE: u32 = !0b11;

/// Name of a register that this machine has.
#[must_use]
pub const fn name(number: u16) -> Option<&'static str> {
    Some(match number {
        MSTATUS => "mstatus",
        MISA => "misa",
        MIE => "mie",
        MTVEC => "mtvec",
        MSTATUSH => "mstatush",
        MSCRATCH => "mscratch",
        MEPC => "mepc",
        MCAUSE => "mcause",
        MTVAL => "mtval",
        MIP => "mip",
        MCYCLE => "mcycle",
        MINSTRET => "minstret",
        MCYCLEH => "mcycleh",
        MINSTRETH => "minstreth",
        CYCLE => "cycle",
        INSTRET => "instret",
        CYCLEH => "cycleh",
        INSTRETH => "instreth",
        MVENDORID => "mvendorid",
        MARCHID => "marchid",
        MIMPID => "mimpid",
        MHARTID => "mhartid",
        MCONFIGPTR => "mconfigptr",
        _ => return None,
    })
}

/// How an instruction changes a CSR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsrChange {
    /// The operand replaces the value.
    Write,
    /// The bits of the operand are set.
    Set,
    /// The bits of the operand are cleared.
    Clear,
}

impl CsrChange {
    /// The value asked for, before the register keeps what it can of it.
    #[inline]
    #[must_use]
    pub const fn apply(self, old: u32, operand: u32) -> u32 {
        match self {
            Self::Write => operand,
            Self::Set => old | operand,
            Self::Clear => old & !operand,
        }
    }
}

/// What an exception is called in `mcause`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Cause {
    /// A taken jump or branch to an address not aligned to 4.
    InstructionMisaligned = 0,
    /// A fetch where no memory is.
    InstructionAccess = 1,
    /// No instruction of this machine, or a CSR it may not access.
    IllegalInstruction = 2,
    /// EBREAK.
    Breakpoint = 3,
    /// A load or LR not aligned to its size.
    LoadMisaligned = 4,
    /// A load or LR where nothing is.
    LoadAccess = 5,
    /// A store, SC or AMO not aligned to its size.
    StoreMisaligned = 6,
    /// A store, SC or AMO where nothing is that can take it.
    StoreAccess = 7,
    /// ECALL.
    MachineEcall = 11,
}

impl Cause {
    /// The number in `mcause`.
    #[inline]
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::InstructionMisaligned => "instruction address misaligned",
            Self::InstructionAccess => "instruction access fault",
            Self::IllegalInstruction => "illegal instruction",
            Self::Breakpoint => "breakpoint",
            Self::LoadMisaligned => "load address misaligned",
            Self::LoadAccess => "load access fault",
            Self::StoreMisaligned => "store address misaligned",
            Self::StoreAccess => "store access fault",
            Self::MachineEcall => "environment call",
        })
    }
}

/// An exception: what `mcause` and `mtval` will say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trap {
    /// Why.
    pub cause: Cause,
    /// The address that misses or is misaligned, the word that is no instruction, the address of an
    /// EBREAK, 0 for an ECALL.
    pub value: u32,
}

/// The registers of one hart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsrFile {
    hart: u32,
    interrupts_enabled: bool,
    interrupts_were_enabled: bool,
    mie: u32,
    mtvec: u32,
    mscratch: u32,
    mepc: u32,
    mcause: u32,
    mtval: u32,
    /// What the guest's cycle count is ahead of the clock, modulo 2^64: nonzero once it was written.
    cycle_offset: u64,
    instret: u64,
}

impl CsrFile {
    /// Registers after reset.
    #[must_use]
    pub const fn new(hart: u32) -> Self {
        Self {
            hart,
            interrupts_enabled: false,
            interrupts_were_enabled: false,
            mie: 0,
            mtvec: 0,
            mscratch: 0,
            mepc: 0,
            mcause: 0,
            mtval: 0,
            cycle_offset: 0,
            instret: 0,
        }
    }

    /// Executes a CSR instruction: gives the old value, and changes the register if `writes`.
    /// `None` is an illegal instruction, and nothing has changed.
    pub fn access(
        &mut self,
        number: u16,
        change: CsrChange,
        operand: u32,
        writes: bool,
        now: u64,
    ) -> Option<u32> {
        let old = self.read(number, now)?;
        if writes {
            // The top two bits of a number say who may write (Privileged Architecture, 2.1).
            if number >> 10 == 0b11 {
                return None;
            }
            self.write(number, change.apply(old, operand), now);
        }
        Some(old)
    }

    /// The value of a register; `None` if there is none of this number.
    #[must_use]
    pub const fn read(&self, number: u16, now: u64) -> Option<u32> {
        Some(match number {
            MSTATUS => self.mstatus(),
            MISA => MISA_VALUE,
            MIE => self.mie,
            MTVEC => self.mtvec,
            MSCRATCH => self.mscratch,
            MEPC => self.mepc,
            MCAUSE => self.mcause,
            MTVAL => self.mtval,
            MCYCLE | CYCLE => self.cycle(now) as u32,
            MCYCLEH | CYCLEH => (self.cycle(now) >> 32) as u32,
            MINSTRET | INSTRET => self.instret as u32,
            MINSTRETH | INSTRETH => (self.instret >> 32) as u32,
            MHARTID => self.hart,
            MSTATUSH | MIP | MVENDORID | MARCHID | MIMPID | MCONFIGPTR => 0,
            _ => return None,
        })
    }

    /// Writes a register that exists and is not read-only.
    const fn write(&mut self, number: u16, value: u32, now: u64) {
        match number {
            MSTATUS => {
                self.interrupts_enabled = value & MSTATUS_MIE != 0;
                self.interrupts_were_enabled = value & MSTATUS_MPIE != 0;
            }
            MIE => self.mie = value & MIE_WRITABLE,
            MTVEC => self.mtvec = value & MTVEC_WRITABLE,
            MSCRATCH => self.mscratch = value,
            MEPC => self.mepc = value & MEPC_WRITABLE,
            MCAUSE => self.mcause = value,
            MTVAL => self.mtval = value,
            MCYCLE => self.set_cycle(with_low(self.cycle(now), value), now),
            MCYCLEH => self.set_cycle(with_high(self.cycle(now), value), now),
            MINSTRET => self.set_instret(with_low(self.instret, value)),
            MINSTRETH => self.set_instret(with_high(self.instret, value)),
            // Those that keep none of what is written: misa, mip, mstatush.
            _ => {}
        }
    }

    const fn mstatus(&self) -> u32 {
        MSTATUS_MPP_MACHINE
            | if self.interrupts_enabled {
                MSTATUS_MIE
            } else {
                0
            }
            | if self.interrupts_were_enabled {
                MSTATUS_MPIE
            } else {
                0
            }
    }

    const fn cycle(&self, now: u64) -> u64 {
        now.wrapping_add(self.cycle_offset)
    }

    const fn set_cycle(&mut self, value: u64, now: u64) {
        self.cycle_offset = value.wrapping_sub(now);
    }

    /// The next instruction must read what was written, so the count is set back by the writing
    /// instruction's own retirement (Volume I, chapter 9: the write takes effect after it).
    const fn set_instret(&mut self, value: u64) {
        self.instret = value.wrapping_sub(1);
    }

    /// Counts a retired instruction: called once for each, after its CSR access. Instructions that
    /// trap, ECALL and EBREAK among them, do not retire.
    #[inline]
    pub const fn retire(&mut self) {
        self.instret = self.instret.wrapping_add(1);
    }

    /// Instructions retired, or what the guest made of the count.
    #[inline]
    #[must_use]
    pub const fn instret(&self) -> u64 {
        self.instret
    }

    /// Takes a trap at the instruction at `pc`; gives the address of the handler. Exceptions go to
    /// the base of `mtvec` in either mode: vectors are for interrupts only.
    pub const fn enter_trap(&mut self, pc: u32, trap: Trap) -> u32 {
        self.mepc = pc & MEPC_WRITABLE;
        self.mcause = trap.cause.number();
        self.mtval = trap.value;
        self.interrupts_were_enabled = self.interrupts_enabled;
        self.interrupts_enabled = false;
        self.mtvec & !0b11
    }

    /// Executes MRET; gives the address to go on at.
    pub const fn return_from_trap(&mut self) -> u32 {
        self.interrupts_enabled = self.interrupts_were_enabled;
        self.interrupts_were_enabled = true;
        self.mepc
    }
}

const fn with_low(value: u64, low: u32) -> u64 {
    value & !0xffff_ffff | low as u64
}

const fn with_high(value: u64, high: u32) -> u64 {
    value & 0xffff_ffff | (high as u64) << 32
}

#[cfg(test)]
mod tests;
