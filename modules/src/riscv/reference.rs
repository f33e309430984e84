//! The reference interpreter: what a program means, one instruction at a time.
//!
//! The second opinion for every pipeline. Plain on purpose: no time, no caches, one flat memory,
//! harts take turns instruction by instruction, which is one of the interleavings that
//! sequential consistency allows. It shares the arithmetic, the CSRs and the registers of the UART with the
//! pipelines, and nothing else.
//!
//! Choices where the manuals leave one, which a pipeline must make alike to be compared:
//! a misaligned access traps as misaligned even where nothing is; SC checks its address
//! before its reservation; a hart's own stores leave its reservation alone, any other hart's store to
//! the reserved word ends it; a trap or MRET leaves it alone; WFI does nothing; `mcycle` counts
//! steps.

use super::csr::{Cause, CsrChange, CsrFile, Trap};
use super::image::{Image, ImageError};
use super::instruction::{Instruction, Load, Operation, Store, alu, amo, branch_taken, mul_div};
use super::platform::{self, Device, RAM_BASE, Region, TOHOST_SYMBOL};
use super::uart::{Consequence, Status, Uart};
use std::collections::VecDeque;

/// A hart between two instructions.
#[derive(Clone, Debug)]
pub struct Hart {
    registers: [u32; 32],
    pc: u32,
    csrs: CsrFile,
    /// Address of the reserved word.
    reservation: Option<u32>,
    /// Steps made: instructions retired and traps taken.
    steps: u64,
}

impl Hart {
    fn new(number: u32, entry: u32) -> Self {
        let mut registers = [0; 32];
        registers[10] = number; // a0
        Self {
            registers,
            pc: entry,
            csrs: CsrFile::new(number),
            reservation: None,
            steps: 0,
        }
    }

    /// The integer registers; `x0` is 0.
    #[must_use]
    pub fn registers(&self) -> &[u32; 32] {
        &self.registers
    }

    /// Address of the next instruction.
    #[must_use]
    pub fn pc(&self) -> u32 {
        self.pc
    }

    /// Control and status registers.
    #[must_use]
    pub fn csrs(&self) -> &CsrFile {
        &self.csrs
    }

    /// Steps made: instructions retired and traps taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    fn set(&mut self, register: u8, value: u32) {
        if register != 0 {
            self.registers[usize::from(register)] = value;
        }
    }
}

/// What one step of a hart did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where the instruction stood.
    pub pc: u32,
    /// The instruction; a NOP if it could not be fetched.
    pub instruction: Instruction,
    /// The trap it took instead of retiring.
    pub trap: Option<Trap>,
}

/// A machine of several harts and one memory.
#[derive(Clone, Debug)]
pub struct Reference {
    harts: Vec<Hart>,
    memory: Memory,
}

impl Reference {
    /// A machine that has `program` in its RAM and every hart at its entry.
    ///
    /// # Errors
    /// [`ImageError::OutOfRange`] if the program does not fit into the RAM.
    pub fn new(program: &Image, hart_count: u32, ram_bytes: u32) -> Result<Self, ImageError> {
        program.check_within(RAM_BASE, ram_bytes)?;
        let mut ram = vec![0; ram_bytes as usize / 4];
        program.copy_words(RAM_BASE, &mut ram);
        let harts = (0..hart_count)
            .map(|number| Hart::new(number, program.entry()))
            .collect();
        let memory = Memory {
            ram,
            ram_bytes,
            hart_count,
            tohost: program.symbol(TOHOST_SYMBOL),
            uart: Uart::default(),
            input: VecDeque::new(),
            console: Vec::new(),
            exit_code: None,
        };
        Ok(Self { harts, memory })
    }

    /// Lets the harts take turns until one ends the run or each has made `steps_max` steps. The
    /// exit code, if the run has ended.
    pub fn run(&mut self, steps_max: u64) -> Option<u32> {
        for _ in 0..steps_max {
            for hart in 0..self.harts.len() {
                self.step(hart);
                if self.memory.exit_code.is_some() {
                    return self.memory.exit_code;
                }
            }
        }
        None
    }

    /// Makes one step of one hart.
    pub fn step(&mut self, hart_number: usize) -> Step {
        let hart = &mut self.harts[hart_number];
        let pc = hart.pc;
        hart.steps += 1;
        let (instruction, result) = match self.memory.fetch(pc) {
            Ok(instruction) => (instruction, execute(hart, instruction, &mut self.memory)),
            Err(trap) => (Instruction::NOP, Err(trap)),
        };
        match result {
            Ok(outcome) => {
                hart.csrs.retire();
                hart.pc = outcome.next_pc;
                if let Some(address) = outcome.stored_word {
                    self.end_reservations(hart_number, address);
                }
                Step {
                    pc,
                    instruction,
                    trap: None,
                }
            }
            Err(trap) => {
                hart.pc = hart.csrs.enter_trap(pc, trap);
                Step {
                    pc,
                    instruction,
                    trap: Some(trap),
                }
            }
        }
    }

