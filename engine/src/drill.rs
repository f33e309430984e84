//! Hardware faults on purpose, as a fire drill: for tests and exercises that see what a fault does to a
//! program that is built on this crate.

use crate::trap::FaultSignal;
use std::hint::black_box;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What to provoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drill {
    /// An instruction that raises the signal, for [`FaultSignal::Segment`] a write to address 16.
    Signal(FaultSignal),
    /// Calls until the thread's stack is used up.
    StackOverflow,
}

impl Drill {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Self::Signal(FaultSignal::Segment),
        Self::Signal(FaultSignal::Bus),
        Self::Signal(FaultSignal::Arithmetic),
        Self::Signal(FaultSignal::Illegal),
        Self::Signal(FaultSignal::Breakpoint),
        Self::StackOverflow,
    ];

    /// Faults, here and now. On a thread where no fault is contained, the process ends.
    ///
    /// Where a processor has no instruction that raises a signal, it is sent to the calling thread,
    /// which is not a fault and ends the process anywhere.
    pub fn provoke(self) {
        match self {
            Self::Signal(FaultSignal::Segment) => write_to_nowhere(),
            Self::Signal(FaultSignal::Bus) => read_behind_a_file(),
            Self::Signal(FaultSignal::Arithmetic) => divide_by_zero(),
            Self::Signal(FaultSignal::Illegal) => run_no_instruction(),
            Self::Signal(FaultSignal::Breakpoint) => run_into_a_breakpoint(),
            Self::StackOverflow => {
                black_box(descend(0));
            }
        }
    }
}

fn write_to_nowhere() {
    let nowhere = ptr::without_provenance_mut::<u64>(black_box(16));
    // SAFETY: it is not: nothing is ever mapped there, and the fault is what was asked for.
    unsafe { nowhere.write_volatile(1) };
}

/// A page behind the end of a file of no bytes: it is mapped, and cannot be had. Once in the life of the
/// process, since whoever asks for the fault does not come back to give it back.
fn page_behind_a_file() -> usize {
    static PAGE: AtomicUsize = AtomicUsize::new(0);
    let page = PAGE.load(Ordering::Relaxed);
    if page != 0 {
        return page;
    }
    // SAFETY: a mapping wherever there is room.
    let page = unsafe {
        let file = libc::memfd_create(c"drill".as_ptr(), libc::MFD_CLOEXEC);
        let (read, shared) = (libc::PROT_READ, libc::MAP_SHARED);
        let page = libc::mmap(ptr::null_mut(), 4096, read, shared, file, 0);
        libc::close(file);
        assert!(page != libc::MAP_FAILED, "a page can be mapped");
        page.expose_provenance()
    };
    PAGE.store(page, Ordering::Relaxed);
    page
}

fn read_behind_a_file() {
    let page = ptr::with_exposed_provenance::<u8>(black_box(page_behind_a_file()));
    // SAFETY: it is not: the fault is what was asked for.
    unsafe { page.read_volatile() };
}

fn divide_by_zero() {
    // SAFETY: it faults, as was asked for.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!(
            "xor edx, edx",
            "div {zero:e}",
            zero = in(reg) black_box(0u32),
            inout("eax") 1u32 => _,
            out("edx") _,
        );
    }
    // SAFETY: sends a signal to the calling thread.
    #[cfg(not(target_arch = "x86_64"))]
    unsafe {
        libc::raise(libc::SIGFPE);
    }
}

fn run_no_instruction() {
    // SAFETY: it faults, as was asked for.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("ud2");
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!("udf #0");
    }
    // SAFETY: sends a signal to the calling thread.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    unsafe {
        libc::raise(libc::SIGILL);
    }
}

fn run_into_a_breakpoint() {
    // SAFETY: it faults, as was asked for.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("int3");
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!("brk #0");
    }
    // SAFETY: sends a signal to the calling thread.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    unsafe {
        libc::raise(libc::SIGTRAP);
    }
}

/// Never comes back: the bound is far beyond any stack.
#[inline(never)]
fn descend(depth: u64) -> u64 {
    let frame = black_box([depth; 16]);
    if depth == u64::MAX {
        return depth;
    }
    descend(depth + 1).wrapping_add(frame[(depth % 16) as usize])
}
