//! HOT. The third stage: registers, scoreboard, arithmetic, branches, traps.
//!
//! | port | | signal | |
//! |---|---|---|---|
//! | `decoded` | in | [`DecodedInstruction`] | from decode, in the order predicted |
//! | `write` | in | [`RegisterWrite`] | from write-back |
//! | `invalidated` | in | token | from the instruction cache: it is empty |
//! | `resolved` | out | [`Resolution`] | to fetch |
//! | `access` | out | [`MemoryRequest`] | to load/store |
//! | `operands` | out | [`MultiplyRequest`] | to multiply |
//! | `invalidate` | out | token | to the instruction cache: be empty |
//!
//! One instruction per edge, in program order, each performed at the edge at which it is popped:
//! it reads its registers, and what it does to the core is done when the edge is over. So a chain
//! of dependent arithmetic runs at full rate, traps are precise without any repair, and nothing
//! that leaves this stage can be taken back or has to be. Loads, multiplications and divisions
//! are only started here: the *scoreboard* holds a bit for every register that waits for its value,
//! and an instruction that reads or writes such a register waits at the head of the pipeline.
//!
//! With the least latency on every wire: a load's value can be used 4 edges after the load was
//! performed if the data cache hits in one edge; a product 2 edges after multiply has it;
//! the instruction after a misprediction is performed 4 edges after the branch.
//!
//! What was fetched on a wrong path carries the other epoch and is popped without effect, one per
//! edge. `fence` waits until load/store has been told that all accesses were performed; `fence.i`
//! does that, then empties the instruction cache, then has fetch start anew.

mod system;

use super::access::{Access, AccessError};
use super::csr::{Cause, CsrFile};
use super::instruction::{Instruction, MulDiv, Operation, alu, branch_taken};
use super::platform::RAM_BYTES_DEFAULT;
use super::signals::{
    DecodedInstruction, Jump, MemoryRequest, MultiplyRequest, RegisterWrite, Resolution,
};
use serde::{Deserialize, Serialize};
use tina_engine::{
    BuildError, Cycle, Effect, In, Item, Module, Out, Probes, Results, Room, State, Wiring,
};

/// Parameters of [`Execute`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecuteParams {
    /// Number of the hart.
    pub hart: u32,
    /// Bytes of RAM: beyond them accesses fault.
    #[serde(default = "ram_bytes_default")]
    pub ram_bytes: u32,
}

const fn ram_bytes_default() -> u32 {
    RAM_BYTES_DEFAULT
}

/// How far an instruction has come that takes several edges here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Progress {
    /// It has not begun.
    New,
    /// A fence is on its way through load/store.
    FenceSent,
    /// Every access before it has been performed.
    FencePassed,
    /// The instruction cache has been told to be empty.
    InvalidateSent,
}

/// What [`Progress`] is called in traces.
const PROGRESS: [&str; 4] = ["new", "fence_sent", "fence_passed", "invalidate_sent"];

/// The third stage of the core.
pub struct Execute {
    decoded: In<DecodedInstruction>,
    resolved: Out<Resolution>,
    core: Core,
}

/// The instruction at the head of the pipeline, and room to tell fetch of it: what ends it takes both.
struct Head<'a> {
    decoded: Item<'a, DecodedInstruction>,
    resolved: Room<'a, Resolution>,
}

/// All of it but the two ends of the loop of fetch, decode and execute.
struct Core {
    write: In<RegisterWrite>,
    access: Out<MemoryRequest>,
    operands: Out<MultiplyRequest>,
    registers: [u32; 32],
    /// Bit r: register r waits for its value. Never bit 0.
    scoreboard: u32,
    epoch: bool,
    progress: Progress,
    ram_bytes: u32,
    csrs: CsrFile,
    /// Instructions retired.
    instruction_count: u64,
    branch_count: u64,
    mispredict_count: u64,
    trap_count: u64,
    /// Edges up to the last instruction.
    cycle_count: u64,
    invalidated: In<()>,
    invalidate: Out<()>,
}

impl Module for Execute {
    const KIND: &'static str = "riscv.execute";
    const SUMMARY: &'static str = "third stage of a core: registers, scoreboard, arithmetic, \
        branches, traps; in decoded, write, invalidated, out resolved, access, operands, invalidate";
    const COST_NS: f64 = 9.0;
    type Params = ExecuteParams;

    fn build(params: ExecuteParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let mut registers = [0; 32];
        registers[REGISTER_A0] = params.hart;
        Ok(Self {
            decoded: wiring.input("decoded")?,
            resolved: wiring.output("resolved")?,
            core: Core {
                write: wiring.input("write")?,
                invalidated: wiring.input("invalidated")?,
                access: wiring.output("access")?,
                operands: wiring.output("operands")?,
                invalidate: wiring.output("invalidate")?,
                registers,
                scoreboard: 0,
                epoch: false,
                progress: Progress::New,
                ram_bytes: params.ram_bytes,
                csrs: CsrFile::new(params.hart),
                instruction_count: 0,
                branch_count: 0,
                mispredict_count: 0,
                trap_count: 0,
                cycle_count: 0,
            },
        })
    }