    fn end_reservations(&mut self, storing_hart: usize, address: u32) {
        for (number, hart) in self.harts.iter_mut().enumerate() {
            if number != storing_hart && hart.reservation == Some(address) {
                hart.reservation = None;
            }
        }
    }

    /// The harts, by number.
    #[must_use]
    pub fn harts(&self) -> &[Hart] {
        &self.harts
    }

    /// RAM, from [`RAM_BASE`] on.
    #[must_use]
    pub fn ram(&self) -> &[u32] {
        &self.memory.ram
    }

    /// What the program printed.
    #[must_use]
    pub fn console(&self) -> &[u8] {
        &self.memory.console
    }

    /// Bytes that the UART receives.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.memory.input.extend(bytes);
    }

    /// The exit code, once the run has ended.
    #[must_use]
    pub fn exit_code(&self) -> Option<u32> {
        self.memory.exit_code
    }
}

/// RAM, devices and the way out.
#[derive(Clone, Debug)]
struct Memory {
    ram: Vec<u32>,
    ram_bytes: u32,
    hart_count: u32,
    tohost: Option<u32>,
    uart: Uart,
    /// What the UART has yet to give.
    input: VecDeque<u8>,
    console: Vec<u8>,
    exit_code: Option<u32>,
}

impl Memory {
    fn region(&self, address: u32) -> Region {
        platform::region(address, self.ram_bytes)
    }

    fn fetch(&self, pc: u32) -> Result<Instruction, Trap> {
        match self.region(pc) {
            Region::Ram(offset) => Ok(Instruction::decode(self.ram[offset as usize / 4])),
            Region::Device(_) | Region::Hole => Err(Trap {
                cause: Cause::InstructionAccess,
                value: pc,
            }),
        }
    }

    fn load(&mut self, load: Load, address: u32) -> Result<u32, Trap> {
        if !address.is_multiple_of(load.bytes()) {
            return Err(Trap {
                cause: Cause::LoadMisaligned,
                value: address,
            });
        }
        let word = match self.region(address) {
            Region::Ram(offset) => self.ram[offset as usize / 4],
            Region::Device(Device::Uart(register)) => {
                let status = Status {
                    received: self.input.front().copied(),
                    can_send: true,
                };
                let (value, consequence) = self.uart.load(register, status);
                if consequence == Consequence::Taken {
                    self.input.pop_front();
                }
                u32::from(value) << (8 * (register & 3))
            }
            Region::Device(Device::HartCount) => self.hart_count,
            Region::Hole => {
                return Err(Trap {
                    cause: Cause::LoadAccess,
                    value: address,
                });
            }
        };
        Ok(load.extract(word, address))
    }

    fn store(&mut self, store: Store, address: u32, value: u32) -> Result<(), Trap> {
        if !address.is_multiple_of(store.bytes()) {
            return Err(Trap {
                cause: Cause::StoreMisaligned,
                value: address,
            });
        }
        match self.region(address) {
            Region::Ram(offset) => {
                let word = &mut self.ram[offset as usize / 4];
                *word = store.merge(*word, value, address);
                if store == Store::Word && self.tohost == Some(address) {
                    self.exit_code = platform::exit_code(value);
                }
            }
            Region::Device(Device::Uart(register)) => {
                match self.uart.store(register, value as u8) {
                    Consequence::Sent(byte) => self.console.push(byte),
                    Consequence::Emptied => self.input.clear(),
                    Consequence::Nothing | Consequence::Taken => {}
                }
            }
            Region::Device(Device::HartCount) | Region::Hole => {
                return Err(Trap {
                    cause: Cause::StoreAccess,
                    value: address,
                });
            }
        }
        Ok(())
    }

    /// The word that an atomic instruction works on.
    fn atomic_word(
        &mut self,
        address: u32,
        misaligned: Cause,
        access: Cause,
    ) -> Result<&mut u32, Trap> {
        if !address.is_multiple_of(4) {
            return Err(Trap {
                cause: misaligned,
                value: address,
            });
        }
        match self.region(address) {
            Region::Ram(offset) => Ok(&mut self.ram[offset as usize / 4]),
            Region::Device(_) | Region::Hole => Err(Trap {
                cause: access,
                value: address,
            }),
        }
    }
}

