//! The signal handler, and the boundaries it returns to.
//!
//! A thread's innermost boundary hangs in a thread-local cell that has neither a constructor nor a
//! destructor, so that the handler can read it at any time.

use super::boundary::{Frame, enter, instruction_of, return_to};
use super::lock;
use super::map;
use super::report::report;
use super::{FaultSignal, HardwareFault, Suspects};
use std::cell::{Cell, UnsafeCell};
use std::ffi::c_void;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::Once;
use std::thread;

#[repr(C)]
struct Boundary<'a> {
    frame: Frame,
    outer: *const Boundary<'static>,
    suspects: &'a dyn Suspects,
    fault: Cell<Option<HardwareFault>>,
}

thread_local! {
    static INNERMOST: Cell<*const Boundary<'static>> = const { Cell::new(ptr::null()) };
    static GUARD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
    static HANDLING: Cell<bool> = const { Cell::new(false) };
}

/// Remembers where the calling thread's stack ends.
pub(super) fn set_guard(guard: Range<usize>) {
    GUARD.set((guard.start, guard.end));
}

/// Runs `body` on a thread that is [armed](super::Armed). A hardware fault of the suspects that happens
/// in it is the error; then everything that `body` had on the stack is abandoned, not dropped.
pub(crate) fn contain<R>(
    suspects: &dyn Suspects,
    body: impl FnOnce() -> R,
) -> Result<R, HardwareFault> {
    struct Call<F, R> {
        body: Option<F>,
        outcome: Option<thread::Result<R>>,
    }
    unsafe extern "C" fn run<F: FnOnce() -> R, R>(call: *mut c_void) {
        // SAFETY: `contain` hands in its call, which it does not touch meanwhile.
        let call = unsafe { &mut *call.cast::<Call<F, R>>() };
        let body = call.body.take().expect("a call is made once");
        call.outcome = Some(catch_unwind(AssertUnwindSafe(body)));
    }
    fn runner<F: FnOnce() -> R, R>(_: &Call<F, R>) -> super::boundary::Body {
        run::<F, R>
    }
    let mut call = ManuallyDrop::new(Call {
        body: Some(body),
        outcome: None,
    });
    let run = runner(&call);
    let outer = INNERMOST.get();
    let mut boundary = Boundary {
        frame: Frame::EMPTY,
        outer,
        suspects,
        fault: Cell::new(None),
    };
    let place = &raw mut boundary;
    INNERMOST.set(place.cast_const().cast());
    // SAFETY: the frame is the first field of the boundary, which stays here; `run` takes this call.
    let faulted = unsafe { enter(place.cast(), run, (&raw mut *call).cast()) };
    INNERMOST.set(outer);
    if faulted != 0 {
        // SAFETY: it is still here; the handler has filled it in.
        let fault = unsafe { (*place).fault.take() };
        return Err(fault.expect("only the handler leads to the landing"));
    }
    let outcome = ManuallyDrop::into_inner(call).outcome;
    match outcome.expect("the body has returned") {
        Ok(value) => Ok(value),
        Err(payload) => resume_unwind(payload),
    }
}

/// Who handled the signals before, in the order of [`FaultSignal::ALL`].
struct Previous([UnsafeCell<MaybeUninit<libc::sigaction>>; FaultSignal::ALL.len()]);

// SAFETY: written by `install` before any handler can read it.
unsafe impl Sync for Previous {}

static PREVIOUS: Previous =
    Previous([const { UnsafeCell::new(MaybeUninit::uninit()) }; FaultSignal::ALL.len()]);

/// Installs the handler, once in the life of the process.
pub(super) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        map::draw();
        for (signal, previous) in FaultSignal::ALL.into_iter().zip(&PREVIOUS.0) {
            let number = signal.number();
            // SAFETY: asks who handles the signal, and then says that we do; the mask is empty, as the
            // zeros are. Not deferred: a fault of the handler is to be seen by it.
            unsafe {
                libc::sigaction(number, ptr::null(), previous.get().cast());
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = on_signal as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
                libc::sigaction(number, &raw const action, ptr::null_mut());
            }
        }
    });
}

