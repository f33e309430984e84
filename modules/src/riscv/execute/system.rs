//! What execute does rarely: traps, CSRs, fences.

use super::{Execute, Progress};
use crate::riscv::access::Access;
use crate::riscv::csr::{Cause, CsrChange, Trap};
use crate::riscv::instruction::Operation;
use crate::riscv::signals::{DecodedInstruction, MemoryRequest};
use tina_engine::Cycle;

impl Execute {
    /// Performs what is neither arithmetic nor a branch nor an access; `a` is the first operand.
    #[inline(never)]
    pub(super) fn perform_system(&mut self, decoded: &DecodedInstruction, a: u32, now: Cycle) {
        let instruction = decoded.instruction;
        match instruction.operation() {
            Operation::Csr(change) => self.change_csr(decoded, change, a, now),
            Operation::CsrImmediate(change) => {
                self.change_csr(decoded, change, instruction.csr_immediate(), now);
            }
            Operation::Fence => {
                if self.passed_fence() {
                    self.progress = Progress::New;
                    self.retire_straight(decoded, now);
                }
            }
            Operation::FenceI => self.fence_instructions(decoded, now),
            Operation::Ecall => self.trap(decoded, Cause::MachineEcall, 0),
            Operation::Ebreak => self.trap(decoded, Cause::Breakpoint, decoded.address),
            Operation::Mret => {
                let target = self.csrs.return_from_trap();
                self.retire_anew(decoded, target, now);
            }
            Operation::Wfi => self.retire_straight(decoded, now),
            _ => self.trap(decoded, Cause::IllegalInstruction, instruction.word()),
        }
    }

    /// Goes to the trap handler. What came before has been performed or will be, whatever
    /// happens; this instruction has done nothing.
    #[cold]
    #[inline(never)]
    pub(super) fn trap(&mut self, decoded: &DecodedInstruction, cause: Cause, value: u32) {
        self.trap_count += 1;
        let target = self.csrs.enter_trap(decoded.address, Trap { cause, value });
        self.start_anew(decoded, target);
    }

    fn change_csr(
        &mut self,
        decoded: &DecodedInstruction,
        change: CsrChange,
        operand: u32,
        now: Cycle,
    ) {
        let instruction = decoded.instruction;
        let (number, writes) = (instruction.csr_number(), instruction.writes_csr());
        match self.csrs.access(number, change, operand, writes, now) {
            Some(old) => {
                self.set_register(instruction.rd(), old);
                self.retire_straight(decoded, now);
            }
            None => self.trap(decoded, Cause::IllegalInstruction, instruction.word()),
        }
    }

    /// Sends a fence behind all accesses; true once it has come back.
    fn passed_fence(&mut self) -> bool {
        if self.progress == Progress::New && self.access.has_room() {
            let access = Access::Fence;
            self.access.push(MemoryRequest {
                address: 0,
                data: 0,
                access,
                register: 0,
                device: false,
            });
            self.progress = Progress::FenceSent;
        }
        self.progress == Progress::FencePassed
    }

    /// `fence.i`: own stores first, then the instruction cache forgets, then fetch starts anew.
    fn fence_instructions(&mut self, decoded: &DecodedInstruction, now: Cycle) {
        if self.progress == Progress::InvalidateSent {
            if self.invalidated.try_pop().is_some() {
                self.progress = Progress::New;
                self.retire_anew(decoded, decoded.address.wrapping_add(4), now);
            }
        } else if self.passed_fence() && self.invalidate.has_room() {
            self.invalidate.push(());
            self.progress = Progress::InvalidateSent;
        }
    }

    /// Ends an instruction behind which nothing that was fetched may be used.
    fn retire_anew(&mut self, decoded: &DecodedInstruction, target: u32, now: Cycle) {
        self.retire(now);
        self.start_anew(decoded, target);
    }

    fn start_anew(&mut self, decoded: &DecodedInstruction, target: u32) {
        self.decoded.pop();
        self.epoch = !self.epoch;
        self.redirect(decoded.address, target);
    }
}
