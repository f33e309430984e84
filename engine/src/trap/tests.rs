//! Every fault comes back to its boundary, as often as one likes, and what is not contained ends the
//! process with a report.

use super::*;
use crate::drill::Drill;
use std::process::Command;

/// Whoever runs here is guilty.
struct Anybody {
    running: bool,
    ends_process: bool,
}

impl Suspects for Anybody {
    fn is_running(&self) -> bool {
        self.running
    }
    fn ends_process(&self) -> bool {
        self.ends_process
    }
    fn name(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        out.write_str("anybody")
    }
}

const ANYBODY: Anybody = Anybody {
    running: true,
    ends_process: false,
};

#[test]
fn every_fault_comes_back_named_and_again() {
    let _armed = Armed::this_thread().unwrap();
    let held = [1u64, 2, 3].map(std::hint::black_box);
    for round in 0..3 {
        for drill in Drill::ALL {
            let fault = contain(&ANYBODY, || drill.provoke()).unwrap_err();
            let expected = match drill {
                Drill::Signal(signal) => (signal, false),
                Drill::StackOverflow => (FaultSignal::Segment, true),
            };
            assert_eq!(
                (fault.signal, fault.stack_overflow),
                expected,
                "round {round}"
            );
            if drill == Drill::Signal(FaultSignal::Segment) {
                assert_eq!(fault.address, 16);
            }
            assert_ne!(fault.instruction, 0);
        }
    }
    assert_eq!(held, [1, 2, 3]);
    assert_eq!(contain(&ANYBODY, || 5), Ok(5));
}

#[test]
fn a_fault_leads_to_the_innermost_boundary() {
    let _armed = Armed::this_thread().unwrap();
    let outer = contain(&ANYBODY, || {
        let inner = contain(&ANYBODY, || Drill::StackOverflow.provoke());
        assert!(inner.unwrap_err().stack_overflow);
        let inner = contain(&ANYBODY, || 7).unwrap();
        Drill::Signal(FaultSignal::Illegal).provoke();
        inner
    });
    assert_eq!(outer.unwrap_err().signal, FaultSignal::Illegal);
}

#[test]
fn a_panic_goes_through_a_boundary() {
    let _armed = Armed::this_thread().unwrap();
    let panicked = std::panic::catch_unwind(|| contain(&ANYBODY, || panic!("on purpose")));
    assert_eq!(
        *panicked.unwrap_err().downcast::<&str>().unwrap(),
        "on purpose"
    );
    assert!(contain(&ANYBODY, || Drill::StackOverflow.provoke()).is_err());
}

#[test]
fn threads_fault_at_once() {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let _armed = Armed::this_thread().unwrap();
                for _ in 0..50 {
                    for drill in Drill::ALL {
                        contain(&ANYBODY, || drill.provoke()).unwrap_err();
                    }
                }
            });
        }
    });
}

/// Set for the process that is to end.
const CASE: &str = "TINA_TRAP_CASE";

/// Faults while a panic unwinds.
struct FaultsInDrop;
impl Drop for FaultsInDrop {
    fn drop(&mut self) {
        Drill::Signal(FaultSignal::Segment).provoke();
    }
}

/// Says its name by way of a fault.
struct Unspeakable;
impl Suspects for Unspeakable {
    fn is_running(&self) -> bool {
        Drill::Signal(FaultSignal::Illegal).provoke();
        true
    }
    fn name(&self, _: &mut dyn fmt::Write) -> fmt::Result {
        Ok(())
    }
}

/// What the other process does; not a test of its own.
#[test]
fn end_in_a_fault() {
    let Ok(case) = std::env::var(CASE) else {
        return;
    };
    let _armed = Armed::this_thread().unwrap();
    let segment = || Drill::Signal(FaultSignal::Segment).provoke();
    match case.as_str() {
        "engine" => {
            let nobody = Anybody {
                running: false,
                ..ANYBODY
            };
            contain(&nobody, segment).ok();
        }
        "policy" => {
            let ends = Anybody {
                ends_process: true,
                ..ANYBODY
            };
            contain(&ends, segment).ok();
        }
        "unwinding" => {
            let _ = contain(&ANYBODY, || {
                let _faults = FaultsInDrop;
                panic!("on purpose");
            });
        }
        "nested" => {
            contain(&Unspeakable, segment).ok();
        }
        "library" => {
            // A wild pointer that the allocator follows.
            // SAFETY: it is not: the fault is what the test is about.
            contain(&ANYBODY, || unsafe {
                libc::free(std::ptr::without_provenance_mut(1 << 20))
            })
            .ok();
        }
        "locked" => {
            let mutex = std::sync::Mutex::new(());
            contain(&ANYBODY, || {
                let _held = lock(&mutex);
                segment();
            })
            .ok();
        }
        "unbounded" => segment(),
        "sent" => {
            // Whoever handled it before lets one pass.
            for _ in 0..2 {
                // SAFETY: a signal to this thread, which is no fault.
                let sent = contain(&ANYBODY, || unsafe { libc::raise(libc::SIGSEGV) });
                assert_eq!(sent, Ok(0));
            }
        }
        other => panic!("no case {other}"),
    }
    println!("still here");
}

#[test]
fn what_is_not_contained_ends_the_process_and_says_why() {
    use std::os::unix::process::ExitStatusExt;
    let cases = [
        ("engine", "it is the engine's own", libc::SIGSEGV),
        (
            "policy",
            "hardware fault of anybody: SIGSEGV at address 0x10",
            libc::SIGSEGV,
        ),
        ("unwinding", "while a panic was unwinding", libc::SIGSEGV),
        (
            "nested",
            "a fault (signal 4) while one was handled",
            libc::SIGILL,
        ),
        (
            "library",
            "in the C library, whose locks may be held",
            libc::SIGSEGV,
        ),
        ("locked", "with a lock of the engine held", libc::SIGSEGV),
        ("unbounded", "", libc::SIGSEGV),
        ("sent", "", libc::SIGSEGV),
    ];
    for (case, text, signal) in cases {
        let program = std::env::current_exe().unwrap();
        let output = Command::new(program)
            .args(["--exact", "trap::tests::end_in_a_fault", "--nocapture"])
            .env(CASE, case)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(signal), "{case}: {said}");
        assert!(said.contains(text), "{case}: {said}");
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(!shown.contains("still here"), "{case}");
    }
}