    #[inline(always)]
    fn clock(&mut self, now: Cycle) -> Effect {
        let core = &mut self.core;
        if let Some(write) = core.write.try_pop() {
            core.take(write);
        }
        if let Some(decoded) = self.decoded.item() {
            if decoded.epoch != core.epoch {
                decoded.take();
            } else if core.has_registers(decoded.instruction)
                && let Some(resolved) = self.resolved.room()
            {
                core.perform(Head { decoded, resolved }, now);
            }
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        let core = &mut self.core;
        state
            .value(&mut core.registers)
            .value(&mut core.scoreboard)
            .value(&mut core.epoch)
            .value(&mut core.progress)
            .value(&mut core.csrs)
            .value(&mut core.instruction_count)
            .value(&mut core.branch_count)
            .value(&mut core.mispredict_count)
            .value(&mut core.trap_count)
            .value(&mut core.cycle_count);
    }

    fn probe(&self, probes: &mut Probes<'_>) {
        let core = &self.core;
        probes.number("retired", 48, core.instruction_count);
        probes.number("mispredicts", 48, core.mispredict_count);
        probes.number("traps", 48, core.trap_count);
        probes.number("scoreboard", 32, u64::from(core.scoreboard));
        probes.choice("progress", &PROGRESS, core.progress as u64);
    }

    fn report(&self, results: &mut Results) {
        results
            .count("instructions", self.core.instruction_count)
            .described("instructions", "completed");
        results
            .count("cycles", self.core.cycle_count)
            .described("cycles", "until the last instruction");
        results
            .count("branches", self.core.branch_count)
            .described("instructions", "branches and jumps");
        results
            .count("mispredicts", self.core.mispredict_count)
            .described(
                "instructions",
                "branches and jumps that were predicted wrongly",
            );
        results
            .count("traps", self.core.trap_count)
            .described("traps", "taken");
    }
}

const REGISTER_A0: usize = 10;

impl Core {
    #[inline(always)]
    fn take(&mut self, write: RegisterWrite) {
        if write.register == 0 {
            debug_assert_eq!(self.progress, Progress::FenceSent);
            self.progress = Progress::FencePassed;
        } else {
            debug_assert!(self.scoreboard >> write.register & 1 == 1);
            self.registers[usize::from(write.register & 31)] = write.value;
            self.scoreboard &= !(1 << (write.register & 31));
        }
    }

    /// Whether no register of an instruction waits for its value.
    #[inline(always)]
    fn has_registers(&self, instruction: Instruction) -> bool {
        let used = 1 << (instruction.rd() & 31)
            | 1 << (instruction.rs1() & 31)
            | 1 << (instruction.rs2() & 31);
        self.scoreboard & used == 0
    }

    #[inline(always)]
    fn register(&self, number: u8) -> u32 {
        self.registers[usize::from(number & 31)]
    }

    #[inline(always)]
    fn set_register(&mut self, number: u8, value: u32) {
        self.registers[usize::from(number & 31)] = value;
        self.registers[0] = 0;
    }

    /// Performs the instruction at the head of the pipeline, or leaves everything as it is if
    /// something has no room.
    #[inline(always)]
    fn perform(&mut self, head: Head<'_>, now: Cycle) {
        let DecodedInstruction {
            address,
            instruction,
            fault,
            ..
        } = *head.decoded;
        if fault {
            return self.trap(head, Cause::InstructionAccess, address);
        }
        let a = self.register(instruction.rs1());
        let b = self.register(instruction.rs2());
        let immediate = instruction.immediate();
        let value = match instruction.operation() {
            Operation::Alu(operation) => alu(operation, a, b),
            Operation::AluImmediate(operation) => alu(operation, a, immediate),
            Operation::Lui => immediate,
            Operation::Auipc => address.wrapping_add(immediate),
            Operation::Branch(condition) => {
                return self.branch(head, branch_taken(condition, a, b), now);
            }
            Operation::Jal => return self.jump(head, address.wrapping_add(immediate), now),
            Operation::Jalr => return self.jump(head, a.wrapping_add(immediate) & !1, now),
            Operation::Load(load) => {
                let place = (a.wrapping_add(immediate), 0);
                return self.start_access(head, Access::Load(load), place, now);
            }
            Operation::Store(store) => {
                let place = (a.wrapping_add(immediate), b);
                return self.start_access(head, Access::Store(store), place, now);
            }
            Operation::LoadReserved => {
                return self.start_atomic(head, Access::LoadReserved, (a, 0), now);
            }
            Operation::StoreConditional => {
                return self.start_atomic(head, Access::StoreConditional, (a, b), now);
            }
            Operation::Amo(amo) => return self.start_atomic(head, Access::Amo(amo), (a, b), now),
            Operation::MulDiv(operation) => {
                return self.start_multiply(head, operation, (a, b), now);
            }
            Operation::Csr(_)
            | Operation::CsrImmediate(_)
            | Operation::Fence
            | Operation::FenceI
            | Operation::Ecall
            | Operation::Ebreak
            | Operation::Mret
            | Operation::Wfi
            | Operation::Illegal => return self.perform_system(head, a, now),
        };
        self.set_register(instruction.rd(), value);
        self.retire_straight(head, now);
    }

