//! What execute does rarely: traps, CSRs, fences.

use super::{Core, Head, Progress, redirect};
use crate::riscv::access::Access;
use crate::riscv::csr::{Cause, CsrChange, Trap};
use crate::riscv::instruction::Operation;
use crate::riscv::signals::{DecodedInstruction, MemoryRequest};
use tina_engine::Cycle;

impl Core {
    /// Performs what is neither arithmetic nor a branch nor an access; `a` is the first operand.
    #[inline(never)]
    pub(super) fn perform_system(&mut self, head: Head<'_>, a: u32, now: Cycle) {
        let DecodedInstruction {
            address,
            instruction,
            ..
        } = *head.decoded;
        match instruction.operation() {
            Operation::Csr(change) => self.change_csr(head, change, a, now),
            Operation::CsrImmediate(change) => {
                self.change_csr(head, change, instruction.csr_immediate(), now);
            }
            Operation::Fence => {
                if self.passed_fence() {
                    self.progress = Progress::New;
                    self.retire_straight(head, now);
                }
            }
            Operation::FenceI => self.fence_instructions(head, now),
            Operation::Ecall => self.trap(head, Cause::MachineEcall, 0),
            Operation::Ebreak => self.trap(head, Cause::Breakpoint, address),
            Operation::Mret => {
                let target = self.csrs.return_from_trap();
                self.retire_anew(head, target, now);
            }
            Operation::Wfi => self.retire_straight(head, now),
            _ => self.trap(head, Cause::IllegalInstruction, instruction.word()),
        }
    }

    /// Goes to the trap handler. What came before has been performed or will be, whatever
    /// happens; this instruction has done nothing.
    #[cold]
    #[inline(never)]
    pub(super) fn trap(&mut self, head: Head<'_>, cause: Cause, value: u32) {
        self.trap_count += 1;
        let address = head.decoded.address;
        let target = self.csrs.enter_trap(address, Trap { cause, value });
        self.start_anew(head, target);
    }

    fn change_csr(&mut self, head: Head<'_>, change: CsrChange, operand: u32, now: Cycle) {
        let instruction = head.decoded.instruction;
        let (number, writes) = (instruction.csr_number(), instruction.writes_csr());
        match self.csrs.access(number, change, operand, writes, now) {
            Some(old) => {
                self.set_register(instruction.rd(), old);
                self.retire_straight(head, now);
            }
            None => self.trap(head, Cause::IllegalInstruction, instruction.word()),
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
    fn fence_instructions(&mut self, head: Head<'_>, now: Cycle) {
        if self.progress == Progress::InvalidateSent {
            if self.invalidated.try_pop().is_some() {
                self.progress = Progress::New;
                let target = head.decoded.address.wrapping_add(4);
                self.retire_anew(head, target, now);
            }
        } else if self.passed_fence() && self.invalidate.has_room() {
            self.invalidate.push(());
            self.progress = Progress::InvalidateSent;
        }
    }

    /// Ends an instruction behind which nothing that was fetched may be used.
    fn retire_anew(&mut self, head: Head<'_>, target: u32, now: Cycle) {
        self.retire(now);
        self.start_anew(head, target);
    }

    fn start_anew(&mut self, head: Head<'_>, target: u32) {
        let decoded = head.decoded.take();
        self.epoch = !self.epoch;
        redirect(head.resolved, decoded.address, target);
    }
}
