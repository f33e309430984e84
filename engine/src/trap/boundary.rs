//! The frame of a boundary, in assembly: no Rust frame is ever returned to from a fault.
//!
//! [`enter`] saves what a called function must preserve on its stack, notes where that is, and calls the
//! body. It answers 0 when the body returned. The signal handler makes it answer 1: it sets the
//! interrupted context's stack pointer and instruction pointer to what was noted, and the registers are
//! taken from the stack as on the ordinary way.

use std::ffi::c_void;

/// What [`enter`] notes.
#[repr(C)]
pub(super) struct Frame {
    stack_pointer: usize,
    landing: usize,
}

impl Frame {
    pub(super) const EMPTY: Self = Self {
        stack_pointer: 0,
        landing: 0,
    };
}

/// What is called within a boundary.
pub(super) type Body = unsafe extern "C" fn(*mut c_void);

/// Calls `body` with `argument`; 0 if it returned, 1 if a fault led to the landing.
///
/// # Safety
/// `frame` is writable and stays where it is until this returns; `body` may be called with `argument`
/// and does not unwind.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn enter(
    frame: *mut Frame,
    body: Body,
    argument: *mut c_void,
) -> usize {
    std::arch::naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_adjust_cfa_offset 8",
        ".cfi_rel_offset rbp, 0",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "sub rsp, 8",
        // The control words are the caller's, too.
        "stmxcsr [rsp]",
        "fnstcw [rsp + 4]",
        "mov [rdi], rsp",
        "lea rax, [rip + 2f]",
        "mov [rdi + 8], rax",
        "mov rdi, rdx",
        "call rsi",
        "xor eax, eax",
        "jmp 3f",
        // From the signal handler: rsp is what was noted.
        "2:",
        "fninit",
        "fldcw [rsp + 4]",
        "ldmxcsr [rsp]",
        "mov eax, 1",
        "3:",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
    )
}

/// As above.
///
/// # Safety
/// As above.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn enter(
    frame: *mut Frame,
    body: Body,
    argument: *mut c_void,
) -> usize {
    std::arch::naked_asm!(
        ".cfi_startproc",
        "stp x29, x30, [sp, #-176]!",
        ".cfi_def_cfa_offset 176",
        ".cfi_offset x29, -176",
        ".cfi_offset x30, -168",
        "mov x29, sp",
        "stp x19, x20, [sp, #16]",
        "stp x21, x22, [sp, #32]",
        "stp x23, x24, [sp, #48]",
        "stp x25, x26, [sp, #64]",
        "stp x27, x28, [sp, #80]",
        "stp d8, d9, [sp, #96]",
        "stp d10, d11, [sp, #112]",
        "stp d12, d13, [sp, #128]",
        "stp d14, d15, [sp, #144]",
        // The control word is the caller's, too.
        "mrs x9, fpcr",
        "str x9, [sp, #160]",
        "mov x9, sp",
        "str x9, [x0]",
        "adr x9, 2f",
        "str x9, [x0, #8]",
        "mov x9, x1",
        "mov x0, x2",
        "blr x9",
        "mov x0, #0",
        "b 3f",
        // From the signal handler: sp is what was noted.
        "2:",
        "ldr x9, [sp, #160]",
        "msr fpcr, x9",
        "mov x0, #1",
        "3:",
        "ldp x19, x20, [sp, #16]",
        "ldp x21, x22, [sp, #32]",
        "ldp x23, x24, [sp, #48]",
        "ldp x25, x26, [sp, #64]",
        "ldp x27, x28, [sp, #80]",
        "ldp d8, d9, [sp, #96]",
        "ldp d10, d11, [sp, #112]",
        "ldp d12, d13, [sp, #128]",
        "ldp d14, d15, [sp, #144]",
        "ldp x29, x30, [sp], #176",
        ".cfi_def_cfa_offset 0",
        "ret",
        ".cfi_endproc",
    )
}

/// As above, where no landing is written: every fault ends the process, with a report.
///
/// # Safety
/// As above.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) unsafe extern "C" fn enter(
    _frame: *mut Frame,
    body: Body,
    argument: *mut c_void,
) -> usize {
    // SAFETY: the caller's.
    unsafe { body(argument) };
    0
}

/// The instruction that was interrupted; 0 where that is not known.
///
/// # Safety
/// `context` is what the kernel handed to a signal handler.
pub(super) unsafe fn instruction_of(context: *mut c_void) -> usize {
    let context = context.cast::<libc::ucontext_t>();
    // SAFETY: the caller's.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        return (*context).uc_mcontext.gregs[libc::REG_RIP as usize] as usize;
        #[cfg(target_arch = "aarch64")]
        return (*context).uc_mcontext.pc as usize;
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        {
            let _ = context;
            0
        }
    }
}

/// Has the interrupted thread go on at the landing of a boundary when the signal handler returns; false
/// where that is not possible.
///
/// # Safety
/// `context` is what the kernel handed to a signal handler, and `frame` was noted by an [`enter`] of
/// that thread which has not returned.
pub(super) unsafe fn return_to(frame: &Frame, context: *mut c_void) -> bool {
    let context = context.cast::<libc::ucontext_t>();
    // SAFETY: the caller's.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        {
            /// Flags a function may rely on being clear: trap, direction, alignment check.
            const CLEAR: i64 = 0x100 | 0x400 | 0x4_0000;
            let registers = &mut (*context).uc_mcontext.gregs;
            registers[libc::REG_RSP as usize] = frame.stack_pointer as i64;
            registers[libc::REG_RIP as usize] = frame.landing as i64;
            registers[libc::REG_EFL as usize] &= !CLEAR;
            true
        }
        #[cfg(target_arch = "aarch64")]
        {
            let machine = &mut (*context).uc_mcontext;
            machine.sp = frame.stack_pointer as u64;
            machine.pc = frame.landing as u64;
            true
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        {
            let _ = (frame, context);
            false
        }
    }
}