    #[inline(always)]
    fn await_register(&mut self, register: u8) {
        self.scoreboard |= 1 << (register & 31);
        self.scoreboard &= !1;
    }

    #[inline(never)]
    fn start_multiply(
        &mut self,
        head: Head<'_>,
        operation: MulDiv,
        (a, b): (u32, u32),
        now: Cycle,
    ) {
        let register = head.decoded.instruction.rd();
        if register != 0 {
            let Some(room) = self.operands.room() else {
                return;
            };
            room.push(MultiplyRequest {
                a,
                b,
                operation,
                register,
            });
            self.await_register(register);
        }
        self.retire_straight(head, now);
    }

    #[inline(always)]
    fn start_access(
        &mut self,
        head: Head<'_>,
        access: Access,
        (address, data): (u32, u32),
        now: Cycle,
    ) {
        let device = match access.check(address, self.ram_bytes) {
            Ok(device) => device,
            Err(error) => return self.trap(head, cause_of(access, error), address),
        };
        if let Some(room) = self.access.room() {
            let register = head.decoded.instruction.rd();
            room.push(MemoryRequest {
                address,
                data,
                access,
                register,
                device,
            });
            self.await_register(register);
            self.retire_straight(head, now);
        }
    }

    /// The same for what is rarer.
    #[inline(never)]
    fn start_atomic(&mut self, head: Head<'_>, access: Access, place: (u32, u32), now: Cycle) {
        self.start_access(head, access, place, now);
    }

    #[inline(always)]
    fn branch(&mut self, head: Head<'_>, taken: bool, now: Cycle) {
        let address = head.decoded.address;
        let offset = head.decoded.instruction.immediate();
        let next = address.wrapping_add(if taken { offset } else { 4 });
        // What stands behind a branch is never misaligned.
        if next & 3 != 0 {
            return self.trap(head, Cause::InstructionMisaligned, next);
        }
        self.branch_count += 1;
        self.retire(now);
        let redirect = self.follow(head.decoded, next);
        self.mispredict_count += u64::from(redirect);
        head.resolved.push(Resolution {
            address,
            target: next,
            jump: Jump::Conditional,
            taken,
            redirect,
        });
    }

    #[inline(always)]
    fn jump(&mut self, head: Head<'_>, target: u32, now: Cycle) {
        if target & 3 != 0 {
            return self.trap(head, Cause::InstructionMisaligned, target);
        }
        let DecodedInstruction {
            address,
            instruction,
            ..
        } = *head.decoded;
        let jump = jump_kind(instruction);
        self.set_register(instruction.rd(), address.wrapping_add(4));
        self.branch_count += 1;
        self.retire(now);
        let redirect = self.follow(head.decoded, target);
        self.mispredict_count += u64::from(redirect);
        if redirect || jump != Jump::Always {
            head.resolved.push(Resolution {
                address,
                target,
                jump,
                taken: true,
                redirect,
            });
        }
    }

    /// Ends an instruction behind which the next one stands.
    #[inline(always)]
    fn retire_straight(&mut self, head: Head<'_>, now: Cycle) {
        self.retire(now);
        let address = head.decoded.address;
        let next = address.wrapping_add(4);
        if self.follow(head.decoded, next) {
            redirect(head.resolved, address, next);
        }
    }

    #[inline(always)]
    fn retire(&mut self, now: Cycle) {
        self.csrs.retire();
        self.instruction_count += 1;
        self.cycle_count = now + 1;
    }

    /// Takes the instruction; true if what follows it in the pipeline is not what follows it in
    /// the program: from then on the other epoch counts, and fetch must be told.
    #[inline(always)]
    fn follow(&mut self, decoded: Item<'_, DecodedInstruction>, next: u32) -> bool {
        let redirect = next != decoded.take().predicted;
        self.epoch ^= redirect;
        redirect
    }
}

/// Tells fetch to go on elsewhere, for another reason than a jump.
#[cold]
#[inline(never)]
fn redirect(resolved: Room<'_, Resolution>, address: u32, target: u32) {
    resolved.push(Resolution {
        address,
        target,
        jump: Jump::Not,
        taken: true,
        redirect: true,
    });
}

/// What the predictor is told of a JAL or JALR: `ra` and `t0` are link registers (Unprivileged
/// ISA, table 2.1).
#[inline(always)]
fn jump_kind(instruction: Instruction) -> Jump {
    let is_link = |register: u8| register == 1 || register == 5;
    if is_link(instruction.rd()) {
        Jump::Call
    } else if is_link(instruction.rs1()) {
        Jump::Return
    } else {
        Jump::Always
    }
}

const fn cause_of(access: Access, error: AccessError) -> Cause {
    match (error, access.is_load()) {
        (AccessError::Misaligned, true) => Cause::LoadMisaligned,
        (AccessError::Misaligned, false) => Cause::StoreMisaligned,
        (AccessError::Fault, true) => Cause::LoadAccess,
        (AccessError::Fault, false) => Cause::StoreAccess,
    }
}