unsafe extern "C" fn on_signal(number: i32, info: *mut libc::siginfo_t, context: *mut c_void) {
    let boundary = INNERMOST.get();
    // SAFETY: the kernel's.
    let code = unsafe { (*info).si_code };
    // What somebody sent is no fault, wherever it hits.
    let is_fault = code > 0;
    if boundary.is_null() || !is_fault {
        // SAFETY: what the kernel handed to us.
        return unsafe { pass_on(number, is_fault, info, context) };
    }
    if HANDLING.replace(true) {
        report(|out| {
            writeln!(
                out,
                "tina-engine: a fault (signal {number}) while one was handled"
            )
        });
        end(number);
    }
    // SAFETY: the kernel's, for a signal that has an address.
    let (instruction, address) = unsafe { (instruction_of(context), (*info).si_addr().addr()) };
    let signal = FaultSignal::ALL
        .into_iter()
        .find(|it| it.number() == number);
    let (low, high) = GUARD.get();
    let fault = HardwareFault {
        signal: signal.expect("installed for these only"),
        code,
        address,
        instruction: map::in_file(instruction),
        stack_overflow: (low..high).contains(&address),
    };
    // SAFETY: the boundary is on the stack of this thread, below the fault.
    let boundary = unsafe { &*boundary };
    let Err(why) = judge(boundary.suspects, instruction) else {
        boundary.suspects.settle();
        boundary.fault.set(Some(fault));
        // SAFETY: the innermost boundary's `enter` has not returned.
        if unsafe { return_to(&boundary.frame, context) } {
            INNERMOST.set(boundary.outer);
            HANDLING.set(false);
            return;
        }
        return tell_and_end(
            boundary,
            &fault,
            "this processor's faults cannot be contained",
        );
    };
    tell_and_end(boundary, &fault, why);
}

/// Why a fault cannot be contained.
fn judge(suspects: &dyn Suspects, instruction: usize) -> Result<(), &'static str> {
    if !suspects.is_running() {
        Err("it is the engine's own, please report it")
    } else if suspects.ends_process() {
        Err("what it may have written to cannot be believed any more")
    } else if thread::panicking() {
        Err("it happened while a panic was unwinding")
    } else if map::may_hold_lock(instruction) {
        Err("it happened in the C library, whose locks may be held")
    } else if lock::is_held() {
        Err("it happened with a lock of the engine held")
    } else {
        Ok(())
    }
}

fn tell_and_end(boundary: &Boundary<'_>, fault: &HardwareFault, why: &str) {
    report(|out| {
        write!(out, "tina-engine: hardware fault")?;
        if boundary.suspects.is_running() {
            write!(out, " of ")?;
            boundary.suspects.name(out)?;
        }
        writeln!(out, ": {fault} (code {})", fault.code)?;
        writeln!(out, "tina-engine: the process ends: {why}")
    });
    end(fault.signal.number());
}

/// Ends the process as the signal would have.
fn end(number: i32) {
    // SAFETY: the default is to end the process, with a core file where the host keeps some.
    unsafe {
        libc::signal(number, libc::SIG_DFL);
        libc::raise(number);
    }
}

/// Hands a signal to whoever handled it before.
///
/// # Safety
/// With what the kernel handed to the handler.
unsafe fn pass_on(number: i32, is_fault: bool, info: *mut libc::siginfo_t, context: *mut c_void) {
    let index = FaultSignal::ALL.iter().position(|it| it.number() == number);
    let index = index.expect("installed for these only");
    // SAFETY: filled in before the handler was installed.
    let previous = unsafe { (*PREVIOUS.0[index].get()).assume_init() };
    match previous.sa_sigaction {
        libc::SIG_DFL => end(number),
        // The kernel lets nobody ignore a fault: the instruction would be begun again for ever.
        libc::SIG_IGN if is_fault => end(number),
        libc::SIG_IGN => {}
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: whoever installed it said that it takes three arguments.
            let handler: unsafe extern "C" fn(i32, *mut libc::siginfo_t, *mut c_void) =
                unsafe { std::mem::transmute(handler) };
            // SAFETY: the caller's.
            unsafe { handler(number, info, context) };
        }
        handler => {
            // SAFETY: whoever installed it said that it takes one argument.
            let handler: unsafe extern "C" fn(i32) = unsafe { std::mem::transmute(handler) };
            // SAFETY: the caller's.
            unsafe { handler(number) };
        }
    }
}
