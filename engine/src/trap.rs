//! Hardware faults of user code: wild pointers, wrong instructions and stack overflows, caught where a
//! boundary was drawn around that code, and named.
//!
//! ```text
//!   contain ─► enter (assembly) ─► body ─► user code ─✗ fault
//!      ▲          │ landing                              │ the kernel, on a stack of its own
//!      └──────────┴── the context is rewritten ◄── on_signal
//! ```
//!
//! The frames between the fault and the boundary are abandoned: nothing in them is dropped, and whoever
//! drew the boundary decides what of the memory behind it is still believed. A fault is contained only
//! while user code runs ([`Suspects::is_running`]), not while a panic unwinds, and not inside the C
//! library or with a lock of the engine's ([`lock`]), which would stay held. Any other fault of a thread
//! with a boundary ends the process
//! with a report; faults of other threads go to whoever handled them before.
//!
//! Does not know isolates or modules: suspects name themselves.

mod boundary;
mod map;
mod lock;
mod report;
mod handler;
mod stack;

pub(crate) use handler::contain;
pub(crate) use lock::lock;
pub(crate) use stack::Armed;

use std::cell::Cell;
use std::fmt;

/// Which signal the processor's exception became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultSignal {
    /// `SIGSEGV`: memory that is not there, or not for this.
    Segment,
    /// `SIGBUS`: memory that is mapped and cannot be had.
    Bus,
    /// `SIGFPE`: a division that has no result.
    Arithmetic,
    /// `SIGILL`: no instruction.
    Illegal,
    /// `SIGTRAP`: a breakpoint nobody waits for.
    Breakpoint,
}

impl FaultSignal {
    const ALL: [Self; 5] = [
        Self::Segment,
        Self::Bus,
        Self::Arithmetic,
        Self::Illegal,
        Self::Breakpoint,
    ];

    const fn number(self) -> i32 {
        match self {
            Self::Segment => libc::SIGSEGV,
            Self::Bus => libc::SIGBUS,
            Self::Arithmetic => libc::SIGFPE,
            Self::Illegal => libc::SIGILL,
            Self::Breakpoint => libc::SIGTRAP,
        }
    }

    /// The name of the signal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Segment => "SIGSEGV",
            Self::Bus => "SIGBUS",
            Self::Arithmetic => "SIGFPE",
            Self::Illegal => "SIGILL",
            Self::Breakpoint => "SIGTRAP",
        }
    }
}

/// A fault that the processor raised. Two are equal wherever in memory they happened: that is for people,
/// and no result.
#[derive(Clone, Copy, Debug)]
pub struct HardwareFault {
    /// The signal.
    pub signal: FaultSignal,
    /// What the kernel says besides, as in `si_code`.
    pub code: i32,
    /// The address that could not be reached, or for other signals than `SIGSEGV` and `SIGBUS` the
    /// instruction's.
    pub address: usize,
    /// The instruction: its place in the program's file, as `addr2line` takes it, or its address if it
    /// lies elsewhere.
    pub instruction: usize,
    /// Whether the thread's stack was at its end.
    pub stack_overflow: bool,
}

impl PartialEq for HardwareFault {
    fn eq(&self, other: &Self) -> bool {
        let manner = |it: &Self| (it.signal, it.code, it.stack_overflow);
        manner(self) == manner(other)
    }
}

impl Eq for HardwareFault {}

impl fmt::Display for HardwareFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, at) = (self.signal.name(), self.instruction);
        if self.stack_overflow {
            return write!(f, "stack overflow ({name} in the instruction at {at:#x})");
        }
        match self.signal {
            FaultSignal::Segment | FaultSignal::Bus => {
                let address = self.address;
                write!(f, "{name} at address {address:#x}, instruction {at:#x}")
            }
            FaultSignal::Arithmetic | FaultSignal::Illegal | FaultSignal::Breakpoint => {
                write!(f, "{name} in the instruction at {at:#x}")
            }
        }
    }
}

/// Whose faults a boundary contains. The signal handler looks: nothing here may allocate, wait for a
/// lock or panic.
pub(crate) trait Suspects {
    /// Whether user code is being run, so that a fault is its own.
    fn is_running(&self) -> bool;
    /// Called once a fault is to be contained, while the frames between it and the boundary are still there.
    fn settle(&self) {}
    /// Whether such a fault is to end the process nevertheless.
    fn ends_process(&self) -> bool {
        false
    }
    /// Says who that is.
    fn name(&self, out: &mut dyn fmt::Write) -> fmt::Result;
}

/// A number that stands in memory before anything after it can fault, where whoever handles the fault
/// reads it. Costs a store.
#[derive(Default)]
pub(crate) struct Mark(Cell<usize>);

impl Mark {
    #[inline(always)]
    pub(crate) fn set(&self, value: usize) {
        // SAFETY: a cell's own place. Volatile: to a compiler that knows that the code behind does not
        // unwind, nobody would read this in between.
        unsafe { self.0.as_ptr().write_volatile(value) };
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> usize {
        // SAFETY: as above.
        unsafe { self.0.as_ptr().read_volatile() }
    }
}

#[cfg(test)]
mod tests;