/// What an instruction that did not trap leaves to be done.
struct Outcome {
    next_pc: u32,
    /// Address of the RAM word it wrote.
    stored_word: Option<u32>,
}

/// Executes an instruction; if it traps, nothing has changed.
fn execute(
    hart: &mut Hart,
    instruction: Instruction,
    memory: &mut Memory,
) -> Result<Outcome, Trap> {
    let pc = hart.pc;
    let a = hart.registers[usize::from(instruction.rs1())];
    let b = hart.registers[usize::from(instruction.rs2())];
    let immediate = instruction.immediate();
    let rd = instruction.rd();
    let mut next_pc = pc.wrapping_add(4);
    let mut stored_word = None;
    match instruction.operation() {
        Operation::Alu(operation) => hart.set(rd, alu(operation, a, b)),
        Operation::AluImmediate(operation) => hart.set(rd, alu(operation, a, immediate)),
        Operation::Lui => hart.set(rd, immediate),
        Operation::Auipc => hart.set(rd, pc.wrapping_add(immediate)),
        Operation::MulDiv(operation) => hart.set(rd, mul_div(operation, a, b)),
        Operation::Jal => {
            let target = jump_target(pc.wrapping_add(immediate))?;
            hart.set(rd, next_pc);
            next_pc = target;
        }
        Operation::Jalr => {
            let target = jump_target(a.wrapping_add(immediate) & !1)?;
            hart.set(rd, next_pc);
            next_pc = target;
        }
        Operation::Branch(condition) => {
            if branch_taken(condition, a, b) {
                next_pc = jump_target(pc.wrapping_add(immediate))?;
            }
        }
        Operation::Load(load) => {
            let value = memory.load(load, a.wrapping_add(immediate))?;
            hart.set(rd, value);
        }
        Operation::Store(store) => {
            let address = a.wrapping_add(immediate);
            memory.store(store, address, b)?;
            stored_word = Some(address & !3);
        }
        Operation::LoadReserved => {
            let word = *memory.atomic_word(a, Cause::LoadMisaligned, Cause::LoadAccess)?;
            hart.reservation = Some(a);
            hart.set(rd, word);
        }
        Operation::StoreConditional => {
            let word = memory.atomic_word(a, Cause::StoreMisaligned, Cause::StoreAccess)?;
            let succeeds = hart.reservation.take() == Some(a);
            if succeeds {
                *word = b;
                stored_word = Some(a);
            }
            hart.set(rd, u32::from(!succeeds));
        }
        Operation::Amo(operation) => {
            let word = memory.atomic_word(a, Cause::StoreMisaligned, Cause::StoreAccess)?;
            let old = *word;
            *word = amo(operation, old, b);
            stored_word = Some(a);
            hart.set(rd, old);
        }
        Operation::Csr(change) => access_csr(hart, instruction, change, a)?,
        Operation::CsrImmediate(change) => {
            access_csr(hart, instruction, change, instruction.csr_immediate())?
        }
        Operation::Fence | Operation::FenceI | Operation::Wfi => {}
        Operation::Ecall => {
            return Err(Trap {
                cause: Cause::MachineEcall,
                value: 0,
            });
        }
        Operation::Ebreak => {
            return Err(Trap {
                cause: Cause::Breakpoint,
                value: pc,
            });
        }
        Operation::Mret => next_pc = hart.csrs.return_from_trap(),
        Operation::Illegal => return Err(illegal(instruction)),
    }
    Ok(Outcome {
        next_pc,
        stored_word,
    })
}

fn access_csr(
    hart: &mut Hart,
    instruction: Instruction,
    change: CsrChange,
    operand: u32,
) -> Result<(), Trap> {
    let now = hart.steps - 1;
    let old = hart
        .csrs
        .access(
            instruction.csr_number(),
            change,
            operand,
            instruction.writes_csr(),
            now,
        )
        .ok_or(illegal(instruction))?;
    hart.set(instruction.rd(), old);
    Ok(())
}

fn illegal(instruction: Instruction) -> Trap {
    Trap {
        cause: Cause::IllegalInstruction,
        value: instruction.word(),
    }
}

/// A jump or taken branch to an address between instructions traps at the jump itself
/// (Unprivileged ISA, section 2.5).
fn jump_target(target: u32) -> Result<u32, Trap> {
    if target.is_multiple_of(4) {
        Ok(target)
    } else {
        Err(Trap {
            cause: Cause::InstructionMisaligned,
            value: target,
        })
    }
}

#[cfg(test)]
mod tests;
